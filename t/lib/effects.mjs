// Everything that a browser's pages are seen to do: what their scripts say on
// the console, and when all of it has come to rest.

import { setTimeout as sleep } from 'node:timers/promises';

const QUIET_MS = 500;
const QUIET_MAX_MS = 40000;

const NETWORK = ['request', 'response', 'requestfinished', 'requestfailed',
                 'page', 'console', 'serviceworker'];

// One browser context's: `said` holds "MARK WHAT" of each script that ran.  A
// script says "ran" first and "done" last.
export class Effects {
  said = new Set();
  #last = Date.now();
  #running = new Set();

  constructor(context) {
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

  // Resolves when nothing has happened for a while, and the scripts that have
  // begun are done, or gone with their pages.
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
