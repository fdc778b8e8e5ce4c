#!/usr/bin/python3 -B
"""Makes sealed grants for many members, in the gateway's format.

    seed.py KEYS PREFIX TENANT ISSUER CLIENT_ID FHIR_BASE NAME COUNT

Prints a line of JSON for each of the members NAME-1 to NAME-COUNT: the grant's
key in Redis, its id, and its record in hexadecimal digits.  The access tokens
have expired, and the authorization server does not know the refresh tokens.
"""

import json
import os
import struct
import sys
import time
from collections import namedtuple

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))

from vault.keyring import KeyRing, Record, base64url  # noqa: E402
from vault.layout import Layout  # noqa: E402
from vault.records import FIELDS, VERSION, Row, registration_of  # noqa: E402

GENERATION = b'1'
LIVE = 0
HOUR_MS = 3600 * 1000

Tenant = namedtuple('Tenant', 'name issuer client_id fhir_base')


def plain(name, now_ms):
    values = {
        'state': bytes([LIVE]),
        'access_token': b'MARKseed-access-' + name,
        'refresh_token': b'MARKseed-refresh-' + name,
        'scope': b'openid fhirUser patient/*.read',
        'obtained_ms': struct.pack('>q', now_ms - 2 * HOUR_MS),
        'expires_ms': struct.pack('>q', now_ms - HOUR_MS),
        'connected_ms': struct.pack('>q', now_ms - 2 * HOUR_MS),
    }
    return bytes([VERSION]) + b''.join(
        struct.pack('>BI', tag, len(values[field])) + values[field]
        for tag, (field, _) in FIELDS.items() if field in values)


def main():
    keys, prefix, *tenant, name, count = sys.argv[1:]
    tenant = Tenant(*tenant)
    with open(keys, encoding='ascii') as text:
        layout = Layout(KeyRing(text.read()), prefix)
    registration = registration_of(tenant)
    now_ms = int(time.time() * 1000)

    for i in range(int(count)):
        member = f'{name}-{i + 1}'.encode()
        key = layout.key(b'g', layout.identity(tenant.name.encode(), member))
        row = Row(key, (base64url(os.urandom(16)).encode(), GENERATION,
                        registration))
        sealed = layout.ring.seal(
            Record(b'grant', tenant.name.encode(), key), row.data(),
            plain(member, now_ms))
        print(json.dumps([key.decode(), row.id.decode(),
                          (registration + sealed).hex()]))


main()
