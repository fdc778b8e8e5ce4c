// Links in replies, where requests and replies are written in other ways than
// they mostly are.

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
      recorder.location('/bare/', { to: `${host}/` }),
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
    await t.test(`they lead here whoever escapes or folds: ${target}`,
      async () => {
        answer();
        const reply = await raw(gw, `GET /up${target} HTTP/1.1\r\n`
          + `Host: acme.localhost:${gw.port}\r\nCookie: session=alice\r\n`
          + 'Connection: close\r\n\r\n');
        assert.ok(reply.includes(rewritten(own).slice(1, -1)), reply);
      });
  }

  for (const [line, name] of [
    ['http://acme.localhost/up/x', 'evil.example'],
    ['http://acme.localhost/up/x', 'acme.localhost.evil.example'],
    ['http://acme.localhost/up/x', 'acme.localhost:1evil'],
    ['/up/x', 'acme.localhost:1evil'],
  ]) {
    await t.test(`a Host line that nobody vouches for is in no link: ${line} `
      + `${name}`, async () => {
      answer();
      const reply = await raw(gw, `GET ${line} HTTP/1.1\r\nHost: ${name}\r\n`
        + 'Cookie: session=alice\r\nConnection: close\r\n\r\n');
      assert.match(reply, /^HTTP\/1.1 200 /);
      assert.doesNotMatch(reply, /evil/);
      assert.ok(reply.includes(BUNDLE.slice(1, -1)), reply);
    });
  }

  await t.test('a host in other letters, or with a dot behind it, is the same',
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

  await t.test('the cursor reaches a base without a path', async () => {
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
