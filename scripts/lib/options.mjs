// Reads the command line of a script.  A wrong command line ends the script
// with status 2 and one line that names the fault.

import { parseArgs } from 'node:util';

// Returns { values, positionals }, as node:util's parseArgs does.
//   tool      the script's name, for messages
//   options   the options of parseArgs.  An option of type "string" that has
//             `min` must be a whole number of at least `min`, and is returned
//             as a number.
export function optionsOf(tool, options, { allowPositionals = false } = {}) {
  const { values, positionals } = parse(tool, options, allowPositionals);

  for (const [name, { min }] of Object.entries(options)) {
    if (min !== undefined && values[name] !== undefined) {
      values[name] = numberOf(tool, name, values[name], min);
    }
  }
  return { values, positionals };
}

// Ends the program if it was started only to check its command line: see
// check_arguments in common.sh.
export function endIfOnlyChecked() {
  if (process.env.CIGNA_ONLY_CHECK_ARGUMENTS) {
    process.exit(0);
  }
}

export function fail(tool, text) {
  console.error(`${tool}: ${text}; see scripts/${tool} --help`);
  process.exit(2);
}

function parse(tool, options, allowPositionals) {
  const known = Object.fromEntries(Object.entries(options)
    .map(([name, { min, ...rest }]) => [name, rest]));
  try {
    return parseArgs({ options: known, allowPositionals });
  } catch ({ message }) {
    return fail(tool, message.split(/\.?\s*\n|\. /)[0]);
  }
}

function numberOf(tool, name, text, min) {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text) || Number(text) < min) {
    fail(tool, `--${name} needs a number of at least ${min}, not "${text}"`);
  }
  return Number(text);
}
