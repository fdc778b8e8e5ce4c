"""Errors that end the tool with a message and without a traceback."""


class VaultError(Exception):
    """A fault that an operator can fix.  The message contains no secret."""

    status = 1

    # the error code of Redis, if Redis has refused a command
    code = None


class UsageError(VaultError):
    """The command line is wrong."""

    status = 2
