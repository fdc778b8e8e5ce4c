"""`status`: shows the parts of the vault, and warnings."""

from collections import Counter

from . import markers, records
from .keyring import Damaged, key_id_of

KINDS = {'g': 'grants', 'd': 'dances', 'o': 'lists of dances', 'l': 'locks'}

# Returns only the parts of a record that are needed here: the start of the blob
# and of field r, and the time to live.
PEEK = b'''local h = redis.call('TYPE', KEYS[1])['ok'] == 'hash'
local b = h and redis.call('HGET', KEYS[1], 'b')
local r = h and redis.call('HGET', KEYS[1], 'r')
return {b and string.sub(b, 1, 70), r and string.sub(r, 1, 37),
        redis.call('PTTL', KEYS[1])}
'''


def product(info):
    """Returns the name and the version of a server.  In INFO a server other
    than Redis gives its own, beside the version of Redis it is compatible
    with."""
    name = info.get('server_name', 'redis')
    version = info.get(f'{name}_version')
    if not version or not (name + version).isprintable():
        name, version = 'redis', info.get('redis_version', '')
    return {'product': name.capitalize(), 'version': version}


class Status:
    def __init__(self, store, layout):
        self.store = store
        self.layout = layout
        self.primaries = []
        self.markers = 0
        self.marker_errors = Counter()
        self.records = Counter()
        self.by_key = {kind: Counter() for kind in ('grants', 'dances')}
        self.damaged = Counter()
        self.without_expiry = []

    def look(self):
        for server in self.store.primaries:
            self.primaries.append(self._primary(server))
        for marker in markers.read(self.store, self.layout):
            self.markers += marker.ours
            if not marker.ours:
                self.marker_errors[marker.error] += 1
        for keys in self.store.scan(self.layout.prefix + b':[gdol]:{*'):
            for batch in records.batches(keys, 256):
                self._peek(batch)
        return self

    @staticmethod
    def _primary(server):
        info = {**server.info('server'), **server.info('replication'),
                **server.info('memory')}
        return {
            'address': server.name,
            'run_id': info.get('run_id', ''),
            **product(info),
            'replicas': int(info.get('connected_slaves', 0)),
            'policy': info.get('maxmemory_policy', ''),
            'memory': info.get('used_memory_human', ''),
        }

    def _peek(self, keys):
        replies = self.store.calls([(key, ('EVAL', PEEK, 1, key))
                                    for key in keys])
        for key, (blob, rest, left) in zip(keys, replies):
            kind = KINDS[chr(key[len(self.layout.prefix) + 1])]
            if left == -2:
                continue
            if left == -1:
                self.without_expiry.append(key.decode())
            self._count(kind, blob, rest)

    def _count(self, kind, blob, rest):
        if kind == 'grants':
            if blob is None:
                kind = 'deleted grants'
            else:
                self._sealed(kind, blob[records.REGISTRATION_LEN:])
        elif kind == 'dances':
            if blob or rest:
                self._sealed(kind, blob or rest)
        self.records[kind] += 1

    def _sealed(self, kind, sealed):
        try:
            self.by_key[kind][key_id_of(sealed).hex()] += 1
        except Damaged:
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
            if primary['policy'] != markers.POLICY:
                yield (f'{primary["address"]} evicts records when it is full: '
                       f'maxmemory-policy is {primary["policy"]}')
        for error, count in self.marker_errors.items():
            yield f'{count} marker{"s" * (count > 1)}: {error}'
        for key in self.keys():
            if key['use'] == 'unknown':
                yield (f'the ring lacks key {key["id"]}, which seals '
                       f'{key["grants"]} grants and {key["dances"]} dances')
        for kind, count in self.damaged.items():
            yield f'{count} {kind} are not sealed records'
        if self.without_expiry:
            yield (f'{len(self.without_expiry)} records without expiry, such '
                   f'as {self.without_expiry[0]}')

    def as_json(self):
        return {
            'prefix': self.layout.prefix.decode(),
            'primaries': self.primaries,
            'markers': self.markers,
            'keys': list(self.keys()),
            'records': dict(self.records),
            'without_expiry': self.without_expiry,
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
        for text in self.attention():
            yield f'ATTENTION: {text}'
