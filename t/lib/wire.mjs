// An upstream that reads bytes as the strictest server does: everything except
// one plain GET or HEAD with nothing after it is a fault.  The reply has the
// target, and the number of the request's token: the first token to arrive has
// number 0.

import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { authority } from '../../scripts/lib/ca.mjs';
import { BASE } from './recorder.mjs';
import { onEnd, scratchDirectory } from './scratch.mjs';

const BEARER = /^Bearer (MARKs[\w-]{15}|eyJ[\w.-]+)$/;
const REQUEST = /^(GET|HEAD) (\/[!-~\x80-\xff]*) (HTTP\/1\.[01])$/;
const LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]+): ?([\t -~\x80-\xff]*)$/;

// Header lines that no request of a FHIR location may have.  X-Forwarded-*
// lines are forbidden, too.
const NEVER = new Set(['content-length', 'transfer-encoding', 'te', 'trailer',
                       'upgrade', 'expect', 'keep-alive', 'cookie', 'cookie2',
                       'proxy-authorization', 'proxy-connection', 'forwarded',
                       'x-real-ip', 'x-original-url', 'origin', 'referer']);

const BYTES_MAX = 16 << 20;

// The server waits for this time for bytes after the header.
const BEYOND_MS = 3;

class Wire {
  requests = [];               // see read()
  bytes = '';                  // all received bytes, up to BYTES_MAX
  tokens = new Map();          // token: its number, in the order of arrival
  connections = 0;
  sockets = new Set();
  // Returns the reply to a request: a text, or null to cut the connection.
  answer = (seen) => this.reply(seen);

  async start(t, { plain, ca, names = ['localhost'] }) {
    const accept = (socket) => this.#accept(socket);

    this.plain = Boolean(plain);
    if (plain) {
      this.server = net.createServer(accept);
    } else {
      this.ca = ca ?? authority(scratchDirectory(t, 'wire'));
      const { certFile, keyFile } = this.ca.issueServer(
        `wire-${names.join('-')}`, names, { only: true });
      this.server = tls.createServer({ cert: readFileSync(certFile),
                                       key: readFileSync(keyFile) }, accept);
    }
    this.server.on('tlsClientError', () => {});

    await new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    onEnd(t, () => {
      this.server.close();
      this.sockets.forEach((socket) => socket.destroy());
    });
  }

  #accept(socket) {
    this.connections += 1;
    const state = { number: this.connections, text: '', busy: false };

    this.sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (more) => {
      if (this.bytes.length < BYTES_MAX) {
        this.bytes += more;
      }
      state.text += more;
      this.#serve(socket, state);
    });
    socket.on('close', () => {
      this.sockets.delete(socket);
      if (state.text) {
        this.requests.push({ ...read(state.text), connection: state.number });
      }
    });
  }

  async #serve(socket, state) {
    const end = state.text.indexOf('\r\n\r\n') + 4;

    if (state.busy || end < 4) {
      return;
    }
    state.busy = true;
    await sleep(BEYOND_MS);

    const seen = { ...read(state.text.slice(0, end), state.text.slice(end)),
                   connection: state.number };
    state.text = '';
    this.#number(seen);
    this.requests.push(seen);

    const text = await this.answer(seen);
    if (text === null) {
      socket.destroy();
    } else {
      socket.write(text, 'latin1');
      if (/^connection: close\r$/im.test(text)) {
        socket.end();
      }
    }
    state.busy = false;
    this.#serve(socket, state);
  }

  #number(seen) {
    if (!this.tokens.has(seen.token)) {
      this.tokens.set(seen.token, this.tokens.size);
    }
    seen.whose = this.tokens.get(seen.token);
  }

  // Returns the text of a reply to a request.  more: header lines; body: by
  // default one that identifies the request.
  reply({ method, target, whose, lines }, status = 200,
        { more = [], body, type = 'application/json' } = {}) {
    const closes = lines.some(([name, value]) =>
      name === 'connection' && value === 'close');
    const content = body ?? JSON.stringify({
      resourceType: 'Basic', whose, target });

    return [`HTTP/1.1 ${status} S`, `Content-Type: ${type}`,
            `Content-Length: ${Buffer.byteLength(content, 'latin1')}`,
            ...(closes ? ['Connection: close'] : []), ...more, '',
            method === 'HEAD' ? '' : content].join('\r\n');
  }

  // Returns the requests since the last call, and forgets them.
  take() {
    return this.requests.splice(0);
  }

  // Returns the text of a location block that passes requests to this server.
  // If `to` is an origin, the server gets BASE, the name and the rest of the
  // request's path.  Otherwise proxy_pass is `to` alone.  lines: more
  // directives.
  location(name, { to = `https://127.0.0.1:${this.port}`, lines = [] } = {}) {
    const target = /^https?:\/\/[^/]+$/.test(to) ? `${to}${BASE}${name}` : to;
    return `
        location ${name} {
            cigna_fhir on;
            proxy_pass ${target};
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate ${this.ca.certFile};
            ${[...(lines.some((line) => line.startsWith('proxy_ssl_name'))
              ? [] : ['proxy_ssl_name localhost;']), ...lines].join(
              '\n            ')}
        }`;
  }
}

// Parses the header of a request: { bytes, beyond, method, target, version,
// lines, token, faults }.  beyond: the bytes after the header; faults: texts
// that say what is wrong with the request
export function read(bytes, beyond = '') {
  const ended = bytes.endsWith('\r\n\r\n');
  const [first, ...rest] = (ended ? bytes.slice(0, -4) : bytes).split('\r\n');
  const [, method, target, version] = REQUEST.exec(first) ?? [];
  const lines = rest.map((line) => LINE.exec(line))
    .map((match) => match && [match[1].toLowerCase(), match[2]]);
  const named = lines.filter(Boolean);
  const tokens = named.filter(([name]) => name === 'authorization')
    .map(([, value]) => BEARER.exec(value)?.[1]);

  return { bytes, beyond, method, target, version, lines: named,
           token: tokens[0],
           faults: [
             ...(ended ? [] : ['no end']),
             ...(beyond ? ['something behind it'] : []),
             ...(method ? pathFaults(target) : ['no request line']),
             ...rest.filter((_, i) => !lines[i]).map((line) =>
               `no line: ${JSON.stringify(line)}`),
             ...(tokens.length === 1 && tokens[0] ? []
               : [`${tokens.length} tokens`]),
             ...lineFaults(named),
           ] };
}

function lineFaults(lines) {
  const names = lines.map(([name]) => name);

  return [
    ...names.filter((name, i) => names.indexOf(name) !== i)
      .map((name) => `${name} twice`),
    ...(names.includes('host') ? [] : ['no host']),
    ...lines.filter(([name, value]) => NEVER.has(name)
      || name.startsWith('x-forwarded-')
      || (name === 'connection' && value !== 'close'))
      .map((line) => line.join(': ')),
  ];
}

function pathFaults(target) {
  const [path] = target.split('?');
  const segments = path.slice(BASE.length).split('/').slice(1);
  let plain;

  if (!path.startsWith(`${BASE}/`) || target.includes('#')) {
    return [`not below the base: ${target}`];
  }
  try {
    plain = segments.map(decodeURIComponent);
  } catch {
    return [`not UTF-8: ${target}`];
  }
  return plain.filter((segment, i) => /^\.{0,2}$|[/\\;%\0-\x1f\x7f]/
    .test(segment) && !(segment === '' && i === plain.length - 1))
    .map((segment) => `segment ${JSON.stringify(segment)}`);
}

// Options: plain (true: no TLS), ca (the authority that issues the certificate,
// such as that of another server), names (host names in the certificate).
export async function startWire(t, options = {}) {
  const wire = new Wire();
  await wire.start(t, options);
  return wire;
}
