// Rotation of the sealing key: under load, on hosts with different key rings,
// and in each kind of Redis.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../lib/cluster.mjs';
import { assertRefused, assertServed, connected, refreshCount }
  from '../lib/fhir.mjs';
import { lines, standardGateway } from '../lib/gateway.mjs';
import { copyRecords, flipped, grantsByKey, readRecord, withKey, writeRecord }
  from '../lib/records.mjs';
import { TOP, onEnd, until } from '../lib/scratch.mjs';
import { startSentinel } from '../lib/sentinel.mjs';
import { runVault, vaultConfiguration, vaultLogin } from '../lib/vault.mjs';

const NO_CACHE = { cigna_fhir: 'on cache=off' };

// a reload may close a kept connection just when it is used
const ONCE = { headers: { Connection: 'close' } };

const keygen = (...args) =>
  execFileSync(`${TOP}/scripts/keygen`, args, { encoding: 'utf8' });

// Returns the ids of a ring's keys.  The first key seals.
const idsOf = (file) => keygen('--list', file).trim().split('\n')
  .map((line) => line.split(' ')[0]);

// Starts two hosts with one Redis, one authorization server and one key ring.
async function twoHosts(t, options = {}) {
  const keys = keygen();
  const one = await standardGateway(t, { keys, nginx: { workers: 2 },
                                         ...options });
  const two = await standardGateway(t, {
    keys, nginx: { workers: 2 }, redis: one.redis, sandbox: one.sandbox,
    tenant: { trusted_certificate: one.ca.certFile },
    ...options,
    fhir: { ...options.fhir, proxy_ssl_trusted_certificate: one.ca.certFile },
  });
  return { one, two, hosts: [one, two] };
}

// Sends requests of members until stop() is called.  Each member's requests go
// to the hosts in turn, one after the other.  stop() resolves to { status:
// count }.
function load(t, hosts, members) {
  const seen = {};
  let stopped = false;

  const one = async (member) => {
    const visitors = hosts.map((gw) => gw.visitor({ member }));
    for (let i = 0; !stopped; i += 1) {
      const { status } = await visitors[i % visitors.length]
        .get(`/fhir/Coverage?_count=${i}`, ONCE);
      seen[status] = (seen[status] ?? 0) + 1;
      await sleep(20);
    }
  };
  const all = Promise.all(members.map(one));
  const stop = async () => {
    stopped = true;
    await all;
    return seen;
  };

  onEnd(t, stop);
  return { seen, stop };
}

test('a key is rotated under load', async (t) => {
  const { one, two, hosts } = await twoHosts(t, { fhir: NO_CACHE });
  const used = ['ann', 'ben', 'cleo', 'dora'];
  const away = ['eve', 'finn', 'gail', 'hugo', 'ida', 'jon'];

  for (const member of [...used, ...away]) {
    await connected(one, { member });
  }
  const names = Object.keys(await one.redis.dump()).sort();
  const before = await one.redis.command('KEYS', 'cigna:g:*');
  const [old] = idsOf(one.file('keys'));
  const requests = load(t, hosts, used);

  const everywhere = async (...change) => {
    keygen(...change, one.file('keys'));
    copyFileSync(one.file('keys'), two.file('keys'));
    for (const gw of hosts) {
      await gw.reload();
    }
  };
  const fine = () => assert.deepEqual(Object.keys(requests.seen), ['200']);

  await t.test('an added key changes nothing, and the old key still seals',
    async () => {
      await everywhere('--add');
      await sleep(300);
      assert.deepEqual(await grantsByKey(one), { [old]: 10 });
      fine();
    });

  await t.test('after a promotion, grants that are only read stay under the '
    + 'old key', async () => {
    await everywhere('--promote');
    await sleep(300);
    assert.deepEqual(await grantsByKey(one), { [old]: 10 });
    fine();
  });

  await t.test('a new or refreshed grant is sealed under the new key',
    async () => {
    const ttl = 1000;
    const { key } = await withKey(one, { member: 'kim', life: 1 });
    const [fresh] = idsOf(one.file('keys'));
    await sleep(ttl + 100);
    assertServed(await one.visitor({ member: 'kim' }).get('/fhir/Patient'));
    assert.ok(await refreshCount(one) > 0);
    assert.equal((await grantsByKey(one))[fresh], 1);
    assert.notEqual(await one.redis.command('HGET', key, 'g'), '1');
  });

  await t.test('scripts/vault status shows the grants under the old '
    + 'key', async () => {
    const { out } = await one.vault('status', '--json');
    const [fresh, last] = JSON.parse(out).keys;
    assert.deepEqual([fresh.use, fresh.grants], ['seals', 1]);
    assert.deepEqual([last.id, last.use, last.grants],
                     [old, 'opens', used.length + away.length]);
  });

  await t.test('scripts/vault reseal seals the rest at a bounded rate, and '
    + 'keeps expiry and generation', async () => {
    const [key] = before;
    await one.redis.command('PEXPIRE', key, 5000000);
    const { g } = await readRecord(one, key);

    const began = Date.now();
    const { code, out } = await one.vault('reseal', '--rate', '4');
    assert.equal(code, 0, out);
    assert.match(out, /^10 grants sealed again, 0 left$/m);
    assert.ok(Date.now() - began >= 2400);

    assert.deepEqual(Object.keys(await grantsByKey(one)),
                     [idsOf(one.file('keys'))[0]]);
    const left = await one.redis.command('PTTL', key);
    assert.ok(left > 4000000 && left <= 5000000);
    assert.equal((await readRecord(one, key)).g, g);
    fine();
  });

  await t.test('a second reseal has nothing to do', async () => {
    const { out } = await one.vault('reseal');
    assert.match(out, /^0 grants sealed again, 0 left$/m);
    const { code } = await one.vault('verify');
    assert.equal(code, 0);
  });

  await t.test('dropping the old key fails no request', async () => {
    await everywhere('--drop', old);
    assert.equal(idsOf(two.file('keys')).length, 1);
    await sleep(300);
    for (const member of [...away, 'kim']) {
      assertServed(await two.visitor({ member }).get('/fhir/Patient'));
    }
    const { 200: served } = await requests.stop();
    assert.ok(served > 100, `${served}`);
    fine();
  });

  await t.test('gateways and scripts/vault still find all grants by name',
    async () => {
      const now = Object.keys(await one.redis.dump());
      assert.deepEqual(names.filter((key) => key.includes(':g:')
        && !now.includes(key)), []);
      const { out } = await one.vault('list', '--tenant', 'acme', '--member',
                                      'eve');
      assert.equal(out.trim().split('\n').length, 1);
    });
});

test('hosts with different key rings', async (t) => {
  const { one, two } = await twoHosts(t, { fhir: NO_CACHE });
  await connected(one, { member: 'bob' });
  const ask = (gw, member) => gw.visitor({ member }).get('/fhir/Patient');
  const [old] = idsOf(one.file('keys'));
  let alice;
  let fresh;

  await t.test('a host without the new key has an outage for the grants under '
    + 'it only', async () => {
    keygen('--add', one.file('keys'));
    keygen('--promote', one.file('keys'));
    await one.reload();
    [fresh] = idsOf(one.file('keys'));
    alice = await withKey(one);
    assertServed(await ask(one, 'alice'));
    assert.equal((await grantsByKey(one))[fresh], 1);

    const record = await readRecord(one, alice.key);
    for (let i = 0; i < 3; i += 1) {
      assertRefused(await ask(two, 'alice'), 503, 'key_unknown',
                    { code: 'exception', retry: true });
      assertServed(await ask(two, 'bob'));
    }
    assert.deepEqual(await readRecord(one, alice.key), record);
    assertServed(await ask(one, 'alice'));
  });

  await t.test('a host without the new key still accepts its vault after a '
    + 'reload', async () => {
    await two.reload();
    assertServed(await ask(two, 'bob'));
    assertRefused(await ask(two, 'alice'), 503, 'key_unknown',
                  { retry: true });
  });

  await t.test('status names the key that the ring lacks', async () => {
    const { code, out } = await two.vault('status');
    assert.equal(code, 3);
    assert.match(out, new RegExp(
      `^ATTENTION: the ring lacks key ${fresh}, which seals 1 grants`, 'm'));
  });

  await t.test('reseal leaves grants alone that it cannot open',
    async () => {
      const { code, out } = await two.vault('reseal');
      assert.equal(code, 3);
      assert.match(out, /^0 grants sealed again, 1 left$/m);
      assert.match(out, new RegExp(`^1 x sealed under key ${fresh}, which`,
                                   'm'));
    });

  await t.test('a host that gets the key serves all grants', async () => {
    keygen('--add', two.file('keys'));
    const lost = idsOf(two.file('keys'))[1];
    copyFileSync(one.file('keys'), two.file('keys'));
    await two.reload();
    assertServed(await ask(two, 'alice'));
    assertServed(await ask(two, 'bob'));
    assert.equal((await grantsByKey(one))[lost], undefined);
  });

  await t.test('two rings in different order fail no request',
    async (st) => {
      // as between two reloads, each host seals under its own first key
      keygen('--promote', two.file('keys'));
      assert.deepEqual(idsOf(two.file('keys')), [old, fresh]);
      await two.reload();
      const requests = load(st, [one, two], ['alice', 'bob']);
      await sleep(1500);
      assert.deepEqual(Object.keys(await requests.stop()), ['200']);
      assert.equal((await one.vault('verify')).code, 0);
    });

  await t.test('a lost key deletes nothing, and may come back', async () => {
    const ring = readFileSync(one.file('keys'), 'utf8');
    const [name] = ring.split('\n');
    const dump = await one.redis.dump();
    const grants = (all) => Object.entries(all).filter(([key]) =>
      key.startsWith('cigna:g:')).sort();

    for (const gw of [one, two]) {
      writeFileSync(gw.file('keys'), `${name}\n${keygen().split('\n')[1]}\n`);
      await gw.reload();
      for (const member of ['alice', 'bob']) {
        assertRefused(await ask(gw, member), 503, 'key_unknown',
                      { retry: true });
      }
    }
    assert.deepEqual(grants(await one.redis.dump()), grants(dump));

    for (const gw of [one, two]) {
      writeFileSync(gw.file('keys'), ring);
      await gw.reload();
      assertServed(await ask(gw, 'alice'));
    }
  });
});

// Writes a ring file beside the gateway's, with a new key first.  Returns its
// name.
function rotated(gw) {
  const file = gw.file('rotated.keys');
  writeFileSync(file, readFileSync(gw.file('keys')), { mode: 0o600 });
  keygen('--add', file);
  keygen('--promote', file);
  return file;
}

// Returns a function that runs scripts/vault on a group of servers, with the
// key ring `keys`.
function toolAt(gw, group, keys) {
  const conf = gw.file('group.conf');
  writeFileSync(gw.file('redis.password'), group.password, { mode: 0o600 });

  return (...args) => {
    const [, tenants] = readFileSync(gw.file('vault.conf'), 'utf8')
      .split(/^ {4}}$/m, 2);
    writeFileSync(conf, vaultConfiguration(
      lines({ ...group.vault('tls', (name) => gw.file(name)), keys }, 8),
      `${tenants}\n    }`));
    return runVault(['-c', conf, ...vaultLogin(group, gw.directory), ...args]);
  };
}

async function members(gw, count) {
  for (let i = 0; i < count; i += 1) {
    await connected(gw, { member: `member-${i}` });
  }
}

test('scripts/vault during a failover', async (t) => {
  const gw = await standardGateway(t);
  const group = await startSentinel(t);
  const keys = rotated(gw);
  const vault = toolAt(gw, group, keys);
  const [fresh] = idsOf(keys);

  await members(gw, 12);
  assert.equal((await vault('init')).code, 0);
  await copyRecords(gw, group);

  await t.test('reseal goes on at the new primary and leaves nothing behind',
    async () => {
      const running = vault('--wait', '20', 'reseal', '--rate', '3');
      await until('the reseal has begun', async () =>
        (await grantsByKey({ redis: group }))[fresh] > 0, { timeout: 20000 });
      await group.failover();

      const { code, out, err } = await running;
      assert.equal(code, 0, err);
      assert.match(out, /, 0 left$/m);
      assert.deepEqual(await grantsByKey({ redis: group }), { [fresh]: 12 });
    });

  await t.test('the marker is there, and all grants open', async () => {
    assert.equal((await vault('status')).code, 0);
    const { out } = await vault('verify');
    assert.match(out, /^12 grants of acme open$/m);
  });
});

test('scripts/vault in a cluster', async (t) => {
  const gw = await standardGateway(t);
  const group = await startCluster(t);
  const keys = rotated(gw);
  const vault = toolAt(gw, group, keys);
  const [fresh] = idsOf(keys);
  const markers = async () => (await group.command('KEYS', 'cigna:v:*'));

  await t.test('an interrupted init goes on', async () => {
    assert.equal((await vault('init')).code, 0);
    const all = await markers();
    assert.equal(all.length, 16384);

    await group.command('SET', 'cigna:v:{init}', 'begun');
    for (const key of all.slice(0, 100)) {
      await group.command('DEL', key);
    }
    const { code, err } = await vault('init');
    assert.equal(code, 0, err);
    assert.equal((await markers()).length, 16384);
  });

  await t.test('init needs --force where slots have lost their '
    + 'markers', async () => {
    const [key] = await markers();
    await group.command('DEL', key);

    const { code, err } = await vault('init');
    assert.equal(code, 1);
    assert.match(err, /1 of 16384 hash slots have no marker/);
    assert.equal((await vault('status')).code, 3);

    assert.equal((await vault('init', '--force')).code, 0);
    assert.equal((await vault('status')).code, 0);
  });

  await t.test('reseal finds every record while slots move', async () => {
    await members(gw, 12);
    await copyRecords(gw, group);

    const [from, to] = await group.primaries();
    const key = (await grantsOf(group)).at(0);
    const owner = await group.ownerOf(await group.slotOf(key));
    const other = owner === from ? to : from;
    await group.reshard([await group.slotOf(key)], owner, other, async () => {
      const { code, out, err } = await vault('reseal');
      assert.equal(code, 0, out + err);
    });

    const { code, out } = await vault('reseal');
    assert.equal(code, 0);
    assert.match(out, /, 0 left$/m);
    assert.deepEqual(await grantsByKey({ redis: group }), { [fresh]: 12 });
  });

  await t.test('verify and list see all grants', async () => {
    const { out } = await vault('verify');
    assert.match(out, /^12 grants of acme open$/m);
    const listed = await vault('list', '--tenant', 'acme');
    assert.equal(listed.out.trim().split('\n').length, 12);
  });

  await t.test('verify finds a damaged grant', async () => {
    const [key] = await grantsOf(group);
    const blob = await group.command('HGET', key, 'b');
    await group.command('HSET', key, 'b', flipped(blob, -1));
    const { code, out } = await vault('verify');
    assert.equal(code, 3);
    assert.match(out, /^11 grants of acme open$/m);
    await group.command('HSET', key, 'b', blob);
  });
});

for (const [what, start] of [['Sentinel', startSentinel],
                             ['a cluster', startCluster]]) {
  test(`a rotation and a revocation with ${what}`, async (t) => {
    const gw = await standardGateway(t, { redis: await start(t),
                                          fhir: NO_CACHE });
    const ask = (member) => gw.visitor({ member }).get('/fhir/Patient');
    await members(gw, 4);
    keygen('--add', gw.file('keys'));
    keygen('--promote', gw.file('keys'));
    await gw.reload();
    const [fresh] = idsOf(gw.file('keys'));

    await t.test('scripts/vault reseal brings all grants under the new key',
      async () => {
        assertServed(await ask('member-0'));
        const { code, out } = await gw.vault('reseal');
        assert.equal(code, 0);
        assert.match(out, /^4 grants sealed again, 0 left$/m);
        assert.deepEqual(await grantsByKey(gw), { [fresh]: 4 });
        assertServed(await ask('member-3'));
        assert.equal((await gw.vault('status')).code, 0);
      });

    await t.test('revoked members are unknown at once', async () => {
      const { out } = await gw.vault('revoke', '--tenant', 'acme', '--yes');
      assert.match(out, /^4 grants revoked, 4 deleted, 0 not revoked$/m);
      assert.equal((await ask('member-0')).status, 401);
    });
  });
}

const grantsOf = (redis) => redis.command('KEYS', 'cigna:g:*');

test('a record opens only at its own key, tenant and generation',
  async (t) => {
    const gw = await standardGateway(t, { fhir: NO_CACHE });
    const alice = await withKey(gw);
    const other = await withKey(gw, { tenant: 'globex', member: 'alice' });
    const good = await readRecord(gw, alice.key);
    // The journal writes its grants to Redis again after each new connection,
    // and so replaces records that this test has moved.  A restart empties it.
    await gw.nginx.stop('SIGQUIT');
    await gw.nginx.start();

    const damaged = async (visitor) => assertRefused(
      await visitor.get('/fhir/Patient'), 503, 'record_damaged',
      { retry: true });

    await t.test('a record under another tenant\'s key does not open',
      async () => {
        await gw.redis.command('RENAME', other.key, 'spare');
        await gw.redis.command('RENAME', alice.key, other.key);
        await damaged(other.visitor);
        await gw.redis.command('RENAME', other.key, alice.key);
        await gw.redis.command('RENAME', 'spare', other.key);
        assertServed(await other.visitor.get('/fhir/Patient'));
        assertServed(await alice.visitor.get('/fhir/Patient'));
      });

    await t.test('a sealed dance does not open as a grant', async () => {
      await gw.dance({ member: 'carol', cancel: 'login' });
      for (const key of await gw.redis.command('KEYS', 'cigna:d:*')) {
        const blob = await gw.redis.command('HGET', key, 'b');
        if (blob) {
          await writeRecord(gw, alice.key,
                            { ...good, b: good.b.slice(0, 32) + blob });
          await damaged(alice.visitor);
        }
      }
      await writeRecord(gw, alice.key, good);
    });

    await t.test('a record of an older generation under a newer number does '
      + 'not open',
      async () => {
        await gw.redis.command('HSET', alice.key, 'g', '2');
        await damaged(alice.visitor);
        await gw.redis.command('HSET', alice.key, 'g', good.g);
        assertServed(await alice.visitor.get('/fhir/Patient'));
      });
  });
