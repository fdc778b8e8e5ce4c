// An impatient member, who dances, reads, leaves in the middle, comes back and
// disconnects.  She knows her own state, and records each reply that the
// gateway must not give in that state.

import { setTimeout as sleep } from 'node:timers/promises';

import { HttpClient } from './client.mjs';

// Conditions that the gateway may answer instead of data while something is
// broken, with their statuses.
const OUTAGES = {
  upstream_unreachable: 502,
  upstream_late: 504,
  vault_unreachable: 503,
  refresh_failed: 503,
  refresh_late: 503,
  refresh_paused: 503,
  refresh_crowded: 503,
};

const NOT_CONNECTED = { not_connected: 401, grant_expired: 401 };

// Errors of a connection after the client left or a worker was killed.
const CUT = /^(?:ECONNRESET|EPIPE|ABORT_ERR|ERR_SSL)|hang up|aborted/;

// A dance or refresh may go on for this time after its client has left.
const AFTERMATH_MS = 15000;

const COOKIES_MAX = 8;

export class Person {
  constructor(gw, { tenant, member, number, random }) {
    this.gw = gw;
    this.tenant = tenant;
    this.member = member;
    this.username = `syntheticuser${String(number).padStart(4, '0')}`;
    this.master = `A${String(10000 + number).padStart(14, '0')}`;
    this.random = random;

    this.visitor = gw.visitor({ tenant, member });
    this.visitor.client = new HttpClient({
      ca: gw.caText, jar: this.visitor.jar, keepAlive: false });

    this.connected = false;        // null: she does not know
    this.left = 0;                 // time when she last left in the middle
    this.wrong = [];
    this.counts = {};
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  note(what) {
    this.wrong.push(`${new Date().toISOString()} ${this.tenant}/`
      + `${this.member}: ${what}`);
  }

  async live(until) {
    while (Date.now() < until) {
      await this[this.random.weighted({
        read: 10, readMany: 4, status: 1,
        dance: this.connected ? 1 : 6, leaveCallback: 0.7, leaveConnect: 0.5,
        disconnect: 0.2,
      })]();
      this.#checkCookies();
      await sleep(this.random.between(0, 150));
    }
  }

  #checkCookies() {
    const n = this.visitor.danceCookies().length;
    if (n > COOKIES_MAX) {
      this.note(`holds ${n} cookies of dances`);
    }
  }

  // Returns a reply, or null if the connection was cut.
  async ask(method, path, options) {
    try {
      return await this.visitor.request(path, { method, ...options });
    } catch (error) {
      this.cut(error);
      return null;
    }
  }

  cut(error) {
    const what = error.code ?? error.message;
    if (!CUT.test(what) && !CUT.test(error.message)) {
      this.note(`a request failed with ${what}: ${error.stack}`);
    }
    this.count(what);
  }

  // Returns a signal that may abort a request, or undefined.
  perhapsLeaving(probability = 0.2) {
    return this.random.chance(probability)
      ? AbortSignal.timeout(this.random.between(1, 300)) : undefined;
  }

  async read() {
    const before = this.connected;
    const began = Date.now();
    const path = this.random.pick(['/fhir/Patient', '/fhir/Coverage']);
    const reply = await this.ask(this.random.chance(0.1) ? 'HEAD' : 'GET', path,
                                 { signal: this.perhapsLeaving() });
    if (reply) {
      this.judge(reply, before, began);
    }
    if (reply?.status === 401 && /access token is not valid/.test(reply.body)) {
      await this.#whyDead(began);
    }
  }

  // Finds out why Cigna refused a token.  A token may expire on its way, and it
  // ends with its grant.  But the gateway must not send an expired token.
  async #whyDead(began) {
    const reply = await this.ask('GET', '/cigna/status');
    const { expires_at: end } = reply?.status === 200 ? reply.json() : {};

    if (end && Date.parse(end) + 1000 < began) {
      this.note(`the gateway sent a token that had expired at ${end}`);
    }
  }

  async readMany() {
    await Promise.all(Array.from({ length: 5 }, () => this.read()));
  }

  judge(reply, connected, began) {
    const { status, body } = reply;

    for (const [found] of body.matchAll(/A\d{14}/g)) {
      if (found !== this.master) {
        this.note(`read the data of ${found}`);
      }
    }
    if (status === 200) {
      this.count('200');
      if (connected === false && began - this.left > AFTERMATH_MS) {
        this.note('was served without a connection');
      }
      return;
    }
    this.#judgeRefusal(reply, connected);
  }

  #judgeRefusal({ status, body }, connected) {
    const condition = /"urn:cigna-gateway:condition","code":"(\w+)"/
      .exec(body)?.[1];
    this.count(`${status} ${condition ?? 'of others'}`);

    if (body === '') {
      return;                                    // HEAD
    }
    if (!condition || condition === 'upstream_error') {
      // an error of Cigna or of nginx's proxy, with or without a body of its
      // own
      if (![401, 429, 500, 502, 503, 504].includes(status)) {
        this.note(`status ${status}: ${body}`);
      }
    } else if (NOT_CONNECTED[condition] === status) {
      if (connected === true) {
        this.note(`is connected, but was told ${condition}`);
      }
    } else if (condition === 'grant_spent' && status === 401) {
      this.connected = this.connected && null;
    } else if (OUTAGES[condition] !== status) {
      this.note(`status ${status} with condition ${condition}`);
    }
  }

  async dance({ cancels = 0.1 } = {}) {
    const { connected } = this;

    this.connected = connected && true;
    try {
      const { outcome, response } = await this.visitor.dance({
        username: this.username,
        cancel: this.random.chance(cancels) ? 'terms' : undefined,
      });
      this.count(`danced: ${outcome ?? response?.status}`);
      this.#danced(outcome, connected);
      return outcome;
    } catch (error) {
      this.cut(error);
      this.#danced(undefined, connected);
      return error.code;
    }
  }

  // Notes the end of a dance.  The person may not know how the dance ended.  An
  // earlier grant stays unless the dance ends with another one.
  #danced(outcome, before) {
    if (outcome === 'connected') {
      this.connected = true;
    } else if (outcome !== 'denied') {
      this.left = Date.now();
      this.connected = before || null;
    }
  }

  // Leaves during the token exchange, and sometimes comes back.
  async leaveCallback() {
    const { connected } = this;
    let stopped;
    try {
      ({ stopped } = await this.visitor.dance({
        username: this.username,
        until: (url) => url.includes('/cigna/callback'),
      }));
    } catch (error) {
      this.cut(error);
    }
    if (!stopped) {
      return;
    }
    const { pathname, search } = new URL(stopped);
    await this.ask('GET', pathname + search, {
      signal: AbortSignal.timeout(this.random.between(1, 200)) });
    this.#danced(undefined, connected);

    if (this.random.chance(0.5)) {
      const reply = await this.ask('GET', pathname + search);
      this.count(`came back: ${reply?.location
        ? new URL(reply.location).searchParams.get('cigna') : reply?.status}`);
      if (reply?.location?.includes('cigna=connected')) {
        this.connected = true;
      }
    }
  }

  async leaveConnect() {
    await this.ask('GET', '/cigna/connect',
                   { signal: this.perhapsLeaving(0.7) });
  }

  async status() {
    const { connected } = this;
    const reply = await this.ask('GET', '/cigna/status');
    if (reply?.status === 200) {
      const told = reply.json();
      if (connected === true && !told.connected
          && told.reason !== 'grant_spent') {
        this.note(`is connected, but the status is ${reply.body}`);
      }
    } else if (reply && reply.status !== 503) {
      this.note(`status page: ${reply.status} ${reply.body}`);
    }
  }

  async disconnect() {
    this.connected = null;
    const reply = await this.ask('POST', '/cigna/disconnect', {
      headers: { 'Sec-Fetch-Site': 'same-origin' },
      signal: this.perhapsLeaving(),
    });
    this.count(`disconnect: ${reply?.status}`);
    if (reply?.status === 204) {
      this.connected = false;
    } else {
      this.left = Date.now();
    }
  }
}
