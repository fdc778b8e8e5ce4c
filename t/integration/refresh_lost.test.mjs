// Refreshes whose end nobody knows, refreshes ahead of time, and refreshes of
// a whole fleet.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, logged,
         refreshCount, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const times = (n, make) => Promise.all(Array.from({ length: n }, make));

// The stand-in's fault, whether it acts on the request before, and how the
// member fares when the same refresh token is tried once more.
const LOST = [
  ['cut-before', 200],
  ['cut-after', 401],
  ['cut-mid', 401],
  ['hang', 401],
  ['huge', 200],
];

test('refreshes whose end is not known', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { connect_timeout: '300ms', timeout: '700ms' },
  });
  const { control } = gw.sandbox;
  const visitors = await expired(gw, ...LOST.map(([kind]) => kind), 'kept');
  const kept = visitors.at(-1);

  for (const [i, [kind]] of LOST.entries()) {
    await t.test(`${kind}: an outage, and the refresh token is not sent again`,
      async () => {
        await control.set({ token_fault: kind });
        const before = await refreshCount(gw);
        const [reply] = await times(10, () =>
          visitors[i].get('/fhir/Coverage'));
        await control.set({ token_fault: 'none' });

        assertRefused(reply, 503, 'refresh_failed',
                      { code: 'transient', retry: true });
        assert.equal(await refreshCount(gw), before + 1);
      });
  }

  await t.test('a constant refresh token survives the loss of a reply',
    async () => {
      await control.set({ refresh: 'constant' });
      await control.set({ token_fault: 'cut-after' });
      assertRefused(await kept.get('/fhir/Coverage'), 503, 'refresh_failed',
                    { retry: true });
      await control.set({ token_fault: 'none' });
    });

  await t.test('nor is it sent again when the failure has cooled down',
    async () => {
      await sleep(3300);
      const before = await refreshCount(gw);
      const replies = await Promise.all(visitors.map((visitor) =>
        visitor.get('/fhir/Coverage')));
      for (const reply of replies) {
        assertRefused(reply, 503, 'refresh_failed', { retry: true });
      }
      assert.equal(await refreshCount(gw), before);
      assert.equal((await control.see()).token.reuse, 0);
    });

  await t.test('past the deadline of the attempt it is tried once more, and '
    + 'Cigna\'s word counts', async () => {
    const before = await refreshCount(gw);
    const ends = await Promise.all(visitors.map((visitor) =>
      until('there is an end', async () => {
        const { status } = await visitor.get('/fhir/Coverage');
        return status !== 503 && status;
      }, { timeout: 20000, every: 200 })));

    assert.deepEqual(ends, [...LOST.map(([, status]) => status), 200]);
    assert.equal(await refreshCount(gw), before + visitors.length);
  });
});

test('refreshes ahead of time', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { refresh_ahead: '3s', connect_timeout: '300ms',
              timeout: '500ms' },
  });
  const { control } = gw.sandbox;
  // Cigna would take the old token for longer than it says
  await control.set({ expires_in: { raw: '6' } });
  const alice = await connected(gw);
  const bob = await connected(gw, { tenant: 'globex', member: 'bob' });
  const began = Date.now();
  await control.set({ expires_in: 'number' });
  await control.set({ token_delay_ms: 150 });
  await control.set({ token_fault: '503' }, 'globex-client');
  await sleep(2500);

  await t.test('the old token serves at once while a new one is fetched',
    async () => {
      await until('the token is fresh', async () => {
        const asked = Date.now();
        assertServed(await alice.get('/fhir/Coverage?_count=71'));
        assert.ok(Date.now() - asked < 1000);
        const { source } = await logged(gw, '/fhir/Coverage?_count=71');
        assert.match(source, /^(cache|vault)$/);
        return (await refreshes(gw, 'acme-client')).ok === 1;
      }, { every: 50 });
      assert.ok(Date.now() - began < 6000);
    });

  await t.test('where that fails the old token serves to its end',
    async () => {
      let served = Date.now();
      await until('it is refused', async () => {
        const reply = await bob.get('/fhir/Coverage');
        if (reply.status === 200) {
          served = Date.now();
          return false;
        }
        assertRefused(reply, 503, 'refresh_failed', { retry: true });
        return true;
      }, { every: 50 });

      assert.ok(served - began > 5000, `${served - began}`);
      const failed = await refreshCount(gw, 'globex-client');
      assert.ok(failed >= 1 && failed <= 3, `${failed}`);
    });

  await t.test('the fresh token serves where the old one has ended',
    async () => {
      assertServed(await alice.get('/fhir/Coverage'));
      assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 1 });
    });

  await t.test('with the provider back the other member is served, too',
    async () => {
      await control.set({ token_fault: 'none' }, 'globex-client');
      await until('it is served', async () =>
        (await bob.get('/fhir/Coverage')).status === 200, { every: 200 });
    });
});

test('a fleet of two hosts', async (t) => {
  const one = await standardGateway(t, { nginx: { workers: 2 } });
  const { redis, sandbox } = one;
  const { caFile } = sandbox.info;
  const two = await standardGateway(t, {
    redis, sandbox, keys: readFileSync(one.file('keys'), 'utf8'),
    nginx: { workers: 2 },
    tenant: { trusted_certificate: caFile },
    fhir: { proxy_ssl_trusted_certificate: caFile },
  });
  const elsewhere = (member) => two.visitor({ member });

  await t.test('a member connected on one is served by the other',
    async () => {
      await connected(one, { member: 'carol' });
      assertServed(await elsewhere('carol').get('/fhir/Coverage'));
    });

  await t.test('requests on both for one expired token lead to one token '
    + 'request', async () => {
    const [alice] = await expired(one, 'alice');
    const also = elsewhere('alice');
    await sandbox.control.set({ token_delay_ms: 300 });
    const before = (await refreshes(one)).ok ?? 0;
    const replies = await times(60, (_, i) =>
      (i % 2 ? alice : also).get('/fhir/Coverage'));
    await sandbox.control.set({ token_delay_ms: 0 });

    for (const reply of replies) {
      assertServed(reply);
    }
    assert.deepEqual(await refreshes(one), { ok: before + 1 });
    assert.equal((await sandbox.control.see()).token.reuse, 0);
  });

  await t.test('a host that finds the lock taken by one that is gone waits, '
    + 'and then takes over', async () => {
    const [bob] = await expired(one, 'bob');
    const [key] = await redis.command('KEYS', 'cigna:g:*');
    assert.ok(key);
    for (const grant of await redis.command('KEYS', 'cigna:g:*')) {
      await redis.command('SET', grant.replace(':g:', ':l:'), 'gone',
                          'PX', 1500);
    }
    const began = Date.now();
    await until('it is served', async () =>
      (await bob.get('/fhir/Coverage')).status === 200, { every: 100 });
    assert.ok(Date.now() - began > 1000);
  });

  await t.test('a lock that somebody else has is not taken from them',
    async () => {
      const [dave] = await expired(one, 'dave');
      await sandbox.control.set({ token_delay_ms: 800 });
      const asked = dave.get('/fhir/Coverage');
      const [lock] = await until('the lock is taken', async () => {
        const keys = await redis.command('KEYS', 'cigna:l:*');
        return keys.length && keys;
      });
      await redis.command('SET', lock, 'somebody else');
      assert.ok([200, 503].includes((await asked).status));
      await sandbox.control.set({ token_delay_ms: 0 });

      assert.equal(await redis.command('GET', lock), 'somebody else');
      await redis.command('DEL', lock);
      assertServed(await dave.get('/fhir/Coverage'));
    });

  await t.test('disconnected on one is disconnected on the other', async () => {
    const [erin] = [await connected(one, { member: 'erin' })];
    const also = elsewhere('erin');
    await two.reload({ vault: { revalidate: 0 } });
    assertServed(await also.get('/fhir/Coverage'));
    await erin.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });
    const { status } = await also.get('/fhir/Coverage');
    assert.equal(status, 401);
  });
});
