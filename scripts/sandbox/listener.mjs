// A TLS port that can also refuse connections, stay mute, or cut connections
// before it reads a byte of a request.  A client must know that such a request
// was never sent.

import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';

// "localhost" may stand for either address.  The machine need not have the
// second one.
const ADDRESSES = ['127.0.0.1', '::1'];
const BACKLOG = 4096;
const KEEP_ALIVE_MS = 65000;

export class Listener {
  #fronts = [];
  #server;
  #sockets = new Set();
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

  async listen(port) {
    this.#port = port;
    this.#fronts = [];
    for (const host of ADDRESSES) {
      await this.#listenOn(host).catch((error) => {
        if (host === ADDRESSES[0]) {
          throw error;
        }
      });
    }
    return this.#port;
  }

  async #listenOn(host) {
    const front = net.createServer((socket) => this.#accept(socket));
    front.listen({ host, port: this.#port, backlog: BACKLOG });
    await once(front, 'listening');
    this.#port = front.address().port;
    this.#fronts.push(front);
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

  // Closes open connections, so that the next request meets the new mode.
  async setMode(mode) {
    if (mode === this.#mode) {
      return;
    }
    const former = this.#mode;
    this.#mode = mode;
    if (mode === 'refuse') {
      this.#closeFronts();
    }
    this.#closeConnections();
    if (former === 'refuse') {
      await this.listen(this.#port);
    }
  }

  #closeFronts() {
    for (const front of this.#fronts) {
      front.close();
    }
  }

  #closeConnections() {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  close() {
    this.#closeFronts();
    this.#closeConnections();
  }
}
