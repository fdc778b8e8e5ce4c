// An upstream that records requests and answers as a test says.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { authority } from '../../scripts/lib/ca.mjs';
import { onEnd, scratchDirectory } from './scratch.mjs';

// The path of the sandbox's FHIR base.  Tokens may leave for paths below it.
export const BASE = '/PatientAccess/v1-devportal';

class Recorder {
  requests = [];
  // answers all paths without an answer by on()
  otherwise = (_, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end('{"resourceType":"Bundle"}');
  };
  #answers = new Map();
  #below = [];                     // paths of locations, behind the base
  #connections = 0;

  async start(t, { plain, ca, names = ['localhost'] }) {
    this.ca = ca ?? authority(scratchDirectory(t, 'recorder'));

    const handler = (...both) => {
      this.#handle(...both).catch(() => {});     // a client that left
    };
    this.server = plain ? http.createServer(handler)
      : https.createServer({ maxHeaderSize: 256 << 10,
                             ...this.#certificate(names) }, handler);
    this.server.keepAliveTimeout = 60000;
    this.server.on(plain ? 'connection' : 'secureConnection', (socket) => {
      this.#connections += 1;
      socket.number = this.#connections;
    });

    await new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    onEnd(t, () => {
      this.server.closeAllConnections();
      this.server.close();
    });
  }

  #certificate(names) {
    const { certFile, keyFile } = this.ca.issueServer(
      `recorder-${names.join('-')}`, names, { only: true });
    this.certFile = certFile;
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }

  async #handle(request, response) {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }

    const lines = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
    }
    const seen = {
      method: request.method,
      url: this.#seen(request.url),
      version: request.httpVersion,
      lines,
      names: lines.map(([name]) => name.toLowerCase()),
      headers: request.headers,
      body: Buffer.concat(chunks).toString('latin1'),
      connection: request.socket.number,
      authorizations: lines
        .filter(([name]) => name.toLowerCase() === 'authorization')
        .map(([, value]) => value),
    };
    this.requests.push(seen);

    this.#answer(request)(request, response, seen);
  }

  #answer(request) {
    const [path] = this.#seen(request.url).split('?');
    return this.#answers.get(path) ?? this.otherwise;
  }

  // The target without the base that location() has put in front.
  #seen(target) {
    return this.#below.some((name) => target.startsWith(BASE + name))
      ? target.slice(BASE.length) : target;
  }

  // path: without the base; answer(request, response, recorded request)
  on(path, answer) {
    this.#answers.set(path, answer);
  }

  // Returns and forgets the requests since the last call.
  take() {
    return this.requests.splice(0);
  }

  // A location that proxies to the path of its own name below the base.
  // to: another origin, or another whole target of proxy_pass; fhir: true,
  // false, or the arguments of cigna_fhir.
  location(name, { fhir = true, lines = [], to } = {}) {
    return `
        location ${name} {
            cigna_fhir ${fhir === true ? 'on' : fhir || 'off'};
            proxy_pass ${this.#target(name, to)};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate ${this.ca.certFile};
            ${lines.join('\n            ')}
        }`;
  }

  #target(name, to = `https://127.0.0.1:${this.port}`) {
    if (!name.startsWith('/') || name.startsWith(BASE)
        || !/^https?:\/\/[^/]+$/.test(to)) {
      return to;
    }
    this.#below.push(name);
    return `${to}${BASE}${name}`;
  }
}

// Options: plain (no TLS), ca (another recorder's), names (in its certificate).
export async function startRecorder(t, options = {}) {
  const recorder = new Recorder();
  await recorder.start(t, options);
  return recorder;
}
