// Starts and stops servers.  This file has the only registry of running
// servers, so that a failed or killed test leaves none behind.

import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync, openSync, readFileSync, readdirSync, readlinkSync } from
  'node:fs';
import path from 'node:path';

import { until } from './scratch.mjs';

const STOP_TIMEOUT = 20000;

const running = new Set();

function killRest() {
  for (const server of running) {
    server.signalGroup('SIGKILL');
  }
}

process.on('exit', killRest);

for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15]]) {
  process.once(signal, () => process.exit(128 + number));
}

class Server {
  constructor(name, child, outputFile) {
    this.name = name;
    this.child = child;
    this.pid = child.pid;
    this.group = child.pid;
    this.outputFile = outputFile;
    this.ended = null;

    running.add(this);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve({ error }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).then((ended) => {
      this.ended = ended;
      running.delete(this);
      return ended;
    });
  }

  get output() {
    return readFileSync(this.outputFile, 'latin1');
  }

  signal(signal) {
    if (!this.ended) {
      process.kill(this.pid, signal);
    }
  }

  // Signals the server's process group, which includes its children.
  signalGroup(signal) {
    try {
      process.kill(-this.group, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') {
        throw error;
      }
    }
  }

  // Waits until ask() is true, and throws if the server exits instead.
  async ready(ask, timeout) {
    const answer = await until(`${this.name} is ready`,
                               async () => this.ended || ask(), { timeout });

    if (this.ended) {
      throw new Error(`${this.name} ended: ${JSON.stringify(this.ended)}\n`
        + this.output);
    }
    return answer;
  }

  // Stops the server and returns { code, signal }.  Kills it and throws after
  // the timeout.
  async stop(signal = 'SIGTERM', timeout = STOP_TIMEOUT) {
    this.signal(signal);

    const timer = setTimeout(() => {
      this.late = true;
      this.signalGroup('SIGKILL');
    }, timeout);

    const ended = await this.exited;
    clearTimeout(timer);
    this.signalGroup('SIGKILL');

    if (this.late) {
      throw new Error(`${this.name} did not stop within ${timeout} ms`);
    }
    return ended;
  }
}

// A server that is not our child, such as a daemon.  group: the process group
// to kill with it.
class Adopted extends Server {
  constructor(name, pid, group, outputFile) {
    const child = new EventEmitter();
    super(name, Object.assign(child, { pid }), outputFile);
    this.group = group;

    const timer = setInterval(() => {
      if (!isRunning(pid)) {
        clearInterval(timer);
        child.emit('exit', 0, null);
      }
    }, 20);
    timer.unref();
  }
}

export function adoptServer(name, pid, { group = pid, outputFile }) {
  return new Adopted(name, pid, group, outputFile);
}

// Starts a program in its own process group, with its output in a file.
export function startServer(name, command, args, { directory, env } = {}) {
  const outputFile = path.join(directory, `${name}.out`);
  const output = openSync(outputFile, 'a');

  const child = spawn(command, args, {
    cwd: directory,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);

  return new Server(name, child, outputFile);
}

// Returns the pids of a process's children.
export function childrenOf(pid) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid).map(Number);
}

// Returns the local TCP ports of a process.  Stop the process first, or the
// result may be out of date.
export function portsOf(pid) {
  return new Set(socketsOf(pid).map(({ local }) => local));
}

// Returns the number of connections of a process to a port.
export function connectionsTo(pid, port) {
  return socketsOf(pid).filter(({ remote }) => remote === port).length;
}

function socketsOf(pid) {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`)
    .map((fd) => /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${pid}/fd/${fd}`)))
    .filter(Boolean).map(([, inode]) => inode));
  const portOf = (address) => parseInt(address.split(':')[1], 16);

  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n').slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]))
      .map(([, local, remote]) =>
        ({ local: portOf(local), remote: portOf(remote) })));
}

export function linkAt(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';                           // closed meanwhile
  }
}

export function isRunning(pid) {
  return parentOf(pid) !== null;
}

// Whether a process is stopped.  A process does not stop at once after SIGSTOP,
// but when it runs next.
export function isStopped(pid) {
  return statOf(pid)?.state === 'T';
}

// Whether a worker of nginx is shutting down or has gone.
export function isExiting(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      .includes('is shutting down');
  } catch {
    return true;                         // gone meanwhile
  }
}

// Returns the parent's pid, or null if the process is gone or a zombie.
function parentOf(pid) {
  const { state, parent } = statOf(pid) ?? { state: 'Z' };
  return state === 'Z' ? null : Number(parent);
}

function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent };
  } catch {
    return null;
  }
}
