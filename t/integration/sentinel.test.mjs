// A vault that Sentinels watch over, over TLS, with the users of conf/.

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

// nothing comes from a cache, so every request needs Redis
const NO_CACHE = { cigna_fhir: 'on cache=off' };

const connections = async (node) =>
  (await node.command('CLIENT', 'LIST')).match(/ name=cigna /g)?.length ?? 0;

const served = (visitor) => until('it is served', async () =>
  (await visitor.get('/fhir/Coverage')).status === 200);

test('a primary with Sentinels', async (t) => {
  const redis = await startSentinel(t, { replicas: 2 });
  const gw = await standardGateway(t, {
    redis, vault: QUICK, fhir: NO_CACHE, nginx: { workers: 2 } });
  const members = await manyMembers(gw, 6);

  // nobody is told that he is not connected while the primary changes
  const during = async (what, change) =>
    t.diagnostic(told(what, await underLoad(members, change)));

  await t.test('all that members do works', () => journey(gw));

  await t.test('only the primary is spoken to', async () => {
    const primary = await redis.primary();
    for (const node of redis.nodes) {
      assert.equal(await connections(node) > 0, node === primary);
    }
  });

  await t.test('a planned failover: all requests are answered, and nobody is '
    + 'told that he is not connected', async () => {
    await during('planned failover', () => redis.failover());
    await redis.complete();
  });

  await t.test('the primary is killed: the same', async () => {
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

  await t.test('the new primary is listened to', async () => {
    const primary = await redis.primary();
    await until('somebody has subscribed', async () =>
      (await primary.command('PUBSUB', 'NUMSUB', 'cigna:invalidate'))[1] === 1);
  });

  await t.test('a primary that stands still is left for the new one, and not '
    + 'believed when it goes on', async () => {
    const old = await redis.primary();
    await redis.synced();
    await during('frozen primary', async () => {
      old.freeze();
      await redis.switched(old);
      old.thaw();
    });
    await redis.complete();
  });

  await t.test('a primary that is turned into a replica is left',
    async () => {
      const old = await redis.primary();
      await during('READONLY', async () => {
        await redis.failover();
        await redis.complete();
      });
      await connected(gw, { member: 'after' });
      assert.notEqual(await redis.primary(), old);
    });

  await t.test('without one Sentinel nothing changes, and without any the '
    + 'primary is still known', async () => {
    await redis.sentinels[0].kill();
    await gw.reload();
    // commands of both workers, and a subscriber
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

  await t.test('the users of conf/redis/ were refused nothing, at Redis and at '
    + 'Sentinels', async () => {
    for (const server of redis.servers) {
      assert.deepEqual(await server.command('ACL', 'LOG'), [], server.name);
    }
  });

  const file = (name, text) => {
    writeFileSync(gw.file(name), text, { mode: 0o600 });
    return gw.file(name);
  };
  const OUTAGES = {
    'another master\'s name': [{ sentinel_master: 'other' },
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
    await t.test(`${what}: an outage, and the log says why`, async () => {
      const before = gw.nginx.errorLog().length;
      await gw.reload({ vault: { ...QUICK, ...vault } });
      assertNoVault(await members[0].get('/fhir/Coverage'));
      assert.match(gw.nginx.errorLog().slice(before), said);
    });
  }
});

test('a primary that dies with what it has confirmed', async (t) => {
  const redis = await startSentinel(t);
  const gw = await standardGateway(t, {
    redis, vault: QUICK, nginx: { workers: 2 },
    tenant: { refresh_ahead: '1s', timeout: '2s', connect_timeout: '1s' },
  });
  const { control } = gw.sandbox;
  let members;

  await t.test('grants whose refreshed tokens went with it are not lost',
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
      t.diagnostic(told('writes thrown away', load));

      await until('all are there again', async () => {
        const generations = await Promise.all((await grantKeys(gw)).map(
          (key) => redis.command('HGET', key, 'g')));
        return generations.every((one) => one === '2');
      });
      await old.start();
      await redis.complete();
    });

  await t.test('while exchanges may be under way of which the new primary '
    + 'knows nothing, none is begun', async () => {
    const before = await refreshCount(gw);
    await gw.nginx.waitForLog(/new primary, no refresh starts for \d+ ms/);
    await control.expire({ client_id: 'acme-client' });
    const { status } = await members[0].get('/fhir/Coverage');
    assert.ok([401, 503].includes(status), `${status}`);
    assert.equal(await refreshCount(gw), before);
  });

  await t.test('then the tokens that were saved are good for a refresh',
    async () => {
      await until('all are served', async () => {
        const replies = await Promise.all(members.map((one) =>
          one.get('/fhir/Coverage')));
        return replies.every(({ status }) => status === 200);
      }, { timeout: 20000, every: 200 });
      assert.equal((await control.see()).token.reuse, 0);
    });

  await t.test('a connection that went with it is not lost', async () => {
    const old = await redis.primary();
    let visitor;
    await redis.losing(old, async () => {
      visitor = await connected(gw, { member: 'late' });
    });
    await redis.switched(old);
    await served(visitor);
    await until('it is there again', async () =>
      (await grantKeys(gw)).length === members.length + 1);
    await old.start();
    await redis.complete();
  });

  await t.test('a disconnection that went with it stays one', async () => {
    const old = await redis.primary();
    const visitor = gw.visitor({ member: 'late' });
    await redis.losing(old, async () => {
      assert.equal((await visitor.post('/cigna/disconnect', SAME_ORIGIN))
        .status, 204);
    });
    await redis.switched(old);
    await until('it is an end', async () =>
      (await visitor.get('/fhir/Coverage')).body.includes('not_connected'));
  });
});

test('Sentinels that tell names, and Redis over TLS by name', async (t) => {
  const redis = await startSentinel(t, { replicas: 1, names: true });
  const gw = await standardGateway(t, { redis, vault: QUICK });

  await t.test('all that members do works', () => journey(gw));

  await t.test('after a failover, too', async () => {
    await redis.failover();
    // the old one takes no writes any more, which would be lost
    await redis.complete();
    await until('the new one is found', async () =>
      (await gw.visitor({ member: 'jane' }).get('/cigna/status'))
        .status === 200);
    await journey(gw, { refresh: false });
  });
});
