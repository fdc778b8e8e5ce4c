// Records of dances in Redis, and dances without Redis.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forgetDances, keysOf, outcomeOf, titleOf, toCallback }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const MEMBER = 'Jane Q. Public <jane@example.org>';
const HASHED = /^cigna:[a-z]:\{[\w-]{27}\}$/;
const OF_SHARD =
  /^cigna:(o:\{\d\d\}:[\w-]{27}|[ie]:\{\d\d\}|c:\{\d\d\}:\d+)$/;
const STORY_MS = 8 * 24 * 3600 * 1000;

test('dances in Redis', async (t) => {
  const gw = await standardGateway(t);
  let state;

  await t.test('dances with all kinds of ends leave their records',
    async () => {
      await toCallback(gw, { member: MEMBER });
      const { visitor, target, url } = await toCallback(gw, {
        member: MEMBER,
        connect: `/cigna/connect?return_to=${encodeURIComponent(
          gw.url('acme', '/app/jane?for=jane@example.org'))}` });
      state = url.searchParams.get('state');
      assert.equal(outcomeOf(await visitor.get(target)), 'connected');
      await visitor.get('/fhir/Patient');
      await gw.dance({ member: MEMBER, cancel: 'login' });
      const { visitor: leaving } = await gw.dance({ member: 'Other Person',
                                                    tenant: 'globex' });
      await leaving.post('/cigna/disconnect', {
        headers: { 'Sec-Fetch-Site': 'same-origin' } });
    });

  // all keys except the marker, which must not expire
  const keys = async () => (await gw.redis.command('KEYS', '*'))
    .filter((key) => key !== 'cigna:v:{vault}');

  await t.test('every key is a keyed hash with a hash tag, or a shard\'s',
    async () => {
      for (const key of await keys()) {
        assert.ok(HASHED.test(key) || OF_SHARD.test(key), key);
      }
    });

  await t.test('every key expires', async () => {
    for (const key of await keys()) {
      const left = await gw.redis.command('PTTL', key);
      assert.ok(left > 0, `${key} ${left}`);
      if (!key.startsWith('cigna:g:')) {
        assert.ok(left <= STORY_MS, `${key} ${left}`);
      }
    }
  });

  await t.test('Redis has no personal data in clear', async () => {
    const dump = JSON.stringify(await gw.redis.dump());
    for (const personal of ['jane', 'Public', 'Other', 'syntheticuser',
                            'acme', 'globex', 'A00000000000005', 'MARKs',
                            'CODEs', state]) {
      assert.ok(!dump.includes(personal), personal);
      assert.ok(!dump.includes(encodeURIComponent(personal)), personal);
    }
  });

  await t.test('no secret of the dance outlives its end', async () => {
    for (const key of await keysOf(gw, 'd')) {
      const fields = await gw.redis.command('HKEYS', key);
      assert.ok(fields.includes('o') !== fields.includes('b'), `${fields}`);
    }
  });

  await t.test('another key ring gives the same members other names',
    async (st) => {
      const other = await standardGateway(st);
      await other.dance({ member: MEMBER });
      const [key] = await keysOf(other, 'g');
      assert.ok(!(await keysOf(gw, 'g')).includes(key));
    });

  await t.test('the record of a dance does not open under another dance\'s '
    + 'key', async () => {
    await forgetDances(gw);
    const visitor = gw.visitor({ member: MEMBER });
    const one = await toCallback(gw, { visitor });
    const [first] = await keysOf(gw, 'd');
    const two = await toCallback(gw, { visitor });
    const second = (await keysOf(gw, 'd')).find((key) => key !== first);

    const sealed = await gw.redis.command('HGET', second, 'b');
    await gw.redis.command('HSET', first, 'b', sealed);
    assert.equal(outcomeOf(await visitor.get(one.target)), 'store_failed');
    assert.equal(outcomeOf(await visitor.get(two.target)), 'connected');
  });

  await t.test('a changed record of a dance does not open', async () => {
    await forgetDances(gw);
    const { visitor, target } = await toCallback(gw, { member: MEMBER });
    const [key] = await keysOf(gw, 'd');
    const sealed = await gw.redis.command('HGET', key, 'b');
    const byte = sealed.at(-1) === 'a' ? 'b' : 'a';
    await gw.redis.command('HSET', key, 'b', sealed.slice(0, -1) + byte);
    assert.equal(outcomeOf(await visitor.get(target)), 'store_failed');
  });

  await t.test('a repeated callback redirects to the same place',
    async () => {
      const { visitor, target } = await toCallback(gw, {
        member: MEMBER, connect: `/cigna/connect?return_to=${
          encodeURIComponent(gw.url('acme', '/app/jane?x=1'))}` });
      const first = await visitor.get(target);
      assert.match(first.location, /\/app\/jane\?x=1&cigna=connected&/);
      assert.equal((await visitor.get(target)).location, first.location);
    });

  await t.test('a redirect that was changed in Redis is not used', async () => {
    await forgetDances(gw);
    const { visitor, target } = await toCallback(gw, { member: MEMBER });
    await visitor.get(target);
    const [key] = await keysOf(gw, 'd');
    await gw.redis.command('HSET', key, 'r', 'https://evil.example/');
    const { location } = await visitor.get(target);
    assert.equal(new URL(location).host, new URL(gw.url('acme')).host);
  });
});

test('dances without Redis', async (t) => {
  const gw = await standardGateway(t, {
    vault: { timeout: '300ms', connect_timeout: '200ms' },
  });
  const alice = gw.visitor({ member: 'alice' });
  const back = () => until('Redis is found again', async () =>
    (await alice.get('/cigna/status')).status === 200);

  // Starts an empty Redis, which the operator accepts with scripts/vault init.
  async function startAgain() {
    await gw.redis.start();
    await gw.initVault();
  }

  // Runs `action` while Redis is frozen or gone.
  async function without(how, action) {
    await (how === 'frozen' ? gw.redis.freeze() : gw.redis.stop());
    try {
      await action();
    } finally {
      await (how === 'frozen' ? gw.redis.thaw() : startAgain());
      await back();
    }
  }

  for (const how of ['frozen', 'gone']) {
    await t.test(`no dance starts while Redis is ${how}, and connect redirects `
      + 'nowhere',
      () => without(how, async () => {
        const began = Date.now();
        const reply = await alice.get('/cigna/connect');
        assert.equal(reply.status, 503);
        assert.equal(titleOf(reply), 'A problem on our side');
        assert.equal(reply.location, undefined);
        assert.deepEqual(reply.cookies, []);
        assert.ok(Date.now() - began < 3000);
        assert.match(gw.nginx.errorLog(),
                     /dance not started, outcome: store_failed, tenant: acme/);
      }));

    await t.test(`a callback while Redis is ${how} spends no code and ends as `
      + 'store_failed', async () => {
      const dance = await toCallback(gw, { visitor: alice });
      await gw.sandbox.control.reset();
      await without(how, async () => {
        const reply = await alice.get(dance.target);
        assert.equal(outcomeOf(reply), 'store_failed');
        assert.match(gw.nginx.errorLog(),
                     /dance ended, outcome: store_failed, tenant: acme/);
      });
      const { token } = await gw.sandbox.control.see();
      assert.equal(token.requests, 0);
    });

    await t.test(`status is 503, not unconnected, while Redis is ${how}`,
      () => without(how, async () => {
        const reply = await alice.get('/cigna/status');
        assert.equal(reply.status, 503);
        assert.doesNotMatch(reply.body, /"connected"/);
      }));
  }

  await t.test('a Redis that stops during an exchange leaves the member '
    + 'unconnected, and the tokens are revoked', async () => {
    const { visitor, target } = await toCallback(gw, { member: 'bob' });
    await gw.sandbox.control.reset();
    await gw.sandbox.control.set({ token_delay_ms: 400 });
    const waiting = visitor.get(target);
    await until('the code has arrived', async () =>
      (await gw.sandbox.control.see()).token.requests === 1);
    await gw.redis.stop();
    const reply = await waiting;
    assert.equal(outcomeOf(reply), 'store_failed');
    await until('the tokens are revoked', async () =>
      (await gw.sandbox.control.see()).revoke.revoked > 0);
    await startAgain();
    await back();
  });

  await t.test('a cut connection to Redis during an exchange does no harm',
    async () => {
      const { visitor, target } = await toCallback(gw, { member: 'carol' });
      await gw.sandbox.control.reset();
      await gw.sandbox.control.set({ token_delay_ms: 200 });
      const waiting = visitor.get(target);
      await until('the code has arrived', async () =>
        (await gw.sandbox.control.see()).token.requests === 1);
      await gw.redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME',
                             'yes');
      assert.equal(outcomeOf(await waiting), 'connected');
      assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    });
});
