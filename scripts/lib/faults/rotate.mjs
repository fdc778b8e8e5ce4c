// A scenario of scripts/faults: the sealing key is rotated under load.  The new
// key is added on every node and then put first.  Then all records are sealed
// with the new key, and the old key is removed.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { forgetDances } from '../../../t/lib/dance.mjs';
import { TOP } from '../../../t/lib/scratch.mjs';
import { Fleet, playRounds } from './fleet.mjs';
import { Load } from './load.mjs';
import { RESTLESS, assertUsable } from './reload.mjs';

const MEMBERS = 60;

// The number of members who send requests all the time.  Only scripts/vault
// reseals the records of the others.
const ASKING = 30;

export const rotate = {
  about: 'the sealing key is rotated under load',
  rounds: 2,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: MEMBERS, keepAlive: false, gateway: RESTLESS,
    });
    await playRounds(fleet, { rounds, tally }, () =>
      round(fleet, { random, tally }));
  },
};

async function round(fleet, { random, tally }) {
  const load = new Load(fleet, { members: fleet.members.slice(0, ASKING),
                                 lanes: 12, random });
  const began = Date.now();
  const [name, ...olds] = linesOf(fleet.nodes[0]);
  const fresh = newKey();

  // scripts/vault does not reseal dances: they are needed for half an hour only
  await forgetDances(fleet.nodes[0]);
  await everywhere(fleet, [name, ...olds, fresh]);
  await everywhere(fleet, [name, fresh, ...olds]);
  await sleep(1000);
  await tool(fleet, tally, 'reseal');
  const { out } = await tool(fleet, tally, 'status');
  await tool(fleet, tally, 'verify');
  await everywhere(fleet, [name, fresh]);
  await load.stop();
  load.judge(tally);
  tally.recovered(Date.now() - began);
  judgeStatus(out, tally);

  // after a restart a node knows only the records in Redis
  for (const { nginx } of fleet.nodes) {
    await nginx.stop();
    await nginx.start();
  }
  await assertUsable(fleet, { random, tally });
}

// "scripts/vault status" must show no grant and no marker under the old key.
function judgeStatus(text, tally) {
  const keys = text.split('\n').filter((line) => /^key /.test(line));
  const left = keys.filter((line) => / opens /.test(line)
    && / [1-9]\d* (?:grants|markers)/.test(line));

  if (keys.length < 2 || left.length) {
    tally.wrong.push(`records on the old key: ${text}`);
  }
  tally.notes.push(...keys);
}

function linesOf(node) {
  return readFileSync(node.file('keys'), 'utf8').split('\n')
    .filter((line) => /^(name|seal) /.test(line));
}

function newKey() {
  return execFileSync(`${TOP}/scripts/keygen`, { encoding: 'utf8' })
    .split('\n').find((line) => line.startsWith('seal '));
}

// Writes the key ring on one node after the other, as operators do.
async function everywhere(fleet, lines) {
  for (const node of fleet.nodes) {
    writeFileSync(node.file('keys'), `${lines.join('\n')}\n`);
    await node.reload();
    await sleep(500);
  }
}

async function tool({ nodes }, tally, command) {
  const result = await nodes[0].vault(command);
  if (result.code) {
    tally.wrong.push(`scripts/vault ${command}: ${result.err}`);
  }
  return result;
}
