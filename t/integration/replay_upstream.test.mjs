// Replays after a 401, for all kinds of upstreams, connections and callers.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { assertRefused, assertServed, connected, logged, raw, rawGet,
         refreshCount } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort, until } from '../lib/scratch.mjs';

const LOG_FORMAT = '"$request" $status source=$cigna_token_source '
  + 'outcome=$cigna_outcome upstream="$upstream_status"';

const CHALLENGE = {
  'WWW-Authenticate': 'Bearer realm="first", error="invalid_token"',
  'Content-Type': 'text/x-first',
  'Set-Cookie': 'first=1',
  'Cache-Control': 'max-age=600',
  'Retry-After': '77',
  'Location': 'https://elsewhere.example/first',
  'Last-Modified': 'Sat, 21 Nov 2026 00:00:00 GMT',
  'ETag': '"first"',
  'X-First': 'first',
  'X-Accel-Redirect': '/app',
  'X-Accel-Limit-Rate': '1',
  'X-Accel-Buffering': 'no',
  'X-Accel-Charset': 'koi8-r',
};

// Forms of a 401: [whether its connection can be reused, the reply].
const REFUSALS = {
  'with a length': [true, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 9 });
    response.end('{"first"}');
  }],
  'with an empty body': [true, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 0 });
    response.end();
  }],
  'in chunks': [true, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Trailer': 'X-Trailer',
                              'Transfer-Encoding': 'chunked' });
    response.write('{"f');
    response.addTrailers({ 'X-Trailer': 'first' });
    response.end('irst"}');
  }],
  'that closes': [false, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 9,
                              'Connection': 'close' });
    response.end('{"first"}');
  }],
  'larger than a buffer': [false, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 1 << 20 });
    response.end('{"first"}'.padEnd(1 << 20));
  }],
  'whose body is late': [false, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 9 });
    response.write('{"fir');
    setTimeout(() => response.end('st"}'), 100);
  }],
  'whose chunks are late': [false, (response) => {
    response.writeHead(401, CHALLENGE);
    response.write('{"first 0\r\n\r\n');
    setTimeout(() => response.end('"}'), 100);
  }],
  'without a length': [false, (response) => {
    response.socket.end('HTTP/1.1 401 No\r\n\r\n{"first"}');
  }],
  'of HTTP/1.0': [false, (response) => {
    response.socket.end('HTTP/1.0 401\r\nContent-Length: 9\r\n\r\n{"first"}');
  }],
  'that is cut': [false, (response) => {
    response.writeHead(401, { ...CHALLENGE, 'Content-Length': 9 });
    response.write('{"fi', () => response.socket.destroy());
  }],
};

const locations = (fhir, other) => [
  fhir.location('/plain/'),
  fhir.location('/kept/', { to: 'https://kept', lines: [
    'proxy_http_version 1.1;', 'proxy_set_header Connection "";'] }),
  fhir.location('/unbuffered/', { lines: [
    'proxy_http_version 1.1;', 'proxy_buffering off;'] }),
  fhir.location('/streamed/', { lines: [
    'proxy_http_version 1.1;', 'proxy_request_buffering off;'] }),
  fhir.location('/body/', { lines: ['proxy_set_body "";'] }),
  fhir.location('/two/', { to: 'https://two' }),
  fhir.location('/variable/', { lines: [
    'set $where 127.0.0.1;'], to: `https://$where:${fhir.port}` }),
  fhir.location('/patient/', { lines: ['proxy_ignore_client_abort on;'] }),
  fhir.location('/intercepted/', { lines: [
    'proxy_intercept_errors on;', 'error_page 401 503 = @other;'] }),
  fhir.location('/uncached/', { fhir: 'on cache=off' }),
  fhir.location('/mirrored/', { lines: ['mirror /other/mirror;'] }),
  other.location('/other/', { fhir: false }),
  other.location('@other', { fhir: false }),
].join('\n');

const times = (n, make) => Promise.all(Array.from({ length: n },
                                                  (_, i) => make(i)));

test('replayed requests', async (t) => {
  const fhir = await startRecorder(t);
  const second = await startRecorder(t, { ca: fhir.ca });
  const other = await startRecorder(t, { ca: fhir.ca });
  const port2 = await freePort();
  const gw = await standardGateway(t, {
    nginx: { workers: 2, logFormat: LOG_FORMAT },
    tenant: { connect_timeout: '1s', timeout: '1s', exchange_timeout: '1s' },
    listen: 'reuseport',
    http: `
    upstream kept { server 127.0.0.1:${fhir.port}; keepalive 4; }
    upstream two {
        server 127.0.0.1:${second.port};
        server 127.0.0.1:${fhir.port};
    }`,
    server: { listen: `127.0.0.1:${port2} ssl http2` },
    locations: locations(fhir, other),
  });
  const { control } = gw.sandbox;
  let alice;
  const connect = gw.url('acme', '/cigna/connect');

  // tokens that the upstreams refuse, and the form of the refusal
  const dead = new Set();
  let current;
  let refuse = REFUSALS['with a length'][1];
  let answer = (response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end('{"resourceType":"Bundle"}');
  };
  const usual = answer;
  for (const recorder of [fhir, second]) {
    recorder.otherwise = (request, response, { authorizations: [one] }) => {
      if (request.url.endsWith('/never')) {
        refuse(response);
        return;
      }
      current = one;
      (dead.has(one) ? refuse : answer)(response);
    };
  }
  // returns the result of act(), the requests that arrived meanwhile, and the
  // number of refreshes
  const round = async (act) => {
    fhir.take();
    second.take();
    const before = await refreshCount(gw);
    const result = await act();
    return { result, seen: [...second.take(), ...fhir.take()],
             refreshed: await refreshCount(gw) - before };
  };
  // connects a member, whose token the upstream refuses from now on
  const doomed = async (options, target = '/plain/x') => {
    const visitor = await connected(gw, options);
    assertServed(await visitor.get(target));
    dead.add(current);
    return visitor;
  };
  const kill = async (target) => {
    alice = await doomed({ member: 'alice' }, target);
  };
  const assertReplayed = ({ result, seen, refreshed }) => {
    assertServed(result);
    assert.equal(refreshed, 1);
    assert.equal(seen.length, 2);
    const [first, again] = seen.map(({ authorizations }) => authorizations);
    assert.deepEqual([first.length, again.length], [1, 1]);
    assert.notEqual(first[0], again[0]);
    const rest = ({ lines }) => lines.filter(([name]) =>
      name !== 'Authorization');
    assert.deepEqual(rest(seen[0]), rest(seen[1]));
  };

  await t.test('nothing of the first reply is seen, and its X-Accel lines have '
    + 'no effect', async () => {
    await kill();
    const done = await round(() => alice.get('/plain/x?hygiene'));
    assertReplayed(done);
    assert.doesNotMatch(JSON.stringify(done.result.rawHeaders), /first|koi8/i);
    assert.equal(done.result.headers['retry-after'], undefined);
    assert.match((await logged(gw, '/plain/x?hygiene')).line,
                 /upstream="401 : 200"/);
  });

  for (const [what, [stays, way]] of Object.entries(REFUSALS)) {
    await t.test(`after a 401 ${what} the connection `
      + `${stays ? 'is reused' : 'is closed'}, and no caller gets the rest of `
      + 'the 401',
    async () => {
      await kill('/kept/x');
      refuse = way;
      const done = await round(() => alice.get('/kept/x'));
      const later = await round(() => times(4, () => alice.get('/kept/y')));
      refuse = REFUSALS['with a length'][1];

      assertReplayed(done);
      const [first, again] = done.seen.map(({ connection }) => connection);
      assert.equal(first === again, stays);
      for (const reply of later.result) {
        assertServed(reply);
        assert.equal(reply.body, '{"resourceType":"Bundle"}');
      }
      if (!stays) {
        assert.ok(later.seen.every(({ connection }) => connection !== first));
      }
    });
  }

  await t.test('the connection is reused after a 401 to HEAD', async () => {
    await kill('/kept/x');
    const done = await round(() => alice.request('/kept/x',
                                                 { method: 'HEAD' }));
    assertReplayed(done);
    assert.deepEqual(done.seen.map(({ method }) => method), ['HEAD', 'HEAD']);
    assert.equal(done.seen[0].connection, done.seen[1].connection);
  });

  for (const location of ['unbuffered', 'streamed', 'body', 'variable',
                          'patient', 'intercepted', 'mirrored', 'uncached']) {
    await t.test(`a 401 is replayed in location /${location}/`, async () => {
      await kill();
      assertReplayed(await round(() => alice.get(`/${location}/x`)));
    });
  }

  await t.test('one refresh serves many requests without a cache', async () => {
    await kill('/uncached/x');
    const { result, refreshed } = await round(() => times(30, () =>
      alice.get('/uncached/x')));
    result.forEach(assertServed);
    assert.equal(refreshed, 1);
  });

  await t.test('a large reply arrives whole, with and without '
    + 'buffering', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(3 << 20) });
    answer = (response) => response.end(body);
    for (const location of ['plain', 'unbuffered']) {
      await kill();
      const { result } = await round(() => alice.get(`/${location}/x`));
      assert.equal(result.body, body);
    }
    answer = usual;
  });

  await t.test('a request with an empty chunked body is replayed', async () => {
    await kill();
    const { result, seen } = await round(() => raw(gw,
      'GET /plain/x HTTP/1.1\r\nHost: acme.localhost\r\n'
      + 'Cookie: session=alice\r\nConnection: close\r\n'
      + 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'));
    assert.match(result, /^HTTP\/1\.1 200 /);
    assert.equal(seen.length, 2);
  });

  for (const location of ['plain', 'streamed']) {
    await t.test('a request with a body is replayed, and its body never leaves '
      + `(${location})`, async () => {
      await kill();
      const { result, seen } = await round(() => alice.request(
        `/${location}/x`, { body: 'abc', headers: { 'Content-Length': 3 } }));
      assertServed(result);
      assert.deepEqual(seen.map(({ body }) => body), ['', '']);
    });
  }

  await t.test('a 401 of a second server is replayed after the first server '
    + 'has failed', async () => {
    await kill();
    second.otherwise = (request) => request.socket.destroy();
    const { result, refreshed } = await round(() => alice.get('/two/x?both'));
    assertServed(result);
    assert.equal(refreshed, 1);
    assert.match((await logged(gw, '/two/x?both')).line,
                 /upstream="(502, 401 : 200|401 : 502, 200)"/);
    second.otherwise = fhir.otherwise;
  });

  await t.test('a 401 does not mark a server as down', async () => {
    for (let n = 0; n < 4; n += 1) {
      await kill();
      assertReplayed(await round(() => alice.get('/two/x')));
    }
    fhir.take();
    second.take();
    await times(16, () => alice.get('/two/x'));
    assert.equal(fhir.requests.length + second.requests.length, 16);
    assert.ok(fhir.requests.length && second.requests.length);
  });

  await t.test('a second 401 gets the gateway\'s own reply, which error_page '
    + 'does not intercept', async () => {
    other.take();
    for (const location of ['plain', 'unbuffered', 'intercepted', 'kept']) {
      await kill();
      answer = refuse;
      const { result, seen } = await round(() =>
        alice.get(`/${location}/x?again`));
      assertRefused(result, 401, 'grant_refused', { connect, code: 'login' });
      assert.doesNotMatch(JSON.stringify([result.rawHeaders, result.body]),
                          /first/);
      assert.equal(seen.length, 2);
      answer = usual;
    }
    assert.deepEqual(other.take(), []);
    // the token stays in use: perhaps the FHIR server refused only the requests
    // above
    assertServed(await alice.get('/plain/x'));
  });

  await t.test('a replay may fail like any other request', async () => {
    const says = (status) => (response) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end('{}');
    };
    for (const [way, status, condition] of [
      [(response) => response.socket.destroy(), 502, 'upstream_unreachable'],
      [says(404), 404],
      [says(500), 500],
    ]) {
      await kill();
      answer = way;
      const { result, seen } = await round(() => alice.get('/plain/x'));
      answer = usual;
      assert.equal(seen.length, 2);
      if (condition) {
        assertRefused(result, status, condition);
      } else {
        assert.deepEqual([result.status, result.body], [status, '{}']);
      }
    }
  });

  await t.test('an address that refuses every token does not end the token for '
    + 'other addresses', async () => {
    await kill();
    assertServed(await alice.get('/plain/x'));
    const { result, refreshed } = await round(() => times(60, (i) =>
      alice.get(`/plain/${i % 3 ? 'x' : 'never'}`)));

    result.forEach((reply, i) => {
      if (i % 3) {
        assertServed(reply);
      } else {
        assertRefused(reply, 401, 'grant_refused', { connect });
      }
    });
    assert.equal(refreshed, 0);
  });

  await t.test('many streams of one HTTP/2 connection are replayed after one '
    + 'refresh', async () => {
    await kill();
    const client = http2.connect(`https://localhost:${port2}`, {
      ca: gw.caText, servername: 'acme.localhost' });
    const { result, refreshed } = await round(() => times(60, () =>
      new Promise((resolve, reject) => {
        const stream = client.request({
          ':path': '/plain/x', 'cookie': 'session=alice',
          ':authority': `acme.localhost:${port2}` });
        let status;
        let body = '';
        stream.on('response', (headers) => { status = headers[':status']; });
        stream.on('data', (more) => { body += more; });
        stream.on('error', reject);
        stream.on('end', () => resolve(`${status} ${body}`));
        stream.end();
      })));
    client.close();
    assert.deepEqual([...new Set(result)], ['200 {"resourceType":"Bundle"}']);
    assert.equal(refreshed, 1);
  });

  await t.test('pipelined requests are answered in order', async () => {
    await kill();
    answer = (response) => response.end(response.req.url);
    const order = [1, 2, 3, 4, 5];
    const { result } = await round(() => raw(gw, order.map((n) =>
      `GET /plain/n-${n} HTTP/1.1\r\nHost: acme.localhost\r\n`
      + `Cookie: session=alice\r\n${
        n === 5 ? 'Connection: close\r\n' : ''}\r\n`).join('')));
    answer = usual;
    assert.deepEqual(result.match(/n-\d/g), order.map((n) => `n-${n}`));
    assert.equal(result.match(/HTTP\/1.1 200 OK/g).length, 5);
  });

  await t.test('a slow reader gets all of the final reply', async () => {
    await kill();
    const body = 'x'.repeat(2 << 20);
    answer = (response) => response.end(body);
    const socket = tls.connect({ port: gw.port, host: '127.0.0.1',
                                 ca: gw.caText,
                                 servername: 'acme.localhost' });
    socket.write('GET /plain/x HTTP/1.1\r\nHost: acme.localhost\r\n'
      + 'Cookie: session=alice\r\nConnection: close\r\n\r\n');
    let length = 0;
    let paused = 0;
    for await (const chunk of socket) {
      length += chunk.length;
      if (paused < 20) {
        paused += 1;
        await sleep(20);
      }
    }
    answer = usual;
    assert.ok(length > body.length);
  });

  await t.test('a caller who leaves during the refresh does not end it',
    async () => {
      await kill();
      await control.set({ token_delay_ms: 300 });
      const before = await refreshCount(gw);
      const left = new AbortController();
      const asked = alice.get('/plain/x?left', { signal: left.signal });
      await sleep(150);
      left.abort();
      await assert.rejects(asked);
      assert.match((await logged(gw, '/plain/x?left')).line, / 499 /);
      await control.set({ token_delay_ms: 0 });

      assertServed(await alice.get('/plain/x'));
      assert.equal(await refreshCount(gw), before + 1);
    });

  await t.test('a waiting request is served during a reload', async () => {
    await kill();
    await control.set({ token_delay_ms: 600 });
    const asked = alice.get('/plain/x');
    await sleep(200);
    const reloaded = gw.reload();
    assertServed(await asked);
    await control.set({ token_delay_ms: 0 });
    alice.client.close();
    await reloaded;
    assertServed(await alice.get('/plain/x'));
  });

  await t.test('callers may come and go at random while tokens are refused',
    async () => {
      const members = [];
      for (let n = 0; n < 16; n += 1) {
        members.push({ visitor: await doomed({ member: `m-${n}` }),
                       token: current });
        dead.delete(current);
      }
      const end = Date.now() + 4000;
      let served = 0;
      const killer = (async () => {
        for (const { token } of members) {
          await sleep(200);
          dead.add(token);
        }
      })();
      const one = async (i) => {
        while (Date.now() < end) {
          const gone = new AbortController();
          const timer = i % 3
            && setTimeout(() => gone.abort(), Math.random() * 60);
          const { visitor } = members[Math.floor(Math.random() * 16)];
          await visitor.get(i % 2 ? '/kept/x' : '/unbuffered/x',
                            { signal: gone.signal })
            .then((reply) => { served += reply.status === 200; }, () => {});
          clearTimeout(timer);
          await sleep(i % 3 && 10);
        }
      };
      await Promise.all([killer, ...Array.from({ length: 9 },
                                               (_, i) => one(i))]);
      assert.ok(served > 10, `${served}`);
      for (const { visitor } of members) {
        assertServed(await visitor.get('/plain/x'));
      }
      assert.equal((await control.see()).token.reuse, 0);
    });

  await t.test('callers may close whole connections while tokens are '
    + 'refused', async () => {
    for (let n = 0; n < 60; n += 1) {
      if (n % 10 === 0) {
        await kill();
      }
      const socket = tls.connect({ port: n % 2 ? gw.port : port2,
                                   host: '127.0.0.1', ca: gw.caText,
                                   servername: 'acme.localhost' });
      socket.on('error', () => {});
      socket.write('GET /plain/x HTTP/1.1\r\nHost: acme.localhost\r\n'
        + 'Cookie: session=alice\r\n\r\n');
      await sleep(Math.random() * 40);
      socket.destroy();
    }
    await until('the member is served', async () =>
      /^HTTP\/1\.1 200/.test(await rawGet(gw, '/plain/x')));
  });
});
