// The authorization server's signing keys and id_tokens.
//
// oidc-provider decides the claims of an id_token.  This file signs the token
// again, so that it can make every mistake that a client must notice.

import {
  constants, createHmac, createPublicKey, randomBytes,
  sign,
} from 'node:crypto';
import { keyPair } from './key_pair.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value))
  .toString('base64url');

const newKid = () => randomBytes(9).toString('base64url');

// The algorithms (RFC 7518).  `pair` has the arguments that make a key,
// `digest` and `padding` those that sign.  PSS uses ordinary RSA keys (section
// 3.5).
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING,
              saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const RSA = ['rsa', { modulusLength: 2048 }];

export const ALGS = {
  RS256: { pair: RSA, digest: 'sha256' },
  ES256: { pair: ['ec', { namedCurve: 'P-256' }], digest: 'sha256' },
  RS384: { pair: RSA, digest: 'sha384' },
  RS512: { pair: RSA, digest: 'sha512' },
  PS256: { pair: RSA, digest: 'sha256', padding: PSS },
  PS384: { pair: RSA, digest: 'sha384', padding: PSS },
  PS512: { pair: RSA, digest: 'sha512', padding: PSS },
  ES384: { pair: ['ec', { namedCurve: 'P-384' }], digest: 'sha384' },
  EdDSA: { pair: ['ed25519'], digest: null },
};

// Private RSA keys of stand-ins that were closed.  The next stand-in of this
// process takes them, because an RSA key takes long to make.
const spare = [];

function newKey(alg) {
  const { pair } = ALGS[alg];
  const privateKey = (pair === RSA && spare.pop())
    || keyPair(...pair).privateKey;
  const publicKey = createPublicKey(privateKey);

  return {
    alg,
    kid: newKid(),
    privateKey,
    publicKey,
    jwk: publicKey.export({ format: 'jwk' }),
  };
}

function signature(key, input) {
  const { digest, padding } = ALGS[key.alg];
  return sign(digest, Buffer.from(input), {
    key: key.privateKey, dsaEncoding: 'ieee-p1363', ...padding,
  }).toString('base64url');
}

// Functions that change the claims, by mode.
const CLAIMS = {
  no_nonce: ({ nonce, ...claims }) => claims,
  wrong_nonce: (claims) => ({ ...claims, nonce: 'not-the-nonce' }),
  wrong_aud: (claims) => ({ ...claims, aud: 'somebody-else' }),
  wrong_iss: (claims) => ({ ...claims, iss: 'https://elsewhere.example' }),
  wrong_sub: (claims) => ({ ...claims, sub: 'somebody-else' }),
  expired: (claims) => ({ ...claims, iat: claims.iat - 7200,
                          exp: claims.iat - 3600 }),
  not_yet: (claims) => ({ ...claims, iat: claims.iat + 3600,
                          nbf: claims.iat + 3600, exp: claims.exp + 3600 }),
};

export class Keys {
  #current = {};
  #former = [];

  constructor() {
    this.rotate({ keepOld: false });
  }

  rotate({ keepOld = true } = {}) {
    this.#former = keepOld ? Object.values(this.#current) : [];
    this.#current = { RS256: newKey('RS256'), ES256: newKey('ES256') };
    return Object.values(this.#current).map(({ alg, kid }) => ({ alg, kid }));
  }

  // Keeps the RSA keys, so that the next stand-in of this process can take
  // them.
  close() {
    spare.push(...[...this.#former, ...Object.values(this.#current)]
      .filter(({ alg }) => ALGS[alg].pair === RSA)
      .map(({ privateKey }) => privateKey));
  }

  // Returns the key of an algorithm.  Keys of algorithms other than RS256 and
  // ES256 are made at their first use.
  #of(alg) {
    this.#current[alg] ??= newKey(alg);
    return this.#current[alg];
  }

  jwks(mode, alg) {
    this.#of(alg);

    const current = mode === 'without_current'
      ? [] : Object.values(this.#current);
    const keys = mode === 'empty' ? [] : [...current, ...this.#former];

    return {
      keys: keys.map(({ alg, kid, jwk }) => ({
        ...jwk, use: 'sig', alg, ...(mode === 'no_kid' ? {} : { kid }),
      })),
    };
  }

  // Returns an id_token with the fault that the mode names.  `mark` comes first
  // in the payload, so that tests find it in base64, too.
  idToken(claims, { mode, alg, mark }) {
    if (mode === 'malformed') {
      return `${encode({ alg })}.${mark}`;
    }

    const key = this.#of(alg);
    const header = this.#header(key, mode);
    const payload = { mark, ...(CLAIMS[mode]?.(claims) ?? claims) };
    const input = `${encode(header)}.${encode(payload)}`;

    return `${input}.${this.#sign(input, key, mode)}`;
  }

  #header({ alg, kid }, mode) {
    switch (mode) {
      case 'alg_none':
        return { alg: 'none' };
      case 'alg_hs256':
        return { alg: 'HS256', kid };
      case 'unknown_kid':
        return { alg, kid: newKid() };
      case 'no_kid':
        return { alg };
      case 'other_keys_kid':
        return { alg, kid: this.#current[alg === 'RS256' ? 'ES256' : 'RS256']
          .kid };
      default:
        return { alg, kid };
    }
  }

  #sign(input, key, mode) {
    switch (mode) {
      case 'alg_none':
        return '';
      case 'alg_hs256':
        // uses the public key as if it were a shared secret
        return createHmac('sha256',
                          key.publicKey.export({ type: 'spki', format: 'pem' }))
          .update(input).digest('base64url');
      case 'bad_signature':
        return signature(key, `${input}!`);
      default:
        return signature(key, input);
    }
  }

  // Returns an access token that is a JWT of about 4 KB.
  bigAccessToken(claims, mark) {
    const key = this.#current.ES256;
    const payload = { mark, ...claims, jti: newKid(),
                      entitlements: randomBytes(2000).toString('base64url') };
    const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })}.`
      + encode(payload);
    return `${input}.${signature(key, input)}`;
  }
}
