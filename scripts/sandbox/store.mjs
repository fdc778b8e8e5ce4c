// Stores oidc-provider's models in memory, with a bound.
//
// oidc-provider's own memory adapter has room for a thousand entries, too few
// for five hundred dances at once.  Here each model has its own bound, and the
// oldest entry is deleted first.

import { keepBounded } from './bounded.mjs';

const ENTRIES_MAX = 20000;

const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

class Table {
  #entries = new Map();

  set(id, payload, lifetime) {
    this.#entries.delete(id);
    keepBounded(this.#entries, id, {
      payload,
      deadline: lifetime ? Date.now() + lifetime * 1000 : Infinity,
    }, ENTRIES_MAX);
  }

  get(id) {
    const entry = this.#entries.get(id);
    if (entry && entry.deadline <= Date.now()) {
      this.#entries.delete(id);
      return undefined;
    }
    return entry?.payload;
  }

  delete(id) {
    this.#entries.delete(id);
  }

  deleteWhere(matches) {
    let deleted = 0;
    for (const [id, { payload }] of this.#entries) {
      if (matches(payload)) {
        this.#entries.delete(id);
        deleted += 1;
      }
    }
    return deleted;
  }
}

export class Store {
  #tables = new Map();
  #clients = new Map();

  #table(model) {
    if (!this.#tables.has(model)) {
      this.#tables.set(model, new Table());
    }
    return this.#tables.get(model);
  }

  addClient(client) {
    this.#clients.set(client.client_id, client);
  }

  client(clientId) {
    return this.#clients.get(clientId);
  }

  clients() {
    return [...this.#clients.values()];
  }

  #matching({ member, client_id: clientId }) {
    return (payload) => (member === undefined || payload.accountId === member)
      && (clientId === undefined || payload.clientId === clientId);
  }

  // Deletes access tokens.  Refresh tokens stay valid.
  expireAccessTokens(whose = {}) {
    return this.#table('AccessToken').deleteWhere(this.#matching(whose));
  }

  // Returns whether a token is neither expired nor revoked nor spent.
  isAlive(model, id) {
    const payload = this.#table(model).get(id);
    return payload !== undefined && payload.consumed === undefined;
  }

  // Revokes grants with all their tokens, as a member does at Cigna.
  revokeGrants(whose = {}) {
    const matches = this.#matching(whose);
    const grants = this.#table('Grant').deleteWhere(matches);
    for (const model of GRANTABLE) {
      this.#table(model).deleteWhere(matches);
    }
    return grants;
  }

  // Returns the factory for oidc-provider, which makes one adapter per model.
  adapterFactory() {
    return (model) => (model === 'Client'
      ? { find: async (id) => this.client(id) }
      : new Adapter(this.#table(model), model));
  }
}

class Adapter {
  #table;
  #byGrant = new Map();
  #model;

  constructor(table, model) {
    this.#table = table;
    this.#model = model;
  }

  async upsert(id, payload, lifetime) {
    this.#table.set(id, payload, lifetime);
    if (GRANTABLE.has(this.#model) && payload.grantId) {
      this.#remember(payload.grantId, id);
    }
  }

  #remember(grantId, id) {
    const ids = this.#byGrant.get(grantId) ?? [];
    this.#byGrant.delete(grantId);
    keepBounded(this.#byGrant, grantId, [...ids.slice(-99), id], ENTRIES_MAX);
  }

  async find(id) {
    return this.#table.get(id);
  }

  async consume(id) {
    this.#table.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.#table.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const id of this.#byGrant.get(grantId) ?? []) {
      this.#table.delete(id);
    }
    this.#byGrant.delete(grantId);
  }
}
