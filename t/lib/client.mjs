// Two HTTP clients: HttpClient keeps cookies and connections, rawRequest()
// sends any bytes.  Every host name resolves to 127.0.0.1.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

import { CookieJar } from '../../scripts/sandbox/walk.mjs';

const LOOPBACK = '127.0.0.1';

export function lookup(name, options, callback) {
  if (options.all) {
    callback(null, [{ address: LOOPBACK, family: 4 }]);
  } else {
    callback(null, LOOPBACK, 4);
  }
}

export class HttpClient {
  // ca: the text of the CA certificate; jar: null to keep no cookies
  constructor({ ca, jar = new CookieJar(), keepAlive = true,
                maxSockets = Infinity } = {}) {
    // without a context each connection would parse `ca`
    const secureContext = tls.createSecureContext({ ca });

    this.jar = jar;
    this.agents = {
      'http:': new http.Agent({ keepAlive, maxSockets }),
      'https:': new https.Agent({ keepAlive, maxSockets, secureContext }),
    };
  }

  // Resolves to the result of answer().  Does not follow redirects.
  request(url, { method = 'GET', headers = {}, body, signal, ...more } = {}) {
    const target = new URL(url);
    const cookies = this.jar?.header(target);
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
          this.jar?.store(target, reply.headers['set-cookie'] ?? []);
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

  // Closes the idle connections.  A server that exits closes them too, and a
  // request sent at that moment would be lost.
  dropIdle() {
    for (const { freeSockets } of Object.values(this.agents)) {
      for (const socket of Object.values(freeSockets).flat()) {
        socket.destroy();
      }
    }
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

// Sends raw bytes, and returns everything that the server sends until it closes
// the connection or until the pattern `done` matches.  end: true closes the
// client's sending side after the bytes.
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
