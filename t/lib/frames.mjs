// An HTTP/2 client that sends any frames, valid or not, and records the frames
// that come back.

import { until } from './scratch.mjs';
import { dial } from './talk.mjs';

export const TYPE = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4,
                      push: 5, ping: 6, goaway: 7, window: 8, more: 9 };
export const FLAG = { end: 1, ack: 1, headers: 4, padded: 8, priority: 0x20 };

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEADER_LENGTH = 9;

// The statuses of HPACK's static table, by the byte that encodes each (RFC
// 7541, appendix A).
const STATUSES = { 0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400,
                   0x8d: 404, 0x8e: 500 };

export function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function frame(type, flags, stream, payload = '', length) {
  const content = Buffer.from(payload, 'latin1');
  return Buffer.concat([
    uint32(length ?? content.length).subarray(1),
    Buffer.from([type, flags]), uint32(stream), content,
  ]);
}

function hpackInteger(value, prefix) {
  const max = 2 ** prefix - 1;

  if (value < max) {
    return [value];
  }
  const bytes = [max];
  for (let rest = value - max; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      return [...bytes, rest];
    }
    bytes.push(rest % 128 + 128);
  }
}

// Encodes header lines as literals without indexing, byte for byte.
export function block(lines) {
  const text = (value) => [...hpackInteger(value.length, 7),
                           ...Buffer.from(value, 'latin1')];
  return Buffer.from(lines.flatMap(([name, value]) =>
    [0, ...text(name), ...text(value)]));
}

class Frames {
  streams = new Map();         // id -> { status, body, ended, reset }
  goaway = null;               // the error code of a GOAWAY
  closed = false;
  #pending = Buffer.alloc(0);

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (more) => this.#read(more));
    socket.on('error', () => {});
    socket.on('close', () => { this.closed = true; });
    socket.on('end', () => { this.closed = true; });
  }

  send(...frames) {
    if (!this.closed) {
      this.socket.write(Buffer.concat(frames));
    }
  }

  begin(settings = Buffer.alloc(0)) {
    this.send(Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, settings));
  }

  #read(more) {
    this.#pending = Buffer.concat([this.#pending, more]);

    while (this.#pending.length >= HEADER_LENGTH) {
      const end = HEADER_LENGTH + this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < end) {
        return;
      }
      this.#take(this.#pending[3], this.#pending[4],
                 this.#pending.readUInt32BE(5),
                 this.#pending.subarray(HEADER_LENGTH, end));
      this.#pending = this.#pending.subarray(end);
    }
  }

  #take(type, flags, id, payload) {
    if (type === TYPE.settings && !(flags & FLAG.ack)) {
      this.send(frame(TYPE.settings, FLAG.ack, 0));
    } else if (type === TYPE.goaway) {
      this.goaway = payload.readUInt32BE(4);
    } else if (id) {
      this.#note(type, flags, this.of(id), payload);
    }
  }

  #note(type, flags, stream, payload) {
    if (type === TYPE.headers) {
      stream.status ??= statusOf(payload);
    } else if (type === TYPE.data) {
      stream.body += payload.toString('latin1');
    } else if (type === TYPE.reset) {
      stream.reset = payload.readUInt32BE(0);
    }
    if ((type === TYPE.headers || type === TYPE.data) && flags & FLAG.end) {
      stream.ended = true;
    }
  }

  of(id) {
    if (!this.streams.has(id)) {
      this.streams.set(id, { status: null, body: '', ended: false,
                             reset: null });
    }
    return this.streams.get(id);
  }

  // Resolves to the stream when it has ended or was reset, or when the
  // connection has closed or had a GOAWAY.
  async outcome(id, timeout) {
    const stream = this.of(id);
    await until(`stream ${id} is over`, () => stream.ended
      || stream.reset !== null || this.goaway !== null || this.closed,
                { timeout });
    return stream;
  }

  close() {
    this.socket.destroy();
  }
}

// Returns the status, which is the first field of a header block.  A change of
// the dynamic table's size may stand before it.
function statusOf(payload) {
  const at = (payload[0] & 0xe0) === 0x20 ? 1 : 0;

  return STATUSES[payload[at]]
    ?? Number(payload.toString('latin1', at + 2, at + 5));
}

// Opens a connection, and sends the preface and SETTINGS on it.  begin: false
// leaves both to the test.
export async function framesTo(gw, { begin = true } = {}) {
  const frames = new Frames(await dial(gw, { protocols: ['h2'] }));
  if (begin) {
    frames.begin();
  }
  return frames;
}
