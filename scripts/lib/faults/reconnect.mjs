// A scenario of scripts/faults: members disconnect and connect again while a
// refresh of the former grant is under way.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { Fleet, playRounds } from './fleet.mjs';

const GROUP = 10;
const TOKEN_LIFE_S = 3600;

export const reconnect = {
  about: 'members disconnect and connect while a refresh is under way',
  rounds: 10,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: GROUP, clock: true,
      gateway: { sandboxOptions: { modes: { id_token: 'absent' } } },
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { random, tally }));
  },
};

async function round(fleet, { random, tally }) {
  fleet.forward(TOKEN_LIFE_S);
  await fleet.control.set({ token_delay_ms: 1500 });
  const asked = fleet.members.map((member) =>
    fleet.ask(member, random.pick(fleet.nodes)));
  await until('all refreshes are under way', async () =>
    (await fleet.control.see({ recent: 0 })).token.in_flight === GROUP);
  await fleet.control.set({ token_delay_ms: 0 });
  const before = await fleet.ledger();

  await Promise.all(fleet.members.map(async (member) => {
    await sleep(random.between(0, 300));
    if (random.chance(0.7)) {
      await fleet.disconnect(member, random.pick(fleet.nodes), tally);
      await sleep(random.between(0, 300));
    }
    await fleet.dance(member);
  }));
  await Promise.all(asked);
  await until('all tokens of the former grants are revoked', async () =>
    (await leftovers(fleet, before)).length === 0)
    .catch(async () => tally.wrong.push(...await leftovers(fleet, before)));

  for (const member of fleet.members) {
    for (const node of fleet.nodes) {
      const { what, text } = await fleet.ask(member, node);
      if (what !== 'served') {
        tally.lost.push(`${member.key} ends as ${what}: ${text}`);
      }
    }
  }
}


// Returns a line for each token of a former grant that Cigna still accepts.
async function leftovers(fleet, before) {
  const left = [];

  for (const [key, tokens] of await fleet.ledger()) {
    const known = new Set(before.get(key).map(({ token }) => token));
    const ofOld = (entry) => known.has(entry.token) || known.has(entry.from);

    for (const { token, alive } of tokens.filter(ofOld)) {
      if (alive.refresh || alive.access) {
        left.push(`${key}: ${token} of the former grant is still valid: `
          + JSON.stringify(alive));
      }
    }
  }
  return left;
}
