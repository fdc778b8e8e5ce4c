// Private directories, free ports and waiting, for all servers of the tests.

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

// Makes a directory that is removed when the test ends, unless CIGNA_KEEP is
// set.  It is readable for all, because nginx's workers run as nobody and need
// the Redis socket and their temporary files in it.
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

// Returns a port that was free a moment ago.  No port is given out twice by one
// process or in two lanes.  All ports are below the system's ephemeral ports,
// because a connection could take one before its server does.  The bus of a
// Redis Cluster uses a port 10000 above, so the four lanes end below 22000.
const PORTS = 2500;
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

// Fails and shows the list unless it is empty.
export function assertNone(what, list) {
  if (list.length) {
    assert.fail(`${what}:\n${list.join('\n')}`);
  }
}

// Calls ask() until its answer is truthy, and returns that answer.
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
