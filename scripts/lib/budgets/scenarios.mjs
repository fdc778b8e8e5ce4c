// All scenarios, by name, in the order of the table.

import { hold } from './hold.mjs';
import { outage } from './outage.mjs';
import { rate } from './rate.mjs';
import { share } from './share.mjs';

export const SCENARIOS = { rate, share, hold, outage };

// Runs a scenario in a test's context or a Scope.  Returns rows
// { what, offered, sent, allowed, note, problems }.
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
