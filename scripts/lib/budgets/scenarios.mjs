// All scenarios by name.  They run, and stand in the printed table, in this
// order.

import { hold } from './hold.mjs';
import { outage } from './outage.mjs';
import { rate } from './rate.mjs';
import { share } from './share.mjs';

export const SCENARIOS = { rate, share, hold, outage };

// Runs a scenario.  Returns its rows, each
// { what, offered, sent, allowed, note, problems }.
//   t        the context of a test, or a Scope (../faults/scope.mjs)
//   seconds  the scenario's own length by default
export async function runScenario(t, name, { seconds } = {}) {
  const scenario = SCENARIOS[name];

  t.diagnostic(`${name}: ${scenario.about}`);
  const rows = await scenario.run(t, { seconds: seconds ?? scenario.seconds });
  for (const row of rows) {
    t.diagnostic(`${row.what}: ${row.offered} offered, ${row.sent} sent, `
      + `${row.allowed} allowed${row.note ? `; ${row.note}` : ''}`);
  }
  return rows;
}
