// A small Redis client for tests.

import { connect } from 'node:net';

// The client speaks RESP2.  Strings are latin1, so binary values can be
// searched and compared.
export class RedisClient {
  #pending = [];
  #buffer = '';

  static open(where) {
    const client = new RedisClient();
    const { socket } = Object.assign(client, { socket: connect(where) });

    socket.setEncoding('latin1');
    socket.on('data', (text) => client.#read(text));
    socket.on('close', () => client.#fail());

    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('connect', () => resolve(client));
    });
  }

  command(...args) {
    const parts = args.map((arg) => Buffer.from(String(arg), 'latin1'));
    const request = parts.map((part) =>
      `$${part.length}\r\n${part.toString('latin1')}\r\n`);

    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.socket.write(`*${parts.length}\r\n${request.join('')}`, 'latin1');
      if (this.closed) {
        this.#fail();
      }
    });
  }

  get closed() {
    return this.socket.destroyed;
  }

  close() {
    this.socket.destroy();
  }

  #fail() {
    for (const { reject } of this.#pending.splice(0)) {
      reject(new Error('Redis closed the connection'));
    }
  }

  #read(text) {
    this.#buffer += text;

    for (;;) {
      const parsed = parseReply(this.#buffer, 0);
      if (!parsed) {
        return;
      }
      this.#buffer = this.#buffer.slice(parsed.end);
      const { resolve, reject } = this.#pending.shift();
      if (parsed.value instanceof Error) {
        reject(parsed.value);
      } else {
        resolve(parsed.value);
      }
    }
  }
}

// Returns { value, end }, or null while the reply is incomplete.
function parseReply(text, start) {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) {
    return null;
  }
  const rest = text.slice(start + 1, lineEnd);
  const end = lineEnd + 2;

  switch (text[start]) {
    case '+': return { value: rest, end };
    case '-': return { value: new Error(rest), end };
    case ':': return { value: Number(rest), end };
    case '$': return parseBulk(text, end, Number(rest));
    case '*': return parseArray(text, end, Number(rest));
    default: throw new Error(`not a reply: ${JSON.stringify(text)}`);
  }
}

function parseBulk(text, start, length) {
  if (length < 0) {
    return { value: null, end: start };
  }
  const end = start + length + 2;
  return text.length < end ? null
    : { value: text.slice(start, end - 2), end };
}

function parseArray(text, start, length) {
  const value = length < 0 ? null : [];

  for (let i = 0, end = start; ; i += 1) {
    if (i >= length) {
      return { value, end };
    }
    const item = parseReply(text, end);
    if (!item) {
      return null;
    }
    value.push(item.value);
    end = item.end;
  }
}
