// Features of nginx that send a request or its data elsewhere.  Each one stands
// beside cigna_fhir, and the FHIR server gives each kind of answer.  The token
// appears in one header line of requests to the FHIR server and nowhere else.
// Private data of the caller does not reach the FHIR server.

import assert from 'node:assert/strict';
import { chmodSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import { assertRefused, connected } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';
import { linkAt } from '../lib/process.mjs';
import { BASE } from '../lib/recorder.mjs';
import { scratchDirectory, until } from '../lib/scratch.mjs';
import { assertNoSecrets } from '../lib/secrets.mjs';
import { startWire } from '../lib/wire.mjs';

const STATUSES = [200, 302, 401, 404, 'cut'];

const ELSEWHERE = 'https://elsewhere.example/there';

// The expected results without any feature, by the status of the FHIR server's
// reply: the status that the caller gets, and the numbers of requests to the
// FHIR server and elsewhere.  After a 401 the gateway tries once more, and that
// request is served.
const PLAIN = {
  reply: { 200: 200, 302: 302, 401: 200, 404: 404, cut: 502 },
  fhir: { 200: 1, 302: 1, 401: 2, 404: 1, cut: 1 },
  away: { 200: 0, 302: 0, 401: 0, 404: 0, cut: 0 },
};

const PRIVATE = {
  'Authorization': 'Bearer of-the-caller',
  'X-Private': 'private-of-the-caller',
  'X-Forwarded-For': 'private-of-the-caller',
  'Referer': 'https://acme.example/private-of-the-caller',
};

const all = (value) => Object.fromEntries(
  STATUSES.map((status) => [status, value]));
const nothing = { fhir: all(0) };
const outside = { ...nothing, reply: all(200), away: all(1) };
const headers = ({ rawHeaders }) => rawHeaders.join('\n');

// { name: function }.  The function takes the servers and the location's name,
// and returns the differences from a plain location and from the results of
// PLAIN:
//   lines       more lines of the location
//   location    a function that returns the whole location instead
//   to          another target of proxy_pass
//   http        more text inside http {}
//   extra       a function that returns more text beside the location
//   target      the target of the request, after the location's name
//   body        the body of the request
//   answer      more header lines of the FHIR server's reply
//   size        the size of the body of that reply
//   reply       the status that the caller gets, by the FHIR server's status
//   fhir, away  the numbers of requests to the FHIR server and elsewhere, also
//               by the FHIR server's status
//   look        a function with more assertions on the reply and the requests
//   copies      true: the feature sends the caller's Authorization in another
//               header line
const FEATURES = {
  'a named error_page': () => ({
    lines: ['proxy_intercept_errors on;', 'error_page 404 502 = @away;'],
    reply: { 404: 200, cut: 200 }, away: { 404: 1, cut: 1 },
  }),
  'an error_page with a URI': () => ({
    lines: ['proxy_intercept_errors on;', 'error_page 404 502 =200 /away/p;'],
    reply: { 404: 200, cut: 200 }, away: { 404: 1, cut: 1 },
  }),
  'an error_page with a URL': () => ({
    lines: ['proxy_intercept_errors on;', `error_page 404 502 ${ELSEWHERE};`],
    reply: { 404: 302, cut: 302 },
  }),
  'an error_page for redirects and refusals': () => ({
    lines: ['proxy_intercept_errors on;', 'error_page 302 401 = @away;'],
    reply: { 302: 200 }, away: { 302: 1 },
  }),
  'an error_page that leads to another FHIR location': () => ({
    lines: ['proxy_intercept_errors on;', 'error_page 404 = /fine/x;'],
    fhir: { 404: 2 },
  }),
  'error pages of error pages': () => ({
    lines: ['proxy_intercept_errors on;', 'recursive_error_pages on;',
            'error_page 404 = /missing/x;'],
    extra: ({ away }) => `location /missing/ {
        error_page 418 = @away; recursive_error_pages on; return 418; }`,
    reply: { 404: 200 }, away: { 404: 1 },
  }),
  'X-Accel-Redirect': () => ({
    answer: ['X-Accel-Redirect: /away/accel'],
    look: ({ reply }) => assert.doesNotMatch(headers(reply), /accel/i),
  }),
  'X-Accel-Redirect to a named location': () => ({
    answer: ['X-Accel-Redirect: @away'],
  }),
  'the other X-Accel lines': () => ({
    answer: ['X-Accel-Limit-Rate: 1', 'X-Accel-Buffering: no',
             'X-Accel-Expires: 3600', 'X-Accel-Charset: koi8-r'],
    look: ({ reply }) => assert.doesNotMatch(headers(reply), /accel|koi8/i),
  }),
  'X-Accel lines that pass by configuration': () => ({
    lines: ['proxy_pass_header X-Accel-Redirect;'],
    answer: ['X-Accel-Redirect: /away/accel'],
  }),
  'mirror': () => ({
    lines: ['mirror /away/mirror;'], away: all(1),
  }),
  'mirror of bodies': () => ({
    lines: ['mirror /away/mirror;', 'mirror_request_body on;'],
    away: all(1), body: 'private-of-the-caller',
  }),
  'an auth_request whose reply echoes its request': () => ({
    lines: ['auth_request /echo;',
            'auth_request_set $member $upstream_http_x_member;',
            'auth_request_set $echo $upstream_http_x_echo;',
            'add_header X-Echo $echo always;'],
    away: all(1),
    look: ({ reply }) => {
      assert.match(reply.headers['x-echo'], /of-the-caller/);
      assert.doesNotMatch(headers(reply), /MARKs/);
    },
  }),
  'try_files': () => ({ lines: ['try_files /none @away;'], ...outside }),
  'try_files with a URI': () => ({
    lines: ['try_files /none /away/try;'], ...outside,
  }),
  'rewrite ... last': () => ({
    lines: ['rewrite ^ /away/r last;'], ...outside,
  }),
  'rewrite ... break': ({ at }) => ({
    lines: [`rewrite ^${at}(.*)$ ${BASE}/broken/$1 break;`],
    look: ({ seen }) => seen.forEach(({ target }) =>
      assert.equal(target, `${BASE}/broken/x`)),
  }),
  'rewrite ... redirect': () => ({
    lines: [`rewrite ^ ${ELSEWHERE} redirect;`], ...nothing, reply: all(302),
  }),
  'rewrite ... permanent': () => ({
    lines: ['rewrite ^ /away/r permanent;'], ...nothing, reply: all(301),
  }),
  'return': () => ({
    lines: ['return 200 "$http_authorization $http_cookie";'],
    ...nothing, reply: all(200),
    look: ({ reply }) =>
      assert.match(reply.body, /^Bearer of-the-caller session=alice/),
  }),
  'a redirect that is not absolute': () => ({
    lines: ['absolute_redirect off;', 'return 301 /away/r;'],
    ...nothing, reply: all(301),
  }),
  'a rewrite in an "if"': () => ({
    lines: ['if ($arg_out) { rewrite ^ /away/if last; }'],
    target: 'x?out=1', ...outside,
  }),
  'a proxy_pass in an "if", to another host': ({ stranger }) => ({
    lines: [`if ($arg_out) { proxy_pass https://127.0.0.1:${stranger.port}; }`],
    target: 'x?out=1', ...nothing, reply: all(500),
  }),
  'a fastcgi_pass in an "if"': ({ away }) => ({
    lines: [`if ($arg_out) { fastcgi_pass 127.0.0.1:${away.port}; }`],
    target: 'x?out=1', ...nothing, reply: all(500),
  }),
  'a grpc_pass in an "if"': ({ away }) => ({
    lines: [`if ($arg_out) { grpc_pass grpc://127.0.0.1:${away.port}; }`],
    target: 'x?out=1', ...nothing, reply: all(500),
  }),
  'a nested location without tokens': ({ at, away }) => ({
    lines: [`location ${at}out/ {
        cigna_fhir off; proxy_pass http://127.0.0.1:${away.port}; }`],
    target: 'out/x', ...outside,
  }),
  'a nested location that inherits': ({ at, fhir }) => ({
    lines: [`location ${at}in/ {
        proxy_pass https://127.0.0.1:${fhir.port}${BASE}/nested/; }`],
    target: 'in/x',
    look: ({ seen }) => seen.forEach(({ target }) =>
      assert.equal(target, `${BASE}/nested/x`)),
  }),
  'limit_except': () => ({
    lines: ['limit_except POST { deny all; }'], ...nothing, reply: all(403),
  }),
  'proxy_redirect off': () => ({
    lines: ['proxy_redirect off;'],
    look: ({ reply, status }) => status !== 302
      || assert.equal(reply.headers.location, ELSEWHERE),
  }),
  'proxy_redirect to a FHIR location': () => ({
    lines: ['proxy_redirect https://elsewhere.example/ /fine/;'],
    look: ({ reply, status }) => status !== 302
      || assert.match(reply.headers.location, /\/fine\/there$/),
  }),
  'proxy_redirect to a header of the caller': () => ({
    lines: ['proxy_redirect ~.* https://app.example/$http_authorization;'],
    look: ({ reply, status }) => status !== 302
      || assert.match(reply.headers.location, /of-the-caller$/),
  }),
  'proxy_next_upstream to another host': ({ fhir, stranger }) => ({
    http: `upstream next { server 127.0.0.1:${fhir.port} max_fails=0;
        server 127.0.0.1:${stranger.port} backup; }`,
    to: 'https://next',
    lines: ['proxy_next_upstream error timeout http_404 non_idempotent;'],
    reply: { 404: 502 },
  }),
  'proxy_next_upstream to a server without TLS': ({ fhir, away }) => ({
    http: `upstream plain { server 127.0.0.1:${fhir.port} max_fails=0;
        server 127.0.0.1:${away.port} backup max_fails=0; }`,
    to: 'https://plain',
    lines: ['proxy_next_upstream error timeout http_404;',
            'proxy_connect_timeout 300ms;'],
    reply: { 404: 504, cut: 504 },
  }),
  'proxy_next_upstream to the same host': ({ fhir }) => ({
    http: `upstream same { server 127.0.0.1:${fhir.port} max_fails=0;
        server 127.0.0.1:${fhir.port} backup max_fails=0; }`,
    to: 'https://same',
    lines: ['proxy_next_upstream error timeout http_404;'],
    fhir: { 404: 2, cut: 2 },
  }),
  'kept connections': ({ fhir }) => ({
    http: `upstream kept { server 127.0.0.1:${fhir.port} max_fails=0;
        keepalive 4; }`,
    to: 'https://kept',
    lines: ['proxy_http_version 1.1;', 'proxy_set_header Connection "";'],
    // nginx tries a new connection after a kept one has failed.
    fhir: { cut: 2 },
  }),
  'an upstream that the caller\'s Authorization chooses':
    ({ fhir, stranger }) => ({
      http: `upstream hashed { hash $http_authorization consistent;
        server 127.0.0.1:${fhir.port} max_fails=0; }
    map $http_authorization $by_authorization {
        default hashed; ~MARK 127.0.0.1:${stranger.port}; }`,
      to: `https://$by_authorization${BASE}/mapped/x`,
    }),
  'an upstream with random': ({ fhir }) => ({
    http: `upstream chance { random two;
        server 127.0.0.1:${fhir.port} max_fails=0; }`,
    to: 'https://chance',
  }),
  'a proxy_pass with variables': ({ at, fhir }) => ({
    lines: [`set $up 127.0.0.1:${fhir.port};`],
    to: `https://$up${BASE}${at}x$is_args$args`,
  }),
  'a proxy_pass whose host the caller names': ({ stranger }) => ({
    to: `https://127.0.0.1:$arg_port${BASE}/x`,
    target: `x?port=${stranger.port}`,
    ...nothing, reply: all(502),
  }),
  'a proxy_ssl_name that the caller names': () => ({
    lines: ['proxy_ssl_name $arg_name;'],
    target: 'x?name=other.example', ...nothing, reply: all(500),
  }),
  'a log of all fields of a request': ({ at, logs }) => ({
    lines: [`access_log ${logs}/all.log all;`],
    http: `log_format all '$http_authorization|$http_cookie|$request_body|'
        '$upstream_http_location|$upstream_http_www_authenticate|'
        '$sent_http_location|$sent_http_authorization|'
        '$upstream_http_authorization|$proxy_host|$proxy_internal_body_length|'
        '$upstream_addr|$request|$args|$proxy_add_x_forwarded_for';`,
    look: () => until('the log has the request', () =>
      readFileSync(`${logs}/all.log`, 'latin1').includes(`GET ${at}x`)),
  }),
  'a log whose name has variables': ({ logs }) => ({
    lines: [`root ${logs};`,
            `access_log ${logs}/$http_x_private-$upstream_http_x_name.log;`],
    answer: ['X-Name: of-the-reply'],
    look: ({ status }) => until('the log exists', () =>
      readdirSync(logs).includes(`private-of-the-caller-${
        status === 'cut' ? '' : 'of-the-reply'}.log`)),
  }),
  'add_header of lines that came and lines that were sent': () => ({
    lines: ['add_header X-A $http_authorization always;',
            'add_header X-B "<$upstream_http_authorization>" always;',
            'add_header X-C "<$sent_http_authorization>" always;',
            'add_trailer X-D $http_authorization;'],
    look: ({ reply }) => {
      assert.equal(reply.headers['x-a'], 'Bearer of-the-caller');
      assert.doesNotMatch(headers(reply), /MARKs/);
    },
  }),
  'set and add_header': () => ({
    lines: ['set $kept $http_authorization;',
            'add_header X-Kept $kept always;'],
    look: ({ reply }) =>
      assert.equal(reply.headers['x-kept'], 'Bearer of-the-caller'),
  }),
  'proxy_set_header of the caller\'s Authorization': () => ({
    lines: ['proxy_set_header X-Copy $http_authorization;'],
    look: ({ seen }) => seen.forEach(({ lines }) =>
      assert.ok(lines.some(([name, value]) => name === 'x-copy'
        && value === 'Bearer of-the-caller'))),
    copies: true,
  }),
  'post_action': () => ({ lines: ['post_action /away/post;'], away: all(1) }),
  'proxy_method': () => ({
    lines: ['proxy_method POST;'], ...nothing, reply: all(500),
  }),
  'cookies that nginx adapts and passes': () => ({
    lines: ['proxy_cookie_domain ~.* acme.localhost;',
            'proxy_cookie_path / /f;', 'proxy_pass_header Set-Cookie;'],
    answer: ['Set-Cookie: theirs=1; Path=/'],
    look: ({ reply }) => assert.deepEqual(reply.cookies, []),
  }),
  'proxy_pass_header of Authorization': () => ({
    lines: ['proxy_pass_header Authorization;',
            'proxy_pass_header Proxy-Authorization;'],
  }),
  'proxy_hide_header of Cache-Control': () => ({
    lines: ['proxy_hide_header Cache-Control;'],
    look: ({ reply }) =>
      assert.equal(reply.headers['cache-control'], 'no-store, private'),
  }),
  'replies without buffering': () => ({ lines: ['proxy_buffering off;'] }),
  'requests without buffering': () => ({
    lines: ['proxy_request_buffering off;', 'proxy_http_version 1.1;'],
  }),
  'bodies in files': () => ({
    lines: ['client_body_in_file_only on;'], body: 'private-of-the-caller',
  }),
  'replies in temporary files': () => ({
    lines: ['proxy_buffers 2 4k;', 'proxy_buffer_size 4k;',
            'proxy_busy_buffers_size 4k;'],
    size: 1 << 20,
  }),
  'an error log with level debug': ({ logs }) => ({
    lines: [`error_log ${logs}/debug.log debug;`, 'rewrite_log on;',
            'rewrite ^/never/ /away/ last;'],
    look: () => assert.match(readFileSync(`${logs}/debug.log`, 'latin1'),
                             /http upstream/),
  }),
  'stub_status': () => ({
    location: ({ at }) => `location ${at} { stub_status; }`,
    ...nothing, reply: all(200),
  }),
  'satisfy any, with an identity': () => ({
    lines: ['satisfy any;', 'deny all;'],
  }),
  'satisfy any, without an identity': () => ({
    lines: ['satisfy any;', 'allow all;'], ...nothing, reply: all(401),
  }),
  'an auth_request that leads to the FHIR server': ({ away }) => ({
    location: ({ at }) => `location ${at} {
        auth_request /fine/asked;
        proxy_pass http://127.0.0.1:${away.port}; }`,
    ...nothing, reply: all(403),
  }),
  'a mirror that leads to the FHIR server': ({ away }) => ({
    location: ({ at }) => `location ${at} {
        mirror /fine/mirrored;
        proxy_pass http://127.0.0.1:${away.port}; }`,
    ...nothing, reply: all(200), away: all(1),
  }),
  'an include that leads to the FHIR server': ({ away }) => ({
    location: ({ at }) => `location ${at} {
        ssi on; ssi_types *;
        proxy_set_header Accept-Encoding "";
        proxy_pass http://127.0.0.1:${away.port}/includes/; }`,
    ...nothing, reply: all(200), away: all(1),
    look: ({ reply }) => assert.match(reply.body,
                                      /^\[[^]*403 Forbidden[^]*\]$/),
  }),
};

// Settings with which nginx refuses to start.  Each row has a name, the
// directives by the place where they stand (fhir: the location /fhir/), and a
// word of nginx's error.
const REFUSED = {
  'ssi in the location': { fhir: { ssi: 'on' }, word: 'ssi' },
  'ssi in the server': { server: { ssi: 'on' }, word: 'ssi' },
  'ssi in http': { http: 'ssi on;', word: 'ssi' },
  'sub_filter': { fhir: { sub_filter: 'a b' }, word: 'sub_filter' },
  'add_before_body': { fhir: { add_before_body: '/app' },
                       word: 'add_before_body' },
  'add_after_body in http': { http: 'add_after_body /app;',
                              word: 'add_after_body' },
  'slice in the location': { fhir: { slice: '1m' }, word: 'slice' },
  'slice in the server': { server: { slice: '1m' }, word: 'slice' },
  'slice in http': { http: 'slice 1m;', word: 'slice' },
  'proxy_cache': { http: 'proxy_cache_path /tmp/none keys_zone=none:1m;',
                   fhir: { proxy_cache: 'none' }, word: 'proxy_cache' },
  'proxy_set_body': { fhir: { proxy_set_body: '"$http_cookie"' },
                      word: 'proxy_set_body' },
  'proxy_store': { fhir: { proxy_store: 'on' }, word: 'proxy_store' },
  'a proxy_pass in clear, in an "if"': {
    fhir: { 'if ($arg_out) { proxy_pass http://127.0.0.1:1; } set':
            '$nothing 1' }, word: 'proxy_pass' },
  'a proxy_pass in clear, in a location that inherits': {
    fhir: { 'location /fhir/out/ { proxy_pass http://127.0.0.1:1; } set':
            '$nothing 1' }, word: 'proxy_pass' },
};

const textOf = ([, { location, lines, to, http, extra, at }], env) => ({
  http: http ?? '',
  location: [location ? location({ ...env, at })
    : env.fhir.location(at, { lines, to }), extra?.(env) ?? ''].join('\n'),
});

// Sets the FHIR server's answer.  With status 401 the server refuses the first
// token that it sees, and serves requests with another one.
function answers(fhir, status, { answer = [], size }) {
  let refused;

  fhir.answer = (seen) => {
    refused ??= seen.token;
    if (status === 'cut') {
      return null;
    }
    const code = status !== 401 || seen.token === refused ? status : 200;
    return fhir.reply(seen, code, {
      more: [...answer, ...(code === 302 ? [`Location: ${ELSEWHERE}`] : []),
             ...(code === 401 ? ['WWW-Authenticate: Bearer'] : [])],
      ...(size && code === 200 && { type: 'application/pdf',
                                    body: 'x'.repeat(size) }),
    });
  };
}

const requestsOf = (wire) => wire.requests.filter(({ bytes }) =>
  /^[A-Z]+ \S/.test(bytes));

function assertNothingPrivate(bytes, copies) {
  const found = bytes.match(copies ? /session=|private-of/
    : /session=|private-of|of-the-caller/);
  assert.equal(found, null);
}

// Returns all files below a directory.
function filesOf(directory) {
  return readdirSync(directory, { recursive: true })
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file).isFile());
}

// Returns the contents of unlinked temporary files that a process has open.
function unlinkedOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)
    .filter((fd) => / \(deleted\)$/.test(linkAt(fd)))
    .filter((fd) => /\/temp\//.test(linkAt(fd)))
    .map((fd) => readFileSync(fd, 'latin1'));
}

test('features that send requests elsewhere', async (t) => {
  const fhir = await startWire(t);
  const stranger = await startWire(t, { ca: fhir.ca,
                                        names: ['other.example'] });
  const away = await startWire(t, { plain: true });
  const logs = scratchDirectory(t, 'logs');
  chmodSync(logs, 0o777);

  const env = { fhir, stranger, away, logs };
  const features = Object.entries(FEATURES).map(([name, make], i) =>
    [name, { at: `/f${i}/`, ...make({ ...env, at: `/f${i}/` }) }]);
  const texts = features.map((feature) => textOf(feature, env));
  const aside = `proxy_pass http://127.0.0.1:${away.port};`;

  const gw = await standardGateway(t, {
    http: texts.map(({ http }) => http).join('\n'),
    locations: `${texts.map(({ location }) => location).join('\n')}
        ${fhir.location('/fine/')}
        location /away/ { ${aside} }
        location @away { ${aside} }
        location = /echo { internal; auth_request off; ${aside} }`,
  });
  const { markers } = gw.sandbox.info;
  let alice = await connected(gw);

  away.answer = (seen) => away.reply(seen, 200, {
    more: ['X-Member: alice',
           `X-Echo: ${seen.bytes.replace(/[\r\n]+/g, ' ')}`],
    ...(seen.target === '/includes/x' && {
      body: '[<!--#include virtual="/fine/included" -->]' }),
  });

  // Sends a request, and waits for the requests elsewhere that follow from it.
  const ask = async ({ at, target = 'x', body = '' }, awaited) => {
    const reply = await alice.request(at + target, {
      headers: { ...PRIVATE, ...(body && {
        'Content-Length': String(body.length) }) }, body });
    await until('the requests elsewhere have arrived', () =>
      requestsOf(away).length >= awaited);
    return reply;
  };

  for (const [name, feature] of features) {
    for (const status of STATUSES) {
      await t.test(`${name}: no token goes elsewhere when the FHIR server `
        + `answers ${status}`, async () => {
        if (status === 401) {
          alice = await connected(gw);
        }
        const wanted = (what) => feature[what]?.[status] ?? PLAIN[what][status];
        answers(fhir, status, feature);
        [fhir, stranger, away].forEach((wire) => {
          wire.requests = [];
          wire.bytes = '';
        });

        const reply = await ask(feature, wanted('away'));
        const seen = fhir.take();

        assert.equal(reply.status, wanted('reply'), reply.body);
        assert.equal(seen.length, wanted('fhir'));
        for (const { faults, bytes } of seen) {
          assert.deepEqual(faults, [], bytes);
        }
        assert.equal(new Set(seen.map(({ token }) => token)).size,
                     Math.min(seen.length, status === 401 ? 2 : 1));
        assertNothingPrivate(fhir.bytes, feature.copies);

        assert.equal(requestsOf(away).length, wanted('away'));
        assert.equal(stranger.bytes, '');
        assert.doesNotMatch(away.bytes, /MARKs/);
        assert.doesNotMatch(headers(reply) + reply.body, /MARKs/);
        await feature.look?.({ reply, seen, status });
      });
    }
  }

  await t.test('a refusal of the gateway is not sent elsewhere', async () => {
    const [, { at }] = features.find(([name]) => /refusals/.test(name));
    away.bytes = '';
    assertRefused(await gw.visitor().get(`${at}x`), 401, 'no_identity');
    assertRefused(await gw.visitor({ member: 'none' }).get(`${at}x`), 401,
                  'not_connected', { connect: alice.url('/cigna/connect') });
    assert.equal(away.bytes, '');
    assert.deepEqual(fhir.take(), []);
  });

  await t.test('a reply that waits in a temporary file has no token in it',
    async () => {
      const [, { at }] = features.find(([name]) => /temporary/.test(name));
      answers(fhir, 200, { size: 16 << 20 });
      const socket = tls.connect({ port: gw.port, ca: gw.caText,
                                   servername: 'acme.localhost' });
      socket.write(`GET ${at}x HTTP/1.1\r\nHost: acme.localhost\r\n`
        + 'Cookie: session=alice\r\nConnection: close\r\n\r\n');
      const text = await until('the temporary file exists', () =>
        unlinkedOf(gw.nginx.workerPids()[0])
          .find(({ length }) => length > 1 << 20))
        .finally(() => socket.destroy());

      assert.match(text, /xxxxxxxx/);
      assertNoSecrets(markers, { 'the file': text });
      assert.deepEqual(fhir.take().map(({ faults }) => faults), [[]]);
    });

  for (const [name, { word, ...changes }] of Object.entries(REFUSED)) {
    await t.test(`nginx does not start with ${name}`, async (one) => {
      const { code, output } = await prepareNginx(one, {
        http: gw.configuration({ locations: '', http: '', ...changes }),
      }).test();

      if (/unknown directive/.test(output)) {
        one.skip('this nginx does not have the module');
        return;
      }
      assert.equal(code, 1, output);
      assert.match(output, new RegExp(
        `\\[emerg\\][^\n]*"cigna_fhir"[^\n]*${word}`));
    });
  }

  await t.test('no file that nginx writes has a token in it', () => {
    const files = [...filesOf(logs), ...filesOf(gw.nginx.directory)];
    assert.ok(files.length > 5, files.join());
    assertNoSecrets(markers, Object.fromEntries(files.map((file) =>
      [file, readFileSync(file, 'latin1')])));
  });
});
