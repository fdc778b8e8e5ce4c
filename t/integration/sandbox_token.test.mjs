// The sandbox itself: the token endpoint, keys, revocation.

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { spawnSandbox } from '../../scripts/sandbox/client.mjs';
import { PlainClient } from '../../scripts/sandbox/plain_client.mjs';
import { fingerprint } from '../../scripts/sandbox/record.mjs';

const CALLBACK = 'https://app.example/cigna/callback';
const MEMBER = 'syntheticuser05';

let directory;
let sandbox;
let app;
let basic;
let open;

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'sandbox-'));
  sandbox = await spawnSandbox({
    directory,
    clients: ['client_secret_post', 'client_secret_basic', 'none'].map(
      (method) => ({ client_id: method, redirect_uris: [CALLBACK],
                     token_endpoint_auth_method: method })),
  });
  [app, basic, open] = sandbox.info.clients.map((client) =>
    new PlainClient(sandbox.info, client));
});

after(async () => {
  await sandbox.stop();
  rmSync(directory, { recursive: true });
});

beforeEach(() => sandbox.control.reset());

function refused(reply, status, error, code) {
  assert.equal(reply.status, status);
  assert.equal(reply.body.error, error);
  assert.match(reply.body.error_description, new RegExp(`^${code} `));
}

const tokensOf = () => sandbox.control.tokens({
  client_id: 'client_secret_post', member: MEMBER,
});

// Requests that are refused

test('a Cookie header is refused, and the code is not spent', async () => {
  const authorized = await app.authorize(MEMBER);
  refused(await app.exchange(authorized, { Cookie: 'a=b' }),
          400, 'invalid_request', 'FBTOAU220E');
  assert.equal((await app.exchange(authorized)).status, 200);
  assert.equal((await sandbox.control.see()).token.with_cookie, 1);
});

for (const uri of [undefined, 'https://elsewhere.example/']) {
  test(`redirect_uri ${uri} is refused at the token step`, async () => {
    const authorized = await app.authorize(MEMBER);
    const { redirect_uri: right, ...form } = app.codeForm(authorized);
    refused(await app.post(sandbox.info.token,
                           { ...form, ...(uri && { redirect_uri: uri }) }),
            400, 'invalid_request', 'FBTOAU223E');
    assert.equal((await app.exchange(authorized)).status, 200);
  });
}

test('a wrong secret is refused', async () => {
  refused(await app.refresh('x', { client_secret: 'wrong' }),
          401, 'invalid_client', 'FBTOAU204E');
});

test('an unknown client is refused', async () => {
  refused(await app.refresh('x', { client_id: 'nobody' }),
          401, 'invalid_client', 'FBTOAU204E');
});

test('a spent code is refused, and its tokens are revoked', async () => {
  const authorized = await app.authorize(MEMBER);
  const { body } = await app.exchange(authorized);
  refused(await app.exchange(authorized), 400, 'invalid_grant', 'FBTOAU211E');
  assert.equal((await app.fhir('/Patient', body.access_token)).status, 401);
  assert.equal((await sandbox.control.see()).token.reuse, 1);
});

test('a wrong code_verifier is refused', async () => {
  const authorized = await app.authorize(MEMBER);
  refused(await app.post(sandbox.info.token, {
    ...app.codeForm(authorized), code_verifier: 'x'.repeat(43),
  }), 400, 'invalid_grant', 'FBTOAU211E');
});

test('unknown codes and refresh tokens are refused', async () => {
  refused(await app.refresh('MARKs-unknown'), 400, 'invalid_grant',
          'FBTOAU211E');
});

// Client authentication

function basicHeader({ registration }) {
  const { client_id: id, client_secret: secret } = registration;
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

async function exchangeWithBasic(client) {
  const { client_secret: secret, ...form } = client.codeForm(
    await client.authorize(MEMBER));
  return client.post(sandbox.info.token, form,
                     { Authorization: basicHeader(client) });
}

test('client_secret_basic is answered with a login page', async () => {
  const reply = await exchangeWithBasic(app);
  assert.equal(reply.status, 200);
  assert.match(reply.headers['content-type'], /^text\/html/);
  assert.match(reply.body, /myCigna - Auth Flow/);
});

test('client_secret_basic works for a client that is registered for it',
     async () => {
  assert.equal((await exchangeWithBasic(basic)).body.token_type, 'bearer');
  await sandbox.control.set({ basic_auth: 'html' });
  assert.match((await exchangeWithBasic(basic)).headers['content-type'],
               /^text\/html/);
});

test('a public client needs no secret', async () => {
  assert.ok((await open.connect(MEMBER)).access_token);
});

// The reply of the token endpoint

test('a reply has Cigna\'s cookies, lower-case bearer and patient',
     async () => {
  const { headers, body } = await app.exchange(await app.authorize(MEMBER));
  assert.match(headers['set-cookie'].join(), /PD-S-SESSION-ID.*AMWEBJCT!/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(body.token_type, 'bearer');
  assert.equal(body.patient, 'A00000000000005');
  assert.equal(body.expires_in, 3599);
  assert.equal(body.scope, 'openid fhirUser patient/*.read');
  assert.match(body.access_token, /^MARKs.{15}$/);
  assert.match(body.refresh_token, /^MARKs.{15}$/);
});

test('mode token_cookies=none sends no cookies', async () => {
  await sandbox.control.set({ token_cookies: 'none' });
  const { headers } = await app.exchange(await app.authorize(MEMBER));
  assert.equal(headers['set-cookie'], undefined);
});

const EXPIRES_IN = [
  ['number', '"expires_in":3599,'], ['string', '"expires_in":"3599",'],
  [{ raw: '1e400' }, '"expires_in":1e400,'],
  [{ raw: '-1' }, '"expires_in":-1,'], [{ raw: '{}' }, '"expires_in":{},'],
];

for (const [mode, expected] of EXPIRES_IN) {
  test(`mode expires_in=${JSON.stringify(mode)} is in the reply`, async () => {
    await sandbox.control.set({ expires_in: mode });
    const reply = await app.backChannel().post(
      sandbox.info.token, app.codeForm(await app.authorize(MEMBER)));
    assert.ok(reply.body.includes(expected), reply.body);
  });
}

test('mode expires_in=absent leaves the field out', async () => {
  await sandbox.control.set({ expires_in: 'absent' });
  assert.ok(!('expires_in' in await app.connect(MEMBER)));
});

test('modes scope and patient take any text, or leave the field '
  + 'out', async () => {
  await sandbox.control.set({ scope: 'search read openid',
                              patient: 'ifp-A1' });
  const odd = await app.connect(MEMBER);
  assert.equal(odd.scope, 'search read openid');
  assert.equal(odd.patient, 'ifp-A1');

  await sandbox.control.set({ scope: 'absent', patient: 'absent' });
  const bare = await app.connect(MEMBER);
  assert.ok(!('scope' in bare) && !('patient' in bare));
});

test('mode access_token=jwt gives a JWT of about 4 KB', async () => {
  await sandbox.control.set({ access_token: 'jwt' });
  const { access_token: token } = await app.connect(MEMBER);
  assert.ok(token.length > 3500 && token.length < 5000);
  assert.ok(sandbox.info.markers.some((marker) => token.includes(marker)));
  assert.equal((await app.fhir('/Patient', token)).status, 200);
});

test('mode access_token_lifetime ends the token by itself', async () => {
  await sandbox.control.set({ access_token_lifetime: 1 });
  const { access_token: token, expires_in: seconds } =
    await app.connect(MEMBER);
  assert.equal(seconds, 1);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.equal((await app.fhir('/Patient', token)).status, 401);
});

// Refresh

test('mode refresh=rotating revokes the family on reuse', async () => {
  const first = await tokensOf();
  const second = (await app.refresh(first.refresh_token)).body;
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await app.fhir('/Patient', second.access_token)).status, 200);

  refused(await app.refresh(first.refresh_token), 400, 'invalid_grant',
          'FBTOAU211E');
  refused(await app.refresh(second.refresh_token), 400, 'invalid_grant',
          'FBTOAU211E');
  assert.equal((await app.fhir('/Patient', second.access_token)).status, 401);

  const { token } = await sandbox.control.see();
  assert.equal(token.reuse, 1);
  assert.deepEqual(token.by.refresh_token, { ok: 1, invalid_grant: 2 });
});

test('mode refresh=constant returns the same refresh token', async () => {
  await sandbox.control.set({ refresh: 'constant' });
  const { refresh_token: token } = await tokensOf();
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await app.refresh(token)).body.refresh_token, token);
  }
});

test('mode refresh=unreturned returns no new refresh token', async () => {
  await sandbox.control.set({ refresh: 'unreturned' });
  const { refresh_token: token } = await app.connect(MEMBER);
  for (let i = 0; i < 2; i += 1) {
    const { body } = await app.refresh(token);
    assert.ok(body.access_token && !('refresh_token' in body));
  }
});

test('mode refresh=none gives no refresh token', async () => {
  await sandbox.control.set({ refresh: 'none' });
  assert.ok(!('refresh_token' in await app.connect(MEMBER)));
});

test('mode offline_access=needed gives a refresh token only on request',
     async () => {
  await sandbox.control.set({ offline_access: 'needed' });
  const without = await app.connect(MEMBER);
  assert.ok(!('refresh_token' in without));

  const scope = 'openid offline_access patient/*.read';
  const asked = await app.connect(MEMBER, { dance: app.newDance({ scope }) });
  assert.ok(asked.refresh_token);
});

// id_token and keys

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));

async function keySet() {
  return (await app.fhir(sandbox.info.jwks)).resource.keys;
}

async function inspect({ id_token: token }) {
  const [header, payload, signature] = token.split('.');
  const { alg, kid } = decode(header);
  const key = (await keySet()).find((jwk) => jwk.kid === kid);
  return {
    alg,
    kid,
    known: key !== undefined,
    claims: decode(payload),
    verified: key !== undefined && key.alg === alg
      && verify('sha256', Buffer.from(`${header}.${payload}`),
                { key: createPublicKey({ key, format: 'jwk' }),
                  dsaEncoding: 'ieee-p1363' },
                Buffer.from(signature, 'base64url')),
  };
}

for (const alg of ['RS256', 'ES256']) {
  test(`a good id_token is signed with ${alg}`, async () => {
    await sandbox.control.set({ id_token_alg: alg });
    const tokens = await app.connect(MEMBER);
    const { claims, ...seen } = await inspect(tokens);
    assert.deepEqual([seen.alg, seen.verified], [alg, true]);
    assert.equal(claims.iss, sandbox.info.issuer);
    assert.equal(claims.aud, 'client_secret_post');
    assert.equal(claims.nonce, tokens.nonce);
    assert.equal(claims.sub, MEMBER);
    assert.ok(claims.exp > Date.now() / 1000);
    assert.ok(sandbox.info.markers.some((marker) =>
      tokens.id_token.includes(marker)));
  });
}

const WRONG = {
  no_nonce: ({ claims }) => claims.nonce === undefined,
  wrong_nonce: ({ claims }, { nonce }) => claims.nonce !== nonce,
  wrong_aud: ({ claims }) => claims.aud === 'somebody-else',
  wrong_iss: ({ claims }) => claims.iss === 'https://elsewhere.example',
  wrong_sub: ({ claims }) => claims.sub === 'somebody-else',
  expired: ({ claims }) => claims.exp < Date.now() / 1000,
  not_yet: ({ claims }) => claims.nbf > Date.now() / 1000,
  bad_signature: ({ known, verified }) => known && !verified,
  alg_none: ({ alg }) => alg === 'none',
  alg_hs256: ({ alg, known }) => alg === 'HS256' && known,
  unknown_kid: ({ kid, known }) => kid !== undefined && !known,
  no_kid: ({ kid }) => kid === undefined,
  other_keys_kid: ({ known, alg, verified }) => known && alg === 'RS256'
    && !verified,
};

for (const [mode, isWrong] of Object.entries(WRONG)) {
  test(`mode id_token=${mode} has that fault`, async () => {
    await sandbox.control.set({ id_token: mode });
    const tokens = await app.connect(MEMBER);
    assert.ok(isWrong(await inspect(tokens), tokens));
  });
}

test('mode id_token can be absent and malformed', async () => {
  await sandbox.control.set({ id_token: 'absent' });
  assert.ok(!('id_token' in await app.connect(MEMBER)));
  await sandbox.control.set({ id_token: 'malformed' });
  assert.equal((await app.connect(MEMBER)).id_token.split('.').length, 2);
});

test('keys rotate while running', async () => {
  const before = await inspect(await app.connect(MEMBER));
  await sandbox.control.rotate();
  const later = await inspect(await app.connect(MEMBER));
  assert.notEqual(later.kid, before.kid);
  assert.ok(later.verified);
  assert.ok((await keySet()).some(({ kid }) => kid === before.kid));

  await sandbox.control.rotate({ keep_old: false });
  assert.ok(!(await keySet()).some(({ kid }) => kid === later.kid));
});

test('mode jwks can be empty, without kid, and without the current '
  + 'keys', async () => {
  await sandbox.control.set({ jwks: 'empty' });
  assert.deepEqual(await keySet(), []);
  await sandbox.control.set({ jwks: 'no_kid' });
  assert.ok((await keySet()).every((key) => !('kid' in key)));
  await sandbox.control.set({ jwks: 'without_current' });
  await sandbox.control.set({ id_token: 'good' });
  assert.equal((await inspect(await app.connect(MEMBER))).known, false);
});

// Revocation

test('revoke answers 200 with an empty body', async () => {
  const tokens = await tokensOf();
  const reply = await app.revoke(tokens.refresh_token);
  assert.deepEqual([reply.status, reply.text], [200, '']);
  refused(await app.refresh(tokens.refresh_token), 400, 'invalid_grant',
          'FBTOAU211E');
  assert.equal((await app.fhir('/Patient', tokens.access_token)).status, 401);
  assert.deepEqual((await sandbox.control.see()).revoke,
                   { requests: 1, revoked: 1 });
});

test('expire ends access tokens, and revoke ends the grant', async () => {
  const tokens = await tokensOf();
  await sandbox.control.expire({ member: MEMBER });
  assert.equal((await app.fhir('/Patient', tokens.access_token)).status, 401);

  const fresh = (await app.refresh(tokens.refresh_token)).body;
  assert.equal((await app.fhir('/Patient', fresh.access_token)).status, 200);
  await sandbox.control.revoke({ member: MEMBER });
  assert.equal((await app.fhir('/Patient', fresh.access_token)).status, 401);
  refused(await app.refresh(fresh.refresh_token), 400, 'invalid_grant',
          'FBTOAU211E');
});

// Faults

const REPLIES = [
  ['html', 200, /^text\/html/, /myCigna/],
  ['empty', 200, /json/, /^$/],
  ['garbage', 200, /json/, /^\{/],
  ['huge', 200, /json/, /^\{/],
  ['429', 429, /json/, /too_many/],
  ['500', 500, /json/, /^{"error":"internal server error"}$/],
  ['503', 503, /html/, /Unavailable/],
  ['invalid_grant', 400, /json/, /FBTOAU211E/],
  ['invalid_client', 401, /json/, /FBTOAU204E/],
  ['redirect', 302, /html/, /^$/],
];

for (const [kind, status, type, text] of REPLIES) {
  test(`fault ${kind} does not spend the token`, async () => {
    const { refresh_token: token } = await tokensOf();
    await sandbox.control.set({ token_fault: { kind, times: 1 } });
    const reply = await app.backChannel().post(sandbox.info.token, {
      grant_type: 'refresh_token', refresh_token: token, ...app.credentials(),
    });
    assert.equal(reply.status, status);
    assert.match(reply.headers['content-type'], type);
    assert.match(reply.body, text);
    assert.equal((await app.refresh(token)).status, 200);
    assert.deepEqual((await sandbox.control.see()).token.by.refresh_token,
                     { [`fault ${kind}`]: 1, ok: 1 });
  });
}

const isCut = ({ code }) => ['ECONNRESET', 'EPIPE'].includes(code);

for (const [kind, spent] of [['cut-before', false], ['cut-after', true],
                             ['cut-mid', true]]) {
  test(`fault ${kind} ${spent ? 'spends' : 'does not spend'} the token`,
       async () => {
    const { refresh_token: token } = await tokensOf();
    await sandbox.control.set({ token_fault: { kind, times: 1 } });
    await assert.rejects(app.refresh(token), isCut);
    assert.equal((await app.refresh(token)).status, spent ? 400 : 200);
  });
}

test('a fault that is "processed" spends the token first', async () => {
  const { refresh_token: token } = await tokensOf();
  await sandbox.control.set({ token_fault: { kind: 'html', times: 1,
                                             processed: true } });
  assert.equal((await app.refresh(token)).status, 200);
  refused(await app.refresh(token), 400, 'invalid_grant', 'FBTOAU211E');
});

test('a fault may hit refreshes only, and carry Retry-After', async () => {
  await sandbox.control.set({ token_fault: {
    kind: '429', retry_after: 7, grant_type: 'refresh_token',
  } });
  const tokens = await app.connect(MEMBER);
  const reply = await app.refresh(tokens.refresh_token);
  assert.deepEqual([reply.status, reply.headers['retry-after']], [429, '7']);
});

test('a slow reply comes after the token was spent', async () => {
  const { refresh_token: token } = await tokensOf();
  await sandbox.control.set({ token_delay_ms: 300 });
  const started = Date.now();
  const [first, second] = await Promise.all([app.refresh(token),
                                             app.refresh(token)]);
  assert.ok(Date.now() - started >= 300);
  assert.deepEqual([first.status, second.status].sort(), [200, 400]);
  assert.equal((await sandbox.control.see()).token.max_in_flight, 2);
});

for (const endpoint of ['jwks', 'revoke', 'authorize']) {
  test(`the ${endpoint} endpoint can fail`, async () => {
    await sandbox.control.set({ [`${endpoint}_fault`]: '503' });
    const reply = await app.backChannel().post(
      sandbox.info[endpoint], {}).catch((error) => error);
    assert.equal(reply.status, 503);
  });
}

// The record of the requests.

test('the record shows requests without their secrets', async () => {
  const { refresh_token: token } = await tokensOf();
  await app.refresh(token);
  const seen = await sandbox.control.see();
  const [{ parameters, headers, outcome }] = seen.recent_token;

  assert.equal(outcome, 'ok');
  assert.equal(parameters.refresh_token, fingerprint(token));
  assert.ok(headers.some(([name]) => name === 'Content-Type'));
  for (const marker of sandbox.info.markers) {
    assert.ok(!JSON.stringify(seen).includes(marker));
  }
});

// The ledger

test('the ledger has each presentation of a refresh token and its '
  + 'result', async () => {
  const { refresh_token: first } = await tokensOf();
  const { body: { refresh_token: second } } = await app.refresh(first);
  await sandbox.control.set({ token_fault: 'cut-after' });
  await app.refresh(second).catch(() => {});
  await sandbox.control.set({ token_fault: 'none' });

  const tokens = await sandbox.control.ledger({ member: MEMBER });
  const [a, b, c] = tokens.slice(
    tokens.findIndex(({ token }) => token === fingerprint(first)));

  assert.deepEqual(a.presented.map(({ outcome, accepted, sent }) =>
    [outcome, accepted, sent]), [['ok', true, true]]);
  assert.deepEqual(a.alive, { refresh: false, access: true });
  assert.equal(b.token, fingerprint(second));
  assert.equal(b.from, a.token);
  assert.deepEqual(b.presented.map(({ outcome, accepted, sent }) =>
    [outcome, accepted, sent]), [['fault cut-after', true, false]]);
  assert.equal(c.from, b.token);
  assert.deepEqual(c.presented, []);
  assert.equal(c.alive.refresh, true);

  await app.refresh(second);
  const family = (await sandbox.control.ledger({ member: MEMBER }))
    .filter(({ token }) => [a, b, c].some((one) => one.token === token));
  assert.deepEqual(family.map(({ presented }) => presented.length), [1, 2, 0]);
  assert.deepEqual(family[2].alive, { refresh: false, access: false });
});

test('the ledger shows a refresh token that is presented twice at once',
  async () => {
    const { refresh_token: token } = await tokensOf();
    await sandbox.control.set({ token_delay_ms: 100 });
    await Promise.all([app.refresh(token), app.refresh(token)]);

    const entry = (await sandbox.control.ledger({ member: MEMBER }))
      .find((one) => one.token === fingerprint(token));
    assert.equal(entry.at_once, 2);
  });
