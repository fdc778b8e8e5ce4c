// Parses JavaScript modules.  Prints errors, and exits with 1 if there is one.
//
//   node --experimental-vm-modules syntax.mjs FILE ...

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SourceTextModule } from 'node:vm';

for (const file of process.argv.slice(2)) {
  try {
    new SourceTextModule(readFileSync(file, 'utf8'), { identifier: file });
  } catch (error) {
    process.exitCode = 1;
    // the error has no line number, but node --check prints one
    const { stderr } = spawnSync(process.execPath, ['--check', file]);
    console.log(`${file}: ${error.message}\n${stderr}`);
  }
}
