// Reads the counters from a location with cigna_counters.  An example:
// { cigna_refreshes_total: { acme: 1 },
//   cigna_outcomes_total: { 'acme connected': 2 },
//   cigna_origin_pauses_total: { 'https://fhir.example': 1 } }

import assert from 'node:assert/strict';

const LINE =
  /^(\w+)\{tenant="([^"]*)"(?:,(?:outcome|origin)="([^"]+)")?\} (\d+)$/;

export async function countersOf(gw, path = '/cigna/counters') {
  const reply = await gw.visitor().get(path);
  assert.equal(reply.status, 200, reply.body);

  const counters = {};
  for (const line of reply.body.trimEnd().split('\n')) {
    if (!line.startsWith('#')) {
      const [, name, tenant, which, n] = LINE.exec(line);
      counters[name] ??= {};
      counters[name][[tenant, which].filter(Boolean).join(' ')] = Number(n);
    }
  }
  return counters;
}
