// An upstream that records requests and answers as a test says.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { authority } from '../../scripts/lib/ca.mjs';
import { onEnd, scratchDirectory } from './scratch.mjs';

// The path of the sandbox's fhir_base.  The gateway sends tokens to paths below
// it only.
export const BASE = '/PatientAccess/v1-devportal';

class Recorder {
  requests = [];
  // answers the requests for paths for which on() has set no answer
  otherwise = (_, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end('{"resourceType":"Bundle"}');
  };
  #answers = new Map();
  #below = [];                     // names of locations that add BASE
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

  // Returns the target without BASE, if a block of location() has put BASE in
  // front of the target.
  #seen(target) {
    return this.#below.some((name) => target.startsWith(BASE + name))
      ? target.slice(BASE.length) : target;
  }

  // Sets the answer to requests for a path.  path: as in the recorded `url`,
  // that is, without BASE if the request came through a block of location();
  // answer: a function of node's request and response and the recorded request
  on(path, answer) {
    this.#answers.set(path, answer);
  }

  // Returns the requests since the last call, and forgets them.
  take() {
    return this.requests.splice(0);
  }

  // Returns the text of a location block that passes requests to this recorder.
  // If `name` is a path and `to` is an origin, the recorder gets BASE, the name
  // and the rest of the request's path.  Otherwise proxy_pass is `to` alone.
  // fhir: true, false, or the arguments of cigna_fhir; lines: more directives.
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

// Options: plain (true: no TLS), ca (the authority that issues the certificate,
// such as that of another recorder), names (host names in the certificate).
export async function startRecorder(t, options = {}) {
  const recorder = new Recorder();
  await recorder.start(t, options);
  return recorder;
}
