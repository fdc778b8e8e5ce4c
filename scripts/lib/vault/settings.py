"""The settings of scripts/vault, from nginx's configuration and from options.
"""

import re
from urllib.parse import urlsplit

from . import files
from .errors import UsageError, VaultError
from .keyring import KeyRing
from .layout import PREFIX
from .nginx_conf import Reader, every

NAME = re.compile(r'[A-Za-z0-9_.-]{1,64}')

PRESETS = {
    'sandbox': {
        'fhir_base': 'https://fhir.cigna.com/PatientAccess/v1-devportal',
        'token_endpoint':
            'https://r-hi2.cigna.com/mga/sps/oauth/oauth20/token',
        'revocation_endpoint':
            'https://r-hi2.cigna.com/mga/sps/oauth/oauth20/revoke',
    },
    'production': {
        'fhir_base': 'https://fhir.cigna.com/PatientAccess/v1',
    },
}

# These settings name a tenant's authorization server.  If one of them names
# another server than the preset, the preset's endpoints do not apply.
SERVER = ('authorization_endpoint', 'token_endpoint', 'issuer')

UNITS_MS = {'': 1000, 'ms': 1, 's': 1000, 'm': 60000, 'h': 3600000}


def origin(url):
    """Returns scheme, host and port.  Two URLs are on one server if these are
    equal."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise VaultError(f'"{url}" is not a URL') from None
    return (parts.scheme.lower(), parts.hostname,
            port or {'http': 80, 'https': 443}.get(parts.scheme.lower()))


class Url:
    """redis://host[:port][/db], rediss://..., unix:/path[:db]"""

    FORM = re.compile(r'(rediss?)://(\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+)'
                      r'(?::(\d{1,5}))?(?:/(\d{0,5}))?')
    UNIX = re.compile(r'unix:(/[^:]*)(?::(\d{1,5}))?')

    def __init__(self, text, port=6379):
        self.text = text
        self.path = self.host = None
        self.tls = False

        unix = self.UNIX.fullmatch(text)
        form = self.FORM.fullmatch(text)
        if unix:
            self.path = unix[1]
            self.db = int(unix[2] or 0)
        elif form:
            self.tls = form[1] == 'rediss'
            self.host = form[2].strip('[]')
            self.port = int(form[3] or port)
            self.db = int(form[4] or 0)
        else:
            raise UsageError(
                f'"{text}" is not the address of a Redis server, write '
                '"rediss://host:port/0", "redis://..." or "unix:/path"; user '
                'and password come from files')


class Block:
    """The directives of a block.  `values` maps each name to a list, which has
    the list of arguments of each directive with that name."""

    def __init__(self, directive):
        self.place = directive.place
        self.directives = directive.block
        self.values = {}
        for one in directive.block:
            self.values.setdefault(one.name, []).append(one.args)

    def all(self, name):
        return [args[0] for args in self.values.get(name, []) if args]

    def one(self, name, default=None):
        return (self.all(name) or [default])[0]

    def in_order(self, *names):
        """Returns name and first argument of the directives with these names,
        in the order of the file."""
        return [(one.name, one.args[0]) for one in self.directives
                if one.name in names and one.args]

    def flag(self, name):
        return self.one(name) == 'on'

    def seconds(self, name, default):
        text = self.one(name)
        if text is None:
            return default
        match = re.fullmatch(r'(\d+)(ms|s|m|h|)', text)
        if not match:
            raise VaultError(f'{self.place}: "{name}" has "{text}", which is '
                             'not a time')
        return int(match[1]) * UNITS_MS[match[2]] / 1000


class Blockless:
    """A tenant of which only the name is known.  Its grants can be opened, and
    deleted, but not revoked."""

    revocation_endpoint = token_endpoint = None
    issuer = client_id = fhir_base = ''
    has_block = False

    def __init__(self, name):
        self.name = name


class Tenant:
    """The part of a tenant's settings that opening and revoking need."""

    has_block = True

    def __init__(self, name, block, reader):
        self.name = name
        self.place = block.place
        self._block = block
        self._reader = reader
        self._preset = self._presets()
        self.client_id = block.one('client_id', '')
        self.issuer = block.one('issuer', '')
        self.fhir_base = self._value('fhir_base', '').rstrip('/')
        self.token_endpoint = self._value('token_endpoint')
        self.revocation_endpoint = self._value('revocation_endpoint')
        self.insecure_http = block.flag('insecure_http')
        self.connect_timeout = block.seconds('connect_timeout', 5)
        self.timeout = block.seconds('timeout', 10)
        trusted = block.one('trusted_certificate')
        self.trusted_certificate = trusted and reader.path(trusted)

    def _presets(self):
        """Returns all presets of the environment, or fhir_base alone if the
        tenant names another server."""
        presets = PRESETS.get(self._block.one('environment'), {})
        ours = [origin(url) for url in presets.values()]
        given = filter(None, (self._block.one(name) for name in SERVER))
        if all(origin(url) in ours for url in given):
            return presets
        return {name: presets[name] for name in presets
                if name == 'fhir_base'}

    def _value(self, name, default=None):
        return self._block.one(name) or self._preset.get(name, default)

    @property
    def auth_method(self):
        return self._block.one(
            'token_endpoint_auth_method',
            'client_secret_post' if self._secret_sources else 'none')

    @property
    def _secret_sources(self):
        return self._block.in_order('client_secret_file', 'client_secret_env')

    def client_secrets(self):
        """Returns the secrets, the new one first.  Only revoking reads them.
        """
        if not self._secret_sources:
            raise VaultError(f'tenant "{self.name}" has no client secret')
        return [files.read_line(self._reader.path(source))
                if name == 'client_secret_file'
                else files.from_environment(source)
                for name, source in self._secret_sources]


class Settings:
    """All settings.  Options override the configuration."""

    def __init__(self, options):
        self.tenants = {}
        block, reader = None, None

        if options.conf:
            block, reader = self._read(options.conf)
        elif not options.redis or not options.keys:
            raise UsageError('name the vault: -c nginx.conf, or --redis URL '
                             'and --keys FILE')

        self.saved = self._saved(options.saved or [], reader)

        # a login given by options replaces the whole configured login
        login = ('username', 'username_file', 'password_file')
        other_login = any(getattr(options, name) for name in login)

        def value(name, default=None, path=False):
            given = getattr(options, name, None)
            if given is not None:
                return given
            given = block.one(name) if block else None
            if given is None or name in login and other_login:
                return default
            return reader.path(given) if path else given

        self._redis(options, block)
        self._login(value)
        self.trusted_certificate = value('trusted_certificate', path=True)
        self.tls_name = value('tls_name')
        self.connect_timeout = block.seconds('connect_timeout', 5) \
            if block else 5
        self.prefix = value('prefix', 'cigna')
        self.keys = value('keys', path=True)

        if not PREFIX.fullmatch(self.prefix):
            raise VaultError(f'"{self.prefix}" is not a prefix, use at most '
                             '32 letters, digits, "-", "_", "." and ":"')
        if not self.keys:
            raise VaultError('there is no "keys" in cigna_vault and no --keys')
        self.ring = self._ring()

    def _read(self, conf):
        reader = Reader(conf)
        blocks = list(every(reader.directives, 'cigna_vault'))
        if len(blocks) != 1:
            how_many = 'more than one' if blocks else 'no'
            raise VaultError(f'there is {how_many} cigna_vault in "{conf}"')

        self.tenants = dict(self._tenants(reader, reader))
        return Block(blocks[0]), reader

    @staticmethod
    def _tenants(reader, base):
        """Yields (name, tenant).  Names of files are relative to base."""
        for directive in every(reader.directives, 'cigna_tenant'):
            name = (directive.args or [''])[0]
            if not NAME.fullmatch(name):
                raise VaultError(f'{directive.place}: cigna_tenant needs a '
                                 'name')
            yield name, Tenant(name, Block(directive), base)

    def allow(self, name):
        """Adds a tenant without a block, if there is none with this name."""
        if not NAME.fullmatch(name):
            raise UsageError('a tenant cannot have this name')
        self.tenants.setdefault(name, Blockless(name))

    def _saved(self, files_, base):
        """Adds the tenants of saved blocks.  Returns the names of those that
        the configuration lacks."""
        added = {}
        for path in files_:
            reader = Reader(path)
            found = dict(self._tenants(reader, base or reader))
            if not found:
                raise VaultError(f'there is no cigna_tenant in "{path}"')
            added.update(found)
        names = {name for name in added if name not in self.tenants}
        self.tenants.update({name: added[name] for name in names})
        return names

    def _redis(self, options, block):
        conf = block if block and not options.redis else None
        self.seeds = [Url(text) for text in
                      (conf.all('redis') if conf else options.redis)]
        self.cluster = options.cluster or bool(conf and conf.flag('cluster'))
        self.sentinels = [Url(text, 26379) for text in
                          (conf.all('sentinel') if conf
                           else options.sentinel or [])]
        self.sentinel_master = options.sentinel_master \
            or (conf.one('sentinel_master') if conf else None)
        if not self.seeds and not self.sentinels:
            raise VaultError('there is no "redis" in cigna_vault')
        if bool(self.sentinels) != bool(self.sentinel_master):
            raise VaultError('the addresses of Sentinels and the name of their '
                             'master are needed together')

    def _login(self, value):
        def secret(name):
            path = value(name, path=True)
            return path and files.read_line(path)

        def user(name):
            given = value(name)
            return given.encode() if given else secret(f'{name}_file')

        self.username = user('username')
        self.password = secret('password_file')
        self.sentinel_username = user('sentinel_username')
        self.sentinel_password = secret('sentinel_password_file')

        if self.username and not self.password:
            raise VaultError('there is a user name without a password, add '
                             '--password-file FILE')

    def _ring(self):
        try:
            return KeyRing(files.read(self.keys, files.KEYS_MAX).decode(
                'ascii', 'replace'))
        except VaultError as error:
            raise VaultError(f'key ring "{self.keys}": {error}') from None
