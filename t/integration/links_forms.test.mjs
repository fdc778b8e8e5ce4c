// Each form in which a server writes its own links, over each version of HTTP.
// Links that stay are counted by kind, and logged once a minute.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { countersOf } from '../lib/counters.mjs';
import { connected, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

const PATH = '/PatientAccess/v1-devportal';
const INNER = 'p-hi2.digitaledge.cigna.com';
const MARK = '\ufeff';

const bundle = (next) => JSON.stringify({
  resourceType: 'Bundle',
  link: [{ relation: 'next', url: `${next}?_getpages=7` }],
  entry: [{ fullUrl: `${next}/Patient/1` }],
});

const FORMS = {
  'http://': `http://${INNER}${PATH}`,
  ':80': `https://${INNER}:80${PATH}`,
  ':443': `https://${INNER}:443${PATH}`,
  ':443:443': `https://${INNER}:443:443${PATH}`,
  'any port': `http://${INNER}:8443${PATH}`,
  '//host': `//${INNER}${PATH}`,
  'HOST//path': `https://${INNER}/${PATH}`,
  'a host in capitals': `HTTPS://${INNER.toUpperCase()}${PATH}`,
  'a host with a trailing dot': `https://${INNER}.${PATH}`,
  'a path from the root': PATH,
};

const TYPES = {
  'application/json+fhir': { 'Content-Type': 'application/json+fhir' },
  'text/plain': { 'Content-Type': 'text/plain; charset=utf-8' },
  'no type': {},
};

// Functions that send a request: (gw, target, visitor) => { status, headers,
// body }.
const VERSIONS = {
  'HTTP/1.1': (_, target, visitor) => visitor.get(target),

  'HTTP/2': async (gw, target) => {
    const session = http2.connect(`https://127.0.0.1:${gw.port}`, {
      ca: gw.caText, servername: 'acme.localhost',
    });
    const stream = session.request({
      ':path': target, ':authority': `acme.localhost:${gw.port}`,
      'cookie': 'session=alice',
    });
    let headers;
    let body = '';
    stream.on('response', (lines) => { headers = lines; });
    for await (const chunk of stream.setEncoding('utf8')) {
      body += chunk;
    }
    session.close();
    return { status: headers[':status'], headers, body };
  },
};

test('links in all forms', async (t) => {
  const recorder = await startRecorder(t);
  const to = `https://127.0.0.1:${recorder.port}${PATH}/`;
  const gw = await standardGateway(t, {
    http: `cigna_upstream_alias https://${INNER}${PATH} https://${INNER};`,
    listen: 'http2',
    locations: [
      recorder.location('/up/', { to }),
      recorder.location('/slow/', { to, lines: ['proxy_buffering off;'] }),
    ].join('\n'),
  });
  const alice = await connected(gw);
  const own = gw.url('acme', '/up');
  const rewritten = (base) => bundle(base).replace('?_getpages', '/?_getpages');

  // answers with a text, or with its pieces one after another
  const answer = (text, lines = { 'Content-Type': 'application/json' }) => {
    const pieces = [text].flat();
    recorder.on(`${PATH}/x`, async (_, reply) => {
      reply.writeHead(200, pieces.length > 1 ? lines : {
        'Content-Length': Buffer.byteLength(pieces[0]), ...lines });
      for (const piece of pieces) {
        reply.write(piece);
        await sleep(pieces.length > 1 ? 30 : 0);
      }
      reply.end();
    });
  };

  for (const [version, ask] of Object.entries(VERSIONS)) {
    const get = () => ask(gw, '/up/x', alice);

    for (const [form, base] of Object.entries(FORMS)) {
      await t.test(`a link of the form ${form} is rewritten over `
        + `${version}`, async () => {
        answer(bundle(base));
        assert.equal((await get()).body, rewritten(own));
      });
    }

    await t.test('a byte order mark is not an error over '
      + `${version}`, async () => {
      answer(MARK + bundle(FORMS['http://']));
      assert.equal((await get()).body, MARK + rewritten(own));
    });

    for (const [type, lines] of Object.entries(TYPES)) {
      await t.test(`JSON with ${type} is rewritten over `
        + `${version}`, async () => {
        for (const front of ['', MARK, '\r\n ', `${MARK}\n`]) {
          answer(front + bundle(FORMS['//host']), lines);
          const reply = await get();
          assert.equal(reply.body, front + rewritten(own));
          assert.equal(reply.headers['content-type'], lines['Content-Type']);
          assert.equal(reply.headers['content-length'], undefined);
        }
      });
    }
  }

  await t.test('JSON that arrives byte by byte is rewritten too',
    async () => {
      const text = Buffer.from(`${MARK} ${bundle(FORMS['http://'])}`);
      const pieces = [...text.subarray(0, 8)].map((byte) => Buffer.of(byte));
      for (const place of ['/up', '/slow']) {
        answer([...pieces, text.subarray(8)], {});
        assert.equal((await alice.get(`${place}/x`)).body,
                     `${MARK} ${rewritten(gw.url('acme', place))}`);
      }
    });

  await t.test('a text that is not FHIR JSON keeps its length and its bytes',
    async () => {
      for (const text of ['see https://fhir.cigna.com/', ' '.repeat(200),
                          '[INFO] ready', '{name}, hello', '{', '{}',
                          `${MARK}text`, '"https://fhir.cigna.com/"', '']) {
        for (const place of ['/up', '/slow']) {
          answer(text, TYPES['text/plain']);
          const reply = await alice.get(`${place}/x`);
          assert.equal(reply.status, 200);
          assert.equal(reply.body, text);
          assert.equal(Number(reply.headers['content-length']),
                       Buffer.byteLength(text));
        }
        answer([text, ' more'], TYPES['no type']);
        assert.equal((await alice.get('/up/x')).body, `${text} more`);
      }
    });

  await t.test('an empty or cut body without a type ends the '
    + 'reply', async () => {
      for (const place of ['/up', '/slow']) {
        answer(['', ''], TYPES['no type']);
        const reply = await alice.get(`${place}/x`);
        assert.equal(`${reply.status} ${reply.body}`, '200 ');

        recorder.on(`${PATH}/x`, async (request, response) => {
          response.writeHead(200, { 'Content-Length': 5 });
          response.flushHeaders();
          await sleep(50);
          request.socket.destroy();
        });
        const cut = await rawGet(gw, `${place}/x`);
        assert.match(cut, /^$|^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
      }
    });

  await t.test('an error of type application/json+fhir passes '
    + 'unchanged', async () => {
    recorder.on(`${PATH}/x`, (_, reply) => {
      reply.writeHead(404, TYPES['application/json+fhir']);
      reply.end('{"resourceType":"OperationOutcome"}');
    });
    const { status, body } = await alice.get('/up/x');
    assert.equal(`${status} ${body}`,
                 '404 {"resourceType":"OperationOutcome"}');
  });

  await t.test('Location and Content-Location of each form lead to the gateway',
    async () => {
      for (const base of Object.values(FORMS)) {
        recorder.on(`${PATH}/x`, (_, reply) => {
          reply.writeHead(201, { 'Content-Type': 'application/json',
                                 'Location': `${base}/Patient/1`,
                                 'Content-Location': `${base}?a` });
          reply.end('{}');
        });
        const { headers } = await alice.get('/up/x');
        assert.equal(headers.location, `${own}/Patient/1`);
        assert.equal(headers['content-location'], `${own}/?a`);
      }
    });

  await t.test('an unrequested compressed or partial text is counted',
    async () => {
      const unread = async () =>
        (await countersOf(gw)).cigna_links_unread_total.acme;

      for (const lines of [TYPES['text/plain'], TYPES['no type']]) {
        const before = await unread();
        recorder.on(`${PATH}/x`, (_, reply) => {
          reply.writeHead(200, { ...lines, 'Content-Encoding': 'gzip' });
          reply.end(gzipSync(bundle(PATH)));
        });
        assert.equal((await alice.get('/up/x')).status, 200);
        recorder.on(`${PATH}/x`, (_, reply) => {
          reply.writeHead(206, { ...lines, 'Content-Range': 'bytes 0-0/9' });
          reply.end('{');
        });
        assert.equal((await alice.get('/up/x')).status, 206);
        assert.equal(await unread() - before, 2);
      }
    });

  const LEFT = {
    links_elsewhere: ['a Bundle with links to another host or path',
                      bundle('https://elsewhere.example/r4')],
    links_outside: ['links with dot segments',
                    bundle(`https://${INNER}${PATH}/../..`)],
    links_broken: ['no valid JSON', `${bundle(PATH)}{`],
    links_type: ['"application/fhir+ndjson"', bundle(`https://${INNER}`),
                 { 'Content-Type': 'application/fhir+ndjson' }],
  };

  for (const [kind, [line, text, lines]] of Object.entries(LEFT)) {
    await t.test(`${kind} are counted each time and logged once a minute`,
      async () => {
        const before = await countersOf(gw);
        answer(text, lines);
        for (let i = 0; i < 3; i += 1) {
          assert.equal((await alice.get('/up/x')).status, 200);
        }
        const after = await countersOf(gw);

        for (const other of Object.keys(LEFT)) {
          assert.equal(after[`cigna_${other}_total`].acme
                         - before[`cigna_${other}_total`].acme,
                       other === kind ? 3 : 0, other);
        }
        assert.equal(gw.nginx.errorLog().split('\n').filter((one) =>
          one.includes('[warn]') && one.includes(`upstream sent ${line}`))
          .length, 1);
      });
  }
});
