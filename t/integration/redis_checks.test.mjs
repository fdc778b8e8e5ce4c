// The gateway notices changes of Redis on an idle connection, without a request
// of a caller.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertNoVault, assertServed, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

// the gateway checks a connection every ten seconds, or somewhat sooner
const NOTICED = 11500;

const MARKER = 'cigna:v:{vault}';

test('an idle connection', { concurrency: true }, async (t) => {
  const CHANGES = {
    'a policy that evicts': [
      /maxmemory-policy must be noeviction/,
      (redis) => redis.command('CONFIG', 'SET', 'maxmemory-policy',
                               'allkeys-lru'),
      (redis) => redis.command('CONFIG', 'SET', 'maxmemory-policy',
                               'noeviction'),
    ],
    'a primary that became a replica': [
      /this is a replica/,
      (redis) => redis.command('REPLICAOF', '127.0.0.1', '1'),
      (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
    ],
    'a missing marker': [
      /there is no marker: "scripts\/vault init" has not been run/,
      (redis) => redis.command('RENAME', MARKER, 'aside'),
      (redis) => redis.command('RENAME', 'aside', MARKER),
    ],
    'a foreign marker': [
      /the marker is damaged, or of another vault|key ring lacks/,
      async (redis) => {
        const marker = await redis.command('HGET', MARKER, 'b');
        await redis.command('COPY', MARKER, 'aside');
        await redis.command('HSET', MARKER, 'b',
                            marker.slice(0, -1) + (marker.endsWith('x')
                              ? 'y' : 'x'));
      },
      (redis) => redis.command('COPY', 'aside', MARKER, 'REPLACE'),
    ],
  };

  await Promise.all(Object.entries(CHANGES).map(([what, change]) =>
    t.test(`${what} is noticed, and so is its end`, async (t2) => {
      const [said, make, undo] = change;
      const gw = await standardGateway(t2, {
        fhir: { cigna_fhir: 'on cache=off' }, nginx: { workers: 1 },
      });
      const alice = await connected(gw);
      assertServed(await alice.get('/fhir/Coverage'));

      await make(gw.redis);
      await gw.nginx.waitForLog(said, NOTICED);
      assertNoVault(await alice.get('/fhir/Coverage'));
      // the error is logged once
      const errors = gw.nginx.errorLog().split('\n').filter((line) =>
        /\[error\]/.test(line) && said.test(line));
      assert.ok(errors.length <= 1, errors.join('\n'));

      await undo(gw.redis);
      await until('the member is served', async () =>
        (await alice.get('/fhir/Coverage')).status === 200);
    })));
});
