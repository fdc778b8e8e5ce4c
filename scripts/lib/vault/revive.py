"""`revive`: restores grants that were ended by mistake."""

import struct
from collections import Counter

from . import records
from .findings import Findings
from .keyring import Damaged, UnknownKey
from .text import utc

# how long a revived grant is kept
KEPT_MS = 30 * 24 * 3600 * 1000

# the field s of a grant that 0.4.0 ended: that version did not record the time
UNKNOWN = b'1'

# Makes a spent grant live, by a compare-and-set on the exact bytes.  A grant
# that was meanwhile deleted, replaced by a new one, or restored from a journal
# stays as it is.  Running the script twice has the same effect as running it
# once.
REVIVE = b'''local g = redis.call('HMGET', KEYS[1],
                     'i', 'g', 'b', 's', 'c', 'x')
if g[1] ~= ARGV[1] then return 'stale' end
if g[2] == ARGV[4] and g[3] == ARGV[5] then return 'ok' end
if g[2] ~= ARGV[2] or g[3] ~= ARGV[3] or not g[4] then return 'stale' end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'i', g[1], 'g', ARGV[4], 'b', ARGV[5],
           'c', g[5] or '0', 'x', g[6] or '')
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.pcall('PUBLISH', ARGV[7], ARGV[8] .. ' ' .. ARGV[1] .. ' ' .. ARGV[4])
return 'ok'
'''

# Lets a grant that has no attempts left be refreshed again: deletes the mark
# and the count of attempts, if the grant is still the one that was read.
FORGET = b'''local g = redis.call('HMGET', KEYS[1], 'i', 'g', 'n')
if g[1] ~= ARGV[1] or g[2] ~= ARGV[2] then return 'stale' end
if not g[3] then return 'ok' end
if g[3] ~= ARGV[3] then return 'stale' end
redis.call('HDEL', KEYS[1], 'm', 'n', 'o', 'r')
return 'ok'
'''

# attempts with one refresh token; the same as CIGNA_VERDICT_ATTEMPTS
ATTEMPTS = 4


class Row(records.Row):
    """A grant's record, and when and how the grant ended."""

    @property
    def spent(self):
        return self.fields.get('s')

    @property
    def attempts(self):
        return self.fields.get('n')

    @property
    def given_up(self):
        """True if no attempt is left and Cigna has not refused the token."""
        return self.spent is None and self.attempts is not None \
            and self.attempts.isdigit() and len(self.attempts) < 10 \
            and int(self.attempts) >= ATTEMPTS

    @property
    def ended_ms(self):
        """The time at which the grant ended, or None if it is unknown."""
        when = self.fields.get('m') if self.given_up else self.spent
        known = when is not None and when != UNKNOWN and when.isdigit() \
            and len(when) < 16
        return int(when) if known else None


def made_live(plain):
    """Returns the same plain text with the state "live"."""
    at = 1
    while at < len(plain):
        tag, length = struct.unpack_from('>BI', plain, at)
        if records.FIELDS.get(tag, ('',))[0] == 'state':
            state = bytes([records.STATES.index('live')])
            return plain[:at + 5] + state + plain[at + 5 + length:]
        at += 5 + length
    raise Damaged('lacks a field')


class Revive:
    """Revives grants in batches.  Reports and skips damaged records."""

    def __init__(self, store, layout, opener, options, say):
        self.store = store
        self.layout = layout
        self.opener = opener
        self.options = options
        self.pace = records.Pace(options.rate)
        self.progress = records.Progress(say, 'grants looked at')
        self.findings = Findings()
        self.passed = Counter()
        self.revived = []

    def run(self, keys=None):
        """keys: a list with the key of one grant, or None for all grants."""
        found = [keys] if keys else \
            self.store.scan(self.layout.prefix + b':g:{*')
        for some in found:
            for batch in records.batches(some):
                self.pace.take(len(batch))
                self._batch(batch)
                self.progress.add(len(batch))
        self.store.await_replicas()

    def _batch(self, keys):
        due = []
        for reading in records.readings(self.store, keys, Row.FIELDS):
            row = Row.of(reading)
            if not row.exists:
                if reading.exists:
                    self.passed['disconnected'] += 1
                continue
            try:
                fresh = self._fresh(row)
            except (Damaged, UnknownKey) as error:
                self.findings.add(row, error)
                continue
            if fresh:
                due.append((row, fresh))

        if self.options.dry_run:
            self.revived.extend(row for row, _ in due)
            return
        replies = self.store.calls([fresh for _, fresh in due])
        for (row, _), reply in zip(due, replies):
            if reply == b'ok':
                self.revived.append(row)
            else:
                self.passed['changed meanwhile'] += 1

    def _fresh(self, row):
        """Returns the command that revives the grant, or None."""
        tenant, plain = self.opener.open(row)
        grant = records.Grant(plain)
        if tenant.name != self.options.tenant:
            return None
        why = self._why_not(row, tenant, grant)
        if why:
            self.passed[why] += 1
            return None

        if row.given_up:
            return row.key, ('EVAL', FORGET, 1, row.key, row.id,
                             row.generation, row.attempts)

        after = Row(row.key, [row.id, b'%d' % (int(row.generation) + 1),
                              row.blob])
        blob = self.opener.sealed_as(after, tenant, made_live(plain))
        return row.key, ('EVAL', REVIVE, 1, row.key, row.id, row.generation,
                         row.blob, after.generation, blob, KEPT_MS,
                         self.layout.channel, row.identity.encode())

    def _why_not(self, row, tenant, grant):
        if row.aside:
            return 'set aside by rename'
        if not row.given_up and (row.spent is None or grant.state != 'spent'):
            return 'live'
        if self.opener.moved(row, tenant):
            return 'of another registration'
        if not grant.refresh_token:
            return 'without a refresh token'
        since, until = self.options.since, self.options.until
        if since is None and until is None:
            return None
        if row.ended_ms is None:
            return 'ended at an unknown time'
        if since is not None and row.ended_ms < since \
                or until is not None and row.ended_ms >= until:
            return 'ended at another time'
        return None

    def lines(self):
        for row in self.revived if self.options.dry_run else []:
            ended = utc(row.ended_ms) if row.ended_ms else 'at an unknown time'
            yield f'{row.identity}  ended {ended}'
        would = 'would be ' if self.options.dry_run else ''
        yield f'{len(self.revived)} grants {would}revived'
        for why, count in sorted(self.passed.items()):
            yield f'{count} passed over: {why}'
        yield from self.findings.lines()
