// A Redis that answers HMGET as a test wants it, scripts as a real one does,
// and everything else as one that has nothing.

import net from 'node:net';

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

// The first complete command: { argv, rest }, or null
function takeCommand(text) {
  const parts = text.split('\r\n');
  const count = Number(parts[0].slice(1));

  if (parts.length < 2 * count + 2) {
    return null;
  }
  return { argv: parts.slice(1, 2 * count + 1).filter((_, i) => i % 2),
           rest: parts.slice(2 * count + 1).join('\r\n') };
}

function replyText(value) {
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
  // who runs scripts
  real = null;
  // a reply's text, null for none, or a function of the socket
  answer = '*0\r\n';
  // the same for other commands, by name; functions get the arguments, too
  on = {};
  commands = [];
  connections = 0;

  constructor() {
    this.server = net.createServer((socket) => this.#serve(socket));
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
    socket.on('close', () => this.sockets.delete(socket));
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

    if (/^EVAL/.test(name) && this.real && !(name in this.on)) {
      this.real.command(...argv).catch((error) => error)
        .then((value) => socket.write(replyText(value), 'latin1'));
      return;
    }

    const answer = name === 'HMGET' ? this.answer
      : this.on[name] ?? GREETING[name] ?? '-ERR not here\r\n';
    if (typeof answer === 'function') {
      answer(socket, argv);
    } else if (answer) {
      socket.write(answer, 'latin1');
    }
  }
}

export async function startFakeRedis(t) {
  const redis = new FakeRedis();
  await redis.start(t);
  return redis;
}
