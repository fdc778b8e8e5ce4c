// Searches by POST, with bodies that arrive in different ways.  The gateway
// sends the search as a GET with all of the parameters, or sends nothing.  A
// fallback of the app gets the POST.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort, onEnd, until } from '../lib/scratch.mjs';

const FORM = 'application/x-www-form-urlencoded';
const MAX = 16384;

// Starts an app that records each byte of a connection and answers the first
// request of the connection.
async function startApp(t) {
  const app = { seen: [] };
  const server = net.createServer((socket) => {
    const at = app.seen.push('') - 1;
    socket.on('error', () => {});
    socket.on('data', async (more) => {
      const first = app.seen[at] === '';
      app.seen[at] += more.toString('latin1');
      if (first) {
        await sleep(100);
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'
          + 'Connection: close\r\n\r\nok');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(t, () => server.close());
  app.port = server.address().port;
  return app;
}

const pair = (bytes) => `_id=${'x'.repeat(bytes - 4)}`;

test('searches by POST', async (t) => {
  const recorder = await startRecorder(t);
  const app = await startApp(t);
  const [port2, dead] = [await freePort(), await freePort()];
  const gw = await standardGateway(t, {
    nginx: { workers: 1 },
    fhir: { cigna_fhir: 'on cache=off' },
    server: { listen: `127.0.0.1:${port2} ssl http2` },
    locations: [
      recorder.location('/rec/', { fhir: 'on cache=off' }),
      recorder.location('/if/', { fhir: 'on cache=off', lines: [
        'if ($request_method = POST) { set $posted 1; }'] }),
      recorder.location('/both/', { lines: [
        'mirror /mirror;',
        'if ($request_method = POST) { set $posted 1; }'] }),
      recorder.location('/mirrored/', { lines: ['mirror /mirror;'] }),
      recorder.location('/down/', {
        to: `https://127.0.0.1:${dead}/PatientAccess/v1-devportal/`,
        lines: ['error_page 502 = @app;'] }),
      `location = /mirror { internal; return 204; }
       location @app { proxy_pass http://127.0.0.1:${app.port}; }`,
      recorder.location('@late').replace(/proxy_pass [^;]*;/,
        `proxy_pass https://127.0.0.1:${recorder.port};`),
      `location /PatientAccess/v1-devportal/ {
           client_body_buffer_size 1k;
           proxy_pass http://127.0.0.1:${dead};
           error_page 502 = @late;
       }`,
    ].join('\n'),
  });
  await connected(gw);

  // pieces: parts of the body, sent one by one after the header
  async function post2(path, pieces, { pause = 30, length } = {}) {
    const client = http2.connect(`https://acme.localhost:${port2}`, {
      ca: gw.caText,
      lookup: (_, o, done) => done(null, o.all
        ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4),
    });
    try {
      const stream = client.request({
        ':method': 'POST', ':path': path, 'cookie': 'session=alice',
        'content-type': FORM, ...length && { 'content-length': length },
      });
      let [status, body] = [0, ''];
      stream.on('response', (headers) => { status = headers[':status']; });
      stream.on('data', (more) => { body += more; });
      stream.on('error', () => {});
      for (const piece of pieces) {
        if (pause) {
          await sleep(pause);
        }
        stream.write(piece);
      }
      stream.end();
      await once(stream, 'close');
      return { status, body };
    } finally {
      client.destroy();
    }
  }

  const post1 = (path, lines, body) => raw(gw, [
    `POST ${path} HTTP/1.1`, `Host: acme.localhost:${gw.port}`,
    'Cookie: session=alice', `Content-Type: ${FORM}`, 'Connection: close',
    ...lines, '', body].join('\r\n'));

  const chunks = (body, size) => `${
    body.match(new RegExp(`.{1,${size}}`, 'g'))
      .map((one) => `${one.length.toString(16)}\r\n${one}\r\n`).join('')
  }0\r\n\r\n`;

  const searched = () => recorder.take().map(({ method, url, body }) =>
    [method, url.length, body]);

  const asked = (name, bytes) => ['GET',
    `${name}Patient?`.length + bytes, ''];

  for (const name of ['/rec/', '/if/', '/mirrored/', '/both/']) {
    await t.test(`a search of 16 KiB at ${name} is sent, and one byte more is `
      + 'not',
      async () => {
        for (const [bytes, code] of [[MAX, 200], [MAX + 1, 413]]) {
          const want = code === 200 ? [asked(name, bytes)] : [];
          const path = `${name}Patient/_search`;
          const body = pair(bytes);

          for (const [what, ask] of Object.entries({
            'whole': () => post1(path, [`Content-Length: ${bytes}`], body),
            'in chunks': () => post1(path, ['Transfer-Encoding: chunked'],
                                     chunks(body, 4000)),
            ...!/mirrored|both/.test(name) && { 'in small chunks': () =>
              post1(path, ['Transfer-Encoding: chunked'], chunks(body, 7)) },
            'over HTTP/2': async () =>
              `HTTP/1.1 ${(await post2(path, [body], { pause: 0 })).status}`,
            'over HTTP/2, with a length': async () =>
              `HTTP/1.1 ${(await post2(path, [body],
                { pause: 0, length: bytes })).status}`,
            'over HTTP/2, in pieces': async () => `HTTP/1.1 ${
              (await post2(path, body.match(/.{1,5000}/g))).status}`,
          })) {
            recorder.take();
            const text = await ask();
            assert.match(text, new RegExp(`^HTTP/1.1 ${code}`),
                         `${bytes} ${what}`);
            assert.deepEqual(searched(), want, `${bytes} ${what}`);
          }
        }
      });
  }

  for (const name of ['/rec/', '/if/']) {
    await t.test(`a body over HTTP/2 at ${name} may arrive while the token is `
      + 'looked up', async () => {
      for (const [bytes, code] of [[100, 200], [12000, 200], [MAX, 200],
                                   [MAX + 1, 413], [30000, 413]]) {
        recorder.take();
        gw.redis.freeze();
        const reply = post2(`${name}Patient/_search`, [pair(bytes)]);
        await sleep(200);
        gw.redis.thaw();
        assert.equal((await reply).status, code, `${bytes}`);
        assert.deepEqual(searched(),
                         code === 200 ? [asked(name, bytes)] : [], `${bytes}`);
      }
    });
  }

  await t.test('a body that a mirror has put into a file is searched too',
    async () => {
      recorder.take();
      const text = await post1('/mirrored/Patient/_search',
                               ['Transfer-Encoding: chunked'],
                               chunks(pair(MAX), 7));
      assert.match(text, /^HTTP\/1.1 200 /);
      assert.deepEqual(searched(), [asked('/mirrored/', MAX)]);
    });

  await t.test('a body that another location has read is searched, from a file '
    + 'or from memory', async () => {
    const name = '/PatientAccess/v1-devportal/';
    for (const bytes of [100, 5000]) {
      recorder.take();
      const text = await post1(`${name}Patient/_search`,
                               [`Content-Length: ${bytes}`], pair(bytes));
      assert.match(text, /^HTTP\/1.1 200 /);
      assert.deepEqual(searched(), [asked(name, bytes)]);
    }
  });

  // Sends a text in two pieces on one connection.  Returns the replies.
  async function inTwo(text, at, replies) {
    const socket = tls.connect({ port: gw.port, host: '127.0.0.1',
                                 ca: gw.caText, servername: 'acme.localhost' });
    let got = '';
    socket.on('error', () => {});
    socket.on('data', (more) => { got += more; });
    await once(socket, 'secureConnect');
    socket.setNoDelay();
    socket.write(text.slice(0, at));
    await sleep(5);
    if (replies === 0) {
      socket.destroy();
      return '';
    }
    socket.write(text.slice(at));
    await until('the replies are there', () =>
      got.split('"Bundle"').length > replies || socket.destroyed, 3000)
      .finally(() => socket.destroy());
    return got;
  }

  const SEARCHES = {
    'with a length': ['Content-Length: 9\r\n\r\n_id=a&b=c'],
    'in chunks': ['Transfer-Encoding: chunked\r\n\r\n'
      + '4\r\n_id=\r\n005;x=y\r\na&b=c\r\n0\r\nX-Trailer: 1\r\n\r\n'],
  };

  for (const [what, [rest]] of Object.entries(SEARCHES)) {
    const head = (method, path) => `${method} ${path} HTTP/1.1\r\nHost: `
      + `acme.localhost:${gw.port}\r\nCookie: session=alice\r\n`;
    const search = `${head('POST', '/rec/Patient/_search')}Content-Type: ${
      FORM}\r\n${rest}`;
    const both = `${search}${head('GET', '/rec/Patient/2')}\r\n`;
    const start = search.indexOf('\r\n\r\n');

    await t.test(`a search ${what}, cut at any byte, and the next request are `
      + 'served',
      async () => {
        for (let at = start; at < search.length + 20; at += 1) {
          recorder.take();
          const got = await inTwo(both, at, 2);
          assert.equal(got.match(/HTTP\/1.1 200/g)?.length, 2, `${at} ${got}`);
          assert.deepEqual(recorder.take().map(({ url }) => url),
            ['/rec/Patient?_id=a&b=c', '/rec/Patient/2'], `${at}`);
        }
      });

    await t.test(`a search ${what} whose client leaves is not sent`,
      async () => {
        recorder.take();
        for (let at = start; at < search.length; at += 1) {
          await inTwo(both, at, 0);
        }
        await sleep(100);
        assert.deepEqual(recorder.take(), []);
      });
  }

  for (const [what, ask] of Object.entries({
    'whole': () => post1('/down/Patient/_search', ['Content-Length: 5'],
                         '_id=1'),
    'in chunks': () => post1('/down/Patient/_search',
                             ['Transfer-Encoding: chunked'],
                             chunks('_id=1', 2)),
    'over HTTP/2': () => post2('/down/Patient/_search', ['_id=1'],
                               { pause: 0 }),
    'over HTTP/2, in pieces': () => post2('/down/Patient/_search',
                                          ['_i', 'd=', '1']),
    'without a byte': () => post1('/down/Patient/_search',
                                  ['Content-Length: 0'], ''),
    'without a body': () => post1('/down/Patient/_search', [], ''),
    'without a byte over HTTP/2': () => post2('/down/Patient/_search', []),
  })) {
    await t.test(`a search ${what} reaches the app's fallback as one POST`,
      async () => {
        app.seen.length = 0;
        await ask();
        await until('the POST has arrived', () => app.seen.length === 1);
        await sleep(150);
        const [head, body] = app.seen[0].split('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(head)?.[1] ?? 0;
        assert.match(head, /^POST /);
        assert.equal(body.length, Number(length), app.seen[0]);
        assert.equal(body, /without/.test(what) ? '' : '_id=1');
      });
  }
});
