// A scenario of scripts/faults: the token endpoint works well for hours, and
// then gives wrong answers for minutes: "invalid_grant" for everybody,
// "invalid_client", HTML pages and odd id_tokens.  Meanwhile some members
// really revoke their consent.  These members must be told so, by
// "grant_spent".  All other members must be served again.
//
// The hours pass because the scenario puts clocks forward, including the clock
// of nginx's timers.  The bad time passes in real time.  Tokens then live for
// some seconds only, so grants need a new token many times in these minutes.

import { setTimeout as sleep } from 'node:timers/promises';

import { ATTEMPTS, Fleet, countRefreshes, forEach } from './fleet.mjs';
import { Load } from './load.mjs';
import { REFUSALS } from './reload.mjs';

const MEMBERS = 200;
const HOURS = 6;
const HOUR_S = 3600;
const AT_ONCE = 12;

// One in REVOKED members revokes consent in the bad time, and one in
// REVOKED_BEFORE members before it.
const REVOKED = 10;
const REVOKED_BEFORE = 100;

// The mean time between two requests of a member, and the life of a token.  In
// a short run both are shorter.
const EVERY_MS = 5000;
const LIFE_S = 20;
const LANES = 12;

// All members must get their final answer within this time after the bad time.
const WITHIN_S = 15 * 60;

const ALARM_MS = 60000;
const ALARM = /\[error\].* (refuses too many grants|fail one after the other)/g;

// At first the gateway cannot know that "invalid_grant" comes from a broken
// endpoint.  Until it logs a line of ALARM, members may wrongly get
// "grant_spent".
const DOUBT_MS = ALARM_MS;

const REVIVED = 8;

const ID_TOKENS = ['malformed', 'no_nonce', 'wrong_nonce', 'wrong_aud',
                   'wrong_iss', 'expired', 'not_yet', 'bad_signature',
                   'alg_none', 'alg_hs256', 'unknown_kid', 'no_kid',
                   'other_keys_kid', 'absent'];

const fault = (kind) => ({
  begin: ({ control }) => control.set({
    token_fault: { kind, grant_type: 'refresh_token' } }),
  isBad: ({ outcome }) => outcome === `fault ${kind}`,
});

// The kinds of wrong answers, in the order of the first round.
//   begin   sets the fault of the stand-in for Cigna
//   during  is called again and again until the next kind
//   isBad   tells whether a request in the stand-in's ledger got such an answer
const KINDS = {
  'invalid_grant': fault('invalid_grant'),
  'invalid_client': fault('invalid_client'),
  'html': fault('html'),
  'id_token': {
    begin: ({ control }) => control.set({ token_fault: 'none' }),
    during: ({ control }, random) =>
      control.set({ id_token: random.pick(ID_TOKENS) }),
    isBad: () => false,
  },
};

const clientOf = ({ tenant, username }) =>
  ({ client_id: `${tenant}-client`, member: username });

export const badday = {
  about: 'minutes of invalid_grant, invalid_client, pages and odd id_tokens, '
    + 'after good hours with clocks put forward',
  rounds: 2,
  seconds: 150,                // length of each kind of wrong answers
  members: MEMBERS,

  async run(t, { rounds, seconds, random, tally, hours = HOURS,
                 within = WITHIN_S, members = badday.members }) {
    const fleet = await Fleet.start(t, { members, clock: true,
                                         keepAlive: false });
    await fleet.connect();
    await fleet.control.reset({ modes: false });

    while (tally.rounds < rounds) {
      const order = Object.keys(KINDS);
      await round(fleet, { order: tally.rounds ? shuffled(order, random)
        : order, seconds, hours, within, random, tally });
      tally.rounds += 1;
    }
    await revival(fleet, { random, tally });
    await countRefreshes(fleet, tally);
    await countPresented(fleet, tally);
  },
};

function shuffled(list, random) {
  const rest = [...list];
  return list.map(() => rest.splice(random.between(0, rest.length), 1)[0]);
}

async function round(fleet, { order, seconds, hours, within, random,
                              tally }) {
  const { control, members } = fleet;
  const some = shuffled(members, random);
  const count = (one) => Math.ceil(members.length / one);
  const early = some.splice(0, count(REVOKED_BEFORE));
  const revoked = new Map(some.splice(0, count(REVOKED))
    .map((member) => [member, null]));

  await goodHours(fleet, { hours, early, random, tally });

  // from now on every member's token is always due for a refresh
  const life = Math.min(LIFE_S, Math.max(2, Math.floor(seconds / 4)));
  const every = Math.min(EVERY_MS, seconds * 200);
  await control.set({ expires_in: { raw: `${life}` } });
  await hour(fleet, { random, tally, members: [...some, ...revoked.keys()] });

  const load = new Load(fleet, {
    lanes: LANES, pause: 2 * every * LANES / members.length, random });
  const alarm = new Alarm(fleet);
  const phases = await badTime(fleet, { order, seconds, revoked, random });
  const ended = Date.now();
  const times = await settleAll(fleet, {
    served: some, told: [...early, ...revoked.keys()], within, random,
    tally });
  await load.stop();
  await alarm.stop();

  await judgeLoad(fleet, { load, phases, early, revoked, tally });
  alarm.judge(phases, tally);
  await judgeEnd(fleet, tally);
  note(tally, { order, seconds, load, phases, times, ended });

  // nginx's clock is ahead of Cigna's, so nginx would take a new id_token for
  // an expired one
  await control.set({ expires_in: 'number', id_token: 'absent' });
  await fleet.connect([...early, ...revoked.keys()]);
  await control.set({ id_token: 'good' });
}

// Puts the clocks an hour forward.  Every token expires, and every member must
// be served with a new one.
async function hour(fleet, { members, random, tally }) {
  fleet.forward(HOUR_S);
  fleet.clock.forwardTimers(HOUR_S);
  await forEach(members, AT_ONCE, async (member) => {
    const { what, text } = await fleet.settle(member,
                                              random.pick(fleet.nodes));
    if (what !== 'served') {
      tally.lost.push(`${member.key}, in a good hour: ${what}: ${text}`);
    }
  });
}

// Lets the good hours pass.  The members of `early` revoke consent before the
// last hour.  They must get "grant_spent" after one attempt to refresh.
async function goodHours(fleet, { hours, early, random, tally }) {
  const others = fleet.members.filter((member) => !early.includes(member));

  for (let i = 1; i < hours; i += 1) {
    await hour(fleet, { members: fleet.members, random, tally });
  }
  await forEach(early, 1, (member) => fleet.control.revoke(clientOf(member)));
  await hour(fleet, { members: others, random, tally });
  await forEach(early, 1, async (member) => {
    const { what, text } = await fleet.settle(member,
                                              random.pick(fleet.nodes));
    if (what !== 'grant_spent') {
      tally.wrong.push(`${member.key} has revoked consent in a good hour, and `
        + `is ${what}: ${text}`);
    }
  });
  const books = await fleet.ledger();
  for (const member of early) {
    const sent = books.get(member.key).at(-1).presented.length;
    if (sent !== 1) {
      tally.wrong.push(`${member.key} has revoked consent in a good hour, and `
        + `was told after ${sent} attempts`);
    }
  }
}

// Lets the token endpoint give each kind of wrong answers in `order`, one after
// the other.  Meanwhile the members in the Map `revoked` revoke consent, and
// the Map gets the time of each.  Returns [{ kind, at }]: when each kind began.
async function badTime(fleet, { order, seconds, revoked, random }) {
  const phases = [];
  const whole = order.length * seconds * 1000;
  const withdrawing = Promise.all([...revoked.keys()].map(async (member) => {
    await sleep(random.between(0, whole));
    revoked.set(member, Date.now());
    await fleet.control.revoke(clientOf(member));
  }));

  for (const kind of order) {
    const { begin, during } = KINDS[kind];
    const end = Date.now() + seconds * 1000;

    phases.push({ kind, at: Date.now() });
    await begin(fleet);
    while (Date.now() < end) {
      await during?.(fleet, random);
      await sleep(Math.min(seconds * 50, Math.max(0, end - Date.now())));
    }
    await fleet.control.set({ token_fault: 'none', id_token: 'good' });
  }
  await withdrawing;
  return phases;
}

// Waits until every node serves the members of `served` and answers
// "grant_spent" to those of `told`.  Returns { served, told }: when the last
// node first gave the last member that answer.
async function settleAll(fleet, { served, told, within, random, tally }) {
  const deadline = Date.now() + within * 1000;
  const times = { served: 0, told: 0 };
  let open = [...served.map((member) => [member, 'served']),
              ...told.map((member) => [member, 'grant_spent'])]
    .flatMap((one) => fleet.nodes.map((node) => [...one, node]));

  for (;;) {
    const left = [];
    await forEach(shuffled(open, random), AT_ONCE, async (one) => {
      const [member, wanted, node] = one;
      const { what } = await fleet.ask(member, node);
      if (what === wanted) {
        times[wanted === 'served' ? 'served' : 'told'] = Date.now();
      } else {
        left.push([...one.slice(0, 3), what]);
      }
    });
    open = left;
    if (!open.length || Date.now() > deadline) {
      break;
    }
    await sleep(500);
  }
  for (const [member, wanted, node, what] of open) {
    (wanted === 'served' ? tally.lost : tally.wrong).push(
      `${member.key} is ${what} at node ${fleet.nodes.indexOf(node)} instead `
      + `of ${wanted}`);
  }
  return times;
}

// Watches the nodes' error logs for lines of ALARM, and notes their times.
class Alarm {
  #going = true;
  #done;

  constructor(fleet) {
    this.seen = fleet.nodes.map(() => []);
    this.#done = this.#watch(fleet.nodes.map(({ nginx }) =>
      ({ nginx, from: nginx.errorLog().length })));
  }

  async #watch(logs) {
    while (this.#going) {
      logs.forEach((log, i) => {
        const text = log.nginx.errorLog();
        for (const [line] of text.slice(log.from).matchAll(ALARM)) {
          this.seen[i].push({ at: Date.now(), line });
        }
        log.from = text.lastIndexOf('\n') + 1;
      });
      await sleep(500);
    }
  }

  async stop() {
    this.#going = false;
    await this.#done;
  }

  // Every node must raise the alarm within ALARM_MS after the first bad answer.
  judge(phases, tally) {
    const { first } = phases.find(({ first }) => first) ?? {};

    this.seen.forEach((lines, i) => {
      const after = lines[0] && lines[0].at - first;
      if (!(after < ALARM_MS)) {
        tally.wrong.push(`node ${i} has not raised the alarm within a minute`);
      }
      tally.notes.push(`node ${i}: the alarm after ${after} ms, `
        + `${lines.length} lines: ` + lines.map(({ at }) =>
        Math.round((at - first) / 1000)).join(' '));
    });
  }
}

// "grant_spent" is right for members who have revoked consent.  Other members
// may get it for DOUBT_MS after the first "invalid_grant".  Every other 401 is
// a fault.
async function judgeLoad(fleet, { load, phases, early, revoked, tally }) {
  const sent = [...(await fleet.ledger()).values()].flat()
    .flatMap(({ presented }) => presented);
  for (const phase of phases) {
    const bad = sent.filter((one) => one.at >= phase.at
      && KINDS[phase.kind].isBad(one)).map(({ at }) => at);
    phase.first = bad.length ? Math.min(...bad) : null;
    phase.bad = bad.length;
  }

  const { first } = phases.find(({ kind }) => kind === 'invalid_grant');
  const isTrue = ({ member, at, ms }) => early.includes(member)
    || (revoked.get(member) ?? Infinity) <= at + ms;
  const hasty = new Set();
  const rest = [];

  for (const answer of load.answers) {
    if (answer.what === 'grant_spent' && isTrue(answer)) {
      continue;
    }
    if (answer.what === 'grant_spent' && answer.at + answer.ms > first
        && answer.at < first + DOUBT_MS) {
      hasty.add(answer.member);
    } else {
      rest.push(answer);
    }
  }
  load.judge(tally, { allowed: REFUSALS, answers: rest });
  tally.notes.push(`${hasty.size} members were told at first that they had `
    + 'revoked consent');
}

// On every node the status endpoint must agree with the member's FHIR answer.
async function judgeEnd(fleet, tally) {
  const pairs = fleet.members.flatMap((member) =>
    fleet.nodes.map((node) => [member, node]));

  await forEach(pairs, AT_ONCE, async ([member, node]) => {
    const { what } = await fleet.settle(member, node);
    const reply = await fleet.request(member, node, '/cigna/status');
    const { connected } = JSON.parse(reply.body);
    if (connected !== (what === 'served')) {
      tally.wrong.push(`${member.key} is ${what}, and status says `
        + `connected: ${connected}`);
    }
  });
}

function note(tally, { order, seconds, load, phases, times, ended }) {
  const after = (at) => Math.max(0, at - ended);
  const sum = {};

  phases.forEach(({ kind, at, bad }, i) => {
    const until = phases[i + 1]?.at ?? ended;
    const answers = load.answers.filter((one) =>
      one.at >= at && one.at < until);
    sum[kind] = { bad, ...load.counts(answers) };
  });
  sum.after = load.counts(load.answers.filter(({ at }) => at >= ended));
  tally.recovered(after(Math.max(times.served, times.told)));
  tally.notes.push(`${seconds} s each of ${order.join(', ')}`,
    ...Object.entries(sum).map(([name, counts]) =>
      `${name}: ${JSON.stringify(counts)}`),
    `after the bad time the last member was served in ${after(times.served)} `
    + `ms, the last one told in ${after(times.told)} ms`);
}

// Lets wrong answers end grants, and restores these grants with scripts/vault
// revive.
async function revival(fleet, { random, tally }) {
  const { control, redis } = fleet;
  const [node] = fleet.nodes;
  const tenant = 'acme';
  const members = shuffled(fleet.members.filter((one) =>
    one.tenant === tenant), random).slice(0, REVIVED);

  await hour(fleet, { members: fleet.members, random, tally });
  await fleet.reconfigure({ refused_share: '100%' });
  const [seconds] = await redis.command('TIME');
  const since = new Date(seconds * 1000).toISOString();

  fleet.forward(HOUR_S);
  await control.set({ token_fault: { kind: 'invalid_grant',
                                     grant_type: 'refresh_token' } });
  await expectAll(fleet, members, 'grant_spent', { random, tally });
  await control.set({ token_fault: 'none' });

  const { code, out } = await node.vault('revive', '--tenant', tenant,
                                         '--since', since);
  if (code || !out.includes(`${members.length} grants revived\n`)) {
    tally.wrong.push(`scripts/vault revive: ${code}: ${out}`);
  }
  await expectAll(fleet, members, 'served', { random, tally });
  tally.notes.push(`scripts/vault: ${out.split('\n')[0]}`);
}

async function expectAll(fleet, members, wanted, { random, tally }) {
  await forEach(members, AT_ONCE, async (member) => {
    const { what, text } = await fleet.settle(member,
                                              random.pick(fleet.nodes));
    if (what !== wanted) {
      tally.wrong.push(`${member.key} is ${what} instead of ${wanted}, where `
        + `grants are ended and revived: ${text}`);
    }
  });
}

// Notes how many refresh tokens were sent once, twice and so on.
async function countPresented(fleet, tally) {
  const counts = {};

  for (const { presented } of [...(await fleet.ledger()).values()].flat()) {
    counts[presented.length] = (counts[presented.length] ?? 0) + 1;
  }
  tally.notes.push(`refresh tokens by how often they were sent (at most `
    + `${ATTEMPTS}): ${JSON.stringify(counts)}`);
}
