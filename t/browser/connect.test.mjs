// The ways in which a browser arrives at connect.  Some start a dance, some get
// the page with a button, and some are refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { keysOf, forgetDances, queryOf } from '../lib/dance.mjs';
import { Effects } from '../lib/effects.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

const CONNECT = '/cigna/connect';
const FOREIGN = 'mail.localhost';
const SIBLING = 'www.acme.localhost';
const TITLE = 'Connect your Cigna account?';

// Pages of other sites: a page for a test to fill, a sign-on that redirects the
// browser after a posted form, a page with a link, and a page whose script
// navigates without a click.
const OTHERS = {
  '/page': () => ({ body: '<!DOCTYPE html><title>Other</title><p>Hello' }),
  '/login': ({ to }) => ({ body: `<!DOCTYPE html><title>Sign in</title>
    <form method="post" action="/session?to=${encodeURIComponent(to)}">
    <button id="in">Sign in</button></form>` }),
  '/session': ({ to }) => ({ status: 303, location: to }),
  '/link': ({ to }) => ({ body: `<!DOCTYPE html><title>Link</title>
    <a id="go" href="${quoted(to)}">x</a>` }),
  '/script': ({ to }) => ({ body: `<!DOCTYPE html><title>Script</title>
    <script>onload = () => { location.href = ${JSON.stringify(to)}; }</script>`,
  }),
};

const quoted = (url) => url.replaceAll('&', '&amp;');

// The app: a page, a script and redirects that lead to connect.
const APP = `
        location = /home {
            auth_request off;
            default_type text/html;
            return 200 '<!DOCTYPE html><title>App</title>';
        }
        location = /script {
            auth_request off;
            default_type text/html;
            return 200 '<!DOCTYPE html><title>App</title><script>
              onload = () => { location.href = "/cigna/connect" +
                               location.search; }</script>';
        }
        location = /signed-in {
            auth_request off;
            return 302 /cigna/connect$is_args$args;
        }
        location = /saml {
            auth_request off;
            return 303 /cigna/connect$is_args$args;
        }`;

test('arriving at connect', async (t) => {
  const others = await startRecorder(t, { names: [FOREIGN, SIBLING] });
  others.otherwise = (request, response) => {
    const url = new URL(request.url, 'https://x');
    const { status = 200, location, body = '' } =
      OTHERS[url.pathname]?.(queryOf(url)) ?? { status: 404 };
    response.writeHead(status, { 'Content-Type': 'text/html',
                                 ...(location && { Location: location }) });
    response.end(body);
  };
  const other = (host, target = '/page') =>
    `https://${host}:${others.port}${target}`;

  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, locations: APP,
  });
  const browser = await startBrowser(t, { certFiles: [
    gw.certificate.certFile, gw.sandbox.info.certFile, others.certFile] });

  const app = (target) => gw.url('acme', target);
  const RETURN_TO = app('/app?place=claims&n=1');
  const QUERY = `?return_to=${encodeURIComponent(RETURN_TO)}&x=1`;
  const WANTED = app(CONNECT) + QUERY;

  async function person(options = {}) {
    const { sameSite = 'Lax', ...rest } = options;
    const context = await browser.newContext(rest);
    context.setDefaultTimeout(8000);
    await context.addCookies([{
      name: 'session', value: 'alice', url: gw.url('acme'), sameSite,
      secure: true, httpOnly: true }]);
    const page = await context.newPage();
    return { context, page, effects: new Effects(context) };
  }

  const dances = async () => (await keysOf(gw, 'd')).length;
  const atCigna = (page) => page.locator('[name=username]').waitFor();
  const put = (page, html) => page.evaluate((text) => {
    document.body.innerHTML = text;
  }, html);

  // Returns the statuses of all requests for connect so far.
  const statuses = () => gw.nginx.accessLog().split('\n')
    .map((line) => / \/cigna\/connect\S* HTTP\S+" (\d+) /.exec(line)?.[1])
    .filter(Boolean);

  const click = async (page, html) => {
    await put(page, html);
    await page.locator('#go').click();
  };
  const link = (url) => `<a id="go" href="${quoted(url)}">x</a>`;
  const send = (host, path, to) =>
    other(host, `${path}?to=${encodeURIComponent(to)}`);

  // Ways to arrive at connect: [name, URL of the first page, and a function
  // that acts on that page, if needed].  A way of ASKED leads to the page with
  // a button, a way of STARTED starts a dance, and a way of REFUSED is refused.
  const ASKED = [
    ['a link in a web mail', other(FOREIGN), (page) =>
      click(page, link(WANTED))],
    ['a link in a web mail that opens a window', other(FOREIGN), (page) =>
      click(page, link(WANTED).replace('<a', '<a target="_blank"'))],
    ['a script of another site', send(FOREIGN, '/script', WANTED)],
    ['a form of another site', other(FOREIGN), (page) => click(page, `
      <form action="${app(CONNECT)}">
      <input name="return_to" value="${quoted(RETURN_TO)}">
      <input name="x" value="1"><button id="go">x</button></form>`)],
    ['a form of another site that posts to the app, as SAML does',
     other(FOREIGN), (page) => click(page, `<form method="post"
       action="${quoted(app(`/saml${QUERY}`))}"><button id="go">x</button>`)],
    ['single sign-on', app('/home'), async (page) => {
      await click(page, link(send(FOREIGN, '/login',
                                  app(`/signed-in${QUERY}`))));
      await page.locator('#in').click();
    }],
    ['a script of a sibling', send(SIBLING, '/script', WANTED)],
  ];

  const STARTED = [
    ['a click at a sibling', other(SIBLING), (page) =>
      click(page, link(WANTED))],
    ['a click in the app', app('/home'), (page) => click(page, link(WANTED))],
    ['a form in the app', app('/home'), (page) =>
      click(page, `<form action="${app(CONNECT)}"><button id="go">x</button>`)],
    ['a script of the app', app(`/script${QUERY}`)],
    ['a redirect of the app', app(`/signed-in${QUERY}`)],
    ['an address that was typed', WANTED],
  ];

  const rules = (kind) => [`a ${kind} by the app's rules`, app('/home'),
    (page) => page.evaluate(([name, url]) => {
      document.head.append(Object.assign(document.createElement('script'), {
        type: 'speculationrules',
        textContent: JSON.stringify({ [name]: [{
          source: 'list', urls: [url], eagerness: 'immediate' }] }) }));
    }, [kind, WANTED])];

  const REFUSED = [
    ['a frame of another site', other(FOREIGN), (page) =>
      put(page, `<iframe src="${quoted(WANTED)}">`)],
    ['a frame of the app', app('/home'), (page) =>
      put(page, `<iframe src="${quoted(WANTED)}">`)],
    ['an image of a sibling', other(SIBLING), (page) =>
      put(page, `<img src="${quoted(WANTED)}">`)],
    ['a fetch of a sibling', other(SIBLING), (page) => page.evaluate((url) => {
      fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => {});
    }, WANTED)],
    ['a fetch of the app', app('/home'), (page) => page.evaluate((url) => {
      fetch(url).catch(() => {});
    }, WANTED)],
    ['a link to prefetch', app('/home'), (page) => page.evaluate((url) => {
      document.head.append(Object.assign(document.createElement('link'), {
        rel: 'prefetch', href: url }));
    }, WANTED)],
    rules('prefetch'),
    rules('prerender'),
  ];

  async function arrive([, first, act], options) {
    const someone = await person(options);
    await forgetDances(gw);
    const before = statuses().length;
    await someone.page.goto(first).catch((error) => {
      // The page may navigate by itself before it has loaded.
      assert.match(error.message, /interrupted|ERR_ABORTED/);
    });
    await act?.(someone.page);
    await someone.effects.settled();
    return { ...someone, tab: someone.context.pages().at(-1),
             arrived: statuses().slice(before) };
  }

  async function connectThere(tab) {
    await tab.locator('[name=username]').fill('syntheticuser05');
    await tab.locator('[name=password]').fill('MARKsecret05');
    await tab.locator('button[value=login]').click();
    await tab.locator('[name=termsAccept]').check();
    await tab.locator('button[value=terms]').click();
    await tab.waitForURL(/\/app\?/);
    return queryOf(new URL(tab.url()));
  }

  for (const way of ASKED) {
    await t.test(`by ${way[0]}: a page with a button comes, and it keeps `
      + 'return_to',
      async () => {
        const { context, tab, arrived } = await arrive(way);
        assert.deepEqual(arrived, ['200']);
        assert.equal(await tab.locator('h1').innerText(), TITLE);
        assert.equal(await dances(), 0);

        await tab.getByRole('link', { name: 'Connect to Cigna' }).click();
        const { place, n, cigna } = await connectThere(tab);
        assert.deepEqual([place, n, cigna], ['claims', '1', 'connected']);
        await context.close();
      });
  }

  for (const way of STARTED) {
    await t.test(`by ${way[0]}: a dance starts`, async () => {
      const { context, tab, arrived } = await arrive(way);
      assert.deepEqual(arrived, ['302']);
      await atCigna(tab);
      assert.equal(await dances(), 1);
      await context.close();
    });
  }

  for (const way of REFUSED) {
    await t.test(`by ${way[0]}: no dance starts, and a later click still `
      + 'starts one', async () => {
      const { context, page, arrived } = await arrive(way);
      assert.ok(arrived.length >= 1);
      assert.deepEqual([...new Set(arrived)], ['400']);
      assert.equal(await dances(), 0);

      await page.goto(app('/home'));
      await click(page, link(WANTED));
      await atCigna(page);
      assert.equal(await dances(), 1);
      await context.close();
    });
  }

  await t.test('the page with a button works without scripts, and its click '
    + 'brings a SameSite=Strict session', async () => {
    const { context, tab } = await arrive(
      ['', send(FOREIGN, '/link', WANTED), (page) =>
        page.locator('#go').click()],
      { javaScriptEnabled: false, sameSite: 'Strict' });
    assert.equal(await tab.locator('h1').innerText(), TITLE);
    await tab.getByRole('link', { name: 'Connect to Cigna' }).click();
    await atCigna(tab);
    assert.equal(await dances(), 1);
    await context.close();
  });

  await t.test('requests of a sibling in the background do not end the dance '
    + 'under way', async () => {
    const { context, page, effects } = await person();
    await page.goto(WANTED);
    await atCigna(page);

    const sibling = await context.newPage();
    await sibling.goto(other(SIBLING));
    await sibling.evaluate((url) => {
      for (let i = 0; i < 12; i += 1) {
        fetch(`${url}&i=${i}`, { mode: 'no-cors', credentials: 'include' })
          .catch(() => {});
        new Image().src = `${url}&j=${i}`;
        document.body.appendChild(document.createElement('iframe')).src =
          `${url}&k=${i}`;
      }
    }, WANTED);
    await effects.settled();
    for (let i = 0; i < 9; i += 1) {
      await sibling.goto(send(SIBLING, '/script', WANTED)).catch(() => {});
      await sibling.locator('h1', { hasText: TITLE }).waitFor();
    }
    await page.bringToFront();
    assert.equal((await connectThere(page)).cigna, 'connected');
    await context.close();
  });

  await t.test('the page with a button cannot be framed, and runs and loads '
    + 'nothing',
    async () => {
      const { context, tab } = await arrive(ASKED[0]);
      const problems = [];
      tab.on('console', (message) => problems.push(message.text()));
      const reply = await tab.reload();
      assert.match(reply.headers()['content-security-policy'],
                   /^default-src 'none'; .*frame-ancestors 'none'/);
      assert.deepEqual(problems, []);
      assert.equal(await tab.locator('script, img, iframe, form').count(), 0);
      assert.equal(await tab.locator('a.do').evaluate((a) => a.href), WANTED);
      if (process.env.CIGNA_PICTURE) {
        await tab.screenshot({ path: process.env.CIGNA_PICTURE });
      }
      await context.close();
    });
});
