// Starts nginx with a configuration of the test's, and looks at its logs when
// it stops.
//
// CIGNA_NGINX names an nginx with the module inside (the sanitized one); else
// the packaged nginx loads the dynamic module.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync,
         readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { adoptServer, childrenOf, isExiting, isRunning, startServer }
  from './process.mjs';
import { TOP, assertNone, onEnd, scratchDirectory, until } from
  './scratch.mjs';

export const MODULE = process.env.CIGNA_MODULE
  ?? `${TOP}/.build/dynamic/ngx_cigna_module.so`;

const BAD_LOG = /\[(?:alert|crit|emerg)\]|open socket #/;

const SANITIZER = /ERROR: \w+Sanitizer|runtime error: /;

// What the master itself says about a worker that was killed.
const KILLED = [
  /\[alert\] \d+#\d+: worker process \d+ exited on signal 9/,
  /\[alert\] \d+#\d+: shared memory zone "\w+" was locked by \d+/,
];

const TEMP_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

// What nginx as such keeps until the end of a process is no leak of ours.
const SUPPRESSIONS = 'lsan.supp';

function sanitizerEnvironment(directory, { leaks = 1 } = {}) {
  const log = `log_path=${directory}/sanitizer`;
  return {
    ASAN_OPTIONS: `${log}:detect_leaks=${leaks}:exitcode=99`,
    UBSAN_OPTIONS: `${log}:print_stacktrace=1`,
    LSAN_OPTIONS: `suppressions=${directory}/${SUPPRESSIONS}`
      + ':print_suppressions=0',
  };
}

function configuration({ directory, http, main = '', workers = 1, level,
                         logFormat, static: isStatic, module,
                         daemon = false, connections = 4096 }) {
  return [
    ...(isStatic || !module ? [] : [`load_module ${module};`]),
    `daemon ${daemon ? 'on' : 'off'};`,
    `worker_processes ${workers};`,
    `pid ${directory}/nginx.pid;`,
    `error_log ${directory}/error.log ${level};`,
    main,
    `events { worker_connections ${connections}; }`,
    'http {',
    ...TEMP_PATHS.map((name) =>
      `    ${name}_temp_path ${directory}/temp/${name};`),
    ...(logFormat ? [`    log_format test '${logFormat}';`] : []),
    `    access_log ${directory}/access.log ${logFormat ? 'test' : ''};`,
    '    server_names_hash_bucket_size 128;',
    // nginx keeps upstreams' TLS sessions to the end of a process, where a
    // check for leaks cannot tell them from ours
    ...(isStatic ? ['    proxy_ssl_session_reuse off;'] : []),
    http,
    '}',
    '',
  ].join('\n');
}

// What differs from Debian's nginx: newer ones have a directive for what was a
// parameter of the listening socket, and warn of that; Angie takes the resolver
// of the machine where none is configured.  A binary is read once: it is large.
const peculiarities = new Map();

function peculiaritiesOf(binary) {
  if (!peculiarities.has(binary)) {
    const text = readFileSync(binary);
    peculiarities.set(binary, {
      http2On: text.includes('the "listen ... http2" directive is'),
      isAngie: text.includes('Angie/'),
    });
  }
  return peculiarities.get(binary);
}

function fitted(binary, text) {
  const { http2On, isAngie } = peculiaritiesOf(binary);
  const fit = http2On
    ? text.replaceAll(/^(\s*listen\s[^;]*?) http2\b([^;]*;)/gm,
                      '$1$2 http2 on;')
    : text;
  return isAngie && !/\bresolver\s/.test(fit)
    ? fit.replace(/^http \{$/m, 'http {\n    resolver off;') : fit;
}

class Nginx {
  constructor(options, directory) {
    this.directory = directory;
    this.binary = options.binary ?? process.env.CIGNA_NGINX
      ?? '/usr/sbin/nginx';
    this.workers = options.workers ?? 1;
    this.options = {
      level: process.env.CIGNA_DEBUG ? 'debug' : 'info',
      module: MODULE,
      static: this.binary === process.env.CIGNA_NGINX,
      ...options,
    };
    this.confFile = path.join(directory, 'nginx.conf');
    this.allowed = [...(options.allow ?? [])];

    mkdirSync(path.join(directory, 'temp'));
    // the workers, who are nobody, may not be able to read it where it is
    copyFileSync(`${TOP}/t/lib/${SUPPRESSIONS}`,
                 path.join(directory, SUPPRESSIONS));
    // the sanitizers write their reports as nobody
    chmodSync(directory, 0o777);
  }

  configure(changes = {}) {
    Object.assign(this.options, changes);
    this.workers = this.options.workers ?? 1;
    writeFileSync(this.confFile, fitted(this.binary, configuration({
      ...this.options, directory: this.directory })));
  }

  get arguments() {
    return ['-p', this.directory, '-c', this.confFile,
            '-e', `${this.directory}/error.log`];
  }

  environment(options) {
    return { ...sanitizerEnvironment(this.directory, options),
             ...this.options.env };
  }

  async start() {
    const started = this.startedWorkers();
    this.stopped = false;
    this.server = startServer('nginx', this.binary, this.arguments, {
      directory: this.directory, env: this.environment(),
    });
    if (this.options.daemon) {
      await this.#adoptMaster();
    }
    this.pid = this.server.pid;

    try {
      await this.server.ready(() =>
        this.startedWorkers() >= started + this.workers, 30000);
    } catch (error) {
      error.message += `\n${this.errorLog()}`;
      throw error;
    }
  }

  // The master that nginx.pid names, in place of what started it.
  async #adoptMaster(group) {
    const { outputFile } = this.server;
    const pid = await until('there is a master', () => {
      const named = Number(this.file('nginx.pid'));
      return named !== this.pid && isRunning(named) && named;
    });
    this.server = adoptServer('nginx', pid, { group, outputFile });
    this.pid = pid;
  }

  // Another nginx takes over, as when a new binary has been installed.  Only
  // of one that was started with "daemon": nginx ignores it otherwise.
  async upgrade() {
    const { server: former } = this;
    const started = this.startedWorkers();
    const old = this.workerPids();

    former.signal('SIGUSR2');
    await this.#adoptMaster(former.group);
    await until('the new workers run',
                () => this.startedWorkers() >= started + this.workers);
    former.signal('SIGWINCH');
    await until('the old workers are gone',
                () => !old.some((pid) => isRunning(pid)), { timeout: 20000 });
    former.signal('SIGQUIT');
    await former.exited;
  }

  // `nginx -t`: { code, output }.  It ends as it is, with nothing released.
  test() {
    return new Promise((resolve) => {
      execFile(this.binary, ['-t', ...this.arguments], {
        env: { ...process.env, ...this.environment({ leaks: 0 }) },
      }, (error, stdout, stderr) => resolve({
        code: error ? error.code : 0,
        output: `${stdout}${stderr}${this.errorLog()}`,
      }));
    });
  }

  file(name) {
    const file = path.join(this.directory, name);
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }

  errorLog() {
    return this.file('error.log');
  }

  accessLog() {
    return this.file('access.log');
  }

  // Waits for a line of the error log and returns the match.
  waitForLog(pattern, timeout) {
    return until(`the error log has ${pattern}`,
                 () => this.errorLog().match(pattern), { timeout });
  }

  // The same for the access log, which nginx writes after the reply has left.
  // from: where to begin, as an earlier length of the log.
  waitForAccessLog(pattern, from = 0) {
    return until(`the access log has ${pattern}`,
                 () => this.accessLog().slice(from).match(pattern));
  }

  startedWorkers() {
    return (this.errorLog().match(/start worker process \d+/g) ?? []).length;
  }

  workerPids() {
    return childrenOf(this.pid);
  }

  // Loads the configuration again, changed or not; by default it also waits
  // for the old workers to leave.
  async reload(changes, { wait = true } = {}) {
    const started = this.startedWorkers();
    const old = this.workerPids();

    this.configure(changes);
    this.server.signal('SIGHUP');
    await until('the new workers run',
                () => this.startedWorkers() >= started + this.workers);
    if (wait) {
      await until('the old workers are gone',
                  () => !old.some((pid) => isRunning(pid)),
                  { timeout: 20000 });
    }
  }

  // Kills a worker and waits for the one that takes its place, if one does.
  async killWorker(pid = this.workerPids()[0]) {
    const started = this.startedWorkers();
    const exiting = isExiting(pid);

    this.allowed.push(...KILLED);
    process.kill(pid, 'SIGKILL');
    await until('a new worker runs', () =>
      (exiting ? !isRunning(pid) : this.startedWorkers() > started));
  }

  // Stops it gracefully (SIGQUIT) or fast (SIGTERM), and checks everything.
  async stop(signal = 'SIGQUIT') {
    if (this.stopped) {
      return;
    }
    this.stopped = true;

    const workers = this.workerPids();
    const ended = await this.server.stop(signal);

    this.assertCleanLogs();
    assert.deepEqual(ended, { code: 0, signal: null });
    assertNone('workers left behind', workers.filter(isRunning));
  }

  assertCleanLogs() {
    const reports = readdirSync(this.directory)
      .filter((name) => name.startsWith('sanitizer.'));

    assertNone('sanitizer reports', reports.map((name) => this.file(name)));
    assert.doesNotMatch(this.errorLog() + this.server.output, SANITIZER);

    assertNone('lines in the error log', this.errorLog().split('\n')
      .filter((line) => BAD_LOG.test(line))
      .filter((line) => !this.allowed.some((pattern) => pattern.test(line))));
  }
}

// Options: http (the text inside http {}), main (the text before it), workers,
// binary, module (null: do not load it), env, level (of the error log),
// logFormat (of the access log), connections (of a worker), allow (patterns of
// bad-looking log lines that are expected), daemon (so that it can be
// upgraded).
export async function startNginx(t, options) {
  const nginx = prepareNginx(t, options);
  onEnd(t, () => nginx.stop());
  await nginx.start();
  return nginx;
}

// One that is not started yet, for `nginx -t` or a later start().
export function prepareNginx(t, options) {
  const nginx = new Nginx(options, scratchDirectory(t, 'nginx'));
  nginx.configure();
  return nginx;
}
