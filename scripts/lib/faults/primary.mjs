// The scenarios sentinel, cluster and reshard of scripts/faults.  Primaries die
// with writes that they had confirmed and that no replica had received, while
// the gateway refreshes grants all the time.  In reshard no primary dies, but
// slots of a cluster move.

import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../../../t/lib/cluster.mjs';
import { until } from '../../../t/lib/scratch.mjs';
import { startSentinel } from '../../../t/lib/sentinel.mjs';
import { Fleet, countRefreshes } from './fleet.mjs';
import { Load } from './load.mjs';
import { REFUSALS, RESTLESS, assertUsable } from './reload.mjs';

const RESTLESS_MEMBERS = 30;        // members with short-lived tokens
const LASTING_MEMBERS = 10;         // members with cached, long-lived tokens
const RECOVERY_MS = 60000;
const HELD = 'globex-client';       // its exchanges stay open, see hold()

// Starts the nodes and connects all members.
//   open  how many seconds one tenant's exchanges stay open, see hold()
async function start(t, redis, open) {
  const fleet = await Fleet.start(t, {
    members: RESTLESS_MEMBERS + LASTING_MEMBERS,
    gateway: {
      ...RESTLESS, redis,
      tenant: { ...RESTLESS.tenant, connect_timeout: '500ms', timeout: '1s',
                exchange_timeout: `${open + 1}s` },
      vault: { revalidate: '1s' },
    },
  });
  fleet.open = open;
  fleet.restless = fleet.members.slice(0, RESTLESS_MEMBERS);
  fleet.lasting = fleet.members.slice(RESTLESS_MEMBERS);
  await fleet.connect(fleet.restless);
  await fleet.control.set({ expires_in: 'number' });
  await fleet.connect(fleet.lasting);
  await fleet.control.set(RESTLESS.sandboxOptions.modes);
  await everywhere(fleet, fleet.lasting, ({ what }) => what === 'served');
  await fleet.control.reset({ modes: false });
  return fleet;
}

// Waits until every node gives each of these members an answer for which
// isSuch() is true.
function everywhere(fleet, members, isSuch) {
  return until('all get their answers', async () =>
    (await Promise.all(members.flatMap((member) =>
      fleet.nodes.map((node) => fleet.ask(member, node))))).every(isSuch),
               { timeout: RECOVERY_MS + 2000 * fleet.open });
}

// While action() runs, the token endpoint takes fleet.open seconds to answer
// one tenant.  So exchanges are open while Redis fails.  They stay open after
// action().
async function hold(fleet, action) {
  if (!fleet.open) {
    return action();
  }
  const usual = RESTLESS.sandboxOptions.modes.token_delay_ms;
  await fleet.control.set({ token_delay_ms: 1000 * fleet.open }, HELD);
  try {
    return await action();
  } finally {
    await fleet.control.set({ token_delay_ms: usual }, HELD);
  }
}

// Detaches the primary from its replicas and then kills it.  Its writes in
// between are lost.
async function lose(fleet, { group, primary, succeeded, random, tally }) {
  const load = new Load(fleet, { members: fleet.restless, lanes: 12, random });
  const cached = new Load(fleet, { members: fleet.lasting, lanes: 4, random });

  await sleep(1500);
  const { lost, at, replaced } = await hold(fleet, async () => {
    await sleep(1500);
    const replicas = await group.detach(primary);
    const before = await refreshes(fleet);
    await sleep(random.between(300, 1200));
    const count = await refreshes(fleet) - before;
    await group.loseDetached(primary, replicas);
    const began = Date.now();
    const done = succeeded().then(() => Date.now() - began);
    return { lost: count, at: began, replaced: await done };
  });

  await everywhere(fleet, fleet.restless, ({ status }) =>
    status === 200 || status === 401);
  tally.recovered(Date.now() - at);
  await sleep(1000);
  await Promise.all([load.stop(), cached.stop()]);

  load.judge(tally, { allowed: REFUSALS });
  cached.judge(tally);
  await assertUsable(fleet, { random, tally });
  tally.notes.push(`another primary after ${replaced} ms; ${lost} refreshed `
    + 'grants were lost with the old primary; '
    + `meanwhile: ${JSON.stringify(load.counts())}, with cached tokens: `
    + JSON.stringify(cached.counts()));
  tally.rounds += 1;
}

async function refreshes(fleet) {
  const { token } = await fleet.control.see({ recent: 0 });
  return token.by.refresh_token?.ok ?? 0;
}

// Makes a scenario in which primaries die.
//   startGroup  starts the Redis servers
//   next        async (group) -> { primary, succeeded }: the primary that dies
//               next, and a function that waits for its successor
const failovers = (about, startGroup, next) => ({
  about,
  rounds: 3,

  async run(t, { rounds, open = 0, random, tally }) {
    const group = await startGroup(t);
    const fleet = await start(t, group, open);

    while (tally.rounds < rounds) {
      const { primary, succeeded } = await next(group);

      await lose(fleet, { group, primary, succeeded, random, tally });
      await primary.start();
      await group.complete();
    }
    await countRefreshes(fleet, tally);
  },
});

export const sentinel = failovers(
  'Sentinel failovers lose the primary\'s last writes',
  startSentinel, async (group) => {
    const primary = await group.primary();
    return { primary, succeeded: () => group.switched(primary) };
  });

// Returns the primary with the most grants.
async function busiest(group) {
  const counted = await Promise.all((await group.primaries())
    .map(async (node) => ({
      node, grants: (await node.command('KEYS', '*:g:*')).length })));
  return counted.reduce((a, b) => (b.grants > a.grants ? b : a)).node;
}

export const cluster = failovers(
  'primaries of a cluster die with their last writes',
  startCluster, async (group) => {
    const primary = await busiest(group);
    const [replica] = await group.replicasOf(primary);
    return { primary, succeeded: () => group.promoted(replica) };
  });

export const reshard = {
  about: 'slots of a cluster move while grants are refreshed',
  rounds: 3,

  async run(t, { rounds, open = 0, random, tally }) {
    const group = await startCluster(t);
    const fleet = await start(t, group, open);
    const load = new Load(fleet, { lanes: 12, random });

    while (tally.rounds < rounds) {
      await hold(fleet, async () => {
        await sleep(1500);
        await move(group, random);
      });
      await everywhere(fleet, fleet.members, ({ status }) => status === 200);
      tally.rounds += 1;
    }
    await load.stop();
    load.judge(tally, { allowed: open ? REFUSALS : [] });
    await assertUsable(fleet, { random, tally });
    await countRefreshes(fleet, tally);
    tally.notes.push(`${load.answers.length} requests`);
  },
};

// Moves those slots of a primary that hold grants to another primary.
async function move(group, random) {
  const primaries = await group.primaries();
  const from = random.pick(primaries);
  const to = random.pick(primaries.filter((one) => one !== from));
  const keys = await from.command('KEYS', '*:g:*');
  const slots = new Set(await Promise.all(keys.map((key) =>
    group.slotOf(key))));

  await group.reshard([...slots], from, to, () =>
    sleep(random.between(20, 150)));
  await group.complete();
}
