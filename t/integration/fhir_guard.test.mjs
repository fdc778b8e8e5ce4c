// resource_types: the resource types that an app may request.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';

const INNER = 'https://p-hi2.digitaledge.cigna.com';
const LIST = 'Patient Coverage ExplanationOfBenefit';

test('resource types', async (t) => {
  const gw = await standardGateway(t, {
    tenants: { acme: { resource_types: LIST },
               globex: { resource_types: `${LIST} dry_run` } },
    nginx: { level: 'info' },
    http: `cigna_upstream_alias ${INNER}/PatientAccess/v1-devportal ${INNER};`,
  });
  const { control } = gw.sandbox;
  const alice = await connected(gw);
  const bob = await connected(gw, { tenant: 'globex', member: 'bob' });
  const patients = (await alice.get('/fhir/Patient')).json();
  const { id } = patients.entry[0].resource;

  const asked = async (work) => {
    const { fhir: before } = await control.see();
    await work();
    return (await control.see()).fhir.requests - before.requests;
  };

  async function refused(target, name) {
    const before = await countersOf(gw);
    const reply = await alice.get(target);
    assertRefused(reply, 403, 'type_refused', { code: 'forbidden' });
    assert.ok(reply.json().issue[0].diagnostics
      .endsWith(`Asked for: ${name}.`), reply.body);
    const after = await countersOf(gw);
    assert.equal(after.cigna_types_refused_total.acme,
                 before.cigna_types_refused_total.acme + 1);
  }

  await t.test('listed types are sent to Cigna', async () => {
    for (const target of ['/fhir/Patient', '/fhir/Coverage?_count=1',
                          `/fhir/Patient/${id}`]) {
      assert.equal((await alice.get(target)).status, 200, target);
    }
  });

  await t.test('an unlisted type is refused by name and is not sent to '
    + 'Cigna', async () => {
    assert.equal(await asked(async () => {
      await refused('/fhir/Observation', 'Observation');
      await refused('/fhir/Observation/1', 'Observation');
      await refused('/fhir/%4fbservation', 'Observation');
    }), 0);
    await gw.nginx.waitForLog(
      /condition: type_refused, tenant: acme, .*: Asked for: Observation/);
  });

  await t.test('unlisted types in compartments, operations, includes and '
    + 'system searches are refused', async () => {
    assert.equal(await asked(async () => {
      await refused(`/fhir/Patient/${id}/Observation`, 'Observation');
      await refused(`/fhir/Patient/${id}/*`, '*');
      await refused(`/fhir/Patient/${id}/$everything`, '$everything');
      await refused('/fhir/Coverage?_include=Coverage:payor:Organization',
                    'Organization');
      await refused('/fhir/Patient?_revinclude=Observation:subject',
                    'Observation');
      await refused('/fhir/?_lastUpdated=gt2020', '*');
      await refused('/fhir/?_type=Patient,Goal', 'Goal');
    }), 0);
  });

  await t.test('a search that reveals data of other types is refused, by GET '
    + 'and by POST', async () => {
    const post = (query) => alice.post('/fhir/Coverage/_search', {
      body: query,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });

    assert.equal(await asked(async () => {
      for (const [query, name] of [
        ['payor:Organization.name=x', 'Organization'],
        ['payor%3AOrganization%2Ename=x', 'Organization'],
        ['payor.name=x', 'payor'],
        ['_has:Observation:patient:code=1', 'Observation'],
        ['_sort=-payor:Organization.name', 'Organization'],
        ['_filter=payor.name%20eq%20x', '_filter'],
        ['_list=42', 'List'],
        ['_type=Organization', 'Organization'],
        ['status=active;_include=Coverage:payor:Organization', ';'],
        ['status=active%3b_include=*', ';'],
        ['_contained=true', '_contained'],
      ]) {
        await refused(`/fhir/Coverage?${query}`, name);
        const reply = await post(query);
        assertRefused(reply, 403, 'type_refused', { code: 'forbidden' });
        assert.ok(reply.json().issue[0].diagnostics
          .endsWith(`Asked for: ${name}.`), reply.body);
      }
    }), 0);

    const harmless = ['beneficiary:Patient.name=x', 'patient.name=x',
                      '_sort=-_lastUpdated,status', '_elements=status',
                      'payor=Organization/1&_count=1'];
    assert.equal(await asked(async () => {
      for (const query of harmless) {
        await alice.get(`/fhir/Coverage?${query}`);
        await post(query);
      }
    }), 2 * harmless.length);
  });

  await t.test('a path with encoded dot segments is refused', async () => {
    const get = (target) => raw(gw, `GET ${target} HTTP/1.1\r\n`
      + `Host: acme.localhost:${gw.port}\r\nCookie: session=alice\r\n`
      + 'Connection: close\r\n\r\n');
    for (const target of ['/fhir/Patient/..%2fObservation',
                          '/fhir/Patient/%2e%2e/Observation']) {
      assert.match(await get(target), /^HTTP\/1.1 403 [^]*type_refused/,
                   target);
    }
  });

  await t.test('$userinfo, metadata and pages of a search pass', async () => {
    const { parameter } = (await alice.get('/fhir/$userinfo')).json();
    assert.ok(parameter[0].valueString);
    assert.equal((await alice.get('/fhir/metadata')).status, 200);

    let next = '/fhir/ExplanationOfBenefit?_count=10';
    const seen = new Set();
    while (next) {
      const bundle = (await alice.get(next)).json();
      for (const { resource } of bundle.entry) {
        seen.add(resource.id);
      }
      const link = bundle.link.find(({ relation }) => relation === 'next');
      next = link && link.url.replace(/^https:\/\/[^/]+/, '');
    }
    assert.ok(seen.size > 10, `${seen.size}`);
  });

  await t.test('a batch gets 405', async () => {
    const reply = await alice.post('/fhir/', {
      body: '{"resourceType":"Bundle","type":"batch"}',
      headers: { 'Content-Type': 'application/fhir+json' } });
    assertRefused(reply, 405, 'method_refused');
  });

  await t.test('HEAD of an unlisted type gets 403', async () => {
    const reply = await alice.request('/fhir/Observation', { method: 'HEAD' });
    assert.equal(reply.status, 403);
  });

  await t.test('a member without a grant gets not_connected before '
    + 'type_refused', async () => {
    assertRefused(await gw.visitor({ member: 'zoe' }).get('/fhir/Goal'), 401,
                  'not_connected', { connect: gw.url('acme',
                                                     '/cigna/connect') });
  });

  await t.test('dry_run refuses nothing, and counts and logs', async () => {
    const before = await countersOf(gw);
    assert.equal((await bob.get('/fhir/Observation')).status, 200);
    assert.equal((await bob.get('/fhir/Patient')).status, 200);
    const after = await countersOf(gw);
    assert.equal(after.cigna_types_dry_total.globex,
                 before.cigna_types_dry_total.globex + 1);
    assert.equal(after.cigna_types_refused_total.globex, 0);
    await gw.nginx.waitForLog(/globex would have refused .*"Observation"/);
  });

  await t.test('a reload changes the list', async () => {
    await gw.reload({ tenants: { acme: { resource_types: 'Observation' } } });
    assert.equal((await alice.get('/fhir/Observation')).status, 200);
    await refused('/fhir/Patient', 'Patient');
    await gw.reload({ tenants: {} });
    assert.equal((await alice.get('/fhir/Patient')).status, 200);
  });

  await t.test('a replayed request is counted once', async () => {
    await gw.reload({ tenants: { acme: {
      resource_types: `${LIST} dry_run` } } });
    const before = await countersOf(gw);
    await control.expire({});
    assert.equal((await alice.get('/fhir/Observation')).status, 200);
    const after = await countersOf(gw);
    assert.equal(after.cigna_replays_total.acme,
                 before.cigna_replays_total.acme + 1);
    assert.equal(after.cigna_types_dry_total.acme,
                 before.cigna_types_dry_total.acme + 1);
  });

  for (const [value, error] of [
    ['patient', 'has an invalid name'],
    ['dry_run', 'has no names'],
    ['Patient dry_run Coverage', 'has an invalid name'],
  ]) {
    await t.test(`"resource_types ${value}" ${error}`, async (t2) => {
      const { code, output } = await prepareNginx(t2, {
        http: gw.configuration({
          tenants: { acme: { resource_types: value } } }),
      }).test();
      assert.equal(code, 1);
      assert.ok(output.includes(`"resource_types" directive ${error}`), output);
    });
  }
});
