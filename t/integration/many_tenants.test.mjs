// 10,000 tenants in one configuration, of which any is served by one location.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';
import { NAMED, metadataOf, namedLocation, tenantBlocks } from
  '../lib/tenants.mjs';

const TENANTS = 10000;

// Those that are looked at have servers of their own, too.
const LOOKED_AT = ['acme', 't5000', 't10000'];

const BURST = 3;

const WORKERS = 2;

// To be discovered.
const NOTHING_GIVEN = {
  issuer: null, authorization_endpoint: null, token_endpoint: null,
  jwks_uri: null, revocation_endpoint: null,
};

const others = Array.from({ length: TENANTS - 1 }, (_, i) => `t${i + 2}`)
  .filter((name) => !LOOKED_AT.includes(name));

test(`${TENANTS} tenants`, async (t) => {
  const gw = await standardGateway(t, {
    names: LOOKED_AT, zone: '256m', nginx: { workers: WORKERS },
    tenant: { ...NOTHING_GIVEN, budget: `rate=10r/d burst=${BURST}` },
    http: `${NAMED} cigna_budget lease=20ms;`, locations: namedLocation,
  });
  const all = () =>
    `${NAMED} cigna_budget lease=20ms;
      ${tenantBlocks(gw, others, NOTHING_GIVEN)}`;
  const refused = async (reply, connect) =>
    assertRefused(await reply, 401, 'not_connected',
                  { code: 'login', connect });
  const ask = (tenant, member) => gw.visitor().get('/named/Patient', {
    headers: { 'X-Tenant': tenant, 'X-Who': member } });

  const known = (n) => until(`${n} workers know their servers`, () =>
    gw.nginx.errorLog().match(/discovery succeeded/g)?.length === n);

  await known(WORKERS);
  const { metadata: before } = await gw.sandbox.control.see();
  await gw.reload({ http: all() });
  for (const tenant of LOOKED_AT) {
    await gw.dance({ tenant, member: `one-of-${tenant}` });
  }

  await t.test('what their servers are is found out once by each worker',
    async () => {
      await known(2 * WORKERS);
      const { metadata } = await gw.sandbox.control.see();
      assert.equal(metadata.requests - before.requests, WORKERS);
    });

  await t.test('their members are their own', async () => {
    for (const tenant of LOOKED_AT) {
      for (const of of LOOKED_AT) {
        const reply = await ask(tenant, `one-of-${of}`);
        if (tenant === of) {
          assert.equal(reply.status, 200);
        } else {
          await refused(reply, gw.url(tenant, '/cigna/connect'));
        }
      }
    }
    await refused(ask('t777', 'one-of-acme'),
                  'https://t777.localhost/cigna/connect');
  });

  await t.test('their budgets are their own', async () => {
    // each has had one request
    for (const tenant of LOOKED_AT) {
      for (let i = 1; i < BURST; i += 1) {
        assert.equal((await ask(tenant, `one-of-${tenant}`)).status, 200);
      }
      assertRefused(await ask(tenant, `one-of-${tenant}`), 429,
                    'budget_tenant', { code: 'throttled', retry: true });
    }
    assert.equal((await metadataOf(gw, 't777')).status, 200);
  });

  await t.test('their counters are their own, and stay over a reload',
    async () => {
      const check = async () => {
        const { cigna_budget_tenant_total: refusals,
                cigna_open_requests_total: open } = await countersOf(gw);
        for (const tenant of LOOKED_AT) {
          assert.equal(refusals[tenant], 1);
        }
        assert.equal(open.t777, 1);
        assert.equal(open.t778 ?? 0, 0);
      };

      await check();
      await gw.reload({ http: all() });
      await check();
    });

  await t.test('a tenant that there is not is nobody\'s', async () => {
    for (const name of ['t0', 't10001', 'T1', 't1 ', 'x'.repeat(500)]) {
      assertRefused(await ask(name, 'one-of-acme'), 400, 'identity_invalid',
                    { code: 'invalid' });
    }
    assertRefused(await ask('', 'one-of-acme'), 401, 'no_identity',
                  { code: 'login' });
  });
});
