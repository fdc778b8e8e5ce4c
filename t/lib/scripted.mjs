// A TLS server that sends bytes written by a test, and records its requests.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

import { onEnd } from './scratch.mjs';

// Returns the first complete request, { request, rest }, or null.
function takeRequest(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    return null;
  }
  const [line, ...lines] = text.slice(0, end).split('\r\n');
  const length = Number(/^content-length: *(\d+)$/i.exec(
    lines.find((one) => /^content-length:/i.test(one)) ?? '')?.[1] ?? 0);
  const rest = text.slice(end + 4);
  if (rest.length < length) {
    return null;
  }
  const [method, target, version] = line.split(' ');
  const named = (name) => lines.filter((one) =>
    one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((one) => one.slice(name.length + 1).trim());

  return { rest: rest.slice(length),
           request: { line, method, target, version, lines, named,
                      body: rest.slice(0, length) } };
}

class Scripted {
  requests = [];
  connections = 0;
  // { path: reply }.  A reply is bytes, after which the server closes the
  // connection, or a function that gets the socket and the request.
  on = {};
  // the reply for all other paths
  otherwise = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
  // called with each new connection
  accepted = () => {};
  #sockets = new Set();

  async start(t, { ca, names = ['localhost'] }) {
    const { certFile, keyFile } = ca.issueServer(
      `scripted-${names.join('-')}`, names);
    this.server = tls.createServer({
      cert: readFileSync(certFile), key: readFileSync(keyFile),
    }, (socket) => this.#serve(socket));
    this.server.on('tlsClientError', () => {});
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    onEnd(t, () => {
      this.server.close();
      this.#sockets.forEach((socket) => socket.destroy());
    });
  }

  url(path) {
    return `https://localhost:${this.port}${path}`;
  }

  #serve(socket) {
    let text = '';

    this.connections += 1;
    socket.number = this.connections;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let taken = takeRequest(text); taken; taken = takeRequest(text)) {
        text = taken.rest;
        this.#answer(socket, taken.request);
      }
    });
    this.accepted(socket);
  }

  #answer(socket, request) {
    this.requests.push({ ...request, connection: socket.number });
    const reply = this.on[request.target.split('?')[0]] ?? this.otherwise;

    if (typeof reply === 'function') {
      reply(socket, request);
    } else {
      socket.end(reply, 'latin1');
    }
  }

  // Returns the requests since the last call, and forgets them.
  take() {
    return this.requests.splice(0);
  }
}

// Options: ca (the authority that issues the certificate), names (host names in
// the certificate, by default localhost).
export async function startScripted(t, options) {
  const scripted = new Scripted();
  await scripted.start(t, options);
  return scripted;
}

// Returns the bytes of a reply with its correct length.
export function reply(body, { status = '200 OK', lines = [],
                              type = 'application/json' } = {}) {
  return [`HTTP/1.1 ${status}`, `Content-Type: ${type}`,
          `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n');
}

// Sends the same bytes again and again, until the peer closes the connection or
// `max` bytes are sent.  Returns the number of bytes that were sent.
export async function pour(socket, bytes, max) {
  const closed = new Promise((resolve) => { socket.once('close', resolve); });

  while (!socket.destroyed && socket.bytesWritten < max) {
    if (!socket.write(bytes, 'latin1')) {
      const drained = new Promise((resolve) => {
        socket.once('drain', resolve);
      });
      await Promise.race([drained, closed]);
    }
  }
  return socket.bytesWritten;
}
