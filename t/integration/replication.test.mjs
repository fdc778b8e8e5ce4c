// Redis in a wrong state: with changed passwords, evicting, emptied, with a
// foreign vault, turned into a replica, or without replicas.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { authority } from '../../scripts/lib/ca.mjs';
import { outcomeOf, toCallback } from '../lib/dance.mjs';
import { assertNoVault, assertServed, connected, expired, grantKeys,
         refreshCount } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { SAME_ORIGIN, journey, underLoad } from '../lib/journey.mjs';
import { startRedis } from '../lib/redis.mjs';
import { until } from '../lib/scratch.mjs';
import { startSentinel } from '../lib/sentinel.mjs';

const QUICK = { timeout: '500ms', connect_timeout: '500ms' };
const NO_CACHE = { cigna_fhir: 'on cache=off' };

test('a Redis that changes', async (t) => {
  const redis = await startRedis(t, { acl: true });
  const gw = await standardGateway(t, { redis, vault: QUICK, fhir: NO_CACHE,
                                        nginx: { workers: 2 } });
  const alice = await connected(gw);
  const bob = gw.visitor({ member: 'bob' });
  const drop = () => redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
  const served = () => until('the member is served', async () =>
    (await alice.get('/fhir/Coverage')).status === 200);
  const outage = async (said) => {
    const before = gw.nginx.errorLog().length;
    await drop();
    await until('the gateway reports an outage', async () =>
      (await alice.get('/fhir/Coverage')).status === 503);
    for (let i = 0; i < 10; i += 1) {
      assertNoVault(await alice.get('/fhir/Coverage'));
      assertNoVault(await bob.get('/fhir/Coverage'));
      await sleep(20);
    }
    assert.match(gw.nginx.errorLog().slice(before), said);
  };

  await t.test('a new password is used for new connections after a reload, and '
    + 'old connections stay', async () => {
    await redis.command('ACL', 'SETUSER', 'cigna', '>MARKsRedis-new');
    writeFileSync(gw.file('redis.password'), 'MARKsRedis-new');

    await gw.reload();
    await underLoad([alice], async () => {
      await redis.command('ACL', 'SETUSER', 'cigna',
                          '<MARKsRedis-cigna-password');
      await drop();
    });
    await gw.dance({ member: 'alice' });
  });

  await t.test('a password that has become wrong is an outage, and the log '
    + 'says why', async () => {
    await redis.command('ACL', 'SETUSER', 'cigna', '<MARKsRedis-new',
                        '>MARKsRedis-newer');
    await outage(/wrong username or password/);
    await redis.command('ACL', 'SETUSER', 'cigna', '>MARKsRedis-new');
    await served();
  });

  await t.test('a Redis that evicts is an outage', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await outage(/noeviction/);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await served();
  });

  await t.test('an emptied Redis is an outage, and no caller gets '
    + 'not_connected', async () => {
    const saved = await redis.save();
    await redis.command('FLUSHALL');
    await outage(/scripts\/vault init/);
    await redis.restore(saved);
    await served();
  });

  // the gateway does not check the marker on an open connection before each
  // command
  await t.test('a Redis emptied behind open connections is an outage at '
    + 'once', async () => {
    const { visitor, target } = await toCallback(gw, { member: 'carol' });
    const saved = await redis.save();
    // a worker may still write entries of its journal
    await until('the emptied Redis is an outage', async () => {
      await redis.command('FLUSHALL');
      return (await alice.get('/fhir/Coverage')).status !== 200;
    });
    for (let i = 0; i < 10; i += 1) {
      assertNoVault(await alice.get('/fhir/Coverage'));
      assertNoVault(await bob.get('/fhir/Coverage'));
    }
    assert.equal(outcomeOf(await visitor.get(target)), 'store_failed');
    assert.equal((await alice.get('/cigna/status')).status, 503);
    assert.equal((await alice.post('/cigna/disconnect', SAME_ORIGIN)).status,
                 503);
    await redis.restore(saved);
    await served();
  });

  await t.test('a Redis that evicts behind open connections is an outage for '
    + 'the evicted grants', async () => {
    const saved = await redis.save();
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    // a journal may still write grants that were lost earlier
    await until('the evicted grant is an outage', async () => {
      await redis.command('DEL', ...await grantKeys(gw));
      return (await alice.get('/fhir/Coverage')).status !== 200;
    });
    assertNoVault(await alice.get('/fhir/Coverage'));
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await redis.restore(saved);
    await served();
  });

  await t.test('a foreign vault is an outage', async (st) => {
    const other = await standardGateway(st, { redisOptions: { acl: true } });
    const saved = await redis.save();
    await redis.restore(await other.redis.save());
    await outage(/another|other|key/);
    await redis.restore(saved);
    await served();
  });

  await t.test('a Redis that has become a replica is an outage', async () => {
    await redis.command('REPLICAOF', '127.0.0.1', 1);
    await outage(/replica/);
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await served();
  });
});

test('wait_replicas', async (t) => {
  const redis = await startSentinel(t, { replicas: 1, sentinels: 3,
                                         downAfter: 60000 });
  const gw = await standardGateway(t, {
    redis, vault: { ...QUICK, wait_replicas: '1 200ms' } });

  await t.test('a member\'s whole journey works', () => journey(gw));

  await t.test('a refresh spends no token while no replica keeps '
    + 'up', async () => {
    const [visitor] = await expired(gw, 'alice');
    const [replica] = await redis.replicasOf(await redis.primary());
    replica.freeze();
    await gw.sandbox.control.reset({ modes: false });
    const reply = await visitor.get('/fhir/Coverage');

    assert.equal(reply.status, 503);
    assert.equal(await refreshCount(gw), 0);
    replica.thaw();
    await until('the member is served', async () =>
      (await visitor.get('/fhir/Coverage')).status === 200);
    assert.equal(await refreshCount(gw), 1);
  });

  await t.test('reads do not wait for replicas', async () => {
    const visitor = await connected(gw, { member: 'carol' });
    const [replica] = await redis.replicasOf(await redis.primary());
    replica.freeze();
    assertServed(await visitor.get('/fhir/Coverage'));
    replica.thaw();
  });
});
