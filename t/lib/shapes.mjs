// Tables of replies that an authorization server may send, each with the
// gateway's expected result.
//
// A draft describes a reply: the fields of a JSON object, the claims of an
// id_token, and the HTTP around them.  Each row of a table changes a draft in
// one way.  Rows that change different parts can be combined.
//
// A row has these members:
//   what         the change in words, for the name of a test
//   part         the part of the draft that the row changes; two rows with the
//                same part are not combined
//   change       a function that changes a draft
//   end          the expected result: good (the default), unread (2xx without
//                readable tokens), lost (not a readable HTTP reply) or outage
//                (any other status)
//   exchange     the outcome of a dance, if `end` does not decide it
//   refresh      the result of a refresh, if it is not that of `end`; also
//                "foreign" (tokens of another subject) or "other patient"
//   refreshOnly  true: no dance gets this reply
//   told         the pattern that the log must have
//   kept         true: the reply has no readable refresh token, so the gateway
//                keeps the old one
//   named        true: the row is combined with each other row that has this
//                member.  Such rows of TEXTS and FRAMES are also tried with key
//                sets and metadata
//
// Strings are sent as latin1.

import { createHmac, sign as signWith, constants }
  from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { keyPair } from '../../scripts/sandbox/key_pair.mjs';

const json = (value) => JSON.stringify(value);

// Drafts.

const LENGTH = (body) => [[`Content-Length: ${body.length}`], body];

const draft = (fields, more) => ({
  fields: Object.fromEntries(Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, json(value)])),
  front: [], behind: [], around: [],
  version: 'HTTP/1.1', status: '200 OK', type: 'application/json', lines: [],
  before: '', frame: LENGTH, after: '', ending: '\r\n', open: false, ...more,
});

// Returns the draft of a token reply.  tokens: fields of the JSON object;
// claims: those of its id_token
export const tokenDraft = (tokens, claims) => draft(
  { token_type: 'Bearer', expires_in: 3600, scope: 'openid patient/*.read',
    patient: 'P1', ...tokens },
  { claims, header: { alg: 'RS256', kid: 'rsa' }, key: 'rsa', part: [],
    jws: [] });

export const documentDraft = (fields) => draft(fields);

// Returns the bytes of the reply that a draft describes.
export function bytesOf(made) {
  const { version, status, type, lines, before, frame, after, ending } = made;
  const [more, body] = frame(textOf(made));

  return made.silent ? '' : before + [`${version} ${status}`,
                   ...[type ?? []].flat().map((one) => `Content-Type: ${one}`),
                   ...lines, ...more, '', body].join(ending) + after;
}

function textOf(made) {
  const fields = { ...made.fields };
  if (made.claims && !('id_token' in fields)) {
    fields.id_token = json(idTokenOf(made));
  }
  const members = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${json(name)}:${value}`);
  const text = `{${[...made.front, ...members, ...made.behind].join(',')}}`;

  return made.around.reduce((all, change) => change(all, made), text);
}

// Keys, and id_tokens that they sign.

export const KEYS = {
  rsa: keyPair('rsa', { modulusLength: 2048 }),
  p256: keyPair('ec', { namedCurve: 'P-256' }),
  p384: keyPair('ec', { namedCurve: 'P-384' }),
  ed: keyPair('ed25519'),
  weak: keyPair('rsa', { modulusLength: 1024 }),
  // the key of another server
  other: keyPair('rsa', { modulusLength: 2048 }),
};

export const jwkOf = (name, more = {}) => ({
  ...KEYS[name].publicKey.export({ format: 'jwk' }), use: 'sig', kid: name,
  ...more });

// The key set that the server publishes by default.
export const KEY_SET = ['rsa', 'p256', 'p384', 'ed'].map((name) =>
  jwkOf(name));

const encode = (text) => Buffer.from(text, 'latin1').toString('base64url');

function signatureOf(input, { header: { alg }, key }) {
  const { privateKey } = KEYS[key];
  const digest = alg === 'EdDSA' ? null : `sha${String(alg).slice(2)}`;
  const pss = /^PS/.test(alg) && {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

  return signWith(digest, Buffer.from(input), {
    key: privateKey, dsaEncoding: 'ieee-p1363', ...pss }).toString('base64url');
}

function idTokenOf(made) {
  const { header, claims, payload = json, sign = signatureOf } = made;
  const part = (encoded) => made.part.reduce((all, change) => change(all),
                                             encoded);
  const input = `${part(encode(json(header)))}.${
    part(encode(payload(claims)))}`;

  return made.jws.reduce((token, change) => change(token),
                         `${input}.${part(sign(input, made))}`);
}

// Rows.

const row = (what, part, change, more = {}) =>
  ({ what, part, change, end: 'good', ...more });

// Sets a field of the object to this raw text; undefined removes it.
const put = (name, raw) => (made) => { made.fields[name] = raw; };
const field = (name) => (what, raw, more) =>
  row(what, name, put(name, raw), more);
const again = (name, raw) => (made) =>
  made.front.push(`"${name}":${raw ?? made.fields[name]}`);
const around = (change) => (made) => made.around.push(change);
const front = (member) => (made) => made.front.push(member);
const set = (values) => (made) => Object.assign(made, values);
const line = (text) => (made) => made.lines.push(text);

const latin1 = (text) => Buffer.from(text).toString('latin1');
const BOM = '\xef\xbb\xbf';

const chunk = (text, more = '') =>
  `${text.length.toString(16)}${more}\r\n${text}\r\n`;
const chunks = (body, { size = body.length, more, end = '0\r\n\r\n' } = {}) => {
  const parts = body.match(new RegExp(`[^]{1,${size || 1}}`, 'g')) ?? [];
  return parts.map((part) => chunk(part, more)).join('') + end;
};
const CHUNKED = 'Transfer-Encoding: chunked';
const inChunks = (options, lines = [CHUNKED]) => (body) =>
  [lines, chunks(body, options)];

// Rows for any reply with JSON.  They change the bytes of the JSON.
export const TEXTS = [
  row('a byte order mark', 'edge', around((text) => BOM + text),
      { named: true }),
  row('white space around it', 'edge', around((text) =>
    `\r\n\t ${text}\n\n `)),
  row('a byte order mark and white space', 'edge', around((text) =>
    `${BOM}\r\n${text}\r\n`)),
  row('an indented text', 'indent', around((text) =>
    text.replace('{', '{\r\n\t').replace(/}$/, '\r\n}'))),
  row('one byte that is not UTF-8', 'name', front('"name":"M\xfcller"'),
      { named: true }),
  row('a name of a member that is not UTF-8', 'name', front('"na\xe9":1')),
  row('valid UTF-8', 'name', front(
    `"name":${latin1(json('Zoë 😀'))}`)),
  row('half a surrogate pair', 'escape', front('"half":"\\ud83d"')),
  row('the other half', 'escape', front('"half":"\\udc00\\ud83d"')),
  row('a zero byte as an escape', 'escape', front('"a\\u0000":"b\\u0000"')),
  row('a zero byte', 'control', front('"zero":"a\0b"')),
  row('a line end in a string', 'control', front('"address":"a\r\nb"')),
  row('escapes that JSON does not have', 'escape', front('"odd":"\\x41\\\'"')),
  row('a number that no double holds', 'number', front('"number":1e999')),
  row('a number with a zero in front', 'number', front('"number":007')),
  row('words that JSON does not have', 'number',
      front('"number":nan,"no":undef')),
  row('a member twice, the same', 'twice', front('"x":1,"x":1'),
      { named: true }),
  row('a member twice, with another value', 'twice', front('"x":1,"x":[2]'),
      { named: true }),
  row('unknown members with objects', 'unknown', front(
    '"x_ext":{"access_token":"no","keys":[],"issuer":{"a":[{},[]]}}')),
  row('30 nested objects', 'deep', front(
    `"deep":${'{"a":'.repeat(30)}1${'}'.repeat(30)}`)),
  row('1,000 nested arrays at the end', 'deep', (made) =>
    made.behind.push(`"deep":${'['.repeat(1000)}${']'.repeat(1000)}`)),
  row('100 KB of other members', 'many', front(Array.from(
    { length: 2000 }, (_, i) => `"member_${i}":"${'x'.repeat(36)}"`).join())),
  row('an empty name', 'unknown', front('"":"","\\"}":"{"')),
];

// Rows for any reply.  They change its status line, header lines or framing.
export const FRAMES = [
  row('status 201', 'status', set({ status: '201 Created' }), { named: true }),
  row('status 202', 'status', set({ status: '202 Accepted' })),
  row('status 203', 'status', set({ status: '203 Non-Authoritative' })),
  row('status 206', 'status', set({ status: '206 Partial Content' })),
  row('no reason', 'status', set({ status: '200' })),
  row('an empty reason', 'status', set({ status: '200 ' })),
  row('a reason of odd bytes', 'status', set({
    status: '200 \xc3\xbc \xff OK (really: 500)' })),
  row('a long reason', 'status', set({ status: `200 ${'x'.repeat(2000)}` })),
  row('HTTP/1.0', 'version', set({ version: 'HTTP/1.0' })),
  row('no type', 'type', set({ type: null })),
  row('an empty type', 'type', set({ type: '' })),
  row('type text/html', 'type', set({ type: 'text/html' })),
  row('type text/plain', 'type', set({ type: 'text/plain; charset=utf-8' })),
  row('charset latin1', 'type', set({
    type: 'application/json;charset=latin1' })),
  row('charset utf-16', 'type', set({
    type: 'application/json; charset="utf-16"' })),
  row('type application/jwt', 'type', set({ type: 'application/jwt' })),
  row('a malformed type', 'type', set({ type: '; /\xff' })),
  row('two types', 'type', set({ type: ['text/html', 'application/json'] })),
  row('a Content-Encoding on plain JSON', 'coding',
      line('Content-Encoding: gzip')),
  row('cookies', 'header', line('Set-Cookie: a=b; Domain=localhost')),
  row('a Retry-After', 'pause', line('Retry-After: 3600')),
  row('a Connection that offers an upgrade', 'header',
      line('Connection: keep-alive, Upgrade\r\nUpgrade: h2c')),
  row('a line without a value', 'header', line('X-Empty:')),
  row('a Trailer line without a trailer', 'header', line('Trailer: X-A')),
  row('many lines', 'lines', line(Array.from(
    { length: 100 }, (_, i) => `X-Line-${i}: ${'y'.repeat(60)}`)
    .join('\r\n'))),
  row('100 Continue before the reply', 'before', set({
    before: 'HTTP/1.1 100 Continue\r\n\r\n' })),
  row('102 and 103 before the reply', 'before', set({
    before: 'HTTP/1.1 102 Processing\r\nContent-Length: 9\r\n\r\n'
      + 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' })),
  row('lines that end with LF alone', 'ending', set({ ending: '\n' })),
  row('another reply after the reply', 'after', set({
    after: 'HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}' })),
  row('a line end after the reply', 'after', set({ after: '\r\n' })),
  row('a connection that stays open', 'open', set({ open: true })),
  row('chunks', 'frame', set({ frame: inChunks() })),
  row('chunks beside a length', 'frame', set({ frame: inChunks({}, [
    'Content-Length: 1', CHUNKED]) }), { named: true }),
  row('chunks, then a malformed length', 'frame', set({
    frame: inChunks({}, [CHUNKED, 'Content-Length: many']) })),
  row('chunked twice in one line', 'frame', set({ frame: inChunks({}, [
    'Transfer-Encoding: chunked, chunked']) }), { named: true }),
  row('chunked twice in two lines', 'frame', set({ frame: inChunks({}, [
    CHUNKED, CHUNKED]) }), { named: true }),
  row('chunks inside chunks', 'frame', set({
    frame: (body) => [[CHUNKED, CHUNKED], chunks(chunks(body))] })),
  row('coding identity', 'frame', set({ frame: (body) => [[
    'Transfer-Encoding: identity', `Content-Length: ${body.length}`], body] }),
      { named: true }),
  row('coding identity to the end of the connection', 'frame', set({
    frame: (body) => [['Transfer-Encoding: identity'], body] })),
  row('coding identity and chunked', 'frame', set({ frame: inChunks({}, [
    'Transfer-Encoding: identity, CHUNKED']) })),
  row('one byte in each chunk', 'frame', set({
    frame: (body) => inChunks(body.length < 5000 ? { size: 1 }
      : { size: 1000 })(body) })),
  row('chunk extensions', 'frame', set({
    frame: inChunks({ more: ';a="b";c' }) })),
  row('spaces after the chunk sizes', 'frame', set({
    frame: inChunks({ more: '  ' }) })),
  row('chunk sizes with leading zeros', 'frame', set({
    frame: (body) => [[CHUNKED], `0000${chunks(body, { end: '000\r\n\r\n' })}`],
  })),
  row('trailers', 'frame', set({ frame: inChunks({
    end: '0\r\nX-A: b\r\nX-C:\r\n\r\n' }) })),
  row('no line end after the last chunk', 'frame', set({
    frame: inChunks({ end: '0\r\n' }) })),
  row('no length', 'frame', set({ frame: (body) => [[], body] })),
  row('the same length twice', 'frame', set({ frame: (body) => [[
    `Content-Length: ${body.length}`, `content-length:${body.length}`], body],
  })),
  row('a list of the same length', 'frame', set({ frame: (body) => [[
    `Content-Length: ${body.length}, ${body.length}`], body] })),
  row('a length with leading zeros', 'frame', set({ frame: (body) => [[
    `Content-Length: 000${body.length}`], body] })),
];

// Replies that are not readable as HTTP.
const broken = (what, part, change, told) =>
  row(what, part, change, { end: 'lost', told: new RegExp(told) });
const noSingle = 'reply has no single Content-Length';
const noStatus = 'reply has no status line of HTTP/1';

export const BROKEN_FRAMES = [
  broken('no bytes at all', 'frame', set({ silent: true }),
         'nothing was answered'),
  broken('a folded line', 'header', line('X-A: b\r\n c: d'),
         'reply has a folded header line'),
  broken('a space before the colon', 'header', line('X-A : b'),
         'reply has a header line without a name'),
  broken('a line without a name', 'header', line(': b'),
         'reply has a header line without a name'),
  broken('a zero byte in a line', 'header', line('X-A: b\0c'),
         'reply has a control byte in a line'),
  broken('two lengths', 'frame', set({ frame: (body) => [[
    `Content-Length: ${body.length}`, 'Content-Length: 7'], body] }),
         noSingle),
  broken('a length with a sign', 'frame', set({ frame: (body) => [[
    `Content-Length: +${body.length}`], body] }),
         noSingle),
  broken('a body that is cut', 'frame', set({ frame: (body) => [[
    `Content-Length: ${body.length + 1}`], body] }),
         'reply was cut'),
  broken('chunks that are cut', 'frame', set({
    frame: inChunks({ end: '' }) }),
         'reply was cut'),
  broken('a malformed chunk size', 'frame', set({
    frame: (body) => [[CHUNKED], `0x${chunks(body)}`] }),
         'reply has a chunk of no size'),
  broken('a chunk that is longer than its size', 'frame', set({
    frame: (body) => [[CHUNKED], chunks(body).replace('\r\n', '\r\n ')] }),
         'reply has a chunk of another size than it says'),
  broken('an unknown transfer coding', 'frame', set({
    frame: inChunks({}, ['Transfer-Encoding: gzip, chunked']) }),
         'reply has an unknown transfer coding'),
  broken('140 KB', 'many', front(`"x":"${'x'.repeat(140 << 10)}"`),
         'reply is too large|chunk of no size, or is too large'),
  broken('HTTP/2', 'version', set({ version: 'HTTP/2.0' }),
         noStatus),
  broken('a status of two digits', 'status', set({ status: '20 OK' }),
         noStatus),
  broken('101 before the reply', 'before', set({
    before: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' }),
         'reply changes the protocol'),
];

// Functions that make a row for one field of a token reply.
const access = field('access_token');
const next = field('refresh_token');
const type = field('token_type');
const life = field('expires_in');
const scope = field('scope');
const patient = field('patient');
const error = field('error');
const idToken = field('id_token');

export const TOKENS = [
  row('the access token twice, the same', 'access_token',
      again('access_token')),
  row('the access token with an escape', 'access_token', (made) => {
    const [first, ...rest] = JSON.parse(made.fields.access_token);
    made.fields.access_token = `"\\u00${first.charCodeAt(0).toString(16)}${
      rest.join('')}"`;
  }),
  row('the name access_token with an escape', 'access_token', (made) => {
    made.front.push(`"access\\u005ftoken":${made.fields.access_token}`);
    made.fields.access_token = undefined;
  }),

  next('no refresh token', undefined, { kept: true }),
  next('a refresh token that is null', 'null', { kept: true }),
  next('an empty refresh token', '""', { kept: true }),
  next('a refresh token that is a number', '7', { kept: true }),
  next('a list of refresh tokens', '["a"]', { kept: true }),
  row('the refresh token twice, the same', 'refresh_token',
      again('refresh_token')),
  row('two refresh tokens', 'refresh_token',
      again('refresh_token', '"MARKsecretOther"'), { kept: true }),

  type('no token type', undefined, { named: true }),
  type('a token type that is null', 'null'),
  type('an empty token type', '""'),
  type('type BearerToken', '"BearerToken"', { named: true }),
  type('type bearer', '"bearer"'),
  type('type BEARER', '"BEARER"'),
  type('type bearer_token', '"bearer_token"'),
  type('type Bearer with spaces around it', '" Bearer "'),
  type('a list of types', '["Bearer"]'),
  type('a type that is a number', '1'),
  type('a type that is an object', '{"type":"mac"}'),
  type('a type of bytes that are not UTF-8', '"Bear\xe9r"'),
  row('two types of token', 'token_type', again('token_type', '"mac"')),

  life('expires_in as a string', '"3600"'),
  life('expires_in as a float', '3600.5'),
  life('expires_in with an exponent', '3.6e3'),
  life('expires_in below zero', '-1'),
  life('expires_in that is null', 'null'),
  life('no expires_in', undefined),
  life('expires_in of zero', '0'),
  life('expires_in that no double holds', '1e999'),
  life('expires_in of 20 digits', '99999999999999999999'),
  life('expires_in of 300 years', '9467085600'),
  life('expires_in that is a word', '"soon"'),
  life('expires_in that is an empty string', '""'),
  life('expires_in that is true', 'true'),
  life('expires_in that is a list', '[3600]'),
  life('expires_in with a leading zero', '03600'),
  row('expires_in twice', 'expires_in', again('expires_in', '60')),

  scope('a list of scopes', '["openid","patient/*.read"]'),
  scope('no scope', undefined),
  scope('an empty scope', '""'),
  scope('a scope that is null', 'null'),
  scope('a scope of odd bytes', '"openid \xe9\\u0001"'),
  scope('a scope of 5 KB', `"${'patient/A.read '.repeat(350)}"`),
  row('two scopes', 'scope', again('scope', '"openid"')),

  patient('patient as Patient/ID', '"Patient/P1"', { named: true }),
  patient('patient as a path', '"/Patient/P1"'),
  patient('patient with its history', '"Patient/P1/_history/1"'),
  patient('patient with spaces around it', '" P1 "'),
  patient('a patient that is a number', '5'),
  patient('a patient that is null', 'null'),
  patient('no patient', undefined),
  patient('an empty patient', '""'),
  patient('a patient that is an object', '{"reference":"Patient/P1"}'),
  patient('a list of patients', '["P1","P2"]'),
  patient('a patient of odd bytes', '"P\xfc\\u0000"'),
  patient('a patient of 300 bytes', `"${'p'.repeat(300)}"`),
  row('two patients', 'patient', again('patient', '"P2"')),

  error('an empty error', '""', { named: true }),
  error('an error that is null', 'null'),
  error('an error that is false', 'false'),
  error('an error that is an object', '{}'),
  error('an error of spaces', '"  "'),
  error('the error "none"', '"none"'),
  error('the error invalid_grant beside tokens', '"invalid_grant"'),
  error('the error invalid_client beside tokens', '"invalid_client"'),
  row('an error_description', 'error_description',
      put('error_description', '"all is well"')),

  idToken('no id_token', undefined),
  idToken('an id_token that is null', 'null'),
  idToken('an empty id_token', '""'),
  idToken('an id_token that is a number', '1'),
  idToken('an id_token that is an object', '{"sub":"x"}'),
];

// Replies with 2xx but without readable tokens, and the log's words for each.
const unread = (what, part, change, told, status = '2\\d\\d') =>
  row(what, part, change, { end: 'unread', told: new RegExp(
    `status=${status},length=\\d+\\S*,${told}`) });
const nothing = (what, text, told = 'json=none') =>
  unread(what, 'edge', around(text), told);

export const UNREAD = [
  unread('no access token', 'access_token', put('access_token', undefined),
         'access_token=none'),
  unread('an empty access token', 'access_token', put('access_token', '""'),
         'access_token=none'),
  unread('an access token that is null', 'access_token',
         put('access_token', 'null'), 'access_token=none'),
  unread('an access token that is a number', 'access_token',
         put('access_token', '5'), 'access_token=odd'),
  unread('a list of access tokens', 'access_token',
         put('access_token', '["MARKsecretA"]'), 'access_token=odd'),
  unread('two access tokens', 'access_token',
         again('access_token', '"MARKsecretB"'), 'access_token=twice'),
  unread('an access token with a line end', 'access_token',
         put('access_token', '"MARKsecretA\\r\\nX-Evil: 1"'),
         'access_token=unprintable'),
  ...Object.entries({ 'a zero byte': 'MARKsecretA\\u0000',
                      'a control byte': 'MARKsecret\\u001bA',
                      'a space': 'MARKsecretA x',
                      'a byte that is not UTF-8': 'MARKsecretA\xff' })
    .map(([what, token]) => unread(
      `an access token with ${what}`, 'access_token',
      put('access_token', `"${token}"`), 'access_token=unprintable')),
  unread('an access token of 20 KB', 'access_token',
         put('access_token', `"MARKsecret${'A'.repeat(20000)}"`),
         'access_token=long'),
  unread('a refresh token with a control byte', 'refresh_token',
         put('refresh_token', '"MARKsecretR\\n"'),
         'refresh_token=unprintable'),
  unread('type DPoP', 'token_type', put('token_type', '"DPoP"'),
         'token_type=unknown'),
  unread('type mac', 'token_type', put('token_type', '"mac"'),
         'token_type=unknown'),
  unread('status 204', 'status', set({ status: '204 No Content', type: null,
                                       frame: () => [[], ''] }),
         'json=none', 204),
  nothing('a page', () => '<!doctype html><html><body>Please log in</body>'),
  nothing('an empty body', () => ''),
  nothing('a body of white space', () => ' \r\n'),
  nothing('null', () => 'null'),
  nothing('a string', (text) => json(text)),
  nothing('a form', (text, { fields }) =>
    `token_type=Bearer&access_token=${JSON.parse(fields.access_token)}`),
  nothing('half of the object', (text) => text.slice(0, text.length >> 1)),
  nothing('all but the last byte', (text) => text.slice(0, -1)),
  nothing('a trailing comma', (text) => text.replace(/}$/, ',}')),
  nothing('NaN', (text) => text.replace('{', '{"number":NaN,')),
  nothing('a comment', (text) => `/* tokens */${text}`),
  nothing('garbage after the object', (text) => `${text}<!-- 12 ms -->`),
  nothing('a zero byte after the object', (text) => `${text}\0`),
  nothing('another object after the object', (text) => text + text),
  nothing('a guard before the object', (text) => `)]}',\n${text}`),
  nothing('a list around the object', (text) => `[${text}]`),
  nothing('a call around the object', (text) => `jsonp(${text});`),
  nothing('an object around the object', (text) => `{"data":${text}}`,
          'access_token=none'),
  nothing('single quotes', (text) => text.replaceAll('"', '\'')),
  nothing('UTF-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')
    .toString('latin1')),
  nothing('two byte order marks', (text) => BOM + BOM + text),
  nothing('3,000 nested arrays', (text) =>
    text.replace('{', `{"a":${'['.repeat(3000)}${']'.repeat(3000)},`)),
  unread('gzip that the gateway did not ask for', 'coding', (made) => {
    made.lines.push('Content-Encoding: gzip');
    made.around.push((text) =>
      gzipSync(Buffer.from(text, 'latin1')).toString('latin1'));
  }, 'json=none'),
];

// Replies with a status other than 2xx.  None of them ends a grant.
const outage = (status, what, text, {
  exchange = 'exchange_invalid',
  told = new RegExp(`status=${status},length=\\d+`),
} = {}) =>
  row(`status ${status} with ${what}`, 'status', (made) => {
    made.status = `${status} X`;
    made.around.push(text);
  }, { end: 'outage', exchange, told });
const page = () => '<html><body>error</body></html>';
const inTrouble = { exchange: 'exchange_unreachable', told: /failed/ };

export const OUTAGES = [
  outage(400, 'a page', page),
  outage(400, 'tokens', (text) => text),
  outage(400, 'an empty body', () => ''),
  outage(401, 'JSON that is cut', () => '{"error":"invalid_grant"'),
  outage(403, 'the word invalid_grant', () => 'invalid_grant'),
  outage(404, 'an unknown error', () => '{"error":"not found"}',
         { told: /status=404,length=21,error=unknown|invalid: not.found/ }),
  outage(302, 'tokens', (text) => text),
  outage(500, 'tokens', (text) => text, inTrouble),
  outage(500, 'invalid_grant', () => '{"error":"invalid_grant"}', inTrouble),
  outage(502, 'a page', page, inTrouble),
  outage(503, 'an empty body', () => '', inTrouble),
];

// Rows about id_tokens, and the changes that they use.
const claim = (name, value) => (made) => { made.claims[name] = value; };
const claims = (what, name, value, more) =>
  row(what, `claim ${name}`, claim(name, value), more);
const header = (values) => (made) => Object.assign(made.header, values);
const jws = (change) => (made) => made.jws.push(change);
const now = () => Math.floor(Date.now() / 1000);
const written = (text) => (made) => {
  const payload = made.payload ?? json;
  made.payload = (all) => text(payload(all));
};

// Changes of the text of each of the three parts of an id_token.  The first two
// parts are changed before they are signed.
const standard = (text) => text.replaceAll('-', '+').replaceAll('_', '/');
const padded = (text) => text.padEnd(Math.ceil(text.length / 4) * 4, '=');
const eachPart = (...changes) => (made) => made.part.push(...changes);

export const ALGORITHMS = { RS256: 'rsa', RS384: 'rsa', RS512: 'rsa',
                            PS256: 'rsa', PS384: 'rsa', PS512: 'rsa',
                            ES256: 'p256', ES384: 'p384', EdDSA: 'ed' };

export const ID_TOKENS = [
  ...Object.entries(ALGORITHMS).map(([alg, key]) =>
    row(`algorithm ${alg}`, 'signature', set({ header: { alg, kid: key },
                                               key }))),
  row('no kid', 'kid', header({ kid: undefined })),
  row('a kid that is null', 'kid', header({ kid: null })),
  row('an empty kid', 'kid', header({ kid: '' })),
  row('other members of the JWS header', 'header of it', header({
    typ: 'at+jwt', cty: 'x', x5t: 'abc', x5c: ['abc'], jku: 'https://x/' })),
  row('padding', 'alphabet', eachPart(padded)),
  row('the other alphabet', 'alphabet', eachPart(standard)),
  row('padding in the other alphabet', 'alphabet', eachPart(standard, padded)),
  row('white space around the id_token', 'white space', jws((token) =>
    ` ${token}\r\n`)),
  claims('an audience as a list', 'aud', ['acme-client']),
  claims('two audiences without azp', 'aud', ['acme-client', 'other'],
         { named: true }),
  row('two audiences with azp', 'claim aud', (made) => Object.assign(
    made.claims, { aud: ['other', 'acme-client'], azp: 'acme-client' })),
  claims('an empty azp', 'azp', ''),
  claims('exp as a float', 'exp', now() + 8000.5),
  claims('exp as a string', 'exp', `${now() + 8000}`),
  claims('no iat', 'iat', undefined),
  claims('iat that is a word', 'iat', 'now'),
  claims('iat as a float', 'iat', now() - 0.5),
  claims('nbf in the past', 'nbf', now() - 600),
  claims('nbf that is null', 'nbf', null),
  claims('auth_time as a string', 'auth_time', 'yesterday'),
  claims('a fhirUser that is a list', 'fhirUser', ['Patient/P1']),
  claims('an amr that is a string', 'amr', 'pwd'),
  claims('a name that is not UTF-8', 'name', 'M\xfcller'),
  row('a byte order mark in the id_token', 'payload', written((text) =>
    BOM + text)),
  row('a claim twice, the same', 'payload', written((text) => text.replace(
    '{', `{"sub":"${JSON.parse(text).sub}",`))),
];

// id_tokens that a dance refuses, and their result at a refresh.
const refused = (what, part, change, told, refresh = 'good') =>
  row(what, part, change, {
    exchange: 'id_token_invalid', refresh,
    told: new RegExp(`the id_token is refused: ${told}$`) });
const wrong = (what, name, value, told, refresh) =>
  refused(what, `claim ${name}`, claim(name, value), told, refresh);

const pem = () => KEYS.rsa.publicKey.export({ type: 'spki', format: 'pem' });
const stranger = (more = () => {}) => (made) => {
  made.claims.sub = 'somebody-else';
  more(made);
};

export const REFUSED_ID_TOKENS = [
  refused('alg none', 'signature', set({ header: { alg: 'none' },
                                         sign: () => '' }), 'malformed'),
  refused('alg none with a signature', 'signature', set({
    header: { alg: 'none' }, sign: () => 'AAAA' }), 'algorithm'),
  refused('HS256 with the public key', 'signature', set({
    header: { alg: 'HS256', kid: 'rsa' },
    sign: (input) => createHmac('sha256', pem()).update(input)
      .digest('base64url') }), 'algorithm'),
  refused('a key of another server', 'signature', set({ key: 'other' }),
          'signature'),
  refused('a key of another server with its kid', 'signature', set({
    header: { alg: 'RS256', kid: 'other' }, key: 'other' }), 'unknown_key'),
  refused('an unknown kid', 'kid', header({ kid: 'unknown' }),
          'unknown_key'),
  refused('the kid of a key of another kind', 'kid', header({ kid: 'p256' }),
          'algorithm'),
  refused('a signature that is cut', 'signature', jws((token) =>
    token.slice(0, -8)), 'signature'),
  refused('a critical extension', 'header of it', header({ crit: ['exp'] }),
          'malformed'),
  refused('two parts instead of three', 'signature', jws((token) =>
    token.split('.').slice(0, 2).join('.')), 'malformed'),
  refused('a word', 'signature', jws(() => 'none'), 'malformed'),
  refused('a payload that is not JSON', 'payload', written(() => '<html>'),
          'malformed'),
  refused('two subjects', 'payload', written((text) =>
    text.replace('{', '{"sub":"x",')), 'malformed'),
  wrong('no issuer', 'iss', undefined, 'issuer'),
  wrong('another issuer', 'iss', 'https://other.example', 'issuer'),
  wrong('no audience', 'aud', undefined, 'audience'),
  wrong('another client as audience', 'aud', 'other-client', 'audience'),
  wrong('another authorized party', 'azp', 'other', 'audience'),
  wrong('exp in the past', 'exp', now() - 86400, 'expired'),
  wrong('no exp', 'exp', undefined, 'malformed'),
  wrong('iat in the future', 'iat', now() + 86400, 'from_the_future'),
  wrong('nbf in the future', 'nbf', now() + 86400, 'from_the_future'),
  wrong('another nonce', 'nonce', 'of-another-dance', 'nonce'),
  wrong('a nonce that is a list', 'nonce', ['x'], 'nonce'),
  wrong('no subject', 'sub', undefined, 'malformed'),
  wrong('a subject that is a number', 'sub', 5, 'malformed'),
];

// Rows for refreshes only, where the gateway knows the subject.
const atRefresh = (what, refresh, change) =>
  row(what, 'claim sub', change, { refreshOnly: true, refresh });

export const SUBJECTS = [
  atRefresh('another subject with a good signature', 'foreign', stranger()),
  atRefresh('another subject and no audience with a good signature', 'foreign',
            stranger(claim('aud', undefined))),
  atRefresh('another subject and issuer with a good signature', 'foreign',
            stranger(claim('iss', 'https://other.example'))),
  atRefresh('another subject of our issuer, signed by another key', 'foreign',
            stranger(set({ key: 'other' }))),
  atRefresh('another subject and issuer, signed by another key', 'good',
            stranger((made) => {
              made.claims.iss = 'https://other.example';
              made.key = 'other';
            })),
  atRefresh('another subject and no issuer, alg none', 'good',
            stranger((made) => {
              made.claims.iss = undefined;
              made.header = { alg: 'none' };
              made.sign = () => 'AAAA';
            })),
  atRefresh('another patient', 'other patient', put('patient', '"P2"')),
  atRefresh('another patient, and no id_token', 'other patient', (made) => {
    made.fields.patient = '"Patient/P2"';
    made.fields.id_token = undefined;
  }),
];

// Key sets and metadata.  A row has these members, and rows of METADATA have
// more:
//   what      the change in words, for the name of a test
//   change    a function that changes the draft of the document
//   sign      header and key of the id_token
//   exchange  the outcome of a dance, by default connected
//   told      the pattern that the log must have, even if the document is used

const some = (rows, ...names) => rows.filter(({ what, named }) =>
  named || names.includes(what));

// The rows of TEXTS and FRAMES that are tried with key sets and metadata.
const DOCUMENTS = [
  ...some(TEXTS, 'a byte order mark and white space', 'an indented text',
          'half a surrogate pair', 'a number that no double holds',
          '30 nested objects', '100 KB of other members'),
  ...some(FRAMES, 'status 203', 'no reason', 'no type', 'type text/html',
          'charset latin1', 'two types', 'a Content-Encoding on plain JSON',
          '100 Continue before the reply', 'chunks inside chunks', 'no length',
          'one byte in each chunk', 'another reply after the reply',
          'a connection that stays open', 'lines that end with LF alone'),
];

const document = (what, change, more = {}) => ({ what, change, ...more });
const documents = (told) => DOCUMENTS.map(({ what, part, change }) =>
  document(what, change, { told: told.includes(part) ? /not strict JSON/
    : undefined }));

const keySet = (what, keys, more) =>
  document(what, put('keys', json(keys)), more);
const badKeys = (what, keys, shape) => keySet(what, keys, {
  exchange: 'keys_unreachable',
  told: new RegExp(`none of the keys is usable: ${shape}: `) });
const noKeys = (what, change, status = 200) => document(what, change, {
  exchange: 'keys_unreachable', told: new RegExp(
    `the keys cannot be fetched: status ${status}, \\d+ bytes that are no`) });
const foreignKeys = (what, keys, told, more) => keySet(what, keys, {
  exchange: 'id_token_invalid', told: new RegExp(`refused: ${told}`),
  ...more });

const { n: modulus } = jwkOf('rsa');
const { x, y } = jwkOf('p256');
const bytes = (text) => Buffer.from(text, 'base64url');
const noKid = { header: { alg: 'RS256' } };
const byP256 = { header: { alg: 'ES256', kid: 'p256' }, key: 'p256' };
const others = (count, more) => Array.from({ length: count }, (_, i) =>
  jwkOf('other', { kid: `k${i}`, ...more }));
const withoutKid = (keys) => keys.map(({ kid: _, ...key }) => key);
// Keys without kid, each with another modulus.
const different = (count) => Array.from({ length: count }, (_, i) => {
  const n = bytes(modulus);
  n.writeUInt32BE(0xc0000000 + i, 0);
  return jwkOf('rsa', { n: n.toString('base64url'), kid: undefined });
});

export const KEY_SETS = [
  ...documents([]),
  keySet('a kid twice, the other key first', [
    jwkOf('other', { kid: 'rsa' }), jwkOf('rsa')]),
  keySet('one kid for keys of two kinds', [
    jwkOf('p256', { kid: 'rsa' }), jwkOf('rsa')]),
  keySet('a key twice', [jwkOf('rsa'), jwkOf('rsa')]),
  keySet('a key under two kids', [jwkOf('rsa', { kid: 'a' }), jwkOf('rsa')]),
  keySet('no kid in the keys', withoutKid(KEY_SET)),
  keySet('no kid in the token, and several keys of its kind', [
    ...others(4), jwkOf('rsa')], { sign: noKid }),
  keySet('no kid anywhere', withoutKid([...others(1), ...KEY_SET]),
         { sign: noKid }),
  keySet('12 keys without kid, the last of which signs', [
    ...different(11), ...withoutKid([jwkOf('rsa')])]),
  keySet('a kid that is a number', [jwkOf('rsa', { kid: 1 })]),
  keySet('an empty kid', [jwkOf('rsa', { kid: '' })]),
  keySet('a kid of 300 bytes', [jwkOf('rsa', { kid: 'k'.repeat(300) })]),
  keySet('keys of unknown kinds, and a good one', [
    { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA', kid: 'rsa' },
    { kid: 'rsa' }, { kty: 'EC', crv: 'secp256k1', x, y, kid: 'rsa' },
    { kty: 'OKP', crv: 'X25519', x, kid: 'rsa' }, jwkOf('rsa')]),
  keySet('values that are not keys, and a good key', [
    null, 'rsa', 5, [], {}, jwkOf('rsa')]),
  keySet('a secret, and a good key', [{ kty: 'oct', k: 'AAAA', kid: 'rsa' },
                                      jwkOf('rsa')]),
  keySet('chains of certificates', [jwkOf('rsa', {
    x5c: ['AAAA'.repeat(400)], x5t: 'abc', 'x5t#S256': 5, exp: 1, iss: 'x' })]),
  keySet('a key for encryption under the same kid', [
    jwkOf('other', { kid: 'rsa', use: 'enc' }), jwkOf('rsa')]),
  keySet('no use', [jwkOf('rsa', { use: undefined })]),
  keySet('a use that is null', [jwkOf('rsa', { use: null, alg: null })]),
  keySet('key_ops', [jwkOf('rsa', { key_ops: ['sign', 'verify'] })]),
  keySet('the algorithm in the key', [jwkOf('rsa', { alg: 'RS256' })]),
  keySet('padding', [jwkOf('rsa', { n: `${modulus}==`, e: 'AQAB' })]),
  keySet('the other alphabet', [jwkOf('rsa', {
    n: bytes(modulus).toString('base64') })]),
  keySet('a modulus with a leading zero byte', [jwkOf('rsa', {
    n: Buffer.concat([Buffer.alloc(1), bytes(modulus)]).toString('base64url'),
    e: 'AAEAAQ' })]),
  keySet('coordinates with padding', [jwkOf('p256', {
    x: bytes(x).toString('base64'), y: bytes(y).toString('base64') })],
         { sign: byP256 }),
  keySet('coordinates with a leading zero byte', [jwkOf('p256', {
    x: Buffer.concat([Buffer.alloc(1), bytes(x)]).toString('base64url') })],
         { sign: byP256 }),
  keySet('a weak key, and a good one', [
    jwkOf('weak', { kid: 'rsa' }), jwkOf('rsa')]),
  keySet('200 keys, the last of which signs', [...others(199), jwkOf('rsa')]),
  keySet('200 keys for encryption, and a good one', [
    ...others(200, { use: 'enc' }), jwkOf('rsa')]),
  document('two lists, the last of which counts', front('"keys":[]')),

  badKeys('no key at all', [], '0 keys'),
  badKeys('a weak key', [jwkOf('weak', { kid: 'rsa' })], '1 key, 1 weak'),
  badKeys('a key with its secret half', [{
    ...KEYS.rsa.privateKey.export({ format: 'jwk' }), kid: 'rsa' }],
          '1 key, 1 secret'),
  badKeys('a key for encryption', [jwkOf('rsa', { use: 'enc' })],
          '1 key, 1 not for verifying'),
  badKeys('a key for another algorithm', [jwkOf('rsa', { alg: 'RSA-OAEP' })],
          '1 key, 1 other algorithm'),
  badKeys('keys of unknown kinds', [{ kty: 'AKP' }, { kty: 'rsa' }, 7],
          '3 keys, 1 no object, 2 unknown kind'),
  badKeys('a malformed modulus', [jwkOf('rsa', { n: '!' })],
          '1 key, 1 broken'),
  noKeys('no list', put('keys', undefined)),
  noKeys('a list that is null', put('keys', 'null')),
  noKeys('a list that is an object', put('keys', '{}')),
  noKeys('the list without an object', around(() => json(KEY_SET))),
  noKeys('a page', around(() => '<html>')),
  noKeys('an empty body', around(() => '')),
  noKeys('half of the object', around((text) =>
    text.slice(0, text.length >> 1))),
  noKeys('garbage after the object', around((text) => `${text};`)),
  noKeys('status 404', set({ status: '404 Not Found' }), 404),
  noKeys('status 302', set({ status: '302 Found' }), 302),
  foreignKeys('the key of another server under our kid', [
    jwkOf('other', { kid: 'rsa' })], 'signature'),
  foreignKeys('keys of another server', others(3), 'unknown_key'),
  foreignKeys('only keys of other kinds', [jwkOf('p256', { kid: 'rsa' })],
              'algorithm'),
  foreignKeys('40 keys without kid, the last of which signs', [
    ...different(39), ...withoutKid([jwkOf('rsa')])], 'signature'),
];

// Metadata.  Rows may also have these members:
//   configured  names of the settings (endpoints, issuer) that the tenant's
//               block has as well
//   issuer      a function that takes the tenant's issuer and returns the
//               `iss` of the id_token
//   exchange    null: connect answers 503, and no dance begins
const member = (name, value, more) => document(
  `${name} ${value === undefined ? 'absent' : json(value)}`,
  put(name, value === undefined ? undefined : json(value)), more);
const optional = (name, value, why) => member(name, value, {
  told: new RegExp(`passed over: "${name}": ${why}`) });
const no = (name, value, told) =>
  member(name, value, { exchange: null, told });
const noDocument = (what, change, told) =>
  document(what, change, { exchange: null, told });
const BOTH = ['authorization_endpoint', 'token_endpoint'];
const beside = (what, change, told) =>
  document(`${what}, with both endpoints configured`, change,
           { configured: BOTH, told });
const rewritten = (change) => (made) => {
  for (const name of Object.keys(made.fields)) {
    if (/^"https/.test(made.fields[name])) {
      made.fields[name] = json(change(JSON.parse(made.fields[name])));
    }
  }
};
const REASON = /discovery failed: (the document is )?not a JSON object/;

export const METADATA = [
  ...documents(['edge', 'name', 'escape', 'twice', 'number']),
  document('spaces after URLs', rewritten((url) => `${url} `)),
  document('line ends after URLs', rewritten((url) => `${url}\r\n`)),
  document('white space around URLs', rewritten((url) => `\t ${url}\n`)),
  document('an endpoint twice, the last of which counts', front(
    '"token_endpoint":"https://other.example/token"'),
           { told: /not strict JSON/ }),
  optional('jwks_uri', '', 'empty'),
  optional('jwks_uri', 'http://localhost/jwks', 'not an https URL'),
  optional('jwks_uri', ['https://localhost/jwks'], 'not a string'),
  optional('revocation_endpoint', '', 'empty'),
  optional('revocation_endpoint', 'http://localhost/r', 'not an https URL'),
  optional('revocation_endpoint', 'javascript:alert(1)', 'not an https URL'),
  optional('revocation_endpoint', { url: 'https://localhost/r' },
           'not a string'),
  optional('authorization_response_iss_parameter_supported', 'false',
           'not true or false'),
  member('jwks_uri', null),
  member('jwks_uri', undefined),
  member('revocation_endpoint', null),
  member('introspection_endpoint', 'http://localhost/i'),
  member('registration_endpoint', 7),
  member('scopes_supported', 'openid'),
  member('token_endpoint_auth_methods_supported', []),
  member('capabilities', { a: [{}] }),
  member('issuer', undefined, { issuer: () => 'https://any.example' }),
  member('issuer', null, { issuer: () => 'https://any.example' }),
  member('issuer', '', { issuer: () => 'https://any.example',
                         told: /passed over: "issuer": empty/ }),
  document('an issuer with a slash at its end', (made) => {
    made.fields.issuer = made.fields.issuer.replace(/"$/, '/"');
  }, { issuer: (issuer) => `${issuer}/` }),
  beside('status 404', set({ status: '404 Not Found' }), /status: 404/),
  beside('status 410 with a page', (made) => {
    made.status = '410 Gone';
    made.around.push(page);
  }, /status: 410/),
  beside('a page', around(page), /not a JSON object/),
  beside('status 204', set({ status: '204 No Content', frame: () => [[], ''] }),
         /not a JSON object/),
  beside('garbage', around(() => '\xff\x00garbage'), /not a JSON object/),
  beside('no endpoints', (made) => {
    BOTH.forEach((name) => { made.fields[name] = undefined; });
  }),
  beside('endpoints without TLS', (made) => {
    BOTH.forEach((name) => { made.fields[name] = '"http://localhost/x"'; });
  }, /"token_endpoint": not an https URL/),

  no('token_endpoint', 'http://localhost/token',
     /"token_endpoint" is not an https URL/),
  no('token_endpoint', 5, /"token_endpoint" is not an https URL/),
  no('token_endpoint', '', /no "token_endpoint"/),
  no('token_endpoint', undefined, /no "token_endpoint"/),
  no('authorization_endpoint', 'http://localhost/authorize',
     /"authorization_endpoint" is not an https URL/),
  no('authorization_endpoint', undefined, /no "authorization_endpoint"/),
  no('issuer', 'http://localhost/', /"issuer" is not an https URL/),
  no('issuer', ['https://localhost/'], /"issuer" is not an https URL/),
  document('an issuer with one more slash than configured', (made) => {
    made.fields.issuer = made.fields.issuer.replace(/"$/, '/"');
  }, { configured: ['issuer'], exchange: null,
       told: /"issuer" is not the one that is configured/ }),
  noDocument('a page', around(page), REASON),
  noDocument('an empty body', around(() => ''), REASON),
  noDocument('a list around the object', around((text) => `[${text}]`), REASON),
  noDocument('a trailing comma', around((text) => text.replace(/}$/, ',}')),
             REASON),
  noDocument('half of the object', around((text) =>
    text.slice(0, text.length >> 1)), REASON),
  noDocument('status 404', set({ status: '404 Not Found' }), /status: 404/),
  noDocument('status 401', set({ status: '401 No' }), /status: 401/),
];
