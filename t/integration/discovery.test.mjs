// Endpoints that are not configured come from smart-configuration.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockOf } from '../lib/clock.mjs';
import { addedTo, endOf, titleOf, toCallback, toldApp }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const CONNECT = '/cigna/connect';
const HOUR_S = 3600;

// the gateway's clock is ahead, so it would find an id_token expired
const FOR_EVER = { id_token: 'absent' };

const NOTHING_GIVEN = {
  issuer: null, authorization_endpoint: null, token_endpoint: null,
  jwks_uri: null, revocation_endpoint: null,
};

test('discovery', async (t) => {
  const clock = clockOf(t);
  const gw = await standardGateway(t, {
    nginx: { env: clock.env },
    tenant: { timeout: '1s', connect_timeout: '500ms' },
    tenants: {
      acme: NOTHING_GIVEN,
      globex: { ...NOTHING_GIVEN, issuer: 'https://issuer.example' },
    },
  });
  const { control, info } = gw.sandbox;
  const alice = gw.visitor({ member: 'alice' });

  // Starts new workers, without metadata, while the sandbox is in these modes.
  // Returns the lines that are new in the error log.
  async function restart(modes, changes = {}) {
    await control.reset();
    await control.set({ ...FOR_EVER, ...modes });
    const log = () => gw.nginx.errorLog();
    const before = log().length;
    return addedTo(log, async () => {
      await gw.reload(changes);
      await until('discovery is over for both tenants', () =>
        log().slice(before).match(/discovery (failed|succeeded)/g)
          ?.length >= 2);
    });
  }

  async function assertNoDance(visitor = alice) {
    const reply = await visitor.get(CONNECT);
    assert.equal(reply.status, 503);
    assert.equal(titleOf(reply), 'Cigna cannot be reached');
    assert.deepEqual(reply.cookies, []);
  }

  await t.test('endpoints that are not configured are discovered, and a dance '
    + 'ends well with them', async () => {
    const { outcome, visitor, danceId } = await gw.dance({ member: 'alice' });
    assert.equal(outcome, 'connected', endOf(gw, danceId));
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    assert.match(gw.nginx.errorLog(),
                 /\[notice\].*discovery succeeded, issuer: "/);
  });

  await t.test('the document is read once and not for each dance', async () => {
    await gw.dance({ member: 'bob' });
    assert.ok((await control.see()).metadata.requests <= 2);  // two tenants
  });

  await t.test('the revocation endpoint is discovered too', async () => {
    const { visitor } = await gw.dance({ member: 'carol' });
    await visitor.post('/cigna/disconnect', { headers: {
      Origin: new URL(gw.url('acme')).origin } });
    await until('the tokens are revoked', async () =>
      (await control.see()).revoke.revoked > 0);
  });

  await t.test('an issuer other than the configured one is refused',
    async () => {
      await assertNoDance(gw.visitor({ tenant: 'globex', member: 'alice' }));
      assert.match(gw.nginx.errorLog(),
                   /discovery failed: "issuer" is not the /);
      assert.match(gw.nginx.errorLog(),
                   /outcome: discovery_failed, tenant: globex/);
    });

  await t.test('the callback requires iss if the metadata announces it',
    async () => {
      const without = async (mode) => {
        await control.reset();
        await control.set({ iss_parameter: mode });
        const { visitor, url } = await toCallback(gw);
        return { visitor, url };
      };

      await restart({ iss_parameter: 'on' });
      const { visitor, url } = await without('on');
      assert.equal(url.searchParams.get('iss'), info.issuer);
      assert.equal(toldApp(await visitor.get(url.pathname + url.search)).cigna,
                   'connected');

      const left = await without('on');
      left.url.searchParams.delete('iss');
      assert.equal(toldApp(await left.visitor.get(
        left.url.pathname + left.url.search)).cigna, 'issuer_mismatch');

      const wrong = await without('wrong');
      assert.equal(toldApp(await wrong.visitor.get(
        wrong.url.pathname + wrong.url.search)).cigna, 'issuer_mismatch');
      assert.equal((await control.see()).token.requests, 0);
    });

  for (const [what, smart, reason] of [
    ['a token endpoint without TLS', { token_endpoint: 'http://localhost/t' },
      /"token_endpoint" is not an https URL/],
    ['an authorize endpoint without TLS', {
      authorization_endpoint: 'http://localhost/a' },
      /"authorization_endpoint" is not an https URL/],
    ['an endpoint with user info', {
      token_endpoint: 'https://a@localhost/t' }, /"token_endpoint"/],
    ['an endpoint that is not a URL',
     { authorization_endpoint: 'javascript:x' },
      /"authorization_endpoint"/],
    ['an issuer over http', { issuer: 'http://localhost/' },
      /"issuer" is not an https URL/],
    ['an issuer that is not a string', { issuer: 5 }, /"issuer" is not an /],
    ['an empty endpoint', { token_endpoint: '' },
      /no "token_endpoint"/],
    ['an endpoint that is not a string', { token_endpoint: 5 },
      /"token_endpoint"/],
    ['an issuer with a query', { issuer: 'https://localhost/?x' },
      /"issuer" has a query/],
    ['a document without a token endpoint', { token_endpoint: null },
      /no "token_endpoint"/],
    ['a document without an authorize endpoint', {
      authorization_endpoint: null }, /no "authorization_endpoint"/],
  ]) {
    await t.test(`${what} is refused, and no dance starts`,
      async () => {
        const log = await restart({ smart_configuration: smart });
        assert.match(log, reason);
        await assertNoDance();
      });
  }

  const smart = {
    issuer: info.issuer, authorization_endpoint: info.authorize,
    token_endpoint: info.token, jwks_uri: info.jwks,
    revocation_endpoint: info.revoke,
  };
  const padded = Object.fromEntries(Object.entries(smart).map(
    ([name, url], i) => [name, [`${url} `, ` ${url}\n`, `${url}\r\n`][i % 3]]));
  const json = JSON.stringify(smart);
  const twice = (name, value) =>
    json.replace('{', `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
  const written = (body, more) =>
    ({ smart_configuration_reply: { body, ...more } });
  const strict = /discovery passed over: "document": not strict JSON/;

  for (const [what, modes, told] of [
    ['white space around its URLs', { smart_configuration: padded }],
    ['a byte order mark', written(`\ufeff${json}`), strict],
    ['blank lines around it', written(`\r\n${json}\n\n`)],
    ['a duplicate member',
     written(twice('token_endpoint', info.token)), strict],
    ['a duplicate member whose last value counts',
      written(twice('token_endpoint', 'https://other.example/token')), strict],
    ['unknown members', { smart_configuration: {
      extension: { deep: [[{}]] }, '': null, introspection_endpoint: 5 } }],
    ['the type text/html', written(json, { type: 'text/html' })],
    ['an invalid media type', written(json, { type: 'json' })],
    ['status 201', written(json, { status: 201 })],
    ['status 203', written(json, { status: 203 })],
    ['a jwks_uri over http', { smart_configuration: {
      jwks_uri: 'http://localhost/j' } },
      /\[warn\].*passed over: "jwks_uri": not an https URL/],
    ['empty endpoints', { smart_configuration: {
      jwks_uri: '', revocation_endpoint: ' ' } },
      /over: "jwks_uri": empty, "revocation_endpoint": empty/],
    ['null endpoints', { smart_configuration: {
      jwks_uri: null, revocation_endpoint: null } }],
    ['endpoints of odd types', { smart_configuration: {
      jwks_uri: ['SHAPE'], revocation_endpoint: { url: 'SHAPE' } } },
      /over: "jwks_uri": not a string.*, "revocation_endpoint": not a string/],
    ['a revocation endpoint over http', { smart_configuration: {
      revocation_endpoint: 'http://localhost/SHAPE' } },
      /over: "revocation_endpoint": not an https URL/],
    ['a revocation endpoint that is not a URL', { smart_configuration: {
      revocation_endpoint: 'SHAPE' } },
      /over: "revocation_endpoint": not an https URL/],
    ['an iss flag that is not a boolean', { smart_configuration: {
      authorization_response_iss_parameter_supported: 'SHAPE' } },
      /over: "authorization_response_iss_parameter_supported": not true or/],
    ['an empty issuer', { smart_configuration: { issuer: '' } },
      /over: "issuer": empty/],
    ['a byte order mark, white space, and a faulty endpoint, as text/plain',
      written(`\ufeff${JSON.stringify({ ...padded, jwks_uri: 7 })}`,
              { type: 'text/plain', status: 201 }),
      /"document": not strict JSON, "jwks_uri": not a string, or too long/],
  ]) {
    await t.test('a dance ends well with a document that has '
      + `${what}`, async () => {
      const log = await restart(modes);
      if (told) {
        assert.match(log, told);
      } else {
        assert.doesNotMatch(log, /discovery passed over/);
      }
      assert.doesNotMatch(log, /SHAPE/);
      const { outcome, danceId } = await gw.dance({ member: 'alice' });
      assert.equal(outcome, 'connected', endOf(gw, danceId));
    });
  }

  for (const [fault, reason] of [
    ['500', /status: 500/], ['html', /not a JSON object/],
    ['garbage', /not a JSON object/], ['cut-mid', /no reply/],
    ['redirect', /status: 302/],
  ]) {
    await t.test(`metadata fault ${fault} ends connects as discovery_failed `
      + 'until it is over', async () => {
      const log = await restart({ metadata_fault: fault });
      assert.match(log, reason);
      assert.match(log, /\[warn\].*discovery failed: /);
      await assertNoDance();

      await control.reset();
      await control.set(FOR_EVER);
      clock.forward(11);             // the gateway asks again after ten seconds
      await until('a dance starts', async () =>
        (await alice.get(CONNECT)).status === 302);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
    });
  }

  await t.test('a failing document is not requested again for each connect',
    async () => {
      await restart({ metadata_fault: '500' });
      const before = (await control.see()).metadata.requests;
      for (let i = 0; i < 10; i += 1) {
        await assertNoDance();
      }
      assert.equal((await control.see()).metadata.requests, before);
    });

  await t.test('the document is read again after an hour', async () => {
    await restart({});
    const before = (await control.see({})).metadata.requests;
    clock.forward(HOUR_S * 1.2);
    assert.equal((await alice.get(CONNECT)).status, 302);
    await until('the document is read again', async () =>
      (await control.see()).metadata.requests > before);
  });

  for (const [name, value] of [
    ['token_endpoint', 'https://localhost:9/token'],
    ['authorization_endpoint', 'https://other.example/authorize'],
    ['issuer', 'https://other.example'],
    ['jwks_uri', 'https://other.example/jwks'],
    ['revocation_endpoint', 'https://other.example/revoke'],
  ]) {
    await t.test(`a ${name} that later moves to another host is refused and `
      + 'reported, and the known one stays', async () => {
      await restart({});
      await control.set({ smart_configuration: { [name]: value } });
      clock.forward(HOUR_S * 1.2);
      const log = await addedTo(() => gw.nginx.errorLog(), async () => {
        assert.equal((await gw.dance({ member: 'alice' })).outcome,
                     'connected');
        await gw.nginx.waitForLog(/discovery failed: the server names other/);
      });
      assert.match(log, /\[error\].*discovery failed: the server names other /);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
      const { location } = await alice.get(CONNECT);
      assert.equal(new URL(location).origin, new URL(info.issuer).origin);
    });
  }

  await t.test('a field that a later document lacks keeps its value, and '
    + 'cannot move later', async () => {
    await restart({});
    const again = async (smart) => {
      const before = (await control.see()).metadata.requests;
      await control.set({ smart_configuration: smart });
      clock.forward(HOUR_S * 1.2);
      await alice.get(CONNECT);
      await until('the document is read again', async () =>
        (await control.see()).metadata.requests > before);
    };
    await again({ token_endpoint: null, authorization_endpoint: null,
                  issuer: null, jwks_uri: null });
    assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');

    await again({ token_endpoint: 'https://localhost:9/token' });
    assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
  });

  await t.test('a dance ends well after the document has become unavailable',
    async () => {
      await restart({});
      await control.set({ metadata_fault: '503' });
      clock.forward(HOUR_S * 1.2);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
      await gw.nginx.waitForLog(/what was known before is used/);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
    });

  await t.test('a configured endpoint takes precedence over a discovered '
    + 'one', async () => {
    await restart({ smart_configuration: {
      authorization_endpoint: 'https://other.example/authorize' } }, {
      tenants: { acme: { ...NOTHING_GIVEN,
                         authorization_endpoint: info.authorize },
                 globex: NOTHING_GIVEN } });
    const { location } = await alice.get(CONNECT);
    assert.ok(location.startsWith(info.authorize));
  });
});

// If both endpoints of a dance, authorization and token, are configured,
// discovery only adds the other endpoints.
test('discovery beside configured endpoints', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { timeout: '1s', issuer: null, jwks_uri: null,
              revocation_endpoint: null },
    tenants: { globex: { issuer: 'https://issuer.example' } },
  });
  const { control } = gw.sandbox;

  async function restart(modes, changes = {}) {
    await control.reset();
    await control.set(modes);
    const log = () => gw.nginx.errorLog();
    const before = log().length;
    return addedTo(log, async () => {
      await gw.reload(changes);
      await until('discovery is over for both tenants', () =>
        log().slice(before).match(/discovery (failed|succeeded)/g)
          ?.length >= 2);
    });
  }

  const reply = (status, body = '') =>
    ({ smart_configuration_reply: { status, body, type: 'text/plain' } });

  for (const [what, modes, reason] of [
    ['404', reply(404), /status: 404/],
    ['410 with a page', reply(410, '<html>'), /status: 410/],
    ['401', reply(401), /status: 401/],
    ['500', { metadata_fault: '500' }, /status: 500/],
    ['503', { metadata_fault: '503' }, /status: 503/],
    ['a redirection', { metadata_fault: 'redirect' }, /status: 302/],
    ['a page', { metadata_fault: 'html' }, /not a JSON object/],
    ['an empty reply', reply(204), /not a JSON object/],
    ['half a reply', { metadata_fault: 'cut-mid' }, /no reply/],
  ]) {
    await t.test(`a dance ends well where the document is ${what}`,
      async () => {
        const log = await restart(modes);
        assert.match(log, reason);
        assert.match(log, /discovery failed: .*; the configured endpoints /);
        const { outcome, danceId } = await gw.dance({ member: 'alice' });
        assert.equal(outcome, 'connected', endOf(gw, danceId));
      });
  }

  await t.test('faulty endpoints in the document do no harm beside configured '
    + 'ones',
    async () => {
      const log = await restart({ smart_configuration: {
        token_endpoint: 'http://localhost/', authorization_endpoint: 5 } });
      assert.match(log, /passed over: "authorization_endpoint": not a string/);
      assert.match(log, /, "token_endpoint": not an https URL/);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
    });

  await t.test('a document that contradicts the configuration is refused, and '
    + 'no dance starts',
    async () => {
      const log = await restart({});
      assert.match(log, /discovery failed: "issuer" is not the one that is co/);
      const globex = gw.visitor({ tenant: 'globex', member: 'alice' });
      assert.equal((await globex.get(CONNECT)).status, 503);
      await control.set(reply(404));
      assert.equal((await globex.get(CONNECT)).status, 503);
    });

  await t.test('tokens are not revoked at the endpoint of another server',
    async () => {
      const log = await restart({ smart_configuration: {
        token_endpoint: 'https://other.example/token',
        revocation_endpoint: 'https://other.example/revoke' } });
      assert.match(log, /passed over: "revocation_endpoint": of another serv/);
      assert.equal((await gw.dance({ member: 'alice' })).outcome, 'connected');
    });
});
