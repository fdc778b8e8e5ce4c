// Tenants that reloads add and remove: their counters stay, and their places in
// the zone are used again.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';

import { refuses } from '../lib/configuration.mjs';
import { countersOf } from '../lib/counters.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';
import { NAMED, metadataOf, named, namedLocation, tenantBlocks } from
  '../lib/tenants.mjs';

// The number of tenants in the smallest zone.
const ROOM = 124;

const RELOADS = 100;

refuses('more tenants than the zone has room for', {
  tenants: named('t', ROOM).map((name) => `cigna_tenant ${name} {
    environment sandbox; client_id ${name};
    redirect_uri https://${name}.example/callback; }`).join('\n'),
}, new RegExp(`"cigna_zone" has room for ${ROOM} tenants, and there are `
  + `${ROOM + 1} blocks "cigna_tenant", write "cigna_zone zone=cigna:2m;"`));

test('tenants that come and go', async (t) => {
  const gw = await standardGateway(t, {
    zone: '1m', nginx: { workers: 2 }, http: NAMED, locations: namedLocation,
  });
  const reload = (names) =>
    gw.reload({ http: NAMED + tenantBlocks(gw, names) });
  const ask = async (tenant) => {
    assert.equal((await metadataOf(gw, tenant)).status, 200);
  };
  const asked = async () => (await countersOf(gw)).cigna_open_requests_total;

  await t.test(`${RELOADS} reloads that add and remove tenants lose no counter `
    + 'and leak no place', async () => {
    await ask('acme');

    // each reload adds two tenants that never come back, and one of five that
    // do
    const times = {};
    for (let i = 0; i < RELOADS; i += 1) {
      const back = `back${i % 5}`;
      await reload([...named(`round${i}x`, 2), back]);
      assert.deepEqual(await asked(), {
        acme: i + 1, globex: 0, [back]: times[back] ?? 0,
        [`round${i}x0`]: 0, [`round${i}x1`]: 0,
      });

      await Promise.all(['acme', `round${i}x0`, back].map(ask));
      times[back] = (times[back] ?? 0) + 1;
    }
  });

  await t.test('removed tenants can all be replaced once no worker serves '
    + 'them', async () => {
    const others = ROOM - gw.tenants.length;

    for (const prefix of ['a', 'b', 'c']) {
      await reload([]);
      await reload(named(prefix, others));
      await ask(`${prefix}${others - 1}`);

      const counted = await asked();
      assert.equal(counted.acme, RELOADS + 1);
      assert.equal(counted[`${prefix}${others - 1}`], 1);
      assert.equal(counted[`${prefix}0`], 0);
    }
  });

  await t.test('a reload is refused while a worker serves the removed tenants, '
    + 'which are still served',
    async () => {
      const refused = () => (gw.nginx.errorLog().match(
        /\[emerg\].*no room for the new tenants.*by a reload.*cigna:\dm;/g)
        ?? []).length;
      gw.nginx.allowed.push(/has no room for the new tenants/);

      // an unfinished request keeps a worker that serves tenants c0, c1, ...
      const held = connect({ port: gw.port, host: '127.0.0.1',
                             rejectUnauthorized: false });
      await once(held, 'secureConnect');
      held.write('GET / HTTP/1.1\r\n');
      const [server] = gw.nginx.workerPids();
      await gw.nginx.reload({ http: gw.configuration({ http: NAMED }) },
                            { wait: false });
      gw.dropIdle();

      gw.nginx.configure({ http: gw.configuration({
        http: NAMED + tenantBlocks(gw, named('d', 100)) }) });
      gw.nginx.server.signal('SIGHUP');
      await until('the reload is refused', () => refused() === 1);
      await ask('acme');
      assert.equal((await metadataOf(gw, 'd0')).status, 400);

      held.destroy();
      await until('the old workers are gone',
                  () => gw.nginx.workerPids().length === 2, { timeout: 20000 });
      assert.ok(!gw.nginx.workerPids().includes(server));
      await reload(named('d', 100));
      await ask('d0');
      assert.equal(refused(), 1);
      assert.equal((await asked()).d0, 1);
    });
});
