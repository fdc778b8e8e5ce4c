"""The key ring, and records that are sealed with it.

    name <32 bytes in base64url>          exactly one, never rotated
    seal <32 bytes in base64url>          the first one seals, all open

HKDF-SHA256 (RFC 5869) derives the working keys, with the salt
"ngx_cigna_module" and with an "info" that is a list of parts, each with its
length in front.  A sealed record is:

    version (1) | key id (8) | nonce (12) | ciphertext | tag (16)
"""

import base64
import hashlib
import hmac
import os
import struct

from .errors import VaultError

SALT = b'ngx_cigna_module'
SEAL_KEYS_MAX = 16
VERSION = 1
KEY_ID_LEN = 8
NONCE_LEN = 12
TAG_LEN = 16
OVERHEAD = 1 + KEY_ID_LEN + NONCE_LEN + TAG_LEN


class UnknownKey(Exception):
    """The ring lacks the key that sealed this record."""

    def __init__(self, key_id):
        super().__init__(f'sealed under key {key_id}, which the ring lacks')
        self.key_id = key_id


class Damaged(Exception):
    """The record does not authenticate: it was changed or moved."""


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def joined(*parts):
    """Joins the parts, each with its length in front, so that different lists
    give different bytes."""
    return b''.join(struct.pack('>I', len(part)) + part for part in parts)


def _hmac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


class Key:
    """The result of HKDF-Extract for one key of the ring."""

    def __init__(self, secret):
        self._prk = _hmac(SALT, secret)
        self.id = self.expand(b'key id')[:KEY_ID_LEN]

    def expand(self, *parts):
        return _hmac(self._prk, joined(*parts) + b'\x01')

    def of_record(self, record):
        return self.expand(b'record', self.id, bytes([VERSION]),
                           record.type, record.tenant, record.name)


class Record:
    """Names a record.  All three parts go into its sealing key."""

    def __init__(self, type_, tenant, name):
        self.type = type_
        self.tenant = tenant
        self.name = name


def _decoded(word):
    try:
        text = word.encode('ascii')
        if len(text) != 43:
            raise ValueError
        key = base64.b64decode(text + b'=', altchars=b'-_', validate=True)
    except ValueError:
        key = b''

    if len(key) != 32 or base64url(key) != word:
        raise ValueError('a key is 32 bytes in base64url, 43 characters '
                         'without "="')
    if len(set(key)) == 1:
        raise ValueError('a key must be random: this one repeats a single '
                         'byte')
    return key


class KeyRing:
    """The keys of a ring.  The first of `seals` seals, and all of them open."""

    def __init__(self, text):
        self._name = None
        self.seals = []

        for number, line in enumerate(text.split('\n'), 1):
            try:
                self._read(line)
            except ValueError as error:
                raise VaultError(f'line {number}: {error}') from None

        if self._name is None:
            raise VaultError('there is no "name" line')
        if not self.seals:
            raise VaultError('there is no "seal" line')

        self._names = Key.__new__(Key)
        self._names._prk = self._name.expand(b'names')

    def _read(self, line):
        words = line.replace('\t', ' ').replace('\r', ' ').split(' ')
        words = [word for word in words if word]

        if not words or words[0].startswith('#'):
            return
        if words[0] not in ('name', 'seal'):
            raise ValueError('a line must begin with "name", "seal" or "#"')
        if len(words) > 2:
            raise ValueError('there is something behind the key')
        if words[0] == 'name' and self._name:
            raise ValueError('there is a second "name" line')
        if words[0] == 'seal' and len(self.seals) == SEAL_KEYS_MAX:
            raise ValueError(f'there are more than {SEAL_KEYS_MAX} "seal" '
                             'lines')

        key = Key(_decoded(words[1] if len(words) == 2 else ''))

        if key.id in [other.id for other in self.seals + [self._name]
                      if other]:
            raise ValueError('the same key occurs twice')
        if words[0] == 'name':
            self._name = key
        else:
            self.seals.append(key)

    @property
    def sealing_id(self):
        return self.seals[0].id

    def find(self, key_id):
        for key in self.seals:
            if key.id == key_id:
                return key
        return None

    def name(self, *parts):
        """Returns the keyed hash of a list of parts."""
        return self._names.expand(*parts)

    def seal(self, record, aad, plain, nonce=None):
        return _seal(self.seals[0], record, aad, plain, nonce)

    def open(self, record, aad, sealed):
        key_id = key_id_of(sealed)
        key = self.find(key_id)
        if key is None:
            raise UnknownKey(key_id.hex())
        return _open(key, record, aad, sealed)

    def seal_named(self, record, aad, plain, nonce=None):
        """Seals with the name key, which is never rotated."""
        return _seal(self._name, record, aad, plain, nonce)

    def open_named(self, record, aad, sealed):
        key_id = key_id_of(sealed)
        if key_id != self._name.id:
            raise UnknownKey(key_id.hex())
        return _open(self._name, record, aad, sealed)


def _seal(key, record, aad, plain, nonce):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    nonce = nonce or os.urandom(NONCE_LEN)
    body = AESGCM(key.of_record(record)).encrypt(nonce, plain, aad)
    return bytes([VERSION]) + key.id + nonce + body


def _open(key, record, aad, sealed):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    nonce = sealed[1 + KEY_ID_LEN:1 + KEY_ID_LEN + NONCE_LEN]
    body = sealed[1 + KEY_ID_LEN + NONCE_LEN:]
    try:
        return AESGCM(key.of_record(record)).decrypt(nonce, body, aad)
    except InvalidTag:
        raise Damaged('does not authenticate') from None


def key_id_of(sealed):
    if len(sealed) < OVERHEAD or sealed[0] != VERSION:
        raise Damaged('is not a sealed record')
    return sealed[1:1 + KEY_ID_LEN]
