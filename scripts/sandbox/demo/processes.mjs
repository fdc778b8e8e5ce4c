// Starts the demo's processes one by one, and stops them in reverse order.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 15000;
const STOP_MS = 5000;
const POLL_MS = 20;

// Returns the preferred port if it is free, or another one.
export async function findPort(preferred) {
  for (const port of [preferred, 0]) {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const free = await once(server, 'listening').catch(() => null);
    if (free) {
      const { port: found } = server.address();
      server.close();
      return found;
    }
  }
  throw new Error('no port is free');
}

class Process {
  constructor(name, child, logFile) {
    this.name = name;
    this.child = child;
    this.logFile = logFile;
    this.ended = new Promise((resolve) => {
      child.once('exit', resolve).once('error', resolve);
    });
    this.ended.then(() => { this.isOver = true; });
  }

  get log() {
    return readFileSync(this.logFile, 'utf8');
  }

  // Waits until isReady() returns a true value, and returns that value.
  async until(isReady) {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const answer = await isReady();
      if (answer) {
        return answer;
      }
      if (this.isOver || Date.now() > deadline) {
        throw new Error(`${this.name} did not start:\n${this.log}`);
      }
      await sleep(POLL_MS);
    }
  }

  async stop() {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

export class Processes {
  #directory;
  #running = [];

  constructor(directory) {
    this.#directory = directory;
  }

  // Starts a process.  Its output goes to the file NAME.out.  setpriv makes the
  // process end with the demo, even if the demo is killed.
  start(name, command, args) {
    const logFile = path.join(this.#directory, `${name}.out`);
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', command,
                                    ...args],
                        { stdio: ['ignore', log, log] });
    closeSync(log);
    return this.add(new Process(name, child, logFile));
  }

  // Adds an object with stop(), which stopAll() will call.
  add(process) {
    this.#running.push(process);
    return process;
  }

  async stopAll() {
    while (this.#running.length > 0) {
      await this.#running.pop().stop();
    }
  }
}
