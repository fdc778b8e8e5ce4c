// Events that happen to a gateway one after the other: faults of Cigna and of
// Redis, reloads, and workers that are killed.

import { setTimeout as sleep } from 'node:timers/promises';

import { isRunning } from './process.mjs';

// The switches of the sandbox, and the weight of each of their values.
const FAULTS = {
  token_fault: { none: 6, html: 1, 500: 1, 429: 1, garbage: 1, 'cut-before': 1,
                 'cut-after': 1, 'cut-mid': 1, hang: 1 },
  fhir_fault: { none: 8, 'cut-before': 1, 'cut-after': 1, 'cut-mid': 1,
                hang: 0.5, 503: 1 },
  jwks_fault: { none: 8, 500: 1, hang: 1, empty: 1 },
  revoke_fault: { none: 4, hang: 1, 500: 1, 'cut-after': 1 },
  token_delay_ms: { 0: 3, 200: 1, 900: 1 },
  revoke_delay_ms: { 0: 2, 1500: 1 },
};

// After these faults the gateway cannot know whether a token was spent.
const LOSING = new Set(['cut-after', 'cut-mid', 'hang', 'garbage', 'html']);

export class Weather {
  constructor(gw, random, configuration) {
    this.gw = gw;
    this.random = random;
    this.configuration = configuration;
    this.events = [];
    this.kills = 0;
    this.losses = 0;
  }

  note(what) {
    this.events.push(`${new Date().toISOString()} ${what}`);
  }

  async blow(until) {
    while (Date.now() < until) {
      await this[this.random.weighted({
        fault: 10, fair: 2, freeze: 0.7, restartRedis: 0.3, reload: 0.8,
        kill: 0.5,
      })]();
      await sleep(this.random.between(50, 500));
    }
  }

  async fault() {
    const name = this.random.pick(Object.keys(FAULTS));
    const kind = this.random.weighted(FAULTS[name]);

    this.note(`${name} ${kind}`);
    this.losses += name === 'token_fault' && LOSING.has(kind);
    await this.gw.sandbox.control.set({
      [name]: name.endsWith('_ms') ? Number(kind) : kind });
  }

  async fair() {
    this.note('fair');
    await this.gw.sandbox.control.set(Object.fromEntries(
      Object.keys(FAULTS).map((name) =>
        [name, name.endsWith('_ms') ? 0 : 'none'])));
  }

  async freeze() {
    this.note('Redis stands still');
    this.gw.redis.freeze();
    await sleep(this.random.between(100, 1800));
    this.gw.redis.thaw();
    this.note('Redis goes on');
  }

  async restartRedis() {
    this.note('Redis stops');
    await this.gw.redis.stop();
    await sleep(this.random.between(0, 800));
    await this.gw.redis.start();
    await this.gw.initVault();
    this.note('Redis is back');
  }

  async reload() {
    this.note('reload');
    await this.gw.nginx.reload({ http: this.configuration() }, { wait: false });
  }

  // Kills a worker that serves, not one that a reload has replaced.
  async kill() {
    const { nginx } = this.gw;
    const started = [...nginx.errorLog()
      .matchAll(/start worker process (\d+)/g)].map(([, pid]) => Number(pid));
    const pid = this.random.pick(started.slice(-nginx.workers)
      .filter(isRunning));

    if (pid) {
      this.note(`worker ${pid} is killed`);
      this.kills += 1;
      await nginx.killWorker(pid);
    }
  }
}
