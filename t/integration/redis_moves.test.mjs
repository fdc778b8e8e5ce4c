// Replies of Redis that name other servers, written byte by byte: redirects and
// slot maps of cluster nodes, and replies of Sentinels, right and wrong ones.
// None leads to a wrong not_connected, an endless loop or a crash.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startCluster } from '../lib/cluster.mjs';
import { assertNoVault, assertRefused, assertServed, connected } from
  '../lib/fhir.mjs';
import { startFakeRedis } from '../lib/fake_redis.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRedis } from '../lib/redis.mjs';
import { freePort, until } from '../lib/scratch.mjs';

const NOTHING = `*6\r\n${'$-1\r\n'.repeat(6)}`;
// an error in the words of Redis 6.2
const IN_A_SCRIPT = 'ERR Error running script (call to f_0): @user_script:1: '
  + '@user_script: 1: -READONLY You can\'t';
const SHORT = { timeout: '500ms', connect_timeout: '300ms' };

const count = (fake, name) =>
  fake.commands.filter((one) => one === name).length;

const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

// Returns a reply to CLUSTER SLOTS.  A range is [first slot, last slot, ports
// of the primary and its replicas].
const map = (...ranges) => `*${ranges.length}\r\n`
  + ranges.map(([first, last, ...ports]) =>
    `*${2 + ports.length}\r\n:${first}\r\n:${last}\r\n`
    + ports.map((port) => `*3\r\n${bulk('127.0.0.1')}:${port}\r\n`
      + bulk('id')).join('')).join('');

test('nodes of a cluster', async (t) => {
  const real = await startCluster(t, { primaries: 1, replicas: 0, tls: false });
  const [a, b] = [await startFakeRedis(t), await startFakeRedis(t)];
  const gw = await standardGateway(t, {
    redis: real,
    fhir: { cigna_fhir: 'on cache=off' },
    vault: { ...SHORT, redis: [a, b].map(({ port }) =>
      `redis://127.0.0.1:${port}`) },
    nginx: { workers: 1 },
  });
  const bob = gw.visitor({ member: 'bob' });
  const ask = () => bob.get('/fhir/Coverage');

  // Asserts that the gateway has reached a node: by default both nodes reply
  // that there is no grant.
  const assertAnswered = async () => assertRefused(
    await ask(), 401, 'not_connected',
    { connect: gw.url('acme', '/cigna/connect') });
  const answered = () => until('the gateway answers', async () =>
    (await ask()).status === 401);

  // Gives all slots to node a, and lets both nodes reply that there is no
  // grant.
  const reset = async () => {
    for (const fake of [a, b]) {
      fake.real = real;
      fake.answer = NOTHING;
      fake.on = { CLUSTER: map([0, 16383, a.port, b.port]) };
    }
    await gw.reload();
    await answered();
  };
  // the key of bob's grant
  let key;
  a.answer = (socket, argv) => {
    [, key] = argv;
    socket.write(NOTHING);
  };
  a.on = { CLUSTER: map([0, 16383, a.port]) };
  a.real = real;
  b.on = a.on;
  await answered();
  const slot = await real.slotOf(key);

  const each = (sentence, body) => t.test(sentence, async () => {
    await reset();
    await body();
  });

  await each('MOVED is followed and remembered', async () => {
    a.answer = `-MOVED ${slot} 127.0.0.1:${b.port}\r\n`;
    a.on.CLUSTER = map([0, 16383, b.port, a.port]);
    b.on.CLUSTER = a.on.CLUSTER;
    await assertAnswered();
    await answered();

    const asked = count(a, 'HMGET');
    await assertAnswered();
    assert.equal(count(a, 'HMGET'), asked);
  });

  await each('MOVED without a host means the same host', async () => {
    a.answer = `-MOVED ${slot} :${b.port}\r\n`;
    await assertAnswered();
  });

  await each('ASK is followed once, after ASKING', async () => {
    const before = count(a, 'HMGET');
    a.answer = `-ASK ${slot} 127.0.0.1:${b.port}\r\n`;
    await assertAnswered();
    await assertAnswered();

    assert.equal(count(a, 'HMGET') - before, 2);
    const at = b.commands.indexOf('ASKING');
    assert.deepEqual(b.commands.slice(at, at + 2), ['ASKING', 'HMGET']);
    assert.equal(count(b, 'ASKING'), 2);
  });

  await each('two nodes that redirect to each other are an outage after a '
    + 'bounded number of rounds', async () => {
    const before = count(a, 'HMGET') + count(b, 'HMGET');
    a.answer = `-MOVED ${slot} 127.0.0.1:${b.port}\r\n`;
    b.answer = `-ASK ${slot} 127.0.0.1:${a.port}\r\n`;
    const began = Date.now();
    assertNoVault(await ask());
    assert.ok(Date.now() - began < 1500);
    assert.ok(count(a, 'HMGET') + count(b, 'HMGET') - before < 200);
  });

  for (const [what, text] of Object.entries({
    'to a closed port':
      `-MOVED ${slot} 127.0.0.1:${await freePort()}`,
    'by ASK to a closed port':
      `-ASK ${slot} 127.0.0.1:${await freePort()}`,
    'to an unknown name': `-MOVED ${slot} redis.invalid:6379`,
    'without a slot': '-MOVED',
    'to an invalid slot': `-MOVED 16384 127.0.0.1:${b.port}`,
    'without a port': '-MOVED 1 127.0.0.1',
    'to a name with a space': '-ASK 1 a b:6379',
  })) {
    await each(`a redirect ${what} is an outage`, async () => {
      a.answer = `${text}\r\n`;
      assertNoVault(await ask());
    });
  }

  for (const error of ['TRYAGAIN', 'CLUSTERDOWN', 'LOADING', 'MASTERDOWN',
                       'READONLY', IN_A_SCRIPT]) {
    await each(`a short ${error} fails no request`, async () => {
      let times = 0;
      a.answer = (socket) => {
        times += 1;
        socket.write(times < 4 ? `-${error} wait\r\n` : NOTHING);
      };
      await assertAnswered();
      assert.ok(times >= 4);
    });

    await each(`a lasting ${error} is an outage within the time-out`,
      async () => {
        a.answer = `-${error} for ever\r\n`;
        const began = Date.now();
        assertNoVault(await ask());
        assert.ok(Date.now() - began < 1500);
      });
  }

  await each('a slot without a node is an outage until a node has it',
    async () => {
      a.on.CLUSTER = map([0, 0, a.port]);
      b.on.CLUSTER = a.on.CLUSTER;
      a.answer = '-CLUSTERDOWN Hash slot not served\r\n';
      await until('the gateway has noticed', async () =>
        (await ask()).status === 503);

      a.answer = NOTHING;
      a.on.CLUSTER = map([0, 16383, a.port]);
      b.on.CLUSTER = a.on.CLUSTER;
      await answered();
    });

  for (const [what, text] of Object.entries({
    'empty': '*0\r\n',
    'an error': '-ERR This instance has cluster support disabled\r\n',
    'refused': '-NOPERM this user has no permissions\r\n',
    'not an array': '+OK\r\n',
    'without ranges': '*1\r\n*0\r\n',
    'of invalid slots': map([0, 16384, 1]),
    'backwards': map([2, 1, 1]),
    'of servers without a name': '*1\r\n*3\r\n:0\r\n:16383\r\n'
      + `*3\r\n${bulk('?')}:1\r\n${bulk('id')}`,
    'cut off': '*1\r\n*3\r\n:0\r\n',
    'too deep': `${'*1\r\n'.repeat(10)}:0\r\n`,
    'too long': '*65537\r\n',
    'missing': null,
  })) {
    await t.test('another node is asked after a map that is '
      + `${what}`, async () => {
      a.on.CLUSTER = text;
      b.on.CLUSTER = map([0, 16383, a.port, b.port]);
      await gw.reload();
      await answered();
    });
  }

  await t.test('a cluster in which no node has a map is an outage, and the log '
    + 'says why',
    async () => {
      a.on.CLUSTER = '-ERR This instance has cluster support disabled\r\n';
      b.on.CLUSTER = a.on.CLUSTER;
      await gw.reload();
      assertNoVault(await ask());
      assertNoVault(await ask());
      assert.match(gw.nginx.errorLog(),
                   /\[error\].*does not tell the slots of the cluster/);
      await reset();
    });

  await t.test('a map of many pieces is read', async () => {
    const pieces = Array.from({ length: 4000 }, (_, i) => [i, i, a.port]);
    a.on.CLUSTER = map(...pieces, [4000, 16383, a.port]);
    b.on.CLUSTER = a.on.CLUSTER;
    await gw.reload();
    await answered();
  });

  await t.test('the slots of a node that is gone are looked up at another '
    + 'node', async () => {
    await reset();
    const gone = await freePort();
    a.on.CLUSTER = map([0, 16383, gone], [0, 0, a.port], [1, 1, b.port]);
    b.on.CLUSTER = a.on.CLUSTER;
    await gw.reload();
    await until('the missing node is an outage', async () =>
      (await ask()).status === 503);

    a.on.CLUSTER = map([0, 16383, b.port]);
    b.on.CLUSTER = a.on.CLUSTER;
    await answered();
  });
});

const PRIMARY = (port) => `*2\r\n${bulk('127.0.0.1')}${bulk(String(port))}`;

test('Sentinels', async (t) => {
  const real = await startRedis(t);
  const replica = await startRedis(t);
  const [a, b] = [await startFakeRedis(t), await startFakeRedis(t)];
  const nobody = await freePort();
  const both = (text) => {
    a.on = { SENTINEL: text };
    b.on = { SENTINEL: text };
  };

  both(PRIMARY(real.port));
  const gw = await standardGateway(t, {
    redis: real,
    fhir: { cigna_fhir: 'on cache=off' },
    vault: {
      ...SHORT, redis: null, sentinel_master: 'vault',
      sentinel: [a, b].map(({ port }) => `redis://127.0.0.1:${port}`),
    },
    nginx: { workers: 1 },
  });
  await replica.command('REPLICAOF', '127.0.0.1', real.port);
  await until('the replica is in step', async () =>
    /master_link_status:up/.test(await replica.command('INFO')));

  const alice = await connected(gw);
  const ask = () => alice.get('/fhir/Coverage');
  const served = () => until('the member is served', async () =>
    (await ask()).status === 200);

  for (const [what, text] of Object.entries({
    'does not know the name': '*-1\r\n',
    'does not know enough': '-IDONTKNOW I have not enough information\r\n',
    'has no permission': '-NOPERM this user has no permissions\r\n',
    'wants a password': '-NOAUTH Authentication required.\r\n',
    'names no host': `*2\r\n${bulk('')}${bulk('1')}`,
    'names no port': `*2\r\n${bulk('127.0.0.1')}${bulk('x')}`,
    'sends a status': '+OK\r\n',
    'sends another protocol': 'what\r\n',
    'does not answer': null,
    'closes the connection': (socket) => socket.end(),
  })) {
    await t.test(`the other Sentinel is asked if one ${what}`, async () => {
      both(PRIMARY(real.port));
      a.on.SENTINEL = text;
      await gw.reload();
      assertServed(await ask());
    });
  }

  await t.test('Sentinels that do not know the name are an outage, and the log '
    + 'says why',
    async () => {
      both('*-1\r\n');
      await gw.reload();
      assertNoVault(await ask());
      assertNoVault(await ask());
      assert.match(gw.nginx.errorLog(),
                   /\[error\].*does not tell the primary/);
      both(PRIMARY(real.port));
      await served();
    });

  for (const [what, port, said] of [
    ['a replica', () => replica.port, /cannot be used: this is a replica/],
    ['a closed port', () => nobody, /Connection refused/],
    ['a Sentinel', () => b.port, /cannot be used: (?!this is)/],
  ]) {
    await t.test(`a primary that is ${what} is an outage until the Sentinels `
      + 'name the right one',
      async () => {
        const before = gw.nginx.errorLog().length;
        both(PRIMARY(port()));
        await gw.reload();
        assertNoVault(await ask());
        assert.match(gw.nginx.errorLog().slice(before), said);

        both(PRIMARY(real.port));
        await served();
      });
  }

  await t.test('a new primary is noticed while the old one still '
    + 'works', async () => {
    await gw.reload();
    assertServed(await ask());
    await replica.command('REPLICAOF', 'NO', 'ONE');
    both(PRIMARY(replica.port));
    await gw.nginx.waitForLog(
      new RegExp(`"127.0.0.1:${replica.port}" is the primary of "vault"`),
      8000);
    assertServed(await ask());
    await replica.command('REPLICAOF', '127.0.0.1', real.port);
    both(PRIMARY(real.port));
    await served();
  });

  await t.test('READONLY makes the gateway look for the primary and ask it',
    async () => {
      await served();
      await real.command('REPLICAOF', '127.0.0.1', replica.port);
      await replica.command('REPLICAOF', 'NO', 'ONE');
      both(PRIMARY(replica.port));
      const { outcome } = await gw.dance({ member: 'carol' });
      assert.equal(outcome, 'connected');
    });
});

test('a redirected command', async (t) => {
  const real = await startCluster(t, { primaries: 1, replicas: 0, tls: false });
  const [a, b] = [await startFakeRedis(t), await startFakeRedis(t)];
  const gw = await standardGateway(t, {
    redis: real,
    fhir: { cigna_fhir: 'on cache=off' },
    vault: { timeout: '3s', redis: `redis://127.0.0.1:${a.port}` },
    nginx: { workers: 1 },
  });
  const ask = (member) => gw.visitor({ member }).get('/fhir/Coverage');
  const found = (member) => until(`the node of ${member}'s grant is found`,
    async () => (await ask(member)).status === 401);
  let key;

  a.real = real;
  b.real = real;
  a.on = { CLUSTER: map([0, 16383, a.port]) };
  b.on = a.on;
  a.answer = (socket, argv) => {
    [, key] = argv;
    socket.write(NOTHING);
  };
  await found('bob');

  // bob's slot is at node a, and all others are at b
  const slot = await real.slotOf(key);
  a.on.CLUSTER = map([0, slot - 1, b.port], [slot, slot, a.port],
                     [slot + 1, 16383, b.port]);
  b.answer = (socket, argv) => argv[1] === key || socket.write(NOTHING);
  await gw.reload();
  await found('bob');
  await found('carol');

  await t.test('a redirected command keeps to the time-out of the whole '
    + 'command',
    async () => {
      await sleep(1000);
      a.answer = (socket) => {
        setTimeout(() =>
          socket.write(`-ASK ${slot} 127.0.0.1:${b.port}\r\n`), 2700);
      };
      const began = Date.now();
      const asked = ask('bob');

      await sleep(2500);
      assert.equal((await ask('carol')).status, 401);
      assertNoVault(await asked);
      assert.ok(Date.now() - began < 4800, `${Date.now() - began} ms`);
    });
});
