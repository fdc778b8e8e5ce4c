// What documents of the FHIR server may do in a real browser: nothing.
//
// The same documents are served twice: behind the gates, and through a plain
// location, the control, where the attack in them comes off.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { readFile } from 'node:fs/promises';

import { ACTIVE, PASSIVE, documentAt } from '../lib/documents.mjs';
import { Effects } from '../lib/effects.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { onEnd, until } from '../lib/scratch.mjs';
import { launchBrowser } from '../../scripts/lib/browser.mjs';

const HOME = '<!DOCTYPE html><title>App</title><p>home';
const CHUNK = 20;

// The app's pages load a document by these elements.
const ELEMENTS = { iframe: 'src', object: 'data', embed: 'src', img: 'src',
                   script: 'src' };

// What is opened in fewer ways, as it differs from another one in its status
// or in a parameter only.
const isVariant = (name) => name.includes('-');

const JAVASCRIPT = Object.keys(PASSIVE).filter((name) => /^js/.test(name));
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

// The app, where it is not the gateway's.
function appAnswer(request, response) {
  response.setHeader('Content-Type', 'text/html');
  response.end(HOME);
}

const LOGIN = `<!DOCTYPE html><title>Sign in</title><h1>Sign in</h1>
  <script src="/login.js"></script>
  <script>document.title += ', inline'</script>`;

const SCRIPT = `document.querySelector('h1').append(', please');`;

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
  for (const page of ['/login', '/fallback']) {
    app.on(page, (request, response) => {
      response.writeHead(page === '/login' ? 401 : 200,
                         { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(LOGIN);
    });
  }

  // The same site as acme, and another origin.
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
        location @login { auth_request off; ${here}/login; }
        location @fallback { auth_request off; ${here}/fallback; }
        ${fhir.location('/gated/')}
        ${fhir.location('/plain/', { fhir: false })}
        ${fhir.location('/login/', { lines: ['error_page 401 = @login;'] })}
        ${fhir.location('/gone/', { to: 'https://127.0.0.1:1',
                                    lines: ['error_page 502 = @fallback;'] })}
        `.replace(/proxy_pass http:\/\/127.0.0.1:(\d+)\/(login|fallback);/g,
                  'rewrite ^ /$2 break; proxy_pass http://127.0.0.1:$1;'),
  });
  const browser = await launchBrowser({ certFiles: [
    gw.certificate.certFile, gw.sandbox.info.certFile, sibling.certFile] });
  onEnd(t, () => browser.close());

  const urlOf = (side, name, way) =>
    gw.url('acme', `/${side}/${name}?way=${way}`);

  // A browser of somebody who is signed in; SameSite=None lets it do most.
  async function person(member, { connect = true } = {}) {
    if (connect) {
      await connected(gw, { member });
    }
    const context = await browser.newContext();
    context.setDefaultTimeout(8000);
    await context.addCookies([{
      name: 'session', value: member, url: gw.url('acme'), sameSite: 'None',
      secure: true, httpOnly: true }]);
    return { context, effects: new Effects(context) };
  }

  async function home(context, url = gw.url('acme', '/home')) {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  // Marks of the documents that can be read on a page, or in its frames.
  async function look(page, effects) {
    for (const frame of page.frames()) {
      const text = await frame.evaluate(() =>
        document.documentElement.textContent).catch(() => '');
      for (const [, mark] of text.matchAll(/SHOWN:([\w.-]+);/g)) {
        effects.add(mark, frame === page.mainFrame() ? 'shown' : 'framed');
      }
    }
  }

  // ways of opening documents, each with its page or pages

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

  // list of [element, attribute, URL]
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
    const wanted = (name, way) =>
      way === 'iframe' || way === 'script' || !isVariant(name);
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

  // Which service workers are registered, and who has posted.
  async function count({ context, effects }) {
    const page = await home(context);
    for (const scope of await page.evaluate(async () =>
      (await navigator.serviceWorker.getRegistrations())
        .map((one) => one.scope))) {
      effects.add(scope.split('/').at(-2), 'registered');
    }
    for (const { method, url } of app.requests) {
      const [, mark] = /by=([\w.-]+)/.exec(url) ?? [];
      if (mark) {
        effects.add(mark, method === 'POST' ? 'posted' : 'visited');
      }
    }
  }

  async function openAll(side, someone) {
    for (const [way, list] of [
      [navigate, names.filter((name) => !isVariant(name))], [open, names],
      [embed, names], [frameElsewhere, names], [startWorkers, names]]) {
      for (const some of chunks(list)) {
        for (const page of await way(side, some, someone)) {
          await look(page, someone.effects);
          await page.close();
        }
      }
    }
    await count(someone);
    await someone.context.close();
  }

  const did = {};
  const of = (side, name) => [...did[side]]
    .filter((one) => one.startsWith(`${name}.`) && one.includes(`.${side} `))
    .map((one) => one.replace(`${name}.`, '').replace(`.${side}`, ''))
    .sort();

  for (const [side, member] of [['plain', 'bob'], ['gated', 'alice']]) {
    const began = Date.now();
    const someone = await person(member);
    await openAll(side, someone);
    did[side] = someone.effects.said;
    t.diagnostic(`${side}: ${Date.now() - began} ms`);
  }
  for (const name of names) {
    console.log(name, of('plain', name).join(', '));
  }
});
