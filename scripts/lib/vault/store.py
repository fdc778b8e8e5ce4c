"""The vault's Redis: a single server, a primary with Sentinels, or a cluster.

All commands of the tool may be sent twice.  So a command that fails temporarily
is sent again, after a new search for the primary.
"""

import time

from .errors import VaultError
from .layout import SLOTS, slot_of
from .server import Address, Elsewhere, Passing, Server

PAUSE = 0.25
HOPS = 5
SCAN_COUNT = 500
WAIT_MS = 2000


class Store:
    """The primaries of a vault.  Sends each command to the primary that has
    the key."""

    def __init__(self, settings, patience=10, say=lambda text: None):
        self._settings = settings
        self._patience = patience
        self._say = say
        self._servers = {}
        self._slots = None
        self.cluster = settings.cluster
        self.searches = 0
        self.primaries = []
        self._patiently(self._find)

    # finding the primaries

    def _find(self):
        self.searches += 1
        if self.cluster:
            self._find_cluster()
        elif self._settings.sentinels:
            self._find_by_sentinel()
        else:
            self._find_seed()

    def _server(self, where):
        key = where.path or (where.host, where.port)
        if key not in self._servers:
            settings = self._settings
            self._servers[key] = Server(where, settings.username,
                                        settings.password, settings)
        return self._servers[key]

    @staticmethod
    def _first(servers, ask):
        """Returns the first useful answer of the servers."""
        last = Passing('no Redis is known')
        for server in servers:
            try:
                return ask(server)
            except Passing as error:
                last = error
        raise last

    @staticmethod
    def _primary(server):
        if server.info('replication').get('role') != 'master':
            raise Passing(f'{server.name} is a replica')
        return server

    def _find_seed(self):
        seeds = [self._server(seed) for seed in self._settings.seeds]
        server = self._first(seeds, self._primary)

        if server.info('cluster').get('cluster_enabled') == '1':
            raise VaultError('this Redis belongs to a cluster: write '
                             '"cluster on;" in cigna_vault, or add --cluster')
        self.primaries = [server]

    def _find_by_sentinel(self):
        settings = self._settings

        def ask(sentinel):
            reply = sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
                                  settings.sentinel_master)
            if not reply:
                raise Passing(f'{sentinel.name} knows no master named '
                              f'"{settings.sentinel_master}"')
            return reply

        sentinels = [Server(url, settings.sentinel_username,
                            settings.sentinel_password, settings)
                     for url in settings.sentinels]
        try:
            host, port = self._first(sentinels, ask)
        finally:
            for sentinel in sentinels:
                sentinel.close()

        # Sentinels tell only host and port of the primary.  The first server
        # of the configuration gives the scheme and the database.
        like = (settings.seeds or settings.sentinels)[0]
        server = self._server(Address(host.decode(), int(port), like.tls,
                                      like.db))
        self.primaries = [self._primary(server)]

    def _find_cluster(self):
        def ask(server):
            ranges = server.call('CLUSTER', 'SLOTS')
            if sum(end - start + 1 for start, end, *_ in ranges) != SLOTS:
                raise Passing('some slots of the cluster have no primary')
            return server, ranges

        seeds = [self._server(seed) for seed in self._settings.seeds]
        asked, ranges = self._first(self.primaries + seeds, ask)
        slots = [None] * SLOTS

        for start, end, (host, port, *_), *_ in ranges:
            # an empty host stands for the node that was asked
            server = self._node(host.decode() if host else asked.host, port)
            slots[start:end + 1] = [server] * (end - start + 1)

        self._slots = slots
        self.primaries = list(dict.fromkeys(slots))

    def _node(self, host, port):
        return self._server(Address(host, int(port),
                                    self._settings.seeds[0].tls))

    # sending commands

    def _patiently(self, act, *args):
        """Repeats act() for a while as long as it fails temporarily."""
        deadline = time.monotonic() + self._patience
        told = False

        while True:
            try:
                if told and act != self._find:
                    self._find()
                return act(*args)
            except Passing as error:
                if time.monotonic() > deadline:
                    raise VaultError(str(error)) from None
                if not told:
                    self._say(f'waiting: {error}')
                told = True
            time.sleep(PAUSE)

    def server_of(self, key):
        return self._slots[slot_of(key)] if self.cluster \
            else self.primaries[0]

    def first_slot(self, server):
        """Returns a hash slot of a primary, or None without a cluster."""
        return self._slots.index(server) if self.cluster else None

    def call(self, key, *args):
        """Sends one command to the primary that has the key."""
        return self._patiently(self._call, key, args)

    def _call(self, key, args):
        server, asking = self.server_of(key), False

        for _ in range(HOPS):
            try:
                if not asking:
                    return server.call(*args)
                reply = server.calls([('ASKING',), args])[1]
                if not isinstance(reply, Exception):
                    return reply
                raise reply
            except Elsewhere as error:
                server, asking = self._follow(error, server), error.asking

        raise Passing('the cluster redirects from node to node without end')

    def _follow(self, error, server):
        node = self._node(error.host or server.host, error.port)
        if not error.asking:
            self._slots[error.slot] = node
        return node

    def calls(self, commands):
        """Returns the replies to [(key, args), ...] in order."""
        groups = {}
        for i, (key, _) in enumerate(commands):
            groups.setdefault(self.server_of(key), []).append(i)

        replies = [None] * len(commands)
        for server, members in groups.items():
            try:
                batch = server.calls([commands[i][1] for i in members])
            except Passing as error:
                batch = [error] * len(members)

            for i, reply in zip(members, batch):
                # a command that failed in the batch is sent again alone
                replies[i] = self.call(commands[i][0], *commands[i][1]) \
                    if isinstance(reply, Exception) else reply
        return replies

    def await_replicas(self):
        """Waits for a replica.  Warns, and returns False, if only a primary
        has the last writes."""
        kept = True
        for server in self.primaries:
            info = server.info('replication')
            if info.get('connected_slaves', '0') != '0' \
                    and not server.call('WAIT', 1, WAIT_MS):
                self._say(f'no replica of {server.name} has all writes yet: '
                          'a failover now would lose them')
                kept = False
        return kept

    def scan(self, pattern):
        """Yields lists of keys.  No key comes twice."""
        for server in list(self.primaries):
            yield from self._scan(server, pattern)

    def _scan(self, server, pattern):
        seen, cursor = set(), b'0'

        while True:
            server, (cursor, keys) = self._patiently(
                self._scan_step, server, cursor, pattern)
            fresh = [key for key in dict.fromkeys(keys) if key not in seen]
            seen.update(fresh)
            if fresh:
                yield fresh
            if cursor == b'0':
                return

    def _scan_step(self, server, cursor, pattern):
        # a cursor is valid at one server only, and not after a failover
        if server not in self.primaries:
            server, cursor = self.primaries[0], b'0'
            if self.cluster:
                raise VaultError('a primary has gone while its keys were '
                                 'read; please start again')
        return server, server.call('SCAN', cursor, 'MATCH', pattern,
                                   'COUNT', SCAN_COUNT)
