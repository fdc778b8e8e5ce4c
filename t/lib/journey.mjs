// What members do, from the first dance to the end, and requests that go on
// while something happens to Redis.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertRefused, assertServed, connected, expired, refreshCount } from
  './fhir.mjs';
import { until } from './scratch.mjs';

export const SAME_ORIGIN = { headers: { 'Sec-Fetch-Site': 'same-origin' } };

const masterOf = (number) => `A${String(number).padStart(14, '0')}`;

// Connects, reads, refreshes, cancels, disconnects and connects again: every
// command the gateway has for Redis.
export async function journey(gw, { member = 'jane' } = {}) {
  const [visitor] = await expired(gw, member);
  const before = await refreshCount(gw);
  const connect = gw.url('acme', '/cigna/connect');

  assertServed(await visitor.get('/fhir/Patient'));
  assert.equal(await refreshCount(gw), before + 1);
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

// Members who connect at once, each of whom then reads what is his own.
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

// Visitors that ask one request after the other until stop(), which returns
// { status or error: how often }.  outage is how long at most a visitor had to
// do without a 200, in ms.
export class Load {
  counts = {};
  outage = 0;
  log = [];

  constructor(visitors, target = '/fhir/Coverage', pause = 5) {
    this.running = true;
    this.done = Promise.all(visitors.map((visitor) =>
      this.#ask(visitor, target, pause)));
  }

  async #ask(visitor, target, pause) {
    let good = Date.now();

    while (this.running) {
      const began = Date.now();
      let what;
      try {
        what = (await visitor.get(target)).status;
      } catch (error) {
        what = error.code ?? error.message;
      }
      this.counts[what] = (this.counts[what] ?? 0) + 1;

      const now = Date.now();
      if (what === 200) {
        good = now;
      } else {
        this.log.push(`${new Date(began).toISOString()} ${what}`);
        this.outage = Math.max(this.outage, now - good);
      }
      await sleep(pause);
    }
  }

  // Requests are answered well again, all of them, for a while.
  async calm(ms = 300) {
    let since = Date.now();
    let bad = this.log.length;

    await until('all requests are served again', () => {
      if (this.log.length !== bad) {
        bad = this.log.length;
        since = Date.now();
      }
      return Date.now() - since > ms;
    }, { timeout: 20000 });
  }

  async stop() {
    this.running = false;
    await this.done;
    return this.counts;
  }
}

// Nothing but 200 and, if allowed, 503: every request was answered, and nobody
// was told that he is not connected.
export function assertNoneLost(counts, { outage = true } = {}) {
  const { 200: served, ...rest } = counts;
  assert.ok(served > 0, JSON.stringify(counts));
  if (outage) {
    delete rest[503];
  }
  assert.deepEqual(rest, {}, JSON.stringify(counts));
}
