// A scenario of scripts/faults: Redis is frozen or stopped, under load.  Redis
// confirms a write only when the write is on the disk.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../../t/lib/scratch.mjs';
import { Fleet, countRefreshes } from './fleet.mjs';
import { Load } from './load.mjs';
import { REFUSALS } from './reload.mjs';

const CACHED = 20;             // members whose tokens are in every node's cache
const UNCACHED = 20;           // members whose tokens are in no cache
const SHORT = 10;              // members with short-lived tokens

const SHORT_LIFE = '3';

const WAYS = {
  'is frozen': {
    begin: (redis) => redis.freeze(),
    end: (redis) => redis.thaw(),
  },
  'is stopped': {
    begin: (redis) => redis.stop(),
    end: (redis) => redis.start(),
  },
};

export const outage = {
  about: 'Redis is frozen or stopped for a while, under load',
  rounds: 2,
  seconds: 10,

  async run(t, { rounds, seconds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: CACHED + UNCACHED + SHORT,
      gateway: {
        // short, so that callers do not wait long while Redis is away
        tenant: { refresh_ahead: '1s', connect_timeout: '500ms',
                  timeout: '1s', exchange_timeout: '1s' },
        vault: { revalidate: '1s', timeout: '500ms',
                 connect_timeout: '300ms' },
        redisOptions: { config: { appendonly: 'yes', appendfsync: 'always' } },
      },
    });
    const lasting = CACHED + UNCACHED;
    await fleet.connect(fleet.members.slice(0, lasting));
    await fleet.control.set({ expires_in: { raw: SHORT_LIFE } });
    await fleet.connect(fleet.members.slice(lasting));
    await fleet.control.reset({ modes: false });

    while (tally.rounds < rounds) {
      const name = Object.keys(WAYS)[tally.rounds % 2];
      await round(fleet, { name, seconds, random, tally });
      tally.rounds += 1;
    }
    await countRefreshes(fleet, tally);
  },
};

async function round(fleet, { name, seconds, random, tally }) {
  const { redis, nodes } = fleet;
  const cached = fleet.members.slice(0, CACHED);
  const uncached = fleet.members.slice(CACHED, CACHED + UNCACHED);
  const short = fleet.members.slice(CACHED + UNCACHED);

  // every node caches the tokens of `cached` and no others
  await Promise.all(nodes.map((node) => forget(node)));
  await Promise.all(cached.flatMap((member) =>
    nodes.map((node) => fleet.settle(member, node))));

  const known = new Load(fleet, { members: cached, lanes: 8, random });
  const due = new Load(fleet, { members: short, lanes: 6, random });
  await sleep(1000);
  await WAYS[name].begin(redis);
  const unknown = new Load(fleet, { members: uncached, lanes: 8, random });
  await sleep(seconds * 1000);
  await unknown.stop();
  await WAYS[name].end(redis);

  const back = Date.now();
  await until('everybody is served again', async () =>
    (await Promise.all([...uncached, ...short].flatMap((member) =>
      nodes.map((node) => fleet.ask(member, node)))))
      .every(({ what }) => what === 'served'), { timeout: 30000 });
  tally.recovered(Date.now() - back);

  await known.stop();
  known.judge(tally);
  await due.stop();
  due.judge(tally, { allowed: REFUSALS });
  unknown.judge(tally, { allowed: REFUSALS });
  if (unknown.counts().served) {
    tally.wrong.push('members were served although no node had their tokens');
  }
  tally.notes.push(`Redis ${name}: ${known.answers.length} requests with a `
    + `cached token served, ${unknown.answers.length} others refused`);
}

// Empties a node's cache: a restarted nginx has an empty one.
async function forget({ nginx }) {
  await nginx.stop();
  await nginx.start();
}
