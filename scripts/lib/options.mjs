// The command line of a script.  What cannot be taken ends it with 2, after a
// line that says why.

import { parseArgs } from 'node:util';

// -> { values, positionals }
//   options   as node:util's parseArgs takes them; one that has a number `min`
//             is a text there, and a number from `min` on here
export function optionsOf(tool, options, { allowPositionals = false } = {}) {
  const { values, positionals } = parse(tool, options, allowPositionals);

  for (const [name, { min }] of Object.entries(options)) {
    if (min !== undefined && values[name] !== undefined) {
      values[name] = numberOf(tool, name, values[name], min);
    }
  }
  return { values, positionals };
}

export function fail(tool, text) {
  console.error(`${tool}: ${text}; scripts/${tool} --help says more`);
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
    fail(tool, `--${name} wants a number from ${min} on, not "${text}"`);
  }
  return Number(text);
}
