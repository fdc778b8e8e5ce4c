// A vault in Redis Cluster over TLS, with the Redis users of conf/redis/.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../lib/cluster.mjs';
import { assertServed, connected, grantKeys } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { SAME_ORIGIN, journey, manyMembers, told, underLoad } from
  '../lib/journey.mjs';
import { until } from '../lib/scratch.mjs';

const QUICK = { timeout: '500ms', connect_timeout: '500ms' };
const NO_CACHE = { cigna_fhir: 'on cache=off' };

// how often all nodes together have run a command
async function calls(redis, name) {
  const stats = await Promise.all(redis.running.map((node) =>
    node.command('INFO', 'commandstats')));
  return stats.map((text) =>
    Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0))
    .reduce((sum, one) => sum + one, 0);
}

test('a cluster', async (t) => {
  const redis = await startCluster(t);
  const gw = await standardGateway(t, {
    redis, vault: QUICK, fhir: NO_CACHE, nginx: { workers: 2 } });
  const members = await manyMembers(gw, 16);

  const during = async (what, change, { outage = false } = {}) =>
    t.diagnostic(told(what, await underLoad(members, change, { outage })));

  // all grants, as [{ key, slot, owner }]
  const places = async () => Promise.all((await grantKeys(gw)).map(
    async (key) => {
      const slot = await redis.slotOf(key);
      return { key, slot, owner: await redis.ownerOf(slot) };
    }));

  // a primary that has grants and a replica
  const replicated = async () => {
    for (const { owner } of await places()) {
      const replicas = await redis.replicasOf(owner);
      if (replicas.length) {
        return { owner, replicas };
      }
    }
    throw new Error('no primary has a replica');
  };

  await t.test('a member\'s whole journey works', () => journey(gw));

  await t.test('grants are spread over all primaries', async () => {
    const owners = new Set((await places()).map(({ owner }) => owner.name));
    assert.equal(owners.size, 3);
  });

  await t.test('all keys of a member are in one slot, and so are those of a '
    + 'shard', async () => {
    for (const key of await redis.command('KEYS', 'cigna:*')) {
      assert.match(key,
                   /^cigna:([a-z]:\{[\w-]+\}|[oc]:\{\d\d\}:[\w-]+)$/);
    }
  });

  await t.test('no request fails while slots move under load', async () => {
    const asked = await calls(redis, 'asking');

    await during('resharding', async () => {
      for (const { slot, owner } of (await places()).slice(0, 8)) {
        const to = (await redis.primaries()).find((one) => one !== owner);
        await redis.reshard([slot], owner, to, () => sleep(50));
      }
    });
    await redis.complete();
    assert.ok(await calls(redis, 'asking') > asked);
  });

  await t.test('dances and refreshes work after slots have moved',
    async () => {
      const one = await redis.ownerOf(0);
      const other = (await redis.primaries()).find((node) => node !== one);
      await redis.reshard((await redis.slotsOf(one)).slice(0, 50), one, other);
      await redis.complete();
      await manyMembers(gw, 10);
      await journey(gw);
    });

  await t.test('moved slots are not taken for a new primary, and refreshes go '
    + 'on over new connections', async () => {
    await gw.reload();
    await journey(gw, { member: 'joan' });
    assert.doesNotMatch(gw.nginx.errorLog(), /no refresh starts/);
  });

  await t.test('no caller gets not_connected during planned failovers of all '
    + 'primaries', async () => {
    await during('planned failovers', async () => {
      for (const primary of await redis.primaries()) {
        await redis.failover(primary);
        await redis.complete();
      }
    }, { outage: true });
    await redis.complete();
  });

  await t.test('no request fails while a new primary takes slots under '
    + 'load', async () => {
    await during('one more node', async () => {
      const fresh = await redis.addPrimary();
      for (const { slot, owner } of (await places()).slice(0, 4)) {
        await redis.reshard([slot], owner, fresh);
      }
    });
    await redis.complete();
  });

  await t.test('all requests are answered while a replica replaces a killed '
    + 'primary', async () => {
    const { owner, replicas: [replica] } = await replicated();
    await redis.synced();
    await during('killed primary', async () => {
      await owner.kill();
      await redis.promoted(replica);
    }, { outage: true });

    await owner.start();
    await redis.complete();
    for (const visitor of members) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
  });

  await t.test('a frozen primary delays only its own members',
    async () => {
      const { owner, replicas: [replica] } = await replicated();
      await during('frozen primary', async () => {
        owner.freeze();
        await redis.promoted(replica);
        await sleep(500);
        owner.thaw();
      }, { outage: true });
      await redis.complete();
    });

  await t.test('grants that were lost with a primary are written '
    + 'again', async () => {
    const { owner } = await replicated();
    let visitors;
    await redis.losing(owner, async () => {
      visitors = await manyMembers(gw, 12);
    }).then(([replica]) => redis.promoted(replica));

    await until('all are served', async () => {
      const replies = await Promise.all(visitors.map((one) =>
        one.get('/fhir/Coverage')));
      assert.ok(replies.every(({ status }) => status !== 401));
      return replies.every(({ status }) => status === 200);
    }, { timeout: 20000 });
    await owner.start();
    await redis.complete();
  });

  await t.test('a host learns at once that a member disconnected at another '
    + 'host', async (st) => {
    const { sandbox } = gw;
    const { caFile } = sandbox.info;
    await gw.reload({ fhir: {} });
    const other = await standardGateway(st, {
      redis, sandbox, marker: false, vault: QUICK,
      keys: readFileSync(gw.file('keys'), 'utf8'),
      tenant: { trusted_certificate: caFile },
      fhir: { proxy_ssl_trusted_certificate: caFile },
    });
    const here = await connected(gw, { member: 'two' });
    const there = other.visitor({ member: 'two' });
    assertServed(await there.get('/fhir/Patient'));

    await here.post('/cigna/disconnect', SAME_ORIGIN);
    const began = Date.now();
    await until('the other host answers not_connected', async () =>
      (await there.get('/fhir/Patient')).body.includes('not_connected'));
    assert.ok(Date.now() - began < 1000);
  });

  await t.test('nodes that announce host names are verified by those '
    + 'names', async () => {
    await redis.tellNames();
    await gw.reload({ vault: { ...QUICK, redis: redis.nodes.map((node) =>
      `rediss://localhost:${node.servicePort}`), tls_name: null } });
    await journey(gw, { refresh: false });
    await during('planned failover, by names', async () => {
      await redis.failover((await replicated()).owner);
    }, { outage: true });
    await manyMembers(gw, 10);
  });

  await t.test('Redis refused no command of the users of '
    + 'conf/redis/', async () => {
    for (const server of redis.running) {
      assert.deepEqual(await server.command('ACL', 'LOG'), [], server.name);
    }
  });
});
