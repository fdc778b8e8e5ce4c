// Clients that are slow, that leave, or that send requests with ambiguous ends.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import tls from 'node:tls';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertServed, connected, raw, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort, until } from '../lib/scratch.mjs';

const HEAD = 'Host: acme.localhost\r\nCookie: session=alice\r\n';
const SECOND = `GET /rec/smuggled HTTP/1.1\r\n${HEAD}\r\n`;

// Requests with ambiguous ends, each followed by a second request.
const SMUGGLED = {
  'a length and chunks': `Content-Length: 5\r\n${
    ''}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  'two lengths': `Content-Length: 0\r\nContent-Length: ${
    SECOND.length}\r\n\r\n${SECOND}`,
  'a list of lengths': `Content-Length: 0, ${SECOND.length}\r\n\r\n${SECOND}`,
  'a length with a sign': `Content-Length: +3\r\n\r\nabc${SECOND}`,
  'a negative length': `Content-Length: -1\r\n\r\n${SECOND}`,
  'a disguised encoding': 'Transfer-Encoding: xchunked\r\n\r\n'
    + `0\r\n\r\n${SECOND}`,
  'two encodings': 'Transfer-Encoding: chunked\r\n'
    + `Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${SECOND}`,
  'a malformed chunk size': 'Transfer-Encoding: chunked\r\n\r\n'
    + `0x5\r\nabcde\r\n0\r\n\r\n${SECOND}`,
  'a bare CR in a value': `X-A: b\rContent-Length: 3\r\n\r\nabc${
    SECOND}`,
  'a zero byte in a value': `X-A: b\0c\r\n\r\n${SECOND}`,
};

test('hostile HTTP', async (t) => {
  const recorder = await startRecorder(t);
  const port2 = await freePort();
  const gw = await standardGateway(t, {
    fhir: { cigna_fhir: 'on cache=off' },
    vault: { timeout: '3s' },
    server: { listen: `127.0.0.1:${port2} ssl http2`,
              client_header_timeout: '2s' },
    http: `upstream kept { server 127.0.0.1:${recorder.port}; keepalive 4; }`,
    locations: recorder.location('/rec/', { to: 'https://kept', lines: [
      'proxy_http_version 1.1;', 'proxy_set_header Connection "";'] }),
  });
  const alice = await connected(gw);

  for (const [what, lines] of Object.entries(SMUGGLED)) {
    await t.test(`a request with ${what} smuggles no second request to `
      + 'Cigna', async () => {
      recorder.take();
      const text = await raw(gw, `GET /rec/first HTTP/1.1\r\n${HEAD}${lines}`
        + `GET /rec/last HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
      await sleep(20);
      const seen = recorder.take();
      const answers = text.match(/^HTTP\/1\.1 /gm).length;

      assert.ok(seen.length <= answers, `${text}`);
      for (const { authorizations, method, url } of seen) {
        assert.equal(authorizations.length, 1);
        assert.equal(method, 'GET');
        assert.match(url, /^\/rec\/(first|smuggled|last)$/);
      }
    });
  }

  await t.test('a body that looks like a request is sent neither as a body nor '
    + 'as a request', async () => {
    recorder.take();
    const text = await raw(gw, `GET /rec/first HTTP/1.1\r\n${HEAD}${
      ''}Connection: close\r\nContent-Length: ${SECOND.length}\r\n\r\n${
      SECOND}`);
    const seen = recorder.take();

    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.deepEqual(seen.map(({ url, body }) => [url, body]),
                     [['/rec/first', '']]);
  });

  await t.test('encoded line ends in the path add no header lines upstream',
    async () => {
      recorder.take();
      for (const target of ['/rec/a%0d%0aX-Evil:%20b', '/rec/a%20HTTP/1.1',
                            '/rec/%00', '/rec/..%2f..%2fx', '/rec/%23?a#b']) {
        await rawGet(gw, target);
      }
      for (const { names, url } of recorder.take()) {
        assert.ok(!names.includes('x-evil'));
        assert.match(url, /^\/rec\//);
      }
    });

  await t.test('an absolute request target is sent as its path', async () => {
    recorder.take();
    const text = await rawGet(gw,
                              'https://acme.localhost/rec/Patient?_id=1');
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.equal(recorder.take()[0].url, '/rec/Patient?_id=1');
  });

  await t.test('the host of an absolute request target selects the server',
    async () => {
      recorder.take();
      const text = await rawGet(gw, 'https://globex.localhost/rec/Patient');
      assert.match(text, /^HTTP\/1\.1 (401|421) /);
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('too many header lines are refused', async () => {
    recorder.take();
    const lines = Array.from({ length: 40 }, (_, i) =>
      `X-${i}: ${'x'.repeat(1000)}`);
    assert.match(await rawGet(gw, '/rec/Patient', lines), /^HTTP\/1\.1 400 /);
    assert.deepEqual(recorder.take(), []);
  });

  await t.test('a client that sends its header byte by byte is served',
    async () => {
      const socket = tls.connect({ port: gw.port, host: '127.0.0.1',
                                   ca: gw.caText,
                                   servername: 'acme.localhost' });
      let text = '';
      socket.on('data', (more) => { text += more; });
      for (const byte of `GET /rec/slow HTTP/1.1\r\n${HEAD}\r\n`) {
        socket.write(byte);
        await sleep(2);
      }
      await until('the request is answered', () =>
        /^HTTP\/1\.1 200 /.test(text));
      socket.destroy();
    });

  await t.test('a slow reader does not delay other clients', async () => {
    const socket = tls.connect({ port: gw.port, host: '127.0.0.1',
                                 ca: gw.caText,
                                 servername: 'acme.localhost' });
    socket.write(`GET /fhir/$sized?bytes=3000000 HTTP/1.1\r\n${HEAD}\r\n`);
    await new Promise((resolve) => { socket.once('readable', resolve); });

    for (let i = 0; i < 5; i += 1) {
      assertServed(await alice.get('/fhir/Coverage'));
    }
    let length = 0;
    socket.on('data', (more) => { length += more.length; });
    await until('the whole body has arrived', () => length > 3000000);
    socket.destroy();
  });

  await t.test('the worker survives clients that leave during a vault read',
    async () => {
      gw.redis.freeze();
      const leaving = Array.from({ length: 50 }, () => new AbortController());
      const asked = leaving.map(({ signal }) =>
        alice.get('/fhir/Coverage', { signal }).catch(() => 'left'));
      await sleep(150);
      leaving.forEach((one) => one.abort());
      assert.deepEqual(new Set(await Promise.all(asked)), new Set(['left']));
      gw.redis.thaw();

      assertServed(await alice.get('/fhir/Coverage'));
    });

  await t.test('the worker survives a client that closes its sending side '
    + 'while it waits',
    async () => {
      gw.redis.freeze();
      const asked = raw(gw, `GET /fhir/Coverage HTTP/1.1\r\n${HEAD}\r\n`,
                        { end: true }).catch(() => '');
      await sleep(100);
      gw.redis.thaw();
      assert.match(await asked, /^(HTTP\/1\.1 200 |$)/);
      assertServed(await alice.get('/fhir/Coverage'));
    });

  await t.test('pipelined requests that wait are answered in order',
    async () => {
      gw.redis.freeze();
      const asked = raw(gw, [1, 2, 3].map((n) =>
        `GET /fhir/Coverage?_count=${n} HTTP/1.1\r\n${HEAD}${
          n === 3 ? 'Connection: close\r\n' : ''}\r\n`).join(''));
      await sleep(100);
      gw.redis.thaw();
      const pages = (await asked).split('HTTP/1.1 200 OK').slice(1);

      assert.deepEqual(pages.map((page) =>
        page.match(/"search":/g)?.length), [1, 2, 2]);
    });

  await t.test('the worker survives HTTP/2 streams that are cancelled while '
    + 'they wait', async () => {
    const client = http2.connect(`https://localhost:${port2}`, {
      ca: gw.caText, servername: 'acme.localhost' });
    client.on('error', () => {});
    gw.redis.freeze();
    for (let i = 0; i < 100; i += 1) {
      const stream = client.request({
        ':path': '/fhir/Coverage', ':authority': `acme.localhost:${port2}`,
        'cookie': 'session=alice' });
      stream.on('error', () => {});
      stream.end();
      setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), i % 10);
    }
    await sleep(150);
    client.destroy();
    gw.redis.thaw();
    assertServed(await alice.get('/fhir/Coverage'));
  });

  await t.test('the worker has never crashed', () => {
    assert.equal(gw.nginx.startedWorkers(), 1);
  });
});
