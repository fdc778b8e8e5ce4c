// A Redis primary, its replicas, and the Sentinels that watch them.

import { RedisGroup } from './redis_group.mjs';
import { passwordOf, sentinelUsers } from './redis_users.mjs';
import { until } from './scratch.mjs';

const MASTER = 'vault';

// Shorter periods of the Sentinels, so that a group is complete quickly and
// fails over quickly.  A Sentinel promotes a replica only if it has heard from
// the replica within five ping periods.  While the primary is down, the
// Sentinel asks replicas once a second, whatever "info-period" says.  A
// Sentinel that has not heard of a failover turns the promoted server back into
// a replica after four times "publish-period".  So that time must be longer
// than the news of a failover takes.
const QUICK = ['info-period', 200, 'ping-period', 300, 'ask-period', 100,
               'publish-period', 500, 'slave-reconf-timeout', 500];

class SentinelGroup extends RedisGroup {
  sentinels = [];

  constructor(t, options) {
    super(t, 'sentinel', options);
    this.options = { replicas: 1, sentinels: 3, downAfter: 500, ...options };
    this.options.quorum ??= (this.options.sentinels >> 1) + 1;
    this.masterName = MASTER;
  }

  async start() {
    if (!this.nodes.length) {
      await this.#prepare();
    }
    // super.start() also starts servers that were killed.
    await super.start();
    await Promise.all(this.sentinels.map((sentinel) =>
      sentinel.command('SENTINEL', 'DEBUG', ...QUICK)));
    await this.complete();
  }

  async #prepare() {
    const { replicas, sentinels, config } = this.options;

    const primary = await this.addNode({ config });
    for (let i = 0; i < replicas; i += 1) {
      await this.addNode({ config: {
        replicaof: `${this.host} ${primary.servicePort}`, ...config } });
    }
    for (let i = 0; i < sentinels; i += 1) {
      this.sentinels.push(await this.add(`sentinel-${i}`, {
        sentinel: true,
        users: sentinelUsers,
        config: this.#sentinelConfig(primary),
      }));
    }
  }

  #sentinelConfig(primary) {
    const { quorum, downAfter } = this.options;
    const names = this.names ? 'yes' : 'no';
    const of = (what) => `${what} ${MASTER}`;

    return {
      ...(this.tls && { 'tls-replication': 'yes' }),
      sentinel: [
        `resolve-hostnames ${names}`,
        `announce-hostnames ${names}`,
        ...(this.names ? ['announce-ip localhost'] : []),
        `sentinel-user sentinel`,
        `sentinel-pass ${passwordOf('sentinel')}`,
        `monitor ${MASTER} ${this.host} ${primary.servicePort} ${quorum}`,
        `${of('auth-user')} sentinel`,
        `${of('auth-pass')} ${passwordOf('sentinel')}`,
        `${of('down-after-milliseconds')} ${downAfter}`,
        `${of('failover-timeout')} 2000`,
      ],
    };
  }

  // Waits until every running Sentinel knows all servers, and all Sentinels
  // name the same primary.
  async complete() {
    const sentinels = this.sentinels.filter(({ stopped }) => !stopped);
    const replicas = this.running.length - 1;

    await until('the Sentinels know all servers', async () => {
      const views = await Promise.all(sentinels.map((one) => this.#view(one)));
      return views.every((view) => view.flags === 'master'
        && view.port === views[0].port
        && Number(view['num-other-sentinels']) === this.sentinels.length - 1
        && view.replicas.filter((one) => one.flags === 'slave'
          && one['master-link-status'] === 'ok').length >= replicas);
    }, { timeout: 20000 });
    await this.synced();
  }

  async #view(sentinel) {
    const view = fields(await sentinel.command('SENTINEL', 'MASTER', MASTER));
    const replicas = await sentinel.command('SENTINEL', 'REPLICAS', MASTER);
    return { ...view, replicas: replicas.map(fields) };
  }

  // Returns the primary that the first running Sentinel names.
  async primary() {
    const sentinel = this.sentinels.find(({ stopped }) => !stopped);
    const [, port] = await sentinel.command(
      'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER);
    return this.byPort(port);
  }

  async replicasOf(primary) {
    return this.running.filter((node) => node !== primary);
  }

  // Sends a command to the current primary.
  async command(...args) {
    return (await this.primary()).command(...args);
  }

  // Runs a planned failover, and returns the new primary when all Sentinels
  // name it.
  async failover() {
    const old = await this.primary();
    await this.sentinels[0].command('SENTINEL', 'FAILOVER', MASTER);
    return this.switched(old);
  }

  async switched(old) {
    try {
      return await until('the Sentinels name a new primary', () =>
        this.#successor(old), { timeout: 30000 });
    } catch (error) {
      error.message += `\n${this.#lastWords()}`;
      throw error;
    }
  }

  // Returns the new primary that all Sentinels name.  Returns false while they
  // name different servers or `old`, or if the new one is not a primary yet.
  async #successor(old) {
    const ports = await Promise.all(this.sentinels
      .filter(({ stopped }) => !stopped)
      .map((one) => one.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
                                MASTER)));
    const [[, port]] = ports;

    if (Number(port) === old.servicePort
        || ports.some(([, other]) => other !== port)) {
      return false;
    }
    const primary = this.byPort(port);
    const { role } = await primary.info('replication');
    return role === 'master' && primary;
  }

  // The last lines of each Sentinel's log.
  #lastWords() {
    return this.sentinels.map(({ name, server }) =>
      `${name}\n${server.output.split('\n').slice(-25).join('\n')}`)
      .join('\n');
  }

  vault(over, file) {
    return {
      sentinel: this.sentinels.map((one) => this.url(one)),
      sentinel_master: MASTER,
      sentinel_username: this.username,
      sentinel_password_file: file('redis.password'),
      ...this.login(file),
    };
  }
}

const fields = (list) => Object.fromEntries(
  Array.from({ length: list.length / 2 }, (_, i) =>
    [list[2 * i], list[2 * i + 1]]));

// Options: replicas (1), sentinels (3), quorum, downAfter (ms), tls (true),
// names (true: the servers announce host names; by default they announce
// addresses), config (lines of every redis.conf).  Returns when the group is
// complete.
export async function startSentinel(t, options = {}) {
  const group = new SentinelGroup(t, options);
  await group.start();
  return group;
}
