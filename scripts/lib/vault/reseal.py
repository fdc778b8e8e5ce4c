"""`reseal` and `verify`: they open every grant, and `reseal` reseals it."""

from collections import Counter

from . import records
from .findings import Findings
from .keyring import Damaged, UnknownKey
from .scripts import GRANT_RESEAL

PASSES = 10


class Reseal:
    """Seals all grants with the first key.

    A compare-and-set on the exact bytes makes this safe while gateways
    refresh.  It may be stopped and started again at any time.
    """

    def __init__(self, store, layout, opener, rate, say):
        self.store = store
        self.layout = layout
        self.opener = opener
        self.pace = records.Pace(rate)
        self.say = say
        self.progress = records.Progress(say, 'grants sealed again')
        self.first = layout.ring.sealing_id
        self.resealed = self.left = 0
        self.findings = Findings()

    def run(self):
        """Returns the number of grants that other keys still seal, or that do
        not open."""
        for _ in range(PASSES):
            self.findings = Findings()
            self.left = 0
            due = sum(self._rows(rows) for rows in
                      records.grants(self.store, self.layout))
            # gateways may have written with an old key meanwhile, so all
            # grants are read once more
            if not due:
                break
        # the old key must stay until a replica has the resealed grants
        self.store.await_replicas()
        return self.left

    def _rows(self, rows):
        """Reseals those rows that need it.  Returns their number."""
        commands = []
        for row in rows:
            try:
                row.check()
                if row.key_id == self.first:
                    continue
                tenant, plain = self.opener.open(row)
            except (UnknownKey, Damaged) as error:
                self.findings.add(row, error)
                self.left += 1
                continue
            commands.append(GRANT_RESEAL.command(
                row.key, row.blob,
                self.opener.sealed_again(row, tenant, plain)))

        self.pace.take(len(commands))
        replies = self.store.calls(commands)
        done = sum(reply[0] == b'ok' for reply in replies)
        self.resealed += done
        self.left += len(commands) - done
        self.progress.add(done)
        return len(commands)


class Verify:
    """Opens every grant, and counts those that do not open."""

    def __init__(self, store, layout, opener, rate, say):
        self.store = store
        self.layout = layout
        self.opener = opener
        self.pace = records.Pace(rate)
        self.progress = records.Progress(say, 'grants opened')
        self.findings = Findings()
        self.tenants = Counter()
        self.moved = Counter()

    def run(self):
        for rows in records.grants(self.store, self.layout, self.pace):
            for row in rows:
                self._open(row)
            self.progress.add(len(rows))
        return not self.findings.counts

    def _open(self, row):
        try:
            tenant, plain = self.opener.open(row)
            records.Grant(plain)
        except (UnknownKey, Damaged) as error:
            self.findings.add(row, error)
            return
        self.tenants[tenant.name] += 1
        if self.opener.moved(row, tenant):
            self.moved[tenant.name] += 1

    def lines(self):
        for name, count in sorted(self.tenants.items()):
            moved = self.moved[name]
            note = (f', {moved} of them made for another registration'
                    if moved else '')
            yield f'{count} grants of {name} open{note}'
        yield from self.findings.lines()
