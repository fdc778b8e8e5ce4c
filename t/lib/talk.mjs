// A client's connection to a gateway.  It sends any bytes, and reads replies
// one by one.

import { once } from 'node:events';
import tls from 'node:tls';

import { until } from './scratch.mjs';

class Talk {
  text = '';                   // received and not yet read
  closed = false;

  constructor(socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (more) => { this.text += more; });
    socket.on('error', () => {});
    socket.on('close', () => { this.closed = true; });
    // nginx ends its sending side after its last reply, even if it has not read
    // all bytes of the client.
    socket.on('end', () => { this.closed = true; });
  }

  send(bytes) {
    if (!this.closed) {
      this.socket.write(bytes, 'latin1');
    }
  }

  // Returns the next reply, { status, lines, body, interim }, or null if the
  // connection ends first.  body is null if it was cut.
  async reply({ head = false } = {}) {
    const interim = [];

    for (;;) {
      await until('a header has arrived', () =>
        this.closed || this.text.includes('\r\n\r\n'));
      if (!this.text.includes('\r\n\r\n')) {
        return null;
      }
      const [header] = this.text.split('\r\n\r\n', 1);
      this.text = this.text.slice(header.length + 4);
      const [first, ...rest] = header.split('\r\n');
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);

      if (status >= 200) {
        const lines = Object.fromEntries(rest.map((line) => {
          const at = line.indexOf(':');
          return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
        }));
        const none = head || status === 204 || status === 304;
        return { status, lines, interim,
                 body: none ? '' : await this.#body(lines) };
      }
      interim.push(status);
    }
  }

  async #body(lines) {
    const length = lines['content-length'];

    if (length !== undefined) {
      return this.#take(Number(length));
    }
    if (lines['transfer-encoding'] !== 'chunked') {
      await until('nginx closes the connection', () => this.closed);
      return this.#take(this.text.length);
    }

    let body = '';
    for (;;) {
      await until('a chunk has arrived', () =>
        this.closed || this.text.includes('\r\n'));
      const [size] = this.text.split('\r\n', 1);
      const content = await this.#take(size.length + parseInt(size, 16) + 4);
      if (content === null) {
        return null;
      }
      if (size === '0') {
        return body;
      }
      body += content.slice(size.length + 2, -2);
    }
  }

  async #take(length) {
    await until('the whole body has arrived', () =>
      this.closed || this.text.length >= length);
    if (!(this.text.length >= length)) {
      return null;
    }
    const content = this.text.slice(0, length);
    this.text = this.text.slice(length);
    return content;
  }

  // Whether nginx closes the connection within this time.
  async ends(ms = 300) {
    await until('nginx closes the connection', () => this.closed,
                { timeout: ms })
      .catch(() => {});
    return this.closed;
  }

  close() {
    this.socket.destroy();
  }
}

// Connects to the gateway over TLS and returns the socket.  tenant: the tenant
// whose server is called; protocols: those to offer by ALPN.
export async function dial(gw, { tenant = 'acme',
                                 protocols = ['http/1.1'] } = {}) {
  const socket = tls.connect({
    port: gw.port, host: '127.0.0.1', ca: gw.caText,
    servername: `${tenant}.localhost`, ALPNProtocols: protocols,
  });
  await once(socket, 'secureConnect');
  return socket;
}

export async function talkTo(gw, options) {
  return new Talk(await dial(gw, options));
}
