// Compares the cost of the gateway with that of a plain nginx:
//
//   direct     wrk asks the upstream itself
//   plain      nginx in between, proxy_pass with a fixed Authorization
//   cached     the gateway in between, the token in shared memory, links=off
//   rewritten  as cached, and the gateway rewrites links in replies
//   uncached   the gateway with cache=off links=off: one Redis read per request
//   budgeted   as cached, and each request is charged to three budgets
//
// A round measures plain, cached, rewritten and uncached one after the other.
// Their order changes from round to round.  The results of a round are compared
// with plain in the same round.  direct is measured once, at the end.
// callgrind counts the instructions of all but direct, and it alone measures
// budgeted.

import { cpus } from 'node:os';

import { runScoped } from '../faults/scope.mjs';
import { endIfOnlyChecked, optionsOf } from '../options.mjs';
import { instructionsPerRequest } from './callgrind.mjs';
import { startContenders } from './contenders.mjs';
import { filterSpeeds } from './filter.mjs';
import { summary, table } from './report.mjs';
import { round } from './wrk.mjs';

const HEADLINE = { size: '4 KiB', connections: 32 };

const SCENARIOS = [
  HEADLINE,
  { size: '4 KiB', connections: 128 },
  { size: '64 KiB', connections: 32 },
  { size: '64 KiB', connections: 128 },
];

const GOALS = 'goals at 4 KiB, 32 connections: cached CPU <= 1.04 and '
  + 'requests/s >= 0.97 of plain,\n  <= 5000 instructions added; uncached '
  + '<= 10 us CPU added and requests/s >= 0.80;\n  rewritten at 64 KiB: '
  + 'requests/s >= 0.85 of plain, or the filter alone >= 1 GB/s;\n  '
  + 'budgeted <= 3000 instructions more than cached';

const { values: { quick, ...plan } } = optionsOf('bench', {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string', min: 0 },
  others: { type: 'string', min: 0 },
  seconds: { type: 'string', min: 1 },
  requests: { type: 'string', min: 1 },
});

endIfOnlyChecked();

for (const [name, [usual, least]] of Object.entries({
  rounds: [20, 3], others: [6, 1], seconds: [2, 1], requests: [2000, 500],
})) {
  plan[name] ??= quick ? least : usual;
}

// On a machine with two processors, the measured nginx has one of them, and
// everything else has the other one.
const CPUS = cpus().length > 1 ? { nginxCpu: '0', otherCpu: '1' }
  : { nginxCpu: '0', otherCpu: '0' };

async function compare(contenders, { size, connections }, rounds) {
  const names = ['plain', 'cached', 'rewritten', 'uncached'];
  const results = Object.fromEntries(names.map((name) => [name, []]));
  const measure = async (name, seconds) => {
    const { url, ...rest } = contenders[name];
    return round({ ...rest, url: url(size) },
                 { connections, seconds, cpu: CPUS.otherCpu });
  };

  for (const name of ['direct', ...names]) {
    await measure(name, 1);
  }
  for (let i = 0; i < rounds; i += 1) {
    names.push(names.shift());
    for (const name of i % 2 ? [...names].reverse() : names) {
      results[name].push(await measure(name, plan.seconds));
    }
  }
  return { direct: [await measure('direct', plan.seconds)], ...results };
}

async function countInstructions(t, contenders) {
  const counts = {};

  // callgrind's nginx takes the ports of the measured nginx
  await contenders.stop();

  for (const name of ['plain', 'cached', 'rewritten', 'uncached',
                      'budgeted']) {
    const { url, server } = contenders[name];
    counts[name] = await instructionsPerRequest(t, {
      ...server, url: url(HEADLINE.size),
    }, plan.requests);
  }
  return table([{ title: '' }, { title: 'instructions' }, { title: 'added' }],
               Object.entries(counts).map(([name, count]) =>
                 [name, count, count - counts.plain]));
}

async function main(t) {
  const contenders = await startContenders(t, CPUS);

  for (const scenario of SCENARIOS) {
    const rounds = scenario === HEADLINE ? plan.rounds : plan.others;
    if (rounds === 0) {
      continue;
    }
    const results = await compare(contenders, scenario, rounds);

    console.log(`\n${scenario.size}, ${scenario.connections} connections, `
      + `medians of ${rounds} rounds of ${plan.seconds} s\n`);
    console.log(summary(results));
  }

  console.log('\nthe link filter alone, on one processor\n');
  console.log(filterSpeeds(t, CPUS.nginxCpu));

  console.log(`\ninstructions per request (callgrind), ${HEADLINE.size}\n`);
  console.log(await countInstructions(t, contenders));
  console.log(`\n${GOALS}`);
}

await runScoped(main);
