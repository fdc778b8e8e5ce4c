// Conditions of FHIR requests, each with the status, code and header lines that
// the caller gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertNoVault, assertRefused, assertServed, connected, logged,
         rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND',
                'MKCOL', 'LOCK', 'TRACE', 'WHATEVER'];

const ERRORS = [
  ['/fhir/Nonsense', 400],
  ['/fhir/Patient/ifp-unknown', 500],
];

test('conditions and their replies', async (t) => {
  const gw = await standardGateway(t);
  const { control } = gw.sandbox;
  const connect = gw.url('acme', '/cigna/connect');
  const alice = await connected(gw);
  const bob = gw.visitor({ member: 'bob' });
  const nobody = gw.visitor();

  await t.test('a request without identity gets 401 without a connect '
    + 'URL', async () => {
    assertRefused(await nobody.get('/fhir/Patient'), 401, 'no_identity',
                  { code: 'login' });
  });

  await t.test('a member without a grant gets 401 with the connect '
    + 'URL', async () => {
    assertRefused(await bob.get('/fhir/Patient?x'), 401, 'not_connected',
                  { code: 'login', connect });
    const { outcome, tenant, source } = await logged(gw, '/fhir/Patient?x');
    assert.deepEqual([outcome, tenant, source],
                     ['not_connected', 'acme', '-']);
  });

  await t.test('each tenant has its own connect URL', async () => {
    const visitor = gw.visitor({ tenant: 'globex', member: 'alice' });
    assertRefused(await visitor.get('/fhir/Patient'), 401, 'not_connected',
                  { connect: gw.url('globex', '/cigna/connect') });
  });

  await t.test('HEAD gets the header of GET, without a body', async () => {
    const get = await alice.get('/fhir/Patient');
    const head = await alice.request('/fhir/Patient', { method: 'HEAD' });

    assertServed(head);
    assert.equal(head.body, '');
    assert.equal(head.headers['content-type'], get.headers['content-type']);
  });

  for (const [who, condition] of [[nobody, 'no_identity'],
                                  [bob, 'not_connected']]) {
    await t.test('a refused HEAD gets the header of GET '
      + `(${condition})`, async () => {
      const get = await who.get('/fhir/Patient');
      const head = await who.request('/fhir/Patient', { method: 'HEAD' });

      assert.equal(head.status, 401);
      assert.equal(head.body, '');
      for (const name of ['content-type', 'content-length', 'cache-control',
                          'link', 'retry-after']) {
        assert.equal(head.headers[name], get.headers[name]);
      }
    });
  }

  for (const method of UNSAFE) {
    await t.test(`${method} gets 405 and is not sent to Cigna`, async () => {
      const { fhir: { requests } } = await control.see();
      const reply = await alice.request('/fhir/Patient', { method });

      if (method === 'TRACE') {              // nginx itself refuses it
        assert.equal(reply.status, 405);
      } else {
        assertRefused(reply, 405, 'method_refused', { code: 'not-supported' });
        assert.equal(reply.headers.allow, 'GET, HEAD');
      }
      assert.equal((await control.see()).fhir.requests, requests);
    });
  }

  await t.test('X-HTTP-Method-Override does not change the '
    + 'method', async () => {
    const reply = await rawGet(gw, '/fhir/Patient',
                               ['X-HTTP-Method-Override: DELETE']);
    assert.match(reply, /^HTTP\/1\.1 200 /);
    const { recent_fhir: [last] } = await control.see({ recent: 1 });
    assert.equal(last.method, 'GET');
  });

  for (const [target, status] of ERRORS) {
    await t.test(`an upstream ${status} passes unchanged`, async () => {
      const reply = await alice.get(target);

      assert.equal(reply.status, status);
      assert.equal(reply.json().resourceType, 'OperationOutcome');
      assert.equal(reply.headers['cache-control'], 'no-store, private');
      assert.doesNotMatch(reply.body, /cigna-gateway/);
      assert.equal((await logged(gw, target)).outcome, 'served');
    });
  }

  await t.test('a 500 for an unknown id passes with Cigna\'s own '
    + 'text', async () => {
    const reply = await alice.get('/fhir/Patient/ifp-unknown');
    assert.match(reply.body, /HAPI-2001/);
  });

  await t.test('several 500s do not mark the upstream as down', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { status } = await alice.get('/fhir/Patient/ifp-unknown');
      assert.equal(status, 500);
    }
    assertServed(await alice.get('/fhir/Patient'));
  });

  for (const [kind, status, after] of [
    [{ kind: '429', retry_after: 17 }, 429, '17'],
    ['429', 429, undefined],
    ['403', 403, undefined],
  ]) {
    await t.test(`an upstream ${status} (Retry-After: ${after}) passes `
      + 'unchanged',
      async () => {
        await control.set({ fhir_fault: kind });
        const reply = await alice.get('/fhir/Patient');
        await control.set({ fhir_fault: 'none' });

        assert.equal(reply.status, status);
        assert.equal(reply.headers['retry-after'], after);
        assert.doesNotMatch(reply.body, /cigna-gateway/);
        assert.equal(reply.headers['cache-control'], 'no-store, private');
      });
  }

  await t.test('an upstream 503 without a body gets an upstream_error '
    + 'body', async () => {
    await control.set({ fhir_fault: '503' });
    const reply = await alice.get('/fhir/Patient');
    await control.set({ fhir_fault: 'none' });

    assertRefused(reply, 503, 'upstream_error');
    assert.equal(reply.headers['cache-control'], 'no-store, private');
  });

  await t.test('a connection that the upstream cuts becomes a 502 with '
    + 'no-store',
    async () => {
      await control.set({ fhir_fault: 'cut-before' });
      const reply = await alice.get('/fhir/Patient');
      await control.set({ fhir_fault: 'none' });

      assert.equal(reply.status, 502);
      assert.equal(reply.headers['cache-control'], 'no-store, private');
    });

  await t.test('a member whose grant Cigna ended gets 401 with the connect '
    + 'URL until the next dance', async () => {
    const carol = await connected(gw, { member: 'carol', life: 1,
                                        username: 'syntheticuser07' });
    await control.revoke({ member: 'syntheticuser07' });
    await sleep(1100);
    const { token: { requests } } = await control.see();

    for (let i = 0; i < 3; i += 1) {
      assertRefused(await carol.get('/fhir/Patient'), 401, 'grant_spent',
                    { code: 'login', connect });
    }
    assert.equal((await control.see()).token.requests, requests + 1);
    await carol.dance({ username: 'syntheticuser07' });
    assertServed(await carol.get('/fhir/Patient'));
  });

  await t.test('a grant without refresh token ends with its access token',
    async () => {
      await control.set({ refresh: 'none' });
      const dave = await connected(gw, { member: 'dave', life: 1 });
      await control.set({ refresh: 'rotating' });
      await sleep(1100);

      assertRefused(await dave.get('/fhir/Patient'), 401, 'grant_expired',
                    { code: 'expired', connect });
    });

  await t.test('a cached token serves while Redis is down, and other members '
    + 'get 503',
    async () => {
      assertServed(await alice.get('/fhir/Patient'));
      await gw.redis.stop();

      assertServed(await alice.get('/fhir/Patient?_count=91'));
      const { source } = await logged(gw, '/fhir/Patient?_count=91');
      assert.equal(source, 'cache');
      for (let i = 0; i < 3; i += 1) {
        assertNoVault(await bob.get('/fhir/Patient'));
      }
      assertRefused(await nobody.get('/fhir/Patient'), 401, 'no_identity');
    });
});

test('a cached token with Redis down', async (t) => {
  const gw = await standardGateway(t, {
    vault: { revalidate: '1s', stale: '3s', timeout: '300ms' },
  });
  const began = Date.now();           // before the token is issued
  const alice = await connected(gw);
  assertServed(await alice.get('/fhir/Patient'));
  await gw.redis.freeze();
  await sleep(1100);

  await t.test('a stale token serves, and is counted and logged as '
    + 'served_stale',
    async () => {
      assertServed(await alice.get('/fhir/Patient?_count=92'));

      const { outcome, source, request } =
        await logged(gw, '/fhir/Patient?_count=92');
      assert.deepEqual([outcome, source], ['served_stale', 'cache']);
      assert.match(gw.nginx.errorLog(), new RegExp(
        `request served, condition: served_stale, .*request: ${request}`));
    });

  await t.test('a member gets 503 once the token is older than "stale"',
    async () => {
      const gone = await until('the stale token is refused', async () => {
        const reply = await alice.get('/fhir/Patient');
        return reply.status !== 200 && reply;
      });
      assertNoVault(gone);
      assert.ok(Date.now() - began >= 2900);
    });

  await t.test('tokens come from Redis again after Redis is back', async () => {
    gw.redis.thaw();
    await until('Redis is used again', async () =>
      (await alice.get('/fhir/Patient')).status === 200);
    await alice.get('/fhir/Patient?_count=93');
    const { outcome } = await logged(gw, '/fhir/Patient?_count=93');
    assert.equal(outcome, 'served');
  });
});
