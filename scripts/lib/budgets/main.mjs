// scripts/budgets: shows in a table how many requests the budgets let through.

import { Scope } from '../faults/scope.mjs';
import { report, runSeries } from '../series.mjs';
import { SCENARIOS, runScenario } from './scenarios.mjs';

// Runs a scenario and returns its rows of the table.  An unexpected error gets
// a row of its own.
async function rowsOf(name, options) {
  const scope = new Scope();
  const rows = [];

  try {
    rows.push(...await runScenario(scope, name, options));
    await scope.end();
  } catch (error) {
    await scope.end().catch(() => {});
    rows.push({ what: 'did not finish', offered: 0, sent: 0, allowed: 0,
                problems: [error.stack] });
  }
  return rows.map((row) => cells(name, row));
}

function cells(name, { what, offered, sent, allowed, problems }) {
  const part = (of) => (of ? (sent / of).toFixed(3) : '-');

  report(name, problems);
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

await runSeries('budgets', {
  scenarios: SCENARIOS, numbers: ['seconds'], rowsOf,
});
