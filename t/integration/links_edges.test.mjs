// Links in replies: unusual spellings of targets, hosts, types and header
// lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

const INNER = 'https://p-hi2.digitaledge.cigna.com/PatientAccess/v1-devportal';
const PATH = '/PatientAccess/v1-devportal';
const BUNDLE = JSON.stringify({
  resourceType: 'Bundle',
  link: [{ relation: 'next', url: `${INNER}?_getpages=7` }],
  entry: [{ fullUrl: `${INNER}/Patient/1` }],
});
const rewritten = (own) => BUNDLE.replaceAll(INNER, own)
  .replace('?', '/?');

test('links at the edges', async (t) => {
  const recorder = await startRecorder(t);
  const host = `https://127.0.0.1:${recorder.port}`;
  const to = `${host}${PATH}/`;
  const gw = await standardGateway(t, {
    tenants: { globex: { fhir_base: 'https://localhost' } },
    http: `cigna_upstream_alias ${INNER};`,
    locations: [
      recorder.location('/up/', { to }),
      recorder.location('= /list', { to: `${host}${PATH}?_type=Patient` }),
      recorder.location('/looked/', { to, lines: ['cigna_not_found on;'] }),
      recorder.location('/looked-now/', { to, lines: [
        'cigna_not_found on;', 'proxy_buffering off;'] }),
      recorder.location('/bare/', { to: `${host}/` }),
      recorder.location('/first/', { to: 'https://127.0.0.1:1', lines: [
        'error_page 502 = @second;'] }),
      recorder.location('/mended/', { to: 'https://127.0.0.1:1', lines: [
        'error_page 502 =200 @second;'] }),
      recorder.location('@second', { to: host, lines: [
        `rewrite ^/[a-z]+/(.*)$ ${PATH}/$1 break;`,
        'cigna_base_url https://health.acme.example/r4;'] }),
    ].join('\n'),
    nginx: { allow: [/connect\(\) failed/] },
  });
  const alice = await connected(gw);
  const own = gw.url('acme', '/up');

  const answer = (lines = {}, text = BUNDLE, status = 200) => {
    recorder.otherwise = (_, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json',
                                   ...lines });
      response.end(text);
    };
  };

  for (const target of ['/Patient/1/%24everything', '/%24userinfo',
                        '/Patient/%69fp-1?_id=%69fp%2d1', '/./Patient/1',
                        '//Patient', '/a/../Patient?x=/%24']) {
    await t.test('links lead to the gateway for a target that is escaped or '
      + `folded: ${target}`,
      async () => {
        answer();
        const reply = await raw(gw, `GET /up${target} HTTP/1.1\r\n`
          + `Host: acme.localhost:${gw.port}\r\nCookie: session=alice\r\n`
          + 'Connection: close\r\n\r\n');
        assert.ok(reply.includes(rewritten(own).slice(1, -1)), reply);
      });
  }

  await t.test('a location whose proxy_pass has a query is not a base of '
    + 'links', async () => {
    answer();
    for (const target of ['/list', '/list?_count=2']) {
      assert.equal((await alice.get(target)).body, BUNDLE);
    }
  });

  for (const [line, name] of [
    ['http://acme.localhost/up/x', 'evil.example'],
    ['http://acme.localhost/up/x', 'acme.localhost.evil.example'],
    ['http://acme.localhost/up/x', 'acme.localhost:1evil'],
    ['/up/x', 'acme.localhost:1evil'],
  ]) {
    await t.test('a Host line that matches no server_name is in no link: '
      + `${line} ${name}`, async () => {
      answer();
      const reply = await raw(gw, `GET ${line} HTTP/1.1\r\nHost: ${name}\r\n`
        + 'Cookie: session=alice\r\nConnection: close\r\n\r\n');
      assert.match(reply, /^HTTP\/1.1 200 /);
      assert.doesNotMatch(reply, /evil/);
      assert.ok(reply.includes(BUNDLE.slice(1, -1)), reply);
    });
  }

  await t.test('a host in other case or with a trailing dot is recognised',
    async () => {
      answer();
      for (const name of ['ACME.localhost', 'acme.localhost.']) {
        const reply = await raw(gw, 'GET http://acme.localhost/up/x HTTP/1.1'
          + `\r\nHost: ${name}:${gw.port}\r\nCookie: session=alice\r\n`
          + 'Connection: close\r\n\r\n');
        const base = `https://${name}:${gw.port}/up`;
        assert.ok(reply.includes(rewritten(base).slice(1, -1)), reply);
      }
    });

  for (const type of ['application/fhir+json; fhirVersion=4.0',
                      'application/fhir+json;fhirVersion=4.0;charset=utf-8',
                      'application/json ; charset=UTF-8',
                      'APPLICATION/FHIR+JSON; fhirVersion="4.0"']) {
    await t.test('a media type with parameters is recognised: '
      + `${type}`, async () => {
      answer({ 'Content-Type': type });
      const fine = await alice.get('/up/x');
      assert.equal(fine.body, rewritten(own));
      assert.equal(fine.headers['content-type'], type);

      answer({ 'Content-Type': type }, BUNDLE, 422);
      const error = await alice.get('/up/x');
      assert.equal(error.status, 422);
      assert.equal(error.body, rewritten(own));
    });
  }

  await t.test('digests of a body are dropped when its links are '
    + 'rewritten', async () => {
    const lines = {
      'Content-MD5': 'Q2hlY2sgSW50ZWdyaXR5IQ==',
      'Digest': 'sha-256=4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3/h3Qxo=',
      'Content-Digest': 'sha-256=:4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3=:',
      'Repr-Digest': 'sha-256=:4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3/h3Qxo=:',
    };
    answer(lines);
    for (const method of ['GET', 'HEAD']) {
      const { headers } = await alice.request('/up/x', { method });
      for (const name of Object.keys(lines)) {
        assert.equal(headers[name.toLowerCase()], undefined, name);
      }
    }
    answer({ ...lines, 'Content-Type': 'application/pdf' });
    const { headers } = await alice.get('/up/x');
    assert.equal(headers['content-md5'], lines['Content-MD5']);
  });

  await t.test('links in errors that cigna_not_found examines are '
    + 'rewritten', async () => {
    for (const place of ['/up', '/looked', '/looked-now']) {
      for (const lines of [{}, { 'Content-Length': BUNDLE.length }]) {
        answer(lines, BUNDLE, 500);
        const reply = await alice.get(`${place}/x`);
        assert.equal(reply.status, 500);
        assert.equal(reply.body, rewritten(gw.url('acme', place)));
      }
    }
  });

  await t.test('a reply with Content-Encoding: identity is '
    + 'rewritten', async () => {
    answer({ 'Content-Encoding': 'identity' });
    assert.equal((await alice.get('/up/x')).body, rewritten(own));
  });

  for (const place of ['/first', '/mended']) {
    await t.test('links of an upstream that error_page leads to are rewritten: '
      + `${place}`, async () => {
      answer();
      const reply = await alice.get(`${place}/x`);
      assert.equal(reply.status, 200);
      assert.equal(reply.body, rewritten('https://health.acme.example/r4'));
    });
  }

  await t.test('a cursor reaches a base without a path', async () => {
    const bob = await connected(gw, { tenant: 'globex', member: 'bob',
                                      username: 'syntheticuser02' });
    recorder.take();
    answer({}, BUNDLE.replaceAll(INNER, 'https://localhost'));
    const reply = await bob.get('/bare/?_getpages=7&_count=2');
    assert.equal(reply.status, 200);
    assert.equal(reply.body, rewritten(gw.url('globex', '/bare')));
    assert.deepEqual(recorder.take().map(({ url }) => url),
                     ['/?_getpages=7&_count=2']);
  });
});
