// scripts/build --source names the sources that a folder lacks, and writes
// nothing there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { TOP, scratchDirectory } from '../lib/scratch.mjs';

const PARTS = ['src/core/nginx.c', 'auto/options', 'auto/configure'];

function folder(t, parts) {
  const directory = scratchDirectory(t, 'source');

  for (const part of parts) {
    mkdirSync(path.join(directory, path.dirname(part)), { recursive: true });
    writeFileSync(path.join(directory, part), '');
  }
  return directory;
}

function build(...args) {
  const { status, stderr } = spawnSync(`${TOP}/scripts/build`, args,
                                       { encoding: 'utf8' });
  return { status, stderr };
}

test('a folder without nginx sources is refused', async (t) => {
  for (const missing of PARTS) {
    await t.test(`a folder without ${missing} is refused`, (own) => {
      const directory = folder(own, PARTS.filter((part) => part !== missing));
      const before = readdirSync(directory, { recursive: true });

      const { status, stderr } = build('--source', directory);
      assert.equal(status, 1);
      assert.match(stderr, /not hold nginx's sources: src\/core\/nginx\.c, /);
      assert.deepEqual(readdirSync(directory, { recursive: true }), before);
    });
  }

  await t.test('a path that does not exist is refused', () => {
    const { status, stderr } = build('--source', '/nowhere');
    assert.equal(status, 1);
    assert.match(stderr, /\/nowhere does not hold nginx's sources/);
  });

  await t.test('--source without a path is refused', () => {
    assert.match(build('--source').stderr, /--source needs a folder/);
  });
});
