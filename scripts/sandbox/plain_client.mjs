// A plain OAuth client, like an app without the gateway.  The tests of the
// stand-in use it.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { Browser, walk } from './walk.mjs';

const random = () => randomBytes(32).toString('base64url');
const SCOPE = 'openid fhirUser patient/*.read';

export class PlainClient {
  constructor(info, registration) {
    this.info = info;
    this.registration = registration;
    this.ca = readFileSync(info.caFile);
    this.redirectUri = registration.redirect_uris[0];
  }

  // Returns a new client for the back channel, that is, for the app's own calls
  // to the OAuth endpoints.  The client sends no cookies.
  backChannel() {
    return new Browser({ ca: this.ca, headers: { Accept: '*/*' } });
  }

  browser() {
    return new Browser({ ca: this.ca });
  }

  newDance(parameters = {}) {
    const verifier = random();
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: this.registration.client_id,
      redirect_uri: this.redirectUri,
      scope: SCOPE,
      state: random(),
      nonce: random(),
      code_challenge: createHash('sha256').update(verifier)
        .digest('base64url'),
      code_challenge_method: 'S256',
      ...parameters,
    });
    return { verifier, state: query.get('state'), nonce: query.get('nonce'),
             url: `${this.info.authorize}?${query}` };
  }

  // Takes a browser to the callback, which is not opened.  Returns { dance,
  // response, callback }: the dance, the last page, and the parameters of the
  // callback.
  async authorize(member, { browser = this.browser(), dance = this.newDance(),
                            ...options } = {}) {
    const { stopped, response } = await walk(browser, dance.url, {
      username: member,
      password: `MARKsecret${/\d+$/.exec(member)[0]}`,
      until: (url) => url.startsWith(this.redirectUri),
      ...options,
    });
    return { dance, response,
             callback: stopped && new URL(stopped).searchParams };
  }

  credentials() {
    const { client_id, client_secret } = this.registration;
    return client_secret ? { client_id, client_secret } : { client_id };
  }

  async post(url, form, headers = {}) {
    const reply = await this.backChannel().post(url, form, { headers });
    const isJson = /json/.test(reply.headers['content-type']);
    return { ...reply, text: reply.body,
             body: isJson && reply.body !== '' ? JSON.parse(reply.body)
               : reply.body };
  }

  codeForm({ dance, callback }) {
    return {
      grant_type: 'authorization_code',
      code: callback.get('code'),
      redirect_uri: this.redirectUri,
      code_verifier: dance.verifier,
      ...this.credentials(),
    };
  }

  exchange(authorized, headers) {
    return this.post(this.info.token, this.codeForm(authorized), headers);
  }

  refresh(refreshToken, parameters = {}) {
    return this.post(this.info.token, {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      ...this.credentials(),
      ...parameters,
    });
  }

  revoke(token) {
    return this.post(this.info.revoke, { token, ...this.credentials() });
  }

  // Connects a member, and returns the token reply and the nonce.
  async connect(member, options) {
    const authorized = await this.authorize(member, options);
    const { body } = await this.exchange(authorized);
    return { ...body, nonce: authorized.dance.nonce };
  }

  async fhir(path, accessToken, options = {}) {
    const url = /^https:/.test(path) ? path : `${this.info.fhirBase}${path}`;
    const reply = await this.backChannel().request(url, {
      ...options,
      headers: { ...(accessToken && { Authorization: `Bearer ${accessToken}` }),
                 ...options.headers },
    });
    return { ...reply, resource: /json/.test(reply.headers['content-type'])
      && reply.body !== '' ? JSON.parse(reply.body) : undefined };
  }
}
