// Observes the pages of a browser: what their scripts write to the console, and
// when all of them are idle.

import { setTimeout as sleep } from 'node:timers/promises';

const QUIET_MS = 500;
const QUIET_MAX_MS = 40000;

const NETWORK = ['request', 'response', 'requestfinished', 'requestfailed',
                 'page', 'console', 'serviceworker'];

// The effects in one browser context.  `said` gets "MARK WHAT" for each step of
// a script.  A script says "ran" first and "done" last.
export class Effects {
  #last = Date.now();
  #running = new Set();

  constructor(context, said = new Set()) {
    this.said = said;
    for (const event of NETWORK) {
      context.on(event, () => {
        this.#last = Date.now();
      });
    }
    context.on('console', (message) => {
      const [, mark, what] = /^EFFECT (\S+) (\w+)$/.exec(message.text()) ?? [];
      if (mark) {
        this.#hear(mark, what);
      }
    });
    context.on('dialog', (dialog) => {
      dialog.dismiss().catch(() => {});
    });
  }

  #hear(mark, what) {
    if (what === 'done') {
      this.#running.delete(mark);
      return;
    }
    if (what === 'ran') {
      this.#running.add(mark);
    }
    this.add(mark, what);
  }

  add(mark, what) {
    this.said.add(`${mark} ${what}`);
  }

  // Resolves when nothing has happened for QUIET_MS and each script that began
  // is done, or after QUIET_MAX_MS if a page took its script with it.
  async settled() {
    const deadline = Date.now() + QUIET_MAX_MS;
    this.#last = Date.now();
    while ((this.#running.size || Date.now() - this.#last < QUIET_MS)
           && Date.now() < deadline) {
      await sleep(20);
    }
    this.#running.clear();
  }
}
