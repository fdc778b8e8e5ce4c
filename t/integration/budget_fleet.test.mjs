// Budgets of a fleet, measured by the requests that reach the upstream.  The
// scenarios are those of scripts/budgets, shortened.

import { test } from 'node:test';

import { runScenario } from '../../scripts/lib/budgets/scenarios.mjs';
import { assertNone } from '../lib/scratch.mjs';

async function run(t, name, options) {
  const rows = await runScenario(t, name, options);
  assertNone(name, rows.flatMap(({ what, problems }) =>
    problems.map((problem) => `${what}: ${problem}`)));
}

test('two hosts at three times the budget send rate x time + burst, with at '
  + 'most 20 Redis calls a second and tenant',
(t) => run(t, 'rate', { seconds: 10 }));

test('a tenant at ten times its share takes nothing from the others, and a '
  + 'quiet tenant gets its share at once',
(t) => run(t, 'share', { seconds: 6 }));

test('an upstream that answers 429 is sent at most 5 % of the offered '
  + 'requests, and the full rate within 10 s of its recovery',
(t) => run(t, 'hold', { seconds: 5 }));
