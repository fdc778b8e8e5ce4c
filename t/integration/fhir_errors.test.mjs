// Errors in the form that FHIR clients read: the gateway's, nginx's and the
// upstream's.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, connected, logged } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort } from '../lib/scratch.mjs';

const FHIR = 'application/fhir+json';
const JSON_ = 'application/json';
const HTML = '<html><h1>Something went wrong at the edge</h1></html>';
const outcome = (diagnostics, more = {}) => JSON.stringify({
  resourceType: 'OperationOutcome', ...more,
  issue: [{ severity: 'error', code: 'processing', diagnostics }],
});
const NOT_KNOWN = outcome('HAPI-2001: Resource Patient/1 is not known');

// The upstream's replies by path: [status, header, body].
const ANSWERS = {
  html: [503, { 'Content-Type': 'text/html', 'Retry-After': '7' }, HTML],
  empty: [500, { 'Content-Length': 0 }, ''],
  chunked: [404, {}, ''],
  'empty-json': [502, { 'Content-Type': JSON_, 'Content-Length': 0 }, ''],
  'chunked-json': [500, { 'Content-Type': JSON_ }, ''],
  plain: [418, { 'Content-Type': 'text/plain; charset=utf-8' }, 'a teapot'],
  described: [500, {
    'Content-Type': 'text/html', 'Content-Encoding': 'gzip',
    'Content-Language': 'en', 'Content-Disposition': 'inline',
    'ETag': '"page"', 'Last-Modified': 'Sat, 21 Nov 2026 00:00:00 GMT',
    'Accept-Ranges': 'bytes',
  }, gzipSync(HTML)],
  fhir: [422, { 'Content-Type': JSON_ }, outcome('its own words')],
  'fhir-length': [400, { 'Content-Type': `${FHIR}; charset=utf-8`,
                         'Content-Length': outcome('its own words').length },
                  outcome('its own words')],
  xml: [400, { 'Content-Type': 'application/fhir+xml' },
        '<OperationOutcome xmlns="http://hl7.org/fhir"/>'],
  forbidden: [403, { 'Content-Type': 'text/html' }, HTML],
  huge: [500, { 'Content-Type': 'text/html' }, HTML.repeat(100000)],
  fine: [200, { 'Content-Type': 'text/html' }, HTML],
  unknown: [500, { 'Content-Type': JSON_ }, NOT_KNOWN],
  'unknown-length': [500, { 'Content-Type': JSON_,
                            'Content-Length': NOT_KNOWN.length }, NOT_KNOWN],
  'unknown-late': [500, { 'Content-Type': JSON_ }, outcome(
    'Resource Patient/1 is not known', { text: { div: 'x'.repeat(9000) } })],
  broken: [500, { 'Content-Type': JSON_ }, outcome('HAPI-0389: it broke')],
  'unknown-503': [503, { 'Content-Type': JSON_ }, NOT_KNOWN],
};

test('errors', async (t) => {
  const recorder = await startRecorder(t);
  const spare = await startRecorder(t, { ca: recorder.ca });
  const port2 = await freePort();
  const gw = await standardGateway(t, {
    server: { listen: `127.0.0.1:${port2} ssl http2` },
    http: `
    upstream pair {
        server 127.0.0.1:${recorder.port} max_fails=1 fail_timeout=1h;
        server 127.0.0.1:${spare.port} backup;
    }`,
    locations: [
      recorder.location('/up/'),
      recorder.location('/raw/').replace('cigna_fhir on',
                                         'cigna_fhir on links=off'),
      recorder.location('/404/', { lines: ['cigna_not_found on;'] }),
      recorder.location('/404raw/', { lines: ['cigna_not_found on;'] })
        .replace('cigna_fhir on', 'cigna_fhir on links=off'),
      recorder.location('/404now/', { lines: [
        'cigna_not_found on;', 'proxy_buffering off;'] }),
      recorder.location('/now/', { lines: ['proxy_buffering off;'] }),
      recorder.location('/pair/', { to: 'https://pair' }),
      recorder.location('/small/', { lines: ['client_max_body_size 10;'] }),
      recorder.location('/closed/', { lines: ['deny all;'] }),
      recorder.location('/mine/', { lines: [
        'proxy_intercept_errors on;', 'error_page 404 503 /sorry;'] }),
      recorder.location('/nobody/', { to: 'https://127.0.0.1:1' }),
      recorder.location('/nobody-mine/', {
        to: 'https://127.0.0.1:1', lines: ['error_page 502 /sorry;'] }),
      recorder.location('/late/', { lines: ['proxy_read_timeout 200ms;'] }),
      `location = /sorry {
          internal; auth_request off; default_type text/plain;
          return 200 "sorry"; }`,
    ].join('\n'),
    nginx: { allow: [/upstream (prematurely|timed out|sent)/] },
  });
  recorder.otherwise = (_, response, { url }) => {
    const name = url.split(/[/?]/)[2];
    if (name === 'cut') {
      response.writeHead(500, { 'Content-Type': JSON_,
                                'Content-Length': 100000 });
      response.write(NOT_KNOWN.slice(0, 100), () => response.destroy());
    } else if (name === 'slow') {
      response.writeHead(500, { 'Content-Type': JSON_ });
      let i = 0;
      const more = () => {
        i += 7;
        response.write(NOT_KNOWN.slice(i - 7, i));
        if (i < NOT_KNOWN.length) {
          setImmediate(more);
        } else {
          response.end();
        }
      };
      more();
    } else if (name.startsWith('late-')) {
      const [status, headers, body] = ANSWERS[name.slice(5)];
      response.writeHead(status, headers);
      response.flushHeaders();
      setTimeout(() => response.end(body), 50);
    } else if (name !== 'hang') {
      const [status, headers, body] = ANSWERS[name];
      response.writeHead(status, headers);
      response.end(body);
    }
  };
  const alice = await connected(gw);
  const ask = (path, accept, more) => alice.get(path, {
    headers: accept ? { Accept: accept } : {}, ...more });

  function assertOutcome(reply, status, code) {
    assert.equal(reply.status, status, reply.body);
    assert.equal(reply.headers['content-type'], FHIR);
    assert.equal(reply.headers['content-length'], String(reply.bytes.length));
    assert.equal(reply.headers['cache-control'], 'no-store, private');
    const { resourceType, issue: [issue] } = reply.json();
    assert.equal(resourceType, 'OperationOutcome');
    assert.equal(issue.code, code);
    return issue.details.coding[0].code;
  }

  // Errors of the gateway and of nginx.

  for (const accept of [undefined, '*/*', FHIR, JSON_, `${FHIR};q=0`,
                        `${FHIR};q=0.2, ${JSON_};q=0.7`, 'text/html']) {
    await t.test(`a caller with Accept: ${accept} gets errors as `
      + `${FHIR}`, async () => {
      const zoe = gw.visitor({ member: 'zoe' });
      const headers = accept ? { Accept: accept } : {};
      const refused = await zoe.get('/fhir/Patient', { headers });
      assert.equal(refused.status, 401);
      assert.equal(refused.headers['content-type'], FHIR);
      assert.equal(refused.json().resourceType, 'OperationOutcome');
      assert.equal((await ask('/up/html', accept)).headers['content-type'],
                   FHIR);
    });
  }

  await t.test('an error of nginx itself becomes an '
    + 'OperationOutcome', async () => {
    assert.equal(assertOutcome(await ask('/closed/Patient'), 403,
                               'forbidden'), 'request_refused');
    assert.equal(assertOutcome(await ask('/closed/Patient', JSON_), 403,
                               'forbidden'), 'request_refused');
    assert.equal(assertOutcome(await alice.request('/small/Patient', {
      method: 'GET', body: 'x'.repeat(11),
      headers: { 'Content-Length': '11' } }), 413, 'too-long'),
                 'request_refused');
  });

  await t.test('an unreachable upstream becomes an OperationOutcome, unless '
    + 'error_page handles it', async () => {
    assertRefused(await ask('/nobody/Patient'), 502, 'upstream_unreachable',
                  { code: 'transient' });
    assertRefused(await ask('/late/hang'), 504, 'upstream_late',
                  { code: 'timeout' });
    assert.equal((await ask('/nobody/Patient', JSON_))
      .headers['content-type'], FHIR);
    const mine = await ask('/nobody-mine/Patient');
    assert.equal(mine.body, 'sorry');
    assert.equal(mine.headers['content-type'], 'text/plain');
  });

  // Errors of the upstream.

  for (const [name, status, code] of [
    ['html', 503, 'transient'], ['empty', 500, 'exception'],
    ['chunked', 404, 'not-found'], ['empty-json', 502, 'transient'],
    ['chunked-json', 500, 'exception'], ['plain', 418, 'invalid'],
    ['described', 500, 'exception'], ['forbidden', 403, 'forbidden'],
    ['huge', 500, 'exception'],
  ]) {
    await t.test(`an error page (${name}) becomes an OperationOutcome with the `
      + 'same status', async () => {
      for (const base of ['/up', '/raw', '/404']) {
        const reply = await ask(`${base}/${name}`);
        assert.equal(assertOutcome(reply, status, code), 'upstream_error');
        assert.doesNotMatch(reply.body, /edge|teapot/);
        assert.match(reply.json().issue[0].diagnostics,
                     new RegExp(`status is ${status}`));
        for (const gone of ['etag', 'content-encoding', 'last-modified',
                            'content-language', 'content-disposition',
                            'accept-ranges']) {
          assert.equal(reply.headers[gone], undefined, gone);
        }
      }
    });

    await t.test(`HEAD of an error page (${name}) has the header of `
      + 'GET', async () => {
      const get = await ask(`/up/${name}`);
      const head = await ask(`/up/${name}`, undefined, { method: 'HEAD' });
      assert.equal(head.status, status);
      assert.equal(head.body, '');
      if (!name.endsWith('-json')) {
        assert.equal(head.headers['content-type'], FHIR);
        assert.equal(head.headers['content-length'],
                     get.headers['content-length']);
      }
    });
  }

  await t.test('the Retry-After of an error page reaches the caller',
    async () => {
      assert.equal((await ask('/up/html')).headers['retry-after'], '7');
    });

  await t.test('an error in FHIR format passes unchanged', async () => {
    for (const name of ['fhir', 'fhir-length', 'xml']) {
      const [status, headers, body] = ANSWERS[name];
      for (const base of ['/up', '/raw']) {
        const reply = await ask(`${base}/${name}`);
        assert.equal(reply.status, status);
        assert.equal(reply.headers['content-type'], headers['Content-Type']);
        assert.equal(reply.body, body);
      }
    }
  });

  await t.test('a page with status 200 passes unchanged', async () => {
    const reply = await ask('/up/fine');
    assert.equal(reply.status, 200);
    assert.equal(reply.body, HTML);
  });

  await t.test('an intercepted error is left to the operator\'s error_page',
    async () => {
      assert.equal((await ask('/mine/html')).body, 'sorry');
      assert.equal((await ask('/mine/chunked')).body, 'sorry');
    });

  await t.test('a connection stays usable after a discarded error page',
    async () => {
      for (let i = 0; i < 5; i += 1) {
        assertOutcome(await ask('/up/huge'), 500, 'exception');
        assert.equal((await ask('/fhir/Patient')).status, 200);
      }
    });

  await t.test('errors over HTTP/2 are OperationOutcomes too', async () => {
    const client = http2.connect(`https://acme.localhost:${port2}`, {
      ca: gw.caText, lookup: (name, options, done) => done(
        null, options.all ? [{ address: '127.0.0.1', family: 4 }]
          : '127.0.0.1', 4) });
    for (const [path, status] of [['/up/huge', 500], ['/up/empty', 500],
                                  ['/404/unknown', 404],
                                  ['/404/broken', 500]]) {
      const stream = client.request({ ':path': path,
                                      cookie: 'session=alice' });
      const [headers, body] = await new Promise((resolve, reject) => {
        let got;
        let text = '';
        stream.setEncoding('utf8');
        stream.on('response', (all) => { got = all; });
        stream.on('data', (more) => { text += more; });
        stream.on('end', () => resolve([got, text]));
        stream.on('error', reject);
      });
      assert.equal(headers[':status'], status);
      assert.equal(JSON.parse(body).resourceType, 'OperationOutcome');
    }
    client.close();
  });

  await t.test('a replaced error is logged as upstream_error and counted',
    async () => {
      const before = await countersOf(gw);
      await ask('/up/html?logged=1');
      const { outcome: told } = await logged(gw, '/up/html?logged=1');
      assert.equal(told, 'upstream_error');
      const after = await countersOf(gw);
      assert.equal(after.cigna_errors_replaced_total.acme,
                   before.cigna_errors_replaced_total.acme + 1);
    });

  // cigna_not_found.

  await t.test('a 500 for an unknown id passes by default', async () => {
    for (const name of ['unknown', 'unknown-length']) {
      const reply = await ask(`/up/${name}`);
      assert.equal(reply.status, 500);
      assert.equal(reply.body, NOT_KNOWN);
    }
    assert.equal((await ask('/fhir/Patient/none')).status, 500);
  });

  await t.test('cigna_not_found turns a 500 for an unknown id into a 404 with '
    + 'the same body',
    async () => {
      const before = await countersOf(gw);
      for (const base of ['/404', '/404raw', '/404now']) {
        for (const name of ['unknown', 'unknown-length', 'slow']) {
          const reply = await ask(`${base}/${name}`);
          assert.equal(reply.status, 404, `${base}/${name} ${reply.body}`);
          assert.equal(reply.body, NOT_KNOWN);
          assert.equal(reply.headers['content-type'], JSON_);
        }
      }
      const after = await countersOf(gw);
      assert.equal(after.cigna_not_found_total.acme,
                   before.cigna_not_found_total.acme + 9);
    });

  await t.test('cigna_not_found waits for a body that comes after its header',
    async () => {
      for (const base of ['/404', '/404raw', '/404now', '/now']) {
        const { status, body } = await ask(`${base}/late-unknown`);
        assert.equal(status, base === '/now' ? 500 : 404, base);
        assert.equal(body, NOT_KNOWN, base);

        assert.equal((await ask(`${base}/late-fhir`)).body, ANSWERS.fhir[2]);
        assertOutcome(await ask(`${base}/late-chunked-json`), 500,
                      'exception');
      }
    });

  await t.test('cigna_not_found leaves other errors unchanged', async () => {
    for (const base of ['/404', '/404raw', '/404now']) {
      for (const name of ['broken', 'unknown-late', 'unknown-503', 'fhir']) {
        const [status,, body] = ANSWERS[name];
        const reply = await ask(`${base}/${name}`);
        assert.equal(reply.status, status);
        assert.equal(reply.body, body);
      }
    }
  });

  await t.test('HEAD of an unknown id stays a 500, because no body tells the '
    + 'reason',
    async () => {
      assert.equal((await ask('/404/unknown', undefined, { method: 'HEAD' }))
        .status, 500);
    });

  await t.test('a reply cut off during its examination is cut off for the '
    + 'caller too', async () => {
    for (const base of ['/404', '/404raw', '/404now']) {
      await assert.rejects(ask(`${base}/cut`), { code: 'ECONNRESET' });
    }
    assert.equal((await ask('/404/unknown')).status, 404);
  });

  await t.test('a 500 does not mark the upstream as down', async () => {
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await ask('/pair/unknown')).status, 500);
    }
    recorder.take();
    assert.equal((await ask('/pair/fine')).status, 200);
    assert.equal(recorder.take().length, 1);
    assert.deepEqual(spare.take(), []);
  });

  await t.test('nginx -t warns of proxy_next_upstream http_500', async (t2) => {
    const { output } = await prepareNginx(t2, {
      http: gw.configuration({ fhir: {
        proxy_next_upstream: 'error http_500' } }),
    }).test();
    assert.match(output, /\[warn\].*"proxy_next_upstream http_500" takes/);
  });
});
