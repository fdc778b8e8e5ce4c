// Refreshes with unknown outcome, and refreshes ahead of time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, logged,
         refreshCount, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const times = (n, make) => Promise.all(Array.from({ length: n }, make));

// [fault of the sandbox, the member's status after the same refresh token was
// sent once more]
const LOST = [
  ['cut-before', 200],
  ['cut-after', 401],
  ['cut-mid', 401],
  ['hang', 401],
  ['huge', 200],
];

test('refreshes with unknown outcome', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { connect_timeout: '300ms', timeout: '700ms',
              exchange_timeout: '700ms' },
  });
  const { control } = gw.sandbox;
  const visitors = await expired(gw, ...LOST.map(([kind]) => kind), 'kept');
  const kept = visitors.at(-1);
  const others = await expired(gw, ...LOST.map(([kind]) => `other ${kind}`));

  for (const [i, [kind]] of LOST.entries()) {
    await t.test(`token endpoint fault ${kind} is an outage, and the refresh `
      + 'token is not sent again',
      async () => {
        await control.set({ token_fault: kind });
        const before = await refreshCount(gw);
        const [reply] = await times(10, () =>
          visitors[i].get('/fhir/Coverage'));
        await control.set({ token_fault: 'none' });

        assertRefused(reply, 503, 'refresh_failed',
                      { code: 'transient', retry: true });
        assert.equal(await refreshCount(gw), before + 1);
        // a success in between keeps the failures from counting as a series
        assertServed(await others[i].get('/fhir/Coverage'));
      });
  }

  await t.test('a constant refresh token survives the loss of a reply',
    async () => {
      await control.set({ refresh: 'constant' });
      await control.set({ token_fault: 'cut-after' });
      assertRefused(await kept.get('/fhir/Coverage'), 503, 'refresh_failed',
                    { retry: true });
      await control.set({ token_fault: 'none' });
    });

  await t.test('the refresh token is not sent again after the cool-down either',
    async () => {
      await sleep(3300);
      const before = await refreshCount(gw);
      const replies = await Promise.all(visitors.map((visitor) =>
        visitor.get('/fhir/Coverage')));
      for (const reply of replies) {
        assertRefused(reply, 503, 'refresh_failed', { retry: true });
      }
      assert.equal(await refreshCount(gw), before);
      assert.equal((await control.see()).token.reuse, 0);
    });

  await t.test('the refresh token is sent once more after the deadline of the '
    + 'attempt, and that reply decides', async () => {
    const before = await refreshCount(gw);
    const ends = await Promise.all(visitors.map((visitor) =>
      until('the outcome is known', async () => {
        const { status } = await visitor.get('/fhir/Coverage');
        return status !== 503 && status;
      }, { timeout: 20000, every: 200 })));

    assert.deepEqual(ends, [...LOST.map(([, status]) => status), 200]);
    assert.equal(await refreshCount(gw), before + visitors.length);
  });
});

test('refreshes ahead of time', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { refresh_ahead: '3s', connect_timeout: '300ms',
              timeout: '500ms', exchange_timeout: '500ms' },
  });
  const { control } = gw.sandbox;
  // Cigna accepts the token for longer than its expires_in says
  await control.set({ expires_in: { raw: '6' } });
  const alice = await connected(gw);
  const bob = await connected(gw, { tenant: 'globex', member: 'bob' });
  const began = Date.now();
  await control.set({ expires_in: 'number' });
  await control.set({ token_delay_ms: 150 });
  await control.set({ token_fault: '503' }, 'globex-client');
  await sleep(2500);

  await t.test('the old token serves at once while a new one is fetched',
    async () => {
      await until('the token is fresh', async () => {
        const asked = Date.now();
        assertServed(await alice.get('/fhir/Coverage?_count=71'));
        assert.ok(Date.now() - asked < 1000);
        const { source } = await logged(gw, '/fhir/Coverage?_count=71');
        assert.match(source, /^(cache|vault)$/);
        return (await refreshes(gw, 'acme-client')).ok === 1;
      }, { every: 50 });
      assert.ok(Date.now() - began < 6000);
    });

  await t.test('the old token serves until its expiry when the refresh fails',
    async () => {
      let served = Date.now();
      await until('the token is refused', async () => {
        const reply = await bob.get('/fhir/Coverage');
        if (reply.status === 200) {
          served = Date.now();
          return false;
        }
        assertRefused(reply, 503, 'refresh_failed', { retry: true });
        return true;
      }, { every: 50 });

      assert.ok(served - began > 5000, `${served - began}`);
      const failed = await refreshCount(gw, 'globex-client');
      assert.ok(failed >= 1 && failed <= 3, `${failed}`);
    });

  await t.test('the fresh token serves after the old one has expired',
    async () => {
      assertServed(await alice.get('/fhir/Coverage'));
      assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 1 });
    });

  await t.test('the other member is served once the provider is back',
    async () => {
      await control.set({ token_fault: 'none' }, 'globex-client');
      await until('the member is served', async () =>
        (await bob.get('/fhir/Coverage')).status === 200, { every: 200 });
    });
});
