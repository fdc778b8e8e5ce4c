// A token stays in its location.  No internal redirect, subrequest or reply
// takes it elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertRefused, assertServed, connected, logged } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';
import { until } from '../lib/scratch.mjs';

// Ways for a request to leave its location, towards a server that must not get
// a token.
const LEAVING = {
  'an error_page for an upstream\'s 404': '/left-by-404/x',
  'an error_page for an upstream\'s 500': '/left-by-500/x',
  'an error_page for the 404 of a replayed request': '/left-by-401/x',
  'an error_page for an unreachable upstream': '/left-by-502/x',
  'an error_page with a URI': '/left-by-uri/x',
  'a rewrite in the location': '/left-by-rewrite/x',
  'a rewrite in an "if"': '/left-by-if/x?out=1',
  'try_files': '/left-by-try/x',
  'an index-like fallback of try_files': '/left-by-try-uri/x',
};

const LIMITS = { 'X-Accel-Limit-Rate': '1', 'X-Accel-Buffering': 'no',
                 'X-Accel-Expires': '3600', 'X-Accel-Charset': 'koi8-r' };

const locations = (fhir, other, closed) => [
  fhir.location('/rec/'),

  fhir.location('/left-by-404/', { lines: [
    'proxy_intercept_errors on;', 'error_page 404 = @other;'] }),
  fhir.location('/left-by-500/', { lines: [
    'proxy_intercept_errors on;', 'error_page 500 = @other;'] }),
  fhir.location('/left-by-401/', { lines: [
    'proxy_intercept_errors on;', 'error_page 401 404 = @other;'] }),
  fhir.location('/left-by-502/', { to: `https://127.0.0.1:${closed}`, lines: [
    'error_page 502 504 = @other;'] }),
  fhir.location('/left-by-uri/', { lines: [
    'proxy_intercept_errors on;', 'error_page 404 =200 /other/page;'] }),
  fhir.location('/left-by-rewrite/', { lines: ['rewrite ^ /other/r last;'] }),
  fhir.location('/left-by-if/', { lines: [
    'if ($arg_out) { rewrite ^ /other/if last; }'] }),
  fhir.location('/left-by-try/', { lines: ['try_files /none @other;'] }),
  fhir.location('/left-by-try-uri/', { lines: [
    'try_files /none /other/try;'] }),
  fhir.location('/refused/', { lines: ['error_page 401 503 = @other;'] }),
  fhir.location('/mirrored/', { lines: ['mirror /other/mirror;'] }),

  other.location('/other/', { fhir: false }),
  other.location('@other', { fhir: false }),

  fhir.location('/not-followed/', { lines: ['proxy_redirect off;'] }),
  fhir.location('/adapted/', { lines: [
    'proxy_redirect https://elsewhere.example/ /rec/;'] }),

  // subrequests
  `location /asks/ {
      auth_request /rec/asked;
      proxy_pass https://127.0.0.1:${other.port}; }
  location /mirrors/ {
      mirror /rec/mirror;
      proxy_pass https://127.0.0.1:${other.port}; }
  location /includes/ {
      ssi on; default_type text/html; ssi_types *;
      proxy_set_header Accept-Encoding "";
      proxy_pass https://127.0.0.1:${other.port}; }`,
].join('\n');

test('a token stays in its location', async (t) => {
  const fhir = await startRecorder(t);
  const other = await startRecorder(t, { ca: fhir.ca });
  const closed = await startRecorder(t, { ca: fhir.ca });
  const gw = await standardGateway(t, {
    locations: locations(fhir, other, closed.port),
  });
  const alice = await connected(gw);
  const bob = gw.visitor({ member: 'bob' });
  closed.server.close();

  // asserts that `other`, a server elsewhere, has got requests, and none with a
  // token
  const nothingTaken = (least = 1) => {
    const seen = other.take();
    assert.ok(seen.length >= least, 'too few requests elsewhere');
    for (const one of seen) {
      assert.deepEqual(one.authorizations, []);
      assert.doesNotMatch(JSON.stringify(one), /MARKs/);
    }
  };

  const status = (code) => (request, response) => {
    response.writeHead(code, { 'Content-Type': 'application/json' });
    response.end('{}');
  };
  fhir.on('/left-by-404/x', status(404));
  fhir.on('/left-by-500/x', status(500));
  fhir.on('/left-by-uri/x', status(404));
  let refused;
  fhir.on('/left-by-401/x', (request, response, { authorizations: [one] }) => {
    refused ??= one;
    status(one === refused ? 401 : 404)(request, response);
  });

  for (const [what, target] of Object.entries(LEAVING)) {
    await t.test(`a request that leaves by ${what} has no token`, async () => {
      assert.equal((await alice.get(target)).status, 200);
      nothingTaken();
    });
  }

  await t.test('a refusal that error_page sends elsewhere has no token',
    async () => {
      await bob.get('/refused/x');
      for (const one of other.take()) {
        assert.deepEqual(one.authorizations, []);
      }
    });

  await t.test('the mirror of a request gets no token', async () => {
    fhir.take();
    assertServed(await alice.get('/mirrored/x'));
    await until('the mirrored request has arrived', () =>
      other.requests.length);
    nothingTaken();
    assert.equal(fhir.take()[0].authorizations.length, 1);
  });

  for (const location of ['asks', 'mirrors']) {
    await t.test(`a subrequest into the location is refused (${location})`,
      async () => {
        fhir.take();
        const { status: code } = await alice.get(`/${location}/x`);

        assert.equal(code, location === 'asks' ? 403 : 200);
        assert.deepEqual(fhir.take(), []);
        assert.match(gw.nginx.errorLog(), /cigna: a subrequest to .* no token/);
      });
  }

  await t.test('an SSI include of the location is refused', async () => {
    other.on('/includes/x', (request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('[<!--#include virtual="/rec/included" -->]');
    });
    const { body } = await alice.get('/includes/x');

    assert.match(body, /^\[[^]*403 Forbidden[^]*\]$/);
    assert.deepEqual(fhir.take(), []);
  });

  await t.test('X-Accel-Redirect of the upstream is not obeyed', async () => {
    fhir.on('/rec/accel', (request, response) => {
      response.setHeader('X-Accel-Redirect', '/other/accel');
      response.end('the reply itself');
    });
    other.take();
    const reply = await alice.get('/rec/accel');

    assertServed(reply);
    assert.equal(reply.body, 'the reply itself');
    assert.equal(reply.headers['x-accel-redirect'], undefined);
    assert.deepEqual(other.take(), []);
  });

  await t.test('other X-Accel lines of the upstream are not '
    + 'obeyed', async () => {
    fhir.on('/rec/limits', (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain', ...LIMITS });
      response.end('x'.repeat(20000));
    });
    const began = Date.now();
    const reply = await alice.get('/rec/limits');

    assertServed(reply);
    assert.equal(reply.body.length, 20000);
    assert.ok(Date.now() - began < 4000);
    assert.doesNotMatch(JSON.stringify(reply.rawHeaders), /koi8|accel/i);
    assert.equal(reply.headers.expires, undefined);
  });

  await t.test('cookies of the upstream do not reach the caller', async () => {
    fhir.on('/rec/cookies', (request, response) => {
      response.writeHead(200, { 'Set-Cookie': ['a=b; Path=/', 'c=d'],
                                'Set-Cookie2': 'e=f' });
      response.end('{}');
    });
    const { cookies, headers } = await alice.get('/rec/cookies');

    assert.deepEqual(cookies, []);
    assert.equal(headers['set-cookie2'], undefined);
    await gw.sandbox.control.set({ fhir_set_cookie: 'on' });
    assert.deepEqual((await alice.get('/fhir/Patient')).cookies, []);
  });

  await t.test('the upstream\'s lines on caching are replaced', async () => {
    fhir.on('/rec/caching', (request, response) => {
      response.writeHead(200, { 'Cache-Control': 'public, max-age=9',
                                'Expires': 'Sat, 21 Nov 2036 00:00:00 GMT',
                                'Pragma': 'x' });
      response.end('{}');
    });
    const { rawHeaders } = await alice.get('/rec/caching');
    const names = rawHeaders.map((one) => one.toLowerCase());

    assert.equal(names.filter((one) => one === 'cache-control').length, 1);
    assert.ok(names.includes('no-store, private'));
    assert.ok(!names.includes('expires') && !names.includes('pragma'));
  });

  for (const [name, Location] of [
    ['not-followed', 'https://elsewhere.example/x'],
    ['adapted', '/rec/x'],
  ]) {
    await t.test(`a redirect of the upstream goes to the caller (${name})`,
      async () => {
        fhir.on(`/${name}/x`, (request, response) => {
          response.writeHead(302, { Location:
                                    'https://elsewhere.example/x' });
          response.end();
        });
        fhir.take();
        const reply = await alice.get(`/${name}/x`);

        assert.equal(reply.status, 302);
        assert.ok(reply.headers.location.endsWith(Location));
        assert.doesNotMatch(JSON.stringify(reply.rawHeaders), /MARKs/);
        assert.equal(fhir.take().length, 1);
      });
  }
});

const PLACES = {
  'a proxy_ssl_name of another host':
    { ssl: ['proxy_ssl_name other.example;'] },
  'a certificate of another host': { names: ['other.example'] },
  'a certificate of another authority': { foreign: true },
  'an http address in variables': { to: (port) => [
    'http://127.0.0.1:$port', `set $port ${port};`], plain: true },
  'a host in variables': { to: (port) => [
    `https://$host_name:${port}`, 'set $host_name 127.0.0.1;'], ssl: [] },
};

test('a token goes to the host of fhir_base only', async (t) => {
  const ca = (await startRecorder(t)).ca;
  const recorders = {};
  const locations = [];

  for (const [i, [what, { names, foreign, plain, to, ssl }]] of
    Object.entries(PLACES).entries()) {
    const one = await startRecorder(t, { plain, names,
                                         ca: foreign ? undefined : ca });
    const [target, set = ''] = to?.(one.port)
      ?? [`https://127.0.0.1:${one.port}`];
    recorders[what] = [`/p${i}/Patient`, one];
    locations.push(`
      location /p${i}/ {
          cigna_fhir on;
          ${set}
          proxy_pass ${target}${BASE}${target.includes('$') ? '$uri' : '/'};
          proxy_ssl_verify on;
          proxy_ssl_trusted_certificate ${ca.certFile};
          ${(ssl ?? ['proxy_ssl_name localhost;']).join(' ')}
      }`);
  }

  const stranger = await startRecorder(t, { ca, names: ['other.example'] });
  const gw = await standardGateway(t, {
    http: `upstream shared {
        server 127.0.0.1:${stranger.port}; keepalive 1; }`,
    locations: `${locations.join('\n')}
      location /lax/ {
          proxy_pass https://shared;
          proxy_http_version 1.1; proxy_set_header Connection "";
      }
      location /strict/ {
          cigna_fhir on;
          proxy_pass https://shared${BASE}/;
          proxy_http_version 1.1; proxy_set_header Connection "";
          proxy_ssl_name localhost; proxy_ssl_verify on;
          proxy_ssl_trusted_certificate ${ca.certFile};
      }`,
  });
  const alice = await connected(gw);

  for (const [what, [target, recorder]] of Object.entries(recorders)) {
    await t.test(`no byte of a request is sent with ${what}`, async () => {
      const reply = await alice.get(target);

      assert.deepEqual(recorder.take(), []);
      if (reply.status !== 502) {
        assertRefused(reply, 500, 'destination_refused',
                      { code: 'security' });
        const { outcome } = await logged(gw, target);
        assert.equal(outcome, 'destination_refused');
      }
    });
  }

  await t.test('an unverified connection that another location has kept is not '
    + 'reused',
    async () => {
      assert.equal((await alice.get('/lax/x')).status, 200);
      assert.equal(stranger.take().length, 1);

      assert.equal((await alice.get('/strict/Patient')).status, 502);
      assert.deepEqual(stranger.take(), []);
      assert.match(gw.nginx.errorLog(), /not verified to lead to "localhost"/);
    });
});
