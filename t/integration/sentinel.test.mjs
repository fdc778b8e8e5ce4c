// A vault whose primary is named by Sentinels, over TLS, with the Redis users
// of conf/redis/.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertNoVault, assertServed, connected, grantKeys, refreshCount,
         refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { SAME_ORIGIN, journey, manyMembers, told, underLoad } from
  '../lib/journey.mjs';
import { until } from '../lib/scratch.mjs';
import { startSentinel } from '../lib/sentinel.mjs';

const QUICK = { timeout: '500ms', connect_timeout: '500ms' };

// there is no cache, so every request needs Redis
const NO_CACHE = { cigna_fhir: 'on cache=off' };

const connections = async (node) =>
  (await node.command('CLIENT', 'LIST')).match(/ name=cigna /g)?.length ?? 0;

const served = (visitor) => until('the member is served', async () =>
  (await visitor.get('/fhir/Coverage')).status === 200);

test('a primary with Sentinels', async (t) => {
  const redis = await startSentinel(t, { replicas: 2 });
  const gw = await standardGateway(t, {
    redis, vault: QUICK, fhir: NO_CACHE, nginx: { workers: 2 } });
  const members = await manyMembers(gw, 6);

  // no caller gets not_connected while the primary changes
  const during = async (what, change) =>
    t.diagnostic(told(what, await underLoad(members, change)));

  await t.test('a member\'s whole journey works', () => journey(gw));

  await t.test('the gateway connects to the primary only', async () => {
    const primary = await redis.primary();
    for (const node of redis.nodes) {
      assert.equal(await connections(node) > 0, node === primary);
    }
  });

  await t.test('all requests are answered during a planned failover, and no '
    + 'caller gets not_connected', async () => {
    await during('planned failover', () => redis.failover());
    await redis.complete();
  });

  await t.test('all requests are answered when the primary is killed, and no '
    + 'caller gets not_connected', async () => {
    const old = await redis.primary();
    await redis.synced();
    await during('killed primary', async () => {
      await old.kill();
      await redis.switched(old);
    });

    await old.start();
    await redis.complete();
    assert.equal((await old.info('replication')).role, 'slave');
    for (const visitor of members) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    assert.equal(await connections(old), 0);
  });

  await t.test('the gateway subscribes at the new primary', async () => {
    const primary = await redis.primary();
    await until('a gateway has subscribed', async () =>
      (await primary.command('PUBSUB', 'NUMSUB', 'cigna:invalidate'))[1] === 1);
  });

  await t.test('a frozen primary is left for the new one, and not trusted when '
    + 'it thaws', async () => {
    const old = await redis.primary();
    await redis.synced();
    await during('frozen primary', async () => {
      old.freeze();
      await redis.switched(old);
      old.thaw();
    });
    await redis.complete();
  });

  await t.test('a primary that becomes a replica is left',
    async () => {
      const old = await redis.primary();
      await during('READONLY', async () => {
        await redis.failover();
        await redis.complete();
      });
      await connected(gw, { member: 'after' });
      assert.notEqual(await redis.primary(), old);
    });

  await t.test('one lost Sentinel changes nothing, and without any Sentinel '
    + 'the primary is still known', async () => {
    await redis.sentinels[0].kill();
    await gw.reload();
    // each worker has a connection for commands, and one has a subscriber
    const primary = await redis.primary();
    await until('both workers are connected', async () => {
      await Promise.all(members.map((one) => one.get('/fhir/Coverage')));
      return await connections(primary) >= 3;
    });

    await redis.sentinels[1].kill();
    await redis.sentinels[2].kill();
    await connected(gw, { member: 'unwatched' });
    await redis.start();
  });

  await t.test('Redis and Sentinels refused no command of the users of '
    + 'conf/redis/', async () => {
    for (const server of redis.servers) {
      assert.deepEqual(await server.command('ACL', 'LOG'), [], server.name);
    }
  });

  const file = (name, text) => {
    writeFileSync(gw.file(name), text, { mode: 0o600 });
    return gw.file(name);
  };
  const OUTAGES = {
    'the name of another primary': [{ sentinel_master: 'other' },
                                    /does not tell the primary "other"/],
    'a wrong password at the Sentinels': [
      { sentinel_password_file: file('wrong', 'no') },
      /wrong username or password/],
    'a wrong password at the primary': [
      { password_file: file('wrong', 'no') }, /wrong username or password/],
    'no password for the Sentinels': [
      { sentinel_username: null, sentinel_password_file: null },
      /password|permission/],
  };

  for (const [what, [vault, said]] of Object.entries(OUTAGES)) {
    await t.test(`${what} is an outage, and the log says why`, async () => {
      const before = gw.nginx.errorLog().length;
      await gw.reload({ vault: { ...QUICK, ...vault } });
      assertNoVault(await members[0].get('/fhir/Coverage'));
      assert.match(gw.nginx.errorLog().slice(before), said);
    });
  }
});

test('a primary dies with confirmed writes', async (t) => {
  const redis = await startSentinel(t);
  const gw = await standardGateway(t, {
    redis, vault: QUICK, nginx: { workers: 2 },
    tenant: { refresh_ahead: '1s', timeout: '2s', connect_timeout: '1s' },
  });
  const { control } = gw.sandbox;
  let members;

  await t.test('grants whose refreshed tokens were lost with the primary are '
    + 'restored',
    async () => {
      await control.set({ access_token_lifetime: 2 });
      members = await manyMembers(gw, 10);
      await control.set({ access_token_lifetime: 3600 });
      const old = await redis.primary();

      const load = await underLoad(members, async () => {
        await redis.losing(old, () =>
          until('all are refreshed', async () =>
            (await refreshes(gw)).ok >= members.length));
        await redis.switched(old);
      }, { calm: 1000 });
      t.diagnostic(told('lost writes', load));

      await until('all grants are in Redis again', async () => {
        const generations = await Promise.all((await grantKeys(gw)).map(
          (key) => redis.command('HGET', key, 'g')));
        return generations.every((one) => one === '2');
      });
      await old.start();
      await redis.complete();
    });

  await t.test('no refresh starts while the new primary may lack marks of open '
    + 'exchanges', async () => {
    const before = await refreshCount(gw);
    await gw.nginx.waitForLog(/new primary, no refresh starts for \d+ ms/);
    await control.expire({ client_id: 'acme-client' });
    const { status } = await members[0].get('/fhir/Coverage');
    assert.ok([401, 503].includes(status), `${status}`);
    assert.equal(await refreshCount(gw), before);
  });

  await t.test('the restored tokens are good for a refresh',
    async () => {
      await until('all are served', async () => {
        const replies = await Promise.all(members.map((one) =>
          one.get('/fhir/Coverage')));
        return replies.every(({ status }) => status === 200);
      }, { timeout: 20000, every: 200 });
      assert.equal((await control.see()).token.reuse, 0);
    });

  await t.test('a new grant that was lost with the primary is '
    + 'restored', async () => {
    const old = await redis.primary();
    let visitor;
    await redis.losing(old, async () => {
      visitor = await connected(gw, { member: 'late' });
    });
    await redis.switched(old);
    await served(visitor);
    await until('the grant is in Redis again', async () =>
      (await grantKeys(gw)).length === members.length + 1);
    await old.start();
    await redis.complete();
  });

  await t.test('a disconnect that was lost with the primary is '
    + 'repeated', async () => {
    const old = await redis.primary();
    const visitor = gw.visitor({ member: 'late' });
    await redis.losing(old, async () => {
      assert.equal((await visitor.post('/cigna/disconnect', SAME_ORIGIN))
        .status, 204);
    });
    await redis.switched(old);
    await until('the member is not connected', async () =>
      (await visitor.get('/fhir/Coverage')).body.includes('not_connected'));
  });
});

test('Sentinels that announce host names, and Redis over TLS', async (t) => {
  const redis = await startSentinel(t, { replicas: 1, names: true });
  const gw = await standardGateway(t, { redis, vault: QUICK });

  await t.test('a member\'s whole journey works', () => journey(gw));

  await t.test('a member\'s journey works after a failover', async () => {
    await redis.failover();
    // wait until the old primary is a replica: writes to it would be lost
    await redis.complete();
    await until('the new primary is found', async () =>
      (await gw.visitor({ member: 'jane' }).get('/cigna/status'))
        .status === 200);
    await journey(gw, { refresh: false });
  });
});
