// The token request as Cigna requires it, and the use of its reply.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { endOf, toCallback, toldApp } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { fingerprint } from '../../scripts/sandbox/record.mjs';

test('the exchange', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { token_lifetime: '120s', dances_per_second: 1000 },
  });
  const { control } = gw.sandbox;
  const [acme] = gw.sandbox.info.clients;

  // Runs a dance while the sandbox is in these modes.  Returns the outcome and
  // the token request.
  async function exchange(modes = {}, options = {}) {
    await control.reset();
    await control.set(modes);
    const { visitor, url, target } = await toCallback(gw, {
      member: `member ${Math.random()}`, ...options });
    const reply = await visitor.get(target);
    const { token, recent_token: [request] } = await control.see();
    return { ...toldApp(reply), visitor, url, token, request };
  }

  await t.test('the token request has code, verifier, redirect_uri and one '
    + 'client authentication', async () => {
    const { cigna, request, url } = await exchange();
    assert.equal(cigna, 'connected');

    const { parameters } = request;
    assert.deepEqual(Object.keys(parameters).sort(),
                     ['client_id', 'client_secret', 'code', 'code_verifier',
                      'grant_type', 'redirect_uri']);
    assert.equal(parameters.grant_type, 'authorization_code');
    assert.equal(parameters.code, fingerprint(url.searchParams.get('code')));
    assert.equal(parameters.redirect_uri, gw.url('acme', '/cigna/callback'));
    assert.equal(parameters.client_secret, fingerprint(acme.client_secret));
    const names = request.headers.map(([name]) => name.toLowerCase());
    assert.ok(!names.includes('authorization'));
    assert.ok(!names.includes('cookie'));
  });

  await t.test('the gateway sends no cookie to the token endpoint, which sets '
    + 'some', async () => {
    for (let i = 0; i < 3; i += 1) {
      const { cigna, token, request } = await exchange({
        token_cookies: 'set' });
      assert.equal(cigna, 'connected');
      assert.equal(token.with_cookie, 0);
      assert.ok(!request.headers.some(([name]) => /^cookie/i.test(name)));
    }
  });

  // Runs a dance.  Returns the token's lifetime in seconds as the status
  // endpoint tells it, and the other fields of the status.
  async function lifetime(modes) {
    const { cigna, visitor } = await exchange(modes);
    assert.equal(cigna, 'connected');
    const { connected, expires_at: at, ...rest } =
      (await visitor.get('/cigna/status')).json();
    assert.equal(connected, true);
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    return { seconds: (Date.parse(at) - Date.now()) / 1000, ...rest };
  }

  for (const [expiresIn, expected] of [
    ['number', 3599],
    ['string', 3599],
    ['absent', 120],
    [{ raw: '599' }, 599],
    [{ raw: '599.9' }, 599],
    [{ raw: '"599"' }, 599],
    [{ raw: '5.99e2' }, 599],
    [{ raw: '1e99' }, 120],
    [{ raw: '99999999999999999999' }, 120],
    [{ raw: '-5' }, 120],
    [{ raw: '0' }, 120],
    [{ raw: 'null' }, 120],
    [{ raw: 'true' }, 120],
    [{ raw: '"soon"' }, 120],
    [{ raw: '[]' }, 120],
  ]) {
    await t.test(`expires_in ${JSON.stringify(expiresIn)} gives a lifetime of `
      + `${expected} s`, async () => {
      const { seconds } = await lifetime({ expires_in: expiresIn });
      assert.ok(seconds > expected - 10 && seconds <= expected + 1,
                `${seconds}`);
    });
  }

  await t.test('a scope other than the requested one is accepted and '
    + 'kept', async () => {
    const { scope } = await lifetime({ scope: 'search read openid' });
    assert.equal(scope, 'search read openid');
  });

  await t.test('a reply without scope has the requested scope',
    async () => {
      const { scope } = await lifetime({ scope: 'absent' });
      assert.equal(scope, 'openid fhirUser patient/*.read');
    });

  await t.test('status tells patient as it came, if the reply has '
    + 'one', async () => {
    assert.equal((await lifetime({ patient: 'odd id"<' })).patient,
                 'odd id"<');
    assert.equal((await lifetime({ patient: 'absent' })).patient, undefined);
  });

  await t.test('status tells that a grant without refresh token is not '
    + 'refreshable', async () => {
    assert.equal((await lifetime({ refresh: 'none' })).refreshable, false);
    assert.equal((await lifetime({})).refreshable, true);
  });

  await t.test('an access token of 4 KB serves', async () => {
    const { visitor, cigna } = await exchange({ access_token: 'jwt' });
    assert.equal(cigna, 'connected');
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
  });
});

test('one client authentication for each method', async (t) => {
  const gw = await standardGateway(t, {
    clients: {
      acme: { token_endpoint_auth_method: 'client_secret_basic' },
      globex: { token_endpoint_auth_method: 'none' },
    },
    tenants: {
      acme: { token_endpoint_auth_method: 'client_secret_basic' },
    },
  });
  const { control } = gw.sandbox;
  const [acme] = gw.sandbox.info.clients;

  await t.test('client_secret_basic puts the secret into the header only',
    async () => {
      const { outcome } = await gw.dance({ member: 'alice' });
      assert.equal(outcome, 'connected');

      const { recent_token: [{ parameters, headers }] } = await control.see();
      assert.ok(!('client_secret' in parameters));
      const sent = headers.filter(([name]) => /^authorization$/i.test(name));
      assert.equal(sent.length, 1);
      const pair = [acme.client_id, acme.client_secret]
        .map(encodeURIComponent).join(':');
      const basic = Buffer.from(pair).toString('base64');
      assert.ok([`Basic ${fingerprint(basic)}`, fingerprint(`Basic ${basic}`)]
        .includes(sent[0][1]), sent[0][1]);
    });

  await t.test('method none sends the client id and no secret', async () => {
    await control.reset();
    const { outcome } = await gw.dance({ tenant: 'globex', member: 'alice' });
    assert.equal(outcome, 'connected');

    const { recent_token: [{ parameters, headers }] } = await control.see();
    assert.equal(parameters.client_id, 'globex-client');
    assert.ok(!('client_secret' in parameters));
    assert.ok(!headers.some(([name]) => /^authorization$/i.test(name)));
  });

  await t.test('a login page in reply to client_secret_basic ends as '
    + 'exchange_invalid', async () => {
    await control.set({ basic_auth: 'html' });
    const { outcome } = await gw.dance({ member: 'alice' });
    assert.equal(outcome, 'exchange_invalid');
  });

  await t.test('a wrong secret ends as exchange_refused', async () => {
    await control.reset();
    const file = gw.file(`${acme.client_id}.secret`);
    writeFileSync(file, acme.client_secret.replace(/.$/, '?'));
    await gw.reload({});
    const { outcome, danceId } = await gw.dance({ member: 'alice' });
    assert.equal(outcome, 'exchange_refused');
    assert.match(endOf(gw, danceId), /invalid_client/);
  });
});
