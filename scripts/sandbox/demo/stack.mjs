// The demo's servers: Redis, the stand-in for Cigna, the two apps, and nginx
// with the module in front of them.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync,
         writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { authority } from '../../lib/ca.mjs';
import { spawnSandbox } from '../client.mjs';
import { BRANDS } from './brands.mjs';
import { hostOf, nginxConf } from './nginx_conf.mjs';
import { findPort, Processes } from './processes.mjs';

export const TOP = fileURLToPath(new URL('../../..', import.meta.url))
  .replace(/\/$/, '');

// CIGNA_NGINX names an nginx with the module inside.  Without it the packaged
// nginx loads the module.
const NGINX = process.env.CIGNA_NGINX ?? '/usr/sbin/nginx';
const MODULE = process.env.CIGNA_NGINX ? null
  : `${TOP}/.build/dynamic/ngx_cigna_module.so`;
const APP = fileURLToPath(new URL('app.mjs', import.meta.url));

const CIGNA_HOST = 'cigna.localhost';
const PORTS = { gateway: 8443, cigna: 9443, fhir: 9444 };

const isOpen = (where) => new Promise((resolve) => {
  const socket = connect(where)
    .on('connect', () => resolve(true))
    .on('error', () => resolve(false));
  socket.on('connect', () => socket.destroy());
});

export class Stack {
  brands = Object.keys(BRANDS);

  // nginx's workers run as another user and must reach the Redis socket, so all
  // users may pass through the directory.  The secret files in it are private.
  async start() {
    this.directory = mkdtempSync(path.join(tmpdir(), 'cigna-demo-'));
    chmodSync(this.directory, 0o711);
    this.processes = new Processes(this.directory);
    try {
      await this.#startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop() {
    await this.processes.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }

  file(name) {
    return path.join(this.directory, name);
  }

  url(brand) {
    return `https://${hostOf(brand)}:${this.port}/`;
  }

  async #startAll() {
    this.port = await findPort(PORTS.gateway);
    this.ca = authority(this.file('tls'), 'ngx_cigna_module demo CA');
    this.certificate = this.ca.issueServer('gateway', this.brands.map(hostOf));

    await this.#startRedis();
    await this.#startSandbox();
    await this.#startApps();
    this.#writeFiles();
    execFileSync(`${TOP}/scripts/vault`, ['-c', this.file('nginx.conf'),
                                          'init', '--quiet']);
    await this.#startNginx();
  }

  #secretFile(name, content) {
    const file = this.file(name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  async #startRedis() {
    const password = randomBytes(18).toString('base64url');
    const socket = this.file('redis.sock');
    this.redisPassword = this.#secretFile('redis.password', password);

    const conf = this.#secretFile('redis.conf', [
      'port 0', `unixsocket ${socket}`, 'unixsocketperm 777',
      `requirepass ${password}`, `dir ${this.directory}`, 'save ""',
      'maxmemory-policy noeviction', '',
    ].join('\n'));
    const redis = this.processes.start('redis', 'redis-server', [conf]);
    await redis.until(() => isOpen(socket));
  }

  async #startSandbox() {
    this.sandbox = this.processes.add(await spawnSandbox({
      directory: this.file('tls'),
      browser_host: CIGNA_HOST,
      port: await findPort(PORTS.cigna),
      fhir_port: await findPort(PORTS.fhir),
      clients: this.brands.map((brand) => ({
        client_id: `${brand}-client`,
        client_name: BRANDS[brand].name,
        redirect_uris: [`${this.url(brand)}cigna/callback`],
      })),
    }));
  }

  seenFile(brand) {
    return this.file(`${brand}.seen`);
  }

  async #startApps() {
    this.appPorts = {};
    for (const brand of this.brands) {
      writeFileSync(this.seenFile(brand), '', { mode: 0o600 });
      const app = this.processes.start(brand, process.execPath, [
        APP, brand, '--seen', this.seenFile(brand),
      ]);
      this.appPorts[brand] = await app.until(() => Number(app.log));
    }
  }

  #secret(brand) {
    return this.file(`${brand}.secret`);
  }

  #writeFiles() {
    for (const { client_id: id, client_secret: secret }
      of this.sandbox.info.clients) {
      this.#secretFile(`${id.replace('-client', '')}.secret`, secret);
    }
    this.#secretFile('keys', execFileSync(`${TOP}/scripts/keygen`));
    mkdirSync(this.file('temp'));

    writeFileSync(this.file('nginx.conf'), nginxConf({
      brands: this.brands,
      directory: this.directory,
      module: MODULE,
      port: this.port,
      appPorts: this.appPorts,
      sandbox: this.sandbox.info,
      url: (brand) => this.url(brand),
      files: {
        ca: this.ca.certFile,
        certificate: this.certificate.certFile,
        certificateKey: this.certificate.keyFile,
        keys: this.file('keys'),
        redisPassword: this.redisPassword,
        redisSocket: this.file('redis.sock'),
        secret: (brand) => this.#secret(brand),
      },
    }));
  }

  async #startNginx() {
    const nginx = this.processes.start('nginx', NGINX, [
      '-p', this.directory, '-e', this.file('error.log'),
      '-c', this.file('nginx.conf'),
    ]);
    await nginx.until(() => isOpen({ host: '127.0.0.1', port: this.port }));
  }

  // Returns all output of the apps and of nginx, for the search for secrets.
  writings() {
    const names = ['nginx.out', 'error.log', 'access.log',
                   ...this.brands.flatMap((brand) => [`${brand}.out`,
                                                      `${brand}.seen`])];
    return Object.fromEntries(names.map((name) =>
      [name, readFileSync(this.file(name), 'utf8')]));
  }
}
