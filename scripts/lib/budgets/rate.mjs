// A scenario of scripts/budgets: two nodes are offered three times the
// gateway's budget.

import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from './fleet.mjs';
import { due, excess, grace, hindrances, problemsOf, round, slack, stalls,
         strange } from './measure.mjs';

const TIMES = 3;
const NODES = 2;
const CALLS_MAX = 20;          // calls of Redis per second, tenant and node

const BUDGET = { rate: 60, burst: 60 };

export const rate = {
  about: 'two nodes with two workers each are offered three times the budget',
  seconds: 30,

  async run(t, { seconds }) {
    const fleet = await BudgetFleet.start(t, {
      nodes: NODES,
      budget: `rate=${BUDGET.rate}r/s burst=${BUDGET.burst}`,
    });
    await fleet.rest(BUDGET);

    const before = await fleet.leaseCalls();
    const offer = fleet.offer(TIMES * BUDGET.rate);
    await sleep(seconds * 1000);
    await offer.stop();
    const calls = (await fleet.leaseCalls()).map((n, i) => n - before[i]);

    return [judge(fleet, offer, Math.max(...calls) / offer.seconds)];
  },
};

function judge({ meter, outages }, offer, calls) {
  const { answers, from, sent, seconds } = offer;
  const arrivals = meter.between(from, Infinity);
  const allowed = due(BUDGET, seconds);
  const over = excess(BUDGET, arrivals, from);
  const missing = allowed - arrivals.length;
  const stalled = stalls(offer, NODES);
  const may = Math.max(allowed / 100,
                       slack(BUDGET, { nodes: NODES, stalled }));

  return {
    what: `${TIMES} times the budget`,
    offered: sent,
    sent: arrivals.length,
    allowed: round(allowed),
    note: [`${round(calls, 1)} calls of Redis per second, tenant and node`,
           ...hindrances(stalled, outages)].join(', '),
    problems: [
      ...problemsOf(
        [over > grace(BUDGET, { nodes: NODES, outages }),
         `${round(over, 1)} requests more than the budget allows`],
        [missing > may, `${round(missing, 1)} requests fewer than the budget `
          + `allows, but at most ${round(may, 1)} may be missing`],
        [calls > CALLS_MAX, `${round(calls, 1)} calls of Redis per second`]),
      ...strange(answers, ['200', 'budget_gateway']),
    ],
  };
}
