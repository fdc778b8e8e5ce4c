// Observes the pages of a browser: the steps that their scripts report on the
// console, and the moment when all pages are idle.

import { setTimeout as sleep } from 'node:timers/promises';

const QUIET_MS = 500;
const QUIET_MAX_MS = 40000;

const NETWORK = ['request', 'response', 'requestfinished', 'requestfailed',
                 'page', 'console', 'serviceworker'];

// The effects of the scripts in one browser context.  A script of documents.mjs
// reports each step on the console as "EFFECT MARK STEP", where MARK names the
// document.  Its first step is "ran", and its last is "done".  `said` collects
// "MARK STEP" of all steps but "done".
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

  // Resolves when there was no event of NETWORK for QUIET_MS and each script
  // that began is done.  A script whose page has gone is never done, so
  // settled() resolves after QUIET_MAX_MS at the latest.
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
