// A scenario of scripts/budgets: the upstream answers 429 for a while.

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from './fleet.mjs';
import { problemsOf, round, strange } from './measure.mjs';

const BUDGET = { rate: 60, burst: 60 };
const TIMES = 2;

const MEANWHILE = 0.05;        // part of the offered requests that may arrive
const RECOVERY_MS = 10000;
const FULL = 0.95;             // part of the rate that is enough in a second

export const hold = {
  about: 'an upstream that answers 429 for a while',
  seconds: 10,

  async run(t, { seconds }) {
    const fleet = await BudgetFleet.start(t, {
      budget: `rate=${BUDGET.rate}r/s burst=${BUDGET.burst}`,
    });
    const { meter } = fleet;

    const offer = fleet.offer(TIMES * BUDGET.rate);
    await sleep(2000);
    const from = performance.now();
    meter.answer({ status: 429 });
    await sleep(seconds * 1000);
    meter.comply();
    const to = performance.now();

    while (performance.now() < to + RECOVERY_MS + 1000
           && !backAfter(meter, to)) {
      await sleep(100);
    }
    await offer.stop();
    return [judge(meter, offer, from, to)];
  },
};

// Returns how many ms after `to`, the end of the 429 replies, the first second
// at the full rate began, or null if there was none.
function backAfter(meter, to) {
  const times = meter.between(to, Infinity).map(({ at }) => at);
  const need = Math.ceil(FULL * BUDGET.rate);
  const i = times.findIndex((at, first) =>
    times[first + need - 1] - at <= 1000);
  return i < 0 ? null : times[i] - to;
}

function judge(meter, { answers }, from, to) {
  const sent = meter.between(from, to).length;
  const offered = answers.filter(({ at }) => at >= from && at < to).length;
  const back = backAfter(meter, to);

  return {
    what: `429 for ${round((to - from) / 1000)} s`, offered, sent,
    allowed: Math.floor(MEANWHILE * offered),
    note: back === null ? 'not back' : `back at full rate after ${
      round(back / 1000, 1)} s`,
    problems: [
      ...problemsOf(
        [sent > MEANWHILE * offered, `${sent} of ${offered} requests reached `
          + 'the upstream'],
        [back === null || back > RECOVERY_MS, 'not back at the full rate in '
          + `${RECOVERY_MS / 1000} s`]),
      ...strange(answers, ['200', '429', 'budget_gateway', 'held_back']),
    ],
  };
}
