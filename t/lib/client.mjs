// HTTP clients: a browser-like one with cookies and kept connections, and a
// raw one that sends any bytes.  Every host name leads to this machine.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

const LOOPBACK = '127.0.0.1';

function lookup(name, options, callback) {
  if (options.all) {
    callback(null, [{ address: LOOPBACK, family: 4 }]);
  } else {
    callback(null, LOOPBACK, 4);
  }
}

// Cookies by host, as a browser keeps them: a Secure one goes to https only, a
// __Host- one must have been set as the prefix demands.
export class CookieJar {
  #cookies = new Map();

  store(url, lines) {
    for (const line of lines) {
      this.#storeOne(new URL(url), line);
    }
  }

  #storeOne(url, line) {
    const [pair, ...rest] = line.split(';').map((part) => part.trim());
    const equals = pair.indexOf('=');
    const attributes = Object.fromEntries(rest.map((part) => {
      const [name, ...value] = part.split('=');
      return [name.toLowerCase(), value.join('=')];
    }));
    const cookie = {
      line, attributes, host: url.hostname,
      name: pair.slice(0, equals), value: pair.slice(equals + 1),
      path: attributes.path ?? '/', secure: 'secure' in attributes,
    };

    if (cookie.name.startsWith('__Host-')
        && (!cookie.secure || attributes.path !== '/'
            || 'domain' in attributes || url.protocol !== 'https:')) {
      return;
    }

    const key = `${cookie.host} ${cookie.path} ${cookie.name}`;
    const over = attributes['max-age'] !== undefined
      ? Number(attributes['max-age']) <= 0
      : attributes.expires && Date.parse(attributes.expires) <= Date.now();

    if (over) {
      this.#cookies.delete(key);
    } else {
      this.#cookies.set(key, cookie);
    }
  }

  set(url, name, value) {
    this.#storeOne(new URL(url), `${name}=${value}; Path=/`);
  }

  remove(name) {
    for (const [key, cookie] of this.#cookies) {
      if (cookie.name === name) {
        this.#cookies.delete(key);
      }
    }
  }

  for(url) {
    const { hostname, pathname, protocol } = new URL(url);
    return [...this.#cookies.values()].filter((cookie) =>
      cookie.host === hostname && pathname.startsWith(cookie.path)
      && (!cookie.secure || protocol === 'https:'));
  }

  header(url) {
    return this.for(url).map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }
}

export class HttpClient {
  // ca: text or file content; jar: false for none
  constructor({ ca, jar = new CookieJar(), keepAlive = true,
                maxSockets = Infinity } = {}) {
    this.jar = jar;
    this.agents = {
      'http:': new http.Agent({ keepAlive, maxSockets }),
      'https:': new https.Agent({ keepAlive, maxSockets, ca }),
    };
  }

  // { status, headers, rawHeaders, body, json(), location, url }.  Redirects
  // are not followed.  What the server sent as repeated lines is an array.
  request(url, { method = 'GET', headers = {}, body, signal, ...more } = {}) {
    const target = new URL(url);
    const cookies = this.jar ? this.jar.header(url) : '';
    const { request } = target.protocol === 'https:' ? https : http;

    return new Promise((resolve, reject) => {
      const outgoing = request(target, {
        method, signal, lookup,
        agent: this.agents[target.protocol],
        servername: target.hostname,
        headers: { ...(cookies && { Cookie: cookies }), ...headers },
        ...more,
      }, (reply) => {
        collect(reply).then((received) => {
          this.jar?.store?.(url, reply.headers['set-cookie'] ?? []);
          resolve(answer(url, reply, received));
        }, reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  get(url, options) {
    return this.request(url, options);
  }

  post(url, options) {
    return this.request(url, { method: 'POST', ...options });
  }

  close() {
    for (const agent of Object.values(this.agents)) {
      agent.destroy();
    }
  }
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answer(url, reply, received) {
  const { location } = reply.headers;
  return {
    url,
    status: reply.statusCode,
    headers: reply.headers,
    rawHeaders: reply.rawHeaders,
    cookies: reply.headers['set-cookie'] ?? [],
    location: location && new URL(location, url).href,
    body: received.toString('utf8'),
    bytes: received,
    json() {
      return JSON.parse(this.body);
    },
  };
}

// Sends bytes as they are and returns all that comes back until the server
// closes, or until `done` (a pattern) matches what has come.
export function rawRequest({ port, ca, servername, timeout = 10000 }, bytes,
                           { done, end = false } = {}) {
  const where = { port, host: LOOPBACK };
  const socket = ca
    ? tls.connect({ ...where, ca, servername: servername ?? 'localhost' })
    : net.connect(where);

  return new Promise((resolve, reject) => {
    let text = '';

    socket.setEncoding('latin1');
    socket.setTimeout(timeout, () => {
      socket.destroy(new Error(`no end of reply, so far: ${text}`));
    });
    socket.on('data', (more) => {
      text += more;
      if (done?.test(text)) {
        socket.destroy();
      }
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));

    socket.write(Buffer.from(bytes, 'latin1'));
    if (end) {
      socket.end();
    }
  });
}
