// code and state never reach a log, and pages give nothing away.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from '../lib/client.mjs';
import { CALLBACK, titleOf, toCallback, toldApp }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { freePort, until } from '../lib/scratch.mjs';

const STATE = 'STATEsecret'.padEnd(32, 'x');
const CODE = 'CODEsecret';
const SECRETS = new RegExp(`${STATE.slice(0, 11)}|CODEs`);
const QUERY = `?code=${CODE}&state=${STATE}`;

test('code and state never reach a log', async (t) => {
  const h2Port = await freePort();
  const plainPort = await freePort();
  const closedPort = await freePort();
  const impatientPort = await freePort();
  const silentPort = await freePort();
  const gw = await standardGateway(t);
  await gw.reload({ http: `
    log_format all '$request|$request_uri|$args|$query_string|$arg_code'
                   '|$arg_state|$uri|$http_referer';
    access_log ${gw.nginx.directory}/all.log all;
    server {
        listen              127.0.0.1:${h2Port} ssl http2;
        server_name         acme.localhost;
        ssl_certificate     ${gw.certificate.certFile};
        ssl_certificate_key ${gw.certificate.keyFile};
        error_page          403 /refused;
        cigna_identity      acme alice;
        location = ${CALLBACK} { cigna_callback; }
        location = /denied/callback { deny all; cigna_callback; }
        location = /moved/callback { cigna_callback; }
        rewrite ^/rewritten /cigna/callback last;
        location = /refused { return 200 "refused"; }
    }
    server {
        listen  127.0.0.1:${plainPort};
        return  301 https://$host$request_uri;
    }
    server {
        listen  127.0.0.1:${impatientPort};
        client_header_timeout  1s;
    }
    server {
        listen  127.0.0.1:${silentPort};
        return  444;
    }
    server {
        listen          127.0.0.1:${closedPort};
        cigna_identity  acme alice;
        error_page      403 /refused;
        location = ${CALLBACK} { deny all; cigna_callback; }
        location = /refused { return 403 "refused"; }
    }`,
    locations: `
    location = /narrow/callback {
        limit_except GET { deny all; }
        cigna_callback;
    }
    location = /denied/callback { deny all; cigna_callback; }
    location = /limited/callback { auth_request /never; cigna_callback; }
    location = /never { internal; auth_request off; return 403; }
    rewrite ^/rewritten /cigna/callback last;` });

  const logs = () => [gw.nginx.errorLog(), gw.nginx.accessLog(),
                      gw.nginx.file('all.log')];

  // Asserts that an action adds no secret to the logs, and returns what it
  // adds.
  async function logsNothing(action, count = Infinity) {
    const before = logs();
    await action();
    await gw.visitor().get('/app');              // is logged after the others
    const added = logs().map((log, i) => log.slice(before[i].length))
      .slice(-count).join('\n');
    assert.doesNotMatch(added, SECRETS);
    return added;
  }

  const alice = gw.visitor({ member: 'alice' });

  await t.test('code and state of a dance that ends well are in no '
    + 'log', async () => {
    const { visitor, target, url } = await toCallback(gw);
    const added = await logsNothing(async () => {
      assert.equal(toldApp(await visitor.get(target)).cigna, 'connected');
    });
    assert.ok(!added.includes(url.searchParams.get('state')));
    assert.match(added, /GET \/cigna\/callback\?code=x+&state=x+ HTTP/);
  });

  for (const [what, query] of [
    ['unknown ones', QUERY],
    ['escaped names', `?%63ode=${CODE}&st%61te=${STATE}`],
    ['names in capitals', `?CODE=${CODE}&STATE=${STATE}`],
    ['without names', `?${CODE}&${STATE}`],
    ['twice', `${QUERY}&code=${CODE}&state=${STATE}`],
    ['after other parameters', `?a=b&c&${QUERY.slice(1)}`],
    ['after a second question mark', `?a?${QUERY.slice(1)}`],
    ['a semicolon between', `?code=${CODE};state=${STATE}`],
    ['a fragment', `${QUERY}#${CODE}`],
  ]) {
    await t.test('code and state of a callback are in no log: '
      + `${what}`, () => logsNothing(() =>
      alice.get(CALLBACK + query)));
  }

  await t.test('code and state of a callback with a refused method are in no '
    + 'log', async () => {
    for (const method of ['POST', 'HEAD', 'PUT']) {
      await logsNothing(() => alice.request(CALLBACK + QUERY, { method }));
    }
  });

  await t.test('code and state of a callback without identity are in no '
    + 'log', () => logsNothing(() =>
    gw.visitor().get(CALLBACK + QUERY)));

  await t.test('code and state of a callback that an access check refuses are '
    + 'in no log', async () => {
    await logsNothing(async () => {
      assert.equal((await alice.get(`/denied/callback${QUERY}`)).status, 403);
      assert.equal((await alice.get(`/limited/callback${QUERY}`)).status, 403);
      assert.equal((await alice.post(`/narrow/callback${QUERY}`)).status, 403);
    });
  });

  // a browser also requests an icon, and would send the URL as Referer

  await t.test('a page of nginx\'s own at the callback has no-referrer and '
    + 'no-store', async () => {
    for (const path of ['/denied/callback', '/limited/callback']) {
      const { status, headers } = await alice.get(path + QUERY);
      assert.equal(status, 403);
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cache-control'], 'no-store, private');
    }
    const shown = await rawRequest({ port: closedPort },
      `GET ${CALLBACK}${QUERY} HTTP/1.0\r\nHost: acme.localhost\r\n\r\n`);
    assert.match(shown, /^HTTP\/1.1 403 /);
    assert.match(shown, /\r\nReferrer-Policy: no-referrer\r\n/);
    assert.match(shown, /\r\n\r\nrefused$/);
  });

  await t.test('another page at the callback\'s path keeps its own '
    + 'policy', async () => {
    const moved = await rawRequest({ port: plainPort },
      `GET ${CALLBACK}${QUERY} HTTP/1.0\r\nHost: acme.localhost\r\n\r\n`);
    assert.doesNotMatch(moved, /referrer-policy/i);
  });

  await t.test('code and state of a rewritten callback are in no '
    + 'log', () => logsNothing(() =>
    alice.get(`/rewritten${QUERY}`)));

  await t.test('code and state of a callback in another spelling are in no log',
    () => logsNothing(async () => {
      const raw = (line) => rawRequest({
        port: gw.port, ca: gw.caText, servername: 'acme.localhost',
      }, `GET ${line} HTTP/1.1\r\nHost: acme.localhost\r\n`
        + 'Connection: close\r\n\r\n');
      await raw(`https://acme.localhost${CALLBACK}${QUERY}`);
      await raw(`/cigna/./x/../callback${QUERY}`);
      await raw(`/cigna//callback${QUERY}`);
      await raw(`/cigna/%63allback${QUERY}`);
    }));

  // nginx itself logs these requests at level info, and asks no module.

  for (const [what, headers] of [
    ['too many cookies', `Host: acme.localhost\r\nCookie: ${
      'a=b; '.repeat(8000)}`],
    ['no host', 'Accept: */*'],
    ['a bad header', 'Host: acme.localhost\r\nContent-Length: x'],
  ]) {
    await t.test(`code and state of a callback that nginx refuses for ${what} `
      + 'are in no log', async () => {
      const added = await logsNothing(async () => {
        const reply = await rawRequest({
          port: gw.port, ca: gw.caText, servername: 'acme.localhost',
        }, `GET ${CALLBACK}?code=${STATE}&state=${STATE} HTTP/1.1\r\n`
          + `${headers}\r\n\r\n`);
        assert.match(reply, /^HTTP\/1.1 400 /);
      }, 2);
      assert.match(added, / 400 /);
    });
  }

  // Incomplete requests.  Then the client leaves, or nginx times out.
  const LINE = `GET ${CALLBACK}?code=${STATE}&state=${STATE}`;
  for (const [what, bytes] of [
    ['ends within its line', LINE],
    ['ends within the version', `${LINE} HTTP/1.`],
    ['ends within its state', LINE.slice(0, -3)],
    ['ends within its header', `${LINE} HTTP/1.1\r\nHost: acme.loc`],
    ['ends before its header', `${LINE} HTTP/1.1\r\n`],
    ['is another path', `GET /other?code=${STATE}`],
    ['has an escaped path', `GET ${CALLBACK.replace('c', '%63')}?code=${STATE} `
      + 'HTTP/1.1\r\nHost: acme.loc'],
    ['has dots in its path', `GET /x/..${CALLBACK}?code=${STATE} HTTP/1.1\r\n`],
    ['has a host in its line', `GET https://acme.localhost${CALLBACK}?code=${
      STATE} HTTP/1.1\r\n`],
  ]) {
    for (const end of ['goes', 'waits']) {
      await t.test(`code and state of a callback that ${what} are in no log `
        + `when the client ${end}`,
        async () => {
          const added = await logsNothing(async () => {
            const before = gw.nginx.file('all.log').length;
            const socket = net.connect(impatientPort, '127.0.0.1');
            socket.on('error', () => {});
            socket.write(bytes);
            if (end === 'goes') {
              await sleep(100);
              socket.end();
            }
            // an earlier request may be logged only now
            await until('the request is logged', () =>
              gw.nginx.file('all.log').slice(before).includes('?'));
            socket.destroy();
          }, 2);
          assert.match(added, end === 'goes' ? / 400 / : / 408 /);
        });
    }
  }

  for (const [what, line, status] of [
    ['has a space', `${LINE}&code=${STATE} ${STATE} HTTP/1.1`, 400],
    ['is of an unknown version', `${LINE} HTTP/7.1`, 505],
    ['is longer than nginx takes', `${LINE}&x=${'x'.repeat(40000)} HTTP/1.1`,
     414],
    ['has a control byte', `${LINE}\x01${STATE} HTTP/1.1`, 400],
  ]) {
    await t.test(`code and state of a line that ${what} are in no `
      + 'log', async () => {
      const added = await logsNothing(async () => {
        await rawRequest({ port: impatientPort },
                         `${line}\r\nHost: acme.localhost\r\n\r\n`);
      }, 2);
      assert.match(added, new RegExp(` ${status} `));
    });
  }

  await t.test('code and state of a callback that is closed without a reply '
    + 'are in no log', async () => {
    await logsNothing(() => rawRequest({ port: silentPort },
      `${LINE} HTTP/1.1\r\nHost: acme.localhost\r\n\r\n`));
  });

  await t.test('code and state of a callback that is redirected to https are '
    + 'in no log', async () => {
    await logsNothing(async () => {
      const reply = await rawRequest({ port: plainPort },
        `GET ${CALLBACK}${QUERY} HTTP/1.0\r\nHost: acme.localhost\r\n\r\n`);
      assert.ok(reply.includes(`Location: https://acme.localhost${CALLBACK}`
        + QUERY), reply);
    });
  });

  await t.test('code and state of a callback over HTTP/2 are in no '
    + 'log', async () => {
    const session = http2.connect(`https://localhost:${h2Port}`, {
      ca: gw.caText });
    const get = (path, method = 'GET') => new Promise((resolve, reject) => {
      const stream = session.request({ ':path': path, ':method': method,
                                       ':authority': 'acme.localhost' });
      let status;
      stream.on('response', (headers) => { status = headers[':status']; });
      stream.on('error', reject);
      stream.on('end', () => resolve(status));
      stream.resume();
      stream.end();
    });
    try {
      await logsNothing(async () => {
        assert.equal(await get(CALLBACK + QUERY), 400);
        assert.equal(await get(CALLBACK + QUERY, 'POST'), 405);
        await get(`/denied/callback${QUERY}`);
        await get(`/rewritten${QUERY}`);
        await get(`/cigna/%63allback${QUERY}`);
      });
    } finally {
      session.close();
    }
  });

  await t.test('the error of a callback is logged unchanged', async () => {
    const added = await logsNothing(() => alice.get(
      `${CALLBACK}?error=access_denied&state=${STATE}`));
    assert.match(added, /callback\?error=access_denied&state=x+/);
  });

  await t.test('the identity server gets neither code nor state',
    async () => {
      await alice.get(CALLBACK + QUERY);
      assert.ok(gw.identity.seen.length > 0);
      assert.doesNotMatch(JSON.stringify(gw.identity.seen), SECRETS);
    });
});

test('pages', async (t) => {
  const gw = await standardGateway(t);
  const alice = gw.visitor({ member: 'alice' });

  const pages = {
    'an unknown state': () => alice.get(CALLBACK + QUERY),
    'a connect that starts no dance': () => alice.get('/cigna/connect', {
      headers: { 'Sec-Purpose': 'prefetch' } }),
    'a missing identity': () => gw.visitor().get('/cigna/connect'),
    'a refused method': () => alice.post(CALLBACK),
    'a disconnect from elsewhere': () => alice.post('/cigna/disconnect', {
      headers: { Accept: 'text/html' } }),
    'a reload': async () => {
      const { visitor, target } = await toCallback(gw);
      visitor.logOut();
      return visitor.get(target);
    },
    'another member\'s dance': async () => {
      const { target } = await toCallback(gw);
      return alice.get(target);
    },
  };

  for (const [what, open] of Object.entries(pages)) {
    await t.test(`the page for ${what} loads nothing, is not framed or stored, `
      + 'and sends no Referer', async () => {
      const { headers, body } = await open();
      const policy = Object.fromEntries(
        headers['content-security-policy'].split('; ').map((one) =>
          [one.split(' ')[0], one.split(' ').slice(1).join(' ')]));

      assert.equal(policy['default-src'], '\'none\'');
      assert.equal(policy['frame-ancestors'], '\'none\'');
      assert.equal(policy['base-uri'], '\'none\'');
      assert.equal(policy['form-action'], '\'none\'');
      assert.match(policy['style-src'], /^'sha256-[\w+/]{43}='$/);
      assert.equal(policy['script-src'], undefined);
      assert.equal(headers['referrer-policy'], 'no-referrer');
      // a header line that an operator adds to all pages changes nothing here
      assert.match(body, /<meta name="referrer" content="no-referrer">/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(headers['cache-control'], /\bno-store\b/);
      assert.match(headers['content-type'], /^text\/html; charset=utf-8$/);
      assert.doesNotMatch(body, /<(script|img|link|iframe|form|object)\b/i);
      assert.doesNotMatch(body, / (src|on\w+)=/i);
    });

    await t.test(`the page for ${what} has a language, a title and one `
      + 'heading, and is short',
      async () => {
        const { body } = await open();
        assert.match(body, /^<!DOCTYPE html>\n<html lang="en">/);
        assert.ok(titleOf(body ? { body } : {}));
        assert.equal(body.match(/<h1>/g).length, 1);
        assert.equal(/<title>([^<]*)</.exec(body)[1], titleOf({ body }));
        assert.match(body, /<main>/);
        assert.match(body, /<meta name="viewport"/);
        assert.ok(body.length < 4096);
      });
  }

  await t.test('a page shows the dance id that the log has', async () => {
    const { target, url } = await toCallback(gw);
    const { body } = await alice.get(target);
    const [, id] = /Reference: <code>([\w-]{12})<\/code>/.exec(body);
    assert.match(gw.nginx.errorLog(), new RegExp(
      `outcome: cookie_missing, tenant: acme, .*dance: ${id}, `));
    assert.ok(url.searchParams.get('state').startsWith(id.slice(0, 8)));
    assert.ok(!url.searchParams.get('state').includes(id));
  });
});
