"""Revokes grants at the authorization server (RFC 7009), and deletes them."""

import base64
import http.client
import json
import socket
import ssl
import time
from urllib.parse import quote_plus, urlencode, urlsplit

from .errors import VaultError
from .keyring import Damaged, UnknownKey
from .records import Grant, Row
from .scripts import GRANT_DELETE
from .server import tls_context
from .settings import origin

# for this time no late write can revive a deleted grant; the same as
# CIGNA_TOMB_MS
TOMB_MS = 30 * 24 * 3600 * 1000

REPLY_MAX = 65536
TRIES = 3
PAUSE = 1.0


class Refused(Exception):
    """The server refuses, and would refuse again."""


class UnknownClient(Refused):
    """The server answers invalid_client; it may know another secret."""


class Unreachable(Exception):
    """The server gives no answer, or one that may soon change."""


class Endpoint:
    """A tenant's revocation endpoint.  It is asked over verified TLS, or over
    http if the tenant has insecure_http, without cookies, redirects or a
    proxy."""

    def __init__(self, tenant):
        self.tenant = tenant
        self.url = tenant.revocation_endpoint
        if not self.url and tenant.has_block:
            self.url = self._discovered()
        self._secrets = None

    @property
    def known(self):
        return self.url is not None

    def _connection(self, url):
        tenant, parts = self.tenant, urlsplit(url)
        if parts.scheme == 'http' and tenant.insecure_http:
            return http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=tenant.connect_timeout)
        if parts.scheme != 'https' or not parts.hostname:
            raise VaultError(f'tenant "{tenant.name}": "{url}" is not an '
                             'https URL')
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=tenant.connect_timeout,
            context=tls_context(tenant.trusted_certificate))

    def _exchange(self, method, url, body=None, headers=None):
        connection = self._connection(url)
        parts = urlsplit(url)
        target = (parts.path or '/') + (f'?{parts.query}' if parts.query
                                        else '')
        try:
            connection.connect()
            connection.sock.settimeout(self.tenant.timeout)
            connection.request(method, target, body, {
                'Accept': 'application/json', 'Connection': 'close',
                **(headers or {})})
            reply = connection.getresponse()
            return reply, reply.read(REPLY_MAX)
        except ssl.SSLCertVerificationError as error:
            raise VaultError(f'the certificate of "{parts.hostname}" is not '
                             f'valid: {error.verify_message}') from None
        except socket.timeout:
            raise Unreachable(f'{parts.hostname} does not answer in '
                              'time') from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f'{parts.hostname} cannot be asked '
                              f'({type(error).__name__})') from None
        finally:
            connection.close()

    def _discovered(self):
        """Returns the endpoint that the metadata announce, or None."""
        url = f'{self.tenant.fhir_base}/.well-known/smart-configuration'
        try:
            reply, body = self._exchange('GET', url)
        except Unreachable as error:
            raise VaultError(str(error)) from None
        try:
            if reply.status // 100 != 2:
                raise ValueError
            document = json.loads(body.decode('utf-8-sig', 'replace'))
            found, token = (self._announced(document, name) for name in (
                'revocation_endpoint', 'token_endpoint'))
        except (ValueError, AttributeError):
            raise VaultError(f'"{url}" cannot be read') from None

        # a token must only go to the server that issued it
        own = self.tenant.token_endpoint
        if found and own and origin(own) not in (
                origin(found), token and origin(token)):
            return None
        return found

    def _announced(self, document, name):
        """Returns a URL of the document, or None if it is not usable."""
        found = document.get(name)
        found = found.strip() if isinstance(found, str) else ''
        schemes = ('https', 'http') if self.tenant.insecure_http \
            else ('https',)
        try:
            scheme, host, _ = origin(found)
        except VaultError:
            return None
        return found if scheme in schemes and host else None

    def revoke(self, grant):
        """Revokes the refresh token, and with it the access token.  Revokes
        the access token if there is no refresh token."""
        token, hint = ((grant.refresh_token, 'refresh_token')
                       if grant.refresh_token
                       else (grant.access_token, 'access_token'))
        form = [('token', token), ('token_type_hint', hint)]

        if self._secrets is None:
            self._secrets = ([''] if self.tenant.auth_method == 'none'
                             else self.tenant.client_secrets())
        for secret in list(self._secrets):
            try:
                return self._patiently(*self._request(form, secret))
            except UnknownClient as error:
                # the next request tries another secret first
                self._secrets.append(self._secrets.pop(0))
                refusal = error
        raise refusal

    def _request(self, form, secret):
        """Returns body and headers, with the client's id and secret."""
        headers = {'Content-Type': 'application/x-www-form-urlencoded'}
        tenant = self.tenant

        if tenant.auth_method == 'client_secret_basic':
            pair = b':'.join(quote_plus(part).encode() for part in (
                tenant.client_id.encode(), secret))
            headers['Authorization'] = \
                f'Basic {base64.b64encode(pair).decode()}'
        else:
            form = [*form, ('client_id', tenant.client_id)]
        if tenant.auth_method == 'client_secret_post':
            form = [*form, ('client_secret', secret)]

        return urlencode(form).encode(), headers

    def _patiently(self, body, headers):
        for left in reversed(range(TRIES)):
            try:
                return self._post(body, headers)
            except Unreachable:
                if not left:
                    raise
                time.sleep(PAUSE)

    def _post(self, body, headers):
        reply, text = self._exchange('POST', self.url, body, headers)
        page = text.lstrip()[:1] == b'<'

        if reply.status == 200 and not page:
            return
        if reply.status == 429 or reply.status >= 500 \
                or reply.status == 200:
            raise Unreachable('the server answers '
                              + ('with a page' if page
                                 else f'with status {reply.status}'))
        raise (UnknownClient if self._unknown_client(reply, text)
               else Refused)(f'the server refuses with status {reply.status}')

    def _unknown_client(self, reply, text):
        try:
            return (reply.status in (400, 401)
                    and json.loads(text)['error'] == 'invalid_client')
        except (ValueError, LookupError, TypeError):
            return False


class Revoke:
    """Revokes each grant at Cigna, and then deletes it here.  A grant that
    cannot be revoked is only deleted with `delete_anyway`."""

    def __init__(self, store, layout, delete_anyway, say):
        self.store, self.layout = store, layout
        self.delete_anyway = delete_anyway
        self.say = say
        self._endpoints = {}
        self.revoked = self.deleted = 0
        self.failed = []

    def endpoint(self, tenant):
        if tenant.name not in self._endpoints:
            self._endpoints[tenant.name] = Endpoint(tenant)
        return self._endpoints[tenant.name]

    def run(self, row, tenant, grant, opener):
        if row.aside:
            # the grant under the new name has the same refresh token
            self.failed.append(row.identity)
            self.say(f'{row.identity} is not revoked: it was set aside by '
                     'rename, so run "rename --finish" first')
        elif self.revoked_at_cigna(row, tenant, grant) or self.delete_anyway:
            self._delete(row, tenant, opener)

    def revoked_at_cigna(self, row, tenant, grant):
        """Returns False if the revocation has failed, so that the grant's
        tokens may still work.  Returns True if the tenant has no endpoint."""
        endpoint = self.endpoint(tenant)
        if not endpoint.known:
            return True
        try:
            endpoint.revoke(grant)
        except (Refused, Unreachable) as error:
            self.failed.append(row.identity)
            self.say(f'{row.identity} is not revoked: {error}')
            return False
        self.revoked += 1
        return True

    def _delete(self, row, tenant, opener):
        """Deletes the grant with the module's script, which tells all nodes.
        """
        lock = self.layout.key(b'l', row.identity.encode())
        reply = GRANT_DELETE.run(
            self.store, row.key, lock, str(TOMB_MS), self.layout.channel,
            row.identity.encode())
        if reply[0] != b'ok':
            return
        self.deleted += 1

        # a gateway may have refreshed the grant a moment ago
        last = Row(row.key, reply[1][:3])
        if last.blob != row.blob:
            self._revoke_last(last, tenant, opener)

    def _revoke_last(self, last, tenant, opener):
        try:
            _, plain = opener.open(last)
            self.revoked_at_cigna(last, tenant, Grant(plain))
        except (Damaged, UnknownKey) as error:
            self.failed.append(last.identity)
            self.say(f'{last.identity} is not revoked: {error}')
