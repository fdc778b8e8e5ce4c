// A process that runs one sandbox after another.  sandbox.mjs starts the
// process and sends { config } to start a sandbox or { stop: true } to stop it.
// The answers are { info }, {} or { failure }.  The process ends when its
// parent has gone.

import { readConfig } from '../../scripts/sandbox/config.mjs';
import { startSandbox } from '../../scripts/sandbox/sandbox.mjs';

let sandbox;

async function answer({ config }) {
  if (config) {
    sandbox = await startSandbox(readConfig([], config));
    return { info: sandbox.info };
  }
  sandbox.close();
  return {};
}

process.on('message', (message) => answer(message)
  .catch((error) => ({ failure: error.stack }))
  .then((reply) => process.send(reply)));
process.on('disconnect', () => process.exit());
