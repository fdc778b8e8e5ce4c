// cigna_cors: requests that browsers may send from other origins.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';

import { assertRefused, connected, raw, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort } from '../lib/scratch.mjs';

const APP = 'https://app.example';
const LOCAL = 'http://localhost:3000';

const VARY = 'Origin, Access-Control-Request-Method, '
  + 'Access-Control-Request-Headers';

const ACAO = 'access-control-allow-origin';
const ACAC = 'access-control-allow-credentials';
const EXPOSED = 'access-control-expose-headers';
const ALLOWED = 'access-control-allow-headers';

// Unlisted origins, some of them close to listed ones.
const OTHERS = [
  'https://evil.example', 'https://app.example.evil.example',
  'http://app.example', 'https://app.example:8443', 'https://app.example:443',
  'https://APP.example', 'HTTPS://app.example', 'https://app.example/', 'null',
  '*', '', 'https://app.example https://app.example', 'http://localhost',
  'https://localhost:3000',
];

// Lines that the operator adds, and lines of the upstream.  cigna_cors replaces
// those of CORS.
const OPERATORS = [
  'add_header Access-Control-Allow-Origin * always;',
  'add_header access-control-allow-credentials false always;',
  'add_header Access-Control-Max-Age 9 always;',
];
const THEIRS = {
  'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'X-A',
  'Content-Type': 'application/json', 'Vary': 'Accept',
};

const valuesOf = ({ rawHeaders }, name) =>
  rawHeaders.filter((_, i) => i % 2 === 1
    && rawHeaders[i - 1].toLowerCase() === name.toLowerCase());

const corsNames = ({ rawHeaders }) =>
  rawHeaders.filter((name, i) => i % 2 === 0
    && /^access-control-/i.test(name)).map((name) => name.toLowerCase());

function assertNoCors(reply, vary = ['Origin']) {
  assert.deepEqual(corsNames(reply), []);
  assert.deepEqual(valuesOf(reply, 'vary').slice(-1), vary);
}

function assertCors(reply, origin, { credentials = true } = {}) {
  assert.deepEqual(corsNames(reply).sort(), [
    ...(credentials ? [ACAC] : []), ACAO, EXPOSED]);
  assert.deepEqual(valuesOf(reply, ACAO), [origin]);
  assert.deepEqual(valuesOf(reply, ACAC), credentials ? ['true'] : []);
  assert.equal(valuesOf(reply, 'vary').at(-1), 'Origin');
  for (const name of ['ETag', 'Location', 'Content-Location', 'Link',
                      'Content-Disposition', 'Retry-After', 'X-Request-Id']) {
    assert.ok(valuesOf(reply, EXPOSED)[0].split(', ').includes(name), name);
  }
}

test('cors', async (t) => {
  const recorder = await startRecorder(t);
  const port2 = await freePort();
  const place = (name, ...lines) => recorder.location(name, { lines });

  const gw = await standardGateway(t, {
    http: 'limit_req_zone $server_name zone=one:1m rate=1r/m;',
    server: { cigna_cors: `${APP} ${LOCAL}`,
              listen: `127.0.0.1:${port2} ssl http2` },
    locations: [
      place('/up/', ...OPERATORS),
      place('/off/', 'cigna_cors off;', ...OPERATORS),
      place('/bare/', 'cigna_cors off;'),
      place('/open/', `cigna_cors HTTPS://App.Example:443 credentials=off;`),
      place('/closed/', 'deny all;', ...OPERATORS),
      place('/limited/', 'limit_req zone=one;'),
      place('/asks/', 'auth_request /asked;'),
      place('/few/', 'limit_except GET { deny all; }'),
      recorder.location('/dead/', { to: 'https://127.0.0.1:1' }),
      place('/page/', 'error_page 403 /app;', 'deny all;'),
      `
        location = /asked {
            auth_request off;
            proxy_pass http://127.0.0.1:1;
        }
        location /other { auth_request off; return 200; }`,
    ].join('\n'),
  });
  const alice = await connected(gw);
  const nobody = gw.visitor();

  const answer = (lines = THEIRS, status = 200, body = '{}') => {
    recorder.otherwise = (_, response) => {
      response.writeHead(status, lines);
      response.end(body);
    };
  };
  const preflight = (target, { origin = APP, method = 'GET', ...headers } = {},
    visitor = nobody) => visitor.request(target, {
    method: 'OPTIONS', headers: {
      'Origin': origin, 'Access-Control-Request-Method': method, ...headers,
    } });
  const from = (origin, target, options = {}) =>
    alice.request(target, { ...options, headers: { Origin: origin } });

  answer();

  // Preflights.

  for (const [target, methods] of [
    ['/up/Patient', 'GET, HEAD, POST'], ['/fhir/metadata', 'GET, HEAD, POST'],
    ['/closed/x', 'GET, HEAD, POST'], ['/few/x', 'GET, HEAD, POST'],
    ['/dead/x', 'GET, HEAD, POST'], ['/asks/x', 'GET, HEAD, POST'],
    ['/page/x', 'GET, HEAD, POST'],
    ['/cigna/status', 'GET, HEAD'], ['/cigna/disconnect', 'POST'],
  ]) {
    await t.test(`a preflight is answered before the access phase: ${target}`,
      async () => {
        const seen = gw.identity.seen.length;
        for (const origin of [APP, LOCAL]) {
          const reply = await preflight(target, { origin });
          assert.equal(`${reply.status} ${reply.body}`, '204 ');
          assert.deepEqual(Object.fromEntries(corsNames(reply)
            .map((name) => [name, valuesOf(reply, name).join('|')])), {
            [ACAO]: origin, [ACAC]: 'true',
            'access-control-allow-methods': methods,
            [ALLOWED]: valuesOf(reply, ALLOWED)[0],
            'access-control-max-age': '600',
          });
          assert.match(valuesOf(reply, ALLOWED)[0], /^Accept, .*X-Request-Id$/);
          assert.deepEqual(valuesOf(reply, 'vary'), [VARY]);
          assert.deepEqual(valuesOf(reply, 'cache-control'),
                           ['no-store, private']);
          assert.deepEqual(valuesOf(reply, 'content-disposition'), []);
          assert.deepEqual(valuesOf(reply, 'content-length'), []);
        }
        assert.equal(gw.identity.seen.length, seen, 'the app was asked');
        assert.deepEqual(recorder.take(), []);
      });
  }

  await t.test('a preflight allows the requested names if all of them are '
    + 'tokens',
    async () => {
      for (const names of ['prefer', 'content-type,prefer', 'X-A, x-b']) {
        const reply = await preflight('/up/x', {
          'Access-Control-Request-Headers': names });
        assert.deepEqual(valuesOf(reply, ALLOWED), [names]);
      }
      for (const names of ['', 'a b', 'a;b', '"a"', 'a,,b', 'x'.repeat(1025),
                           ['a', 'b']]) {
        const reply = await preflight('/up/x', {
          'Access-Control-Request-Headers': names });
        assert.equal(reply.status, 204);
        const [allowed] = valuesOf(reply, ALLOWED);
        assert.ok(allowed.split(', ').includes('Content-Type'), allowed);
      }
    });

  for (const origin of OTHERS) {
    await t.test(`an unlisted origin is refused: "${origin}"`,
      async () => {
        for (const target of ['/up/x', '/cigna/status', '/cigna/disconnect']) {
          const reply = await preflight(target, { origin });
          assert.equal(reply.status, 403);
          assert.match(reply.body, /"origin_refused"/);
          assertNoCors(reply, [VARY]);
        }
        answer();
        assertNoCors(await from(origin, '/up/x'));
        assert.equal((await from(origin, '/cigna/disconnect',
                                 { method: 'POST' })).status, 403);
      });
  }

  await t.test('a request with two Origin lines gets no CORS '
    + 'lines', async () => {
    for (const method of ['OPTIONS', 'GET']) {
      const text = await raw(gw, [`${method} /up/x HTTP/1.1`,
        `Host: acme.localhost:${gw.port}`, 'Cookie: session=alice',
        `Origin: ${APP}`, `Origin: ${APP}`, 'Connection: close',
        'Access-Control-Request-Method: GET', '', ''].join('\r\n'));
      assert.match(text, method === 'GET' ? /^HTTP\/1.1 200 /
                                          : /^HTTP\/1.1 403 /);
      assert.doesNotMatch(text, /\naccess-control-/i);
    }
  });

  await t.test('a preflight with a body leaves the connection usable',
    async () => {
      const text = await raw(gw, [
        'OPTIONS /up/x HTTP/1.1', `Host: acme.localhost:${gw.port}`,
        `Origin: ${APP}`, 'Access-Control-Request-Method: GET',
        'Content-Length: 5', '', 'helloGET /app HTTP/1.1',
        `Host: acme.localhost:${gw.port}`, 'Connection: close', '', '',
      ].join('\r\n'));
      assert.match(text, /^HTTP\/1.1 204 [^]*HTTP\/1.1 200 OK[^]*app \n$/);
    });

  await t.test('OPTIONS that is not a preflight gets 405',
    async () => {
      for (const headers of [{}, { Origin: APP },
                             { 'Access-Control-Request-Method': 'GET' }]) {
        const reply = await alice.request('/up/x', { method: 'OPTIONS',
                                                     headers });
        assertRefused(reply, 405, 'method_refused');
      }
    });

  await t.test('a location with cigna_cors off gets no CORS '
    + 'handling', async () => {
    for (const target of ['/off/x', '/bare/x']) {
      const asked = await preflight(target, {}, alice);
      assertRefused(asked, 405, 'method_refused');
    }
    answer();
    const bare = await from(APP, '/bare/x');
    assert.deepEqual(corsNames(bare), []);
    assert.deepEqual(valuesOf(bare, 'vary'), ['Accept']);
    const own = await from(APP, '/off/x');
    assert.deepEqual(valuesOf(own, ACAO), ['*']);
    assert.equal((await from(APP, '/off/x')).status, 200);
  });

  await t.test('other locations get no CORS handling', async () => {
    for (const target of ['/other', '/cigna/connect', '/cigna/counters']) {
      for (const reply of [await preflight(target), await from(APP, target)]) {
        assert.notEqual(reply.status, 204);
        assert.deepEqual(corsNames(reply), []);
        assert.deepEqual(valuesOf(reply, 'vary'), []);
      }
    }
  });

  // Lines of CORS in replies.

  for (const status of [200, 304, 404, 429, 500]) {
    await t.test(`a reply of the upstream has each CORS line once: ${status}`,
      async () => {
        for (const target of ['/up/x', '/open/x']) {
          for (const origin of [APP, undefined, 'https://evil.example']) {
            answer(THEIRS, status, '{"resourceType":"OperationOutcome"}');
            const reply = origin ? await from(origin, target)
              : await alice.get(target);
            assert.equal(reply.status, status);
            assert.deepEqual(valuesOf(reply, 'vary'), ['Accept', 'Origin']);
            if (origin === APP) {
              assertCors(reply, APP, { credentials: target === '/up/x' });
            } else {
              assertNoCors(reply);
            }
          }
        }
      });
  }

  for (const [name, status, target, options] of [
    ['not connected', 401, '/up/x', { member: 'zoe' }],
    ['no member', 401, '/up/x', {}],
    ['a refused method', 405, '/up/x', { member: 'alice', method: 'PUT' }],
    ['deny', 403, '/closed/x', { member: 'alice' }],
    ['an unreachable upstream', 502, '/dead/x', { member: 'alice' }],
    ['an access check that fails', 500, '/asks/x', { member: 'alice' }],
    ['status without identity', 401, '/cigna/status', {}],
    ['status with POST', 405, '/cigna/status', { member: 'alice',
                                                 method: 'POST' }],
  ]) {
    await t.test(`an error reply has the CORS lines: ${name}`,
      async () => {
        const { method, ...who } = options;
        const reply = await gw.visitor(who).request(target, {
          method, headers: { Origin: LOCAL } });
        assert.equal(reply.status, status);
        assertCors(reply, LOCAL);
        assert.equal((await gw.visitor(who).request(target, {
          method, headers: { Origin: 'https://evil.example' } }))
          .headers[ACAO], undefined);
      });
  }

  await t.test('a refusal by limit_req has the CORS lines', async () => {
    answer();
    const replies = [await from(APP, '/limited/x'),
                     await from(APP, '/limited/x')];
    assert.deepEqual(replies.map(({ status }) => status), [200, 503]);
    replies.forEach((reply) => assertCors(reply, APP));
  });

  await t.test('a page of another location has no CORS lines', async () => {
    const reply = await from(APP, '/page/x');
    assert.equal(reply.body, 'app \n');
    assert.deepEqual(corsNames(reply), []);
    assert.deepEqual(valuesOf(reply, 'vary'), []);
  });

  await t.test('a reply over HTTP/2 has the CORS lines', async () => {
    const session = http2.connect(`https://localhost:${port2}`, {
      ca: gw.caText, servername: 'acme.localhost' });
    const get = (headers) => new Promise((resolve, reject) => {
      const stream = session.request({ ':path': '/up/x',
        ':authority': 'acme.localhost', 'origin': APP, ...headers });
      stream.on('error', reject);
      stream.on('response', (lines, _, rawHeaders) => {
        resolve({ status: lines[':status'], rawHeaders });
      });
      stream.resume();
    });
    answer();
    const [asked, got] = [
      await get({ ':method': 'OPTIONS',
                  'access-control-request-method': 'GET' }),
      await get({ cookie: 'session=alice' })];
    session.close();
    assert.equal(asked.status, 204);
    assert.deepEqual(valuesOf(asked, ACAO), [APP]);
    assert.equal(got.status, 200);
    assertCors(got, APP);
  });

  // Disconnect.

  await t.test('a listed origin may disconnect', async () => {
    const bob = await connected(gw, { member: 'bob' });
    const post = (headers) => bob.post('/cigna/disconnect', { headers });
    for (const site of ['cross-site', 'same-site']) {
      const refused = await post({ 'Origin': 'https://evil.example',
                                   'Sec-Fetch-Site': site });
      assert.equal(refused.status, 403);
      assertNoCors(refused);
      assert.equal((await post({ 'Sec-Fetch-Site': site })).status, 403);
    }
    assert.ok((await bob.get('/cigna/status')).json().connected);

    const gone = await post({ 'Origin': APP, 'Sec-Fetch-Site': 'cross-site' });
    assert.equal(gone.status, 204);
    assertCors(gone, APP);
    const status = await bob.get('/cigna/status', { headers: { Origin: APP } });
    assert.equal(status.json().connected, false);
    assertCors(status, APP);
  });

  await t.test('a foreign origin may not disconnect without '
    + 'cigna_cors', async () => {
    await gw.reload({ server: {} });
    const reply = await from(APP, '/cigna/disconnect', { method: 'POST' });
    assert.equal(reply.status, 403);
    assert.deepEqual(corsNames(reply), []);
    assert.match(await rawGet(gw, '/fhir/Patient', [`Origin: ${APP}`]),
                 /^HTTP\/1.1 200 /);
  });

  // The directive cigna_cors.

  for (const [text, error] of [
    ['*', /"cigna_cors" "\*" would let every page read members' data, write/],
    ['null', /"null" is the origin of every sandboxed frame, write/],
    ['http://app.example', /can be forged on the network.* "https:\/\/"/],
    ['https://app.example/', /has more than an origin, write "https:/],
    ['https://app.example/x', /has more than an origin/],
    ['https://*.app.example', /is not an origin, write "https:\/\/host"/],
    ['app.example', /is not an origin/],
    ['"https://a.example https://b.example"', /is not an origin/],
    ['https://a.example https://A.example:443', /is there twice, remove/],
    ['off https://a.example',
     /"off" cannot be combined with origins, write "cigna_cors off;"/],
    ['https://a.example credentials=no', /write "credentials=on" or/],
    ['credentials=off', /has no origins, write "cigna_cors https:/],
    ['https://a.example; cigna_cors https://b.example', /is duplicate/],
    ['', /invalid number of arguments/],
  ]) {
    await t.test(`nginx does not start with "cigna_cors ${text}"`, async (
      t2) => {
      const { code, output } = await prepareNginx(t2, {
        http: gw.configuration({ server: { cigna_cors: text } }) }).test();
      assert.notEqual(code, 0);
      assert.match(output, error);
    });
  }
});
