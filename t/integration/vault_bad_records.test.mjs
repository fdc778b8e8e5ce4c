// scripts/vault with bad records in Redis.  A bad record must not stop a
// command: it is one line of the report, and the other records are handled.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { assertRefused, assertServed } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { readRecord, withKey } from '../lib/records.mjs';
import { TOP } from '../lib/scratch.mjs';

const DONE = 0;
const ATTENTION = 3;
const LINE_MAX = 300;
const SHOWN = 20;   // bad records that one report shows

const MARKER = 'cigna:v:{vault}';
const ESCAPE = '\x1b[31m\x07\r\n\xff';

const keyOf = (name, kind = 'g') => `cigna:${kind}:{${name.padEnd(27, '_')}}`;

// Writes bad records, each with an expiry.
async function pollute(redis, good) {
  const { i, g, b } = good;
  const hash = (...fields) => (key) => ['HSET', key, ...fields];
  const bad = {
    [keyOf('string')]: (key) => ['SET', key, ESCAPE],
    [keyOf('list')]: (key) => ['RPUSH', key, 1],
    [keyOf('stream')]: (key) => ['XADD', key, '*', 'f', 'v'],
    [keyOf('digits')]: hash('i', i, 'g', '9'.repeat(5000), 'b', b),
    [keyOf('negative')]: hash('i', i, 'g', '-1', 'b', b),
    [keyOf('no-generation')]: hash('i', i, 'b', b),
    [keyOf('no-id')]: hash('g', g, 'b', b),
    [keyOf('no-blob')]: hash('i', i, 'g', g),
    [keyOf('empty')]: hash('i', '', 'g', '', 'b', ''),
    [keyOf('long-id')]: hash('i', i.repeat(10), 'g', g, 'b', b),
    [keyOf('megabyte')]: hash('i', i, 'g', g, 'b', b + 'x'.repeat(1 << 20)),
    [keyOf('spent')]: hash('i', i, 'g', g, 'b', b, 's', '9'.repeat(5000),
                           'n', '9'.repeat(5000), 'm', ESCAPE),
    [`cigna:g:{${ESCAPE}}`]: hash('i', i, 'g', g, 'b', b),
    [`cigna:g:{${'long'.repeat(5000)}}`]: hash('i', i, 'g', g, 'b', b),
    'cigna:g:{open': hash('i', i, 'g', g, 'b', b),
    'cigna:g:{}': hash('i', i, 'g', g, 'b', b),
    [keyOf('dance', 'd')]: (key) => ['SET', key, 'x'],
    [`cigna:d:{${ESCAPE}}`]: hash('b', 'x'),
    [keyOf('lock', 'l')]: hash('b', 'x'),
    [keyOf('dances', 'o')]: (key) => ['SET', key, 'x'],
  };
  for (const [key, command] of Object.entries(bad)) {
    await redis.command(...command(key));
    await redis.command('PEXPIRE', key, 3600000);
  }
  return Object.keys(bad).length;
}

// Checks that a report has only short lines of harmless characters.
function assertHarmless({ out, err }) {
  for (const line of `${out}${err}`.split('\n')) {
    assert.ok(line.length < LINE_MAX, line);
    assert.match(line, /^[\x20-\x7e]*$/);
  }
  assert.doesNotMatch(err, /Traceback|Error:/);
}

test('a bad record does not stop scripts/vault', async (t) => {
  const gw = await standardGateway(t);
  const { redis } = gw;
  const alice = await withKey(gw);
  const bob = await withKey(gw, { member: 'bob' });
  const zoe = await withKey(gw, { tenant: 'globex', member: 'zoe' });
  await redis.command('PERSIST', bob.key);
  const before = await readRecord(gw, alice.key);
  const count = await pollute(redis, before);

  async function vault(...args) {
    const ran = await gw.vault(...args);
    assertHarmless(ran);
    assert.equal(ran.code, ATTENTION, `${ran.out}${ran.err}`);
    return ran;
  }

  await t.test('status reports bad records', async () => {
    const { out } = await vault('status');
    assert.match(out, /^ATTENTION: [0-9]+ records are bad$/m);
    assert.match(out, /^bad +cigna:g:\{string_+\} {2}is a string, not a hash/m);
    assert.match(out, /^bad +cigna:l:\{lock_+\} {2}is a hash, not a string/m);
    assert.match(out, /^bad +cigna:g:\{\\x1b\[31m\\x07\\r\\n\\xff\}/m);
    assert.match(out, /without expiry/);
    const { bad } = JSON.parse((await vault('status', '--json')).out);
    assert.equal(bad.count, count);
    assert.equal(bad.records.length, count);
  });

  await t.test('status shows only some of many bad records', async () => {
    const more = Array.from({ length: 10 }, (_, n) => keyOf(`more-${n}`));
    for (const key of more) {
      await redis.command('SET', key, ESCAPE);
    }
    const { bad } = JSON.parse((await vault('status', '--json')).out);
    assert.equal(bad.count, count + more.length);
    assert.equal(bad.records.length, SHOWN);
    await redis.command('DEL', ...more);
  });

  await t.test('verify reports bad grants and opens the others', async () => {
    const { out } = await vault('verify');
    assert.match(out, /^2 grants of acme open\n1 grants of globex open$/m);
    assert.match(out, /^ {4}string_+$/m);
  });

  await t.test('list reports bad grants and lists the others', async () => {
    const { out, err } = await vault('list', '--tenant', 'acme');
    assert.equal(out.trim().split('\n').length, 2, out);
    assert.match(err, /grants do not open/);
  });

  await t.test('list reports a single bad grant', async () => {
    for (const name of ['string', 'megabyte', 'digits']) {
      await vault('list', '--identity', name.padEnd(27, '_'));
    }
  });

  await t.test('list shows a grant with an impossible expiry', async () => {
    await redis.command('PEXPIRE', alice.key, '999999999999999');
    const { code, out } = await gw.vault('list', '--tenant', 'acme',
                                         '--member', 'alice');
    assert.equal(code, DONE);
    assert.match(out, /kept until an impossible time/);
  });

  await t.test('revive reports bad grants', async () => {
    const { out } = await vault('revive', '--tenant', 'acme', '--all',
                                '--dry-run');
    assert.match(out, /^2 passed over: live$/m);
    for (const { key } of [alice, bob]) {
      await redis.command('HSET', key, 's', '9'.repeat(15));
    }
    await vault('revive', '--tenant', 'acme', '--all', '--dry-run');
    await redis.command('HDEL', alice.key, 's');
    await redis.command('HDEL', bob.key, 's');
  });

  await t.test('reseal reports bad grants and reseals the others', async () => {
    for (const change of ['--add', '--promote']) {
      execFileSync(`${TOP}/scripts/keygen`, [change, gw.file('keys')]);
    }
    const { out } = await vault('reseal');
    assert.match(out, /^3 grants sealed again, [0-9]+ left$/m);
    await gw.reload();
    assertServed(await alice.visitor.get('/fhir/Coverage'));
  });

  await t.test('revoke reports bad grants and revokes the others', async () => {
    await gw.sandbox.control.reset();
    const { out } = await vault('revoke', '--tenant', 'acme', '--yes');
    assert.match(out, /^2 grants revoked, 2 deleted, 0 not revoked$/m);
    assert.equal((await gw.sandbox.control.see()).revoke.revoked, 2);
    assertServed(await zoe.visitor.get('/fhir/Coverage'));
    assertRefused(await bob.visitor.get('/fhir/Coverage'), 401,
                  'not_connected', { connect: gw.url('acme',
                                                     '/cigna/connect') });
  });

  await t.test('pauses reports a key of another type', async () => {
    await redis.command('SET', 'cigna:b:{budget}', ESCAPE);
    for (const args of [[], ['--json'], ['--end', 'https://fhir.example']]) {
      await vault('pauses', ...args);
    }
    await redis.command('DEL', 'cigna:b:{budget}');
  });

  await t.test('status and init report a marker of another type', async () => {
    await redis.command('RENAME', MARKER, 'marker');
    await redis.command('SET', MARKER, ESCAPE);
    const { out } = await vault('status');
    assert.match(out, /^ATTENTION: 1 marker: is a string, not a hash$/m);

    const refused = await gw.vault('init');
    assertHarmless(refused);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /is a string, not a hash; nothing was changed/);

    const forced = await gw.vault('init', '--force');
    assertHarmless(forced);
    assert.equal(forced.code, DONE);
  });
});
