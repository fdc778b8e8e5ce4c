// Many at once: members who dance, requests that share an expired token, and
// workers that start and exit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { HttpClient } from '../lib/client.mjs';
import { titleOf } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

const counted = (list) => {
  const counts = {};
  for (const one of list) {
    counts[one] = (counts[one] ?? 0) + 1;
  }
  return counts;
};

// Connects a member, and waits until the access token has expired.  Refreshed
// tokens live for an hour.
async function connectAndExpire(gw, member, username) {
  await gw.sandbox.control.set({ access_token_lifetime: 2 });
  const { outcome, visitor } = await gw.dance({ member, username });
  assert.equal(outcome, 'connected');
  await gw.sandbox.control.set({ access_token_lifetime: 3600 });
  await sleep(2100);
  return visitor;
}

async function refreshes(gw) {
  const { token } = await gw.sandbox.control.see();
  return token.by.refresh_token ?? {};
}

test('a fleet of requests', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 2 } });

  await t.test('1,000 requests for one expired token lead to one token request '
    + 'and all get 200', async () => {
    const visitor = await connectAndExpire(gw, 'alice', 'syntheticuser05');
    const before = (await refreshes(gw)).ok ?? 0;

    const replies = await Promise.all(
      times(1000, () => visitor.get('/fhir/Coverage')));

    assert.deepEqual(counted(replies.map(({ status }) => status)),
                     { 200: 1000 });
    assert.deepEqual(await refreshes(gw), { ok: before + 1 });
  });

  await t.test('a client that leaves does not stop its refresh',
    async () => {
      const visitor = await connectAndExpire(gw, 'bob', 'syntheticuser03');
      const before = (await refreshes(gw)).ok ?? 0;

      await gw.sandbox.control.set({ token_delay_ms: 500 });
      const leaving = new AbortController();
      const left = visitor.get('/fhir/Coverage', { signal: leaving.signal });
      await sleep(200);
      leaving.abort();
      await assert.rejects(left);
      await sleep(700);
      await gw.sandbox.control.set({ token_delay_ms: 0 });

      assert.deepEqual(await refreshes(gw), { ok: before + 1 });
      const { status } = await visitor.get('/fhir/Coverage');
      assert.equal(status, 200);
      assert.deepEqual(await refreshes(gw), { ok: before + 1 });
    });
});

test('a fleet of dances', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    sandboxOptions: { members: 500 },
    tenant: { dances_per_second: 1000 },
  });

  await t.test('500 members of two tenants dance at once, and each then reads '
    + 'only their own data', async () => {
    const username = (i) =>
      `syntheticuser${String(i + 1).padStart(4, '0')}`;
    const member = (i) => `A${String(10001 + i).padStart(14, '0')}`;

    const dances = await Promise.all(times(500, (i) => gw.dance({
      tenant: i % 2 ? 'acme' : 'globex',
      member: `member-${i >> 1}`,            // each name in both tenants
      username: username(i),
    })));
    assert.deepEqual(counted(dances.map(({ outcome, response }) =>
      outcome ?? `${response.status} ${titleOf(response)}`)),
                     { connected: 500 });

    const masters = await Promise.all(dances.map(async ({ visitor }) => {
      const reply = await visitor.get('/fhir/Patient');
      return reply.json().entry.map(({ resource }) => resource.id);
    }));
    masters.forEach((ids, i) => assert.ok(ids.includes(member(i)), `${ids}`));
  });
});

// Sends requests one after another until stop() is called, and records the
// result of each.  Each request has its own connection, because nginx may close
// an idle one at any time.
function keepAsking(visitor, path) {
  let stopped = false;
  const outcomes = [];
  visitor.client.close();
  visitor.client = new HttpClient({ ca: visitor.gateway.caText,
                                    jar: visitor.jar, keepAlive: false });

  const done = (async () => {
    while (!stopped) {
      try {
        outcomes.push((await visitor.get(path)).status);
      } catch (error) {
        outcomes.push(error.code ?? error.message);
      }
    }
    return outcomes;
  })();

  return { outcomes, stop: () => { stopped = true; return done; } };
}

test('workers come and go under load', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenant: { connect_timeout: '1s', timeout: '2s' },
  });
  const { visitor } = await gw.dance({ member: 'alice' });

  // starts n clients that send requests; returns a function that stops them and
  // returns all results
  const load = async (n) => {
    const asking = times(n, () => {
      const one = gw.visitor({ member: 'alice' });
      return keepAsking(one, '/fhir/Coverage');
    });
    await until('requests are served', () =>
      asking.every(({ outcomes }) => outcomes.length > 3));
    return async () => (await Promise.all(asking.map((a) => a.stop()))).flat();
  };

  await t.test('a reload loses no request', async () => {
    const stop = await load(8);
    await gw.reload({});
    await sleep(300);
    await gw.reload({ tenant: { refresh_ahead: '30s' } });
    await sleep(300);

    assert.deepEqual(Object.keys(counted(await stop())), ['200']);
  });

  await t.test('a cached token survives a reload', async () => {
    assert.equal((await visitor.get('/fhir/Coverage')).status, 200);
    await gw.reload({});
    await gw.redis.freeze();
    assert.equal((await visitor.get('/fhir/Coverage')).status, 200);
    await gw.redis.thaw();
  });

  await t.test('a worker killed under load affects neither other workers nor '
    + 'its successor', async () => {
    const stop = await load(8);
    await gw.nginx.killWorker();
    await sleep(700);
    const outcomes = counted(await stop());

    // connections of the killed worker are cut, and all other requests get 200
    const { 200: served, ...cut } = outcomes;
    assert.ok(served > 32, JSON.stringify(outcomes));
    for (const [what, count] of Object.entries(cut)) {
      assert.match(what, /ECONNRESET|socket hang up|EPIPE/);
      assert.ok(count <= 8, JSON.stringify(outcomes));
    }

    assert.equal((await visitor.get('/fhir/Coverage')).status, 200);
  });

  await t.test('a worker killed during a refresh does not disconnect the '
    + 'member', async () => {
    const late = await connectAndExpire(gw, 'carol', 'syntheticuser07');
    await gw.sandbox.control.set({ token_delay_ms: 400 });
    const asked = late.get('/fhir/Coverage').catch(() => null);
    await sleep(150);
    await gw.nginx.killWorker();
    await gw.nginx.killWorker();
    await asked;
    await gw.sandbox.control.set({ token_delay_ms: 0 });

    // the dead worker's mark stands until its deadline; until then the member
    // may get 503, but never not_connected
    const { status } = await late.get('/fhir/Coverage');
    assert.ok([200, 503].includes(status), `${status}`);
  });

  await t.test('a graceful stop under load finishes the requests under '
    + 'way', async () => {
    const stop = await load(8);
    await gw.nginx.stop('SIGQUIT');
    const { 200: served, ...cut } = counted(await stop());

    assert.ok(served >= 32);
    for (const what of Object.keys(cut)) {
      assert.match(what, /ECONNRESET|ECONNREFUSED|socket hang up|EPIPE/);
    }
    await gw.nginx.start();
  });
});
