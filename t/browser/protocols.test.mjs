// A dance and FHIR requests over each version of HTTP that the nginx under test
// speaks.  CIGNA_NGINX may name another version of nginx or a fork, built by
// scripts/build --source.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { startBrowser } from '../lib/browser.mjs';
import { assertServed } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';

// nginx -V writes to standard error.
const BUILT = execFileSync('sh', ['-c', '"$0" -V 2>&1',
  process.env.CIGNA_NGINX ?? '/usr/sbin/nginx'], { encoding: 'utf8' });

const HAS_HTTP3 = BUILT.includes('--with-http_v3_module');

// The parameters of nginx's socket and Chromium's options for each version.
const PROTOCOLS = {
  'HTTP/1.1': { browser: () => ({ args: ['--disable-http2'] }) },
  'HTTP/2.0': { listen: 'http2' },
  'HTTP/3.0': {
    skip: !HAS_HTTP3 && 'this nginx has no HTTP/3',
    browser: (gw) => ({ quic: [new URL(gw.url('acme')).host],
                        args: ['--host-resolver-rules=MAP * 127.0.0.1'] }),
    server: (gw) => ({ listen: `127.0.0.1:${gw.port} quic` }),
  },
};

const HOME = `
        location = /home {
            auth_request off;
            default_type text/html;
            return 200 '<!DOCTYPE html><title>App</title>
              <a id="connect" href="/cigna/connect">Connect</a>';
        }`;

async function danceInBrowser(page, gw) {
  await page.goto(gw.url('acme', '/home'));
  await page.locator('#connect').click();
  await page.locator('[name=username]').fill('syntheticuser05');
  await page.locator('[name=password]').fill('MARKsecret05');
  await page.locator('button[value=login]').click();
  await page.locator('[name=termsAccept]').check();
  await page.locator('button[value=terms]').click();
  await page.waitForURL(/\/app\?/);
  return new URL(page.url()).searchParams.get('cigna');
}

// Sends a request from a page of the app: { status, headers, body }.
const ask = (page, target, options) =>
  page.evaluate(async ([where, how]) => {
    const reply = await fetch(where, how);
    return { status: reply.status, headers: Object.fromEntries(reply.headers),
             body: await reply.text() };
  }, [target, options]);

for (const [protocol, { skip, listen, browser: how, server }] of
  Object.entries(PROTOCOLS)) {

  test(`a dance and FHIR requests work over ${
    protocol}`, { skip }, async (t) => {
    const gw = await standardGateway(t, { listen, locations: HOME });
    if (server) {
      await gw.reload({ server: server(gw) });
    }
    const browser = await startBrowser(t, {
      certFiles: [gw.certificate.certFile, gw.sandbox.info.certFile],
      ...how?.(gw),
    });

    const context = await browser.newContext();
    context.setDefaultTimeout(15000);
    await context.addCookies([{ name: 'session', value: 'alice',
                                url: gw.url('acme'), secure: true }]);
    const page = await context.newPage();

    assert.equal(await danceInBrowser(page, gw), 'connected');

    const patient = await ask(page, '/fhir/Patient');
    assertServed(patient);

    const searched = await ask(page, '/fhir/Patient/_search', {
      method: 'POST', body: '_count=1',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    assertServed(searched);

    const status = await ask(page, '/cigna/status');
    assert.equal(JSON.parse(status.body).connected, true);

    const ended = await ask(page, '/cigna/disconnect', { method: 'POST' });
    assert.equal(ended.status, 204);
    assert.equal((await ask(page, '/fhir/Patient')).status, 401);

    // All requests must have used this version.
    await gw.nginx.waitForAccessLog(/"GET \/fhir\/Patient HTTP\/\S+" 401/);
    const versions = new Set(gw.nginx.accessLog().match(/HTTP\/\d[.\d]*/g));
    assert.deepEqual([...versions], [protocol]);
  });
}
