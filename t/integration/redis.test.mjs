// Failures of Redis of all kinds.  Each one is an outage, never a missing grant
// and never a crash.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertNoVault, assertRefused, assertServed, connected } from
  '../lib/fhir.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const NO_CACHE = { cigna_fhir: 'on cache=off' };

const served = (visitor) => until('the member is served', async () =>
  (await visitor.get('/fhir/Coverage')).status === 200);

test('a real Redis', async (t) => {
  const gw = await standardGateway(t, {
    fhir: NO_CACHE,
    vault: { timeout: '300ms', connect_timeout: '300ms' },
    redisOptions: { username: 'gate', password: 'MARKsRedisPassword' },
    tenant: { connect_timeout: '1s', timeout: '1s' },
  });
  const { redis } = gw;
  const alice = await connected(gw);
  const bob = gw.visitor({ member: 'bob' });
  const both = async (check) => {
    check(await alice.get('/fhir/Coverage'));
    check(await bob.get('/fhir/Coverage'));
  };

  await t.test('a frozen Redis is an outage within its time-out, and later at '
    + 'once', async () => {
    redis.freeze();
    const began = Date.now();
    await both(assertNoVault);
    assert.ok(Date.now() - began < 2500);

    const again = Date.now();
    await Promise.all(Array.from({ length: 20 }, () => both(assertNoVault)));
    assert.ok(Date.now() - again < 2500);
    redis.thaw();
    await served(alice);
  });

  await t.test('a frozen Redis does not delay other requests of the worker',
    async () => {
      redis.freeze();
      const waiting = alice.get('/fhir/Coverage');
      const began = Date.now();
      for (let i = 0; i < 10; i += 1) {
        assert.equal((await bob.get('/app')).status, 200);
      }
      assert.ok(Date.now() - began < 250, `${Date.now() - began}`);
      assertNoVault(await waiting);
      redis.thaw();
      await served(alice);
    });

  await t.test('a Redis out of memory is read, and the old token serves',
    async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '1');
      assertServed(await alice.get('/fhir/Coverage'));
      assertRefused(await bob.get('/fhir/Coverage'), 401, 'not_connected',
                    { connect: gw.url('acme', '/cigna/connect') });
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    });

  for (const [what, set, reset] of [
    ['out of memory', ['CONFIG', 'SET', 'maxmemory', '1'],
     ['CONFIG', 'SET', 'maxmemory', '0']],
    ['read only', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['without rights for scripts', ['ACL', 'SETUSER', 'gate', '-@scripting'],
     ['ACL', 'SETUSER', 'gate', '+@all']],
  ]) {
    await t.test(`no refresh token is spent while Redis is ${what}`,
      async () => {
        const member = `ends ${what}`;
        const visitor = await connected(gw, { member, life: 1 });
        await sleep(1100);
        const { token } = await gw.sandbox.control.see();

        await redis.command(...set);
        const reply = await visitor.get('/fhir/Coverage');
        const after = (await gw.sandbox.control.see()).token;
        await redis.command(...reset);

        assertNoVault(reply);
        assert.equal(after.requests, token.requests);
        await served(visitor);
      });
  }

  for (const [what, set, reset] of [
    ['a user without read permission', ['ACL', 'SETUSER', 'gate', '-hmget'],
     ['ACL', 'SETUSER', 'gate', '+@all']],
    ['a user without access to the keys',
     ['ACL', 'SETUSER', 'gate', 'resetkeys', '~other:*'],
     ['ACL', 'SETUSER', 'gate', '~*']],
    ['a replica without its primary',
     ['CONFIG', 'SET', 'replica-serve-stale-data', 'no'],
     ['REPLICAOF', 'NO', 'ONE'], ['REPLICAOF', '127.0.0.1', '1']],
  ].map(([what, set, reset, more]) => [what, [set, more], reset])) {
    await t.test(`${what} is an outage`, async () => {
      for (const command of set.filter(Boolean)) {
        await redis.command(...command);
      }
      await both(assertNoVault);
      await redis.command(...reset);
      await served(alice);
    });
  }

  await t.test('a changed password is an outage, and the log names the '
    + 'reason', async () => {
    await redis.command('ACL', 'SETUSER', 'gate', 'resetpass', '>other');
    await redis.command('CLIENT', 'KILL', 'USER', 'gate');
    await until('the gateway has noticed', async () =>
      (await bob.get('/fhir/Coverage')).status === 503);
    await both(assertNoVault);

    assert.match(gw.nginx.errorLog(), /wrong username or password/);
    await redis.command('ACL', 'SETUSER', 'gate', 'resetpass',
                        '>MARKsRedisPassword');
    await served(alice);
  });

  await t.test('a Redis that may evict records is not used', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.command('CLIENT', 'KILL', 'USER', 'gate');
    await until('the gateway has noticed', async () =>
      (await bob.get('/fhir/Coverage')).status === 503);
    await both(assertNoVault);

    assert.match(gw.nginx.errorLog(), /maxmemory-policy must be noeviction/);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await served(alice);
  });

  await t.test('a closed connection is opened again without a failed request',
    async () => {
      for (let i = 0; i < 5; i += 1) {
        await redis.command('CLIENT', 'KILL', 'USER', 'gate');
        await sleep(50);
        assertServed(await alice.get('/fhir/Coverage'));
      }
    });

  await t.test('a stopped Redis is an outage, and is used again once it is '
    + 'back with its data',
    async () => {
      const dump = await redis.dump();
      await redis.stop();
      await both(assertNoVault);
      await redis.start();
      for (const [key, fields] of Object.entries(dump)) {
        if (/^cigna:[gv]:/.test(key)) {
          await redis.command('HSET', key, ...fields);
        }
      }
      await served(alice);
      assertRefused(await bob.get('/fhir/Coverage'), 401, 'not_connected',
                    { connect: gw.url('acme', '/cigna/connect') });
    });
});

const REPLIES = {
  'LOADING': '-LOADING Redis is loading the dataset in memory\r\n',
  'an unknown error': '-ERR no\r\n',
  'an empty error': '-\r\n',
  'MOVED': '-MOVED 3999 127.0.0.1:1\r\n',
  'TRYAGAIN': '-TRYAGAIN\r\n',
  'a null string': '$-1\r\n',
  'a null array': '*-1\r\n',
  'an empty array': '*0\r\n',
  'too few fields': '*2\r\n$-1\r\n$-1\r\n',
  'too many fields': `*7\r\n${'$-1\r\n'.repeat(7)}`,
  'numbers as fields': `*6\r\n${':1\r\n'.repeat(6)}`,
  'errors as fields': `*6\r\n${'-ERR x\r\n'.repeat(6)}`,
  'nested arrays': `${'*1\r\n'.repeat(40)}$-1\r\n`,
  'a status': '+OK\r\n',
  'another protocol': 'HTTP/1.1 400 Bad Request\r\n\r\n',
  'a huge array': '*100000000\r\n',
  'a huge string': '*6\r\n$2000000000\r\nx',
  'a negative length': '*6\r\n$-7\r\n',
  'a length that is not a number': '*6\r\n$one\r\n',
  'a megabyte': `*6\r\n$1048576\r\n${'x'.repeat(1 << 20)}\r\n`,
  'half a reply': '*6\r\n$3\r\nab',
  'no reply': null,
  'a closed connection': (socket) => socket.end(),
  'a reset': (socket) => socket.resetAndDestroy(),
  'a reply too many': `${'*6\r\n'}${'$-1\r\n'.repeat(6)}+extra\r\n`,
};

test('a Redis with malformed replies', async (t) => {
  const fake = await startFakeRedis(t);
  const gw = await standardGateway(t, {
    vault: { redis: `redis://127.0.0.1:${fake.port}`, timeout: '300ms',
             connect_timeout: '300ms' },
  });
  fake.real = gw.redis;
  const bob = gw.visitor({ member: 'bob' });
  const status = async (wanted) => {
    const reply = await bob.get('/fhir/Coverage');
    return reply.status === wanted && reply;
  };

  for (const [what, answer] of Object.entries(REPLIES)) {
    await t.test(`${what} is an outage, and Redis is used again afterwards`,
      async () => {
        fake.answer = answer;
        const asked = fake.commands.length;
        if (what === 'a reply too many') {
          await bob.get('/fhir/Coverage');
        } else {
          const reply = await until('Redis is asked', async () => {
            const one = await bob.get('/fhir/Coverage');
            assertNoVault(one);
            return fake.commands.length > asked && one;
          });
          assertNoVault(reply);
        }

        fake.answer = `*6\r\n${'$-1\r\n'.repeat(6)}`;
        assertRefused(await until('Redis is used again', () => status(401)),
                      401, 'not_connected',
                      { connect: gw.url('acme', '/cigna/connect') });
      });
  }
});
