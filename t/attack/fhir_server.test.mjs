// A hostile FHIR server that controls each byte.  None of its replies reaches
// another member, no caller's connection gets out of step, and no memory grows
// without bounds.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, connected, raw, rawGet, refreshCount } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE } from '../lib/recorder.mjs';
import { pour, reply, startScripted } from '../lib/scripted.mjs';

const SANITIZED = /asan/.test(process.env.CIGNA_NGINX ?? '');
const INNER = `https://inner.cigna.example${BASE}`;
const MB = 1 << 20;

// Returns a digest of a request's token, which tells whose request it is.
const idOf = ({ named }) => createHash('sha1').update(
  named('Authorization').join()).digest('hex');

const patient = (id) => `{"resourceType":"Patient","id":"${id}"}`;

// Starts a gateway in front of a scripted FHIR server, over kept connections.
async function startHostile(t, options) {
  const gw = await standardGateway(t, {
    nginx: { allow: [/upstream (sent|prematurely)/] }, ...options });
  const fhir = await startScripted(t, { ca: gw.ca });
  const location = (name, more = '') => `
    location ${name} {
        cigna_fhir on;
        proxy_pass https://kept${BASE}/;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_ssl_name localhost;
        proxy_ssl_server_name on;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate ${gw.ca.certFile};
        proxy_read_timeout 1s;
        proxy_next_upstream off;
        ${more}
    }`;
  await gw.reload({
    http: `cigna_upstream_alias ${INNER};
    upstream kept { server 127.0.0.1:${fhir.port}; keepalive 4; }`,
    locations: [location('/up/'), location('/now/', 'proxy_buffering off;'),
                location('/404/', 'cigna_not_found on;')].join('\n'),
  });
  return { gw, fhir };
}

const PLACES = ['/up', '/now', '/404'];

test('kept connections', async (t) => {
  const { gw, fhir } = await startHostile(t);
  const alice = await connected(gw);
  const bob = await connected(gw, { member: 'bob',
                                    username: 'syntheticuser06' });
  const own = (socket, request) =>
    socket.write(reply(patient(idOf(request))), 'latin1');
  fhir.otherwise = own;

  const idSeen = async (visitor, place = '/up') => {
    const { status, body } = await visitor.get(
      `${place}/Patient?who=${visitor.member}`);
    return status === 200 ? /"id":"([^"]*)"/.exec(body)?.[1] : status;
  };
  const ids = { alice: await idSeen(alice), bob: await idSeen(bob) };

  await t.test('each member gets their own reply over one kept connection',
               async () => {
    assert.match(ids.alice, /^[0-9a-f]{40}$/);
    assert.match(ids.bob, /^[0-9a-f]{40}$/);
    assert.notEqual(ids.alice, ids.bob);

    fhir.take();
    for (let i = 0; i < 10; i += 1) {
      assert.equal(await idSeen(alice), ids.alice);
      assert.equal(await idSeen(bob), ids.bob);
    }
    const used = new Set(fhir.take().map(({ connection }) => connection));
    assert.equal(used.size, 1);
  });

  const EVIL = reply(patient('evil'), { lines: ['Set-Cookie: evil=1'] });
  const good = (request) => reply(patient(idOf(request)));
  const later = (socket, bytes, ms = 20) => setTimeout(() => {
    if (!socket.destroyed) {
      socket.write(bytes, 'latin1');
    }
  }, ms);
  const head = (...more) => ['HTTP/1.1 200 OK',
                             'Content-Type: application/json', ...more, '', '']
    .join('\r\n');
  const chunked = (body) => `${body.length.toString(16)}\r\n${body}\r\n`;

  const isAlices = ({ target }) => target.endsWith('?who=alice');

  // The server's answers to a request of alice.  If nginx sends another request
  // a moment before late bytes arrive, it takes them for the reply to that
  // request.  The gateway cannot prevent this.
  const HOSTILE = {
    'two replies for one': (socket, request) =>
      socket.write(good(request) + EVIL, 'latin1'),
    'a hundred replies for one': (socket, request) =>
      socket.write(good(request) + EVIL.repeat(100), 'latin1'),
    'a reply to nothing a moment later': (socket, request) => {
      socket.write(good(request), 'latin1');
      later(socket, EVIL);
    },
    'half a reply to nothing a moment later': (socket, request) => {
      socket.write(good(request), 'latin1');
      later(socket, EVIL.slice(0, 40));
    },
    'one byte too many': (socket, request) =>
      socket.write(`${good(request)}x`, 'latin1'),
    'a line end too many': (socket, request) =>
      socket.write(`${good(request)}\r\n`, 'latin1'),
    'a body that is shorter than its length': (socket, request) => {
      const body = patient(idOf(request));
      socket.write(`${head(`Content-Length: ${body.length + 50}`)}${body}`,
                   'latin1');
    },
    'a body that is longer than its length': (socket, request) => {
      const body = patient(idOf(request));
      socket.write(head(`Content-Length: ${body.length}`) + body + EVIL,
                   'latin1');
    },
    'no body, and a body a moment later': (socket) => {
      socket.write(head('Content-Length: 0'), 'latin1');
      later(socket, patient('evil'));
    },
    'a reply after the last chunk': (socket, request) =>
      socket.write(head('Transfer-Encoding: chunked')
        + chunked(patient(idOf(request))) + `0\r\n\r\n${EVIL}`, 'latin1'),
    'a reply in the trailers': (socket, request) =>
      socket.write(head('Transfer-Encoding: chunked')
        + chunked(patient(idOf(request))) + `0\r\nX-A: b\r\n${EVIL}\r\n`,
      'latin1'),
    'a length beside chunks': (socket, request) =>
      socket.write(head('Transfer-Encoding: chunked', 'Content-Length: 5')
        + chunked(patient(idOf(request))) + `0\r\n\r\n${EVIL}`, 'latin1'),
    'a chunk size beyond 64 bits': (socket) =>
      socket.write(`${head('Transfer-Encoding: chunked')}ffffffffffffffff1\r\n`
        + `${EVIL}`, 'latin1'),
    'a negative chunk size': (socket) =>
      socket.write(`${head('Transfer-Encoding: chunked')}-5\r\n${EVIL}`,
                   'latin1'),
    'a chunk with an extension of 64 KiB': (socket, request) => {
      const body = patient(idOf(request));
      socket.write(`${head('Transfer-Encoding: chunked')}${
        body.length.toString(16)};${'x'.repeat(65536)}\r\n${body}\r\n0\r\n\r\n`,
      'latin1');
    },
    'two lengths': (socket, request) => {
      const body = patient(idOf(request));
      socket.write(head(`Content-Length: ${body.length}`, 'Content-Length: 0')
        + body + EVIL, 'latin1');
    },
    '204 with a body': (socket) =>
      socket.write(`HTTP/1.1 204 No\r\nContent-Length: ${EVIL.length}\r\n\r\n${
        EVIL}`, 'latin1'),
    '304 with a body': (socket) =>
      socket.write(`HTTP/1.1 304 No\r\nContent-Length: ${EVIL.length}\r\n\r\n${
        EVIL}`, 'latin1'),
    'a reply with Connection: close, and another one': (socket, request) =>
      socket.write(good(request).replace('\r\n', '\r\nConnection: close\r\n')
        + EVIL, 'latin1'),
    'an interim reply after the reply': (socket, request) =>
      socket.write(`${good(request)}HTTP/1.1 100 Continue\r\n\r\n`, 'latin1'),
    '401 and a reply': (socket) => socket.write(
      `HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n${EVIL}`, 'latin1'),
  };

  for (const [what, answer] of Object.entries(HOSTILE)) {
    await t.test(`${what}: no member gets another's reply, then or later`,
      async () => {
        for (const place of PLACES) {
          fhir.otherwise = (socket, request) =>
            (isAlices(request) ? answer : own)(socket, request);
          const seen = await idSeen(alice, place).catch(() => 'cut');
          assert.ok(![ids.bob, 'evil'].includes(seen), `${place} ${seen}`);
          assert.match(`${seen}`, /^([0-9a-f]{40}|undefined|cut|[2345]\d\d)$/);
          if (!/later$/.test(what)) {
            assert.equal(await idSeen(bob, place), ids.bob, place);
          }
          await sleep(60);
          assert.equal(await idSeen(bob, place), ids.bob, place);

          fhir.otherwise = own;
          const again = await Promise.all([bob, bob, bob].map((one) =>
            idSeen(one, place)));
          assert.deepEqual(again, [ids.bob, ids.bob, ids.bob]);
        }
      });
  }

  for (const [what, answer] of Object.entries({
    'at once': (socket) => socket.write(EVIL, 'latin1'),
    'a moment later': (socket) => {
      socket.write(EVIL.slice(0, -patient('evil').length), 'latin1');
      later(socket, patient('evil'));
    },
  })) {
    await t.test(`HEAD with a body ${what}: no caller gets it`, async () => {
      for (const place of PLACES) {
        fhir.otherwise = (socket, request) =>
          (request.method === 'HEAD' ? answer : own)(socket, request);
        const { status, body } = await alice.request(`${place}/Patient`,
                                                     { method: 'HEAD' });
        assert.deepEqual([status, body], [200, '']);
        await sleep(60);
        for (let i = 0; i < 4; i += 1) {
          assert.equal(await idSeen(bob, place), ids.bob);
        }
      }
    });
  }

  await t.test('a reply that comes before any request reaches no other member',
    async () => {
      fhir.otherwise = (socket, request) => socket.end(
        good(request).replace('\r\n', '\r\nConnection: close\r\n'), 'latin1');
      await idSeen(alice);                       // ends the kept connection
      await idSeen(bob);
      let early = 0;
      fhir.accepted = (socket) => {
        early += 1;
        if (early === 1) {
          socket.write(EVIL, 'latin1');
        }
      };
      fhir.otherwise = own;
      const first = await idSeen(alice).catch(() => 'cut');
      assert.notEqual(first, ids.bob);
      await sleep(60);
      ids.alice = await idSeen(alice);
      for (let i = 0; i < 10; i += 1) {
        assert.equal(await idSeen(bob), ids.bob);
        assert.equal(await idSeen(alice), ids.alice);
      }
      fhir.accepted = () => {};
      assert.ok(early >= 1);
    });
});

test('headers', async (t) => {
  const { gw, fhir } = await startHostile(t);
  await connected(gw);
  const body = '{"resourceType":"Patient"}';
  const with200 = (...lines) => ['HTTP/1.1 200 OK',
                                 'Content-Type: application/json',
                                 `Content-Length: ${body.length}`,
                                 ...lines, '', body].join('\r\n');

  // Sends two requests on one connection.  nginx itself must answer the second.
  const ask = (place) => raw(gw, ['/Patient', null].map((path) => [
    `GET ${path ? place + path : '/app'} HTTP/1.1`,
    `Host: acme.localhost:${gw.port}`, 'Cookie: session=alice',
    `Connection: ${path ? 'keep-alive' : 'close'}`, '', ''].join('\r\n'))
    .join(''));

  function assertInStep(text) {
    assert.ok(text.endsWith('app \n'), text.slice(-300));
    assert.equal(text.match(/HTTP\/1\.1 \d{3}[ \r]/g).length, 2, text);
  }

  for (const [what, bytes] of Object.entries({
    'a zero byte in a line': with200('X-A: b\0c'),
    'a bare CR in a line': with200('X-A: b\rSet-Cookie: evil=1'),
    'a line without a name': with200(': b'),
    'a folded line': with200('X-A: b', ' Set-Cookie: evil=1'),
    'a length of 5,000 digits': `HTTP/1.1 200 OK\r\nContent-Length: ${
      '9'.repeat(5000)}\r\n\r\n${body}`,
    'a space before the colon': with200('Set-Cookie : evil=1'),
    'frames of HTTP/2': '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\0\0\0\0\0',
    'HTTP/0.9': body,
    'a header of 1 MiB': with200(`X-A: ${'b'.repeat(MB)}`),
    'no bytes at all': '',
  })) {
    await t.test(`${what}: the gateway answers 502, and the caller's `
      + 'connection goes on', async () => {
      for (const place of PLACES) {
        fhir.otherwise = bytes;
        const text = await ask(place);
        assert.match(text, /^HTTP\/1\.1 502 /);
        assert.match(text, /"upstream_unreachable"/);
        assert.doesNotMatch(text, /evil|X-A/);
        assertInStep(text);
      }
    });
  }

  for (const [what, bytes] of Object.entries({
    'a name with odd bytes': with200('X-"(),/:;<=>: evil'),
    'a hundred cookies': with200(...Array(100).fill(
      'Set-Cookie: evil=1; Domain=localhost')),
    'lines for nginx': with200('X-Accel-Redirect: /app?evil',
                               'X-Accel-Buffering: no',
                               'X-Accel-Limit-Rate: 1', 'X-Accel-Expires: 9',
                               'X-Accel-Charset: evil'),
    'LF instead of CRLF': with200().replaceAll('\r\n', '\n'),
    'an empty reason': with200().replace('200 OK', '200'),
    'HTTP/1.0': with200().replace('1.1', '1.0'),
    'HTTP/1.9': with200().replace('1.1', '1.9'),
  })) {
    await t.test(`${what}: the caller gets the resource, and nothing of that`,
                 async () => {
      for (const place of PLACES) {
        fhir.otherwise = bytes;
        const began = Date.now();
        const text = await ask(place);
        assert.match(text, /^HTTP\/1\.1 200[ \r]/);
        assert.ok(text.includes(body), text);
        assert.doesNotMatch(text, /Set-Cookie|X-Accel|evil=1|app evil/i);
        assert.ok(Date.now() - began < 3000);
        assertInStep(text);
      }
    });
  }

  // nginx before 1.23 reads these replies differently from later versions.
  for (const [what, bytes] of Object.entries({
    'a line without a colon': with200('evil'),
    'two lengths': with200(`Content-Length: ${body.length - 1}`),
    'another transfer coding': with200('Transfer-Encoding: gzip'),
    'a length with a sign': `HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n${
      body}`,
  })) {
    await t.test(`${what}: the caller gets a 502 or one reply, and the `
      + 'connection goes on', async () => {
      for (const place of PLACES) {
        fhir.otherwise = bytes;
        const text = await ask(place);
        assert.match(text, /^HTTP\/1\.1 (200|502) /);
        assert.equal(text.match(/resourceType/g).length, 1);
        assert.doesNotMatch(text, /-5|Content-Length: .*Content-Length/);
        assertInStep(text);
      }
    });
  }

  for (const [what, ...lines] of [
    ['one coding', 'Transfer-Encoding: chunked'],
    ['the same coding twice', 'Transfer-Encoding: chunked',
     'Transfer-Encoding: chunked'],
  ]) {
    await t.test(`a chunked body without chunks (${what}) never looks whole`,
      async () => {
        for (const place of PLACES) {
          fhir.otherwise = ['HTTP/1.1 200 OK', ...lines, '', body].join('\r\n');
          const text = await ask(place);
          assert.doesNotMatch(text, /resourceType.*Patient"}|\r\n0\r\n\r\n/s);
          assert.ok(/^HTTP\/1\.1 502 /.test(text) || !/app \n/.test(text));
        }
      });
  }

  for (const [what, start, sent = body] of [
    ['304 without a condition', '304 Not Modified', ''],
    ['204', '204 No Content', ''],
    ['206 without a Range', '206 Partial Content'],
    ['416', '416 No'],
    ['299', '299 Odd'],
    ['418', '418 Teapot'],
    ['599', '599 Odd'],
    ['999', '999 Odd'],
  ]) {
    await t.test(`${what}: the caller gets the same status, and its connection `
      + 'goes on', async () => {
      for (const place of PLACES) {
        fhir.otherwise = reply(sent, { status: start, lines: [
          'Content-Range: bytes 0-25/9999999999999999999999'] });
        const text = await ask(place);
        assert.match(text, new RegExp(`^HTTP/1\\.1 ${start.slice(0, 3)}`));
        assertInStep(text);
      }
    });
  }

  for (const [what, first, again] of [
    ['a status line that never ends', 'HTTP/1.1 200 ', 'x'.repeat(1000)],
    ['a line that never ends', 'HTTP/1.1 200 OK\r\nX-A: ', 'x'.repeat(1000)],
    ['lines that never end', 'HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'.repeat(100)],
    ['interim replies that never end', '',
     'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(50)],
  ]) {
    await t.test(`${what}: the gateway answers 502 after a bounded number of `
      + 'bytes',
      async () => {
        for (const place of PLACES) {
          let taken;
          fhir.otherwise = (socket) => {
            socket.write(first, 'latin1');
            taken = pour(socket, again, 64 * MB);
          };
          const text = await ask(place);
          assert.match(text, /^HTTP\/1\.1 502 /);
          assert.match(text, /"upstream_unreachable"/);
          assertInStep(text);
          assert.ok(await taken < 16 * MB, `${await taken} bytes`);
        }
      });
  }
});

test('a server that cuts its replies', async (t) => {
  const { gw, fhir } = await startHostile(t);
  await connected(gw);
  const body = patient('x'.repeat(20));
  const whole = {
    'with a length': reply(body),
    'in chunks': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
      + `Transfer-Encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n${
        (body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`,
  };

  // Whether a reply looks whole to a caller that follows HTTP.
  function looksWhole(text) {
    const at = text.indexOf('\r\n\r\n');
    const [header, rest] = [text.slice(0, at), text.slice(at + 4)];
    const length = /^Content-Length: (\d+)/im.exec(header)?.[1];
    return length === undefined ? rest.endsWith('0\r\n\r\n')
      : rest.length === Number(length);
  }

  for (const [what, bytes] of Object.entries(whole)) {
    for (const place of PLACES) {
      await t.test(`a reply ${what}, cut at any byte, never looks whole `
        + `(${place})`, async () => {
        const seen = {};
        const cut = async (at) => {
          fhir.on[`${BASE}/cut-${at}`] = (socket) => {
            if (at === 0) {
              socket.destroy();
              return;
            }
            socket.write(bytes.slice(0, at), 'latin1', () => socket.destroy());
          };
          const text = await rawGet(gw, `${place}/cut-${at}`);
          const [, status] = /^HTTP\/1\.1 (\d+) /.exec(text) ?? [];
          seen[status] = (seen[status] ?? 0) + 1;

          if (status === '502') {
            assert.match(text, /"upstream_unreachable"/);
          } else {
            assert.equal(status, '200', text);
            const isWhole = looksWhole(text);
            assert.ok(isWhole || at < bytes.length, `${at}: ${text}`);
            assert.ok(!isWhole || text.includes(`${'x'.repeat(20)}"}`),
                      `${at}: ${text}`);
          }
        };
        for (let at = 0; at <= bytes.length; at += 8) {
          await Promise.all(Array.from(
            { length: Math.min(8, bytes.length + 1 - at) }, (_, i) =>
              cut(at + i)));
        }
        assert.ok(seen[502] > 50 && seen[200] > 10, JSON.stringify(seen));
      });
    }
  }
});

test('a server that always answers 401', async (t) => {
  const { gw, fhir } = await startHostile(t);
  const members = [];
  for (let i = 0; i < 4; i += 1) {
    members.push(await connected(gw, { member: `member-${i}` }));
  }
  const connect = gw.url('acme', '/cigna/connect');
  const REFUSAL = '{"resourceType":"OperationOutcome"}';

  await t.test('for any form of 401 each member is refreshed once, each '
    + 'request is sent at most twice, and each caller is told to connect',
  async () => {
    const before = await refreshCount(gw);
    // Because of "close", nginx does not use a connection that the server is
    // about to end.
    const ends = 'Connection: close';
    const kinds = [
      reply(REFUSAL, { status: '401 No', lines: [ends] }),
      reply('', { status: '401 No', lines: [
        'WWW-Authenticate: Basic realm="evil"', ends] }),
      reply('x'.repeat(MB), { status: '401 No', lines: [ends] }),
      `HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx`,
      `HTTP/1.1 401 No\r\nContent-Length: 1000\r\n\r\nx`,
      reply(REFUSAL, { status: '401 No', lines: [
        `WWW-Authenticate: Bearer error="invalid_token"`, ends] }),
    ];
    let n = 0;
    fhir.otherwise = (socket) => {
      n += 1;
      socket.end(kinds[n % kinds.length], 'latin1');
    };
    fhir.take();
    let asked = 0;
    for (let round = 0; round < 6; round += 1) {
      const replies = await Promise.all(members.flatMap((visitor) =>
        PLACES.map((place) => visitor.get(`${place}/Patient`))));
      asked += replies.length;
      for (const one of replies) {
        assertRefused(one, 401, 'grant_refused', { code: 'login', connect });
        assert.equal(one.headers['www-authenticate'], undefined);
      }
    }
    assert.equal(await refreshCount(gw) - before, members.length);
    assert.ok(fhir.take().length <= 2 * asked);
  });

  await t.test('when the server works again all members are served and still '
    + 'connected', async () => {
    fhir.otherwise = reply(patient('x'));
    for (const visitor of members) {
      assert.equal((await visitor.get('/up/Patient')).status, 200);
      assert.equal((await visitor.get('/cigna/status')).json().connected, true);
    }
  });
});

test('hostile JSON', async (t) => {
  const { gw, fhir } = await startHostile(t, { nginx: {
    workers: 1, allow: [/upstream (sent|prematurely)/] } });
  const alice = await connected(gw);
  const [pid] = gw.nginx.workerPids();
  const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(
    readFileSync(`/proc/${gw.nginx.workerPids()[0]}/status`, 'utf8'))[1]);
  const link = `"fullUrl":"${INNER}/Patient/1"`;

  for (const [what, text] of Object.entries({
    'a million nested arrays': `{${link},"a":${'['.repeat(1e6)}${
      ']'.repeat(1e6)}}`,
    'a million nested objects': `{${link},"a":${'{"a":'.repeat(1e6)}1${
      '}'.repeat(1e6)}}`,
    'a million unclosed brackets': '['.repeat(1e6),
    'a key of 8 MB': `{"${'k'.repeat(8 * MB)}":1,${link}}`,
    'a string of 8 MB': `{"a":"${'s'.repeat(8 * MB)}",${link}}`,
    'a string of 8 MB that begins like a link':
      `{"url":"${INNER}/${'s'.repeat(8 * MB)}"}`,
    'a million escapes': `{"a":"${'\\u0041'.repeat(1e6)}",${link}}`,
    'half a surrogate': `{"a":"\\ud800","url":"${INNER}/\\udc00"}`,
    'a number of a million digits': `{"a":${'9'.repeat(1e6)},${link}}`,
    'a million commas': `[${','.repeat(1e6)}]`,
    'zero bytes': `{"a":"\0\0",${link}}`,
    'bytes that are not UTF-8': `{"a":"\xff\xfe\xc0\x80",${link}}`,
    'a key twice': `{"url":"x","url":"${INNER}/Patient/1",${link}}`,
    'an end in the middle of a link': `{"fullUrl":"${INNER}/Pat`,
    'a page instead of JSON': '<html>',
  })) {
    await t.test(`${what}: the document arrives unchanged except for its links`,
      async () => {
        const before = peak();
        for (const place of ['up', 'now', '404']) {
          fhir.otherwise = reply(text);
          const { status, bytes } = await alice.get(`/${place}/Patient`);
          const came = bytes.toString('latin1');
          const ours = gw.url('acme', `/${place}`);

          assert.equal(status, 200);
          // Each link is unchanged or wholly rewritten, and nothing else
          // changes.
          assert.ok(came.replaceAll(`${ours}/`, `${INNER}/`) === text,
                    `${came.length} of ${text.length} bytes`);
        }
        if (!SANITIZED) {
          const grown = (peak() - before) * 1024;
          assert.ok(grown < 12 * MB, `${grown} bytes`);
        }
        assert.equal(gw.nginx.workerPids()[0], pid);
      });
  }
});
