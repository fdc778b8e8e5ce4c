// A scenario of scripts/faults: a rolling upgrade from the former version and
// back, under load.  Two hosts share one vault, and one runs the former version
// while the other runs this one.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { MODULE } from '../../../t/lib/nginx.mjs';
import { TOP } from '../../../t/lib/scratch.mjs';
import { Fleet, forEach, playRounds } from './fleet.mjs';
import { Load } from './load.mjs';
import { RESTLESS, assertUsable } from './reload.mjs';
import { ENVIRONMENT } from './upgrade.mjs';

const FORMER = '0.4.0';
const NO_HISTORY = 3;

const MEMBERS = 24;
const MOVERS = 8;                // members who connect and disconnect

// The same nginx loads both versions of the module.
const BINARY = '/usr/sbin/nginx';

// The former version does not have this counter.
const OURS = 'cigna_gate_refused_total';

const FORGOTTEN_MS = 5000;

// How long an access token lives with RESTLESS (reload.mjs), and how long the
// mark of an exchange without a reply delays the next attempt.
const TOKEN_LIFE_MS = 3000;
const MARK_MS = 10000;
const LOST_PER_ROUND = 2;

export const mixed = {
  about: `${FORMER} and this version share a vault, upgrade and downgrade`,
  rounds: 2,

  async run(t, { rounds, random, tally }) {
    const former = await formerVersion();
    if (former.missing) {
      tally.skipped = former.missing;
      return;
    }
    await loadExamples(former, tally);

    const fleet = await Fleet.start(t, {
      members: MEMBERS, keepAlive: false, homes: true,
      gateway: { ...RESTLESS, nginx: {
        daemon: true, main: ENVIRONMENT, binary: BINARY,
        module: former.module } },
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, former, { random, tally }));
    if (tally.secondAttempts !== LOST_PER_ROUND * rounds) {
      tally.wrong.push(`${tally.secondAttempts} refresh tokens were sent `
        + `twice, ${LOST_PER_ROUND * rounds} had been lost`);
    }
  },
};

function run(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: TOP, maxBuffer: 64 * 1024 * 1024 },
             (error, out, err) =>
               resolve({ code: error?.code ?? 0, out, err }));
  });
}

// Builds the former version.  Returns { directory, module }, or { missing }
// with the reason if git's history does not have it.
async function formerVersion() {
  const { code, out, err } = await run('scripts/build', ['old', FORMER]);
  if (code === NO_HISTORY) {
    return { missing: err.trim() };
  }
  if (code) {
    throw new Error(`${FORMER} cannot be built: ${err}`);
  }
  const directory = out.trim();
  return { directory,
           module: path.join(directory, '.build/dynamic/ngx_cigna_module.so') };
}

// The former version's examples must load in this version unchanged.
async function loadExamples({ directory }, tally) {
  const { code, out, err } = await run('bash', ['-c',
    '. scripts/lib/common.sh; . scripts/lib/check-conf.sh; '
    + 'check_examples "$1"', 'examples', `${directory}/conf`]);
  if (code) {
    tally.wrong.push(`examples of ${FORMER}: ${out}${err}`);
  }
}

// Upgrades one host after the other, and then downgrades one after the other.
async function round(fleet, former, { random, tally }) {
  const [one, two] = fleet.nodes;
  let requests = 0;

  const step = async (node, module) => {
    const load = new Load(fleet, { members: fleet.members.slice(MOVERS),
                                   lanes: 8, random });
    await under(fleet, node, module, { random, tally });
    requests += (await load.stop()).length;
    load.judge(tally);
  };

  await step(two, MODULE);
  await loseExchanges(fleet, tally);
  await step(one, MODULE);
  await step(one, former.module);
  await step(two, former.module);

  await assertUsable(fleet, { random, tally });
  countCrossings(fleet, tally);
  tally.notes.push(`${requests} requests`);
}

// Lets a host load the given file of the module, while members connect and
// disconnect.
async function under(fleet, node, module, { random, tally }) {
  const movers = fleet.members.slice(0, MOVERS);
  const began = Date.now();

  await Promise.all([
    roll(node, module, tally),
    move(fleet, movers, { random, tally }),
  ]);
  tally.recovered(Date.now() - began);
  await move(fleet, movers, { random, tally });
  await lookIntoVault(fleet, tally);
  await sleep(1000);
}

// Upgrades nginx on one host.  Only the line load_module of its configuration
// changes.
async function roll(node, module, tally) {
  node.nginx.configure({ module });
  await node.nginx.upgrade();
  node.dropIdle();

  const { body } = await node.visitor().get('/cigna/counters');
  if (body.includes(OURS) !== (module === MODULE)) {
    tally.wrong.push('a host does not run the version that it should');
  }
}

// Members disconnect and connect at either host.  Both hosts must notice.
function move(fleet, movers, { random, tally }) {
  return forEach(movers, MOVERS, async (member) => {
    await fleet.disconnect(member, random.pick(fleet.nodes), tally);
    for (const node of fleet.nodes) {
      await forgotten(fleet, member, node, tally);
    }

    await fleet.dance(member, random.pick(fleet.nodes));
    for (const node of fleet.nodes) {
      const { what, text } = await fleet.ask(member, node);
      if (what !== 'served') {
        tally.lost.push(`${member.key} has connected and gets ${what}: `
          + text);
      }
    }
  });
}

async function forgotten(fleet, member, node, tally) {
  const deadline = Date.now() + FORGOTTEN_MS;

  for (;;) {
    const { what, text } = await fleet.ask(member, node);
    if (what === 'not_connected') {
      return;
    }
    if (what !== 'served' || Date.now() > deadline) {
      tally.wrong.push(`${member.key} has left and gets ${what}: ${text}`);
      return;
    }
    await sleep(20);
  }
}

// If the outcome of an exchange is unknown, either version leaves a mark in the
// record.  The other version must obey the mark: it sends the refresh token
// once more, but not at once.
async function loseExchanges(fleet, tally) {
  const [one, two] = fleet.nodes;
  const [first, second] = fleet.members.slice(-LOST_PER_ROUND);
  const lost = [[first, one, two], [second, two, one]];

  await Promise.all(lost.map(([member, from]) => fleet.settle(member, from)));
  await sleep(TOKEN_LIFE_MS);
  await fleet.control.set({ token_fault: 'cut-before' });
  for (const [member, from] of lost) {
    const { what, text } = await fleet.ask(member, from);
    if (what !== 'refresh_failed') {
      tally.wrong.push(`${member.key} has lost an exchange and gets ${what}: `
        + text);
    }
  }
  await fleet.control.set({ token_fault: 'none' });

  await Promise.all(lost.map(async ([member, , to]) => {
    const { what, text } = await fleet.settle(member, to);
    const [again] = (await fleet.ledger()).get(member.key)
      .filter(({ presented }) => presented.length > 1).slice(-1);
    const [before, after] = again?.presented ?? [];

    if (what !== 'served') {
      tally.lost.push(`${member.key} ends as ${what}: ${text}`);
    } else if (!after || after.at - before.at < MARK_MS - 1000) {
      tally.wrong.push(`${member.key}: a mark was not obeyed: `
        + JSON.stringify(again));
    }
  }));
}

// This version's tool must be able to read the vault at any time.
async function lookIntoVault({ nodes: [node] }, tally) {
  for (const command of ['status', 'verify', 'list']) {
    const { code, out, err } = await node.vault(
      command, ...(command === 'list' ? ['--tenant', 'acme'] : []));
    if (code) {
      tally.wrong.push(`scripts/vault ${command} ends with ${code}: `
        + `${out}${err}`);
    }
  }
}

// Counts dances that began at one host and ended at the other.
function countCrossings({ nodes }, tally) {
  const logs = nodes.map(({ nginx }) => nginx.errorLog());
  const ids = (log, what) => [...log.matchAll(
    new RegExp(`dance ${what}, .*dance: ([\\w-]+)`, 'g'))].map(([, id]) => id);
  const [one, two] = logs.map((log) => new Set(ids(log, 'started')));
  const crossed = [
    ids(logs[0], 'ended').filter((id) => two.has(id)).length,
    ids(logs[1], 'ended').filter((id) => one.has(id)).length,
  ];

  if (!crossed.every(Boolean)) {
    tally.wrong.push('no dance ended at another host than it began at');
  }
  tally.notes.push(`${crossed[0] + crossed[1]} dances from host to host`);
}
