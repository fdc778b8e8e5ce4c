// Runs the stand-in for Cigna as a process:
//
//   node server.mjs --directory DIR [--config FILE] [--port N] ...
//
// It prints one JSON line when it is ready.  config.mjs describes the settings,
// control.mjs the control API.  The process ends on SIGTERM and SIGINT.  It
// also ends when a pipe on its standard input closes and when its parent dies,
// so a killed test leaves no process behind.

import { fstatSync } from 'node:fs';

import { ConfigError, readConfig } from './config.mjs';
import { ModeError } from './modes.mjs';
import { startSandbox } from './sandbox.mjs';

const PARENT_CHECK_MS = 1000;

function endWithParent(end) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), PARENT_CHECK_MS).unref();

  const stdin = fstatSync(0);
  if (stdin.isFIFO() || stdin.isSocket()) {
    process.stdin.on('end', end).on('error', end).resume();
  }
}

try {
  const sandbox = await startSandbox(readConfig(process.argv.slice(2)));
  const end = () => {
    sandbox.close();
    process.exit(0);
  };

  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  endWithParent(end);
  process.stdout.write(`${JSON.stringify(sandbox.info)}\n`);
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof ModeError;
  process.stderr.write(`sandbox: ${expected ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
