// A member's whole way from the first dance to the last request, and requests
// that go on while something happens to Redis.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, refreshCount } from
  './fhir.mjs';
import { until } from './scratch.mjs';

export const SAME_ORIGIN = { headers: { 'Sec-Fetch-Site': 'same-origin' } };

const masterOf = (number) => `A${String(number).padStart(14, '0')}`;

// Connects a member, reads, refreshes, cancels another dance, disconnects and
// connects again.  This uses every command that the gateway sends to Redis.
// refresh: false leaves the refresh out, because no refresh starts for a while
// after a change of primary.
export async function journey(gw, { member = 'jane', refresh = true } = {}) {
  const [visitor] = refresh ? await expired(gw, member)
    : [await connected(gw, { member })];
  const before = await refreshCount(gw);
  const connect = gw.url('acme', '/cigna/connect');

  assertServed(await visitor.get('/fhir/Patient'));
  assert.equal(await refreshCount(gw), before + (refresh ? 1 : 0));
  assert.equal((await visitor.get('/cigna/status')).json().connected, true);

  await gw.dance({ member, cancel: 'login' });
  assert.equal((await visitor.post('/cigna/disconnect', SAME_ORIGIN)).status,
               204);
  assertRefused(await visitor.get('/fhir/Patient'), 401, 'not_connected',
                { connect });
  await visitor.dance();
  assertServed(await visitor.get('/fhir/Patient'));
  return visitor;
}

// Connects members at the same time, and checks that each reads their own data.
export async function manyMembers(gw, count = 10) {
  const visitors = await Promise.all(Array.from({ length: count }, (_, i) =>
    connected(gw, {
      member: `member-${i}`,
      tenant: i % 2 ? 'globex' : 'acme',
      username: `syntheticuser${String(i % 10 + 1).padStart(2, '0')}`,
    })));

  await Promise.all(visitors.map(async (visitor, i) => {
    const { body } = await visitor.get('/fhir/Patient');
    assert.ok(body.includes(masterOf(i % 10 + 1)), body.slice(0, 300));
  }));
  return visitors;
}

// Visitors that each send one request after the other.
class Load {
  // { status or error: the number of requests that ended so }
  counts = {};
  // the longest time in ms that a visitor went without a 200
  outage = 0;
  bad = 0;
  running = true;

  constructor(visitors, target) {
    this.done = Promise.all(visitors.map((visitor) =>
      this.#ask(visitor, target)));
  }

  async #ask(visitor, target) {
    let good = Date.now();

    while (this.running) {
      let what;
      try {
        what = (await visitor.get(target)).status;
      } catch (error) {
        what = error.code ?? error.message;
      }
      this.counts[what] = (this.counts[what] ?? 0) + 1;

      if (what === 200) {
        good = Date.now();
      } else {
        this.bad += 1;
        this.outage = Math.max(this.outage, Date.now() - good);
      }
      await sleep(5);
    }
  }

  // Waits until all replies of the last `ms` milliseconds have been 200.
  async calm(ms) {
    let since = Date.now();
    let { bad } = this;

    await until(`all are served again: ${JSON.stringify(this.counts)}`, () => {
      if (this.bad !== bad) {
        bad = this.bad;
        since = Date.now();
      }
      return Date.now() - since > ms;
    }, { timeout: 20000 });
  }
}

// Lets visitors send requests while `action` runs, and until all are served
// again for `calm` ms.  Each request must get 200 or 503; with outage: false
// each must get 200.
export async function underLoad(visitors, action,
                                { target = '/fhir/Coverage', calm = 300,
                                  outage = true } = {}) {
  const load = new Load(visitors, target);
  try {
    await sleep(200);
    await action();
    await load.calm(calm);
  } finally {
    load.running = false;
    await load.done;
  }

  const { 200: served, 503: refused, ...rest } = load.counts;
  assert.ok(served > 0);
  assert.deepEqual(rest, {}, JSON.stringify(load.counts));
  assert.ok(outage || !refused, JSON.stringify(load.counts));
  return load;
}

// Returns a line that reports the result of underLoad().
export const told = (what, { counts, outage }) =>
  `${what}: ${JSON.stringify(counts)}, back after ${outage} ms`;
