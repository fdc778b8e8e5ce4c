// Starts the sandbox that stands in for Cigna.
//
// Loading the sandbox's code takes half a second of processor time.  So the
// process of a stopped sandbox is kept, and the next sandbox of the same file
// of tests starts in that process.

import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ControlClient } from '../../scripts/sandbox/client.mjs';

const PROCESS = fileURLToPath(new URL('sandbox_process.mjs', import.meta.url));

const idle = [];

function newProcess() {
  const child = fork(PROCESS, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  // an idle process does not keep the tests from ending
  child.unref();
  child.channel.unref();
  return child;
}

// Sends a message to the stand-in's process and returns the answer.
async function ask(child, message) {
  child.channel.ref();
  const reply = await new Promise((resolve, reject) => {
    const gone = (code, signal) => reject(
      new Error(`the stand-in ended with ${code ?? signal}`));
    child.once('exit', gone);
    child.once('message', (answer) => {
      child.off('exit', gone);
      resolve(answer);
    });
    child.send(message);
  });
  child.channel.unref();
  if (reply.failure) {
    throw new Error(reply.failure);
  }
  return reply;
}

// config: see scripts/sandbox/config.mjs
export async function startSandbox(config) {
  const child = idle.pop() ?? newProcess();

  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  const { info } = await ask(child, { config });

  return {
    info,
    control: new ControlClient(info.control),
    stop: async () => {
      if (child.connected) {
        await ask(child, { stop: true });
        idle.push(child);
      }
    },
  };
}
