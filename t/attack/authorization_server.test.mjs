// A hostile authorization server.  Codes, secrets and tokens must go only where
// they belong, and no invalid reply may connect a member.

import assert from 'node:assert/strict';
import { createHmac, sign } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { countersOf } from '../lib/counters.mjs';
import { addedTo, endOf, toldApp } from '../lib/dance.mjs';
import { startEavesdropper } from '../lib/eavesdropper.mjs';
import { assertRefused, assertServed } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BASE, startRecorder } from '../lib/recorder.mjs';
import { until } from '../lib/scratch.mjs';
import { pour, reply, startScripted } from '../lib/scripted.mjs';
import { keyPair } from '../../scripts/sandbox/key_pair.mjs';

const CODE = 'CODEsHostile';
const ACCESS = 'MARKsHostileAccess';
const TOKENS = { access_token: ACCESS, refresh_token: 'MARKsHostileRefresh',
                 token_type: 'Bearer', expires_in: 3600 };

const json = (fields) => JSON.stringify(fields);

const RSA = keyPair('rsa', { modulusLength: 2048 });
const EC = keyPair('ec', { namedCurve: 'P-256' });
const jwkOf = ({ publicKey }, more = {}) => ({
  ...publicKey.export({ format: 'jwk' }), use: 'sig', kid: 'good', ...more });
const KEYS = json({ keys: [jwkOf(RSA)] });

// Starts a gateway with a scripted authorization server.  Returns { gw, as,
// stranger, recorder, begin, end, changes, dance }.  stranger: a server that
// must get nothing; recorder: a FHIR server; begin, end: the two halves of a
// dance; dance: both halves; changes: the gateway's options
async function startHostile(t, tenant = {}) {
  const gw = await standardGateway(t);
  const as = await startScripted(t, { ca: gw.ca });
  const recorder = await startRecorder(t, { ca: gw.ca });
  const stranger = await startEavesdropper(
    t, gw.ca.issueServer('stranger', ['localhost']));
  const changes = {
    tenant: {
      token_endpoint: as.url('/token'), jwks_uri: as.url('/jwks'),
      revocation_endpoint: as.url('/revoke'), dances_per_second: 1000,
      dances_per_member: 100, timeout: '2s', connect_timeout: '2s',
      exchange_timeout: '2s', ...tenant,
    },
    locations: recorder.location('/rec/'),
  };
  as.on['/revoke'] = reply('');
  as.on['/jwks'] = reply(KEYS);
  await gw.reload(changes);

  let n = 0;
  // Begins a dance, and resolves to { visitor, state, nonce }.
  const begin = async () => {
    n += 1;
    const visitor = gw.visitor({ member: `member ${n}` });
    const { location } = await visitor.get('/cigna/connect');
    const query = new URL(location).searchParams;
    return { visitor, state: query.get('state'), nonce: query.get('nonce') };
  };
  const end = async ({ visitor, state }, more = '') => {
    const told = toldApp(await visitor.get(
      `/cigna/callback?code=${CODE}&state=${state}${more}`));
    return { visitor, outcome: told.cigna, line: endOf(gw, told.cigna_dance) };
  };
  return { gw, as, stranger, recorder, begin, end, changes,
           dance: async () => end(await begin()) };
}

const posts = (as) => as.take().filter(({ target }) => target === '/token');

// Checks that only the token endpoint got a request, and only one.
function assertOnePost({ as, stranger, gw }) {
  const all = posts(as);
  assert.equal(all.length, 1);
  const [{ method, lines, body, named }] = all;
  const secret = gw.sandbox.info.clients.find(({ client_id: id }) =>
    id === 'acme-client').client_secret;
  assert.equal(method, 'POST');
  assert.ok(body.includes(CODE) && body.includes(secret));
  assert.deepEqual([named('Cookie'), named('Authorization')], [[], []]);
  assert.ok(!lines.some((line) => line.includes(secret)));
  assert.deepEqual([stranger.connections, stranger.bytes], [0, '']);
}

async function assertUnconnected(visitor, { recorder, gw }) {
  recorder.take();
  assertRefused(await visitor.get('/rec/Patient'), 401, 'not_connected',
                { connect: gw.url('acme', '/cigna/connect') });
  assert.deepEqual(recorder.take(), []);
}

const OK = (lines, body = json(TOKENS)) => [
  'HTTP/1.1 200 OK', 'Content-Type: application/json', ...lines, '', body,
].join('\r\n');

const LENGTH = `Content-Length: ${json(TOKENS).length}`;

test('a hostile token endpoint', async (t) => {
  const all = await startHostile(t);
  const { gw, as, stranger, recorder, dance } = all;

  for (const status of [301, 302, 303, 307, 308]) {
    for (const to of [`https://localhost:${stranger.port}/token`,
                      `http://127.0.0.1:${stranger.port}/token`,
                      as.url('/elsewhere')]) {
      const where = /elsewhere$/.test(to) ? 'the same server'
        : to.replace(/:\/\/.*/, '');
      await t.test(`a ${status} to ${where} is not followed, and its target `
        + 'gets nothing', async () => {
        as.on['/token'] = reply(json(TOKENS), {
          status: `${status} Go`, lines: [`Location: ${to}`] });
        const { visitor, outcome, line } = await dance();
        assert.equal(outcome, 'exchange_invalid', line);
        assert.ok(as.requests.every(({ target }) => target !== '/elsewhere'));
        assertOnePost(all);
        await assertUnconnected(visitor, all);
      });
    }
  }

  const body = json(TOKENS);
  const chunks = (...sizes) => sizes.map((size) => `${size}\r\n`).join('');

  // After an unreadable reply the outcome of the exchange is unknown.
  for (const [what, bytes] of Object.entries({
    'two lengths': OK([LENGTH, `Content-Length: ${body.length - 1}`]),
    'a list of lengths': OK([`Content-Length: ${body.length}, 5`]),
    'a length with a sign': OK([`Content-Length: +${body.length}`]),
    'a length of 5,000 digits': OK([`Content-Length: ${'9'.repeat(5000)}`]),
    'a length below zero': OK(['Content-Length: -1']),
    'a body that is cut': OK([`Content-Length: ${body.length + 1}`]),
    'a malformed chunk size': OK(['Transfer-Encoding: chunked'],
                                 chunks('zz', body, 0, '')),
    'a chunk size beyond 64 bits': OK(
      ['Transfer-Encoding: chunked'], chunks('f'.repeat(40), body, 0, '')),
    'chunks that are cut': OK(['Transfer-Encoding: chunked'],
                              chunks(body.length.toString(16), body)),
    'another transfer coding': OK(['Transfer-Encoding: gzip, chunked'],
                                  chunks('1', 'x', 0, '')),
    'a line without a name': OK([': x', LENGTH]),
    'a name with a space': OK(['X A: b', LENGTH]),
    'a space before the colon': OK(['X-A : b', LENGTH]),
    'a zero byte in a line': OK(['X-A: b\0c', LENGTH]),
    'a bare CR in a line': OK(['X-A: b\rContent-Length: 1', LENGTH]),
    'a folded line': OK(['X-A: b', ' c: d', LENGTH]),
    'another protocol': `SSH-2.0-x\r\n\r\n${body}`,
    'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/0.9': body,
    'a status of four digits': `HTTP/1.1 2000 OK\r\n${LENGTH}\r\n\r\n${body}`,
    'a malformed status': `HTTP/1.1 abc OK\r\n${LENGTH}\r\n\r\n${body}`,
    '101 and then 200': `HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n${OK([LENGTH])}`,
    'no bytes at all': '',
  })) {
    await t.test(`${what}: the gateway takes no tokens, and sends nothing `
      + 'again', async () => {
      as.on['/token'] = bytes;
      const { visitor, outcome, line } = await dance();
      assert.match(outcome, /^exchange_(unreachable|invalid)$/, line);
      assertOnePost(all);
      await assertUnconnected(visitor, all);
    });
  }

  const gzipped = gzipSync('x'.repeat(100 << 20)).toString('latin1');
  const deep = (n) => `{"a":${'['.repeat(n)}${']'.repeat(n)},${body.slice(1)}`;

  for (const [what, text, lines = []] of [
    ['a page', '<html>x</html>'],
    ['gzip that unpacks to 100 MiB', gzipped, ['Content-Encoding: gzip']],
    ['gzip of tokens', gzipSync(body).toString('latin1'),
     ['Content-Encoding: gzip']],
    ['100,000 nested arrays', deep(100000)],
    ['20,000 nested objects', '{"a":'.repeat(20000)],
    ['a string without an end', `{"access_token":"${'x'.repeat(10000)}`],
    ['an array of tokens', `[${body}]`],
    ['tokens in an object', json({ tokens: TOKENS })],
    ['no access token', json({ ...TOKENS, access_token: undefined })],
    ['an empty access token', json({ ...TOKENS, access_token: '' })],
    ['a number for the access token', json({ ...TOKENS, access_token: 5 })],
    ['an object for the access token', json({ ...TOKENS, access_token: {} })],
    ['line ends in the access token', json({
      ...TOKENS, access_token: `${ACCESS}\r\nX-Evil: 1` })],
    ['a line end after the access token', json({
      ...TOKENS, access_token: `${ACCESS}\n` })],
    ['a space in the access token', json({
      ...TOKENS, access_token: `${ACCESS} x` })],
    ['a zero byte in the access token', json({
      ...TOKENS, access_token: `${ACCESS}\0` })],
    ['a byte above ASCII in the access token', json({
      ...TOKENS, access_token: `${ACCESS}\u00ff` })],
    ['an access token of 64 KiB', json({
      ...TOKENS, access_token: ACCESS.padEnd(65536, 'x') })],
    ['two access tokens', `{"access_token":"MARKsOther",${body.slice(1)}`],
    ['another type of token', json({ ...TOKENS, token_type: 'DPoP' })],
    ['a type with a line end', json({
      ...TOKENS, token_type: 'Bearer\r\nX-Evil: 1' })],
  ]) {
    await t.test(`${what}: the member is not connected, and no byte of the `
      + 'reply reaches the FHIR server', async () => {
      as.on['/token'] = reply(text, { lines });
      const { visitor, outcome, line } = await dance();
      assert.match(outcome, /^exchange_(unreachable|invalid)$/, line);
      if (outcome === 'exchange_invalid') {
        assert.match(line, new RegExp('not a token reply: status=200,length='
          + `${text.length},(json|access_token|token_type)=[a-z]+`));
      }
      assertOnePost(all);
      await assertUnconnected(visitor, all);
    });
  }

  await t.test('an error is reported by its class, and its text reaches '
    + 'neither the browser nor the log unchanged', async () => {
    as.on['/token'] = reply(json({
      error: 'invalid_grant', error_description:
        '<script>1</script>\r\n[alert] 1#1: forged\u001b[2J' }),
                            { status: '400 Bad Request' });
    const log = await addedTo(() => gw.nginx.errorLog(), async () => {
      const { outcome, visitor } = await dance();
      assert.equal(outcome, 'exchange_refused');
      await assertUnconnected(visitor, all);
    });
    assert.doesNotMatch(log, /\x1b|^\[alert\]/m);
    assert.doesNotMatch(JSON.stringify(gw.replies.slice(-3)), /<script>1/);
    posts(as);
  });

  for (const [what, pourer] of Object.entries({
    'a header line that never ends': ['HTTP/1.1 200 OK\r\nX-A: ', 'x'],
    'header lines that never end': ['HTTP/1.1 200 OK\r\n', 'X-A: b\r\n'],
    'a status line that never ends': ['HTTP/1.1 200 ', 'x'],
    'interim replies that never end': ['', 'HTTP/1.1 100 Continue\r\n\r\n'],
    'chunks that never end': [OK(['Transfer-Encoding: chunked'], ''),
                              '1\r\n \r\n'],
    'a chunk extension that never ends': [
      OK(['Transfer-Encoding: chunked'], '1;'), 'x'],
    'trailers that never end': [
      OK(['Transfer-Encoding: chunked'], '0\r\n'), 'X-A: b\r\n'],
    'a body that never ends': [OK([], '{"a":"'), 'x'],
    'a body of 2^63 - 1 bytes': [
      OK(['Content-Length: 9223372036854775807'], ''), ' '],
  })) {
    await t.test(`${what}: the gateway closes the connection after a bounded `
      + 'number of bytes', async () => {
      const [first, again] = pourer;
      let taken;
      as.on['/token'] = (socket) => {
        socket.write(first, 'latin1');
        taken = pour(socket, again.repeat(Math.ceil(4096 / again.length)),
                     64 << 20);
      };
      const { visitor, outcome, line } = await dance();
      assert.equal(outcome, 'exchange_unreachable', line);
      const bytes = await taken;
      assert.ok(bytes < 16 << 20, `${bytes} bytes`);
      assertOnePost(all);
      await assertUnconnected(visitor, all);
    });
  }

  await t.test('a reply of one byte every half second delays the browser no '
    + 'longer than the deadline of the exchange', async () => {
    as.on['/token'] = (socket) => {
      const drip = setInterval(() => socket.write('H'), 500);
      socket.on('close', () => clearInterval(drip));
    };
    const began = Date.now();
    const { visitor, outcome, line } = await dance();
    const took = Date.now() - began;
    assert.match(outcome, /^exchange_unreachable$/, line);
    assert.ok(took < 6000, `${took} ms`);
    assertOnePost(all);
    await assertUnconnected(visitor, all);
  });

  await t.test('cookies of the reply are not sent back, and its links and '
    + 'hints are not followed', async () => {
    as.on['/token'] = reply(body, { lines: [
      'Set-Cookie: evil=1; Domain=localhost; Path=/',
      `Link: <https://localhost:${stranger.port}/>; rel="next"`,
      `Alt-Svc: h2="localhost:${stranger.port}"`,
      `Refresh: 0; url=https://localhost:${stranger.port}/`,
      'Connection: keep-alive', 'Clear-Site-Data: "*"',
    ] });
    for (let i = 0; i < 2; i += 1) {
      const { visitor, outcome, line } = await dance();
      assert.equal(outcome, 'connected', line);
      assertOnePost(all);
      const status = await visitor.get('/cigna/status');
      assert.deepEqual(status.cookies, []);
      assert.doesNotMatch(JSON.stringify(status.rawHeaders),
                          /evil|Alt-Svc|Refresh|Clear-Site/i);
    }
  });

  await t.test('bytes after a reply serve no other request', async () => {
    const other = reply(json({ ...TOKENS, access_token: 'MARKsSecondReply' }));
    as.on['/token'] = `${reply(body)}${other}`;
    const first = await dance();
    as.on['/token'] = reply(json({ ...TOKENS, access_token: 'MARKsOwnReply' }));
    const second = await dance();
    posts(as);
    for (const [{ visitor, outcome, line }, token] of [
      [first, ACCESS], [second, 'MARKsOwnReply']]) {
      assert.equal(outcome, 'connected', line);
      recorder.take();
      await visitor.get('/rec/Patient');
      const [{ authorizations }] = recorder.take();
      assert.deepEqual(authorizations, [`Bearer ${token}`]);
    }
  });

  await t.test('each of these outcomes was counted by its reason', async () => {
    const { cigna_outcomes_total: outcomes } = await countersOf(gw);
    assert.ok(outcomes['acme exchange_invalid'] >= 15);
    assert.ok(outcomes['acme exchange_unreachable'] >= 9);
    assert.equal(outcomes['acme exchange_refused'], 1);
    assert.equal(outcomes['acme connected'], 4);
  });
});

// Odd replies with good tokens: { what: a function that takes the tokens and
// returns the bytes of the reply }
const ODD = {
  'a byte order mark': (tokens) => reply(`\xef\xbb\xbf${json(tokens)}`),
  'white space around it': (tokens) => reply(`\r\n\t ${json(tokens)}\n\n `),
  'status 201': (tokens) => reply(json(tokens), { status: '201 Created' }),
  'status 203': (tokens) => reply(json(tokens), { status: '203 X' }),
  'no token type': (tokens) => reply(json({
    ...tokens, token_type: undefined })),
  'type BearerToken': (tokens) => reply(json({
    ...tokens, token_type: 'BearerToken' })),
  'type BEARER': (tokens) => reply(json({ ...tokens, token_type: 'BEARER' })),
  'a token type that is a list': (tokens) => reply(json({
    ...tokens, token_type: ['x'] })),
  'a byte that is not UTF-8': (tokens) => reply(json({
    ...tokens, name: 'M\xfcller' })),
  'half a surrogate pair': (tokens) => reply(json({ ...tokens, name: '~' })
    .replace('~', '\\ud83d')),
  'a line end in a string': (tokens) => reply(json({ ...tokens, name: '~' })
    .replace('~', '\n')),
  'an empty error': (tokens) => reply(json({ error: '', ...tokens })),
  'an error that is null': (tokens) => reply(json({ error: null, ...tokens })),
  'a member twice': (tokens) => reply(
    `{"expires_in":3600,"x":1,${json({ ...tokens, x: 2 }).slice(1)}`),
  'the access token twice': (tokens) => reply(
    `{"access_token":"${tokens.access_token}",${json(tokens).slice(1)}`),
  'expires_in that is a word': (tokens) => reply(json({
    ...tokens, expires_in: 'soon' })),
  'expires_in that no double holds': (tokens) => reply(
    json(tokens).replace('3600', '1e999')),
  'expires_in below zero': (tokens) => reply(json({
    ...tokens, expires_in: -1 })),
  'a list of scopes': (tokens) => reply(json({ ...tokens, scope: ['a'] })),
  'a patient that is an object': (tokens) => reply(json({
    ...tokens, patient: { reference: 'Patient/P1' } })),
  'an id_token that is an object': (tokens) => reply(json({
    ...tokens, id_token: {} })),
  'another content type': (tokens) => reply(json(tokens), {
    type: 'text/html; charset=iso-8859-1' }),
  'no content type': (tokens) => reply(json(tokens)).replace(
    /Content-Type:.*?\r\n/, ''),
  'chunks and a length': (tokens) => OK(
    ['Content-Length: 1', 'Transfer-Encoding: chunked'], chunked(tokens)),
  '"chunked" twice': (tokens) => OK(
    ['Transfer-Encoding: chunked, chunked'], chunked(tokens)),
  'chunks inside chunks': (tokens) => {
    const inner = chunked(tokens);
    return OK(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
              `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`);
  },
  'the coding identity': (tokens) => reply(json(tokens), {
    lines: ['Transfer-Encoding: identity'] }),
  'the same length twice': (tokens) => reply(json(tokens), {
    lines: [`Content-Length: ${json(tokens).length}`] }),
  'chunk extensions': (tokens) => OK(
    ['Transfer-Encoding: chunked'], chunked(tokens, ';a="b"')),
  'no line end after the last chunk': (tokens) => OK(
    ['Transfer-Encoding: chunked'], chunked(tokens).slice(0, -2)),
  'no length': (tokens) => OK([], json(tokens)),
};

function chunked(tokens, more = '') {
  const text = json(tokens);
  return `${text.length.toString(16)}${more}\r\n${text}\r\n0\r\n\r\n`;
}

test('a token endpoint with odd replies and good tokens', async (t) => {
  const all = await startHostile(t);
  const { as, recorder, dance } = all;
  const odd = Object.entries(ODD);
  const tokensOf = (i, of) => ({ ...TOKENS, access_token: `MARKsOdd${of}${i}`,
                                 refresh_token: `MARKsOddNext${of}${i}` });
  const visitors = [];

  async function assertSent(visitor, token) {
    recorder.take();
    assertServed(await visitor.get('/rec/Patient'));
    const [{ authorizations }] = recorder.take();
    assert.deepEqual(authorizations, [`Bearer ${token}`]);
  }

  for (const [i, [what, make]] of odd.entries()) {
    await t.test(`${what}: the member is connected`, async () => {
      as.on['/token'] = make(tokensOf(i, 'First'));
      const { visitor, outcome, line } = await dance();
      assert.equal(outcome, 'connected', line);
      assertOnePost(all);
      await assertSent(visitor, `MARKsOddFirst${i}`);
    });
  }

  as.on['/token'] = reply(json({ ...TOKENS, patient: 'P1', expires_in: 1 }));
  for (const _ of [...odd, 'the patient']) {
    const { visitor, outcome, line } = await dance();
    assert.equal(outcome, 'connected', line);
    visitors.push(visitor);
  }
  await sleep(1500);
  as.take();

  const refreshed = [...odd, ['the patient written as a reference',
    (tokens) => reply(json({ ...tokens, patient: 'Patient/P1' }))]];

  for (const [i, [what, make]] of refreshed.entries()) {
    await t.test(`${what}: the grant is refreshed`, async () => {
      as.on['/token'] = make(tokensOf(i, 'Second'));
      await assertSent(visitors[i], `MARKsOddSecond${i}`);
      const all = posts(as);
      assert.equal(all.length, 1);
      assert.match(all[0].body, /grant_type=refresh_token/);
    });
  }
});

const encode = (value) => Buffer.from(typeof value === 'string' ? value
  : json(value)).toString('base64url');

const signed = (input, { privateKey }) => sign('sha256', Buffer.from(input), {
  key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');

// Returns a JWS with these claims.  header: changes to { alg: RS256, kid: good
// }; make: a function that takes the text to sign and returns the signature
function jws(header, claims, make = (input) => signed(input, RSA)) {
  const input = `${encode({ alg: 'RS256', kid: 'good', ...header })}.`
    + encode({ mark: 'MARKsecret', ...claims });
  return `${input}.${make(input)}`;
}

const hmac = (key) => (input) =>
  createHmac('sha256', key).update(input).digest('base64url');

test('invalid id_tokens', async (t) => {
  const all = await startHostile(t);
  const { gw, as, stranger, begin, end } = all;
  const seconds = Math.floor(Date.now() / 1000);
  const claimsOf = ({ nonce }) => ({
    iss: gw.sandbox.info.issuer, aud: 'acme-client', sub: 'somebody', nonce,
    iat: seconds, exp: seconds + 600 });

  // Runs a dance with an id_token in the reply.  token: a function that takes
  // valid claims and returns the id_token
  async function danceWith(token) {
    const began = await begin();
    as.on['/token'] = reply(json({ ...TOKENS, id_token:
      token(claimsOf(began)) }));
    as.take();
    const ended = await end(began);
    return { ...ended, requests: as.requests };
  }

  await t.test('a valid id_token is accepted', async () => {
    const { outcome, line } = await danceWith((claims) => jws({}, claims));
    assert.equal(outcome, 'connected', line);
  });

  const pem = (type, format) => RSA.publicKey.export({ type, format });
  const { n } = RSA.publicKey.export({ format: 'jwk' });
  const attacker = keyPair('rsa', { modulusLength: 2048 });
  const byAttacker = (input) => signed(input, attacker);
  const hs256 = { alg: 'HS256' };
  let earlier;

  for (const [what, token] of Object.entries({
    'an empty signature': (c) => jws({}, c, () => ''),
    'alg "none" with a signature': (c) => jws({ alg: 'none' }, c),
    'alg "None"': (c) => jws({ alg: 'None' }, c, () => ''),
    'alg "rs256"': (c) => jws({ alg: 'rs256' }, c),
    'an alg that is a list': (c) => jws({ alg: ['RS256'] }, c),
    'no alg': (c) => jws({ alg: undefined }, c),
    'HS256 with the public key as PEM': (c) =>
      jws(hs256, c, hmac(pem('spki', 'pem'))),
    'HS256 with the public key as PEM without its last line end': (c) =>
      jws(hs256, c, hmac(pem('spki', 'pem').trimEnd())),
    'HS256 with the public key as PKCS #1': (c) =>
      jws(hs256, c, hmac(pem('pkcs1', 'pem'))),
    'HS256 with the public key as DER': (c) =>
      jws(hs256, c, hmac(pem('spki', 'der'))),
    'HS256 with the modulus': (c) =>
      jws(hs256, c, hmac(Buffer.from(n, 'base64url'))),
    'HS256 with the client secret': (c) => jws(hs256, c, hmac(
      gw.sandbox.info.clients[0].client_secret)),
    'HS256 with an empty key': (c) => jws(hs256, c, hmac('')),
    'ES256 over the RSA key': (c) => jws({ alg: 'ES256' }, c),
    'an embedded key of the attacker': (c) =>
      jws({ jwk: jwkOf(attacker), kid: undefined }, c, byAttacker),
    'an embedded key under a known kid': (c) =>
      jws({ jwk: jwkOf(attacker) }, c, byAttacker),
    'a URL of keys': (c) => jws({
      jku: `https://localhost:${stranger.port}/jwks` }, c, byAttacker),
    'a URL of a certificate': (c) => jws({
      x5u: `https://localhost:${stranger.port}/x` }, c, byAttacker),
    'a chain of certificates': (c) => jws({ x5c: [encode('x')] }, c,
                                          byAttacker),
    'a kid that is a path': (c) => jws({ kid: '../../../../dev/null' }, c,
                                       hmac('')),
    'a kid that is a URL': (c) => jws({
      kid: `https://localhost:${stranger.port}/` }, c, byAttacker),
    'a kid that is SQL': (c) => jws({ kid: "x' UNION SELECT 'good" }, c,
                                    byAttacker),
    'a kid of 5,000 bytes': (c) => jws({ kid: 'good'.padEnd(5000) }, c,
                                      byAttacker),
    'a kid that is a number': (c) => jws({ kid: 5 }, c, byAttacker),
    'a critical extension': (c) => jws({ crit: ['exp'], exp: 1 }, c),
    'a payload that is not encoded': (c) => jws({ b64: false, crit: ['b64'] },
                                                c),
    'four parts': (c) => `${jws({}, c)}.x`,
    'five parts': (c) => `${jws({}, c)}.x.y`,
    'another payload': (c) => {
      const [head, , tail] = jws({}, c).split('.');
      return `${head}.${encode({ ...c, sub: 'other' })}.${tail}`;
    },
    'a signature with an extra byte': (c) => `${jws({}, c)}AA`,
    'another audience': (c) => jws({}, { ...c, aud: 'globex-client' }),
    'an audience that begins with our client id': (c) =>
      jws({}, { ...c, aud: 'acme-client2' }),
    'an audience that is an object': (c) =>
      jws({}, { ...c, aud: { 0: 'acme-client' } }),
    'no audience': (c) => jws({}, { ...c, aud: undefined }),
    'audiences without us': (c) => jws({}, { ...c, aud: ['a', 'b'] }),
    'another authorized party': (c) => jws({}, {
      ...c, aud: ['acme-client', 'other'], azp: 'other' }),
    'the nonce in another case': (c) => jws({}, {
      ...c, nonce: c.nonce.toUpperCase() === c.nonce ? c.nonce.toLowerCase()
        : c.nonce.toUpperCase() }),
    'a nonce that begins with the right one': (c) =>
      jws({}, { ...c, nonce: `${c.nonce}x` }),
    'an empty nonce': (c) => jws({}, { ...c, nonce: '' }),
    'the nonce as a list': (c) => jws({}, { ...c, nonce: [c.nonce] }),
    'an issuer with an extra slash': (c) => jws({}, { ...c, iss: `${c.iss}/` }),
    'an issuer in another case': (c) =>
      jws({}, { ...c, iss: c.iss.toUpperCase() }),
    'no issuer': (c) => jws({}, { ...c, iss: undefined }),
    'exp in the past': (c) => jws({}, { ...c, exp: seconds - 600 }),
    'no exp': (c) => jws({}, { ...c, exp: undefined }),
    'exp below zero': (c) => jws({}, { ...c, exp: -1 }),
    'exp that is a word': (c) => jws({}, { ...c, exp: 'never' }),
    'nbf in the future': (c) => jws({}, { ...c, nbf: seconds + 3600 }),
    'iat in the future': (c) => jws({}, {
      ...c, iat: seconds + 3600, exp: seconds + 7200 }),
    'claims that are a list': () => jws({}, []),
    'the id_token of another dance': (c) => {
      earlier ??= jws({}, { ...c, nonce: 'of-another-dance' });
      return earlier;
    },
  })) {
    await t.test(`${what}: the outcome is id_token_invalid, and the tokens of `
      + 'the reply are revoked', async () => {
      const { outcome, line, visitor, requests } = await danceWith(token);
      assert.equal(outcome, 'id_token_invalid', line);
      assert.match(line, /\[warn\].*, detail: the id_token is refused/);
      assert.doesNotMatch(line, /MARKs|UNION|dev\/null/);
      await until('the tokens are revoked', () => requests.filter(
        ({ target }) => target === '/revoke').length >= 1);
      assert.ok(requests.some(({ target, body }) => target === '/revoke'
        && body.includes(TOKENS.refresh_token)));
      await assertUnconnected(visitor, all);
      assert.deepEqual([stranger.connections, stranger.bytes], [0, '']);
    });
  }

  await t.test('an id_token of an earlier dance is refused', async () => {
    let used;
    const first = await danceWith((claims) => {
      used = jws({}, claims);
      return used;
    });
    assert.equal(first.outcome, 'connected', first.line);
    const second = await danceWith(() => used);
    assert.equal(second.outcome, 'id_token_invalid', second.line);
    await assertUnconnected(second.visitor, all);
  });

  // Runs a dance with another key set at the server.  After the reload no
  // worker knows the old key set.
  async function danceUnder(keys, token) {
    as.on['/jwks'] = typeof keys === 'string' ? reply(keys)
      : reply(json({ keys }));
    await gw.reload(all.changes);
    return danceWith(token);
  }

  const weak = keyPair('rsa', { modulusLength: 1024 });
  const { x, y } = EC.publicKey.export({ format: 'jwk' });
  const off = Buffer.from(y, 'base64url');
  off[31] ^= 1;
  const byEc = (claims) => jws({ alg: 'ES256' }, claims,
                               (input) => signed(input, EC));
  const byRsa = (claims) => jws({}, claims);

  for (const [what, keys, token] of [
    ['an RSA key of 1,024 bits', [jwkOf(weak)],
     (claims) => jws({}, claims, (input) => signed(input, weak))],
    ['a key with the exponent 1', [jwkOf(RSA, { e: 'AQ' })], byRsa],
    ['a key with an even exponent', [jwkOf(RSA, { e: 'Ag' })], byRsa],
    ['a key with an exponent of 64 bytes',
     [jwkOf(RSA, { e: 'AQAB'.repeat(16) })], byRsa],
    ['a key with a modulus of 64 KiB',
     [jwkOf(RSA, { n: 'A'.repeat(65536) })], byRsa],
    ['a point off the curve',
     [jwkOf(EC, { y: off.toString('base64url') })], byEc],
    ['a point at infinity', [jwkOf(EC, { x: 'A'.repeat(43),
                                         y: 'A'.repeat(43) })], byEc],
    ['a key with a coordinate that is too long',
     [jwkOf(EC, { x: `${x}AA` })], byEc],
    ['a key with another crv', [jwkOf(EC, { crv: 'secp256k1' })], byEc],
    ['a key for encryption', [jwkOf(RSA, { use: 'enc' })], byRsa],
    ['a key that only signs', [jwkOf(RSA, { key_ops: ['sign'] })], byRsa],
    ['a key for another algorithm', [jwkOf(RSA, { alg: 'RSA-OAEP' })], byRsa],
    ['a secret for HS256', [{ kty: 'oct', k: encode('key'), kid: 'good' }],
     (claims) => jws(hs256, claims, hmac('key'))],
    ['a key with its secret half', [
      { ...RSA.privateKey.export({ format: 'jwk' }), kid: 'good' }], byRsa],
    ['an empty list', [], byRsa],
    ['a list that is an object', json({ keys: { 0: jwkOf(RSA) } }), byRsa],
    ['50,000 nested lists', `{"keys":${'['.repeat(50000)}`, byRsa],
    ['10,000 keys, of which only the last one fits', [
      ...Array(10000).fill(jwkOf(RSA, { use: 'enc' })), jwkOf(RSA)], byRsa],
    ['a good one with 4 MiB of spaces after it', KEYS.padEnd(4 << 20), byRsa],
    ['a page', '<html></html>', byRsa],
  ]) {
    await t.test(`the key set is ${what}: the member is not connected`,
                 async () => {
      const { outcome, line, visitor } = await danceUnder(keys, token);
      assert.match(outcome, /^(keys_unreachable|id_token_invalid)$/, line);
      await assertUnconnected(visitor, all);
      if (outcome === 'keys_unreachable') {
        assert.deepEqual(posts(as), []);         // the code is not spent
      }
    });
  }

  for (const status of [301, 302, 307, 308]) {
    await t.test(`a ${status} of the key set is not followed`, async () => {
      as.on['/jwks'] = reply(KEYS, { status: `${status} Go`, lines: [
        `Location: https://localhost:${stranger.port}/jwks`] });
      await gw.reload(all.changes);
      const { outcome, line } = await danceWith(byRsa);
      assert.equal(outcome, 'keys_unreachable', line);
      assert.deepEqual([stranger.connections, stranger.bytes], [0, '']);
      assert.deepEqual(posts(as), []);
    });
  }

  await t.test('an odd kid does no harm, and is not in the log', async () => {
    const kid = '../../etc/passwd\u0000"<script>';
    const { outcome, line } = await danceUnder([jwkOf(RSA, { kid })],
                                               (claims) => jws({ kid },
                                                               claims));
    assert.match(outcome, /^(connected|id_token_invalid|keys_unreachable)$/,
                 line);
    assert.doesNotMatch(gw.nginx.errorLog(), /passwd|<script>/);
  });
});

test('callbacks with an iss', async (t) => {
  const all = await startHostile(t);
  const { gw, as, begin, end } = all;
  const { issuer } = gw.sandbox.info;

  for (const [what, more] of Object.entries({
    'another issuer': '&iss=https%3A%2F%2Fevil.example',
    'the issuer with an extra slash':
      `&iss=${encodeURIComponent(`${issuer}/`)}`,
    'the issuer in another case':
      `&iss=${encodeURIComponent(issuer.toUpperCase())}`,
    'the issuer and a zero byte': `&iss=${encodeURIComponent(issuer)}%00`,
    'the issuer and then another one':
      `&iss=${encodeURIComponent(issuer)}&iss=https%3A%2F%2Fevil.example`,
    'another one and then the issuer':
      `&iss=https%3A%2F%2Fevil.example&iss=${encodeURIComponent(issuer)}`,
  })) {
    await t.test(`${what}: the code is sent nowhere`, async () => {
      as.on['/token'] = reply(json(TOKENS));
      const began = await begin();
      as.take();
      const back = await began.visitor.get(
        `/cigna/callback?code=${CODE}&state=${began.state}${more}`);
      const outcome = back.status === 303 ? toldApp(back).cigna
        : `page ${back.status}`;
      assert.match(outcome, /^(issuer_mismatch|invalid_request|page 400)$/);
      assert.deepEqual(as.take(), []);
      await assertUnconnected(began.visitor, all);
    });
  }

  await t.test('an empty iss counts as absent (RFC 6749)', async () => {
    const { outcome, line } = await end(await begin(), '&iss=');
    assert.equal(outcome, 'connected', line);
  });

  await t.test('the right iss is accepted', async () => {
    const { outcome, line } = await end(
      await begin(), `&iss=${encodeURIComponent(issuer)}`);
    assert.equal(outcome, 'connected', line);
  });
});

const parameters = (valueString) => json({
  resourceType: 'Parameters', parameter: [{ name: 'Patient', valueString }] });

test('a hostile $userinfo of the FHIR server', async (t) => {
  const all = await startHostile(t);
  const { gw, as, stranger, begin, end } = all;
  const fhir = await startScripted(t, { ca: gw.ca, names: ['localhost',
                                                           'fhir'] });
  const base = fhir.url(BASE);
  fhir.otherwise = reply('{"resourceType":"Bundle"}');
  await gw.reload({
    ...all.changes,
    tenant: { ...all.changes.tenant, fhir_base: base, userinfo: 'on' },
    fhir: { proxy_pass: `${base}/`,
            proxy_set_header: 'X-Passed-On $cigna_userinfo',
            add_header: 'X-Userinfo $cigna_userinfo always' },
  });
  as.on['/token'] = reply(json(TOKENS));

  // Runs a dance with this reply to $userinfo.  Returns the identifier as
  // status tells it, and as $cigna_userinfo puts it into header lines of the
  // request that leaves and of the reply.
  async function told(bytes) {
    fhir.on[`${BASE}/$userinfo`] = bytes;
    fhir.take();
    const { visitor, outcome, line } = await end(await begin());
    assert.equal(outcome, 'connected', line);
    const status = await visitor.get('/cigna/status');
    assert.equal(status.headers['content-type'], 'application/json');
    const resource = await visitor.get('/fhir/Patient');
    assertServed(resource);
    const [asked] = fhir.requests.filter(({ target }) =>
      target.endsWith('/Patient'));
    return { status: status.json().userinfo, resource, text: status.body,
             asked: asked.lines, passed: asked.named('X-Passed-On'),
             header: resource.headers['x-userinfo'] };
  }

  await t.test('the app gets a plain identifier unchanged', async () => {
    const { status, header, passed } = await told(reply(parameters('U1-a')));
    assert.deepEqual([status, header, passed], ['U1-a', 'U1-a', ['U1-a']]);
  });

  for (const [what, value] of Object.entries({
    'a script': '<script>alert(1)</script>',
    'quotes and backslashes': '"}\\"{',
    'an end of a script': '</script><img src=x onerror=1>',
  })) {
    await t.test(`${what} in the identifier stays text`, async () => {
      const { status, text } = await told(reply(parameters(value)));
      assert.ok(status === undefined || status === value);
      assert.equal(text.match(/"userinfo"/g)?.length ?? 0,
                   status === undefined ? 0 : 1);
    });
  }

  for (const [what, value] of Object.entries({
    'a line end': 'U1\r\nSet-Cookie: evil=1',
    'a line feed': 'U1\nX-Evil: 1',
    'a carriage return': 'U1\rX-Evil: 1',
    'two line ends': 'U1\r\n\r\n<script>',
    'a zero byte': 'U1\0x',
    'an escape': 'U1\u001b[2J',
    'a delete': 'U1\u007f',
  })) {
    await t.test(`${what} in the identifier: the variable is empty, and no `
      + 'header line comes of the identifier', async () => {
      const { status, header, passed, asked, resource, text } = await told(
        reply(parameters(value)));
      assert.deepEqual([header, passed, resource.headers['x-evil'],
                        resource.cookies],
                       [undefined, [], undefined, []]);
      assert.ok(!asked.some((line) => /evil/i.test(line)), `${asked}`);
      assert.ok(status === undefined || status === value);
      assert.doesNotMatch(text.trimEnd(), /[\0-\x1f]/);
    });
  }

  for (const [what, bytes] of Object.entries({
    'of 5,000 bytes': reply(parameters('U'.repeat(5000))),
    'that is a number': reply(parameters(5)),
    'that is an object': reply(parameters({ a: 1 })),
    'in another resource': reply(json({ ...JSON.parse(parameters('U1')),
                                        resourceType: 'Patient' })),
    'that is compressed': reply(gzipSync(parameters('U1')).toString('latin1'),
                                { lines: ['Content-Encoding: gzip'] }),
    'in 100,000 nested arrays': reply(`{"parameter":${'['.repeat(100000)}`),
    'in a page': reply('<html><script>1</script></html>',
                       { type: 'text/html' }),
    'in a reply with two lengths': reply(parameters('U1'), {
      lines: ['Content-Length: 1'] }),
    'behind a 307': reply(parameters('U1'), { status: '307 Go', lines: [
      `Location: https://localhost:${stranger.port}/$userinfo`] }),
    'that never ends': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n'
        + '{"resourceType":"Parameters","parameter":[{"valueString":"');
      pour(socket, 'U'.repeat(4096), 64 << 20);
    },
  })) {
    await t.test(`an identifier ${what}: the member is connected without one, `
      + 'and the log says so', async () => {
      const log = await addedTo(() => gw.nginx.errorLog(), async () => {
        const { status, header, passed } = await told(bytes);
        assert.deepEqual([status, header, passed],
                         [undefined, undefined, []]);
      });
      assert.match(log, new RegExp('no identifier from \\$userinfo, outcome: '
        + '(refused|unreachable)'));
      assert.equal(fhir.take().filter(({ target }) =>
        target.endsWith('/$userinfo')).length, 1);
      assert.deepEqual([stranger.connections, stranger.bytes], [0, '']);
    });
  }
});
