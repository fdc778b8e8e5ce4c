// Connections to Redis: TCP, unix sockets, TLS, users, databases and prefixes.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { authority } from '../../scripts/lib/ca.mjs';
import { assertNoVault, assertRefused, assertServed, connected } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRedis } from '../lib/redis.mjs';
import { freePort, scratchDirectory, until } from '../lib/scratch.mjs';

const PASSWORD = 'MARKsRedisPassword';

test('ways to Redis', async (t) => {
  const gw = await standardGateway(t, {
    fhir: { cigna_fhir: 'on cache=off' },
    vaultOver: 'tls',
    redisOptions: { password: PASSWORD },
  });
  const { redis } = gw;
  const alice = await connected(gw);
  const foreign = authority(scratchDirectory(t, 'foreign'), 'another CA');
  const misnamed = await startRedis(t, {
    password: PASSWORD,
    tls: { ...gw.ca.issueServer('elsewhere', ['redis.example'],
                                { only: true }), caFile: gw.ca.certFile },
  });
  const file = (name, text) => {
    writeFileSync(gw.file(name), text, { mode: 0o600 });
    return gw.file(name);
  };
  const ask = () => alice.get('/fhir/Coverage');
  const tcp = { redis: `redis://127.0.0.1:${redis.port}`,
                trusted_certificate: null };

  await t.test('TLS with a verified certificate works', async () => {
    assertServed(await ask());
    const clients = await redis.command('CLIENT', 'LIST');
    assert.match(clients, /name=cigna/);
  });

  const WORKING = {
    'TCP': tcp,
    'TCP by name': { ...tcp, redis: `redis://localhost:${redis.port}` },
    'a unix socket': { ...tcp, redis: `unix:${redis.unixPath}` },
    'an address over TLS with tls_name': {
      redis: `rediss://127.0.0.1:${redis.tlsPort}`, tls_name: 'localhost' },
    'the default user by name': { ...tcp, username: 'default' },
    'a user name in a file': {
      ...tcp, username_file: file('name', 'default\n') },
    'a password with a trailing line end': {
      ...tcp, password_file: file('lined', `${PASSWORD}\n`) },
    'database 0 by its number': {
      ...tcp, redis: `redis://127.0.0.1:${redis.port}/0` },
    'several connections': { ...tcp, connections: 4 },
    'two seeds, the first of them unreachable': {
      ...tcp, redis: [`redis://127.0.0.1:${await freePort()}`, tcp.redis] },
  };

  for (const [what, vault] of Object.entries(WORKING)) {
    await t.test(`the gateway works with ${what}`, async () => {
      await gw.reload({ vault });
      for (let i = 0; i < 4; i += 1) {
        assertServed(await ask());
      }
    });
  }

  const OUTAGES = {
    'a wrong password': [{ ...tcp, password_file: file('wrong', 'no') },
                         /wrong username or password/],
    'no password': [{ ...tcp, password_file: null }, /wants a password/],
    'an unknown user': [{ ...tcp, username: 'nobody' },
                        /wrong username or password/],
    'a certificate of another authority': [
      { trusted_certificate: foreign.certFile }, /certificate|verif/i],
    'a certificate for another name': [
      { redis: `rediss://localhost:${misnamed.tlsPort}` },
      /does not match|name|certificate/i],
    'TLS to a plain port': [
      { redis: `rediss://localhost:${redis.port}` }, /TLS|SSL|handshake/i],
    'plain TCP to a TLS port': [
      { ...tcp, redis: `redis://localhost:${redis.tlsPort}` }, /cigna/],
    'a closed port': [
      { ...tcp, redis: `redis://127.0.0.1:${await freePort()}` }, /refused/i],
    'a missing unix socket': [
      { ...tcp, redis: `unix:${gw.file('none.sock')}` }, /No such file/],
    'an unknown database': [
      { ...tcp, redis: `redis://127.0.0.1:${redis.port}/99` }, /SELECT/],
  };

  for (const [what, [vault, said]] of Object.entries(OUTAGES)) {
    await t.test(`${what} is an outage, and the log says why`, async () => {
      const before = gw.nginx.errorLog().length;
      await gw.reload({ vault });
      assertNoVault(await ask());

      assert.match(gw.nginx.errorLog().slice(before), said);
    });
  }

  await t.test('a changed password is read on reload, and not '
    + 'before', async () => {
    const changed = file('changed', `${PASSWORD}\n`);
    const vault = { ...tcp, password_file: changed };
    await gw.reload({ vault });
    assertServed(await ask());

    file('changed', 'MARKsNewRedisPassword');
    await redis.command('CONFIG', 'SET', 'requirepass',
                        'MARKsNewRedisPassword');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until('Redis refuses the old password', async () =>
      (await ask()).status === 503);

    await gw.reload({ vault });
    assertServed(await ask());
    await redis.command('CONFIG', 'SET', 'requirepass', PASSWORD);
  });

  await t.test('each database is a separate vault', async () => {
    const vault = { ...tcp, redis: `${tcp.redis}/3` };
    await gw.initVault(vault);
    await gw.reload({ vault });
    const connect = gw.url('acme', '/cigna/connect');
    assertRefused(await ask(), 401, 'not_connected', { connect });
    await connected(gw, { member: 'alice' });
    assertServed(await ask());

    await redis.command('SELECT', 3);
    assert.equal((await redis.command('KEYS', 'cigna:g:*')).length, 1);
    await redis.command('SELECT', 0);
  });

  await t.test('each prefix is a separate vault', async () => {
    const vault = { ...tcp, prefix: 'other' };
    await gw.initVault(vault);
    await gw.reload({ vault });
    const connect = gw.url('acme', '/cigna/connect');
    assertRefused(await ask(), 401, 'not_connected', { connect });
    await connected(gw, { member: 'alice' });
    assertServed(await ask());

    assert.equal((await redis.command('KEYS', 'other:g:*')).length, 1);
    assert.equal((await redis.command('KEYS', 'cigna:g:*')).length, 1);
  });
});
