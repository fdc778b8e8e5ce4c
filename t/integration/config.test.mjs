// Tests of nginx -t with whole configurations.  A refusal names the directive
// and the mistake, and mostly the text to write instead.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { KEYS, SECRET, TENANT, accepts, beside, block, check, http, refuses }
  from '../lib/configuration.mjs';
import { startNginx } from '../lib/nginx.mjs';
import { scratchDirectory } from '../lib/scratch.mjs';

const PRESET = 'https://r-hi2.cigna.com/mga/sps/oauth/oauth20';
const OWN = {
  authorization_endpoint: 'https://127.0.0.1/authorize',
  token_endpoint: 'https://127.0.0.1/token',
};

// accepted configurations

accepts('tenants and vault behind their servers', {});
accepts('a file without any cigna directive', {
  zone: null, vault: null, tenant: null, locations: '', fhir: null,
  server: { cigna_identity: null },
});
accepts('a tenant that is a variable', {
  server: { set: ['$tenant acme', '$member alice'],
            cigna_identity: '$tenant "$tenant/$member"' },
});
accepts('production, whose endpoints are discovered', {
  tenant: { environment: 'production' },
});
accepts('endpoints without an environment', {
  tenant: { environment: null, fhir_base: 'https://127.0.0.1/fhir/' },
});
accepts('a public client', { tenant: { client_secret_file: null } });
accepts('a secret from the environment', {
  tenant: { client_secret_file: null, client_secret_env: 'ACME_SECRET' },
  env: { ACME_SECRET: SECRET },
});
accepts('a new client secret and the older one', {
  tenant: { client_secret_file: ['acme.secret', 'former.secret'] },
  files: { 'former.secret': 'SECRET-of-before' },
});
accepts('one client secret from a file and one from the environment', {
  tenant: { client_secret_env: 'ACME_SECRET' },
  env: { ACME_SECRET: 'SECRET-of-before' },
});
accepts('every setting of a tenant', {
  tenant: {
    issuer: 'https://127.0.0.1',
    authorization_endpoint: 'https://127.0.0.1/authorize?a=b',
    token_endpoint: 'https://127.0.0.1/token',
    jwks_uri: 'https://127.0.0.1/jwks',
    revocation_endpoint: 'https://127.0.0.1/revoke',
    fhir_base: 'https://127.0.0.1/fhir',
    token_endpoint_auth_method: 'client_secret_basic',
    return_to: ['https://acme.example/a https://acme.example/b',
                'https://other.example/'],
    scope: 'openid fhirUser',
    aud: 'on',
    authorize_param: ['prompt login', 'ui_locales en'],
    connect_timeout: '1s',
    timeout: '2s',
    exchange_timeout: '2s',
    clock_leeway: '0',
    token_lifetime: '10m',
    grant_ttl: '30d',
    refresh_ahead: '2m',
    dances_per_member: '2',
    dances_per_second: '1000',
    member_dances: 'rate=60r/m burst=5',
  },
});
accepts('every setting of a vault', {
  vault: {
    redis: ['rediss://127.0.0.1:6380/2', 'rediss://localhost/2'],
    username: 'gateway',
    password_file: 'acme.secret',
    tls_name: 'redis.example',
    prefix: 'cigna-2',
    connections: '4',
    connect_timeout: '50ms',
    timeout: '100ms',
    revalidate: '0',
    stale: '1h',
  },
});
accepts('a timeout longer than the default exchange_timeout', {
  tenant: { timeout: '5m' },
});
accepts('a redirect_uri over http to localhost', {
  tenant: { redirect_uri: 'http://localhost:8080/cigna/callback' },
});
accepts('endpoints over http with insecure_http', {
  tenant: { insecure_http: 'on', token_endpoint: 'http://127.0.0.1/token',
            authorization_endpoint: 'http://127.0.0.1/authorize' },
});
accepts('endpoints of another server beside an environment', { tenant: OWN });
accepts('single endpoints on the environment\'s own server', {
  tenant: { token_endpoint: `${PRESET}/token`, issuer: `${PRESET}/any`,
            revocation_endpoint: `${PRESET}/revoke` },
});
accepts('included files inside a block', {
  files: { 'acme.inc': 'timeout 3s;\n' },
  tenant: { include: '*.inc' },
});
accepts('a Redis on a unix socket', {
  vault: { redis: 'unix:/run/redis/redis.sock:1' },
});
accepts('an unverified upstream with cigna_insecure_upstream', {
  server: { cigna_insecure_upstream: 'on' },
  fhir: { cigna_fhir: 'on cache=off', proxy_pass: 'http://127.0.0.1/' },
});
accepts('unknown hosts with a resolver', {
  tenant: { jwks_uri: 'https://nowhere.invalid/jwks' },
});

// nginx's resolver writes into the name that it is given.  A constant string
// would crash the worker.
test('workers look up the hosts of an environment and survive a '
  + 'failure', async (t) => {
  const directory = scratchDirectory(t, 'config');
  const files = { keys: KEYS, 'acme.secret': SECRET };

  for (const [name, content] of Object.entries(files)) {
    writeFileSync(`${directory}/${name}`, content, { mode: 0o600 });
  }
  const nginx = await startNginx(t, {
    http: beside(directory, http({
      resolver: 'resolver 127.0.0.1:1; resolver_timeout 100ms;',
      tenant: { environment: null, fhir_base: 'https://Nowhere.INVALID/fhir' },
      tenants: block('cigna_tenant globex', {
        redirect_uri: 'https://globex.example/cigna/callback',
      }, { over: TENANT }),
    })),
  });
  const workers = nginx.workerPids();

  await nginx.waitForLog(/nowhere\.invalid.* could not be resolved/i);
  await nginx.waitForLog(/fhir\.cigna\.com.* could not be resolved/);
  assert.deepEqual(nginx.workerPids(), workers);
});

// the gateway as a whole

refuses('a gateway without a zone', { zone: null },
        /lacks a directive, write "cigna_zone zone=cigna:32m;"/);
refuses('a gateway without a vault', { vault: null },
        /lacks a directive, write "cigna_vault/);
refuses('a gateway without tenants',
        { tenant: null, server: { cigna_identity: '$member $member' } },
        /lacks a directive, write "cigna_tenant NAME/);
refuses('a zone without vault and tenant', {
  vault: null, tenant: null, locations: '', fhir: null,
  server: { cigna_identity: null },
}, /write "cigna_vault/);

// cigna_zone

refuses('a zone that is too small', { zone: 'zone=cigna:1000k' },
        /"cigna_zone" .*too small, write at least .*zone=cigna:1m/);
refuses('a zone without a size', { zone: 'zone=cigna' },
        /"cigna_zone" .*invalid parameter, write "cigna_zone zone=cigna:32m/);
refuses('a zone without a name', { zone: 'zone=:32m' },
        /"cigna_zone" .*invalid name or size/);
refuses('a zone with a malformed size', { zone: 'zone=cigna:big' },
        /"cigna_zone" .*invalid name or size/);
refuses('a second zone', { zone: 'zone=a:1m; cigna_zone zone=b:1m' },
        /"cigna_zone" directive is duplicate/);

// cigna_vault

refuses('a vault without Redis', { vault: { redis: null } },
        /no "redis" in "cigna_vault", write "redis rediss:/);
refuses('a vault without keys', { vault: { keys: null } },
        /no "keys" in "cigna_vault", write "keys FILE;".*keygen/);
refuses('a second vault', { vaults: 'cigna_vault { redis unix:/r; keys k; }' },
        /"cigna_vault" directive is duplicate/);
refuses('an unknown setting of a vault', { vault: { reddis: 'x' } },
        /"reddis" is unknown in "cigna_vault"/);
refuses('a duplicate setting of a vault', { vault: { prefix: ['a', 'b'] } },
        /"prefix" directive is duplicate in "cigna_vault"/);
refuses('a setting without its argument', { vault: { prefix: true } },
        /"prefix" .*number of arguments.*write "prefix cigna;"/);
refuses('a Redis URL with another scheme',
        { vault: { redis: 'http://127.0.0.1' } },
        /"redis" "http:\S+" must begin with "redis:\/\/", "rediss:\/\/"/);
refuses('a password in the URL of Redis',
        { vault: { redis: 'redis://a:b@127.0.0.1' } },
        /"redis" .*must not hold a user name or a password.*password_file/);
refuses('seeds with different databases',
        { vault: { redis: ['redis://127.0.0.1/1', 'redis://127.0.0.1/2'] } },
        /"redis" "\S+\/2" is a seed .*same scheme and database/);
refuses('a tls_name for a Redis without TLS',
        { vault: { tls_name: 'redis.example' } },
        /"tls_name" in "cigna_vault" need TLS, write "redis rediss:/);
refuses('a Redis user without a password', { vault: { username: 'a' } },
        /user name without a password.*write "password_file FILE;"/);
refuses('a Redis user from both a setting and a file',
        { vault: { username: 'a', username_file: 'acme.secret',
                   password_file: 'acme.secret' } },
        /both "username" and "username_file"/);
refuses('a prefix with a brace', { vault: { prefix: '"a{b}"' } },
        /"prefix" is invalid in "a\{b\}"/);
refuses('zero connections to Redis', { vault: { connections: '0' } },
        /"connections" .*out of range.*from 1 to 16/);
refuses('a malformed time', { vault: { timeout: 'soon' } },
        /"timeout" directive invalid value.*write "timeout 1s;"/);
refuses('an exchange_timeout shorter than timeout',
        { tenant: { timeout: '4s', exchange_timeout: '3s' } },
        /"exchange_timeout" is shorter .*write "exchange_timeout 4000ms;"/);
refuses('an exchange_timeout shorter than the default timeout',
        { tenant: { exchange_timeout: '9999ms' } },
        /"exchange_timeout" is shorter.*write "exchange_timeout 10000ms;"/);
refuses('an exchange_timeout of more than ten minutes',
        { tenant: { exchange_timeout: '601s' } },
        /"exchange_timeout" .*out of range.*"exchange_timeout 3m;".* to 10m/);
refuses('a connect_timeout of zero', { vault: { connect_timeout: '0' } },
        /"connect_timeout" .*out of range.*from 1ms to 1m/);

const SENTINEL = { redis: null, sentinel: 'redis://127.0.0.1:26379',
                   sentinel_master: 'vault' };

accepts('Sentinels', { vault: {
  ...SENTINEL, sentinel: ['redis://127.0.0.1', 'redis://127.0.0.2:5000'] } });
accepts('a Sentinel URL with a database number',
        { vault: { ...SENTINEL, sentinel: 'redis://127.0.0.1/3' } });
accepts('a cluster', { vault: {
  redis: ['redis://127.0.0.1:7001', 'redis://127.0.0.1:7002'],
  cluster: 'on' } });
accepts('wait_replicas with a number', { vault: { wait_replicas: '1' } });
accepts('wait_replicas with a number and a time',
        { vault: { wait_replicas: '2 100ms' } });

refuses('both Sentinels and a Redis',
        { vault: { ...SENTINEL, redis: 'redis://127.0.0.1' } },
        /both "redis" and "sentinel".*remove "redis"/);
refuses('Sentinels for a cluster', { vault: { ...SENTINEL, cluster: 'on' } },
        /both "cluster" and "sentinel".*write "redis" for each/);
refuses('Sentinels without sentinel_master',
        { vault: { ...SENTINEL, sentinel_master: null } },
        /no "sentinel_master".*write "sentinel_master NAME;"/);
refuses('sentinel_master without Sentinels',
        { vault: { sentinel_master: 'vault' } },
        /"sentinel_..." without a "sentinel".*write "sentinel rediss:/);
refuses('sentinel_password_file without Sentinels',
        { vault: { sentinel_password_file: 'acme.secret' } },
        /"sentinel_..." without a "sentinel"/);
refuses('a Sentinel user without a password',
        { vault: { ...SENTINEL, sentinel_username: 'a' } },
        /"sentinel_username" is a user name without a password.*/);
refuses('a Sentinel user from both a setting and a file', { vault: {
  ...SENTINEL, sentinel_username: 'a', sentinel_username_file: 'acme.secret',
  sentinel_password_file: 'acme.secret' } },
        /both "sentinel_username" and "sentinel_username_file"/);
refuses('a Sentinel on a unix socket',
        { vault: { ...SENTINEL, sentinel: 'unix:/run/sentinel.sock' } },
        /"sentinel" "unix:\S+" must not be a unix socket/);
refuses('Sentinels with and without TLS',
        { vault: { ...SENTINEL, sentinel: ['redis://127.0.0.1',
                                           'rediss://127.0.0.1'] } },
        /"sentinel" "rediss:\S+" is a seed .*same scheme/);
refuses('a database number for a cluster',
        { vault: { redis: 'redis://127.0.0.1/1', cluster: 'on' } },
        /"redis" "\S+\/1" has a database number, and a cluster has none/);
refuses('a cluster on a unix socket',
        { vault: { redis: 'unix:/run/redis.sock', cluster: 'on' } },
        /"redis" "unix:\S+" must not be a unix socket/);
refuses('a cluster setting other than on and '
  + 'off', { vault: { cluster: 'half' } },
        /invalid value "half" in "cluster" directive, it must be "on" or/);
refuses('wait_replicas that is not a '
  + 'number', { vault: { wait_replicas: 'all' } },
        /"wait_replicas" .*invalid value.*write "wait_replicas 1 500ms;"/);
refuses('wait_replicas above the limit', { vault: { wait_replicas: '17' } },
        /"wait_replicas" .*invalid value/);
refuses('wait_replicas with a time of zero',
        { vault: { wait_replicas: '1 0' } },
        /"wait_replicas" .*invalid value/);
refuses('a duplicate wait_replicas', { vault: { wait_replicas: ['1', '2'] } },
        /"wait_replicas" directive is duplicate/);

// secret files

refuses('a key file that does not exist', { vault: { keys: 'nothing' } },
        /"keys" cannot open "\S+nothing" \(2: No such file/);
refuses('a key file that its group may read',
        { files: { keys: { content: KEYS, mode: 0o640 } } },
        /"keys" file "\S+keys" is open to others .*"chmod 600"/);
refuses('a key file that everybody may read',
        { files: { keys: { content: KEYS, mode: 0o604 } } },
        /"keys" file .*open to others/);
refuses('a directory as a key file', { vault: { keys: 'directory' } },
        /"keys" must name a regular file/);
refuses('a device as a key file', { vault: { keys: '/dev/null' } },
        /"keys" must name a regular file/);
refuses('an oversized key file',
        { files: { keys: '#'.repeat(100000) } },
        /"keys" file .*larger than 16384 bytes/);
refuses('an empty key ring', { files: { keys: '' } },
        /"keys" file \S+ line 0: /);
refuses('keys that are too short',
        { files: { keys: KEYS.replace(/(seal .{20}).*/, '$1') } },
        /"keys" file \S+ line 2: .*scripts\/keygen/);
refuses('a client secret that others may read',
        { files: { 'acme.secret': { content: SECRET, mode: 0o644 } } },
        /"client_secret_file" file .*open to others/);
refuses('an empty client secret', { files: { 'acme.secret': '\n' } },
        /"client_secret_file" finds an empty secret/);
refuses('a client secret of two lines',
        { files: { 'acme.secret': `${SECRET}\n${SECRET}\n` } },
        /"client_secret_file" finds a control byte or a second line/);
refuses('a client secret from a variable that is not set',
        { tenant: { client_secret_file: null,
                    client_secret_env: 'NOT_THERE_AT_ALL' } },
        /"client_secret_env" names "NOT_THERE_AT_ALL", which is not in the en/);

// cigna_tenant

refuses('a tenant with an invalid name',
        { tenants: 'cigna_tenant "a/b" { }' },
        /"cigna_tenant" has an invalid name "a\/b"/);
refuses('two tenants with one name', { tenants: 'cigna_tenant acme { }' },
        /"cigna_tenant" "acme" is duplicate/);
refuses('an unknown setting of a tenant', { tenant: { client_secret: 'x' } },
        /"client_secret" is unknown in "cigna_tenant"/);
refuses('an unknown environment', { tenant: { environment: 'test' } },
        /"environment" .*unknown value.*"environment sandbox;" or "env/);
refuses('a tenant without an environment', { tenant: { environment: null } },
        /no "environment" in "cigna_tenant", write .*"fhir_base"/);
refuses('a tenant without client_id', { tenant: { client_id: null } },
        /no "client_id" in "cigna_tenant", write/);
refuses('a client_id with a space', { tenant: { client_id: '"a b"' } },
        /"client_id" holds a space/);
refuses('a scope with a line end', { tenant: { scope: '"a\nb"' } },
        /"scope" holds a control byte/);
refuses('an unknown authentication method',
        { tenant: { token_endpoint_auth_method: 'private_key_jwt' } },
        /"token_endpoint_auth_method" .*unknown value.*"client_secret_post"/);
refuses('a client secret with token_endpoint_auth_method none',
        { tenant: { token_endpoint_auth_method: 'none' } },
        /client secret with "token_endpoint_auth_method none" would never/);
refuses('client_secret_post without a client secret',
        { tenant: { client_secret_file: null,
                    token_endpoint_auth_method: 'client_secret_post' } },
        /"token_endpoint_auth_method" needs a client secret, write "client_s/);
refuses('a third client secret',
        { tenant: { client_secret_file: ['acme.secret', 'b', 'c'] },
          files: { b: 'B', c: 'C' } },
        /"client_secret_file" directive is the third client secret in "cigna_/,
        /write "client_secret_file FILE;" for the new secret, and below it/);
refuses('a third client secret from the environment',
        { tenant: { client_secret_file: ['acme.secret', 'b'],
                    client_secret_env: 'ACME_SECRET' },
          files: { b: 'B' } },
        /"client_secret_env" directive is the third client secret in "cigna_t/);
refuses('one file for both client secrets',
        { tenant: { client_secret_file: ['acme.secret', 'acme.secret'] } },
        /"\S+acme.secret" is there for both client secrets of "cigna_tenant",/,
        /write the one with the new secret first and the one with the older/);
refuses('one variable for both client secrets',
        { tenant: { client_secret_file: null,
                    client_secret_env: ['ACME_SECRET', 'ACME_SECRET'] },
          env: { ACME_SECRET: SECRET } },
        /"ACME_SECRET" is there for both client secrets of "cigna_tenant"/);
refuses('an older client secret that others may read',
        { tenant: { client_secret_file: ['acme.secret', 'older_file'] },
          files: { older_file: { content: 'OLDER', mode: 0o640 } } },
        /"client_secret_file" file .*older_file" is open to others/);
refuses('an older client secret in a file that does not exist',
        { tenant: { client_secret_file: ['acme.secret', 'older_file'] } },
        /"client_secret_file" cannot open ".*older_file"/);
refuses('two client secrets with token_endpoint_auth_method none',
        { tenant: { client_secret_file: ['acme.secret', 'b'],
                    token_endpoint_auth_method: 'none' }, files: { b: 'B' } },
        /client secret with "token_endpoint_auth_method none" would never/);

test('nginx -t warns of two equal client secrets', async (t) => {
  const { code, output } = await check(t, {
    tenant: { client_secret_file: ['acme.secret', 'former.secret'] },
    files: { 'former.secret': SECRET },
  });
  const warnings = output.match(/\[warn\] .*/g);
  assert.equal(code, 0, output);
  assert.equal(new Set(warnings.map((w) => w.replace(/^.*?"/, ''))).size, 1);
  assert.match(warnings[0], new RegExp('"\\S+acme.secret" and '
    + '"\\S+former.secret" hold the same client secret, so that there is one '
    + 'only: write the new one into the first, or remove the second line'));
});

refuses('an authorize_param that the gateway sets itself',
        { tenant: { authorize_param: 'state x' } },
        /"authorize_param" cannot set "state"/);
refuses('more authorize_param than the limit',
        { tenant: { authorize_param: Array.from({ length: 9 },
                                                (_, i) => `p${i} v`) } },
        /more than 8 "authorize_param"/);
refuses('a flag other than on and off',
        { tenant: { insecure_http: 'yes' } },
        /"insecure_http" directive, it must be "on" or "off"/);
refuses('a clock_leeway of hours', { tenant: { clock_leeway: '2h' } },
        /"clock_leeway" .*out of range.*from 0 to 10m/);
refuses('a trusted_certificate that does not exist',
        { tenant: { trusted_certificate: 'nothing.pem' } },
        /"\S+nothing\.pem".*"trusted_certificate"/);

// addresses

refuses('an endpoint that is not a URL',
        { tenant: { token_endpoint: 'r-hi2.cigna.com/token' } },
        /"token_endpoint" is no URL in "r-hi2\S+", write one like "https:/);
refuses('an endpoint over http',
        { tenant: { token_endpoint: 'http://127.0.0.1/token' } },
        /"token_endpoint" would send secrets in clear to "http:\S+", write/,
        /"insecure_http on;", for tests only/);
for (const [name, others, needed] of [
  ['token_endpoint', {}, 'authorization_endpoint'],
  ['authorization_endpoint', {}, 'token_endpoint'],
  ['revocation_endpoint', {}, 'token_endpoint'],
  ['token_endpoint', { authorization_endpoint: `${PRESET}/authorize` },
   'authorization_endpoint'],
  ['token_endpoint', { authorization_endpoint: OWN.authorization_endpoint,
                       revocation_endpoint: `${PRESET}/revoke` },
   'revocation_endpoint'],
]) {
  refuses(`a ${name} on another server than ${needed}`,
          { tenant: { ...others, [name]: 'https://127.0.0.1/own' } },
          new RegExp(`"${name}" is of another server than "environment", `
                     + `which "${needed}" is of \\(preset, .* `
                     + `write "${needed}" of `));
}
refuses('a fhir_base over http',
        { tenant: { fhir_base: 'http://127.0.0.1/fhir' } },
        /"fhir_base" would send secrets in clear/);
refuses('a fhir_base with a query',
        { tenant: { fhir_base: 'https://127.0.0.1/fhir?x' } },
        /"fhir_base" has a query/);
refuses('a tenant without redirect_uri', { tenant: { redirect_uri: null } },
        /no "redirect_uri" in "cigna_tenant", write .*to the letter/);
refuses('a redirect_uri with a fragment',
        { tenant: { redirect_uri: '"https://acme.example/cb#x"' } },
        /"redirect_uri" is no URL in .*without user name, fragment/);
refuses('a redirect_uri with a query',
        { tenant: { redirect_uri: 'https://acme.example/cb?x=1' } },
        /"redirect_uri" has a query/);
refuses('a redirect_uri over http',
        { tenant: { redirect_uri: 'http://acme.example/cb' } },
        /"redirect_uri" would send secrets in clear/);
refuses('a return_to that is a path', { tenant: { return_to: '/plans' } },
        /"return_to" is no URL in "\/plans"/);
refuses('a return_to with dot segments',
        { tenant: { return_to: 'https://acme.example/a/../b' } },
        /"return_to" has "\.", "\.\."/);
refuses('more return_to than the limit', {
  tenant: {
    return_to: Array.from({ length: 17 }, (_, i) => `https://a.example/${i}`),
  },
}, /more than 16 "return_to"/);
refuses('unknown hosts without a resolver',
        { resolver: '', tenant: { jwks_uri: 'https://nowhere.invalid/' } },
        /host "\S+" is not found.*add a "resolver"/);
refuses('a redirect_uri that two issuers share', {
  tenants: block('cigna_tenant globex', { environment: 'production' },
                 { over: TENANT }),
}, /"globex" shares its "redirect_uri" with "acme", whose issuer/);
refuses('a redirect_uri that two configured issuers share', {
  tenant: { issuer: 'https://one.example' },
  tenants: block('cigna_tenant globex', { issuer: 'https://two.example' },
                 { over: TENANT }),
}, /"globex" shares its "redirect_uri" with "acme"/);
accepts('a redirect_uri that two clients of one issuer share', {
  tenants: block('cigna_tenant globex', { client_id: 'other' },
                 { over: TENANT }),
});

// cigna_identity

for (const name of ['http_x_member', 'arg_member', 'cookie_session', 'host',
                    'args', 'query_string', 'uri', 'request_uri', 'request',
                    'document_uri', 'request_body', 'remote_user',
                    'proxy_add_x_forwarded_for', 'ssl_server_name', '1']) {
  refuses(`$${name} as a member`,
          { server: { cigna_identity: `acme $${name}` } },
          new RegExp(`"cigna_identity" cannot use "\\$${name}", which any `
                     + 'caller can write'));
}

for (const name of ['cigna_request_id', 'CIGNA_request_id']) {
  refuses(`$${name} as a member`,
          { server: { cigna_identity: `acme $${name}` } },
          new RegExp(`"cigna_identity" cannot use "\\$${name}", which any `
                     + 'caller can write'));
}

for (const name of ['tenant', 'member', 'outcome', 'token_source', 'dance',
                    'patient', 'scope', 'userinfo', 'budget', 'budget_wait']) {
  refuses(`$cigna_${name} as a member`,
          { server: { cigna_identity: `acme "a$cigna_${name}"` } },
          new RegExp(`"cigna_identity" cannot use "\\$cigna_${name}", which `
                     + 'has no value before the identity is known'));
}
accepts('a variable of the app that begins with $cigna_', {
  server: { set: '$cigna_app_user a', cigna_identity: 'acme $cigna_app_user' },
});
refuses('a header inside a longer member',
        { server: { cigna_identity: 'acme "m-${HTTP_X_Member}-$member"' } },
        /"cigna_identity" cannot use "\$HTTP_X_Member"/);
refuses('a host name as a tenant',
        { server: { cigna_identity: '$host $member' } },
        /"cigna_identity" cannot use "\$host"/);
accepts('a host name through a map', {
  resolver: 'resolver 127.0.0.1; map $host $tenant { a.example acme; }',
  server: { cigna_identity: '$tenant $member' },
});
accepts('variables whose names begin like refused ones', {
  resolver: 'resolver 127.0.0.1; map $host $host_of { default x; }',
  server: { set: ['$requester a', '$member b'],
            cigna_identity: 'acme "$host_of$requester$upstream_http_x"' },
});
refuses('an unknown tenant', { server: { cigna_identity: 'acmee $member' } },
        /"cigna_identity" names the tenant "acmee", which no "cigna_tenant"/);
refuses('an unknown tenant in a location',
        { fhir: { cigna_identity: 'acmee $member' } },
        /"cigna_identity" names the tenant "acmee"/);
refuses('an empty member', { server: { cigna_identity: 'acme ""' } },
        /"cigna_identity" directive has an invalid member/);
refuses('a duplicate '
  + 'identity', { server: { cigna_identity: ['acme a', 'acme b'] } },
        /"cigna_identity" directive is duplicate/);

// Locations of the endpoints.

for (const name of ['cigna_connect', 'cigna_callback', 'cigna_status',
                    'cigna_disconnect']) {
  refuses(`${name} without an identity`, {
    server: { cigna_identity: null }, fhir: null,
    locations: `location = /x { ${name}; }`,
  }, /no "cigna_identity" for location "\/x", write "cigna_identity TENANT/);

  refuses(`${name} before proxy_pass`, {
    locations: `location /x { ${name}; proxy_pass http://127.0.0.1; }`,
  }, /location "\/x" has another handler too/);

  refuses(`${name} after proxy_pass`, {
    locations: `location /x { proxy_pass http://127.0.0.1; ${name}; }`,
  }, new RegExp(`"${name}" directive shares its location with another`));
}

refuses('two endpoints in one location',
        { locations: 'location /x { cigna_connect; cigna_status; }' },
        /"cigna_status" directive shares its location/);
refuses('a duplicate endpoint',
        { locations: 'location /x { cigna_connect; cigna_connect; }' },
        /"cigna_connect" directive is duplicate/);
refuses('cigna_fhir without an identity',
        { server: { cigna_identity: null }, locations: '' },
        /no "cigna_identity" for location "\/fhir\/"/);
refuses('cigna_fhir with another value', { fhir: { cigna_fhir: 'yes' } },
        /"cigna_fhir" directive has an invalid value, write "cigna_fhir on;"/);
refuses('cigna_fhir with another parameter',
        { fhir: { cigna_fhir: 'on cache=maybe' } },
        /"cigna_fhir" .*invalid parameter, write "cache=on", "cache=off", /);
refuses('cigna_base_url with a query',
        { fhir: { cigna_base_url: 'https://acme.example/fhir?a' } },
        /"cigna_base_url" .*is no http or https URL without a query/);
refuses('cigna_smart_endpoint over http',
        { fhir: { cigna_smart_endpoint: 'issuer http://acme.example' } },
        /"cigna_smart_endpoint" .*begins with "https:\/\/"/);
refuses('cigna_smart_endpoint with an invalid field name',
        { fhir: { cigna_smart_endpoint: 'Issuer https://acme.example' } },
        /"cigna_smart_endpoint" .*name.*as "cigna_smart_endpoint token_e/);
refuses('a duplicate cigna_smart_endpoint',
        { fhir: { cigna_smart_endpoint: ['issuer https://acme.example',
                                         'issuer https://acme.example'] } },
        /"cigna_smart_endpoint" .*is duplicate/);
refuses('cigna_upstream_alias that is a path',
        { vaults: 'cigna_upstream_alias /PatientAccess/v1;' },
        /"cigna_upstream_alias" "\/PatientAccess\/v1" is no http or https URL/);
refuses('one cigna_upstream_alias too many', {
  vaults: `cigna_upstream_alias ${Array.from({ length: 14 }, (_, i) =>
    `https://alias-${i}.example`).join(' ')};`,
}, new RegExp('"cigna_upstream_alias" "https://alias-13.example" is one too '
  + 'many, write 13 at most beside "fhir_base" of "cigna_tenant" "acme"'));
refuses('cigna_fhir without proxy_pass', { fhir: { proxy_pass: null } },
        /"cigna_fhir" in location "\/fhir\/" needs "proxy_pass"/);
refuses('cigna_fhir over http', { fhir: { proxy_pass: 'http://127.0.0.1/' } },
        /"cigna_fhir" .*would send tokens in clear/);
refuses('cigna_fhir to an unverified server',
        { fhir: { proxy_ssl_verify: 'off' } },
        /"cigna_fhir" .*write "proxy_ssl_verify on"/);
refuses('cigna_fhir with proxy_store',
        { fhir: { proxy_store: 'on' } },
        /"cigna_fhir" .*does not go with "proxy_store"/);
refuses('cigna_fhir with proxy_cache', {
  resolver: 'resolver 127.0.0.1; '
    + 'proxy_cache_path temp levels=1 keys_zone=pages:1m;',
  fhir: { proxy_cache: 'pages' },
}, /"cigna_fhir" .*does not go with "proxy_cache"/);

// budgets

accepts('budgets of the gateway, tenants and members', {
  vaults: 'cigna_budget rate=100r/s burst=200 delay=1s lease=100ms '
    + 'outage=closed dry_run;',
  tenant: { budget: 'rate=50r/s burst=10 minimum=600r/m delay=0 dry_run',
            member_budget: 'rate=100r/d burst=100 dry_run' },
});
accepts('a tenant\'s budget without a rate of the gateway', {
  vaults: 'cigna_budget;', tenant: { budget: 'rate=1r/s' },
});
refuses('a tenant\'s budget without cigna_budget',
        { tenant: { budget: 'rate=1r/s' } },
        /"budget" of "cigna_tenant" "acme" needs .*write "cigna_budget;"/);
refuses('a member_budget without cigna_budget',
        { tenant: { member_budget: 'rate=1r/s' } },
        /"member_budget" of "cigna_tenant" "acme" needs budgets to be on/);
refuses('a duplicate budget of the gateway',
        { vaults: 'cigna_budget; cigna_budget rate=1r/s;' },
        /"cigna_budget" directive is duplicate/);
refuses('a duplicate budget of a tenant', {
  vaults: 'cigna_budget;', tenant: { budget: ['rate=1r/s', 'rate=2r/s'] },
}, /"budget" directive is duplicate/);

const BUDGET_ERRORS = {
  'a rate without a unit': ['rate=100', /an invalid rate \(1 to 100000 r\/s/],
  'a rate of zero': ['rate=0r/s', /has an invalid rate/],
  'a rate that is too high': ['rate=100001r/s', /has an invalid rate/],
  'a rate in weeks': ['rate=10r/w', /has an invalid rate/],
  'a burst without a rate': ['burst=10', /has a burst and no rate/],
  'a burst of zero': ['rate=1r/s burst=0', /has an invalid burst \(1 to/],
  'a delay of a minute': ['delay=1m', /has an invalid delay \(0 to 10s\)/],
  'a duplicate rate': ['rate=1r/s rate=2r/s', /has a parameter twice/],
  'an unknown parameter': ['speed=1', /has an unknown parameter/],
  'a flag with a value': ['dry_run=1', /has an unknown parameter/],
};

for (const [what, [text, pattern]] of Object.entries(BUDGET_ERRORS)) {
  const says = (name) => new RegExp(`"${name}" directive .*${pattern.source}`);

  refuses(`a gateway's budget with ${what}`,
          { vaults: `cigna_budget ${text};` },
          says('cigna_budget'), /write "cigna_budget rate=100r\/s burst=100 /);
  refuses(`a tenant's budget with ${what}`,
          { vaults: 'cigna_budget;', tenant: { budget: text } },
          says('budget'), /in "cigna_tenant", write "budget rate=10r\/s /);
}

refuses('a lease that is too short', { vaults: 'cigna_budget lease=19ms;' },
        /"cigna_budget" .*has an invalid lease \(20ms to 1s\)/);
refuses('a lease that is too long', { vaults: 'cigna_budget lease=1001ms;' },
        /"cigna_budget" .*has an invalid lease/);
refuses('an unknown value of outage=',
        { vaults: 'cigna_budget outage=maybe;' },
        /"cigna_budget" .*unknown outage \(local, open or closed\)/);
refuses('lease= in a tenant\'s budget',
        { vaults: 'cigna_budget;', tenant: { budget: 'lease=50ms' } },
        /"budget" .*has an unknown parameter/);
refuses('metadata= in a member_budget', {
  vaults: 'cigna_budget;',
  tenant: { member_budget: 'rate=1r/s metadata=1r/s' },
}, /"member_budget" .*has "metadata=", which belongs to "cigna_budget" or /);
refuses('a tenant\'s budget with an invalid metadata=',
        { vaults: 'cigna_budget;', tenant: { budget: 'metadata=5' } },
        /"budget" .*invalid metadata .*write "budget .* metadata=1r\/s /);
refuses('a member_budget without a rate',
        { vaults: 'cigna_budget;', tenant: { member_budget: 'dry_run' } },
        /"member_budget" directive lacks a rate .*write "member_budget rate=/);
refuses('minimums that exceed the gateway\'s rate', {
  vaults: 'cigna_budget rate=10r/s;', tenant: { budget: 'minimum=601r/m' },
}, /"cigna_budget" does not work: the minimums of the tenants are more than/);
refuses('a minimum without a rate', {
  vaults: 'cigna_budget;', tenant: { budget: 'minimum=1r/s' },
}, /budgets of "cigna_tenant" "acme" do not work: a minimum needs a rate of/);
refuses('a burst larger than the rate of a day', {
  vaults: 'cigna_budget;', tenant: { budget: 'rate=5r/d burst=6' },
}, /budgets of "cigna_tenant" "acme" do not work: a burst is at most what /);
