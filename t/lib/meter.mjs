// A FHIR server that records when each request arrives, and refuses on demand.
// The last segment but one of the path names the tenant: .../acme/Patient.

import { performance } from 'node:perf_hooks';

import { startRecorder } from './recorder.mjs';

const BUNDLE = '{"resourceType":"Bundle","type":"searchset"}';

// The body of every answer other than 200.
export const THROTTLED = '{"resourceType":"OperationOutcome","issue":[{'
  + '"severity":"error","code":"throttled","diagnostics":"of the upstream"}]}';

class Meter {
  arrivals = [];               // { at, tenant, url, status, authorization }
  #rules = [];

  constructor(recorder) {
    this.recorder = recorder;
    recorder.otherwise = (request, response, seen) =>
      this.#answer(response, seen);
  }

  #answer(response, { url, authorizations }) {
    this.recorder.take();
    const tenant = url.split('/').at(-2);
    const rule = this.#rules.find((one) => one.fits(tenant, url));
    const { status, retryAfter, delayMs = 0 } = rule ?? { status: 200 };

    this.arrivals.push({ at: performance.now(), tenant, url, status,
                         authorization: authorizations[0] });
    setTimeout(() => {
      response.writeHead(status, {
        'Content-Type': 'application/json',
        ...(retryAfter !== undefined && { 'Retry-After': retryAfter }),
      });
      response.end(status === 200 ? BUNDLE : THROTTLED);
    }, delayMs);
  }

  // Adds a rule for answers: status (by default 429), retryAfter (the value of
  // Retry-After), tenant (by default all), url (a pattern, by default all),
  // delayMs.  The newest rule that fits a request counts.
  answer({ status = 429, tenant, url, ...more }) {
    this.#rules.unshift({
      status, ...more,
      fits: (whose, target) => (!tenant || tenant === whose)
        && (!url || url.test(target)),
    });
  }

  // Removes all rules, so every request is served.
  comply() {
    this.#rules = [];
  }

  // Returns the arrivals between two times of performance.now(), of one tenant
  // or of all.
  between(from, to, tenant) {
    return this.arrivals.filter((one) => one.at >= from && one.at < to
      && (!tenant || one.tenant === tenant));
  }

  // Returns the text of a location that passes requests of every tenant to this
  // server.  The location saves time on a busy machine: it uses no TLS, and it
  // takes the member from the session cookie instead of auth_request.
  location(name, { to = 'http://metered', lines = [] } = {}) {
    return this.recorder.location(name, { to, lines: [
      'auth_request off;',
      'cigna_insecure_upstream on;',
      'cigna_identity $metered_tenant $metered_member;',
      'proxy_http_version 1.1;',
      'proxy_set_header Connection "";',
      ...lines,
    ] });
  }

  // The text that location() needs in http {}.
  get http() {
    return `
    upstream metered { server 127.0.0.1:${this.recorder.port}; keepalive 64; }

    map $server_name $metered_tenant { ~^(?<its>\\w+)\\. $its; }
    map $cookie_session $metered_member { default $cookie_session; }`;
  }
}

// An upstream for location() (to: 'http://twice') that lists the meter twice,
// so that nginx has a next server to try.
export function twice({ recorder: { port } }) {
  return `
    upstream twice {
        server 127.0.0.1:${port} max_fails=0;
        server 127.0.0.1:${port} max_fails=0;
    }`;
}

export async function startMeter(t) {
  return new Meter(await startRecorder(t, { plain: true }));
}
