// Binary upgrades while grants are refreshed: the second nginx has shared
// memory of its own, and knows nothing of the first.

import { setTimeout as sleep } from 'node:timers/promises';

import { Fleet, countRefreshes } from './fleet.mjs';
import { Load } from './load.mjs';
import { RESTLESS, assertUsable } from './reload.mjs';

const MEMBERS = 20;

// nginx hands on no variables but those that it is told to
const ENVIRONMENT = ['ASAN', 'UBSAN', 'LSAN']
  .map((name) => `env ${name}_OPTIONS;`).join(' ');

export const upgrade = {
  about: 'binary upgrades, while grants are refreshed',
  rounds: 3,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: MEMBERS, keepAlive: false,
      gateway: { ...RESTLESS, nginx: { daemon: true, main: ENVIRONMENT } },
    });
    await fleet.connect();
    await fleet.control.reset({ modes: false });

    const load = new Load(fleet, { lanes: 8, random });
    while (tally.rounds < rounds) {
      await sleep(random.between(500, 2000));
      const began = Date.now();
      await random.pick(fleet.nodes).nginx.upgrade();
      tally.recovered(Date.now() - began);
      tally.rounds += 1;
    }
    await sleep(1000);
    await load.stop();

    load.judge(tally);
    await assertUsable(fleet, { random, tally });
    await countRefreshes(fleet, tally);
    tally.notes.push(`${load.answers.length} requests`);
  },
};
