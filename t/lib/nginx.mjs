// Starts nginx with a test's configuration, and checks its logs when it stops.
//
// CIGNA_NGINX names an nginx with the module inside, such as the one that is
// built with sanitizers.  Without CIGNA_NGINX, Debian's nginx loads the dynamic
// module, or the one that CIGNA_MODULE names.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
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

// The master's own lines about a worker that was killed.
const KILLED = [
  /\[alert\] \d+#\d+: worker process \d+ exited on signal 9/,
  /\[alert\] \d+#\d+: shared memory zone "\w+" was locked by \d+/,
];

const TEMP_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const LOCALHOST = await lookup('localhost', { all: true });

// Returns the path of the sanitizer's library, if CIGNA_NGINX needs it.
function sanitizer() {
  const binary = process.env.CIGNA_NGINX;
  const libraries = binary
    ? execFileSync('ldd', [binary], { encoding: 'utf8' }) : '';
  return /libasan\S* => (\S+)/.exec(libraries)?.[1];
}

// A file of suppressions for LeakSanitizer.  They cover memory that nginx
// itself keeps until a process ends.
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
    // nginx keeps the TLS sessions of upstreams until a process ends.  The leak
    // check of the static binary cannot tell them from leaks of the module.
    ...(isStatic ? ['    proxy_ssl_session_reuse off;'] : []),
    http,
    '}',
    '',
  ].join('\n');
}

// How a binary differs from Debian's nginx.  Newer versions have the directive
// http2, and warn of the parameter http2 of "listen".  Angie uses the machine's
// name servers if no resolver is configured.  Each binary is read only once,
// because it is large.
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
    // The workers run as nobody, and may not be able to read the original.
    copyFileSync(`${TOP}/t/lib/${SUPPRESSIONS}`,
                 path.join(directory, SUPPRESSIONS));
    // Workers run as the user nobody, and their sanitizers write reports here.
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
    const { env } = this.options;
    return { ...sanitizerEnvironment(this.directory, options),
             ...env, ...this.#preloaded(env?.LD_PRELOAD) };
  }

  // Gives localhost the one address 127.0.0.1.  If localhost has two addresses,
  // nginx does not ask an address again for ten seconds after a failure, which
  // the tests do not expect.  The sanitizer's library must be the first one in
  // LD_PRELOAD.
  #preloaded(library) {
    const libraries = [library, LOCALHOST.length > 1 && 'libnss_wrapper.so']
      .filter(Boolean);
    if (!libraries.length) {
      return {};
    }
    const hosts = path.join(this.directory, 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost\n');
    return { LD_PRELOAD: [sanitizer(), ...libraries].filter(Boolean).join(':'),
             NSS_WRAPPER_HOSTS: hosts };
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

  // Makes the master process that nginx.pid names the server of this object.
  async #adoptMaster(group) {
    const { outputFile } = this.server;
    const pid = await until('nginx.pid names a new master', () => {
      const named = Number(this.file('nginx.pid'));
      return named !== this.pid && isRunning(named) && named;
    });
    this.server = adoptServer('nginx', pid, { group, outputFile });
    this.pid = pid;
  }

  // Replaces the running master and its workers by new ones of the same binary,
  // as an operator does after an installation.  This needs the option `daemon`:
  // without it nginx ignores SIGUSR2.
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

  // Runs `nginx -t`: { code, output }.  nginx -t frees no memory at its end, so
  // leaks are not checked.
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

  // Waits for a line of the access log, which nginx writes after it has sent
  // the reply.  from: the offset to search from, such as an earlier length.
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

  // Reloads the configuration with the changes, and waits until the new workers
  // run and the old ones have exited.  wait: false does not wait for the exits.
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

  // Kills a worker.  Waits for its successor, or for the end of a worker that
  // was already exiting.
  async killWorker(pid = this.workerPids()[0]) {
    const started = this.startedWorkers();
    const exiting = isExiting(pid);

    this.allowed.push(...KILLED);
    process.kill(pid, 'SIGKILL');
    await until('a new worker runs', () =>
      (exiting ? !isRunning(pid) : this.startedWorkers() > started));
  }

  // Stops nginx gracefully (SIGQUIT) or fast (SIGTERM).  Fails on bad lines in
  // the error log, sanitizer reports, a bad exit code, or workers left behind.
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

// Starts nginx.  Options:
//
//   http         text inside http {}
//   main         text before http {}
//   workers      number of workers
//   binary       path of another nginx
//   module       path of the module; null: do not load it
//   env          environment variables
//   level        level of the error log
//   logFormat    format of the access log
//   connections  connections of a worker
//   allow        patterns of bad log lines that the test expects
//   daemon       true: nginx runs as a daemon, so that upgrade() works
export async function startNginx(t, options) {
  const nginx = prepareNginx(t, options);
  onEnd(t, () => nginx.stop());
  await nginx.start();
  return nginx;
}

// Prepares nginx for `nginx -t` or a later start().
export function prepareNginx(t, options) {
  const nginx = new Nginx(options, scratchDirectory(t, 'nginx'));
  nginx.configure();
  return nginx;
}
