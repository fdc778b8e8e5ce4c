// The header lines of replies: those of the upstream that reach the caller, and
// those that each reply of a cigna_fhir location has once.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';

import { assertRefused, connected, raw, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { PROXIED } from '../lib/metadata.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';
import { freePort } from '../lib/scratch.mjs';

const STORED = { 'cache-control': 'no-store, private',
                 'x-content-type-options': 'nosniff' };
const LINES = {
  ...STORED,
  'content-security-policy':
    'sandbox; default-src \'none\'; frame-ancestors \'none\'',
  'cross-origin-resource-policy': 'same-origin',
};

const DISPOSITION = 'content-disposition';

// Lines that an operator may set for a whole server.
const OPERATORS = [
  'add_header X-Content-Type-Options evil always;',
  'add_header x-content-type-options nosniff always;',
  'add_header Content-Security-Policy "script-src *" always;',
  'add_header Cross-Origin-Resource-Policy cross-origin always;',
  'add_header Cache-Control public always;',
  'add_header Pragma x always;',
  'add_header Content-Disposition inline always;',
  'add_header X-Frame-Options SAMEORIGIN always;',
  'add_header Strict-Transport-Security max-age=9 always;',
  'expires 1h;',
  'userid on;',
];

// Lines of the upstream that must not reach the caller.  A browser, a cache or
// an app would take most of them for the app's own.
const THEIRS = {
  'Link': '</app>; rel="cigna-connect"', 'Refresh': '0; url=/app',
  'WWW-Authenticate': 'Basic realm="app"', 'Set-Cookie': 'session=bob',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Credentials': 'true',
  'Service-Worker-Allowed': '/', 'SourceMap': '/app',
  'Content-Security-Policy': 'script-src *',
  'Content-Security-Policy-Report-Only': 'script-src *; report-uri /app',
  'X-Content-Type-Options': 'sniff', 'X-Frame-Options': 'ALLOWALL',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Cross-Origin-Opener-Policy': 'unsafe-none',
  'Strict-Transport-Security': 'max-age=0', 'Clear-Site-Data': '"*"',
  'Report-To': '{}', 'NEL': '{}', 'Alt-Svc': 'h3=":443"',
  'Origin-Trial': 'x', 'Speculation-Rules': '"/app"', 'Accept-CH': 'Width',
  'Permissions-Policy': 'camera=*', 'Set-Login': 'logged-in',
  'X-Total-Count': '7', 'X-Request-Id': 'theirs', 'Server': 'inner',
  'X-Accel-Expires': '9', 'Proxy-Authenticate': 'Basic', 'Age': '7',
  'Cache-Control': 'public', 'Expires': 'Thu, 01 Jan 2037 00:00:00 GMT',
  'Pragma': 'public', 'Warning': '199 x', 'Content-Disposition': 'inline',
};

const PASSING = {
  'ETag': 'W/"7"', 'Last-Modified': 'Sat, 21 Nov 2026 00:00:00 GMT',
  'Vary': 'Accept, Prefer', 'Content-Language': 'en', 'Allow': 'GET',
  'Retry-After': '9', 'X-Progress': '50%', 'Accept-Ranges': 'bytes',
  'Preference-Applied': 'return=minimal', 'Location': 'https://x.example/y',
  'Content-Location': 'https://x.example/z',
};

// [type, the upstream's Content-Disposition, the caller's]
const TYPES = [
  ['application/json', , undefined],
  ['application/fhir+json; charset=utf-8; fhirVersion=4.0', , undefined],
  ['application/json+fhir', , undefined],
  ['application/json', 'attachment; filename=a.json',
    'attachment; filename=a.json'],
  ['application/json', 'inline', undefined],
  [undefined, , 'attachment'],
  ['text/html', , 'attachment'],
  ['image/svg+xml', 'inline; filename=a.svg', 'attachment'],
  ['application/pdf', 'attachment; filename="a b.pdf"',
    'attachment; filename="a b.pdf"'],
  ['application/pdf', 'attachment; filename="a', 'attachment'],
  ['application/fhir+xml', , 'attachment'],
  ['application/json, text/html', , 'attachment'],
  ['application/json; charset=utf-8, text/html', , 'attachment'],
  ['text/html; a=application/json', , 'attachment'],
];

const valuesOf = ({ rawHeaders }, name) =>
  rawHeaders.filter((_, i) => i % 2 === 1
    && rawHeaders[i - 1].toLowerCase() === name.toLowerCase());

function assertLines(reply, lines) {
  for (const [name, value] of Object.entries(lines)) {
    assert.deepEqual(valuesOf(reply, name), [value], name);
  }
  for (const name of ['expires', 'pragma']) {
    assert.deepEqual(valuesOf(reply, name), [], name);
  }
}

function assertGated(reply, disposition) {
  assertLines(reply, LINES);
  assert.deepEqual(valuesOf(reply, DISPOSITION), [disposition].flat()
    .filter((one) => one !== undefined));
}

// Asserts that the reply is a page of the app, without lines of the gate.
function assertUntouched(reply, body) {
  assert.equal(reply.body, body);
  for (const name of [...Object.keys(LINES), DISPOSITION]) {
    assert.deepEqual(valuesOf(reply, name), [], name);
  }
}

test('gate in', async (t) => {
  const recorder = await startRecorder(t);
  const port2 = await freePort();
  const place = (name, ...lines) => recorder.location(name, { lines });
  const answer = (lines, body = '{}', status = 200) => {
    recorder.otherwise = (_, response) => {
      response.writeHead(status, lines);
      response.end(body);
    };
  };

  const login = await startRecorder(t, { plain: true });
  login.otherwise = (request, response) => {
    response.writeHead(Number(/\d+/.exec(request.url)[0]),
                       { 'WWW-Authenticate': 'Basic realm="login"' });
    response.end();
  };
  const asked = `http://127.0.0.1:${login.port}`;

  const gw = await standardGateway(t, {
    nginx: { logFormat: '"$request" $status up=$upstream_http_x_total_count' },
    http: 'limit_req_zone $server_name zone=one:1m rate=1r/m;',
    server: { listen: `127.0.0.1:${port2} ssl http2` },
    locations: [
      place('/up/'),
      recorder.location('/as-is/', { fhir: 'on links=off' }),
      recorder.location('/parts/', { fhir: 'on links=off', lines: [
        'proxy_force_ranges on;', ...OPERATORS] }),
      place('/operators/', ...OPERATORS),
      place('/closed/', 'deny all;', ...OPERATORS),
      place('/limited/', 'limit_req zone=one;', ...OPERATORS),
      place('/stops/', ...OPERATORS, 'if ($arg_stop) { return 403; }',
            'if ($arg_text) { return 200 "<script>"; }',
            'if ($arg_gone) { return 302 /app; }'),
      place('/small/', 'client_max_body_size 9;', ...OPERATORS),
      place('/basic/', 'auth_request off;', 'auth_basic mine;',
            'auth_basic_user_file /nowhere;', 'satisfy all;', ...OPERATORS),
      place('/asks/401/', 'auth_request /asked/401;', ...OPERATORS),
      place('/asks/403/', 'auth_request /asked/403;', ...OPERATORS),
      recorder.location(`${BASE}/`, { lines: [
        'proxy_intercept_errors on;', 'error_page 401 /app;', ...OPERATORS] }),
      place('/errors/', 'proxy_intercept_errors on;',
            'error_page 401 403 404 /app;', 'error_page 502 = @fallback;',
            'error_page 500 =303 https://login.example/;', ...OPERATORS),
      recorder.location('/dead/', {
        to: 'https://127.0.0.1:1',
        lines: ['error_page 502 = @fallback;', ...OPERATORS] }),
      recorder.location('/tried/', {
        lines: ['try_files /nothing @fallback;', ...OPERATORS] }),
      `
        location @fallback { return 200 "fallback"; }
        location = /login { auth_request off; return 200 "login"; }
        location /asked/ {
            auth_request off;
            proxy_pass ${asked};
        }
        location /private/ {
            error_page 403 /login;
            ${recorder.location('/private/fhir/', {
              lines: ['deny all;', ...OPERATORS] })}
        }
        location = /mine/status { cigna_status; ${OPERATORS.join(' ')} }
        location = /mine/counters {
            auth_request off; cigna_counters; ${OPERATORS.join(' ')}
        }
        location = /mine/connect { cigna_connect; ${OPERATORS.join(' ')} }
        location = /mine/disconnect {
            cigna_disconnect; ${OPERATORS.join(' ')}
        }`,
    ].join('\n'),
  });
  const alice = await connected(gw);

  for (const status of [200, 206, 404, 422, 500]) {
    await t.test(`only listed lines pass: ${status}`,
      async () => {
        answer({ ...THEIRS, ...PASSING, 'Content-Type': 'application/json' },
               '{"resourceType":"OperationOutcome"}', status);
        const reply = await rawGet(gw, '/up/x');
        assert.match(reply, new RegExp(`^HTTP/1.1 ${status} `));
        const [head] = reply.split('\r\n\r\n');
        const names = head.split('\r\n').slice(1)
          .map((line) => line.split(':')[0].toLowerCase());

        assert.deepEqual(names.sort(), [
          ...Object.keys(PASSING).map((name) => name.toLowerCase())
            // a reply with rewritten links has neither of these
            .filter((name) => !['last-modified', 'accept-ranges']
              .includes(name)),
          ...Object.keys(LINES), 'x-request-id', 'server', 'date',
          'content-type', 'connection', 'transfer-encoding',
        ].sort());
        for (const value of ['theirs', 'inner', 'session=bob']) {
          assert.ok(!reply.includes(value), value);
        }
        for (const [name, value] of Object.entries(LINES)) {
          assert.ok(head.toLowerCase().includes(`\r\n${name}: ${value}`),
                    name);
        }
      });
  }

  await t.test('listed lines pass with their values unchanged', async () => {
    answer({ ...THEIRS, ...PASSING, 'Content-Type': 'application/pdf' }, '%');
    const reply = await alice.get('/as-is/x');
    for (const [name, value] of Object.entries(PASSING)) {
      assert.deepEqual(valuesOf(reply, name), [value], name);
    }
    assertGated(reply, 'attachment');
  });

  await t.test('a dropped line of the upstream can still be '
    + 'logged', async () => {
    answer(THEIRS);
    await alice.get('/up/logged');
    await gw.nginx.waitForAccessLog(/GET \/up\/logged .* up=7/);
  });

  await t.test('values with control bytes are dropped', async () => {
    recorder.otherwise = (request, response) => {
      response.socket.end('HTTP/1.1 200 O\x01K\r\nETag: "a\x02"\r\n'
        + 'Vary: a,\tb\r\nX-Progress: \x7f\r\nContent-Location: \x1b[2J\r\n'
        + 'Content-Type: application/json\x03\r\nContent-Length: 2\r\n'
        + 'Connection: close\r\n\r\nno');
    };
    const reply = await rawGet(gw, '/up/x');
    const [head, body] = reply.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1.1 200 OK\r\n/);
    assert.doesNotMatch(head.replace(/\r\n|\t/g, ''), /[\x00-\x1f\x7f]/);
    assert.match(head, /\r\nVary: a,\tb\r\n/);
    for (const name of ['ETag', 'X-Progress', 'Content-Location',
                        'Content-Type']) {
      assert.ok(!head.includes(`\r\n${name}:`), name);
    }
    assert.match(head, /\r\nContent-Disposition: attachment(\r\n|$)/);
    assert.equal(body, 'no');
  });

  // nginx makes a Location absolute that proxy_redirect has rewritten.
  await t.test('a Location with a control byte is dropped',
    async () => {
      for (const end of ['b', '\x01b']) {
        recorder.otherwise = (request, response) => {
          response.socket.end('HTTP/1.1 302 Found\r\nLocation: https://'
            + `127.0.0.1:${recorder.port}${BASE}/as-is/a${end}\r\n`
            + 'Content-Length: 0\r\nConnection: close\r\n\r\n');
        };
        const reply = await rawGet(gw, '/as-is/x');
        assert.match(reply, /^HTTP\/1\.1 302 /);
        assert.equal(/\r\nLocation: (.*)\r/.exec(reply)?.[1],
                     end === 'b' ? `${gw.url('acme', '/as-is/ab')}`
                                 : undefined, reply);
      }
    });

  for (const [type, theirs, expected] of TYPES) {
    for (const where of ['/up/x', '/operators/x']) {
      const mine = where === '/operators/x';
      await t.test(`type ${type ?? 'absent'} with disposition `
        + `${theirs ?? 'absent'} at ${where} gives `
        + `${expected ?? 'none'}`, async () => {
        answer({ ...(type && { 'Content-Type': type }),
                 ...(theirs && { 'Content-Disposition': theirs }) });
        const isJson = expected === undefined || theirs?.includes('json');

        for (const method of ['GET', 'HEAD']) {
          const reply = await alice.request(where, { method });
          assert.equal(reply.status, 200);
          // the operator may set any Content-Disposition for JSON
          assertGated(reply, mine && isJson
            ? [...(expected ? [expected] : []), 'inline'] : expected);
        }
      });
    }
  }

  await t.test('the operator\'s lines do not repeat the gate\'s, and other '
    + 'lines stay',
    async () => {
      answer({ 'Content-Type': 'text/html' });
      const reply = await alice.get('/operators/x');
      assertGated(reply, 'attachment');
      assert.deepEqual(valuesOf(reply, 'x-frame-options'), ['SAMEORIGIN']);
      assert.deepEqual(valuesOf(reply, 'strict-transport-security'),
                       ['max-age=9']);
      assert.match(await rawGet(gw, '/operators/x'), /\nSet-Cookie: uid=/);
    });

  await t.test('replies 304 and 204 get no Content-Disposition', async () => {
    for (const status of [304, 204]) {
      answer({ 'ETag': '"x"', 'Content-Disposition': 'attachment' }, undefined,
             status);
      for (const where of ['/up/x', '/operators/x']) {
        const reply = await alice.get(where);
        assert.equal(reply.status, status);
        assertGated(reply, undefined);
      }
    }
  });

  await t.test('a partial reply has the lines of the gate', async () => {
    answer({ 'Content-Type': 'application/pdf', 'Content-Length': 9 },
           '123456789');
    const part = await alice.get('/parts/x', {
      headers: { Range: 'bytes=2-4' } });
    assert.equal(`${part.status} ${part.body}`, '206 345');
    assertGated(part, 'attachment');

    answer({ 'Content-Type': 'application/pdf',
             'Content-Range': 'bytes 2-4/9' }, '345', 206);
    const theirs = await alice.get('/operators/x');
    assert.equal(theirs.status, 206);
    assert.deepEqual(valuesOf(theirs, 'content-range'), ['bytes 2-4/9']);
    assertGated(theirs, 'attachment');
  });

  await t.test('a redirect of the upstream passes', async () => {
    answer({ 'Location': 'https://x.example/' }, '', 302);
    const reply = await alice.get('/operators/x');
    assert.equal(reply.status, 302);
    assert.equal(reply.headers.location, 'https://x.example/');
    assertGated(reply, 'attachment');
  });

  // Replies that nginx or the gateway makes.

  await t.test('a refusal by the gateway has the lines of the '
    + 'gate', async () => {
    const zoe = gw.visitor({ member: 'zoe' });
    for (const where of ['/up/x', '/operators/x']) {
      const reply = await zoe.get(where);
      assertRefused(reply, 401, 'not_connected',
                    { connect: gw.url('acme', '/cigna/connect') });
      assertLines(reply, LINES);
    }
    for (const method of ['DELETE', 'OPTIONS']) {
      const reply = await alice.request('/operators/x', { method });
      assert.equal(reply.status, 405);
      assertLines(reply, LINES);
    }
  });

  await t.test('metadata has the lines of the gate', async () => {
    answer({ ...THEIRS, 'Content-Type': 'application/json' });
    for (const [where, disposition] of [['/fhir'], [BASE, 'inline']]) {
      for (const query of ['', PROXIED]) {
        const reply = await gw.visitor().get(`${where}/metadata${query}`);
        assert.equal(reply.status, 200);
        assertGated(reply, disposition);
        assert.deepEqual(valuesOf(reply, 'link'), []);
      }
    }
  });

  for (const [name, status, target] of [
    ['deny', 403, '/closed/x'],
    ['return in an if', 403, '/stops/x?stop=1'],
    ['auth_basic', 401, '/basic/x'],
  ]) {
    await t.test('an error of nginx itself has the lines of the gate: '
      + `${name}`, async () => {
      const reply = await alice.get(target);
      assert.equal(reply.status, status);
      assertLines(reply, LINES);
      assert.equal(reply.headers['content-type'], 'application/fhir+json');
    });
  }

  await t.test('a refusal by limit_req has the lines of the gate', async () => {
    answer({ 'Content-Type': 'application/json' });
    const replies = [await alice.get('/limited/x'),
                     await alice.get('/limited/x')];
    assert.deepEqual(replies.map(({ status }) => status), [200, 503]);
    replies.forEach((reply) => assertLines(reply, LINES));
  });

  for (const status of [401, 403]) {
    await t.test('a refusal by auth_request has the lines of the gate: '
      + `${status}`, async () => {
      const reply = await alice.get(`/asks/${status}/x`);
      assert.equal(reply.status, status);
      assertLines(reply, LINES);
      assert.deepEqual(valuesOf(reply, 'www-authenticate'),
                       status === 401 ? ['Basic realm="login"'] : []);
    });
  }

  await t.test('the challenge of auth_basic stays in the reply', async () => {
    const reply = await alice.get('/basic/x');
    assert.deepEqual(valuesOf(reply, 'www-authenticate'),
                     ['Basic realm="mine"']);
  });

  await t.test('a reply of the return directive has the lines of the '
    + 'gate', async () => {
    const reply = await alice.get('/stops/x?text=1');
    assert.equal(`${reply.status} ${reply.body}`, '200 <script>');
    assertGated(reply, 'attachment');
    const moved = await alice.get('/stops/x?gone=1');
    assert.equal(moved.status, 302);
    assertLines(moved, LINES);
  });

  await t.test('an error for an oversized or malformed body has the lines of '
    + 'the gate',
    async () => {
      const large = await alice.post('/small/x', { body: '0123456789' });
      assert.equal(large.status, 413);
      assertLines(large, LINES);

      const broken = await raw(gw, [
        'GET /operators/x HTTP/1.1', `Host: acme.localhost:${gw.port}`,
        'Cookie: session=alice', 'Transfer-Encoding: chunked',
        'Connection: close', '', 'zz', ''].join('\r\n'));
      assert.match(broken, /^HTTP\/1.1 400 /);
      for (const [name, value] of Object.entries(LINES)) {
        const line = new RegExp(`\r\n${name}: (.*)\r\n`, 'gi');
        assert.deepEqual([...broken.matchAll(line)].map(([, one]) => one),
                         [value], name);
      }
    });

  await t.test('an error before any location has no lines of the gate',
    async () => {
      const long = await rawGet(gw, `/up/${'x'.repeat(40000)}`);
      assert.match(long, /^HTTP\/1.1 414 /);
      assert.doesNotMatch(long, /sandbox|nosniff/);
    });

  await t.test('a reply over HTTP/2 has the lines of the gate', async () => {
    answer({ ...THEIRS, ...PASSING, 'Content-Type': 'text/html' });
    const session = http2.connect(`https://localhost:${port2}`, {
      ca: gw.caText, servername: 'acme.localhost' });
    const stream = session.request({ ':path': '/operators/x',
                                     ':authority': 'acme.localhost',
                                     'cookie': 'session=alice' });
    const headers = await new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (_, __, lines) => resolve(lines));
    });
    stream.resume();
    session.close();
    const reply = { rawHeaders: headers };
    assertGated(reply, 'attachment');
    for (const name of ['link', 'refresh', 'access-control-allow-origin']) {
      assert.deepEqual(valuesOf(reply, name), [], name);
    }
  });

  // Pages that another location than the proxied one serves.

  for (const [status, where] of [[401, `${BASE}/metadata${PROXIED}`],
                                 [403, '/errors/x'], [404, '/errors/x']]) {
    await t.test('a page fetched by error_page has no lines of the gate: '
      + `${status}`,
      async () => {
        answer({ ...THEIRS, 'Content-Type': 'text/html' }, '<x>', status);
        const reply = await alice.get(where);
        assert.equal(reply.status, status);
        assertUntouched(reply, 'app \n');
        assert.deepEqual(valuesOf(reply, 'www-authenticate'), []);
      });
  }

  await t.test('a page of a fallback location has no lines of the '
    + 'gate', async () => {
    answer({ ...THEIRS }, '<x>', 502);
    for (const target of ['/errors/x', '/dead/x', '/tried/x']) {
      const reply = await alice.get(target);
      assert.equal(reply.status, 200);
      assertUntouched(reply, 'fallback');
    }
  });

  await t.test('a login page has no lines of the gate', async () => {
    const reply = await gw.visitor().get('/private/fhir/x');
    assertUntouched(reply, 'login');
  });

  await t.test('a redirect made by error_page has the lines of the '
    + 'gate', async () => {
    answer({ ...THEIRS }, '<x>', 500);
    const reply = await alice.get('/errors/x');
    assert.equal(reply.status, 303);
    assert.equal(reply.headers.location, 'https://login.example/');
    assertLines(reply, LINES);
  });

  // The gateway's other locations.

  for (const [name, options, status] of [
    ['status', {}, 200], ['status', { method: 'POST' }, 405],
    ['counters', {}, 200], ['disconnect', {}, 405],
    ['disconnect', { method: 'POST' }, 403], ['connect', {}, 302],
    ['connect', { method: 'POST' }, 405],
  ]) {
    await t.test(`a reply of ${name} has nosniff and no-store once: ${status}`,
      async () => {
        const reply = await alice.request(`/mine/${name}`, options);
        assert.equal(reply.status, status);
        assertLines(reply, STORED);
      });
  }

  await t.test('a page of a dance has its own '
    + 'Content-Security-Policy', async () => {
    const reply = await alice.post('/cigna/connect');
    assertLines(reply, STORED);
    const [policy] = valuesOf(reply, 'content-security-policy');
    assert.match(policy, /style-src 'sha256-/);
    assert.equal(valuesOf(reply, 'content-security-policy').length, 1);
  });
});
