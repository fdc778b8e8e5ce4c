// "wait_replicas": before the replicas have what the gateway has written, it
// spends no refresh token, and counts no grant as stored.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertNoVault, assertServed, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';
import { startSentinel } from '../lib/sentinel.mjs';

test('a primary that waits for its replica', async (t) => {
  const group = await startSentinel(t, { tls: false, downAfter: 30000 });
  const gw = await standardGateway(t, {
    redis: group,
    fhir: { cigna_fhir: 'on cache=off' },
    vault: { wait_replicas: '1 200ms' },
    tenant: { connect_timeout: '500ms', timeout: '500ms' },
    nginx: { workers: 1 },
  });
  const [replica] = await group.replicasOf(await group.primary());
  const expired = async (member) => {
    const visitor = await connected(gw, { member, life: 1 });
    await sleep(1100);
    return visitor;
  };
  const requests = async () => (await gw.sandbox.control.see()).token.requests;
  const ask = (visitor) => visitor.get('/fhir/Coverage');

  await t.test('a refresh succeeds while the replica keeps up', async () => {
    const bob = await expired('bob');
    await until('the member is served', async () =>
      (await ask(bob)).status === 200);
  });

  await t.test('no refresh token is spent while the replica is frozen, and '
    + 'reads do not wait', async () => {
    const alice = await connected(gw, { member: 'alice' });
    const carol = await expired('carol');
    const before = await requests();

    replica.freeze();
    const [waiting, ...served] = await Promise.all([
      ask(carol), ...Array.from({ length: 10 }, () => ask(alice))]);
    replica.thaw();

    assertNoVault(waiting);
    served.forEach(assertServed);
    assert.equal(await requests(), before);
    assert.match(gw.nginx.errorLog(),
                 /\[error\].*has fewer than 1 replicas that keep up/);

    await until('the member is served', async () =>
      (await ask(carol)).status === 200);
    assert.equal(await requests(), before + 1);
    assert.match(gw.nginx.errorLog(),
                 /\[notice\].*has no fewer than 1 replicas that keep up/);
  });

  await t.test('WAIT has its own connections', async () => {
    const primary = await group.primary();
    const dora = await connected(gw, { member: 'dora' });

    // CLIENT LIST has the last command of each connection; earlier scripts may
    // still be running
    await until('one connection has sent WAIT and another one '
      + 'HMGET', async () => {
      assertServed(await ask(dora));
      const clients = await primary.command('CLIENT', 'LIST');
      const ours = clients.split('\n').filter((line) =>
        line.includes(' user=cigna '));
      return ['wait', 'hmget'].every((name) =>
        ours.some((line) => line.includes(` cmd=${name} `)));
    });
  });
});

test('a lease is the first to learn of a new primary', async (t) => {
  const group = await startSentinel(t, { tls: false, replicas: 2 });
  const gw = await standardGateway(t, {
    redis: group,
    fhir: { cigna_fhir: 'on cache=off' },
    vault: { wait_replicas: '1 2s', timeout: '3s', connect_timeout: '500ms' },
    nginx: { workers: 1 },
  });
  const carol = await connected(gw, { member: 'carol', life: 1 });
  const requests = async () => (await gw.sandbox.control.see()).token.requests;

  await t.test('no refresh starts right after the change, whatever connection '
    + 'notices it', async () => {
    // carol's token expires
    await sleep(1100);

    // After a restart the journal is empty, so its writer opens no connection
    // that could notice the change first.
    await gw.nginx.stop('SIGQUIT');
    await gw.nginx.start();

    const old = await group.primary();
    const before = await requests();
    const nobody = await gw.visitor({ member: 'nobody' }).get('/fhir/Coverage');
    assert.equal(nobody.status, 401);

    // Redis answers reads of the record, and lets the script that takes the
    // lease wait
    await old.command('CLIENT', 'PAUSE', '60000', 'WRITE');
    const asked = carol.get('/fhir/Coverage');
    await until('the lease has been requested', async () =>
      / cmd=eval/.test(await old.command('CLIENT', 'LIST')));

    await group.failover();
    await gw.nginx.waitForLog(/refresh ended, outcome: /, 30000);
    assert.equal(await requests(), before);
    assert.equal((await asked).status, 503);
  });
});
