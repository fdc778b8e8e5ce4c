// Pauses that a FHIR server has asked for: their scope, their length, and the
// operator's ways to see and end them.  The clocks of Redis and nginx go
// forward together.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { BudgetFleet } from '../../scripts/lib/budgets/fleet.mjs';
import { clockOf } from '../lib/clock.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused } from '../lib/fhir.mjs';
import { until } from '../lib/scratch.mjs';

const KEY = 'cigna:b:{budget}';
const HOUR = '3600';
const NODES = [0, 1];
const ATTENTION = 3;

const originOf = (base) => new URL(base).origin;

// Starts a fleet in which acme and beta use one FHIR server, and globex
// another.
async function started(t, budget = 'rate=1000r/s') {
  const clocks = [clockOf(t), clockOf(t)];
  const fleet = await BudgetFleet.start(t, {
    names: ['acme', 'beta', 'globex'],
    nodes: NODES.length,
    workers: 2,
    budget,
    gateway: {
      nginx: { env: clocks[0].env },
      // a kept connection would close when the clock goes forward
      server: { keepalive_timeout: 0 },
      vault: { timeout: '500ms', connect_timeout: '300ms' },
      redisOptions: { acl: true, env: clocks[1].env,
                      config: { appendonly: 'yes' } },
    },
  });
  const base = fleet.nodes[0].sandbox.info.fhirBase;
  const other = base.replace('localhost', '127.0.0.1');
  assert.notEqual(other, base);
  for (const { options } of fleet.nodes) {
    options.tenants = { globex: { fhir_base: other } };
  }
  await fleet.setBudget(budget);
  await fleet.connect();

  const retryAfter = ({ headers }) => Number(headers['retry-after']);

  return {
    fleet,
    origin: originOf(base),
    other: originOf(other),
    retryAfter,
    // asks the node once; the FHIR server gives `answer` to this request only
    async told(tenant, answer, node = 0) {
      fleet.meter.answer({ tenant, ...answer });
      const reply = await fleet.ask(tenant, node);
      fleet.meter.comply();
      assert.equal(reply.status, answer.status);
    },
    async held(tenant, least, most, nodes = NODES) {
      for (const node of nodes) {
        const reply = await until(`${tenant} is held back at ${node}`,
          async () => {
            const one = await fleet.ask(tenant, node);
            return one.status === 429 && one;
          }, { timeout: 3000, every: 20 });
        assertRefused(reply, 429, 'held_back',
                      { code: 'throttled', retry: true });
        const seconds = retryAfter(reply);
        assert.ok(seconds >= least && seconds <= most, `${seconds}`);
      }
    },
    served: (tenant, timeout = 8000) => until(`${tenant} is served`,
      async () => (await Promise.all(NODES.map((node) =>
        fleet.ask(tenant, node)))).every(({ status }) => status === 200),
      { timeout, every: 100 }),
    async forward(seconds) {
      clocks[0].forwardTimers(seconds);
      clocks[1].forward(seconds);
      // a request makes a sleeping worker notice the new time
      await Promise.all([...Array(8).keys()].map((n) =>
        fleet.ask('globex', n % 2)));
    },
    async pauses(...args) {
      const { code, out, err } = await fleet.nodes[0].vault('pauses', '--json',
                                                            ...args);
      assert.equal(code, 0, err);
      return out.split('\n').filter(Boolean).map((one) => JSON.parse(one));
    },
    async end(...args) {
      const { code, out, err } = await fleet.nodes[0].vault('pauses', '--end',
                                                            ...args);
      assert.equal(code, 0, err);
      return out;
    },
  };
}

test('a FHIR server asks for a pause of an hour', async (t) => {
  const { fleet, origin, other, told, held, served, forward, pauses, end,
          retryAfter } = await started(t);

  await t.test('a pause does not affect tenants of another '
    + 'server', async () => {
    await told('acme', { status: 503, retryAfter: HOUR });
    await held('acme', 200, 300);
    await held('beta', 200, 300);
    for (let n = 0; n < 20; n += 1) {
      assert.equal((await fleet.ask('globex', n % 2)).status, 200);
    }
  });

  await t.test('scripts/vault pauses shows the pause', async () => {
    const [one, ...more] = await pauses();
    assert.deepEqual(more, []);
    assert.equal(one.origin, origin);
    assert.equal(one.tenant, null);
    assert.deepEqual([one.status, one.retry_after_s, one.asked_by],
                     [503, 3600, 'acme']);
    assert.equal(one.confirmed, false);
    assert.ok(one.until_ms - one.since_ms <= 300000);
    assert.ok(one.asked_until_ms - one.since_ms === 3600000);
    assert.ok(one.left_s > 0 && one.left_s <= 300);

    const { out } = await fleet.nodes[0].vault('pauses');
    assert.match(out, new RegExp(`^${origin} {2}all tenants {2}\\S+ to \\S+ {2}`
      + '503 with Retry-After: 3600 to acme {2}not confirmed, asked for until '
      + '20\\S+Z\n$'));
  });

  await t.test('the pause is counted by tenant and by origin', async () => {
    const counters = await countersOf(fleet.nodes[0]);
    assert.equal(counters.cigna_pauses_total.acme, 1);
    assert.deepEqual(counters.cigna_origin_pauses_total, { [origin]: 1 });
    const left = counters.cigna_origin_pause_seconds;
    assert.deepEqual(Object.keys(left), [origin]);
    assert.ok(left[origin] > 200 && left[origin] <= 300, left[origin]);
  });

  await t.test('the pause survives a reload and killed workers', async () => {
    await fleet.setBudget('rate=1000r/s delay=0ms');
    const { nginx } = fleet.nodes[0];
    for (const pid of nginx.workerPids()) {
      await nginx.killWorker(pid);
    }
    await held('beta', 100, 300);
    assert.equal((await fleet.ask('globex')).status, 200);
  });

  await t.test('a pause ends after five minutes', async () => {
    await forward(250);
    await held('beta', 1, 50);
    await forward(51);
    await served('acme');
    await served('beta');
    assert.deepEqual(await pauses(), []);
  });

  await t.test('a second reply confirms the pause for the whole '
    + 'hour', async () => {
    await told('beta', { status: 503, retryAfter: HOUR }, 1);
    await until('the confirmed pause is known', async () =>
      retryAfter(await fleet.ask('acme')) > 3000, { every: 100 });
    const [one] = await pauses();
    assert.deepEqual([one.confirmed, one.asked_by], [true, 'beta']);
    await forward(1000);
    await held('acme', 2000, 3500);
    assert.equal((await fleet.ask('globex')).status, 200);
  });

  await t.test('an operator ends the pause for all gateways', async () => {
    await sleep(1100);
    assert.match(await end(`${origin.toUpperCase().replace('HTTPS', 'https')
    }/any/path`), /^1 pause of https:.* ended/);
    assert.deepEqual(await pauses(), []);
    // the very first request is served
    assert.equal((await fleet.ask('beta', 1)).status, 200);
    await served('acme');
    await served('beta');
  });

  await t.test('a later reply starts a pause of five minutes again',
    async () => {
      await told('acme', { status: 503, retryAfter: HOUR });
      await held('beta', 200, 300);
      await end(origin);
      await served('beta');
    });

  await t.test('a tenant\'s own pause ends with those of its origin, or alone',
    async () => {
      await told('acme', { status: 429, retryAfter: HOUR });
      await told('globex', { status: 429, retryAfter: '60' });
      assert.deepEqual((await pauses()).map(({ tenant, status, origin: of }) =>
        [tenant, status, of]), [['acme', 429, origin],
                                ['globex', 429, other]]);
      await held('acme', 200, 300);
      assert.equal((await fleet.ask('beta')).status, 200);

      const wrong = await fleet.nodes[0].vault('pauses', '--end', origin,
                                               '--tenant', 'globex');
      assert.equal(wrong.code, 2);
      assert.ok(wrong.err.includes(`a pause at ${other}, not at ${origin}`),
                wrong.err);
      await held('globex', 1, 75);

      await end(other, '--tenant', 'globex');
      await served('globex');
      await held('acme', 200, 300);
      await end(origin);
      await served('acme');
    });
});

test('foreign pause records in Redis', async (t) => {
  const { fleet, origin, served, pauses, told, held } = await started(t);
  const node = fleet.nodes[0];

  await t.test('foreign records are reported, escaped and '
    + 'bounded', async () => {
    await told('acme', { status: 503, retryAfter: '90' });
    const bad = [
      ['o:\u001b[2Jx', '1 1 1 1 1'], ['h:a b', '1 2 9 0 0'],
      ['o:https://x', 'x'.repeat(100000)], ['h:', ''], ['h:y', '1 2 3'],
      ['h:z', '1 1 9 0 1 7 1 1 429 1 https://x z'],
      ['o:https://y', '1 1 9 0 1 1 1 1 503 1 https://z z'],
      ['h:w', '1 1 9 0 1 1 1 1 429 1 \u001b[31m z\n'],
      ['h:v', `${'9'.repeat(400)} 1 9 0 1`],
    ];
    for (const [field, value] of bad) {
      await node.redis.command('HSET', KEY, field, value);
    }
    const { code, out, err } = await node.vault('pauses');
    assert.equal(code, ATTENTION);
    assert.match(out, new RegExp(`^${origin} {2}all tenants .*\n$`));
    const lines = err.trim().split('\n');
    assert.equal(lines.length, bad.length, err);
    for (const line of lines) {
      assert.match(line, /^vault: not a pause: [\x20-\x7e]{1,180}$/);
    }

    for (let n = 0; n < 300; n += 1) {
      await node.redis.command('HSET', KEY, `h:many-${n}`, '\u0000');
    }
    const many = await node.vault('pauses');
    assert.ok(many.err.split('\n').length < 30);
    assert.match(many.err, /289 more$/m);
  });

  await t.test('an invalid origin is refused', async () => {
    for (const origin_ of ['x', 'ftp://x', 'https://', 'https://a b',
                           'https://u@x', 'https://x:y', '']) {
      const { code, err } = await node.vault('pauses', '--end', origin_);
      assert.equal(code, 2, origin_);
      assert.doesNotMatch(err, /Traceback/);
    }
    const { code } = await node.vault('pauses', '--tenant', 'acme');
    assert.equal(code, 2);
  });

  await t.test('foreign records hold back no tenant, and a pause among them '
    + 'can be ended',
    async () => {
      await held('beta', 1, 113);
      await node.redis.command('HSET', KEY, `o:${origin}`, 'nonsense 9 9');
      const { code } = await node.vault('pauses', '--end', origin);
      assert.equal(code, ATTENTION);
      await served('beta');
      await served('globex');
    });

  await t.test('records of older gateways are shown', async () => {
    await node.redis.command('DEL', KEY);
    const now = Date.now() * 1000;
    const entry = `${now} ${now} ${now + 3600e6} 0 ${now}`;
    await node.redis.command('HSET', KEY, 'a', entry, 'h:acme', entry);
    const found = await pauses();
    assert.deepEqual(found.map(({ origin: of, tenant, status }) =>
      [of, tenant, status]), [['*', null, null], [null, 'acme', null]]);

    // The older gateway's record "a" is a pause of all origins, which this
    // gateway ignores.
    await served('beta');
    await held('acme', 200, 300);
    await node.vault('pauses', '--end', '*');
    await node.vault('pauses', '--end', origin, '--tenant', 'acme');
    await served('acme');
    assert.deepEqual(await pauses(), []);
  });
});

for (const outage of ['local', 'open', 'closed']) {
  test(`pauses without Redis, outage=${outage}`, async (t) => {
    const { fleet, origin, told, held, served, forward, end } =
      await started(t, `rate=1000r/s outage=${outage}`);

    await t.test('a pause is kept by the node and for one origin', async () => {
      const stop = () => fleet.redis.stop();
      if (outage !== 'closed') {
        await stop();
      }
      await told('acme', { status: 503, retryAfter: HOUR });
      if (outage === 'closed') {
        await stop();
      }
      await held('beta', 200, 300, [0]);
      const reply = await fleet.ask('globex');
      assert.equal(reply.status, outage === 'closed' ? 503 : 200);
    });

    await t.test('the pause ends after five minutes', async () => {
      await forward(301);
      const whats = await until('the pause is over', async () => {
        const { what } = await fleet.ask('beta');
        return what !== 'held_back' && what;
      }, { timeout: 8000, every: 100 });
      assert.equal(whats, outage === 'closed' ? 'budget_unknown' : '200');
    });

    await t.test('an operator can end the pause once Redis is back',
      async () => {
        if (outage !== 'closed') {
          await told('acme', { status: 503, retryAfter: HOUR });
          await held('beta', 200, 4500, [0]);
          await sleep(1100);
        }
        await fleet.redis.start();
        await end(origin);
        await served('beta');
        await served('acme');
      });
  });
}
