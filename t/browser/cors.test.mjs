// An app on another origin, with fhirclient from npm, in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';
import { TOP, freePort } from '../lib/scratch.mjs';
import { assertNoSecrets } from '../lib/secrets.mjs';

const CLIENT = `${TOP}/scripts/node_modules/fhirclient/build/fhir-client.js`;
const INNER = 'https://p-hi2.digitaledge.cigna.com';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const PAGE = '<!DOCTYPE html><title>App</title>'
  + '<script src="/fhir-client.js"></script>';
const TOKEN = 'MARKapp-token-of-';

// Starts a server of pages on another origin of the same site as acme.  Its
// pages can send requests with acme's cookies.
async function startOrigin(t, name) {
  const origin = await startRecorder(t, { names: [name] });
  origin.otherwise = (request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(PAGE);
  };
  origin.on('/fhir-client.js', (request, response) => {
    response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
    response.end(readFileSync(CLIENT));
  });
  origin.origin = `https://${name}:${origin.port}`;
  return origin;
}

test('an app on another origin', async (t) => {
  const app = await startOrigin(t, 'app.acme.localhost');
  const stranger = await startOrigin(t, 'evil.acme.localhost');

  // The auth_request that turns the app's own tokens into members.
  const whoami = await startRecorder(t, { plain: true });
  whoami.otherwise = (request, response) => {
    const [, member] = new RegExp(`^Bearer ${TOKEN}(\\w+)$`)
      .exec(request.headers.authorization ?? '') ?? [];
    response.writeHead(member ? 204 : 401, member ? { 'X-Member': member }
      : { 'WWW-Authenticate': 'Bearer' });
    response.end();
  };

  const fhir = await startRecorder(t);
  fhir.on('/rec/Patient/1', (request, response) => {
    response.writeHead(200, {
      'Content-Type': 'application/fhir+json', 'ETag': 'W/"7"',
      'Last-Modified': 'Sat, 01 Feb 2025 00:00:00 GMT',
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'X-Secret', 'X-Secret': 'x' });
    response.end('{"resourceType":"Patient","id":"1"}');
  });
  fhir.on('/rec/Patient/busy', (request, response) => {
    response.writeHead(503, { 'Content-Type': 'application/fhir+json' });
    response.end('{"resourceType":"OperationOutcome","id":"upstream"}');
  });
  fhir.on('/rec/Patient/gone', (request) => request.socket.destroy());

  const listed = `https://other.example:8443 ${app.origin}`;
  const cors = `cigna_cors ${listed};`;
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    fhir: { cigna_cors: listed },
    http: `cigna_upstream_alias ${INNER}${BASE} ${INNER};`,
    vault: { timeout: '300ms', connect_timeout: '200ms' },
    locations: ({ sandbox, ca }) => `
        ${fhir.location('/rec/', { lines: [cors] })}
        ${fhir.location('/silent/')}
        location = /bearer {
            internal;
            auth_request off;
            proxy_pass http://127.0.0.1:${whoami.port};
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }
        location /api/ {
            auth_request /bearer;
            cigna_fhir on;
            cigna_cors ${listed} credentials=off;
            proxy_pass ${sandbox.info.fhirBase}/;
            proxy_ssl_server_name on;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate ${ca.certFile};
        }`,
  });

  const browser = await startBrowser(t, { certFiles: [
    gw.certificate.certFile, gw.sandbox.info.certFile, app.certFile,
    stranger.certFile] });

  // Opens an origin's page in a browser that is signed in to acme, or signed
  // out if member is null.
  async function pageOf({ origin }, { member = 'alice' } = {}) {
    const context = await browser.newContext();
    context.setDefaultTimeout(8000);
    if (member) {
      await context.addCookies([{
        name: 'session', value: member, url: gw.url('acme'), secure: true,
        httpOnly: true, sameSite: 'Lax' }]);
    }
    const page = await context.newPage();
    await page.goto(`${origin}/`);
    return page;
  }

  // Returns the result of fhirclient, or { failed: message, status }.
  const client = (page, { base = '/fhir', token, request, options }) =>
    page.evaluate(async ([serverUrl, access_token, what, how]) => {
      const fhirClient = FHIR.client({ serverUrl, ...(access_token
        && { tokenResponse: { access_token } }) });
      try {
        return await fhirClient.request(what, how);
      } catch (error) {
        return { failed: error.message, status: error.status };
      }
    }, [gw.url('acme', base), token, request, options]);

  // Returns { status, headers, body } as a page reads them, or { failed }.
  const fetched = (page, target, options = {}) =>
    page.evaluate(async ([url, how]) => {
      try {
        const reply = await fetch(url, { credentials: 'include', ...how });
        return { status: reply.status, body: await reply.text(),
                 headers: Object.fromEntries(reply.headers) };
      } catch (error) {
        return { failed: error.name };
      }
    }, [gw.url('acme', target), options]);

  const conditionIn = ({ body }) =>
    JSON.parse(body).issue[0].details.coding[0].code;

  await connected(gw, { member: 'alice' });

  await t.test('fhirclient reads a Patient with the member\'s session',
    async () => {
      const page = await pageOf(app);
      const { entry } = await client(page, { request: {
        url: 'Patient', credentials: 'include' } });
      const [{ resource }] = entry;
      assert.equal(resource.resourceType, 'Patient');

      const one = await client(page, { request: {
        url: `Patient/${resource.id}`, credentials: 'include' } });
      assert.deepEqual(one, resource);
      await page.context().close();
    });

  await t.test('fhirclient searches and pages to the end', async () => {
    const page = await pageOf(app);
    const search = { url: 'ExplanationOfBenefit?_count=5',
                     credentials: 'include' };
    const all = [];
    let total;
    for (let next = search; next;) {
      const bundle = await client(page, { request: next });
      assert.equal(bundle.resourceType, 'Bundle', JSON.stringify(bundle));
      total = bundle.total;
      all.push(...bundle.entry.map(({ fullUrl }) => fullUrl));
      const link = bundle.link.find(({ relation }) => relation === 'next');
      next = link && { ...search, url: link.url };
    }
    assert.ok(total > 5, `${total}`);
    assert.equal(all.length, total);
    assert.equal(new Set(all).size, total);
    await page.context().close();
  });

  await t.test('fhirclient\'s POST to _search finds the same as a GET',
    async () => {
      const page = await pageOf(app);
      for (const [type, query] of [
        ['Patient', '_count=3'],
        ['Coverage', '_count=2'],
        ['ExplanationOfBenefit', '_count=4'],
      ]) {
        const credentials = 'include';
        const posted = await client(page, { request: {
          url: `${type}/_search`, method: 'POST', body: query, headers: FORM,
          credentials } });
        const got = await client(page, { request: {
          url: `${type}?${query}`, credentials } });
        assert.equal(got.resourceType, 'Bundle');
        assert.deepEqual(posted.entry, got.entry, JSON.stringify(posted));
        assert.equal(posted.total, got.total);
      }
      await page.context().close();
    });

  await t.test('a POST of JSON to _search is refused, and the page can read '
    + 'the refusal', async () => {
    const page = await pageOf(app);
    const { status } = await fetched(page, '/fhir/Patient/_search', {
      method: 'POST', body: '{}',
      headers: { 'Content-Type': 'application/json' } });
    assert.equal(status, 415);
    await page.context().close();
  });

  await t.test('a preflight without a cookie is answered before auth_request, '
    + 'and does not reach the FHIR server', async () => {
    fhir.take();
    const asked = gw.identity.seen.length;
    const reply = await gw.visitor().request('/rec/Patient/1', {
      method: 'OPTIONS', headers: {
        'Origin': app.origin, 'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'prefer,x-request-id' } });
    assert.ok(reply.status === 204 || reply.status === 200, `${reply.status}`);
    assert.equal(reply.headers['access-control-allow-origin'], app.origin);
    assert.equal(reply.headers['access-control-allow-credentials'], 'true');
    assert.match(reply.headers['access-control-allow-methods'], /\bGET\b/);
    assert.match(reply.headers.vary, /\bOrigin\b/);
    assert.equal(gw.identity.seen.length, asked);
    assert.deepEqual(fhir.take(), []);
  });

  await t.test('a request that needs a preflight is served', async () => {
    const page = await pageOf(app);
    fhir.take();
    const { status, body } = await fetched(page, '/rec/Patient/1', {
      headers: { 'Prefer': 'handling=strict', 'X-Request-Id': 'abc-123',
                 'Accept': 'application/fhir+json' } });
    assert.equal(status, 200);
    assert.equal(JSON.parse(body).id, '1');
    const seen = fhir.take();
    assert.deepEqual(seen.map(({ method, url }) => `${method} ${url}`),
                     ['GET /rec/Patient/1']);
    assert.equal(seen[0].headers.prefer, 'handling=strict');
    assert.equal(seen[0].headers.origin, undefined);
    await page.context().close();
  });

  await t.test('a page reads the exposed header lines and no others',
               async () => {
    const page = await pageOf(app);
    const { headers } = await fetched(page, '/rec/Patient/1');
    assert.match(headers.etag ?? '', /"7"/);
    assert.match(headers['x-request-id'] ?? '', /^\S+$/);
    assert.equal(headers['x-secret'], undefined);
    await page.context().close();
  });

  await t.test('each CORS line comes once, whatever the FHIR server sends',
               async () => {
    for (const [origin, allowed] of [[app.origin, [app.origin]],
                                     [stranger.origin, []], ['null', []],
                                     [`${app.origin}.evil.example`, []],
                                     [app.origin.replace('s:', ':'), []],
                                     [undefined, []]]) {
      const { rawHeaders } = await gw.visitor({ member: 'alice' }).get(
        '/rec/Patient/1', { headers: origin ? { Origin: origin } : {} });
      const all = (name) => rawHeaders.filter((_, i) =>
        i % 2 === 1 && rawHeaders[i - 1].toLowerCase() === name);
      assert.deepEqual(all('access-control-allow-origin'), allowed, origin);
      assert.deepEqual(all('access-control-allow-credentials'),
                       allowed.map(() => 'true'), origin);
      assert.ok(all('vary').join().match(/\bOrigin\b/i), origin);
      assert.ok(!all('access-control-expose-headers').join()
        .includes('X-Secret'));
    }
  });

  // an app with its own tokens instead of a cookie

  await t.test('fhirclient with a token of the app reads, searches by POST and '
    + 'pages', async () => {
    const page = await pageOf(app, { member: null });
    const token = `${TOKEN}alice`;
    const pages = await client(page, { base: '/api', token,
      request: 'ExplanationOfBenefit?_count=5',
      options: { pageLimit: 0, flat: true } });
    assert.ok(pages.length > 5, JSON.stringify(pages));
    assert.ok(pages.every(({ resourceType }) =>
      resourceType === 'ExplanationOfBenefit'));
    assert.equal(new Set(pages.map(({ id }) => id)).size, pages.length);

    const posted = await client(page, { base: '/api', token, request: {
      url: 'Patient/_search', method: 'POST', body: '_count=1',
      headers: FORM } });
    assert.equal(posted.resourceType, 'Bundle', JSON.stringify(posted));
    assert.equal(posted.entry[0].resource.resourceType, 'Patient');
    await page.context().close();
  });

  await t.test('a page with an invalid token of the app reads the 401',
    async () => {
      const page = await pageOf(app, { member: null });
      const failure = await client(page, { base: '/api', token: 'x',
                                           request: 'Patient' });
      assert.equal(failure.status, 401, JSON.stringify(failure));
      await page.context().close();
    });

  await t.test('with credentials=off no reply allows cookies, and a page '
    + 'cannot read the reply to a request with cookies', async () => {
    const page = await pageOf(app);
    const authorization = `Bearer ${TOKEN}alice`;
    assert.equal((await fetched(page, '/api/Patient', {
      credentials: 'omit', headers: { authorization } })).status, 200);
    assert.deepEqual(await fetched(page, '/api/Patient', {
      headers: { authorization } }), { failed: 'TypeError' });

    const { headers } = await gw.visitor().get('/api/Patient', {
      headers: { Origin: app.origin, Authorization: authorization } });
    assert.equal(headers['access-control-allow-origin'], app.origin);
    assert.equal(headers['access-control-allow-credentials'], undefined);
    await page.context().close();
  });

  // refusals that a page can tell from a network failure

  await t.test('a page reads the gateway\'s 401 and the connect URL',
               async () => {
    const page = await pageOf(app, { member: 'newcomer' });
    const reply = await fetched(page, '/fhir/Patient');
    assert.equal(reply.status, 401);
    assert.equal(conditionIn(reply), 'not_connected');
    assert.match(reply.headers.link, /rel="cigna-connect"/);

    const failure = await client(page, { request: {
      url: 'Patient', credentials: 'include' } });
    assert.equal(failure.status, 401);
    await page.context().close();
  });

  await t.test('a page reads the 401 of a user who is not signed in',
    async () => {
      const page = await pageOf(app, { member: null });
      const reply = await fetched(page, '/fhir/Patient');
      assert.equal(reply.status, 401);
      assert.equal(conditionIn(reply), 'no_identity');
      await page.context().close();
    });

  await t.test('a page reads the FHIR server\'s 503 and the gateway\'s 502',
    async () => {
      const page = await pageOf(app);
      const gone = await fetched(page, '/rec/Patient/gone');
      assert.equal(gone.status, 502);
      const busy = await fetched(page, '/rec/Patient/busy');
      assert.equal(busy.status, 503);
      assert.equal(JSON.parse(busy.body).id, 'upstream');
      await page.context().close();
    });

  await t.test('a page reads the 405 of an unsafe method',
    async () => {
      const page = await pageOf(app);
      fhir.take();
      const { status } = await fetched(page, '/rec/Patient', {
        method: 'POST', body: 'x=1', headers: FORM });
      assert.equal(status, 405);
      assert.deepEqual(fhir.take(), []);
      await page.context().close();
    });

  // origins that are not listed

  await t.test('an unlisted origin reads nothing', async () => {
    const page = await pageOf(stranger);
    assert.deepEqual(await fetched(page, '/rec/Patient/1'),
                     { failed: 'TypeError' });
    assert.deepEqual(await fetched(page, '/fhir/Patient'),
                     { failed: 'TypeError' });
    const { failed } = await client(page, { request: {
      url: 'Patient', credentials: 'include' } });
    assert.equal(failed, 'Network request failed');
    await page.context().close();
  });

  await t.test('a request of an unlisted origin that needs a preflight does '
    + 'not reach the FHIR server', async () => {
    const page = await pageOf(stranger);
    fhir.take();
    assert.deepEqual(await fetched(page, '/rec/Patient/1', {
      headers: { Prefer: 'handling=strict' } }), { failed: 'TypeError' });
    assert.deepEqual(await fetched(page, '/rec/Patient/1', {
      headers: { 'If-None-Match': 'W/"7"' } }), { failed: 'TypeError' });
    assert.deepEqual(await fetched(page, '/rec/Patient/1', {
      method: 'DELETE' }), { failed: 'TypeError' });
    assert.deepEqual(fhir.take(), []);
    await page.context().close();
  });

  await t.test('a frame without an origin reads nothing', async () => {
    const page = await pageOf(app);
    await page.setContent('<iframe sandbox="allow-scripts" srcdoc="<p>x">');
    const frame = page.frames().at(-1);
    assert.equal(await frame.evaluate(() => self.origin), 'null');
    assert.deepEqual(await fetched(frame, '/rec/Patient/1'),
                     { failed: 'TypeError' });
    await page.context().close();
  });

  await t.test('without cigna_cors no other origin reads anything, and a '
    + 'preflight gets 405', async () => {
    const page = await pageOf(app);
    fhir.take();
    assert.deepEqual(await fetched(page, '/silent/Patient', {
      headers: { Prefer: 'handling=strict' } }), { failed: 'TypeError' });
    assert.deepEqual(fhir.take(), []);
    const { status } = await gw.visitor({ member: 'alice' }).request(
      '/silent/Patient', { method: 'OPTIONS', headers: {
        'Origin': app.origin, 'Access-Control-Request-Method': 'GET' } });
    assert.equal(status, 405);
    await page.context().close();
  });

  await t.test('a page reads the gateway\'s 503 and Retry-After while Redis '
    + 'stands still', async () => {
    await connected(gw, { member: 'dora' });
    await gw.reload();                 // makes cached grants suspect
    const page = await pageOf(app, { member: 'emil' });
    await gw.redis.freeze();
    try {
      const reply = await fetched(page, '/fhir/Patient');
      assert.equal(reply.status, 503);
      assert.equal(conditionIn(reply), 'vault_unreachable');
      assert.match(reply.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    } finally {
      gw.redis.thaw();
    }
    await page.context().close();
  });

  await t.test('no request to any origin has a token', () => {
    assertNoSecrets(gw.sandbox.info.markers, {
      'the app': app.requests, 'the stranger': stranger.requests,
      'the auth_request': whoami.requests });
  });
});
