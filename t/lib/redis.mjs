// A real redis-server for one test.

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { startServer } from './process.mjs';
import { RedisClient } from './redis_client.mjs';
import { ADMIN, GATEWAY, passwordOf, redisUsers } from './redis_users.mjs';
import { freePort, onEnd, scratchDirectory } from './scratch.mjs';

const READERS = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, 0, -1],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'],
  stream: (key) => ['XRANGE', key, '-', '+'],
};

// Turns { name: value } into lines of redis.conf.  An array gives several
// lines, null gives none.
function lines(settings) {
  return Object.entries(settings)
    .flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`)
    .join('');
}

export class Redis {
  constructor(options, directory) {
    this.options = options;
    this.directory = directory;
    this.name = options.name ?? 'redis';
    this.unixPath = path.join(directory, 'redis.sock');
    this.confFile = path.join(directory, 'redis.conf');
    this.username = options.acl ? GATEWAY : options.username;
    this.password = options.acl ? passwordOf(GATEWAY) : options.password;
  }

  // Whether this Redis has the users of conf/redis/, one of them for
  // scripts/vault.
  get hasUsers() {
    return Boolean(this.options.acl);
  }

  async prepare() {
    this.port = await freePort();
    this.tlsPort = this.options.tls ? await freePort() : 0;
  }

  // Writes redis.conf once, because the server may rewrite the file later.
  #configure() {
    const { tls, acl, users = redisUsers, config = {} } = this.options;
    const aclFile = path.join(this.directory, 'users.acl');

    if (acl) {
      writeFileSync(aclFile, users(), { mode: 0o600 });
    }
    writeFileSync(this.confFile, this.options.text ?? lines({
      dir: this.directory,
      bind: '127.0.0.1 -::1',
      port: this.port,
      unixsocket: this.unixPath,
      unixsocketperm: 777,
      aclfile: acl ? aclFile : null,
      ...(tls && {
        'tls-port': this.tlsPort,
        'tls-cert-file': tls.certFile,
        'tls-key-file': tls.keyFile,
        'tls-ca-cert-file': tls.caFile,
        'tls-auth-clients': 'no',
      }),
      ...(this.password && !this.username && { requirepass: this.password }),
      ...(!this.options.sentinel && {
        save: '',
        appendonly: 'no',
        'maxmemory-policy': 'noeviction',
      }),
      ...config,
    }), { mode: 0o600 });
  }

  // Starts the server.  After stop() or kill() it gets the same ports again,
  // and only the data that its configuration lets it save.
  async start() {
    this.stopped = false;
    if (!existsSync(this.confFile)) {
      this.#configure();
    }
    this.server = startServer(this.name, 'redis-server', [
      this.confFile, ...(this.options.sentinel ? ['--sentinel'] : []),
    ], { directory: this.directory, env: this.options.env });
    this.pid = this.server.pid;

    await this.server.ready(() => this.#connect());
  }

  // Returns true when the server accepts commands.
  async #connect() {
    const { acl, cluster } = this.options;
    try {
      this.client?.close();
      this.client = await RedisClient.open(this.unixPath);
      if (acl) {
        await this.command('AUTH', ADMIN, passwordOf(ADMIN));
      } else if (this.password && !this.username) {
        await this.command('AUTH', this.password);
      }
      await this.command('PING');
      if (cluster) {
        await this.command('READONLY');
      }
    } catch (error) {
      if (/^(LOADING|Redis closed|connect )/.test(error.message)) {
        return false;
      }
      throw error;
    }
    if (this.username && !acl) {
      await this.#addUser();
    }
    return true;
  }

  // Adds the user `username`, and lets nobody else log in from now on.  The
  // test's own connection stays logged in.
  async #addUser() {
    await this.command('ACL', 'SETUSER', this.username, 'reset', 'on',
                       `>${this.password}`, '~*', '&*', '+@all');
    await this.command('ACL', 'SETUSER', 'default', 'off');
  }

  // Sends a command and returns its reply.  If the connection was closed, the
  // command is repeated on a new one: Sentinels close all connections of a
  // server when they change its role.
  async command(...args) {
    try {
      return await this.client.command(...args);
    } catch (error) {
      if (this.stopped || !this.client.closed) {
        throw error;
      }
      await this.server.ready(() => this.#connect());
      return this.client.command(...args);
    }
  }

  // Opens a new connection as this user.
  async as(user, password = passwordOf(user)) {
    const client = await RedisClient.open(this.unixPath);
    await client.command('AUTH', user, password);
    return client;
  }

  // Returns a section of INFO: { name: value }.
  async info(section) {
    const text = await this.command('INFO', section);
    return Object.fromEntries([...text.matchAll(/^(\w+):(.*)\r$/gm)]
      .map(([, name, value]) => [name, value]));
  }

  // Returns every key with its value: { key: reply }.  A cluster has a marker
  // for each hash slot, and the result has false in place of its value.
  async dump() {
    const keys = await this.command('KEYS', '*');

    return Object.fromEntries(await Promise.all(keys.map(async (key) => {
      const reader = !/:v:\{\d+\}$/.test(key)
        && READERS[await this.command('TYPE', key)];
      return [key, reader && await this.command(...reader(key))];
    })));
  }

  // Returns all keys with their values, for restore().
  async save() {
    const keys = await this.command('KEYS', '*');
    return Promise.all(keys.map(async (key) => [
      key, Math.max(0, await this.command('PTTL', key)),
      await this.command('DUMP', key)]));
  }

  // Replaces all keys by the saved ones.
  async restore(saved) {
    await this.command('FLUSHALL');
    await Promise.all(saved.map((one) => this.command('RESTORE', ...one)));
  }

  // The lines of cigna_vault for this Redis.  over: tcp, tls or unix;
  // file(name): gives the path of a file of the gateway.
  vault(over, file) {
    const where = {
      tcp: `redis://127.0.0.1:${this.port}`,
      tls: `rediss://localhost:${this.tlsPort}`,
      unix: `unix:${this.unixPath}`,
    };
    return {
      redis: where[over],
      username: this.username,
      password_file: this.password && file('redis.password'),
      trusted_certificate: over === 'tls' ? this.options.tls.caFile : null,
    };
  }

  // The files that vault() names: { name: content }
  get secrets() {
    return this.password ? { 'redis.password': this.password } : {};
  }

  // Freezes the process: its connections stay open, and it answers nothing.
  freeze() {
    this.frozen = true;
    this.server.signal('SIGSTOP');
  }

  thaw() {
    this.frozen = false;
    this.server.signal('SIGCONT');
  }

  async stop() {
    if (this.stopped) {
      return;
    }
    this.stopped = true;
    this.client?.close();
    this.thaw();
    await this.server.stop();
  }

  // Kills the process by SIGKILL, so that it closes no connection properly.
  async kill() {
    if (this.stopped) {
      return;
    }
    this.stopped = true;
    this.frozen = false;
    this.client?.close();
    await this.server.stop('SIGKILL');
  }
}

// Options: tls ({ certFile, keyFile, caFile }), password, username (an ACL
// user that replaces the default one), acl (true: the users of conf/redis/),
// config (lines of redis.conf).
export async function startRedis(t, options = {}) {
  const redis = new Redis(options, scratchDirectory(t, 'redis'));

  await redis.prepare();
  onEnd(t, () => redis.stop());
  await redis.start();
  return redis;
}
