// scripts/faults: what happens to grants when things break, as a table.

import { parseArgs } from 'node:util';

import { runScenario } from './run.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { Scope } from './scope.mjs';
import { shortList, table, Tally } from './tally.mjs';

function fail(text) {
  console.error(`faults: ${text}`);
  process.exit(2);
}

function natural(name, text) {
  if (text !== undefined && !/^[0-9]+$/.test(text)) {
    fail(`--${name} wants a number, not "${text}"`);
  }
  return text === undefined ? undefined : Number(text);
}

function wanted() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  for (const name of positionals) {
    if (!Object.hasOwn(SCENARIOS, name)) {
      fail(`no scenario "${name}"; there are: `
        + Object.keys(SCENARIOS).join(', '));
    }
  }
  return {
    names: positionals.length ? positionals : Object.keys(SCENARIOS),
    list: values.list,
    options: Object.fromEntries(['rounds', 'seconds', 'seed'].map((name) =>
      [name, natural(name, values[name])])
      .filter(([, value]) => value !== undefined)),
  };
}

async function run(name, options) {
  const scope = new Scope();
  let tally = new Tally();

  try {
    tally = await runScenario(scope, name, options);
  } catch (error) {
    tally.wrong.push(error.stack);
  }
  await scope.end().catch((error) => tally.wrong.push(error.message));
  for (const problem of shortList(tally.problems)) {
    console.error(`  ${name}: ${problem}`);
  }
  return tally;
}

const { names, list, options } = wanted();

if (list) {
  for (const name of names) {
    console.log(`${name.padEnd(12)} ${SCENARIOS[name].about}`);
  }
  process.exit(0);
}

const rows = [];
for (const name of names) {
  const tally = await run(name, options);
  rows.push(tally.row(name));
}
console.log(`\n${table(rows)}`);
process.exit(rows.every(({ verdict }) => verdict === 'ok') ? 0 : 1);
