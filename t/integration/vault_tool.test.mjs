// scripts/vault: init, status, verify, list and revoke.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { assertRefused, assertServed, connected, logged }
  from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { flipped, readRecord, withKey, writeRecord } from '../lib/records.mjs';
import { TOP, until } from '../lib/scratch.mjs';
import { runVault } from '../lib/vault.mjs';

const MARKER = 'cigna:v:{vault}';
const DONE = 0;
const FAILED = 1;
const USAGE = 2;
const ATTENTION = 3;

const keygen = (...args) =>
  execFileSync(`${TOP}/scripts/keygen`, args, { encoding: 'utf8' });

// Runs scripts/vault on the Redis of a gateway, with options and without a
// configuration.
const byOptions = (gw, ...args) => runVault([
  '--redis', `unix:${gw.redis.unixPath}`, '--keys', gw.file('keys'), ...args]);

test('init', async (t) => {
  const gw = await standardGateway(t);
  const { redis } = gw;
  const marker = () => redis.command('HGET', MARKER, 'b');
  const made = await marker();

  const other = path.join(gw.directory, 'other.keys');
  writeFileSync(other, keygen(), { mode: 0o600 });

  await t.test('a second init changes nothing', async () => {
    const { code, err } = await gw.vault('init');
    assert.equal(code, DONE);
    assert.match(err, /has its marker already/);
    assert.equal(await marker(), made);
  });

  await t.test('init does not overwrite the marker of another '
    + 'vault', async () => {
    const { code, err } = await gw.vaultOf({ keys: other }, 'init');
    assert.equal(code, FAILED);
    assert.match(err, /made with another name key; nothing was changed/);
    assert.equal(await marker(), made);
  });

  await t.test('init does not overwrite a damaged marker', async () => {
    await redis.command('HSET', MARKER, 'b', flipped(made, 30));
    const { code, err } = await gw.vault('init');
    assert.equal(code, FAILED);
    assert.match(err, /is damaged, or of another vault/);
    await redis.command('HSET', MARKER, 'b', made);
  });

  await t.test('init --force overwrites a marker', async () => {
    const { code } = await gw.vaultOf({ keys: other }, 'init', '--force');
    assert.equal(code, DONE);
    assert.notEqual(await marker(), made);
    assert.equal((await gw.vault('init')).code, FAILED);
    assert.equal((await gw.vault('init', '--force')).code, DONE);
    assert.equal((await gw.vault('status')).code, DONE);
  });

  await t.test('init refuses a Redis that may evict records', async () => {
    await redis.command('DEL', MARKER);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
    const { code, err } = await gw.vault('init');
    assert.equal(code, FAILED);
    assert.match(err, /set "maxmemory-policy noeviction" there/);
    assert.equal(await marker(), null);
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  });

  await t.test('init refuses records without a marker, unless --adopt is given',
    async () => {
      assert.equal((await gw.vault('init')).code, DONE);
      const { key } = await withKey(gw);
      await redis.command('DEL', MARKER);

      const { code, err } = await gw.vault('init');
      assert.equal(code, FAILED);
      assert.match(err, /records under "cigna:" and no marker/);
      assert.equal(await marker(), null);

      assert.equal((await gw.vault('init', '--adopt')).code, DONE);
      assert.equal((await gw.vault('verify')).code, DONE);
      assert.equal(await redis.command('EXISTS', key), 1);
    });

  await t.test('the marker never expires and records no loss',
    async () => {
      await redis.command('FLUSHALL');
      assert.equal((await gw.vault('init')).code, DONE);
      assert.equal(await redis.command('PTTL', MARKER), -1);
      assert.equal(await redis.command('HGET', MARKER, 't'), '0');
      const { run_id: run } = await redis.info('server');
      assert.equal(await redis.command('HGET', MARKER, 'r'), run);
    });

  await t.test('a wrong password of Redis is reported and not shown',
    async () => {
      await redis.command('CONFIG', 'SET', 'requirepass', 'MARKsRightOne');
      const file = path.join(gw.directory, 'wrong.password');
      writeFileSync(file, 'MARKsWrongOne\n', { mode: 0o600 });

      for (const args of [[], ['--password-file', file]]) {
        const { code, err } = await byOptions(gw, ...args, 'init');
        assert.equal(code, FAILED);
        assert.match(err, /refuses the login \(user name or password\)/);
        assert.doesNotMatch(err, /MARKs/);
      }
      await redis.command('CONFIG', 'SET', 'requirepass', '');
    });
});

test('the contents of a vault', async (t) => {
  const gw = await standardGateway(t);
  const { redis } = gw;
  const alice = await withKey(gw, { username: 'syntheticuser05' });
  const globex = await withKey(gw, { tenant: 'globex', member: 'Zoe <z@x>' });
  const bob = await withKey(gw, { member: 'bob',
                                  username: 'syntheticuser03' });
  const good = await readRecord(gw, alice.key);
  const ttl = await redis.command('PTTL', alice.key);

  const restore = async () => {
    await writeRecord(gw, alice.key, good);
    await redis.command('PEXPIRE', alice.key, ttl);
  };
  const status = async () =>
    JSON.parse((await gw.vault('status', '--json')).out);
  const list = async (...args) => {
    const { code, out } = await gw.vault('list', '--json', ...args);
    assert.equal(code, DONE);
    return out.trim().split('\n').filter(Boolean).map((one) =>
      JSON.parse(one));
  };

  await t.test('status shows the keys and their records, with nothing to '
    + 'attend to',
    async () => {
      const { code, out } = await gw.vault('status');
      assert.equal(code, DONE, out);
      assert.match(out, /^primary .* noeviction, 0 replicas/);
      assert.match(out, /^marker +1 of this vault$/m);
      assert.match(out, /^key +[0-9a-f]{16} +seals +3 grants +3 dances$/m);

      const { keys, records, attention } = await status();
      assert.equal(keys.length, 1);
      assert.equal(keys[0].grants, 3);
      assert.deepEqual(records, { grants: 3, dances: 3 });
      assert.deepEqual(attention, []);
      assert.equal(`${keygen('--list', gw.file('keys'))}`,
                   `${keys[0].id} seals\n`);
    });

  const ATTEND = {
    'a record without expiry': [
      () => redis.command('PERSIST', alice.key),
      /ATTENTION: 1 records without expiry, such as cigna:g:/],
    'a record under an unknown key': [
      () => redis.command('HSET', alice.key, 'b', flipped(good.b, 33)),
      /ATTENTION: the ring lacks key [0-9a-f]{16}/],
    'a value that is not a record': [
      () => redis.command('HSET', alice.key, 'b', 'nonsense'),
      /ATTENTION: 1 grants are not sealed records/],
  };

  for (const [what, [change, said]] of Object.entries(ATTEND)) {
    await t.test(`status points out ${what}`, async () => {
      await change();
      const { code, out } = await gw.vault('status');
      await restore();
      assert.equal(code, ATTENTION);
      assert.match(out, said);
    });
  }

  await t.test('status points out a lost marker and a policy that evicts',
    async () => {
      const marker = await redis.command('HGET', MARKER, 'b');
      await redis.command('HDEL', MARKER, 'b');
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      const { code, out } = await gw.vault('status');
      await redis.command('HSET', MARKER, 'b', marker);
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      assert.equal(code, ATTENTION);
      assert.match(out, /ATTENTION: 1 marker: is missing/);
      assert.match(out, /ATTENTION: .* maxmemory-policy is allkeys-lru/);
    });

  await t.test('verify opens all grants', async () => {
    const { code, out } = await gw.vault('verify');
    assert.equal(code, DONE);
    assert.match(out, /^2 grants of acme open\n1 grants of globex open\n$/);
  });

  const MEDDLED = {
    'a flipped bit': ({ b }) => ({ b: flipped(b, 80) }),
    'a flipped bit of the registration': ({ b }) => ({ b: flipped(b, 3) }),
    'another generation': ({ g }) => ({ g: `${Number(g) + 1}` }),
    'another grant id': ({ i }) => ({ i: flipped(i, 0) }),
    'the sealed text of another member': () => ({ b: bob }),
    'no generation': () => ({ g: 'x' }),
  };

  for (const [what, change] of Object.entries(MEDDLED)) {
    await t.test(`verify finds ${what}`, async () => {
      const { b } = await readRecord(gw, bob.key);
      const changed = change(good);
      await redis.command('HSET', alice.key, ...Object.entries(changed)
        .map(([name, value]) => [name, value === bob ? b : value]).flat());
      const { code, out } = await gw.vault('verify');
      await restore();

      assert.equal(code, ATTENTION);
      assert.match(out, /^1 grants of acme open$/m);
      assert.match(out, new RegExp(`^    ${alice.key.slice(9, -1)}$`, 'm'));
    });
  }

  await t.test('verify finds exchanged grants', async () => {
    const spare = 'cigna:g:{AAAAAAAAAAAAAAAAAAAAAAAAAAA}';
    await redis.command('RENAME', alice.key, spare);
    await redis.command('RENAME', globex.key, alice.key);
    await redis.command('RENAME', spare, globex.key);
    const { code, out } = await gw.vault('verify');
    await redis.command('RENAME', alice.key, spare);
    await redis.command('RENAME', globex.key, alice.key);
    await redis.command('RENAME', spare, globex.key);

    assert.equal(code, ATTENTION);
    assert.match(out, /^2 x belongs to no tenant: it is damaged, was moved/m);
    assert.equal((await gw.vault('verify')).code, DONE);
  });

  await t.test('verify reports another registration, which is not damage',
    async () => {
      const { code, out } = await gw.vaultOf({}, 'verify');
      assert.equal(code, DONE);
      assert.doesNotMatch(out, /another registration/);

      const conf = readFileSync(gw.file('vault.conf'), 'utf8')
        .replace('client_id acme-client', 'client_id another');
      writeFileSync(gw.file('moved.conf'), conf);
      const moved = await runVault(['-c', gw.file('moved.conf'), 'verify']);
      assert.equal(moved.code, DONE);
      assert.match(moved.out,
                   /^2 grants of acme open, 2 of them made for another/m);
    });

  await t.test('list shows all grants, or those of a tenant, a member or an '
    + 'identity',
    async () => {
      const tenants = (entries) => entries.map(({ tenant }) => tenant).sort();
      assert.deepEqual(tenants(await list()), ['acme', 'acme', 'globex']);
      assert.deepEqual(tenants(await list('--tenant', 'acme')),
                       ['acme', 'acme']);
      assert.deepEqual(await list('--tenant', 'acme', '--member', 'nobody'),
                       []);

      const [zoe] = await list('--tenant', 'globex', '--member', 'Zoe <z@x>');
      assert.equal(`cigna:g:{${zoe.identity}}`, globex.key);
      assert.deepEqual(await list('--identity', zoe.identity), [zoe]);
      assert.deepEqual(await list('--identity', zoe.identity, '--tenant',
                                  'acme'), []);
    });

  await t.test('list uses the identities of the logs', async () => {
    await alice.visitor.get('/fhir/Patient');
    const { member } = await logged(gw, '/fhir/Patient');
    const [entry] = await list('--identity', member);
    assert.equal(entry.tenant, 'acme');
  });

  await t.test('list shows the state of a grant, and no token',
    async () => {
      const [entry] = await list('--tenant', 'acme', '--member', 'alice');
      assert.equal(entry.generation, 1);
      assert.equal(entry.state, 'live');
      assert.equal(entry.refreshable, true);
      assert.ok(Date.parse(entry.expires) > Date.now());
      assert.ok(Date.parse(entry.kept_until) > Date.now() + 390 * 86400000);
      assert.ok(Math.abs(Date.parse(entry.connected) - Date.now()) < 60000);
      assert.match(entry.scope, /openid/);

      const text = (await gw.vault('list')).out;
      assert.equal(text.trim().split('\n').length, 3);
      assert.doesNotMatch(text, /A0000000000000/);
    });

  await t.test('list shows a patient as a fingerprint, unless --show-patient '
    + 'is given',
    async () => {
      const [one] = await list('--tenant', 'acme', '--member', 'alice');
      const [two] = await list('--tenant', 'acme', '--member', 'bob');
      assert.match(one.patient, /^#[\w-]{8}$/);
      assert.notEqual(one.patient, two.patient);
      assert.doesNotMatch(JSON.stringify(one), /A0000000000000/);

      const [shown] = await list('--tenant', 'acme', '--member', 'alice',
                                 '--show-patient');
      assert.equal(shown.patient, 'A00000000000005');
    });

  await t.test('list reports grants that do not open', async () => {
    await redis.command('HSET', alice.key, 'b', flipped(good.b, 90));
    const { code, out, err } = await gw.vault('list', '--tenant', 'acme');
    await restore();
    assert.equal(code, ATTENTION);
    assert.equal(out.trim().split('\n').length, 1);
    assert.match(err, /1 grants do not open/);
  });
});

test('revoke', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 2 } });
  const { control } = gw.sandbox;
  const connect = gw.url('acme', '/cigna/connect');
  const alice = await connected(gw);
  const bob = await connected(gw, { member: 'bob' });
  const zoe = await connected(gw, { tenant: 'globex', member: 'zoe' });
  const ask = (who) => who.get('/fhir/Patient');

  const forgotten = (who) => until('all workers have forgotten', async () =>
    (await ask(who)).status === 401, { timeout: 1000 });

  await t.test('a dry run shows the grants and changes nothing',
    async () => {
      const { code, out } = await gw.vault('revoke', '--tenant', 'acme',
                                           '--dry-run');
      assert.equal(code, DONE);
      assert.match(out, /^2 grants would be revoked and deleted$/m);
      assertServed(await ask(alice));
      assert.equal((await control.see()).revoke.requests, 0);
    });

  await t.test('revoke does nothing without a confirmation', async () => {
    const { code, err } = await gw.vault('revoke', '--tenant', 'acme');
    assert.equal(code, USAGE);
    assert.match(err, /no terminal for a confirmation: add --yes/);
    assertServed(await ask(alice));
  });

  for (const [what, args] of Object.entries({
    'no choice': [], 'a member without a tenant': ['--member', 'alice'],
    'an unknown tenant': ['--tenant', 'other'],
    'both a member and an identity':
      ['--tenant', 'acme', '--member', 'a', '--identity', 'b'],
    'an invalid identity': ['--identity', 'short'],
    'an empty member': ['--tenant', 'acme', '--member', ''],
  })) {
    await t.test(`revoke refuses ${what}`, async () => {
      const { code } = await gw.vault('revoke', '--yes', ...args);
      assert.equal(code, USAGE);
    });
  }

  await t.test('a grant whose revocation fails is kept and reported',
    async () => {
      await control.set({ revoke_fault: '503' });
      const { code, out, err } = await gw.vault(
        'revoke', '--tenant', 'acme', '--member', 'alice', '--yes');
      await control.set({ revoke_fault: 'none' });

      assert.equal(code, ATTENTION);
      assert.match(out, /^0 grants revoked, 0 deleted, 1 not revoked$/m);
      assert.match(err, /is not revoked: the server answers with/);
      assertServed(await ask(alice));
    });

  await t.test('a revoked grant is revoked at Cigna, deleted in Redis and '
    + 'dropped from every cache', async () => {
    await control.reset();
    for (let i = 0; i < 4; i += 1) {
      assertServed(await ask(alice));
    }
    const { code, out } = await gw.vault(
      'revoke', '--tenant', 'acme', '--member', 'alice', '--yes');
    assert.equal(code, DONE);
    assert.match(out, /^1 grants revoked, 1 deleted, 0 not revoked$/m);

    await forgotten(alice);
    for (let i = 0; i < 4; i += 1) {
      assertRefused(await ask(alice), 401, 'not_connected', { connect });
    }
    assert.equal((await control.see()).revoke.revoked, 1);
    assertServed(await ask(bob));
  });

  await t.test('a revoked member can connect again', async () => {
    assert.equal((await alice.dance()).outcome, 'connected');
    assertServed(await ask(alice));
  });

  await t.test('--delete-anyway deletes a grant whose revocation '
    + 'fails', async () => {
    await control.set({ revoke_fault: '503' });
    const { code, out } = await gw.vault(
      'revoke', '--tenant', 'acme', '--member', 'alice', '--yes',
      '--delete-anyway');
    await control.set({ revoke_fault: 'none' });
    assert.equal(code, ATTENTION);
    assert.match(out, /^0 grants revoked, 1 deleted, 1 not revoked$/m);
    await forgotten(alice);
  });

  await t.test('a whole tenant is revoked, and no other', async () => {
    await connected(gw);
    const { code, out } = await gw.vault('revoke', '--tenant', 'acme',
                                         '--yes');
    assert.equal(code, DONE);
    assert.match(out, /^2 grants revoked, 2 deleted, 0 not revoked$/m);
    await forgotten(bob);
    assertServed(await ask(zoe));
    assert.equal((await gw.vault('status')).code, DONE);
  });

  await t.test('a server with an untrusted certificate gets no request',
    async () => {
      const conf = gw.file('distrust.conf');
      writeFileSync(conf, readFileSync(gw.file('vault.conf'), 'utf8')
        .replaceAll(/trusted_certificate .*;/g, ''));
      await control.reset();
      const { code, err } = await runVault(
        ['-c', conf, 'revoke', '--tenant', 'globex', '--yes']);
      assert.equal(code, FAILED);
      assert.match(err, /the certificate of "localhost" is not valid/);
      assert.equal((await control.see()).revoke.requests, 0);
      assertServed(await ask(zoe));
    });
});

test('client authentication of revoke', async (t) => {
  const methods = ['client_secret_basic', 'none'];

  for (const method of methods) {
    await t.test(`revoke authenticates with ${method}`, async (st) => {
      const gw = await standardGateway(st, {
        tenant: { token_endpoint_auth_method: method },
        clients: { acme: { token_endpoint_auth_method: method },
                   globex: { token_endpoint_auth_method: method } },
      });
      await connected(gw);
      const { out } = await gw.vault('revoke', '--tenant', 'acme', '--yes');
      assert.match(out, /^1 grants revoked, 1 deleted, 0 not revoked$/m);
      const { revoke } = await gw.sandbox.control.see();
      assert.equal(revoke.revoked, 1);
    });
  }
});

test('the endpoint of revoke', async (t) => {
  const REVOKED = /^1 grants revoked, 1 deleted, 0 not revoked$/m;

  async function revoke(st, tenant, modes) {
    const gw = await standardGateway(st, {
      tenant: { revocation_endpoint: null, ...tenant },
    });
    const { control, info } = gw.sandbox;
    await control.set(modes(info));
    await connected(gw);
    const ran = await gw.vault('revoke', '--tenant', 'acme', '--yes');
    return { ...ran, revoked: (await control.see()).revoke.revoked };
  }

  await t.test('an environment does not apply beside endpoints of another '
    + 'server',
    async (st) => {
      const { out, revoked } = await revoke(
        st, { environment: 'sandbox' }, () => ({}));
      assert.match(out, REVOKED);
      assert.equal(revoked, 1);
    });

  await t.test('revoke reads an odd metadata document', async (st) => {
    const { out, revoked } = await revoke(st, {}, (info) => ({
      smart_configuration_reply: {
        status: 201, type: 'text/plain',
        body: `\ufeff{"token_endpoint":5,"revocation_endpoint":"x",`
          + `"revocation_endpoint":" ${info.revoke}\\n"}\n`,
      },
    }));
    assert.match(out, REVOKED);
    assert.equal(revoked, 1);
  });

  await t.test('revoke does not use an endpoint of another '
    + 'server', async (st) => {
    const { err, revoked } = await revoke(st, {}, () => ({
      smart_configuration: {
        token_endpoint: 'https://other.example/token',
        revocation_endpoint: 'https://other.example/revoke',
      },
    }));
    assert.match(err, /"acme" has no revocation_endpoint/);
    assert.equal(revoked, 0);
  });

  await t.test('revoke does not use an endpoint over http', async (st) => {
    const { err } = await revoke(st, {}, () => ({
      smart_configuration: { revocation_endpoint: 'http://localhost/revoke' },
    }));
    assert.match(err, /"acme" has no revocation_endpoint/);
  });
});

test('the configuration that scripts/vault reads', async (t) => {
  const gw = await standardGateway(t, {
    redisOptions: { password: 'MARKsRedisPassword' },
  });
  const directory = path.join(gw.directory, 'conf');
  mkdirSync(directory);
  const write = (name, text) => {
    const file = path.join(directory, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const status = (conf, ...more) => runVault(['-c', conf, ...more, 'status']);

  const KEYS = 'keys';
  write(KEYS, readFileSync(gw.file('keys'), 'utf8'));
  const password = write('password', 'MARKsRedisPassword\n');
  const url = `unix:${gw.redis.unixPath}`;

  await t.test('includes, quotes, comments and other directives are read',
    async () => {
      write('vault.inc', `
        cigna_vault { # { not a block
            redis "${url}"; keys   keys ;
            password_file 'password';
            connect_timeout 500ms; wait_replicas 1 200ms; }`);
      const conf = write('nginx.conf', `
        user nobody; # ; }
        events { worker_connections 10; }
        http { log_format x '{"a": "$request" \\' }'; include *.inc;
            map $host $x { default "}"; ~^\\{\\} 1; \${a} b; }
            server { location / { content_by_lua_block { x = { "}{" } } }
                     return 200 a\\;b; } }`);
      const { code, err } = await status(conf);
      assert.equal(code, DONE, err);
    });

  const vault = (lines) => `http { cigna_vault { ${lines} } }`;
  const good = `redis ${url}; keys keys; password_file password;`;

  for (const [what, [text, said]] of Object.entries({
    'no vault': ['http { }', /there is no cigna_vault/],
    'two vaults': [vault(good).repeat(2), /more than one cigna_vault/],
    'no Redis': [vault('keys keys;'), /no "redis" in cigna_vault/],
    'no keys': [vault(`redis ${url};`), /no "keys" in cigna_vault/],
    'an invalid Redis': [vault('redis http://x; keys keys;'),
                         /not the address of a Redis/],
    'a password in the address': [
      vault('redis redis://u:MARKsX@h:1; keys keys;'),
      /user and password come from files/],
    'a prefix with braces': [vault(`${good} prefix "a{b";`), /is not a prefix/],
    'a missing file': [vault(good.replace('keys keys', 'keys x')),
                       /cannot open ".*conf\/x": No such file/],
    'a user without password': [vault(`redis ${url}; keys keys; username x;`),
                                /user name without a password/],
    'a block that does not end': ['http { ', /"}" is missing/],
    'a surplus brace': ['http { } }', /unexpected "}"/],
    'a quote that does not end': ['user "x;', /quote is not closed/],
    'a missing include': ['include none.inc;', /cannot read/],
    'an include of itself': ['include again.conf;', /too many files/],
  })) {
    await t.test(`a configuration with ${what} is refused with a `
      + 'reason', async () => {
      const { code, err } = await status(write('again.conf', text));
      assert.notEqual(code, DONE);
      assert.match(err, said);
      assert.doesNotMatch(err, /Traceback/);
    });
  }

  await t.test('files that others can read are refused', async () => {
    for (const file of [path.join(directory, KEYS), password]) {
      chmodSync(file, 0o640);
      const { code, err } = await status(write('again.conf', vault(good)));
      chmodSync(file, 0o600);
      assert.equal(code, FAILED);
      assert.match(err, /is open to others than its owner, use "chmod 600/);
    }
  });

  await t.test('a ring with a bad line is refused without showing it',
    async () => {
      const bad = write('bad', `${keygen()}seal MARKsNoKey\n`);
      const { code, err } = await status(write('again.conf', vault(good)),
                                         '--keys', bad);
      assert.equal(code, FAILED);
      assert.match(err, /line 3: a key is 32 bytes in base64url/);
      assert.doesNotMatch(err, /MARKs/);
    });

  await t.test('options take precedence over the configuration', async () => {
    const conf = write('again.conf', vault(
      good.replace(url, 'redis://127.0.0.1:1')));
    const { code, err } = await status(conf, '--redis', url);
    assert.equal(code, DONE, err);
  });

  await t.test('an unreachable Redis is reported after --wait', async () => {
    const { code, err } = await status(write('again.conf', vault(
      good.replace(url, 'redis://127.0.0.1:1'))), '--wait', '0.5');
    assert.equal(code, FAILED);
    assert.match(err, /127\.0\.0\.1:1 does not answer/);
  });

  await t.test('each command has its own help', async () => {
    for (const args of [[], ['init'], ['status'], ['reseal'], ['verify'],
                        ['list'], ['revoke'], ['revive']]) {
      const { code, out } = await runVault([...args, '--help']);
      assert.equal(code, DONE);
      assert.match(out, /^usage: scripts\/vault/);
    }
    assert.equal((await runVault([])).code, USAGE);
    assert.equal((await runVault(['nonsense'])).code, USAGE);
  });
});

test('Redis over TLS', async (t) => {
  const gw = await standardGateway(t, { vaultOver: 'tls' });
  const url = `rediss://localhost:${gw.redis.tlsPort}`;
  const status = (...args) => runVault(['--redis', url, '--keys',
    gw.file('keys'), '--wait', '0.5', ...args, 'status']);
  const trusted = ['--trusted-certificate', gw.ca.certFile];

  await t.test('a certificate of the trusted authority is '
    + 'accepted', async () => {
    assert.equal((await status(...trusted)).code, DONE);
  });

  await t.test('a certificate of another authority is refused', async () => {
    const { code, err } = await status();
    assert.equal(code, FAILED);
    assert.match(err, /the certificate of localhost:\d+ is not valid/);
  });

  await t.test('a certificate for another name is refused', async () => {
    const { code, err } = await status(...trusted, '--tls-name', 'elsewhere');
    assert.equal(code, FAILED);
    assert.match(err, /is not valid for "elsewhere"/);
  });

  await t.test('a server without TLS is refused', async () => {
    const { code, err } = await runVault(['--redis',
      `rediss://localhost:${gw.redis.port}`, '--keys', gw.file('keys'),
      '--wait', '0.5', ...trusted, 'status']);
    assert.equal(code, FAILED);
    assert.doesNotMatch(err, /Traceback/);
  });
});

test('status shows the product and version that the server '
  + 'reports', async (t) => {
  const gw = await standardGateway(t);
  const fake = await startFakeRedis(t);
  fake.real = gw.redis;
  fake.through = true;

  for (const [more, product, version] of [
    ['', 'Redis', '7.2.4'],
    ['server_name:valkey\r\nvalkey_version:8.1.1\r\n', 'Valkey', '8.1.1'],
    ['server_name:valkey\r\n', 'Redis', '7.2.4'],
    ['server_name:\x1b[7m\r\n\x1b[7m_version:1\r\n', 'Redis', '7.2.4'],
  ]) {
    await t.test(`status shows ${product} ${version} for an INFO with ${
      JSON.stringify(more)}`, async () => {
      const info = `role:master\r\nredis_version:7.2.4\r\n${more}`;
      fake.on = { INFO: `$${info.length}\r\n${info}\r\n` };
      const options = ['--redis', `redis://127.0.0.1:${fake.port}/0`,
                       '--keys', gw.file('keys')];

      const { out, err } = await runVault([...options, 'status']);
      assert.match(out, new RegExp(`^primary .*  ${product} ${version}, `, 'm'),
                   err);
      const json = await runVault([...options, 'status', '--json']);
      assert.deepEqual(JSON.parse(json.out).primaries.map((one) =>
        [one.product, one.version]), [[product, version]]);
    });
  }
});
