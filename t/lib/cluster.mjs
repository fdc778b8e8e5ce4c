// A Redis Cluster for tests: primaries with replicas, and slots that move.

import { RedisGroup } from './redis_group.mjs';
import { ADMIN, passwordOf } from './redis_users.mjs';
import { freePort, until } from './scratch.mjs';

const SLOTS = 16384;

class Cluster extends RedisGroup {
  constructor(t, options) {
    super(t, 'cluster', options);
    this.options = { primaries: 3, replicas: 1, nodeTimeout: 1000,
                     ...options };
  }

  async start() {
    if (this.nodes.length) {
      await super.start();
    } else {
      await this.#create();
    }
    await this.complete();
  }

  async #create() {
    const { primaries, replicas } = this.options;

    for (let i = 0; i < primaries * (1 + replicas); i += 1) {
      await this.#newNode();
    }
    await super.start();
    await this.#meet(this.nodes);

    const share = SLOTS / primaries;
    await Promise.all(this.nodes.map((node, i) => (i < primaries
      ? node.command('CLUSTER', 'ADDSLOTSRANGE', Math.ceil(share * i),
                     Math.ceil(share * (i + 1)) - 1)
      : node.command('CLUSTER', 'REPLICATE', this.nodes[i % primaries].id))));
  }

  async #newNode() {
    const { nodeTimeout, config } = this.options;
    const busPort = await freePort();

    const node = await this.addNode({
      cluster: true,
      config: {
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-node-timeout': nodeTimeout,
        'cluster-replica-validity-factor': 0,
        'tls-cluster': this.tls ? 'yes' : 'no',
        ...config,
      },
    });
    node.busPort = busPort;
    return node;
  }

  // Introduces the nodes to each other by CLUSTER MEET, because gossip alone
  // takes seconds.  Does so again if a handshake failed.  fresh: the nodes that
  // have no id yet.
  async #meet(fresh) {
    await Promise.all(fresh.map(async (node, i) => {
      node.id = await node.command('CLUSTER', 'MYID');
      if (node === this.nodes[i]) {
        await node.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      }
    }));

    await until('all nodes know each other', async () => {
      const strangers = await this.#strangers();
      await Promise.all(strangers.map(([node, other]) =>
        node.command('CLUSTER', 'MEET', '127.0.0.1', other.servicePort,
                     other.busPort)));
      return strangers.length === 0;
    }, { every: 300 });
  }

  // Returns the pairs of nodes in which one does not know the other, each pair
  // once.
  async #strangers() {
    const known = await Promise.all(this.nodes.map(async (node) =>
      (node.stopped ? [] : this.#seenBy(node))));
    const knows = (a, b) => known[a].some(({ id, flags }) =>
      id === this.nodes[b].id && !/handshake/.test(flags));

    return this.nodes.flatMap((node, a) => this.nodes
      .filter((other, b) => a < b && !node.stopped && !other.stopped
        && !(knows(a, b) && knows(b, a)))
      .map((other) => [node, other]));
  }

  // Waits until all running nodes agree on the owner of each slot, all slots
  // are served, and the replicas are in sync.
  async complete() {
    let views;
    try {
      await until('the cluster is complete', async () => {
        views = await Promise.all(this.running.map((node) =>
          this.#view(node).catch(({ message }) => ({ state: message }))));
        return views.every(({ state, known, text }) => state === 'ok'
          && known === this.running.length && text === views[0].text);
      }, { timeout: 20000 });
    } catch (error) {
      error.message += views.map((view, i) =>
        `\n${this.running[i].name} ${JSON.stringify(view)}`).join('');
      throw error;
    }
    await this.synced();
  }

  async #view(node) {
    const [info, nodes] = await Promise.all([
      node.command('CLUSTER', 'INFO'), this.#seenBy(node)]);
    const alive = nodes.filter(({ flags }) => !/fail|handshake/.test(flags));

    return {
      state: /cluster_state:(\w+)/.exec(info)[1],
      known: alive.length,
      text: JSON.stringify(alive.map(({ id, of, slots }) =>
        ({ id, of, slots })).sort((a, b) => (a.id < b.id ? -1 : 1))),
    };
  }

  async #seenBy(node) {
    return (await node.command('CLUSTER', 'NODES')).trim().split('\n')
      .map((line) => {
        const [id, , flags, of, , , , link, ...slots] = line.split(' ');
        return { id, flags, of, link, slots: slots.join(' ') };
      });
  }

  byId(id) {
    return this.nodes.find((node) => node.id === id);
  }

  async #nodesWith(pattern) {
    return (await this.#seenBy(this.running[0]))
      .filter(({ flags }) => pattern.test(flags) && !/fail/.test(flags))
      .map(({ id }) => this.byId(id));
  }

  primaries() {
    return this.#nodesWith(/master/);
  }

  async replicasOf(primary) {
    return (await this.#seenBy(primary))
      .filter(({ of, flags }) => of === primary.id && !/fail/.test(flags))
      .map(({ id }) => this.byId(id));
  }

  slotOf(key) {
    return this.running[0].command('CLUSTER', 'KEYSLOT', key);
  }

  // Returns the primary that serves a slot in the view of the node `seer`, or
  // null.
  async ownerOf(slot, seer = this.running[0]) {
    for (const [first, last, [, , id]] of await seer.command('CLUSTER',
                                                             'SLOTS')) {
      if (first <= slot && slot <= last) {
        return this.byId(id);
      }
    }
    return null;
  }

  // Sends a command to the node of its key, which is the second word.  Commands
  // without a key go to all primaries.
  async command(...args) {
    if (/^(KEYS|FLUSHALL|ACL|CONFIG|CLIENT)$/i.test(args[0])) {
      const all = await Promise.all((await this.primaries()).map((node) =>
        node.command(...args)));
      return Array.isArray(all[0]) ? all.flat() : all[0];
    }
    const slot = await this.slotOf(args[1]);
    return (await this.ownerOf(slot)).command(...args);
  }

  // Moves slots from one primary to another as redis-cli does.  `halfway` runs
  // for each slot when half of its keys have moved.
  async reshard(slots, from, to, halfway = () => {}) {
    for (const slot of slots) {
      await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
      await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
      await this.#migrate(slot, from, to, halfway);

      for (const node of [to, from, ...await this.primaries()]) {
        await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      }
    }
  }

  async #migrate(slot, from, to, halfway) {
    const keysLeft = () => from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
    const move = (keys) => keys.length && from.command(
      'MIGRATE', '127.0.0.1', to.servicePort, '', 0, 5000,
      'AUTH2', ADMIN, passwordOf(ADMIN), 'KEYS', ...keys);

    const keys = await keysLeft();
    await move(keys.slice(0, keys.length >> 1));
    await halfway(slot);
    for (let rest = await keysLeft(); rest.length; rest = await keysLeft()) {
      await move(rest);
    }
  }

  // Returns the numbers of all slots of a node.
  async slotsOf(node) {
    const all = await node.command('CLUSTER', 'SLOTS');
    return all.filter(([, , [, , id]]) => id === node.id)
      .flatMap(([first, last]) => Array.from({ length: last - first + 1 },
                                             (_, i) => first + i));
  }

  // Adds a new primary without slots.
  async addPrimary() {
    const node = await this.#newNode();
    await node.start();
    await this.#meet([node]);
    await this.complete();
    return node;
  }

  // Lets the nodes announce host names instead of addresses from now on.
  async tellNames() {
    await Promise.all(this.running.flatMap((node) => [
      node.command('CONFIG', 'SET', 'cluster-announce-hostname', 'localhost'),
      node.command('CONFIG', 'SET', 'cluster-preferred-endpoint-type',
                   'hostname')]));
    await until('all nodes announce names', async () => {
      const views = await Promise.all(this.running.map((node) =>
        node.command('CLUSTER', 'SLOTS')));
      return views.flat().every(([, , ...nodes]) =>
        nodes.every(([host]) => host === 'localhost'));
    });
  }

  // Swaps a primary and its replica, and returns the new primary.
  async failover(primary) {
    const [replica] = await this.replicasOf(primary);
    await replica.command('CLUSTER', 'FAILOVER');
    await this.promoted(replica);
    return replica;
  }

  // Waits until all running nodes know this one as a primary with slots.
  async promoted(node) {
    await until('the replica is a primary', async () => {
      const views = await Promise.all(this.running.map((one) =>
        this.#seenBy(one)));
      return views.every((view) => view.some(({ id, flags, slots }) =>
        id === node.id && /master/.test(flags) && slots));
    }, { timeout: 20000 });
  }

  vault(over, file) {
    return {
      redis: this.nodes.slice(0, 3).map((node) => this.url(node)),
      cluster: 'on',
      ...this.login(file),
    };
  }
}

// Options: primaries (3), replicas of each primary (1), nodeTimeout (ms), tls
// (true), config (lines of every redis.conf).  Returns when the cluster is
// complete.
export async function startCluster(t, options = {}) {
  const cluster = new Cluster(t, options);
  await cluster.start();
  return cluster;
}
