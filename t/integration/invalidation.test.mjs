// Two hosts with a cache each.  A host learns of the other's writes in less
// than a second.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertServed, connected, logged } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { SAME_ORIGIN } from '../lib/journey.mjs';
import { startRedis } from '../lib/redis.mjs';
import { until } from '../lib/scratch.mjs';

const REVALIDATE = 2000;

// the cache never revalidates, so only an invalidation can end a token's use
const NEVER = { revalidate: '1h', stale: '1h' };

async function twoHosts(t, redis, options) {
  const one = await standardGateway(t, { redis, nginx: { workers: 2 },
                                         ...options });
  const { sandbox } = one;
  const { caFile } = sandbox.info;
  const two = await standardGateway(t, {
    redis, sandbox, keys: readFileSync(one.file('keys'), 'utf8'),
    nginx: { workers: 2 },
    ...options,
    // with this short time only the first host begins refreshes
    tenant: { trusted_certificate: caFile, refresh_ahead: '1s' },
    fhir: { proxy_ssl_trusted_certificate: caFile },
  });
  // revocation fails, so a cached token stays valid until an invalidation
  await sandbox.control.set({ revoke_fault: '500' });
  return { one, two };
}

// Connects a member, and puts the token into the caches of both hosts.
async function inBothCaches({ one, two }, member, options) {
  const here = await connected(one, { member, ...options });
  const there = two.visitor({ member });

  for (const visitor of [here, there]) {
    for (let i = 0; i < 4; i += 1) {
      assertServed(await visitor.get('/fhir/Patient'));
    }
  }
  return { here, there };
}

// Returns the milliseconds until isSo() is true for a reply to `there`.
async function measured(there, what, isSo) {
  const began = Date.now();
  await until(what, async () => isSo(await there.get('/fhir/Patient')),
              { every: 5 });
  return Date.now() - began;
}

// Sends a FHIR request.  Returns the Authorization line that Cigna got, with a
// fingerprint in place of the token.
async function tokenOf(gw, visitor) {
  assertServed(await visitor.get('/fhir/Patient'));
  const { recent_fhir: [last] } = await gw.sandbox.control.see({ recent: 1 });
  return last.headers.find(([name]) => /^authorization$/i.test(name))[1];
}

const isUnconnected = ({ body }) => body.includes('not_connected');
const isOther = ({ body }) => body.includes('A00000000000003');

for (const [kind, start] of [['one Redis', startRedis]]) {
  test(`two hosts and ${kind}`, async (t) => {
    const redis = await start(t, { acl: true });
    const hosts = await twoHosts(t, redis, { vault: NEVER });
    const { one, two } = hosts;
    const times = {};

    await t.test('a host learns at once of a disconnect at the other host',
      async () => {
        const { here, there } = await inBothCaches(hosts, 'alice');
        const { status } = await here.post('/cigna/disconnect', SAME_ORIGIN);
        assert.equal(status, 204);
        times.disconnect = await measured(there, 'the grant is dropped',
                                          isUnconnected);
        assert.ok(times.disconnect < 1000, `${times.disconnect} ms`);
      });

    await t.test('a host uses a grant at once that was made at the other host',
      async () => {
        const { here, there } = await inBothCaches(hosts, 'bob');
        await here.dance({ username: 'syntheticuser03' });
        times.reconnect = await measured(there, 'the new grant is '
          + 'used', isOther);
        assert.ok(times.reconnect < 1000, `${times.reconnect} ms`);
      });

    await t.test('a host uses a token at once that the other host has '
      + 'refreshed',
      async () => {
        const { here, there } = await inBothCaches(hosts, 'carol',
                                                   { life: 4 });
        const old = await tokenOf(two, there);
        await until('the first host uses a new token', async () =>
          await tokenOf(one, here) !== old);
        const began = Date.now();
        await until('the other host uses the new token', async () =>
          await tokenOf(two, there) !== old);
        times.refresh = Date.now() - began;
        assert.ok(times.refresh < 1000, `${times.refresh} ms`);
      });

    await t.test('an invalidation reaches all workers of a host', async () => {
      const { here, there } = await inBothCaches(hosts, 'dave');
      await here.post('/cigna/disconnect', SAME_ORIGIN);
      await measured(there, 'the grant is dropped', isUnconnected);
      for (let i = 0; i < 8; i += 1) {
        const { status } = await two.visitor({ member: 'dave' })
          .get('/fhir/Patient');
        assert.equal(status, 401);
      }
    });

    await t.test('an invalidation leaves other members in the '
      + 'cache', async () => {
      const { there } = await inBothCaches(hosts, 'erin');
      const { here } = await inBothCaches(hosts, 'frank');
      await here.post('/cigna/disconnect', SAME_ORIGIN);
      assertServed(await there.get('/fhir/Coverage?_count=7'));
      assert.equal((await logged(two, '/fhir/Coverage?_count=7')).source,
                   'cache');
    });

    t.diagnostic(`${kind}: ${JSON.stringify(times)} ms`);
  });
}

test('lost invalidations', async (t) => {
  const redis = await startRedis(t, { acl: true });
  const hosts = await twoHosts(t, redis, {
    vault: { revalidate: `${REVALIDATE}ms`, stale: '1h' } });
  const { two } = hosts;

  // cuts off the second host's subscriber; returns a function that lets it
  // subscribe again
  const deafen = async () => {
    await redis.command('ACL', 'SETUSER', 'cigna', '-subscribe');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    return () => redis.command('ACL', 'SETUSER', 'cigna', '+subscribe');
  };

  await t.test('a cached token is compared with Redis at its next use after '
    + 'the host has subscribed again', async () => {
    await two.reload({ vault: NEVER });
    const { here, there } = await inBothCaches(hosts, 'alice');
    const back = await deafen();
    await here.post('/cigna/disconnect', SAME_ORIGIN);
    await sleep(200);
    assertServed(await there.get('/fhir/Patient'));

    await back();
    const ms = await measured(there, 'the grant is dropped', isUnconnected);
    t.diagnostic(`healed ${ms} ms after the channel was back`);
    await two.reload();
  });

  await t.test('a host without a subscriber learns of a disconnect within '
    + 'revalidate',
    async () => {
      const { here, there } = await inBothCaches(hosts, 'bob');
      const back = await deafen();
      await here.post('/cigna/disconnect', SAME_ORIGIN);
      const ms = await measured(there, 'the grant is dropped', isUnconnected);
      t.diagnostic(`healed after ${ms} ms without a subscriber`);
      assert.ok(ms < REVALIDATE + 500, `${ms} ms`);
      await back();
    });

  await t.test('a subscriber connects again after its connection was '
    + 'cut', async () => {
    await until('both subscribers are back', async () =>
      (await redis.command('CLIENT', 'LIST', 'TYPE', 'pubsub'))
        .trim().split('\n').length === 2);
    const { here, there } = await inBothCaches(hosts, 'carol');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await here.post('/cigna/disconnect', SAME_ORIGIN);
    const ms = await measured(there, 'the grant is dropped', isUnconnected);
    t.diagnostic(`healed ${ms} ms after the connection was cut`);
    assert.ok(ms < 1000 + REVALIDATE, `${ms} ms`);
  });
});
