// Requests over HTTP/0.9, 1.0 and 1.1 that are malformed, or that servers read
// differently.  Each arrives at the FHIR server as one plain request or not at
// all.  The next request on the caller's connection gets its own reply or none.
// Another member shares the connection to the FHIR server, and gets their own
// reply.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { PLACE, startScene } from '../lib/scene.mjs';
import { until } from '../lib/scratch.mjs';
import { talkTo } from '../lib/talk.mjs';

const SMUGGLED = `GET ${PLACE}smuggled HTTP/1.1\r\nHost: acme.localhost\r\n`
  + 'Cookie: session=bob\r\n\r\n';
const CHUNKED = '5\r\nabcde\r\n0\r\n\r\n';
const KB = 1 << 10;

// A case is a request without the name that ends its path, and the expected
// result:
//   method, version, target, host, lines, body: as they are sent
//   bytes    a function that takes the name and returns the whole request
//   status   the status of the reply; null: there is no reply
//   arrives  whether the FHIR server gets the request
//   ends     whether nginx closes the connection; if absent, it may do either
const SERVED = { status: 200, arrives: true, ends: false };
const BAD = { status: 400, arrives: false, ends: true };
const JUDGED = { status: 400, arrives: false };
const REFUSED = { status: 405, arrives: false, ends: false };

const bodied = (body, ...lines) => ({
  lines: [`Content-Length: ${body.length}`, ...lines], body });
const chunked = (body, ...lines) => ({
  lines: ['Transfer-Encoding: chunked', ...lines], body });

const FRAMING = {
  'one Content-Length': { ...SERVED, ...bodied(SMUGGLED) },
  'chunks': { ...SERVED, ...chunked(CHUNKED) },
  'chunks that look like a request': { ...SERVED, ...chunked(
    `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`) },
  'two equal Content-Lengths': { ...BAD, ...bodied('abcde',
                                                   'Content-Length: 5') },
  'two different Content-Lengths': { ...BAD, ...bodied(SMUGGLED,
                                                       'Content-Length: 0') },
  'a list of lengths': { ...BAD, lines: ['Content-Length: 5, 5'],
                         body: 'abcde' },
  'a length with a sign': { ...BAD, lines: ['Content-Length: +5'],
                            body: 'abcde' },
  'a negative length': { ...BAD, lines: ['Content-Length: -1'] },
  'a hexadecimal length': { ...BAD, lines: ['Content-Length: 0x5'],
                            body: 'abcde' },
  'a length beyond 64 bits': { ...BAD,
                               lines: ['Content-Length: 18446744073709551621'],
                               body: 'abcde' },
  'an empty length': { ...BAD, lines: ['Content-Length:'] },
  'Content-Length and chunks': { ...BAD, ...bodied(CHUNKED,
    'Transfer-Encoding: chunked') },
  'chunks and Content-Length 0': { ...BAD, ...chunked(CHUNKED + SMUGGLED,
                                                      'Content-Length: 0') },
  'chunked twice': { ...BAD, ...chunked(CHUNKED,
                                        'Transfer-Encoding: chunked') },
  'a list of codings': { status: 501, arrives: false, ends: true,
                         lines: ['Transfer-Encoding: gzip, chunked'],
                         body: CHUNKED },
  'identity': { status: 501, arrives: false, ends: true,
                lines: ['Transfer-Encoding: identity'], body: SMUGGLED },
  'an unknown coding': { status: 501, arrives: false, ends: true,
                         lines: ['Transfer-Encoding: xchunked'],
                         body: CHUNKED },
  'a coding with a vertical tab': { status: 501, arrives: false, ends: true,
                                    lines: ['Transfer-Encoding: \x0bchunked'],
                                    body: CHUNKED },
  'a coding on a folded line': { ...BAD, lines: ['Transfer-Encoding:',
                                                 ' chunked'], body: CHUNKED },
  'a coding with a space before the colon': {
    ...BAD, lines: ['Transfer-Encoding : chunked'], body: CHUNKED },
  'a length with a space before the colon': {
    ...BAD, lines: ['Content-Length : 5'], body: 'abcde' },
  'chunks in HTTP/1.0': { ...BAD, version: 'HTTP/1.0',
                          ...chunked(CHUNKED) },
  'chunk extensions': { ...SERVED, ...chunked(
    '5;a=b;c="d\\"e"\r\nabcde\r\n0;last\r\n\r\n') },
  'trailers': { ...SERVED, ...chunked(
    '5\r\nabcde\r\n0\r\nX-Trailer: evil\r\nAuthorization: evil\r\n\r\n') },
  'a malformed chunk size': { ...BAD, ...chunked(
    'x\r\nabcde\r\n0\r\n\r\n') },
  'a negative chunk size': { ...BAD, ...chunked('-5\r\nabcde\r\n0\r\n\r\n') },
  'a chunk size with 0x': { ...BAD, ...chunked('0x5\r\nabcde\r\n0\r\n\r\n') },
  'a chunk size beyond 64 bits': { ...BAD, ...chunked(
    `${'f'.repeat(17)}\r\nabcde\r\n0\r\n\r\n`) },
  'a chunk that is longer than its size': { ...BAD, ...chunked(
    '3\r\nabcde\r\n0\r\n\r\n') },
};

const BAD_LENGTHS = bodied('abcde', 'Content-Length: 0');

const LINES = {
  'lines that end in LF': { ...SERVED, bytes: (name) =>
    `GET ${PLACE}${name} HTTP/1.1\nHost: acme.localhost\n`
    + 'Cookie: session=alice\n\n' },
  'a CR in a value': { ...BAD, lines: ['X-A: a\rX-B: evil'] },
  'a CR before the line\'s end': { ...SERVED, lines: ['X-A: a\r'] },
  'a NUL in a value': { ...BAD, lines: ['Accept: a\0evil'] },
  'a NUL in a name': { ...BAD, lines: ['Acc\0ept: evil'] },
  'a tab in a name': { ...BAD, lines: ['Acc\tept: evil'] },
  'a space in a name': { ...BAD, lines: ['Accept evil: a'] },
  'a space before the colon': { ...BAD, lines: ['Accept : evil'] },
  'a folded line': { ...BAD, lines: ['Accept: a', ' evil'] },
  'a line that begins with a tab': { ...BAD, lines: ['Accept: a', '\tevil'] },
  'a line without a name': { ...BAD, lines: [': evil'] },
  'a line without a colon': { ...SERVED, lines: ['evil'] },
  'a name with bytes beyond ASCII': { ...SERVED, lines: ['X-\xe9: evil'] },
  'a name with an underscore': { ...SERVED, lines: ['Content_Length: 5'] },
  'control bytes in a value that does not pass': {
    ...SERVED, lines: ['X-Evil: \x01\x02\x7f'] },
  'control bytes in a value that passes': {
    ...JUDGED, lines: ['Accept: a\x01b'] },
  'DEL in a value that passes': { ...JUDGED, lines: ['Accept: a\x7fb'] },
  'a line that is named in Connection': {
    ...SERVED, lines: ['Connection: keep-alive, authorization, host'] },
  'an upgrade to HTTP/2': { ...SERVED, lines: [
    'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'] },
  'an upgrade to a WebSocket': { ...SERVED, lines: [
    'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: ZXZpbA=='] },
  'names of another member': { ...SERVED, lines: [
    'X-Member: evil', 'X-Forwarded-User: evil', 'Forwarded: for=evil',
    'X-HTTP-Method-Override: DELETE', 'X-Original-URL: /evil'] },
  'a value of 7 KB': { ...SERVED, lines: [`X-Long: ${'x'.repeat(7 * KB)}`] },
  'a value of 9 KB': { ...BAD, lines: [`X-Long: ${'x'.repeat(9 * KB)}`] },
  'lines of 40 KB together': {
    ...BAD, lines: Array.from({ length: 40 }, (_, i) =>
    `X-Long-${i}: ${'x'.repeat(KB)}`) },
  'nine hundred lines': { ...SERVED, lines: Array.from({ length: 900 }, () =>
    'X-A: b') },
};

const HOSTS = {
  'no Host': { ...BAD, host: [] },
  'no Host in HTTP/1.0': { ...SERVED, ends: true, host: [],
                           version: 'HTTP/1.0' },
  'two Hosts': { ...BAD, host: ['acme.localhost', 'acme.localhost'] },
  'two different Hosts': { ...BAD, host: ['acme.localhost', 'evil.example'] },
  'an empty Host': { ...BAD, host: [''] },
  'a Host of another server': { ...SERVED, host: ['evil.example'] },
  'a Host with a port': { ...SERVED, host: ['acme.localhost:1'] },
  'a Host with user and password': { ...SERVED, host: ['evil@acme.localhost'] },
  'a Host with a path': { ...BAD, host: ['acme.localhost/evil'] },
  'a Host with a space': { ...BAD, host: ['acme.localhost evil'] },
  'a Host with a NUL': { ...BAD, host: ['acme.localhost\0evil'] },
  'a Host with two dots': { ...BAD, host: ['acme..localhost'] },
};

const TARGETS = {
  'a target with a scheme and another host': {
    ...SERVED, target: (name) => `https://evil.example${PLACE}${name}` },
  'a target with our scheme and host': {
    ...SERVED, target: (name) => `https://acme.localhost${PLACE}${name}` },
  'a target with user and password': {
    ...BAD, target: (name) => `https://evil:x@acme.localhost${PLACE}${name}` },
  'a target without a slash': { ...BAD, target: (name) => `w/${name}` },
  'a host and port': { ...BAD, target: () => 'acme.localhost:443' },
  'an asterisk': { ...BAD, target: () => '*' },
  'an asterisk with OPTIONS': { ...BAD, method: 'OPTIONS', target: () => '*' },
  'an empty target': { ...BAD, target: () => '' },
  'a NUL': { ...BAD, target: (name) => `${PLACE}${name}\0evil` },
  'an escaped NUL': { ...BAD, target: (name) => `${PLACE}${name}%00evil` },
  'half an escape': { ...BAD, target: (name) => `${PLACE}${name}%4` },
  'dots that lead above the root': { ...BAD, target: (name) =>
    `${PLACE}../../../${name}` },
  'dots that stay': { ...SERVED, target: (name) => `${PLACE}a/../${name}` },
  'two slashes': { ...SERVED, target: (name) => `/${PLACE}/${name}` },
  'a fragment': { ...SERVED, target: (name) => `${PLACE}${name}#evil` },
  'a CR': { ...BAD, target: (name) => `${PLACE}${name}\revil` },
  'a tab': { ...BAD, target: (name) => `${PLACE}${name}\tevil` },
  'an escaped line end': {
    ...JUDGED, target: (name) => `${PLACE}${name}%0d%0aevil:%20x` },
  'an escaped request': {
    ...JUDGED, target: (name) =>
      `${PLACE}${name}%20HTTP/1.1%0d%0aHost:%20evil%0d%0a%0d%0aGET%20/` },
  'an escaped slash': {
    ...JUDGED, target: (name) => `${PLACE}${name}%252f..%252fevil` },
  'a semicolon after dots': {
    ...JUDGED, target: (name) => `${PLACE}..;/${name}` },
  'a target of 9 KB': { ...BAD, status: 414, target: (name) =>
    `${PLACE}${name}?${'x'.repeat(9 * KB)}` },
};

const VERSIONS = {
  'HTTP/1.0': { ...SERVED, ends: true, version: 'HTTP/1.0' },
  // nginx closes this connection in spite of keep-alive, because it begins the
  // reply before it knows the length.
  'HTTP/1.0 with keep-alive': { ...SERVED, ends: true, version: 'HTTP/1.0',
                                lines: ['Connection: keep-alive'] },
  'HTTP/1.2': { ...SERVED, version: 'HTTP/1.2' },
  'HTTP/2.0': { ...BAD, status: 505, version: 'HTTP/2.0' },
  'HTTP/9.9': { ...BAD, status: 505, version: 'HTTP/9.9' },
  'HTTP/0.9 by name': { ...BAD, version: 'HTTP/0.9' },
  'HTTP/1.': { ...BAD, version: 'HTTP/1.' },
  'HTTP/1.1 and more': { ...BAD, version: 'HTTP/1.1 evil' },
  'another protocol': { ...BAD, version: 'HTCPCP/1.0' },
  'the preface of HTTP/2': { ...BAD, bytes: () =>
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  'the hello of TLS': { ...BAD, bytes: () => '\x16\x03\x01\x02\0\x01\0\r\n' },
};

const METHODS = {
  'HEAD': { ...SERVED, method: 'HEAD' },
  'HEAD with a body': { ...SERVED, method: 'HEAD', ...bodied(SMUGGLED) },
  'HEAD with chunks': { ...SERVED, method: 'HEAD', ...chunked(CHUNKED) },
  'TRACE': { ...REFUSED, method: 'TRACE', ends: true },
  'CONNECT': { ...REFUSED, method: 'CONNECT', ends: true },
  'CONNECT to a host': { ...BAD, method: 'CONNECT',
                         target: () => 'acme.localhost:443' },
  'get in lower case': { ...BAD, method: 'get' },
  'a method with a NUL': { ...BAD, method: 'GE\0T' },
  'no method': { ...BAD, method: '' },
  'two spaces after the method': { ...SERVED, method: 'GET ' },
  'PRI': { ...REFUSED, method: 'PRI' },
  ...Object.fromEntries(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS',
                         'PROPFIND', 'MKCOL', 'COPY', 'GETS', 'QUERY']
    .flatMap((method) => [
      [method, { ...REFUSED, method }],
      [`${method} with a body`, { ...REFUSED, method,
                                  ...bodied(SMUGGLED) }],
      [`${method} with chunks`, { ...REFUSED, method, ...chunked(CHUNKED) }],
    ])),
};

const EXPECTING = {
  'Expect and a body': { ...SERVED, ...bodied('abcde',
                                              'Expect: 100-continue') },
  'Expect and chunks': { ...SERVED, ...chunked(CHUNKED,
                                               'Expect: 100-continue') },
  'Expect and no body': { ...SERVED, lines: ['Expect: 100-continue'] },
  'Expect of something else': { ...SERVED, lines: ['Expect: evil'] },
  'Expect and a body that is refused': { ...REFUSED, method: 'PUT',
    ...bodied('abcde', 'Expect: 100-continue') },
  'Expect and a body that is too large': {
    status: 413, arrives: false, ends: true,
    lines: ['Content-Length: 2000000', 'Expect: 100-continue'] },
  'a body of 100 KB': { ...SERVED, ...bodied('x'.repeat(100 * KB)) },
  'a body of 900 KB': { ...SERVED, ...bodied('x'.repeat(900 * KB)) },
  'a body of 2 MB': { status: 413, arrives: false, ends: true,
                      ...bodied('x'.repeat(2000 * KB)) },
};

const KINDS = { FRAMING, LINES, HOSTS, TARGETS, VERSIONS, METHODS, EXPECTING };

function bytesOf(name, { bytes, method = 'GET', version = 'HTTP/1.1',
                         target = (it) => PLACE + it, lines = [], body = '',
                         host = ['acme.localhost'] }) {
  return bytes ? bytes(name)
    : [`${method} ${target(name)} ${version}`,
       ...host.map((one) => `Host: ${one}`),
       'Cookie: session=alice', ...lines, '', body].join('\r\n');
}

const nextOf = (name) => bytesOf(name, { lines: ['Connection: close'] });

test('requests that are malformed or ambiguous', async (t) => {
  const scene = await startScene(t, {
    nginx: { allow: [/client sent|client intended/] },
  });
  const { gw } = scene;

  // Sends a case and then another request, at once (pipelined) or after the
  // reply.  Resolves to both replies, their names and the text that is left.
  async function attack(one, pipelined) {
    scene.fhir.take();
    const name = scene.name('attack');
    const next = scene.name('next');
    const talk = await talkTo(gw);
    const head = one.method === 'HEAD';

    talk.send(bytesOf(name, one) + (pipelined ? nextOf(next) : ''));
    const reply = await talk.reply({ head });
    if (!pipelined && !(one.ends ? await talk.ends() : talk.closed)) {
      talk.send(nextOf(next));
    }
    const second = await talk.reply();
    const rest = talk.text;
    talk.close();
    return { name, next, reply, second, rest };
  }

  async function assertHeld(one, { name, next, reply, second, rest }) {
    assert.equal(reply?.status ?? null, one.status, reply?.body);
    if (one.arrives && one.method !== 'HEAD') {
      scene.assertOwn(reply.body, 'alice', name);
    }
    assert.equal(second === null, one.ends ?? second === null);
    if (second) {
      assert.equal(second.status, 200, second.body);
      scene.assertOwn(second.body, 'alice', next);
    }
    assert.equal(rest, '');

    const bob = await scene.assertOthers();
    scene.assertArrived([...(one.arrives ? [['alice', name]] : []),
                         ...(second ? [['alice', next]] : []),
                         ['bob', bob]]);
  }

  for (const [kind, cases] of Object.entries(KINDS)) {
    for (const [what, one] of Object.entries(cases)) {
      for (const pipelined of [false, true]) {
        await t.test(`${kind.toLowerCase()}: ${what}${
          pipelined ? ', followed by another request' : ''}: one plain request `
          + 'leaves, or none', async () => {
          await assertHeld(one, await attack(one, pipelined));
        });
      }
    }
  }

  // Opens a connection and sends these bytes.
  const begun = async (bytes) => {
    scene.fhir.take();
    const talk = await talkTo(gw);
    talk.send(bytes);
    return talk;
  };
  const good = (name, lines = []) => bytesOf(name, { lines });

  await t.test('pipelined requests get their own replies in order',
    async () => {
      const names = [1, 2, 3, 4, 5].map(() => scene.name('many'));
      const cases = [{}, bodied(SMUGGLED), { method: 'HEAD' },
                     chunked(CHUNKED), {}];
      const talk = await begun(names.map((name, i) =>
        bytesOf(name, cases[i])).join(''));

      for (const [i, name] of names.entries()) {
        const head = cases[i].method === 'HEAD';
        const { status, body } = await talk.reply({ head });
        assert.equal(status, 200);
        if (!head) {
          scene.assertOwn(body, 'alice', name);
        }
      }
      talk.close();
      const bob = await scene.assertOthers();
      scene.assertArrived([...names.map((name) => ['alice', name]),
                           ['bob', bob]]);
    });

  await t.test('valid requests before an invalid one are answered, and those '
    + 'after it are not', async () => {
    const [first, second] = [scene.name('first'), scene.name('second')];
    const talk = await begun(good(first)
      + bytesOf(second, BAD_LENGTHS) + good('third') + SMUGGLED);

    scene.assertOwn((await talk.reply()).body, 'alice', first);
    assert.equal((await talk.reply()).status, 400);
    assert.equal(await talk.reply(), null);
    const bob = await scene.assertOthers();
    scene.assertArrived([['alice', first], ['bob', bob]]);
  });

  await t.test('two members on one caller\'s connection get their own replies',
    async () => {
      const names = [1, 2, 3, 4, 5, 6].map(() => scene.name('mixed'));
      const members = names.map((_, i) => (i % 2 ? 'bob' : 'alice'));
      const talk = await begun(names.map((name, i) => bytesOf(name, {
        ...bodied(SMUGGLED) }).replace('session=alice',
                                       `session=${members[i]}`)).join(''));

      for (const [i, name] of names.entries()) {
        scene.assertOwn((await talk.reply()).body, members[i], name);
      }
      talk.close();
      scene.assertArrived(names.map((name, i) => [members[i], name]));
    });

  await t.test('a request of HTTP/0.9 has no cookie and therefore no member',
               async () => {
    const talk = await begun(`GET ${PLACE}old\r\n`);
    await talk.ends(5000);

    assert.match(talk.text, /^\{[^]*"no_identity"[^]*\}\s*$/);
    const bob = await scene.assertOthers();
    scene.assertArrived([['bob', bob]]);
  });

  await t.test('nginx sends 100 Continue once, before the body', async () => {
    const name = scene.name('expecting');
    const talk = await begun(good(name, ['Content-Length: 5',
                                         'Expect: 100-continue']));
    await until('100 Continue has arrived', () =>
      /^HTTP\/1\.1 100 /.test(talk.text));
    assert.deepEqual(scene.fhir.take(), []);
    talk.send('abcde');
    const { status, interim, body } = await talk.reply();

    assert.deepEqual([status, interim], [200, [100]]);
    scene.assertOwn(body, 'alice', name);
    talk.close();
    scene.assertArrived([['alice', name]]);
  });

  for (const [what, lines, body] of [
    ['a length', ['Content-Length: 10'], '0123456789'],
    ['chunks', ['Transfer-Encoding: chunked'], '3;a\r\nabc\r\n0\r\n\r\n'],
  ]) {
    await t.test(`a body with ${what} may come byte by byte`, async () => {
      const [name, next] = [scene.name('slow'), scene.name('next')];
      const talk = await begun(good(name, lines));
      for (const byte of body) {
        talk.send(byte);
        await sleep(5);
        assert.ok(scene.fhir.requests.length <= 1);
      }
      scene.assertOwn((await talk.reply()).body, 'alice', name);
      talk.send(good(next));
      scene.assertOwn((await talk.reply()).body, 'alice', next);
      talk.close();
      scene.assertArrived([['alice', name], ['alice', next]]);
    });

    for (let length = 0; length < body.length; length += 1) {
      await t.test(`a request whose body with ${what} is cut after ${length} `
        + 'bytes does not leave', async () => {
        const talk = await begun(good(scene.name('cut'), lines)
          + body.slice(0, length));
        await sleep(5);
        talk.close();
        const bob = await scene.assertOthers();
        await sleep(20);
        scene.assertArrived([['bob', bob]]);
      });
    }
  }

  await t.test('a request whose header is cut does not leave', async () => {
    const bytes = good('half', ['Connection: close']);
    for (let length = 1; length < bytes.length; length += 7) {
      const talk = await begun(bytes.slice(0, length));
      talk.close();
    }
    const bob = await scene.assertOthers();
    scene.assertArrived([['bob', bob]]);
  });

  await t.test('a header may come byte by byte', async () => {
    const name = scene.name('slow-header');
    const talk = await begun('');
    for (const byte of good(name)) {
      talk.send(byte);
      await sleep(1);
    }
    scene.assertOwn((await talk.reply()).body, 'alice', name);
    talk.close();
    scene.assertArrived([['alice', name]]);
  });

  await t.test('all requests used one connection to the FHIR server', () => {
    assert.equal(scene.fhir.connections, 1);
  });
});
