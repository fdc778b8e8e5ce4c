// scripts/vault rename: a tenant gets another name, and no member has to log in
// again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../lib/cluster.mjs';
import { assertRefused, assertServed, connected, expired, grantKeys,
         refreshes } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { readRecord, writeRecord } from '../lib/records.mjs';
import { startRedis } from '../lib/redis.mjs';
import { TOP, until } from '../lib/scratch.mjs';
import { runVault, vaultLogin } from '../lib/vault.mjs';

const DONE = 0;
const USAGE = 2;
const ATTENTION = 3;

const [OLD, NEW] = ['acme', 'initech'];
const BLOCK = /^ *cigna_tenant acme \{[^}]*\}$/m;

// Returns the text of a configuration that has the tenant's block twice, with
// the old and with the new name.  `name` is the tenant that serves the members.
function withBoth(gw, name) {
  const text = gw.configuration();
  const block = text.match(BLOCK)[0];
  return text.replace(block, `${block}\n${block.replace(OLD, NEW)}`)
    .replace(/cigna_identity +acme/, `cigna_identity ${name}`);
}

async function serve(gw, name) {
  await gw.nginx.reload({ http: withBoth(gw, name) });
  gw.dropIdle();
}

// Starts a gateway whose configuration has the tenant's block twice, with the
// old and the new name.  The old name is in use.
async function renaming(t, options) {
  const gw = await standardGateway(t, options);
  await serve(gw, OLD);
  gw.both = gw.file('both.conf');
  writeFileSync(gw.both, `http {\n${withBoth(gw, OLD)}\n}\n`);
  return gw;
}

const toolArgs = (gw, ...args) =>
  ['-c', gw.both, ...vaultLogin(gw.redis, gw.directory), ...args];

async function vault(gw, ...args) {
  const ran = await runVault(toolArgs(gw, ...args));
  gw.replies.push(['scripts/vault', args, ran]);
  return ran;
}

function membersFile(gw, members) {
  const file = gw.file('members');
  writeFileSync(file, `${members.join('\n')}\n`);
  return file;
}

const rename = (gw, members, ...args) => vault(
  gw, 'rename', OLD, NEW, '--members', membersFile(gw, members), ...args);

const back = (gw, members, ...args) => vault(
  gw, 'rename', NEW, OLD, '--members', membersFile(gw, members), ...args);

// Returns { key: record } of all grants.  Records that only remember the ids of
// former grants are left out.
async function grants(gw) {
  const records = await Promise.all((await grantKeys(gw)).map(async (key) =>
    [key, await readRecord(gw, key)]));
  return Object.fromEntries(records.filter(([, { i }]) => i));
}

const ids = async (gw) =>
  Object.values(await grants(gw)).map(({ i }) => i).sort();

// A grant and its copy have different keys.  Takes the key of one of them, and
// returns the key of the other.
async function otherKey(gw, key) {
  const all = await grants(gw);
  return Object.keys(all).find((one) =>
    one !== key && all[one].i === all[key].i);
}

const isAside = ({ o }) => o === 'rename';

async function disconnect(gw, visitor) {
  const { status } = await visitor.post('/cigna/disconnect', {
    headers: { 'Sec-Fetch-Site': 'same-origin' } });
  assert.ok(status < 400, status);
}

const refused = (gw, reply) => assertRefused(
  reply, 401, 'not_connected', { connect: gw.url(OLD, '/cigna/connect') });

test('rename on a gateway that runs', async (t) => {
  const gw = await renaming(t);
  const { control } = gw.sandbox;
  const alice = await connected(gw);
  const bob = await connected(gw, { member: 'bob' });
  const [dora] = await expired(gw, 'dora');
  const zoe = await connected(gw, { tenant: 'globex', member: 'zoe' });
  const members = ['alice', 'bob', 'dora', 'nobody', ''];
  const before = await grants(gw);

  await t.test('a dry run changes nothing', async () => {
    const { code, out } = await rename(gw, members, '--dry-run');
    assert.equal(code, DONE, out);
    assert.match(out, /^3 grants would be copied to initech$/m);
    assert.match(out, /^1 members have no grant$/m);
    assert.deepEqual(await grants(gw), before);
  });

  await t.test('the grants are copied, and only the copies can be refreshed',
    async () => {
      const { code, out } = await rename(gw, members);
      assert.equal(code, DONE, out);
      assert.match(out, /^3 grants copied to initech$/m);
      const after = Object.values(await grants(gw));
      assert.equal(after.length, 7);
      assert.equal(after.filter(isAside).length, 3);
      for (const { i } of Object.values(before)) {
        assert.ok(after.filter((one) => one.i === i && !isAside(one)).length
          === 1);
      }
    });

  await t.test('a second run changes nothing', async () => {
    const once_ = await grants(gw);
    const { code, out } = await rename(gw, members);
    assert.equal(code, DONE);
    assert.match(out, /^0 grants copied to initech\n3 grants were copied/);
    assert.deepEqual(await grants(gw), once_);
  });

  await t.test('a node with the old name serves tokens that live, and '
    + 'refreshes none', async () => {
    const { ok } = await refreshes(gw);
    assertServed(await alice.get('/fhir/Coverage'));
    const reply = await dora.get('/fhir/Coverage');
    assert.equal(reply.status, 503, reply.body);
    assert.ok(Number(reply.headers['retry-after']) < 300);
    assert.equal((await dora.get('/cigna/status')).json().connected, true);
    assert.equal((await refreshes(gw)).ok, ok);
  });

  await t.test('list, status and revoke know grants that are set aside',
    async () => {
      const { out } = await vault(gw, 'list', '--tenant', OLD);
      assert.equal(out.match(/ generation \d+ {2}renamed /g).length, 3);
      assert.equal((await vault(gw, 'status')).code, DONE);
      await control.reset();
      const { code, err } = await vault(gw, 'revoke', '--tenant', OLD,
                                        '--yes');
      assert.equal(code, ATTENTION);
      assert.match(err, /was set aside by rename, so run "rename --finish"/);
      assert.equal((await control.see()).revoke.requests, 0);
    });

  await t.test('a node with the new name serves and refreshes the copies',
    async () => {
      await serve(gw, NEW);
      assertServed(await alice.get('/fhir/Coverage'));
      assertServed(await dora.get('/fhir/Coverage'));
      assertServed(await zoe.get('/fhir/Coverage'));
    });

  await t.test('a node with the old name serves on meanwhile', async () => {
    await serve(gw, OLD);
    assertServed(await alice.get('/fhir/Coverage'));
    assertServed(await bob.get('/fhir/Coverage'));
    await serve(gw, NEW);
  });

  await t.test('--finish removes the old grants', async () => {
    const { code, out } = await rename(gw, members, '--finish');
    assert.equal(code, DONE, out);
    assert.match(out, /^3 grants removed from acme$/m);
    assert.equal(Object.values(await grants(gw)).filter(isAside).length, 0);
    assert.deepEqual(await ids(gw),
                     Object.values(before).map(({ i }) => i).sort());

    const again = await rename(gw, members, '--finish');
    assert.equal(again.code, DONE);
    assert.match(again.out, /^3 members are known by the new name only$/m);
  });

  await t.test('the members are served without a login, also after a refresh',
    async () => {
      for (const visitor of [alice, bob, dora]) {
        assertServed(await visitor.get('/fhir/Coverage'));
      }
      await control.expire({ client_id: 'acme-client' });
      for (const visitor of [alice, bob, dora]) {
        assertServed(await visitor.get('/fhir/Coverage'));
      }
      const { token, revoke } = await control.see();
      assert.equal(token.reuse, 0);
      assert.equal(revoke.requests, 0);
    });

  await t.test('the old block can be removed', async () => {
    writeFileSync(gw.both, `http {\n${withBoth(gw, NEW).replace(BLOCK, '')
      .replaceAll(/location = \/cigna\/\w+ .*$/gm, '')}\n}\n`);
    const { code, out } = await vault(gw, 'status');
    assert.equal(code, DONE, out);
    assert.equal((await vault(gw, 'verify')).code, DONE);
  });

  await t.test('rename with exchanged names moves the grants back '
    + '', async () => {
    writeFileSync(gw.both, `http {\n${withBoth(gw, OLD)}\n}\n`);
    assert.equal((await back(gw, members)).code, DONE);
    await serve(gw, OLD);
    const { code, out } = await back(gw, members, '--finish');
    assert.equal(code, DONE, out);
    for (const visitor of [alice, bob, dora]) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    assert.equal((await control.see()).token.reuse, 0);
  });
});

test('members act while their tenant is renamed', async (t) => {
  const gw = await renaming(t);
  const { control } = gw.sandbox;
  const names = ['alice', 'bob', 'carol', 'dora', 'erna', 'frida'];
  const visitors = {};
  for (const member of names) {
    visitors[member] = await connected(gw, { member });
  }
  const { alice, bob, carol, dora, erna, frida } = visitors;

  await t.test('a disconnect under the old name removes the copy',
    async () => {
      assert.equal((await rename(gw, names)).code, DONE);
      await disconnect(gw, alice);
      const { code, out } = await rename(gw, names);
      assert.equal(code, DONE, out);
      assert.match(out, /^1 grants removed from initech, because .* acme$/m);
      await serve(gw, NEW);
      refused(gw, await alice.get('/fhir/Coverage'));
      await serve(gw, OLD);
    });

  await t.test('a new connection under the old name replaces the copy',
    async () => {
      assert.equal((await bob.dance()).outcome, 'connected');
      const { code, out } = await rename(gw, names);
      assert.equal(code, DONE, out);
      assert.match(out, /^1 grants copied to initech$/m);
    });

  await t.test('a disconnect under the new name removes the old grant',
    async () => {
      await serve(gw, NEW);
      assertServed(await bob.get('/fhir/Coverage'));
      await disconnect(gw, carol);
      const { code, out } = await rename(gw, names);
      assert.equal(code, DONE, out);
      assert.match(out, /^1 grants removed from acme, because/m);
    });

  await t.test('a new connection under the new name removes the old grant',
    async () => {
      assert.equal((await dora.dance()).outcome, 'connected');
      const { code, out } = await rename(gw, names, '--finish');
      assert.equal(code, DONE, out);
      assert.match(out, /^3 grants removed from acme$/m);
      assert.match(out, /^1 grants removed from acme, because/m);
    });

  await t.test('members who stayed connected are served, and others are not '
    + '', async () => {
    for (const visitor of [bob, dora, erna, frida]) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    for (const visitor of [alice, carol]) {
      refused(gw, await visitor.get('/fhir/Coverage'));
    }
    await control.expire({ client_id: 'acme-client' });
    for (const visitor of [bob, dora, erna, frida]) {
      assertServed(await visitor.get('/fhir/Coverage'));
    }
    assert.equal((await control.see()).token.reuse, 0);
    assert.equal((await ids(gw)).length, 4);
  });
});

test('a refresh that is under way', async (t) => {
  const gw = await renaming(t);
  const { control } = gw.sandbox;
  const [alice] = await expired(gw, 'alice');
  await connected(gw, { member: 'bob' });
  const members = ['alice', 'bob'];

  await control.set({ token_delay_ms: 3000 });
  const asked = alice.get('/fhir/Coverage');
  await until('the refresh is under way', async () =>
    (await control.see()).token.in_flight > 0);

  await t.test('rename does not copy a grant during its refresh', async () => {
    const { code, out } = await rename(gw, members, '--busy', 0);
    assert.equal(code, ATTENTION, out);
    assert.match(out, /^1 grants copied to initech$/m);
    assert.match(out, /^1 passed over: a refresh is under way$/m);
  });

  await t.test('rename waits for the end of the refresh', async () => {
    const { code, out, err } = await rename(gw, members);
    assert.equal(code, DONE, out);
    assert.match(out, /^1 grants copied to initech$/m);
    assert.match(err, /1 grants are left, probably because of a refresh/);
    assertServed(await asked);
    await control.set({ token_delay_ms: 0 });
    const copy = Object.values(await grants(gw)).filter(({ g }) => g === '2');
    assert.equal(copy.length, 2);
    assert.equal(copy.filter(isAside).length, 1);

    await serve(gw, NEW);
    await control.expire({ client_id: 'acme-client' });
    assertServed(await alice.get('/fhir/Coverage'));
    assert.equal((await control.see()).token.reuse, 0);
  });
});

test('an interrupted rename', async (t) => {
  const gw = await renaming(t);
  const { control } = gw.sandbox;
  const members = Array.from({ length: 12 }, (_, i) => `member-${i}`);
  const visitors = await Promise.all(members.map((member) =>
    connected(gw, { member })));
  const before = await ids(gw);

  async function interrupted(...args) {
    const child = spawn(`${TOP}/scripts/vault`, toolArgs(
      gw, 'rename', OLD, NEW, '--members', membersFile(gw, members), ...args),
                        { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await sleep(150 + Math.random() * 400);
    child.kill('SIGKILL');
    await ended;
  }

  // Asserts that each grant is live under at most one name, and that there are
  // at most two copies of it.
  async function assertOneLive() {
    const all = Object.values(await grants(gw));
    for (const id of before) {
      const same = all.filter(({ i }) => i === id);
      assert.ok(same.filter((one) => !isAside(one)).length <= 1, id);
      assert.ok(same.length <= 2, id);
    }
  }

  await t.test('at no moment can two grants be refreshed', async () => {
    for (let i = 0; i < 6; i += 1) {
      await interrupted();
      await assertOneLive();
    }
    const { code, out } = await rename(gw, members);
    assert.equal(code, DONE, out);
    await serve(gw, NEW);
    for (let i = 0; i < 3; i += 1) {
      await interrupted('--finish');
      await assertOneLive();
    }
    assert.equal((await rename(gw, members, '--finish')).code, DONE);
    assert.deepEqual(await ids(gw), before);
  });

  await t.test('each member is served, before and after a refresh',
    async () => {
      for (let i = 0; i < 2; i += 1) {
        for (const visitor of visitors) {
          assertServed(await visitor.get('/fhir/Coverage'));
        }
        await control.expire({ client_id: 'acme-client' });
      }
      assert.equal((await control.see()).token.reuse, 0);
    });
});

test('a rename that ended between its two writes', async (t) => {
  const gw = await renaming(t);
  const [alice] = await expired(gw, 'alice');
  const [key] = await grantKeys(gw);
  const before = await readRecord(gw, key);
  const members = ['alice'];

  // Makes the state after a rename that ended between its two writes: the grant
  // is set aside, and the copy is missing.
  async function half() {
    assert.equal((await rename(gw, members)).code, DONE);
    await gw.redis.command('DEL', await otherKey(gw, key));
  }

  await t.test('the same command goes on', async () => {
    await half();
    const { code, out } = await rename(gw, members);
    assert.equal(code, DONE);
    assert.match(out, /^1 grants copied to initech$/m);
    const copy = await readRecord(gw, await otherKey(gw, key));
    assert.equal(copy.i, before.i);
    assert.equal(isAside(copy), false);
    assert.equal(copy.m, undefined);
  });

  await t.test('the command with exchanged names gives the grant back',
    async () => {
      await half();
      const { code, out } = await back(gw, members);
      assert.equal(code, DONE);
      assert.match(out, /^1 grants of acme given back to the gateways$/m);
      assert.deepEqual(await readRecord(gw, key), before);
      assertServed(await alice.get('/fhir/Coverage'));
    });

  await t.test('the mark that the grant had before comes back', async () => {
    const { g } = await readRecord(gw, key);
    await gw.redis.command('HSET', key, 'm', 1234567890123, 'n', 1);
    await half();
    await back(gw, members);
    const { m, n } = await readRecord(gw, key);
    assert.deepEqual([m, n], ['1234567890123', '1']);

    await rename(gw, members);
    const copy = await readRecord(gw, await otherKey(gw, key));
    assert.deepEqual([copy.m, copy.n, copy.g], ['1234567890123', '1', g]);
  });
});

test('a replica that does not keep up', async (t) => {
  const gw = await renaming(t);
  const [alice] = await expired(gw, 'alice');
  const replica = await startRedis(t, { name: 'replica' });
  await replica.command('REPLICAOF', '127.0.0.1', gw.redis.port);
  await until('the replica follows', async () =>
    (await replica.info('replication')).master_link_status === 'up');
  const copies = async () => Object.values(await grants(gw))
    .map((one) => (isAside(one) ? 'aside' : 'live')).join(' ');

  await t.test('no grant is copied before a replica has the mark',
    async () => {
      replica.freeze();
      const { code, out, err } = await rename(gw, ['alice'], '--busy', 0);
      assert.equal(code, ATTENTION);
      assert.match(out, /^0 grants copied to initech$/m);
      assert.match(err, /no replica of \S+ has all writes yet/);
      assert.equal(await copies(), 'aside');
    });

  await t.test('rename may be killed while it waits', async () => {
    const child = spawn(`${TOP}/scripts/vault`, toolArgs(
      gw, 'rename', OLD, NEW, '--members', membersFile(gw, ['alice'])),
                        { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await sleep(1500);
    assert.equal(await copies(), 'aside');
    child.kill('SIGKILL');
    await ended;
    replica.thaw();

    assert.equal((await rename(gw, ['alice'])).code, DONE);
    assert.match(await copies(), /^(aside live|live aside)$/);
    await serve(gw, NEW);
    assertServed(await alice.get('/fhir/Coverage'));
    assert.equal((await gw.sandbox.control.see()).token.reuse, 0);
  });
});

test('a new primary may not know of open exchanges', async (t) => {
  const gw = await renaming(t, {
    redisOptions: { config: { appendonly: 'yes', appendfsync: 'always' } } });
  await connected(gw);
  const seconds = async (...args) => {
    const began = Date.now();
    const { code, out, err } = await rename(gw, ['alice'], ...args);
    assert.equal(code, DONE, out + err);
    assert.match(out, /^1 grants copied to initech$/m);
    return { passed: (Date.now() - began) / 1000, err };
  };

  await t.test('rename waits after a change of primary', async () => {
    await gw.redis.stop();
    await gw.redis.start();
    const { passed, err } = await seconds();
    assert.match(err, / is a new primary: waiting for 1[0-5] s$/m);
    assert.ok(passed > 9, passed);
    assert.equal((await back(gw, ['alice'], '--finish')).code, DONE);
  });

  await t.test('rename notices a change of primary while it runs', async () => {
    const running = seconds('--rate', 0.3);
    await sleep(1500);
    await gw.redis.stop();
    await gw.redis.start();
    const { passed, err } = await running;
    assert.match(err, / is a new primary: waiting for /);
    assert.ok(passed > 12, passed);
  });
});

test('rename in a cluster', async (t) => {
  const redis = await startCluster(t);
  const gw = await renaming(t, { redis });
  const members = Array.from({ length: 12 }, (_, i) => `member-${i}`);
  const visitors = await Promise.all(members.map((member) =>
    connected(gw, { member })));
  const before = await ids(gw);

  for (const args of [['--dry-run'], []]) {
    const { code, out, err } = await rename(gw, members, ...args);
    assert.equal(code, DONE, out + err);
  }
  await serve(gw, NEW);
  const { code, out } = await rename(gw, members, '--finish');
  assert.equal(code, DONE, out);
  assert.match(out, /^12 grants removed from acme$/m);
  assert.deepEqual(await ids(gw), before);

  await gw.sandbox.control.expire({ client_id: 'acme-client' });
  for (const visitor of visitors) {
    assertServed(await visitor.get('/fhir/Coverage'));
  }
  assert.equal((await gw.sandbox.control.see()).token.reuse, 0);
  const status = await vault(gw, 'status');
  assert.equal(status.code, DONE, status.out + status.err);
});

test('reports of rename', async (t) => {
  const gw = await renaming(t);
  await connected(gw);
  await connected(gw, { member: 'bob' });
  await connected(gw, { member: 'carol' });

  await t.test('rename reports grants of members that the file lacks '
    + '', async () => {
    const { code, out } = await rename(gw, ['alice'], '--dry-run');
    assert.equal(code, ATTENTION);
    assert.match(out, /^2 grants of acme belong to members that the file d/m);
    assert.equal(out.match(/^ {4}[\w-]{27}$/gm).length, 2);
  });

  await t.test('rename reports lines that cannot be names', async () => {
    const { code, out } = await rename(
      gw, ['alice', 'bob', 'carol', 'x'.repeat(257), '\x1b[31m'], '--dry-run');
    assert.equal(code, ATTENTION);
    assert.match(out, /^2 lines are not names of members, such as line 4$/m);
  });

  await t.test('rename reports a bad record and copies the others '
    + '', async () => {
    const [key] = await grantKeys(gw);
    const good = await readRecord(gw, key);
    await gw.redis.command('DEL', key);
    await gw.redis.command('SET', key, 'x');
    const { code, out } = await rename(gw, ['alice', 'bob', 'carol']);
    assert.equal(code, ATTENTION);
    assert.match(out, /^2 grants copied to initech$/m);
    assert.match(out, /^1 x is a string, not a hash$/m);
    await writeRecord(gw, key, good);
  });

  const file = membersFile(gw, ['alice']);
  for (const [what, args, said] of [
    ['equal names', [OLD, OLD], /the two names are equal/],
    ['a new name without a block', [OLD, 'other'], /first write its block/],
    ['another registration', [OLD, 'globex'], /different settings of client/],
    ['an impossible name', ['a b', NEW], /a tenant cannot have this name/],
  ]) {
    await t.test(`rename refuses ${what}`, async () => {
      const { code, err } = await vault(gw, 'rename', ...args, '--members',
                                        file);
      assert.equal(code, USAGE);
      assert.match(err, said);
      assert.equal(err.trim().split('\n').length, 1);
    });
  }

  await t.test('rename reports a file that cannot be read', async () => {
    const { code, err } = await vault(gw, 'rename', OLD, NEW, '--members',
                                      gw.file('none'));
    assert.equal(code, 1);
    assert.match(err, /cannot read ".*none": No such file/);
  });
});

test('a block that was renamed too early', async (t) => {
  const gw = await renaming(t);
  const alice = await connected(gw);
  const text = withBoth(gw, NEW).replace(BLOCK, '');
  await gw.nginx.reload({ http: text });
  gw.dropIdle();
  writeFileSync(gw.both, `http {\n${text}\n}\n`);

  refused(gw, await alice.get('/fhir/Coverage'));
  const status = await vault(gw, 'status');
  assert.equal(status.code, ATTENTION);
  assert.match(status.out, /with the registration of tenant "initech": was/);

  const { code, out } = await rename(gw, ['alice'], '--finish');
  assert.equal(code, DONE, out);
  assert.match(out, /^1 grants copied to initech\n1 grants removed from acme/m);
  assertServed(await alice.get('/fhir/Coverage'));
  assert.equal((await vault(gw, 'status')).code, DONE);
});
