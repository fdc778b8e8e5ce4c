// Documents of the FHIR server must do nothing in a real browser.
//
// Each document is served twice: through a location with cigna_fhir, and
// through a plain location, the control, where its attack must succeed.

import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startBrowser } from '../lib/browser.mjs';
import { ACTIVE, PASSIVE, documentAt } from '../lib/documents.mjs';
import { Effects } from '../lib/effects.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { assertNoSecrets } from '../lib/secrets.mjs';

const HOME = '<!DOCTYPE html><title>App</title><p>home';
const CHUNK = 20;

// The elements by which the app's pages load a document.
const ELEMENTS = { iframe: 'src', object: 'data', embed: 'src', img: 'src',
                   script: 'src' };

// Documents that are opened in all ways.  Each other document differs from one
// of them only by a status, a parameter or a header line.
const MOST = new Set(['html', 'none', 'xhtml', 'svg', 'xml', 'js', 'json',
                      'fhir', 'plain', 'pdf', 'octets', 'png', 'mp4']);

// The effects that an ACTIVE document has in a location without cigna_fhir.
// Documents in MOST also have the effects in MORE.
const ATTACK = ['open', 'iframe', 'elsewhere'].flatMap((way) =>
  ['ran', 'read', 'posted', way === 'open' ? 'shown' : 'framed']
    .map((what) => `${way} ${what}`)).concat('iframe registered');
const MORE = ['navigate', 'object', 'embed'].flatMap((way) =>
  ['ran', 'read', 'posted'].map((what) => `${way} ${what}`))
  .concat('navigate registered');

// PASSIVE documents: LIFELESS ones do not run even as scripts, browsers show
// READABLE ones as text, and ACTIVE_WORKERS can be service workers.
const LIFELESS = new Set(['fhir-404', 'png', 'mp4']);
const READABLE = new Set([
  'js', 'js-allowed', 'js-app', 'js-ecma', 'rss', 'atom', 'plain',
  'plain-utf8', 'json', 'json-text', 'fhir', 'fhir-utf8', 'fhir-404', 'css',
  'vtt', 'manifest']);
const ACTIVE_WORKERS = new Set(['js-allowed', 'js-app']);

// Returns the effects that a document has without cigna_fhir.
function expected(name) {
  if (name in ACTIVE) {
    return MOST.has(name) ? [...ATTACK, ...MORE] : ATTACK;
  }
  return [
    ...(LIFELESS.has(name) ? [] : ['script posted', 'script ran',
                                   'script read', 'worker ran']),
    ...(READABLE.has(name) ? ['elsewhere framed', 'iframe framed',
                              'open shown'] : []),
    ...(ACTIVE_WORKERS.has(name) ? ['sw ran', 'sw registered', 'sw posted']
      : []),
  ];
}

const isScript = (name) => /^js/.test(name) && !/^json/.test(name);
const isJson = (name) => /^(json|fhir(-utf8|-404)?$)/.test(name);
const names = [...Object.keys(ACTIVE), ...Object.keys(PASSIVE)];

function chunks(list) {
  const all = [];
  for (let i = 0; i < list.length; i += CHUNK) {
    all.push(list.slice(i, i + CHUNK));
  }
  return all;
}

function describe(name) {
  const [type, , { status = 200, lines } = {}] = ACTIVE[name] ?? PASSIVE[name];
  return [name, JSON.stringify(type), status,
          ...(lines ? [Object.keys(lines)] : [])].join(', ');
}

// Answers with a page of the app.
function appAnswer(request, response) {
  response.setHeader('Content-Type', 'text/html');
  response.end(HOME);
}

const LOGIN = `<!DOCTYPE html><title>Sign in</title><h1>Sign in</h1>
  <script src="/login.js"></script>
  <script>document.title += ', inline'</script>`;

const SCRIPT = `document.querySelector('h1').append(', please');`;

// Shows an image on a page.  Returns its width, or 0 if the browser does not
// show it.
function widthOf(page, url) {
  return page.evaluate((from) => new Promise((resolve) => {
    const image = new Image();
    image.onload = image.onerror = () => resolve(image.naturalWidth);
    image.src = from;
    document.body.append(image);
  }), url);
}

test('documents of the FHIR server in a browser', async (t) => {
  const fhir = await startRecorder(t);
  fhir.otherwise = (request, response, { url }) => {
    const { status, lines, body } = documentAt(url, request.headers);
    response.writeHead(status, lines.flat());
    response.end(body);
  };

  const app = await startRecorder(t, { plain: true });
  app.otherwise = appAnswer;
  app.on('/login.js', (request, response) => {
    response.setHeader('Content-Type', 'text/javascript');
    response.end(SCRIPT);
  });
  app.on('/strict', (request, response) => {
    response.writeHead(401);
    response.end();
  });
  for (const [path, status] of [['/sign-in', 401], ['/sorry', 502]]) {
    app.on(path, (request, response) => {
      response.writeHead(status, { 'Content-Type': 'text/html' });
      response.end(LOGIN);
    });
  }

  // Another origin of the same site as acme.
  const sibling = await startRecorder(t, { names: ['evil.acme.localhost'] });
  sibling.otherwise = appAnswer;
  const siblingUrl = `https://evil.acme.localhost:${sibling.port}/`;

  const here = `proxy_pass http://127.0.0.1:${app.port}`;
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    locations: `
        location = /home { ${here}; }
        location = /form { ${here}; }
        location = /login.js { auth_request off; ${here}; }
        location @login {
            auth_request off; rewrite ^ /sign-in break; ${here};
        }
        location @fallback {
            auth_request off; rewrite ^ /sorry break; ${here};
        }
        ${fhir.location('/gated/')}
        ${fhir.location('/plain/', { fhir: false })}
        location = /strict { internal; auth_request off; ${here}; }
        ${fhir.location('/login/', { lines: ['auth_request /strict;',
                                             'error_page 401 = @login;'] })}
        ${fhir.location('/gone/', { to: 'https://127.0.0.1:1',
                                    lines: ['error_page 502 = @fallback;'] })}
        `,
  });
  const certFiles = [gw.certificate.certFile, gw.sandbox.info.certFile,
                     sibling.certFile];

  const urlOf = (side, name, way) =>
    gw.url('acme', `/${side}/${name}?way=${way}`);

  // Opens a browser context that is signed in to the app.  SameSite=None is the
  // worst case, because other sites send such a session, too.
  async function signedIn(browser, member, said) {
    await connected(gw, { member });
    const context = await browser.newContext();
    context.setDefaultTimeout(8000);
    await context.addCookies([{
      name: 'session', value: member, url: gw.url('acme'), sameSite: 'None',
      secure: true, httpOnly: true }]);
    return { context, effects: new Effects(context, said) };
  }

  async function home(context, url = gw.url('acme', '/home')) {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  // Records the documents that a page or its frames show.
  async function look(page, effects) {
    for (const frame of page.frames()) {
      const text = await frame.evaluate(() =>
        document.documentElement.textContent).catch(() => '');
      for (const [, mark] of text.matchAll(/SHOWN:([\w.-]+);/g)) {
        effects.add(mark, frame === page.mainFrame() ? 'shown' : 'framed');
      }
    }
  }

  // Functions that open documents, each in its own ways.  They return the
  // pages.

  async function navigate(side, some, { context, effects }) {
    const pages = await Promise.all(some.map(async (name) => {
      const page = await context.newPage();
      await page.goto(urlOf(side, name, 'navigate')).catch(() => {});
      return page;
    }));
    await effects.settled();
    return pages;
  }

  async function open(side, some, { context, effects }) {
    const page = await home(context);
    await page.evaluate((urls) => urls.forEach((url) => window.open(url)),
                        some.map((name) => urlOf(side, name, 'open')));
    await effects.settled();
    return context.pages();
  }

  // Inserts elements into a page.  list: [element, attribute, URL] of each
  async function insert(page, list) {
    await page.evaluate((all) => {
      for (const [name, attribute, url] of all) {
        const element = document.createElement(name);
        element.setAttribute(attribute, url);
        document.body.append(element);
      }
    }, list);
  }

  async function embed(side, some, { context, effects }) {
    const page = await home(context);
    const wanted = (name, way) => way === 'script'
      || (name in ACTIVE || READABLE.has(name)) && way === 'iframe'
      || MOST.has(name);
    await insert(page, some.flatMap((name) => Object.entries(ELEMENTS)
      .filter(([way]) => wanted(name, way))
      .map(([way, attribute]) => [way, attribute, urlOf(side, name, way)])));
    await effects.settled();
    return [page];
  }

  async function frameElsewhere(side, some, { context, effects }) {
    const page = await home(context, siblingUrl);
    await insert(page, some.map((name) =>
      ['iframe', 'src', urlOf(side, name, 'elsewhere')]));
    await effects.settled();
    return [page];
  }

  async function startWorkers(side, some, { context, effects }) {
    const page = await home(context);
    await page.evaluate((list) => Promise.all(list.map(
      async ([scope, worker, service]) => {
        new Worker(worker);
        await navigator.serviceWorker.register(service, { scope })
          .catch(() => {});
      })), some.map((name) => [`/scope/${name}.sw.${side}/`,
      urlOf(side, name, 'worker'), urlOf(side, name, 'sw')]));
    await effects.settled();
    return [page];
  }

  // Records the registered service workers and the forms that were posted.
  async function count(side, { context, effects }) {
    const page = await home(context);
    for (const scope of await page.evaluate(async () =>
      (await navigator.serviceWorker.getRegistrations())
        .map((one) => one.scope))) {
      effects.add(scope.split('/').at(-2), 'registered');
    }
    for (const { method, url } of app.requests) {
      const [, mark] = /by=([\w.-]+)/.exec(url) ?? [];
      if (mark?.endsWith(`.${side}`)) {
        effects.add(mark, method === 'POST' ? 'posted' : 'visited');
      }
    }
  }

  // Opens documents in all ways, and adds their effects to `said`.
  async function openAll(browser, side, member, said, all) {
    const began = Date.now();
    const someone = await signedIn(browser, member, said);
    const some = (list) => list.filter((name) => all.includes(name));
    for (const [way, list] of [
      [navigate, some([...MOST])], [open, all], [embed, all],
      [frameElsewhere, all], [startWorkers, some(Object.keys(PASSIVE))]]) {
      for (const chunk of chunks(list)) {
        for (const page of await way(side, chunk, someone)) {
          await look(page, someone.effects);
          await page.close();
        }
      }
    }
    await count(side, someone);
    await someone.context.close();
    t.diagnostic(`${all.length} documents, ${side}: ${Date.now() - began} ms`);
  }

  // Calls openAll() with a browser of its own.  If Chromium ends by itself,
  // another browser opens the documents again, and `said` keeps the effects so
  // far.
  async function openInBrowser(side, member, said, all = names, again = 2) {
    const browser = await startBrowser(t, { certFiles });
    try {
      await openAll(browser, side, member, said, all);
    } catch (error) {
      // isConnected() knows of Chromium's end a moment later.
      await sleep(1000);
      if (browser.isConnected() || again === 0) {
        throw error;
      }
      await openInBrowser(side, member, said, all, again - 1);
    } finally {
      await browser.close();
    }
  }

  // Returns the effects of one document, as "WAY EFFECT".
  const of = (said, name) => [...said]
    .map((one) => /^([\w-]+)\.(\w+)\.\w+ (\w+)$/.exec(one))
    .filter((one) => one?.[1] === name)
    .map(([, , way, what]) => `${way} ${what}`).sort();

  const missing = (said, name) => expected(name)
    .filter((one) => !of(said, name).includes(one));

  // Opens all documents in the location without cigna_fhir.  On a busy machine
  // some attacks do not end in time, so their documents are opened up to twice
  // more.
  async function openControl(said) {
    await openInBrowser('plain', 'bob', said);
    for (let i = 0; i < 2; i += 1) {
      const late = names.filter((name) => missing(said, name).length);
      if (late.length) {
        await openInBrowser('plain', 'bob', said, late);
      }
    }
  }

  const plain = new Set();
  const gated = new Set();
  await Promise.all([openControl(plain),
                     openInBrowser('gated', 'alice', gated)]);

  const browser = await startBrowser(t, { certFiles });
  const person = (member) => signedIn(browser, member);

  function assertControl(name) {
    assert.deepEqual(missing(plain, name), [],
                     `of ${name}: only ${of(plain, name).join(', ')}`);
  }

  for (const name of Object.keys(ACTIVE)) {
    await t.test(`an active document does nothing: ${describe(name)}`,
      () => {
        assertControl(name);
        assert.deepEqual(of(gated, name), []);
      });
  }

  for (const name of Object.keys(PASSIVE)) {
    await t.test('a passive document neither runs nor shows in a frame: '
      + `${describe(name)}`,
      () => {
        assertControl(name);
        assert.deepEqual(of(gated, name).filter((one) =>
          !(isJson(name) && / shown$/.test(one))), []);
      });
  }

  for (const name of Object.keys(PASSIVE).filter(isScript)) {
    await t.test(`a page of the app cannot run a document as a script: ${
      describe(name)}`, () => {
      assert.deepEqual(of(gated, name).filter((one) =>
        /^(script|worker) /.test(one)), []);
    });

    await t.test(`a document cannot be a service worker: ${
      describe(name)}`, () => {
      assert.deepEqual(of(gated, name).filter((one) => /^sw /.test(one)), []);
    });
  }

  await t.test('a document cannot be a service worker below its own path',
    async () => {
      const { context } = await person('alice');
      const page = await home(context);
      const register = (side) => page.evaluate(async (url) => {
        try {
          const { scope } = await navigator.serviceWorker.register(url);
          return new URL(scope).pathname;
        } catch ({ name }) {
          return name;
        }
      }, `/${side}/js?way=sw`);
      assert.equal(await register('plain'), '/plain/');
      assert.match(await register('gated'), /^(Security|Type)Error$/);
      await context.close();
    });

  await t.test('a document cannot disconnect the member', async () => {
    for (const [side, member, end] of [['plain', 'bob', false],
                                       ['gated', 'alice', true]]) {
      for (const name of ['html', 'svg', 'xml']) {
        const { context, effects } = await person(member);
        const page = await context.newPage();
        await page.goto(urlOf(side, name, 'disconnect')).catch(() => {});
        await effects.settled();
        await page.goto(gw.url('acme', '/home'));
        const { connected: still } = await page.evaluate(async () =>
          (await fetch('/cigna/status')).json());
        assert.equal(still, end, `${name}, ${side}`);
        await context.close();
      }
    }
  });

  // Returns the methods of a document's requests to the app.
  const visits = (mark) => app.requests
    .filter(({ url }) => url.endsWith(`by=${mark}`))
    .map(({ method }) => method);

  // Opens one document as a page, and passes the page to act().
  async function alone(side, name, act = () => {}) {
    const someone = await person(side === 'plain' ? 'bob' : 'alice');
    const { context, effects } = someone;
    const page = await context.newPage();
    const failure = await page.goto(urlOf(side, name, 'alone'))
      .then(() => null, (error) => error.message);
    await act(page, someone);
    await effects.settled();
    const end = { url: page.url(), failure, visits: visits(
      `${name}.alone.${side}`), said: [...effects.said] };
    await context.close();
    return end;
  }

  await t.test('a form in a document cannot be sent', async () => {
    const press = async (page) => {
      const button = page.locator('button');
      if (await button.count()) {
        await button.click();
      }
    };
    assert.deepEqual((await alone('plain', 'form', press)).visits, ['POST']);
    assert.deepEqual((await alone('gated', 'form', press)).visits, []);
  });

  for (const [name, line] of [['refresh', 'Refresh'], ['preload', 'Link']]) {
    await t.test(`the header ${line} of a document causes no request`,
      async () => {
        assert.deepEqual((await alone('plain', name)).visits, ['GET']);
        assert.deepEqual((await alone('gated', name)).visits, []);
      });
  }

  await t.test('the header Clear-Site-Data of a document signs no member out',
    async () => {
      const sessions = {};
      for (const side of ['plain', 'gated']) {
        await alone(side, 'clear', async (page, { context, effects }) => {
          await effects.settled();
          sessions[side] = (await context.cookies(gw.url('acme')))
            .filter((cookie) => cookie.name === 'session').length;
        });
      }
      assert.deepEqual(sessions, { plain: 0, gated: 1 });
    });

  await t.test('another origin cannot read a document, even if its header '
    + 'allows that', async () => {
    const results = {};
    for (const [side, member] of [['plain', 'bob'], ['gated', 'alice']]) {
      const { context } = await person(member);
      const page = await home(context, siblingUrl);
      results[side] = await page.evaluate(async (url) => {
        try {
          const reply = await fetch(url, { credentials: 'include' });
          return (await reply.json()).resourceType;
        } catch ({ name }) {
          return name;
        }
      }, urlOf(side, 'shared', 'fetch'));
      await context.close();
    }
    assert.deepEqual(results, { plain: 'Binary', gated: 'TypeError' });
  });

  await t.test('another origin cannot show an image', async () => {
    const widths = {};
    for (const [side, member] of [['plain', 'bob'], ['gated', 'alice']]) {
      const { context } = await person(member);
      const page = await home(context, siblingUrl);
      widths[side] = await widthOf(page, urlOf(side, 'image', 'img'));
      await context.close();
    }
    assert.deepEqual(widths, { plain: 3, gated: 0 });
  });

  await t.test('a redirect does not lead to a document that runs', async () => {
    const ran = (end) => end.said.filter((one) => one.endsWith(' ran'));
    assert.deepEqual(ran(await alone('plain', 'to-html')),
                     ['html.redirected.plain ran']);
    for (const name of ['to-html', 'to-data', 'to-script']) {
      const end = await alone('gated', name);
      assert.deepEqual(ran(end), []);
      assert.doesNotMatch(end.url, /^(data|javascript):/);
    }
  });

  // uses that must keep working

  await t.test('a link to a PDF downloads it, and the page stays', async () => {
    const { context } = await person('alice');
    const page = await home(context);
    await page.evaluate((url) => {
      document.body.innerHTML = `<a href="${url}">Letter</a>`;
    }, urlOf('gated', 'pdf', 'link'));
    const [download] = await Promise.all([page.waitForEvent('download'),
                                          page.locator('a').click()]);
    assert.equal(download.url(), urlOf('gated', 'pdf', 'link'));
    assert.deepEqual(await buffer(await download.createReadStream()),
                     documentAt('/gated/pdf?way=link').body);
    assert.equal(page.url(), gw.url('acme', '/home'));

    const disposition = await page.evaluate(async (url) =>
      (await fetch(url)).headers.get('Content-Disposition'),
    urlOf('gated', 'pdf', 'link'));
    assert.match(disposition, /^attachment\b/);
    await context.close();
  });

  await t.test('fetch() from the app\'s page gets the same bytes and type as '
    + 'without the gates', async () => {
    const { context } = await person('alice');
    const page = await home(context);
    const fetched = (url) => page.evaluate(async (from) => {
      const reply = await fetch(from);
      const blob = await reply.blob();
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return { status: reply.status, type: blob.type,
               bytes: [...bytes].map((one) =>
                 one.toString(16).padStart(2, '0')).join('') };
    }, url);

    for (const [name, type] of [
      ['json', 'application/json'], ['fhir', 'application/fhir+json'],
      ['fhir-utf8', 'application/fhir+json;charset=utf-8'],
      ['image', 'image/png'], ['pdf', 'application/pdf'],
      ['svg', 'image/svg+xml'], ['html', 'text/html'],
      ['fhir-xml', 'application/fhir+xml'],
      ['octets', 'application/octet-stream'], ['plain', 'text/plain'],
    ]) {
      const { body } = documentAt(`/gated/${name}?way=fetch`);
      assert.deepEqual(await fetched(urlOf('gated', name, 'fetch')),
                       { status: 200, type, bytes: body.toString('hex') },
                       name);
    }
    await context.close();
  });

  await t.test('the app\'s own page shows an image', async () => {
    const { context } = await person('alice');
    const page = await home(context);
    assert.equal(await widthOf(page, urlOf('gated', 'image', 'img')), 3);

    // A page with a progress bar fetches the image and shows a blob.
    assert.equal(await page.evaluate(async (url) => {
      const image = new Image();
      image.src = URL.createObjectURL(await (await fetch(url)).blob());
      await image.decode();
      return image.naturalWidth;
    }, urlOf('gated', 'image', 'fetch')), 3);
    await context.close();
  });

  await t.test('the browser shows JSON that a link leads to', async () => {
    const { context } = await person('alice');
    const page = await context.newPage();
    await page.goto(urlOf('gated', 'fhir', 'link'));
    assert.match(await page.locator('body').innerText(),
                 /^{"resourceType":"Binary"/);
    await context.close();
  });

  for (const [what, target, status] of [
    ['a login page behind "error_page 401"', '/login/Patient', 401],
    ['a page of the app\'s fallback', '/gone/Patient', 502],
  ]) {
    await t.test(`${what} runs its scripts`, async () => {
      const { context } = await person('alice');
      const page = await context.newPage();
      const reply = await page.goto(gw.url('acme', target));
      assert.equal(reply.status(), status);
      assert.equal(await page.title(), 'Sign in, inline');
      assert.equal(await page.locator('h1').innerText(), 'Sign in, please');
      const headers = await reply.allHeaders();
      for (const name of ['content-security-policy', 'content-disposition',
                          'cross-origin-resource-policy']) {
        assert.equal(headers[name], undefined, name);
      }
      await context.close();
    });
  }

  await t.test('no request to the app or to another origin has a token', () => {
    assertNoSecrets(gw.sandbox.info.markers, {
      'the app': app.requests, 'the other origin': sibling.requests });
  });
});
