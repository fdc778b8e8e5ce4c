// A scenario of scripts/faults: the token endpoint accepts the requests of
// thousands of grants and does not answer.  The scenario measures the cost, and
// the service that other members get meanwhile.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

import { HttpClient } from '../../../t/lib/client.mjs';
import { connectionsTo } from '../../../t/lib/process.mjs';
import { TOP, until } from '../../../t/lib/scratch.mjs';
import { Fleet, forEach } from './fleet.mjs';
import { Load } from './load.mjs';

const SEED = `${TOP}/scripts/lib/faults/seed.py`;

const GRANTS = 10000;
const GOOD = 20;                    // members with long-lived tokens
const AT_ONCE = 500;
const BATCH = 500;
const CONNECTIONS = 4096;

// A worker may have this many open exchanges for refreshes: seven eighths of a
// quarter of its connections.
const OPEN_MAX = CONNECTIONS / 4 / 8 * 7;

// A request with a good token does not wait for exchanges, so it must be served
// within this time, even on a busy machine.
const SERVED_MS = 2000;

const NAME = 'seeded';

export const hang = {
  about: `token exchanges of ${GRANTS} grants hang`,
  rounds: 1,
  seconds: 60,                      // exchange_timeout
  members: GRANTS,

  async run(t, { rounds, seconds, random, tally, members = hang.members }) {
    const fleet = await Fleet.start(t, {
      nodes: 1, members: GOOD,
      gateway: {
        nginx: { connections: CONNECTIONS },
        tenant: { connect_timeout: '5s', timeout: '2s',
                  exchange_timeout: `${seconds}s`, token_requests: 10000 },
        sandboxOptions: { modes: { id_token: 'absent' } },
      },
    });
    await fleet.connect();
    while (tally.rounds < rounds) {
      await seed(fleet, members);
      await round(fleet, { members, seconds, random, tally });
      tally.rounds += 1;
    }
    tally.tokenRequests = (await fleet.control.see()).token.requests;
  },
};

async function seed({ nodes: [node], info, redis }, count) {
  const text = execFileSync(SEED, [
    node.file('keys'), 'cigna', 'acme', info.issuer, 'acme-client',
    info.fhirBase, NAME, count], { maxBuffer: 64 * 1024 * 1024 });
  const grants = text.toString().trimEnd().split('\n')
    .map((line) => JSON.parse(line));

  await forEach(grants, BATCH, ([key, id, blob]) =>
    redis.command('HSET', key, 'i', id, 'g', '1',
                  'b', Buffer.from(blob, 'hex').toString('latin1')));
}

// Returns { fds, mb } of each worker: open file descriptors, and memory in MB.
const takenBy = ({ nginx }) => nginx.workerPids().map((pid) => ({
  fds: readdirSync(`/proc/${pid}/fd`).length,
  mb: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(
    readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024),
}));

// Counts the workers' open connections to the token endpoint.
const exchanges = ({ nodes: [{ nginx }], info }) =>
  nginx.workerPids().reduce((sum, pid) =>
    sum + connectionsTo(pid, Number(new URL(info.token).port)), 0);

const say = (taken) =>
  taken.map(({ fds, mb }) => `${fds} descriptors, ${mb} MB`).join('; ');

async function round(fleet, { members, seconds, random, tally }) {
  const { control, nodes: [node] } = fleet;
  const before = takenBy(node);

  await control.set({ token_delay_ms: 2 * seconds * 1000 });
  const load = new Load(fleet, { lanes: 8, random });
  const asked = await askAll(fleet, members);
  const { token: { requests } } = await control.see();
  const open = exchanges(fleet);
  const during = takenBy(node);
  const { length } = load.answers;

  await until('every exchange has been given up', () => exchanges(fleet) === 0,
              { timeout: 2 * seconds * 1000, every: 500 });
  await load.stop();
  judge(load, { asked, open, workers: during.length, members, tally });
  const after = takenBy(node);

  tally.notes.push(
    `${members} grants: ${JSON.stringify(asked.counts)} in ${asked.ms} ms, `
      + `${open} exchanges open, ${requests} sent`,
    `workers before: ${say(before)}`, `meanwhile: ${say(during)}`,
    `afterwards: ${say(after)}`,
    `good tokens: ${length} requests while exchanges hung, `
      + `${load.answers.length} in all; ${percentiles(load.answers)}`);

  // descriptors that are still open now have leaked
  after.forEach(({ fds }, i) => {
    if (fds > before[i].fds + 64) {
      tally.wrong.push(`a worker keeps ${fds} descriptors`);
    }
  });
}

// Sends one request for each seeded grant.  Returns { counts, ms }, with counts
// { condition or status: number }.
async function askAll(fleet, count) {
  const { nodes: [node] } = fleet;
  const client = new HttpClient({ ca: node.caText, jar: null,
                                  maxSockets: AT_ONCE });
  const counts = {};
  const began = Date.now();

  await forEach(Array.from({ length: count }, (_, i) => `${NAME}-${i + 1}`),
                AT_ONCE, async (name) => {
    const { status, body } = await client.request(
      node.url('acme', '/fhir/Coverage'),
      { headers: { Cookie: `session=${name}` } });
    const what = /"(refresh_\w+|\w+_unreachable)"/.exec(body)?.[1]
      ?? String(status);
    counts[what] = (counts[what] ?? 0) + 1;
  });
  client.close();
  return { counts, ms: Date.now() - began };
}

function percentiles(answers) {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share) => times[Math.floor((times.length - 1) * share)];
  return `half within ${at(0.5)} ms, 99% within ${at(0.99)} ms, `
    + `all within ${at(1)} ms`;
}

function judge(load, { asked, open, workers, members, tally }) {
  load.judge(tally);
  const late = load.answers.filter(({ ms }) => ms > SERVED_MS).length;
  if (late > load.answers.length / 100) {
    tally.wrong.push(`${late} requests with good tokens waited for over `
      + `${SERVED_MS} ms`);
  }
  if (open > workers * OPEN_MAX) {
    tally.wrong.push(`${workers} workers have ${open} open exchanges`);
  }
  const { refresh_late: waited = 0, refresh_paused: sent = 0 } = asked.counts;
  if (waited + sent !== members || waited === 0) {
    tally.wrong.push(`answers: ${JSON.stringify(asked.counts)}`);
  }
}
