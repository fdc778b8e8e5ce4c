// Requests of two members over one kept connection to an upstream that reads
// no bodies.  Callers send bodies, break off and leave, and each one still gets
// only the reply to their own request.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ByteClient } from '../lib/byte_client.mjs';
import { digestOf, startByteRecorder } from '../lib/byte_recorder.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { Random } from '../lib/random.mjs';
import { freePort, until } from '../lib/scratch.mjs';

const SEED = Number(process.env.CIGNA_SEED ?? 8);
const REQUESTS = process.env.CIGNA_NGINX ? 1500 : 10000;

const MEMBERS = { alice: 'syntheticuser05', bob: 'syntheticuser06' };

const INNER = 'GET /base/Patient/2 HTTP/1.1\r\nHost: x\r\n\r\n';
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;

// The weight of each kind of request.
const WEIGHTS = { get: 150, head: 20, body: 70, chunks: 40, late: 20,
                  expect: 25, pipelined: 30, cut: 30, cutChunks: 15, split: 20,
                  h2: 50, h2Body: 25, h2Reset: 20, h2Cut: 20, refused: 1 };

const PLACES = ['/kept/', '/streamed/', '/captured/'];

class Asking {
  sent = 0;
  replied = 0;
  abandoned = 0;
  replays = 0;
  shifted = [];
  wrongs = 0;
  wrong = [];
  byTag = new Map();           // X-Request-Id: { tag, member, digests }

  constructor({ gw, recorder, ports, random }) {
    Object.assign(this, { gw, recorder, ports, random });
    this.client = new ByteClient({ port: ports.plain });
    this.other = new ByteClient({ port: ports.plain });
    recorder.answer = (entry) => this.#arrived(entry);
  }

  // Checks a request at the upstream.  The token's claims name its member.
  #arrived(entry) {
    this.recorder.entries.length = 0;
    const known = this.byTag.get(entry.valuesOf('x-request-id')[0]);
    const [token = ''] = entry.valuesOf('authorization');

    if (!known || entry.framed || entry.body !== null
        || !/^(GET|HEAD)$/.test(entry.method)
        || ownerOf(token) !== MEMBERS[known.member]) {
      this.wrongs += 1;
      if (this.wrong.length < 10) {
        this.wrong.push(entry.raw.replace(/Bearer \S+/, 'Bearer ...'));
      }
    }
    known?.digests.push(digestOf(token));
    return entry.target.endsWith('?refuse') && known.digests.length === 1
      ? { status: 401, body: '{}' } : {};
  }

  #new(member = this.random.pick(Object.keys(MEMBERS))) {
    this.sent += 1;
    const tag = `k-${this.sent}`;
    const asked = { tag, member, digests: [] };
    this.byTag.set(tag, asked);
    return asked;
  }

  #head({ tag, member }, lines = [], { method = 'GET', query = '' } = {}) {
    return [`${method} ${this.random.pick(PLACES)}Patient/${tag}${query} `
      + 'HTTP/1.1', 'Host: acme.localhost', `Cookie: session=${member}`,
            `X-Request-Id: ${tag}`, ...lines, '', ''].join('\r\n');
  }

  #check({ tag, member, digests }, status, text) {
    this.replied += 1;
    let echo = {};
    try {
      echo = JSON.parse(text);
    } catch {
      // The reply does not echo a request.
    }
    if (status !== 200 || echo.tag !== tag || digests.length === 0
        || echo.digest !== digests.at(-1)) {
      this.shifted.push(`${tag} of ${member}: ${status} ${text}`);
    }
  }

  async #reply(asked, options) {
    const reply = await this.client.read(options);
    if (options?.head) {
      this.replied += 1;
      if (reply?.status !== 200 || asked.digests.length !== 1) {
        this.shifted.push(`${asked.tag}: HEAD ${reply?.raw}`);
      }
      return;
    }
    this.#check(asked, reply?.status, reply?.body);
  }

  // Each of these methods sends one kind of request.

  async get() {
    const asked = this.#new();
    this.client.write(this.#head(asked));
    await this.#reply(asked);
  }

  async head() {
    const asked = this.#new();
    this.client.write(this.#head(asked, [`Content-Length: ${INNER.length}`],
                                 { method: 'HEAD' }) + INNER);
    await this.#reply(asked, { head: true });
  }

  async body() {
    const asked = this.#new();
    const body = INNER.repeat(this.random.pick([1, 2, 30, 400]));
    this.client.write(this.#head(asked, [`Content-Length: ${body.length}`])
      + body);
    await this.#reply(asked);
  }

  async chunks() {
    const asked = this.#new();
    this.client.write(this.#head(asked, ['Transfer-Encoding: chunked'])
      + chunk(INNER).repeat(this.random.between(0, 4)) + chunk(''));
    await this.#reply(asked);
  }

  async late() {
    const asked = this.#new();
    this.client.write(this.#head(asked, [`Content-Length: ${INNER.length}`])
      + INNER.slice(0, 20));
    await sleep(this.random.between(0, 4));
    this.client.write(INNER.slice(20));
    await this.#reply(asked);
  }

  async expect() {
    const asked = this.#new();
    this.client.write(this.#head(asked, ['Expect: 100-continue',
                                         `Content-Length: ${INNER.length}`]));
    await sleep(this.random.between(0, 3));
    this.client.write(INNER);
    await this.#reply(asked);
  }

  async pipelined() {
    const all = Array.from({ length: 5 }, () => this.#new());
    this.client.write(all.map((asked, i) => (i % 2
      ? this.#head(asked, [`Content-Length: ${INNER.length}`]) + INNER
      : this.#head(asked))).join(''));
    for (const asked of all) {
      await this.#reply(asked);
    }
  }

  // A path that would become two requests does not leave.
  async split() {
    const asked = this.#new();
    this.client.write([
      `GET /captured/x%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/${asked.tag}`
        + ' HTTP/1.1', 'Host: acme.localhost',
      `Cookie: session=${asked.member}`, `X-Request-Id: ${asked.tag}`, '', '',
    ].join('\r\n'));
    const reply = await this.client.read();
    this.replied += 1;
    if (reply?.status !== 400 || asked.digests.length) {
      this.shifted.push(`${asked.tag} with a split path: ${reply?.raw}`);
    }
  }

  // The upstream refuses the token once, and the gateway sends the request
  // again with another token.  The member connects first, because the gateway
  // would not refresh a grant again that it has just refreshed.
  async refused() {
    const asked = this.#new();
    const { member } = asked;
    (await connected(this.gw, { member, username: MEMBERS[member] })).close();
    this.replays += 1;
    this.client.write(this.#head(asked, [], { query: '?refuse' }));
    await this.#reply(asked);
    if (asked.digests.length !== 2 || asked.digests[0] === asked.digests[1]) {
      this.shifted.push(`${asked.tag} was not sent again`);
    }
  }

  // Requests of callers who leave before the reply.

  async #leave(bytes) {
    this.abandoned += 1;
    this.other.write(bytes);
    await sleep(this.random.between(0, 3));
    this.other.close();
  }

  cut() {
    return this.#leave(this.#head(this.#new(), [
      `Content-Length: ${INNER.length + 40}`]) + INNER);
  }

  cutChunks() {
    return this.#leave(this.#head(this.#new(), ['Transfer-Encoding: chunked'])
      + chunk(INNER));
  }

  // Requests over HTTP/2.

  async #session() {
    if (!this.h2session || this.h2session.closed || this.h2session.destroyed) {
      this.h2session = http2.connect(`https://localhost:${this.ports.tls}`, {
        ca: this.gw.caText, servername: 'acme.localhost' });
      this.h2session.on('error', () => {});
      await once(this.h2session, 'connect');
    }
    return this.h2session;
  }

  async #stream({ tag, member }, { body = false } = {}) {
    const session = await this.#session();
    const stream = session.request({
      ':method': 'GET', ':authority': 'acme.localhost',
      ':path': `${this.random.pick(PLACES)}Patient/${tag}`,
      'cookie': `session=${member}`, 'x-request-id': tag,
      ...(body && { 'content-length': INNER.length }),
    }, { endStream: !body });
    stream.on('error', () => {});
    return stream;
  }

  async #read(asked, stream) {
    let status;
    let text = '';
    stream.setEncoding('latin1');
    stream.on('response', (headers) => { status = headers[':status']; });
    stream.on('data', (more) => { text += more; });
    await once(stream, 'close');
    this.#check(asked, status, text);
  }

  async h2() {
    const asked = this.#new();
    await this.#read(asked, await this.#stream(asked));
  }

  async h2Body() {
    const asked = this.#new();
    const stream = await this.#stream(asked, { body: true });
    stream.end(INNER);
    await this.#read(asked, stream);
  }

  async h2Reset() {
    this.abandoned += 1;
    const stream = await this.#stream(this.#new());
    await sleep(this.random.between(0, 3));
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  async h2Cut() {
    this.abandoned += 1;
    const stream = await this.#stream(this.#new(), { body: true });
    stream.write(INNER.slice(0, 10));
    await sleep(this.random.between(0, 2));
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  async go(requests) {
    let leaving = Promise.resolve();
    while (this.sent < requests) {
      const way = this.random.weighted(WEIGHTS);
      if (way === 'cut' || way === 'cutChunks') {
        // This caller leaves while others stay.
        await leaving;
        leaving = this[way]();
      } else {
        await this[way]();
      }
    }
    await leaving;
    this.client.close();
    this.h2session?.close();
  }
}

function ownerOf(token) {
  const [, claims = ''] = token.split('.');
  try {
    return JSON.parse(Buffer.from(claims, 'base64url').toString()).sub;
  } catch {
    return undefined;
  }
}

const locations = `
        location /kept/ {
            cigna_fhir on;
            proxy_pass https://one/base/;
        }
        location /streamed/ {
            cigna_fhir on;
            proxy_request_buffering off;
            proxy_pass https://one/base/;
        }
        location ~ ^/captured/([^?]*)$ {
            cigna_fhir on;
            proxy_pass https://one/base/$1$is_args$args;
        }`;

async function start(t) {
  const recorder = await startByteRecorder(t, { bodies: false });
  const ports = { plain: await freePort(), tls: await freePort() };
  const gw = await standardGateway(t, {
    names: ['acme'],
    tenant: { fhir_base: `https://localhost:${recorder.port}/base` },
    fhir: { proxy_pass: `https://127.0.0.1:${recorder.port}/base/`,
            proxy_ssl_name: 'localhost',
            proxy_ssl_trusted_certificate: recorder.ca.certFile },
    sandboxOptions: { modes: { access_token: 'jwt' } },
    nginx: { workers: 1 },
    http: `
    map $cookie_session $member_of_test {
        default ""; ${Object.keys(MEMBERS).map((one) =>
    `${one} ${one};`).join(' ')} }
    upstream one {
        server 127.0.0.1:${recorder.port};
        keepalive 1;
        keepalive_requests 1000000;
    }`,
  });
  await gw.reload({ http: `${gw.options.http}
    server {
        listen 127.0.0.1:${ports.plain};
        listen 127.0.0.1:${ports.tls} ssl http2;
        server_name acme.localhost;
        keepalive_requests 1000000;
        ssl_certificate      ${gw.certificate.certFile};
        ssl_certificate_key  ${gw.certificate.keyFile};
        cigna_identity acme $member_of_test;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_ssl_name localhost;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate ${recorder.ca.certFile};
        ${locations}
    }` });
  for (const [member, username] of Object.entries(MEMBERS)) {
    await connected(gw, { member, username });
  }
  return { gw, recorder, ports };
}

test(`none of ${REQUESTS} requests of two members over one kept connection `
  + 'gets the reply to another', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const { gw, recorder, ports } = await start(t);
  const asking = new Asking({ gw, recorder, ports, random: new Random(SEED) });

  await asking.go(REQUESTS);
  await until('the access log has the requests', () =>
    gw.nginx.accessLog().split('\n').length > asking.sent / 2);

  const { sent, replied, abandoned, shifted, wrong, wrongs } = asking;
  t.diagnostic(`${sent} requests, ${replied} replies, ${abandoned} abandoned, `
    + `${asking.replays} sent again, ${recorder.connections} connections`);

  await t.test('no reply is shifted', () => {
    assert.equal(shifted.length, 0,
                 `${shifted.length}:\n${shifted.slice(0, 10).join('\n')}`);
    assert.equal(replied + abandoned, sent);
    assert.ok(asking.replays > 0, 'the upstream refused no token');
  });

  await t.test('each request arrives without a body and with the token of its '
    + 'member', () => {
    assert.equal(wrongs, 0, wrong.join('\n'));
    assert.deepEqual(recorder.leftovers(), []);
  });

  await t.test('the connections stay few', () => {
    // nginx closes the upstream connection of a caller who leaves.
    assert.ok(recorder.connections <= 2 + abandoned,
              `${recorder.connections}`);
    assert.ok(recorder.connections < sent / 10, `${recorder.connections}`);
  });
});
