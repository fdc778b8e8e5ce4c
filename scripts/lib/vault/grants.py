"""Selects and shows grants of a tenant or of a member."""

import time

from . import records
from .errors import UsageError
from .findings import Findings
from .keyring import Damaged, UnknownKey, base64url
from .text import printable, utc

IDENTITY_LEN = 27
FINGERPRINT_BYTES = 6


class Selection:
    """The grants of a tenant, of one of its members, or of one identity."""

    def __init__(self, store, layout, opener, options, tenants):
        self.store, self.layout, self.opener = store, layout, opener
        self.tenant = options.tenant
        self.findings = Findings()
        self._keys = None

        if self.tenant and self.tenant not in tenants:
            raise UsageError(
                f'there is no tenant "{self.tenant}" in the configuration: if '
                'its block was removed, give a file that has the block: '
                '--saved FILE')
        if options.member is not None:
            self._keys = [self._key_of_member(options.member)]
        elif options.identity is not None:
            self._keys = [self._key_of(options.identity.encode())]

    @property
    def one(self):
        return self._keys is not None

    @property
    def keys(self):
        """A list with the key of the one grant, or None for all grants."""
        return self._keys

    def _key_of_member(self, member):
        if not self.tenant:
            raise UsageError('--member needs --tenant')
        try:
            identity = self.layout.identity(self.tenant.encode(),
                                            member.encode('utf-8',
                                                          'surrogateescape'))
        except ValueError as error:
            raise UsageError(str(error)) from None
        return self._key_of(identity)

    def _key_of(self, identity):
        if len(identity) != IDENTITY_LEN:
            raise UsageError('an identity is the hash with 27 characters that '
                             'logs and lists show')
        return self.layout.key(b'g', identity)

    def rows(self, pace=None):
        """Yields (row, tenant, grant) for each selected grant that opens."""
        lists = [records.read(self.store, self._keys)] if self.one \
            else records.grants(self.store, self.layout, pace)
        for rows in lists:
            for row in rows:
                opened = self._open(row)
                if opened:
                    yield row, *opened

    def _open(self, row):
        try:
            tenant, plain = self.opener.open(row)
            grant = records.Grant(plain)
        except (UnknownKey, Damaged) as error:
            self.findings.add(row, error)
            return None
        if self.tenant and tenant.name != self.tenant:
            return None
        return tenant, grant


class Listing:
    """The parts of a grant that may be shown.  A token is never shown."""

    def __init__(self, layout, opener, show_patient):
        self.layout = layout
        self.opener = opener
        self.show_patient = show_patient

    def entry(self, row, tenant, grant):
        state = grant.state
        if row.aside:
            state = 'renamed'
        elif state == 'live' and self.opener.moved(row, tenant):
            state = 'moved'
        elif state == 'live' and not grant.refresh_token \
                and grant.expires_ms < time.time() * 1000:
            state = 'ended'
        return {
            'identity': row.identity,
            'tenant': tenant.name,
            'generation': int(row.generation),
            'state': state,
            'refreshable': bool(grant.refresh_token),
            'connected': utc(grant.connected_ms),
            'expires': utc(grant.expires_ms),
            'kept_until': utc(time.time() * 1000 + row.left_ms)
                          if row.left_ms >= 0 else None,
            'scope': grant.scope.decode('utf-8', 'replace'),
            'patient': self._patient(tenant, grant.patient),
            'key': row.key_id.hex(),
        }

    def _patient(self, tenant, patient):
        if not patient:
            return None
        if self.show_patient:
            return patient.decode('utf-8', 'replace')
        digest = self.layout.ring.name(b'patient', tenant.name.encode(),
                                       patient)
        return f'#{base64url(digest[:FINGERPRINT_BYTES])}'

    @staticmethod
    def line(entry):
        return (f'{entry["identity"]}  {entry["tenant"]}  '
                f'generation {entry["generation"]}  {entry["state"]}'
                f'{"" if entry["refreshable"] else ", not refreshable"}  '
                f'connected {entry["connected"]}  expires {entry["expires"]}'
                f'  kept until {entry["kept_until"] or "for ever"}  '
                f'patient {printable(entry["patient"] or "-")}  '
                f'scope {printable(entry["scope"])}')
