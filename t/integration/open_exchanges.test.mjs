// Exchanges with late replies.  They outlast their requests, reloads and pages,
// and their number is bounded.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { endOf, titleOf, toCallback, toldApp } from '../lib/dance.mjs';
import { assertRefused, assertServed, expired, grantKeys, refreshCount,
         refreshes } from '../lib/fhir.mjs';
import { countersOf } from '../lib/counters.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { isRunning } from '../lib/process.mjs';
import { until } from '../lib/scratch.mjs';

// A caller gives up after two seconds, and an exchange after thirty.
const LATE = { connect_timeout: '1s', timeout: '1s', exchange_timeout: '30s' };

const ask = (visitor) => visitor.get('/fhir/Coverage');

const underWay = (gw, n = 1) =>
  until(`${n} exchanges are under way`, async () =>
    (await gw.sandbox.control.see()).token.in_flight === n);

const over = (gw) =>
  until('no exchange is under way', async () =>
    (await gw.sandbox.control.see()).token.in_flight === 0,
        { timeout: 30000 });

// Tests that mostly wait, so several run at a time.
const WAITING = [];
const waiting = (name, run) => WAITING.push([name, run]);

waiting('a late reply', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, tenant: LATE, sandboxOptions: { members: 30 },
  });
  const { control } = gw.sandbox;
  const [alice, bob, carol] = await expired(gw, 'alice', 'bob', 'carol');

  await t.test('a request gives up at its own time-out, and the late reply is '
    + 'stored', async () => {
    await control.set({ token_delay_ms: 6000 });
    const began = Date.now();
    const reply = await ask(alice);
    const waited = Date.now() - began;

    assertRefused(reply, 503, 'refresh_late', { code: 'timeout', retry: true });
    assert.ok(waited > 1900 && waited < 5000, `${waited} ms`);
    await over(gw);
    await control.set({ token_delay_ms: 0 });
    await until('alice is served', async () =>
      (await ask(alice)).status === 200);
    assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 1 });
  });

  await t.test('a second request waits for the same exchange',
    async () => {
      await control.set({ token_delay_ms: 4000 });
      const before = await refreshCount(gw);
      const first = ask(bob);
      await underWay(gw);
      assert.equal((await first).status, 503);
      await until('bob is served', async () => (await ask(bob)).status === 200,
                  { timeout: 20000 });
      assert.equal(await refreshCount(gw), before + 1);
    });

  await t.test('a late reply is stored although Redis was frozen when it '
    + 'came', async () => {
    await control.set({ token_delay_ms: 4000 });
    const before = await refreshCount(gw);
    const asked = ask(carol);
    await underWay(gw);
    assert.equal((await asked).status, 503);
    gw.redis.freeze();
    await over(gw);
    gw.redis.thaw();
    await control.set({ token_delay_ms: 0 });
    await until('carol is served', async () =>
      (await ask(carol)).status === 200, { timeout: 20000 });
    assert.equal(await refreshCount(gw), before + 1);
  });
});

waiting('waiting for token_requests does not shorten an '
  + 'exchange', async (t) => {
  const gw = await standardGateway(t, {
    sandboxOptions: { members: 30 },
    tenant: { ...LATE, timeout: '6s', exchange_timeout: '6s',
              token_requests: 1 },
  });
  const { control } = gw.sandbox;
  const visitors = await expired(gw, 'a', 'b', 'c');

  // the last refresh waits two seconds, and its reply takes five more
  await control.set({ token_delay_ms: 5000 });
  await Promise.all(visitors.map(ask));
  await over(gw);
  await control.set({ token_delay_ms: 0 });
  for (const visitor of visitors) {
    assertServed(await ask(visitor));
  }
  assert.deepEqual(await refreshes(gw, 'acme-client'), { ok: 3 });
});

waiting('requests to other endpoints of the provider end at the setting '
  + 'timeout', async (t) => {
  const gw = await standardGateway(t, { tenant: LATE });
  const { control } = gw.sandbox;
  await control.set({ jwks_fault: 'hang' });

  const began = Date.now();
  const { outcome } = await gw.dance({ member: 'alice' });
  assert.equal(outcome, 'keys_unreachable');
  assert.ok(Date.now() - began < 8000, `${Date.now() - began} ms`);
});

// One token endpoint may use 16 of 64 connections, two of them for dances only.
const CONNECTIONS = 64;
const QUARTER = 16;
const REFRESHES = 14;

const names = (n, of = 'member') =>
  Array.from({ length: n }, (_, i) => `${of}-${i}`);

const bounded = async (gw) =>
  (await countersOf(gw)).cigna_exchanges_bounded_total;

test('the number of open exchanges is bounded', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { connections: CONNECTIONS }, server: { keepalive_timeout: '0' },
    sandboxOptions: { members: 30 },
    tenant: { ...LATE, exchange_timeout: '8s', dances_per_second: 1000,
              dances_per_member: 100 },
  });
  const { control } = gw.sandbox;
  const [late, ...visitors] = await expired(gw, ...names(REFRESHES + 1));
  const served = await gw.dance({ member: 'served' });
  const callbacks = await Promise.all(names(QUARTER - REFRESHES + 1, 'dancer')
    .map((member) => toCallback(gw, { member })));
  const another = await toCallback(gw, { tenant: 'globex', member: 'other' });
  const ask503 = async (visitor) => {
    assert.equal((await ask(visitor)).status, 503);
  };

  await t.test('hanging refreshes use up their share of the connections',
    async () => {
      await control.set({ token_delay_ms: 7000 });
      await control.set({ access_token_lifetime: 1 }, 'acme-client');
      const asked = visitors.map(ask503);
      await underWay(gw, REFRESHES);
      await Promise.all(asked);
    });

  await t.test('a refresh beyond the share gets 503 at once', async () => {
    const began = Date.now();
    const reply = await ask(late);
    assertRefused(reply, 503, 'refresh_paused',
                  { code: 'transient', retry: true });
    assert.ok(Date.now() - began < 900, `${Date.now() - began} ms`);
    assert.deepEqual(await bounded(gw), { acme: 1, globex: 0 });
    assert.equal((await control.see()).token.in_flight, REFRESHES);
  });

  await t.test('a valid token keeps serving', async () => {
    assertServed(await ask(served.visitor));
  });

  await t.test('dances use the rest, and one more dance of any tenant ends '
    + 'without sending its code', async () => {
    const asked = callbacks.slice(1).map(({ visitor, target }) =>
      visitor.get(target));
    await underWay(gw, QUARTER);
    for (const { visitor, target } of [callbacks[0], another]) {
      const { cigna, cigna_dance: id } = toldApp(await visitor.get(target));
      assert.equal(cigna, 'exchange_unreachable');
      assert.match(endOf(gw, id), /the token endpoint cannot be reached/);
    }
    // each dance tries three times to begin its exchange
    assert.deepEqual(await bounded(gw), { acme: 4, globex: 3 });
    assert.equal((await control.see()).token.in_flight, QUARTER);
    for (const reply of await Promise.all(asked)) {
      assert.equal(toldApp(reply).cigna, 'connected');
    }
  });

  await t.test('the bound is logged once', () => {
    const said = gw.nginx.errorLog().match(
      /\[warn\].*a refresh of "acme" does not begin, as 14 exchanges .*/g);
    assert.equal(said?.length, 1);
  });

  await t.test('an exchange gives up its place when it ends, whatever its '
    + 'outcome', async () => {
    await over(gw);
    await control.set({ token_delay_ms: 0 });
    const before = await bounded(gw);
    for (const visitor of visitors) {
      await until('the member is served', async () =>
        (await ask(visitor)).status === 200);
    }
    // a fault that ends no grant, and then replies with tokens
    for (const modes of [{ token_fault: '500' }, { token_fault: 'none' }]) {
      await control.set(modes);
      await sleep(1100);
      await Promise.all(visitors.map(ask));
      await sleep(3500);
    }
    await Promise.all(visitors.map((visitor) =>
      until('the member is served', async () =>
        (await ask(visitor)).status === 200, { timeout: 30000, every: 300 })));
    await sleep(1100);
    await control.set({ token_delay_ms: 5000 });
    const asked = visitors.map(ask503);
    await underWay(gw, REFRESHES);
    await Promise.all(asked);
    await over(gw);
    assert.deepEqual(await bounded(gw), before);
  });
});

// The time until the token endpoint replies: longer than a caller waits, and
// longer than a lease.
const LONG_MS = 16000;

const gone = (pids) =>
  until('the old workers are gone', () => !pids.some(isRunning),
        { timeout: 60000, every: 100 });

// Opens the exchanges of a refresh and of a dance.  Returns the two visitors
// `alice` and `dancer`, and `told`, a promise of the reply to the dancer.
async function twoOpen(gw) {
  const [alice] = await expired(gw, 'alice');
  const { visitor: dancer, target } = await toCallback(gw, {
    member: 'dancer' });
  await gw.sandbox.control.set({ token_delay_ms: LONG_MS });
  const told = dancer.get(target).catch(({ code, message }) =>
    ({ failed: code ?? message }));
  assertRefused(await ask(alice), 503, 'refresh_late',
                { code: 'timeout', retry: true });
  await underWay(gw, 2);
  return { alice, dancer, told };
}

// Asserts that both grants are stored, and that neither exchange was repeated.
async function assertStored(gw, { alice, dancer }) {
  await gw.sandbox.control.set({ token_delay_ms: 0 });
  for (const visitor of [alice, dancer]) {
    const reply = await until('the member is served', async () => {
      const one = await ask(visitor);
      return one.status !== 503 && one;
    }, { timeout: 20000 });
    assertServed(reply);
  }
  const { token } = await gw.sandbox.control.see();
  assert.deepEqual(token.by.refresh_token, { ok: 1 });
}

const ENDS = {
  'a reload': {
    act: (gw) => gw.nginx.reload({}, { wait: false }),
  },
  'a reload with a short worker_shutdown_timeout': {
    nginx: { main: 'worker_shutdown_timeout 2s;' },
    act: (gw) => gw.nginx.reload({}, { wait: false }),
  },
  'a reload and a restart of Redis': {
    redisOptions: { config: { appendonly: 'yes', appendfsync: 'always' } },
    act: async (gw) => {
      await gw.nginx.reload({}, { wait: false });
      await gw.redis.stop();
      await gw.redis.start();
    },
  },
  'a graceful stop': {
    act: (gw) => { gw.nginx.server.signal('SIGQUIT'); },
    after: (gw) => gw.nginx.server.exited,
    again: true,
  },
};

async function assertKept(t, { act, after, again, nginx, redisOptions }) {
  const gw = await standardGateway(t, {
    nginx: { workers: 2, ...nginx }, redisOptions, tenant: LATE,
  });
  const open = await twoOpen(gw);
  const old = gw.nginx.workerPids();
  const began = Date.now();

  await act(gw);
  await gone(old);
  t.diagnostic(`the old workers left after ${Date.now() - began} ms`);
  await after?.(gw);
  await open.told;
  if (again) {
    await gw.nginx.start();
  }
  await assertStored(gw, open);
}

for (const [name, end] of Object.entries(ENDS)) {
  waiting(`${name} loses no open exchange`, (t) => assertKept(t, end));
}

waiting('a fast stop with open exchanges', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 1 }, tenant: LATE,
  });
  const { alice, told } = await twoOpen(gw);
  const count = async () =>
    (await countersOf(gw)).cigna_exchanges_abandoned_total;

  assert.deepEqual(await count(), { acme: 0, globex: 0 });
  const [old] = gw.nginx.workerPids();
  process.kill(old, 'SIGTERM');
  await gone([old]);
  await told;

  await t.test('the marks of the open exchanges stay', async () => {
    const marks = await Promise.all((await grantKeys(gw)).map((key) =>
      gw.redis.command('HGET', key, 'm')));
    assert.equal(marks.filter(Boolean).length, 1);
  });

  await t.test('the open exchanges are logged and counted', async () => {
    const [line, ...more] = gw.nginx.errorLog().match(
      /\[warn\].*the worker ends with 2 exchanges open.*/g);
    assert.ok(line);
    assert.equal(more.length, 0);
    await until('a new worker answers', async () => {
      const { acme } = await count().catch(() => ({}));
      return acme === 2;
    });
  });

  await t.test('the refresh token is not sent again while the outcome is '
    + 'unknown', async () => {
    const before = await refreshCount(gw);
    assert.equal((await ask(alice)).status, 503);
    assert.equal(await refreshCount(gw), before);
  });
});

const SLOW = 'Cigna is slow';

// Returns the target of the page's refresh, and the seconds until the refresh.
function goesOnTo(reply, from) {
  const [, seconds, to] =
    /<meta http-equiv="refresh" content="(\d+); url=(.*?)">/.exec(reply.body);
  const [, link] = /<a class="do" href="(.*?)">/.exec(reply.body);
  assert.equal(link, to);

  const url = new URL(to.replaceAll('&amp;', '&'), new URL(from, 'https://x/'));
  return { seconds: Number(seconds), target: url.pathname + url.search };
}

waiting('a dance with a slow exchange', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, tenant: LATE, listen: 'reuseport',
  });
  const another = await standardGateway(t, {
    redis: gw.redis, sandbox: gw.sandbox, tenant: {
      ...LATE, trusted_certificate: gw.sandbox.info.caFile,
      redirect_uri: gw.url('acme', '/cigna/callback'),
    },
    keys: readFileSync(gw.file('keys'), 'utf8'),
  });
  const { control } = gw.sandbox;
  const { visitor, url, target } = await toCallback(gw, { member: 'alice' });
  const elsewhere = another.visitor({ member: 'alice' });
  for (const { name, value } of visitor.danceCookies()) {
    elsewhere.jar.store(new URL(another.url('acme')),
                        [`${name}=${value}; Path=/; Secure`]);
  }
  const spent = async () => (await control.see()).token.requests;
  const slow = async (who) => {
    const began = Date.now();
    const reply = await who.get(target);
    const ms = Date.now() - began;
    assert.ok(ms > 9500 && ms < 15000, `${ms} ms`);
    assert.equal(reply.status, 200);
    assert.equal(titleOf(reply), SLOW);
    assert.equal(reply.headers['cache-control'], 'no-store, private');
    assert.equal(reply.headers['referrer-policy'], 'no-referrer');
    assert.deepEqual(goesOnTo(reply, target), { seconds: 5, target });
    return /Reference: <code>([\w-]+)</.exec(reply.body)[1];
  };
  let reference;

  await t.test('a member reads after ten seconds that Cigna is slow, and the '
    + 'page reloads itself', async () => {
    await control.set({ token_delay_ms: 26000 });
    reference = await slow(visitor);
    assert.equal(await spent(), 1);
  });

  await t.test('other workers and hosts, also after a reload, show the same '
    + 'page',
    async () => {
      await gw.nginx.reload({}, { wait: false });
      gw.dropIdle();
      const seen = await Promise.all([visitor, visitor, elsewhere].map(slow));
      assert.deepEqual(seen, [reference, reference, reference]);
      assert.equal(await spent(), 1);
    });

  await t.test('all browsers see the outcome in the end', async () => {
    const seen = [visitor, elsewhere].map((who) => who.get(target));
    for (const reply of await Promise.all(seen)) {
      const { cigna, cigna_dance: id } = toldApp(reply);
      assert.equal(cigna, 'connected');
      assert.equal(id, reference);
    }
    assert.equal(await spent(), 1);
    assertServed(await ask(visitor));
    assert.match(endOf(gw, reference), /outcome: connected/);
  });

  await t.test('code and state are in no log', () => {
    for (const { nginx } of [gw, another]) {
      for (const name of ['code', 'state']) {
        const value = url.searchParams.get(name);
        assert.ok(!nginx.errorLog().includes(value), name);
        assert.ok(!nginx.accessLog().includes(value), name);
      }
    }
    assert.ok(gw.nginx.accessLog().includes('outcome=in_progress'));
  });
});

test('late replies', { concurrency: 3 }, (t) =>
  Promise.all(WAITING.map(([name, run]) => t.test(name, run))));
