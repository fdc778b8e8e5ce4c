// A hostile store: nodes of a cluster that redirect out of it, Sentinels that
// name strangers, records that somebody has changed, messages of no sense.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startCluster } from '../lib/cluster.mjs';
import { startEavesdropper } from '../lib/eavesdropper.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { assertNoVault, assertServed, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const QUICK = { timeout: '500ms', connect_timeout: '500ms' };
const NO_CACHE = { cigna_fhir: 'on cache=off' };

const served = (visitor) => until('it is served', async () =>
  (await visitor.get('/fhir/Coverage')).status === 200);

const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

// The answer to CLUSTER SLOTS: all slots are at these ports.
const allSlotsAt = (...ports) => `*1\r\n*${2 + ports.length}\r\n:0\r\n:16383\r\n`
  + ports.map((port) => `*3\r\n${bulk('127.0.0.1')}:${port}\r\n${bulk('x')}`)
    .join('');

for (const over of ['tcp', 'tls']) {
  const isTls = over === 'tls';

  test(`a cluster's node that redirects, over ${over}`, async (t) => {
    const redis = await startCluster(t, { primaries: 1, replicas: 0,
                                          tls: isTls });
    const node = await startFakeRedis(t, redis.tls ?? {});
    Object.assign(node, { real: redis.nodes[0], through: true,
                          on: { CLUSTER: allSlotsAt(node.port) } });
    // with a certificate that is good for any server of the cluster
    const stranger = await startEavesdropper(t, redis.tls ?? {});
    const gw = await standardGateway(t, {
      redis, fhir: NO_CACHE, vault: {
        ...QUICK,
        redis: `${isTls ? 'rediss' : 'redis'}://127.0.0.1:${node.port}`,
      },
    });
    const alice = await connected(gw);

    const assertNothingTold = () => assert.deepEqual(
      [stranger.connections, stranger.bytes], [0, '']);

    for (const to of ['127.0.0.1:', 'localhost:', ':']) {
      for (const word of ['MOVED', 'ASK']) {
        await t.test(`${word} to "${to}" and a port that no map names: nobody `
          + 'connects there, and no password is told', async () => {
          const before = gw.nginx.errorLog().length;
          node.on.HMGET = `-${word} 42 ${to}${stranger.port}\r\n`;
          assertNoVault(await alice.get('/fhir/Coverage'));
          assertNoVault(await gw.visitor({ member: 'bob' })
            .get('/fhir/Coverage'));
          delete node.on.HMGET;

          await served(alice);
          assertNothingTold();
          assert.doesNotMatch(gw.nginx.errorLog().slice(before),
                              /cannot be used/);
        });
      }
    }

    await t.test('the log says once who is not asked, and on whose word', () => {
      const lines = gw.nginx.errorLog().match(new RegExp(
        `\\[warn\\].* redis "127.0.0.1:${node.port}" redirects to `
        + `"(127.0.0.1|localhost)?:${stranger.port}", which is not in the map `
        + 'of the cluster', 'g'));
      assert.equal(lines?.length, 1, gw.nginx.errorLog());
    });

    await t.test('a write that is redirected there is not made there',
      async () => {
        const answer = `-MOVED 42 127.0.0.1:${stranger.port}\r\n`;
        Object.assign(node.on, { EVALSHA: answer, EVAL: answer });
        const reply = await gw.visitor({ member: 'carol' })
          .get('/cigna/connect');
        delete node.on.EVALSHA;
        delete node.on.EVAL;

        assert.equal(reply.status, 503);
        assert.deepEqual(reply.cookies, []);
        assertNothingTold();
        await served(alice);
      });

    await t.test('a redirect to a server that the map names by then is '
      + 'followed', async () => {
      const second = await startFakeRedis(t, redis.tls ?? {});
      Object.assign(second, { real: redis.nodes[0], through: true,
                              on: { CLUSTER: allSlotsAt(second.port) } });
      node.on = { CLUSTER: allSlotsAt(second.port),
                  HMGET: `-MOVED 42 127.0.0.1:${second.port}\r\n` };

      assertServed(await alice.get('/fhir/Coverage'));
      assert.ok(second.commands.includes('HMGET'));
      assert.ok(second.logins.length > 0);
      assertNothingTold();
    });
  });
}
