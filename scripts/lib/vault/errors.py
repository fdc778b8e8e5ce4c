"""What ends the tool with a message and without a traceback."""


class VaultError(Exception):
    """Something that an operator can mend.

    The message never has a secret in it.
    """

    status = 1


class UsageError(VaultError):
    """A command line that makes no sense."""

    status = 2
