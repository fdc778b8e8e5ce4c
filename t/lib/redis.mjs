// A real redis-server of the test's own, and a small client to look into it.

import { connect } from 'node:net';
import path from 'node:path';

import { startServer } from './process.mjs';
import { freePort, onEnd, scratchDirectory } from './scratch.mjs';

// Replies of the protocol's version 2.  Strings are kept as latin1, so that
// binary values can be searched and compared.
class Client {
  #pending = [];
  #buffer = '';

  static async open(where) {
    const client = new Client();
    client.socket = connect(where);
    client.socket.setEncoding('latin1');
    client.socket.on('data', (text) => client.#read(text));
    client.socket.on('error', () => {});
    client.socket.on('close', () => client.#fail());
    return client;
  }

  command(...args) {
    const parts = args.map((arg) => Buffer.from(String(arg), 'latin1'));
    const request = parts.map((part) =>
      `$${part.length}\r\n${part.toString('latin1')}\r\n`);

    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.socket.write(`*${parts.length}\r\n${request.join('')}`, 'latin1');
    });
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

// { value, end }, or null if the reply is not complete
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

const READERS = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, 0, -1],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'],
  stream: (key) => ['XRANGE', key, '-', '+'],
};

class Redis {
  constructor(options, directory) {
    this.options = options;
    this.directory = directory;
    this.unixPath = path.join(directory, 'redis.sock');
    this.password = options.password;
    this.username = options.username;
  }

  async prepare() {
    this.port = await freePort();
    this.tlsPort = this.options.tls ? await freePort() : 0;
  }

  get arguments() {
    const { tls, config = {} } = this.options;
    const settings = {
      dir: this.directory,
      bind: '127.0.0.1',
      port: this.port,
      unixsocket: this.unixPath,
      unixsocketperm: 777,
      save: '',
      appendonly: 'no',
      'maxmemory-policy': 'noeviction',
      ...(tls && {
        'tls-port': this.tlsPort,
        'tls-cert-file': tls.certFile,
        'tls-key-file': tls.keyFile,
        'tls-ca-cert-file': tls.caFile,
        'tls-auth-clients': 'no',
      }),
      ...(this.password && !this.username && { requirepass: this.password }),
      ...config,
    };

    return Object.entries(settings)
      .flatMap(([name, value]) => [`--${name}`, String(value)]);
  }

  // Also after stop(), on the same ports: an empty Redis.
  async start() {
    this.stopped = false;
    this.starts = (this.starts ?? 0) + 1;
    this.server = startServer('redis', 'redis-server', this.arguments,
                              { directory: this.directory,
                                env: this.options.env });
    this.pid = this.server.pid;

    // the output of those before is still there
    await this.server.ready(() => this.starts
      === this.server.output.split('Ready to accept connections').length - 1);
    await this.#connect();
  }

  async #connect() {
    this.client = await Client.open(this.unixPath);
    if (this.username) {
      await this.#addUser();
    } else if (this.password) {
      await this.command('AUTH', this.password);
    }
  }

  // Only the new user gets in from now on; this connection stays.
  async #addUser() {
    await this.command('ACL', 'SETUSER', this.username, 'reset', 'on',
                       `>${this.password}`, '~*', '&*', '+@all');
    await this.command('ACL', 'SETUSER', 'default', 'off');
  }

  command(...args) {
    return this.client.command(...args);
  }

  // Every key with its value: { key: reply }
  async dump() {
    const all = {};

    for (const key of await this.command('KEYS', '*')) {
      const type = await this.command('TYPE', key);
      if (READERS[type]) {
        all[key] = await this.command(...READERS[type](key));
      }
    }
    return all;
  }

  // The process stands still: connections stay open, nothing answers.
  freeze() {
    this.server.signal('SIGSTOP');
  }

  thaw() {
    this.server.signal('SIGCONT');
  }

  async stop() {
    if (this.stopped) {
      return;
    }
    this.stopped = true;
    this.client?.close();
    this.thaw();
    await this.server.stop();
  }
}

// Options: tls ({ certFile, keyFile, caFile }), password, username (an ACL
// user in place of the default one), config ({ name: value } of redis.conf).
export async function startRedis(t, options = {}) {
  const redis = new Redis(options, scratchDirectory(t, 'redis'));

  await redis.prepare();
  onEnd(t, () => redis.stop());
  await redis.start();
  return redis;
}
