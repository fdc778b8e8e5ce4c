"""Reads grants from Redis, opens them and reseals them."""

import hashlib
import re
import struct
import time

from .keyring import (KEY_ID_LEN, NONCE_LEN, Damaged, Record, UnknownKey,
                      joined, key_id_of)
from .text import shown

REGISTRATION_LEN = 32
ID_LEN = 22
NUMBER_MAX = 2 ** 63 - 2
FIELD_MAX = 65536
BATCH = 64
VERSION = 1

BYTES, TIME, STATE = 'bytes', 'time', 'state'
FIELDS = {
    1: ('state', STATE), 2: ('access_token', BYTES),
    3: ('refresh_token', BYTES), 4: ('scope', BYTES), 5: ('patient', BYTES),
    6: ('sub', BYTES), 7: ('fhir_user', BYTES), 8: ('obtained_ms', TIME),
    9: ('expires_ms', TIME), 10: ('connected_ms', TIME),
}
STATES = ('live', 'spent')

# fields that are numbers, beside the generation: time at which the grant was
# spent, number of attempts, time at which the mark ends
NUMBERS = ('s', 'n', 'm')

# the owner of a mark (field o) with which `rename` sets a grant aside
SET_ASIDE = b'rename'

IDENTITY = re.compile(rb'.*:g:\{([A-Za-z0-9_-]{27})\}')

# Returns ms to live, type, and the values of the fields if the key is a hash.
# If a field has more bytes than ARGV[1], the name of that field takes the place
# of the values.
READ = b'''local left = redis.call('PTTL', KEYS[1])
local kind = redis.call('TYPE', KEYS[1])['ok']
if kind ~= 'hash' then return {left, kind} end
local values = redis.call('HMGET', KEYS[1], unpack(ARGV, 2))
for i, value in ipairs(values) do
    if value and #value > tonumber(ARGV[1]) then
        return {left, kind, ARGV[i + 1]}
    end
end
return {left, kind, values}
'''


class Homeless(Damaged):
    """The record has all its fields, but opens with none of the tenants."""


class Grant:
    """The content of a sealed grant."""

    def __init__(self, text):
        for name, kind in FIELDS.values():
            setattr(self, name, b'' if kind == BYTES else None)

        if text[:1] != bytes([VERSION]):
            raise Damaged('is from another version of the module')

        at, seen = 1, set()
        while at < len(text):
            if len(text) - at < 5:
                raise Damaged('ends in the middle of a field')
            tag, length = struct.unpack_from('>BI', text, at)
            value = text[at + 5:at + 5 + length]
            at += 5 + length
            if len(value) != length or tag in seen:
                raise Damaged('has a broken field')
            # skips fields of newer gateways
            if tag in FIELDS:
                seen.add(tag)
                self._set(*FIELDS[tag], value)

        if None in (self.state, self.obtained_ms, self.expires_ms,
                    self.connected_ms):
            raise Damaged('lacks a field')

    def _set(self, name, kind, value):
        if kind == TIME:
            if len(value) != 8:
                raise Damaged('has a broken time')
            value = struct.unpack('>q', value)[0]
        elif kind == STATE:
            if len(value) != 1 or value[0] >= len(STATES):
                raise Damaged('has an unknown state')
            value = STATES[value[0]]
        setattr(self, name, value)


def is_number(text):
    return text.isdigit() and len(text) <= 19 and int(text) <= NUMBER_MAX


class Reading:
    """The fields of a hash in Redis, or the reason why they cannot be read.
    """

    def __init__(self, key, reply):
        self.key = key
        self.left_ms, kind, *found = reply
        self.exists = kind != b'none'
        self.values = self.fault = None

        if not found and self.exists:
            self.fault = f'is a {shown(kind)}, not a hash'
        elif found and isinstance(found[0], list):
            self.values = found[0]
        elif found:
            self.fault = f'has too many bytes in field {shown(found[0])}'


class Row:
    """A grant's record in Redis.  `fault` says why it cannot be read.
    cigna_vault_names.h describes the fields, rename.py describes v and w."""

    FIELDS = ('i', 'g', 'b', 's', 'n', 'm', 'o', 'r', 'c', 'x', 'v', 'w')

    def __init__(self, key, values=None, fault=None, left_ms=-1):
        self.key = key
        self.fault = fault
        self.left_ms = left_ms
        self.fields = dict(zip(self.FIELDS, values or ()))

    @classmethod
    def of(cls, reading):
        return cls(reading.key, reading.values, reading.fault,
                   reading.left_ms)

    @property
    def id(self):
        return self.fields.get('i')

    @property
    def generation(self):
        return self.fields.get('g')

    @property
    def blob(self):
        return self.fields.get('b')

    @property
    def exists(self):
        """False if there is no record, or only the rest that a deletion
        leaves."""
        return not (self.fault is None and self.id is None
                    and self.blob is None)

    @property
    def aside(self):
        """True if `rename` keeps gateways from refreshing this grant."""
        return self.id is not None and self.fields.get('o') == SET_ASIDE

    @property
    def identity(self):
        """The hash that names the member, or the key if it has no hash."""
        match = IDENTITY.fullmatch(self.key)
        return match[1].decode() if match else shown(self.key)

    @property
    def registration(self):
        return self.blob[:REGISTRATION_LEN]

    @property
    def sealed(self):
        return self.blob[REGISTRATION_LEN:]

    @property
    def key_id(self):
        return key_id_of(self.sealed)

    @property
    def nonce(self):
        start = 1 + KEY_ID_LEN
        return self.sealed[start:start + NONCE_LEN]

    def check(self):
        if self.fault:
            raise Damaged(self.fault)
        if not IDENTITY.fullmatch(self.key):
            raise Damaged('has a key that no gateway makes')
        if self.id is None or self.blob is None \
                or len(self.id) != ID_LEN \
                or not self.generation:
            raise Damaged('is incomplete')
        for name in ('g', *NUMBERS):
            text = self.fields.get(name)
            if text is not None and not is_number(text):
                raise Damaged(f'has an impossible number in field {name}')
        key_id_of(self.sealed)

    def data(self):
        """Returns the associated data of the sealed record."""
        return (joined(b'grant', self.key, self.id)
                + struct.pack('>Q', int(self.generation))
                + self.registration)


def registration_of(tenant):
    """Returns the digest of the settings that a tenant's grants are bound to.
    """
    return hashlib.sha256(joined(tenant.issuer.encode(),
                                 tenant.client_id.encode(),
                                 tenant.fhir_base.encode())).digest()


class Opener:
    """Opens grants.  A record does not name its tenant, so the opener tries
    the tenants one after the other."""

    def __init__(self, layout, tenants):
        self.ring = layout.ring
        self.tenants = list(tenants)
        self.registrations = {tenant.name: registration_of(tenant)
                              for tenant in self.tenants}
        self._likely = {}
        for tenant in self.tenants:
            self._likely.setdefault(self.registrations[tenant.name],
                                    []).append(tenant)

    def open(self, row, likely_only=False):
        """Returns (tenant, plain text).  Raises UnknownKey or Damaged.  With
        `likely_only` only tenants with the record's registration are tried."""
        row.check()
        if self.ring.find(row.key_id) is None:
            raise UnknownKey(row.key_id.hex())

        # first the tenants with the registration that the record names
        likely = self._likely.setdefault(row.registration, [])
        others = [] if likely_only else self.tenants
        for tenant in [*likely, *others]:
            try:
                plain = self.ring.open(self._record(row, tenant), row.data(),
                                       row.sealed)
            except Damaged:
                continue
            if tenant not in likely:
                likely.append(tenant)
            return tenant, plain
        raise Homeless('belongs to no tenant: it is damaged, was moved, or '
                       'its tenant is not configured')

    def open_as(self, row, tenant):
        """Returns the plain text of a grant of this tenant."""
        row.check()
        return self.ring.open(self._record(row, tenant), row.data(),
                              row.sealed)

    def moved(self, row, tenant):
        """True if the grant was made for another registration."""
        return self.registrations[tenant.name] != row.registration

    def sealed_again(self, row, tenant, plain):
        """Returns the record's blob sealed with the first key.  The nonce
        stays, so that everybody who reseals a record makes the same bytes."""
        return row.registration + self.ring.seal(
            self._record(row, tenant), row.data(), plain, row.nonce)

    def sealed_as(self, row, tenant, plain):
        """Returns the record's blob with another plain text, sealed with the
        first key."""
        return row.registration + self.ring.seal(
            self._record(row, tenant), row.data(), plain)

    @staticmethod
    def _record(row, tenant):
        return Record(b'grant', tenant.name.encode(), row.key)


class Pace:
    """Limits the work to a rate per second.  0 means no limit."""

    def __init__(self, rate):
        self._rate = rate
        self._next = time.monotonic()

    def take(self, count):
        if not self._rate:
            return
        now = time.monotonic()
        self._next = max(self._next, now) + count / self._rate
        if self._next - now > 0:
            time.sleep(self._next - now)


class Progress:
    """Prints a line from time to time."""

    EVERY = 5

    def __init__(self, say, what):
        self._say, self._what = say, what
        self.count = 0
        self._told = time.monotonic()

    def add(self, count):
        self.count += count
        if time.monotonic() - self._told > self.EVERY:
            self._told = time.monotonic()
            self._say(f'{self.count} {self._what}')


def readings(store, keys, fields):
    """Returns a Reading for each key."""
    replies = store.calls([
        (key, ('EVAL', READ, 1, key, FIELD_MAX, *fields)) for key in keys])
    return [Reading(key, reply) for key, reply in zip(keys, replies)]


def read(store, keys):
    """Returns the rows of those grants that exist, damaged ones too."""
    rows = [Row.of(one) for one in readings(store, keys, Row.FIELDS)]
    return [row for row in rows if row.exists]


def batches(keys, size=BATCH):
    for i in range(0, len(keys), size):
        yield keys[i:i + size]


def grants(store, layout, pace=None):
    """Yields all grants of the vault, as lists of rows."""
    for keys in store.scan(layout.prefix + b':g:{*'):
        for batch in batches(keys):
            if pace:
                pace.take(len(batch))
            yield read(store, batch)
