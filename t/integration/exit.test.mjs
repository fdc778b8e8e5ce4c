// Workers that exit while work is under way.  They finish the work within a
// bounded time, and use nothing that has been freed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { connected, expired, grantKeys } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { isRunning } from '../lib/process.mjs';
import { until } from '../lib/scratch.mjs';

const SHORT = { connect_timeout: '500ms', timeout: '2s',
                exchange_timeout: '2s' };

const NOTHING_GIVEN = {
  issuer: null, authorization_endpoint: null, token_endpoint: null,
  jwks_uri: null, revocation_endpoint: null,
};

const elapsed = async (ask) => {
  const began = Date.now();
  await ask();
  return Date.now() - began;
};

// Returns the result of a request that may be cut off: a status or an error
// code.
const seen = (asked) => asked.then(({ status }) => status,
                                   ({ code, message }) => code ?? message);

test('a worker exits with work under way', async (t) => {
  const gw = await standardGateway(t, {
    tenant: SHORT, vault: { timeout: '1s', connect_timeout: '500ms' },
  });
  const { control } = gw.sandbox;
  const alice = await connected(gw);

  const oldWorkersGone = async (pids, timeout) => {
    await until('the old workers are gone',
                () => !pids.some(isRunning), { timeout });
  };

  await t.test('a refresh completes during a reload, and its request is '
    + 'answered', async () => {
    const [bob] = await expired(gw, 'bob');
    await control.set({ token_delay_ms: 1000 });
    const asked = seen(bob.get('/fhir/Coverage'));
    await until('the refresh is under way', async () =>
      (await control.see()).token.in_flight > 0);
    const old = gw.nginx.workerPids();

    await gw.nginx.reload({}, { wait: false });
    assert.equal(await asked, 200);
    await oldWorkersGone(old, 3000);
    await control.set({ token_delay_ms: 0 });
    assert.equal((await bob.get('/fhir/Coverage')).status, 200);
  });

  await t.test('an old worker answers the callback of a hanging exchange by '
    + 'its deadline, and exits', async () => {
    const carol = gw.visitor({ member: 'carol' });
    const { stopped } = await carol.dance({
      until: (url) => url.includes('/cigna/callback') });
    await control.set({ token_fault: 'hang' });
    const asked = carol.get(stopped.replace(/^https:..[^/]*/, ''));
    await until('the exchange is under way', async () =>
      (await control.see()).token.in_flight > 0);
    const old = gw.nginx.workerPids();

    const ms = await elapsed(async () => {
      await gw.nginx.reload({}, { wait: false });
      const reply = await asked;
      assert.match(reply.location ?? '', /cigna=exchange_/);
      await oldWorkersGone(old, 6000);
    });
    assert.ok(ms < 6000, `${ms} ms`);
    await control.set({ token_fault: 'none' });
  });

  await t.test('an old worker answers requests that wait for a frozen Redis, '
    + 'and exits', async () => {
    await gw.reload({ fhir: { cigna_fhir: 'on cache=off' } });
    gw.redis.freeze();
    const asked = [alice.get('/fhir/Coverage'), alice.get('/cigna/status')];
    await sleep(100);
    const old = gw.nginx.workerPids();

    await gw.nginx.reload({}, { wait: false });
    for (const { status } of await Promise.all(asked)) {
      assert.equal(status, 503);
    }
    await oldWorkersGone(old, 3000);
    gw.redis.thaw();
    await until('the gateway serves again', async () =>
      (await alice.get('/fhir/Coverage')).status === 200);
  });
});

test('requests while an earlier refresh revokes its tokens', async (t) => {
  const gw = await standardGateway(t, { tenant: SHORT });
  const { control } = gw.sandbox;

  await t.test('a new grant is refreshed while the tokens of the earlier grant '
    + 'are still being revoked', async () => {
    const [alice] = await expired(gw, 'alice');
    await control.set({ token_delay_ms: 800, revoke_delay_ms: 1900 });
    const asked = alice.get('/fhir/Coverage');
    await until('the refresh is under way', async () =>
      (await control.see()).token.in_flight > 0);

    // the grant is gone when the new tokens arrive, so the gateway revokes
    // them; the waiting request may use them before the revocation
    await gw.redis.command('DEL', ...await grantKeys(gw));
    assert.ok([200, 401].includes((await asked).status));
    await until('the revoked tokens are no longer used', async () =>
      (await alice.get('/fhir/Coverage')).status === 401);

    await control.set({ token_delay_ms: 0, access_token_lifetime: 1 });
    assert.equal((await alice.dance()).outcome, 'connected');
    await control.set({ access_token_lifetime: 3600 });
    await until('the token has ended', async () => {
      const { status } = await alice.get('/cigna/status');
      await sleep(1000);
      return status === 200;
    });
    await control.set({ revoke_delay_ms: 0 });
    assert.equal((await alice.get('/fhir/Coverage')).status, 200);
  });

  await t.test('the worker still serves the member afterwards', async () => {
    const { status } = await gw.visitor({ member: 'alice' })
      .get('/fhir/Coverage');
    assert.equal(status, 200);
  });
});

test('a stop with work under way', async (t) => {
  await t.test('a fast stop cuts connects that wait for a hanging '
    + 'discovery', async (t2) => {
    const gw = await standardGateway(t2, {
      tenants: { acme: NOTHING_GIVEN },
      sandboxOptions: { modes: { metadata_fault: 'hang' } },
    });
    const asked = ['a', 'b', 'c'].map((member) =>
      seen(gw.visitor({ member }).get('/cigna/connect')));
    await until('discovery is under way', async () =>
      (await gw.sandbox.control.see()).metadata.requests > 0);
    await sleep(300);
    await gw.nginx.stop('SIGTERM');
    for (const what of await Promise.all(asked)) {
      assert.match(String(what), /ECONNRESET|socket hang up/);
    }
  });

  await t.test('a fast stop succeeds during a refresh', async (t2) => {
    const gw = await standardGateway(t2, { tenant: SHORT });
    const [alice] = await expired(gw, 'alice');
    await gw.sandbox.control.set({ token_fault: 'hang' });
    const asked = [1, 2, 3].map(() => seen(alice.get('/fhir/Coverage')));
    await sleep(500);
    await gw.nginx.stop('SIGTERM');
    await Promise.all(asked);
  });

  for (const signal of ['SIGTERM', 'SIGQUIT']) {
    await t.test('a stop does not wait for the cool-down of a failed refresh '
      + `(${signal})`,
      async (t2) => {
        const gw = await standardGateway(t2, { tenant: SHORT });
        const [alice] = await expired(gw, 'alice');
        await gw.sandbox.control.set({ token_fault: '500' });
        assert.equal((await alice.get('/fhir/Coverage')).status, 503);
        assert.ok(await elapsed(() => gw.nginx.stop(signal)) < 2000);
      });
  }

  await t.test('a fast stop does not wait for a frozen Redis', async (t2) => {
    const gw = await standardGateway(t2, { tenant: SHORT });
    const alice = await connected(gw);
    await gw.reload({ fhir: { cigna_fhir: 'on cache=off' } });
    gw.redis.freeze();
    const asked = [seen(alice.get('/fhir/Coverage')),
                   seen(alice.get('/cigna/status'))];
    await sleep(200);
    assert.ok(await elapsed(() => gw.nginx.stop('SIGTERM')) < 2000);
    await Promise.all(asked);
  });
});
