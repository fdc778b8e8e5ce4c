// Workers killed at random moments of refreshes, against refresh tokens that
// are good for one use each.

import { setTimeout as sleep } from 'node:timers/promises';

import { Fleet, countRefreshes } from './fleet.mjs';
import { judge } from './truth.mjs';

const GROUP = 6;                    // members who refresh in one round
const BATCH = 10;                   // rounds whose ends are awaited together

// So long after the reply has left Cigna a worker may need until the new grant
// is in its journal, on a machine that has much else to do; and so long may the
// stand-in need to see a request.
const WINDOW_MS = 250;

// Takes over and confirms, in real time.
const UPKEEP_MS = 3000;

const TOKEN_LIFE_S = 3600;
const MARK_S = 400;                 // longer than any mark

export const kill = {
  about: 'SIGKILL of a worker at random moments of refreshes',
  rounds: 200,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: GROUP * BATCH, clock: true, keepAlive: false,
      gateway: {
        tenant: { connect_timeout: '1s', timeout: '3s' },
        sandboxOptions: { modes: { id_token: 'absent' } },
      },
    });
    await fleet.connect();
    await fleet.control.reset({ modes: false });

    const phases = { 'before the request': 0, 'in the window': 0, after: 0 };
    while (tally.rounds < rounds) {
      await batch(fleet, { size: Math.min(BATCH, rounds - tally.rounds),
                           random, tally, phases });
    }
    await countRefreshes(fleet, tally);
    tally.notes.push('of the refreshes that a kill met, it came '
      + Object.entries(phases).map(([name, n]) => `${n} ${name}`).join(', '));
  },
};

async function batch(fleet, { size, random, tally, phases }) {
  const kills = [];
  const asked = [];

  fleet.forward(TOKEN_LIFE_S);
  for (let i = 0; i < size; i += 1) {
    const group = fleet.members.slice(i * GROUP, (i + 1) * GROUP);
    kills.push(await round(fleet, { group, random, asked }));
    tally.rounds += 1;
  }
  const members = fleet.members.slice(0, size * GROUP);
  for (const { what, text } of await Promise.all(asked)) {
    if (what === 'foreign' || what === 'unanswered') {
      tally.errors.push(`${what}: ${text}`);
    }
  }

  await sleep(UPKEEP_MS);
  fleet.forward(MARK_S);
  await end(fleet, members, { kills, tally, random, phases });
}

// Returns when, and of which node, a worker was killed.
async function round(fleet, { group, random, asked }) {
  const delay = random.pick([0, 15, 50]);
  const node = random.pick(fleet.nodes);
  const frozen = random.chance(0.4);
  const later = async (ms, action) => {
    await sleep(ms);
    return action();
  };

  await fleet.control.set({ token_delay_ms: delay });
  for (const member of group) {
    asked.push(later(random.between(0, 40), () => fleet.ask(member, node)));
    if (random.chance(0.3)) {
      asked.push(later(random.between(0, 60), () =>
        fleet.ask(member, random.pick(fleet.nodes))));
    }
  }
  if (frozen) {
    // what comes back from Cigna now is in the journal and nowhere else
    await sleep(random.between(20, delay + 60));
    fleet.redis.freeze();
    await sleep(random.between(0, delay + 2 * WINDOW_MS));
  } else {
    await sleep(random.between(0, delay + 100));
  }

  const at = Date.now();
  const killed = node.nginx.killWorker(random.pick(node.nginx.workerPids()));
  if (frozen) {
    await sleep(random.between(0, 300));
    fleet.redis.thaw();
  }
  await killed;
  return at;
}

async function end(fleet, members, { kills, tally, random, phases }) {
  const answers = await Promise.all(members.map(async (member) =>
    fleet.settle(member, random.pick(fleet.nodes))));
  const books = await fleet.ledger();
  const gone = [];

  members.forEach((member, i) => {
    const at = kills[Math.floor(i / GROUP)];
    const tokens = books.get(member.key);
    const wrong = judge(answers[i], tokens, (spent) =>
      !spent.sent || Math.abs(phase(spent, at)) <= WINDOW_MS);

    note(phases, tokens, at);
    if (wrong) {
      tally.lost.push(`round of ${new Date(at).toISOString()}: `
        + `${member.key} ${wrong}`);
    }
    if (answers[i].what !== 'served') {
      gone.push(member);
    }
  });
  tally.notes.push(...(gone.length ? [`${gone.length} honestly marked`] : []));
  await fleet.connect(gone);
}

function note(phases, tokens, at) {
  const near = tokens.flatMap(({ presented }) => presented)
    .find((one) => Math.abs(one.at - at) < 1000);
  if (near) {
    const ms = phase(near, at);
    phases[ms < 0 ? 'before the request'
      : ms > WINDOW_MS ? 'after' : 'in the window'] += 1;
  }
}

// 0 while the exchange went on, as the stand-in saw it; else so many ms after
// it, or before, if negative.
function phase(spent, at) {
  return Math.min(0, at - spent.at) + Math.max(0, at - spent.ended);
}
