// Runs scripts/vault as an operator does.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { passwordOf } from './redis_users.mjs';
import { TOP } from './scratch.mjs';

const TOOL = `${TOP}/scripts/vault`;
const USER = 'cigna-vault';

// Resolves to { code, out, err }: the exit code and the outputs.
export function runVault(args, options = {}) {
  return new Promise((resolve, reject) => {
    execFile(TOOL, args.map(String), {
      maxBuffer: 64 * 1024 * 1024, timeout: 120000, ...options,
    }, (error, out, err) => {
      if (error && typeof error.code !== 'number') {
        reject(error);
      } else {
        resolve({ code: error?.code ?? 0, out, err });
      }
    });
  });
}

// Returns options with which scripts/vault logs in as its own user, if Redis
// has the users of conf/redis/.
export function vaultLogin(redis, directory) {
  if (!redis.hasUsers) {
    return [];
  }
  const file = path.join(directory, 'vault.password');
  writeFileSync(file, passwordOf(USER), { mode: 0o600 });
  return ['--username', USER, '--password-file', file];
}

// Returns the text of a configuration for scripts/vault.  settings: lines of
// cigna_vault; more: text after that block.
export const vaultConfiguration = (settings, more = '') =>
  `http {\n    cigna_vault {\n${settings}\n    }\n${more}\n}\n`;
