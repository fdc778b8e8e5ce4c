// A hostile store: cluster nodes that redirect to foreign servers, Sentinels
// that name foreign servers, changed records, and malformed messages.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { authority } from '../../scripts/lib/ca.mjs';
import { startCluster } from '../lib/cluster.mjs';
import { addedTo, outcomeOf, toCallback } from '../lib/dance.mjs';
import { startEavesdropper } from '../lib/eavesdropper.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { assertNoVault, assertRefused, assertServed, connected, logged }
  from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { readRecord, withKey, writeRecord } from '../lib/records.mjs';
import { startRedis } from '../lib/redis.mjs';
import { scratchDirectory, until } from '../lib/scratch.mjs';
import { pour } from '../lib/scripted.mjs';

const QUICK = { timeout: '500ms', connect_timeout: '500ms' };
const NO_CACHE = { cigna_fhir: 'on cache=off' };

const served = (visitor) => until('the member is served', async () =>
  (await visitor.get('/fhir/Coverage')).status === 200);

const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

// Starts a Redis, and a fake in front of it that a test can control.
async function startBetween(t, options) {
  const redis = await startRedis(t);
  const fake = await startFakeRedis(t, options);
  return { redis, fake: Object.assign(fake, { real: redis, through: true }) };
}

// The answer to CLUSTER SLOTS: all slots are at these ports.
const allSlotsAt = (...ports) => `*1\r\n*${2 + ports.length}\r\n:0\r\n`
  + `:16383\r\n${ports.map((port) => `*3\r\n${bulk('127.0.0.1')}:${port}\r\n${
    bulk('x')}`).join('')}`;

for (const over of ['tcp', 'tls']) {
  const isTls = over === 'tls';

  test(`a cluster's node that redirects, over ${over}`, async (t) => {
    const redis = await startCluster(t, { primaries: 1, replicas: 0,
                                          tls: isTls });
    const node = await startFakeRedis(t, redis.tls ?? {});
    Object.assign(node, { real: redis.nodes[0], through: true,
                          on: { CLUSTER: allSlotsAt(node.port) } });
    // The stranger has a certificate that is valid for any server of the
    // cluster.
    const stranger = await startEavesdropper(t, redis.tls ?? {});
    const gw = await standardGateway(t, {
      redis, fhir: NO_CACHE, vault: {
        ...QUICK,
        redis: `${isTls ? 'rediss' : 'redis'}://127.0.0.1:${node.port}`,
      },
    });
    const alice = await connected(gw);

    const assertNothingTold = () => assert.deepEqual(
      [stranger.connections, stranger.bytes], [0, '']);

    for (const to of ['127.0.0.1:', 'localhost:', ':']) {
      for (const word of ['MOVED', 'ASK']) {
        await t.test(`the gateway does not follow ${word} to ${to}PORT, which `
          + 'is not in the map', async () => {
          const before = gw.nginx.errorLog().length;
          node.on.HMGET = `-${word} 42 ${to}${stranger.port}\r\n`;
          assertNoVault(await alice.get('/fhir/Coverage'));
          assertNoVault(await gw.visitor({ member: 'bob' })
            .get('/fhir/Coverage'));
          delete node.on.HMGET;

          await served(alice);
          assertNothingTold();
          assert.doesNotMatch(gw.nginx.errorLog().slice(before),
                              /cannot be used/);
        });
      }
    }

    await t.test('the log names the foreign server and the redirecting node '
      + 'once', () => {
      const lines = gw.nginx.errorLog().match(new RegExp(
        `\\[warn\\].* redis "127.0.0.1:${node.port}" redirects to `
        + `"(127.0.0.1|localhost)?:${stranger.port}", which is not in the map `
        + 'of the cluster', 'g'));
      assert.equal(lines?.length, 1, gw.nginx.errorLog());
    });

    await t.test('a redirected write does not reach the foreign server',
      async () => {
        const answer = `-MOVED 42 127.0.0.1:${stranger.port}\r\n`;
        Object.assign(node.on, { EVALSHA: answer, EVAL: answer });
        const reply = await gw.visitor({ member: 'carol' })
          .get('/cigna/connect');
        delete node.on.EVALSHA;
        delete node.on.EVAL;

        assert.equal(reply.status, 503);
        assert.deepEqual(reply.cookies, []);
        assertNothingTold();
        await served(alice);
      });

    await t.test('the gateway follows a redirect to a server that the map now '
      + 'names', async () => {
      const second = await startFakeRedis(t, redis.tls ?? {});
      Object.assign(second, { real: redis.nodes[0], through: true,
                              on: { CLUSTER: allSlotsAt(second.port) } });
      node.on = { CLUSTER: allSlotsAt(second.port),
                  HMGET: `-MOVED 42 127.0.0.1:${second.port}\r\n` };

      assertServed(await alice.get('/fhir/Coverage'));
      assert.ok(second.commands.includes('HMGET'));
      assert.ok(second.logins.length > 0);
      assertNothingTold();
      node.on = { CLUSTER: allSlotsAt(node.port) };
    });

    if (isTls) {
      await t.test('a server in the map with a certificate of a foreign '
        + 'authority gets no bytes', async () => {
        const foreign = authority(scratchDirectory(t, 'foreign'))
          .issueServer('redis');
        const other = await startEavesdropper(t, { ...foreign,
                                                   say: '+OK\r\n' });
        node.on.CLUSTER = allSlotsAt(other.port);
        await gw.reload();
        assertNoVault(await alice.get('/fhir/Coverage'));
        await until('the gateway has tried it', () => other.connections > 0);
        assert.equal(other.bytes, '');

        node.on.CLUSTER = allSlotsAt(node.port);
        await served(alice);
      });
    }
  });
}

// Functions that return changes of a record's fields.  They take the fields and
// `from`: the sealed texts of a dance and of the vault's marker, and the fields
// of another member's record.
const DAMAGE = {
  'a generation of 5,000 digits': () => ({ g: '9'.repeat(5000) }),
  'a generation below zero': () => ({ g: '-1' }),
  'a generation with a sign': ({ g }) => ({ g: `+${g}` }),
  'a generation with a space': ({ g }) => ({ g: `${g} ` }),
  'a generation beyond 64 bits': () => ({ g: '9223372036854775808' }),
  'a generation in another notation': () => ({ g: '1e0' }),
  'a grant id that is not UTF-8': ({ i }) =>
    ({ i: '\xff\xfe'.padEnd(i.length, '\x80') }),
  'a grant id with line ends': ({ i }) => ({ i: '\r\n'.padEnd(i.length, 'A') }),
  'a mark that is a word': () => ({ m: 'soon' }),
  'a mark of 5,000 digits': () => ({ m: '9'.repeat(5000) }),
  'a number of attempts below zero': () => ({ m: '1', n: '-1' }),
  'a number of attempts of 5,000 digits': () => ({ m: '1',
                                                   n: '1'.repeat(5000) }),
  'the sealed text of a dance': (_, from) => ({ b: from.dance }),
  'the sealed text of the marker': (_, from) => ({ b: from.marker }),
  'all fields of another member': (_, from) => from.other,
};

const HARMLESS = {
  'an extra field': () => ({ x: 'A'.repeat(1000) }),
  'a thousand extra fields': () => Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`x${i}`, '\xff\0'])),
};

const OTHER_TYPES = {
  list: ['RPUSH', 'i', 'g', 'b'],
  set: ['SADD', 'i', 'g', 'b'],
  zset: ['ZADD', 1, 'i', 2, 'g'],
  stream: ['XADD', '*', 'i', '1'],
};

test('records that an attacker has changed', async (t) => {
  const gw = await standardGateway(t, { fhir: NO_CACHE });
  const alice = await withKey(gw, { username: 'syntheticuser01' });
  const bob = await withKey(gw, { member: 'bob',
                                  username: 'syntheticuser02' });
  const good = await readRecord(gw, alice.key);
  const { redis } = gw;

  await toCallback(gw, { member: 'carol' });
  const [danceKey] = await redis.command('KEYS', 'cigna:d:*');
  const from = {
    dance: await redis.command('HGET', danceKey, 'b'),
    marker: await redis.command('HGET', 'cigna:v:{vault}', 'b'),
    other: await readRecord(gw, bob.key),
  };
  const put = (change, record = good) => writeRecord(
    gw, alice.key, { ...record, ...change(record, from) });

  // Checks that a reply has this member's data only.
  const assertOwn = (reply, number) => {
    assertServed(reply);
    assert.deepEqual(reply.body.match(/A\d{13}[12]\b/g)
      ?.filter((id) => !id.endsWith(number)) ?? [], []);
    assert.ok(reply.body.includes(`A0000000000000${number}`));
  };
  const ask = ({ visitor }) => visitor.get('/fhir/Patient');

  // Returns alice's replies, and checks that bob is served between them.
  const beside = async () => {
    const replies = await Promise.all([alice, bob, alice, bob, alice, bob]
      .map(ask));
    for (const i of [1, 3, 5]) {
      assertOwn(replies[i], 2);
    }
    return [replies[0], replies[2], replies[4]];
  };

  await t.test('both members get their own data', async () => {
    assertOwn(await ask(alice), 1);
    assertOwn(await ask(bob), 2);
  });

  for (const [what, change] of Object.entries(DAMAGE)) {
    await t.test(`${what}: one member gets record_damaged, and others are `
      + 'served', async () => {
        await put(change);
        const log = await addedTo(() => gw.nginx.errorLog(), async () => {
          for (const reply of await beside()) {
            assertRefused(reply, 503, 'record_damaged',
                          { code: 'exception', retry: true });
          }
        });
        assert.match(log, /condition: record_damaged, tenant: acme/);
        await writeRecord(gw, alice.key, good);
        assertOwn(await ask(alice), 1);
      });
  }

  for (const [what, change] of Object.entries(HARMLESS)) {
    await t.test(`${what}: the record serves as before`, async () => {
      await put(change);
      (await beside()).forEach((reply) => assertOwn(reply, 1));
      await writeRecord(gw, alice.key, good);
    });
  }

  for (const [type, [command, ...args]] of Object.entries(OTHER_TYPES)) {
    await t.test(`a key that is a ${type}: one member gets vault_unreachable, `
      + 'and others are served', async () => {
      await redis.command('DEL', alice.key);
      await redis.command(command, alice.key, ...args);
      (await beside()).forEach(assertNoVault);
      assert.equal(await redis.command('TYPE', alice.key), type);
      await writeRecord(gw, alice.key, good);
      assertOwn(await ask(alice), 1);
    });
  }

  for (const field of ['b', 'i', 'g', 'm']) {
    await t.test(`a field "${field}" of 4 MiB: one member gets `
      + 'vault_unreachable, and others are served', async () => {
      await redis.command('HSET', alice.key, field, 'x'.repeat(4 << 20));
      for (const reply of await beside()) {
        assertNoVault(reply);
      }
      await writeRecord(gw, alice.key, good);
      await until('the record serves again', async () =>
        (await ask(alice)).status === 200);
    });
  }

  await t.test('the gateway sends no refresh token of a damaged record or of '
    + 'another member\'s', async () => {
    // After each new connection the journal writes its grants to Redis again,
    // which would replace changed records.  A restart empties the journal.
    await gw.nginx.stop('SIGQUIT');
    await gw.nginx.start();
    const { control } = gw.sandbox;
    await put(() => ({}), { ...from.other });
    const before = (await control.see()).token.requests;
    await control.expire({ client_id: 'acme-client' });
    for (const change of Object.values(DAMAGE)) {
      await put(change);
      assert.equal((await ask(alice)).status, 503);
    }
    assert.equal((await control.see()).token.requests, before);
  });

  await t.test('a new dance repairs a damaged record', async () => {
    await put(DAMAGE['a generation of 5,000 digits']);
    const { outcome } = await alice.visitor.dance({
      username: 'syntheticuser01' });
    assert.equal(outcome, 'connected');
    assertOwn(await ask(alice), 1);
  });

  // If the node's journal still has alice's own record, the gateway revokes the
  // tokens of that record.
  await t.test('disconnecting a damaged record does not disconnect another '
    + 'member', async () => {
    await put(DAMAGE['all fields of another member'],
              await readRecord(gw, alice.key));
    const { status } = await alice.visitor.post('/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' } });
    assert.equal(status, 204);
    assertRefused(await ask(alice), 401, 'not_connected',
                  { connect: gw.url('acme', '/cigna/connect') });
    await gw.reload();
    assertOwn(await ask(bob), 2);
    assert.ok((await gw.sandbox.control.see()).revoke.revoked <= 1);
  });

  await t.test('a dance whose record holds a grant fails before the code is '
    + 'sent', async () => {
    const { visitor, target, url } = await toCallback(gw, { member: 'dora' });
    const keys = await redis.command('KEYS', 'cigna:d:*');
    for (const key of keys) {
      await redis.command('HSET', key, 'b', from.other.b);
    }
    const before = (await gw.sandbox.control.see()).token.requests;
    assert.equal(outcomeOf(await visitor.get(target)), 'store_failed');
    assert.equal((await gw.sandbox.control.see()).token.requests, before);
    assert.ok(url.searchParams.get('code'));
  });
});

const POURED_MAX = 64 << 20;

const FLOODS = {
  'an array that never ends': ['*2147483647\r\n', '$1\r\nx\r\n'],
  'nested arrays that never end': ['*1\r\n', '*1\r\n'],
  'a string that never ends': ['*5\r\n$536870912\r\n', 'x'.repeat(1024)],
  'a status that never ends': ['+', 'x'.repeat(1024)],
  'an error that never ends': ['-ERR ', 'x'.repeat(1024)],
  'a number that never ends': [':', '1'.repeat(1024)],
  'a length that never ends': ['$', '1'.repeat(1024)],
  'replies without requests': ['', '$-1\r\n'.repeat(200)],
  'a string longer than any memory': ['*5\r\n$9223372036854775807\r\n',
                                      'x'.repeat(1024)],
};

test('a Redis that never stops sending', async (t) => {
  const { fake, redis } = await startBetween(t);
  const gw = await standardGateway(t, { redis, fhir: NO_CACHE, vault: {
    redis: `redis://127.0.0.1:${fake.port}`, ...QUICK } });
  const alice = await connected(gw);

  for (const [what, [first, again]] of Object.entries(FLOODS)) {
    await t.test(`${what}: the gateway closes the connection after a bounded `
      + 'number of bytes, and others on the worker do not wait', async () => {
      let taken;
      fake.on.HMGET = (socket) => {
        socket.write(first, 'latin1');
        taken = pour(socket, again, POURED_MAX);
      };
      const waiting = alice.get('/fhir/Coverage');
      const began = Date.now();
      assert.equal((await gw.visitor().get('/app')).status, 200);
      const took = Date.now() - began;
      assertNoVault(await waiting);
      delete fake.on.HMGET;

      assert.ok(took < 1000, `${took} ms`);
      // The bound includes the socket buffers of the system.
      const bytes = await taken;
      assert.ok(bytes < 16 << 20, `${bytes} bytes`);
      await served(alice);
    });
  }
});

test('malformed messages', async (t) => {
  const { fake, redis } = await startBetween(t);
  const gw = await standardGateway(t, { redis, vault: {
    redis: `redis://127.0.0.1:${fake.port}`, ...QUICK,
    revalidate: '1h', stale: '1h' } });
  const alice = await connected(gw);
  const [key] = await gw.redis.command('KEYS', 'cigna:g:*');
  const [, who] = /\{(.*)\}/.exec(key);
  const message = (...parts) => `*${parts.length}\r\n`
    + parts.map(bulk).join('');
  const invalidate = (text) =>
    message('message', 'cigna:invalidate', text);

  let n = 0;
  const source = async () => {
    n += 1;
    const target = `/fhir/Coverage?_count=${n}`;
    assertServed(await alice.get(target));
    return (await logged(gw, target)).source;
  };
  const tell = async (bytes) => {
    await until('the gateway has subscribed', () => fake.subscribers.size > 0);
    fake.tell(bytes);
    await sleep(50);
  };

  await t.test('the token is in the cache', async () => {
    await source();
    assert.equal(await source(), 'cache');
  });

  for (const [what, bytes] of Object.entries({
    'of another member': invalidate(`${'A'.repeat(27)} ${'B'.repeat(16)} 1`),
    'of no member': invalidate(''),
    'of a member without a generation': invalidate(who),
    'cut in the name': invalidate(who.slice(0, 26)),
    'in another case': invalidate(who.toLowerCase() === who
      ? who.toUpperCase() : `${who.toLowerCase()} `),
    'of arbitrary bytes': invalidate('\0\xff\r\n\x1b[2J'.repeat(20)),
    'without text': '*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$-1\r\n',
    'with a number for text': '*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n:7\r\n',
    'with an array for text': '*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n*0\r\n',
    'of two parts': message('message', 'cigna:invalidate'),
    'of no part': '*0\r\n',
    'that is nil': '*-1\r\n',
    'of another kind': message('pmessage', '*', 'cigna:invalidate', who),
    'that is a status': '+OK\r\n',
  })) {
    await t.test(`a message ${what} changes nothing`, async () => {
      const { connections } = fake;
      await tell(bytes);
      assert.equal(await source(), 'cache');
      assert.equal(fake.connections, connections);
    });
  }

  for (const [what, bytes] of Object.entries({
    'of 5,000 digits': '9'.repeat(5000),
    'below zero': '-1',
    'of arbitrary bytes': '\xff\xff',
  })) {
    await t.test(`a generation ${what}: the gateway reads the vault again`,
      async () => {
        await tell(invalidate(`${who} ${'A'.repeat(16)} ${bytes}`));
        assert.notEqual(await source(), 'cache');
        assert.equal(await source(), 'cache');
      });
  }

  for (const [what, bytes] of Object.entries({
    'a message of 4 MiB': invalidate(`${who} `.padEnd(4 << 20, 'x')),
    'a text that is not a message': 'HTTP/1.1 200 OK\r\n\r\n',
    'an error': '-NOPERM this user has no permissions\r\n',
  })) {
    await t.test(`${what} ends the connection, and after a new one the gateway `
      + 'reads the vault again', async () => {
      const { connections } = fake;
      await tell(bytes);
      await until('the gateway has subscribed again', () =>
        fake.connections > connections && fake.subscribers.size > 0);
      await until('the gateway reads the vault', async () =>
        await source() !== 'cache');
      assert.equal(await source(), 'cache');
    });
  }

  await t.test('a thousand messages that name no member add at most one line '
    + 'to the log', async () => {
    const log = await addedTo(() => gw.nginx.errorLog(), async () => {
      await tell(invalidate('nobody').repeat(1000));
      assert.equal(await source(), 'cache');
    });
    const lines = log.match(/without an identity/g)?.length ?? 0;
    assert.ok(lines <= 1, `${lines} lines`);
    assert.match(gw.nginx.errorLog(), /\[warn\].*without an identity/);
  });
});

test('a flood of messages', async (t) => {
  const gw = await standardGateway(t, { vault: { revalidate: '1h',
                                                 stale: '1h' } });
  const alice = await connected(gw);
  const SCRIPT = 'for i = 1, ARGV[2] do redis.call("PUBLISH", ARGV[1], '
    + '"AAAAAAAAAAAAAAAAAAAAAAAAAAA BBBBBBBBBBBBBBBBBBBBBB " .. i) end';

  await t.test('requests on the worker are served while 400,000 messages come',
    async () => {
      let worst = 0;
      let over = false;
      const flood = (async () => {
        for (let i = 0; i < 20; i += 1) {
          await gw.redis.command('EVAL', SCRIPT, 0, 'cigna:invalidate', 20000);
        }
        over = true;
      })();
      while (!over) {
        const began = Date.now();
        assertServed(await alice.get('/fhir/Patient'));
        worst = Math.max(worst, Date.now() - began);
      }
      await flood;
      t.diagnostic(`at most ${worst} ms`);
      assert.ok(worst < 2000, `${worst} ms`);
      assert.doesNotMatch(gw.nginx.errorLog(), /without an identity/);
    });
});

const SENTINELS_OWN = 'MARKsSentinelPassword';
const VAULTS_OWN = 'MARKsVaultPassword';

// Starts a primary, and a fake Sentinel that a test controls.  named(host,
// port) returns a Sentinel's answer that names this server as the primary.
async function startWatched(t, over) {
  const isTls = over === 'tls';
  const directory = scratchDirectory(t, 'watched');
  const ca = isTls && authority(path.join(directory, 'tls'));
  const own = isTls ? ca.issueServer('redis', ['redis.internal'],
                                     { only: true }) : {};
  const sentinel = await startFakeRedis(t, own);
  const { redis, fake: primary } = await startBetween(t, own);
  const file = (name, text) => {
    writeFileSync(path.join(directory, name), text, { mode: 0o600 });
    return path.join(directory, name);
  };
  const named = (host, port) => `*2\r\n${bulk(host)}${bulk(`${port}`)}`;
  sentinel.on.SENTINEL = named('127.0.0.1', primary.port);

  const gw = await standardGateway(t, { redis, fhir: NO_CACHE, vault: {
    ...QUICK,
    redis: null,
    sentinel: `${isTls ? 'rediss' : 'redis'}://127.0.0.1:${sentinel.port}`,
    sentinel_master: 'vault',
    sentinel_password_file: file('sentinel', SENTINELS_OWN),
    password_file: file('vault', VAULTS_OWN),
    ...(isTls && { trusted_certificate: ca.certFile,
                   tls_name: 'redis.internal' }),
  } });
  const alice = await connected(gw);
  return { gw, alice, sentinel, primary, named, ca, directory };
}

for (const over of ['tcp', 'tls']) {
  test(`passwords and Sentinels, over ${over}`, async (t) => {
    const { alice, sentinel, primary } = await startWatched(t, over);

    await t.test('Sentinels and the primary get only their own passwords',
                 async () => {
      assertServed(await alice.get('/fhir/Coverage'));
      assert.deepEqual([...new Set(sentinel.logins.flat())], [SENTINELS_OWN]);
      assert.deepEqual([...new Set(primary.logins.flat())], [VAULTS_OWN]);
      assert.ok(!sentinel.commands.some((name) => /^EVAL|HMGET/.test(name)));
    });
  });
}

const ODD_ANSWERS = {
  'a host with a line end': ['127.0.0.1\r\nAUTH x', '6379'],
  'a host with a zero byte': ['127.0.0.1\0.example', '6379'],
  'a host with a path': ['127.0.0.1/x', '6379'],
  'a host with user info': ['a@127.0.0.1', '6379'],
  'a host that is a socket': ['unix:/tmp/redis.sock', '6379'],
  'a host that is a variable': ['$host', '6379'],
  'a host of 5,000 bytes': ['a'.repeat(5000), '6379'],
  'an empty host': ['', '6379'],
  'a host in brackets': ['[::1]', '6379'],
  'port 0': ['127.0.0.1', '0'],
  'port 65536': ['127.0.0.1', '65536'],
  'a port below zero': ['127.0.0.1', '-1'],
  'a port of 5,000 digits': ['127.0.0.1', '1'.repeat(5000)],
  'a port with a space': ['127.0.0.1', ' 6379'],
  'no port': ['127.0.0.1'],
  'a third field': ['127.0.0.1', '6379', 'x'],
};

test('a Sentinel with malformed answers', async (t) => {
  const { gw, alice, sentinel, primary, named } = await startWatched(t, 'tcp');
  const right = named('127.0.0.1', primary.port);

  for (const [what, parts] of [
    ...Object.entries(ODD_ANSWERS).map(([name, list]) =>
      [name, `*${list.length}\r\n${list.map(bulk).join('')}`]),
    ['numbers', '*2\r\n:1\r\n:2\r\n'],
    ['arrays', '*2\r\n*0\r\n*0\r\n'],
    ['a status', '+127.0.0.1:6379\r\n'],
    ['a redirect', '-MOVED 1 127.0.0.1:6379\r\n'],
    ['a name in an error', '-ERR "\x1b[2J" \xff\r\n'],
  ]) {
    await t.test(`${what}: the gateway connects to no server, logs that the `
      + 'answer makes no sense, and later finds the primary', async () => {
      sentinel.on.SENTINEL = parts;
      const log = await addedTo(() => gw.nginx.errorLog(), async () => {
        await gw.reload();
        const { connections } = primary;
        assertNoVault(await alice.get('/fhir/Coverage'));
        assert.equal(primary.connections, connections);
      });
      assert.match(log, new RegExp('does not tell the primary "vault": it does '
        + 'not know, or makes no sense'));
      assert.doesNotMatch(log, /is the primary of|[\x1b\xff]/);

      sentinel.on.SENTINEL = right;
      await served(alice);
    });
  }

  await t.test('the gateway keeps a known primary after a malformed answer',
    async () => {
      sentinel.on.SENTINEL = `*2\r\n${bulk('a b')}${bulk('0')}`;
      const asked = sentinel.commands.length;
      await until('the gateway asks the Sentinel again', () =>
        sentinel.commands.length > asked);
      assertServed(await alice.get('/fhir/Coverage'));
    });
});

test('a Sentinel that names a stranger, over tls', async (t) => {
  const { gw, alice, sentinel, named, ca, directory }
    = await startWatched(t, 'tls');
  const foreign = authority(path.join(directory, 'foreign'));
  const right = sentinel.on.SENTINEL;

  for (const [what, certificate, said] of [
    ['with a certificate of a foreign authority',
     foreign.issueServer('redis', ['redis.internal']),
     /cannot be used: .*certificate/],
    ['with a certificate for another name', ca.issueServer('stranger'),
     /cannot be used: .*(certificate|name)/],
    ['without TLS', {}, /cannot be used/],
  ]) {
    await t.test(`a stranger ${what} gets no password`, async (st) => {
      const stranger = await startEavesdropper(st, { ...certificate,
                                                     say: '+OK\r\n' });
      sentinel.on.SENTINEL = named('127.0.0.1', stranger.port);
      const log = await addedTo(() => gw.nginx.errorLog(), async () => {
        await gw.reload();
        assertNoVault(await alice.get('/fhir/Coverage'));
        await until('the gateway has tried the stranger', () =>
          stranger.connections > 0);
      });
      assert.doesNotMatch(stranger.bytes, /MARKs|AUTH|cigna/);
      if (certificate.certFile) {
        assert.equal(stranger.bytes, '');
      }
      assert.match(log, said);

      sentinel.on.SENTINEL = right;
      await served(alice);
    });
  }
});
