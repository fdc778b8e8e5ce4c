// Counters and the last requests, for the tests.
//
// Both exist once for all clients together and once for each client.  Secrets
// appear as short fingerprints, so a test sees whether two requests had the
// same secret.

import { createHash } from 'node:crypto';

const RECENT_MAX = 2000;
const CLIENTS_MAX = 2000;
const KEYS_MAX = 2000;

const SECRET_HEADERS = new Set(['authorization', 'cookie',
                                'proxy-authorization']);
const SECRET_PARAMETERS = new Set(['code', 'code_verifier', 'client_secret',
                                   'refresh_token', 'token']);

export function fingerprint(secret) {
  return `sha256:${createHash('sha256').update(String(secret)).digest('hex')
    .slice(0, 12)}`;
}

function maskHeader(name, value) {
  const lower = name.toLowerCase();
  if (!SECRET_HEADERS.has(lower)) {
    return value;
  }
  const [, scheme, secret] = /^(?:(\S+) )?(.*)$/s.exec(value);
  return lower === 'authorization' && scheme
    ? `${scheme} ${fingerprint(secret)}` : fingerprint(value);
}

// Returns all header lines in their order, including repeated ones.
export function headerLines(request) {
  const raw = request.rawHeaders;
  const lines = [];
  for (let i = 0; i < raw.length; i += 2) {
    lines.push([raw[i], maskHeader(raw[i], raw[i + 1])]);
  }
  return lines;
}

export function maskParameters(parameters) {
  return Object.fromEntries(Object.entries(parameters).map(
    ([name, value]) => [name, SECRET_PARAMETERS.has(name)
      ? fingerprint(value) : value]));
}

function count(counts, key) {
  if (key in counts || Object.keys(counts).length < KEYS_MAX) {
    counts[key] = (counts[key] ?? 0) + 1;
  }
}

class Book {
  constructor() {
    this.authorize = { hits: 0, login_pages: 0, logins: 0, wrong_passwords: 0,
                       without_cookies: 0, terms: 0, accepted: 0, denied: 0,
                       error_pages: 0 };
    this.token = { requests: 0, in_flight: 0, max_in_flight: 0, reuse: 0,
                   with_cookie: 0, by: {} };
    this.revoke = { requests: 0, revoked: 0 };
    this.jwks = { requests: 0 };
    this.metadata = { requests: 0 };
    this.fhir = { requests: 0, in_flight: 0, max_in_flight: 0, by_status: {},
                  by_member: {}, without_authorization: 0,
                  repeated_authorization: 0, with_cookie: 0 };
    this.recent_token = [];
    this.recent_fhir = [];
  }
}

export class Record {
  #everybody = new Book();
  #clients = new Map();

  reset() {
    this.#everybody = new Book();
    this.#clients.clear();
  }

  book(clientId) {
    return clientId === undefined
      ? this.#everybody : this.#clients.get(clientId) ?? new Book();
  }

  // Returns the books that a request of this client changes.  A book has the
  // counters and the last requests, of all clients or of one.
  #books(clientId) {
    if (clientId === undefined) {
      return [this.#everybody];
    }
    if (!this.#clients.has(clientId) && this.#clients.size < CLIENTS_MAX) {
      this.#clients.set(clientId, new Book());
    }
    const own = this.#clients.get(clientId);
    return own ? [this.#everybody, own] : [this.#everybody];
  }

  authorize(what, clientId) {
    for (const book of this.#books(clientId)) {
      book.authorize[what] += 1;
    }
  }

  simple(endpoint, what, clientId) {
    for (const book of this.#books(clientId)) {
      book[endpoint][what] += 1;
    }
  }

  // Counts a request that begins.  Returns a function to call when the request
  // ends.
  #enter(endpoint, clientId) {
    const books = this.#books(clientId);
    for (const book of books) {
      const counters = book[endpoint];
      counters.requests += 1;
      counters.in_flight += 1;
      counters.max_in_flight = Math.max(counters.max_in_flight,
                                        counters.in_flight);
    }
    return (note) => {
      for (const book of books) {
        book[endpoint].in_flight -= 1;
        note(book);
      }
    };
  }

  #keep(list, entry) {
    list.push(entry);
    if (list.length > RECENT_MAX) {
      list.shift();
    }
  }

  token(request, parameters) {
    const clientId = parameters.client_id;
    const entry = { at: Date.now(), parameters: maskParameters(parameters),
                    headers: headerLines(request) };
    const leave = this.#enter('token', clientId);
    const grantType = String(parameters.grant_type ?? 'none').slice(0, 40);

    return (outcome) => leave((book) => {
      book.token.by[grantType] ??= {};
      count(book.token.by[grantType], outcome);
      book.token.with_cookie += 'cookie' in request.headers ? 1 : 0;
      this.#keep(book.recent_token, { ...entry, outcome });
    });
  }

  fhir(request, clientId, member) {
    const headers = headerLines(request);
    const names = headers.map(([name]) => name.toLowerCase());
    const authorizations = names.filter((name) => name === 'authorization')
      .length;
    const entry = { at: Date.now(), method: request.method, path: request.url,
                    member, client_id: clientId, authorizations,
                    cookie: names.includes('cookie'), headers };
    const leave = this.#enter('fhir', clientId);

    return (status) => leave((book) => {
      const counters = book.fhir;
      count(counters.by_status, String(status));
      count(counters.by_member, member ?? 'unknown');
      counters.without_authorization += authorizations === 0 ? 1 : 0;
      counters.repeated_authorization += authorizations > 1 ? 1 : 0;
      counters.with_cookie += entry.cookie ? 1 : 0;
      this.#keep(book.recent_fhir, { ...entry, status });
    });
  }
}
