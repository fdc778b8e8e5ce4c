// Budgets of one gateway: what is let through, what waits, and what is kept.
// Where time must not count, what is allowed comes once a day.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startMeter } from '../lib/meter.mjs';
import { until } from '../lib/scratch.mjs';

const BUDGETS = {
  acme: { budget: 'rate=10r/d burst=3' },
  globex: { budget: 'rate=10r/s burst=1 delay=10s' },
  initech: { member_budget: 'rate=10r/d burst=2' },
  hooli: { budget: 'rate=10r/d burst=1 dry_run' },
  stark: {},
  umbrella: { budget: 'rate=30r/m burst=1 delay=10s' },
  wayne: { budget: 'rate=1r/d burst=1' },
  soylent: { budget: 'rate=6r/m burst=1 delay=10s' },
};

const REFUSED = { code: 'throttled', retry: true };

test('budgets of one gateway', async (t) => {
  const meter = await startMeter(t);
  const gw = await standardGateway(t, {
    names: Object.keys(BUDGETS),
    tenants: BUDGETS,
    nginx: { workers: 2, level: 'info' },
    http: `cigna_budget lease=20ms;${meter.http}`,
    locations: meter.location('/metered/'),
  });
  const alice = {};
  for (const tenant of gw.tenants) {
    alice[tenant] = (await gw.dance({ tenant, member: 'alice' })).visitor;
  }

  const ask = (tenant, options, visitor = alice[tenant]) =>
    visitor.get(`/metered/${tenant}/Patient`, options);
  const sent = (tenant) =>
    meter.arrivals.filter((one) => one.tenant === tenant).length;
  const refusal = (tenant, visitor) => until(`${tenant} is refused`,
    async () => {
      const reply = await ask(tenant, {}, visitor);
      return reply.status !== 200 && reply;
    });

  await t.test('what is over the budget is refused, and never sent',
    async () => {
      assertRefused(await refusal('acme'), 429, 'budget_tenant', REFUSED);
      assert.ok(sent('acme') >= 1 && sent('acme') <= 3, `${sent('acme')}`);
      await until('it is in the access log', () =>
        / 429 .*outcome=budget_tenant/.test(gw.nginx.accessLog()));
    });

  await t.test('a refusal is no failure of the log\'s', () => {
    assert.match(gw.nginx.errorLog(),
                 /\[info\].*request refused, condition: budget_tenant/);
  });

  await t.test('a reload leaves what is spent', async () => {
    const before = sent('acme');
    await gw.reload();
    assertRefused(await ask('acme'), 429, 'budget_tenant', REFUSED);
    assert.equal(sent('acme'), before);
  });

  await t.test('requests wait as long as delay= lets them, in turn',
    async () => {
      const replies = await Promise.all(
        Array.from({ length: 8 }, () => ask('globex')));
      assert.deepEqual(replies.map(({ status }) => status),
                       Array(8).fill(200));

      const times = meter.arrivals.filter(({ tenant }) => tenant === 'globex')
        .map(({ at }) => at);
      assert.ok(times.at(-1) - times[0] > 500, `${times}`);

      const { cigna_budget_delayed_total: delayed } = await countersOf(gw);
      assert.ok(delayed.globex >= 1, `${delayed.globex}`);
    });

  await t.test('a member who has spent too much leaves others theirs',
    async () => {
      const { visitor: bob } = await gw.dance({
        tenant: 'initech', member: 'bob', username: 'syntheticuser02' });

      assertRefused(await refusal('initech'), 429, 'budget_member', REFUSED);
      assert.equal(sent('initech'), 2);
      assert.equal((await ask('initech', {}, bob)).status, 200);
    });

  await t.test('a reload leaves what members have spent', async () => {
    await gw.reload();
    assertRefused(await ask('initech'), 429, 'budget_member', REFUSED);
  });

  await t.test('a budget on trial lets through, and says what it would do',
    async () => {
      for (let i = 0; i < 4; i += 1) {
        assert.equal((await ask('hooli')).status, 200);
      }
      const { cigna_budget_dry_run_total: dry,
              cigna_budget_tenant_total: refused } = await countersOf(gw);
      assert.ok(dry.hooli >= 3, `${dry.hooli}`);
      assert.equal(refused.hooli, 0);
      await gw.nginx.waitForLog(
        /\[info\].*would have been refused, condition: budget_tenant, ten/);
    });

  await t.test('a 429 of the upstream passes, and holds back its tenant',
    async () => {
      meter.answer({ tenant: 'stark', status: 429, retryAfter: '3600' });
      const reply = await ask('stark');
      assert.equal(reply.status, 429);
      assert.match(reply.body, /of the upstream/);
      await until('it is in the access log', () =>
        / 429 .*outcome=upstream_throttled/.test(gw.nginx.accessLog()));

      const held = await ask('stark');
      assertRefused(held, 429, 'held_back', REFUSED);
      // for an hour, which one reply may not ask for
      const seconds = Number(held.headers['retry-after']);
      assert.ok(seconds > 250 && seconds <= 300, `${seconds} s`);
      assert.equal(sent('stark'), 1);
      assert.equal((await ask('globex')).status, 200);

      const status = await alice.stark.get('/cigna/status');
      assert.ok(status.json().held_back_for > 250, status.body);
      const counters = await countersOf(gw);
      assert.equal(counters.cigna_pauses_total.stark, 1);
      assert.equal(counters.cigna_upstream_throttled_total.stark, 1);
      assert.equal(counters.cigna_held_back_total.stark, 1);
    });

  await t.test('a worker that is killed takes no budget with it', async () => {
    const before = sent('acme');
    await gw.nginx.killWorker();
    for (const [tenant, condition] of [['acme', 'budget_tenant'],
      ['initech', 'budget_member'], ['stark', 'held_back']]) {
      assertRefused(await until('it is answered', () =>
        ask(tenant).catch(() => null)), 429, condition, REFUSED);
    }
    assert.equal(sent('acme'), before);
  });

  await t.test('a client that leaves while it waits is not charged',
    async () => {
      const before = sent('umbrella');
      assert.equal((await ask('umbrella')).status, 200);

      const leaving = new AbortController();
      const left = ask('umbrella', { signal: leaving.signal })
        .catch((error) => error);
      await sleep(300);
      leaving.abort();
      await left;

      assert.equal((await ask('umbrella')).status, 200);
      assert.equal(sent('umbrella'), before + 2);
    });

  await t.test('a reload, and with it the old worker\'s end, waits for who is '
    + 'in the queue', async () => {
    assert.equal((await ask('umbrella')).status, 200);
    const before = sent('umbrella');
    const waiting = ask('umbrella');
    await sleep(300);
    await gw.reload();
    assert.equal((await waiting).status, 200);
    assert.equal(sent('umbrella'), before + 1);
    assert.doesNotMatch(gw.nginx.errorLog(), /budgets cannot be counted/);
  });

  await t.test('those who left the queue were not charged, and nothing comes '
    + 'back', async () => {
    await until('the budget is spent', async () =>
      (await ask('soylent')).status === 200);

    const leaving = new AbortController();
    const left = Array.from({ length: 6 }, () =>
      ask('soylent', { signal: leaving.signal }).catch((error) => error));
    await sleep(500);
    leaving.abort();
    await Promise.all(left);
    await until('it is noticed', () =>
      / \/metered\/soylent\/Patient HTTP\S+ 499 /
        .test(gw.nginx.accessLog()));

    const { cigna_budget_returned_total: returned } = await countersOf(gw);
    assert.equal(returned.soylent, 0);
  });

  await t.test('a reload with a higher rate is felt in seconds by who had '
    + 'to wait for long', async () => {
    const { headers } = await refusal('wayne');
    assert.ok(Number(headers['retry-after']) > 3600);

    await gw.reload({ tenants: {
      ...BUDGETS, wayne: { budget: 'rate=1000r/s' } } });
    await until('wayne is served again', async () =>
      (await ask('wayne')).status === 200, { timeout: 20000, every: 100 });
  });
});
