// What became of every refresh token: who was given it, how often and when it
// was presented, what was answered, and whether the answer left.  Tests decide
// by it which grants a gateway may have lost, and which it may not.
//
// Kept apart from the counters of record.mjs, which tests reset.

import { fingerprint } from './record.mjs';

const TOKENS_MAX = 20000;

export class Ledger {
  #tokens = new Map();
  #store;

  constructor(store) {
    this.#store = store;
  }

  // from: the refresh token that was spent for it, if it was one
  issued({ refresh_token: token, access_token: access }, whose, from) {
    if (token === undefined) {
      return;
    }
    const former = this.#tokens.get(token);
    if (former) {
      former.access = access;            // a constant one, given out once more
      return;
    }
    this.#tokens.set(token, {
      ...whose, token, access, from, at: Date.now(), presented: [], now: 0,
      at_once: 0,
    });
    if (this.#tokens.size > TOKENS_MAX) {
      this.#tokens.delete(this.#tokens.keys().next().value);
    }
  }

  // A token request has arrived.  Returns what to call with how it ended:
  // outcome, the tokens that were made if any, the dance's member.
  arrived({ refresh_token: token, client_id: clientId }, response) {
    const entry = this.#tokens.get(token);
    const presented = { at: Date.now(), ended: null, outcome: null,
                        accepted: false, sent: false,
                        port: response.socket?.remotePort };
    if (entry) {
      entry.presented.push(presented);
      entry.now += 1;
      entry.at_once = Math.max(entry.at_once, entry.now);
    }
    response.once('close', () => {
      presented.ended = Date.now();
      presented.sent = response.writableFinished;
      if (entry) {
        entry.now -= 1;
      }
    });

    return ({ outcome, tokens, member }) => {
      presented.outcome = outcome;
      presented.accepted = Boolean(tokens);
      if (tokens) {
        this.issued(tokens, { client_id: clientId,
                              member: entry?.member ?? member }, token);
      }
    };
  }

  // Tokens as fingerprints, the oldest first; alive: whether the stand-in
  // would still take them.
  list({ member, client_id: clientId } = {}) {
    return [...this.#tokens.values()]
      .filter((entry) => (member === undefined || entry.member === member)
        && (clientId === undefined || entry.client_id === clientId))
      .map(({ now, token, access, from, ...entry }) => ({
        ...entry,
        token: fingerprint(token),
        from: from && fingerprint(from),
        alive: { refresh: this.#store.isAlive('RefreshToken', token),
                 access: this.#store.isAlive('AccessToken', access) },
      }));
  }
}
