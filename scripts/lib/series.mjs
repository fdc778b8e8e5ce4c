// Runs named scenarios one after the other and prints a table of the results.
// Shared by scripts/faults and scripts/budgets.

import { endIfOnlyChecked, fail, optionsOf } from './options.mjs';

const LIST_MAX = 20;

// Runs the scenarios that the command line names, or all, and ends the program.
// The exit status is 1 if a row has the verdict "FAILED".
//   tool       the script's name, for messages
//   scenarios  { name: { about } }
//   numbers    names of the options that take a number
//   rowsOf     async (name, { option: number }) -> rows of the table
export async function runSeries(tool, { scenarios, numbers, rowsOf }) {
  const { names, list, options } = wanted(tool, scenarios, numbers);
  endIfOnlyChecked();

  if (list) {
    for (const name of names) {
      console.log(`${name.padEnd(12)} ${scenarios[name].about}`);
    }
    process.exit(0);
  }

  const rows = [];
  for (const name of names) {
    rows.push(...await rowsOf(name, options));
  }
  console.log(`\n${table(rows)}`);
  process.exit(rows.some(({ verdict }) => verdict === 'FAILED') ? 1 : 0);
}

// Prints the problems of a scenario, LIST_MAX at most.
export function report(name, problems) {
  for (const problem of problems.slice(0, LIST_MAX)) {
    console.error(`  ${name}: ${problem}`);
  }
  if (problems.length > LIST_MAX) {
    console.error(`  ${name}: ... and ${problems.length - LIST_MAX} more`);
  }
}

function wanted(tool, scenarios, numbers) {
  const { values: { list, ...options }, positionals } = optionsOf(tool, {
    list: { type: 'boolean' },
    ...Object.fromEntries(numbers.map((name) =>
      [name, { type: 'string', min: 1 }])),
  }, { allowPositionals: true });

  for (const name of positionals) {
    if (!Object.hasOwn(scenarios, name)) {
      fail(tool, `there is no scenario named "${name}", the scenarios are: `
        + Object.keys(scenarios).join(', '));
    }
  }
  return {
    names: positionals.length ? positionals : Object.keys(scenarios),
    list, options,
  };
}

function table(rows) {
  const names = Object.keys(rows[0]);
  const width = (name) => Math.max(name.length,
                                   ...rows.map((row) => `${row[name]}`.length));
  const line = (cell) => names.map((name) => {
    const text = `${cell(name)}`;
    return name === names[0] ? text.padEnd(width(name))
      : text.padStart(width(name));
  }).join('  ').trimEnd();

  return [line((name) => name), line((name) => '-'.repeat(width(name))),
          ...rows.map((row) => line((name) => row[name]))].join('\n');
}
