// The limits of refreshes on a node: the budget of token requests, the number
// of waiters, and the share of refusals.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, conditionOf, connected, expired,
         refreshCount, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const names = (n) => Array.from({ length: n }, (_, i) => `member-${i}`);

const ask = (visitor) => visitor.get('/fhir/Coverage');

// Counts the values in a list: { value: number of times }.
const counted = (list) => list.reduce((counts, one) =>
  ({ ...counts, [one]: (counts[one] ?? 0) + 1 }), {});

const outcome = (reply) =>
  (reply.status === 200 ? 200 : `${reply.status} ${conditionOf(reply)}`);

test('token_requests', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, sandboxOptions: { members: 30 },
    tenant: { token_requests: 4 },
  });
  const visitors = await expired(gw, ...names(12));

  await t.test('token_requests limits the refreshes in a second, and the '
    + 'others wait their turn', async () => {
    await gw.sandbox.control.reset({ modes: false });
    const replies = await Promise.all(visitors.map(ask));
    assert.deepEqual(counted(replies.map(outcome)), { 200: 12 });

    const { recent_token: sent } = await gw.sandbox.control.see({ recent: 50 });
    const times = sent.map(({ at }) => new Date(at).getTime())
      .sort((a, b) => a - b);
    assert.equal(times.length, 12);
    // the end of one second and the start of the next may have eight requests
    for (let i = 8; i < times.length; i += 1) {
      assert.ok(times[i] - times[i - 8] > 500, `${times}`);
    }
  });

  await t.test('a code is exchanged at once while refreshes wait', async () => {
    const [visitor] = await expired(gw, 'late');
    const others = Promise.all(visitors.map(ask));
    const began = Date.now();
    const { outcome: end } = await visitor.dance();
    assert.equal(end, 'connected');
    t.diagnostic(`${Date.now() - began} ms`);
    await others;
  });
});

test('token_requests is spent for longer than a request may '
  + 'wait', async (t) => {
  const gw = await standardGateway(t, {
    sandboxOptions: { members: 30 },
    tenant: { token_requests: 1, connect_timeout: '1s', timeout: '2s' },
  });
  const visitors = await expired(gw, ...names(8));

  const replies = await Promise.all(visitors.map(ask));
  const outcomes = counted(replies.map(outcome));
  assert.ok(outcomes[200] >= 1 && outcomes[200] <= 4,
            JSON.stringify(outcomes));
  assert.equal(outcomes[200] + outcomes['503 refresh_failed'], 8);
  assert.match(gw.nginx.errorLog(), /the budget of token_requests is spent/);

  await t.test('all members are served in the end, with one token request each',
    async () => {
      await Promise.all(visitors.map((visitor) =>
        until('the member is served', async () =>
          (await ask(visitor)).status === 200,
        { every: 300, timeout: 40000 })));
      assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 8 });
    });
});

test('refresh_waiters', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { refresh_waiters: '4 per_grant=3' },
  });
  const { control } = gw.sandbox;
  const times = (n, visitor) =>
    Promise.all(Array.from({ length: n }, () => ask(visitor)));

  await t.test('per_grant= limits the waiters for one grant', async () => {
    const [alice] = await expired(gw, 'alice');
    await control.set({ token_delay_ms: 800 });
    const replies = await times(5, alice);
    assert.deepEqual(counted(replies.map(outcome)),
                     { 200: 3, '503 refresh_crowded': 2 });
    const crowded = replies.find(({ status }) => status === 503);
    assertRefused(crowded, 503, 'refresh_crowded', { retry: true });
  });

  await t.test('refresh_waiters limits the waiters of a tenant', async () => {
    await control.set({ token_delay_ms: 0 });
    const [bob, carol] = await expired(gw, 'bob', 'carol');
    await control.set({ token_delay_ms: 800 });
    const replies = (await Promise.all([times(3, bob), times(3, carol)]))
      .flat();
    assert.deepEqual(counted(replies.map(outcome)),
                     { 200: 4, '503 refresh_crowded': 2 });
  });

  await t.test('answered waiters make room for others', async () => {
    await control.set({ token_delay_ms: 0 });
    const [dave] = await expired(gw, 'dave');
    assert.deepEqual(counted((await times(3, dave)).map(outcome)), { 200: 3 });
  });
});

test('refused_share', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, sandboxOptions: { members: 30 },
  });
  const { control } = gw.sandbox;
  const visitors = await expired(gw, ...names(15));

  await t.test('a tenant with too many refusals loses no more grants and sends '
    + 'few requests', async () => {
    await control.set({ token_fault: 'invalid_grant' });
    const before = await refreshCount(gw);
    const ends = [];
    for (const visitor of visitors) {
      ends.push(outcome(await ask(visitor)));
    }
    assert.deepEqual(ends, [...Array(3).fill('401 grant_spent'),
                            ...Array(12).fill('503 refresh_paused')]);
    const asked = await refreshCount(gw) - before;
    assert.ok(asked >= 4 && asked <= 8, `${asked}`);
  });

  await t.test('the alarm is logged once, as an error', () => {
    const alarms = gw.nginx.errorLog().match(
      /\[error\].*refuses too many grants of "acme" with invalid_grant/g);
    assert.equal(alarms?.length, 1);
  });

  await t.test('members whose refusal is in doubt are still '
    + 'connected', async () => {
    for (const visitor of visitors.slice(0, 6)) {
      const status = (await visitor.get('/cigna/status')).json();
      assert.equal(status.connected, true);
      assert.equal(outcome(await ask(visitor)), '503 refresh_paused');
    }
  });

  await t.test('all members are served after the refusals have '
    + 'ended', async () => {
    await control.set({ token_fault: 'none' });
    await Promise.all(visitors.map((visitor) =>
      until('the member is served', async () =>
        (await ask(visitor)).status === 200, { every: 300, timeout: 30000 })));
  });

  await t.test('a refused_share of 100% sets no limit', async () => {
    await gw.reload({ tenant: { refused_share: '100%' } });
    const [late] = await expired(gw, 'late');
    await control.set({ token_fault: 'invalid_grant' });
    assert.equal(outcome(await ask(late)), '401 grant_spent');
  });
});

test('cool-downs', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 4 } });
  const { control } = gw.sandbox;
  const [alice] = await expired(gw, 'alice');

  await t.test('no worker of a node repeats a failed refresh during the '
    + 'cool-down',
    async () => {
      await control.set({ token_fault: '500' });
      assert.equal((await ask(alice)).status, 503);
      const before = await refreshCount(gw);
      const asked = Array.from({ length: 30 }, async () => {
        const visitor = gw.visitor({ member: 'alice' });
        return (await ask(visitor)).status;
      });
      assert.deepEqual(counted(await Promise.all(asked)), { 503: 30 });
      assert.equal(await refreshCount(gw), before);
    });

  await t.test('the refresh is repeated after the cool-down', async () => {
    await control.set({ token_fault: 'none' });
    await until('alice is served', async () =>
      (await ask(alice)).status === 200);
  });
});

test('requests that wait on another worker', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 4 } });
  const { control } = gw.sandbox;

  await t.test('a waiter gets the result a moment after it was stored',
    async () => {
      const late = [];
      for (let round = 0; round < 3; round += 1) {
        const [alice] = await expired(gw, 'alice');
        await control.set({ token_delay_ms: 600 });
        const visitors = Array.from({ length: 12 }, () =>
          gw.visitor({ member: 'alice' }));
        const before = (await refreshes(gw)).ok ?? 0;
        const ends = await Promise.all([alice, ...visitors]
          .map(async (visitor) => {
            assertServed(await ask(visitor));
            return Date.now();
          }));
        await control.set({ token_delay_ms: 0 });
        assert.equal((await refreshes(gw)).ok, before + 1);
        late.push(Math.max(...ends) - Math.min(...ends));
      }
      t.diagnostic(`the last was served ${late} ms after the first`);
      // a waiter that only polled would get the result half a second late; the
      // limit leaves time for serving the requests
      assert.ok(Math.min(...late) < 200, `${late}`);
    });
});
