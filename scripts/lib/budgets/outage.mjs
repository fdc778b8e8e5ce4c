// A scenario of scripts/budgets: Redis is down while three times the budget is
// offered.  The scenario counts the requests that each value of outage= lets
// through.

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { BudgetFleet } from './fleet.mjs';
import { LEASE_MS, due, problemsOf, round, strange } from './measure.mjs';

const BUDGET = { rate: 60, burst: 60 };
const TIMES = 3;

// After this time every node has noticed the outage.
const NOTICE_MS = 1500;

const line = (choice) =>
  `rate=${BUDGET.rate}r/s burst=${BUDGET.burst} outage=${choice}`;

// For each value: the largest and the smallest number of requests that may
// arrive, and the expected answers.
const CHOICES = {
  local: {
    what: 'local: each node uses its share',
    most: (seconds) => due(BUDGET, seconds) + BUDGET.rate * 2 * LEASE_MS / 1000,
    least: (seconds) => 0.9 * BUDGET.rate * seconds,
    answers: ['200', 'budget_gateway'],
  },
  open: {
    what: 'open: no limit',
    most: (seconds, offered) => offered,
    least: (seconds, offered) => offered,
    answers: ['200'],
  },
  closed: {
    what: 'closed: no request leaves',
    most: () => 0,
    least: () => 0,
    answers: ['budget_unknown'],
  },
};

export const outage = {
  about: 'Redis is down, with outage=local, open and closed',
  seconds: 10,

  async run(t, { seconds }) {
    const fleet = await BudgetFleet.start(t, {
      budget: line('local'),
      gateway: {
        vault: { timeout: '500ms', connect_timeout: '300ms' },
        redisOptions: { config: { appendonly: 'yes' } },
      },
    });

    const rows = [];
    for (const [choice, expected] of Object.entries(CHOICES)) {
      await fleet.setBudget(line(choice));
      rows.push(await gone(fleet, expected, seconds));
    }
    return rows;
  },
};

async function gone(fleet, expected, seconds) {
  const { meter, redis } = fleet;

  await fleet.rest(BUDGET);
  const offer = fleet.offer(TIMES * BUDGET.rate);
  await sleep(1000);
  await redis.stop();
  await sleep(NOTICE_MS);
  const from = performance.now();
  await sleep(seconds * 1000);
  const to = performance.now();
  await offer.stop();
  await redis.start();
  // one request a second, because more requests would spend the budget
  await until('Redis is asked again', () => fleet.isServed(),
              { every: 1000, timeout: 20000 });

  return judge(expected, meter.between(from, to).length,
               offer.between(from, to), (to - from) / 1000);
}

function judge({ what, most, least, answers: expected }, sent, answers,
               seconds) {
  const offered = answers.length;
  // requests that were under way at the start and at the end
  const edges = 4;
  const allowed = most(seconds, offered);

  return {
    what, offered, sent, allowed: round(allowed),
    problems: [
      ...problemsOf(
        [sent > allowed + (allowed && edges), `${sent} requests reached the `
          + `upstream, but only ${round(allowed)} may`],
        [sent < least(seconds, offered) - edges, `only ${sent} of ${offered} `
          + 'requests reached the upstream']),
      ...strange(answers, expected),
    ],
  };
}
