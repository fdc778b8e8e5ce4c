// Compares the cost of 10,000 tenants with that of one: the time of nginx -t
// and of a reload, the memory of a worker, and the instructions of a request
// whose tenant comes from a variable.

import { readFileSync } from 'node:fs';

import { HttpClient } from '../../../t/lib/client.mjs';
import { prepareNginx } from '../../../t/lib/nginx.mjs';
import { runScoped } from '../faults/scope.mjs';
import { instructionsPerRequest } from './callgrind.mjs';
import { startContenders } from './contenders.mjs';
import { median, table } from './report.mjs';

const MANY = 10000;
const ZONE = '256m';
const TIMES = 5;
const REQUESTS = 500;
const SIZE = '4 KiB';

const GOALS = 'goals: nginx -t under 3 s, a reload under 5 s, under 100 MB '
  + 'more, instructions within 3 %';

const BLOCK = /cigna_tenant bench (\{[^}]*\})/;

// Returns the gateway's server with `n` tenants and with cigna_budget.
function withTenants({ options, ...rest }, n) {
  const [, settings] = BLOCK.exec(options.http);
  const others = Array.from({ length: n - 1 }, (_, i) =>
    `cigna_tenant other${i} ${settings}`);

  return { ...rest, options: {
    ...options,
    http: options.http
      .replace(/zone=cigna:\w+/, `zone=cigna:${ZONE}`)
      .replace(BLOCK, (block) => `
    map $server_protocol $bench_tenant { default bench; }
    cigna_budget rate=100000r/s lease=1s;
    ${block}
    ${others.join('\n')}`)
      .replace('cigna_identity           bench',
               'cigna_identity           $bench_tenant'),
  } };
}

async function timeOf(measure) {
  const times = [];
  for (let i = 0; i < TIMES; i += 1) {
    const before = performance.now();
    await measure();
    times.push(performance.now() - before);
  }
  return median(times);
}

// Returns the memory of a process in MB, without the shared zone.
function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)[1]) / 1000;
}

async function ask(url) {
  const client = new HttpClient({ jar: null });
  const { status, body } = await client.get(url);
  client.close();
  if (status !== 200) {
    throw new Error(`${url} answers ${status}: ${body}`);
  }
}

async function figuresOf(t, contender, server) {
  const nginx = prepareNginx(t, server.options);
  const testMs = await timeOf(async () => {
    const { code, output } = await nginx.test();
    if (code !== 0) {
      throw new Error(output);
    }
  });

  await nginx.start();
  await ask(contender.url(SIZE));
  const reloadMs = await timeOf(() => nginx.reload({}));
  await ask(contender.url(SIZE));
  const memory = memoryOf(nginx.workerPids()[0]);
  await nginx.stop();

  const instructions = await instructionsPerRequest(t, {
    ...server, url: contender.url(SIZE),
  }, REQUESTS);

  return { testMs, reloadMs, memory, instructions };
}

async function main(t) {
  const contenders = await startContenders(t, { nginxCpu: '0',
                                                otherCpu: '0' });
  await contenders.stop();

  const { cached } = contenders;
  const one = await figuresOf(t, cached, withTenants(cached.server, 1));
  const many = await figuresOf(t, cached, withTenants(cached.server, MANY));
  const row = (title, name, digits) =>
    [title, ...[one, many].map((figures) => figures[name].toFixed(digits))];

  console.log(table(
    [{ title: '' }, { title: 'one tenant' },
     { title: `${MANY.toLocaleString('en')} tenants` }],
    [row('nginx -t, ms', 'testMs', 0),
     row('a reload, until the old workers are gone, ms', 'reloadMs', 0),
     row('memory of a worker, MB', 'memory', 1),
     row('instructions per request', 'instructions', 0)]));
  console.log(`\ninstructions: ${
    ((many.instructions / one.instructions - 1) * 100).toFixed(2)} % more`);
  console.log(GOALS);
}

await runScoped(main);
