// "POST <type>/_search", which leaves as the equivalent GET.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../lib/client.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused, assertServed, connected, logged, raw } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';

const FORM = 'application/x-www-form-urlencoded';
const MAX = 16384;

const CONDITIONAL = {
  'If-None-Match': 'W/"1"',
  'If-Modified-Since': 'Sat, 21 Nov 2026 00:00:00 GMT',
  'If-Range': '"1"', 'Range': 'bytes=0-1',
};

// [query of the POST, its body, the query that arrives]
const QUERIES = [
  ['', 'name=a', 'name=a'],
  ['?_count=5', 'name=a&name=b', '_count=5&name=a&name=b'],
  ['?_count=5', '', '_count=5'],
  ['', '', ''],
  ['', 'code=http://loinc.org|1-2', 'code=http%3A%2F%2Floinc.org%7C1-2'],
  ['?a=+b', 'c=%C3%A4+d&e', 'a=%20b&c=%C3%A4%20d&e'],
  ['', '&&x=&&y=1&', 'x=&y=1'],
  ['', 'q=%26%3D%23%3F%25%2B', 'q=%26%3D%23%3F%25%2B'],
];

test('searches by POST', async (t) => {
  const recorder = await startRecorder(t);
  const second = await startRecorder(t, { ca: recorder.ca });
  const app = await startRecorder(t, { plain: true });
  const gw = await standardGateway(t, {
    http: `
    upstream kept { server 127.0.0.1:${recorder.port}; keepalive 1; }
    upstream two {
        server 127.0.0.1:${recorder.port};
        server 127.0.0.1:${second.port} backup;
    }
    upstream none { server 127.0.0.1:${second.port} down; }
    cigna_budget;`,
    listen: 'http2',
    tenants: { globex: { resource_types: 'Patient',
                         member_budget: 'rate=2r/m burst=4' } },
    locations: [
      recorder.location('/rec/'),
      recorder.location('/kept/', { to: 'https://kept', lines: [
        'proxy_http_version 1.1;', 'proxy_set_header Connection "";'] }),
      recorder.location('/two/', { to: 'https://two' }),
      recorder.location('/none/', { to: 'https://none', lines: [
        'error_page 502 = @app;'] }),
      recorder.location('/small/', { lines: [
        'client_body_buffer_size 1k;', 'client_body_in_file_only on;'] }),
      recorder.location('/unbuffered/', { lines: [
        'proxy_http_version 1.1;', 'proxy_request_buffering off;'] }),
      recorder.location('/limited/', { lines: ['client_max_body_size 1k;'] }),
      `location @app { proxy_pass http://127.0.0.1:${app.port}; }`,
    ].join('\n'),
    nginx: { allow: [/no live upstreams/] },
  });
  const alice = await connected(gw);
  const search = (target, body, headers = {}, visitor = alice) =>
    visitor.request(target, { method: 'POST', body, headers: {
      'Content-Type': FORM, 'Content-Length': String(Buffer.byteLength(body)),
      ...headers } });
  // returns the only request that has arrived
  const one = () => {
    const seen = recorder.take();
    assert.equal(seen.length, 1, JSON.stringify(seen));
    return seen[0];
  };
  const bodyFiles = () => readdirSync(
    path.join(gw.nginx.directory, 'temp', 'client_body'), { recursive: true });

  for (const [query, body, wanted] of QUERIES) {
    await t.test(`query "${query}" and body "${body}" leave as `
      + `"${wanted}"`, async () => {
      assertServed(await search(`/rec/Patient/_search${query}`, body));
      const { method, url, body: sent, names, authorizations } = one();
      assert.equal(method, 'GET');
      assert.equal(url, `/rec/Patient${wanted && `?${wanted}`}`);
      assert.equal(sent, '');
      assert.equal(authorizations.length, 1);
      for (const name of ['content-type', 'content-length', 'cookie']) {
        assert.ok(!names.includes(name), name);
      }
    });
  }

  await t.test('conditional and range lines are dropped',
    async () => {
      assertServed(await search('/rec/Patient/_search', 'a=b', {
        ...CONDITIONAL, Accept: 'application/fhir+json' }));
      const { names, headers } = one();
      for (const name of Object.keys(CONDITIONAL)) {
        assert.ok(!names.includes(name.toLowerCase()), name);
      }
      assert.equal(headers.accept, 'application/fhir+json');
    });

  await t.test('a reply is whole, also for a conditional or range '
    + 'request', async () => {
    recorder.on('/rec/Patient', (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/fhir+json',
                                'ETag': '"1"', 'Accept-Ranges': 'bytes' });
      response.end('{"resourceType":"Bundle"}');
    });
    const reply = await search('/rec/Patient/_search', 'a=b', {
      'If-None-Match': '"1"', 'Range': 'bytes=0-1' });
    assert.equal(reply.status, 200);
    assert.equal(reply.json().resourceType, 'Bundle');
    recorder.take();
  });

  await t.test('other POSTs and other methods get 405',
    async () => {
      for (const target of ['/rec/Patient', '/rec/_search', '/rec/Patient/1',
                            '/rec/Patient/_search/1', '/rec/patient/_search',
                            '/rec/', '/rec/Patient/$everything']) {
        const reply = await search(target, 'a=b');
        assertRefused(reply, 405, 'method_refused');
        assert.equal(reply.headers.allow, 'GET, HEAD');
      }
      for (const method of ['PUT', 'PATCH', 'DELETE']) {
        assertRefused(await alice.request('/rec/Patient/_search', { method }),
                      405, 'method_refused');
      }
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('a body of another media type gets 415', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data',
                        `${FORM}x`, `${FORM};charset=latin1`, '']) {
      assertRefused(await search('/rec/Patient/_search', 'a=b',
                                 { 'Content-Type': type }), 415,
                    'media_type_refused', { code: 'not-supported' });
    }
    assertRefused(await search('/rec/Patient/_search', 'a=b',
                               { 'Content-Encoding': 'gzip' }), 415,
                  'media_type_refused', { code: 'not-supported' });
    for (const type of [FORM.toUpperCase(), `${FORM}; charset=UTF-8`]) {
      assertServed(await search('/rec/Patient/_search', 'a=b',
                                { 'Content-Type': type }));
    }
    assert.equal(recorder.take().length, 2);
  });

  await t.test('a malformed form gets 400', async () => {
    for (const body of ['a=%zz', 'a=%2', 'a=%00', 'a=%0d%0ab', 'a=%ff',
                        'a=\r\nb']) {
      assertRefused(await search('/rec/Patient/_search', body), 400,
                    'request_malformed');
    }
    assert.deepEqual(recorder.take(), []);
  });

  for (const location of ['rec', 'kept', 'unbuffered', 'small']) {
    for (const framing of ['length', 'chunked']) {
      for (const length of [MAX, MAX + 1]) {
        await t.test(`the size limit holds for a body of ${length} bytes, `
          + `${framing} (${location})`,
          async () => {
            const body = `a=${'x'.repeat(length - 2)}`;
            const reply = await alice.request(`/${location}/Patient/_search`, {
              method: 'POST', body, headers: { 'Content-Type': FORM,
                ...(framing === 'length' && { 'Content-Length': length }) } });
            if (length > MAX) {
              assertRefused(reply, 413, 'search_too_large',
                            { code: 'too-long' });
              assert.deepEqual(recorder.take(), []);
            } else {
              assertServed(reply);
              assert.equal(one().url, `/${location}/Patient?${body}`);
            }
            assert.deepEqual(bodyFiles().filter((name) => /\d{10}$/.test(name)),
                             []);
          });
      }
    }
  }

  await t.test('a body over client_max_body_size gets 413',
    async () => {
      const reply = await search('/limited/Patient/_search',
                                 `a=${'x'.repeat(2000)}`);
      assertRefused(reply, 413, 'request_refused');
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('a body in small chunks and the next request are both '
    + 'served',
    async () => {
      const head = (line, more) => `${line} HTTP/1.1\r\n`
        + `Host: acme.localhost\r\nCookie: session=alice\r\n${more}\r\n\r\n`;
      const reply = await raw(gw, `${head('POST /kept/Patient/_search',
        `Content-Type: ${FORM}\r\nTransfer-Encoding: chunked`)}`
        + '2\r\na=\r\n1\r\n1\r\n3\r\n&b=\r\n1\r\n2\r\n0\r\n\r\n'
        + head('GET /kept/Coverage', 'Connection: close'));
      assert.equal(reply.match(/HTTP\/1\.1 200 /g)?.length, 2, reply);
      assert.deepEqual(recorder.take().map(({ url }) => url),
                       ['/kept/Patient?a=1&b=2', '/kept/Coverage']);
    });

  await t.test('a caller who leaves during the body sends no '
    + 'search', async () => {
    const before = gw.nginx.accessLog().length;
    await rawRequest({ port: gw.port, ca: gw.caText, timeout: 300,
                       servername: 'acme.localhost' },
                     'POST /rec/Patient/_search HTTP/1.1\r\n'
      + 'Host: acme.localhost\r\nCookie: session=alice\r\n'
      + `Content-Type: ${FORM}\r\nContent-Length: 9\r\n\r\na=1`)
      .catch(() => {});
    await gw.nginx.waitForAccessLog(/Patient\/_search HTTP\/1.1" 400/,
                                    before);
    assert.deepEqual(recorder.take(), []);
  });

  await t.test('a search over HTTP/2 leaves as a GET, with the same size '
    + 'limit', async () => {
    const session = http2.connect(gw.url('acme'), {
      ca: gw.caText, lookup: (_, options, done) => (options.all
        ? done(null, [{ address: '127.0.0.1', family: 4 }])
        : done(null, '127.0.0.1', 4)) });
    const ask = (length, { known = true, slow = false } = {}) =>
      new Promise((resolve, reject) => {
        const body = `a=${'x'.repeat(length - 2)}`;
        const stream = session.request({
          ':method': 'POST', ':path': '/small/Patient/_search',
          'cookie': 'session=alice', 'content-type': FORM,
          ...(known && { 'content-length': length }) });
        stream.on('response', ({ ':status': status }) => {
          stream.resume().on('end', () => resolve(status));
        }).on('error', reject);
        if (slow) {
          stream.write(body.slice(0, 10));
          sleep(100).then(() => stream.end(body.slice(10)));
        } else {
          stream.end(body);
        }
      });
    for (const known of [true, false]) {
      for (const slow of [true, false]) {
        recorder.take();
        assert.equal(await ask(MAX, { known, slow }), 200);
        assert.equal(one().url.length, '/small/Patient?'.length + MAX);
        assert.equal(await ask(MAX + 1, { known, slow }), 413);
        assert.deepEqual(recorder.take(), []);
      }
    }
    assert.deepEqual(bodyFiles().filter((name) => /\d{10}$/.test(name)), []);
    session.close();
  });

  await t.test('a search is retried at another server, as a GET is',
    async () => {
      recorder.on('/two/Patient', (request) => request.socket.destroy());
      assertServed(await search('/two/Patient/_search', 'a=b'));
      const [seen] = second.take();
      assert.equal(`${seen.method} ${seen.url}`,
                   `GET ${BASE}/two/Patient?a=b`);
      assert.equal(seen.body, '');
      recorder.take();
    });

  await t.test('a fallback of the app gets the POST with its body and no token',
    async () => {
      const reply = await search('/none/Patient/_search', 'a=b');
      assert.equal(reply.status, 200);
      const [{ method, url, body, authorizations }] = app.take();
      assert.equal(`${method} ${url} ${body}`,
                   'POST /none/Patient/_search a=b');
      assert.deepEqual(authorizations, []);
    });

  await t.test('a search is replayed after a 401 with another '
    + 'token', async () => {
    await gw.sandbox.control.expire({});
    const before = await countersOf(gw);
    recorder.on('/rec/Observation', (_, response, { authorizations }) => {
      const fresh = recorder.requests.length > 1;
      response.writeHead(fresh ? 200 : 401,
                         { 'Content-Type': 'application/json' });
      response.end(`{"resourceType":"Bundle","id":"${authorizations.length}"}`);
    });
    assertServed(await search('/rec/Observation/_search', 'a=b'));
    const seen = recorder.take();
    assert.deepEqual(seen.map(({ method, url }) => `${method} ${url}`),
                     ['GET /rec/Observation?a=b', 'GET /rec/Observation?a=b']);
    assert.notEqual(seen[0].authorizations[0], seen[1].authorizations[0]);
    assert.equal((await countersOf(gw)).cigna_replays_total.acme,
                 before.cigna_replays_total.acme + 1);
  });

  await t.test('links in the reply lead to the gateway', async () => {
    recorder.on('/rec/Coverage', (_, response) => {
      const url = `${gw.sandbox.info.fhirBase}/rec/Coverage?a=b`;
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ resourceType: 'Bundle',
                                    link: [{ relation: 'self', url }] }));
    });
    const reply = await search('/rec/Coverage/_search', 'a=b');
    assert.equal(reply.json().link[0].url,
                 gw.url('acme', '/rec/Coverage?a=b'));
    recorder.take();
  });

  await t.test('resource_types and budgets apply to the GET that '
    + 'leaves', async () => {
    const bob = await connected(gw, { tenant: 'globex', member: 'bob' });
    assertRefused(await search('/fhir/Observation/_search', 'a=b', {}, bob),
                  403, 'type_refused');
    assertRefused(await search('/fhir/Patient/_search',
                               '_include=Patient:organization:Organization', {},
                               bob), 403, 'type_refused');
    assertRefused(await search('/fhir/Patient/_search',
                               '_revinclude=Observation%3Asubject', {}, bob),
                  403, 'type_refused');
    const statuses = [];
    for (let n = 0; n < 6; n += 1) {
      statuses.push((await search('/fhir/Patient/_search', '_count=1', {},
                                  bob)).status);
    }
    assert.equal(statuses[0], 200);
    assert.equal(statuses.at(-1), 429);
  });

  await t.test('a member without a grant gets not_connected', async () => {
    assertRefused(await search('/rec/Patient/_search', 'a=b', {},
                               gw.visitor({ member: 'zoe' })), 401,
                  'not_connected', { connect: gw.url('acme',
                                                     '/cigna/connect') });
  });

  await t.test('the log has the POST without its body', async () => {
    await search('/rec/Basic/_search', 'name=SecretName');
    const { line } = await logged(gw, '/rec/Basic/_search');
    assert.match(line, /"POST \/rec\/Basic\/_search HTTP\/1\.1" 200/);
    assert.doesNotMatch(gw.nginx.accessLog() + gw.nginx.errorLog(),
                        /SecretName/);
    assert.equal(one().url, '/rec/Basic?name=SecretName');
  });
});
