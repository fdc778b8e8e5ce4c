// The shared memory, tested inside the workers.  A module that only the tests
// load, t/probe/cache_probe.c, gives access to it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { HttpClient } from '../lib/client.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { TOP, freePort, onEnd, scratchDirectory, until } from
  '../lib/scratch.mjs';

const OK = 0;
const ERROR = -1;
const DECLINED = -5;

const OVERHEAD_MAX = 640;
const TOKEN_MAX = 12 * 1024;
const LENGTHS = [1, 19, 20, 21, 140, 141, 980, 981, 1024, 1331, 2000, 4096,
                 8191, 11975, TOKEN_MAX];

// Returns the sources and the objects of the nginx that loads the probe.
function buildOf() {
  if (!process.env.CIGNA_NGINX) {
    return { source: '/usr/share/nginx/src',
             objects: `${TOP}/.build/dynamic/objs` };
  }
  const sources = `${TOP}/.build/nginx-source`;
  const version = readdirSync(sources)[0];
  return { source: `${sources}/${version}/tree`,
           objects: `${TOP}/.build/asan/objs` };
}

function buildProbe(directory) {
  const { source, objects } = buildOf();
  const file = `${directory}/probe.so`;
  const includes = ['core', 'event', 'event/modules', 'event/quic', 'os/unix',
                    'http', 'http/modules', 'http/v2', 'http/v3']
    .map((name) => `-I${source}/src/${name}`);

  execFileSync('gcc', [
    '-shared', '-fPIC', '-g', '-O1', '-Wall', '-Wextra', '-Werror',
    '-Wno-unused-parameter', ...includes, `-I${objects}`,
    `-I${TOP}/ngx_cigna_module`, `-I${TOP}/ngx_cigna_module/core`,
    '-o', file, `${TOP}/t/probe/cache_probe.c`,
  ]);
  return file;
}

const http = ({ directory, port, size = '2m' }) => `
    cigna_zone zone=cigna:${size};
    cigna_vault {
        redis unix:${directory}/none.sock;
        keys ${directory}/keys;
    }
    cigna_tenant acme {
        fhir_base https://127.0.0.1:1;
        authorization_endpoint https://127.0.0.1:1/authorize;
        token_endpoint https://127.0.0.1:1/token;
        jwks_uri https://127.0.0.1:1/jwks;
        issuer https://127.0.0.1:1;
        client_id acme;
        redirect_uri https://acme.example/callback;
    }
    server {
        listen 127.0.0.1:${port} reuseport;
        keepalive_requests 100000;
        location = /probe { cigna_probe; }
    }`;

// Starts nginx with the probe.  Returns { nginx, ask, line, resize }:
// ask('put', { id: 1, len: 20 }) returns the probe's answer, line() makes
// another ask() with a connection of its own and so with one worker, and
// resize() reloads with a zone of another size.
async function startProbe(t, options = {}) {
  const directory = scratchDirectory(t, 'probe');
  const port = await freePort();
  const keys = execFileSync(`${TOP}/scripts/keygen`);

  const line = () => {
    const client = new HttpClient({ maxSockets: 1 });
    onEnd(t, () => client.close());

    return async (op, args = {}) => {
      const query = new URLSearchParams({ op, ...args });
      const reply = await client.get(`http://127.0.0.1:${port}/probe?${query}`);
      assert.equal(reply.status, 200);
      return JSON.parse(reply.body);
    };
  };

  writeFileSync(`${directory}/keys`, keys, { mode: 0o600 });
  const nginx = await startNginx(t, {
    main: `load_module ${buildProbe(directory)};`,
    http: http({ directory, port }), ...options,
  });

  return {
    nginx, line,
    resize: (size, options) =>
      nginx.reload({ http: http({ directory, port, size }) }, options),
    ask: line(),
  };
}

// The size of the zone of metadata documents.  These are public, and may be in
// a core dump.
const METADATA_KILOBYTES = 16 * 1024;

test('the cache', async (t) => {
  const { nginx, ask, resize } = await startProbe(t);
  let id = 100000;
  const fresh = () => (id += 1);

  await t.test('a token of any length is returned unchanged', async () => {
    for (const len of LENGTHS) {
      const entry = { id: fresh(), len, generation: len };
      assert.deepEqual(await ask('put', entry), { rc: OK });

      const { epoch, ...found } = await ask('get', entry);
      assert.deepEqual(found, { rc: OK, intact: 1, len, generation: len,
                                suspect: 0 });
    }
  });

  await t.test('an empty or oversized token is not stored', async () => {
    for (const len of [0, TOKEN_MAX + 1]) {
      const entry = { id: fresh(), len };
      assert.deepEqual(await ask('put', entry), { rc: ERROR });
      assert.equal((await ask('get', entry)).rc, DECLINED);
    }
  });

  await t.test('a key accepts tokens of different lengths in '
    + 'turn', async () => {
    const key = fresh();
    for (const len of [...LENGTHS, ...[...LENGTHS].reverse()]) {
      assert.equal((await ask('put', { id: key, len })).rc, OK);
      assert.deepEqual([(await ask('get', { id: key })).len,
                        (await ask('get', { id: key })).intact], [len, 1]);
    }
  });

  await t.test('dropping an entry erases its bytes', async () => {
    for (const len of [16, 1331, TOKEN_MAX]) {
      const entry = { id: fresh(), len, generation: 5 };
      await ask('put', entry);
      assert.ok((await ask('search', entry)).found > 0);

      await ask('drop', entry);
      assert.equal((await ask('get', entry)).rc, DECLINED);
      assert.equal((await ask('search', entry)).found, 0);
    }
  });

  await t.test('a put that began before a drop is declined', async () => {
    const entry = { id: fresh(), len: 20, generation: 1 };
    const { epoch } = await ask('get', entry);

    await ask('drop', entry);
    assert.deepEqual(await ask('put', { ...entry, epoch }), { rc: DECLINED });
    assert.equal((await ask('get', entry)).rc, DECLINED);

    const later = await ask('get', entry);
    assert.deepEqual(await ask('put', { ...entry, epoch: later.epoch }),
                     { rc: OK });
  });

  await t.test('an invalidation by a newer generation or another grant drops '
    + 'an entry, and one by its own generation does not', async () => {
    const key = fresh();
    const put = (generation) => ask('put', { id: key, len: 20, generation });
    // the probe uses the key as the grant's id
    const word = async (generation, grant = key) =>
      (await ask('invalidate', { id: key, generation, grant })).dropped;
    const there = async () => (await ask('get', { id: key })).rc === OK;

    await put(5);
    assert.deepEqual([await word(5), await word(4), await there()],
                     [0, 0, true]);
    assert.deepEqual([await word(6), await there()], [1, false]);
    await put(6);
    assert.deepEqual([await word(5, 1), await there()], [1, false]);
    await put(6);
    assert.deepEqual([await word(0), await there()], [1, false]);
    assert.equal(await word(7), 0);
  });

  await t.test('an invalidation declines each put under way, with or without '
    + 'an entry', async () => {
    for (const there of [true, false]) {
      const entry = { id: fresh(), len: 20, generation: 5 };
      if (there) {
        await ask('put', entry);
      }
      const { epoch } = await ask('get', entry);
      await ask('invalidate', { ...entry, grant: entry.id });
      assert.deepEqual(await ask('put', { ...entry, epoch }),
                       { rc: DECLINED });
    }
  });

  await t.test('entries checked before invalidations may have been lost are '
    + 'suspect, and puts under way are declined', async () => {
    const [old, young] = [fresh(), fresh()];
    const put = (key, checked, epoch) =>
      ask('put', { id: key, len: 20, checked,
                   ...(epoch !== undefined && { epoch }) });
    const suspect = async (key) => (await ask('get', { id: key })).suspect;

    await put(old, 1999);
    const { epoch } = await ask('get', { id: young });
    await ask('suspect', { checked: 2000 });
    assert.deepEqual(await put(young, 2001, epoch), { rc: DECLINED });
    assert.deepEqual(await put(young, 2001), { rc: OK });
    assert.deepEqual([await suspect(old), await suspect(young)], [1, 0]);
    await put(old, 2002);
    assert.equal(await suspect(old), 0);
  });

  await t.test('an entry that was checked in the future is suspect',
    async () => {
      const entry = { id: fresh(), len: 20 };
      await ask('put', { ...entry, checked: Date.now() });
      assert.equal((await ask('get', entry)).suspect, 0);
      await ask('put', { ...entry, checked: Date.now() + 3600000 });
      assert.equal((await ask('get', entry)).suspect, 1);
    });

  await t.test('a late reply does not replace a newer generation',
    async () => {
      const key = fresh();
      const put = (generation, checked) =>
        ask('put', { id: key, len: 20, generation, checked });

      assert.deepEqual(await put(5, 1000000), { rc: OK });
      assert.deepEqual(await put(4, 1000500), { rc: DECLINED });
      assert.equal((await ask('get', { id: key })).generation, 5);
      assert.deepEqual(await put(5, 1001000), { rc: OK });
      assert.deepEqual(await put(6, 1001500), { rc: OK });
    });

  await t.test('a lower generation of a new grant replaces the entry ten '
    + 'seconds later',
    async () => {
      const key = fresh();
      const put = (generation, checked) =>
        ask('put', { id: key, len: 20, generation, checked });

      await put(5, 1000000);
      assert.deepEqual(await put(1, 1010000), { rc: OK });
      assert.equal((await ask('get', { id: key })).generation, 1);
    });

  await t.test('a reload keeps the entries', async () => {
    const entry = { id: fresh(), len: 4096, generation: 3 };
    await ask('put', entry);
    await nginx.reload();
    assert.equal((await ask('get', entry)).intact, 1);
  });

  await t.test('the least recently used entries are evicted '
    + 'first', async () => {
    const first = 500000;
    const kept = first + 3;

    await ask('fill', { id: first, n: 10, len: 4096 });
    for (let i = 0; i < 20; i++) {
      await ask('fill', { id: first + 1000 + i * 100, n: 100, len: 4096 });
      assert.equal((await ask('get', { id: kept })).intact, 1);
    }
    assert.deepEqual(await ask('find', { id: first, n: 10 }),
                     { found: 1, broken: 0 });
    assert.equal((await ask('find', { id: first + 1000 + 1900, n: 100 }))
      .found, 100);
  });

  await t.test('the cache stores entries of any length after all lengths have '
    + 'changed', async () => {
    for (const len of [20, TOKEN_MAX, 100, 1331, TOKEN_MAX, 20]) {
      await ask('fill', { id: 600000, n: 20000, len });
      assert.equal((await ask('fill', { id: 700000, n: 50, len })).failed, 0);
      assert.deepEqual(await ask('find', { id: 700000, n: 50 }),
                       { found: 50, broken: 0 });
    }
  });

  for (const len of [20, 1024, 1331, 2000, 4096, 11975, TOKEN_MAX]) {
    await t.test(`an entry of ${len} bytes has at most ${OVERHEAD_MAX} bytes `
      + 'of overhead',
      async () => {
        // a zone of a new size begins empty
        await resize(`${2048 + len}k`);
        assert.equal((await ask('find', { id: 600000, n: 100 })).found, 0);

        const before = await ask('pages');
        const n = Math.floor(1024 * 1024 / (len + OVERHEAD_MAX));
        assert.equal((await ask('fill', { n, len })).failed, 0);
        assert.deepEqual(await ask('find', { n }), { found: n, broken: 0 });

        const used = (before.free - (await ask('pages')).free) * before.bytes;
        const overhead = used / n - len;
        t.diagnostic(`${len} bytes: ${Math.round(overhead)} of overhead`);
        assert.ok(overhead <= OVERHEAD_MAX, `${overhead} bytes`);
      });
  }

  await t.test('the zone is left out of core dumps', () => {
    const [worker] = nginx.workerPids();
    const kilobytes = (part) => Number(/^Size: +(\d+)/m.exec(part)[1]);
    const zones = readFileSync(`/proc/${worker}/smaps`, 'latin1')
      .split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)
      .filter((part) => /^[^\n]* rw-s .*\/dev\/zero/.test(part))
      .filter((part) => kilobytes(part) !== METADATA_KILOBYTES)
      .sort((one, other) => kilobytes(other) - kilobytes(one));
    assert.match(zones[0], /VmFlags:.* dd\b/);
  });
});

// Returns one ask() for each of the two workers.  The kernel picks the worker
// of a connection at random, so connections are opened until each worker has
// one.
async function lineToEach(line) {
  const lines = new Map();
  for (let tries = 0; lines.size < 2; tries++) {
    assert.ok(tries < 200, 'one worker takes all connections');
    const ask = line();
    lines.set((await ask('stress', { n: 1 })).pid, ask);
  }
  return [...lines.values()];
}

test('two workers that use the cache at once mix up no tokens', async (t) => {
  const { line } = await startProbe(t, { workers: 2 });
  const lines = await lineToEach(line);

  for (let round = 0; round < 9; round++) {
    const answers = await Promise.all(
      lines.map((ask) => ask('stress', { n: 20000 })));

    for (const { found, broken, failed } of answers) {
      assert.ok(found > 1000);
      assert.deepEqual({ broken, failed }, { broken: 0, failed: 0 });
    }
    assert.notEqual(answers[0].pid, answers[1].pid);
  }
});

test('a worker that dies while it changes the cache costs cached entries only',
  async (t) => {
    const { nginx, ask } = await startProbe(t, { workers: 2 });
    const entry = { id: 1, len: 1331, generation: 9 };

    await ask('put', entry);
    await ask('note', { id: 1, n: 5, len: 2000 });
    await ask('note', { id: 11, n: 3, confirmed: 1 });
    await ask('count');
    const { epoch } = await ask('get', entry);

    nginx.allowed.push(
      /\[alert\] \d+#\d+: worker process \d+ exited on signal 9/,
      /\[alert\] \d+#\d+: shared memory zone "cigna" was locked by \d+/);

    await assert.rejects(ask('die'));
    await nginx.waitForLog(/exited on signal 9/);

    assert.equal((await ask('get', entry)).rc, DECLINED);
    await nginx.waitForLog(
      /\[warn\].* process \d+ died while it changed the cache/);
    assert.equal((await ask('search', entry)).found, 0);

    assert.deepEqual(await ask('count'),
                     { refreshes: 2, connected: 2, denied: 0 });
    assert.equal((await ask('get', entry)).epoch, epoch);
    assert.deepEqual(await ask('note', { id: 21, n: 1 }),
                     { full: 0, entries: 9, unconfirmed: 6 });

    assert.deepEqual(await ask('put', entry), { rc: OK });
    const { broken } = await ask('stress', { n: 20000 });
    assert.equal(broken, 0);

    // a graceful stop would wait for the unconfirmed entries
    await nginx.stop('SIGTERM');
  });

test('the journal', async (t) => {
  const { nginx, ask, resize } = await startProbe(t);
  const noted = async (args) => ask('note', { n: 0, ...args });

  await t.test('the journal has an eighth of the zone', async () => {
    const { full, entries } = await noted({ id: 1, n: 1000, confirmed: 0 });
    assert.equal(full + entries, 1000);
    // the journal has an eighth of the zone's 2m, and an entry takes at most
    // 700 bytes
    assert.ok(entries > 256 * 1024 / 700, `${entries}`);
  });

  await t.test('a journal full of unconfirmed entries accepts no more',
    async () => {
      const { entries } = await noted();
      assert.deepEqual(await noted({ id: 5000, n: 1, len: 10 }),
                       { full: 1, entries, unconfirmed: entries });
    });

  await t.test('a reload keeps the journal', async () => {
    const before = await noted();
    await nginx.reload({}, { wait: false });
    assert.deepEqual(await noted(), before);
  });

  await t.test('a zone of another size begins with an empty '
    + 'journal', async () => {
    await resize('4m', { wait: false });
    await until('the new worker answers', async () =>
      (await noted()).entries === 0);
  });

  await t.test('a journal full of confirmed entries accepts new ones',
    async () => {
      const { full } = await noted({ id: 1, n: 2000, confirmed: 1 });
      assert.equal(full, 0);
      assert.equal((await noted({ id: 5000, n: 1, len: 12000 })).full, 0);
    });

  await t.test('journal entries do not delay a fast stop', async () => {
    const began = Date.now();
    await nginx.stop('SIGTERM');
    assert.ok(Date.now() - began < 2000);
  });
});

test('counters', async (t) => {
  const { nginx, ask } = await startProbe(t);

  await t.test('a counter keeps its value after a reload', async () => {
    const { refreshes } = await ask('count');
    await nginx.reload();
    assert.equal((await ask('count')).refreshes, refreshes + 1);
  });

  await t.test('at most 30 dances start in one second', async () => {
    assert.equal((await ask('dances', { n: 100, now: 1000 })).started, 30);
    assert.equal((await ask('dances', { n: 100, now: 1000 })).started, 0);
    assert.equal((await ask('dances', { n: 20, now: 1001 })).started, 20);
    assert.equal((await ask('dances', { n: 20, now: 1001 })).started, 10);
  });

  await t.test('a clock that steps back does not stop new dances', async () => {
    await ask('dances', { n: 100, now: 2000 });
    assert.equal((await ask('dances', { n: 100, now: 1990 })).started, 30);
  });
});
