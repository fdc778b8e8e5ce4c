// 10,000 tenants in one configuration.  One location serves each of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';
import { NAMED, metadataOf, namedLocation, tenantBlocks } from
  '../lib/tenants.mjs';

const TENANTS = 10000;

// The tenants under test.  The gateway has a server {} for each of them.
const LOOKED_AT = ['acme', 't5000', 't10000'];

const BURST = 3;

const WORKERS = 2;

// All endpoints are discovered.
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

  const known = (n) => until(`${n} workers have discovered the endpoints`, () =>
    gw.nginx.errorLog().match(/discovery succeeded/g)?.length === n);

  await known(WORKERS);
  const { metadata: before } = await gw.sandbox.control.see();
  await gw.reload({ http: all() });
  for (const tenant of LOOKED_AT) {
    await gw.dance({ tenant, member: `one-of-${tenant}` });
  }

  await t.test('each worker discovers the endpoints once for all tenants',
    async () => {
      await known(2 * WORKERS);
      const { metadata } = await gw.sandbox.control.see();
      assert.equal(metadata.requests - before.requests, WORKERS);
    });

  await t.test('a member of one tenant is not connected at '
    + 'another', async () => {
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

  await t.test('each tenant has its own budget', async () => {
    // each tenant has used one request of its burst
    for (const tenant of LOOKED_AT) {
      for (let i = 1; i < BURST; i += 1) {
        assert.equal((await ask(tenant, `one-of-${tenant}`)).status, 200);
      }
      assertRefused(await ask(tenant, `one-of-${tenant}`), 429,
                    'budget_tenant', { code: 'throttled', retry: true });
    }
    assert.equal((await metadataOf(gw, 't777')).status, 200);
  });

  await t.test('each tenant has its own counters, which survive a reload',
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

  await t.test('an unknown tenant is refused', async () => {
    for (const name of ['t0', 't10001', 'T1', 't1 ', 'x'.repeat(500)]) {
      assertRefused(await ask(name, 'one-of-acme'), 400, 'identity_invalid',
                    { code: 'invalid' });
    }
    assertRefused(await ask('', 'one-of-acme'), 401, 'no_identity',
                  { code: 'login' });
  });
});
