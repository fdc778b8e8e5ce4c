// A real redis-server of the test's own.

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

// Lines of redis.conf: { name: value }.  An array gives several lines, null
// none.
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

  // true: those of conf/, so that the vault's tool has a user of its own
  get hasUsers() {
    return Boolean(this.options.acl);
  }

  async prepare() {
    this.port = await freePort();
    this.tlsPort = this.options.tls ? await freePort() : 0;
  }

  // The file is the server's own afterwards: it may write it again.
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

  // Also after stop() or kill(), on the same ports: an empty Redis.
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

  // true once it is ready for commands
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

  // Only the new user gets in from now on; this connection stays.
  async #addUser() {
    await this.command('ACL', 'SETUSER', this.username, 'reset', 'on',
                       `>${this.password}`, '~*', '&*', '+@all');
    await this.command('ACL', 'SETUSER', 'default', 'off');
  }

  // Sentinels close everybody's connections when they change a server's role:
  // the command is repeated then.
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

  // A connection of one's own, as another user than the harness is.
  async as(user, password = passwordOf(user)) {
    const client = await RedisClient.open(this.unixPath);
    await client.command('AUTH', user, password);
    return client;
  }

  // { name: value } of INFO
  async info(section) {
    const text = await this.command('INFO', section);
    return Object.fromEntries([...text.matchAll(/^(\w+):(.*)\r$/gm)]
      .map(([, name, value]) => [name, value]));
  }

  // Every key with its value: { key: reply }.  A cluster's many markers are
  // named only: nothing of the gateway's is in them.
  async dump() {
    const keys = await this.command('KEYS', '*');

    return Object.fromEntries(await Promise.all(keys.map(async (key) => {
      const reader = !/:v:\{\d+\}$/.test(key)
        && READERS[await this.command('TYPE', key)];
      return [key, reader && await this.command(...reader(key))];
    })));
  }

  // All of it, to be put back by restore().
  async save() {
    const keys = await this.command('KEYS', '*');
    return Promise.all(keys.map(async (key) => [
      key, Math.max(0, await this.command('PTTL', key)),
      await this.command('DUMP', key)]));
  }

  // This and nothing else.
  async restore(saved) {
    await this.command('FLUSHALL');
    await Promise.all(saved.map((one) => this.command('RESTORE', ...one)));
  }

  // The lines of cigna_vault that lead here; over: tcp, tls or unix; file:
  // the path of a file of the gateway's.
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

  // { name of a file: what it holds } of those that vault() names
  get secrets() {
    return this.password ? { 'redis.password': this.password } : {};
  }

  // The process stands still: connections stay open, nothing answers.
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

  // It is gone at once, and says goodbye to nobody.
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
// user in place of the default one), acl (true: the users of conf/redis/),
// config ({ name: value } of redis.conf).
export async function startRedis(t, options = {}) {
  const redis = new Redis(options, scratchDirectory(t, 'redis'));

  await redis.prepare();
  onEnd(t, () => redis.stop());
  await redis.start();
  return redis;
}
