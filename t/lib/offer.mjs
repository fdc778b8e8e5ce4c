// Requests at a steady rate, whatever becomes of them: an open loop.  What a
// busy machine holds up is made up for at once, so that the rate stays.

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const TICK_MS = 4;

export class Offer {
  answers = [];                // { at, ms, i, ...what send() resolves to }
  sent = 0;
  #going = true;
  #flying = new Set();
  #done;

  // send(i) -> promise of an object; rate: a second
  constructor(rate, send) {
    this.rate = rate;
    this.send = send;
    this.from = performance.now();
    this.#done = this.#go();
  }

  async #go() {
    while (this.#going) {
      const due = (performance.now() - this.from) * this.rate / 1000;
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

  // Sends no more; resolves when all are answered.
  async stop() {
    this.#going = false;
    await this.#done;
    await Promise.all(this.#flying);
    return this;
  }

  // Those that were sent in these ms.
  between(from, to) {
    return this.answers.filter(({ at }) => at >= from && at < to);
  }

  get seconds() {
    return (this.to - this.from) / 1000;
  }
}
