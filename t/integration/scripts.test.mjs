// Command lines: each script describes itself, and reports a wrong command line
// in one line.

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

// More wrong command lines: missing, wrong and superfluous values.
const MORE = {
  bench: [['--rounds', 'x'], ['--seconds', '0'], ['--rounds'],
          ['--tenants', 'x'], ['--quick', 'x']],
  budgets: [['--seconds', '-1'], ['--seconds'], ['rate', 'nonsense']],
  build: [['old'], ['--source'], ['dynamic', 'x'], ['old', '0.4.0', 'x'],
          ['clean', 'all']],
  check: [['rooms', 'nonsense']],
  demo: [['--check', '--nonsense'], ['--check', 'x'], ['--screenshots']],
  faults: [['kill', '--rounds', '1e9'], ['kill', '--open', '0'],
           ['kill', 'nonsense'], ['--seed']],
  fuzz: [['http_reply', 'soon'], ['http_reply', '-1'],
         ['http_reply', '1', 'x'], ['all', '/dev/null']],
  install: [['build', 'x'], ['build', '']],
  keygen: [['--add'], ['--drop'], ['--drop', 'x'], ['--list', 'a', 'b'],
           ['--list', '--add', 'a']],
  test: [['check', 'nonsense'], ['unit', 'nonsense'], ['fuzz', 'soon'],
         ['fuzz', '1', '2'], ['integration', 'nonsense'], ['demo', 'x'],
         ['all', 'x'], ['unit', '']],
  vault: [['--wait', 'x', 'status'], ['--wait'], ['--cluster', 'x'],
          ['-c'], ['status', '-c']],
};

// Wrong command lines of commands of scripts/vault.
const VAULT = {
  init: [['--adopt', 'x']],
  list: [['--rate', 'x'], ['--rate'], ['--tenant'],
         ['--member', 'a', '--identity', 'b']],
  pauses: [['--end'], ['--tenant', 'acme']],
  rename: [[], ['a'], ['a', 'b'], ['a', 'b', '--members'],
           ['a', 'b', 'c', '--members', 'x']],
  revive: [[], ['--tenant', 'acme'], ['--since', 'yesterday'],
           ['--tenant', 'acme', '--all', '--member', 'a']],
  revoke: [[], ['--tenant']],
};

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

// Checks that the script refuses a command line, with an error of one line.
function assertWrong(file, args) {
  const { status, stdout, stderr } = run(file, args);
  assert.equal(status, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^[^\n]+\n$/);
  assert.ok(stderr.length < 400, stderr);
  assert.doesNotMatch(stderr, /^\s+at |node:internal|Traceback/m);
}

const titled = (args) => args.map((one) => one || '""').join(' ');

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
    test(`scripts/${name} ${titled(args)} is refused in one line`, () => {
      assertWrong(file, args);
    });
  }
}

const TOOL = path.join(TOP, 'scripts', 'vault');
const COMMANDS = [...run(TOOL, ['--help']).stdout.matchAll(
  /^ {2}([a-z]+) {2,}[a-z]/gm)].map(([, name]) => name);

test('the help of scripts/vault lists the commands', () => {
  for (const name of Object.keys(VAULT)) {
    assert.ok(COMMANDS.includes(name), name);
  }
});

for (const name of COMMANDS) {
  test(`scripts/vault ${name} --help describes the command`, () => {
    for (const option of ['--help', '-h']) {
      const { status, stdout, stderr } = run(TOOL, [name, option]);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^usage: scripts/vault ${name} `));
    }
  });

  for (const args of [['--nonsense'], ['x', 'y', 'z'], ...VAULT[name] ?? []]) {
    test(`scripts/vault ${name} ${titled(args)} is refused in one line`, () => {
      assertWrong(TOOL, [name, ...args]);
    });
  }
}
