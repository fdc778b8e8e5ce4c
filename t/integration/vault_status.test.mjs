// scripts/vault status points out a Redis that cannot store grants.

import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { standardGateway } from '../lib/gateway.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { until } from '../lib/scratch.mjs';
import { runVault } from '../lib/vault.mjs';

const DONE = 0;
const FAILED = 1;
const ATTENTION = 3;

const set = (redis, ...settings) =>
  redis.command('CONFIG', 'SET', ...settings);

const saveIs = (redis, wanted) => until(`the save is ${wanted}`, async () =>
  (await redis.info('persistence')).rdb_last_bgsave_status === wanted);

const CONDITIONS = {
  'cannot save to disk': {
    async begin(redis) {
      mkdirSync(path.join(redis.directory, 'dump.rdb'));
      await set(redis, 'save', '3600 1');
      await redis.command('BGSAVE');
      await saveIs(redis, 'err');
    },
    async end(redis) {
      rmdirSync(path.join(redis.directory, 'dump.rdb'));
      await redis.command('BGSAVE');
      await saveIs(redis, 'ok');
    },
    said: [/refuses writes: it cannot save its data to disk \(MISCONF\)$/m,
           /: the last save to disk \(RDB\) has failed$/m],
  },
  'lacks the replicas that it demands': {
    begin: (redis) => set(redis, 'min-replicas-to-write', 1),
    end: (redis) => set(redis, 'min-replicas-to-write', 0),
    said: [/refuses writes: it has fewer replicas than .* \(NOREPLICAS\)$/m],
  },
  'is full': {
    begin: (redis) => set(redis, 'maxmemory', '1mb'),
    end: (redis) => set(redis, 'maxmemory', 0),
    said: [/refuses writes: its memory is full \(OOM\)$/m,
           / uses [0-9]{2,} % of its maxmemory$/m],
  },
  'is nearly full': {
    async begin(redis) {
      const { used_memory: used } = await redis.info('memory');
      await set(redis, 'maxmemory', Math.floor(Number(used) * 1.12));
    },
    end: (redis) => set(redis, 'maxmemory', 0),
    said: [/^ATTENTION: \S+ uses (8[0-9]|9[0-9]) % of its maxmemory$/m],
    unsaid: /refuses writes/,
  },
};

test('status of a Redis that cannot store grants', async (t) => {
  const gw = await standardGateway(t);
  const { redis } = gw;

  for (const [what, { begin, end, said, unsaid }] of
    Object.entries(CONDITIONS)) {
    await t.test(`status points out a Redis that ${what}`, async () => {
      assert.equal((await gw.vault('status')).code, DONE);
      await begin(redis);
      const { code, out, err } = await gw.vault('status');
      const json = await gw.vault('status', '--json');
      await end(redis);

      assert.equal(code, ATTENTION, out + err);
      assert.equal(json.code, ATTENTION);
      for (const one of said) {
        assert.match(out, one);
      }
      if (unsaid) {
        assert.doesNotMatch(out, unsaid);
      }
      assert.equal((await gw.vault('status')).code, DONE);
    });
  }

  await t.test('the probe leaves nothing in Redis', async () => {
    const keys = await redis.command('KEYS', 'cigna:p:*');
    assert.deepEqual(keys, []);
  });

  await t.test('status refuses a replica', async () => {
    await redis.command('REPLICAOF', '127.0.0.1', 1);
    const { code, err } = await gw.vault('--wait', '0.5', 'status');
    await redis.command('REPLICAOF', 'NO', 'ONE');
    assert.equal(code, FAILED);
    assert.match(err, / is a replica$/m);
  });

  await t.test('status points out a failed append-only file', async (st) => {
    const fake = await startFakeRedis(st);
    fake.real = redis;
    fake.through = true;
    const info = 'role:master\r\nredis_version:7.2.4\r\naof_enabled:1\r\n'
      + 'aof_last_write_status:err\r\naof_last_bgrewrite_status:err\r\n'
      + 'connected_slaves:x\r\nmaxmemory:-1\r\n';
    fake.on = { INFO: `$${info.length}\r\n${info}\r\n` };
    const { code, out, err } = await runVault([
      '--redis', `redis://127.0.0.1:${fake.port}/0`,
      '--keys', gw.file('keys'), 'status']);
    assert.equal(code, ATTENTION, err);
    assert.match(out, /: the last write to the append-only file has failed$/m);
    assert.match(out, /: the last rewrite of the append-only file has/m);
  });
});
