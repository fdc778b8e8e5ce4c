// Markers in secrets, by which tests find a secret that leaked.
//
// Every secret of the stand-in contains a marker.  At its end each test
// searches logs, replies and dumps for every form of the marker.
//
//   token marker   MARKs        starts opaque access and refresh tokens,
//                               passwords, and client secrets
//   the marker     MARKsecret   starts passwords and client secrets, and is in
//                               the payload of every JWT, there as base64url
//   code marker    CODEs        starts authorization codes, which pass through
//                               the browser but must never reach a log

import { randomBytes } from 'node:crypto';

const OPAQUE_LENGTH = 20;
const TOKEN_MARKER_LENGTH = 5;

const random = (length) => randomBytes(length).toString('base64url')
  .slice(0, length);

// Returns the three base64 forms of `text`.  The form depends on the offset of
// `text` modulo 3, and characters at the edges depend on the neighbouring
// bytes, so they are left out.
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
      throw new Error('a marker must be 8 to 32 letters and digits');
    }
    this.marker = marker;
    this.token = marker.slice(0, TOKEN_MARKER_LENGTH);
    this.code = 'CODEs';
  }

  // Returns the texts that tests search for everywhere.  The code marker is not
  // one of them, because codes may be in replies.
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
