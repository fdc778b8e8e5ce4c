// Identity: the app's session at the callback, tenants that share a gateway,
// and sources of identity that are refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CALLBACK, forgetDances, onlyDance, outcomeOf, queryOf, titleOf,
         toCallback, tokenRequests } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';

const RELOAD = 'Completing the connection';

// Returns the URL to which the page sends the browser.
function reloadOf(reply) {
  const [, escaped] = /<meta http-equiv="refresh" content="0; url=([^"]*)">/
    .exec(reply.body);
  return new URL(escaped.replaceAll('&amp;', '&'), reply.url);
}

test('identity at the callback', async (t) => {
  const gw = await standardGateway(t);

  await t.test('a callback with the dance cookie and no identity gets a page '
    + 'that reloads it, and changes nothing', async () => {
    const { visitor, target } = await toCallback(gw);
    visitor.logOut();

    const before = await tokenRequests(gw);
    const page = await visitor.get(target);
    assert.equal(page.status, 200);
    assert.equal(titleOf(page), RELOAD);
    assert.match(page.headers['cache-control'], /no-store/);
    assert.equal(page.headers['referrer-policy'], 'no-referrer');
    assert.equal(await tokenRequests(gw), before);
    const dance = await gw.redis.command('HGETALL', await onlyDance(gw));
    assert.ok(!dance.includes('t') && !dance.includes('o'));

    // the page reloads the callback's own address
    const again = reloadOf(page);
    assert.equal(again.origin + again.pathname, gw.url('acme', CALLBACK));
    const { state, code } = queryOf(new URL(target, gw.url('acme')));
    assert.equal(again.searchParams.get('state'), state);
    assert.equal(again.searchParams.get('code'), code);

    visitor.logIn('alice');
    const reply = await visitor.get(again.pathname + again.search);
    assert.equal(outcomeOf(reply), 'connected');
  });

  await t.test('a reloaded callback without identity gets 401 and leaves the '
    + 'dance unchanged',
    async () => {
      await forgetDances(gw);
      const { visitor, target } = await toCallback(gw);
      visitor.logOut();
      const again = reloadOf(await visitor.get(target));

      const page = await visitor.get(again.pathname + again.search);
      assert.equal(page.status, 401);
      assert.equal(titleOf(page), 'Please sign in');
      assert.ok(!page.body.includes('http-equiv'));
      assert.match(gw.nginx.errorLog(), /outcome: identity_missing, /);

      // the 401 has not ended the dance
      visitor.logIn('alice');
      assert.equal(outcomeOf(await visitor.get(target)), 'connected');
    });

  await t.test('a callback without identity and cookie gets no reload page',
    async () => {
      const { target } = await toCallback(gw);
      const page = await gw.visitor().get(target);
      assert.equal(page.status, 401);
      assert.equal(titleOf(page), 'Please sign in');
      assert.ok(!page.body.includes('http-equiv'));
    });

  await t.test('the reload page escapes the query', async () => {
    const { visitor, target } = await toCallback(gw);
    visitor.logOut();
    const evil = '"><script>alert(1)</script>\'';
    const reply = await visitor.get(
      `${target}&error_description=${evil.replaceAll(' ', '%20')}`);
    assert.equal(titleOf(reply), RELOAD);
    assert.ok(!reply.body.includes('<script'));
    assert.ok(!reply.body.includes('"><s'));
  });

  await t.test('a dance of one tenant cannot end at another '
    + 'tenant', async () => {
    const { visitor, target } = await toCallback(gw, { member: 'alice' });
    const globex = gw.visitor({ tenant: 'globex', member: 'alice' });
    for (const { name, value } of visitor.danceCookies()) {
      globex.jar.store(new URL(gw.url('globex')), [
        `${name}=${value}; Path=/; Secure`]);
    }
    const reply = await globex.get(target);
    assert.equal(outcomeOf(reply), 'identity_mismatch');
    assert.equal((await globex.get('/fhir/Patient')).status, 401);
  });

  await t.test('a member of the same name in another tenant is another member',
    async () => {
      const { outcome } = await gw.dance({ member: 'namesake' });
      assert.equal(outcome, 'connected');
      const globex = gw.visitor({ tenant: 'globex', member: 'namesake' });
      assert.equal((await globex.get('/fhir/Patient')).status, 401);
    });

  await t.test('a header line of the caller never sets the '
    + 'identity', async () => {
    const nobody = gw.visitor();
    for (const name of ['X-Member', 'X-Forwarded-User', 'X-Upstream-Member']) {
      const reply = await nobody.get('/cigna/connect', {
        headers: { [name]: 'alice' } });
      assert.equal(reply.status, 401);
    }
  });
});

test('configurations that nginx refuses', async (t) => {
  const gw = await standardGateway(t);

  // nginx -t itself does not free all of its memory
  const tested = (changes) => prepareNginx(t, {
    http: gw.configuration(changes),
    env: { ASAN_OPTIONS: 'detect_leaks=0:exitcode=99' },
  }).test();

  async function startError(changes) {
    const { code, output } = await tested(changes);
    assert.notEqual(code, 0, output);
    return output;
  }

  await t.test('nginx refuses a callback without an identity', async () => {
    assert.match(await startError({ http: `
      server {
          listen 127.0.0.1:1;
          location = /cb { cigna_callback; }
      }` }), /no "cigna_identity" for location "\/cb"/);
  });

  for (const variable of ['$http_x_member', '$arg_member', '$cookie_session',
                          '$host', '"x-${http_x_member}"', '$HTTP_X_MEMBER']) {
    await t.test(`nginx refuses an identity from ${variable}`, async () => {
      assert.match(await startError({ http: `
        server {
            listen 127.0.0.1:1;
            cigna_identity acme ${variable};
            location = /cb { cigna_callback; }
        }` }), /"cigna_identity" cannot use "\$/);
    });
  }

  await t.test('nginx refuses a redirect_uri that tenants of different issuers '
    + 'share',
    async () => {
      const shared = gw.url('acme', CALLBACK);
      assert.match(await startError({ tenants: {
        globex: { redirect_uri: shared, issuer: 'https://other.example' },
      } }), /\[emerg\].*redirect_uri/);
    });

  await t.test('nginx accepts a redirect_uri that tenants of one issuer share',
    async () => {
      const { code, output } = await tested({ tenants: {
        globex: { redirect_uri: gw.url('acme', CALLBACK) } } });
      assert.equal(code, 0, output);
    });

  for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint',
                      'jwks_uri', 'revocation_endpoint', 'fhir_base']) {
    await t.test(`nginx refuses an http:// ${name}`, async () => {
      assert.match(await startError({ tenants: { acme: {
        [name]: 'http://localhost:1/x' } } }), /\[emerg\].*insecure_http/);
    });
  }
});
