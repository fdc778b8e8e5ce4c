// Command lines: each script describes itself, and reports a wrong command
// line.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { TOP } from '../lib/scratch.mjs';

const SCRIPTS = readdirSync(path.join(TOP, 'scripts'))
  .map((name) => ({ name, file: path.join(TOP, 'scripts', name) }))
  .filter(({ name, file }) => !name.startsWith('.') && isProgram(file));

const WRONG = [['--nonsense'], ['nonsense'], ['']];

// Wrong command lines of scripts whose options take values.
const MORE = {
  bench: [['--rounds', 'x'], ['--seconds', '0'], ['--rounds']],
  budgets: [['--seconds', '-1'], ['--seconds']],
  build: [['old'], ['--source']],
  check: [['rooms', 'nonsense']],
  demo: [['--check', '--nonsense']],
  faults: [['kill', '--rounds', '1e9'], ['kill', '--open', '0']],
  fuzz: [['http_reply', 'soon'], ['http_reply', '-1']],
};

// Scripts whose only argument is a file.
const TAKES_FILE = new Set(['keygen']);

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const run = (file, args) => spawnSync(file, args, {
  encoding: 'utf8', timeout: 120000, stdio: ['ignore', 'pipe', 'pipe'],
});

assert.ok(SCRIPTS.length > 8, 'there are scripts');

for (const { name, file } of SCRIPTS) {
  for (const option of ['--help', '-h']) {
    test(`scripts/${name} ${option} prints a description`, () => {
      const { status, stdout, stderr } = run(file, [option]);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`scripts/${name}\\b`));
      assert.ok(stdout.split('\n').length > 5, stdout);
      assert.doesNotMatch(stdout, /^#|#!/m);
    });
  }

  for (const args of [...WRONG, ...MORE[name] ?? []]) {
    if (TAKES_FILE.has(name) && !args[0].startsWith('-')) {
      continue;
    }
    test(`scripts/${name} ${args.map((one) => one || '""').join(' ')} is `
      + 'refused in one line', () => {
      const { status, stdout, stderr } = run(file, args);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.ok(stderr.trim().split('\n').length <= 2, stderr);
      assert.doesNotMatch(stderr, /^\s+at |node:internal|Traceback/m);
    });
  }
}
