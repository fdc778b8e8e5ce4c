// scripts/budgets: what budgets let through, as a table.

import { parseArgs } from 'node:util';

import { Scope } from '../faults/scope.mjs';
import { shortList, table } from '../faults/tally.mjs';
import { SCENARIOS, runScenario } from './scenarios.mjs';

function fail(text) {
  console.error(`budgets: ${text}`);
  process.exit(2);
}

function wanted() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  for (const name of positionals) {
    if (!Object.hasOwn(SCENARIOS, name)) {
      fail(`no scenario "${name}"; there are: `
        + Object.keys(SCENARIOS).join(', '));
    }
  }
  const { seconds, list } = values;
  if (seconds !== undefined && !/^[1-9][0-9]{0,3}$/.test(seconds)) {
    fail(`--seconds wants a number, not "${seconds}"`);
  }
  return {
    names: positionals.length ? positionals : Object.keys(SCENARIOS),
    list,
    seconds: seconds && Number(seconds),
  };
}

// Rows of the table; what goes wrong otherwise is one of its own.
async function run(name, seconds) {
  const scope = new Scope();
  const rows = [];

  try {
    rows.push(...await runScenario(scope, name, { seconds }));
    await scope.end();
  } catch (error) {
    await scope.end().catch(() => {});
    rows.push({ what: 'did not end', offered: 0, sent: 0, allowed: 0,
                problems: [error.stack] });
  }
  return rows.map((row) => cells(name, row));
}

function cells(name, { what, offered, sent, allowed, problems }) {
  for (const problem of shortList(problems)) {
    console.error(`  ${name}: ${problem}`);
  }
  const part = (of) => (of ? (sent / of).toFixed(3) : '-');
  return {
    'scenario': `${name}: ${what}`,
    'offered': offered,
    'sent': sent,
    'allowed': allowed,
    'sent/offered': part(offered),
    'sent/allowed': part(allowed),
    'verdict': problems.length ? 'FAILED' : 'ok',
  };
}

const { names, list, seconds } = wanted();

if (list) {
  for (const name of names) {
    console.log(`${name.padEnd(12)} ${SCENARIOS[name].about}`);
  }
  process.exit(0);
}

const rows = [];
for (const name of names) {
  rows.push(...await run(name, seconds));
}
console.log(`\n${table(rows)}`);
process.exit(rows.every(({ verdict }) => verdict === 'ok') ? 0 : 1);
