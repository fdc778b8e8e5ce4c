// Budgets of a fleet, by what reaches the upstream: the scenarios of
// scripts/budgets in a short form.

import { test } from 'node:test';

import { runScenario } from '../../scripts/lib/budgets/scenarios.mjs';
import { assertNone } from '../lib/scratch.mjs';

async function run(t, name, options) {
  const rows = await runScenario(t, name, options);
  assertNone(name, rows.flatMap(({ what, problems }) =>
    problems.map((problem) => `${what}: ${problem}`)));
}

test('two hosts of two workers, offered three times the budget, send rate x '
  + 'time + burst, and ask Redis 20 times a second and tenant at most',
(t) => run(t, 'rate', { seconds: 10 }));

test('a tenant at ten times its share leaves the others theirs, and one that '
  + 'was quiet has its own at once',
(t) => run(t, 'share', { seconds: 6 }));

test('an upstream that answers 429 is sent 5 % of what is offered at most, and '
  + 'all of the rate within 10 s of its recovery',
(t) => run(t, 'hold', { seconds: 5 }));
