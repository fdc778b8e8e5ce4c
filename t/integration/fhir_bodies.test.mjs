// Long queries, large bodies and slow readers, over HTTP/1.1 and HTTP/2.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort, onEnd, until } from '../lib/scratch.mjs';

const INNER = 'https://p-hi2.digitaledge.cigna.com/PatientAccess/v1-devportal';
const MB = 1 << 20;
const PIECE = 60000;                      // bytes of a piece, approximately
const MEMORY_MAX = 12 * MB;                // growth by a large body
const SANITIZED = /asan/.test(process.env.CIGNA_NGINX ?? '');

const HEAD = '{"resourceType":"Bundle","entry":[';
const TAIL = '{}]}\n';

// Returns about 64 KB of a Bundle.  A large body repeats this one buffer, so it
// takes no more memory in the test than a small one.
function pieceOf(base) {
  const entry = `{"fullUrl":"${base}Patient/1","resource":{"resourceType":`
    + `"Patient","text":{"div":"${'narrative '.repeat(95)}"}}},\n`;
  return Buffer.from(entry.repeat(60));
}

function* bundle(base, bytes) {
  const piece = pieceOf(base);
  yield Buffer.from(HEAD);
  for (let i = 0; i < bytes / PIECE; i += 1) {
    yield piece;
  }
  yield Buffer.from(TAIL);
}

const digestOf = (pieces) => {
  const hash = createHash('sha1');
  let length = 0;
  for (const piece of pieces) {
    hash.update(piece);
    length += piece.length;
  }
  return { digest: hash.digest('hex'), length };
};

async function digestOfStream(stream) {
  const hash = createHash('sha1');
  let length = 0;
  for await (const piece of stream) {
    hash.update(piece);
    length += piece.length;
  }
  return { digest: hash.digest('hex'), length };
}

// Returns the peak memory of a process, in bytes.
function peakOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) * 1024;
}

test('bodies', async (t) => {
  const recorder = await startRecorder(t);
  const port2 = await freePort();
  const to = `https://127.0.0.1:${recorder.port}/PatientAccess/v1-devportal/`;
  const gw = await standardGateway(t, {
    nginx: { workers: 1 },
    server: { listen: `127.0.0.1:${port2} ssl http2`,
              large_client_header_buffers: '4 64k' },
    http: `cigna_upstream_alias ${INNER};`,
    locations: [
      recorder.location('/up/', { to, lines: [
        'proxy_max_temp_file_size 0;', 'cigna_not_found on;'] }),
      recorder.location('/now/', { to, lines: ['proxy_buffering off;'] }),
      recorder.location('/file/', { to }),
    ].join('\n'),
  });
  const alice = await connected(gw);
  const [pid] = gw.nginx.workerPids();
  const own = (path) => gw.url('acme', path);
  const { port } = gw;

  // bytes of a large body that the upstream has sent so far
  let left = 0;
  let closed = false;
  function* counted(pieces) {
    for (const piece of pieces) {
      left += piece.length;
      yield piece;
    }
  }
  recorder.otherwise = (request, response) => {
    const url = new URL(request.url, 'https://x');
    const bytes = Number(url.searchParams.get('bytes'));
    const page = url.searchParams.get('page');
    const status = Number(url.searchParams.get('status') ?? 200);

    left = 0;
    closed = false;
    response.on('close', () => { closed = true; });
    response.writeHead(status, {
      'Content-Type': page ? 'text/html' : 'application/json' });
    Readable.from(counted(bundle(`${INNER}/`, bytes))).pipe(response);
  };

  // sends a request, and returns the reply with its body still unread
  const open = (path, agent) => new Promise((resolve, reject) => {
    https.get(own(path), {
      agent, ca: gw.caText, servername: 'acme.localhost',
      lookup: (name, options, done) => (options.all
        ? done(null, [{ address: '127.0.0.1', family: 4 }])
        : done(null, '127.0.0.1', 4)),
      headers: { Cookie: 'session=alice' },
    }, resolve).on('error', reject);
  });

  const session = () => http2.connect(`https://acme.localhost:${port2}`, {
    ca: gw.caText, lookup: (name, options, done) => (options.all
      ? done(null, [{ address: '127.0.0.1', family: 4 }])
      : done(null, '127.0.0.1', 4)) });

  // Asks for the path over HTTP/2.  Returns { status, stream }.
  async function open2(client, path) {
    const stream = client.request({ ':path': path, cookie: 'session=alice' });
    const [headers] = await once(stream, 'response');
    return { status: headers[':status'], stream };
  }

  // Asserts that `work` raises the worker's peak memory by less than
  // MEMORY_MAX.  With sanitizers it only reports by how much.
  async function grows(work) {
    await alice.get('/up/x?bytes=1000000');
    const before = peakOf(pid);
    await work();
    const grown = peakOf(pid) - before;
    if (!SANITIZED) {
      assert.ok(grown < MEMORY_MAX, `${grown >> 10} KB more`);
    }
    t.diagnostic(`${grown >> 10} KB more`);
  }

  // Queries.

  await t.test('a query of 32 KB reaches the upstream byte for byte',
    async () => {
      const query = `_id=${'a%20b+c%2C'.repeat(3277)}&x=%zz|{}^`;
      assert.ok(query.length > 32 << 10);
      recorder.take();
      const reply = await raw(gw, `GET /up/Patient?${query} HTTP/1.1\r\n`
        + `Host: acme.localhost:${port}\r\nCookie: session=alice\r\n`
        + 'Connection: close\r\n\r\n');
      assert.match(reply, /^HTTP\/1.1 200 /);
      const client = session();
      const { status, stream } = await open2(client, `/up/Patient?${query}`);
      stream.resume();
      assert.equal(status, 200);
      client.close();
      const asked = recorder.take();
      assert.equal(asked.length, 2);
      for (const { url } of asked) {
        assert.equal(url, `/PatientAccess/v1-devportal/Patient?${query}`);
      }
    });

  await t.test('an oversized query gets 414', async () => {
    const reply = await raw(gw, `GET /up/Patient?_id=${'a'.repeat(70 << 10)}`
      + ` HTTP/1.1\r\nHost: acme.localhost:${port}\r\n\r\n`);
    assert.match(reply, /^HTTP\/1.1 414 /);
    assert.match(reply, /414 Request-URI Too Large/i);
    assert.equal((await alice.get('/up/x?bytes=1')).status, 200);
  });

  // Large bodies.

  for (const [place, mb] of [['/up/', 100], ['/now/', 40], ['/file/', 40]]) {
    await t.test(`a Bundle of ${mb} MB passes ${place} in constant memory with `
      + 'its links rewritten', async () => {
      await grows(async () => {
        const got = await digestOfStream(
          await open(`${place}x?bytes=${mb * MB}`));
        assert.deepEqual(got, digestOf(bundle(own(place), mb * MB)));
      });
    });
  }

  await t.test('a Bundle of 20 MB passes over HTTP/2 in constant '
    + 'memory', async () => {
    await grows(async () => {
      const client = session();
      const { status, stream } = await open2(client,
                                             `/up/x?bytes=${20 * MB}`);
      assert.equal(status, 200);
      const got = await digestOfStream(stream);
      client.close();
      const base = own('/up/').replace(`:${port}/`, `:${port2}/`);
      assert.deepEqual(got, digestOf(bundle(base, 20 * MB)));
    });
  });

  await t.test('an error page of 50 MB is discarded in constant memory',
    async () => {
      await grows(async () => {
        const reply = await alice.get(
          `/up/x?bytes=${50 * MB}&page=1&status=503`);
        assert.equal(reply.status, 503);
        assert.equal(reply.json().resourceType, 'OperationOutcome');
        await until('the whole page was discarded', () => left > 50 * MB);
      });
    });

  await t.test('a 500 of any size passes in full after cigna_not_found has '
    + 'examined it',
    async () => {
      await grows(async () => {
        const reply = await open(`/up/x?bytes=${20 * MB}&status=500`);
        assert.equal(reply.statusCode, 500);
        assert.deepEqual(await digestOfStream(reply),
                         digestOf(bundle(own('/up/'), 20 * MB)));
      });
    });

  // Slow readers.

  async function standsStill() {
    let last;
    await until('the upstream waits', async () => {
      last = left;
      await sleep(500);
      return left === last && left > MB;
    }, { timeout: 30000 });
    return last;
  }

  await t.test('a client that does not read blocks its own upstream reply '
    + 'only', async () => {
    await grows(async () => {
      const agent = new https.Agent();
      const reply = await open(`/up/x?bytes=${100 * MB}`, agent);
      reply.pause();
      const held = await standsStill();
      assert.ok(held < 60 * MB, `${held} bytes were taken in`);

      for (let i = 0; i < 20; i += 1) {
        assert.equal((await alice.get('/fhir/Patient')).status, 200);
      }
      assert.equal(left, held);
      assert.deepEqual(await digestOfStream(reply),
                       digestOf(bundle(own('/up/'), 100 * MB)));
      agent.destroy();
    });
  });

  await t.test('an HTTP/2 stream that is not read blocks no other stream of '
    + 'its connection',
    async () => {
      const client = session();
      const slow = await open2(client, `/up/x?bytes=${50 * MB}`);
      const held = await standsStill();
      assert.ok(held < 40 * MB, `${held} bytes were taken in`);

      for (let i = 0; i < 20; i += 1) {
        const { status, stream } = await open2(client, '/fhir/Patient');
        assert.equal(status, 200);
        await digestOfStream(stream);
      }
      const { length } = await digestOfStream(slow.stream);
      assert.ok(length > 50 * MB);
      client.close();
    });

  // Opens an HTTP/2 session through a relay that can stop the bytes to the
  // client.
  async function stoppable() {
    let wire;
    const relay = net.createServer((socket) => {
      wire = net.connect(port2, '127.0.0.1');
      socket.pipe(wire).pipe(socket);
      for (const one of [socket, wire]) {
        one.on('error', () => {});
      }
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    onEnd(t, () => { relay.close(); });

    const window = 1 << 30;
    const client = http2.connect(`https://acme.localhost:${port2}`, {
      settings: { initialWindowSize: window },
      createConnection: () => tls.connect({
        host: '127.0.0.1', port: relay.address().port, ca: gw.caText,
        servername: 'acme.localhost', ALPNProtocols: ['h2'],
      }),
    });
    await once(client, 'connect');
    client.setLocalWindowSize(window);
    return { client, stop: () => wire.pause(), goOn: () => wire.resume() };
  }

  await t.test('an examined error arrives in full after its header has waited '
    + 'for another stream', async () => {
    const { client, stop, goOn } = await stoppable();
    const slow = await open2(client, `/up/x?bytes=${60 * MB}`);
    stop();
    await standsStill();
    const whole = digestOfStream(slow.stream);
    const error = open2(client, '/up/x?bytes=100000&status=500');
    await until('the error has left the upstream', () => left > 100000
      && left < MB && closed);
    await sleep(200);
    goOn();
    const { status, stream } = await error;
    assert.equal(status, 500);
    const base = own('/up/').replace(`:${port}/`, `:${port2}/`);
    assert.deepEqual(await digestOfStream(stream),
                     digestOf(bundle(base, 100000)));
    assert.deepEqual(await whole, digestOf(bundle(base, 60 * MB)));
    client.close();
  });

  await t.test('a client that leaves ends the upstream\'s reply', async () => {
    const agent = new https.Agent();
    const reply = await open(`/up/x?bytes=${100 * MB}`, agent);
    reply.on('error', () => {});
    await once(reply, 'data');
    reply.destroy();
    agent.destroy();
    await until('the upstream\'s reply has ended', () => closed);
    assert.ok(left < 100 * MB);
    assert.equal((await alice.get('/fhir/Patient')).status, 200);
  });
});
