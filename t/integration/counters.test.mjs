// Counters for the operator: their values, and the access to them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { TOP } from '../lib/scratch.mjs';

const LOCATIONS = `
  location = /counters { auth_request off; allow 127.0.0.1; cigna_counters; }
  location = /denied { auth_request off; deny all; cigna_counters; }
  location = /ssi/page { auth_request off; ssi on; ssi_types *;
                         return 200 '<!--# include virtual="/counters" -->'; }
`;

test('counters', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 2 },
                                        locations: LOCATIONS });
  const nobody = gw.visitor();
  const counters = () => countersOf(gw, '/counters');

  await t.test('dances, outcomes and requests are counted by tenant',
    async () => {
      const { visitor } = await gw.dance({ member: 'alice' });
      await gw.visitor({ tenant: 'globex', member: 'bob' })
        .dance({ cancel: 'login' });
      await visitor.get('/fhir/Patient');
      await visitor.get('/fhir/Patient');

      const seen = await counters();
      assert.equal(seen.cigna_dances_started_total.acme, 1);
      assert.equal(seen.cigna_dances_started_total.globex, 1);
      assert.equal(seen.cigna_outcomes_total['acme connected'], 1);
      assert.equal(seen.cigna_outcomes_total['globex connected'], 0);
      assert.equal(seen.cigna_outcomes_total['globex denied'], 1);
      assert.equal(seen.cigna_fhir_requests_total.acme, 2);
      assert.equal(seen.cigna_fhir_requests_total.globex, 0);
    });

  await t.test('a reload keeps the counters', async () => {
    const before = await counters();
    await gw.reload({});
    assert.deepEqual(await counters(), before);
  });

  await t.test('the counters are in Prometheus text format and name no '
    + 'member', async () => {
    const reply = await nobody.get('/counters');

    assert.equal(reply.status, 200);
    assert.match(reply.headers['content-type'],
                 /^text\/plain; version=0\.0\.4/);
    assert.equal(reply.headers['cache-control'], 'no-store, private');
    for (const line of reply.body.trimEnd().split('\n')) {
      assert.match(line, new RegExp('^(# HELP cigna_\\w+_total [A-Z].*\\.'
        + '|# TYPE cigna_\\w+_total counter'
        + '|cigna_\\w+_total\\{tenant="\\w+"(,outcome="\\w+")?\\} \\d+)$'));
    }
    assert.doesNotMatch(reply.body, /alice|bob/);
  });

  await t.test('scripts/README.md documents exactly the counters that exist',
    async () => {
      const page = readFileSync(`${TOP}/scripts/README.md`, 'utf8');
      const [chapter] = page.split('\n## Counters\n')[1].split('\n## ');
      const documented = new Set(chapter.match(/cigna_\w+_total/g));

      // this counter appears with the first pause of a FHIR server
      const later = ['cigna_origin_pauses_total'];
      assert.deepEqual([...documented].sort(),
                       [...Object.keys(await counters()), ...later].sort());
    });

  await t.test('HEAD gets no body, and other methods than GET get 405',
    async () => {
      const head = await nobody.request('/counters', { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.body, '');
      assert.equal((await nobody.post('/counters', {})).status, 405);
    });

  await t.test('a denied caller and a subrequest get no counters',
    async () => {
      const denied = await nobody.get('/denied');
      assert.equal(denied.status, 403);
      assert.doesNotMatch(denied.body, /_total/);

      const page = await nobody.get('/ssi/page');
      assert.match(page.body, /403 Forbidden/);
      assert.doesNotMatch(page.body, /_total/);
    });
});
