// A client that sends raw bytes over kept connections and reads the replies
// one by one.

import net from 'node:net';
import tls from 'node:tls';

const TIMEOUT = 15000;

// Parses the first reply in the text: { status, names, valuesOf, body, raw,
// length, closes }, or null while the reply is incomplete.  head: the request
// was a HEAD; ended: the connection has ended; length: the bytes of the whole
// reply; closes: the server closes the connection after it.
function parseReply(text, { head, ended }) {
  if (ended && text && !text.startsWith('HTTP/')) {
    // An HTTP/0.9 reply has no header.
    return { status: 0, names: [], valuesOf: () => [], body: text, raw: text,
             length: text.length, closes: true };
  }

  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    return null;
  }
  const [first, ...rest] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  const lines = rest.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const valuesOf = (name) => lines.filter(([one]) => one === name)
    .map(([, value]) => value);

  const body = readBody(text.slice(end + 4), valuesOf, {
    none: head || status < 200 || status === 204 || status === 304, ended });
  return body && { status, valuesOf, body: body[0],
                   names: lines.map(([name]) => name),
                   raw: text.slice(0, end + 4 + body[1]),
                   length: end + 4 + body[1],
                   closes: valuesOf('connection').includes('close') };
}

function readBody(text, valuesOf, { none, ended }) {
  if (none) {
    return ['', 0];
  }
  const [length] = valuesOf('content-length');
  if (length !== undefined) {
    return text.length < length ? null
      : [text.slice(0, Number(length)), Number(length)];
  }
  if (!valuesOf('transfer-encoding').includes('chunked')) {
    return ended ? [text, text.length] : null;
  }

  let body = '';
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const size = parseInt(text.slice(at, end), 16);
    if (end < 0 || text.length < end + 4 + size) {
      return null;
    }
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
    if (size === 0) {
      return [body, at];
    }
  }
}

export class ByteClient {
  #socket = null;
  #text = '';
  #ended = false;
  #wake = () => {};

  // where: { port } of 127.0.0.1; for TLS also { ca, servername }
  constructor(where) {
    this.where = where;
  }

  #connect() {
    const { port, ca, servername } = this.where;
    const to = { host: '127.0.0.1', port, noDelay: true };
    const socket = ca ? tls.connect({ ...to, ca, servername })
      : net.connect(to);

    this.#socket = socket;
    this.#text = '';
    this.#ended = false;
    socket.setEncoding('latin1');
    socket.on('data', (more) => {
      if (socket === this.#socket) {
        this.#text += more;
        this.#wake();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket === this.#socket) {
        this.#ended = true;
        this.#wake();
      }
    });
  }

  // Writes bytes, and opens a connection first if none is open.
  write(bytes) {
    if (!this.#socket || this.#ended || this.#socket.destroyed) {
      this.#connect();
    }
    this.#socket.write(Buffer.from(bytes, 'latin1'));
  }

  // Returns the next reply that is not a 1xx, or null if the connection ends
  // first.  Throws after TIMEOUT ms.  head: the request was a HEAD.
  async read({ head = false } = {}) {
    const deadline = Date.now() + TIMEOUT;

    for (;;) {
      const reply = parseReply(this.#text, { head, ended: this.#ended });
      if (reply) {
        this.#text = this.#text.slice(reply.length);
        if (reply.status === 0 || reply.status >= 200) {
          if (reply.closes) {
            this.close();
          }
          return reply;
        }
      } else if (this.#ended) {
        return null;
      } else if (Date.now() > deadline) {
        const so_far = this.#text;
        this.close();
        throw new Error(`no reply within ${TIMEOUT} ms, so far: ${so_far}`);
      } else {
        await this.#more(deadline);
      }
    }
  }

  #more(deadline) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, deadline - Date.now());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // The bytes that have come after the last reply that was read.
  get surplus() {
    return this.#text;
  }

  close() {
    this.#socket?.destroy();
    this.#socket = null;
  }
}
