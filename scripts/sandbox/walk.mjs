// A browser so small that a test can run five hundred of them.  It follows
// redirects, submits forms, and has a cookie jar with the rules that matter
// here.  walk() takes the browser through a dance: authorize (or the gateway's
// connect), login, terms, callback.

import https from 'node:https';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const REDIRECTS_MAX = 20;
const REFRESH = /<meta http-equiv="refresh" content="(\d+); url=([^"]*)">/;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

function attributesOf(parts) {
  return new Map(parts.map((part) => {
    const [name, value = ''] = part.trim().split(/=(.*)/s);
    return [name.toLowerCase(), value];
  }));
}

function deadlineOf(attributes) {
  if (attributes.has('max-age')) {
    return Date.now() + Number(attributes.get('max-age')) * 1000;
  }
  return attributes.has('expires')
    ? Date.parse(attributes.get('expires')) : Infinity;
}

// A cookie is valid for all ports of its host, so the jar ignores ports.
export class CookieJar {
  #cookies = new Map();

  store(url, lines) {
    for (const line of lines) {
      const [pair, ...rest] = line.split(';');
      const [name, value] = pair.split(/=(.*)/s);
      const attributes = attributesOf(rest);
      const path = attributes.get('path') || '/';

      if (name.startsWith('__Host-')
          && !(attributes.has('secure') && attributes.get('path') === '/'
               && !attributes.has('domain') && url.protocol === 'https:')) {
        continue;
      }
      this.#put({ name, value, path, host: url.hostname,
                  secure: attributes.has('secure'),
                  deadline: deadlineOf(attributes) });
    }
  }

  #put(cookie) {
    const key = `${cookie.host} ${cookie.path} ${cookie.name}`;
    this.#cookies.delete(key);
    if (cookie.deadline > Date.now()) {
      this.#cookies.set(key, cookie);
    }
  }

  for(url) {
    return [...this.#cookies.values()].filter(({ host, path, secure,
                                                 deadline }) =>
      host === url.hostname && deadline > Date.now()
      && (!secure || url.protocol === 'https:')
      && (url.pathname === path
          || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)));
  }

  header(url) {
    return this.for(url).map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  delete(name) {
    for (const [key, cookie] of this.#cookies) {
      if (cookie.name === name) {
        this.#cookies.delete(key);
      }
    }
  }
}

export class Browser {
  #agent;
  #ca;

  // Names below .localhost mean this machine, as in real browsers.  By default
  // each request uses a new connection.
  constructor({ ca, agent = false, headers = {} }) {
    this.#ca = ca;
    this.#agent = agent;
    this.headers = headers;
    this.jar = new CookieJar();
  }

  async request(target, { method = 'GET', body, headers = {} } = {}) {
    const url = new URL(target);
    const cookie = this.jar.header(url);
    const request = https.request(url, {
      method,
      ca: this.#ca,
      agent: this.#agent,
      lookup: url.hostname.endsWith('.localhost') ? loopback : undefined,
      headers: {
        Accept: 'text/html,application/xhtml+xml',
        ...this.headers,
        ...(cookie && { Cookie: cookie }),
        ...headers,
      },
    });
    request.end(body);

    const [response] = await once(request, 'response');
    this.jar.store(url, response.headers['set-cookie'] ?? []);
    const chunks = await response.toArray();
    return { url: url.href, status: response.statusCode,
             headers: response.headers,
             body: Buffer.concat(chunks).toString() };
  }

  get(target, options) {
    return this.request(target, options);
  }

  post(target, form, options = {}) {
    return this.request(target, {
      method: 'POST',
      body: new URLSearchParams(form).toString(),
      ...options,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded',
                 ...options.headers },
    });
  }

  // Follows redirects and pages that refresh themselves.  Stops before a URL
  // for which `until` returns true.
  async follow(response, until = () => false) {
    for (let i = 0; i < REDIRECTS_MAX; i += 1) {
      const { to, seconds } = onward(response);
      if (to === undefined) {
        return { response };
      }
      await sleep(seconds * 1000);
      const next = new URL(to, response.url).href;
      if (until(next)) {
        return { response, stopped: next };
      }
      response = await this.get(next);
    }
    throw new Error('too many redirects');
  }
}

// Returns { to, seconds }: the URL to which the browser goes by itself, and the
// delay.
function onward({ status, headers, body }) {
  if (REDIRECTS.has(status)) {
    return { to: headers.location, seconds: 0 };
  }
  const [, seconds, to] = REFRESH.exec(body) ?? [];
  return { to: to?.replaceAll('&amp;', '&'), seconds: Number(seconds) };
}

function loopback(hostname, options, done) {
  const address = { address: '127.0.0.1', family: 4 };
  options.all ? done(null, [address])
    : done(null, address.address, address.family);
}

function formAction({ url, body }) {
  const [, action] = /<form[^>]* action="([^"]*)"/.exec(body) ?? [];
  return action && new URL(action, url).href;
}

const isTerms = ({ body }) => body.includes('name="termsAccept"');
const isLogin = ({ body }) => body.includes('name="password"');

// Walks from the URL `start` to the first URL for which `until` returns true.
// Returns { response, stopped }: the last page, and that URL, which is not
// fetched.  There is no `stopped` if the walk ends earlier.  `cancel` is
// 'login' or 'terms', the page on which the member presses Cancel.
export async function walk(browser, start, {
  username, password, until, cancel,
}) {
  let step = await browser.follow(await browser.get(start), until);

  if (step.stopped || !isLogin(step.response)) {
    return step;
  }
  step = await browser.follow(await browser.post(
    formAction(step.response),
    cancel === 'login' ? { step: 'cancel' }
      : { step: 'login', username, password }), until);

  if (step.stopped || !isTerms(step.response)) {
    return step;
  }
  return browser.follow(await browser.post(
    formAction(step.response),
    cancel === 'terms' ? { step: 'cancel' }
      : { step: 'terms', termsAccept: 'true' }), until);
}
