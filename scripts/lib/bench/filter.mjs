// Measures the speed of the filter that rewrites links, without nginx.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { compileProbe } from '../../../t/lib/links.mjs';
import { TOP, scratchDirectory } from '../../../t/lib/scratch.mjs';
import { SIZES, bundle } from './contenders.mjs';
import { table } from './report.mjs';

const SAMPLES = `${TOP}/scripts/node_modules/cql-exec-fhir/test/fixtures/r4`;

const BASE = 'https://fhir.cigna.com/PatientAccess/v1';
const OWN = 'https://health.acme.example/fhir/';

// Bytes read in one measurement, and the number of measurements.
const BYTES = 512 * 1024 * 1024;
const TRIES = 3;

function* texts() {
  for (const [size, bytes] of Object.entries(SIZES)) {
    yield [`the Bundle of ${size}`, bundle(bytes, BASE)];
  }
  for (const name of readdirSync(SAMPLES)) {
    const text = readFileSync(path.join(SAMPLES, name), 'utf8');
    if (text.length > 300000) {
      yield [name, text.replace(/"urn:uuid:/g, `"${BASE}/Patient/`)];
    }
  }
}

// Returns a table of texts and of the filter's speed with each: GB per second
// of CPU time, the best of TRIES measurements.
export function filterSpeeds(t, cpu) {
  const probe = compileProbe(scratchDirectory(t, 'filter'));
  const speed = (text) => Number(execFileSync('taskset', [
    '-c', cpu, probe, '-b', String(Math.ceil(BYTES / text.length)), OWN, BASE,
  ], { input: text })) / 1e9;

  return table(
    [{ title: '' }, { title: 'bytes' }, { title: 'links' },
     { title: 'GB/s', digits: 2 }],
    [...texts()].map(([name, text]) => [
      name.slice(0, 40), text.length, text.split(`"${BASE}`).length - 1,
      Math.max(...Array.from({ length: TRIES }, () => speed(text))),
    ]));
}
