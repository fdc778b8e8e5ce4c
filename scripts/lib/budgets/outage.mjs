// Redis is gone, under three times the budget: what each choice lets through.

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { BudgetFleet } from './fleet.mjs';
import { LEASE_MS, due, problemsOf, round, strange } from './measure.mjs';

const BUDGET = { rate: 60, burst: 60 };
const TIMES = 3;

// Until every node has noticed.
const NOTICE_MS = 1500;

const line = (choice) =>
  `rate=${BUDGET.rate}r/s burst=${BUDGET.burst} outage=${choice}`;

// choice: what arrives of the offered, and how the rest is answered
const CHOICES = {
  local: {
    what: 'local: each node has its share',
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
    what: 'closed: nothing leaves',
    most: () => 0,
    least: () => 0,
    answers: ['budget_unknown'],
  },
};

export const outage = {
  about: 'Redis gone: the budgets are local, open, closed',
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
  // seldom: who asks all the time has spent the budget
  await until('Redis is asked again', () => fleet.isServed(),
              { every: 1000, timeout: 20000 });

  return judge(expected, meter.between(from, to).length,
               offer.between(from, to), (to - from) / 1000);
}

function judge({ what, most, least, answers: expected }, sent, answers,
               seconds) {
  const offered = answers.length;
  // those on their way when it began and when it ended
  const edges = 4;
  const allowed = most(seconds, offered);

  return {
    what, offered, sent, allowed: round(allowed),
    problems: [
      ...problemsOf(
        [sent > allowed + (allowed && edges), `${sent} reached the upstream, `
          + `where ${round(allowed)} may`],
        [sent < least(seconds, offered) - edges, `only ${sent} of ${offered} `
          + 'reached the upstream']),
      ...strange(answers, expected),
    ],
  };
}
