// What a location with cigna_counters tells:
// { cigna_refreshes_total: { acme: 1 },
//   cigna_outcomes_total: { 'acme connected': 2 } }

import assert from 'node:assert/strict';

const LINE = /^(\w+)\{tenant="(.*?)"(?:,outcome="(\w+)")?\} (\d+)$/;

export async function countersOf(gw, path = '/cigna/counters') {
  const reply = await gw.visitor().get(path);
  assert.equal(reply.status, 200, reply.body);

  const counters = {};
  for (const line of reply.body.trimEnd().split('\n')) {
    if (!line.startsWith('#')) {
      const [, name, tenant, outcome, n] = LINE.exec(line);
      counters[name] ??= {};
      counters[name][outcome ? `${tenant} ${outcome}` : tenant] = Number(n);
    }
  }
  return counters;
}
