// Searches by POST in locations where another module reads the body.  A search
// leaves with all of its parameters, or not at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startScene, PLACE, targetOf } from '../lib/scene.mjs';
import { until } from '../lib/scratch.mjs';
import { talkTo } from '../lib/talk.mjs';
import { startWire } from '../lib/wire.mjs';

const HOST = 'Host: acme.localhost\r\nCookie: session=alice\r\n';
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

const post = (target, framing) =>
  `POST ${target} HTTP/1.1\r\n${HOST}${FORM}${framing}\r\n`;
const counted = (target, body) =>
  post(target, `Content-Length: ${body.length}\r\n`) + body;
const chunked = (target, body, size = body.length || 1) =>
  post(target, 'Transfer-Encoding: chunked\r\n')
  + (body.match(new RegExp(`.{1,${size}}`, 'gs')) ?? []).map((part) =>
    `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  + '0\r\n\r\n';

const long = (length) => `name=${'x'.repeat(length - 5)}`;

// { name: [a function that takes a target and returns the request's bytes, the
// query that leaves or the status of the refusal] }
const BODIES = {
  'counted': [(at) => counted(at, 'name=smith'), 'name=smith'],
  'chunked': [(at) => chunked(at, 'name=smith'), 'name=smith'],
  'in many chunks': [(at) => chunked(at, 'a=1&'.repeat(4000), 1),
                     'a=1&'.repeat(4000).slice(0, -1)],
  'of 16 KiB': [(at) => chunked(at, long(16384)), long(16384)],
  'of 16 KiB and one byte': [(at) => chunked(at, long(16385)), 413],
  'of 40 KB': [(at) => chunked(at, long(40000)), 413],
};

test('a search by POST whose body another module reads', async (t) => {
  const away = await startWire(t, { plain: true });
  const aside = `proxy_pass http://127.0.0.1:${away.port};`;
  const own = (fhir) => (name, lines) => fhir.location(name, {
    to: 'https://kept', lines: ['proxy_http_version 1.1;',
      'proxy_set_header Connection "";', ...lines] });
  const scene = await startScene(t, {
    http: 'ignore_invalid_headers off;',
    locations: (fhir) => [
      own(fhir)('/mirrored/', ['mirror /away/m;']),
      own(fhir)('/filed/', ['mirror /away/m;', 'client_body_in_file_only on;']),
      own(fhir)('/method/', ['proxy_method GET;']),
      own(fhir)('/away-at-404/', ['proxy_intercept_errors on;',
                                  'error_page 404 = @away;']),
      own(fhir)('/odd/', ['X_User', 'X_Role', 'X_Secret', 'X_App_Token',
                          'X.Dot'].map((name) =>
        `proxy_set_header ${name} operator;`)),
      own(fhir)('/odd-empty/', ['proxy_set_header X_User "";']),
      `location /thrown/ { return 200 "ok"; post_action ${PLACE}Patient/_search;
        }`,
      `location /away/ { ${aside} }`, `location @away { ${aside} }`,
    ].join('\n') });
  const { fhir } = scene;

  away.answer = (seen) => away.reply(seen, 200);

  const ask = async (bytes) => {
    const talk = await talkTo(scene.gw);
    talk.send(bytes);
    const reply = await talk.reply();
    talk.close();
    return reply;
  };

  for (const place of ['mirrored', 'filed', 'method']) {
    for (const [name, [bytes, wanted]] of Object.entries(BODIES)) {
      await t.test(`a search in /${place}/, with a body ${name}, leaves whole `
        + 'or not at all', async () => {
        const { status, body } = await ask(bytes(`/${place}/Patient/_search`));
        const seen = fhir.take();

        if (wanted === 413) {
          assert.equal(status, 413, body);
          assert.deepEqual(seen, []);
          return;
        }
        assert.equal(status, 200, body);
        assert.deepEqual(seen.map(({ method, target, faults }) =>
          [method, target, faults]), [
          ['GET', `${targetOf('').replace(PLACE, `/${place}/`)
          }Patient?${wanted}`, []]]);
      });
    }
  }

  await t.test('the mirrored request keeps its body', async () => {
    for (const length of [10, 20000]) {
      away.bytes = '';
      await ask(chunked('/mirrored/Patient/_search', long(length)));
      await until('the body has arrived', () =>
        away.bytes.includes(long(length)));
    }
    fhir.take();
  });

  await t.test('a search without a body that error_page sends elsewhere leaves '
    + 'no alert in the log',
    async () => {
      fhir.answer = (seen) => fhir.reply(seen, 404);
      for (const make of [counted, chunked]) {
        const { status } = await ask(make('/away-at-404/Patient/_search?a=1',
                                          ''));
        assert.equal(status, 200);
      }
      fhir.answer = (seen) => fhir.reply(seen, 200);
      assert.equal(fhir.take().length, 2);
      assert.doesNotMatch(scene.gw.nginx.errorLog(), /zero size buf/);
    });

  await t.test('a search does not leave after nginx discarded its body',
               async () => {
    const talk = await talkTo(scene.gw);
    talk.send(post('/thrown/x', 'Content-Length: 10\r\n'));
    assert.equal((await talk.reply()).status, 200);
    talk.close();
    await scene.assertOthers('alice');
    assert.equal(fhir.take().filter(({ target }) => /\/Patient\b/.test(target))
      .length, 0);
  });

  for (const name of ['X_User', 'X_Role', 'X_Secret', 'X_App_Token', 'X.Dot',
                      'x_user']) {
    for (const place of ['odd', 'odd-empty']) {
      await t.test(`the caller cannot set ${name}, which the operator sets in `
        + `/${place}/`, async () => {
        await ask(`GET /${place}/x HTTP/1.1\r\n${HOST}${name}: caller\r\n\r\n`);
        for (const { bytes } of fhir.take()) {
          assert.doesNotMatch(bytes, /: caller/);
        }
      });
    }
  }
});
