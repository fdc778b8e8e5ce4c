// Records of the vault.  A record that was damaged, moved or made for something
// else has its own condition, harms no other member, and stays for inspection.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { assertNoVault, assertRefused, assertServed, connected, logged }
  from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { flipped, readRecord, withKey, writeRecord } from '../lib/records.mjs';
import { TOP } from '../lib/scratch.mjs';

const NO_CACHE = { cigna_fhir: 'on cache=off' };

// Changes to the fields of a record.  null removes a field.
const DAMAGE = {
  'a flipped bit in its text': ({ b }) => ({ b: flipped(b, 80) }),
  'a flipped bit at its end': ({ b }) => ({ b: flipped(b, -1) }),
  'its last byte missing': ({ b }) => ({ b: b.slice(0, -1) }),
  'one byte too many': ({ b }) => ({ b: `${b}x` }),
  'half of its text': ({ b }) => ({ b: b.slice(0, b.length / 2) }),
  'an empty text': () => ({ b: '' }),
  'no sealed text': () => ({ b: null }),
  'no grant id': () => ({ i: null }),
  'no generation': () => ({ g: null }),
  'another generation': ({ g }) => ({ g: `${Number(g) + 1}` }),
  'a malformed generation': () => ({ g: 'x' }),
  'another grant id': ({ i }) => ({ i: i.replace(/^./, (one) =>
    (one === 'A' ? 'B' : 'A')) }),
  'a huge grant id': () => ({ i: 'A'.repeat(5000) }),
  'many bytes of nonsense': () => ({ b: '\x07'.repeat(10000) }),
  'a flipped bit in its registration': ({ b }) => ({ b: flipped(b, 3) }),
};

test('records of the vault', async (t) => {
  const gw = await standardGateway(t, { fhir: NO_CACHE });
  const alice = await withKey(gw);
  // a shorter name might be in a record's random characters by chance
  const bob = await withKey(gw, { member: 'robert' });
  const other = await withKey(gw, { tenant: 'globex', member: 'alice' });
  const good = await readRecord(gw, alice.key);
  // The journal writes its grants to Redis again after each new connection, and
  // so replaces records that this test has changed.  A restart empties it.
  await gw.nginx.stop('SIGQUIT');
  await gw.nginx.start();
  const ask = (who = alice) => who.visitor.get('/fhir/Coverage');

  await t.test('Redis holds no name of a member, here or at Cigna',
    async () => {
      const dump = JSON.stringify(await gw.redis.dump());

      assert.doesNotMatch(dump, /alice|robert|synthetic|A0000000/);
      assert.match(alice.key, /^cigna:g:\{[\w-]{27}\}$/);
      assert.ok(await gw.redis.command('PTTL', alice.key) > 390 * 86400000);
    });

  for (const [what, damage] of Object.entries(DAMAGE)) {
    await t.test(`a record with ${what} is an outage`,
      async () => {
        const record = Object.fromEntries(
          Object.entries({ ...good, ...damage(good) })
            .filter(([, value]) => value !== null));
        await writeRecord(gw, alice.key, record);

        assertRefused(await ask(), 503, 'record_damaged',
                      { code: 'exception', retry: true });
        assert.deepEqual(await readRecord(gw, alice.key), record);
        assertServed(await ask(bob));
      });
  }

  await t.test('the original record serves again', async () => {
    await writeRecord(gw, alice.key, good);
    assertServed(await ask());
  });

  for (const [whose, thief] of [['another member', bob],
                                ['the same member\'s other tenant', other]]) {
    await t.test(`a record moved to ${whose} does not open`, async () => {
      const own = await readRecord(gw, thief.key);
      await writeRecord(gw, thief.key, good);
      const reply = await ask(thief);

      assertRefused(reply, 503, 'record_damaged', { retry: true });
      await writeRecord(gw, thief.key, own);
      assertServed(await ask(thief));
    });
  }

  await t.test('a key of another type is an outage', async () => {
    await gw.redis.command('SET', alice.key, 'x');
    assertNoVault(await ask());
    await writeRecord(gw, alice.key, good);
  });

  await t.test('a member whose record is deleted gets not_connected '
    + '', async () => {
    await gw.redis.command('DEL', alice.key);
    assertRefused(await ask(), 401, 'not_connected',
                  { connect: gw.url('acme', '/cigna/connect') });
    await writeRecord(gw, alice.key, good);
    assertServed(await ask());
  });

  // key rings
  const [name, seal] = readFileSync(gw.file('keys'), 'utf8').split('\n');
  const newSeal = execFileSync(`${TOP}/scripts/keygen`, { encoding: 'utf8' })
    .split('\n')[1];
  const useKeys = async (...lines) => {
    writeFileSync(gw.file('keys'), `${lines.join('\n')}\n`);
    await gw.reload();
  };

  await t.test('a record under a missing key is an outage and not a reason to '
    + 'connect again', async () => {
    await useKeys(name, newSeal);

    assertRefused(await ask(), 503, 'key_unknown',
                  { code: 'exception', retry: true });
    assert.deepEqual(await readRecord(gw, alice.key), good);
  });

  await t.test('a new first key seals, and the old key still opens',
    async () => {
      await useKeys(name, newSeal, seal);

      assertServed(await ask());
      const carol = await withKey(gw, { member: 'carol' });
      await useKeys(name, newSeal);
      assertServed(await ask(carol));
      await useKeys(name, seal);
      assertRefused(await ask(carol), 503, 'key_unknown', { retry: true });
    });

  await t.test('a record that was only read in between stays under its key, '
    + 'unchanged', async () => {
    assertServed(await ask());
    assert.deepEqual(await readRecord(gw, alice.key), good);
  });

  // changes of the tenant's registration
  for (const [what, tenant] of [
    ['client id', { client_id: 'acme-other' }],
    ['fhir_base', { fhir_base: 'https://localhost/other' }],
    ['issuer', { issuer: 'https://other.example' }],
  ]) {
    await t.test(`a changed ${what} requires a new dance, and the record `
      + 'stays', async () => {
      await gw.reload({ tenants: { acme: tenant } });

      assertRefused(await ask(), 401, 'grant_moved',
                    { connect: gw.url('acme', '/cigna/connect') });
      assert.deepEqual(await readRecord(gw, alice.key), good);
      assertServed(await ask(other));
    });
  }

  await t.test('the original registration serves again', async () => {
    await gw.reload();
    assertServed(await ask());
  });
});

test('the copy in shared memory', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 2 } });
  const alice = await connected(gw);
  const sourceOf = async (visitor, target) => {
    assertServed(await visitor.get(target));
    return (await logged(gw, target)).source;
  };
  let count = 0;
  const source = (visitor = alice) => {
    count += 1;
    return sourceOf(visitor, `/fhir/Coverage?_count=${count}`);
  };

  await t.test('a token comes from the vault at most once', async () => {
    await source();
    for (let i = 0; i < 5; i += 1) {
      assert.equal(await source(), 'cache');
    }
  });

  await t.test('a new dance replaces the old token at once',
    async () => {
      await gw.sandbox.control.revoke({ member: 'syntheticuser05' });
      await alice.dance({ username: 'syntheticuser03' });

      const { body } = await alice.get('/fhir/Patient');
      assert.match(body, /A00000000000003/);
      assert.doesNotMatch(body, /A00000000000005/);
    });

  await t.test('a disconnect empties the cache', async () => {
    await source();
    const { status } = await alice.post('/cigna/disconnect', {
      headers: { Origin: gw.url('acme', '').replace(/\/$/, '') } });
    assert.equal(status, 204);
    for (let i = 0; i < 4; i += 1) {
      assertRefused(await alice.get('/fhir/Coverage'), 401, 'not_connected',
                    { connect: gw.url('acme', '/cigna/connect') });
    }
  });

  await t.test('cache=off reads the vault for each request', async () => {
    await connected(gw, { member: 'alice' });
    await gw.reload({ fhir: NO_CACHE });
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await source(), 'vault');
    }
  });
});
