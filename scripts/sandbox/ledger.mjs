// The history of every refresh token: its owner, each time it was presented,
// the outcome, and whether the reply was sent.  Tests use it to decide which
// grants a gateway may have lost.
//
// The ledger is separate from the counters of record.mjs, because tests reset
// those.

import { keepBounded } from './bounded.mjs';
import { fingerprint } from './record.mjs';

const TOKENS_MAX = 20000;

export class Ledger {
  #tokens = new Map();
  #store;

  constructor(store) {
    this.#store = store;
  }

  // Records new tokens.
  //   whose  { client_id, member }
  //   from   the refresh token that was exchanged for these tokens, if any
  issued({ refresh_token: token, access_token: access }, whose, from) {
    if (token === undefined) {
      return;
    }
    const former = this.#tokens.get(token);
    if (former) {
      former.access = access;            // the mode "refresh" is "constant"
      return;
    }
    keepBounded(this.#tokens, token, {
      ...whose, token, access, from, at: Date.now(), presented: [], now: 0,
      at_once: 0,
    }, TOKENS_MAX);
  }

  // Records the arrival of a token request.  Returns a function.  The caller
  // calls it at the end of the request, with the outcome, the new tokens if
  // there are any, and the member.
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

  // Returns the entries with fingerprints for tokens, the oldest entry first.
  // `alive` says whether the stand-in still accepts the refresh token and the
  // access token that came with it.
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
