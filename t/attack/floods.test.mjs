// Floods of a few hundred requests each.  After each the worker holds no more
// than before, and during each another member is served.
//
// Each flood is repeated.  The first rounds make the worker grow to the size
// that it needs, by less each time.  A leak would add the same amount in every
// round.  So in the third round or a later one the worker must grow by less
// than a kilobyte for each request.  A sanitized nginx keeps freed memory, so
// there only descriptors are checked.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { connected } from '../lib/fhir.mjs';
import { FLAG, TYPE, block, frame, framesTo, uint32 } from
  '../lib/frames.mjs';
import { eachOf, heldBy, watch } from '../lib/load.mjs';
import { BASE } from '../lib/recorder.mjs';
import { PLACE, startScene } from '../lib/scene.mjs';
import { until } from '../lib/scratch.mjs';
import { talkTo } from '../lib/talk.mjs';

const KB = 1024;
const SANITIZED = Boolean(process.env.CIGNA_NGINX);

const AT_ONCE = 20;
// LEFT: bytes by which a worker may grow for each request; FILES: descriptors
// that may come and go
const LEFT = KB;
const FILES = 6;
const ROUNDS = 3;
const ROUNDS_MAX = 8;
// the time within which another member must be served
const WITHIN_MS = 8000;

const SEARCH_MAX = 16 * KB;

const HOSTILE = ['x%00', '..;/x', '%2e%2e%2f%2e%2e%2fx', 'x%0d%0aevil:%20x',
                 'a/%252e%252e/x', 'x%5c..%5cevil', '%ff%fe', 'x;y/z'];

test('floods', async (t) => {
  const scene = await startScene(t, {
    listen: 'http2 backlog=1024',
    // With these thresholds malloc keeps freed memory, so the worker's size
    // does not vary by chance.
    nginx: { env: { MALLOC_TRIM_THRESHOLD_: String(1 << 30),
                    MALLOC_MMAP_THRESHOLD_: String(1 << 25) } },
    locations: (wire) => wire.location('/s/', { to: `https://kept${BASE}/` }),
  });
  const { gw, fhir } = scene;
  const carol = await connected(gw, { member: 'carol',
                                      username: 'syntheticuser04' });
  let pid;
  assert.equal((await carol.get(`${PLACE}x`)).status, 200);

  const text = (name, { method = 'GET', member = 'alice', lines = [],
                        body = '', place = PLACE } = {}) =>
    [`${method} ${place}${name} HTTP/1.1`, 'Host: acme.localhost',
     `Cookie: session=${member}`, ...lines, '', body].join('\r\n');

  // The connections of a flood, which closeAll() closes.
  const opened = [];
  const opening = async (begin) => {
    const one = await begin();
    opened.push(one);
    return one;
  };
  const closeAll = () => opened.splice(0).forEach((one) => one.close());

  // Opens n connections that send these bytes and stay open.
  async function holding(n, bytes, { reading = true } = {}) {
    await eachOf(n, AT_ONCE, async () => {
      const talk = await opening(() => talkTo(gw));
      if (!reading) {
        talk.socket.pause();
      }
      talk.send(bytes);
    });
    await sleep(50);
  }

  // Sends n requests over connections that are reused if nginx keeps them.
  async function asking(n, make, judge) {
    const idle = [];
    await eachOf(n, AT_ONCE, async (i) => {
      let talk = idle.pop();
      if (!talk || talk.closed) {
        talk = await opening(() => talkTo(gw));
      }
      talk.send(make(i));
      const reply = await talk.reply();
      judge(reply, i);
      // After a reply with "close" nginx closes the connection.
      if (reply.lines.connection !== 'close') {
        idle.push(talk);
      }
    });
  }

  const served = async () => {
    const began = Date.now();
    await scene.assertOthers();
    const took = Date.now() - began;
    assert.ok(took < WITHIN_MS, `another member waited ${took} ms`);
  };

  const settled = (files) => until('the flood\'s connections are closed', () =>
    heldBy(pid).files <= files + FILES, { timeout: 20000 });

  // Declares the test of a flood.  flood: a function that sends n requests or
  // opens n connections, and calls its second argument when all are under way;
  // open: the number of descriptors that the worker must have gained then;
  // each: the bytes by which the worker may grow for each of the n
  function floods(what, n, flood, { open = 0, each = 256 * KB } = {}) {
    return t.test(`${what} leave nothing behind`, async (st) => {
      // In a new worker no memory that another flood has freed can hide a leak.
      await gw.reload();
      [pid] = gw.nginx.workerPids();
      await served();
      fhir.take();
      const before = heldBy(pid);
      const most = watch(pid);
      st.after(() => most.end());
      const ends = [];

      const grown = () => ends.at(-1) - ends.at(-2);

      do {
        let peaked = 0;
        try {
          await flood(n, async () => {
            await served();
            peaked = heldBy(pid).files - before.files;
          });
        } finally {
          closeAll();
          await settled(before.files);
        }
        assert.ok(!open || peaked >= open, `only ${peaked} are open`);
        fhir.take();
        await served();
        ends.push(heldBy(pid).bytes);
      } while (ends.length < ROUNDS || (!SANITIZED && grown() >= n * LEFT
               && ends.length < ROUNDS_MAX));

      const { bytes } = most.end();
      if (!SANITIZED) {
        assert.ok(grown() < n * LEFT, `the worker keeps growing: ${ends}`);
        assert.ok(bytes - before.bytes < n * each,
                  `took ${bytes - before.bytes} bytes`);
      }
      assert.deepEqual(gw.nginx.workerPids(), [pid]);
    });
  }

  await floods('headers that never end', 200, async (n, peak) => {
    await holding(n, text('x').slice(0, -2));
    await peak();
    assert.ok(fhir.take().every(({ whose }) => whose === scene.numbers.bob));
  }, { open: 200 });

  await floods('bodies that never end', 200, async (n, peak) => {
    await holding(n, text('x', {
      lines: ['Content-Length: 5000'], body: 'half' }));
    await peak();
    assert.ok(fhir.take().every(({ whose }) => whose === scene.numbers.bob));
  }, { open: 200 });

  await floods('half-open TLS handshakes', 500, async (n, peak) => {
    await eachOf(n, AT_ONCE, async () => {
      const socket = net.connect(gw.port, '127.0.0.1');
      opened.push({ close: () => socket.destroy() });
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write('\x16\x03\x01\x02\x00\x01', 'latin1');
    });
    await until('nginx has accepted all', () => heldBy(pid).files >= n);
    await peak();
  }, { open: 500 });

  await floods('requests that are refused', 600, async (n, peak) => {
    const kinds = [[405, { method: 'PUT', lines: ['Content-Length: 5'],
                           body: 'abcde' }],
                   [405, { method: 'DELETE' }],
                   [401, { member: 'nobody' }], [401, { member: '' }]];
    await asking(n, (i) => text('x', kinds[i % 4][1]), ({ status }, i) =>
      assert.equal(status, kinds[i % 4][0]));
    await peak();
  });

  await floods('GETs with bodies of 1 MB', 40, async (n, peak) => {
    const body = 'x'.repeat(KB * KB);
    await asking(n, () => text('x', {
      lines: [`Content-Length: ${body.length}`], body }), ({ status }) =>
      assert.equal(status, 200));
    await peak();
    assert.equal(fhir.take().filter(({ faults }) => faults.length).length, 0);
    assert.deepEqual(
      readdirSync(`${gw.nginx.directory}/temp/client_body`), []);
  }, { each: 1.5 * KB * KB });

  await floods('hostile targets', 600, async (n, peak) => {
    await asking(n, (i) => text(HOSTILE[i % HOSTILE.length]), ({ status }) =>
      assert.equal(status, 400));
    await peak();
    assert.ok(fhir.take().every(({ whose }) => whose === scene.numbers.bob));
  });

  await floods('headers that are too large', 200, async (n, peak) => {
    await asking(n, () => text('x', {
      lines: [`X-Long: ${'x'.repeat(9000)}`] }), ({ status }) =>
      assert.equal(status, 400));
    await peak();
  });

  for (const [size, status] of [[SEARCH_MAX, 200], [SEARCH_MAX + 1, 413]]) {
    await floods(`searches by POST of ${size} bytes`, 300, async (n, peak) => {
      const body = `_id=${'1'.repeat(size - 4)}`;
      await asking(n, () => text('Patient/_search', {
        place: '/s/', method: 'POST', body, lines: [
          'Content-Type: application/x-www-form-urlencoded',
          `Content-Length: ${size}`] }), (reply) =>
        assert.equal(reply.status, status));
      await peak();
      assert.deepEqual(
        readdirSync(`${gw.nginx.directory}/temp/client_body`), []);
    });
  }

  await floods('HTTP/2 streams that are reset at once', 500,
    async (n, peak) => {
      const frames = await opening(() => framesTo(gw));
      for (let i = 0; i < n; i += 1) {
        frames.send(
          frame(TYPE.headers, FLAG.headers | FLAG.end, 2 * i + 1, block([
            [':method', 'GET'], [':scheme', 'https'], [':path', `${PLACE}x`],
            [':authority', 'acme.localhost'], ['cookie', 'session=alice']])),
          frame(TYPE.reset, 0, 2 * i + 1, uint32(8)));
        if (i % 50 === 0) {
          await sleep(1);
        }
      }
      await peak();
      assert.ok(fhir.take().length <= n + 1);
    });

  await floods('clients that do not read', 40, async (n, peak) => {
    const { answer } = fhir;
    fhir.answer = (seen) => (seen.target.endsWith('/huge')
      ? fhir.reply(seen, 200, { body: `"${'x'.repeat(2 << 20)}"` })
      : answer(seen));
    await holding(n, text('huge'), { reading: false });
    await peak();
    fhir.answer = answer;
  }, { open: 40 });

  await floods('401s of the FHIR server that are cut', 300,
    async (n, peak) => {
      const { answer } = fhir;
      fhir.answer = (seen) => (/\/cut$/.test(seen.target)
        ? 'HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 100\r\n'
          + '\r\nhalf' : answer(seen));
      await asking(n, () => text('cut', { member: 'carol' }), ({ status }) =>
        assert.equal(status, 401));
      await peak();
      fhir.answer = answer;
    });
});
