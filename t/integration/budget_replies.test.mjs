// Replies to callers whose budget is spent, and the charges to a budget.  The
// rates are daily, so the duration of a test does not matter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from '../../scripts/lib/budgets/fleet.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { twice } from '../lib/meter.mjs';
import { BASE } from '../lib/recorder.mjs';
import { until } from '../lib/scratch.mjs';

const DAY = 24 * 3600;
const BURST = 9;
const DAILY = `rate=${BURST}r/d burst=${BURST}`;

// After its first failure a server is not tried again for an hour.
const DEAD = `
    upstream dead {
        server 127.0.0.1:1 max_fails=1 fail_timeout=1h;
        server 127.0.0.2:1 max_fails=1 fail_timeout=1h;
    }`;

test('spent budgets', async (t) => {
  const fleet = await BudgetFleet.start(t, {
    names: ['acme', 'globex', 'initech', 'hooli', 'stark',
            'wayne'],
    nodes: 1,
    budget: 'rate=1000r/s',
    gateway: {
      tenants: {
        acme: { budget: DAILY },
        globex: { member_budget: 'rate=2r/m burst=4',
                  budget: 'rate=7r/s dry_run' },
        initech: { budget: DAILY },
        hooli: { budget: DAILY },
        wayne: { budget: DAILY },
        stark: { budget: DAILY, resource_types: 'Patient',
                 fhir_base: `https://localhost${BASE}/metered/stark` },
      },
      http: (meter) => twice(meter) + DEAD,
      locations: (meter) => [
        meter.location('/twice/', {
          to: 'http://twice', lines: ['proxy_next_upstream http_500;'] }),
        meter.location('/dead/', { to: 'http://dead' }),
      ].join('\n'),
    },
  });
  const { meter } = fleet;

  // asks until the gateway refuses a request, and returns that refusal
  const spend = (tenant, target) => until(`${tenant} has spent its budget`,
    async () => {
      const reply = await fleet.ask(tenant, 0, target);
      return reply.what.startsWith('budget_') && reply;
    });

  // how many requests of a tenant reached the upstream
  const sentOf = (tenant) =>
    meter.arrivals.filter((one) => one.tenant === tenant).length;

  await t.test('a 429 states the budget and the time to wait',
    async () => {
      for (const [tenant, what, text, most] of [
        ['acme', 'tenant', 'This app\'s budget ', DAY / BURST],
        ['globex', 'member', 'This member\'s budget ', 30],
      ]) {
        const reply = await spend(tenant);
        assertRefused(reply, 429, `budget_${what}`,
                      { code: 'throttled', retry: true });
        assert.ok(reply.json().issue[0].diagnostics.startsWith(text));

        const retryAfter = Number(reply.headers['retry-after']);
        assert.ok(retryAfter >= 1 && retryAfter <= most, `${retryAfter}`);
      }
    });

  await t.test('a spent budget does not affect other tenants',
    async () => {
      assert.equal((await fleet.ask('hooli')).status, 200);
    });

  await t.test('a replay with a new token is charged as another request',
    async () => {
      meter.answer({ tenant: 'initech', status: 401 });
      const before = sentOf('initech');
      await fleet.ask('initech');
      assert.equal(sentOf('initech'), before + 2);
      assertRefused(await spend('initech'), 429, 'budget_tenant',
                    { code: 'throttled', retry: true });
      assert.ok(sentOf('initech') <= BURST + 1, `${sentOf('initech')}`);
    });

  await t.test('a retry by proxy_next_upstream is charged as another '
    + 'request', async () => {
    meter.answer({ tenant: 'hooli', status: 500 });
    const before = sentOf('hooli');
    assert.equal((await fleet.ask('hooli', 0, '/twice/')).status, 500);
    assert.equal(sentOf('hooli'), before + 2);
    assertRefused(await spend('hooli', '/twice/'), 429, 'budget_tenant',
                  { code: 'throttled', retry: true });
    assert.ok(sentOf('hooli') <= BURST + 1, `${sentOf('hooli')}`);
  });

  await t.test('a request is not charged when no upstream server is alive',
    async () => {
      const returned = async () =>
        (await countersOf(fleet.nodes[0])).cigna_budget_returned_total.wayne;

      // each worker has to try the dead servers itself, before it knows that no
      // server is alive
      await until('no server is alive', async () => {
        const before = await returned();
        assert.equal((await fleet.ask('wayne', 0, '/dead/')).status, 502);
        return await returned() > before;
      });
    });

  await t.test('a request that resource_types refuses is not charged',
    async () => {
      const guarded = async () => {
        const { length } = meter.arrivals;
        const reply = await fleet.ask('stark', 0,
                                      '/metered/stark/Observation?about=');
        assertRefused(reply, 403, 'type_refused', { code: 'forbidden' });
        assert.equal(meter.arrivals.length, length);
      };

      const { cigna_budget_leases_total: before }
        = await countersOf(fleet.nodes[0]);
      for (let n = 0; n < BURST + 1; n += 1) {
        await guarded();
        await sleep(120);       // unused leases expire meanwhile
      }
      const { cigna_budget_leases_total: after,
              cigna_budget_returned_total: returned }
        = await countersOf(fleet.nodes[0]);
      assert.equal(after.stark, before.stark);
      assert.equal(returned.stark, 0);

      assert.equal((await fleet.ask('stark')).status, 200);
      assertRefused(await spend('stark'), 429, 'budget_tenant',
                    { code: 'throttled', retry: true });
      await guarded();
    });
});
