// Refreshes of a fleet: two hosts with two workers each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { assertServed, connected, expired, refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const times = (n, make) => Promise.all(Array.from({ length: n }, make));

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

  await t.test('a member who connected at one host is served by the other',
    async () => {
      await connected(one, { member: 'carol' });
      assertServed(await elsewhere('carol').get('/fhir/Coverage'));
    });

  await t.test('requests at two hosts for one expired token lead to one token '
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

  await t.test('a host that finds the lock of a dead host waits and then takes '
    + 'over', async () => {
    const [bob] = await expired(one, 'bob');
    for (const grant of await redis.command('KEYS', 'cigna:g:*')) {
      await redis.command('SET', grant.replace(':g:', ':l:'), 'gone',
                          'PX', 1500);
    }
    const began = Date.now();
    await until('the member is served', async () =>
      (await bob.get('/fhir/Coverage')).status === 200, { every: 100 });
    assert.ok(Date.now() - began > 1000);
  });

  await t.test('a refresh neither takes nor releases the lock of another owner',
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

  // runs an action while a member's request waits for a slow refresh
  const during = async (member, action) => {
    const [visitor] = await expired(one, member);
    const before = await refreshes(one);
    await sandbox.control.set({ token_delay_ms: 3000 });
    const asked = visitor.get('/fhir/Coverage');
    await until('the refresh is under way', async () =>
      (await sandbox.control.see()).token.in_flight > 0);
    await sandbox.control.set({ token_delay_ms: 0 });
    const result = await action(visitor);
    const reply = await asked;
    const after = await refreshes(one);
    return { visitor, reply, result,
             fresh: (after.ok ?? 0) - (before.ok ?? 0) };
  };

  await t.test('a lock that is lost during a refresh lets no other host '
    + 'refresh',
    async () => {
      const { reply, fresh, result } = await during('frank', async () => {
        for (const lock of await redis.command('KEYS', 'cigna:l:*')) {
          await redis.command('DEL', lock);
        }
        return times(10, () => elsewhere('frank').get('/fhir/Coverage'));
      });

      assert.equal(reply.status, 200);
      assert.equal(fresh, 1);
      for (const { status } of result) {
        assert.ok([200, 503].includes(status), `${status}`);
      }
      assert.equal((await sandbox.control.see()).token.reuse, 0);
    });

  await t.test('a refresh that a new dance overtakes does not overwrite the '
    + 'new grant',
    async () => {
      const { visitor } = await during('grace', (who) =>
        who.dance({ username: 'syntheticuser03' }));

      for (let i = 0; i < 3; i += 1) {
        const { body } = await visitor.get('/fhir/Patient');
        assert.match(body, /A00000000000003/);
      }
    });

  await t.test('a refresh that ends after a disconnect revives '
    + 'nothing', async () => {
    const { revoke } = await sandbox.control.see();
    const { visitor } = await during('heidi', (who) =>
      who.post('/cigna/disconnect', {
        headers: { 'Sec-Fetch-Site': 'same-origin' } }));

    assert.equal((await visitor.get('/fhir/Coverage')).status, 401);
    await until('the late tokens are revoked', async () =>
      (await sandbox.control.see()).revoke.requests > revoke.requests + 1);
  });

  await t.test('an invalid_grant for a token that is no longer the newest ends '
    + 'no grant', async () => {
    await sandbox.control.set({ token_fault: {
      kind: 'invalid_grant', times: 1, grant_type: 'refresh_token' } });
    const { visitor, reply } = await during('ivan', (who) =>
      who.dance({ username: 'syntheticuser03' }));

    assert.notEqual(reply.status, 401);
    assertServed(await visitor.get('/fhir/Coverage'));
  });

  await t.test('a disconnect at one host is one at the other', async () => {
    const erin = await connected(one, { member: 'erin' });
    const also = elsewhere('erin');
    await two.reload({ vault: { revalidate: 0 } });
    assertServed(await also.get('/fhir/Coverage'));
    await erin.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });
    const { status } = await also.get('/fhir/Coverage');
    assert.equal(status, 401);
  });
});
