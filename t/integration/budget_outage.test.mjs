// Budgets while Redis is unreachable.  The rates are daily, so the duration of
// a test does not matter.

import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from '../../scripts/lib/budgets/fleet.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { until } from '../lib/scratch.mjs';

const NODES = 2;
const BURST = 20;
const ASKED = 30;

const line = (outage) => `rate=${BURST}r/d burst=${BURST} outage=${outage}`;

test('budgets while Redis is unreachable', async (t) => {
  const fleet = await BudgetFleet.start(t, {
    names: ['acme'],
    nodes: NODES,
    workers: 1,
    budget: line('local'),
    gateway: {
      vault: { timeout: '500ms', connect_timeout: '300ms' },
      redisOptions: { config: { appendonly: 'yes' } },
    },
  });
  const { meter, redis } = fleet;

  // sends requests to a node one after the other, and returns the answers:
  // [{ status, what, ... }]
  const ask = async (node, count = ASKED) => {
    const answers = [];
    for (let n = 0; n < count; n += 1) {
      answers.push(await fleet.ask('acme', node));
    }
    return answers;
  };
  // the nodes learn of each other by leases that they take in turn
  const known = async () => {
    for (const node of [0, 1, 0]) {
      await sleep(200);
      await fleet.ask('acme', node);
    }
  };
  const served = (answers) =>
    answers.filter(({ status }) => status === 200).length;

  await t.test('outage=local: each node is limited to its share of the '
    + 'gateway\'s budget', async () => {
    await known();
    // requests that were sent before the outage count towards the shares
    const least = BURST / NODES - meter.arrivals.length;
    await redis.stop();
    for (let node = 0; node < NODES; node += 1) {
      const answers = await ask(node);
      assert.ok(served(answers) <= BURST / NODES, `${served(answers)}`);
      assert.ok(served(answers) >= least, `${served(answers)}`);
      assertRefused(answers.at(-1), 429, 'budget_gateway',
                    { code: 'throttled', retry: true });
    }
  });

  await t.test('outage=open: no request is limited', async () => {
    await fleet.setBudget(line('open'));
    for (let node = 0; node < NODES; node += 1) {
      assert.equal(served(await ask(node)), ASKED);
    }
  });

  await t.test('outage=closed: no request is sent, and callers get 503 with '
    + 'Retry-After',
    async () => {
      await fleet.setBudget(line('closed'));
      meter.arrivals.length = 0;
      for (let node = 0; node < NODES; node += 1) {
        for (const answer of await ask(node, 5)) {
          assertRefused(answer, 503, 'budget_unknown', { retry: true });
        }
      }
      assert.deepEqual(meter.arrivals, []);
    });

  await t.test('a frozen Redis delays only the requests that discover it, by '
    + 'its time-out at most', async () => {
    await redis.start();
    // a new rate does not give back the spent budget
    await fleet.setBudget(`rate=1000r/s outage=closed`);
    await until('the budget is known again', () => fleet.isServed(),
                { every: 50 });
    redis.freeze();
    const before = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 },
                                                 () => ask(0, 3)));
    const took = performance.now() - before;
    redis.thaw();
    assert.ok(took < 5000, `${took} ms`);
    assert.ok(answers.flat().every(({ status }) =>
      status === 503 || status === 200));
    assertRefused(answers.at(-1).at(-1), 503, 'budget_unknown',
                  { retry: true });
    await until('the budget is known again', () => fleet.isServed(),
                { every: 50 });
  });

  await t.test('the log has one line when an outage begins and one when it '
    + 'ends',
    async () => {
      const lines = () => fleet.nodes[0].nginx.errorLog().split('\n')
        .filter((line) => /cigna: budgets (?:cannot be|are) counted/.test(line))
        .map((line) => /\[(\w+)\]/.exec(line)[1]);

      // Redis was stopped (with reloads meanwhile), and later frozen.  Each
      // time has one log line at its beginning and one at its end.
      await until('the end is logged',
                  () => lines().at(-1) === 'notice');
      assert.deepEqual(lines(), ['error', 'notice', 'error', 'notice']);
    });
});
