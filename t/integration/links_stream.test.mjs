// Bundles of any size stream through, and a worker's resident memory does not
// grow with them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

const PATH = '/PatientAccess/v1-devportal';
const BASE = `https://p-hi2.digitaledge.cigna.com${PATH}`;

const ENTRY = JSON.stringify({
  fullUrl: `${BASE}/ExplanationOfBenefit/ifp-1`,
  resource: {
    resourceType: 'ExplanationOfBenefit',
    form: { url: `${BASE}/Binary/1` },
    patient: { reference: 'Patient/ifp-A00000000000005' },
    provider: { reference: `${BASE}/Organization/1` },
    text: { div: `<div>${BASE} ${'claim '.repeat(80)}</div>` },
  },
});
const BLOCK = `${ENTRY},\n`.repeat(64);
const HEAD = '{"resourceType":"Bundle","entry":[';
const TAIL = `${ENTRY}]}`;

const KB = 1024;
const MB = 1024 * KB;
const SMALL = 64 * KB;
// a worker with sanitizers is slow
const LARGE = (process.env.CIGNA_NGINX ? 10 : 100) * MB;

// The time for which a slow client stops reading.  The upstream could send
// everything in this time, if nothing held it back.
const HALT_MS = 800;

// The most by which the memory may grow from the small reply to the large one:
// more than noise, and a hundredth of the large reply.
const GROWTH_KB = 1024;

const blocksOf = (bytes) => Math.max(1, Math.floor(bytes / BLOCK.length));

// Returns the resident memory of a process, in kB.
const residentKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(
  readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

async function sendBundle(reply, blocks) {
  const block = Buffer.from(BLOCK);

  reply.writeHead(200, { 'Content-Type': 'application/fhir+json' });
  reply.write(HEAD);
  for (let i = 0; i < blocks; i += 1) {
    if (!reply.write(block)) {
      await new Promise((resolve) => { reply.once('drain', resolve); });
    }
  }
  reply.end(TAIL);
}

// Functions that return a reply as a stream: { status, stream, close() }.
const VERSIONS = {
  'HTTP/1.1': (gw, target) => new Promise((resolve, reject) => {
    https.get({
      host: '127.0.0.1', port: gw.port, path: target, ca: gw.caText,
      servername: 'acme.localhost', agent: false,
      headers: { Host: `acme.localhost:${gw.port}`, Cookie: 'session=alice' },
    }, (stream) => {
      resolve({ status: stream.statusCode, stream, close: () => {} });
    }).on('error', reject);
  }),

  'HTTP/2': (gw, target) => new Promise((resolve, reject) => {
    const session = http2.connect(`https://127.0.0.1:${gw.port}`, {
      ca: gw.caText, servername: 'acme.localhost',
    });
    const stream = session.request({
      ':path': target, ':authority': `acme.localhost:${gw.port}`,
      'cookie': 'session=alice',
    });
    session.on('error', reject);
    stream.on('error', reject).on('response', ({ ':status': status }) => {
      resolve({ status, stream, close: () => session.close() });
    });
  }),
};

// Reads a reply without keeping it: { status, bytes, digest }.
async function readThrough(gw, target, { haltAt = Infinity,
                                         version = 'HTTP/1.1' } = {}) {
  const { status, stream, close } = await VERSIONS[version](gw, target);
  const hash = createHash('sha256');
  let bytes = 0;
  let halt = haltAt;

  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes > halt) {
      halt = Infinity;
      await sleep(HALT_MS);
    }
  }
  close();
  return { status, bytes, digest: hash.digest('hex') };
}

function expectedOf(blocks, own) {
  // links in the narrative stay
  const links = (text) => text.replaceAll(`"${BASE}`, `"${own}`);
  const block = Buffer.from(links(BLOCK));
  const hash = createHash('sha256').update(HEAD);
  for (let i = 0; i < blocks; i += 1) {
    hash.update(block);
  }
  return {
    status: 200,
    bytes: HEAD.length + blocks * block.length + links(TAIL).length,
    digest: hash.update(links(TAIL)).digest('hex'),
  };
}

test('memory while Bundles are rewritten', async (t) => {
  const recorder = await startRecorder(t);
  const to = `https://127.0.0.1:${recorder.port}${PATH}/`;
  const gw = await standardGateway(t, {
    http: `cigna_upstream_alias ${BASE};`,
    listen: 'http2',
    locations: [
      recorder.location('/buffered/', { to }),
      recorder.location('/unbuffered/', { to, lines: [
        'proxy_buffering off;', 'proxy_http_version 1.1;'] }),
    ].join('\n'),
  });
  await gw.dance({ member: 'alice' });
  const [pid] = gw.nginx.workerPids();

  recorder.on(`${PATH}/Bundle`, (request, reply) => sendBundle(
    reply, blocksOf(Number(new URL(request.url, to).searchParams.get('n')))));

  // returns the peak resident memory while a Bundle of `bytes` streams through
  const peak = async (place, bytes, options) => {
    let most = residentKb(pid);
    const timer = setInterval(() => {
      most = Math.max(most, residentKb(pid));
    }, 5);

    try {
      const seen = await readThrough(gw, `${place}/Bundle?n=${bytes}`, options);
      assert.deepEqual(seen, expectedOf(blocksOf(bytes),
                                        gw.url('acme', place)));
    } finally {
      clearInterval(timer);
    }
    return Math.max(most, residentKb(pid));
  };

  for (const [place, reader, options] of [
    ['/buffered', 'with a halt', { haltAt: MB }],
    ['/buffered', 'over HTTP/2', { haltAt: MB, version: 'HTTP/2' }],
    ['/unbuffered', 'with a halt', { haltAt: MB }],
    ['/unbuffered', 'at once', {}],
  ]) {
    await t.test('a worker\'s memory is the same for a Bundle of 64 KiB and of '
      + `100 MB (${place}, read ${reader})`, async () => {
      const small = Math.max(await peak(place, SMALL, options),
                             await peak(place, SMALL, options));
      const large = await peak(place, LARGE, options);

      // sanitizers keep freed memory
      if (!process.env.CIGNA_NGINX) {
        assert.ok(large - small <= GROWTH_KB, `${small} kB, ${large} kB`);
      }
      t.diagnostic(`${place} ${reader}: ${small} kB, ${large} kB`);
    });
  }
});
