// Measures a server under load from wrk: wrk's numbers, and the processor time
// of nginx and Redis.

import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

const UNITS = { us: 1, ms: 1e3, s: 1e6, m: 60e6 };

const SETTLE_MS = 100;

// Returns the processor time of all threads of a process, in microseconds.
export function cpuOf(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8'))
    .reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e3, 0);
}

function number(text, pattern, what) {
  const match = pattern.exec(text);
  if (!match) {
    throw new Error(`wrk's output has no ${what}:\n${text}`);
  }
  return Number(match[1]) * (UNITS[match[2]] ?? 1);
}

function parse(text) {
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/
    .exec(text);
  if (failed) {
    throw new Error(`not all requests were answered with 2xx:\n${text}`);
  }
  return {
    requests: number(text, /(\d+) requests in/, 'number of requests'),
    rate: number(text, /Requests\/sec:\s+([\d.]+)/, 'rate'),
    p99: number(text, /99%\s+([\d.]+)(us|ms|s|m)/, '99th percentile'),
  };
}

// Returns { requests, rate, p99, nginx, redis }: the number of requests,
// requests per second, the 99th percentile of the latency in us, and the
// processor time of nginx and of Redis in us per request (NaN without the
// process's id).
//   contender  { url, headers, pid, redisPid }; only url is required
//   cpu        the processor on which wrk runs
export async function round(contender, { connections, seconds, cpu }) {
  const headers = Object.entries(contender.headers ?? {})
    .flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const pids = [contender.pid, contender.redisPid];
  const before = pids.map((pid) => (pid ? cpuOf(pid) : 0));

  const { stdout } = await run('taskset', [
    '-c', cpu, 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency',
    ...headers, contender.url,
  ]);
  const result = parse(stdout);

  // closing wrk's connections is part of the work
  await new Promise((resolve) => {
    setTimeout(resolve, SETTLE_MS);
  });
  const [nginx, redis] = pids.map((pid, index) =>
    (pid ? (cpuOf(pid) - before[index]) / result.requests : NaN));

  return { ...result, nginx, redis };
}
