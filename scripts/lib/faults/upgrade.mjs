// A scenario of scripts/faults: binary upgrades while grants are refreshed.
// The new nginx has its own shared memory and knows nothing of the old nginx.

import { setTimeout as sleep } from 'node:timers/promises';

import { Fleet, playRounds } from './fleet.mjs';
import { Load } from './load.mjs';
import { REFUSALS, RESTLESS, assertUsable, isCalm, stutter } from
  './reload.mjs';

const MEMBERS = 20;

// nginx passes on only those environment variables that its configuration
// names.
export const ENVIRONMENT = ['ASAN', 'UBSAN', 'LSAN']
  .map((name) => `env ${name}_OPTIONS;`).join(' ');

export const upgrade = {
  about: 'binary upgrades while grants are refreshed',
  rounds: 4,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: MEMBERS, keepAlive: false,
      gateway: { ...RESTLESS, nginx: { daemon: true, main: ENVIRONMENT } },
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { random, tally }));
  },
};

async function round(fleet, { random, tally }) {
  const load = new Load(fleet, { lanes: 8, random });
  const calm = isCalm(tally);

  await sleep(random.between(500, 2000));
  const began = Date.now();
  await Promise.all([
    random.pick(fleet.nodes).nginx.upgrade(),
    ...(calm ? [] : [stutter(fleet.redis, random)]),
  ]);
  tally.recovered(Date.now() - began);
  await sleep(1000);
  await load.stop();

  load.judge(tally, { allowed: calm ? [] : REFUSALS });
  await assertUsable(fleet, { random, tally });
  tally.notes.push(`${load.answers.length} requests, `
    + (calm ? 'Redis is well' : 'Redis freezes meanwhile'));
}
