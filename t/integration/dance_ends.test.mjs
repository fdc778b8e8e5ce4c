// Ends of dances: each dance has exactly one end, and one reference (the id
// that members see).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { endOf, forgetDances, keysOf, onlyDance, outcomeOf, titleOf,
         toCallback, toldApp } from '../lib/dance.mjs';
import { countersOf } from '../lib/counters.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const ID = /^[0-9A-HJKMNP-TV-Z]{12}$/;

// Each node looks for overdue dances about every ten seconds.
const UPKEEP = { timeout: 25000, every: 100 };

const referenceOf = (page) =>
  /Reference: <code>([^<]*)<\/code>/.exec(page.body)?.[1];

const LOCATIONS = `
  location = /counters { auth_request off; cigna_counters; }
`;

// Makes all open dances overdue: changes their times in the index, and field e
// of their records.  fields: more fields of the records, and their values
async function makeOverdue(gw, ...fields) {
  for (const key of await keysOf(gw, 'i')) {
    for (const entry of await gw.redis.command('ZRANGE', key, 0, -1)) {
      await gw.redis.command('ZADD', key, 1, entry);
    }
  }
  for (const key of await keysOf(gw, 'd')) {
    await gw.redis.command('HSET', key, 'e', 1, ...fields);
  }
}

// The counts of all hours and shards: { outcome: n }
async function countsOf(gw) {
  const counts = {};
  for (const key of await keysOf(gw, 'c')) {
    const fields = await gw.redis.command('HGETALL', key);
    for (let i = 0; i < fields.length; i += 2) {
      const outcome = fields[i].split(' ')[1];
      counts[outcome] = (counts[outcome] ?? 0) + Number(fields[i + 1]);
    }
  }
  return counts;
}

test('ends of dances', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 1 }, locations: LOCATIONS,
    tenant: { dances_per_member: 3, dances_per_second: 1000 },
  });
  const counters = async () => {
    const seen = await countersOf(gw, '/counters');
    return {
      started: seen.cigna_dances_started_total.acme,
      ended: seen.cigna_dances_ended_total.acme,
      of: (outcome) => seen.cigna_outcomes_total[`acme ${outcome}`],
    };
  };
  const begin = () => toCallback(gw, { member: 'alice' });
  const ended = (outcome, since) => until(`a dance has ended as ${outcome}`,
    () => new RegExp(`dance ended, outcome: ${outcome}, .*`)
      .exec(gw.nginx.errorLog().slice(since))?.[0], UPKEEP);

  // Starts a dance, changes it by `action`, and waits for its end.
  async function endedByUpkeep(outcome, action) {
    await forgetDances(gw);
    const before = await counters();
    const since = gw.nginx.errorLog().length;
    const dance = await begin();
    await action(await onlyDance(gw));
    const line = await ended(outcome, since);
    const after = await counters();

    assert.match(line, /tenant: acme, member: [\w-]{27}, dance: /);
    assert.match(/dance: (\S+),/.exec(line)[1], ID);
    assert.equal(after.started, before.started + 1);
    assert.equal(after.ended, before.ended + 1);
    assert.equal(after.of(outcome), before.of(outcome) + 1);
    assert.deepEqual(await keysOf(gw, 'i'), []);
    return { ...dance, id: /dance: (\S+),/.exec(line)[1] };
  }

  await t.test('a dance that nobody completes ends as abandoned, and a '
    + 'callback after that is not a second end', async () => {
    const { visitor, target, id } = await endedByUpkeep('abandoned',
      () => makeOverdue(gw));
    const before = await counters();
    const page = await visitor.get(target);
    assert.equal(page.status, 400);
    assert.equal(titleOf(page), 'This took too long');
    assert.equal(referenceOf(page), id);
    assert.equal((await counters()).ended, before.ended);
    await gw.nginx.waitForAccessLog(/ outcome=abandoned /);
  });

  await t.test('a dance whose worker did not end it ends as interrupted',
    () => endedByUpkeep('interrupted',
      () => makeOverdue(gw, 't', 1, 'k', 'taker')));

  await t.test('a dance whose record is gone ends as lost',
    () => endedByUpkeep('lost', async (key) => {
      await makeOverdue(gw);
      await gw.redis.command('DEL', key);
    }));

  await t.test('a dance that another version has ended is counted in Redis '
    + 'only', async () => {
    await forgetDances(gw);
    const { denied = 0 } = await countsOf(gw);
    const before = await counters();
    await begin();
    await makeOverdue(gw, 'o', 'denied');
    await until('the dance is counted', async () =>
      (await countsOf(gw)).denied === denied + 1, UPKEEP);
    assert.equal((await counters()).ended, before.ended);
  });

  await t.test('every dance that started has ended once', async () => {
    await forgetDances(gw);
    const before = await counters();
    const vault = await countsOf(gw);
    const { visitor, target } = await begin();
    await visitor.get(target);
    await visitor.get(target);
    await gw.dance({ member: 'bob', cancel: 'login' });
    const after = await counters();
    assert.equal(after.started, before.started + 2);
    assert.equal(after.ended, before.ended + 2);
    const now = await countsOf(gw);
    assert.equal(now.connected, (vault.connected ?? 0) + 1);
    assert.equal(now.denied, vault.denied + 1);
  });

  await t.test('a story has a line for each step, without names or codes',
    async () => {
      await forgetDances(gw);
      const { visitor, target } = await begin();
      await visitor.get(target);
      const story = await gw.redis.command('HGET', await onlyDance(gw), 'y');
      const lines = story.trimEnd().split('\n');
      assert.match(lines[0], /^\d{13} started node=\S+ request=\S+$/);
      assert.match(lines[1],
                   /^\d{13} returned node=\S+ request=\S+ record=taken$/);
      assert.match(lines[2], new RegExp('^\\d{13} ended node=\\S+ request=\\S+ '
        + 'outcome=connected status=200( exchange_ms=\\d+)?$'));
      assert.equal(lines.length, 3);
    });

  await t.test('redirect, log and access log have the same reference',
    async () => {
      const { visitor, target } = await begin();
      const reply = await visitor.get(target);
      const { cigna_dance: id } = toldApp(reply);
      assert.match(id, ID);
      assert.match(endOf(gw, id), /outcome: connected/);
      assert.match(gw.nginx.errorLog(),
                   new RegExp(`dance started, .*dance: ${id},`));
      await gw.nginx.waitForAccessLog(new RegExp(`dance=${id}`));
    });

  await t.test('a page about a dance that is not known has a reference',
    async () => {
      const { visitor, target } = await begin();
      const url = target.replace(/state=.{32}/, `state=${'A'.repeat(32)}`);
      const page = await visitor.get(url);
      assert.equal(titleOf(page), 'This page is out of date');
      const id = referenceOf(page);
      assert.match(id, ID);
      assert.match(endOf(gw, id), /outcome: state_unknown, /);
      await gw.nginx.waitForAccessLog(new RegExp(`dance=${id}`));
    });

  await t.test('a request that starts no dance has a reference and does not '
    + 'count as started', async () => {
    const before = await counters();
    for (const [target, options, outcome] of [
      ['/cigna/connect?return_to=https://evil.example/', {},
       'return_to_refused'],
      ['/cigna/connect', { headers: { 'Sec-Purpose': 'prefetch' } },
       'not_navigable'],
    ]) {
      const page = await gw.visitor({ member: 'alice' }).get(target, options);
      const id = referenceOf(page);
      assert.match(id, ID, outcome);
      assert.match(endOf(gw, id), new RegExp(`outcome: ${outcome}, `));
    }
    const after = await counters();
    assert.equal(after.started, before.started);
    assert.equal(after.ended, before.ended);
  });

  await t.test('a state begins like the id of its dance, and is not in Redis',
    async () => {
      await forgetDances(gw);
      const { url } = await begin();
      const state = url.searchParams.get('state');
      const key = await onlyDance(gw);
      const id = await gw.redis.command('HGET', key, 'd');
      assert.match(id, ID);
      assert.equal(state.slice(0, 8), id.slice(0, 8));
      assert.equal(state.length, 32);
      assert.ok(!JSON.stringify(await gw.redis.dump()).includes(state));
    });

  await t.test('no story is kept if "stories" is 0', async () => {
    await gw.reload({ vault: { stories: 0 } });
    await forgetDances(gw);
    await begin();
    const key = await onlyDance(gw);
    assert.equal(await gw.redis.command('HGET', key, 'y'), null);
    assert.ok(await gw.redis.command('PTTL', key) <= 1800000);
    await gw.reload({});
  });
});

test('an app that is down at the callback', async (t) => {
  const gw = await standardGateway(t, {
    locations: `
      location = /down { internal; proxy_pass http://127.0.0.1:1; }
      location = /cigna/callback/down { auth_request /down; cigna_callback; }
    `,
  });
  const { visitor, target, url } = await toCallback(gw, { member: 'alice' });
  const page = await visitor.get(`/cigna/callback/down${url.search}`);
  assert.equal(page.status, 503);
  assert.equal(titleOf(page), 'The app cannot be reached');
  const id = referenceOf(page);
  assert.match(id, ID);
  assert.match(page.headers['cache-control'], /no-store/);
  assert.match(endOf(gw, id), /outcome: app_unreachable, tenant: acme/);
  await gw.nginx.waitForAccessLog(/ outcome=app_unreachable /);

  // the refused request did not take the dance, so a later one can end it
  assert.equal(outcomeOf(await visitor.get(target)), 'connected');
});
