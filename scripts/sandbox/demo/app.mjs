// A health app behind the gateway, with its own users, sessions and pages.
//
//   node app.mjs BRAND [--seen FILE]
//
// Prints its port when it is ready.  The app has no Cigna secret and sees no
// Cigna token.  The app writes every request from nginx to FILE, so that the
// demo's check can search for secrets.

import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

import { readForm } from '../body.mjs';
import { keepBounded } from '../bounded.mjs';
import { BRANDS } from './brands.mjs';
import { messageFor } from './messages.mjs';
import { colors, homePage, notFoundPage, signInPage } from './views.mjs';

const SESSION_MS = 8 * 3600 * 1000;
const SESSIONS_MAX = 1000;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': 'default-src \'none\'; style-src \'self\'; '
    + 'script-src \'self\'; connect-src \'self\'; img-src data:; '
    + 'form-action \'self\'; frame-ancestors \'none\'; base-uri \'none\'',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

const TYPES = { css: 'text/css', js: 'text/javascript',
                html: 'text/html; charset=utf-8' };

const asset = (name) => readFileSync(new URL(`assets/${name}`,
                                             import.meta.url));

class App {
  #brand;
  #cookie;
  #sessions = new Map();
  #assets;

  constructor(brand) {
    this.#brand = brand;
    this.#cookie = `__Host-${brand.id}`;
    this.#assets = {
      '/assets/colors.css': colors(brand),
      '/assets/style.css': asset('style.css'),
      '/assets/home.js': asset('home.js'),
    };
  }

  #routes = {
    'GET /whoami': (request, response) => this.#whoami(request, response),
    'GET /': (request, response) => this.#home(request, response),
    'GET /sign-in': (request, response) => this.#html(
      response, signInPage({ brand: this.#brand })),
    'POST /sign-in': (request, response) => this.#signIn(request, response),
    'POST /sign-out': (request, response) => this.#signOut(request, response),
  };

  async handle(request, response) {
    const { pathname } = new URL(request.url, 'https://app.invalid');
    const route = this.#routes[`${request.method} ${pathname}`];

    if (route) {
      await route(request, response);
    } else if (pathname in this.#assets) {
      this.#send(response, 200, pathname.split('.').pop(),
                 this.#assets[pathname]);
    } else {
      this.#html(response, notFoundPage({ brand: this.#brand,
                                          user: this.#userOf(request) }), 404);
    }
  }

  #send(response, status, type, body, headers = {}) {
    response.writeHead(status, { ...HEADERS, 'Content-Type': TYPES[type],
                                 ...headers });
    response.end(body);
  }

  #html(response, page, status = 200) {
    this.#send(response, status, 'html', page);
  }

  #redirect(response, location, headers = {}) {
    response.writeHead(303, { ...HEADERS, Location: location, ...headers });
    response.end();
  }

  #sessionId({ headers }) {
    const pair = (headers.cookie ?? '').split(/; */).find((text) =>
      text.startsWith(`${this.#cookie}=`));
    return pair?.slice(this.#cookie.length + 1);
  }

  #userOf(request) {
    const session = this.#sessions.get(this.#sessionId(request));
    return session?.until > Date.now() ? session.user : undefined;
  }

  // nginx asks for this resource before it lets a request pass (auth_request).
  // Users cannot reach it, because its location in nginx is internal.
  #whoami(request, response) {
    const user = this.#userOf(request);
    response.writeHead(204, user ? { 'X-Member': user.id } : {});
    response.end();
  }

  #home(request, response) {
    const user = this.#userOf(request);
    if (!user) {
      this.#redirect(response, '/sign-in');
      return;
    }
    const query = new URL(request.url, 'https://app.invalid').searchParams;
    const outcome = query.get('cigna');
    this.#html(response, homePage({
      brand: this.#brand, user,
      outcome: outcome && messageFor(outcome),
      reference: query.get('cigna_dance'),
    }));
  }

  async #signIn(request, response) {
    const { email, password } = await readForm(request);
    const user = this.#brand.users.find((one) => one.email === email
      && one.password === password);
    if (!user) {
      this.#html(response, signInPage({
        brand: this.#brand, email,
        message: 'The email or the password is wrong.',
      }), 403);
      return;
    }
    this.#redirect(response, '/', { 'Set-Cookie': this.#open(user) });
  }

  #open(user) {
    const id = randomBytes(24).toString('base64url');
    keepBounded(this.#sessions, id, { user, until: Date.now() + SESSION_MS },
                SESSIONS_MAX);
    return `${this.#cookie}=${id}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  }

  #signOut(request, response) {
    this.#sessions.delete(this.#sessionId(request));
    this.#redirect(response, '/sign-in', {
      'Set-Cookie': `${this.#cookie}=; Path=/; Secure; HttpOnly; Max-Age=0`,
    });
  }
}

function keepSeen(file, request) {
  appendFileSync(file, `${JSON.stringify([request.method, request.url,
                                          request.rawHeaders])}\n`);
}

const { positionals: [brandId], values: { seen } } = parseArgs({
  allowPositionals: true, options: { seen: { type: 'string' } },
});
const app = new App(BRANDS[brandId]);

const server = http.createServer((request, response) => {
  if (seen) {
    keepSeen(seen, request);
  }
  app.handle(request, response).catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    response.destroy();
  });
});

server.listen(0, '127.0.0.1', () => process.stdout.write(
  `${server.address().port}\n`));
process.on('SIGTERM', () => process.exit(0));
