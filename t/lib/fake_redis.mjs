// A stand-in for Redis that answers as a test says.  By default it answers the
// commands of GREETING, with which a connection begins, gives an empty array
// for HMGET, and gives an error for every other command.  If `real` is set,
// that real Redis runs the scripts.  If `through` is set, too, the real Redis
// answers all commands except those of GREETING and of `on`.

import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

import { onEnd } from './scratch.mjs';

const GREETING = {
  AUTH: '+OK\r\n',
  CLIENT: '+OK\r\n',
  SELECT: '+OK\r\n',
  INFO: '$29\r\nmaxmemory_policy:noeviction\r\n\r\n',
  SUBSCRIBE: '*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n',
  PING: '+PONG\r\n',
  ASKING: '+OK\r\n',
};

// Returns the first complete command and the text after it, { argv, rest }, or
// null.  Arguments may hold any bytes.
function takeCommand(text) {
  const argv = [];
  let at = 0;
  const number = () => {
    const end = text.indexOf('\r\n', at);
    const value = Number(text.slice(at + 1, end));
    at = end + 2;
    return end < 0 ? null : value;
  };

  for (let left = number(); left; left -= 1) {
    const length = number();
    if (length === null || text.length < at + length + 2) {
      return null;
    }
    argv.push(text.slice(at, at + length));
    at += length + 2;
  }
  return argv.length ? { argv, rest: text.slice(at) } : null;
}

function replyText(value) {
  if (value === null) {
    return '$-1\r\n';
  }
  if (value instanceof Error) {
    return `-${value.message}\r\n`;
  }
  if (Array.isArray(value)) {
    return `*${value.length}\r\n${value.map(replyText).join('')}`;
  }
  return typeof value === 'number' ? `:${value}\r\n`
    : `$${value.length}\r\n${value}\r\n`;
}

class FakeRedis {
  // the real Redis that runs scripts
  real = null;
  // true: `real` answers all commands that are neither in GREETING nor in `on`
  through = false;
  // the answer to HMGET: the bytes of a reply, null for no reply, or a function
  // that gets the socket and the arguments
  answer = '*0\r\n';
  // { NAME: the answer to the command }: bytes or a function, like `answer`
  on = {};
  commands = [];
  connections = 0;
  // the arguments of each AUTH
  logins = [];
  // the sockets that have sent SUBSCRIBE
  subscribers = new Set();

  // a promise for each socket: all its commands until now have been answered
  #answered = new WeakMap();

  constructor({ certFile, keyFile } = {}) {
    const serve = (socket) => this.#serve(socket);

    this.server = certFile ? tls.createServer({
      cert: readFileSync(certFile), key: readFileSync(keyFile) }, serve)
      : net.createServer(serve);
    this.server.on('tlsClientError', () => {});
    this.sockets = new Set();
  }

  async start(t) {
    await new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    onEnd(t, () => {
      this.server.close();
      this.sockets.forEach((socket) => socket.destroy());
    });
  }

  #serve(socket) {
    let text = '';

    this.connections += 1;
    this.sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.subscribers.delete(socket);
    });
    socket.on('data', (more) => {
      text += more;
      for (let taken = takeCommand(text); taken; taken = takeCommand(text)) {
        text = taken.rest;
        this.#handle(socket, taken.argv);
      }
    });
  }

  #handle(socket, argv) {
    const name = argv[0].toUpperCase();
    this.commands.push(name);
    if (name === 'AUTH') {
      this.logins.push(argv.slice(1));
    } else if (name === 'SUBSCRIBE') {
      this.subscribers.add(socket);
    }

    // Redis answers the commands of a connection in their order.
    const before = this.#answered.get(socket);
    const found = this.#passes(name)
      ? this.real.command(...argv).catch((error) => error).then(replyText)
      : name === 'HMGET' ? this.on.HMGET ?? this.answer
        : this.on[name] ?? GREETING[name] ?? '-ERR not here\r\n';
    this.#answered.set(socket, Promise.all([found, before]).then(([answer]) => {
      if (typeof answer === 'function') {
        answer(socket, argv);
      } else if (answer) {
        socket.write(answer, 'latin1');
      }
    }));
  }

  // Whether the real Redis answers this command.
  #passes(name) {
    return Boolean(this.real) && !(name in this.on)
      && (/^EVAL/.test(name) || (this.through && !(name in GREETING)));
  }

  // Sends bytes to all subscribers.
  tell(bytes) {
    this.subscribers.forEach((socket) => socket.write(bytes, 'latin1'));
  }
}

// Options: certFile and keyFile, for TLS.
export async function startFakeRedis(t, options) {
  const redis = new FakeRedis(options);
  await redis.start(t);
  return redis;
}
