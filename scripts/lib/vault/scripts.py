"""The module's Lua scripts, word for word.

lua/NAME.lua is written by scripts/lib/lua from the C source, which is where
they are kept; scripts/check holds both against each other.
"""

import os

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lua')


class Script:
    """EVAL: the few calls of this tool need no EVALSHA."""

    def __init__(self, name, keys):
        with open(os.path.join(DIRECTORY, f'{name}.lua'), 'rb') as file:
            self.text = file.read()
        self._keys = keys

    def command(self, *args):
        """A command for Store.calls(); the keys first."""
        return args[0], ('EVAL', self.text, self._keys, *args)

    def run(self, store, *args):
        key, command = self.command(*args)
        return store.call(key, *command)


VAULT_CHECK = Script('vault_check', 1)
GRANT_RESEAL = Script('grant_reseal', 1)
GRANT_DELETE = Script('grant_delete', 2)
