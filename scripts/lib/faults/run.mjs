// Runs one scenario.  The seed decides all random choices, but not the moments
// at which the servers receive requests and signals.

import { Random } from '../../../t/lib/random.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Tally } from './tally.mjs';

export function newSeed() {
  return 1 + Math.floor(Math.random() * 0xffffffff);
}

// Returns the tally of the scenario.  If it throws, the scenario has failed:
// a server did not start, or its log has lines that it must not have.
//   t  the context of a test, or a Scope
export async function runScenario(t, name, { seed = newSeed(), ...more } = {}) {
  const scenario = SCENARIOS[name];
  const tally = new Tally();

  t.diagnostic(`${name}: ${scenario.about}; --seed ${seed}`);
  await scenario.run(t, {
    rounds: scenario.rounds,
    seconds: scenario.seconds,
    ...more,
    random: new Random(seed),
    tally,
  });
  for (const note of tally.notes) {
    t.diagnostic(`${name}: ${note}`);
  }
  if (tally.skipped) {
    t.diagnostic(`${name}: skipped: ${tally.skipped}`);
  }
  return tally;
}
