"""`pauses`: shows and ends the pauses that Cigna has asked for.

ngx_cigna_module/core/budget/cigna_budget_scripts.c describes the entries.  The
field h:<tenant> is the pause of a tenant that got a 429.  The field o:<origin>
is the pause of all tenants of a server that answered 503 with Retry-After.  A
value:

    began from until level at confirmed asked ended status seconds origin tenant

Gateways before 0.6.0 write the field a, and only the first five numbers.
"""

import re
from urllib.parse import urlsplit

from .errors import UsageError
from .text import shown, utc

SCAN_COUNT = 500
BAD_MAX = 20
DEFAULT_PORTS = {'https': 443, 'http': 80}

NUMBERS = rb'(\d{1,16}) (\d{1,16}) (\d{1,16}) \d{1,16} (\d{1,16})'
ENTRY = re.compile(NUMBERS + rb'(?: ([01]) (\d{1,16}) \d{1,16} (.*))?',
                   re.DOTALL)
CAUSE = re.compile(rb'(\d{1,3}) (-|\d{1,9}) ([\x21-\x7e]{1,511}) '
                   rb'([\x21-\x7e]{1,255})')
NAME = re.compile(rb'[\x21-\x7e]{1,511}')

# Ends a pause: writes an entry that is newer than the one that gateways know,
# so that they take over the new one.  Afterwards no reply can confirm the ended
# pause.  Key: the budgets.  Arguments: field, and the end of the entry.
# Returns 1 if the pause had not ended yet.
END = b'''local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
local till = redis.call('HGET', KEYS[1], ARGV[1]) or ''
till = tonumber(string.match(till, '^%d+ %d+ (%d+)') or '0')
redis.call('HSET', KEYS[1], ARGV[1], now .. ' ' .. now .. ' ' .. now .. ' 0 '
           .. now .. ' 0 ' .. now .. ' ' .. now .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], 172800000)
return till > tonumber(now) and 1 or 0
'''


def origin_of(url):
    """Returns the origin of a URL as gateways write it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(''), None
    host = parts.hostname or ''
    if parts.scheme not in DEFAULT_PORTS or not host or parts.username \
            or not NAME.fullmatch(host.encode('utf-8', 'replace')):
        raise UsageError('--end needs an origin, such as '
                         'https://fhir.cigna.com')
    host = f'[{host}]' if ':' in host else host
    rest = '' if port in (None, DEFAULT_PORTS[parts.scheme]) else f':{port}'
    return f'{parts.scheme}://{host}{rest}'


class Bad(Exception):
    """The field is not a pause."""


class Pause:
    def __init__(self, field, value):
        """All times are microseconds by the clock of Redis."""
        entry = ENTRY.fullmatch(value)
        if not entry or not NAME.fullmatch(field):
            raise Bad
        self.began, self.since, self.until, _ = map(int, entry.groups()[:4])
        self.field = field
        self.confirmed = entry[5] == b'1'
        self.asked = int(entry[6] or self.until)
        self.older = entry[5] is None
        self.origin = self.tenant = self.status = self.retry_after = None
        self.by = None
        self._names(entry[7])

    def _names(self, cause):
        if cause:
            match = CAUSE.fullmatch(cause)
            if not match:
                raise Bad
            status, seconds, origin, by = (one.decode() for one
                                           in match.groups())
            self.origin, self.by, self.status = origin, by, int(status)
            self.retry_after = None if seconds == '-' else int(seconds)

        kind, _, name = self.field.decode().partition(':')
        if kind == 'h':
            self.tenant = name
        elif kind == 'o':
            if self.origin not in (None, name):
                raise Bad
            self.origin = name
        else:
            self.origin = '*'

    def as_json(self, now):
        return {
            'origin': self.origin,
            'tenant': self.tenant,
            'since_ms': self.since // 1000,
            'until_ms': self.until // 1000,
            'left_s': -(-(self.until - now) // 1000000),
            'status': self.status,
            'retry_after_s': self.retry_after,
            'asked_by': self.by,
            'asked_until_ms': self.asked // 1000,
            'confirmed': self.confirmed,
        }


class Pauses:
    def __init__(self, store, layout):
        self.store = store
        self.key = layout.prefix + b':b:{budget}'
        self.now = 0
        self.pauses = []
        self.bad = []

    def look(self):
        seconds, us = self.store.call(self.key, 'TIME')
        self.now = int(seconds) * 1000000 + int(us)
        if not self._readable():
            return self

        for field, value in sorted(self._fields().items()):
            try:
                pause = Pause(field, value)
            except Bad:
                self.bad.append(f'{shown(field)}: {shown(value)}')
                continue
            if pause.until > self.now:
                self.pauses.append(pause)
        return self

    def _readable(self):
        kind = self.store.call(self.key, 'TYPE', self.key)
        if kind in (b'hash', b'none'):
            return True
        self.bad = [f'{shown(self.key)} is a {shown(kind)}, not a hash']
        return False

    def _fields(self):
        found, cursor = {}, b'0'
        while True:
            cursor, flat = self.store.call(
                self.key, 'HSCAN', self.key, cursor, 'MATCH', '[aho]*',
                'COUNT', SCAN_COUNT)
            for field, value in zip(flat[::2], flat[1::2]):
                if field == b'a' or field[1:2] == b':':
                    found[field] = value
            if cursor == b'0':
                return found

    def end(self, origin, tenant):
        """Ends the pauses of an origin, or only that of the tenant.  Returns
        how many had not ended yet."""
        if not self._readable():
            return 0
        fields = {}
        if tenant is not None:
            fields[f'h:{tenant}'.encode()] = tenant
            self._check(origin, tenant)
        elif origin == '*':
            fields[b'a'] = '-'
        else:
            fields[f'o:{origin}'.encode()] = '-'
            fields.update({one.field: one.tenant for one in self.look().pauses
                           if one.tenant and one.origin == origin})
        ended = 0
        for field, name in fields.items():
            ended += self.store.call(
                self.key, 'EVAL', END, 1, self.key, field,
                f'0 - {origin} {name}'.encode())
        self.store.await_replicas()
        return ended

    def _check(self, origin, tenant):
        for one in self.look().pauses:
            if one.tenant == tenant and one.origin not in (None, origin):
                raise UsageError(f'tenant "{tenant}" has a pause at '
                                 f'{one.origin}, not at {origin}')

    def lines(self):
        for one in self.pauses:
            yield '  '.join([
                one.origin or 'origin unknown',
                f'tenant {one.tenant}' if one.tenant else 'all tenants',
                f'{when(one.since)} to {when(one.until)}',
                *self._why(one)])
        if not self.pauses:
            yield 'there are no pauses'

    @staticmethod
    def _why(pause):
        if pause.older:
            yield 'by a gateway before 0.6.0'
            return
        after = f'Retry-After: {pause.retry_after}' \
            if pause.retry_after is not None else 'no Retry-After'
        yield f'{pause.status} with {after} to {pause.by}'
        if pause.confirmed:
            yield 'confirmed'
        elif pause.asked > pause.until:
            yield f'not confirmed, asked for until {when(pause.asked)}'
        else:
            yield 'not confirmed'

    def attention(self):
        for text in self.bad[:BAD_MAX]:
            yield f'not a pause: {text}'
        if len(self.bad) > BAD_MAX:
            yield f'not a pause: {len(self.bad) - BAD_MAX} more'


def when(us):
    return utc(us // 1000)
