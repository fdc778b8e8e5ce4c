// A scenario of scripts/faults: workers are killed at random moments of
// refreshes.  Each refresh token is good for one use.
//
// The scenario stops a worker (SIGSTOP) before it kills the worker, and looks
// at the worker's connections.  A worker writes a reply to the journal before
// it closes the connection.  So the grant must survive if the connection to the
// token endpoint was closed by then.

import { setTimeout as sleep } from 'node:timers/promises';

import { isStopped, portsOf } from '../../../t/lib/process.mjs';
import { until } from '../../../t/lib/scratch.mjs';
import { Fleet, countRefreshes } from './fleet.mjs';
import { judge } from './truth.mjs';

const GROUP = 6;                    // members who refresh in one round
const BATCH = 10;                   // rounds that are judged together

// Real time in which another worker writes a dead worker's entries of the
// journal to Redis.
const JOURNAL_MS = 3000;

const TOKEN_LIFE_S = 3600;
const MARK_S = 400;                 // longer than any mark

// The moments of a kill, with their weights: at any time, soon after a request
// has reached Cigna, or later.  With "later" Redis is frozen once the request
// has reached Cigna, so the journal is the only place that has the reply.
const MOMENTS = { anytime: 3, during: 3, later: 4 };

export const kill = {
  about: 'workers are killed at random moments of refreshes',
  rounds: 200,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: GROUP * BATCH, clock: true, keepAlive: false,
      gateway: {
        tenant: { connect_timeout: '1s', timeout: '3s',
                  exchange_timeout: '3s' },
        sandboxOptions: { modes: { id_token: 'absent' } },
      },
    });
    await fleet.connect();
    await fleet.control.reset({ modes: false });

    const phases = { before: 0, within: 0, after: 0, marked: 0 };
    while (tally.rounds < rounds) {
      await batch(fleet, { size: Math.min(BATCH, rounds - tally.rounds),
                           random, tally, phases });
    }
    await countRefreshes(fleet, tally);
    tally.notes.push(`kills came ${phases.before} times before a refresh's `
      + `request, ${phases.within} times while its connection was open, `
      + `${phases.after} times after that; ${phases.marked} grants were not `
      + 'served again');
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

  await sleep(JOURNAL_MS);
  fleet.forward(MARK_S);
  await end(fleet, members, { kills, tally, random, phases });
}

// Returns { at, ports }: the time of the kill, and the ports of the connections
// that the killed workers had open.
async function round(fleet, { group, random, asked }) {
  const delay = random.pick([0, 15, 50]);
  const node = random.pick(fleet.nodes);
  const moment = random.weighted(MOMENTS);
  const later = async (ms, action) => {
    await sleep(ms);
    return action();
  };

  await fleet.control.set({ token_delay_ms: delay });
  const { token: { requests } } = await fleet.control.see({ recent: 0 });

  for (const member of group) {
    asked.push(later(random.between(0, 40), () => fleet.ask(member, node)));
    if (random.chance(0.3)) {
      asked.push(later(random.between(0, 60), () =>
        fleet.ask(member, random.pick(fleet.nodes))));
    }
  }

  if (moment === 'anytime') {
    await sleep(random.between(0, delay + 100));
  } else {
    await until('a request is at Cigna', async () =>
      (await fleet.control.see({ recent: 0 })).token.requests > requests);
    await sleep(random.between(0, delay + 10));
  }
  if (moment === 'later') {
    fleet.redis.freeze();
    await sleep(random.between(0, delay + 300));
  }

  const { killed, ...result } = await killSome(node.nginx, random);
  if (moment === 'later') {
    await sleep(random.between(0, 300));
    fleet.redis.thaw();
  }
  await killed;
  return result;
}

// Kills one worker of a node or all of them, including exiting workers.
// Returns { at, ports, killed }: the time of the kill, the ports of the
// connections that the killed workers had open, and a promise that these
// workers have ended.
export async function killSome(nginx, random) {
  const all = nginx.workerPids();
  const pids = random.chance(0.2) ? all : [random.pick(all)];

  pids.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  await until('they have stopped', () => pids.every(isStopped), { every: 1 });
  const ports = new Set(pids.flatMap((pid) => [...portsOf(pid)]));
  const at = Date.now();
  return { at, ports,
           killed: Promise.all(pids.map((pid) => nginx.killWorker(pid))) };
}

async function end(fleet, members, { kills, tally, random, phases }) {
  const answers = await Promise.all(members.map(async (member) =>
    fleet.settle(member, random.pick(fleet.nodes))));
  const books = await fleet.ledger();
  const gone = [];

  members.forEach((member, i) => {
    const tokens = books.get(member.key);
    // the kill of a later round may hit a late refresh of this round
    const wrong = judge(answers[i], tokens, (spent) =>
      kills.some(({ ports }) => ports.has(spent.port)));

    note(phases, tokens, kills[Math.floor(i / GROUP)]);
    if (wrong) {
      tally.lost.push(`${member.key} ${wrong}, kills: `
        + kills.map(({ at }) => at).join(' '));
    }
    if (answers[i].what !== 'served') {
      gone.push(member);
    }
  });
  phases.marked += gone.length;
  await fleet.connect(gone);
}

function note(phases, tokens, { at, ports }) {
  const near = tokens.flatMap(({ presented }) => presented)
    .find((one) => Math.abs(one.at - at) < 1000);
  if (near) {
    phases[ports.has(near.port) ? 'within'
      : at < near.ended ? 'before' : 'after'] += 1;
  }
}
