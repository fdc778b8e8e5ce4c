// An upstream that reads its connections byte by byte, as the strictest peer
// would.  It records each request, and records as a fault any bytes that are
// not exactly one request.  The parser follows RFC 9112 and RFC 9110.  It does
// not use node's parser, which accepts more.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

import { authority } from '../../scripts/lib/ca.mjs';
import { onEnd, scratchDirectory } from './scratch.mjs';

const HEAD_MAX = 256 << 10;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// RFC 9112, section 3: method, target and version, with one space between each.
// A target has no "#".
const REQUEST_LINE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^\x00-\x20\x7f#]+) HTTP\/(\d\.\d)$/;

// RFC 9110, section 5.5: a value has no control bytes except tabs.
const VALUE = /^[^\x00-\x08\x0a-\x1f\x7f]*$/;

const BARE = /\r(?!\n)|(?<!\r)\n/;

const CHUNK_SIZE = /^[0-9a-fA-F]{1,8}$/;

export function digestOf(text) {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 24);
}

class Fault extends Error {}

function parseLine(text) {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');

  if (colon < 0 || !TOKEN.test(name)) {
    throw new Fault(`a line without a name: ${JSON.stringify(text)}`);
  }
  if (!VALUE.test(value)) {
    throw new Fault(`a value with control bytes: ${JSON.stringify(text)}`);
  }
  return [name, value];
}

function parseHead(text) {
  const [first, ...rest] = text.split('\r\n');
  const match = REQUEST_LINE.exec(first);

  if (!match) {
    throw new Fault(`no request line: ${JSON.stringify(first.slice(0, 200))}`);
  }
  const [, method, target, version] = match;
  const lines = rest.map(parseLine);
  const names = lines.map(([name]) => name.toLowerCase());
  const valuesOf = (name) => lines
    .filter((_, i) => names[i] === name).map(([, value]) => value);

  const hosts = valuesOf('host').length;
  if (hosts > 1 || (hosts === 0 && version !== '1.0')) {
    throw new Fault(`${hosts} lines "Host"`);
  }
  return { method, target, version, lines, names, valuesOf };
}

// Returns the length of the body, 'chunked', or null if the request has no
// body.
function framing({ valuesOf, version }) {
  const lengths = valuesOf('content-length');
  const codings = valuesOf('transfer-encoding');

  if (lengths.length + codings.length === 0) {
    return null;
  }
  if (lengths.length + codings.length > 1) {
    throw new Fault('a body that is framed twice');
  }
  if (codings.length) {
    if (codings[0].toLowerCase() !== 'chunked' || version === '1.0') {
      throw new Fault(`transfer coding "${codings[0]}"`);
    }
    return 'chunked';
  }
  if (!/^\d{1,15}$/.test(lengths[0])) {
    throw new Fault(`a length of "${lengths[0]}"`);
  }
  return Number(lengths[0]);
}

// Returns [body, the number of bytes with the framing].  The body is null if
// the request has none.  Returns null while the body is incomplete.
function readBody(text, length) {
  if (length === null) {
    return [null, 0];
  }
  if (length !== 'chunked') {
    return text.length < length ? null : [text.slice(0, length), length];
  }

  let at = 0;
  let body = '';
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) {
      return null;
    }
    const size = text.slice(at, end);
    if (!CHUNK_SIZE.test(size)) {
      throw new Fault(`a chunk of "${size}"`);
    }
    const from = end + 2;
    const to = from + parseInt(size, 16);
    if (text.length < to + 2) {
      return null;
    }
    if (text.slice(to, to + 2) !== '\r\n') {
      throw new Fault('a chunk without an end, or a trailer');
    }
    body += text.slice(from, to);
    at = to + 2;
    if (to === from) {
      return [body, at];
    }
  }
}

// Splits the bytes of one connection into requests.  After the first fault all
// later bytes belong to that fault.  bodies: false makes the parser behave like
// a server that reads no bodies and takes their bytes for the next request.
export class StrictParser {
  rest = '';
  #faulty = null;

  constructor({ bodies = true } = {}) {
    this.bodies = bodies;
  }

  // Returns the requests that these bytes complete: [{ raw, method, target,
  // version, lines, names, valuesOf, body, framed }].  framed: the header says
  // that there is a body.  The last item may be { raw, fault } instead.
  feed(bytes) {
    this.rest += bytes.toString('latin1');
    if (this.#faulty) {
      this.#faulty.raw += this.rest;
      this.rest = '';
      return [];
    }

    const requests = [];
    try {
      for (let one = this.#next(); one; one = this.#next()) {
        requests.push(one);
      }
    } catch (error) {
      if (!(error instanceof Fault)) {
        throw error;
      }
      this.#faulty = { raw: this.rest, fault: error.message };
      this.rest = '';
      requests.push(this.#faulty);
    }
    return requests;
  }

  #next() {
    const end = this.rest.indexOf('\r\n\r\n');
    const head = end < 0 ? this.rest : this.rest.slice(0, end);

    if (BARE.test(end < 0 ? head.replace(/\r$/, '') : head)) {
      throw new Fault('a bare CR or LF');
    }
    if (this.rest.startsWith('\r\n') || head.length > HEAD_MAX) {
      throw new Fault('an empty line, or no end, where a request was due');
    }
    if (end < 0) {
      return null;
    }

    const request = parseHead(head);
    const length = framing(request);
    const read = readBody(this.rest.slice(end + 4),
                          this.bodies ? length : null);
    if (read === null) {
      return null;
    }
    const raw = this.rest.slice(0, end + 4 + read[1]);
    this.rest = this.rest.slice(raw.length);
    return { ...request, raw, body: read[0], framed: length !== null };
  }
}

function persists({ version, valuesOf }) {
  const options = valuesOf('connection').join(',').toLowerCase()
    .split(',').map((one) => one.trim());
  return version === '1.0' ? options.includes('keep-alive')
    : !options.includes('close');
}

class ByteRecorder {
  entries = [];
  connections = 0;
  // Returns the reply to a request of `entries`: { status, lines, body }, each
  // optional.
  answer = () => ({});
  #open = new Map();                     // socket -> its parser

  async start(t, { ca, bodies } = {}) {
    this.bodies = bodies;
    this.ca = ca ?? authority(scratchDirectory(t, 'bytes'));
    const { certFile, keyFile } = this.ca.issueServer(
      'byte-recorder', ['localhost'], { only: true });

    this.server = tls.createServer({
      cert: readFileSync(certFile), key: readFileSync(keyFile),
    }, (socket) => this.#accept(socket));
    this.server.on('tlsClientError', () => {});
    await new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    onEnd(t, () => {
      for (const socket of this.#open.keys()) {
        socket.destroy();
      }
      this.server.close();
    });
  }

  #accept(socket) {
    const parser = new StrictParser({ bodies: this.bodies });
    const number = this.connections += 1;
    parser.number = number;

    this.#open.set(socket, parser);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      if (parser.rest) {
        this.entries.push({ connection: number, raw: parser.rest,
                            fault: 'bytes that were left on a connection' });
      }
    });
    socket.on('data', (bytes) => {
      for (const entry of parser.feed(bytes)) {
        this.entries.push(entry);
        entry.connection = number;
        this.#reply(socket, entry);
      }
    });
  }

  #reply(socket, entry) {
    if (socket.destroyed || socket.writableEnded) {
      return;
    }
    if (entry.fault) {
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n'
        + 'Connection: close\r\n\r\n');
      return;
    }

    const { status = 200, lines = [], body = echoOf(entry) } =
      this.answer(entry) ?? {};
    const stays = persists(entry);
    socket.write(`HTTP/1.1 ${status} As Told\r\n`
      + 'Content-Type: application/fhir+json\r\n'
      + `Content-Length: ${Buffer.byteLength(body)}\r\n`
      + `${stays ? '' : 'Connection: close\r\n'}`
      + `${lines.map((line) => `${line}\r\n`).join('')}\r\n`
      + `${entry.method === 'HEAD' ? '' : body}`);
    if (!stays) {
      socket.end();
    }
  }

  // Returns the entries since the last call, and forgets them.
  take() {
    return this.entries.splice(0);
  }

  // Returns the incomplete requests on open connections, as faults.
  leftovers() {
    return [...this.#open.values()].filter(({ rest }) => rest)
      .map(({ number, rest }) => ({
        connection: number, raw: rest,
        fault: 'bytes that are left on a connection' }));
  }
}

// Returns the default body of a reply.  It identifies the request: the digest
// of Authorization tells the member, and X-Request-Id tells the request.
function echoOf({ target, valuesOf }) {
  return JSON.stringify({
    resourceType: 'Basic',
    digest: digestOf(valuesOf('authorization').join('\n')),
    tag: valuesOf('x-request-id').join('\n'),
    target: digestOf(target),
  });
}

// Options: ca (the authority that issues the certificate, such as that of
// another recorder), bodies (false: the recorder reads no bodies).
export async function startByteRecorder(t, options) {
  const recorder = new ByteRecorder();
  await recorder.start(t, options);
  return recorder;
}
