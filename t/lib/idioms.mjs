// The ways in which operators write proxying locations, as far as they decide
// what nginx sends.  Each idiom has a location below its own name, with and
// without cigna_fhir, so that a test can compare the two.  The location without
// cigna_fhir is the control.
//
//   name    a word for its path
//   at      the path of its location, by default /name/
//   what    a description for the name of a test
//   conf    a function that returns the text of the idiom's locations.  Takes f
//           ("cigna_fhir on;" or "cigna_fhir off;"), `to` (the upstream's
//           origin), base (fhir_base at that origin), and up (the suffix of the
//           names of upstream blocks: the control has its own connections)
//   about   'path' if the idiom decides the path of the upstream request
//   lines   other header names that the operator's proxy_set_header writes and
//           that may leave
//   writes  names of the caller's lines that the operator's lines replace
//   tail    a plain target below the location, by default Patient/1
//   slashes true: the idiom is in the server with merge_slashes off
//   sent    the number of upstream servers that get the request, by default 1
//   nothing true: the idiom leads away from the FHIR base, so nothing may leave
//           except a request for the base itself

const plain = (name, what, more, options = {}) => ({
  name, what, ...options,
  conf: ({ f, base }) =>
    `location /${name}/ { ${f} proxy_pass ${base}/; ${more} }`,
});

const KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";';

const PATHS = [
  plain('uri', 'a proxy_pass with a URI', ''),
  { name: 'whole', what: 'a proxy_pass without a URI', at: '/base/whole/',
    conf: ({ f, to }) =>
      `location /base/whole/ { ${f} proxy_pass ${to}; }` },
  { name: 'split', what: 'a capture of a regular expression',
    conf: ({ f, base }) =>
      `location ~ ^/split/([^?]*)$ { ${f} proxy_pass ${base}/$1; }` },
  { name: 'splitargs', what: 'a capture with $is_args$args',
    conf: ({ f, base }) => `location ~ ^/splitargs/([^?]*)$ {
        ${f} proxy_pass ${base}/$1$is_args$args; }` },
  { name: 'named', what: 'a named capture',
    conf: ({ f, base }) => `location ~ ^/named/(?<rest>[^?]*)$ {
        ${f} proxy_pass ${base}/$rest$is_args$args; }` },
  { name: 'parts', what: 'two named captures',
    conf: ({ f, base }) => `location ~ ^/parts/(?<type>[^/]+)/(?<id>[^/]+)$ {
        ${f} proxy_pass ${base}/$type/$id$is_args$args; }
      location /parts/ { ${f} proxy_pass ${base}/; }` },
  { name: 'var', what: '$uri in proxy_pass',
    conf: ({ f, base }) =>
      `location /var/ { ${f} proxy_pass ${base}$uri$is_args$args; }` },
  { name: 'document', what: '$document_uri in proxy_pass',
    conf: ({ f, base }) =>
      `location /document/ { ${f} proxy_pass ${base}$document_uri; }` },
  { name: 'requested', what: '$request_uri in proxy_pass',
    conf: ({ f, base }) =>
      `location /requested/ { ${f} proxy_pass ${base}$request_uri; }` },
  { name: 'host', what: 'a variable as the host',
    conf: ({ f, up }) => `location /host/ {
        ${f} proxy_pass https://$payer${up}/base$request_uri; }` },
  { name: 'settail', what: 'a path that "set" has made',
    conf: ({ f, base }) => `location /settail/ {
        set $t $uri; ${f} proxy_pass ${base}$t; }` },
  { name: 'setall', what: 'a whole URL that "set" has made',
    conf: ({ f, base }) => `location /setall/ {
        set $all ${base}$uri$is_args$args; ${f} proxy_pass $all; }` },
  { name: 'away', what: 'a path that is not below the FHIR base',
    nothing: true,
    conf: ({ f, to }) => `location /away/ {
        set $away ${to}/other; ${f} proxy_pass $away$request_uri; }` },
  { name: 'rewrite', what: 'rewrite with break',
    conf: ({ f, to }) => `location /rewrite/ {
        rewrite ^/rewrite/(.*)$ /base/$1 break; ${f} proxy_pass ${to}; }` },
  { name: 'searched', what: 'rewrite with a capture in the query',
    conf: ({ f, to }) => `location /searched/ {
        rewrite ^/searched/([^?]*)$ /base/Patient?_id=$1 break;
        ${f} proxy_pass ${to}; }` },
  { name: 'bare', what: 'rewrite that drops the query',
    conf: ({ f, to }) => `location /bare/ {
        rewrite ^/bare/([^?]*)$ /base/$1? break; ${f} proxy_pass ${to}; }` },
  { name: 'rewritten', what: 'rewrite before a proxy_pass with variables',
    conf: ({ f, to }) => `location /rewritten/ {
        rewrite ^/rewritten(/.*)$ /base$1 break;
        ${f} proxy_pass ${to}$uri$is_args$args; }` },
  { name: 'last', what: 'rewrite into another location',
    conf: ({ f, base }) => `location /last/ {
        rewrite "(?s)^/last/(.*)$" /lastly/$1 last; }
      location /lastly/ { internal; ${f} proxy_pass ${base}/; }` },
  { name: 'mapuri', what: 'a map of $uri',
    conf: ({ f, base }) => `location /mapuri/ {
        ${f} proxy_pass ${base}$mapped_uri; }` },
  { name: 'mapped', what: 'a map with a capture',
    conf: ({ f, base }) => `location /mapped/ {
        ${f} proxy_pass ${base}/$mapped; }` },
  { name: 'mapraw', what: 'a map of $request_uri with a capture',
    conf: ({ f, base }) => `location /mapraw/ {
        ${f} proxy_pass ${base}/$mapped_raw; }` },
  { name: 'nested', what: 'a location within a location',
    conf: ({ f, base }) => `location /nested/ { ${f}
        location ~ ^/nested/([A-Z].*)$ { ${f} proxy_pass ${base}/$1; }
        location /nested/ { ${f} proxy_pass ${base}/; }
        proxy_pass ${base}/; }` },
  { name: 'if', what: 'a proxy_pass within "if"', at: '/base/if/',
    conf: ({ f, to }) => `location /base/if/ { ${f} proxy_pass ${to};
        if ($request_method = GET) { proxy_pass ${to}; } }` },
  { name: 'ifset', what: '"if" with "set"',
    conf: ({ f, base }) => `location /ifset/ { set $p Patient;
        if ($uri ~ ^/ifset/(.*)$) { set $p $1; }
        ${f} proxy_pass ${base}/$p; }` },
  { name: 'exact', what: '"location ="',
    conf: ({ f, base }) => `location = /exact/Patient/1 {
        ${f} proxy_pass ${base}/Patient/1; }` },
  plain('caret', '"location ^~"', ''),
  { name: 'noslash', what: 'a location and a proxy_pass without last slashes',
    conf: ({ f, base }) => `location /noslash { ${f} proxy_pass ${base}; }` },
  { name: 'glued', what: 'a proxy_pass that lacks the last slash',
    nothing: true,
    conf: ({ f, base }) => `location /glued/ { ${f} proxy_pass ${base}; }` },
  { name: 'try', what: 'try_files with a named location',
    conf: ({ f, to }) => `location /try/ { try_files /no/such/file @try; }
      location @try { rewrite ^/try/(.*)$ /base/$1 break;
        ${f} proxy_pass ${to}; }` },
  plain('merge', 'merge_slashes off', '', { slashes: true }),
  { name: 'mergevar', what: 'merge_slashes off and $uri', slashes: true,
    conf: ({ f, base }) =>
      `location /mergevar/ { ${f} proxy_pass ${base}$uri$is_args$args; }` },
];

const LINES = [
  plain('original', 'proxy_set_header with $uri',
        'proxy_set_header X-Original-Path $uri;',
        { lines: ['x-original-path'] }),
  plain('originaluri', 'proxy_set_header with $request_uri',
        'proxy_set_header X-Original-URI $request_uri;',
        { lines: ['x-original-uri'] }),
  { name: 'lineofsplit', what: 'proxy_set_header with a capture',
    lines: ['x-rest'],
    conf: ({ f, base }) => `location ~ ^/lineofsplit/([^?]*)$ {
        proxy_set_header X-Rest $1; set $one Patient/1;
        ${f} proxy_pass ${base}/$one; }` },
  plain('hosthost', 'proxy_set_header Host $host',
        'proxy_set_header Host $host;'),
  plain('hosthttp', 'proxy_set_header Host $http_host',
        'proxy_set_header Host $http_host;'),
  plain('hostproxy', 'proxy_set_header Host $proxy_host',
        'proxy_set_header Host $proxy_host;'),
  plain('connection', 'proxy_set_header Connection $http_connection',
        'proxy_http_version 1.1; '
        + 'proxy_set_header Connection $http_connection;'),
  plain('upgrade', 'the lines that are written for WebSocket',
        'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; '
        + 'proxy_set_header Connection $connection_upgrade;'),
  plain('close', 'proxy_set_header Connection "close"',
        'proxy_http_version 1.1; proxy_set_header Connection close;'),
  plain('forwarded', 'proxy_set_header X-Forwarded-*',
        'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; '
        + 'proxy_set_header X-Forwarded-Host $http_host; '
        + 'proxy_set_header X-Forwarded-Proto $scheme; '
        + 'proxy_set_header X-Real-IP $remote_addr;'),
  plain('values', 'proxy_set_header with lines, arguments and cookies of the '
        + 'caller', 'proxy_set_header X-Any $http_x_anything; '
        + 'proxy_set_header X-Arg $arg_x; '
        + 'proxy_set_header X-Cook $cookie_x;',
        { lines: ['x-any', 'x-arg', 'x-cook'] }),
  plain('never', 'proxy_set_header with lines that must never leave',
        'proxy_set_header Cookie $http_cookie; '
        + 'proxy_set_header Content-Length $http_content_length; '
        + 'proxy_set_header TE $http_te; '
        + 'proxy_set_header Expect $http_expect; '
        + 'proxy_set_header Transfer-Encoding $http_transfer_encoding;'),
  plain('owners', 'proxy_set_header with the operator\'s own lines',
        'proxy_set_header X-Api-Key "k-123: a, b"; '
        + 'proxy_set_header X-App acme; '
        + 'proxy_set_header Accept application/fhir+json;',
        { lines: ['x-api-key', 'x-app'], writes: ['accept'] }),
  plain('coding', 'proxy_set_header Accept-Encoding ""',
        'proxy_set_header Accept-Encoding "";'),
];

const WAYS = [
  { name: 'kept', what: 'an upstream with kept connections',
    conf: ({ f, up }) => `location /kept/ {
        ${f} proxy_pass https://kept${up}/base/; ${KEPT} }` },
  { name: 'keptvar', what: 'a capture over kept connections',
    conf: ({ f, up }) => `location ~ ^/keptvar/([^?]*)$ {
        ${f} proxy_pass https://kept${up}/base/$1$is_args$args; ${KEPT} }` },
  { name: 'alive', what: 'proxy_set_header Connection "keep-alive"',
    conf: ({ f, up }) => `location /alive/ {
        ${f} proxy_pass https://kept${up}/base/;
        proxy_set_header Connection keep-alive; }` },
  { name: 'two', what: 'two servers, the first of which fails', sent: 2,
    conf: ({ f, up }) => `location /two/ {
        ${f} proxy_pass https://two${up}/base/; proxy_http_version 1.1;
        proxy_next_upstream error timeout http_502; }` },
  plain('old', 'proxy_http_version 1.0', 'proxy_http_version 1.0;'),
  plain('new', 'proxy_http_version 1.1', 'proxy_http_version 1.1;'),
  { name: 'streamed', what: 'proxy_request_buffering off',
    conf: ({ f, up }) => `location /streamed/ {
        ${f} proxy_pass https://kept${up}/base/; ${KEPT}
        proxy_request_buffering off; }` },
  plain('unbuffered', 'proxy_buffering off', 'proxy_buffering off;'),
  plain('bodiless', 'proxy_pass_request_body off',
        'proxy_pass_request_body off;'),
  plain('infile', 'client_body_in_file_only on',
        'client_body_in_file_only on;'),
  plain('mirrored', 'mirror', 'mirror /mirror;'),
  plain('limited', 'limit_except', 'limit_except GET { deny all; }'),
  plain('method', 'proxy_method GET', 'proxy_method GET;'),
  { name: 'linked', what: 'links=off',
    conf: ({ f, base }) => `location /linked/ {
        ${f.replace(' on;', ' on links=off;')} proxy_pass ${base}/; }` },
  { name: 'open', what: 'metadata that are open', tail: 'metadata',
    conf: ({ f, base }) => `location /open/ { ${f} proxy_pass ${base}/; ${
      f.includes(' on;')
        ? 'cigna_smart_endpoint token https://acme.localhost/token;' : ''} }` },
];

const OF_PATHS = PATHS.map((idiom) => ({ ...idiom, about: 'path' }));

export const IDIOMS = [...OF_PATHS, ...LINES, ...WAYS].map((idiom) => ({
  at: `/${idiom.name}/`, tail: 'Patient/1', lines: [], sent: 1, ...idiom,
}));

// Returns the text that the idioms (the tested configurations) need inside http
// {}.  port: that of the FHIR server; spare: that of a server which answers
// every request with 502.
export function idiomsHttp({ port, spare }) {
  const upstreams = (up) => `
    upstream kept${up} { server 127.0.0.1:${port}; keepalive 8;
                         keepalive_requests 100000; }
    upstream payer${up} { server 127.0.0.1:${port}; }
    upstream two${up} { server 127.0.0.1:${spare} max_fails=0;
                        server 127.0.0.1:${port} backup; }`;

  return `${upstreams('')}${upstreams('_control')}
    map $host $payer { default payer; }
    map $host $payer_control { default payer_control; }
    map $uri $mapped_uri { default $uri; "" /Patient; }
    map $uri $mapped { "~^/mapped/(?<mapped_tail>[^?]*)$" $mapped_tail; }
    map $request_uri $mapped_raw {
        "~^/mapraw/(?<raw_tail>.*)$" $raw_tail; }
    map $http_upgrade $connection_upgrade { default upgrade; "" close; }`;
}

// Returns the locations of one nginx server.  port: that of the FHIR server;
// fhir: false for the control, a server without cigna_fhir; slashes: true for
// the idioms that need merge_slashes off; other: the port that gets the
// mirrored requests.
export function idiomsServer({ port, fhir, slashes = false, other }) {
  const to = `https://127.0.0.1:${port}`;
  const place = { f: `cigna_fhir ${fhir ? 'on' : 'off'};`, to,
                  base: `${to}/base`, up: fhir ? '' : '_control' };

  return [
    `location = /mirror { internal; proxy_pass https://127.0.0.1:${other}; }`,
    'location / { return 404 "elsewhere"; }',
    ...IDIOMS.filter((idiom) => Boolean(idiom.slashes) === slashes)
      .map(({ conf }) => conf(place)),
  ].join('\n');
}
