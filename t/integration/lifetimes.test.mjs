// Expiry times in Redis.  Every key expires, and a grant never expires before
// its tokens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { connected, expired, grantKeys } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { assertNone, until } from '../lib/scratch.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

// The longest time to live of Redis keys, in ms, by the letter that names their
// kind (cigna_vault_names.h).  Besides these keys Redis has only the marker.
const KINDS = {
  g: 400 * DAY,
  l: 20 * SECOND,
  o: 10 * MINUTE,
  d: 8 * DAY,
  i: 8 * DAY,
  e: 8 * DAY,
  c: 8 * DAY,
};

// The vault's marker never expires.
const isMarker = (key) => key.startsWith('cigna:v:{');

async function ttls(gw) {
  const keys = (await gw.redis.command('KEYS', '*'))
    .filter((key) => !isMarker(key));
  return Promise.all(keys.map(async (key) =>
    [key, await gw.redis.command('PTTL', key)]));
}

// Returns the keys without an expiry, or with one that is too long.  A TTL of
// -2 is that of a key that has expired meanwhile.
async function unbounded(gw) {
  return (await ttls(gw))
    .filter(([key, ttl]) => ttl !== -2
      && !(ttl > 0 && ttl <= KINDS[/^cigna:(\w):\{/.exec(key)?.[1]]))
    .map(([key, ttl]) => `${key} ${ttl}`);
}

// Collects the results of unbounded() until the returned function is called,
// which resolves to them.
function watch(gw) {
  const seen = new Set();
  let over = false;
  const looking = (async () => {
    while (!over) {
      for (const one of await unbounded(gw)) {
        seen.add(one);
      }
      await sleep(5);
    }
  })();

  return async () => {
    over = true;
    await looking;
    return [...seen];
  };
}

function assertNear(actual, expected, slack = MINUTE) {
  assert.ok(actual <= expected && actual > expected - slack,
            `${actual} ms instead of ${expected}`);
}

test('lifetimes', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { timeout: '2s', exchange_timeout: '2s' },
  });
  const { control } = gw.sandbox;
  const stop = watch(gw);

  // Returns the grant that make() adds for a new member.
  async function grantOf(make) {
    const before = new Set(await grantKeys(gw));
    const visitor = await make();
    const [key] = (await grantKeys(gw)).filter((one) => !before.has(one));
    return { visitor, key, ttl: () => gw.redis.command('PTTL', key) };
  }

  await t.test('a grant with a refresh token is kept for 400 days after each '
    + 'refresh',
    async () => {
      const alice = await grantOf(async () => (await expired(gw, 'alice'))[0]);
      assertNear(await alice.ttl(), 400 * DAY);

      await gw.redis.command('PEXPIRE', alice.key, 5 * DAY);
      assert.equal((await alice.visitor.get('/fhir/Patient')).status, 200);
      await until('the refreshed grant is stored', async () =>
        await alice.ttl() > 6 * DAY);
      assertNear(await alice.ttl(), 400 * DAY);
    });

  await t.test('a grant without a refresh token is kept for seven days after '
    + 'its access token ends',
    async () => {
      await control.set({ refresh: 'none' });
      const bob = await grantOf(() =>
        connected(gw, { member: 'bob', life: 1000 }));
      assertNear(await bob.ttl(), 1000 * SECOND + 7 * DAY);
      await control.set({ refresh: 'rotating' });
    });

  await t.test('a new dance sets the expiry again', async () => {
    const carol = await grantOf(() => connected(gw, { member: 'carol' }));
    await control.set({ refresh: 'none' });
    await carol.visitor.dance();
    assertNear(await carol.ttl(), 3600 * SECOND + 7 * DAY);
    await control.set({ refresh: 'rotating' });
    await carol.visitor.dance();
    assertNear(await carol.ttl(), 400 * DAY);
  });

  await t.test('a use does not shorten the expiry', async () => {
    const dora = await grantOf(() => connected(gw, { member: 'dora' }));
    const before = await dora.ttl();
    await dora.visitor.get('/fhir/Patient');
    await dora.visitor.get('/cigna/status');
    assertNear(await dora.ttl(), before);
  });

  await t.test('a grant that Cigna has ended is kept for thirty '
    + 'days', async () => {
    const username = 'syntheticuser07';
    const erna = await grantOf(() =>
      connected(gw, { member: 'erna', life: 1, username }));
    await control.revoke({ member: username });
    await sleep(1100);
    assert.equal((await erna.visitor.get('/fhir/Patient')).status, 401);
    assertNear(await erna.ttl(), 30 * DAY);
  });

  await t.test('the record of a disconnected member is kept for thirty '
    + 'days', async () => {
    const fritz = await grantOf(() => connected(gw, { member: 'fritz' }));
    const { status } = await fritz.visitor.post('/cigna/disconnect', {
      headers: { Origin: new URL(gw.url('acme')).origin } });
    assert.equal(status, 204);
    assertNear(await fritz.ttl(), 30 * DAY);
  });

  await t.test('a refresh with unknown outcome does not change the '
    + 'expiry', async () => {
    const gerda = await grantOf(async () => (await expired(gw, 'gerda'))[0]);
    const before = await gerda.ttl();
    await control.set({ token_fault: { kind: 'cut-after', times: 1 } });
    await gerda.visitor.get('/fhir/Patient');
    assertNear(await gerda.ttl(), before);
    assert.ok(await gw.redis.command('HGET', gerda.key, 'm'));
  });

  await t.test('dances that are denied, abandoned or lost with their worker '
    + 'expire', async () => {
    const keys = async () => (await ttls(gw))
      .filter(([key]) => key.startsWith('cigna:d:')).length;
    const before = await keys();

    await gw.visitor({ member: 'hans' }).dance({ cancel: 'terms' });
    await gw.visitor({ member: 'ida' }).dance({
      until: (url) => url.includes('/cigna/callback') });

    const { stopped, visitor } = await gw.dance({
      member: 'jan', until: (url) => url.includes('/cigna/callback') });
    await control.set({ token_fault: 'hang' });
    const hit = visitor.get(stopped.slice(gw.url('acme', '').length))
      .catch(() => 'cut');
    await until('the code is sent', async () =>
      (await control.see()).token.in_flight > 0);
    await gw.nginx.killWorker();
    await control.set({ token_fault: 'none' });
    await hit;

    assert.equal(await keys(), before + 3);
    assertNone('keys with a wrong expiry', await unbounded(gw));
  });

  await t.test('every key had an expiry of its kind at every moment',
    async () => {
      assertNone('keys with a wrong expiry', await stop());
      const kinds = new Set((await ttls(gw)).map(([key]) => key[6]));
      assert.deepEqual(['g', 'o', 'd', 'i', 'e', 'c'].filter((kind) =>
        !kinds.has(kind)), []);
    });
});

test('grant_ttl', async (t) => {
  const gw = await standardGateway(t, { tenant: { grant_ttl: '2m' } });

  await t.test('a grant is kept for grant_ttl, or for the life of its access '
    + 'token if that is longer', async () => {
    await connected(gw, { member: 'alice', life: 100 });
    const [key] = await grantKeys(gw);
    assertNear(await gw.redis.command('PTTL', key), 2 * MINUTE);

    await connected(gw, { member: 'alice' });
    assertNear(await gw.redis.command('PTTL', key), 3600 * SECOND);
  });
});
