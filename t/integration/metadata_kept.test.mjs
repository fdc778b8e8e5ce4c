// The gateway keeps public metadata: one worker of a node fetches a document,
// and all workers serve it from memory.

import assert from 'node:assert/strict';
import https from 'node:https';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { lookup } from '../lib/client.mjs';
import { clockOf } from '../lib/clock.mjs';
import { countersOf } from '../lib/counters.mjs';
import { raw } from '../lib/fhir.mjs';
import { CONFIGURATION, PATHS, PROXIED, STATEMENT, metadataGateway }
  from '../lib/metadata.mjs';
import { TOP, until } from '../lib/scratch.mjs';
import { withEndpoints } from '../lib/smart.mjs';

const OPEN = { metadata: '/metadata',
               configuration: '/.well-known/smart-configuration' };
const MIB = 1 << 20;

const WANTED = {
  management_endpoint: 'https://health.acme.example/manage',
  registration_endpoint: 'https://health.acme.example/register',
  token_endpoint: 'https://health.acme.example/token',
};
const wanted = Object.entries(WANTED)
  .map((both) => `cigna_smart_endpoint ${both.join(' ')};`);

const urlsOf = (recorder) => recorder.take().map(({ url }) => url);

// Makes a document of exactly "size" bytes.
function documentOf(size) {
  const text = (filler) => JSON.stringify({ resourceType: 'X', filler });
  return text('x'.repeat(size - text('').length));
}

test('documents that are kept', async (t) => {
  const { gw, recorder, answer } = await metadataGateway(t, {
    nginx: { workers: 2 },
    http: '    cigna_budget;',
    locations: ({ recorder, to }) => [
      recorder.location('/plain/', { to }),
      recorder.location('/ours/', { to, lines: [
        'cigna_base_url https://api.example/r4;', ...wanted] }),
      recorder.location('/key/', { to, lines: [
        'proxy_set_header X-Api-Key of-the-operator;',
        'proxy_set_header X-Forwarded-For $remote_addr;'] }),
      recorder.location('/request/', { to, lines: [
        'proxy_set_header X-Correlation-Id $request_id;',
        'proxy_set_header X-Trace $cigna_request_id;'] }),
      recorder.location('/varies/', { to, lines: [
        'proxy_set_header X-Lang $arg_none$http_x_lang;'] }),
      recorder.location('= /variable/metadata', {
        to: 'https://$where/PatientAccess/v1-devportal/metadata',
        lines: [`set $where 127.0.0.1:${recorder.port};`] }),
      recorder.location('/elsewhere/', { to, lines: [
        'cigna_insecure_upstream on;', 'proxy_ssl_session_reuse off;'] })
        .replace('proxy_ssl_name localhost', 'proxy_ssl_name another')
        .replace('proxy_ssl_verify on', 'proxy_ssl_verify off'),
    ],
  });
  const nobody = gw.visitor();

  await t.test('fifty requests at once cost one request', async () => {
    recorder.on(PATHS.metadata, (_, reply) => {
      setTimeout(() => {
        reply.writeHead(200, { 'Content-Type': 'application/fhir+json' });
        reply.end(JSON.stringify(STATEMENT));
      }, 300);
    });
    const replies = await Promise.all(Array.from({ length: 50 }, () =>
      gw.visitor().get('/plain/metadata')));

    for (const { status, body } of replies) {
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body).rest, STATEMENT.rest);
    }
    assert.deepEqual(urlsOf(recorder), [PATHS.metadata]);
  });

  await t.test('the fetch has no header line of a caller', async () => {
    await nobody.get('/plain/.well-known/smart-configuration', { headers: {
      'User-Agent': 'of-the-caller', 'X-Request-Id': 'of-the-caller',
      'Accept-Language': 'of-the-caller' } });
    const [seen, ...more] = recorder.take();

    assert.deepEqual(more, []);
    assert.equal(seen.method, 'GET');
    assert.equal(seen.headers['accept-encoding'], 'identity');
    assert.equal(seen.headers.accept, 'application/json');
    assert.doesNotMatch(JSON.stringify(seen.lines), /of-the-caller/);
    assert.deepEqual(seen.authorizations, []);
  });

  await t.test('a flood of strangers costs nothing more', async () => {
    for (const path of Object.values(OPEN)) {
      for (let i = 0; i < 100; i += 1) {
        const { status } = await nobody.get(`/plain${path}`);
        assert.equal(status, 200);
      }
    }
    assert.deepEqual(recorder.take(), []);
  });

  await t.test('a reply has a type, a length and a strong ETag', async () => {
    for (const [name, type] of [['metadata', 'application/fhir+json'],
                                ['configuration', 'application/json']]) {
      const { status, headers, body } = await nobody.get(`/plain${OPEN[name]}`);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], type);
      assert.equal(Number(headers['content-length']), Buffer.byteLength(body));
      assert.match(headers.etag, /^"[0-9a-f]{16}-[0-9a-f]{8}"$/);
      assert.equal(headers['cache-control'], 'no-store, private');
    }
  });

  await t.test('If-None-Match is answered 304, and HEAD without a body',
    async () => {
      const { headers, body } = await nobody.get('/plain/metadata');
      const asked = (lines, method = 'GET') =>
        nobody.request('/plain/metadata', { method, headers: lines });

      for (const etag of [headers.etag, `W/${headers.etag}`,
                          `"x", ${headers.etag}`]) {
        const { status, body: none } = await asked({ 'If-None-Match': etag });
        assert.equal(`${status} ${none}`, '304 ');
      }
      assert.equal((await asked({ 'If-None-Match': '"x"' })).body, body);

      const head = await asked({}, 'HEAD');
      assert.equal(`${head.status} ${head.body}`, '200 ');
      assert.equal(head.headers['content-length'], headers['content-length']);
      assert.equal(head.headers.etag, headers.etag);
      assert.equal((await asked({ Range: 'bytes=0-3' })).body, body);
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('endpoints are replaced or added, and links rewritten',
    async () => {
      const link = ({ implementation, ...rest }) => ({ ...rest,
        implementation: { ...implementation, url: 'https://api.example/r4' } });
      const { body } = await nobody.get('/ours/metadata');
      assert.deepEqual(JSON.parse(body),
                       link(withEndpoints(STATEMENT, WANTED)));
      assert.equal((await nobody.get(`/ours${OPEN.configuration}`)).body,
                   JSON.stringify(withEndpoints(CONFIGURATION, WANTED)));
      recorder.take();
    });

  await t.test('each location has its own base in one document', async () => {
    for (const [tenant, place] of [['acme', '/plain'], ['globex', '/plain'],
                                   ['acme', '/key']]) {
      const { body } = await gw.visitor({ tenant }).get(`${place}/metadata`);
      assert.equal(JSON.parse(body).implementation.url,
                   gw.url(tenant, place));
    }
    assert.equal((await nobody.get('/ours/metadata')).json()
      .implementation.url, 'https://api.example/r4');
  });

  await t.test('the fetch has the operator\'s lines, and each value of a line '
    + 'has its own document', async () => {
    const [seen, ...more] = recorder.take();
    assert.deepEqual(more, []);
    assert.equal(seen.headers['x-api-key'], 'of-the-operator');
    assert.ok(!seen.names.includes('x-forwarded-for'));

    recorder.on(PATHS.metadata, (request, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/json' });
      reply.end(JSON.stringify({ ...STATEMENT,
        language: request.headers['x-lang'] }));
    });
    for (const lang of ['de', 'en', 'de', 'en']) {
      const { body } = await nobody.get('/varies/metadata', {
        headers: { 'X-Lang': lang } });
      assert.equal(JSON.parse(body).language, lang);
    }
    assert.equal(urlsOf(recorder).length, 2);
    answer(PATHS.metadata, STATEMENT);
  });

  await t.test('a line with the request\'s id does not make another document',
    async () => {
      for (let i = 0; i < 10; i += 1) {
        assert.equal((await nobody.get('/request/metadata')).status, 200);
        assert.equal((await nobody.get('/request/metadata', {
          headers: { 'X-Request-Id': `call-${i}` } })).status, 200);
      }
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('a proxy_pass with variables leads to the same document',
    async () => {
      const { body } = await nobody.get('/variable/metadata');
      assert.equal(JSON.parse(body).implementation.url,
                   gw.url('acme', '/variable'));
      assert.deepEqual(recorder.take(), []);
    });

  await t.test('requests to a server other than that of fhir_base are proxied',
    async () => {
      await nobody.get('/elsewhere/metadata');
      await nobody.get('/elsewhere/metadata');
      assert.equal(urlsOf(recorder).length, 2);
    });

  await t.test('other forms and queries are proxied', async () => {
    const proxied = [
      ['_format=xml'], ['_format=application/fhir%2Bxml'], ['_format='],
      ['_summary=true'], ['_format=json&x=1'], ['x'],
      ['', 'application/fhir+xml'], ['', 'text/html, */*;q=0.1'],
    ];
    for (const [query, accept] of proxied) {
      await nobody.get(`/plain/metadata?${query}`, {
        headers: accept ? { Accept: accept } : {} });
      assert.equal(urlsOf(recorder).length, 1, `${query} ${accept}`);
    }
    const kept = [
      ['_format=json'], ['_format=application/fhir%2Bjson'], ['_format=JSON'],
      ['_format=application/fhir+json', 'text/html'], ['', '*/*'],
      ['', 'application/fhir+json;q=1.0, application/json;q=0.9'],
    ];
    for (const [query, accept] of kept) {
      await nobody.get(`/plain/metadata?${query}`, {
        headers: accept ? { Accept: accept } : {} });
      assert.equal(urlsOf(recorder).length, 0, `${query} ${accept}`);
    }
  });

  await t.test('a reload keeps the documents', async () => {
    await gw.reload();
    for (let i = 0; i < 20; i += 1) {
      const { status } = await gw.visitor().get('/plain/metadata');
      assert.equal(status, 200);
    }
    assert.deepEqual(recorder.take(), []);
  });

  await t.test('requests and fetches are counted', async () => {
    const before = await countersOf(gw);
    await nobody.get('/plain/metadata');
    await nobody.get('/ours/metadata');
    const after = await countersOf(gw);
    const grown = (name) => after[name].acme - before[name].acme;

    assert.equal(grown('cigna_open_requests_total'), 2);
    assert.equal(grown('cigna_metadata_fetches_total'), 0);
    assert.ok(before.cigna_metadata_fetches_total.acme >= 5);
    assert.equal(before.cigna_metadata_failures_total.acme, 0);
  });

  await t.test('when a fetching worker dies, another one fetches', async () => {
    await gw.reload({ server: { cigna_smart_endpoint:
      'token_endpoint https://other.example/token' } });
    const held = [];
    recorder.on(PATHS.metadata, (_, reply) => { held.push(reply); });

    const waiting = Promise.allSettled(Array.from({ length: 20 }, () =>
      gw.visitor().get('/plain/metadata')));
    await until('it is fetched', () => held.length === 1);
    answer(PATHS.metadata, STATEMENT);
    await gw.nginx.killWorker();
    // If the killed worker was not the one that fetches, the fetch goes on.
    held[0].writeHead(200, { 'Content-Type': 'application/json' });
    held[0].end(JSON.stringify(STATEMENT));

    const replies = (await waiting).filter(({ value }) => value);
    for (const { value } of replies) {
      assert.equal(value.status, 200);
      assert.match(value.body, /other\.example/);
    }
    assert.equal((await gw.visitor().get('/plain/metadata')).status, 200);
    assert.ok(urlsOf(recorder).length <= 2);
    answer(PATHS.metadata, STATEMENT);
  });
});

test('documents that are not kept', async (t) => {
  const { gw, recorder, answer } = await metadataGateway(t, {
    names: ['acme'],
    locations: ({ recorder, to }) => Array.from({ length: 12 }, (_, i) =>
      recorder.location(`/p${i}/`, { to, lines: [
        `proxy_set_header X-Place p${i};`, ...(i % 2 ? wanted : [])] })),
  });
  const nobody = gw.visitor();
  let place = -1;

  const cases = [
    ['of 4 MiB and a byte', documentOf(4 * MIB + 1), {}, /longer than 4 MiB/],
    ['that is compressed', gzipSync(JSON.stringify(STATEMENT)),
      { 'Content-Encoding': 'gzip' }, /is compressed/],
    ['that is cut off', JSON.stringify(CONFIGURATION).slice(0, -1), {},
      /not an object of valid JSON/],
    ['in XML', '<CapabilityStatement/>',
      { 'Content-Type': 'application/fhir+xml' }, /is not JSON but/],
    ['with a member twice', '{"a":1,"a":2}', {}, /valid JSON/],
    ['with status 403', '{"a":1}', {}, /status: 403/, 403],
  ];
  for (const [what, text, lines, log, status = 200] of cases) {
    await t.test(`a document ${what} is proxied unchanged`, async () => {
      place += 1;
      answer(PATHS.metadata, text, lines, status);
      recorder.take();

      for (let i = 0; i < 3; i += 1) {
        const reply = await nobody.get(`/p${place}/metadata`, { raw: true });
        assert.equal(reply.status, status);
        assert.equal(reply.headers['content-encoding'],
                     lines['Content-Encoding']);
        if (!lines['Content-Encoding'] && status === 200) {
          assert.equal(reply.body.length, text.length);
        }
      }
      // One fetch by the gateway, and one proxied request for each caller.
      assert.equal(urlsOf(recorder).length, 4);
      await gw.nginx.waitForLog(log);
    });
  }

  await t.test('a proxied document keeps Cigna\'s endpoints, which is counted '
    + 'and logged', async () => {
    const { cigna_metadata_passed_total: before } = await countersOf(gw);
    answer(PATHS.configuration, CONFIGURATION);
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await nobody.get(`/p7${OPEN.configuration}${PROXIED}`))
        .body, JSON.stringify(CONFIGURATION));
    }
    await nobody.get(`/p6${OPEN.configuration}${PROXIED}`);
    const { cigna_metadata_passed_total: after } = await countersOf(gw);
    assert.equal(after.acme, before.acme + 3);
    assert.equal(gw.nginx.errorLog().match(
      /endpoints in it are Cigna's, "cigna_smart_endpoint" has no/g).length, 1);
  });

  await t.test('a document of 4 MiB is kept to the byte', async () => {
    const text = documentOf(4 * MIB);
    answer(PATHS.metadata, text);
    recorder.take();
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await nobody.get('/p8/metadata')).body, text);
    }
    assert.equal(urlsOf(recorder).length, 1);
  });

  await t.test('numbers and escapes stay in an edited document', async () => {
    const text = '{"resourceType":"CapabilityStatement","a":1.00,'
      + '"b":123456789012345678901234567890,"c":"\\u00e9\\/\\ud83d\\ude00", '
      + '"d":-0,"e":1E5}';
    answer(PATHS.metadata, text);
    assert.equal((await nobody.get('/p9/metadata')).body, text);
    answer(PATHS.configuration, text);
    assert.equal((await nobody.get(`/p9${OPEN.configuration}`)).body,
                 text.replace(/\}$/, `,${JSON.stringify(WANTED).slice(1)}`));
  });
});

test('documents grow old', async (t) => {
  const clock = clockOf(t);
  const { gw, recorder, answer } = await metadataGateway(t, {
    names: ['acme'],
    nginx: { workers: 2, env: clock.env },
    tenant: { timeout: '2s', connect_timeout: '1s' },
    locations: ({ recorder, to }) => [
      recorder.location('/plain/', { to }),
    ],
  });
  const nobody = gw.visitor();
  let version = 0;
  let lines = {};

  recorder.on(PATHS.metadata, (_, reply) => {
    reply.writeHead(200, { 'Content-Type': 'application/json', ...lines });
    reply.end(JSON.stringify({ version }));
  });
  const served = async () =>
    JSON.parse((await gw.visitor().get('/plain/metadata')).body).version;
  const becomes = (expected) => until('it is fetched again', async () =>
    await served() === expected, { every: 50 });
  const logged = (pattern) =>
    (gw.nginx.errorLog().match(new RegExp(pattern, 'g')) ?? []).length;

  await t.test('after some minutes a document is fetched again, and the old '
    + 'text is served meanwhile', async () => {
    assert.equal(await served(), 0);
    version = 1;
    clock.forward(260);
    assert.equal(await served(), 0);
    assert.equal(recorder.take().length, 1);

    clock.forward(60);
    await served();
    await becomes(1);
    assert.equal(recorder.take().length, 1);
  });

  for (const [line, before, after] of [
    ['max-age=1000', 890, 120], ['no-store', 50, 20],
    ['max-age=31536000', 3230, 400],
  ]) {
    await t.test(`Cache-Control: ${line} counts within limits`, async () => {
      lines = { 'Cache-Control': line };
      clock.forward(4000);
      version += 1;
      await served();
      await becomes(version);
      recorder.take();

      clock.forward(before);
      version += 1;
      await served();
      await served();
      assert.deepEqual(recorder.take(), []);

      clock.forward(after);
      await served();
      await becomes(version);
      assert.equal(recorder.take().length, 1);
    });
  }

  await t.test('while the server is away, the last text is served for a day',
    async () => {
      lines = {};
      const before = await countersOf(gw);
      let away = true;
      recorder.on(PATHS.metadata, (_, reply) => {
        if (away) {
          reply.writeHead(503);
          reply.end();
        } else {
          reply.writeHead(200, { 'Content-Type': 'application/json' });
          reply.end(JSON.stringify({ version }));
        }
      });
      const last = version;
      clock.forward(4000);
      for (let i = 0; i < 20; i += 1) {
        await until('it is asked again', async () => {
          clock.forward(11);
          assert.equal(await served(), last);
          return recorder.take().length > 0;
        }, { every: 20 });
      }
      assert.equal(logged('cannot be had: is answered with status: 503'), 1);
      const after = await countersOf(gw);
      assert.ok(after.cigna_metadata_stale_total.acme
        > before.cigna_metadata_stale_total.acme + 10);
      assert.ok(after.cigna_metadata_failures_total.acme
        > before.cigna_metadata_failures_total.acme + 10);

      away = false;
      version += 1;
      clock.forward(20);
      await served();
      await becomes(version);
      assert.equal(logged('can be kept again'), 1);
    });

  await t.test('after a day without an answer requests are proxied',
    async () => {
      recorder.on(PATHS.metadata, (_, reply) => {
        reply.writeHead(502, { 'Content-Type': 'application/json' });
        reply.end('{"a":1}');
      });
      clock.forward(80000);
      await served();
      clock.forward(10000);
      const { status } = await nobody.get('/plain/metadata');
      assert.equal(status, 502);
    });

  await t.test('the gateway asks a dead server again after its return',
    async () => {
      const { port } = recorder;
      answer(PATHS.metadata, { version: 99 });
      clock.forward(20);
      await becomes(99);
      // The first replies with 99 may have been proxied.
      await until('it is kept', () => logged('can be kept again') === 2);

      recorder.server.closeAllConnections();
      await new Promise((resolve) => { recorder.server.close(resolve); });
      clock.forward(400);
      for (let i = 0; i < 5; i += 1) {
        assert.equal(await served(), 99);
      }
      await gw.nginx.waitForLog(/cannot be had: no reply/);

      await new Promise((resolve) => {
        recorder.server.listen(port, '127.0.0.1', resolve);
      });
      answer(PATHS.metadata, { version: 100 });
      clock.forward(20);
      await served();
      await becomes(100);
    });
});

test('a server that does not answer at first', async (t) => {
  const { gw, recorder } = await metadataGateway(t, {
    names: ['acme'],
    tenant: { timeout: '1s', connect_timeout: '1s' },
    locations: ({ recorder, to }) => [
      recorder.location('/plain/', { to, lines: ['proxy_read_timeout 1s;'] }),
    ],
  });
  let hang = true;
  recorder.on(PATHS.metadata, (_, reply) => {
    if (!hang) {
      reply.writeHead(200, { 'Content-Type': 'application/json' });
      reply.end('{}');
    }
  });

  await t.test('callers get 504 as for any request', async () => {
    const replies = await Promise.all(Array.from({ length: 5 }, () =>
      gw.visitor().get('/plain/metadata')));
    assert.deepEqual(replies.map(({ status }) => status), Array(5).fill(504));
    await gw.nginx.waitForLog(/cannot be had: no reply; requests for it are/);
  });

  await t.test('a caller may disconnect while it waits', async () => {
    hang = false;
    await Promise.all(Array.from({ length: 5 }, () => raw(gw,
      'GET /plain/metadata HTTP/1.1\r\nHost: acme.localhost\r\n'
      + 'Connection: close\r\n\r\n')));
  });
});

test('kept metadata and browsers of another origin', async (t) => {
  const app = 'https://app.example';
  const { gw } = await metadataGateway(t, {
    names: ['acme'],
    server: { cigna_cors: app },
    locations: ({ recorder, to }) => [recorder.location('/plain/', { to })],
  });
  const nobody = gw.visitor();

  await t.test('a preflight is answered, and the reply may be read',
    async () => {
      const asked = await nobody.request('/plain/metadata', {
        method: 'OPTIONS', headers: { 'Origin': app,
          'Access-Control-Request-Method': 'GET' } });
      assert.equal(asked.status, 204);

      for (const path of Object.values(OPEN)) {
        const { status, headers } = await nobody.get(`/plain${path}`, {
          headers: { Origin: app } });
        assert.equal(status, 200);
        assert.equal(headers['access-control-allow-origin'], app);
        assert.equal(headers.vary, 'Origin');
        assert.match(headers['access-control-expose-headers'], /ETag/);
      }
    });
});

test('an unmodified SMART client', async (t) => {
  const own = { ...WANTED,
                authorization_endpoint: 'https://health.acme.example/auth' };
  const { gw, answer } = await metadataGateway(t, {
    names: ['acme'],
    locations: ({ recorder, to }) => ['/one/', '/two/'].map((place) =>
      recorder.location(place, { to, lines: [
        `proxy_set_header X-Place ${place};`,
        ...Object.entries(own).map((both) =>
          `cigna_smart_endpoint ${both.join(' ')};`)] })),
  });
  const require = createRequire(`${TOP}/scripts/package.json`);
  const { getSecurityExtensions } = require('fhirclient/lib/smart');
  const options = { agent: new https.Agent({ ca: gw.caText, lookup }) };
  const discovered = (place) => getSecurityExtensions(gw.url('acme', place),
                                                      options, options);
  const found = ({ authorizeUri, tokenUri, registrationUri }) =>
    assert.deepEqual([authorizeUri, tokenUri, registrationUri], [
      own.authorization_endpoint, own.token_endpoint,
      own.registration_endpoint]);

  await t.test('the client finds endpoints added to smart-configuration',
    async () => {
      answer(PATHS.configuration, { capabilities: [] });
      found(await discovered('/one'));
    });

  await t.test('the client finds endpoints added to a CapabilityStatement',
    async () => {
      answer(PATHS.metadata, { resourceType: 'CapabilityStatement',
                               rest: [{ mode: 'server' }] });
      answer(PATHS.configuration, '', {}, 404);
      found(await discovered('/two'));
    });
});
