// Tests of the Redis users in conf/redis/users.acl.  Each user may run the
// commands that its program needs and no others.  Redis starts with the example
// files of conf/redis/.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { authority } from '../../scripts/lib/ca.mjs';
import { toCallback } from '../lib/dance.mjs';
import { assertServed, connected, grantKeys } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { journey, manyMembers } from '../lib/journey.mjs';
import { Redis, startRedis } from '../lib/redis.mjs';
import { passwordOf, redisUsers, sentinelUsers } from
  '../lib/redis_users.mjs';
import { TOP, freePort, onEnd, scratchDirectory, until } from
  '../lib/scratch.mjs';
import { runVault, vaultLogin } from '../lib/vault.mjs';

// What Redis says to a user who lacks a permission: the code, or the texts for
// scripts before Redis 7.2 and since.
const DENIED =
  /NOPERM|can't (run this|access at least one)|ACL failure in script/;

// Commands that a single Redis without replicas never gets.  They are for a
// database other than 0, for a cluster, or for replicas.
const ELSEWHERE = {
  'cigna': ['asking', 'cluster|slots', 'select', 'wait'],
  'cigna-vault': ['asking', 'cluster|slots', 'select', 'wait'],
};

// Returns the commands that each user of a file may run: { user: [commands] }.
function permissions(file) {
  const users = readFileSync(`${TOP}/conf/redis/${file}`, 'utf8').trim()
    .split('\n').map((line) => line.split(' '));
  return Object.fromEntries(users.map(([, name, ...rules]) =>
    [name, rules.filter((rule) => rule.startsWith('+'))
      .map((rule) => rule.slice(1))]));
}

// Returns the commands that a server has run, inside scripts and outside.
async function commandsRun(redis) {
  const stats = await redis.command('INFO', 'commandstats');
  return [...stats.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)]
    .filter(([, , calls]) => calls > 0).map(([, name]) => name);
}

// Returns the commands that a user may run and that the server has not run yet.
async function unused(redis, user) {
  const run = await commandsRun(redis);
  return permissions('users.acl')[user].filter((name) =>
    !run.includes(name) && !ELSEWHERE[user].includes(name));
}

const FORBIDDEN = [
  ['KEYS', '*'], ['SCAN', 0], ['RANDOMKEY'], ['FLUSHALL'], ['FLUSHDB'],
  ['CONFIG', 'GET', '*'], ['CONFIG', 'SET', 'maxmemory', 1],
  ['ACL', 'LIST'], ['ACL', 'SETUSER', 'cigna', '+@all'], ['MONITOR'],
  ['CLIENT', 'LIST'], ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['SCRIPT', 'FLUSH'], ['FUNCTION', 'LIST'], ['SHUTDOWN'], ['SAVE'],
  ['REPLICAOF', 'NO', 'ONE'], ['FAILOVER'], ['PSYNC', '?', '-1'],
  ['MIGRATE', '127.0.0.1', 1, 'cigna:g:{x}', 0, 10],
  ['DUMP', 'cigna:g:{x}'], ['RESTORE', 'cigna:g:{x}', 0, ''],
  ['RENAME', 'cigna:g:{x}', 'cigna:g:{y}'],
  ['COPY', 'cigna:g:{x}', 'cigna:g:{y}'],
  ['OBJECT', 'ENCODING', 'cigna:g:{x}'], ['SWAPDB', 0, 1],
  ['CLUSTER', 'RESET'], ['CLUSTER', 'FORGET', 'x'],
  // commands on keys and channels of other programs
  ['GET', 'other:key'], ['SET', 'other:key', 1], ['DEL', 'cignax'],
  ['HMGET', 'session:{x}', 'f'],
  ['EVAL', 'return redis.call("GET", KEYS[1])', 1, 'other:key'],
  ['EVAL', 'return redis.call("GET", "other:key")', 0],
  ['EVAL', 'return redis.call("KEYS", "*")', 0],
  ['SUBSCRIBE', '__keyspace@0__:x'], ['PSUBSCRIBE', '*'],
  ['PUBLISH', 'other', 1],
];

test('the gateway\'s Redis user', async (t) => {
  const ca = authority(scratchDirectory(t, 'ca'));
  const redis = await startRedis(t, {
    acl: true, tls: { ...ca.issueServer('redis'), caFile: ca.certFile } });
  // few stories, so that the oldest ones are deleted
  const gw = await standardGateway(t, { redis, vaultOver: 'tls',
                                        vault: { stories: 1 } });
  const user = await redis.as('cigna');
  t.after(() => user.close());

  const denied = async () => (await redis.command('ACL', 'LOG'))
    .map((entry) => `${entry[5]} ${entry[7]}`);

  await t.test('the user may run every command that the gateway '
    + 'sends', async () => {
    await redis.command('CONFIG', 'RESETSTAT');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await journey(gw);
    await manyMembers(gw);
    for (let i = 0; i < 10; i += 1) {
      await toCallback(gw, { member: 'jane' });
    }
    assert.deepEqual(await denied(), []);
  });

  await t.test('the user has no permission that the gateway does not '
    + 'use', async () => {
    // the gateway's subscriber sends PING when its connection is idle
    await until('each command has been used', async () =>
      (await unused(redis, 'cigna')).length === 0).catch(() => {});
    assert.deepEqual(await unused(redis, 'cigna'), []);
  });

  for (const args of FORBIDDEN) {
    await t.test(`Redis refuses ${args.join(' ')}`, async () => {
      const client = await redis.as('cigna');
      await assert.rejects(client.command(...args),
                           DENIED);
      client.close();
    });
  }

  await t.test('a grant is written although the user may not publish',
    async () => {
      await redis.command('ACL', 'SETUSER', 'cigna', 'resetchannels');
      assertServed(await (await connected(gw, { member: 'kim' }))
        .get('/fhir/Coverage'));
      await redis.command('ACL', 'LOAD');
    });
});

test('the Redis user of scripts/vault', async (t) => {
  const redis = await startRedis(t, { acl: true });
  const gw = await standardGateway(t, { redis });
  const vault = async (...args) => {
    const { code, out, err } = await gw.vault(...args);
    assert.equal(code, 0, out + err);
  };

  await t.test('the user may run every command that the script '
    + 'sends', async () => {
    await manyMembers(gw, 4);
    // from here on only scripts/vault sends commands
    await gw.nginx.stop();
    await redis.command('DEL', 'cigna:v:{vault}');
    await redis.command('CONFIG', 'RESETSTAT');
    await vault('init', '--adopt');
    await vault('status');
    await vault('verify');
    await vault('pauses');
    await vault('pauses', '--end', 'https://fhir.example');
    await vault('list', '--tenant', 'acme', '--member', 'member-0');
    for (const key of await grantKeys(gw)) {
      await redis.command('HSET', key, 'm', 1, 'n', 4);
    }
    await vault('revive', '--tenant', 'acme', '--all');
    for (const change of ['--add', '--promote']) {
      execFileSync(`${TOP}/scripts/keygen`, [change, gw.file('keys')]);
    }
    await vault('reseal');
    await vault('revoke', '--tenant', 'acme', '--yes');
    assert.deepEqual(await redis.command('ACL', 'LOG'), []);
  });

  await t.test('the user may run every command of rename', async () => {
    const members = gw.file('members');
    writeFileSync(members, 'member-1\nmember-3\n');
    const conf = gw.file('renamed.conf');
    const globex = /^ *cigna_tenant globex \{[^}]*\}$/m;
    const text = gw.configuration();
    writeFileSync(conf, `http {\n${text.replace(globex, (block) =>
      `${block}\n${block.replace('globex', 'initech')}`)}\n}\n`);
    for (const [from, to, ...more] of [
      ['globex', 'initech'], ['initech', 'globex', '--finish'],
      ['globex', 'initech', '--finish'],
    ]) {
      const { code, out, err } = await runVault([
        '-c', conf, ...vaultLogin(redis, gw.directory), 'rename', from, to,
        '--members', members, ...more]);
      assert.equal(code, 0, out + err);
    }
    assert.deepEqual(await redis.command('ACL', 'LOG'), []);
  });

  await t.test('the user has no permission that the script does not '
    + 'use', async () => {
    assert.deepEqual(await unused(redis, 'cigna-vault'), []);
  });

  await t.test('a permission that is missing is reported as such', async () => {
    // the tool sends TYPE inside a script, and SCAN outside
    for (const rule of ['-type', '-scan']) {
      await redis.command('ACL', 'SETUSER', 'cigna-vault', rule);
      const { code, err } = await gw.vault('status');
      assert.equal(code, 1);
      assert.match(err, /^vault: the user at \S+ lacks a permission; /);
      await redis.command('ACL', 'LOAD');
    }
  });

  for (const args of [['KEYS', '*'], ['FLUSHALL'], ['CONFIG', 'GET', '*'],
                      ['ACL', 'LIST'], ['GET', 'cigna:g:{x}'],
                      ['GET', 'other:key'], ['ACL', 'SETUSER', 'x'],
                      ['MONITOR'], ['SHUTDOWN'], ['CONFIG', 'SET', 'x', 'y'],
                      ['RENAME', 'cigna:g:{x}', 'cigna:g:{y}'],
                      ['SUBSCRIBE', 'cigna:invalidate'],
                      ['EVAL', 'return redis.call("KEYS", "*")', 0],
                      ['HSET', 'other:key', 'f', 'v'], ['PUBLISH', 'x', 1]]) {
    await t.test(`Redis refuses ${args.join(' ')}`, async () => {
      const client = await redis.as('cigna-vault');
      await assert.rejects(client.command(...args),
                           DENIED);
      client.close();
    });
  }
});

test('Redis refuses every other login', async (t) => {
  const redis = await startRedis(t, { acl: true });

  for (const [user, password] of [
    ['default', ''], ['default', 'MARKsRedis-default-password'],
    ['cigna', 'wrong'], ['replica', 'MARKsRedis-cigna-password'],
  ]) {
    await t.test(`${user} with ${password || 'no password'} is `
      + 'refused', async () => {
      await assert.rejects(redis.as(user, password), /WRONGPASS/);
    });
  }
});

// Returns the text of a file of conf/redis/, with the paths, ports and
// passwords that an operator fills in.
function localized(file, { directory, tls, client, ports }) {
  const places = [
    ['/etc/redis/tls/redis.crt', tls.certFile],
    ['/etc/redis/tls/redis.key', tls.keyFile],
    ['/etc/redis/tls/ca.crt', tls.caFile],
    ['/etc/redis/tls/client.crt', client.certFile],
    ['/etc/redis/tls/client.key', client.keyFile],
    ['/etc/redis', directory],
    ['/var/lib/redis', directory],
    ['* -::*', '127.0.0.1 -::1'],
    ['redis-1.internal 6380', `localhost ${ports[0]}`],
    ['26380', ports[1]],
    ['6380', ports[1]],
    ['PASSWORD-OF-replica', passwordOf('replica')],
    ['PASSWORD-OF-sentinel-AT-SENTINELS', passwordOf('sentinel')],
    ['PASSWORD-OF-sentinel', passwordOf('sentinel')],
  ];
  return places.reduce((text, [from, to]) => text.replaceAll(from, to),
                       readFileSync(`${TOP}/conf/redis/${file}`, 'utf8'));
}

test('the example files of conf/redis/', async (t) => {
  const directory = scratchDirectory(t, 'examples');
  const ca = authority(path.join(directory, 'tls'));
  const tls = { ...ca.issueServer('redis'), caFile: ca.certFile };
  const client = ca.issueClient('client');

  for (const [file, options, said] of [
    ['redis.conf', {}, /Running mode=standalone/],
    ['cluster.conf', { cluster: true }, /Running mode=cluster/],
    ['sentinel.conf', { sentinel: true, users: sentinelUsers },
     /Running mode=sentinel/],
  ]) {
    await t.test(`Redis starts with ${file}`, async (st) => {
      const own = scratchDirectory(st, 'example');
      const context = { directory: own, tls, client,
                        ports: [await freePort(), await freePort()] };
      const write = (name, text) =>
        writeFileSync(path.join(own, name), text, { mode: 0o600 });

      write('users.acl', redisUsers());
      write('sentinel-users.acl', sentinelUsers());
      write('redis.conf', localized('redis.conf', context));
      const redis = new Redis({
        ...options, acl: true, name: 'example',
        text: `${localized(file, context)}unixsocket ${own}/redis.sock\n`,
      }, own);
      redis.confFile = path.join(own, 'example.conf');
      await redis.prepare();
      onEnd(st, () => redis.stop());
      await redis.start();

      assert.match(redis.server.output, said);
      assert.doesNotMatch(redis.server.output, /PASSWORD|# .*error/i);
    });
  }
});
