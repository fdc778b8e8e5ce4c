// Nodes that share one Redis and one stand-in for Cigna, their members, and the
// answers that members get.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { HttpClient } from '../../../t/lib/client.mjs';
import { clockOf } from '../../../t/lib/clock.mjs';
import { standardGateway } from '../../../t/lib/gateway.mjs';

const TENANTS = ['acme', 'globex'];
const DANCES_AT_ONCE = 16;

// The target that members ask for.  The reply is small and names the member.
const TARGET = '/fhir/$userinfo';

// finds the gateway's condition in an OperationOutcome
export const CONDITION = /"urn:cigna-gateway:condition","code":"(\w+)"/;

// A request without a reply in this time is given up.
const ASK_MS = 30000;

// The number of times that a refresh token may be sent while the result of its
// exchange is unknown.
export const ATTEMPTS = 4;

// Returns the options of another node, with the Redis, the stand-in for Cigna
// and the key ring of node `one`.
export function optionsBeside(one, options) {
  const { caFile } = one.sandbox.info;
  return {
    ...options,
    redis: one.redis, sandbox: one.sandbox,
    keys: readFileSync(one.file('keys'), 'utf8'),
    tenant: { ...options.tenant, trusted_certificate: caFile },
    fhir: { ...options.fhir, proxy_ssl_trusted_certificate: caFile },
  };
}

// Runs action for each item of a list, `atOnce` at a time.
export async function forEach(list, atOnce, action) {
  const rest = [...list];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (rest.length) {
      await action(rest.shift());
    }
  }));
}

export class Fleet {
  #clients = new Map();
  #keepAlive;
  #begin = {};                  // more options for the start of a dance

  // options:
  //   nodes      number of nodes
  //   workers    number of workers of each node
  //   members    number of members
  //   clock      whether the clock can be put forward
  //   keepAlive  whether clients keep connections open
  //   gateway    options of every node's gateway
  //   homes      whether dances may begin at any node, see #giveHomes
  static async start(t, options) {
    const fleet = new Fleet();
    await fleet.#start(t, options);
    return fleet;
  }

  async #start(t, { nodes = 2, workers = 2, members = 10, clock = false,
                    keepAlive = true, homes = false, gateway = {} }) {
    const { nginx = {}, redisOptions = {}, sandboxOptions = {}, vault = {},
            tenant = {} } = gateway;
    this.clock = clock ? clockOf(t) : null;
    this.#keepAlive = keepAlive;
    const env = this.clock?.env;

    const options = {
      ...gateway,
      nginx: { workers, ...nginx, env: { ...env, ...nginx.env } },
      redisOptions: { ...redisOptions, env: { ...env, ...redisOptions.env } },
      vault,
      tenant: { dances_per_second: 10000, ...tenant },
      sandboxOptions: { members, ...sandboxOptions,
                        modes: { ...sandboxOptions.modes } },
    };
    const one = await standardGateway(t, options);
    this.nodes = [one];
    for (let i = 1; i < nodes; i += 1) {
      this.nodes.push(await standardGateway(t, optionsBeside(one, options)));
    }

    this.info = one.sandbox.info;
    this.redis = one.redis;
    this.control = one.sandbox.control;
    this.members = await this.#people(members);
    if (homes) {
      await this.#giveHomes();
    }
    t.after(() => this.#clients.forEach((client) => client.close()));
  }


  // Gives each tenant a home node, to which its members return from Cigna
  // wherever their dance began, as behind a balancer.  The argument cigna_moved
  // tells connect that the browser is already at the right host.
  async #giveHomes() {
    const trusted = this.nodes.map(({ caText }) => caText).join('');
    const tenants = {};

    this.#begin = { connect: '/cigna/connect?cigna_moved=1' };
    for (const [i, tenant] of TENANTS.entries()) {
      const home = this.nodes[i % this.nodes.length];
      const redirectUri = home.url(tenant, '/cigna/callback');
      tenants[tenant] = { redirect_uri: redirectUri,
                          return_to: home.url(tenant, '/app') };
      await this.control.addClient({
        ...this.info.clients.find((client) =>
          client.client_id === `${tenant}-client`),
        redirect_uris: [redirectUri],
      });
    }
    for (const node of this.nodes) {
      node.caText = trusted;
      node.options.tenants = tenants;
      node.nginx.configure({ http: node.configuration() });
      await node.reload();
    }
  }

  async #people(count) {
    const all = new Map((await this.control.members())
      .map((member) => [member.username, member]));

    return Array.from({ length: count }, (_, i) => {
      const username = `syntheticuser${String(i + 1).padStart(4, '0')}`;
      const tenant = TENANTS[i % TENANTS.length];
      return { tenant, username, name: `member-${i + 1}`,
               id: all.get(username).userinfo, key: keyOf(tenant, username) };
    });
  }

  // Connects these members.  Their dances begin at the first node.
  async connect(members = this.members) {
    await forEach(members, DANCES_AT_ONCE, (member) => this.dance(member));
  }

  async dance({ tenant, name, username }, node = this.nodes[0]) {
    const { outcome, response } = await node.dance(
      { tenant, member: name, username, ...this.#begin });
    if (outcome !== 'connected') {
      const title = /<h1>([^<]*)/.exec(response?.body)?.[1];
      throw new Error(`${tenant}/${name}: the dance ended with `
        + (outcome ?? `${response.status}: ${title}`));
    }
  }

  // Changes these settings of every tenant on every node.
  async reconfigure(tenant) {
    for (const { options } of this.nodes) {
      options.tenant = { ...options.tenant, ...tenant };
    }
    await Promise.all(this.nodes.map((node) => node.reload()));
  }

  // Puts the wall clock of nginx and Redis forward.  Access tokens expire
  // sooner, and so do all deadlines that depend on this clock.
  forward(seconds) {
    this.clock.forward(seconds);
  }

  #client(node) {
    if (!this.#clients.has(node)) {
      this.#clients.set(node, new HttpClient({
        ca: node.caText, jar: null, keepAlive: this.#keepAlive,
        maxSockets: 256 }));
    }
    return this.#clients.get(node);
  }

  request(member, node, target, options = {}) {
    const { headers, ...more } = options;
    return this.#client(node).request(node.url(member.tenant, target), {
      headers: { Cookie: `session=${member.name}`, ...headers }, ...more });
  }

  async disconnect(member, node, tally) {
    const { status, body } = await this.request(
      member, node, '/cigna/disconnect',
      { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-origin' } });
    if (status !== 204) {
      tally.errors.push(`${member.key} disconnect: ${status} ${body}`);
    }
  }

  // Asks a node for a member's data.  Returns
  // { what, status, text, retryAfter }.  `what` is "served", "cut" (no reply),
  // "unanswered" (no reply in time), "foreign" (another member's data), the
  // gateway's condition, or "status N".
  async ask(member, node, { target = TARGET } = {}) {
    let reply;
    try {
      reply = await this.request(member, node, target,
                                 { signal: AbortSignal.timeout(ASK_MS) });
    } catch (error) {
      return { what: error.name === 'TimeoutError' ? 'unanswered' : 'cut',
               status: 0, text: error.code ?? error.message };
    }
    const { status, body } = reply;
    if (status !== 200) {
      node.replies.push(body);
    }
    return { what: this.#whatOf(member, status, body), status, text: body,
             retryAfter: reply.headers['retry-after'] };
  }

  #whatOf(member, status, body) {
    if (status === 200) {
      return body.includes(member.id) ? 'served' : 'foreign';
    }
    return CONDITION.exec(body)?.[1] ?? `status ${status}`;
  }

  // Asks until the answer is final, that is, a 200 or a 401, or until the
  // time-out.  Returns the last answer.
  async settle(member, node, { timeout = 20000, every = 150 } = {}) {
    const deadline = Date.now() + timeout;

    for (;;) {
      const answer = await this.ask(member, node);
      if (answer.status === 200 || answer.status === 401
          || Date.now() > deadline) {
        return answer;
      }
      await sleep(every);
    }
  }

  // Returns a Map of each member's key => the member's refresh tokens in the
  // ledger of the stand-in for Cigna, the oldest one first.
  async ledger() {
    const books = new Map(this.members.map(({ key }) => [key, []]));
    for (const entry of await this.control.ledger()) {
      books.get(keyOf(entry.client_id.replace(/-client$/, ''), entry.member))
        ?.push(entry);
    }
    return books;
  }
}

function keyOf(tenant, username) {
  return `${tenant}/${username}`;
}

// Connects all members, calls round() until the tally has `rounds` of them, and
// counts the refreshes.
export async function playRounds(fleet, { rounds, tally }, round) {
  await fleet.connect();
  await fleet.control.reset({ modes: false });

  while (tally.rounds < rounds) {
    await round();
    tally.rounds += 1;
  }
  await countRefreshes(fleet, tally);
}

// Adds two things to the tally: the counts of refreshes that the stand-in for
// Cigna has, and the refresh tokens that were sent too often, or twice at once.
export async function countRefreshes(fleet, tally) {
  const { token } = await fleet.control.see({ recent: 0 });
  const by = token.by.refresh_token ?? {};

  tally.tokenRequests = Object.values(by).reduce((sum, n) => sum + n, 0);
  tally.refreshes = by.ok ?? 0;
  tally.secondAttempts = 0;
  for (const tokens of (await fleet.ledger()).values()) {
    for (const { presented, at_once: atOnce, token: print } of tokens) {
      tally.secondAttempts += presented.length > 1 ? 1 : 0;
      if (presented.length > ATTEMPTS) {
        tally.wrong.push(`${print} was sent ${presented.length} times: `
          + presented.map(({ at, outcome }) =>
            `${at - presented[0].at} ms ${outcome}`).join(', '));
      }
      if (atOnce > 1) {
        tally.wrong.push(`${print} was sent by ${atOnce} requests at once`);
      }
    }
  }
}
