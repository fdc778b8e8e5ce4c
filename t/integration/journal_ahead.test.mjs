// The node's journal has newer grants than Redis.  The gateway serves requests
// with the tokens of these grants, and the requests do not wait.

import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countersOf } from '../lib/counters.mjs';
import { assertNoVault, assertRefused, assertServed, connected, expired,
         grantKeys, logged, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const OPTIONS = {
  nginx: { workers: 2 },
  vault: { connect_timeout: '500ms', timeout: '500ms' },
  tenant: { connect_timeout: '5s', timeout: '10s' },
};

const NO_CACHE = { cigna_fhir: 'on cache=off' };

// The length of an exchange during which Redis changes, in ms.
const EXCHANGE = 2000;

// The most ms that a request may take: it waits neither for Redis nor for a
// refresh.
const AT_ONCE = 1500;

const set = (redis, ...settings) =>
  redis.command('CONFIG', 'SET', ...settings);

// Ways in which Redis refuses writes and still answers reads, and the ways
// back.
const REFUSALS = {
  MISCONF: {
    async begin(redis) {
      mkdirSync(path.join(redis.directory, 'dump.rdb'));
      await set(redis, 'save', '3600 1');
      await redis.command('BGSAVE');
      await until('the save has failed', async () =>
        (await redis.info('persistence')).rdb_last_bgsave_status === 'err');
    },
    async end(redis) {
      rmdirSync(path.join(redis.directory, 'dump.rdb'));
      await redis.command('BGSAVE');
      await until('the save is done', async () =>
        (await redis.info('persistence')).rdb_last_bgsave_status === 'ok');
    },
  },
  NOREPLICAS: {
    begin: (redis) => set(redis, 'min-replicas-to-write', 1),
    end: (redis) => set(redis, 'min-replicas-to-write', 0),
  },
};

async function generation(gw) {
  const [key] = await grantKeys(gw);
  return Number(await gw.redis.command('HGET', key, 'g'));
}

// Changes Redis while a refresh waits for the token endpoint.
async function refreshedDuring(gw, visitor, change) {
  const { control } = gw.sandbox;
  await control.set({ token_delay_ms: EXCHANGE });
  const asked = visitor.get('/fhir/Coverage');
  await until('the refresh is under way', async () =>
    (await control.see()).token.in_flight > 0);
  await change();
  await control.set({ token_delay_ms: 0 });
  return asked;
}

// Sends `count` requests at once.  Each has a connection of its own, so that
// any worker may serve it.
async function crowd(gw, count, target) {
  return Promise.all(Array.from({ length: count }, async () => {
    const began = Date.now();
    const reply = await gw.visitor({ member: 'alice' }).get(target);
    assert.ok(Date.now() - began < AT_ONCE,
              `${target}: ${Date.now() - began} ms`);
    return reply;
  }));
}

for (const [word, { begin, end }] of Object.entries(REFUSALS)) {
  test(`Redis refuses the write of a refresh with ${word}`, async (t) => {
    const gw = await standardGateway(t, { ...OPTIONS, fhir: NO_CACHE });
    const { control } = gw.sandbox;
    const [alice] = await expired(gw, 'alice');
    const before = (await alice.get('/cigna/status')).json();

    await t.test('callers of the refresh do not wait for Redis', async () => {
      const began = Date.now();
      assertServed(await refreshedDuring(gw, alice, () => begin(gw.redis)));
      assert.ok(Date.now() - began < EXCHANGE + AT_ONCE);
      assert.equal(await generation(gw), 1);
    });

    await t.test('all workers serve the newer token at once', async () => {
      for (let i = 0; i < 3; i += 1) {
        (await crowd(gw, 20, '/fhir/Coverage')).forEach(assertServed);
        await sleep(1000);
      }
      assert.equal(await generation(gw), 1);
      assert.deepEqual(await refreshes(gw), { ok: 1 });
    });

    await t.test('status tells of the newer token', async () => {
      for (const reply of await crowd(gw, 10, '/cigna/status')) {
        const status = reply.json();
        assert.equal(status.connected, true);
        assert.equal(status.connected_at, before.connected_at);
        assert.ok(status.obtained_at > before.obtained_at);
        assert.equal(status.refresh_pending, false);
      }
    });

    await t.test('new workers serve the newer token after a kill of all '
      + 'workers', async () => {
      for (const pid of gw.nginx.workerPids()) {
        await gw.nginx.killWorker(pid);
      }
      await until('new workers serve', async () =>
        (await alice.get('/fhir/Coverage').catch(() => ({}))).status === 200);
      (await crowd(gw, 10, '/fhir/Coverage')).forEach(assertServed);
    });

    await t.test('Redis gets the newer grant once it accepts '
      + 'writes', async () => {
      await end(gw.redis);
      await until('the grant is stored', async () =>
        (await generation(gw)) === 2, { timeout: 20000 });
      (await crowd(gw, 10, '/fhir/Coverage')).forEach(assertServed);
      assert.deepEqual(await refreshes(gw), { ok: 1 });
      assert.equal((await control.see()).token.reuse, 0);
      assert.match(gw.nginx.errorLog(),
                   /journal entry written to Redis, outcome: ok/);
    });
  });
}

test('a journalled token expires while Redis refuses writes', async (t) => {
  const gw = await standardGateway(t, { ...OPTIONS, fhir: NO_CACHE });
  const { control } = gw.sandbox;
  const [alice] = await expired(gw, 'alice');
  const { begin, end } = REFUSALS.NOREPLICAS;

  await control.set({ access_token_lifetime: 3 }, 'acme-client');
  assertServed(await refreshedDuring(gw, alice, () => begin(gw.redis)));
  await control.set({ access_token_lifetime: 3600 }, 'acme-client');
  const { token: { requests } } = await control.see();
  await sleep(3100);

  await t.test('callers get 503 at once, and the older refresh token is not '
    + 'sent',
    async () => {
      for (let i = 0; i < 3; i += 1) {
        for (const reply of await crowd(gw, 5, '/fhir/Coverage')) {
          assertRefused(reply, 503, 'refresh_failed', { retry: true });
        }
        await sleep(1000);
      }
      assert.equal((await control.see()).token.requests, requests);
      assert.match(gw.nginx.errorLog(), /the vault is behind this node's jour/);
    });

  await t.test('the newer grant is refreshed once Redis accepts '
    + 'writes', async () => {
    await end(gw.redis);
    await until('alice is served', async () =>
      (await alice.get('/fhir/Coverage')).status === 200,
    { timeout: 20000, every: 200 });
    assert.deepEqual(await refreshes(gw), { ok: 2 });
    assert.equal((await control.see()).token.reuse, 0);
  });
});

test('a grant that this node has deleted stays deleted when Redis has it again',
  async (t) => {
    const gw = await standardGateway(t, { ...OPTIONS, fhir: NO_CACHE });
    const alice = await connected(gw);
    const [key] = await grantKeys(gw);
    const record = await gw.redis.command('HGETALL', key);

    assertServed(await alice.get('/fhir/Coverage'));
    assert.equal((await alice.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } })).status, 204);
    await gw.redis.command('DEL', key);
    await gw.redis.command('HSET', key, ...record);

    for (const reply of await crowd(gw, 10, '/fhir/Coverage')) {
      assertRefused(reply, 401, 'not_connected',
                    { connect: gw.url('acme', '/cigna/connect') });
    }
    for (const reply of await crowd(gw, 10, '/cigna/status')) {
      assert.equal(reply.json().connected, false);
    }

    // a new dance makes a new grant
    assert.equal((await alice.dance()).outcome, 'connected');
    assertServed(await alice.get('/fhir/Coverage'));
  });
