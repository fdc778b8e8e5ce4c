// The identifier that the gateway reads from the FHIR server's $userinfo.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, assertServed, connected, expired } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const USERINFO = '/PatientAccess/v1-devportal/$userinfo';

const options = {
  tenant: { userinfo: 'on' },
  http: 'add_header X-Userinfo $cigna_userinfo always;',
};

async function statusOf(visitor) {
  const reply = await visitor.get('/cigna/status');
  assert.equal(reply.status, 200);
  return reply.json();
}

const named = async (visitor) =>
  (await visitor.get('/fhir/Coverage')).headers['x-userinfo'];

// Returns the $userinfo requests that the FHIR server has recorded.
async function asked(gw) {
  const { recent_fhir: recent } = await gw.sandbox.control.see({
    recent: 1000 });
  return recent.filter(({ path }) => path === USERINFO);
}

test('userinfo', async (t) => {
  const gw = await standardGateway(t, { ...options, nginx: { workers: 2 } });
  const other = await standardGateway(t, {
    ...options, redis: gw.redis, sandbox: gw.sandbox,
    keys: readFileSync(gw.file('keys'), 'utf8'),
    tenant: { ...options.tenant, trusted_certificate: gw.ca.certFile },
    fhir: { proxy_ssl_trusted_certificate: gw.ca.certFile },
  });
  const { control } = gw.sandbox;
  const people = new Map((await control.members())
    .map(({ username, userinfo }) => [username, userinfo]));
  const expected = people.get('syntheticuser05');
  const alice = await connected(gw, { username: 'syntheticuser05' });

  await t.test('status and variable have the identifier once the browser is '
    + 'back',
    async () => {
      assert.match(expected, /^U\w+$/);
      assert.equal((await statusOf(alice)).userinfo, expected);
      assert.equal(await named(alice), expected);
      assert.equal((await alice.get('/cigna/status')).headers['x-userinfo'],
                   expected);
    });

  await t.test('$userinfo is requested once, with the member\'s token and no '
    + 'cookie',
    async () => {
      const all = await asked(gw);
      assert.equal(all.length, 1);
      const [{ method, member, client_id: client, authorizations, cookie,
               status }] = all;
      assert.deepEqual(
        { method, member, client, authorizations, cookie, status },
        { method: 'GET', member: 'syntheticuser05', client: 'acme-client',
          authorizations: 1, cookie: false, status: 200 });
    });

  await t.test('each member gets their own identifier', async () => {
    const bob = await connected(gw, { member: 'bob',
                                      username: 'syntheticuser06' });
    assert.equal((await statusOf(bob)).userinfo,
                 people.get('syntheticuser06'));
    assert.equal(await named(bob), people.get('syntheticuser06'));
    assert.equal(await named(alice), expected);
  });

  await t.test('a refresh keeps the identifier and sends no other $userinfo '
    + 'request', async () => {
    const [carol] = await expired(gw, 'carol');
    const before = (await asked(gw)).length;
    const { userinfo } = await statusOf(carol);
    assert.ok(userinfo);
    assert.equal(await named(carol), userinfo);
    assert.equal((await statusOf(carol)).userinfo, userinfo);
    assert.equal((await asked(gw)).length, before);
  });

  await t.test('a member who connects as another person gets that person\'s '
    + 'identifier',
    async () => {
      const dave = await connected(gw, { member: 'dave',
                                         username: 'syntheticuser07' });
      await dave.dance({ username: 'syntheticuser08' });
      assert.equal((await statusOf(dave)).userinfo,
                   people.get('syntheticuser08'));
      assert.equal(await named(dave), people.get('syntheticuser08'));
    });

  await t.test('a dance ends well whatever $userinfo answers', async () => {
    for (const fault of ['401', '403', '429', '500', '503', 'html', 'empty',
                         'garbage', 'huge', 'cut-before', 'cut-mid']) {
      await control.set({ fhir_fault: { kind: fault, times: 1 } });
      const erin = await connected(gw, { member: `erin-${fault}` });
      const { connected: is, userinfo } = await statusOf(erin);
      assert.deepEqual([fault, is, userinfo], [fault, true, undefined]);
      assert.equal(await named(erin), undefined);
      assertServed(await erin.get('/fhir/Coverage'));
    }
  });

  await t.test('a $userinfo that never answers delays the browser by three '
    + 'seconds',
    async () => {
      await control.set({ fhir_fault: { kind: 'hang', times: 1 } });
      const began = Date.now();
      const frank = await connected(gw, { member: 'frank' });
      const took = Date.now() - began;
      assert.ok(took >= 3000 && took < 9000, `took ${took} ms`);
      assert.equal((await statusOf(frank)).userinfo, undefined);
    });

  await t.test('a member who disconnects during the $userinfo request stays '
    + 'disconnected',
    async () => {
      const henry = gw.visitor({ member: 'henry' });
      await control.set({ fhir_fault: { kind: 'hang', times: 1 } });
      const dance = gw.dance({ member: 'henry' });
      await until('the grant is stored', async () =>
        (await statusOf(henry)).connected);
      const gone = await henry.post('/cigna/disconnect', {
        headers: { Origin: new URL(gw.url('acme')).origin } });
      assert.equal(gone.status, 204);
      assert.equal((await dance).outcome, 'connected');

      const { fhir: { requests } } = await control.see();
      const refused = await henry.get('/fhir/Coverage');
      assertRefused(refused, 401, 'not_connected', {
        code: 'login', connect: gw.url('acme', '/cigna/connect') });
      assert.equal((await control.see()).fhir.requests, requests);
    });

  await t.test('an identifier that was not learned at first is learned after '
    + 'the next refresh, by all nodes', async () => {
    await control.set({ fhir_fault: { kind: '500', times: 1 } });
    await control.set({ access_token_lifetime: 1 }, 'acme-client');
    const grace = await connected(gw, { member: 'grace' });
    await control.set({ access_token_lifetime: 3600 }, 'acme-client');
    const there = other.visitor({ member: 'grace' });

    assert.equal((await statusOf(grace)).userinfo, undefined);
    await sleep(1100);
    assertServed(await there.get('/fhir/Coverage'));

    const known = await until('the identifier is known', async () =>
      (await statusOf(grace)).userinfo);
    assert.equal(known, people.get('syntheticuser05'));
    for (const visitor of [grace, there]) {
      await until('each node has the identifier', async () =>
        await named(visitor) === known);
    }
  });

  await t.test('the identifier is in no log, and in Redis only '
    + 'sealed', async () => {
    for (const log of [gw.nginx.errorLog(), gw.nginx.accessLog(),
                       other.nginx.errorLog()]) {
      assert.doesNotMatch(log, /U[0-9a-f]{16}/);
    }
    assert.doesNotMatch(JSON.stringify(await gw.redis.dump()),
                        new RegExp(expected));
  });

  await t.test('identifiers and failures are counted, and failures are '
    + 'logged', async () => {
    const counters = await countersOf(gw);
    assert.ok(counters.cigna_userinfo_known_total.acme >= 4);
    assert.ok(counters.cigna_userinfo_failures_total.acme >= 12);
    assert.match(gw.nginx.errorLog(), new RegExp(
      '\\[warn\\].* no identifier from \\$userinfo, outcome: refused, '
      + 'status: 403'));
  });
});

test('userinfo and budgets', async (t) => {
  const gw = await standardGateway(t, {
    ...options,
    http: `${options.http}
    cigna_budget;`,
    tenants: { acme: { budget: 'rate=1r/d burst=1' } },
  });
  const { control } = gw.sandbox;
  const seen = async () => (await control.see()).fhir.requests;

  await t.test('a $userinfo request is charged to the tenant\'s budget',
    async () => {
      const alice = await connected(gw);
      assert.ok((await statusOf(alice)).userinfo);
      assert.equal(await seen(), 1);

      assertRefused(await alice.get('/fhir/Coverage'), 429, 'budget_tenant',
                    { code: 'throttled', retry: true });
      assert.equal(await seen(), 1);
    });

  await t.test('a spent budget stops the $userinfo request, and the member is '
    + 'connected', async () => {
    const bob = await connected(gw, { member: 'bob' });
    const { connected: is, userinfo } = await statusOf(bob);
    assert.deepEqual([is, userinfo], [true, undefined]);
    assert.equal(await seen(), 1);
    assert.match(gw.nginx.errorLog(),
                 /a budget has refused the gateway's own request/);
  });

  await t.test('a 429 from $userinfo holds back the tenant', async () => {
    await control.set({ fhir_fault: { kind: '429', times: 1,
                                      retry_after: 200 } });
    const carol = await connected(gw, { tenant: 'globex', member: 'carol' });
    const { held_back_for: held, userinfo } = await statusOf(carol);
    assert.equal(userinfo, undefined);
    assert.ok(held > 150 && held <= 250, `held back for ${held} s`);
    assertRefused(await carol.get('/fhir/Coverage'), 429, 'held_back',
                  { code: 'throttled', retry: true });
    assert.equal(await seen(), 2);
  });
});
