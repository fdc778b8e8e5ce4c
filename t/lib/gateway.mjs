// A whole gateway: Redis, the sandbox that stands in for Cigna, nginx with two
// tenants, and visitors.  A visitor is a browser of the tests.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { authority } from '../../scripts/lib/ca.mjs';
import { Browser, walk } from '../../scripts/sandbox/walk.mjs';
import { HttpClient } from './client.mjs';
import { startIdentity } from './identity.mjs';
import { startNginx } from './nginx.mjs';
import { startRedis } from './redis.mjs';
import { startSandbox } from './sandbox.mjs';
import { TOP, freePort, onEnd, scratchDirectory } from './scratch.mjs';
import { assertNoSecrets } from './secrets.mjs';
import { runVault, vaultConfiguration, vaultLogin } from './vault.mjs';

const TENANTS = ['acme', 'globex'];

const LOG_FORMAT = '$remote_addr "$request" $status $body_bytes_sent '
  + 'tenant=$cigna_tenant member=$cigna_member outcome=$cigna_outcome '
  + 'source=$cigna_token_source dance=$cigna_dance request=$request_id';

const hostOf = (tenant) => `${tenant}.localhost`;

// Turns { name: value } into lines of configuration.  An array gives several
// lines, null gives none, and true gives a directive without an argument.
export function lines(settings, indent) {
  return Object.entries(settings)
    .flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) =>
      `${' '.repeat(indent)}${name}${value === true ? '' : ` ${value}`};`)
    .join('\n');
}

class Gateway {
  #visitors = [];

  constructor(options) {
    this.options = options;
    this.tenants = options.names ?? TENANTS;
    this.replies = [];
  }

  async start(t) {
    const { options } = this;

    this.directory = scratchDirectory(t, 'gateway');
    this.ca = authority(options.tls ?? path.join(this.directory, 'tls'));
    this.caText = readFileSync(this.ca.certFile, 'utf8');
    this.port = await freePort();

    this.redis = options.redis ?? await startRedis(t, this.#redisOptions());
    this.sandbox = options.sandbox ?? await this.#startSandbox(t);
    this.identity = await startIdentity(t);
    this.#writeFiles();
    if (options.marker !== false) {
      await this.initVault();
    }

    this.nginx = await startNginx(t, {
      logFormat: LOG_FORMAT, ...options.nginx, http: this.configuration(),
    });

    // This hook is registered last, so it runs first, while the servers still
    // answer.
    onEnd(t, () => this.#end());
  }

  #redisOptions() {
    const { redisOptions = {}, vaultOver } = this.options;
    const tls = vaultOver === 'tls'
      && { ...this.ca.issueServer('redis'), caFile: this.ca.certFile };
    return { ...redisOptions, ...(tls && { tls }) };
  }

  async #startSandbox(t) {
    const sandbox = await startSandbox({
      directory: this.options.tls ?? path.join(this.directory, 'tls'),
      clients: this.tenants.map((tenant) => ({
        client_id: `${tenant}-client`,
        redirect_uris: [this.url(tenant, '/cigna/callback')],
        ...this.options.clients?.[tenant],
      })),
      ...this.options.sandboxOptions,
    });
    onEnd(t, () => sandbox.stop());
    return sandbox;
  }

  file(name) {
    return path.join(this.directory, name);
  }

  #writeFiles() {
    const files = {
      keys: this.options.keys
        ?? execFileSync(`${TOP}/scripts/keygen`, { encoding: 'utf8' }),
      ...this.redis.secrets,
    };
    for (const { client_id: id, client_secret: secret }
      of this.sandbox.info.clients) {
      if (secret) {
        files[`${id}.secret`] = secret;
      }
    }
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(this.file(name), content, { mode: 0o600 });
    }
    this.certificate = this.ca.issueServer('gateway',
                                           this.tenants.map(hostOf));
  }

  // Runs scripts/vault as an operator does: { code, out, err }.
  vault(...args) {
    const { prefix = null, keys } = this.options.vault ?? {};
    return this.vaultOf({ prefix, keys: keys ?? this.file('keys') }, ...args);
  }

  // Runs scripts/vault with another cigna_vault block.  settings: lines that
  // replace those of this gateway's block.
  async vaultOf(settings, ...args) {
    const file = this.file('vault.conf');

    writeFileSync(file, vaultConfiguration(
      lines({ ...this.#vault(), ...settings }, 8),
      this.tenants.map((tenant) => this.#tenant(tenant, this.options))
        .join('\n')));
    const ran = await runVault(['-c', file,
      ...vaultLogin(this.redis, this.directory), ...args]);
    this.replies.push(['scripts/vault', args, ran]);
    return ran;
  }

  async initVault(settings) {
    const { code, err } = await (settings ? this.vaultOf(settings, 'init')
      : this.vault('init'));
    if (code) {
      throw new Error(`the vault cannot be initialized: ${err}`);
    }
  }

  url(tenant, target = '/') {
    return `https://${hostOf(tenant)}:${this.port}${target}`;
  }

  // Returns the text inside http {}.  changes: options of standardGateway()
  // that replace those of this gateway.
  configuration(changes = {}) {
    const options = { ...this.options, ...changes };

    return [
      `    cigna_zone zone=cigna:${options.zone ?? '4m'};`,
      '    cigna_vault {',
      lines({ ...this.#vault(), ...options.vault }, 8),
      '    }',
      ...this.tenants.map((tenant) => this.#tenant(tenant, options)),
      options.http ?? '',
      ...this.tenants.map((tenant) => this.#server(tenant, options)),
    ].join('\n');
  }

  #vault() {
    return {
      ...this.redis.vault(this.options.vaultOver ?? 'tcp',
                          (name) => this.file(name)),
      keys: this.file('keys'),
    };
  }

  #tenant(tenant, options) {
    const { info } = this.sandbox;
    const client = info.clients.find((one) =>
      one.client_id === `${tenant}-client`);
    const settings = {
      issuer: info.issuer,
      authorization_endpoint: info.authorize,
      token_endpoint: info.token,
      jwks_uri: info.jwks,
      revocation_endpoint: info.revoke,
      fhir_base: info.fhirBase,
      trusted_certificate: this.ca.certFile,
      client_id: client.client_id,
      client_secret_file: client.client_secret
        ? this.file(`${client.client_id}.secret`) : null,
      redirect_uri: this.url(tenant, '/cigna/callback'),
      return_to: this.url(tenant, '/app'),
      scope: '"openid fhirUser patient/*.read"',
      ...options.tenant,
      ...options.tenants?.[tenant],
    };
    return `    cigna_tenant ${tenant} {\n${lines(settings, 8)}\n    }`;
  }

  #server(tenant, options) {
    // The servers of all tenants share one socket.  nginx accepts the options
    // of a socket only once.
    const listen = options.listen && tenant === this.tenants[0]
      ? ` ${options.listen}` : '';

    return `
    server {
        listen               127.0.0.1:${this.port} ssl${listen};
        server_name          ${hostOf(tenant)};
        ssl_certificate      ${this.certificate.certFile};
        ssl_certificate_key  ${this.certificate.keyFile};

        auth_request      /whoami;
        auth_request_set  $member $upstream_http_x_member;
        cigna_identity    ${tenant} $member;

${lines({ ...options.server }, 8)}

        location = /whoami {
            internal;
            auth_request off;
            proxy_pass http://127.0.0.1:${this.identity.port}/whoami;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }

        location = /cigna/connect    { cigna_connect; }
        location = /cigna/callback   { cigna_callback; }
        location = /cigna/status     { cigna_status; }
        location = /cigna/disconnect { cigna_disconnect; }

        location = /cigna/counters { auth_request off; cigna_counters; }

        location /app { auth_request off; return 200 "app $args\\n"; }

        location /fhir/ {
${lines({ ...this.#fhir(), ...(typeof options.fhir === 'function'
    ? options.fhir(tenant) : options.fhir) }, 12)}
        }

${typeof options.locations === 'function' ? options.locations(this)
    : options.locations ?? ''}
    }`;
  }

  #fhir() {
    return {
      cigna_fhir: 'on',
      proxy_pass: `${this.sandbox.info.fhirBase}/`,
      proxy_ssl_server_name: 'on',
      proxy_ssl_verify: 'on',
      proxy_ssl_trusted_certificate: this.ca.certFile,
    };
  }

  // Returns a new visitor.  If options.member is given, the visitor is logged
  // in to the tenant's app.
  visitor(options = {}) {
    const visitor = new Visitor(this, options);
    this.#visitors.push(visitor);
    return visitor;
  }

  // Runs a whole dance with a new visitor: see Visitor.dance().
  dance(options = {}) {
    return this.visitor(options).dance(options);
  }

  async reload(changes) {
    await this.nginx.reload({ http: this.configuration(changes) });
    this.dropIdle();
  }

  // Closes the idle connections of all visitors, because nginx closes them when
  // it reloads.
  dropIdle() {
    for (const { client } of this.#visitors) {
      client.dropIdle();
    }
  }

  // Returns the texts and values in which no secret may be found, by the name
  // of the place.
  async places() {
    const { redis, nginx } = this;
    return {
      'error log': nginx.errorLog(),
      'access log': nginx.accessLog(),
      'nginx\'s output': nginx.server.output,
      'what the app was sent': this.identity.seen,
      'replies': this.replies,
      ...(!redis.stopped && { 'Redis': await redis.dump() }),
    };
  }

  async assertNoSecrets() {
    const { markers, codeMarker } = this.sandbox.info;
    const { replies, ...places } = await this.places();

    assertNoSecrets(markers, { replies });
    assertNoSecrets([...markers, codeMarker], places);
  }

  async #end() {
    for (const visitor of this.#visitors) {
      visitor.close();
    }
    this.redis.thaw();
    await this.assertNoSecrets();
  }
}

// A browser.  The pages of a dance and single requests share its cookies.
class Visitor {
  constructor(gateway, { tenant = 'acme', member } = {}) {
    this.gateway = gateway;
    this.tenant = tenant;
    this.browser = new RecordingBrowser(gateway);
    this.jar = this.browser.jar;
    this.client = new HttpClient({ ca: gateway.caText, jar: this.jar });
    this.member = null;
    if (member !== undefined) {
      this.logIn(member);
    }
  }

  logIn(member) {
    this.member = member;
    this.jar.store(new URL(this.gateway.url(this.tenant)),
                   [`session=${encodeURIComponent(member)}`]);
  }

  logOut() {
    this.member = null;
    this.jar.delete('session');
  }

  url(target) {
    return this.gateway.url(this.tenant, target);
  }

  // Sends a request to the tenant's server and returns HttpClient's reply.
  async request(target, options) {
    const reply = await this.client.request(this.url(target), options);
    this.gateway.replies.push([target, reply.status, reply.rawHeaders,
                               reply.body]);
    return reply;
  }

  get(target, options) {
    return this.request(target, options);
  }

  post(target, options) {
    return this.request(target, { method: 'POST', ...options });
  }

  // Connects, logs in at Cigna, accepts the terms and comes back.  cancel: the
  // page on which the member cancels instead, login or terms.  The walk stops
  // before the first URL for which `until` is true, by default the return to
  // the app.  Then `stopped` in the result is that URL, and `outcome` and
  // `danceId` come from its query.  Otherwise `response` is the last page.
  async dance({ username = 'syntheticuser05', cancel,
                connect = '/cigna/connect',
                until = (url) => this.isReturn(url) } = {}) {
    const password = username.replace(/^\D+/, 'MARKsecret');
    const step = await walk(this.browser, this.url(connect),
                            { username, password, cancel, until });
    const query = new URL(step.stopped ?? 'x:').searchParams;

    return { ...step, visitor: this,
             outcome: query.get('cigna'), danceId: query.get('cigna_dance') };
  }

  isReturn(url) {
    return new URL(url).searchParams.has('cigna');
  }

  // Returns the cookies of dances that this browser holds for the tenant's
  // server.
  danceCookies() {
    return this.jar.for(new URL(this.url('/')))
      .filter(({ name }) => /^(__Host-)?cigna-/.test(name));
  }

  close() {
    this.client.close();
  }
}

class RecordingBrowser extends Browser {
  constructor(gateway) {
    super({ ca: gateway.caText });
    this.gateway = gateway;
  }

  async request(target, options) {
    const reply = await super.request(target, options);

    if (new URL(target).port === String(this.gateway.port)) {
      this.gateway.replies.push([target, reply.status, reply.headers,
                                 reply.body]);
    }
    return reply;
  }
}

// Starts a gateway.  All options are optional.  "Lines" means an object for
// lines(), whose lines replace the default ones:
//
//   names                  names of the tenants, by default acme and globex
//   zone                   size of cigna_zone
//   vault                  lines of cigna_vault
//   vaultOver              how to reach Redis: tcp, tls, unix
//   tenant, tenants.NAME   lines of every cigna_tenant, lines of one
//   server                 lines of each server
//   listen                 parameters of the servers' socket: reuseport, ...
//   fhir                   lines of location /fhir/, or a function that takes
//                          the tenant's name and gives them
//   http                   text inside http {}
//   locations              text inside each server, or a function that takes
//                          the gateway and gives the text
//   tls                    directory of a certificate authority to use
//   nginx                  options of startNginx(): workers, allow, env, ...
//   redisOptions           options of startRedis()
//   sandboxOptions         options of the sandbox: members, modes, ...
//   clients.NAME           a tenant's registration at the sandbox
//   keys                   text of the key ring
//   redis, sandbox         servers of another gateway, so that the two gateways
//                          are hosts of one fleet
//   marker                 false: the vault is not initialized
export async function standardGateway(t, options = {}) {
  const gateway = new Gateway(options);
  await gateway.start(t);
  return gateway;
}
