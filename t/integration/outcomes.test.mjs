// Outcomes of dances that fail at Cigna.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { addedTo, endOf, titleOf, toCallback, toldApp }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const TIMEOUT_MS = 1000;

test('outcomes', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { timeout: `${TIMEOUT_MS}ms`, exchange_timeout: `${TIMEOUT_MS}ms`,
              connect_timeout: '500ms',
              dances_per_member: 100, dances_per_second: 1000 },
  });
  const { control } = gw.sandbox;

  // Runs a dance while the sandbox is in these modes.  Returns its outcome, and
  // the counts of the requests that it made.
  async function dance(modes, options) {
    await control.reset();
    const { visitor, target } = await toCallback(gw, {
      member: 'alice', ...options });
    await control.set(modes);
    const reply = await visitor.get(target);
    await control.set(Object.fromEntries(Object.keys(modes)
      .filter((name) => name.endsWith('_listener'))
      .map((name) => [name, 'open'])));
    const { token, revoke } = await control.see();

    const { cigna: outcome, cigna_dance: id } = toldApp(reply);
    assert.match(endOf(gw, id), new RegExp(`outcome: ${outcome}, `));
    return { outcome, id, token, revoke, visitor, target };
  }

  // Asserts that a dance ends and is logged as `outcome`, and that the member
  // stays unconnected.
  async function endsWith(outcome, modes, { requests, level = 'warn' } = {}) {
    const member = `member ${Math.random()}`;
    const ended = await dance(modes, { member });
    const line = endOf(gw, ended.id);

    assert.equal(ended.outcome, outcome, line);
    assert.ok(line.includes(`[${level}]`), line);
    if (requests !== undefined) {
      assert.equal(ended.token.requests, requests);
    }
    const status = await ended.visitor.get('/cigna/status');
    assert.equal(status.json().connected, false);

    // a second request for the callback shows the same outcome, and the gateway
    // sends no further token request
    const again = await ended.visitor.get(ended.target);
    assert.equal(toldApp(again).cigna, outcome);
    assert.equal((await control.see()).token.requests, ended.token.requests);
    return ended;
  }

  // Errors of the authorization server that the browser brings to the callback.

  const whole = (options) => gw.dance({ member: 'alice', ...options });

  for (const cancel of ['login', 'terms']) {
    await t.test(`a member who cancels at the ${cancel} page ends the dance as `
      + 'denied',
      async () => {
        await control.reset();
        const { outcome, danceId } = await whole({ cancel });
        assert.equal(outcome, 'denied');
        assert.match(endOf(gw, danceId), /outcome: denied, tenant: acme/);
        assert.equal((await control.see()).token.requests, 0);
      });
  }

  for (const [error, outcome] of [
    ['access_denied', 'denied'],
    ['invalid_request', 'provider_error'],
    ['unauthorized_client', 'provider_error'],
    ['unsupported_response_type', 'provider_error'],
    ['invalid_scope', 'provider_error'],
    ['server_error', 'provider_error'],
    ['temporarily_unavailable', 'provider_error'],
    ['login_required', 'provider_error'],
    ['made_up', 'provider_error'],
  ]) {
    await t.test(`error=${error} ends as ${outcome}`, async () => {
      await control.reset();
      await control.set({ authorize_error: error });
      const ended = await whole();
      assert.equal(ended.outcome, outcome);
      assert.ok(endOf(gw, ended.danceId).includes(error));
      assert.equal((await control.see()).token.requests, 0);
    });
  }

  await t.test('a forged error does not end a member\'s dance',
    async () => {
      await control.reset();
      const { visitor, url, target } = await toCallback(gw);
      const reply = await gw.visitor({ member: 'alice' }).get(
        `${url.pathname}?error=access_denied`
        + `&state=${url.searchParams.get('state')}`);
      assert.equal(reply.status, 400);
      assert.equal(toldApp(await visitor.get(target)).cigna, 'connected');
    });

  await t.test('a callback with both error and code is an error', async () => {
    const { visitor, target } = await toCallback(gw);
    assert.equal(toldApp(await visitor.get(`${target}&error=server_error`))
      .cigna, 'provider_error');
  });

  await t.test('the error in a callback cannot add lines to the log',
    async () => {
      const { visitor, url } = await toCallback(gw);
      const error = 'x\nforged "quoted" <b>\x1b[1m';
      const log = await addedTo(() => gw.nginx.errorLog(), () => visitor.get(
        `${url.pathname}?state=${url.searchParams.get('state')}`
        + `&error=${encodeURIComponent(error)}`));
      assert.doesNotMatch(log, /^forged/m);
      assert.doesNotMatch(log, /\x1b/);
    });

  await t.test('a callback with neither code nor error is an invalid '
    + 'request', async () => {
    const { visitor, url } = await toCallback(gw);
    assert.equal(toldApp(await visitor.get(
      `${url.pathname}?state=${url.searchParams.get('state')}`)).cigna,
                 'invalid_request');
  });

  await t.test('a dance that stops at Cigna\'s own error page stays open, and '
    + 'its start is in the log', async () => {
    await control.reset();
    await gw.reload({ tenants: { acme: {
      redirect_uri: gw.url('acme', '/cigna/callback/') } } });
    const log = await addedTo(() => gw.nginx.errorLog(), async () => {
      const { response } = await whole();
      assert.equal(new URL(response.url).host,
                   new URL(gw.sandbox.info.issuer).host);
    });
    await gw.reload({});
    assert.match(log, /dance started, tenant: acme/);
    assert.doesNotMatch(log, /dance ended/);
  });

  // The token endpoint.

  for (const [kind, outcome, level] of [
    ['html', 'exchange_invalid'],
    ['empty', 'exchange_invalid'],
    ['garbage', 'exchange_invalid'],
    ['huge', 'exchange_unreachable'],
    ['401', 'exchange_invalid'],
    ['403', 'exchange_invalid'],
    ['429', 'exchange_unreachable'],
    ['500', 'exchange_unreachable'],
    ['503', 'exchange_unreachable'],
    ['invalid_grant', 'exchange_refused'],
    ['invalid_client', 'exchange_refused', 'error'],
    ['redirect', 'exchange_invalid'],
    ['cut-before', 'exchange_unreachable'],
    ['cut-after', 'exchange_unreachable'],
    ['cut-mid', 'exchange_unreachable'],
    ['hang', 'exchange_unreachable'],
  ]) {
    await t.test(`a token endpoint with fault ${kind} gets the code once, and `
      + `the dance ends as ${outcome}`, async () => {
      const began = Date.now();
      await endsWith(outcome, { token_fault: kind }, { requests: 1, level });
      assert.ok(Date.now() - began < TIMEOUT_MS + 3000);
    });
  }

  await t.test('a redirect of the token endpoint is not followed', async () => {
    const ended = await dance({ token_fault: {
      kind: 'redirect', location: gw.sandbox.info.token } });
    assert.equal(ended.outcome, 'exchange_invalid');
    assert.equal(ended.token.requests, 1);
  });

  await t.test('a code is not sent again after a 503 that hides granted '
    + 'tokens', async () => {
    const ended = await endsWith('exchange_unreachable', {
      token_fault: { kind: '503', processed: true } }, { requests: 1 });
    assert.equal(ended.token.reuse, 0);
  });

  for (const [listener, ...outcomes] of [
    ['refuse', 'connected'],
    ['cut-accept', 'connected'],
    // after the TLS handshake a byte may have left
    ['cut-tls', 'connected', 'exchange_unreachable'],
  ]) {
    await t.test(`a failed connection (${listener}) to the token endpoint is `
      + 'tried again if no byte has left', async () => {
      await control.reset();
      const { visitor, target } = await toCallback(gw, { member: 'lucky' });
      await control.set({ authorization_listener: listener });
      const waiting = visitor.get(target);
      await sleep(50);
      await control.set({ authorization_listener: 'open' });
      const { cigna: outcome, cigna_dance: id } = toldApp(await waiting);

      assert.ok(outcomes.includes(outcome), endOf(gw, id));
      const { token } = await control.see();
      assert.ok(token.requests <= 1);
    });
  }

  await t.test('an unreachable token endpoint ends the dance after a bounded '
    + 'number of tries', async () => {
    const began = Date.now();
    const { outcome } = await dance({ authorization_listener: 'refuse' });
    assert.equal(outcome, 'exchange_unreachable');
    assert.ok(Date.now() - began < 4000);
  });

  await t.test('the next dance after all these failures ends '
    + 'well', async () => {
    const { outcome, visitor } = await dance({}, { member: 'zoe' });
    assert.equal(outcome, 'connected');
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
  });

  await t.test('the page of an outcome has a title and a link to '
    + 'connect', async () => {
    const reply = await gw.visitor({ member: 'alice' })
      .get('/cigna/callback?code=1&state=2');
    assert.ok(titleOf(reply));
    assert.match(reply.body, /<a class="do" href="\/cigna\/connect">/);
  });
});
