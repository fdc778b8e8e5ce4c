// Several Redis servers that belong together, with the users of conf/redis/ and
// their own certificate authority.

import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { authority } from '../../scripts/lib/ca.mjs';
import { Redis } from './redis.mjs';
import { GATEWAY, passwordOf } from './redis_users.mjs';
import { onEnd, scratchDirectory, until } from './scratch.mjs';

const REPLICATION = {
  masteruser: 'replica',
  masterauth: passwordOf('replica'),
  // With these lines a replica that comes back is in sync at once.
  'repl-diskless-sync': 'yes',
  'repl-diskless-sync-delay': 0,
  'repl-ping-replica-period': 1,
};

export class RedisGroup {
  // servers: all servers; nodes: those of them that hold data
  servers = [];
  nodes = [];

  constructor(t, kind, { tls = true, names = false }) {
    this.t = t;
    this.kind = kind;
    this.names = names;
    this.directory = scratchDirectory(t, kind);
    this.username = GATEWAY;
    this.password = passwordOf(GATEWAY);
    this.tls = null;

    if (tls) {
      const ca = authority(path.join(this.directory, 'tls'));
      this.tls = { ...ca.issueServer('redis'), caFile: ca.certFile };
      this.client = ca.issueClient('redis-client');
    }
    onEnd(t, () => this.stop());
  }

  get hasUsers() {
    return true;
  }

  // Adds a server without starting it.
  async add(name, options = {}) {
    const directory = path.join(this.directory, name);
    const server = new Redis({ name, tls: this.tls, acl: true, ...options },
                             directory);
    mkdirSync(directory);
    await server.prepare();
    if (this.tls) {
      server.port = 0;
    }
    server.servicePort = server.tlsPort || server.port;
    this.servers.push(server);
    return server;
  }

  // Adds a server that holds data, without starting it.
  async addNode(options = {}) {
    const node = await this.add(`node-${this.nodes.length}`, {
      ...options,
      config: {
        ...REPLICATION,
        ...(this.tls && {
          'tls-replication': 'yes',
          // The cluster's bus demands a client certificate.
          'tls-client-cert-file': this.client.certFile,
          'tls-client-key-file': this.client.keyFile,
        }),
        'replica-announce-ip': this.names ? 'localhost' : null,
        ...options.config,
      },
    });
    this.nodes.push(node);
    return node;
  }

  // The host of each server, in the gateway's configuration and in those of the
  // servers.
  get host() {
    return this.names ? 'localhost' : '127.0.0.1';
  }

  url(server) {
    return `${this.tls ? 'rediss' : 'redis'}://${this.host}:`
      + `${server.servicePort}`;
  }

  // The lines of cigna_vault for the gateway's login and for TLS.
  login(file) {
    return {
      username: this.username,
      password_file: file('redis.password'),
      trusted_certificate: this.tls && this.tls.caFile,
      tls_name: this.tls && !this.names ? 'localhost' : null,
    };
  }

  get secrets() {
    return { 'redis.password': this.password };
  }

  // The nodes that answer commands.
  get running() {
    return this.nodes.filter((node) => !node.stopped && !node.frozen);
  }

  byPort(port) {
    return this.nodes.find(({ servicePort }) => servicePort === Number(port));
  }

  // Cuts the replicas off, so that no later write to the primary reaches them:
  // freezes them, and drops the data that is on its way.  Returns the replicas.
  async detach(primary) {
    const replicas = await this.replicasOf(primary);

    for (const replica of replicas) {
      replica.freeze();
    }
    await primary.command('CLIENT', 'KILL', 'TYPE', 'replica');
    return replicas;
  }

  // Kills the primary, so that all writes since detach() are lost, and thaws
  // the replicas.
  async loseDetached(primary, replicas) {
    await primary.kill();
    for (const replica of replicas) {
      replica.thaw();
    }
  }

  // Kills the primary so that its writes during `action` are lost.  Returns its
  // former replicas.
  async losing(primary, action) {
    await this.synced();
    const replicas = await this.detach(primary);
    try {
      await action();
    } finally {
      await this.loseDetached(primary, replicas);
    }
    return replicas;
  }

  // Waits until all replicas have what their primaries have now.
  async synced() {
    const roles = () => Promise.all(this.running.map((node) =>
      node.info('replication').then((info) => ({ node, ...info }))));

    const offsets = Object.fromEntries((await roles()).map(
      (one) => [one.node.servicePort, Number(one.master_repl_offset)]));

    await until('the replicas are in sync', async () =>
      (await roles()).filter(({ role }) => role === 'slave').every((one) =>
        one.master_link_status === 'up'
        && Number(one.slave_repl_offset) >= offsets[one.master_port]));
  }

  // Returns every key of every running node with its value.
  async dump() {
    const dumps = await Promise.all(this.running.map((node) => node.dump()));
    return Object.assign({}, ...dumps);
  }

  freeze() {
    this.running.forEach((node) => node.freeze());
  }

  thaw() {
    this.servers.forEach((server) => server.thaw());
  }

  get stopped() {
    return this.running.length === 0;
  }

  async start() {
    await Promise.all(this.servers.filter(({ stopped }) => stopped !== false)
      .map((server) => server.start()));
  }

  async stop() {
    await Promise.all(this.servers.map((server) => server.server
      && server.stop()));
  }
}
