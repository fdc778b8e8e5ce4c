// Secrets that can be searched for.
//
// Whatever the stand-in makes and the world must not see carries a marker: a
// test ends by searching logs, replies and dumps for every form of it.
//
//   token marker   MARKs        start of opaque access and refresh tokens, of
//                               passwords and of client secrets made here
//   the marker     MARKsecret   passwords, client secrets, and inside the
//                               payload of every JWT, there as base64url
//   code marker    CODEs        start of authorization codes: these do pass
//                               through the browser, but never into a log

import { randomBytes } from 'node:crypto';

const OPAQUE_LENGTH = 20;
const TOKEN_MARKER_LENGTH = 5;

const random = (length) => randomBytes(length).toString('base64url')
  .slice(0, length);

// The bytes of `text` that are the same in base64 wherever it stands: it may
// begin at any of three offsets, and its edges mix with their neighbours.
function base64Forms(text) {
  return [0, 1, 2].map((offset) => {
    const whole = Buffer.from('x'.repeat(offset) + text).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + text.length) * 8) / 6);
    return whole.slice(first, last);
  });
}

export class Markers {
  constructor(marker = 'MARKsecret') {
    if (!/^[A-Za-z0-9]{8,32}$/.test(marker)) {
      throw new Error('a marker is 8 to 32 letters and digits');
    }
    this.marker = marker;
    this.token = marker.slice(0, TOKEN_MARKER_LENGTH);
    this.code = 'CODEs';
  }

  // What to search for.
  get all() {
    return [this.token, ...base64Forms(this.marker)];
  }

  opaqueToken() {
    return this.token + random(OPAQUE_LENGTH - this.token.length);
  }

  authorizationCode() {
    return this.code + random(32);
  }

  clientSecret(clientId) {
    return `${this.marker}-${clientId}-${random(16)}`;
  }

  password(username) {
    return this.marker + /\d*$/.exec(username)[0];
  }
}
