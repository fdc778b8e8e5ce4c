"""Files with secrets in them, read as the module reads them."""

import os
import stat

from .errors import VaultError

KEYS_MAX = 16384
SECRET_MAX = 4096


def read(path, size_max):
    """The file's bytes, if nobody but its owner can read them."""
    try:
        # a FIFO must not block
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise VaultError(f'cannot open "{path}": {error.strerror}') from None

    with open(fd, 'rb') as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise VaultError(f'"{path}" is no regular file')
        if info.st_mode & 0o077:
            raise VaultError(f'"{path}" is open to others than its owner, '
                             f'use "chmod 600 {path}"')
        if info.st_size > size_max:
            raise VaultError(f'"{path}" is larger than {size_max} bytes, so '
                             'it is not what is meant')
        return file.read()


def read_line(path):
    """The one secret in a file, as bytes."""
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
        raise VaultError(f'there is an empty secret in "{where}"')
    if any(byte < 0x20 or byte == 0x7f for byte in secret):
        raise VaultError('there is a control byte or a second line in '
                         f'"{where}", which must hold the secret alone')
    return secret
