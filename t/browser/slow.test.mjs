// A browser that waits for a dance with a slow token exchange.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const APP = /\/app\?/;
const PHONE = { viewport: { width: 360, height: 640 } };

test('a slow Cigna in a browser', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenant: { connect_timeout: '1s', timeout: '1s', exchange_timeout: '1m' },
  });
  const { control } = gw.sandbox;
  const browser = await startBrowser(t, {
    certFiles: [gw.certificate.certFile, gw.sandbox.info.certFile] });

  // Takes a member through a dance until the waiting page comes.  Returns {
  // page, hits, close }.  hits: the requests for the callback; delay: the time
  // in ms that the token endpoint takes to answer
  async function slowPage(member, delay, options) {
    const context = await browser.newContext(options);
    await context.addCookies([{
      name: 'session', value: member, url: gw.url('acme'), sameSite: 'Strict',
      secure: true, httpOnly: true }]);
    const page = await context.newPage();
    const hits = [];
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/cigna/callback') {
        hits.push({ at: Date.now(), url: request.url() });
      }
    });
    await control.set({ token_delay_ms: delay });
    await page.goto(gw.url('acme', '/cigna/connect'));
    await page.locator('[name=username]').fill('syntheticuser05');
    await page.locator('[name=password]').fill('MARKsecret05');
    await page.locator('button[value=login]').click();
    await page.locator('[name=termsAccept]').check();
    await page.locator('button[value=terms]').click({ noWaitAfter: true });
    await page.getByRole('heading', { name: 'Cigna is slow' })
      .waitFor({ timeout: 30000 });
    return { page, hits, close: () => context.close() };
  }

  const outcome = (page) => new URL(page.url()).searchParams.get('cigna');

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'with' : 'without';
    await t.test(`the waiting page reloads itself ${how} scripts until the `
      + 'dance ends', async () => {
      await control.reset({ modes: false });
      const { page, hits, close } = await slowPage(`alice-${how}`, 22000,
                                                   { javaScriptEnabled });
      await page.waitForURL(APP, { timeout: 60000 });
      assert.equal(outcome(page), 'connected');
      assert.equal((await control.see()).token.requests, 1);

      // Cigna's site leads to the first request for the callback, so the
      // browser sends it without the SameSite=Strict cookie of the session.
      // The page that comes back makes the second request, and all requests
      // from the second on have the same URL.
      const [, first, ...more] = hits;
      assert.ok(more.length >= 1);
      let last = first;
      for (const hit of more) {
        assert.equal(hit.url, first.url);
        assert.ok(hit.at - last.at >= 14000, `${hit.at - last.at} ms`);
        last = hit;
      }
      await close();
    });
  }

  await t.test('the waiting page fits a phone, and has an explanation and a '
    + 'reference', async () => {
    const { page, close } = await slowPage('bob', 14000, PHONE);
    assert.ok(await page.evaluate(() =>
      document.documentElement.scrollWidth <= innerWidth));
    assert.match(await page.locator('main').innerText(),
                 /nothing that you need to do[^]*Reference: [\w-]+/);
    const picture = await page.screenshot({ path: process.env.CIGNA_SLOW_PNG });
    assert.ok(picture.length > 1000);

    // This member clicks the link instead of waiting.
    await page.getByRole('link', { name: 'Continue' }).click();
    await page.waitForURL(APP, { timeout: 30000 });
    assert.equal(outcome(page), 'connected');
    await close();
  });
});
