// The dance in a real browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const CONNECT = '/cigna/connect';
const APP = /\/app\?/;

// A page of the app with links to the gateway's locations.
const HOME = `
        location = /home {
            auth_request off;
            default_type text/html;
            return 200 '<!DOCTYPE html><title>App</title>
              <a id="connect" href="/cigna/connect">Connect</a>
              <form method="post" action="/cigna/disconnect">
              <button id="disconnect">Disconnect</button></form>';
        }`;

test('the dance in a browser', async (t) => {
  const gw = await standardGateway(t, { nginx: { workers: 2 },
                                        locations: HOME });
  const { control } = gw.sandbox;
  const browser = await startBrowser(t, {
    certFiles: [gw.certificate.certFile, gw.sandbox.info.certFile] });

  // Opens a browser that is signed in to the app.  `seen` collects the
  // gateway's replies.
  async function person(member, { sameSite = 'Lax', ...options } = {}) {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(8000);
    await context.addCookies([{
      name: 'session', value: member, url: gw.url('acme'), sameSite,
      secure: true, httpOnly: true,
    }]);

    const seen = [];
    context.on('response', async (response) => {
      if (new URL(response.url()).port === String(gw.port)) {
        const kept = { url: response.url(), status: response.status(),
                       headers: await response.allHeaders().catch(() => ({})),
                       body: '' };
        seen.push(kept);
        kept.body = await response.text().catch(() => '');
      }
    });
    return { context, seen, page: await context.newPage() };
  }

  async function logIn(page, number = '05') {
    await page.locator('[name=username]').fill(`syntheticuser${number}`);
    await page.locator('[name=password]').fill(`MARKsecret${number}`);
    await page.locator('button[value=login]').click();
  }

  async function acceptTerms(page) {
    await page.locator('[name=termsAccept]').check();
    await page.locator('button[value=terms]').click();
  }

  async function dance(page, number) {
    await page.goto(gw.url('acme', '/home'));
    await page.locator('#connect').click();
    await logIn(page, number);
    await acceptTerms(page);
    await page.waitForURL(APP);
  }

  const outcome = (page) => new URL(page.url()).searchParams.get('cigna');
  const exchanges = async () => (await control.see()).token.requests;
  const heading = (page) => page.locator('h1').innerText();

  // Returns the URL of the callback to which Cigna sent the browser.
  const callbackOf = ({ seen }) => seen.map(({ url }) => url)
    .find((url) => new URL(url).pathname === '/cigna/callback');

  await t.test('a dance leads from the app to Cigna and back', async () => {
    const alice = await person('alice');
    await dance(alice.page);
    assert.equal(outcome(alice.page), 'connected');

    const status = await alice.page.evaluate(async () =>
      (await fetch('/fhir/Patient')).status);
    assert.equal(status, 200);
    await alice.context.close();
  });

  await t.test('the browser gets no token in a reply, a cookie or a store',
               async () => {
    const alice = await person('alice');
    await dance(alice.page);
    await alice.page.evaluate(async () => {
      await (await fetch('/cigna/status')).text();
      await (await fetch('/fhir/Coverage')).text();
    });
    const { cookies, origins } = await alice.context.storageState();
    const held = JSON.stringify([
      alice.seen, origins, await alice.page.content(),
      cookies.filter(({ domain }) => domain.endsWith('acme.localhost'))]);

    assert.ok(alice.seen.length > 4);
    for (const marker of gw.sandbox.info.markers) {
      assert.ok(!held.includes(marker), marker);
    }
    await alice.context.close();
  });

  await t.test('scripts cannot read the cookie of a dance', async () => {
    const alice = await person('alice');
    await dance(alice.page);
    const all = await alice.context.cookies(gw.url('acme'));
    const [cookie] = all.filter(({ name }) => name.startsWith('__Host-cigna-'));
    assert.ok(cookie.httpOnly && cookie.secure);
    assert.equal(cookie.sameSite, 'Lax');
    assert.equal(cookie.path, '/');
    assert.equal(await alice.page.evaluate(() => document.cookie), '');
    await alice.context.close();
  });

  await t.test('dances in two tabs both succeed', async () => {
    const bob = await person('bob');
    const tabs = [bob.page, await bob.context.newPage()];
    for (const tab of tabs) {
      await tab.goto(gw.url('acme', CONNECT));
      await tab.locator('[name=username]').waitFor();
    }
    // The second dance ends first.
    for (const tab of tabs.reverse()) {
      await logIn(tab);
      await acceptTerms(tab);
      await tab.waitForURL(APP);
      assert.equal(outcome(tab), 'connected');
    }
    await bob.context.close();
  });

  await t.test('reload and back button show the same outcome without a second '
    + 'exchange', async () => {
    const carol = await person('carol');
    await dance(carol.page);
    const before = await exchanges();
    const first = carol.page.url();

    await carol.page.goto(callbackOf(carol));
    assert.equal(carol.page.url(), first);
    await carol.page.reload();
    await carol.page.goBack();
    await carol.page.goto(callbackOf(carol));
    await carol.page.waitForURL(APP);
    assert.equal(carol.page.url(), first);
    assert.equal(await exchanges(), before);
    await carol.context.close();
  });

  await t.test('a SameSite=Strict session connects with one page in between',
               async () => {
    const dora = await person('dora', { sameSite: 'Strict' });
    const before = await exchanges();
    await dance(dora.page);
    assert.equal(outcome(dora.page), 'connected');

    const callbacks = dora.seen.filter(({ url }) =>
      new URL(url).pathname === '/cigna/callback');
    assert.deepEqual(callbacks.map(({ status }) => status), [200, 303]);
    assert.equal(await exchanges(), before + 1);
    await dora.context.close();
  });

  await t.test('a member who signed out meanwhile is asked to sign in, without '
    + 'a redirect loop', async () => {
    const erin = await person('erin');
    await erin.page.goto(gw.url('acme', CONNECT));
    await logIn(erin.page);
    await erin.page.locator('[name=termsAccept]').waitFor();
    await erin.context.clearCookies({ name: 'session' });
    await acceptTerms(erin.page);
    await erin.page.locator('h1', { hasText: 'Please sign in' }).waitFor();
    await erin.page.waitForTimeout(300);
    assert.equal(erin.seen.filter(({ url }) =>
      new URL(url).pathname === '/cigna/callback').length, 2);
    await erin.context.close();
  });

  await t.test('a member whose cookies Cigna does not get stays at Cigna, and '
    + 'the log has no end of the dance', async () => {
    const fred = await person('fred');
    const ended = () =>
      (gw.nginx.errorLog().match(/dance ended/g) ?? []).length;
    const before = ended();
    await fred.page.goto(gw.url('acme', CONNECT));
    await fred.page.locator('[name=username]').waitFor();
    const { hostname } = new URL(gw.sandbox.info.issuer);
    await fred.context.clearCookies({ domain: hostname });
    await logIn(fred.page);
    await fred.page.waitForLoadState();

    assert.equal(new URL(fred.page.url()).hostname, hostname);
    assert.equal(ended(), before);
    assert.ok((await control.see()).authorize.without_cookies > 0);
    await fred.context.close();
  });

  await t.test('a dance that the member cancels at Cigna ends with denied',
               async () => {
    const gus = await person('gus');
    await gus.page.goto(gw.url('acme', CONNECT));
    await gus.page.locator('button[value=cancel]').click();
    await gus.page.waitForURL(APP);
    assert.equal(outcome(gus.page), 'denied');
    await gus.context.close();
  });

  await t.test('a callback in another browser gets a help page, and the right '
    + 'browser still connects', async () => {
    const hal = await person('hal');
    let callback;
    await hal.page.goto(gw.url('acme', CONNECT));
    await logIn(hal.page);
    const session = await hal.context.newCDPSession(hal.page);
    await session.send('Fetch.enable', { patterns: [
      { urlPattern: '*/cigna/callback?*' }] });
    const paused = new Promise((resolve) => {
      session.once('Fetch.requestPaused', resolve);
    });
    await Promise.all([
      paused.then(async ({ requestId, request }) => {
        callback = request.url;
        const other = await person('hal');
        await other.page.goto(callback);
        assert.equal(await heading(other.page),
                     'Please continue where you started');
        await other.context.close();
        await session.send('Fetch.continueRequest', { requestId });
      }),
      acceptTerms(hal.page),
    ]);
    await hal.page.waitForURL(APP);
    assert.equal(outcome(hal.page), 'connected');
    await hal.context.close();
  });

  await t.test('the app\'s own form disconnects', async () => {
    const alice = await person('alice');
    await dance(alice.page);
    await alice.page.goto(gw.url('acme', '/home'));
    await alice.page.locator('#disconnect').click();
    await alice.page.waitForURL(APP);
    assert.equal(outcome(alice.page), 'disconnected');
    await alice.context.close();
  });

  await t.test('another site can neither start a dance by a frame or an image, '
    + 'nor disconnect', async () => {
    const alice = await person('alice');
    await dance(alice.page);
    const started = () =>
      (gw.nginx.errorLog().match(/dance started/g) ?? []).length;
    const before = started();

    await alice.page.goto(gw.url('globex', '/home'));
    await alice.page.setContent(`
      <iframe src="${gw.url('acme', CONNECT)}"></iframe>
      <img src="${gw.url('acme', CONNECT)}">
      <form method="post" action="${gw.url('acme', '/cigna/disconnect')}">
      <button>x</button></form>`, { waitUntil: 'load' });
    await alice.page.locator('button').click();
    await alice.page.waitForURL(gw.url('acme', '/cigna/disconnect'));
    // The browser does not send the SameSite=Lax session with a form that
    // another site posts.
    assert.match(await heading(alice.page), /sign in|does not work from here/);
    assert.equal(started(), before);

    await alice.page.goto(gw.url('acme', '/home'));
    const { connected } = await alice.page.evaluate(async () =>
      (await fetch('/cigna/status')).json());
    assert.equal(connected, true);
    await alice.context.close();
  });
});
