// A scenario of scripts/faults: the token endpoint answers after minutes, or
// takes the request and closes the connection.  Meanwhile workers are killed
// and nodes reload.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { Fleet, playRounds } from './fleet.mjs';
import { killSome } from './kill.mjs';
import { Load } from './load.mjs';
import { REFUSALS } from './reload.mjs';
import { judge } from './truth.mjs';

const MEMBERS = 200;
const TOKEN_LIFE_S = 3600;
const MARK_S = 400;                 // longer than any mark
const JOURNAL_MS = 3000;

// The shortest and the longest time until a reply, in seconds.
const FIRST_S = 5;
const LAST_S = 170;

// Faults of refreshes, with their weights: the endpoint answers; it answers in
// part; it spends the refresh token and does not answer; it neither spends the
// refresh token nor answers.
const ENDS = { 'none': 10, 'cut-mid': 1, 'cut-after': 1, 'cut-before': 2 };

// The time between two changes of delay and fault.  A request gets the delay
// and the fault that are set when it arrives.
const CHANGE_MS = 20;

const DISTURB_MS = [6000, 14000];

export const slow = {
  about: 'the token endpoint takes minutes or does not answer, while workers '
    + 'are killed and reloaded',
  rounds: 1,
  seconds: 180,
  members: MEMBERS,

  async run(t, { rounds, seconds, random, tally, members = slow.members }) {
    const fleet = await Fleet.start(t, {
      members, clock: true, keepAlive: false,
      gateway: {
        tenant: { connect_timeout: '1s', timeout: '3s' },
        sandboxOptions: { modes: { id_token: 'absent' } },
      },
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { seconds, random, tally }));
  },
};

async function round(fleet, { seconds, random, tally }) {
  const end = Date.now() + seconds * 1000;
  const killed = new Set();          // ports that killed workers had open
  const events = { kills: 0, reloads: 0 };

  fleet.forward(TOKEN_LIFE_S);
  const weather = changing(fleet, { end, random: random.fork() });
  const load = new Load(fleet, { lanes: 24, pause: 200, random });
  while (Date.now() < end) {
    await sleep(Math.min(random.between(...DISTURB_MS), end - Date.now()));
    await disturb(random.pick(fleet.nodes), { random, killed, events });
  }
  await weather;
  await until('the last exchange has ended', async () =>
    (await fleet.control.see({ recent: 0 })).token.in_flight === 0,
              { timeout: (FIRST_S + 10) * 1000, every: 200 });
  await load.stop();

  await sleep(JOURNAL_MS);
  const open = await fleet.ledger();
  fleet.forward(MARK_S);
  const spent = await judgeAll(fleet, { open, killed, random, tally });
  // judgeAll() has judged the members of `spent` already
  load.judge(tally, {
    allowed: [...REFUSALS, 'cut'],
    answers: load.answers.filter(({ what, member }) =>
      what !== 'grant_spent' || !spent.has(member)),
  });
  tally.notes.push(`${load.answers.length} requests, `
    + JSON.stringify(load.counts()),
    `${events.kills} kills, ${events.reloads} reloads`);
}

// Changes delay and fault again and again until `end`, and then removes both.
async function changing({ control }, { end, random }) {
  for (let left = end - Date.now(); left > 0; left = end - Date.now()) {
    const last = Math.max(FIRST_S * 1000, Math.min(LAST_S * 1000, left));
    await control.set({
      token_delay_ms: random.between(FIRST_S * 1000, last + 1),
      token_fault: { kind: random.weighted(ENDS),
                     grant_type: 'refresh_token' },
    });
    await sleep(CHANGE_MS);
  }
  await control.set({ token_delay_ms: 0, token_fault: 'none' });
}

async function disturb({ nginx }, { random, killed, events }) {
  if (random.chance(0.7)) {
    await nginx.reload({}, { wait: false });
    events.reloads += 1;
    return;
  }
  const { ports, killed: dead } = await killSome(nginx, random);
  ports.forEach((port) => killed.add(port));
  events.kills += 1;
  await dead;
}

// Judges the final answer of each member.  Returns the members whose grant is
// spent.
async function judgeAll(fleet, { open, killed, random, tally }) {
  const began = Date.now();
  const answers = await Promise.all(fleet.members.map((member) =>
    fleet.settle(member, random.pick(fleet.nodes), { timeout: 60000 })));
  const books = await fleet.ledger();
  const gone = { killed: 0, unanswered: 0 };

  fleet.members.forEach((member, i) => {
    const wrong = judge(answers[i], books.get(member.key), (spent) => {
      if (killed.has(spent.port)) {
        gone.killed += 1;
        return true;
      }
      gone.unanswered += spent.sent ? 0 : 1;
      return !spent.sent;
    });
    if (wrong) {
      tally.lost.push(`${member.key} ${wrong}`);
    }
  });
  tally.recovered(Date.now() - began);

  const sent = [...open.values()].flat().flatMap(({ presented }) => presented);
  const late = sent.filter(({ accepted, sent: left, at, ended }) =>
    accepted && left && ended - at > FIRST_S * 1000 - 1).length;
  tally.notes.push(`${sent.length} refresh tokens were sent, ${late} were `
    + `answered late; grants that ended: ${JSON.stringify(gone)}`);
  return new Set(fleet.members.filter((member, i) =>
    answers[i].what === 'grant_spent'));
}
