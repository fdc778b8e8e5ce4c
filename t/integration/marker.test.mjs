// An empty or foreign Redis is an outage, because it could only say that no
// member is connected.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { assertNoVault, assertRefused, assertServed, connected }
  from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { flipped } from '../lib/records.mjs';
import { TOP, until } from '../lib/scratch.mjs';

const ONCE = { headers: { Connection: 'close' } };
const MARKER = 'cigna:v:{vault}';

// Waits until every worker uses Redis again.  Each worker connects to Redis by
// itself, after pauses that grow.  With reuseport each worker gets its share of
// the callers' connections.
const used = (visitor, target) => until('every worker uses Redis', async () => {
  for (let i = 0; i < 16; i += 1) {
    const { status } = await visitor.get(target, ONCE);
    if (status !== 200) {
      return false;
    }
  }
  return true;
}, { timeout: 15000 });

const served = (visitor) => used(visitor, '/fhir/Patient');
const known = (visitor) => used(visitor, '/cigna/status');

// Makes the gateway open all its connections again.
const reconnect = (gw) => gw.redis.command('CLIENT', 'KILL', 'TYPE', 'normal',
                                           'SKIPME', 'yes');

test('a vault without its marker', async (t) => {
  const gw = await standardGateway(t, { marker: false });
  const alice = gw.visitor({ member: 'alice' });

  await t.test('no caller gets not_connected, and no dance starts',
    async () => {
      assertNoVault(await alice.get('/fhir/Patient'));
      assert.equal((await alice.get('/cigna/status')).status, 503);
      const reply = await alice.get('/cigna/connect');
      assert.equal(reply.status, 503);
      assert.equal(reply.location, undefined);
    });

  await t.test('the log tells the operator to run scripts/vault init', () => {
    assert.match(gw.nginx.errorLog(),
                 /no marker: "scripts\/vault init" has not been run/);
  });

  await t.test('the gateway works without a restart once the marker is '
    + 'there', async () => {
    await gw.initVault();
    await known(alice);
    assert.equal((await alice.dance()).outcome, 'connected');
    assertServed(await alice.get('/fhir/Patient'));
  });
});

test('a Redis that does not hold the vault', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, listen: 'reuseport',
    vault: { stale: '1m', revalidate: '30s' },
  });
  const connect = gw.url('acme', '/cigna/connect');
  const alice = await connected(gw);
  const bob = await connected(gw, { member: 'bob' });
  const marker = await gw.redis.command('HGET', MARKER, 'b');
  const ask = (who) => who.get('/fhir/Patient');
  // requests reach both workers, and bob's token may be cached
  const nobodyIsSentAway = async () => {
    for (let i = 0; i < 8; i += 1) {
      const { status } = await ask(i % 2 ? alice : bob);
      assert.ok(status === 200 || status === 503, `${status}`);
      assertNoVault(await ask(gw.visitor({ member: 'carol' })));
    }
  };

  await t.test('an empty Redis is an outage, and no caller gets not_connected',
    async () => {
      for (let i = 0; i < 4; i += 1) {
        assertServed(await ask(alice));
      }
      await gw.redis.stop();
      await gw.redis.start();
      await nobodyIsSentAway();
      assertServed(await ask(alice));
      await until('the log names the missing marker', () =>
        /no marker: "scripts\/vault init"/.test(gw.nginx.errorLog()));
    });

  await t.test('an empty Redis stays an outage after a reload', async () => {
    await gw.reload();
    assertNoVault(await ask(gw.visitor({ member: 'carol' })));
  });

  await t.test('an empty Redis is used after the operator has run '
    + 'scripts/vault init',
    async () => {
      await gw.initVault();
      const carol = gw.visitor({ member: 'carol' });
      await known(carol);
      assertRefused(await ask(carol), 401, 'not_connected', { connect });
      assert.equal((await alice.dance()).outcome, 'connected');
      assertServed(await ask(alice));
    });

  const another = execFileSync(`${TOP}/scripts/keygen`);
  const FOREIGN = {
    'a marker of another name key': [async () => {
      writeFileSync(gw.file('other.keys'), another, { mode: 0o600 });
      await gw.vaultOf({ keys: gw.file('other.keys') }, 'init', '--force');
    }, /was made with another name key/],
    'a marker of another prefix': [async () => {
      await gw.initVault({ prefix: 'elsewhere' });
      const blob = await gw.redis.command('HGET', 'elsewhere:v:{vault}', 'b');
      await gw.redis.command('HSET', MARKER, 'b', blob);
    }, /is damaged, or of another vault/],
    'a damaged marker': [
      () => gw.redis.command('HSET', MARKER, 'b', flipped(marker, -1)),
      /is damaged, or of another vault/],
    'a marker that is not a hash': [async () => {
      await gw.redis.command('DEL', MARKER);
      await gw.redis.command('SET', MARKER, 'x');
    }, /cigna/],
  };

  for (const [what, [change, said]] of Object.entries(FOREIGN)) {
    await t.test(`a Redis with ${what} is an outage`, async () => {
      const good = await gw.redis.command('HGET', MARKER, 'b');
      const before = gw.nginx.errorLog().length;
      await change();
      await reconnect(gw);
      await nobodyIsSentAway();
      await until('the log says why', () =>
        said.test(gw.nginx.errorLog().slice(before)));

      await gw.redis.command('DEL', MARKER);
      await gw.redis.command('HSET', MARKER, 'b', good);
      await served(alice);
    });
  }

  await t.test('a Redis emptied at run time becomes an outage within seconds',
    async () => {
      const good = await gw.redis.command('HGET', MARKER, 'b');
      await gw.redis.command('FLUSHALL');
      const carol = gw.visitor({ member: 'carol' });
      await until('the empty Redis is an outage', async () =>
        (await ask(carol)).status === 503, { timeout: 15000 });
      assertNoVault(await ask(carol));

      await gw.redis.command('HSET', MARKER, 'b', good);
      await known(carol);
      assert.equal((await alice.dance()).outcome, 'connected');
    });
});

test('a key rotation keeps the marker', async (t) => {
  const gw = await standardGateway(t);
  const alice = await connected(gw);
  const keygen = (...args) => execFileSync(`${TOP}/scripts/keygen`, args,
                                           { encoding: 'utf8' });
  const marker = await gw.redis.command('HGET', MARKER, 'b');

  await t.test('Redis is used after one sealing key was added and another '
    + 'dropped',
    async () => {
      const [old] = keygen('--list', gw.file('keys')).split(' ');
      keygen('--add', gw.file('keys'));
      keygen('--promote', gw.file('keys'));
      await gw.reload();
      assert.equal((await gw.vault('reseal')).code, 0);
      keygen('--drop', old, gw.file('keys'));
      await gw.reload();
      await reconnect(gw);
      await served(alice);

      assert.equal((await gw.vault('verify')).code, 0);
      assert.equal(await gw.redis.command('HGET', MARKER, 'b'), marker);
    });
});
