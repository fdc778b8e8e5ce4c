"""Reads the vault's markers, and writes them for `init`."""

import time

from .errors import VaultError
from .keyring import Damaged
from .layout import SLOTS, OtherNames, OtherVersion
from .records import batches, readings
from .scripts import VAULT_CHECK
from .servers import POLICY

BATCH = 512


class Marker:
    """The content of a marker's key in Redis."""

    def __init__(self, layout, reading):
        self.key = reading.key
        self.unreadable = reading.fault is not None
        blob = reading.values[0] if reading.values else None
        self.exists = self.unreadable or blob is not None
        self.made_ms = None
        self.error = reading.fault or (None if blob else 'is missing')
        if self.error:
            return
        try:
            self.made_ms = layout.open_marker(self.key, blob)
        except Damaged:
            self.error = 'is damaged, or of another vault'
        except (OtherNames, OtherVersion) as error:
            self.error = str(error)

    @property
    def ours(self):
        return self.error is None


def keys(store, layout):
    slots = range(SLOTS) if store.cluster else [None]
    return [layout.marker_key(slot) for slot in slots]


def read(store, layout):
    """Yields the markers of a vault, in the order of their slots."""
    for batch in batches(keys(store, layout), BATCH):
        for reading in readings(store, batch, ['b']):
            yield Marker(layout, reading)


def check_policy(store):
    for server in store.primaries:
        policy = server.info('memory').get('maxmemory_policy', 'unknown')
        if policy != POLICY:
            raise VaultError(
                f'{server.name} evicts records when it is full: set '
                f'"maxmemory-policy {POLICY}" there (it is {policy})')


class Init:
    """Writes missing markers.  Overwrites foreign markers only with --force.
    """

    def __init__(self, store, layout, options, say):
        self.store = store
        self.layout = layout
        self.options = options
        self.say = say
        # this key exists while an init is under way, which takes a while in
        # a cluster
        self.note = layout.key(b'v', b'init')

    def run(self):
        check_policy(self.store)
        markers = list(read(self.store, self.layout))
        missing = [one for one in markers if not one.exists]
        foreign = [one for one in markers if one.exists and not one.ours]

        if foreign and not self.options.force:
            raise VaultError(
                f'the marker {_name(foreign[0])} {foreign[0].error}'
                f'{_others(foreign)}; nothing was changed.  Is this the '
                'right Redis, and the right key ring?  --force overwrites '
                'the marker, but records sealed with other keys stay '
                'unreadable')
        if not missing and not foreign:
            self.store.call(self.note, 'DEL', self.note)
            self.say('the vault has its marker already')
            return

        empty = self._empty()
        self._may(missing, markers, empty)
        self._write(foreign + missing, empty)

    def _may(self, missing, markers, empty):
        if self.options.force:
            return
        if not empty and not self.options.adopt \
                and len(missing) == len(markers):
            raise VaultError(
                f'there are records under "{self.layout.prefix.decode()}:" '
                'and no marker: if this key ring sealed them, add --adopt')
        if len(missing) < len(markers) \
                and not self.store.call(self.note, 'EXISTS', self.note):
            raise VaultError(
                f'{len(missing)} of {len(markers)} hash slots have no '
                'marker, so their data seem to be lost, and their members '
                'would have to connect again.  Restore the data, or accept '
                'the loss with --force')

    def _empty(self):
        pattern = self.layout.prefix + b':[gdlo]:{*'
        return next(self.store.scan(pattern), None) is None

    def _write(self, markers, empty):
        now_ms = int(time.time() * 1000)
        store, done = self.store, 0
        runs = {server: server.info('server')['run_id'].strip()
                for server in store.primaries}

        if store.cluster:
            store.call(self.note, 'SET', self.note, 'begun')

        for batch in batches(markers, BATCH):
            store.calls([(one.key, ('DEL', one.key))
                         for one in batch if one.unreadable])
            store.calls([self._command(one, now_ms) for one in batch])
            if empty:
                # an empty vault has lost nothing: these fields let gateways
                # refresh at once
                store.calls([
                    (one.key, ('HSET', one.key, 'r',
                               runs.get(store.server_of(one.key), ''),
                               't', '0'))
                    for one in batch])
            done += len(batch)
            if len(markers) > BATCH:
                self.say(f'{done} of {len(markers)} markers')

        self._confirm(markers)
        store.call(self.note, 'DEL', self.note)
        self.say('the vault is initialized, its sealing key is '
                 f'{self.layout.ring.sealing_id.hex()}')

    def _command(self, marker, now_ms):
        key = marker.key
        blob = self.layout.seal_marker(key, now_ms)
        # HSETNX does not overwrite a marker that another init wrote just now
        verb = 'HSET' if marker.exists else 'HSETNX'
        return key, (verb, key, 'b', blob)

    def _confirm(self, markers):
        """Reads the markers back, and one of each batch also with the module's
        own script."""
        self.store.await_replicas()
        for batch in batches(markers, BATCH):
            replies = self.store.calls([VAULT_CHECK.command(one.key)
                                        for one in batch[:1]])
            if replies[0][0] != b'ok':
                raise VaultError('the marker was written but is missing')
            for reading in readings(self.store, [one.key for one in batch],
                                    ['b']):
                found = Marker(self.layout, reading)
                if not found.ours:
                    raise VaultError(f'the marker {_name(found)} '
                                     f'{found.error}')


def _name(marker):
    return f'"{marker.key.decode()}"'


def _others(markers):
    return f' (and {len(markers) - 1} more)' if len(markers) > 1 else ''
