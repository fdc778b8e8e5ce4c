"""`status`: shows the parts of the vault, and warnings."""

from collections import Counter

from . import markers, records, servers
from .findings import SHOWN
from .keyring import Damaged, UnknownKey, key_id_of
from .text import shown

KINDS = {'g': 'grants', 'd': 'dances', 'o': 'lists of dances', 'l': 'locks'}
TYPES = {'g': b'hash', 'd': b'hash', 'o': b'zset', 'l': b'string'}

# Returns only the parts of a record that status needs: ms to live, type, the
# start of the blob, and the start of field r (the sealed rest of a dance).
# Blob and r of a dance count for half an hour after its start, that is until 20
# minutes after its expiry e.  Its story stays in the record for longer.
PEEK = b'''local kind = redis.call('TYPE', KEYS[1])['ok']
local h = kind == 'hash'
local b = h and redis.call('HGET', KEYS[1], 'b')
local r = h and redis.call('HGET', KEYS[1], 'r')
local e = h and tonumber(redis.call('HGET', KEYS[1], 'e') or '')
local old = e and redis.call('TIME')[1] * 1000 > e + 1200000
b, r = not old and b, not old and r
return {redis.call('PTTL', KEYS[1]), kind, b and string.sub(b, 1, 70),
        r and string.sub(r, 1, 37)}
'''


class Bad:
    """Records that are not what their key says.  Keeps a few examples."""

    def __init__(self):
        self.count = 0
        self.examples = []

    def add(self, key, why):
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append((shown(key), why))

    def as_json(self):
        return {'count': self.count, 'records': [
            {'key': key, 'fault': why} for key, why in self.examples]}


class Status:
    def __init__(self, store, layout, orphans=None):
        """orphans: an Orphans, or None if no tenants are known."""
        self.store = store
        self.layout = layout
        self.orphans = orphans
        self.primaries = []
        self.markers = 0
        self.marker_errors = Counter()
        self.records = Counter()
        self.by_key = {kind: Counter() for kind in ('grants', 'dances')}
        self.damaged = Counter()
        self.bad = Bad()
        self.without_expiry = Bad()

    def look(self):
        self.primaries = [servers.look(self.store, self.layout, server)
                          for server in self.store.primaries]
        for marker in markers.read(self.store, self.layout):
            self.markers += marker.ours
            if not marker.ours:
                self.marker_errors[marker.error] += 1
        for keys in self.store.scan(self.layout.prefix + b':[gdol]:{*'):
            for batch in records.batches(keys):
                self._peek(batch)
        return self

    def _peek(self, keys):
        grants = [key for key in keys if self._kind(key) == 'g']
        for reading in records.readings(self.store, grants,
                                        records.Row.FIELDS):
            self._grant(records.Row.of(reading), reading)

        others = [key for key in keys if self._kind(key) != 'g']
        replies = self.store.calls([(key, ('EVAL', PEEK, 1, key))
                                    for key in others])
        for key, (left, found, blob, rest) in zip(others, replies):
            self._other(key, left, found, blob or rest)

    def _kind(self, key):
        return chr(key[len(self.layout.prefix) + 1])

    def _lives(self, key, left_ms):
        """Notes a missing expiry.  Returns False if there is no record."""
        if left_ms == -1:
            self.without_expiry.add(key, 'never expires')
        return left_ms != -2

    def _grant(self, row, reading):
        if not self._lives(row.key, row.left_ms):
            return
        if reading.values and row.blob is None and row.id is None:
            self.records['deleted grants'] += 1
            return
        self.records['grants'] += 1
        try:
            row.check()
            self.by_key['grants'][row.key_id.hex()] += 1
        except Damaged as error:
            self.bad.add(row.key, str(error))
            self.damaged['grants'] += row.blob is not None
            return
        if self.orphans:
            self.orphans.look(row)

    def _other(self, key, left_ms, found, sealed):
        if not self._lives(key, left_ms):
            return
        kind = KINDS[self._kind(key)]
        self.records[kind] += 1
        want = TYPES[self._kind(key)]
        if found != want:
            self.bad.add(key, f'is a {shown(found)}, not a {want.decode()}')
        elif kind == 'dances' and sealed:
            try:
                self.by_key[kind][key_id_of(sealed).hex()] += 1
            except Damaged as error:
                self.bad.add(key, str(error))
                self.damaged[kind] += 1

    @property
    def ring(self):
        return [key.id.hex() for key in self.layout.ring.seals]

    def keys(self):
        """Yields the keys of the ring in order, and then unknown keys."""
        known = self.ring
        found = [*self.by_key['grants'], *self.by_key['dances']]
        unknown = [one for one in dict.fromkeys(found) if one not in known]

        for i, key in enumerate(known + unknown):
            yield {
                'id': key,
                'use': 'unknown' if key in unknown
                       else 'opens' if i else 'seals',
                'grants': self.by_key['grants'][key],
                'dances': self.by_key['dances'][key],
            }

    def attention(self):
        for primary in self.primaries:
            yield from servers.attention(primary)
        for error, count in self.marker_errors.items():
            yield f'{count} marker{"s" * (count > 1)}: {error}'
        for key in self.keys():
            if key['use'] == 'unknown':
                yield (f'the ring lacks key {key["id"]}, which seals '
                       f'{key["grants"]} grants and {key["dances"]} dances')
        for kind, count in self.damaged.items():
            if count:
                yield f'{count} {kind} are not sealed records'
        if self.bad.count:
            yield f'{self.bad.count} records are bad'
        if self.without_expiry.count:
            yield (f'{self.without_expiry.count} records without expiry, such '
                   f'as {self.without_expiry.examples[0][0]}')
        if self.orphans:
            yield from self.orphans.attention()

    def as_json(self):
        return {
            'prefix': self.layout.prefix.decode(),
            'primaries': self.primaries,
            'markers': self.markers,
            'keys': list(self.keys()),
            'records': dict(self.records),
            'orphans': self.orphans and self.orphans.as_json(),
            'bad': self.bad.as_json(),
            'without_expiry': [key for key, _
                               in self.without_expiry.examples],
            'attention': list(self.attention()),
        }

    def lines(self):
        for one in self.primaries:
            yield (f'primary  {one["address"]}  '
                   f'{one["product"]} {one["version"]}, '
                   f'{one["policy"]}, {one["replicas"]} replicas, '
                   f'{one["memory"]} used, run id {one["run_id"]}')
        yield f'marker   {self.markers} of this vault'
        for one in self.keys():
            yield (f'key      {one["id"]}  {one["use"]:8}'
                   f'{one["grants"]:8} grants {one["dances"]:6} dances')
        for kind, count in sorted(self.records.items()):
            yield f'records  {count} {kind}'
        if self.orphans:
            yield from self.orphans.lines()
        for key, why in self.bad.examples:
            yield f'bad      {key}  {why}'
        for text in self.attention():
            yield f'ATTENTION: {text}'


class Orphans:
    """Counts grants that no tenant of the configuration can open.

    A record does not name its tenant.  It has the digest of the tenant's
    registration in clear, so that grants of one former tenant are told apart.
    Once no tenant has opened TRIED grants of a registration, further ones are
    tried only with tenants that have this registration.  Otherwise each orphan
    would be tried with thousands of tenants.
    """

    TRIED = 5

    def __init__(self, opener, saved):
        """saved: names of tenants that only a saved block has."""
        self.opener = opener
        self.saved = saved
        self.count = 0
        self.of_saved = Counter()
        self.unknown = Counter()
        self.examples = {}

    def look(self, row):
        try:
            tenant, _ = self.opener.open(
                row, self.unknown[row.registration] >= self.TRIED)
        except UnknownKey:
            return
        except Damaged:
            digest = row.registration
            self.unknown[digest] += 1
            self.examples.setdefault(digest, row.identity)
            self.count += 1
            return
        if tenant.name in self.saved:
            self.of_saved[tenant.name] += 1
            self.count += 1

    def _groups(self):
        for name, count in sorted(self.of_saved.items()):
            yield name, count, f'of the saved block "{name}"'
        for digest, count in self.unknown.most_common():
            yield None, count, self._registration(digest)

    def _registration(self, digest):
        names = [name for name, one in self.opener.registrations.items()
                 if one == digest]
        if names:
            return (f'with the registration of tenant "{names[0]}": was its '
                    'block renamed, or are they damaged?  Such as '
                    f'{self.examples[digest]}')
        return (f'with registration {digest.hex()[:12]}, such as '
                f'{self.examples[digest]}')

    def as_json(self):
        return {'count': self.count, 'groups': [
            {'tenant': tenant, 'grants': count, 'what': what}
            for tenant, count, what in list(self._groups())[:SHOWN]]}

    def lines(self):
        groups = list(self._groups())
        for _, count, what in groups[:SHOWN]:
            yield f'orphans  {count} {what}'
        if len(groups) > SHOWN:
            yield f'orphans  of {len(groups) - SHOWN} more registrations'

    def attention(self):
        if self.count:
            yield (f'{self.count} grants belong to no tenant of the '
                   'configuration, so no gateway serves or ends them: see '
                   '"revoke --help"')
