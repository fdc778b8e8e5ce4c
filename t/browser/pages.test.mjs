// The gateway's own pages, as users and assistive technology see them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const PHONE = { viewport: { width: 360, height: 640 } };
const UNKNOWN = `/cigna/callback?code=x&state=${'A'.repeat(32)}`;

// The contrast ratio of two colours "rgb(r, g, b)", as WCAG defines it.
function contrast(one, other) {
  const [a, b] = [one, other].map((colour) => {
    const [r, g, bl] = colour.match(/\d+(\.\d+)?/g).map(Number).map((c) => {
      const s = c / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  }).sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

test('pages in a browser', async (t) => {
  const gw = await standardGateway(t);
  const browser = await startBrowser(t, {
    certFiles: [gw.certificate.certFile, gw.sandbox.info.certFile] });

  async function open(target, options = {}) {
    const context = await browser.newContext(options);
    await context.addCookies([{ name: 'session', value: 'alice',
                                url: gw.url('acme') }]);
    const page = await context.newPage();
    const problems = [];
    const requests = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(gw.url('acme', target));
    return { page, problems, requests, close: () => context.close() };
  }

  await t.test('a page has a title, one heading, a landmark and a language',
    async () => {
      const { page, close } = await open(UNKNOWN);
      assert.equal(await page.title(), 'This page is out of date');
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(),
                   'This page is out of date');
      assert.equal(await page.getByRole('main').count(), 1);
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');
      await close();
    });

  await t.test('a page\'s policy allows its own style, and the page loads '
    + 'nothing else', async () => {
    const { page, problems, requests, close } = await open(UNKNOWN);
    assert.deepEqual(problems.filter((text) => /policy|refused/i.test(text)),
                     []);
    assert.notEqual(await page.locator('main').evaluate((e) =>
      getComputedStyle(e).borderTopWidth), '0px');
    assert.deepEqual(requests.filter((url) => !url.includes('/cigna/callback')
      && !url.endsWith('/favicon.ico')), []);
    await close();
  });

  for (const colorScheme of ['light', 'dark']) {
    await t.test(`a page has enough contrast in ${colorScheme} mode`,
                 async () => {
      const { page, close } = await open(UNKNOWN, { colorScheme });
      const colours = await page.evaluate(() => {
        const main = getComputedStyle(document.querySelector('main'));
        const body = getComputedStyle(document.body);
        const link = getComputedStyle(document.querySelector('a.do'));
        return { text: body.color, ground: main.backgroundColor,
                 link: link.color, button: link.backgroundColor };
      });
      assert.ok(contrast(colours.text, colours.ground) >= 7);
      assert.ok(contrast(colours.link, colours.button) >= 4.5);
      await close();
    });
  }

  await t.test('a page fits a phone', async () => {
    const { page, close } = await open(UNKNOWN, PHONE);
    assert.ok(await page.evaluate(() =>
      document.documentElement.scrollWidth <= innerWidth));
    const { length } = await page.screenshot();
    assert.ok(length > 1000);
    await close();
  });

  await t.test('a page\'s links work by keyboard', async () => {
    const { page, close } = await open(UNKNOWN);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.innerText),
                 'Try again');
    assert.notEqual(await page.evaluate(() =>
      getComputedStyle(document.activeElement).outlineStyle), 'none');
    await page.keyboard.press('Enter');
    await page.locator('[name=username]').waitFor();
    await close();
  });

  await t.test('a page cannot be framed', async () => {
    const { page, close } = await open('/app');
    await page.setContent(`<iframe src="${gw.url('acme', UNKNOWN)}">`);
    const frame = page.frames().at(-1);
    await frame.waitForLoadState().catch(() => {});
    const shown = await frame.content().catch(() => '');
    assert.ok(!shown.includes('out of date'));
    await close();
  });
});
