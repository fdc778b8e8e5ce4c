// The modes of the stand-in, which can be changed while it runs.
//
// Validation, the control API and the documentation all use the table MODES.  A
// mode is set for all clients or for one client.  The client's own setting
// wins.

import { FAULT_KINDS, REFUSALS } from './faults.mjs';
import { ALGS } from './keys.mjs';

const oneOf = (...values) => ({
  domain: values.join(' | '),
  accepts: (value) => values.includes(value),
});

const oneOfOrText = (...values) => ({
  domain: `${values.join(' | ')} | any other text, taken literally`,
  accepts: (value) => typeof value === 'string',
});

const milliseconds = {
  domain: '0 .. 600000',
  accepts: (value) => Number.isInteger(value) && value >= 0 && value <= 600000,
};

const seconds = {
  domain: '1 .. 31536000',
  accepts: (value) => Number.isInteger(value) && value >= 1
    && value <= 31536000,
};

const FAULT_FIELDS = {
  kind: (value) => FAULT_KINDS.includes(value),
  times: (value) => Number.isInteger(value) && value >= 1,
  retry_after: (value) => ['number', 'string'].includes(typeof value),
  location: (value) => typeof value === 'string',
  grant_type: (value) => typeof value === 'string',
  processed: (value) => typeof value === 'boolean',
};

const fault = {
  domain: `a kind (${FAULT_KINDS.join(', ')}), or {"kind", `
    + '"times": only the next n requests, "retry_after", "location", '
    + '"grant_type": only token requests of this type, '
    + '"processed": true = processed before the faulty reply}',
  accepts: (value) => FAULT_KINDS.includes(value)
    || (value !== null && typeof value === 'object' && 'kind' in value
        && Object.entries(value).every(([name, field]) =>
          Object.hasOwn(FAULT_FIELDS, name) && FAULT_FIELDS[name](field))),
};

const expiresIn = {
  domain: 'number | string | absent | {"raw": JSON text put into the reply}',
  accepts: (value) => ['number', 'string', 'absent'].includes(value)
    || typeof value?.raw === 'string',
};

const fields = {
  domain: 'an object',
  accepts: (value) => value !== null && typeof value === 'object'
    && !Array.isArray(value),
};

const LISTENER = oneOf('open', 'refuse', 'mute', 'cut-accept', 'cut-tls');

const faultsOf = (endpoint, what) => ({
  [`${endpoint}_fault`]: {
    ...fault, initial: 'none', about: `${what}: the fault of its replies`,
  },
  [`${endpoint}_delay_ms`]: {
    ...milliseconds, initial: 0,
    about: `${what}: time between processing a request and its reply`,
  },
});

export const MODES = {
  // listeners
  authorization_listener: {
    ...LISTENER, initial: 'open', everybody: true,
    about: 'the authorization server\'s port: refuse = closed, mute = accepts'
      + ' connections and sends nothing, cut-accept = closes before TLS,'
      + ' cut-tls = closes after the handshake, before it reads a byte',
  },
  fhir_listener: {
    ...LISTENER, initial: 'open', everybody: true,
    about: 'the same for the FHIR server\'s port',
  },

  // endpoints
  ...faultsOf('authorize', 'the authorize endpoint'),
  ...faultsOf('token', 'the token endpoint'),
  ...faultsOf('jwks', 'the key set'),
  ...faultsOf('revoke', 'the revocation endpoint'),
  ...faultsOf('metadata', 'smart-configuration and openid-configuration'),
  ...faultsOf('fhir', 'the FHIR API'),

  // authorize
  authorize_error: {
    ...oneOfOrText('none'), initial: 'none',
    about: 'authorize redirects back at once with this OAuth error code',
  },
  member_decides: {
    ...oneOf('freely', 'deny'), initial: 'freely',
    about: 'deny: every button on the terms page refuses'
      + ' (error=access_denied)',
  },
  iss_parameter: {
    ...oneOf('off', 'on', 'wrong'), initial: 'off',
    about: 'RFC 9207: iss beside the code; the metadata announce it unless the'
      + ' mode is off',
  },
  login_page: {
    ...oneOf('works', 'silent'), initial: 'works',
    about: 'silent: every login fails, as if the member had given up',
  },

  // token
  basic_auth: {
    ...oneOf('registered', 'html'), initial: 'registered',
    about: 'a client that uses client_secret_basic gets 200 text/html:'
      + ' registered = unless it is registered for this method, html = always',
  },
  refresh: {
    ...oneOf('rotating', 'constant', 'unreturned', 'none'),
    initial: 'rotating',
    about: 'refresh tokens: rotating = single use, and a second use revokes'
      + ' the family, constant = a refresh returns the same token, unreturned'
      + ' = the token stays but is not in the reply, none = no refresh tokens',
  },
  offline_access: {
    ...oneOf('ignored', 'needed'), initial: 'ignored',
    about: 'needed: a refresh token needs offline_access in the scope',
  },
  access_token: {
    ...oneOf('opaque', 'jwt'), initial: 'opaque',
    about: 'opaque: 20 characters; jwt: about 4 KB',
  },
  access_token_lifetime: {
    ...seconds, initial: 3599, about: 'real lifetime of an access token',
  },
  expires_in: {
    ...expiresIn, initial: 'number', about: 'form of expires_in in the reply',
  },
  scope: {
    ...oneOfOrText('asked', 'absent', 'search read openid'), initial: 'asked',
    about: 'scope in the token reply',
  },
  patient: {
    ...oneOfOrText('member', 'absent'), initial: 'member',
    about: 'top-level patient in the token reply',
  },
  token_cookies: {
    ...oneOf('set', 'none'), initial: 'set',
    about: 'cookies set on replies of the token and revocation endpoints',
  },
  id_token: {
    ...oneOf('good', 'absent', 'malformed', 'no_nonce', 'wrong_nonce',
             'wrong_aud', 'wrong_iss', 'wrong_sub', 'expired', 'not_yet',
             'bad_signature', 'alg_none', 'alg_hs256', 'unknown_kid',
             'no_kid', 'other_keys_kid'),
    initial: 'good',
    about: 'the fault of the id_token; other_keys_kid names the key of the'
      + ' other algorithm',
  },
  id_token_alg: {
    ...oneOf(...Object.keys(ALGS)), initial: 'RS256',
    about: 'signature algorithm of the id_token',
  },
  jwks: {
    ...oneOf('good', 'empty', 'no_kid', 'without_current'), initial: 'good',
    about: 'the key set: empty = no keys, no_kid = keys without kid,'
      + ' without_current = only former keys',
  },

  // FHIR
  smart_configuration: {
    ...fields, initial: {}, everybody: true,
    about: 'fields that are added to smart-configuration or replace its own',
  },
  smart_configuration_reply: {
    ...fields, initial: {}, everybody: true,
    about: '"status", "type" and "body" that replace those of'
      + ' smart-configuration literally',
  },
  fhir_links: {
    ...oneOf('internal', 'own'), initial: 'internal',
    about: 'the base in fullUrl, next and link: internal = Cigna\'s internal'
      + ' host, own = the server\'s own base',
  },
  fhir_refusal: {
    ...oneOf(...REFUSALS), initial: 'plain',
    about: 'the 401 for an invalid token: plain, chunked, huge = larger than a'
      + ' buffer, cut = cut in the middle of the body, bare = only a status',
  },
  fhir_set_cookie: {
    ...oneOf('off', 'on'), initial: 'off', about: 'Set-Cookie on FHIR replies',
  },
  fhir_page_size: {
    domain: '1 .. 1000', initial: 10,
    accepts: (value) => Number.isInteger(value) && value >= 1 && value <= 1000,
    about: 'entries of a page if the request has no _count',
  },
};

export class ModeError extends Error {}

function check(name, value) {
  if (!Object.hasOwn(MODES, name)) {
    throw new ModeError(`unknown mode "${name}"; the modes are: `
      + Object.keys(MODES).join(', '));
  }
  if (!MODES[name].accepts(value)) {
    throw new ModeError(`mode "${name}" cannot be ${JSON.stringify(value)}; `
      + `it can be: ${MODES[name].domain}`);
  }
}

const EVERYBODY = Symbol('everybody');
const CLIENTS_MAX = 10000;

export class Modes {
  #settings = new Map([[EVERYBODY, {}]]);

  // Checks all changes before it makes the first one.
  set(changes, clientId) {
    for (const [name, value] of Object.entries(changes)) {
      check(name, value);
      if (clientId !== undefined && MODES[name].everybody) {
        throw new ModeError(`mode "${name}" cannot be set for one client`);
      }
    }

    const scope = clientId ?? EVERYBODY;
    if (!this.#settings.has(scope) && this.#settings.size > CLIENTS_MAX) {
      throw new ModeError(`modes are set for ${CLIENTS_MAX} clients already`);
    }
    this.#settings.set(scope, { ...this.#settings.get(scope), ...changes });
  }

  reset() {
    this.#settings = new Map([[EVERYBODY, {}]]);
  }

  get(name, clientId) {
    return this.#settings.get(clientId)?.[name]
      ?? this.#settings.get(EVERYBODY)[name]
      ?? MODES[name].initial;
  }

  // Returns the modes that were set for this client, or for all clients.
  list(clientId) {
    return { ...this.#settings.get(clientId ?? EVERYBODY) };
  }

  // Returns the fault for this request or null, and counts "times" down.
  takeFault(endpoint, clientId, request = {}) {
    const name = `${endpoint}_fault`;
    const value = this.get(name, clientId);
    const wanted = typeof value === 'string' ? { kind: value } : value;

    if (wanted.kind === 'none'
        || (wanted.grant_type && wanted.grant_type !== request.grant_type)) {
      return null;
    }
    if (wanted.times !== undefined) {
      this.#countDown(name, wanted, clientId);
    }
    return wanted;
  }

  #countDown(name, wanted, clientId) {
    const own = this.#settings.get(clientId);
    const holder = own && name in own ? own : this.#settings.get(EVERYBODY);

    holder[name] = wanted.times > 1
      ? { ...wanted, times: wanted.times - 1 } : 'none';
  }
}

// Returns the table for the control API.
export function describeModes() {
  return Object.entries(MODES).map(([name, { domain, initial, about }]) => ({
    name, initial, values: domain, about,
  }));
}
