// Nodes that share one Redis and so one budget, a FHIR server that counts the
// requests that reach it, and one member per tenant who sends requests.

import { setTimeout as sleep } from 'node:timers/promises';

import { HttpClient } from '../../../t/lib/client.mjs';
import { countersOf } from '../../../t/lib/counters.mjs';
import { standardGateway } from '../../../t/lib/gateway.mjs';
import { startMeter } from '../../../t/lib/meter.mjs';
import { Offer } from '../../../t/lib/offer.mjs';
import { freePort, until } from '../../../t/lib/scratch.mjs';
import { CONDITION, optionsBeside } from '../faults/fleet.mjs';

const MEMBER = 'alice';

export class BudgetFleet {
  #client = new HttpClient({ jar: null, maxSockets: 256 });
  #ports = new Map();

  // options:
  //   nodes    number of nodes
  //   workers  number of workers of each node
  //   names    names of the tenants
  //   budget   the arguments of cigna_budget
  //   gateway  more options of standardGateway() for every node.  Here `http`
  //            and `locations` are functions: they get the meter, which is the
  //            FHIR server that counts
  static async start(t, options) {
    const fleet = new BudgetFleet();
    await fleet.#start(t, options);
    return fleet;
  }

  async #start(t, { nodes = 2, workers = 2, names = ['acme', 'globex'], budget,
                    gateway = {} }) {
    this.names = names;
    this.meter = await startMeter(t);
    const options = {
      names,
      ...gateway,
      nginx: { workers, ...gateway.nginx },
      http: [`    cigna_budget ${budget};`, this.meter.http,
             gateway.http?.(this.meter) ?? ''].join('\n'),
      locations: [this.meter.location('/metered/'),
                  gateway.locations?.(this.meter) ?? ''].join('\n'),
    };

    const one = await this.#node(t, options);
    this.nodes = [one];
    for (let i = 1; i < nodes; i += 1) {
      this.nodes.push(await this.#node(t, optionsBeside(one, options)));
    }
    this.redis = one.redis;
    t.after(() => this.#client.close());
    await this.connect();
  }

  // Each node also has a port without TLS.
  async #node(t, options) {
    const port = await freePort();
    const gw = await standardGateway(t, {
      ...options, server: { ...options.server, listen: `127.0.0.1:${port}` } });
    this.#ports.set(gw, port);
    return gw;
  }


  // Connects the member of each tenant.  Afterwards every node has every
  // member's token in its cache.
  async connect() {
    await Promise.all(this.names.map((tenant) =>
      this.nodes[0].dance({ tenant, member: MEMBER })));
    await until('all are served', () => this.isServed(), { every: 100 });
  }

  // Replaces the arguments of cigna_budget on every node.
  async setBudget(budget) {
    for (const { options } of this.nodes) {
      options.http = options.http.replace(/cigna_budget .*;/,
                                          `cigna_budget ${budget};`);
    }
    await Promise.all(this.nodes.map((node) => node.reload()));
    this.#client.dropIdle();
  }

  // Waits until the burst is full again and no node holds a lease.
  rest({ rate, burst }) {
    return sleep(1000 * burst / rate + 300);
  }

  async isServed() {
    const answers = await Promise.all(this.nodes.flatMap((_, node) =>
      this.names.map((tenant) => this.ask(tenant, node))));
    return answers.every(({ status }) => status === 200);
  }

  // Returns how often nodes logged that Redis did not answer in time.
  get outages() {
    return this.nodes.reduce((sum, { nginx }) => sum + (nginx.errorLog()
      .match(/cigna: budgets cannot be counted/g) ?? []).length, 0);
  }

  // Returns an array with a number for each node and tenant: how often the node
  // asked Redis for a lease for that tenant.
  async leaseCalls() {
    const counters = await Promise.all(this.nodes.map((node) =>
      countersOf(node)));
    return counters.flatMap(({ cigna_budget_leases_total: calls }) =>
      this.names.map((tenant) => calls[tenant]));
  }

  // Asks a node for the Patient of a tenant's member.  Returns the reply with
  // three more fields: `tenant`, `node`, and `what`, which is the gateway's
  // condition, or the status if there is no condition.
  async ask(tenant, node = 0, target = '/metered/') {
    const gw = this.nodes[node];
    const reply = await this.#client.get(
      `http://${tenant}.localhost:${this.#ports.get(gw)}${target}${
        tenant}/Patient`, { headers: { Cookie: `session=${MEMBER}` } });
    const { status, rawHeaders, body } = reply;
    const condition = CONDITION.exec(body)?.[1];

    if (status !== 200) {
      gw.replies.push([rawHeaders, body]);
    }
    return { ...reply, what: condition ?? `${status}`, tenant, node };
  }

  // Begins to send `rate` requests per second, for these tenants in turn, over
  // all nodes.  Returns the Offer.  options: see Offer.
  offer(rate, names = this.names, options = {}) {
    const nodes = this.nodes.length;
    return new Offer(rate, (i) =>
      this.ask(names[Math.floor(i / nodes) % names.length], i % nodes)
        .catch((error) => ({ status: 0, what: error.code ?? error.message })),
    options);
  }
}
