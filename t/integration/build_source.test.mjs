// scripts/build --source says what a folder lacks, and writes nothing there.

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

test('a folder without sources of nginx is refused', async (t) => {
  for (const missing of PARTS) {
    await t.test(`no ${missing}`, (own) => {
      const directory = folder(own, PARTS.filter((part) => part !== missing));
      const before = readdirSync(directory, { recursive: true });

      const { status, stderr } = build('--source', directory);
      assert.equal(status, 1);
      assert.match(stderr, /not hold nginx's sources: src\/core\/nginx\.c, /);
      assert.deepEqual(readdirSync(directory, { recursive: true }), before);
    });
  }

  await t.test('no folder', () => {
    const { status, stderr } = build('--source', '/nowhere');
    assert.equal(status, 1);
    assert.match(stderr, /\/nowhere does not hold nginx's sources/);
  });

  await t.test('no name', () => {
    assert.match(build('--source').stderr, /--source needs a folder/);
  });
});
