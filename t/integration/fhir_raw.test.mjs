// Upstream replies as raw bytes.  Bytes that do not form one reply to the
// request do not reach the caller.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import tls from 'node:tls';

import { authority } from '../../scripts/lib/ca.mjs';
import { connected, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { onEnd, scratchDirectory } from '../lib/scratch.mjs';

const PATH = '/PatientAccess/v1-devportal';
const INNER = `https://p-hi2.digitaledge.cigna.com${PATH}`;
const BODY = `{"fullUrl":"${INNER}/Patient/1"}`;
const FINE = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
  + `Set-Cookie: theirs=1\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
  + `Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}`
  + '\r\n';

// Starts a TLS server that answers the first bytes of each connection with its
// field `bytes`.
async function startTeller(t) {
  const ca = authority(scratchDirectory(t, 'teller'));
  const { certFile, keyFile } = ca.issueServer('teller', ['localhost'],
                                               { only: true });
  const teller = { ca, bytes: '', asked: 0 };
  const server = tls.createServer({
    cert: readFileSync(certFile), key: readFileSync(keyFile),
  }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      teller.asked += 1;
      socket.end(teller.bytes);
    });
  }).listen(0, '127.0.0.1');

  await once(server, 'listening');
  teller.port = server.address().port;
  onEnd(t, () => { server.close(); });
  return teller;
}

test('replies in bytes', async (t) => {
  const teller = await startTeller(t);
  const location = (name, line) => `
    location ${name} {
        cigna_fhir on;
        proxy_pass https://127.0.0.1:${teller.port}${PATH}/;
        proxy_ssl_name localhost;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate ${teller.ca.certFile};
        ${line}
    }`;
  const gw = await standardGateway(t, {
    http: `cigna_upstream_alias ${INNER};`,
    locations: [
      location('/up/', ''),
      location('/now/', 'proxy_buffering off;'),
      location('/404/', 'cigna_not_found on;'),
    ].join('\n'),
    nginx: { allow: [/upstream (sent|prematurely)/] },
  });
  await connected(gw);
  const places = ['/up', '/now', '/404'];
  const ask = (place, bytes) => {
    teller.bytes = bytes;
    return rawGet(gw, `${place}/x`);
  };
  const own = (place) => BODY.replace(INNER, gw.url('acme', place));

  await t.test('a well-formed reply passes', async () => {
    for (const place of places) {
      const reply = await ask(place, FINE);
      assert.match(reply, /^HTTP\/1.1 200 OK\r\n/);
      assert.ok(reply.includes(own(place)), reply);
    }
  });

  for (const [what, before] of [
    ['an interim reply', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['a switch of protocols',
     'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['an unknown 1xx reply', 'HTTP/1.1 199 Odd\r\nX-A: b\r\n\r\n'],
    ['a page without a header', '<html>Something went wrong</html>\r\n\r\n'],
    ['a greeting of another protocol', 'SSH-2.0-x\r\n\r\n'],
  ]) {
    await t.test(`a reply after ${what} becomes a 502`,
      async () => {
        for (const place of places) {
          const reply = await ask(place, before + FINE);
          assert.match(reply, /^HTTP\/1.1 502 /);
          assert.match(reply, /"upstream_unreachable"/);
          assert.doesNotMatch(reply, /theirs|digitaledge|Something went|SSH/);
        }
      });
  }

  await t.test('trailers and bytes after a reply are dropped', async () => {
    for (const place of places) {
      const chunked = await ask(place, `${CHUNKED}0\r\nSet-Cookie: theirs=2\r\n`
        + `\r\n${FINE}`);
      assert.ok(chunked.includes(own(place)), chunked);
      assert.ok(chunked.endsWith('\r\n0\r\n\r\n'), chunked);
      assert.doesNotMatch(chunked, /theirs/);

      const beyond = await ask(place, FINE + FINE);
      assert.ok(beyond.includes(own(place)), beyond);
      assert.doesNotMatch(beyond, /theirs/);
    }
  });

  await t.test('a reply that the upstream cuts off is incomplete for the '
    + 'caller too', async () => {
    for (const place of places) {
      for (const bytes of [CHUNKED, FINE.slice(0, -10)]) {
        const reply = await ask(place, bytes);
        assert.match(reply, /^HTTP\/1.1 200 OK\r\n/);
        assert.ok(!reply.endsWith('0\r\n\r\n'), reply);
      }
    }
  });
});
