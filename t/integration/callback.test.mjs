// Tests of the callback: only the browser and the member that started a dance
// can end it, and a dance ends once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CALLBACK, addedTo, endOf, forgetDances, onlyDance, outcomeOf, queryOf,
         titleOf, toCallback, toldApp, tokenRequests } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const OTHERS = 'Please continue where you started';

test('callback', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenant: { timeout: '2s', exchange_timeout: '2s', dances_per_member: 100,
              dances_per_second: 1000 },
  });
  const { control } = gw.sandbox;

  // Runs `action` and returns how many token requests it caused.
  async function exchanges(action) {
    const before = await tokenRequests(gw);
    await action();
    return await tokenRequests(gw) - before;
  }

  // Deletes all dances in Redis, and starts one that waits for its callback.
  async function begin(options) {
    await forgetDances(gw);
    return toCallback(gw, options);
  }

  // Asserts that the dance is unchanged, and ends well now.
  async function assertUntouched({ visitor, target }) {
    const dance = await gw.redis.command('HGETALL', await onlyDance(gw));
    assert.ok(!dance.includes('t') && !dance.includes('o'), `${dance}`);
    assert.equal(outcomeOf(await visitor.get(target)), 'connected');
  }

  await t.test('a callback answers 303 with outcome and dance id, no-referrer '
    + 'and no-store', async () => {
    const { visitor, target } = await begin();
    const reply = await visitor.get(target);

    const { cigna, cigna_dance: id } = toldApp(reply);
    assert.equal(cigna, 'connected');
    assert.match(id, /^[\w-]{12}$/);
    assert.equal(reply.headers['referrer-policy'], 'no-referrer');
    assert.match(reply.headers['cache-control'], /\bno-store\b/);
    assert.deepEqual(Object.keys(queryOf(reply.location)),
                     ['cigna', 'cigna_dance']);
  });

  await t.test('one request id links the log lines of a dance', async () => {
    const { visitor, target } = await begin();
    const { cigna_dance: id } = toldApp(await visitor.get(target));

    const end = endOf(gw, id);
    assert.match(end, /\[notice\].*outcome: connected, tenant: acme, member: /);
    const [, request] = /request: ([0-9a-f]{32})$/.exec(end);
    await gw.nginx.waitForAccessLog(new RegExp(
      `GET ${CALLBACK}.* outcome=connected .*dance=${id} request=${request}`));
    const [, member] = /member: ([\w-]{27}),/.exec(end);
    assert.match(gw.nginx.errorLog(), new RegExp(
      `dance started, tenant: acme, member: ${member}, dance: ${id}, `));
  });

  for (const method of ['HEAD', 'POST', 'PUT', 'DELETE']) {
    await t.test(`${method} gets 405 and changes nothing`, async () => {
      const dance = await begin();
      const reply = await dance.visitor.request(dance.target, { method });
      assert.equal(reply.status, 405);
      assert.equal(reply.headers.allow, 'GET');
      await assertUntouched(dance);
    });
  }

  await t.test('a prefetch gets 204 and changes nothing', async () => {
    const dance = await begin();
    for (const value of ['prefetch', 'prefetch;prerender',
                         'prefetch;anonymous-client-ip']) {
      const { status, location } = await dance.visitor.get(dance.target, {
        headers: { 'Sec-Purpose': value } });
      assert.equal(status, 204);
      assert.equal(location, undefined);
    }
    await assertUntouched(dance);
  });

  for (const name of ['state', 'code', 'iss', 'error']) {
    await t.test(`a callback with ${name} twice is refused and changes nothing`,
      async () => {
        const dance = await begin();
        const twice = [`${dance.target}&${name}=x&${name}=x`,
                       `${dance.target}&${name}=x&%${name.charCodeAt(0)
                         .toString(16)}${name.slice(1)}=x`];
        for (const target of twice) {
          const reply = await dance.visitor.get(target);
          assert.equal(outcomeOf(reply), 'invalid_request');
        }
        await assertUntouched(dance);
      });
  }

  await t.test('a malformed query is refused and changes nothing', async () => {
    const dance = await begin();
    for (const more of ['&iss=%zz', '&iss=%00', '&iss=%']) {
      const reply = await dance.visitor.get(dance.target + more);
      assert.equal(outcomeOf(reply), 'invalid_request', more);
    }
    await assertUntouched(dance);
  });

  await t.test('a callback without state is an invalid request', async () => {
    const reply = await gw.visitor({ member: 'alice' })
      .get(`${CALLBACK}?code=x`);
    assert.equal(outcomeOf(reply), 'invalid_request');
  });

  await t.test('a state that the gateway did not issue is '
    + 'unknown', async () => {
    const visitor = gw.visitor({ member: 'alice' });
    for (const state of ['x', 'A'.repeat(32), 'A'.repeat(3000)]) {
      const reply = await visitor.get(`${CALLBACK}?code=x&state=${state}`);
      assert.equal(reply.status, 400);
      assert.equal(titleOf(reply), 'This page is out of date');
    }
  });

  await t.test('a callback without the dance cookie leaves the dance '
    + 'unchanged', async () => {
    const dance = await begin();
    const stranger = gw.visitor({ member: 'alice' });
    const reply = await stranger.get(dance.target);

    assert.equal(reply.status, 400);
    assert.equal(titleOf(reply), OTHERS);
    await gw.nginx.waitForAccessLog(/ outcome=cookie_missing /);
    await assertUntouched(dance);
  });

  await t.test('a callback with another dance cookie leaves the dance '
    + 'unchanged',
    async () => {
      const dance = await begin();
      const [{ name }] = dance.visitor.danceCookies();
      const stranger = gw.visitor({ member: 'alice' });
      stranger.jar.store(new URL(gw.url('acme')), [
        `${name}=s00000.${'x'.repeat(22)}; Path=/; Secure`]);
      const reply = await stranger.get(dance.target);

      assert.equal(reply.status, 400);
      assert.equal(titleOf(reply), OTHERS);
      await gw.nginx.waitForAccessLog(/ outcome=cookie_mismatch /);
      await assertUntouched(dance);
    });

  await t.test('a callback of another member\'s dance is not exchanged in this '
    + 'browser', async () => {
    const mallory = await begin({ member: 'mallory' });
    const victim = gw.visitor({ member: 'alice' });
    await victim.get('/cigna/connect');

    const spent = await exchanges(async () => {
      assert.equal((await victim.get(mallory.target)).status, 400);
    });
    assert.equal(spent, 0);
  });

  await t.test('only the member who started a dance is connected by '
    + 'it', async () => {
    const dance = await begin({ member: 'alice' });
    dance.visitor.logIn('mallory');
    const spent = await exchanges(async () => {
      const reply = await dance.visitor.get(dance.target);
      assert.equal(outcomeOf(reply), 'identity_mismatch');
    });
    assert.equal(spent, 0);
    assert.equal((await dance.visitor.get('/fhir/Patient')).status, 401);

    // another member has seen the code, so the dance cannot end well any more
    dance.visitor.logIn('alice');
    assert.equal(outcomeOf(await dance.visitor.get(dance.target)),
                 'identity_mismatch');
  });

  await t.test('a state works once: reload and back button show the same '
    + 'outcome, without another exchange', async () => {
    const { visitor, target } = await begin();
    const first = await visitor.get(target);
    const spent = await exchanges(async () => {
      for (let i = 0; i < 3; i += 1) {
        const again = await visitor.get(target);
        assert.deepEqual(toldApp(again), toldApp(first));
        assert.equal(again.location, first.location);
      }
    });
    assert.equal(spent, 0);
    assert.equal((await control.see()).token.reuse, 0);
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    assert.match(gw.nginx.errorLog(), /outcome shown again: connected/);
  });

  await t.test('several callbacks at once wait for one exchange and show its '
    + 'outcome', async () => {
    const { visitor, target } = await begin();
    await control.set({ token_delay_ms: 300 });
    const spent = await exchanges(async () => {
      const replies = await Promise.all(Array.from({ length: 6 }, () =>
        visitor.get(target)));
      assert.deepEqual([...new Set(replies.map(outcomeOf))], ['connected']);
    });
    await control.set({ token_delay_ms: 0 });
    assert.equal(spent, 1);
  });

  await t.test('a browser that leaves does not stop the exchange', async () => {
    const { visitor, target } = await begin({ member: 'leaver' });
    await control.set({ token_delay_ms: 300 });
    const leaving = new AbortController();
    const left = visitor.get(target, { signal: leaving.signal });
    await sleep(150);
    leaving.abort();
    await assert.rejects(left);
    await control.set({ token_delay_ms: 0 });

    assert.equal(outcomeOf(await visitor.get(target)), 'connected');
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
  });

  await t.test('a dance expires after ten minutes', async () => {
    const { visitor, target } = await begin();
    await gw.redis.command('HSET', await onlyDance(gw), 'e', Date.now() - 1);
    const spent = await exchanges(async () => {
      const reply = await visitor.get(target);
      assert.equal(reply.status, 400);
      assert.equal(titleOf(reply), 'This took too long');
    });
    assert.equal(spent, 0);
    await gw.nginx.waitForAccessLog(/ outcome=state_expired /);
  });

  await t.test('the record of a dance outlives its ten minutes', async () => {
    await begin();
    const key = await onlyDance(gw);
    const left = await gw.redis.command('HGET', key, 'e') - Date.now();
    assert.ok(left > 590000 && left <= 600000, `${left}`);
    assert.ok(await gw.redis.command('PTTL', key) > left);
  });

  await t.test('a callback waits for a dance whose worker died, which then '
    + 'ends as interrupted', async () => {
    const { visitor, target } = await begin();
    await control.set({ token_delay_ms: 1000 });
    const cut = visitor.get(target).catch(() => 'cut');
    await sleep(250);
    await gw.nginx.killWorker(gw.nginx.workerPids()[0]);
    await gw.nginx.killWorker(gw.nginx.workerPids()[0]);
    assert.equal(await cut, 'cut');
    await control.set({ token_delay_ms: 0 });

    const waiting = visitor.get(target);
    await sleep(300);
    const key = await onlyDance(gw);
    const left = await gw.redis.command('HGET', key, 't') - Date.now();
    // the claim lasts for two minutes, plus the time limits of a connection and
    // an exchange
    assert.ok(left > 120000 && left <= 127000, `${left}`);
    await gw.redis.command('HSET', key, 't', Date.now() - 1);

    assert.equal(outcomeOf(await waiting), 'interrupted');
    const spent = await exchanges(async () => {
      assert.equal(outcomeOf(await visitor.get(target)), 'interrupted');
    });
    assert.equal(spent, 0);
    assert.equal((await visitor.dance()).outcome, 'connected');
  });

  await t.test('a dance that began with an older redirect_uri ends as '
    + 'tenant_mismatch', async () => {
    const { visitor, target } = await begin();
    await gw.reload({ tenants: { acme: {
      redirect_uri: gw.url('acme', '/cigna/callback/new') } } });
    const spent = await exchanges(async () => {
      assert.equal(outcomeOf(await visitor.get(target)), 'tenant_mismatch');
    });
    await gw.reload({});
    assert.equal(spent, 0);
  });

  await t.test('an outcome that is shown as a page has one log line',
    async () => {
      const line = await addedTo(() => gw.nginx.errorLog(), () =>
        gw.visitor({ member: 'alice' })
          .get(`${CALLBACK}?code=x&state=${'A'.repeat(32)}`));
      assert.equal(line.match(/dance ended/g).length, 1);
      assert.match(line, /\[warn\].*outcome: state_unknown, tenant: acme/);
    });
});
