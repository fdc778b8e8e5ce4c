// The node's journal.  New tokens that Redis has not confirmed survive the
// death of their worker and failures of Redis.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, expired, grantKeys, refreshes } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { isRunning } from '../lib/process.mjs';
import { until } from '../lib/scratch.mjs';

const OPTIONS = {
  nginx: { workers: 2 },
  vault: { connect_timeout: '500ms', timeout: '500ms' },
  tenant: { connect_timeout: '500ms', timeout: '2s' },
};

const RESTORED = /journal entry written to Redis, outcome: ok/g;

const restored = (gw) => (gw.nginx.errorLog().match(RESTORED) ?? []).length;

// Returns the generation of the only grant in Redis.
async function generation(gw) {
  const [key, ...more] = await grantKeys(gw);
  assert.deepEqual(more, []);
  return Number(await gw.redis.command('HGET', key, 'g'));
}

async function generations(gw) {
  const keys = await grantKeys(gw);
  return Promise.all(keys.map(async (key) =>
    Number(await gw.redis.command('HGET', key, 'g'))));
}

// Freezes Redis while a refresh waits for the token endpoint, so that only the
// journal has the new tokens.
async function refreshedWithoutRedis(gw, visitor) {
  const { control } = gw.sandbox;
  await control.set({ token_delay_ms: 500 });
  const asked = visitor.get('/fhir/Coverage');
  await until('the refresh is under way', async () =>
    (await control.see()).token.in_flight > 0);
  gw.redis.freeze();
  await control.set({ token_delay_ms: 0 });
  return asked;
}

const assertNoReuse = async (gw) => {
  const { token } = await gw.sandbox.control.see();
  assert.equal(token.reuse, 0);
};

test('a worker killed before it stores new tokens in Redis loses nothing',
  async (t) => {
    const gw = await standardGateway(t, OPTIONS);
    const [alice] = await expired(gw, 'alice');

    await t.test('a token in the journal serves at once', async () => {
      assertServed(await refreshedWithoutRedis(gw, alice));
      assert.deepEqual(await refreshes(gw), { ok: 1 });
    });

    await t.test('another worker stores the tokens of a killed '
      + 'worker', async () => {
      for (const pid of gw.nginx.workerPids()) {
        await gw.nginx.killWorker(pid);
      }
      gw.redis.thaw();
      await until('the grant is stored', async () =>
        (await generation(gw)) === 2);
      await until('the store is logged', () => restored(gw) > 0);
    });

    await t.test('the member is served after a single token request',
      async () => {
        await until('alice is served', async () =>
          (await alice.get('/fhir/Coverage')).status === 200);
        assert.deepEqual(await refreshes(gw), { ok: 1 });
        await assertNoReuse(gw);
      });
  });

test('Redis stops before new tokens are stored',
  async (t) => {
    const gw = await standardGateway(t, {
      ...OPTIONS,
      redisOptions: { config: { appendonly: 'yes', appendfsync: 'always' } },
    });
    const [alice] = await expired(gw, 'alice');

    await t.test('the new token serves while Redis is down', async () => {
      assertServed(await refreshedWithoutRedis(gw, alice));
      await gw.redis.stop();
      await sleep(1000);
      assertServed(await alice.get('/fhir/Coverage'));
    });

    await t.test('the new token is stored when Redis is back', async () => {
      await gw.redis.start();
      await until('the grant is stored', async () =>
        (await generation(gw)) === 2);
      assertServed(await alice.get('/fhir/Coverage'));
      assert.deepEqual(await refreshes(gw), { ok: 1 });
    });
  });

test('a Redis that has lost its last writes gets them again',
  async (t) => {
    const gw = await standardGateway(t, OPTIONS);
    const visitors = await expired(gw, 'alice', 'bob', 'carol');

    await gw.redis.command('SAVE');
    for (const visitor of visitors) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    assert.deepEqual(await generations(gw), [2, 2, 2]);

    await gw.redis.stop();
    await gw.redis.start();
    await until('all grants are in Redis again', async () =>
      (await generations(gw)).every((one) => one === 2));

    for (const visitor of visitors) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    assert.deepEqual(await refreshes(gw), { ok: 3 });
    await assertNoReuse(gw);
  });

test('a token serves on while Redis has an earlier generation of its grant',
  async (t) => {
    const gw = await standardGateway(t, {
      ...OPTIONS, vault: { ...OPTIONS.vault, revalidate: '1s' } });
    const [alice] = await expired(gw, 'alice');
    const [key] = await grantKeys(gw);
    const earlier = await gw.redis.command('HGETALL', key);

    assertServed(await alice.get('/fhir/Coverage'));
    assert.equal(await generation(gw), 2);

    // no invalidation is sent, and no journal entry is written again
    await gw.redis.command('HSET', key, ...earlier);
    assert.equal(await generation(gw), 1);
    await sleep(1500);

    assertServed(await alice.get('/fhir/Coverage'));
    assertServed(await alice.get('/fhir/Coverage'));
    assert.deepEqual(await refreshes(gw), { ok: 1 });
    await assertNoReuse(gw);
  });

test('after a change of primary', async (t) => {
  const gw = await standardGateway(t, {
    ...OPTIONS, tenant: { connect_timeout: '500ms', timeout: '1s' },
  });
  const { control } = gw.sandbox;
  const [alice, bob] = await expired(gw, 'alice', 'bob');

  await gw.redis.command('SAVE');
  assertServed(await alice.get('/fhir/Coverage'));
  await gw.redis.stop();
  await gw.redis.start();
  await gw.nginx.waitForLog(/new primary, no refresh starts for 1\d{4} ms/);
  const { token: { requests } } = await control.see();

  await t.test('no refresh starts for the length of a lease, and callers get '
    + '503 with Retry-After', async () => {
    for (let i = 0; i < 10; i += 1) {
      const reply = await gw.visitor({ member: 'bob' }).get('/fhir/Coverage');
      assertRefused(reply, 503, 'refresh_paused', { retry: true });
      assert.ok(Number(reply.headers['retry-after']) > 2);
    }
    assert.equal((await control.see()).token.requests, requests);
  });

  await t.test('valid tokens serve during that time', async () => {
    assertServed(await alice.get('/fhir/Coverage'));
  });

  await t.test('refreshes go on after that time', async () => {
    await until('bob is served', async () =>
      (await bob.get('/fhir/Coverage')).status === 200,
    { timeout: 20000, every: 500 });
    assert.equal((await control.see()).token.requests, requests + 1);
  });
});

test('a deleted grant does not come back with an old Redis',
  async (t) => {
    const gw = await standardGateway(t, OPTIONS);
    const { visitor } = await gw.dance({ member: 'alice' });

    await gw.redis.command('SAVE');
    const { status } = await visitor.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });
    assert.equal(status, 204);

    await gw.redis.stop();
    await gw.redis.start();
    await until('the grant is deleted again', async () => {
      const [key] = await grantKeys(gw);
      return !(await gw.redis.command('HGET', key ?? 'none', 'b'));
    });
    assert.equal((await visitor.get('/fhir/Coverage')).status, 401);
  });

test('a graceful stop waits until Redis has all new grants', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const [alice] = await expired(gw, 'alice');

  assertServed(await refreshedWithoutRedis(gw, alice));
  const workers = gw.nginx.workerPids();
  const stopped = gw.nginx.stop('SIGQUIT');
  await sleep(2000);
  assert.ok(workers.some(isRunning), 'no worker waits');
  gw.redis.thaw();
  await stopped;

  assert.equal(await generation(gw), 2);
  assert.match(gw.nginx.errorLog(),
               /\[notice\].* the worker stays until Redis has confirmed 1 new/);
  assert.match(gw.nginx.errorLog(),
               /\[notice\].* Redis has confirmed all new grants after \d+ ms/);
});

test('a fast stop does not wait, and logs how many grants it '
  + 'leaves', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const [alice] = await expired(gw, 'alice');

  assertServed(await refreshedWithoutRedis(gw, alice));
  const began = Date.now();
  await gw.nginx.stop('SIGTERM');
  assert.ok(Date.now() - began < 2000);
  assert.match(gw.nginx.errorLog(),
               /\[warn\].* leaves with 1 grants in the journal/);
});

test('a reload keeps the journal', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const [alice] = await expired(gw, 'alice');

  assertServed(await refreshedWithoutRedis(gw, alice));
  const old = gw.nginx.workerPids();
  await gw.nginx.reload({}, { wait: false });
  await sleep(500);
  gw.redis.thaw();
  await until('the grant is stored', async () => (await generation(gw)) === 2);
  await until('the old workers are gone', () => !old.some(isRunning));
  assert.deepEqual(await refreshes(gw), { ok: 1 });
});

test('old workers store their new grants during a binary '
  + 'upgrade', async (t) => {
  const gw = await standardGateway(t, {
    ...OPTIONS, nginx: { ...OPTIONS.nginx, daemon: true },
  });
  const [alice] = await expired(gw, 'alice');

  assertServed(await refreshedWithoutRedis(gw, alice));
  const upgraded = gw.nginx.upgrade();
  await gw.nginx.waitForLog(/the worker stays until Redis has confirmed 1 new/);
  gw.redis.thaw();
  await upgraded;

  assert.equal(await generation(gw), 2);
  assertServed(await alice.get('/fhir/Coverage'));
  assert.deepEqual(await refreshes(gw), { ok: 1 });
});

test('reloads every second during refreshes', async (t) => {
  const gw = await standardGateway(t, {
    ...OPTIONS, sandboxOptions: { members: 20 },
  });
  const { control } = gw.sandbox;
  const names = Array.from({ length: 8 }, (_, i) => `member-${i}`);
  const visitors = await expired(gw, ...names);

  await control.set({ access_token_lifetime: 1 });
  let running = true;
  const statuses = {};
  const asking = visitors.map(async (visitor) => {
    while (running) {
      const what = await visitor.get('/fhir/Coverage')
        .then(({ status }) => status, ({ code }) => code);
      statuses[what] = (statuses[what] ?? 0) + 1;
      await sleep(50);
    }
  });
  for (let i = 0; i < 6; i += 1) {
    await sleep(1000);
    await gw.nginx.reload({}, { wait: false });
  }
  running = false;
  await Promise.all(asking);
  gw.dropIdle();
  t.diagnostic(JSON.stringify(statuses));

  await t.test('no caller gets 401', () => {
    assert.equal(statuses[401], undefined);
    assert.ok(statuses[200] > 50);
  });

  await t.test('no refresh token is spent twice', async () => {
    await control.set({ access_token_lifetime: 3600 });
    for (const visitor of visitors) {
      await until('every member is served', async () =>
        (await visitor.get('/fhir/Coverage')).status === 200);
    }
    await assertNoReuse(gw);
    assert.equal((await refreshes(gw)).invalid_grant, undefined);
  });
});
