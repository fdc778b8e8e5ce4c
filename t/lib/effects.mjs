// Everything that a browser's pages are seen to do: what their scripts say on
// the console, and when all of it has come to rest.

import { setTimeout as sleep } from 'node:timers/promises';

const QUIET_MS = 400;
const QUIET_MAX_MS = 8000;

const NETWORK = ['request', 'response', 'requestfinished', 'requestfailed',
                 'page', 'console', 'serviceworker'];

// One browser context's: `said` holds "MARK WHAT" of each script that ran.
export class Effects {
  said = new Set();
  #last = Date.now();

  constructor(context) {
    for (const event of NETWORK) {
      context.on(event, () => {
        this.#last = Date.now();
      });
    }
    context.on('console', (message) => {
      const [, what] = /^EFFECT (\S+ [\w ]+)$/.exec(message.text()) ?? [];
      if (what) {
        this.said.add(what);
      }
    });
    context.on('dialog', (dialog) => {
      dialog.dismiss().catch(() => {});
    });
  }

  add(mark, what) {
    this.said.add(`${mark} ${what}`);
  }

  // Resolves when nothing has happened for a while.
  async settled() {
    const deadline = Date.now() + QUIET_MAX_MS;
    this.#last = Date.now();
    while (Date.now() - this.#last < QUIET_MS && Date.now() < deadline) {
      await sleep(20);
    }
  }
}
