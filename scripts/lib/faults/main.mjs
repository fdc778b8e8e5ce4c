// scripts/faults: shows in a table what happens to grants when parts fail.

import { report, runSeries } from '../series.mjs';
import { runScenario } from './run.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Scope } from './scope.mjs';
import { Tally } from './tally.mjs';

async function rowsOf(name, options) {
  const scope = new Scope();
  let tally = new Tally();

  try {
    tally = await runScenario(scope, name, options);
  } catch (error) {
    tally.wrong.push(error.stack);
  }
  await scope.end().catch((error) => tally.wrong.push(error.message));
  report(name, tally.problems);
  return [tally.row(name)];
}

await runSeries('faults', {
  scenarios: SCENARIOS, numbers: ['rounds', 'seconds', 'open', 'seed'], rowsOf,
});
