"""`rename`: moves the grants of a tenant to the tenant's new name.

A member's key in Redis is a keyed hash of the tenant's and the member's name,
so the names of the members have to be given.  For each member:

    grant under OLD    grant under NEW       step
    ---------------    ---------------       ----
    live               none                  begin
    set aside          none                  "aside": no gateway refreshes OLD
    set aside          live                  "place": NEW has the same grant
    none               live                  "remove", with --finish

At each moment at most one of the two grants can be refreshed.  The grant under
OLD is set aside by a mark that never expires, and only if no refresh is under
way.  Gateways serve its access token until the token expires.  After that they
answer 503.  The two keys are in different hash slots, so the steps are separate
scripts, each a compare-and-set.  After an interruption the same command goes
on where it stopped.  With the names exchanged it goes back.

Fields of a record with a meaning for this file:

    o    "rename" if the grant is set aside; else the owner of the mark
    v    the identity under the other name.  In a grant that is set aside: the
         identity of its copy.  In a copy: the identity of the grant that was
         copied.  In a record without a grant: the identity of the grant that
         was moved from here
    w    the mark that the grant had before it was set aside
"""

import sys
from collections import Counter

from . import records
from .errors import UsageError, VaultError
from .findings import SHOWN, Findings
from .keyring import Damaged, UnknownKey
from .records import SET_ASIDE, Row
from .revocation import TOMB_MS, Revoke
from .scripts import VAULT_CHECK

BATCH = 64
PAUSE_S = 1
NEVER_MS = 9999999999999

# fields that a copy takes over from its grant as they are
KEPT = ('c', 's', 'n', 'r')

# A new primary may not know of open exchanges.  Gateways begin no refresh for
# this time, in which they tell the new primary of their open exchanges.  The
# same as CIGNA_LEASE_QUIET_MS.
QUIET_MS = 15000

# Sets a grant aside if it is the one that was read, no refresh of it is under
# way, and the server is the one that was checked.  Returns the record
# afterwards, or one word if nothing has changed.  Arguments: grant id,
# generation, blob, owner and end of the mark that sets the grant aside, value
# of the field v, run id of the server, and the fields to return.
ASIDE = b'''local run = redis.call('INFO', 'server')
if string.match(run, 'run_id:(%w+)') ~= ARGV[7] then return 'elsewhere' end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local g = redis.call('HMGET', KEYS[1], 'i', 'g', 'b', 'o', 'm')
for i = 1, 3 do
    if g[i] ~= ARGV[i] then return 'stale' end
end
if g[4] ~= ARGV[4] then
    if redis.call('EXISTS', KEYS[2]) == 1 then return 'busy' end
    if (tonumber(g[5] or '') or 0) > now then return 'busy' end
    redis.call('HSET', KEYS[1], 'm', ARGV[5], 'o', ARGV[4], 'w', g[5] or '')
end
redis.call('HSET', KEYS[1], 'v', ARGV[6])
return redis.call('HMGET', KEYS[1], unpack(ARGV, 8))
'''

# Writes a grant in place of the record that was read.  Arguments: the four
# fields that were read, the tool's own name as the owner of a mark (such a mark
# does not prevent the write), channel, message, ms to keep the grant, and then
# fields and values.
PLACE = b'''local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local g = redis.call('HMGET', KEYS[1], 'i', 'g', 'b', 'x', 'o', 'm')
for i = 1, 4 do
    if (g[i] or '') ~= ARGV[i] then return 'stale' end
end
if g[1] and g[5] ~= ARGV[5] then
    if redis.call('EXISTS', KEYS[2]) == 1 then return 'busy' end
    if (tonumber(g[6] or '') or 0) > now then return 'busy' end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 9))
if tonumber(ARGV[8]) >= 0 then redis.call('PEXPIRE', KEYS[1], ARGV[8]) end
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return 'ok'
'''

# Deletes a grant, and remembers its id so that no late write brings it back.
# Arguments: grant id, owner of the mark that the grant must have ("" for any),
# ms to remember the id, channel, identity, and the value of v or "".
REMOVE = b'''local g = redis.call('HMGET', KEYS[1], 'i', 'o', 'x', 'c')
if g[1] ~= ARGV[1] then return 'stale' end
if ARGV[2] ~= '' and g[2] ~= ARGV[2] then return 'stale' end
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'c', g[4] or '0',
           'x', string.sub(g[1] .. ' ' .. (g[3] or ''), 1, 8 * 23))
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'v', ARGV[6]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.pcall('PUBLISH', ARGV[4], ARGV[5] .. ' ' .. g[1] .. ' 0')
return 'ok'
'''

# Gives a grant that was set aside back to the gateways.
RELEASE = b'''local g = redis.call('HMGET', KEYS[1], 'i', 'o', 'w')
if g[1] ~= ARGV[1] or g[2] ~= ARGV[2] then return 'stale' end
redis.call('HDEL', KEYS[1], 'm', 'o', 'v', 'w')
if g[3] and g[3] ~= '' then redis.call('HSET', KEYS[1], 'm', g[3]) end
return 'ok'
'''

# Removes from a moved grant the field v, its identity under the other name.
FORGET = b'''if redis.call('HGET', KEYS[1], 'i') == ARGV[1] then
    redis.call('HDEL', KEYS[1], 'v')
end
return 'ok'
'''


class Pair:
    """One member's records under the old name and under the new one."""

    def __init__(self, old_key, new_key):
        self.old_key, self.new_key = old_key, new_key
        self.old = self.new = self.plain = None


def names(path):
    """Yields (line number, name) for each line of a file of members."""
    try:
        with (sys.stdin.buffer if path == '-' else open(path, 'rb')) as file:
            for number, line in enumerate(file, 1):
                name = line.rstrip(b'\r\n')
                if name:
                    yield number, name
    except OSError as error:
        raise VaultError(f'cannot read "{path}": {error.strerror}') from None


def ids(row):
    """Returns the ids of grants that the record has had before."""
    return (row.fields.get('x') or b'').split()


def left_for(row, other):
    """True if rename has moved the grant of `row` to the key of `other`."""
    return row.id is None and row.fields.get('v') == identity(other)


def identity(row):
    return row.identity.encode()


def later(a, b):
    """True if a has a later generation than b.  Both are the same grant."""
    return int(a.generation) > int(b.generation)


class Rename:
    def __init__(self, tool, old, new, sleep):
        options = tool.options
        self.store, self.layout = tool.store, tool.layout
        self.opener = tool.opener()
        self.old, self.new = old, new
        self.dry_run, self.finish = options.dry_run, options.finish
        self.pace = records.Pace(options.rate)
        self.progress = records.Progress(tool.say, 'members looked at')
        self.revoke = Revoke(tool.store, tool.layout, True, tool.say_always)
        self.tool, self.sleep = tool, sleep
        self.counts = Counter()
        self.passed = Counter()
        self.findings = Findings()
        self.unnamed = []
        self.left = self.wrong_lines = self.wrong_line = 0
        self._known = set()
        self._runs = None

    @property
    def registration(self):
        return self.opener.registrations[self.new.name]

    def run(self, path, wait_s):
        """Handles all members.  Waits up to wait_s for open refreshes."""
        busy, batch = [], []
        for number, name in names(path):
            pair = self._pair(number, name)
            if pair:
                batch.append(pair)
            if len(batch) == BATCH:
                busy += self._batch(batch)
                batch = []
        busy += self._batch(batch)

        told = 0
        while busy and wait_s > 0 and not self.dry_run:
            if len(busy) != told:
                told = len(busy)
                self.tool.say(f'{told} grants are left, probably because of a '
                              'refresh')
            self.sleep(min(PAUSE_S, wait_s))
            wait_s -= PAUSE_S
            busy = [one for some in records.batches(busy, BATCH)
                    for one in self._batch(some)]
        self.passed['a refresh is under way'] += len(busy)
        self.store.await_replicas()
        self._look_for_unnamed()

    def _pair(self, number, name):
        try:
            old, new = (self.layout.key(b'g', self.layout.identity(
                tenant.name.encode(), name)) for tenant in (self.old, self.new))
        except ValueError:
            self.wrong_lines += 1
            self.wrong_line = self.wrong_line or number
            return None
        if old in self._known:
            return None
        self._known.add(old)
        return Pair(old, new)

    def _batch(self, pairs):
        """Handles these pairs.  Returns those that have to be looked at again,
        mostly because of a refresh."""
        if not self._runs and not self.dry_run:
            self._settle()
        self.pace.take(len(pairs))
        self._read(pairs)
        steps = {}
        for pair in pairs:
            try:
                step = self._step(pair)
            except (Damaged, UnknownKey) as error:
                self.findings.add(pair.new if pair.new.fault else pair.old,
                                  error)
                continue
            steps.setdefault(step, []).append(pair)
        self.progress.add(len(pairs))

        if self.dry_run:
            for step, found in steps.items():
                self.counts[step.__name__] += len(found)
            return []
        return [pair for step, found in steps.items()
                for pair in step(found)]

    def _settle(self):
        """Waits until each primary has been the primary for QUIET_MS."""
        self._runs = {}
        for server in self.store.primaries:
            marker = self.layout.marker_key(self.store.first_slot(server))
            reply = VAULT_CHECK.run(self.store, marker)
            if reply[0] != b'ok':
                raise VaultError(f'{server.name} is not this vault\'s primary, '
                                 'or has no marker: see "status"')
            self._runs[server] = reply[4].split()[0]
            left_ms = QUIET_MS - int(reply[3])
            if left_ms > 0:
                self.tool.say(f'{server.name} is a new primary: waiting for '
                              f'{-(-left_ms // 1000)} s')
                self.sleep(left_ms / 1000)

    def _read(self, pairs):
        keys = [key for pair in pairs for key in (pair.old_key, pair.new_key)]
        rows = [Row.of(one) for one in
                records.readings(self.store, keys, Row.FIELDS)]
        for pair, old, new in zip(pairs, rows[::2], rows[1::2]):
            pair.old, pair.new = old, new

    # _step() returns the method that handles a pair.  Each of these methods
    # takes a list of pairs, and returns those that have to be looked at again.

    def _step(self, pair):
        old, new = pair.old, pair.new
        for row in (old, new):
            if row.exists:
                row.check()

        if old.id is None:
            return self._step_without_old(pair)
        pair.plain = self._opened(old)
        records.Grant(pair.plain)
        if old.registration != self.registration:
            return self.moved
        if new.id == old.id:
            if new.aside or later(old, new):
                return self.copy
            return self.remove if self.finish else self.copied
        if old.id in ids(new) and not left_for(new, old):
            return self.retire if old.aside else self.both
        if new.id is None or new.id in ids(old):
            return self.copy
        return self.both

    def _opened(self, row):
        return self.opener.open_as(row, self.old)

    def _step_without_old(self, pair):
        old, new = pair.old, pair.new
        came = new.id is not None and new.fields.get('v') == identity(old)
        if came and new.id in ids(old) and not left_for(old, new):
            return self.withdraw
        if came and new.aside:
            return self.release
        return self.done if new.id is not None else self.none

    def copy(self, pairs):
        """Sets the grants aside, and places them under the new name."""
        again, aside = [], []
        for pair, reply in zip(pairs, self._put_aside(pairs)):
            if isinstance(reply, list):
                pair.old = Row(pair.old_key, reply, None, pair.old.left_ms)
                aside.append(pair)
            else:
                again.append(pair)
        # a failover must not forget that the old grants are set aside
        if aside and not self.store.await_replicas():
            return again + aside
        replies = self.store.calls([self._place(pair) for pair in aside])
        placed = [pair for pair, reply in zip(aside, replies)
                  if reply == b'ok']
        self.counts['copy'] += len(placed)
        again += [pair for pair in aside if pair not in placed]
        return again + self.remove(placed) if self.finish else again

    def _aside(self, pair):
        row = pair.old
        run = (self._runs or {}).get(self.store.server_of(row.key), b'')
        return row.key, ('EVAL', ASIDE, 2, row.key, self._lock(row), row.id,
                         row.generation, row.blob, SET_ASIDE, NEVER_MS,
                         identity(pair.new), run, *Row.FIELDS)

    def _put_aside(self, pairs):
        replies = self.store.calls([self._aside(pair) for pair in pairs])
        if b'elsewhere' in replies:
            self._runs = None
        return replies

    def _place(self, pair):
        old, new = pair.old, pair.new
        row = Row(new.key, [old.id, old.generation, old.blob])
        blob = self.opener.sealed_as(row, self.new, pair.plain)
        gone = [one for one in ids(old) + ids(new) if one != old.id]
        if new.id not in (None, old.id):
            gone.insert(0, new.id)
        fields = {
            'i': old.id, 'g': old.generation, 'b': blob, 'v': identity(old),
            'm': old.fields['w'], 'x': b' '.join(dict.fromkeys(gone))[:8 * 23],
            **{name: old.fields[name] for name in KEPT},
        }
        flat = [part for name, value in fields.items() if value
                for part in (name, value)]
        message = b'%s %s %s' % (identity(new), old.id, old.generation)
        return new.key, ('EVAL', PLACE, 2, new.key, self._lock(new),
                         *(new.fields.get(name) or b'' for name in 'igbx'),
                         SET_ASIDE, self.layout.channel, message,
                         old.left_ms, *flat)

    def copied(self, pairs):
        again = self._set_aside([one for one in pairs if not one.old.aside])
        self.counts['copied'] += len(pairs) - len(again)
        return again

    def _set_aside(self, pairs):
        return [pair for pair, reply in zip(pairs, self._put_aside(pairs))
                if not isinstance(reply, list)]

    def remove(self, pairs):
        """Removes the old grants, whose copies are in place."""
        again = self._set_aside([one for one in pairs if not one.old.aside])
        ready = [one for one in pairs if one not in again]
        replies = self.store.calls([self._remove(
            one.old, SET_ASIDE, identity(one.new)) for one in ready])
        gone = [pair for pair, reply in zip(ready, replies) if reply == b'ok']
        self.store.calls([self._forget(one.new_key, one.old.id)
                          for one in gone])
        self.counts['remove'] += len(gone)
        return again + [pair for pair in ready if pair not in gone]

    @staticmethod
    def _forget(key, grant_id):
        return key, ('EVAL', FORGET, 1, key, grant_id)

    def retire(self, pairs):
        """Removes old grants whose copies members have disconnected or
        replaced under the new name."""
        replies = self.store.calls([self._remove(one.old, SET_ASIDE, b'')
                                    for one in pairs])
        self.counts['retire'] += replies.count(b'ok')
        return []

    def withdraw(self, pairs):
        """Revokes and removes the copies of grants that members have
        disconnected under the old name."""
        for pair in pairs:
            self.revoke.revoked_at_cigna(
                pair.new, self.new, records.Grant(
                    self.opener.open_as(pair.new, self.new)))
        replies = self.store.calls([self._remove(one.new, b'', b'')
                                    for one in pairs])
        self.counts['withdraw'] += replies.count(b'ok')
        return []

    def _remove(self, row, owner, other):
        return row.key, ('EVAL', REMOVE, 2, row.key, self._lock(row), row.id,
                         owner, TOMB_MS, self.layout.channel, identity(row),
                         other)

    def release(self, pairs):
        """Gives back grants that a run in the other direction set aside."""
        replies = self.store.calls([
            (one.new_key, ('EVAL', RELEASE, 1, one.new_key, one.new.id,
                           SET_ASIDE)) for one in pairs])
        self.counts['release'] += replies.count(b'ok')
        return []

    def done(self, pairs):
        self.store.calls([self._forget(one.new_key, one.new.id)
                          for one in pairs if one.new.fields.get('v')])
        self.counts['done'] += len(pairs)
        return []

    def none(self, pairs):
        self.counts['none'] += len(pairs)
        return []

    def moved(self, pairs):
        self.passed['made for another registration'] += len(pairs)
        return []

    def both(self, pairs):
        self.passed['connected under both names, so the old grant stays'] += \
            len(pairs)
        return []

    def _lock(self, row):
        return self.layout.key(b'l', identity(row))

    def _look_for_unnamed(self):
        """Finds grants of members that the file does not name."""
        for rows in records.grants(self.store, self.layout, self.pace):
            for row in rows:
                if row.key in self._known:
                    continue
                try:
                    self._opened(row)
                except (Damaged, UnknownKey):
                    continue
                if row.registration != self.registration:
                    continue
                self.left += 1
                if self.left <= SHOWN:
                    self.unnamed.append(row.identity)

    TOLD = {
        'copy': 'grants {would}copied to {new}',
        'copied': 'grants were copied before',
        'remove': 'grants {would}removed from {old}',
        'retire': 'grants {would}removed from {old}, because their members '
                  'have disconnected or connected again as members of {new}',
        'withdraw': 'grants {would}removed from {new}, because their members '
                    'have disconnected as members of {old}',
        'release': 'grants of {new} {would}given back to the gateways',
        'done': 'members are known by the new name only',
        'none': 'members have no grant',
    }

    @property
    def attention(self):
        return bool(self.findings.counts or +self.passed or self.left
                    or self.wrong_lines or self.revoke.failed)

    def lines(self):
        would = 'would be ' if self.dry_run else ''
        for name, text in self.TOLD.items():
            if self.counts[name] or name == 'copy':
                yield f'{self.counts[name]} ' + text.format(
                    would=would, old=self.old.name, new=self.new.name)
        for why, count in sorted((+self.passed).items()):
            yield f'{count} passed over: {why}'
        if self.wrong_lines:
            yield (f'{self.wrong_lines} lines are not names of members, such '
                   f'as line {self.wrong_line}')
        yield from self.findings.lines()
        if self.left:
            yield (f'{self.left} grants of {self.old.name} belong to members '
                   'that the file does not name:')
            yield from (f'    {one}' for one in self.unnamed)
            if self.left > SHOWN:
                yield '    ...'


def tenants(settings, old_name, new_name):
    """Returns the two tenants.  The old tenant need not have a block."""
    if old_name == new_name:
        raise UsageError('the two names are equal')
    if new_name not in settings.tenants or new_name in settings.saved:
        raise UsageError(f'there is no tenant "{new_name}" in the '
                         'configuration: first write its block, with the '
                         'settings of the old one')
    settings.allow(old_name)
    old, new = settings.tenants[old_name], settings.tenants[new_name]
    for name in ('issuer', 'client_id', 'fhir_base'):
        if old.has_block and getattr(old, name) != getattr(new, name):
            raise UsageError(f'"{old_name}" and "{new_name}" have different '
                             f'settings of {name}: with another registration '
                             'members have to connect again')
    return old, new
