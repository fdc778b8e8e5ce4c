// A scenario of scripts/faults: many access tokens expire at the same time, and
// all nodes notice at once.

import { setTimeout as sleep } from 'node:timers/promises';

import { Fleet, forEach, playRounds } from './fleet.mjs';
import { Load } from './load.mjs';

const TOKEN_LIFE_S = 3600;

export const expiry = {
  about: 'tokens expire together under load: one token request per grant',
  rounds: 3,
  members: 200,

  async run(t, { rounds, random, tally, members = expiry.members }) {
    const fleet = await Fleet.start(t, {
      members, clock: true,
      gateway: { sandboxOptions: { modes: { id_token: 'absent' } } },
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { random, tally }));
  },
};

async function round(fleet, { random, tally }) {
  const before = await tokenRequests(fleet);
  const load = new Load(fleet, { lanes: 48, random });

  await sleep(300);
  fleet.forward(TOKEN_LIFE_S);
  const began = Date.now();

  // the load picks members at random; these are all members, on every node
  await forEach(fleet.members, 32, (member) =>
    Promise.all(fleet.nodes.map((node) => fleet.ask(member, node))));
  await load.stop();
  tally.recovered(Date.now() - began);

  load.judge(tally);
  const made = await tokenRequests(fleet) - before;
  if (made !== fleet.members.length) {
    tally.wrong.push(`${made} token requests for ${fleet.members.length} `
      + 'grants');
  }
}

async function tokenRequests(fleet) {
  const { token } = await fleet.control.see({ recent: 0 });
  return token.requests;
}
