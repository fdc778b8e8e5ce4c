// The status endpoint: the app's view of a member's connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { connected, expired } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

test('status', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { timeout: '3s', exchange_timeout: '3s' },
  });
  const { control } = gw.sandbox;
  const connect = gw.url('acme', '/cigna/connect');

  const status = async (visitor) => {
    const reply = await visitor.get('/cigna/status');
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], 'application/json');
    assert.equal(reply.headers['cache-control'], 'no-store, private');
    return reply.json();
  };

  await t.test('the status of a connected member has all fields', async () => {
    const began = Date.now() - 1000;
    const { connected_at: at, obtained_at: obtained, expires_at: expires,
            ...rest } = await status(await connected(gw));

    assert.deepEqual(rest, {
      connected: true, tenant: 'acme', scope: 'openid fhirUser patient/*.read',
      patient: 'A00000000000005', refreshable: true, refresh_pending: false,
    });
    for (const time of [at, obtained, expires]) {
      assert.match(time, TIME);
    }
    assert.ok(Date.parse(at) >= began && Date.parse(at) <= Date.now());
    assert.ok(Math.abs(Date.parse(expires) - Date.parse(obtained)
                       - 3599000) < 2000);
  });

  await t.test('the status of an unconnected member has the reason and the '
    + 'connect URL', async () => {
    assert.deepEqual(await status(gw.visitor({ member: 'nobody' })), {
      connected: false, tenant: 'acme', reason: 'not_connected', connect });
  });

  await t.test('a refresh changes the times of the token and not connected_at',
    async () => {
      const [visitor] = await expired(gw, 'bob');
      const before = await status(visitor);
      assert.equal(before.connected, true);

      await sleep(1000);
      await visitor.get('/fhir/Patient');
      const after = await until('the refreshed grant is stored', async () => {
        const now = await status(visitor);
        return now.obtained_at !== before.obtained_at && now;
      });
      assert.equal(after.connected_at, before.connected_at);
      assert.ok(after.expires_at > before.expires_at);
      assert.equal(after.refresh_pending, false);
    });

  await t.test('a new dance changes connected_at',
    async () => {
      const visitor = await connected(gw, { member: 'carol' });
      const before = await status(visitor);
      await sleep(1100);
      await visitor.dance();
      assert.ok((await status(visitor)).connected_at > before.connected_at);
    });

  await t.test('a refresh that is under way or of unknown outcome is shown as '
    + 'pending', async () => {
    const [visitor] = await expired(gw, 'dora');
    await control.set({ token_fault: { kind: 'hang', times: 1 } });
    const asked = visitor.get('/fhir/Patient');
    await until('a refresh is under way', async () =>
      (await status(visitor)).refresh_pending);
    assert.equal((await status(visitor)).connected, true);

    assert.equal((await asked).status, 503);
    assert.equal((await status(visitor)).refresh_pending, true);
  });

  await t.test('a grant without a refresh token ends with its access token',
    async () => {
      await control.set({ refresh: 'none' });
      const visitor = await connected(gw, { member: 'erna', life: 2 });
      await control.set({ refresh: 'rotating' });
      const { refreshable, connected_at: at } = await status(visitor);
      assert.equal(refreshable, false);

      await sleep(2000);
      assert.deepEqual(await status(visitor), {
        connected: false, tenant: 'acme', reason: 'grant_expired',
        connected_at: at, connect });
    });

  await t.test('a grant that Cigna has ended is shown as spent after its '
    + 'refresh',
    async () => {
      const username = 'syntheticuser07';
      const visitor = await connected(gw, { member: 'fritz', life: 1,
                                            username });
      const { connected_at: at } = await status(visitor);
      await control.revoke({ member: username });
      await sleep(1100);
      assert.equal((await status(visitor)).connected, true);

      await visitor.get('/fhir/Patient');
      assert.deepEqual(await status(visitor), {
        connected: false, tenant: 'acme', reason: 'grant_spent',
        connected_at: at, connect });
    });

  await t.test('the status after a disconnect tells nothing of the old '
    + 'grant', async () => {
    const visitor = await connected(gw, { member: 'greta' });
    await visitor.post('/cigna/disconnect', {
      headers: { Origin: new URL(gw.url('acme')).origin } });
    assert.deepEqual(await status(visitor), {
      connected: false, tenant: 'acme', reason: 'not_connected', connect });
  });
});
