// The scenarios of scripts/faults, shortened.  They break parts of a fleet.
// The sandbox's ledger of refresh tokens then shows whether a grant was lost.
//
//   CIGNA_FAULTS_SEED  seed of the choices; printed, random if absent

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

faults('workers killed during refreshes lose only grants whose token reply no '
  + 'worker has read', 'kill', { rounds: 8 });

faults('a token exchange cut at any byte loses no grant whose refresh token is '
  + 'unspent', 'cut', { rounds: 40 });

faults('grants that expire together on two hosts are refreshed once each',
       'expiry', { rounds: 1, members: 80 });

faults('reloads during refreshes lose no grant, cut no request, and leave no '
  + 'old worker behind', 'reload', { seconds: 4 });

faults('a binary upgrade during refreshes loses no grant and cuts no request',
       'upgrade', { rounds: 2 });

faults('an upgrade and a downgrade on one vault lose no grant and cut no '
  + 'request', 'mixed', { rounds: 1 });

faults('a refresh that outlives its grant does not touch the new grant, and '
  + 'its tokens are revoked', 'reconnect', { rounds: 1 });

faults('a new sealing key under load costs no request, and no record stays '
  + 'under the old key', 'rotate', { rounds: 1 });

faults('minutes of wrong refusals cost no grant, and members who have '
  + 'withdrawn their consent are told', 'badday', {
  rounds: 1, seconds: 4, hours: 3, within: 120, members: 40,
});

// These scenarios mostly wait, so they run at the same time.
const TOGETHER = [
  ['cached tokens serve while Redis is stopped, and no caller gets '
    + 'not_connected', 'outage', { seconds: 3 }],
  ['a Sentinel failover that loses acknowledged writes loses no grant, and no '
    + 'caller gets not_connected', 'sentinel', { rounds: 1 }],
  ['a cluster primary that dies with acknowledged writes loses no grant, and '
    + 'no caller gets not_connected', 'cluster', { rounds: 1 }],
  ['moving the slots of a cluster costs no request', 'reshard', { rounds: 1 }],
];

test('Redis fails', { concurrency: TOGETHER.length }, (t) =>
  Promise.all(TOGETHER.map(([name, ...rest]) =>
    t.test(name, (own) => run(own, name, ...rest)))));
