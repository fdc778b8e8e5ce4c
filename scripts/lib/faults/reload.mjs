// A scenario of scripts/faults: all nodes reload their configurations about
// once a second while grants are refreshed.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { Fleet, playRounds } from './fleet.mjs';
import { Load } from './load.mjs';

const MEMBERS = 40;
const EXIT_MS = 20000;

// Settings with which every token is due for a refresh after two seconds.  The
// FHIR server accepts the tokens for longer than expires_in says, so every
// refusal comes from the gateway.
export const RESTLESS = {
  tenant: { refresh_ahead: '1s' },
  sandboxOptions: { modes: { expires_in: { raw: '3' }, token_delay_ms: 30 } },
};

// Returns whether Redis stays well in this round.  In every other round Redis
// freezes now and then.  So a worker that has to exit may have grants that
// Redis has not confirmed.
export const isCalm = ({ rounds }) => rounds % 2 === 0;

// The conditions that members may get while Redis or the token endpoint fails.
export const REFUSALS = ['vault_unreachable', 'refresh_late',
                         'refresh_failed', 'refresh_paused'];

export async function stutter(redis, random) {
  redis.freeze();
  await sleep(random.between(300, 1500));
  redis.thaw();
}

export const reload = {
  about: 'a reload every second while grants are refreshed',
  rounds: 2,
  seconds: 60,

  async run(t, { rounds, seconds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: MEMBERS, keepAlive: false, gateway: RESTLESS,
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { seconds, random, tally }));
  },
};

async function round(fleet, { seconds, random, tally }) {
  const load = new Load(fleet, { lanes: 12, random });
  const calm = isCalm(tally);

  for (let i = 0; i < seconds; i += 1) {
    await Promise.all(fleet.nodes.map(({ nginx }) =>
      nginx.reload({}, { wait: false })));
    await sleep(random.between(300, 1300));
    if (!calm && random.chance(0.4)) {
      await stutter(fleet.redis, random);
    }
  }
  await load.stop();

  load.judge(tally, { allowed: calm ? [] : REFUSALS });
  await leave(fleet, tally);
  await assertUsable(fleet, { random, tally });
  tally.notes.push(`${load.answers.length} requests, `
    + (calm ? 'Redis is well' : 'Redis freezes now and then'));
}

// All old workers must exit.
async function leave(fleet, tally) {
  const began = Date.now();
  const extra = () => fleet.nodes.reduce((sum, { nginx }) =>
    sum + nginx.workerPids().length - nginx.workers, 0);

  await until('the old workers are gone', () => extra() === 0,
              { timeout: EXIT_MS })
    .catch(() => tally.wrong.push(`${extra()} old workers do not exit`));
  tally.recovered(Date.now() - began);
}

// Every member must be served in the end.
export async function assertUsable(fleet, { random, tally }) {
  await Promise.all(fleet.members.map(async (member) => {
    const { what, text } = await fleet.settle(member,
                                              random.pick(fleet.nodes));
    if (what !== 'served') {
      tally.lost.push(`${member.key} ends as ${what}: ${text}`);
    }
  }));
}
