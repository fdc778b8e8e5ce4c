// The upstream's own limits: 429 and 503, with and without Retry-After.  A
// tenant's next pause is longer than its last, so each subtest has its own
// tenant.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BudgetFleet } from '../../scripts/lib/budgets/fleet.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { THROTTLED, twice } from '../lib/meter.mjs';
import { until } from '../lib/scratch.mjs';

// The gateway lengthens each pause by a random part, up to this factor.
const JITTER = 1.25;

test('the upstream answers 429 or 503', async (t) => {
  const fleet = await BudgetFleet.start(t, {
    names: ['acme', 'storm', 'all', 'none', 'date', 'past', 'soon', 'minus',
            'late', 'longer', 'idle', 'asctime', 'rfc850'],
    nodes: 2,
    workers: 1,
    budget: 'rate=1000r/s',
    gateway: {
      http: twice,
      locations: (meter) => meter.location('/twice/', {
        to: 'http://twice',
        lines: ['proxy_next_upstream http_429 http_503;'] }),
    },
  });
  const { meter } = fleet;

  // sends one request, and lets the upstream answer only this one with `answer`
  const told = async (tenant, answer, target) => {
    meter.answer({ tenant, ...answer });
    const reply = await fleet.ask(tenant, 0, target);
    meter.comply();
    return reply;
  };
  const retryAfter = ({ headers }) => Number(headers['retry-after']);
  const assertHeld = (reply, least, most) => {
    assertRefused(reply, 429, 'held_back', { code: 'throttled', retry: true });
    const seconds = retryAfter(reply);
    assert.ok(seconds >= least && seconds <= Math.ceil(most * JITTER),
              `Retry-After: ${seconds}`);
  };
  const back = (tenant) => until(`${tenant} is served again on all nodes`,
    async () => (await Promise.all(fleet.nodes.map((_, node) =>
      fleet.ask(tenant, node)))).every(({ status }) => status === 200),
    { timeout: 20000, every: 50 });
  // Returns three times of the tenant's pause in Redis: when its cause began,
  // when the pause began, and when the pause ends.
  const pauseOf = async (tenant) => {
    const value = await fleet.redis.command('HGET', 'cigna:b:{budget}',
                                            `h:${tenant}`);
    return value?.split(' ').slice(0, 3);
  };

  await t.test('the upstream\'s 429 passes unchanged and is told apart from '
    + 'the gateway\'s',
    async () => {
      const its = await told('acme', { status: 429, retryAfter: '30' });
      assert.deepEqual([its.status, its.body], [429, THROTTLED]);
      assert.equal(its.headers['retry-after'], '30');

      assertHeld(await fleet.ask('acme'), 1, 30);
      const [node] = fleet.nodes;
      await node.nginx.waitForAccessLog(/ 429 .* outcome=upstream_throttled/);
      await node.nginx.waitForAccessLog(/ 429 .* outcome=held_back/);

      const counters = await countersOf(node);
      assert.equal(counters.cigna_upstream_throttled_total.acme, 1);
      assert.equal(counters.cigna_pauses_total.acme, 1);
      assert.equal(counters.cigna_held_back_total.acme, 1);
    });

  await t.test('all nodes hold back the tenant, and no other tenant',
    async () => {
      await until('the other node knows of the pause', async () =>
        (await fleet.ask('acme', 1)).status === 429);
      const { length } = meter.arrivals;
      for (let node = 0; node < 2; node += 1) {
        assertHeld(await fleet.ask('acme', node), 1, 30);
        assert.equal((await fleet.ask('none', node)).status, 200);
      }
      assert.equal(meter.arrivals.length, length + 2);
    });

  await t.test('after one 429 nothing more is sent, neither for new requests '
    + 'nor for retries by nginx', async () => {
    const before = meter.arrivals.length;
    const its = await told('storm', { status: 429, retryAfter: '30' },
                           '/twice/');
    assert.deepEqual([its.status, its.body], [429, THROTTLED]);
    assert.equal(meter.arrivals.length, before + 1);

    const asked = await Promise.all(Array.from({ length: 50 }, () =>
      fleet.ask('storm', 0, '/twice/')));
    asked.forEach((reply) => assertHeld(reply, 1, 30));
    assert.equal(meter.arrivals.length, before + 1);
  });

  await t.test('a 503 without Retry-After holds back no tenant', async () => {
    const its = await told('none', { status: 503 });
    assert.equal(its.status, 503);
    assert.equal((await fleet.ask('none')).status, 200);
  });

  await t.test('Retry-After may be a date, also in the obsolete formats',
    async () => {
      const forms = {
        date: (date) => date,
        asctime: (date, { day, dd, month, yyyy, time }) =>
          `${day} ${month} ${dd.replace(/^0/, ' ')} ${time} ${yyyy}`,
        rfc850: (date, { dd, month, yyyy, time }) => {
          const name = new Intl.DateTimeFormat('en', {
            weekday: 'long', timeZone: 'UTC' }).format(new Date(date));
          return `${name}, ${dd}-${month}-${yyyy.slice(2)} ${time} GMT`;
        },
      };
      for (const [tenant, form] of Object.entries(forms)) {
        const date = new Date(Date.now() + 20000).toUTCString();
        const [day, dd, month, yyyy, time] = date.split(/,? /);
        await told(tenant, { status: 429, retryAfter: form(date, {
          day, dd, month, yyyy, time }) });
        assertHeld(await fleet.ask(tenant), 12, 20);
      }
    });

  await t.test('a Retry-After in the past or malformed counts as absent',
    async () => {
      for (const [tenant, value] of [
        ['past', 'Sun, 06 Nov 1994 08:49:37 GMT'], ['soon', 'soon'],
        ['minus', '-1'],
      ]) {
        await told(tenant, { status: 429, retryAfter: value });
        assertHeld(await fleet.ask(tenant), 1, 1);
      }
    });

  await t.test('a late 429 does not lengthen the pause', async () => {
    meter.answer({ tenant: 'late', status: 429, retryAfter: '20' });
    meter.answer({ tenant: 'late', url: /slow/, status: 429, delayMs: 500,
                   retryAfter: '10' });
    const late = [1, 2, 3].map(() => fleet.ask('late', 0, '/metered/slow/'));
    await until('the slow requests have arrived', () =>
      meter.arrivals.filter(({ url }) => url.includes('slow')).length === 3);
    await fleet.ask('late');
    const pause = await until('the pause is in Redis', () => pauseOf('late'));

    for (const reply of await Promise.all(late)) {
      assert.deepEqual([reply.status, reply.body], [429, THROTTLED]);
    }
    assert.deepEqual(await pauseOf('late'), pause);
    meter.comply();
  });

  await t.test('a late 429 that asks for longer lengthens the pause, to five '
    + 'minutes at most',
    async () => {
      meter.answer({ tenant: 'longer', status: 429, retryAfter: '20' });
      meter.answer({ tenant: 'longer', url: /slow/, status: 429, delayMs: 500,
                     retryAfter: '99999999' });
      const late = fleet.ask('longer', 0, '/metered/slow/');
      await until('the slow request has arrived', () =>
        meter.arrivals.some(({ url }) => url.includes('slow/longer')));
      await fleet.ask('longer');
      assertHeld(await fleet.ask('longer'), 10, 20);
      await late;
      meter.comply();
      assertHeld(await fleet.ask('longer'), 280, 300 / JITTER);
    });

  // This subtest comes last: after it all tenants return to their rates slowly.
  await t.test('a 503 with Retry-After holds back all tenants', async () => {
    const its = await told('all', { status: 503, retryAfter: '5' });
    assert.equal(its.status, 503);
    for (const tenant of ['all', 'none', 'idle']) {
      assertHeld(await fleet.ask(tenant), 1, 5);
    }
    await Promise.all(['all', 'none', 'idle'].map(back));
  });
});
