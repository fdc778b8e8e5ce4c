// scripts/vault revive restores grants that were ended wrongly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, grantKeys,
         refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { flipped, readRecord, withKey, writeRecord } from '../lib/records.mjs';

const DONE = 0;
const USAGE = 2;
const ATTENTION = 3;

const OPTIONS = { nginx: { workers: 2 }, tenant: { refused_share: '100%' } };

const status = async (visitor) =>
  (await visitor.get('/cigna/status')).json();

// Connects members.  Cigna then refuses their refresh tokens by mistake.
async function ended(gw, ...members) {
  const visitors = await expired(gw, ...members);
  for (const visitor of visitors) {
    await gw.sandbox.control.set({
      token_fault: { kind: 'invalid_grant', times: 1 } });
    assertRefused(await visitor.get('/fhir/Coverage'), 401, 'grant_spent',
                  { connect: gw.url('acme', '/cigna/connect') });
  }
  return visitors;
}

test('revive', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const { control } = gw.sandbox;
  const connect = gw.url('acme', '/cigna/connect');
  const revive = (...args) =>
    gw.vault('revive', '--tenant', 'acme', ...args);
  const keyOf = async (visitor) => {
    for (const key of await grantKeys(gw)) {
      if (await gw.redis.command('HGET', key, 's') && !seen.has(key)) {
        seen.add(key);
        return key;
      }
    }
    return assert.fail(`no grant of ${visitor} is spent`);
  };
  const seen = new Set();
  const keys = {};
  const visitors = {};

  for (const name of ['alice', 'bob', 'carol', 'dora']) {
    [visitors[name]] = await ended(gw, name);
    keys[name] = await keyOf(name);
  }
  const { alice, bob, carol, dora } = visitors;
  const live = await withKey(gw, { member: 'erna' });
  const other = await withKey(gw, { tenant: 'globex', member: 'alice' });

  await t.test('a record has the time of its end, by the clock of Redis',
    async () => {
      const ms = Number(await gw.redis.command('HGET', keys.alice, 's'));
      assert.ok(ms > Date.now() - 120000 && ms <= Date.now() + 1000, ms);
    });

  await t.test('revive does nothing without a choice of grants', async () => {
    for (const args of [[], ['--all', '--member', 'alice'],
                        ['--all', '--since', '2026-01-01'],
                        ['--since', 'yesterday']]) {
      const { code, err } = await revive(...args);
      assert.equal(code, USAGE, args.join(' '));
      assert.doesNotMatch(err, /Traceback/);
    }
    assert.equal((await gw.vault('revive', '--all')).code, USAGE);
    assert.equal((await status(alice)).connected, false);
  });

  await t.test('a dry run changes nothing', async () => {
    const records = () => Promise.all(Object.values(keys).map((key) =>
      readRecord(gw, key)));
    const before = await records();
    const { code, out } = await revive('--all', '--dry-run');
    assert.equal(code, DONE);
    assert.match(out, /^4 grants would be revived$/m);
    assert.match(out, /^[\w-]{27} {2}ended 20\d\d-\d\d-\d\dT[\d:]{8}Z$/m);
    assert.deepEqual(await records(), before);
  });

  await t.test('a revived member is served at the next request', async () => {
    const { code, out } = await revive('--member', 'alice');
    assert.equal(code, DONE, out);
    assert.match(out, /^1 grants revived$/m);

    const { g, s, c } = await readRecord(gw, keys.alice);
    assert.equal(g, '3');
    assert.equal(s, undefined);
    assert.ok(c);
    assert.ok(await gw.redis.command('PTTL', keys.alice) > 29 * 86400000);

    const before = (await refreshes(gw)).ok ?? 0;
    assert.equal((await status(alice)).connected, true);
    assertServed(await alice.get('/fhir/Coverage'));
    assert.equal((await refreshes(gw)).ok, before + 1);
    assert.equal((await control.see()).token.reuse, 0);
    assert.equal((await status(bob)).connected, false);
  });

  await t.test('a live grant is passed over', async () => {
    const { code, out } = await revive('--member', 'alice');
    assert.equal(code, DONE);
    assert.match(out, /^0 grants revived\n1 passed over: live$/m);
  });

  await t.test('a window of time leaves out other times, and unknown times of '
    + '0.4.0',
    async () => {
      const at = (ms) => new Date(ms).toISOString();
      const now = Date.now();
      await gw.redis.command('HSET', keys.carol, 's', now - 7200000);
      await gw.redis.command('HSET', keys.dora, 's', '1');

      const { code, out } = await revive('--since', at(now - 3600000),
                                         '--until', at(now + 60000));
      assert.equal(code, DONE, out);
      assert.match(out, /^1 grants revived$/m);
      assert.match(out, /^1 passed over: ended at another time$/m);
      assert.match(out, /^1 passed over: ended at an unknown time$/m);
      assertServed(await bob.get('/fhir/Coverage'));
      assert.equal((await status(carol)).connected, false);
      assert.equal((await status(dora)).connected, false);
    });

  await t.test('bad records are reported, and the others are '
    + 'revived', async () => {
    const good = await readRecord(gw, keys.carol);
    const name = 'cigna:g:{\x1b[31m\xff}';
    await gw.redis.command('SET', name, 'a string');
    await writeRecord(gw, live.key,
                      { ...await readRecord(gw, live.key),
                        g: '9'.repeat(5000) });
    await writeRecord(gw, keys.carol, { ...good, b: flipped(good.b, 90) });

    const { code, out, err } = await revive('--all');
    assert.equal(code, ATTENTION);
    assert.match(out, /^1 grants revived$/m);
    assert.match(out, /^1 x is a string, not a hash$/m);
    assert.match(out, /^1 x has an impossible number in field g$/m);
    assert.match(out, /^1 x belongs to no tenant: it is damaged/m);
    assert.doesNotMatch(out + err, /Traceback|\x1b/);
    assertServed(await dora.get('/fhir/Coverage'));

    await gw.redis.command('DEL', name, live.key);
    await writeRecord(gw, keys.carol, good);
  });

  await t.test('replaced and disconnected grants are not revived', async () => {
    const [fritz, greta] = [await ended(gw, 'fritz'), await ended(gw, 'greta')]
      .flat();
    assert.equal((await fritz.dance()).outcome, 'connected');
    const { connected_at: at } = await status(fritz);
    await greta.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });

    const { code, out } = await revive('--all');
    assert.equal(code, DONE, out);
    assert.match(out, /^1 grants revived$/m);
    assert.match(out, /^1 passed over: disconnected$/m);
    assert.equal((await status(fritz)).connected_at, at);
    assertRefused(await greta.get('/fhir/Coverage'), 401, 'not_connected',
                  { connect });
    assertServed(await carol.get('/fhir/Coverage'));
  });

  await t.test('a grant that Cigna has really revoked is ended again',
    async () => {
      const username = 'syntheticuser07';
      const hans = await connected(gw, { member: 'hans', life: 1, username });
      await control.revoke({ member: username });
      await sleep(1100);
      for (let i = 0; i < 2; i += 1) {
        assertRefused(await hans.get('/fhir/Coverage'), 401, 'grant_spent',
                      { connect });
        assert.equal((await status(hans)).reason, 'grant_spent');
        if (i === 0) {
          const { out } = await revive('--member', 'hans');
          assert.match(out, /^1 grants revived$/m);
        }
      }
    });

  await t.test('other grants are unchanged', async () => {
    assertServed(await other.visitor.get('/fhir/Coverage'));
    assert.equal((await readRecord(gw, other.key)).g, '1');
  });
});

test('a grant whose attempts are used up', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const [visitor] = await expired(gw, 'alice');
  const [key] = await grantKeys(gw);
  await gw.redis.command('HSET', key, 'm', Date.now() - 60000, 'n', '4');

  await t.test('the grant is spent, and status shows that', async () => {
    assertRefused(await visitor.get('/fhir/Coverage'), 401, 'grant_spent',
                  { connect: gw.url('acme', '/cigna/connect') });
    assert.equal((await status(visitor)).connected, false);
    assert.deepEqual(await refreshes(gw), {});
  });

  await t.test('the grant can be revived and serves', async () => {
    const { code, out } = await gw.vault(
      'revive', '--tenant', 'acme', '--since',
      new Date(Date.now() - 600000).toISOString());
    assert.equal(code, DONE, out);
    assert.match(out, /^1 grants revived$/m);
    assertServed(await visitor.get('/fhir/Coverage'));
    assert.equal((await status(visitor)).connected, true);
  });
});

test('concurrent revivals', async (t) => {
  const gw = await standardGateway(t, OPTIONS);
  const [alice] = await ended(gw, 'alice');
  const [key] = await grantKeys(gw);
  const spent = await readRecord(gw, key);

  await t.test('one of three concurrent revivals changes the '
    + 'grant', async () => {
    const found = await Promise.all([1, 2, 3].map(() =>
      gw.vault('revive', '--tenant', 'acme', '--all')));
    found.forEach(({ code, out }) => assert.equal(code, DONE, out));
    const count = found.filter(({ out }) =>
      /^1 grants revived$/m.test(out)).length;
    assert.equal(count, 1);
    assert.equal((await readRecord(gw, key)).g, `${Number(spent.g) + 1}`);
  });

  await t.test('the member is served afterwards', async () => {
    assertServed(await alice.get('/fhir/Coverage'));
  });
});
