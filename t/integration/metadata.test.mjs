// Metadata needs no identity.  Two resources are served without a token, with
// the operator's endpoints in them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

import { capabilityStatement, smartConfiguration }
  from '../../scripts/sandbox/fhir/metadata.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused, assertServed, connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { Random } from '../lib/random.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { TOP, scratchDirectory } from '../lib/scratch.mjs';
import { replaceEndpoints } from '../lib/smart.mjs';

const PATH = '/PatientAccess/v1-devportal';
const OPEN = ['/metadata', '/.well-known/smart-configuration'];

const WANTED = {
  authorization_endpoint: 'https://health.acme.example/authorize?a=1',
  token_endpoint: 'https://health.acme.example/token',
  introspection_endpoint: 'https://health.acme.example/introspect',
  issuer: 'https://health.acme.example',
};
const ENDPOINTS = Object.fromEntries(
  ['authorize', 'token', 'jwks', 'revoke', 'introspect', 'userinfo']
    .map((name) => [name, `https://r-hi2.cigna.com/mga/sps/${name}`]));

const STATEMENT = {
  ...capabilityStatement(ENDPOINTS),
  url: `https://fhir.cigna.com${PATH}/CapabilityStatement/1`,
  implementation: { description: 'x', url: `https://fhir.cigna.com${PATH}` },
};
const CONFIGURATION = smartConfiguration({
  issuer: 'https://r-hi2.cigna.com', endpoints: ENDPOINTS, scopes: ['openid'],
  modes: new Map(),
});

function buildProbe(t) {
  const module = `${TOP}/ngx_cigna_module`;
  const probe = path.join(scratchDirectory(t, 'smart'), 'probe');

  execFileSync('gcc', [
    '-O2', '-g', '-Wall', '-Wextra', '-Werror', `-I${module}/core`, '-o', probe,
    `${TOP}/t/probe/smart_probe.c`,
    ...['core/fhir/cigna_smart.c', 'core/json/cigna_json_walk.c',
        'core/base/cigna_slice.c'].map((file) => `${module}/${file}`),
  ]);
  return (text, document, chunk) => execFileSync(
    probe, [String(chunk), document, ...Object.entries(WANTED).flat()],
    { input: text }).toString('utf8');
}

// The same value, its members in another order.
function shuffled(value, random) {
  if (Array.isArray(value)) {
    return value.map((one) => shuffled(one, random));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  return Object.fromEntries(Object.entries(value)
    .map(([key, one]) => [random.next(), key, shuffled(one, random)])
    .sort(([a], [b]) => a - b)
    .map(([, key, one]) => [key, one]));
}

function* spellings(value, random) {
  yield JSON.stringify(value);
  yield JSON.stringify(value, null, 2);
  yield JSON.stringify(value).replaceAll('/', '\\/');
  for (let i = 0; i < 5; i += 1) {
    const text = JSON.stringify(shuffled(value, random));
    yield text;
    yield text.replaceAll('token', '\\u0074oken');
  }
}

test('endpoints in metadata equal an independent implementation', async (t) => {
  const gateways = buildProbe(t);
  const random = new Random(20261122);
  const documents = Object.entries({
    'metadata': STATEMENT, 'smart-configuration': CONFIGURATION,
  });

  for (const [document, value] of documents) {
    await t.test(`endpoints in ${document} are equal for any spelling and `
      + 'chunking', () => {
      for (const text of spellings(value, random)) {
        const expected = replaceEndpoints(text, document, WANTED);
        assert.notEqual(expected, text);

        for (const chunk of [1, 7, 1000, 65536]) {
          assert.equal(gateways(text, document, chunk), expected);
        }
      }
    });

    await t.test(`endpoints in a malformed ${document} are equal`, () => {
      const [text] = spellings(value, random);

      for (let i = 0; i < 60; i += 1) {
        const at = random.between(0, Math.min(text.length, 1500));
        const broken = text.slice(0, at)
          + random.pick(['"', '\\', '}', ']', ',', ':', '\n', '\\u12', 'x', ''])
          + text.slice(at + random.between(0, 3));
        assert.equal(gateways(broken, document, random.between(1, 100)),
                     replaceEndpoints(broken, document, WANTED));
      }
    });
  }
});

// Targets that a caller without identity must not reach.
const TRICKS = [
  '/Patient', '/Patient/metadata', '/Patient?x=/metadata', '/metadata/',
  '/metadata/x', '/metadata/../Patient', '/metadata/%2e%2e/Patient',
  '/metadata/..%2fPatient', '/metadata%2f..%2fPatient', '//metadata',
  '/x/..//metadata', '/./metadata', '/x/../metadata', '/%6detadata',
  '/metadata%00', '/metadata%20', '/metadata;x=1', '/Metadata', '/METADATA',
  '/metadata#x', '/metadata%3f', '/metadata%23',
  '/metadata\\..\\Patient', '/metadata.json',
  '/Patient/..;/metadata', '/metadata/.', '/$everything/metadata',
  '/.well-known/', '/.well-known/smart-configuration/',
  '/.well-known/smart-configuration/../../Patient',
  '/.well-known/../Patient', '/.well-known/openid-configuration',
  '/.well-known//smart-configuration', '/%2ewell-known/smart-configuration',
  '/.well-known%2fsmart-configuration', '/metadata/metadata',
];

test('metadata without a token', async (t) => {
  const recorder = await startRecorder(t);
  const host = `https://127.0.0.1:${recorder.port}`;
  const to = `${host}${PATH}/`;
  const wanted = Object.entries(WANTED)
    .map((both) => `cigna_smart_endpoint ${both.join(' ')};`);

  const gw = await standardGateway(t, {
    tenants: { globex: { member_budget: 'rate=1r/m burst=2' } },
    http: `cigna_upstream_alias https://fhir.cigna.com${PATH};
           cigna_budget;
           map $request_method $nobody { default ""; }`,
    locations: [
      recorder.location('/up/', { to }),
      recorder.location('/up', { to: to.slice(0, -1) }),
      recorder.location(`${PATH}/`, { to: host }),
      recorder.location('/named/', { to, lines: [
        'cigna_base_url https://api.example/r4;', ...wanted] }),
      recorder.location('/off/', { to, lines: wanted })
        .replace('cigna_fhir on', 'cigna_fhir on links=off'),
      recorder.location('= /exact/metadata', { to: `${to}metadata` }),
      recorder.location('/other/', { to: `${host}/other/` }),
      recorder.location('= /swapped/metadata', { to: `${to}Patient` }),
      recorder.location('~ ^/regex/(?<rest>.*)$', { to: `${to}$rest` }),
      recorder.location('/set/', { to, lines: [
        'proxy_set_header Authorization "Basic b3BlcmF0b3I=";',
        'proxy_set_header Cookie "of=operator";'] }),
      recorder.location('/anyone/', { to, lines: [
        'cigna_identity $nobody $member;'] }),
      recorder.location('/closed/', { to, lines: ['auth_request /refuse;'] }),
      recorder.location('= /closed/metadata', { to: `${to}metadata`, lines: [
        'auth_request off;'] }),
      `location = /refuse { internal; auth_request off; return 401; }
       location /moved/ { rewrite ^/moved/(.*)$ /up/$1 last; }`,
    ].join('\n'),
  });
  const nobody = gw.visitor();
  const answer = (target, value, lines) =>
    recorder.on(target, (_, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/json', ...lines });
      reply.end(JSON.stringify(value));
    });

  answer(`${PATH}/metadata`, STATEMENT);
  answer(`${PATH}/.well-known/smart-configuration`, CONFIGURATION);

  const plain = (target, lines = [], method = 'GET') => raw(gw,
    `${method} ${target} HTTP/1.1\r\nHost: acme.localhost\r\n`
    + `Connection: close\r\n${lines.map((one) => `${one}\r\n`).join('')}\r\n`);

  for (const place of ['/up', PATH, '/moved']) {
    for (const what of OPEN) {
      await t.test(`${place}${what} is served without identity and token`,
        async () => {
          assertServed(await nobody.get(`${place}${what}?_format=json`));
          const [seen, ...more] = recorder.take();

          assert.deepEqual(more, []);
          assert.equal(seen.url, `${PATH}${what}?_format=json`);
          assert.deepEqual(seen.authorizations, []);
          assert.ok(!seen.names.includes('cookie'));
        });
    }
  }

  await t.test('HEAD is served, and other methods get 405', async () => {
    assert.match(await plain('/up/metadata', [], 'HEAD'),
                 /^HTTP\/1\.1 200 /);
    assert.deepEqual(recorder.take().map(({ method }) => method), ['HEAD']);

    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      assert.match(await plain('/up/metadata', ['Content-Length: 0'], method),
                   /^HTTP\/1\.1 405 /, method);
    }
    assert.deepEqual(recorder.take(), []);
  });

  await t.test('no Authorization or Cookie of the caller or the operator is '
    + 'sent', async () => {
    const lines = ['Authorization: Bearer of-the-caller',
                   'authorization: Basic b2YtdGhlLWNhbGxlcg==',
                   'Cookie: a=of-the-caller', 'Cookie: session=alice',
                   'X-Forwarded-User: of-the-caller',
                   'X-Member: of-the-caller'];
    for (const place of ['/up', '/set']) {
      for (const some of [lines.slice(0, 1), lines.slice(2)]) {
        assert.match(await plain(`${place}/metadata`, some),
                     /^HTTP\/1\.1 200 /);
      }
    }
    // nginx refuses duplicate lines, or the gateway drops them
    await plain('/up/metadata', lines);

    for (const seen of recorder.take()) {
      assert.deepEqual(seen.authorizations, []);
      assert.ok(!seen.names.includes('cookie'));
      assert.doesNotMatch(JSON.stringify(seen), /of-the-caller|operator/);
    }
  });

  for (const place of ['/up', PATH, '/named', '/exact']) {
    await t.test('no spelling of metadata reaches another resource: '
      + `${place}`, async () => {
      for (const trick of TRICKS) {
        for (const target of [`${place}${trick}`, `http://x${place}${trick}`]) {
          const reply = await plain(target);
          assert.match(reply, /^HTTP\/1\.1 (4|301)/, target);
        }
      }
      assert.deepEqual(recorder.take(), []);
    });
  }

  await t.test('a rewritten target leaves only as one of the two resources',
    async () => {
      for (const trick of TRICKS) {
        await plain(`/moved${trick}`);
      }
      for (const { url, authorizations } of recorder.take()) {
        assert.ok(OPEN.some((what) => url === `${PATH}${what}`), url);
        assert.deepEqual(authorizations, []);
      }
    });

  await t.test('a proxy_pass outside fhir_base sends nothing',
    async () => {
      for (const target of [...OPEN.map((what) => `/other${what}`),
                            '/swapped/metadata']) {
        assertRefused(await nobody.get(target), 500, 'destination_refused');
      }
      assert.deepEqual(recorder.take(), []);
      await gw.nginx.waitForLog(/path is not below that of "fhir_base"/);
      await gw.nginx.waitForLog(/sent upstream without a token is neither/);
    });

  await t.test('every other resource still needs a token', async () => {
    for (const target of ['/up/Patient', '/up/Patient/metadata',
                          '/regex/metadata', '/anyone/metadata']) {
      assertRefused(await nobody.get(target), 401, 'no_identity');
    }
    const alice = await connected(gw);
    recorder.take();
    for (const target of ['/up/Patient/metadata', '/up/metadata',
                          '/regex/metadata']) {
      assertServed(await alice.get(target));
    }
    assert.deepEqual(recorder.take().map(({ url, authorizations }) =>
      [url, authorizations.length]),
    [[`${PATH}/Patient/metadata`, 1], [`${PATH}/metadata`, 0],
     [`${PATH}/metadata`, 1]]);
  });

  await t.test('an exact location can except metadata from auth_request',
    async () => {
      assert.equal((await nobody.get('/closed/Patient')).status, 401);
      assert.equal((await nobody.get('/closed/.well-known/'
        + 'smart-configuration')).status, 401);
      assert.deepEqual(recorder.take(), []);

      assertServed(await nobody.get('/closed/metadata'));
      assertServed(await nobody.get('/exact/metadata'));
      assert.deepEqual(recorder.take().map(({ url }) => url),
                       [`${PATH}/metadata`, `${PATH}/metadata`]);
    });

  await t.test('metadata is served while Redis is frozen', async () => {
    gw.redis.freeze();
    assertServed(await nobody.get('/up/metadata'));
    gw.redis.thaw();
  });

  await t.test('a 401 for metadata passes and is not replayed', async () => {
    recorder.take();
    recorder.on(`${PATH}/metadata`, (_, reply) => {
      reply.writeHead(401, { 'Content-Type': 'application/json' });
      reply.end('{"a":1}');
    });
    const reply = await nobody.get('/up/metadata');
    assert.equal(`${reply.status} ${reply.body}`, '401 {"a":1}');
    assert.equal(recorder.take().length, 1);
    answer(`${PATH}/metadata`, STATEMENT);
  });

  await t.test('the endpoints in metadata are the configured ones, and its own '
    + 'URL is the gateway\'s', async () => {
    const statement = replaceEndpoints(JSON.stringify(STATEMENT), 'metadata',
                                       WANTED);
    const configuration = replaceEndpoints(JSON.stringify(CONFIGURATION),
                                           'smart-configuration', WANTED);
    const from = `"url":"https://fhir.cigna.com${PATH}"`;
    assert.ok(statement.includes(from));

    assert.equal((await nobody.get('/named/metadata')).body,
                 statement.replace(from, '"url":"https://api.example/r4"'));
    assert.equal((await nobody.get('/off/metadata')).body, statement);
    for (const place of ['/named', '/off']) {
      assert.equal((await nobody.get(`${place}${OPEN[1]}`)).body,
                   configuration);
    }
  });

  await t.test('endpoints stay unchanged without cigna_smart_endpoint',
    async () => {
      assert.equal((await nobody.get(`/up${OPEN[1]}`)).body,
                   JSON.stringify(CONFIGURATION));
      assert.equal((await nobody.get('/exact/metadata')).json()
        .implementation.url, gw.url('acme', '/exact'));
    });

  await t.test('endpoints in other resources stay unchanged', async () => {
    const alice = await connected(gw, { member: 'bob',
                                        username: 'syntheticuser03' });
    answer(`${PATH}/Patient`, CONFIGURATION);
    assert.equal((await alice.get('/named/Patient')).body,
                 JSON.stringify(CONFIGURATION));
  });

  await t.test('metadata requests have their own counter', async () => {
    const before = await countersOf(gw);
    await nobody.get('/up/metadata');
    const after = await countersOf(gw);

    assert.equal(after.cigna_open_requests_total.acme,
                 before.cigna_open_requests_total.acme + 1);
    assert.equal(after.cigna_fhir_requests_total.acme,
                 before.cigna_fhir_requests_total.acme);
  });

  await t.test('metadata requests do not spend the budgets of members',
    async () => {
      const stranger = gw.visitor({ tenant: 'globex' });
      const statuses = [];
      for (let i = 0; i < 4; i += 1) {
        statuses.push((await stranger.get('/up/metadata')).status);
      }
      assert.deepEqual(statuses, [200, 200, 429, 429]);

      const member = await connected(gw, { tenant: 'globex', member: 'carol',
                                           username: 'syntheticuser04' });
      assertServed(await member.get('/up/Patient'));
    });

  await t.test('the sandbox\'s own metadata passes', async () => {
    assertServed(await nobody.get('/fhir/metadata'));
    const { fhir } = await gw.sandbox.control.see({ recent: 5 });
    assert.equal(fhir.repeated_authorization, 0);
  });
});
