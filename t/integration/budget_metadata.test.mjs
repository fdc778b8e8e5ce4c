// Metadata has a part of the budget of its own: strangers may ask for it, and
// take nothing of what members may ask for.  What is allowed comes once a day,
// so that it makes no difference how long a test takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const FLOOD = 60;
const DAY = 86400;
const OPEN = ['/fhir/metadata', '/fhir/.well-known/smart-configuration'];

const flood = (gw, n = FLOOD) => {
  const stranger = gw.visitor({ tenant: 'acme' });
  return Promise.all(Array.from({ length: n }, (_, i) =>
    stranger.get(OPEN[i % OPEN.length])));
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

test('a stranger floods metadata', async (t) => {
  const gw = await standardGateway(t, {
    names: ['acme'],
    nginx: { workers: 2 },
    http: '    cigna_budget rate=20r/d burst=20 delay=200ms;',
  });
  const alice = await connected(gw, { member: 'alice' });

  await t.test('ten of them leave at once, and the others are told why',
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

  await t.test('a member\'s 20 of 20 are served, and no more', async () => {
    const [, , last] = (await membersAre(gw, alice, 20, 22)).slice(-3);
    assertRefused(last, 429, 'budget_gateway',
                  { code: 'throttled', retry: true });
  });

  await t.test('members who have spent all leave metadata its part',
    async () => {
      await budget(gw, 'rate=20r/d burst=20 metadata=100000r/s');
      assert.equal(served(await flood(gw, 40)), 40);
      assertRefused(await alice.get('/fhir/Coverage'), 429, 'budget_gateway',
                    { code: 'throttled', retry: true });
    });

  await t.test('a dry run refuses none, and counts them', async () => {
    await budget(gw, 'rate=20r/d burst=20 metadata=1r/d dry_run');
    const before = await countersOf(gw);
    assert.equal(served(await flood(gw, 40)), 40);
    const after = await countersOf(gw);
    assert.ok(after.cigna_budget_dry_run_total.acme
      >= before.cigna_budget_dry_run_total.acme + 25);
  });
});

test('metadata while Redis cannot be asked', async (t) => {
  const gw = await standardGateway(t, {
    names: ['acme'],
    nginx: { workers: 1 },
    vault: { timeout: '500ms', connect_timeout: '300ms' },
    redisOptions: { config: { appendonly: 'yes' } },
    http: '    cigna_budget rate=1r/d burst=1 outage=local;',
  });
  await gw.redis.stop();

  await t.test('has the same part', async () => {
    assert.equal(served(await flood(gw)), 10);
    await budget(gw, 'rate=1r/d burst=1 outage=open');
    assert.equal(served(await flood(gw, 20)), 0);
  });

  await t.test('leaves not at all with outage=closed', async () => {
    await budget(gw, 'rate=1r/d burst=1 outage=closed metadata=1000r/s');
    const replies = await flood(gw, 20);
    assertRefused(replies.at(-1), 503, 'budget_unknown', { retry: true });
  });

  await t.test('is there again with Redis', async () => {
    await gw.redis.start();
    await until('it is served', async () =>
      (await flood(gw, 1))[0].status === 200, { every: 100 });
  });
});
