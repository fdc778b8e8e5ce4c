// Metadata has its own part of the budget.  Callers without identity may
// request metadata, but cannot use up the members' part.  The rates are daily,
// so the duration of a test does not matter.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { PROXIED } from '../lib/metadata.mjs';
import { until } from '../lib/scratch.mjs';

const FLOOD = 60;
const DAY = 86400;
const OPEN = ['/fhir/metadata', '/fhir/.well-known/smart-configuration'];

// Each request is charged, because the gateway keeps no replies to requests
// with the query PROXIED.

const flood = (gw, n = FLOOD) => {
  const stranger = gw.visitor({ tenant: 'acme' });
  return Promise.all(Array.from({ length: n }, (_, i) =>
    stranger.get(`${OPEN[i % OPEN.length]}${PROXIED}`)));
};
const served = (replies) =>
  replies.filter(({ status }) => status === 200).length;
const budget = (gw, line) => gw.reload({ http: `    cigna_budget ${line};` });

async function membersAre(gw, member, expected, n) {
  const replies = [];
  for (let i = 0; i < n; i += 1) {
    replies.push(await member.get('/fhir/Coverage'));
  }
  assert.equal(served(replies), expected);
  return replies;
}

test('a caller without identity floods metadata', async (t) => {
  const gw = await standardGateway(t, {
    names: ['acme'],
    nginx: { workers: 2 },
    http: '    cigna_budget rate=20r/d burst=20 delay=200ms;',
  });
  const alice = await connected(gw, { member: 'alice' });

  await t.test('ten metadata requests are sent, and the others get 429 '
    + 'budget_metadata',
    async () => {
      const replies = await flood(gw);
      assert.equal(served(replies), 10);
      for (const reply of replies.filter(({ status }) => status !== 200)) {
        assertRefused(reply, 429, 'budget_metadata',
                      { code: 'throttled', retry: true });
        const seconds = Number(reply.headers['retry-after']);
        assert.ok(seconds > DAY - 60 && seconds <= DAY, `${seconds}`);
      }
      const counters = await countersOf(gw);
      assert.equal(counters.cigna_budget_metadata_total.acme, FLOOD - 10);
    });

  await t.test('a member\'s 20 requests are all served, and the next one gets '
    + '429', async () => {
    const [, , last] = (await membersAre(gw, alice, 20, 22)).slice(-3);
    assertRefused(last, 429, 'budget_gateway',
                  { code: 'throttled', retry: true });
  });

  await t.test('metadata keeps its part after members have spent theirs',
    async () => {
      await budget(gw, 'rate=20r/d burst=20 metadata=100000r/s');
      assert.equal(served(await flood(gw, 40)), 40);
      assertRefused(await alice.get('/fhir/Coverage'), 429, 'budget_gateway',
                    { code: 'throttled', retry: true });
    });

  await t.test('a dry run serves all metadata requests and counts those over '
    + 'the budget', async () => {
    await budget(gw, 'rate=20r/d burst=20 metadata=1r/d dry_run');
    const before = await countersOf(gw);
    assert.equal(served(await flood(gw, 40)), 40);
    const after = await countersOf(gw);
    assert.ok(after.cigna_budget_dry_run_total.acme
      >= before.cigna_budget_dry_run_total.acme + 25);
  });
});

test('metadata while Redis is unreachable', async (t) => {
  const gw = await standardGateway(t, {
    names: ['acme'],
    nginx: { workers: 1 },
    vault: { timeout: '500ms', connect_timeout: '300ms' },
    redisOptions: { config: { appendonly: 'yes' } },
    http: '    cigna_budget rate=1r/d burst=1 outage=local;',
  });
  await gw.redis.stop();

  await t.test('outage=local and outage=open leave metadata the same '
    + 'part', async () => {
    assert.equal(served(await flood(gw)), 10);
    await budget(gw, 'rate=1r/d burst=1 outage=open');
    assert.equal(served(await flood(gw, 20)), 0);
  });

  await t.test('outage=closed refuses metadata with 503 '
    + 'budget_unknown', async () => {
    await budget(gw, 'rate=1r/d burst=1 outage=closed metadata=1000r/s');
    const replies = await flood(gw, 20);
    assertRefused(replies.at(-1), 503, 'budget_unknown', { retry: true });
  });

  await t.test('metadata is served again after Redis is back', async () => {
    await gw.redis.start();
    await until('metadata is served', async () =>
      (await flood(gw, 1))[0].status === 200, { every: 100 });
  });
});
