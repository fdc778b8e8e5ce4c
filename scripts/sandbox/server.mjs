// Runs the stand-in for Cigna as a process:
//
//   node server.mjs --directory DIR [--config FILE] [--port N] ...
//
// The process prints one JSON line when it is ready.  config.mjs describes the
// settings, control.mjs the control API.  The process ends on SIGTERM and
// SIGINT.  It also ends when a pipe on its standard input closes and when its
// parent dies, so a killed test leaves no process behind.  Then it says why it
// ends.

import { fstatSync } from 'node:fs';

import { ConfigError, HELP, readConfig } from './config.mjs';
import { ModeError } from './modes.mjs';
import { startSandbox } from './sandbox.mjs';

const PARENT_CHECK_MS = 1000;
const USAGE = 2;

function endWithParent(end) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end('its parent has ended'),
              PARENT_CHECK_MS).unref();

  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) {
    const ended = () => end('its standard input was closed');
    process.stdin.on('end', ended).on('error', ended).resume();
  }
}

async function run(config) {
  const sandbox = await startSandbox(config);
  const end = (why) => {
    if (why) {
      say(`ends, because ${why}`);
    }
    sandbox.close();
    process.exit(0);
  };

  // a parent that ended may have taken the other ends of the pipes with it
  process.stdout.on('error', () => end('its standard output was closed'));
  process.stderr.on('error', () => {});
  process.on('SIGTERM', () => end());
  process.on('SIGINT', () => end());
  process.on('SIGHUP', () => end('its terminal was closed'));
  endWithParent(end);
  process.stdout.write(`${JSON.stringify(sandbox.info)}\n`);
}

function say(text) {
  process.stderr.write(`sandbox: ${text}\n`);
}

try {
  const config = readConfig(process.argv.slice(2));
  if (config) {
    await run(config);
  } else {
    process.stdout.write(HELP);
  }
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof ModeError;
  say(expected ? `${error.message}; see server.mjs --help` : error.stack);
  process.exitCode = expected ? USAGE : 1;
}
