// Metadata needs no identity.  Two documents are served without a token, with
// the operator's endpoints in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countersOf } from '../lib/counters.mjs';
import { assertRefused, assertServed, connected, raw } from '../lib/fhir.mjs';
import { CONFIGURATION, PROXIED, STATEMENT, metadataGateway }
  from '../lib/metadata.mjs';
import { withEndpoints } from '../lib/smart.mjs';

const PATH = '/PatientAccess/v1-devportal';
const OPEN = ['/metadata', '/.well-known/smart-configuration'];

const WANTED = {
  authorization_endpoint: 'https://health.acme.example/authorize?a=1',
  token_endpoint: 'https://health.acme.example/token',
  introspection_endpoint: 'https://health.acme.example/introspect',
  issuer: 'https://health.acme.example',
};

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
  const wanted = Object.entries(WANTED)
    .map((both) => `cigna_smart_endpoint ${both.join(' ')};`);

  const { gw, recorder, answer } = await metadataGateway(t, {
    tenants: { globex: { member_budget: 'rate=1r/m burst=2' } },
    http: `cigna_budget;
           map $request_method $nobody { default ""; }`,
    locations: ({ recorder, to }) => [
      recorder.location('/up/', { to }),
      recorder.location('/up', { to: to.slice(0, -1) }),
      recorder.location(`${PATH}/`, { to: to.slice(0, -PATH.length - 1) }),
      recorder.location('/named/', { to, lines: [
        'cigna_base_url https://api.example/r4;', ...wanted] }),
      recorder.location('/off/', { to, lines: wanted })
        .replace('cigna_fhir on', 'cigna_fhir on links=off'),
      recorder.location('= /exact/metadata', { to: `${to}metadata` }),
      recorder.location('/other/', { to: to.replace(PATH, '/other') }),
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
    ],
  });
  const nobody = gw.visitor();
  const plain = (target, lines = [], method = 'GET') => raw(gw,
    `${method} ${target} HTTP/1.1\r\nHost: acme.localhost\r\n`
    + `Connection: close\r\n${lines.map((one) => `${one}\r\n`).join('')}\r\n`);

  for (const place of ['/up', PATH, '/moved']) {
    for (const what of OPEN) {
      await t.test(`${place}${what} is served without identity and token`,
        async () => {
          assertServed(await nobody.get(`${place}${what}${PROXIED}`));
          const [seen, ...more] = recorder.take();

          assert.deepEqual(more, []);
          assert.equal(seen.url, `${PATH}${what}${PROXIED}`);
          assert.deepEqual(seen.authorizations, []);
          assert.ok(!seen.names.includes('cookie'));
        });
    }
  }

  await t.test('HEAD is served, and other methods get 405', async () => {
    assert.match(await plain(`/up/metadata${PROXIED}`, [], 'HEAD'),
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
        assert.match(await plain(`${place}/metadata${PROXIED}`, some),
                     /^HTTP\/1\.1 200 /);
      }
    }
    // either nginx refuses the request for its duplicate lines, or the gateway
    // drops the lines
    await plain(`/up/metadata${PROXIED}`, lines);
    // the gateway fetches this document to keep it
    await plain('/set/metadata', lines.slice(2));

    const all = recorder.take();
    assert.equal(all.at(-1).url, `${PATH}/metadata`);
    for (const seen of all) {
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
    for (const target of ['/up/Patient/metadata', `/up/metadata${PROXIED}`,
                          '/regex/metadata']) {
      assertServed(await alice.get(target));
    }
    assert.deepEqual(recorder.take().map(({ url, authorizations }) =>
      [url, authorizations.length]),
    [[`${PATH}/Patient/metadata`, 1], [`${PATH}/metadata${PROXIED}`, 0],
     [`${PATH}/metadata`, 1]]);
  });

  await t.test('an exact location can except metadata from auth_request',
    async () => {
      assert.equal((await nobody.get('/closed/Patient')).status, 401);
      assert.equal((await nobody.get('/closed/.well-known/'
        + 'smart-configuration')).status, 401);
      assert.deepEqual(recorder.take(), []);

      assertServed(await nobody.get('/closed/metadata'));
      recorder.take();
      assertServed(await nobody.get(`/closed/metadata${PROXIED}`));
      assertServed(await nobody.get(`/exact/metadata${PROXIED}`));
      assert.deepEqual(recorder.take().map(({ url }) => url),
                       Array(2).fill(`${PATH}/metadata${PROXIED}`));
    });

  await t.test('metadata is served while Redis is frozen', async () => {
    gw.redis.freeze();
    assertServed(await nobody.get('/up/metadata'));
    gw.redis.thaw();
  });

  await t.test('a 401 for metadata passes and is not replayed', async () => {
    recorder.take();
    answer(`${PATH}/metadata`, '{"a":1}', {}, 401);
    const reply = await nobody.get(`/up/metadata${PROXIED}`);
    assert.equal(`${reply.status} ${reply.body}`, '401 {"a":1}');
    assert.equal(recorder.take().length, 1);
    answer(`${PATH}/metadata`, STATEMENT);
  });

  await t.test('the endpoints in metadata are the configured ones, and its own '
    + 'URL is the gateway\'s', async () => {
    const statement = JSON.stringify(withEndpoints(STATEMENT, WANTED));
    const configuration = JSON.stringify(withEndpoints(CONFIGURATION, WANTED));
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
        statuses.push((await stranger.get(`/up/metadata${PROXIED}`)).status);
      }
      assert.deepEqual(statuses, [200, 200, 429, 429]);

      const member = await connected(gw, { tenant: 'globex', member: 'carol',
                                           username: 'syntheticuser04' });
      assertServed(await member.get('/up/Patient'));
    });

  await t.test('the sandbox\'s own metadata passes', async () => {
    assertServed(await nobody.get(`/fhir/metadata${PROXIED}`));
    const { fhir } = await gw.sandbox.control.see({ recent: 5 });
    assert.equal(fhir.repeated_authorization, 0);
  });
});
