// A TLS port that can also refuse, stay mute, or cut connections, before a
// byte of a request is read: a client must know that such a request was
// never sent.

import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';

const BACKLOG = 4096;
const KEEP_ALIVE_MS = 65000;

export class Listener {
  #front;
  #server;
  #sockets = new Set();
  #host;
  #port;
  #mode = 'open';

  constructor({ tls, handler }) {
    this.#server = https.createServer(
      { ...tls, keepAliveTimeout: KEEP_ALIVE_MS }, handler);
    this.#server.prependListener('secureConnection', (socket) => {
      if (this.#mode === 'cut-tls') {
        socket.destroy();
      }
    });
    this.#server.on('tlsClientError', (error, socket) => socket.destroy());
    this.#server.on('clientError', (error, socket) => socket.destroy());
  }

  async listen(host, port) {
    this.#front = net.createServer((socket) => this.#accept(socket));
    this.#front.listen({ host, port, backlog: BACKLOG });
    await once(this.#front, 'listening');
    this.#host = host;
    this.#port = this.#front.address().port;
    return this.#port;
  }

  #accept(socket) {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());

    switch (this.#mode) {
      case 'cut-accept':
        socket.destroy();
        break;
      case 'mute':
        break;
      default:
        this.#server.emit('connection', socket);
    }
  }

  // Open connections go, so that the next request meets the new mode.
  async setMode(mode) {
    if (mode === this.#mode) {
      return;
    }
    const former = this.#mode;
    this.#mode = mode;
    if (mode === 'refuse') {
      this.#front.close();
    }
    this.#closeConnections();
    if (former === 'refuse') {
      await this.listen(this.#host, this.#port);
    }
  }

  #closeConnections() {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  close() {
    this.#front.close();
    this.#closeConnections();
  }
}
