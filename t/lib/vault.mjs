// scripts/vault, run as an operator runs it.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { passwordOf } from './redis_users.mjs';
import { TOP } from './scratch.mjs';

const TOOL = `${TOP}/scripts/vault`;
const USER = 'cigna-vault';

// { code, out, err }
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

// Options of the tool that log in as its own user, where conf/'s users are.
export function vaultLogin(redis, directory) {
  if (!redis.hasUsers) {
    return [];
  }
  const file = path.join(directory, 'vault.password');
  writeFileSync(file, passwordOf(USER), { mode: 0o600 });
  return ['--username', USER, '--password-file', file];
}

// `settings`: lines of cigna_vault; the text of a configuration with them.
export const vaultConfiguration = (settings, more = '') =>
  `http {\n    cigna_vault {\n${settings}\n    }\n${more}\n}\n`;
