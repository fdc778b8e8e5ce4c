"""One Redis server, and the connection to it."""

import ssl

import redis
from redis.exceptions import (AuthenticationError, BusyLoadingError,
                              ConnectionError, NoPermissionError,
                              ReadOnlyError, RedisError, ResponseError,
                              TimeoutError)

from .errors import VaultError
from .text import shown

TIMEOUT = 10

# errors that are temporary, or that another server would not give
PASSING = ('LOADING', 'READONLY', 'CLUSTERDOWN', 'TRYAGAIN', 'MASTERDOWN',
           'BUSY', 'NOREPLICAS')

# redis-py takes the code out of the texts of these errors
CODES = {
    'AskError': 'ASK',
    'ClusterCrossSlotError': 'CROSSSLOT',
    'ClusterDownError': 'CLUSTERDOWN',
    'MasterDownError': 'MASTERDOWN',
    'MovedError': 'MOVED',
    'NoScriptError': 'NOSCRIPT',
    'OutOfMemoryError': 'OOM',
    'TryAgainError': 'TRYAGAIN',
}

# texts of errors about a permission that a script lacks, before Redis 7.2 and
# since
DENIED_IN_SCRIPT = ('The user executing the script can\'t ',
                    'ACL failure in script: ')


class Passing(Exception):
    """A temporary error: try again, perhaps at another server."""

    # the error code of Redis, if Redis has refused a command
    code = None


class Elsewhere(Exception):
    """MOVED or ASK: another node has the key."""

    def __init__(self, code, slot, address):
        super().__init__(code)
        self.asking = code == 'ASK'
        self.slot = int(slot)
        host, _, port = address.rpartition(':')
        self.host, self.port = host, int(port)


class TlsConnection(redis.Connection):
    """A connection over TLS that verifies the certificate and its name."""

    def __init__(self, tls_name, trusted_certificate, **kwargs):
        super().__init__(**kwargs)
        self._tls_name = tls_name
        self._context = tls_context(trusted_certificate)

    def _connect(self):
        sock = super()._connect()
        name = self._tls_name or self.host
        try:
            return self._context.wrap_socket(sock, server_hostname=name)
        except ssl.SSLCertVerificationError as error:
            sock.close()
            raise VaultError(f'the certificate of {self.host}:{self.port} is '
                             f'not valid for "{name}": '
                             f'{error.verify_message}') from None
        except BaseException:
            sock.close()
            raise


def tls_context(trusted_certificate):
    try:
        context = ssl.create_default_context(cafile=trusted_certificate)
    except OSError:
        raise VaultError('cannot load the certificates of '
                         f'"{trusted_certificate}"') from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def parts_of(error):
    """Returns the code of an error and the rest of its text."""
    text = str(error)
    code = CODES.get(type(error).__name__)
    if code:
        return code, text.removeprefix(f'{code} ')
    code, _, rest = text.partition(' ')
    return code, rest


class Address:
    """The address of a server that another server has named."""

    path = None

    def __init__(self, host, port, tls, db=0):
        self.host, self.port, self.tls, self.db = host, port, tls, db


class Server:
    """A Redis server.  It decodes no replies and repeats no commands."""

    def __init__(self, where, username, password, settings):
        kwargs = {'username': username, 'password': password, 'db': where.db,
                  'socket_timeout': TIMEOUT}
        self.host = where.host
        if where.path:
            self.name = f'unix:{where.path}'
            self._connection = redis.UnixDomainSocketConnection(
                path=where.path, **kwargs)
        else:
            self.name = f'{where.host}:{where.port}'
            kwargs.update(host=where.host, port=where.port,
                          socket_connect_timeout=settings.connect_timeout)
            self._connection = redis.Connection(**kwargs) if not where.tls \
                else TlsConnection(settings.tls_name,
                                   settings.trusted_certificate, **kwargs)
        # redis-py must not send CLIENT SETINFO, for which the users of
        # conf/redis/ have no permission
        self._connection.lib_name = self._connection.lib_version = None

    def call(self, *args):
        reply = self.calls([args])[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    def calls(self, commands):
        """Returns the replies in order.  A command that failed has its error
        as the reply."""
        connection = self._connection
        try:
            connection.connect()
            connection.send_packed_command(connection.pack_commands(commands))
            return [self._reply() for _ in commands]
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise self._meaning(error) from None
        except BaseException:
            # after a failure in the middle of a reply the connection is no
            # longer usable
            connection.disconnect()
            raise

    def _reply(self):
        try:
            return self._connection.read_response()
        except (AuthenticationError, BusyLoadingError,
                ResponseError) as error:
            return self._meaning(error)

    def _meaning(self, error):
        """Returns the exception for an error.  Its text repeats nothing that
        was sent."""
        code, rest = parts_of(error)

        if code in ('MOVED', 'ASK'):
            return Elsewhere(code, *rest.split()[:2])
        if isinstance(error, AuthenticationError) \
                or code in ('WRONGPASS', 'NOAUTH'):
            return VaultError(f'{self.name} refuses the login (user name or '
                              'password)')
        if isinstance(error, NoPermissionError) \
                or str(error).startswith(DENIED_IN_SCRIPT):
            return VaultError(
                f'the user at {self.name} lacks a permission; this tool needs '
                'more than nginx does, see --username and --password-file')
        if isinstance(error, ReadOnlyError):
            return self._refusal(Passing, 'is a replica', 'READONLY')
        if isinstance(error, BusyLoadingError):
            return self._refusal(Passing, 'says LOADING', 'LOADING')
        if isinstance(error, (ConnectionError, TimeoutError, OSError)):
            return Passing(f'{self.name} does not answer')
        # the text behind an error's code may repeat arguments
        code = shown(code.encode('utf-8', 'replace')) if code.isupper() \
            else 'ERR'
        if code in PASSING:
            return self._refusal(Passing, f'says {code}', code)
        return self._refusal(VaultError, f'refuses a command: {code}', code)

    def _refusal(self, kind, text, code):
        error = kind(f'{self.name} {text}')
        error.code = code
        return error

    def info(self, section):
        """Returns a section of INFO as { name: value }."""
        lines = self.call('INFO', section).decode('utf-8', 'replace')
        return dict(line.split(':', 1) for line in lines.splitlines()
                    if ':' in line)

    def close(self):
        self._connection.disconnect()
