// Primaries that die with writes which they had confirmed and no replica had
// seen, while grants are refreshed all the time; slots that move meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../../../t/lib/cluster.mjs';
import { until } from '../../../t/lib/scratch.mjs';
import { startSentinel } from '../../../t/lib/sentinel.mjs';
import { Fleet, countRefreshes } from './fleet.mjs';
import { Load } from './load.mjs';
import { RESTLESS, assertUsable } from './reload.mjs';

const MEMBERS = 30;
const RECOVERY_MS = 30000;

// What may be said while there is no primary, and while nobody knows what it
// had seen.
const REFUSALS = ['vault_unreachable', 'refresh_late', 'refresh_failed'];

async function start(t, redis) {
  const fleet = await Fleet.start(t, {
    members: MEMBERS,
    gateway: {
      ...RESTLESS, redis,
      // short, as the quiet time after a change is the longest exchange
      tenant: { ...RESTLESS.tenant, connect_timeout: '500ms', timeout: '1s' },
      vault: { revalidate: '1s' },
    },
  });
  await fleet.connect();
  await fleet.control.reset({ modes: false });
  return fleet;
}

// kill: lets a primary die, and says when.
async function lose(fleet, { random, tally, kill }) {
  const load = new Load(fleet, { lanes: 12, random });

  await sleep(2000);
  const at = await kill();
  await until('everybody is served again', async () =>
    (await Promise.all(fleet.members.flatMap((member) =>
      fleet.nodes.map((node) => fleet.ask(member, node)))))
      .every(({ status }) => status === 200 || status === 401),
              { timeout: RECOVERY_MS });
  tally.recovered(Date.now() - at);
  await sleep(1000);
  await load.stop();

  load.judge(tally, { allowed: REFUSALS });
  await assertUsable(fleet, { random, tally });
  tally.notes.push(JSON.stringify(load.counts()));
  tally.rounds += 1;
}

// What it writes from now on is lost with it.
async function killDetached(group, primary, random) {
  const replicas = await group.detach(primary);

  await sleep(random.between(200, 1200));
  await group.loseDetached(primary, replicas);
  return Date.now();
}

export const sentinel = {
  about: 'Sentinel failovers that lose the primary\'s last writes',
  rounds: 3,

  async run(t, { rounds, random, tally }) {
    const group = await startSentinel(t);
    const fleet = await start(t, group);

    while (tally.rounds < rounds) {
      const primary = await group.primary();

      await lose(fleet, { random, tally, kill: () =>
        killDetached(group, primary, random) });
      await group.switched(primary);
      await primary.start();
      await group.complete();
    }
    await countRefreshes(fleet, tally);
  },
};

export const cluster = {
  about: 'primaries of a cluster that die with their last writes',
  rounds: 3,

  async run(t, { rounds, random, tally }) {
    const group = await startCluster(t);
    const fleet = await start(t, group);

    while (tally.rounds < rounds) {
      const primary = random.pick(await group.primaries());
      const [replica] = await group.replicasOf(primary);

      await lose(fleet, { random, tally, kill: () =>
        killDetached(group, primary, random) });
      await group.promoted(replica);
      await primary.start();
      await group.complete();
    }
    await countRefreshes(fleet, tally);
  },
};

export const reshard = {
  about: 'slots of a cluster that move, while grants are refreshed',
  rounds: 3,

  async run(t, { rounds, random, tally }) {
    const group = await startCluster(t);
    const fleet = await start(t, group);
    const load = new Load(fleet, { lanes: 12, random });

    while (tally.rounds < rounds) {
      await move(group, random);
      tally.rounds += 1;
    }
    await load.stop();
    load.judge(tally);
    await assertUsable(fleet, { random, tally });
    await countRefreshes(fleet, tally);
    tally.notes.push(`${load.answers.length} requests`);
  },
};

// The slots of a primary that hold grants go to another one.
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
