// Refreshes: replies of the token endpoint, and their effect on the member.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, grantKeys, logged,
         refreshCount, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const SHORT = { connect_timeout: '1s', timeout: '1s',
                exchange_timeout: '1s' };

// Faults of the token endpoint that are temporary.
const PASSING = ['invalid_client', '500', '503', '429', '403', '401', 'html',
                 'empty', 'garbage', 'redirect'];

test('temporary failures of refreshes', async (t) => {
  const gw = await standardGateway(t, { tenant: SHORT });
  const { control } = gw.sandbox;
  const names = PASSING.map((_, i) => `member-${i}`);
  const visitors = await expired(gw, ...names, 'mute', 'closed');
  const others = await expired(gw, ...names.map((name) => `other-${name}`));

  for (const [i, fault] of PASSING.entries()) {
    await t.test(`token endpoint fault ${fault} is an outage, and the grant `
      + 'stays', async () => {
      await control.set({ token_fault: fault });
      const before = await refreshCount(gw);
      const reply = await visitors[i].get('/fhir/Coverage');

      assertRefused(reply, 503, 'refresh_failed',
                    { code: 'transient', retry: true });
      // during the cool-down a request starts no other refresh
      assertRefused(await visitors[i].get('/fhir/Coverage'), 503,
                    'refresh_failed', { retry: true });
      assert.equal(await refreshCount(gw), before + 1);
      await control.set({ token_fault: 'none' });
      // a success in between keeps the failures from counting as a series
      assertServed(await others[i].get('/fhir/Coverage'));
    });
  }

  for (const [mode, i] of [['mute', PASSING.length],
                           ['refuse', PASSING.length + 1]]) {
    await t.test(`a token endpoint with listener mode ${mode} is an outage `
      + 'within the time-out', async () => {
      await control.set({ authorization_listener: mode });
      const began = Date.now();
      const reply = await visitors[i].get('/fhir/Coverage');
      await control.set({ authorization_listener: 'open' });

      assertRefused(reply, 503, 'refresh_failed', { retry: true });
      assert.ok(Date.now() - began < 4000, `${Date.now() - began}`);
    });
  }

  await t.test('all members are served once the token endpoint is back',
    async () => {
      await Promise.all(visitors.map((visitor) =>
        until('the member is served', async () =>
          (await visitor.get('/fhir/Coverage')).status === 200,
        { every: 200, timeout: 30000 })));
      assert.equal((await control.see()).token.reuse, 0);
    });
});

test('a Retry-After of the token endpoint is honoured', async (t) => {
  const gw = await standardGateway(t, { tenant: SHORT });
  const { control } = gw.sandbox;
  const [alice, bob, carol] = await expired(gw, 'alice', 'bob', 'carol');

  await t.test('the member gets the Retry-After of the token '
    + 'endpoint', async () => {
    await control.set({ token_fault: { kind: '429', retry_after: 4 } });
    const before = await refreshCount(gw);
    const reply = await alice.get('/fhir/Coverage');
    await control.set({ token_fault: 'none' });

    assertRefused(reply, 503, 'refresh_failed',
                  { code: 'transient', retry: true });
    assert.equal(reply.headers['retry-after'], '4');
    assert.equal(await refreshCount(gw), before + 1);
  });

  await t.test('no member of the tenant is refreshed until then, on any worker',
    async () => {
      const before = await refreshCount(gw);
      const reply = await bob.get('/fhir/Coverage');
      assertRefused(reply, 503, 'refresh_paused', { retry: true });
      assert.ok(Number(reply.headers['retry-after']) <= 4);
      assert.equal(await refreshCount(gw), before);
    });

  await t.test('all members are refreshed afterwards', async () => {
    await Promise.all([alice, bob, carol].map((visitor) =>
      until('the member is served', async () =>
        (await visitor.get('/fhir/Coverage')).status === 200,
      { every: 200 })));
    assert.equal((await control.see()).token.reuse, 0);
  });
});

test('an old token serves while refreshes fail, and not after its '
  + 'expiry', async (t) => {
  const gw = await standardGateway(t, { tenant: SHORT });
  const alice = await connected(gw, { life: 4 });
  await gw.sandbox.control.set({ token_fault: '500' });

  const statuses = [];
  for (const end = Date.now() + 6500; Date.now() < end; await sleep(50)) {
    statuses.push((await alice.get('/fhir/Coverage')).status);
  }
  const last = statuses.lastIndexOf(200);

  assert.ok(last > 10, `served ${last} times`);
  assert.deepEqual([...new Set(statuses.slice(0, last))], [200]);
  assert.deepEqual([...new Set(statuses.slice(last + 1))], [503]);
});

test('the life of a refresh token', async (t) => {
  const gw = await standardGateway(t, { tenant: SHORT });
  const { control } = gw.sandbox;
  const source = async (visitor, target) => {
    assertServed(await visitor.get(target));
    return (await logged(gw, target)).source;
  };

  for (const [i, kind] of ['rotating', 'constant', 'unreturned'].entries()) {
    await t.test(`a refresh token that is ${kind} serves again and `
      + 'again', async () => {
      await control.set({ refresh: kind });
      const visitor = await connected(gw, { member: kind, life: 1 });
      await control.set({ access_token_lifetime: 1 }, 'acme-client');
      for (let n = 0; n < 3; n += 1) {
        await sleep(1050);
        assert.equal(await source(visitor, `/fhir/Coverage?_count=${i}${n}`),
                     'refresh');
      }
      await control.set({ access_token_lifetime: 3600 }, 'acme-client');
      assert.equal((await control.see()).token.reuse, 0);
    });
  }
  await control.set({ refresh: 'rotating' });

  await t.test('a narrower scope is accepted and kept',
    async () => {
      const [visitor] = await expired(gw, 'narrow');
      await control.set({ scope: 'search read openid' });
      assertServed(await visitor.get('/fhir/Coverage'));
      const status = (await visitor.get('/cigna/status')).json();
      assert.equal(status.scope, 'search read openid');
      await control.set({ scope: 'asked' });
    });

  await t.test('a reply for another patient is refused and not stored, and '
    + 'ends no grant', async () => {
    const [visitor] = await expired(gw, 'swapped');
    const { revoke } = await control.see();
    await control.set({ patient: 'A00000000000009' });
    assertRefused(await visitor.get('/fhir/Coverage'), 503, 'refresh_failed',
                  { retry: true });
    await control.set({ patient: 'member' });

    // The gateway must not revoke the tokens of the reply: a revocation would
    // end a whole grant, this member's or another one's.
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    assert.equal((await control.see()).revoke.requests, revoke.requests);
  });

  await t.test('a refused refresh token is not sent again, and its record is '
    + 'kept for thirty days', async () => {
    const [visitor] = await expired(gw, 'refused');
    const keys = await grantKeys(gw);
    await control.set({ token_fault: 'invalid_grant' });
    const before = await refreshCount(gw);
    for (let n = 0; n < 3; n += 1) {
      assertRefused(await visitor.get('/fhir/Coverage'), 401, 'grant_spent',
                    { connect: gw.url('acme', '/cigna/connect') });
    }
    await control.set({ token_fault: 'none' });

    assert.equal(await refreshCount(gw), before + 1);
    assert.deepEqual((await grantKeys(gw)).sort(), keys.sort());
    const lives = await Promise.all(keys.map((key) =>
      gw.redis.command('PTTL', key)));
    assert.equal(lives.filter((ms) => ms > 29 * 86400000
      && ms <= 30 * 86400000).length, 1);
  });

  for (const [i, form] of ['number', 'string', 'absent', { raw: '0' },
                           { raw: '-5' }, { raw: '1e99' }, { raw: '59.9' },
                           { raw: 'null' }, { raw: '"x"' }, { raw: '{}' },
                           { raw: '99999999999999999999' }].entries()) {
    await t.test(`expires_in ${JSON.stringify(form)} is accepted`,
      async () => {
        await control.set({ expires_in: form });
        const visitor = await connected(gw, { member: `form-${i}` });
        await control.set({ expires_in: 'number' });

        assertServed(await visitor.get('/fhir/Coverage'));
        const { expires_at: at } =
          (await visitor.get('/cigna/status')).json();
        const left = (Date.parse(at) - Date.now()) / 1000;
        assert.ok(left > 0 && left <= 86400 * 400, `${at}`);
      });
  }

  await t.test('waiting requests end in time when the provider '
    + 'hangs', async () => {
    const [visitor] = await expired(gw, 'hung');
    await control.set({ token_fault: 'hang' });
    const began = Date.now();
    const replies = await Promise.all(Array.from({ length: 20 }, () =>
      visitor.get('/fhir/Coverage')));
    await control.set({ token_fault: 'none' });

    assert.ok(Date.now() - began < 4500, `${Date.now() - began}`);
    for (const reply of replies) {
      assert.equal(reply.status, 503);
      assert.match(reply.headers['retry-after'], /^[1-9]/);
    }
  });

  await t.test('the token endpoint gets no cookie and one client '
    + 'authentication', async () => {
    const { token, recent_token: recent } =
      await control.see({ recent: 200 });

    assert.equal(token.with_cookie, 0);
    for (const { headers, parameters } of recent) {
      const named = headers.map(([name]) => name.toLowerCase());
      assert.ok(!named.includes('authorization') && !named.includes('cookie'));
      assert.ok('client_secret' in parameters || !parameters.grant_type);
    }
    assert.ok(Object.keys(await refreshes(gw)).length > 1);
  });
});
