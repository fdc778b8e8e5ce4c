// Disconnect: requests that may end a connection, and the record that remains.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { keysOf, queryOf, titleOf } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const DISCONNECT = '/cigna/disconnect';
const HTML = { Accept: 'text/html,application/xhtml+xml' };

test('disconnect', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    vault: { timeout: '300ms', connect_timeout: '200ms' },
    tenant: { timeout: '1s', connect_timeout: '500ms' },
  });
  const { control } = gw.sandbox;
  const origin = new URL(gw.url('acme')).origin;
  const own = { headers: { Origin: origin } };

  async function connected(member, username) {
    const { outcome, visitor } = await gw.dance({ member, username });
    assert.equal(outcome, 'connected');
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    return visitor;
  }

  const isConnected = async (visitor) =>
    (await visitor.get('/cigna/status')).json().connected;

  await t.test('a disconnect deletes the grant from cache and Redis, and '
    + 'revokes it at Cigna', async () => {
    await control.reset();
    const visitor = await connected('alice', 'syntheticuser05');
    const [key] = await keysOf(gw, 'g');

    const reply = await visitor.post(DISCONNECT, own);
    assert.equal(reply.status, 204);
    assert.match(reply.headers['cache-control'], /no-store/);

    assert.equal((await visitor.get('/fhir/Patient')).status, 401);
    assert.equal(await isConnected(visitor), false);
    assert.equal(await gw.redis.command('HGET', key, 'b'), null);
    await until('the tokens are revoked', async () =>
      (await control.see()).revoke.revoked > 0);
    assert.match(gw.nginx.errorLog(), /outcome: disconnected, tenant: acme, /);
  });

  await t.test('the record that remains in Redis has no grant and expires',
    async () => {
      for (const key of await keysOf(gw, 'g')) {
        const fields = await gw.redis.command('HKEYS', key);
        assert.deepEqual(fields.sort(), ['c', 'x']);
        const left = await gw.redis.command('PTTL', key);
        assert.ok(left > 0 && left <= 30 * 24 * 3600 * 1000, `${left}`);
      }
    });

  await t.test('a browser is redirected to the app with '
    + 'cigna=disconnected', async () => {
    const visitor = await connected('alice');
    const reply = await visitor.post(DISCONNECT, {
      headers: { ...own.headers, ...HTML } });
    assert.equal(reply.status, 303);
    assert.equal(new URL(reply.location).pathname, '/app');
    assert.equal(queryOf(reply.location).cigna, 'disconnected');
    assert.equal(reply.headers['referrer-policy'], 'no-referrer');
  });

  await t.test('a second disconnect gets 204, as the first one does '
    + '', async () => {
    const visitor = await connected('alice');
    assert.equal((await visitor.post(DISCONNECT, own)).status, 204);
    assert.equal((await visitor.post(DISCONNECT, own)).status, 204);
  });

  await t.test('a member may connect again after a disconnect', async () => {
    const visitor = await connected('alice');
    await visitor.post(DISCONNECT, own);
    const { outcome } = await visitor.dance();
    assert.equal(outcome, 'connected');
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
  });

  await t.test('a disconnect affects neither other members nor other '
    + 'tenants', async () => {
    const alice = await connected('alice');
    const bob = await connected('bob', 'syntheticuser03');
    const { visitor: globex } = await gw.dance({ tenant: 'globex',
                                                 member: 'alice' });
    await alice.post(DISCONNECT, own);
    assert.equal((await bob.get('/fhir/Patient')).status, 200);
    assert.equal((await globex.get('/fhir/Patient')).status, 200);
  });

  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    await t.test(`${method} gets 405 and the member stays `
      + 'connected', async () => {
      const visitor = await connected('alice');
      const reply = await visitor.request(DISCONNECT, { method, ...own });
      assert.equal(reply.status, 405);
      assert.equal(reply.headers.allow, 'POST');
      assert.equal(await isConnected(visitor), true);
    });
  }

  const alice = await connected('alice');

  for (const [what, headers] of [
    ['neither Origin nor Sec-Fetch-Site', {}],
    ['another origin', { Origin: 'https://evil.example' }],
    ['an origin that begins with the app\'s origin',
     { Origin: `${origin}.evil.example` }],
    ['the app\'s host over http', { Origin: origin.replace('https', 'http') }],
    ['another port', { Origin: 'https://acme.localhost' }],
    ['another tenant\'s origin', { Origin: new URL(gw.url('globex')).origin }],
    ['a null origin', { Origin: 'null' }],
    ['an empty origin', { Origin: '' }],
    ['two origins', { Origin: [origin, 'https://evil.example'] }],
    ['a list of origins', { Origin: `${origin} https://evil.example` }],
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site',
                                     'Origin': origin }],
    ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site',
                                    'Origin': origin }],
    ['Sec-Fetch-Site: none', { 'Sec-Fetch-Site': 'none' }],
    ['two Sec-Fetch-Site', { 'Sec-Fetch-Site': ['same-origin',
                                                'cross-site'] }],
    ['only a Referer of the app', { Referer: `${origin}/app` }],
  ]) {
    await t.test(`a disconnect with ${what} is refused`, async () => {
      const reply = await alice.post(DISCONNECT, { headers });
      assert.equal(reply.status, 403);
      assert.equal(await isConnected(alice), true);

      const page = await alice.post(DISCONNECT, {
        headers: { ...headers, ...HTML } });
      assert.equal(page.status, 403);
      assert.equal(titleOf(page), 'That does not work from here');
    });
  }

  await t.test('a null origin is accepted with Sec-Fetch-Site: '
    + 'same-origin', async () => {
    // Referrer-Policy: no-referrer turns a form's Origin into null
    const visitor = await connected('dora');
    const reply = await visitor.post(DISCONNECT, {
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Origin': 'null' } });
    assert.equal(reply.status, 204);
  });

  await t.test('a disconnect without identity gets 401', async () => {
    const reply = await gw.visitor().post(DISCONNECT, own);
    assert.equal(reply.status, 401);
  });

  await t.test('a disconnect succeeds at once while Cigna is '
    + 'unreachable', async () => {
    for (const kind of ['hang', '500', 'cut-before']) {
      const visitor = await connected('carol');
      await control.set({ revoke_fault: kind });
      const began = Date.now();
      assert.equal((await visitor.post(DISCONNECT, own)).status, 204);
      assert.ok(Date.now() - began < 900);
      assert.equal(await isConnected(visitor), false);
    }
    await control.reset();
  });

  await t.test('a member with a damaged grant may disconnect', async () => {
    const visitor = await connected('erin');
    const keys = await keysOf(gw, 'g');
    const sealed = await Promise.all(keys.map((key) =>
      gw.redis.command('HGET', key, 'b')));
    await Promise.all(keys.map((key, i) => sealed[i]
      && gw.redis.command('HSET', key, 'b', `${sealed[i].slice(0, -1)}?`)));
    assert.equal((await visitor.post(DISCONNECT, own)).status, 204);
    await until('the log says why its tokens are not revoked', () =>
      /\[error\].* tokens not revoked, .*cannot be opened/.test(
        gw.nginx.errorLog()));
    assert.equal(await isConnected(visitor), false);
    await Promise.all(keys.map((key, i) => sealed[i]
      && gw.redis.command('HSET', key, 'b', sealed[i])));
  });

  await t.test('another host of the fleet drops the grant too', async (st) => {
    const other = await standardGateway(st, {
      redis: gw.redis, sandbox: gw.sandbox,
      keys: readFileSync(gw.file('keys'), 'utf8'),
      tenant: { trusted_certificate: gw.ca.certFile },
      fhir: { proxy_ssl_trusted_certificate: gw.ca.certFile },
    });
    const here = await connected('frank');
    const there = other.visitor({ member: 'frank' });
    assert.equal((await there.get('/fhir/Patient')).status, 200);

    await here.post(DISCONNECT, own);
    await until('the other host has dropped the grant', async () =>
      (await there.get('/fhir/Patient')).status === 401);
  });

  await t.test('a disconnect while Redis is unreachable gets 503 and empties '
    + 'the cache',
    async () => {
      const visitor = await connected('greta');
      await gw.redis.freeze();
      try {
        const [page, data] = await Promise.all([HTML, {}].map((accept) =>
          visitor.post(DISCONNECT, {
            headers: { ...own.headers, ...accept } })));
        assert.equal(page.status, 503);
        assert.equal(titleOf(page), 'Not disconnected yet');
        assert.equal(data.status, 503);
        assert.ok(Number(data.headers['retry-after']) > 0);
        assert.match(gw.nginx.errorLog(),
                     /\[warn\].*outcome: not_disconnected, tenant: acme, /);

        // the cache has no token left to serve
        assert.equal((await visitor.get('/fhir/Patient')).status, 503);
      } finally {
        await gw.redis.thaw();
      }
    });
});
