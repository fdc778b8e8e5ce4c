// Requests to Cigna.  Each has exactly one token, and only harmless lines of
// the caller.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertServed, connected, raw, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';

const BEARER = /^Bearer MARKs[\w-]{15}$/;

const STRANGE = [
  ['no Authorization', []],
  ['an Authorization', ['Authorization: Bearer of-the-caller']],
  ['two Authorizations', ['Authorization: Bearer of-the-caller',
                          'Authorization: Bearer b']],
  ['a Basic Authorization', ['Authorization: Basic b2YtdGhlLWNhbGxlcg==']],
  ['an Authorization in odd case', ['aUTHORIZATIOn: Bearer of-the-caller']],
  ['an empty Authorization', ['Authorization:']],
  ['an Authorization with tabs', ['Authorization:\t\tBearer of-the-caller']],
  ['a Proxy-Authorization', [
    'Proxy-Authorization: Basic b2YtdGhlLWNhbGxlcg==']],
  ['an Authorization named in Connection', [
    'Connection: authorization', 'Authorization: Bearer of-the-caller']],
  ['an Authorization with an underscore', ['Author_ization: of-the-caller']],
  ['an Authorization with a space before its colon', [
    'Authorization : of-the-caller']],
  ['a folded Authorization', ['Authorization: Bearer', ' of-the-caller']],
];

const NEVER = {
  'Cookie': 'secret=of-the-caller',
  'X-Forwarded-For': '192.0.2.1',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-User': 'bob',
  'Forwarded': 'for=192.0.2.1',
  'X-Real-IP': '192.0.2.1',
  'True-Client-IP': '192.0.2.1',
  'X-Member': 'bob',
  'X-Anything': 'at all',
  'X-HTTP-Method-Override': 'DELETE',
  'Origin': 'https://evil.example',
  'Referer': 'https://acme.example/members/alice',
  'TE': 'trailers',
  'Upgrade': 'websocket',
  'Expect-CT': 'x',
};

const PASSING = {
  'Accept': 'application/fhir+json',
  'Accept-Language': 'es',
  'Accept-Charset': 'utf-8',
  'If-None-Match': 'W/"3"',
  'If-Modified-Since': 'Sat, 21 Nov 2026 00:00:00 GMT',
  'Prefer': 'handling=strict',
  'User-Agent': 'app/1',
  'X-Request-Id': 'a-1',
  'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

test('requests to Cigna', async (t) => {
  const recorder = await startRecorder(t);
  const second = await startRecorder(t, { ca: recorder.ca });
  const gw = await standardGateway(t, {
    http: `
    upstream kept { server 127.0.0.1:${recorder.port}; keepalive 4; }
    upstream two {
        server 127.0.0.1:${recorder.port};
        server 127.0.0.1:${second.port} backup;
    }`,
    locations: [
      recorder.location('/rec/'),
      recorder.location(`${BASE}/`),
      recorder.location('/based/', {
        to: `https://127.0.0.1:${recorder.port}${BASE}/a/b/` }),
      recorder.location('/zero/', { lines: ['proxy_http_version 1.0;'] }),
      recorder.location('/one/', { lines: ['proxy_http_version 1.1;'] }),
      recorder.location('/set/', { lines: [
        'proxy_set_header X-App "from the operator";',
        'proxy_set_header Authorization "Basic b3BlcmF0b3I=";',
        'proxy_set_header Cookie "of=operator";'] }),
      recorder.location('/kept/', { to: 'https://kept', lines: [
        'proxy_http_version 1.1;', 'proxy_set_header Connection "";'] }),
      recorder.location('/two/', { to: 'https://two', lines: [
        'proxy_next_upstream error timeout;'] }),
      recorder.location('/unbuffered/', { lines: [
        'proxy_http_version 1.1;', 'proxy_request_buffering off;',
        'proxy_buffering off;'] }),
      recorder.location('/body/', { lines: ['proxy_set_body "";'] }),
      recorder.location('/no-body/', { lines: [
        'proxy_pass_request_body off;',
        'proxy_set_header Content-Length "";'] }),
      recorder.location('/post/', { lines: ['proxy_method POST;'] }),
    ].join('\n'),
  });
  const alice = await connected(gw);
  const bob = await connected(gw, { member: 'bob',
                                    username: 'syntheticuser03' });

  for (const [what, lines] of STRANGE) {
    await t.test(`a request with ${what} leaves with one Authorization, the `
      + 'gateway\'s',
      async () => {
        const reply = await rawGet(gw, '/rec/Patient', lines);
        const seen = recorder.take();

        if (/^HTTP\/1\.1 400 /.test(reply)) {
          assert.deepEqual(seen, []);
          return;
        }
        assert.match(reply, /^HTTP\/1\.1 200 /);
        assert.equal(seen.length, 1);
        assert.equal(seen[0].authorizations.length, 1);
        assert.match(seen[0].authorizations[0], BEARER);
        assert.doesNotMatch(JSON.stringify(seen), /of-the-caller/);
      });
  }

  for (const [name, value] of Object.entries(NEVER)) {
    await t.test(`a caller's ${name} line is dropped`, async () => {
      assertServed(await alice.get('/rec/Patient', {
        headers: { Cookie: 'session=alice', [name]: `${value}`
          + `${name === 'Cookie' ? '; session=alice' : ''}` } }));
      const [seen] = recorder.take();

      assert.ok(!seen.names.includes(name.toLowerCase()), `${seen.names}`);
      assert.equal(seen.authorizations.length, 1);
    });
  }

  await t.test('harmless lines of the caller pass unchanged', async () => {
    assertServed(await alice.get('/rec/Patient', { headers: PASSING }));
    const [{ headers }] = recorder.take();

    for (const [name, value] of Object.entries(PASSING)) {
      assert.equal(headers[name.toLowerCase()], value);
    }
  });

  await t.test('the operator\'s lines are sent, except Authorization and '
    + 'Cookie', async () => {
    assertServed(await alice.get('/set/Patient'));
    const [seen] = recorder.take();

    assert.equal(seen.headers['x-app'], 'from the operator');
    assert.match(seen.authorizations.join(), BEARER);
    assert.ok(!seen.names.includes('cookie'));
  });

  await t.test('the caller\'s path and query arrive byte for byte',
    async () => {
      const target = `${BASE}/a%2cb/%7euser/$everything?_getpages=1%2f2&a=+%20b`
        + '&&x;y=%00%ff&q=\'"|<>&_count=10&empty=&=&%zz';
      const reply = await rawGet(gw, target);

      assert.match(reply, /^HTTP\/1\.1 200 /);
      assert.equal(recorder.take()[0].url, target);
    });

  await t.test('the base path of proxy_pass replaces the location',
    async () => {
      assertServed(await alice.get('/based/Patient?_id=1%2C2'));
      assert.equal(recorder.take()[0].url, `${BASE}/a/b/Patient?_id=1%2C2`);
    });

  for (const [location, version] of [['zero', '1.0'], ['one', '1.1']]) {
    await t.test(`proxy_http_version ${version} applies to the request`,
      async () => {
        assertServed(await alice.get(`/${location}/Patient`));
        const [seen] = recorder.take();
        assert.equal(seen.version, version);
        assert.match(seen.authorizations.join(), BEARER);
      });
  }

  for (const [framing, bytes] of Object.entries({
    'a length': `Content-Length: 5\r\n\r\nabcde`,
    '900 KiB': `Content-Length: ${900 << 10}\r\n\r\n${'x'.repeat(900 << 10)}`,
    'Expect': 'Content-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde',
    'chunks': 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n'
      + '0\r\n\r\n',
    'a request in it': 'Content-Length: 26\r\n\r\n'
      + 'GET /evil HTTP/1.1\r\nX: y\r\n',
  })) {
    for (const location of ['rec', 'one', 'kept', 'unbuffered', 'no-body',
                            'body']) {
      await t.test('the body of a GET is not sent, and the connection stays '
        + `usable (${framing}, ${location})`, async () => {
        const head = (path) => `GET /${location}/${path} HTTP/1.1\r\n`
          + 'Host: acme.localhost\r\nCookie: session=alice\r\n';
        const reply = await raw(gw, `${head('first')}${bytes}${head('second')}`
          + 'Connection: close\r\n\r\n');

        assert.equal(reply.match(/HTTP\/1\.1 200 /g)?.length, 2, reply);
        const seen = recorder.take();
        assert.deepEqual(seen.map(({ url }) => url),
                         [`/${location}/first`, `/${location}/second`]);
        for (const { body, names, authorizations } of seen) {
          assert.equal(body, '');
          assert.match(authorizations.join(), BEARER);
          for (const name of ['content-length', 'transfer-encoding', 'expect',
                              'cookie']) {
            assert.ok(!names.includes(name), name);
          }
        }
      });
    }
  }

  await t.test('members on one keepalive connection each have their own token',
    async () => {
      for (const visitor of [alice, bob, alice, bob]) {
        assertServed(await visitor.get('/kept/Patient'));
      }
      const seen = recorder.take();
      const tokens = seen.map(({ authorizations }) => authorizations.join());

      assert.equal(new Set(seen.map(({ connection }) => connection)).size, 1);
      assert.deepEqual(tokens, [tokens[0], tokens[1], tokens[0], tokens[1]]);
      assert.notEqual(tokens[0], tokens[1]);
    });

  await t.test('a request retried at another server has one token',
    async () => {
      recorder.on('/two/Patient', (request) => request.socket.destroy());
      assertServed(await alice.get('/two/Patient'));

      const seen = [...recorder.take(), ...second.take()];
      assert.equal(seen.length, 2);
      for (const { authorizations } of seen) {
        assert.equal(authorizations.length, 1);
        assert.match(authorizations[0], BEARER);
      }
    });

  await t.test('a request that proxy_method turns into a POST gets no token',
    async () => {
      const { status } = await alice.get('/post/Patient');
      assert.equal(status, 500);
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('a token of 4 KB passes', async () => {
    await gw.sandbox.control.set({ access_token: 'jwt' });
    const carol = await connected(gw, { member: 'carol' });
    assertServed(await carol.get('/rec/Patient'));
    assertServed(await carol.get('/fhir/Patient'));

    const [{ authorizations }] = recorder.take();
    assert.match(authorizations.join(), /^Bearer eyJ[\w.-]{3000,}$/);
  });
});
