// Requests of hostile callers: targets, header lines and bodies.
//
// An input describes one request.  It has `what`, a description for messages,
// and some of these members:
//   target(at)  returns the target below the location's path `at`; without it
//               the request has the plain target of the location's idiom
//   method, version, lines, body, host (null: no Host line)
//   first       true: the request is sent through every idiom of idioms.mjs
//   plain       true: the gateway leaves out all that is wrong, so the request
//               must be served
//   alone       true: the request lacks the X-Request-Id by which a test finds
//               it, so it must be the only request under way
//   cut         true: the connection is not used again
//   gone        true: the caller leaves without reading the reply
//
// Strings are sent as latin1.

const hex = (byte) => byte.toString(16).padStart(2, '0');

const tail = (text, more) => ({
  what: JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text),
  target: (at) => `${at}${text}`, ...more,
});

const whole = (text, more) => ({ ...tail(text), target: () => text, ...more });

// Bytes that a decoded path may not have, and some that it may have.
const BYTES = [0x00, 0x01, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0x1f, 0x20,
               0x22, 0x23, 0x25, 0x2f, 0x3b, 0x3c, 0x3f, 0x5c, 0x7f, 0x80, 0x85,
               0xa0, 0xff];

const bytes = () => BYTES.flatMap((byte) => [
  tail(`Patient%${hex(byte)}1`),
  tail(`Patient/1%${hex(byte)}`),
  tail(`Patient%25${hex(byte)}1`),
  tail(`Patient?_id=a%${hex(byte)}b&x=a%${hex(byte)}b`),
]);

const raw = () => [0x01, 0x09, 0x0b, 0x0c, 0x0d, 0x1f, 0x20, 0x7f, 0x80, 0x85,
                   0xff].flatMap((byte) => {
  const one = String.fromCharCode(byte);
  return [tail(`Patient${one}1`), tail(`Patient?_id=a${one}b`)];
});

const SECOND = 'GET%20/base/Patient/2';

const SPLITS = [
  `Patient%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a${SECOND}`,
  `Patient%20HTTP/1.1%0D%0AHost:%20x%0D%0A%0D%0A${SECOND}%20HTTP/1.1%0D%0A`
    + 'Host:%20x%0D%0A%0D%0A',
  `Patient%20HTTP/1.0%0d%0a%0d%0a${SECOND}%20HTTP/1.0%0d%0a%0d%0a`,
  `Patient%20HTTP/1.1%0aHost:%20x%0a%0a${SECOND}`,
  `Patient%20HTTP/1.1%0dHost:%20x%0d%0d${SECOND}`,
  `Patient%20HTTP/1.1%0d%0aHost:%20x%0d%0aX:%20${SECOND}`,
  `Patient%20HTTP/1.1%0d%0aConnection:%20keep-alive%0d%0aHost:%20x%0d%0a%0d%0a`
    + 'POST%20/base/Patient%20HTTP/1.1%0d%0aContent-Length:%20900%0d%0a%0d%0a',
  `Patient%20HTTP/1.1%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a0%0d%0a`
    + `%0d%0a${SECOND}`,
  `Patient%20HTTP/1.1%0d%0aContent-Length:%20300%0d%0a%0d%0a`,
  'Patient%0d%0aX-Evil:%201',
  'Patient%0aX-Evil:%201',
  'Patient%20HTTP/1.1%0d%0aX-Evil:%201%0d%0aX:',
  'Patient%20HTTP/1.1%0d%0aAuthorization:%20Bearer%20other%0d%0aX:',
  'Patient%20HTTP/1.1%0d%0aHost:%20evil.example%0d%0aX:',
  'Patient%20HTTP/1.1%0d%0a%20folded',
  'Patient%20HTTP/1.1%0d%0a%0d%0a',
  'Patient%20HTTP/1.1',
  'Patient%20HTTP/0.9',
  'Patient%20x%20HTTP/1.1%0d%0a',
  'Patient%250d%250aX-Evil:%201',
  `Patient%2520HTTP/1.1%250d%250a%250d%250a${SECOND}`,
  'Patient%e5%98%8d%e5%98%8aX-Evil:%201',
  'Patient%c4%8d%c4%8aX-Evil:%201',
  'Patient%e2%80%a8X-Evil:%201',
  'Patient%c2%85X-Evil:%201',
  'Patient%c0%8d%c0%8aX-Evil:%201',
  '%0d%0aPatient',
  '%0d%0a%0d%0aGET%20/base/Patient/2%20HTTP/1.1%0d%0a%0d%0a',
  '%20',
  '%20/Patient',
  'Patient?_id=1%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/',
  'Patient?x=%0d%0aX-Evil:%201',
  'Patient%3f_id=1%20HTTP/1.1%0d%0aX-Evil:%201%0d%0aX:',
  // header lines with names that the gateway lets pass to the FHIR server
  'Patient/1%0d%0aAccept:%20evil/evil',
  'Patient/1%0d%0aPrefer:%20evil%0d%0aUser-Agent:%20evil',
  'Patient/1%0d%0aX-Request-Id:%20evil%0d%0atraceparent:%20evil',
  'Patient/1%0d%0aX-Original-Path:%20evil%0d%0aX-Rest:%20evil',
  'Patient/1%0aX-Original-Path:%20evil%0aX-Rest:%20evil',
  'Patient%20HTTP/1.1%0d%0aAccept:%20evil/evil%0d%0aX:',
  'Patient/1%0d',
  'Patient/1%0a',
  'Patient/1%00.json',
];

const WAYS_UP = [
  '..', '../', '../other', '../../other/Patient', 'Patient/..', 'Patient/../..',
  'Patient/../../other', './Patient', 'Patient/./1', '.', '%2e', '%2e%2e',
  '%2e%2e/other', '.%2e/other', '%2e./other', '%2e%2e%2fother', '..%2fother',
  '..%2Fother%2f', 'Patient/..%2f..%2f..%2fother', 'Patient/%2e%2e/%2e%2e/x',
  '%252e%252e/other', '%252e%252e%252fother', '..%252fother',
  '%25%32%65%25%32%65/other', '..;/other', '..;x=1/other', '%2e%2e;/other',
  '..%3b/other', '%2e%2e%3b/other', '%2e%2e%3bx/other', 'Patient/..;/..;/other',
  ';/../other', 'Patient;/../other', 'Patient;jsessionid=1', 'Patient;a/1',
  ';jsessionid=1', '..%5cother', '..%5c..%5cother', '..\\other', '\\..\\other',
  'Patient\\1', '%5c%5cevil.example/', '..%00/other', '..%09/other',
  '..%20/other', '.%09./other', '.%00./other', '.%0d./other', '%c0%ae%c0%ae/x',
  '%c0%ae%c0%ae%c0%afother', '%e0%80%ae%e0%80%ae/x', '%f0%80%80%ae/x',
  '..%c0%afother', '..%c1%9cother', '..%e0%80%afother', '%uff0e%uff0e/x',
  '%ef%bc%8e%ef%bc%8e%ef%bc%8fother', '..%ef%bc%8fother', '..%e2%88%95other',
  '%e2%80%a5/other', '.../other', '..../other', '...%2fother', '..a/other',
  '..?/other', '..#/other', '..%3f/other', '..%23/other', '/', '//', '//other',
  '/../other', 'Patient//1', 'Patient///1', 'Patient/1//', '%2f', '%2f%2fother',
  'Patient%2f1', 'Patient%2f', '//evil.example/', 'http://evil.example/',
  'https:%2f%2fevil.example/', 'Patient/1/.', 'Patient/1/..', 'Patient/1/%2e',
];

const ODD = [
  '@evil.example/', '@evil', ':80@evil.example/', 'x@evil.example:443/Patient',
  '%40evil.example/', '#evil', 'Patient#', 'Patient%23x', 'Patient?#',
  'Patient?_id=1#frag', '?', '??', '???/../other', '?/../../other', '?//',
  '?%00', 'Patient?_id=%', '%', '%2', '%zz', 'Patient%', 'Patient%2',
  'Patient%g1', '%%32%65', '&', '=', '$', '$$', '$1', '$uri', '${uri}',
  '$http_cookie', '*', '|', '^', '`', '"', '<script>', '{}', '[]', '!', '~',
  'Patient,1', 'Patient:1', '%80', '%ff%fe', '\xff\xfe', 'Patient/\x80\x81',
  '%f5%80%80%80', '%ed%a0%80', 'Patient/%c3', 'Patient/%c3%28', '%f4%90%80%80',
  '%ef%bf%be', '%e2%80%ae', '%c2%ad', `${'a/'.repeat(2000)}`,
  `${'../'.repeat(2000)}`, 'x'.repeat(30000), `?${'x'.repeat(30000)}`,
  `${'%2e%2e%2f'.repeat(1000)}`, `${'%0d'.repeat(1000)}`,
  'x'.repeat(40000),
];

const WHOLES = [
  '*', '/', '//', '//evil.example/base/Patient', 'base/Patient', '?x', '#x',
  'evil.example:443', 'http://evil.example/', 'http://evil.example',
  'https://evil.example/base/Patient', 'http://user@evil.example/base/Patient',
  'http://acme.localhost:1@evil.example/', 'http:///base/Patient', 'http://',
  'http://[::1]/base/Patient', 'ftp://evil.example/', 'http:/base/Patient',
  'http://ev\til/', 'http://evil.example\\@x/', '/\\evil.example/',
  '/..//../base/Patient', '/%2e%2e/base/Patient', '/%00/base', '/\x00',
  '/base/../other/Patient', '/base/..%2fother/Patient', '/base@evil/Patient',
  '/basex/Patient', '/base%2fPatient', '/base;x/Patient', '/base',
];

const absolute = () => ['http://evil.example', 'https://evil.example:444',
                        'http://user:pass@evil.example', 'HTTP://EVIL.EXAMPLE',
                        'http://localhost', 'http://evil.example%00'].map(
  (origin) => ({
    what: `the absolute form, ${origin}`,
    target: (at) => `${origin}${at}Patient/1`,
  }));

export const TARGETS = [
  ...SPLITS.map((text) => tail(text, { first: true })), ...bytes(), ...raw(),
  ...WAYS_UP.map((text) => tail(text)), ...ODD.map((text) => tail(text)),
  ...WHOLES.map((text) => whole(text)), ...absolute(),
  { what: 'a doubled method', method: 'GET GET' },
  { what: 'a space after the target', target: (at) => `${at}Patient/1 ` },
];

// Header lines.

const lines = (what, list, more = {}) => ({ what, lines: [list].flat(),
                                            ...more });
const harmless = (what, list, more) => lines(what, list,
                                             { plain: true, ...more });

const CONNECTIONS = ['close', 'keep-alive', 'authorization', 'host', 'Host',
                     'Authorization, Host', 'close, authorization', 'TE',
                     'x-request-id', 'upgrade', 'content-length', ' ', ',,',
                     'keep-alive, Authorization', 'close, close', 'cookie',
                     'transfer-encoding', 'proxy-connection', '*', '"a"'];

const HOSTS = ['evil.example', 'evil.example:443', 'localhost', '127.0.0.1',
               'acme.localhost.', 'ACME.LOCALHOST', 'evil.example.', '[::1]',
               'acme.localhost:1', 'evil.example:80:80', 'evil_example'];

const BAD_HOSTS = ['', 'evil.example/path', 'evil.example#', '@evil.example',
                   'evil.example@x', 'evil example', 'a\tb', '%00', 'x\x01y',
                   '..', '.', 'a..b', 'evil\\x', '\xff'];

const NEVER = [
  ['Authorization', 'Bearer other'], ['authorization', 'Basic eDp5'],
  ['AUTHORIZATION', 'x'], ['Proxy-Authorization', 'Basic eDp5'],
  ['Proxy-Connection', 'keep-alive'], ['Proxy-Anything', '1'],
  ['TE', 'trailers'], ['te', 'trailers, deflate'], ['Trailer', 'Authorization'],
  ['Keep-Alive', 'timeout=1000'], ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'], ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
  ['Forwarded', 'for=1.2.3.4;host=evil.example'],
  ['X-Forwarded-For', '1.2.3.4'], ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'http'], ['X-Forwarded-Port', '1'],
  ['X-Forwarded-Prefix', '/evil'], ['X-Forwarded-Server', 'evil'],
  ['X-Real-IP', '1.2.3.4'], ['X-Original-URL', '/other'],
  ['X-Rewrite-URL', '/other'], ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Method-Override', 'PUT'], ['Cookie2', '$Version=1'],
  ['True-Client-IP', '1.2.3.4'], ['CF-Connecting-IP', '1.2.3.4'],
  ['Destination', 'https://evil.example/'], ['Via', '1.1 evil'],
  ['Max-Forwards', '0'], ['From', 'a@evil.example'], ['Origin', 'null'],
  ['Referer', 'https://evil.example/'], ['Sec-Fetch-Site', 'none'],
  ['X-Accel-Redirect', '/app'], ['X-CSRF', '1'], ['Content-Location', '/x'],
  ['If-Unmodified-Since-X', '1'], ['X-Anything', 'a\xffb'],
  ['X-Anything', 'plain'], ['X-Anything', 'a: b'], ['X-Anything', ''],
  ['X-Anything', 'GET / HTTP/1.1'], ['X-Anything', '\xe2\x80\xa8X-Evil: 1'],
  ['X-Original-Path', '/other'], ['X-Any', 'callers'], ['X-Rest', 'callers'],
  ['X-App', 'callers'], ['X-Api-Key', 'callers'], ['X-Any', 'a\tb'],
];

// nginx accepts some of these header lines and refuses others.  An accepted
// line may leave if the strictest peer can read it.
const SPOILT = [
  ['X-Anything', 'a\x01b'], ['X-Anything', 'a\x0bb'], ['X-Anything', 'a\x7fb'],
  ['X-Anything', 'a\x00b'], ['X-Anything', 'a\rX-Evil: 1'],
  ['X-Anything', 'a\nX-Evil: 1'], ['X-Anything', 'a\r\n folded'],
  ['X-Anything', 'a\r\n\tfolded'], ['Accept', 'a\x01b'], ['Accept', 'a\x7fb'],
  ['Accept', 'a\rb'], ['Accept', 'a\x00b'], ['Accept', 'x\r\n y'],
  ['User-Agent', 'a\x1b[2Jb'], ['User-Agent', '\x01'],
  ['Content-Type', 'a\x02b'], ['If-None-Match', '"\x03"'],
  ['Range', 'bytes=\x04'], ['Prefer', 'a\x7f'], ['Accept-Language', 'd\x05e'],
  ['X Anything', '1'], ['X-Any\x01thing', '1'], ['', 'no name'],
  ['X-Anything ', '1'], [' X-Anything', '1'], ['X-Any(thing)', '1'],
  ['X-\xff', '1'], ['Authorization ', 'Bearer other'],
  ['\tAuthorization', 'Bearer other'], ['Author\x00ization', 'Bearer other'],
];

const line = ([name, value]) => `${name}: ${value}`;
const shown = (text) => JSON.stringify(text);

const BODY = 'GET /base/Patient/2 HTTP/1.1\r\nHost: x\r\n\r\n';
const length = (n) => `Content-Length: ${n}`;
const chunks = (...list) => list.map((text) =>
  `${text.length.toString(16)}\r\n${text}\r\n`).join('');

export const HEADERS = [
  ...CONNECTIONS.map((value) =>
    harmless(`Connection: ${value}`, `Connection: ${value}`)),
  ...CONNECTIONS.slice(2, 5).map((value) =>
    harmless(`two lines Connection, ${value}`,
             ['Connection: keep-alive', `Connection: ${value}`])),
  ...HOSTS.map((host) => ({ what: `Host: ${host}`, host, plain: true })),
  ...BAD_HOSTS.map((host) => ({ what: `Host: ${shown(host)}`, host })),
  { what: 'no line Host', host: null },
  lines('two lines Host', 'Host: evil.example'),
  { what: 'no line Host, and HTTP/1.0', host: null, version: 'HTTP/1.0',
    plain: true },
  ...NEVER.map((one) => harmless(shown(line(one)), line(one))),
  ...SPOILT.map((one) => lines(shown(line(one)), line(one))),
  lines('two lines Authorization',
        ['Authorization: Bearer a', 'authorization: Bearer b']),
  harmless('a line with an underscore', 'X_Request_Id: evil'),
  harmless('underscores for ours', 'Content_Length: 5'),
  harmless('many Accept',
           Array.from({ length: 50 }, (_, i) => `Accept: a/${i}`)),
  harmless('a long line', `X-Anything: ${'x'.repeat(8000)}`),
  lines('a line that is too long', `X-Anything: ${'x'.repeat(40000)}`),
  harmless('Accept with two values', ['Accept: a/b', 'accept: c/d']),
  harmless('Accept as it is', 'Accept: text/html;q=0.5, */*;v="\xe4"'),
  harmless('Accept-Encoding', 'Accept-Encoding: gzip, br, identity;q=0'),
  harmless('conditions', ['If-None-Match: W/"1", "2"',
                          'If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT']),
  ...['0-', '0-0,2-2,4-4', '-1', '99999999999999999999-', '5-1', 'x',
      Array.from({ length: 500 }, (_, i) => `${i}-${i}`).join(',')].map(
    (range) => harmless(`Range: bytes=${range.slice(0, 20)}`,
                        `Range: bytes=${range}`)),
  harmless('If-Range and Range', ['Range: bytes=0-1', 'If-Range: "x"']),
  ...['a=b', 'x=1; session=bob', 'x=a,b', `x=${'c'.repeat(4000)}`, '$Version=1',
      'session', 'x="a\\"b"', 'x=a\x01b'].map((cookie) =>
    harmless(`a second Cookie: ${shown(cookie.slice(0, 20))}`,
             `Cookie: ${cookie}`)),
  ...['a b', 'a"b', 'x'.repeat(129), '', 'a\tb', 'a\xffb'].map((id) =>
    harmless(`X-Request-Id: ${shown(id.slice(0, 10))}`, `X-Request-Id: ${id}`,
             { alone: true })),
  harmless('two lines X-Request-Id', ['X-Request-Id: a', 'X-Request-Id: b'],
           { alone: true }),
  lines('X-Request-Id with a control byte', 'X-Request-Id: a\x01b',
        { alone: true }),
  harmless('an odd traceparent', 'traceparent: 00-x\xff-1-1'),
  harmless('an odd tracestate', ['tracestate: a=\x80',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01']),
  ...['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'CONNECT',
      'PROPFIND', 'get', 'Get', 'GETT', 'G'].map((method) =>
    ({ what: `method ${method}`, method, plain: method === 'HEAD' })),
  ...['HTTP/1.0', 'HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.10', 'HTTP/1',
      'http/1.1', 'HTTPS/1.1', 'HTTP/1.1 x', ''].map((version) =>
    ({ what: `version "${version}"`, version, plain: version === 'HTTP/1.0',
       alone: version === '' })),
];

// Bodies, most of which hold another request.

export const BODIES = [
  ...[0, 1, 17, BODY.length].map((n) => harmless(
    `a body of ${n} bytes`, length(n), { body: BODY.slice(0, n) })),
  ...[1000, 20000, 70000].map((n) => harmless(
    `a body of ${n} bytes`, length(n), { body: BODY.padEnd(n, BODY) })),
  harmless('a body in one chunk', 'Transfer-Encoding: chunked',
           { body: chunks(BODY, '') }),
  harmless('a body in three chunks', 'Transfer-Encoding: chunked',
           { body: chunks(BODY, 'x', BODY, '') }),
  harmless('an empty chunked body', 'Transfer-Encoding: chunked',
           { body: chunks('') }),
  harmless('a large chunked body', 'Transfer-Encoding: chunked',
           { body: chunks(BODY.padEnd(40000, BODY), '') }),
  harmless('chunks with an extension', 'Transfer-Encoding: chunked',
           { body: '1;a=b\r\nx\r\n0;c\r\n\r\n' }),
  harmless('chunks with a trailer', 'Transfer-Encoding: chunked',
           { body: '0\r\nAuthorization: Bearer x\r\n\r\n' }),
  lines('chunks that break', 'Transfer-Encoding: chunked',
        { body: 'zz\r\nx\r\n0\r\n\r\n' }),
  lines('a chunk size that is too large', 'Transfer-Encoding: chunked',
        { body: 'ffffffffffffffffff\r\n' }),
  ...['Chunked', 'chunked, chunked', 'gzip, chunked', 'identity', 'gzip',
      'chunked;x', ' chunked', 'x-chunked', 'chunked,'].map((coding) =>
    lines(`Transfer-Encoding: ${coding}`, `Transfer-Encoding: ${coding}`,
          { body: chunks(BODY, ''), cut: true })),
  lines('two lines Transfer-Encoding',
        ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
        { body: chunks(BODY, ''), cut: true }),
  lines('a length beside chunks',
        ['Transfer-Encoding: chunked', length(3)],
        { body: chunks(BODY, ''), cut: true }),
  lines('chunks beside a length',
        [length(3), 'Transfer-Encoding: chunked'],
        { body: chunks(BODY, ''), cut: true }),
  ...['+3', '-1', '3, 3', '0x3', '3 ', '', 'x', '99999999999999999999', '3;3']
    .map((n) => lines(`Content-Length: "${n}"`, `Content-Length: ${n}`,
                      { body: 'abc', cut: true })),
  lines('two lengths', [length(3), length(3)], { body: 'abc', cut: true }),
  lines('two lengths that differ', [length(3), length(30)],
        { body: 'abc', cut: true }),
  harmless('Expect', ['Expect: 100-continue', length(BODY.length)],
           { body: BODY }),
  harmless('Expect and chunks',
           ['Expect: 100-continue', 'Transfer-Encoding: chunked'],
           { body: chunks(BODY, '') }),
  harmless('Expect without a body', 'Expect: 100-continue'),
  lines('Expect of something else', ['Expect: 200-ok', length(3)],
        { body: 'abc', cut: true }),
  harmless('h2c with a body', ['Connection: Upgrade, HTTP2-Settings',
                               'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ',
                               length(BODY.length)], { body: BODY }),
  harmless('a form', ['Content-Type: application/x-www-form-urlencoded',
                      length(11)], { body: '_id=1&_id=2' }),
  harmless('a body of HEAD', length(BODY.length),
           { body: BODY, method: 'HEAD' }),
  harmless('a body of HTTP/1.0', length(BODY.length),
           { body: BODY, version: 'HTTP/1.0' }),
  harmless('a body and Connection: content-length',
           [length(BODY.length), 'Connection: content-length'],
           { body: BODY }),
  lines('a body that is cut', length(1000), { body: BODY, gone: true }),
  lines('chunks that are cut', 'Transfer-Encoding: chunked',
        { body: chunks(BODY), gone: true }),
];

export const HOSTILE = [...TARGETS, ...HEADERS, ...BODIES];
