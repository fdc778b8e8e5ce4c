// A tenant leaves: its grants are revoked, and its block is removed, in either
// order.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { assertServed } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { flipped, readRecord, withKey } from '../lib/records.mjs';
import { runVault } from '../lib/vault.mjs';

const DONE = 0;
const USAGE = 2;
const ATTENTION = 3;

const BLOCK = /^ *cigna_tenant acme \{[^}]*\}$/m;

// Starts a gateway, connects members of two tenants, and writes a file with the
// block of acme.
async function withMembers(t) {
  const gw = await standardGateway(t);
  const alice = await withKey(gw);
  const bob = await withKey(gw, { member: 'bob',
                                  username: 'syntheticuser03' });
  const zoe = await withKey(gw, { tenant: 'globex', member: 'zoe' });
  const saved = gw.file('acme.saved');
  writeFileSync(saved, gw.configuration().match(BLOCK)[0]);
  await gw.sandbox.control.reset();
  return { gw, alice, bob, zoe, saved };
}

async function removeBlock(gw) {
  gw.tenants = ['globex'];
  await gw.reload();
}

const revoked = async (gw) => (await gw.sandbox.control.see()).revoke.revoked;

const revoke = (gw, ...options) =>
  gw.vault(...options, 'revoke', '--tenant', 'acme', '--yes');

test('the grants are revoked, and then the block is removed', async (t) => {
  const { gw, zoe } = await withMembers(t);
  const { code, out } = await revoke(gw);
  assert.equal(code, DONE);
  assert.match(out, /^2 grants revoked, 2 deleted, 0 not revoked$/m);
  assert.equal(await revoked(gw), 2);

  await removeBlock(gw);
  assertServed(await zoe.visitor.get('/fhir/Coverage'));
  const status = await gw.vault('status');
  assert.equal(status.code, DONE, status.out);
  assert.doesNotMatch(status.out, /orphan/);
});

test('the block is removed, and then the grants are revoked', async (t) => {
  const { gw, alice, bob, zoe, saved } = await withMembers(t);
  await removeBlock(gw);

  await t.test('status counts the orphans', async () => {
    const { code, out } = await gw.vault('status');
    assert.equal(code, ATTENTION);
    assert.match(out, /^orphans {2}2 with registration [0-9a-f]{12}, such as/m);
    assert.match(out, /^ATTENTION: 2 grants belong to no tenant of the conf/m);
    const { orphans } = JSON.parse((await gw.vault('status', '--json')).out);
    assert.equal(orphans.count, 2);
    assert.equal(orphans.groups.length, 1);
  });

  await t.test('status names the tenant of a saved block', async () => {
    const { code, out } = await gw.vault('--saved', saved, 'status');
    assert.equal(code, ATTENTION);
    assert.match(out, /^orphans {2}2 of the saved block "acme"$/m);
    assert.match(out, /^ATTENTION: 2 grants belong to no tenant of the conf/m);
  });

  await t.test('without a configuration no grant is an orphan', async () => {
    const { code, out } = await runVault([
      '--redis', `unix:${gw.redis.unixPath}`, '--keys', gw.file('keys'),
      'status', '--json']);
    assert.equal(code, DONE);
    assert.equal(JSON.parse(out).orphans, null);
  });

  await t.test('revoke says what it needs', async () => {
    const { code, err } = await revoke(gw);
    assert.equal(code, USAGE);
    assert.match(err, /there is no tenant "acme" .* --saved FILE$/m);
    assert.equal(err.trim().split('\n').length, 1);
  });

  for (const [what, text, said] of [
    ['without a block', 'user nobody;', /there is no cigna_tenant in/],
    ['with half a block', 'cigna_tenant acme {', /"}" is missing/],
  ]) {
    await t.test(`a saved file ${what} is refused`, async () => {
      writeFileSync(gw.file('bad.saved'), text);
      const { code, err } = await revoke(gw, '--saved', gw.file('bad.saved'));
      assert.equal(code, 1);
      assert.match(err, said);
    });
  }

  await t.test('list and verify open the grants with the saved block',
    async () => {
      const { code, out } = await gw.vault('--saved', saved, 'list',
                                           '--tenant', 'acme');
      assert.equal(code, DONE);
      assert.equal(out.trim().split('\n').length, 2);
      assert.equal((await gw.vault('--saved', saved, 'verify')).code, DONE);
    });

  await t.test('revoke deletes grants of a lost block, but cannot revoke them',
    async () => {
      const { code, out, err } = await gw.vault(
        'revoke', '--tenant', 'acme', '--member', 'bob', '--yes',
        '--delete-anyway');
      assert.equal(code, DONE, err);
      assert.match(err, /tenant "acme" has no block: .* not revoked at Cigna/);
      assert.match(out, /^0 grants revoked, 1 deleted, 0 not revoked$/m);
      assert.equal(await revoked(gw), 0);
      assert.equal((await readRecord(gw, bob.key)).i, undefined);
    });

  await t.test('revoke revokes the grants with the saved block', async () => {
    const { code, out, err } = await revoke(gw, '--saved', saved);
    assert.equal(code, DONE, err);
    assert.match(out, /^1 grants revoked, 1 deleted, 0 not revoked$/m);
    assert.equal(await revoked(gw), 1);
    assert.equal((await readRecord(gw, alice.key)).i, undefined);
    assertServed(await zoe.visitor.get('/fhir/Coverage'));
    assert.equal((await gw.vault('status')).code, DONE);
  });
});

test('a saved configuration is a saved block, too', async (t) => {
  const { gw, alice } = await withMembers(t);
  await gw.vault('status');
  const whole = gw.file('old.conf');
  writeFileSync(whole, readFileSync(gw.file('vault.conf'), 'utf8'));
  await removeBlock(gw);

  const { code, out } = await revoke(gw, '--saved', whole);
  assert.equal(code, DONE);
  assert.match(out, /^2 grants revoked, 2 deleted, 0 not revoked$/m);
  assert.equal(await revoked(gw), 2);
  assert.equal((await readRecord(gw, alice.key)).i, undefined);
});

test('many grants that no tenant opens', async (t) => {
  const { gw, alice } = await withMembers(t);
  const record = Object.entries(await readRecord(gw, alice.key)).flat();
  for (let i = 0; i < 20; i += 1) {
    const key = `cigna:g:{${`copy-${i}`.padEnd(27, '_')}}`;
    await gw.redis.command('HSET', key, ...record);
    await gw.redis.command('PEXPIRE', key, 3600000);
  }
  const orphans = async () => (await gw.vault('status')).out
    .match(/^orphans .*$/gm).join('\n');

  assert.match(await orphans(), /^orphans {2}20 with the registration of t/);
  await removeBlock(gw);
  assert.match(await orphans(), /^orphans {2}22 with registration [0-9a-f]+, /);
});

test('orphans that may be damaged records', async (t) => {
  const { gw, alice } = await withMembers(t);
  const { b } = await readRecord(gw, alice.key);
  await gw.redis.command('HSET', alice.key, 'b', flipped(b, -1));
  const { code, out } = await gw.vault('status');
  assert.equal(code, ATTENTION);
  assert.match(out, /^orphans {2}1 with the registration of tenant "acme": /m);
});
