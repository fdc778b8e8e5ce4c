"""The names of the vault's records in Redis.

    <prefix>:g:{<identity>}   grant    hash
    <prefix>:l:{<identity>}   lock     string
    <prefix>:d:{<state>}      dance    hash
    <prefix>:o:{<shard>}:<identity>    open dances of a member, sorted set
    <prefix>:i:{<shard>}      open dances of a shard, sorted set
    <prefix>:e:{<shard>}      ended dances of a shard, sorted set
    <prefix>:c:{<shard>}:<hour>        counts of ended dances, hash
    <prefix>:v:{vault}        marker   hash: b blob, r run id of the primary, t
                                       time in ms at which it became the primary
    <prefix>:v:{<tag>}        marker   in a cluster, one for each hash slot
    <prefix>:v:{init}         string, while an init is under way in a cluster
    <prefix>:b:{budget}       budgets  hash; has no secrets and may be deleted

ngx_cigna_module/core/vault/cigna_vault_names.h describes the fields of grants
and dances.
"""

import functools
import re
import struct

from .keyring import Record, UnknownKey, base64url

SLOTS = 16384
NAME_BYTES = 20
MEMBER_MAX = 256
MARKER_VERSION = 1

PREFIX = re.compile(r'[A-Za-z0-9_.:-]{1,32}')


class OtherNames(Exception):
    """The marker was made with another name key."""


class OtherVersion(Exception):
    """The marker is from another version of the module."""


def _crc16_of_byte(byte):
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ (0x1021 if crc & 0x8000 else 0)
    return crc & 0xffff


CRC16_TABLE = [_crc16_of_byte(byte) for byte in range(256)]


def crc16(data):
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xffff) ^ CRC16_TABLE[crc >> 8 ^ byte]
    return crc


def slot_of(key):
    """Returns the hash slot of a key, or of its hash tag if it has one."""
    start = key.find(b'{')
    end = key.find(b'}', start + 1) if start >= 0 else -1

    if end > start + 1:
        key = key[start + 1:end]
    return crc16(key) % SLOTS


@functools.lru_cache(maxsize=1)
def slot_tags():
    """Maps each slot to the smallest decimal number that hashes to it."""
    tags, number = {}, 0
    while len(tags) < SLOTS:
        text = b'%d' % number
        tags.setdefault(crc16(text) % SLOTS, text)
        number += 1
    return tags


class Layout:
    """Makes the names for a prefix and a key ring."""

    def __init__(self, ring, prefix):
        self.ring = ring
        self.prefix = prefix.encode()

    def key(self, kind, tag):
        return b'%s:%s:{%s}' % (self.prefix, kind, tag)

    def identity(self, tenant, member):
        """Returns the keyed hash that stands for a member in Redis."""
        if (not 0 < len(member) <= MEMBER_MAX
                or any(byte < 0x20 or byte == 0x7f for byte in member)):
            raise ValueError('a member is 1 to 256 bytes without control '
                             'bytes')
        digest = self.ring.name(b'member', tenant, member)
        return base64url(digest[:NAME_BYTES]).encode()

    @property
    def channel(self):
        return self.prefix + b':invalidate'

    # markers

    def marker_key(self, slot=None):
        return self.key(b'v', b'vault' if slot is None else slot_tags()[slot])

    @staticmethod
    def _marker_record(key):
        return Record(b'marker', b'', key)

    def seal_marker(self, key, made_ms, nonce=None):
        plain = bytes([MARKER_VERSION]) + struct.pack('>Q', made_ms)
        return self.ring.seal_named(self._marker_record(key), b'', plain,
                                    nonce)

    def open_marker(self, key, blob):
        """Returns the time in ms at which the marker was made.  Raises
        Damaged, OtherNames or OtherVersion if it is not this vault's."""
        try:
            plain = self.ring.open_named(self._marker_record(key), b'', blob)
        except UnknownKey:
            raise OtherNames('was made with another name key') from None

        if len(plain) != 9 or plain[0] != MARKER_VERSION:
            raise OtherVersion('is from another version of the module')
        return struct.unpack('>Q', plain[1:])[0]
