"""Reads files with secrets, by the same rules as the module."""

import os
import stat

from .errors import VaultError

KEYS_MAX = 16384
SECRET_MAX = 4096


def read(path, size_max):
    """Returns the file's bytes.  Only its owner may be able to read it."""
    try:
        # a FIFO must not block
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise VaultError(f'cannot open "{path}": {error.strerror}') from None

    with open(fd, 'rb') as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise VaultError(f'"{path}" is not a regular file')
        if info.st_mode & 0o077:
            raise VaultError(f'"{path}" is open to others than its owner, '
                             f'use "chmod 600 {path}"')
        if info.st_size > size_max:
            raise VaultError(f'"{path}" is larger than {size_max} bytes: is '
                             'it the right file?')
        return file.read()


def read_line(path):
    """Returns the single secret in a file, as bytes."""
    line = read(path, SECRET_MAX)
    if line.endswith(b'\n'):
        line = line[:-1].removesuffix(b'\r')
    return checked(line, path)


def from_environment(name):
    value = os.environb.get(name.encode())
    if value is None:
        raise VaultError(f'"{name}" is not in the environment')
    return checked(value, name)


def checked(secret, where):
    if not secret:
        raise VaultError(f'the secret in "{where}" is empty')
    if any(byte < 0x20 or byte == 0x7f for byte in secret):
        raise VaultError(f'"{where}" has a control byte or a second line, '
                         'but must hold only the secret')
    return secret
