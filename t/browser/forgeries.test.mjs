// Forgeries by pages of a foreign site, and of a sibling of the app's host, in
// a member's browser: callbacks, cookies, return_to, disconnect and frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { outcomeOf, toCallback, tokenRequests } from '../lib/dance.mjs';
import { Effects } from '../lib/effects.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { until } from '../lib/scratch.mjs';
import { assertNoSecrets } from '../lib/secrets.mjs';

const CALLBACK = '/cigna/callback';
const DISCONNECT = '/cigna/disconnect';
const FOREIGN = 'evil.localhost';
const SIBLING = 'evil.acme.localhost';
const OTHERS = 'Please continue where you started';

// Functions that run in a page and make the browser request a URL, by GET or by
// POST.
const GETS = {
  'a link': (url) => {
    Object.assign(document.body.appendChild(document.createElement('a')),
                  { href: url }).click();
  },
  'a form': (url) => {
    const form = document.body.appendChild(document.createElement('form'));
    form.action = url;
    for (const [name, value] of new URL(url).searchParams) {
      form.append(Object.assign(document.createElement('input'),
                                { name, value }));
    }
    form.submit();
  },
  'a window': (url) => {
    open(url);
  },
  'an image': (url) => {
    new Image().src = url;
  },
  'a frame': (url) => {
    document.body.appendChild(document.createElement('iframe')).src = url;
  },
  'an object': (url) => {
    document.body.appendChild(document.createElement('object')).data = url;
  },
  'a script': (url) => {
    document.body.appendChild(document.createElement('script')).src = url;
  },
  'a prefetch': (url) => {
    document.head.append(Object.assign(document.createElement('link'), {
      rel: 'prefetch', href: url }));
  },
  'a speculation': (url) => {
    document.head.append(Object.assign(document.createElement('script'), {
      type: 'speculationrules',
      textContent: JSON.stringify({
        prefetch: [{ source: 'list', urls: [url], eagerness: 'immediate' }],
        prerender: [{ source: 'list', urls: [url], eagerness: 'immediate' }],
      }) }));
  },
  'fetch, no-cors': (url) => {
    fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => {});
  },
  'fetch, cors': (url) => {
    fetch(url, { credentials: 'include' }).catch(() => {});
  },
  'a refresh': (url) => {
    document.head.append(Object.assign(document.createElement('meta'), {
      httpEquiv: 'refresh', content: `0;url=${url}` }));
  },
};

const POSTS = {
  'a form that posts': (url) => {
    Object.assign(document.body.appendChild(document.createElement('form')), {
      method: 'post', action: url }).submit();
  },
  'a form of plain text': (url) => {
    Object.assign(document.body.appendChild(document.createElement('form')), {
      method: 'post', action: url, enctype: 'text/plain' }).submit();
  },
  'a form into a frame': (url) => {
    document.body.appendChild(document.createElement('iframe')).name = 'f';
    Object.assign(document.body.appendChild(document.createElement('form')), {
      method: 'post', action: url, target: 'f' }).submit();
  },
  'a form into a window': (url) => {
    Object.assign(document.body.appendChild(document.createElement('form')), {
      method: 'post', action: url, target: '_blank' }).submit();
  },
  'a form of a frame without an origin': (url) => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox',
                       'allow-scripts allow-forms allow-top-navigation');
    frame.srcdoc = `<form method="post" action="${url}" target="_top"></form>
      <script>document.forms[0].submit()</script>`;
    document.body.append(frame);
  },
  'a form that is bounced': (url) => {
    Object.assign(document.body.appendChild(document.createElement('form')), {
      method: 'post', action: `/bounce?${url}` }).submit();
  },
  'fetch that posts, no-cors': (url) => {
    fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' })
      .catch(() => {});
  },
  'fetch that posts, cors': (url) => {
    fetch(url, { method: 'POST', credentials: 'include' }).catch(() => {});
  },
  'a beacon': (url) => {
    navigator.sendBeacon(url, 'x');
  },
};

test('forgeries in a browser', async (t) => {
  const evil = await startRecorder(t, { names: [FOREIGN, SIBLING] });
  evil.otherwise = (request, response) => {
    const [path, to] = request.url.split(/\?(.*)/s);
    response.writeHead(path === '/bounce' ? 307 : 200, {
      'Content-Type': 'text/html', 'Referrer-Policy': 'no-referrer',
      ...(path === '/bounce' && { Location: to }) });
    response.end('<!DOCTYPE html><title>Evil</title><p>Win a prize!');
  };

  const OPEN = 'http://globex.localhost/cigna/callback';
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenant: { dances_per_member: 100, dances_per_second: 1000 },
    tenants: { globex: { redirect_uri: OPEN, insecure_http: 'on' } },
    clients: { globex: { redirect_uris: [OPEN] } },
    locations: `
        location = /home {
            auth_request off;
            default_type text/html;
            return 200 '<!DOCTYPE html><title>App</title>';
        }`,
  });
  const browser = await startBrowser(t, { certFiles: [
    gw.certificate.certFile, gw.sandbox.info.certFile, evil.certFile] });

  const evilUrl = (host, target = '/') =>
    `https://${host}:${evil.port}${target}`;

  // Opens a browser that is signed in to the app.
  async function person(member, { tenant = 'acme', sameSite = 'Lax' } = {}) {
    const context = await browser.newContext();
    context.setDefaultTimeout(8000);
    await context.addCookies([{
      name: 'session', value: member, url: gw.url(tenant), sameSite,
      secure: true, httpOnly: true }]);
    const asked = [];
    context.on('request', (request) => asked.push(request.url()));
    return { context, asked, effects: new Effects(context),
             page: await context.newPage() };
  }

  const heading = (page) => page.locator('h1').innerText();

  const hits = (path) => gw.nginx.accessLog().split('\n')
    .filter((line) => line.includes(` ${path}`));

  async function isConnected({ context }) {
    const page = await context.newPage();
    await page.goto(gw.url('acme', '/home'));
    const told = await page.evaluate(async () =>
      (await fetch('/cigna/status')).json());
    await page.close();
    return told.connected;
  }

  // Opens a URL.  On a slow machine an earlier navigation may still interrupt
  // this one, so start() tries again.
  async function start(page, url) {
    for (let tries = 5; ; tries -= 1) {
      try {
        await page.goto(url);
        return;
      } catch (error) {
        if (!/interrupted by another/.test(error.message) || tries === 0) {
          throw error;
        }
      }
    }
  }

  // Lets a hostile page request a URL in each of these ways.  Calls after(way,
  // lines) with the lines of the access log for these requests.
  async function from(host, someone, ways, url, after) {
    const { page, context, effects } = someone;
    const { pathname } = new URL(url);

    for (const [way, ask] of Object.entries(ways)) {
      await start(page, evilUrl(host));
      const before = hits(pathname).length;
      await page.evaluate(ask, url).catch((error) => {
        // The page may already have navigated.
        assert.match(error.message, /context was destroyed|navigation/);
      });
      await effects.settled();
      await after(way, hits(pathname).slice(before));
      for (const other of context.pages().filter((one) => one !== page)) {
        await other.close();
      }
    }
  }

  // callbacks

  for (const host of [FOREIGN, SIBLING]) {
    await t.test(`a callback of another member, opened by ${host}, connects `
      + 'no member', async () => {
      const mallory = await toCallback(gw, { member: 'mallory' });
      const alice = await person('alice');
      const before = await tokenRequests(gw);
      const arrived = new Set();

      await from(host, alice, { ...GETS, ...POSTS }, mallory.url.href,
                 async (way, lines) => {
                   // The gateway answers a prefetch with 204.
                   assert.ok(lines.every((line) =>
                     / (204|400|401|403|405) \d+ tenant/.test(line)),
                   `${way}: ${lines}`);
                   if (lines.length) {
                     arrived.add(way);
                   }
                 });

      for (const way of ['a link', 'a form', 'a window', 'an image', 'a frame',
                         'a form that posts', 'fetch, no-cors']) {
        assert.ok(arrived.has(way), `${way} has not arrived`);
      }
      assert.equal(await tokenRequests(gw), before);
      assert.equal(await isConnected(alice), false);
      // The other member can still end the dance.
      assert.equal(outcomeOf(await mallory.visitor.get(mallory.target)),
                   'connected');
      await alice.context.close();
    });
  }

  await t.test('a callback of another member asks the member to continue where '
    + 'the dance started', async () => {
    const mallory = await toCallback(gw, { member: 'mallory' });
    const alice = await person('alice');
    await alice.page.goto(evilUrl(FOREIGN));
    await alice.page.evaluate(GETS['a link'], mallory.url.href);
    await alice.page.waitForURL((url) => url.pathname === CALLBACK);
    assert.equal(await heading(alice.page), OTHERS);
    await alice.context.close();
  });

  await t.test('a callback of another member does not end the dance under way',
               async () => {
    const mallory = await toCallback(gw, { member: 'mallory' });
    const alice = await person('alice');
    const { page } = alice;
    await page.goto(gw.url('acme', '/cigna/connect'));
    await page.locator('[name=username]').waitFor();

    const tab = await alice.context.newPage();
    await tab.goto(evilUrl(SIBLING));
    await tab.evaluate(GETS['a link'], mallory.url.href);
    await tab.waitForURL((url) => url.pathname === CALLBACK);
    assert.equal(await heading(tab), OTHERS);

    await page.locator('[name=username]').fill('syntheticuser05');
    await page.locator('[name=password]').fill('MARKsecret05');
    await page.locator('button[value=login]').click();
    await page.locator('[name=termsAccept]').check();
    await page.locator('button[value=terms]').click();
    await page.waitForURL(/\/app\?/);
    assert.equal(new URL(page.url()).searchParams.get('cigna'), 'connected');
    assert.equal(await isConnected(alice), true);
    await alice.context.close();
  });

  // cookies

  // Lets a page of `host` set cookies by header lines and by scripts.  Returns
  // the cookies that the browser would send to the URL `at`, without the
  // cookie of the app's session.
  async function toss({ context }, host, cookies, at) {
    const page = await context.newPage();
    evil.on('/toss', (request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html',
                                'Set-Cookie': cookies });
      response.end('<!DOCTYPE html><title>Evil</title>');
    });
    await page.goto(evilUrl(host, '/toss'));
    await page.evaluate((all) => all.forEach((one) => {
      document.cookie = one;
    }), cookies);
    await page.close();
    return (await context.cookies(at)).filter(({ name }) =>
      name !== 'session');
  }

  await t.test('a sibling cannot plant the cookie of a dance, so another '
    + 'member\'s callback connects no member', async () => {
    const mallory = await toCallback(gw, { member: 'mallory' });
    const [{ name, value }] = mallory.visitor.danceCookies();
    assert.match(name, /^__Host-cigna-/);
    const ann = await person('ann');
    const domain = '; Path=/; Secure; Domain=acme.localhost';

    // The name itself, and names that some parsers could take for it.
    const planted = await toss(ann, SIBLING, [
      `${name}=${value}${domain}`,
      `${name}=${value}; Path=/cigna; Secure; Domain=acme.localhost`,
      `${name.toLowerCase()}=${value}${domain}`,
      `${name.toUpperCase()}=${value}${domain}`,
      `=${name}=${value}${domain}`,
      ` ${name}=${value}${domain}`,
      `${name.replace('__Host-', '')}=${value}${domain}`,
      `__Secure-${name.replace('__Host-', '')}=${value}${domain}`,
      `x="; ${name}=${value}"${domain}`,
    ], gw.url('acme', CALLBACK));
    assert.ok(planted.length > 0, 'the sibling planted no cookie at all');
    assert.deepEqual(planted.filter((one) => one.name === name), []);

    const before = await tokenRequests(gw);
    await ann.page.goto(mallory.url.href);
    assert.equal(await heading(ann.page), OTHERS);
    assert.equal(await tokenRequests(gw), before);
    assert.equal(await isConnected(ann), false);
    assert.equal(outcomeOf(await mallory.visitor.get(mallory.target)),
                 'connected');
    await ann.context.close();
  });

  await t.test('over http a sibling can plant the cookie of a dance, and the '
    + 'member\'s identity still protects the callback', async () => {
    const mallory = await toCallback(gw, { member: 'mallory',
                                           tenant: 'globex' });
    const [{ name, value }] = mallory.visitor.danceCookies();
    assert.match(name, /^cigna-/);
    const hal = await person('hal', { tenant: 'globex' });
    const planted = await toss(hal, 'evil.globex.localhost', [
      `${name}=${value}; Path=/; Domain=globex.localhost`,
    ], gw.url('globex', CALLBACK));
    assert.deepEqual(planted.map((one) => [one.name, one.value]),
                     [[name, value]]);

    const before = await tokenRequests(gw, 'globex-client');
    await hal.page.goto(gw.url('globex', mallory.target));
    assert.equal(new URL(hal.page.url()).searchParams.get('cigna'),
                 'identity_mismatch');
    assert.equal(await tokenRequests(gw, 'globex-client'), before);
    assert.equal(await hal.page.evaluate(async () =>
      (await (await fetch('/cigna/status')).json()).connected), false);
    await hal.context.close();
  });

  async function begun(member) {
    const someone = await person(member);
    await someone.page.goto(gw.url('acme', '/cigna/connect'));
    await someone.page.locator('[name=username]').fill('syntheticuser07');
    await someone.page.locator('[name=password]').fill('MARKsecret07');
    await someone.page.locator('button[value=login]').click();
    await someone.page.locator('[name=termsAccept]').check();
    return someone;
  }

  await t.test('a dance succeeds beside a hundred look-alike cookies of a '
    + 'sibling',
    async () => {
      const ida = await begun('ida');
      const planted = await toss(ida, SIBLING, Array.from({ length: 100 },
        (_, i) => `cigna-look${String(i).padStart(4, '0')}=s00000.`
          + `${'x'.repeat(22)}; Path=/; Secure; Domain=acme.localhost`),
      gw.url('acme', CALLBACK));
      assert.equal(planted.filter(({ name }) =>
        name.startsWith('cigna-look')).length, 100);

      await ida.page.locator('button[value=terms]').click();
      await ida.page.waitForURL(/\/app\?/);
      assert.equal(new URL(ida.page.url()).searchParams.get('cigna'),
                   'connected');
      await ida.context.close();
    });

  await t.test('a sibling that evicts the cookie of a dance connects no '
    + 'member, and the next dance succeeds', async () => {
    const jo = await begun('jo');
    const isDance = ({ name }) => name.startsWith('__Host-cigna-');
    await toss(jo, SIBLING, Array.from({ length: 400 }, (_, i) =>
      `f${i}=; Path=/; Secure; Domain=acme.localhost`), gw.url('acme'));
    const left = await jo.context.cookies(gw.url('acme', CALLBACK));
    assert.deepEqual(left.filter(isDance), [], 'the cookie was not evicted');

    await jo.context.addCookies([{ name: 'session', value: 'jo',
                                   url: gw.url('acme'), secure: true }]);
    const before = await tokenRequests(gw);
    await jo.page.locator('button[value=terms]').click();
    await jo.page.waitForURL((url) => url.pathname === CALLBACK);
    assert.equal(await heading(jo.page), OTHERS);
    assert.equal(await tokenRequests(gw), before);
    assert.equal(await isConnected(jo), false);

    // The cookie jar is still full, but a new dance works.
    await jo.page.goto(gw.url('acme', '/cigna/connect'));
    const terms = jo.page.locator('[name=termsAccept]');
    await jo.page.locator('[name=username]').fill('syntheticuser07');
    await jo.page.locator('[name=password]').fill('MARKsecret07');
    await jo.page.locator('button[value=login]').click();
    await terms.check();
    await jo.page.locator('button[value=terms]').click();
    await jo.page.waitForURL(/\/app\?/);
    assert.equal(new URL(jo.page.url()).searchParams.get('cigna'),
                 'connected');
    await jo.context.close();
  });

  // Values of return_to that the gateway refuses.

  const origin = gw.url('acme', '').replace(/\/$/, '');

  async function refuses(values) {
    const kim = await person('kim');
    for (const value of values) {
      await kim.page.goto(gw.url('acme', '/home'));
      kim.asked.splice(0);
      await kim.page.evaluate((text) => {
        const link = document.body.appendChild(document.createElement('a'));
        link.href = `/cigna/connect?return_to=${encodeURIComponent(text)}`;
        link.click();
      }, value);
      await kim.page.waitForURL((url) => url.pathname !== '/home');

      assert.equal(new URL(kim.page.url()).pathname, '/cigna/connect', value);
      assert.equal(await heading(kim.page), 'This link cannot be used', value);
      assert.deepEqual(kim.asked.filter((url) => !url.startsWith(origin)), [],
                       value);
      // The links of the page stay at the app.
      for (const href of await kim.page.locator('a').evaluateAll((links) =>
        links.map((link) => link.href))) {
        assert.ok(href.startsWith(`${origin}/`), `${value}: ${href}`);
        assert.ok(!/evil/.test(href), `${value}: ${href}`);
      }
    }
    await kim.context.close();
  }

  const app = gw.url('acme', '/app');
  const away = `${FOREIGN}:${evil.port}`;

  for (const [what, ...values] of [
    ['another host', `https://${away}/`, `//${away}/`, `///${away}/`,
      `https:${away}`, `https:/${away}/`, `https:///${away}/`],
    ['backslashes', `\\\\${away}/`, `/\\${away}/`, `https:\\\\${away}/`,
      `${origin}\\@${away}/`, `${origin}\\.${away}/app`],
    ['user information', `https://acme.localhost@${away}/app`,
      `${origin}@${away}/app`, `https://acme.localhost:x@${away}/app`],
    ['a scheme that runs', 'javascript:alert(1)', 'JavaScript:alert(1)',
      'java\nscript:alert(1)', 'java\tscript:alert(1)', '\x01javascript:a()',
      `javascript://${app.slice(8)}/%0aalert(1)`,
      'data:text/html,<script>alert(1)</script>', 'blob:https://x/1',
      `view-source:${app}`],
    ['bytes that browsers drop', `/\t/${away}/`, `/\n/${away}/`,
      `ht\ntps://${away}/`, `https:/\r/${away}/`, `${origin}/app\t/../x`],
    ['a host that begins like ours', `https://acme.localhost.${away}/app`,
      `${origin}.${away}/app`, `${origin.replace('.', '\u3002')}/app`],
    ['a way out of the path', `${app}/../home`, `${app}/%2e%2e/home`,
      `${app}/.%2e/home`, `${app}%2f..%2fhome`, `${app}/..%2fhome`,
      `${app}/..%5chome`, `${app}/..;/home`],
    ['a fragment', `${app}#${away}`, `https://${away}/#${app}`],
  ]) {
    await t.test(`return_to with ${what} is refused`, () =>
      refuses(values));
  }

  await t.test('return_to that is escaped twice is refused', () =>
      refuses([`${app}/%2e%252e/home`, `${app}/%252e%252e/home`,
               `${app}/%252e%252e%252fhome`]));

  // disconnect

  for (const host of [FOREIGN, SIBLING]) {
    await t.test(`${host} cannot disconnect a member`, async () => {
      await connected(gw, { member: 'lea' });
      // With SameSite=None other sites send the session too: the worst case.
      const lea = await person('lea', { sameSite: 'None' });
      const arrived = new Set();

      const tried = { ...POSTS, ...Object.fromEntries(
        ['a link', 'an image', 'fetch, no-cors'].map((way) =>
          [way, GETS[way]])) };
      await from(host, lea, tried, gw.url('acme', DISCONNECT),
                 async (way, lines) => {
                   assert.ok(lines.every((line) =>
                     / (401|403|405) \d+ tenant/.test(line)),
                   `${way}: ${lines}`);
                   if (lines.length) {
                     arrived.add(way);
                   }
                   if (host === SIBLING && way in POSTS) {
                     assert.ok(lines.some((line) => / 403 \d+ /.test(line)
                       && !line.includes(' member=- ')), `${way}: ${lines}`);
                   }
                 });
      assert.deepEqual(Object.keys(tried).filter((way) =>
        !arrived.has(way)), []);
      assert.equal(await isConnected(lea), true);
      await lea.context.close();
    });
  }

  await t.test('a member whom a foreign form brings to disconnect gets a page '
    + 'that refuses', async () => {
    const lea = await person('lea', { sameSite: 'None' });
    await lea.page.goto(evilUrl(SIBLING));
    await lea.page.evaluate(POSTS['a form that posts'],
                            gw.url('acme', DISCONNECT));
    await lea.page.waitForURL(gw.url('acme', DISCONNECT));
    assert.equal(await heading(lea.page), 'That does not work from here');
    await lea.context.close();
  });

  await t.test('a form of the app that another site bounces to disconnect is '
    + 'refused', async () => {
    const lea = await person('lea', { sameSite: 'None' });
    await lea.page.goto(gw.url('acme', '/home'));
    const before = hits(DISCONNECT).length;
    // The form goes from the app to the hostile site and back.
    await lea.page.evaluate(POSTS['a form that posts'], evilUrl(
      SIBLING, `/bounce?${gw.url('acme', DISCONNECT)}`));
    await until('the form has arrived', () =>
      hits(DISCONNECT).length > before);
    assert.match(hits(DISCONNECT).at(-1), / 403 /);
    assert.equal(await isConnected(lea), true);
    await lea.context.close();
  });

  // frames

  await t.test('no site can show a page of the gateway in a frame',
    async () => {
      const max = await person('max', { sameSite: 'None' });
      const mallory = await toCallback(gw, { member: 'mallory' });
      const targets = {
        'This page is out of date':
          `${CALLBACK}?code=x&state=${'A'.repeat(32)}`,
        [OTHERS]: mallory.target,
        'This link cannot be used': '/cigna/connect?return_to=x',
      };

      for (const [title, target] of Object.entries(targets)) {
        const url = gw.url('acme', target);
        const shown = await max.page.goto(url);
        assert.equal(await heading(max.page), title);
        assert.match((await shown.allHeaders())['content-security-policy'],
                     /(^|; )frame-ancestors 'none'(;|$)/);

        for (const top of [evilUrl(FOREIGN), evilUrl(SIBLING),
                           gw.url('acme', '/home')]) {
          await max.page.goto(top);
          const before = hits(target.split('?')[0]).length;
          await max.page.evaluate((src) => {
            for (const [name, attribute] of [['iframe', 'src'],
                                             ['object', 'data'],
                                             ['embed', 'src']]) {
              const element = document.createElement(name);
              element.setAttribute(attribute, src);
              document.body.append(element);
            }
          }, url);
          await max.effects.settled();
          assert.ok(hits(target.split('?')[0]).length > before, top);
          for (const frame of max.page.frames().slice(1)) {
            const text = await frame.evaluate(() =>
              document.documentElement.textContent).catch(() => '');
            assert.ok(!text.includes(title), `${title} in ${top}`);
          }
        }
      }
      await max.context.close();
    });

  await t.test('a user cannot press a button of the gateway in a frame',
    async () => {
      const max = await person('max', { sameSite: 'None' });
      await max.page.goto(evilUrl(SIBLING));
      await max.page.evaluate((src) => {
        const frame = document.createElement('iframe');
        frame.src = src;
        frame.style = 'position: fixed; inset: 0; width: 100%; height: 100%';
        document.body.append(frame);
      }, gw.url('acme', `${CALLBACK}?code=x&state=${'A'.repeat(32)}`));
      await max.effects.settled();
      const started = hits('/cigna/connect').length;
      const { width, height } = max.page.viewportSize();
      for (let y = 20; y < height; y += 40) {
        await max.page.mouse.click(width / 2, y);
      }
      await max.effects.settled();
      assert.equal(hits('/cigna/connect').length, started);
      assert.equal(max.page.url(), evilUrl(SIBLING));
      await max.context.close();
    });

  await t.test('no hostile site got a secret or a URL of a callback', () => {
    assertNoSecrets([...gw.sandbox.info.markers], { evil: evil.requests });
    for (const { headers } of evil.requests) {
      assert.doesNotMatch(headers.referer ?? '', /callback|code=|state=/);
    }
  });
});
