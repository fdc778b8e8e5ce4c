// Directives of other modules that change the requests or replies of locations
// with cigna_fhir.  nginx -t refuses these directives on every level.  The
// message names the line, and the setting that turns the directive off.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { LOCATIONS, accepts, check, refuses } from
  '../lib/configuration.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const MODULES = '/usr/lib/nginx/modules';
const IS_STATIC = Boolean(process.env.CIGNA_NGINX);
const NGINX = process.env.CIGNA_NGINX ?? '/usr/sbin/nginx';

const UPPER = ['http', 'server', 'location', 'nested'];
const LOWER = ['location', 'nested', 'if'];

// directive: [a line, the line that turns the directive off (null: no line
// does), the levels, the needs].  Needs: young: only newer versions of nginx
// have the directive; module: the module of nginx that has it.
const RULES = {
  ssi: ['ssi on;', 'ssi off;', [...UPPER, 'if']],
  sub_filter: ['sub_filter a b;', null, UPPER],
  add_before_body: ['add_before_body /x;', 'add_before_body "";', UPPER],
  add_after_body: ['add_after_body /x;', 'add_after_body "";', UPPER],
  slice: ['slice 1m;', 'slice 0;', UPPER],
  proxy_set_body: ['proxy_set_body x;', 'proxy_set_body "";', UPPER],
  proxy_http_version: ['proxy_http_version 2;', 'proxy_http_version 1.1;',
                       UPPER, { young: true }],
  proxy_pass_trailers: ['proxy_pass_trailers on;', 'proxy_pass_trailers off;',
                        UPPER, { young: true }],
  early_hints: ['early_hints 0 $http_x;', 'early_hints 0;', UPPER,
                { young: true }],
  subs_filter: ['subs_filter a b;', null, UPPER, { module: 'subs_filter' }],
  echo_before_body: ['echo_before_body x;', null, LOWER, { module: 'echo' }],
  echo_after_body: ['echo_after_body x;', null, LOWER, { module: 'echo' }],
  image_filter: ['image_filter test;', 'image_filter off;',
                 ['location', 'nested'], { module: 'image_filter' }],
};

const LEVELS = {
  http: (line) => ({ above: line }),
  server: (line) => ({ locations: `${LOCATIONS}\n${line}` }),
  location: (line) => ({ within: line }),
  nested: (line) => ({ within: nested(line) }),
  if: (line) => ({ within: `if ($arg_x) {\n${line}\n}` }),
};

// A nested location, which inherits cigna_fhir.
const nested = (text) =>
  `location /fhir/n/ {\nproxy_pass https://127.0.0.1/;\n${text}\n}`;

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const lineOf = (text, line) => text.split('\n').indexOf(line) + 1;

const soOf = (name) => `${MODULES}/ngx_http_${name}_module.so`;

// Returns whether this nginx accepts the line.  The version number of a fork
// would not tell.
function knows(line) {
  const directory = mkdtempSync(path.join(tmpdir(), 'cigna-knows-'));
  const file = path.join(directory, 'nginx.conf');

  writeFileSync(file, `pid ${directory}/pid; events { }
    http { access_log off; ${line} }`);
  const { status } = spawnSync(NGINX, ['-t', '-e', 'stderr', '-c', file,
                                       '-p', directory]);
  rmSync(directory, { recursive: true });
  return status === 0;
}

// Returns why this nginx cannot test a rule, or false if it can.
function missing(line, { young, module } = {}) {
  if (young && !knows(line)) {
    return 'this nginx lacks the directive';
  }
  if (module && IS_STATIC) {
    return 'this nginx cannot load third-party modules';
  }
  return module && !existsSync(soOf(module)) ? `no ${soOf(module)}` : false;
}

const needed = ({ module } = {}) =>
  (module ? { main: `load_module ${soOf(module)};` } : {});

async function assertRefused(t, changes, line, { place, advice }) {
  const { code, output, text } = await check(t, changes);
  const [name] = line.split(' ');

  assert.equal(code, 1, output);
  assert.match(output, new RegExp(
    '\\[emerg\\] .*"cigna_fhir" in location "/fhir/(n/)?" does not go with '
    + `"${name}" in \\S+nginx\\.conf:${place ?? lineOf(text, line)}, .*; `
    + `${escaped(advice)} in \\S+nginx\\.conf:\\d+\n`));
}

for (const [name, [line, off, levels, needs]] of Object.entries(RULES)) {
  const skip = missing(line, needs);

  for (const level of levels) {
    const advice = off
      ? `write "${off}" in the ${level === 'if' ? 'block' : 'location'}, or `
        + 'remove that line if it stands there'
      : 'remove it, or move it to the locations that need it';

    test(`nginx -t refuses ${name} on level ${level}`, { skip }, (t) =>
      assertRefused(t, { ...LEVELS[level](line), ...needed(needs) }, line,
                    { advice }));
  }

  for (const level of ['http', 'server']) {
    if (!off || !levels.includes(level)) {
      continue;
    }
    test(`nginx -t accepts ${name} on level ${level} if the location turns it `
      + 'off', { skip }, async (t) => {
      const { code, output } = await check(t, {
        ...LEVELS[level](line), ...needed(needs), within: off });
      assert.equal(code, 0, output);
      assert.doesNotMatch(output, /\[(warn|error|alert|emerg)\]/);
    });
  }

  test(`nginx -t accepts ${name} in a location without `
    + 'cigna_fhir', { skip }, async (t) => {
    const { code, output } = await check(t, { ...needed(needs),
      locations: `${LOCATIONS}\nlocation /other/ { ${line}\n`
        + 'proxy_pass https://127.0.0.1/; }' });
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /\[(warn|error|alert|emerg)\]/);
  });
}

accepts('ssi in a nested location without cigna_fhir', {
  within: nested('cigna_fhir off; ssi on;') });
refuses('ssi that a location turns on again', {
  above: 'ssi off;', within: 'ssi ON;' },
        /write "ssi off;" in the location/);
refuses('ssi that only a nested location turns on', {
  above: 'ssi on;', within: `ssi off;\n${nested('ssi on;')}` },
        /"cigna_fhir" in location "\/fhir\/n\/" does not go with "ssi"/);
accepts('slice 0 with a unit', { above: 'slice 1m;', within: 'slice 0k;' });

// nginx's own errors are unchanged

refuses('a duplicate ssi', { within: 'ssi on;\nssi off;' },
        /"ssi" directive is duplicate/);
refuses('ssi with another value', { within: 'ssi maybe;' },
        /invalid value "maybe" in "ssi" directive/);
refuses('proxy_set_header without a value', { above: 'proxy_set_header X;' },
        /invalid number of arguments in "proxy_set_header" directive/);
refuses('sub_filter with an empty pattern', { above: 'sub_filter "" b;' },
        /"sub_filter" directive|empty search pattern/);

// charset

const MAP = 'charset_map koi8-r utf-8 { C0 D18E; }';

for (const level of ['http', 'server', 'location', 'nested', 'if']) {
  const accepted = {
    'a charset that only labels the reply': 'charset utf-8;',
    'a charset equal to the source':
      'charset utf-8; source_charset UTF-8;',
    'a charset without a map': 'charset windows-1251; '
      + 'override_charset on;',
    'a source without a charset': 'source_charset koi8-r;',
    'charset off': 'charset off; source_charset koi8-r; override_charset on;',
  };
  const refused = {
    'a charset that differs from the source':
      'charset utf-8; source_charset koi8-r;',
    'a charset that differs from the source, with the map reversed':
      'charset koi8-r; source_charset UTF-8;',
    'a charset that overrides the reply\'s':
      'charset utf-8; override_charset on;',
    'a charset from a variable':
      'charset $member; source_charset koi8-r;',
    'a source from a variable':
      'charset utf-8; source_charset $member;',
  };
  const changes = (line) => {
    const made = LEVELS[level](line);
    return { ...made, above: [MAP, made.above].filter(Boolean).join('\n') };
  };

  for (const [what, line] of Object.entries(accepted)) {
    accepts(`${what} (${level})`, changes(line));
  }
  for (const [what, line] of Object.entries(refused)) {
    refuses(`${what} (${level})`, changes(line),
            new RegExp('does not go with "charset" in \\S+nginx.conf:\\d+, '
              + 'which recodes bodies there; write "charset off;" in the '
              + (level === 'if' ? 'block' : 'location')));
  }
}
accepts('a charset that overrides the reply\'s, without any map', {
  above: 'charset utf-8; override_charset on;' });
accepts('recoding that the location turns off', {
  above: `${MAP} charset utf-8; source_charset koi8-r; override_charset on;`,
  within: 'charset off;' });
refuses('charsets of several levels that recode together', {
  above: `${MAP}\noverride_charset on;`,
  locations: `${LOCATIONS}\nsource_charset koi8-r;`, within: 'charset utf-8;',
}, /does not go with "charset"/);

// proxy_set_header

for (const level of ['http', 'server', 'location']) {
  const set = (line) => LEVELS[level](`proxy_set_header ${line};`);

  for (const name of ['""', '"X Name"', '"X-Name:"', '"X\\tY"', '"é"']) {
    refuses(`a header line named ${name} (${level})`, set(`${name} x`),
            /"proxy_set_header" has the name "/,
            /location "\/fhir\/" .*write one of letters, digits and "-"/);
  }
  for (const value of ['"a\\nb"', '"a\\rb"', '"$member\\n"', '"\x01"',
                       '"\x7f"']) {
    refuses(`a header line with the value ${JSON.stringify(value)} (${level})`,
            set(`X-Name ${value}`),
            /"proxy_set_header X-Name" has a control byte in its value/,
            /location "\/fhir\/" .*write the value without it/);
  }
  for (const line of ['Host $host', 'X-Forwarded-For $remote_addr', 'X ""',
                      'X "a\\tb"', '"!#%&\'*+.^_`|~" é', 'Connection ""',
                      'Authorization ""', 'X-Member "$member $host"']) {
    accepts(`proxy_set_header ${line} (${level})`, set(line));
  }
}

const OTHER = 'location /other/ { cigna_fhir on; '
  + 'proxy_pass https://127.0.0.1/; }';

for (const name of ['Authorization', 'proxy-authorization', 'COOKIE']) {
  test(`nginx -t warns once of a ${name} that is not sent`, async (t) => {
    const line = `proxy_set_header ${name} $member;`;
    const { code, output, text } = await check(t, {
      above: `${line}\nproxy_ssl_verify on;\nproxy_ssl_trusted_certificate `
        + '/etc/ssl/certs/ca-certificates.crt;',
      locations: `${LOCATIONS}\n${OTHER}`, within: nested('') });

    assert.equal(code, 0, output);
    const warnings = output.match(/\[warn\] .*/g);
    // nginx -t writes each warning to stderr and to the error log
    assert.equal(new Set(warnings.map((w) => w.replace(/^.*?"/, ''))).size, 1);
    assert.match(warnings[0], new RegExp(
      `"proxy_set_header ${name}" is not sent where "cigna_fhir" is on, .* `
      + `remove it there in \\S+nginx\\.conf:${lineOf(text, line)}$`));
  });
}
accepts('a Cookie line in another location', {
  locations: `${LOCATIONS}\nlocation /other/ { proxy_set_header Cookie a=b;\n`
    + 'proxy_pass https://127.0.0.1/; }' });
accepts('refused lines in a list that the location replaces', {
  above: 'proxy_set_header Cookie a=b; proxy_set_header "a b" c;',
  within: 'proxy_set_header X-Name x;' });
accepts('an unknown variable in a list that no location inherits', {
  above: 'proxy_set_header X-Name $nowhere_at_all;',
  locations: `${LOCATIONS}\nproxy_set_header X-Name x;` });
test('nginx -t refuses an unknown variable in a list that a location inherits',
     async (t) => {
  const { code, output } = await check(t, {
    above: 'proxy_set_header X-Name $nowhere_at_all;' });
  assert.equal(code, 1);
  assert.match(output, /\[emerg\] unknown "nowhere_at_all" variable/);
});

// cigna_identity

const WARNING = /"cigna_identity" uses "\$ssl_client_\w+".*"ssl_verify_client /;

for (const [level, changes] of Object.entries({
  http: { above: 'ssl_verify_client optional_no_ca;',
          server: { cigna_identity: 'acme $ssl_client_s_dn' } },
  server: { server: { cigna_identity: 'acme "$member$ssl_client_serial"',
                      ssl_verify_client: 'optional_no_ca' } },
  location: { server: { ssl_verify_client: 'optional_no_ca' },
              fhir: { cigna_identity: 'acme $ssl_client_fingerprint' } },
  'http, with the identity': {
    above: 'cigna_identity acme $ssl_client_escaped_cert;',
    server: { cigna_identity: null, ssl_verify_client: 'optional_no_ca' } },
})) {
  test('nginx -t warns once of an identity from an unverified certificate '
    + `(${level})`,
       async (t) => {
    const { code, output } = await check(t, changes);
    const warnings = output.match(/\[warn\] .*/g) ?? [];

    assert.equal(code, 0, output);
    assert.equal(new Set(warnings.map((w) => w.replace(/^.*?"/, ''))).size, 1);
    assert.match(warnings[0], WARNING);
    assert.match(warnings[0], /in \S+nginx\.conf:\d+$/);
  });
}
accepts('an identity from a certificate with ssl_verify_client off', {
  above: 'ssl_verify_client optional_no_ca;',
  server: { cigna_identity: 'acme $ssl_client_s_dn',
            ssl_verify_client: 'off' } });
accepts('an identity without a certificate where certificates are not '
  + 'verified', {
  server: { ssl_verify_client: 'optional_no_ca' } });

// a reload parses the configuration again in the same master process

const PATIENT = 'Patient/A00000000000005';

const STAGES = {
  'while parsing': { http: 'nowhere_at_all on;' },
  'in a wrapped directive': { http: 'ssi maybe;' },
  'while merging': { fhir: { ssi: 'on' } },
  'after merging': { http: 'charset koi8-r; source_charset utf-8;' },
  'after http {}': { http: 'access_log /nowhere/at/all/access.log;' },
};

async function reloadInVain(gw, changes) {
  const before = gw.nginx.errorLog().length;

  gw.nginx.configure({ http: gw.configuration(changes) });
  gw.nginx.server.signal('SIGHUP');
  await gw.nginx.waitForLog(
    new RegExp(`^[^]{${before},}\\[emerg\\] [^\n]*\n`));
  return gw.nginx.errorLog().slice(before);
}

const ABOVE = [
  'ssi on; ssi_types *;', 'slice 1k;', 'add_before_body /app;',
  'add_after_body /app;', 'addition_types *;', MAP, 'charset utf-8;',
  'source_charset koi8-r; override_charset on; charset_types *;',
  'proxy_set_body x;',
].join('\n');

const OFF = {
  ssi: 'off', slice: '0', add_before_body: '""', add_after_body: '""',
  charset: 'off', proxy_set_body: '""',
};

test('a location that turns all directives off serves the same bytes as before',
     async (t) => {
  const gw = await standardGateway(t);
  const { visitor } = await gw.dance({ member: 'alice' });
  const target = `/fhir/${PATIENT}`;
  const before = await visitor.get(target);

  assert.equal(before.status, 200);
  await gw.reload({ http: ABOVE, fhir: OFF });

  const after = await visitor.get(target);
  assert.equal(after.status, 200);
  assert.deepEqual(after.body, before.body);
  assert.equal(after.headers['content-type'], before.headers['content-type']);
});

test('each reload checks the directives again', async (t) => {
  const gw = await standardGateway(t, { nginx: { allow: [/\[emerg\]/] } });
  const { visitor } = await gw.dance({ member: 'alice' });
  const assertServes = async () =>
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);

  for (let i = 0; i < 2; i++) {
    for (const [stage, changes] of Object.entries(STAGES)) {
      await reloadInVain(gw, changes);
      await assertServes();

      assert.match(await reloadInVain(gw, { http: 'ssi on;' }),
                   /"cigna_fhir" .* does not go with "ssi"/, stage);
      await assertServes();
    }

    await gw.reload({ http: 'ssi on;', fhir: { ssi: 'off' } });
    await assertServes();
    await gw.reload();
    await assertServes();
  }
});

test('a reload may unload the module and load it again',
     { skip: IS_STATIC && 'the module is static in this nginx' }, async (t) => {
  const gw = await standardGateway(t, { nginx: { allow: [/\[emerg\]/] } });
  const { visitor } = await gw.dance({ member: 'alice' });
  const { module, http, logFormat } = gw.nginx.options;
  const none = { module: null, logFormat: null };
  const without = `ssi on; server { listen 127.0.0.1:${gw.port}; `
    + 'location / { ssi off; return 200 without; } }';

  for (let i = 0; i < 3; i++) {
    await reloadInVain(gw, { http: 'ssi on;' });
    await gw.nginx.reload({ ...none, http: without });
    await gw.nginx.reload();

    // no configuration uses the module's file now; a failed reload opens and
    // closes it
    Object.assign(gw.nginx.options, { module, logFormat });
    assert.match(await reloadInVain(gw, { http: 'ssi on;' }),
                 /"cigna_fhir" .* does not go with "ssi"/);
    await gw.nginx.reload({ ...none, http: without });

    await gw.nginx.reload({ module, logFormat, http });
    gw.dropIdle();
    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
  }
});
