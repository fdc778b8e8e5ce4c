// The scenarios of scripts/faults in a short form: what becomes of grants when
// things break, by what the stand-in for Cigna has seen of every refresh token.
//
//   CIGNA_FAULTS_SEED  what is done; printed, else chosen

import { test } from 'node:test';

import { runScenario } from '../../scripts/lib/faults/run.mjs';
import { assertNone } from '../lib/scratch.mjs';

const { CIGNA_FAULTS_SEED: SEED } = process.env;

async function run(t, name, scenario, options) {
  const { problems, skipped } = await runScenario(t, scenario, {
    ...options, ...(SEED && { seed: Number(SEED) }) });
  assertNone(name, problems);
  if (skipped) {
    t.skip(skipped);
  }
}

function faults(name, scenario, options) {
  test(name, (t) => run(t, name, scenario, options));
}

faults('workers that are killed during refreshes lose no grant but those '
  + 'whose reply nobody could read', 'kill', { rounds: 8 });

faults('a token exchange that is cut at any byte costs no grant whose refresh '
  + 'token was not spent', 'cut', { rounds: 40 });

faults('grants that expire together on two hosts are refreshed once each',
       'expiry', { rounds: 1, members: 80 });

faults('reloads during refreshes lose no grant, cut no request, and leave no '
  + 'worker', 'reload', { seconds: 4 });

faults('a binary upgrade during refreshes loses no grant and cuts no request',
       'upgrade', { rounds: 2 });

faults('two versions on one vault, upgraded and back, lose no grant and cut no '
  + 'request', 'mixed', { rounds: 1 });

faults('a refresh that outlives its grant leaves the new one alone, and its '
  + 'tokens are revoked', 'reconnect', { rounds: 1 });

faults('a new sealing key under load costs no request, and nothing is left '
  + 'under the old one', 'rotate', { rounds: 1 });

faults('minutes of wrong answers after hours of good ones cost no grant, and '
  + 'who has withdrawn is told', 'badday', {
  rounds: 1, seconds: 4, hours: 3, within: 120, members: 40,
});

// These wait more than they do, so they do it together.
const TOGETHER = [
  ['with Redis stopped what is cached serves, the rest is an outage, and '
    + 'nobody is called unconnected', 'outage', { seconds: 3 }],
  ['a Sentinel failover that loses acknowledged writes loses no grant, and '
    + 'calls nobody unconnected', 'sentinel', { rounds: 1 }],
  ['a cluster\'s primary that dies with acknowledged writes loses no grant, '
    + 'and calls nobody unconnected', 'cluster', { rounds: 1 }],
  ['slots of a cluster that move cost no request', 'reshard', { rounds: 1 }],
];

test('Redis fails', { concurrency: TOGETHER.length }, (t) =>
  Promise.all(TOGETHER.map(([name, ...rest]) =>
    t.test(name, (own) => run(own, name, ...rest)))));
