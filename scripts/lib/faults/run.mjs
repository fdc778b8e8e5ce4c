// Runs one scenario.  Everything that is done follows from the seed, but not
// the moments at which it meets the servers.

import { Random } from '../../../t/lib/random.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Tally } from './tally.mjs';

export function newSeed() {
  return 1 + Math.floor(Math.random() * 0xffffffff);
}

// t: a test's context, or a Scope.  What it throws is the scenario's failure,
// too: servers that do not start, or that say what they must not at their end.
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
