// Budgets of one gateway: requests that pass, requests in the queue, and spent
// budgets.  Budgets that must not refill during a test have a daily rate.

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

  await t.test('a request over the budget gets 429 and is not sent',
    async () => {
      assertRefused(await refusal('acme'), 429, 'budget_tenant', REFUSED);
      assert.ok(sent('acme') >= 1 && sent('acme') <= 3, `${sent('acme')}`);
      await until('the refusal is in the access log', () =>
        / 429 .*outcome=budget_tenant/.test(gw.nginx.accessLog()));
    });

  await t.test('a refusal is logged at level info', () => {
    assert.match(gw.nginx.errorLog(),
                 /\[info\].*request refused, condition: budget_tenant/);
  });

  await t.test('a spent budget stays spent after a reload', async () => {
    const before = sent('acme');
    await gw.reload();
    assertRefused(await ask('acme'), 429, 'budget_tenant', REFUSED);
    assert.equal(sent('acme'), before);
  });

  await t.test('requests wait in a queue for at most delay=',
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

  await t.test('a member over the budget does not affect other members',
    async () => {
      const { visitor: bob } = await gw.dance({
        tenant: 'initech', member: 'bob', username: 'syntheticuser02' });

      assertRefused(await refusal('initech'), 429, 'budget_member', REFUSED);
      assert.equal(sent('initech'), 2);
      assert.equal((await ask('initech', {}, bob)).status, 200);
    });

  await t.test('a member\'s spent budget stays spent after a '
    + 'reload', async () => {
    await gw.reload();
    assertRefused(await ask('initech'), 429, 'budget_member', REFUSED);
  });

  await t.test('a budget with dry_run refuses nothing and logs each refusal it '
    + 'would make',
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

  await t.test('an upstream 429 reaches the caller and holds back its tenant',
    async () => {
      meter.answer({ tenant: 'stark', status: 429, retryAfter: '3600' });
      const reply = await ask('stark');
      assert.equal(reply.status, 429);
      assert.match(reply.body, /of the upstream/);
      await until('the upstream 429 is in the access log', () =>
        / 429 .*outcome=upstream_throttled/.test(gw.nginx.accessLog()));

      const held = await ask('stark');
      assertRefused(held, 429, 'held_back', REFUSED);
      // the upstream asked for an hour, but one reply holds the tenant back for
      // five minutes at most
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

  await t.test('spent budgets survive a killed worker', async () => {
    const before = sent('acme');
    await gw.nginx.killWorker();
    for (const [tenant, condition] of [['acme', 'budget_tenant'],
      ['initech', 'budget_member'], ['stark', 'held_back']]) {
      assertRefused(await until('the new worker answers', () =>
        ask(tenant).catch(() => null)), 429, condition, REFUSED);
    }
    assert.equal(sent('acme'), before);
  });

  await t.test('a client that leaves the queue is not charged',
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

  await t.test('a reload answers the requests that wait in the '
    + 'queue', async () => {
    assert.equal((await ask('umbrella')).status, 200);
    const before = sent('umbrella');
    const waiting = ask('umbrella');
    await sleep(300);
    await gw.reload();
    assert.equal((await waiting).status, 200);
    assert.equal(sent('umbrella'), before + 1);
    assert.doesNotMatch(gw.nginx.errorLog(), /budgets cannot be counted/);
  });

  await t.test('clients that leave the queue were not charged, so nothing is '
    + 'returned to the budget', async () => {
    await until('the budget is spent', async () =>
      (await ask('soylent')).status === 200);

    const leaving = new AbortController();
    const left = Array.from({ length: 6 }, () =>
      ask('soylent', { signal: leaving.signal }).catch((error) => error));
    await sleep(500);
    leaving.abort();
    await Promise.all(left);
    await until('nginx has logged that a client left', () =>
      / \/metered\/soylent\/Patient HTTP\S+ 499 /
        .test(gw.nginx.accessLog()));

    const { cigna_budget_returned_total: returned } = await countersOf(gw);
    assert.equal(returned.soylent, 0);
  });

  await t.test('a reload with a higher rate ends long waits within '
    + 'seconds', async () => {
    const { headers } = await refusal('wayne');
    assert.ok(Number(headers['retry-after']) > 3600);

    await gw.reload({ tenants: {
      ...BUDGETS, wayne: { budget: 'rate=1000r/s' } } });
    await until('wayne is served again', async () =>
      (await ask('wayne')).status === 200, { timeout: 20000, every: 100 });
  });
});
