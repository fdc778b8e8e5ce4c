// Private directories, free ports and waiting: what every server here needs.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../..', import.meta.url))
  .replace(/\/$/, '');

// Runs the hook when the test ends, whatever its result: the last one that was
// given comes first, and all run even if one fails.  t is a test's context, or
// anything with an after() of its own.
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

// A directory that is removed when the test ends, unless CIGNA_KEEP is set.
// Others may look into it: nginx's workers run as nobody, and reach the Redis
// socket and their temporary files here.
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

// A port that was free a moment ago, and not given out twice by this process,
// nor by those that run in other lanes: below those which the system gives to
// connections, as one of them may take it before the server does that it is
// for.  The same holds for the port of a Redis Cluster's bus, which is 10000
// above: so the three lanes of a whole run end below 22000.
const PORTS = 3300;
const FIRST_PORT = 12000 + PORTS * Number(process.env.CIGNA_LANE ?? 3);

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

// Fails if there is any, and says which.
export function assertNone(what, list) {
  if (list.length) {
    assert.fail(`${what}:\n${list.join('\n')}`);
  }
}

// Asks until the answer is true (or anything like it), and returns it.
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
