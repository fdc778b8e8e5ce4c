// Sends requests at a fixed rate, without waiting for replies (an open loop).

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const TICK_MS = 4;

export class Offer {
  // { at: the time of sending, ms: the time until the answer, i: the number of
  // the request, ...the result of send() }
  answers = [];
  sent = 0;
  #going = true;
  #flying = new Set();
  #done;

  // rate: requests a second; send(i): sends a request and returns a promise of
  // an object.  After a delay of the machine all requests that are due are sent
  // at once, which keeps the rate.  steady: true sends only one of them, so no
  // burst exceeds the rate.
  constructor(rate, send, { steady = false } = {}) {
    this.rate = rate;
    this.send = send;
    this.steady = steady;
    this.from = performance.now();
    this.#done = this.#go();
  }

  async #go() {
    let due = 0;
    let last = this.from;

    while (this.#going) {
      const now = performance.now();
      due += (now - last) * this.rate / 1000;
      last = now;
      if (this.steady) {
        due = Math.min(due, this.sent + 1);
      }
      while (this.sent < due) {
        this.#one(this.sent);
        this.sent += 1;
      }
      await sleep(TICK_MS);
    }
    this.to = performance.now();
  }

  #one(i) {
    const at = performance.now();
    const flight = this.send(i).then((answer) => {
      this.answers.push({ ...answer, i, at, ms: performance.now() - at });
      this.#flying.delete(flight);
    });
    this.#flying.add(flight);
  }

  // Stops sending, and resolves when all requests are answered.
  async stop() {
    this.#going = false;
    await this.#done;
    await Promise.all(this.#flying);
    return this;
  }

  // Returns the answers to requests that were sent between two times of
  // performance.now().
  between(from, to) {
    return this.answers.filter(({ at }) => at >= from && at < to);
  }

  get seconds() {
    return (this.to - this.from) / 1000;
  }
}
