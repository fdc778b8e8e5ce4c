"""The module's Lua scripts, word for word.

Each lua/NAME.lua is a copy from the C source, which explains it
(core/vault/cigna_scripts.c).  t/unit/vault/test_tool.c checks that copy and
source are equal.
"""

import os

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lua')


class Script:
    """A script.  The tool calls it by EVAL, because it makes few calls."""

    def __init__(self, name, keys):
        with open(os.path.join(DIRECTORY, f'{name}.lua'), 'rb') as file:
            self.text = file.read()
        self._keys = keys

    def command(self, *args):
        """Returns a command for Store.calls().  The keys are the first
        arguments."""
        return args[0], ('EVAL', self.text, self._keys, *args)

    def run(self, store, *args):
        key, command = self.command(*args)
        return store.call(key, *command)


VAULT_CHECK = Script('vault_check', 1)
GRANT_RESEAL = Script('grant_reseal', 1)
GRANT_DELETE = Script('grant_delete', 2)
