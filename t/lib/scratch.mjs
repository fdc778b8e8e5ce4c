// Helpers of all tests: hooks that run at a test's end, private directories,
// free ports, and waiting for a condition.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../..', import.meta.url))
  .replace(/\/$/, '');

// Runs the hook when the test ends, whatever its result.  The newest hook runs
// first, and all hooks run even if one fails.  t: the context of a test, or any
// object with after().
const hooksOf = new WeakMap();

export function onEnd(t, hook) {
  if (!hooksOf.has(t)) {
    hooksOf.set(t, []);
    t.after(() => runHooks(hooksOf.get(t)));
  }
  hooksOf.get(t).push(hook);
}

async function runHooks(hooks) {
  const failures = [];

  while (hooks.length) {
    try {
      await hooks.pop()();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length) {
    throw failures[0];
  }
}

// Makes a directory, and removes it when the test ends, unless CIGNA_KEEP is
// set.  Every user may enter and read the directory: nginx's workers run as
// nobody, and must reach Redis' socket and their temporary files below it.
export function scratchDirectory(t, name = 'test') {
  const directory = mkdtempSync(path.join(tmpdir(), `cigna-${name}-`));
  chmodSync(directory, 0o755);

  onEnd(t, () => {
    if (process.env.CIGNA_KEEP) {
      console.error(`kept: ${directory}`);
      return;
    }
    rmSync(directory, { recursive: true, force: true });
  });

  return directory;
}

// Returns a port of 127.0.0.1 that was free a moment ago.  A process never gets
// a port twice.  Processes that run at the same time take ports from different
// ranges: CIGNA_LANE is the number of the range, from 0 to 3, and a process
// without CIGNA_LANE uses range 4.
//
// A node of a Redis Cluster also listens on the port 10000 above its own, if
// its configuration names no other port for the bus.  So the five ranges end
// below 22000, and the ports 10000 above end below 32000.  The system's
// ephemeral ports begin at 32768.  The system could give such a port to a
// connection before the server listens there.
const PORTS = 2000;
const FIRST_PORT = 12000 + PORTS * Number(process.env.CIGNA_LANE ?? 4);

const given = new Set();

export async function freePort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);

    if (!given.has(port) && await isFree(port)) {
      given.add(port);
      return port;
    }
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// Fails unless the list is empty.  The message has `what` and all items.
export function assertNone(what, list) {
  if (list.length) {
    assert.fail(`${what}:\n${list.join('\n')}`);
  }
}

// Calls ask() every `every` ms until its answer is truthy, and returns that
// answer.  Throws after `timeout` ms.  `what` ends the sentence "waited ... in
// vain until" of the error.
export async function until(what, ask, { timeout = 10000, every = 10 } = {}) {
  const deadline = Date.now() + timeout;

  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeout} ms in vain until ${what}`);
    }
    await sleep(every);
  }
}
