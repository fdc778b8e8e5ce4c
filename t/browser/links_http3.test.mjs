// Links in replies over HTTP/3, where nginx does not turn :authority into a
// Host line.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';

const INNER = 'https://p-hi2.digitaledge.cigna.com';
const NGINX = process.env.CIGNA_NGINX ?? '/usr/sbin/nginx';

// nginx -V writes to standard error.
const hasHttp3 = spawnSync(NGINX, ['-V'], { encoding: 'utf8' }).stderr
  .includes('--with-http_v3_module');

const FORMS = [`${INNER}${BASE}`, `http://${INNER.slice(8)}:80${BASE}`,
               `${INNER}:443:443${BASE}`, `//${INNER.slice(8)}${BASE}`,
               `${INNER}/${BASE}`, INNER, BASE];

const bundle = (base) => JSON.stringify({
  resourceType: 'Bundle',
  link: [{ relation: 'next', url: `${base}?_getpages=7` }],
  entry: [{ fullUrl: `${base}/Patient/1` }],
});

test('links over HTTP/3 lead to the requested authority', {
  skip: hasHttp3 ? false : `${NGINX} is built without --with-http_v3_module`,
}, async (t) => {
  const recorder = await startRecorder(t);
  const to = `https://127.0.0.1:${recorder.port}${BASE}/`;
  const gw = await standardGateway(t, {
    http: `cigna_upstream_alias ${INNER}${BASE} ${INNER};`,
    locations: ({ port }) => `
        listen 127.0.0.1:${port} quic;
        ${recorder.location('/up/', { to })}`,
  });
  await connected(gw);

  const browser = await startBrowser(t, {
    certFiles: [gw.certificate.certFile], quic: [`acme.localhost:${gw.port}`],
  });
  const context = await browser.newContext();
  await context.addCookies([{ name: 'session', value: 'alice',
                              url: gw.url('acme', '/') }]);
  const page = await context.newPage();
  await page.goto(gw.url('acme', '/app'));

  const get = (target) => page.evaluate(async (url) => {
    performance.clearResourceTimings();
    const reply = await fetch(url);
    const body = await reply.text();
    const [{ nextHopProtocol }] = performance.getEntriesByType('resource');
    return { body, status: reply.status, protocol: nextHopProtocol };
  }, target);

  for (const form of FORMS) {
    for (const [type, mark] of [['application/json', ''],
                                ['application/json+fhir', '\ufeff'],
                                ['text/plain', '']]) {
      await t.test(`a link ${form} in ${type}${
        mark && ' with a byte order mark'} leads to the requested authority`,
        async () => {
          recorder.on(`${BASE}/x`, (_, reply) => {
            reply.writeHead(200, { 'Content-Type': type });
            reply.end(mark + bundle(form));
          });
          // text() of fetch drops the byte order mark.
          assert.deepEqual(await get('/up/x'), {
            body: bundle(gw.url('acme', '/up')).replace('?', '/?'),
            status: 200, protocol: 'h3' });
        });
    }
  }
});
