// A scenario of scripts/budgets: three tenants share a budget.  One asks for
// ten times its share.  The other two ask for their own shares, and one of them
// begins later.

import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from './fleet.mjs';
import { due, excess, grace, hindrances, problemsOf, round, strange } from
  './measure.mjs';

const BUDGET = { rate: 45, burst: 90 };
const NAMES = ['acme', 'globex', 'initech'];
const SHARE = BUDGET.rate / NAMES.length;
const GREED = 10;

// The tenants that ask for no more than their shares must get at least this
// part of them.
const THEIRS = 0.95;

export const share = {
  about: 'one tenant asks for ten times its share, two ask for theirs',
  seconds: 20,

  async run(t, { seconds }) {
    const fleet = await BudgetFleet.start(t, {
      names: NAMES,
      budget: `rate=${BUDGET.rate}r/s burst=${BUDGET.burst}`,
    });
    await fleet.rest(BUDGET);

    const greedy = fleet.offer(GREED * SHARE, ['acme']);
    const steady = fleet.offer(SHARE, ['globex'], { steady: true });
    await sleep(seconds * 500);
    const late = fleet.offer(SHARE, ['initech'], { steady: true });
    await sleep(seconds * 500);
    await Promise.all([greedy, steady, late].map((offer) => offer.stop()));

    return [
      own(fleet.meter, 'globex', 'its share', steady),
      own(fleet.meter, 'initech', 'its share, after a quiet time', late),
      atOnce(fleet.meter, late),
      all(fleet, greedy, [steady, late]),
    ];
  },
};

function own({ arrivals }, tenant, what, { answers, sent }) {
  const got = arrivals.filter((one) => one.tenant === tenant
    && one.at >= Math.min(...answers.map(({ at }) => at))).length;

  return {
    what: `${tenant}: ${what}`, offered: sent, sent: got, allowed: sent,
    problems: [
      ...problemsOf([got < THEIRS * sent,
                     `${tenant} got only ${got} of the ${sent} in its share`]),
      ...strange(answers, ['200', 'budget_gateway']),
    ],
  };
}

// Returns the row for the late tenant's requests in its first second.
function atOnce(meter, { answers, from }) {
  const first = answers.filter(({ at }) => at < from + 1000);
  const got = first.filter(({ status }) => status === 200).length;

  return {
    what: 'initech: its first second', offered: first.length, sent: got,
    allowed: first.length,
    problems: problemsOf([got < THEIRS * first.length - 1,
                          `only ${got} of its first ${first.length} left`]),
  };
}

function all({ meter, nodes, outages }, greedy, others) {
  const arrivals = meter.between(greedy.from, Infinity);
  const over = excess(BUDGET, arrivals, greedy.from);
  const allowed = due(BUDGET, greedy.seconds);
  // half of the burst is set aside, a third of it for each tenant, and two of
  // the three tenants do not use theirs
  const used = allowed - BUDGET.burst / 2 * 2 / 3;

  return {
    what: 'all three',
    offered: greedy.sent + others.reduce((sum, { sent }) => sum + sent, 0),
    sent: arrivals.length, allowed: round(allowed),
    note: hindrances([], outages).join(),
    problems: [
      ...problemsOf(
        [over > grace(BUDGET, { nodes: nodes.length, outages }),
         `${round(over, 1)} requests more than the budget allows`],
        [arrivals.length < 0.95 * used,
         'the part that other tenants left was not used']),
      ...strange(greedy.answers, ['200', 'budget_gateway']),
    ],
  };
}
