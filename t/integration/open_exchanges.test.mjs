// Exchanges that the token endpoint answers late: they outlast the requests
// that wait for them, reloads and page loads, and are bounded.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertRefused, assertServed, expired, refreshCount, refreshes }
  from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

// A caller gives up after two seconds, an exchange after thirty.
const LATE = { connect_timeout: '1s', timeout: '1s', exchange_timeout: '30s' };

const ask = (visitor) => visitor.get('/fhir/Coverage');

const underWay = (gw, n = 1) =>
  until(`${n} exchanges are under way`, async () =>
    (await gw.sandbox.control.see()).token.in_flight === n);

const over = (gw) =>
  until('no exchange is under way', async () =>
    (await gw.sandbox.control.see()).token.in_flight === 0,
        { timeout: 30000 });

test('a late reply', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, tenant: LATE, sandboxOptions: { members: 30 },
  });
  const { control } = gw.sandbox;
  const [alice, bob, carol] = await expired(gw, 'alice', 'bob', 'carol');

  await t.test('the request gives up at its own time, and the reply is stored '
    + 'when it comes', async () => {
    await control.set({ token_delay_ms: 6000 });
    const began = Date.now();
    const reply = await ask(alice);
    const waited = Date.now() - began;

    assertRefused(reply, 503, 'refresh_late', { code: 'timeout', retry: true });
    assert.ok(waited > 1900 && waited < 5000, `${waited} ms`);
    await over(gw);
    await control.set({ token_delay_ms: 0 });
    await until('she is served', async () => (await ask(alice)).status === 200);
    assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 1 });
  });

  await t.test('a request in the meantime waits for the same exchange',
    async () => {
      await control.set({ token_delay_ms: 4000 });
      const before = await refreshCount(gw);
      const first = ask(bob);
      await underWay(gw);
      assert.equal((await first).status, 503);
      await until('he is served', async () => (await ask(bob)).status === 200,
                  { timeout: 20000 });
      assert.equal(await refreshCount(gw), before + 1);
    });

  await t.test('it is stored though Redis was away when it came', async () => {
    await control.set({ token_delay_ms: 4000 });
    const before = await refreshCount(gw);
    const asked = ask(carol);
    await underWay(gw);
    assert.equal((await asked).status, 503);
    gw.redis.freeze();
    await over(gw);
    gw.redis.thaw();
    await control.set({ token_delay_ms: 0 });
    await until('she is served', async () => (await ask(carol)).status === 200,
                { timeout: 20000 });
    assert.equal(await refreshCount(gw), before + 1);
  });
});

test('waiting for token_requests takes nothing from an exchange', async (t) => {
  const gw = await standardGateway(t, {
    sandboxOptions: { members: 30 },
    tenant: { ...LATE, timeout: '6s', exchange_timeout: '6s',
              token_requests: 1 },
  });
  const { control } = gw.sandbox;
  const visitors = await expired(gw, 'a', 'b', 'c');

  // the last one waits two seconds, and is answered after five more
  await control.set({ token_delay_ms: 5000 });
  await Promise.all(visitors.map(ask));
  await over(gw);
  await control.set({ token_delay_ms: 0 });
  for (const visitor of visitors) {
    assertServed(await ask(visitor));
  }
  assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 3 });
});

test('other requests to those endpoints end at "timeout"', async (t) => {
  const gw = await standardGateway(t, { tenant: LATE });
  const { control } = gw.sandbox;
  await control.set({ jwks_fault: 'hang' });

  const began = Date.now();
  const { outcome } = await gw.dance({ member: 'alice' });
  assert.equal(outcome, 'keys_unreachable');
  assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
});
