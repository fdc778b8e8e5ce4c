// Revocation at Cigna: tries for ten minutes, and reports of failures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { clockOf } from '../lib/clock.mjs';
import { countersOf } from '../lib/counters.mjs';
import { expired } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { connectionsTo, isRunning } from '../lib/process.mjs';
import { until } from '../lib/scratch.mjs';

const DISCONNECT = '/cigna/disconnect';
const REPORTED = /\[error\].* tokens not revoked, outcome: (\w+), tries: (\d+)/;

const NOTHING_GIVEN = {
  issuer: null, authorization_endpoint: null, token_endpoint: null,
  jwks_uri: null, revocation_endpoint: null,
};

// The longest pause is a minute.
const PAUSE_S = 61;

class Scene {
  #seen = 0;

  constructor(t, gw, clock) {
    Object.assign(this, { t, gw, clock, control: gw.sandbox.control });
  }

  // Sets the modes.  Counters and lines of the error log count from here on.
  async begin(modes = {}) {
    await this.control.reset();
    await this.control.set(modes);
    this.#seen = this.gw.nginx.errorLog().length;
    this.counted = await countersOf(this.gw);
  }

  log() {
    return this.gw.nginx.errorLog().slice(this.#seen);
  }

  async requests() {
    return (await this.control.see()).revoke.requests;
  }

  async revoked() {
    return (await this.control.see()).revoke.revoked;
  }

  async connected(member = 'alice', username = 'syntheticuser05') {
    const { outcome, visitor } = await this.gw.dance({ member, username });
    assert.equal(outcome, 'connected');
    return visitor;
  }

  async disconnect(visitor) {
    const { origin } = new URL(this.gw.url('acme'));
    const { status } = await visitor.post(DISCONNECT, {
      headers: { Origin: origin } });
    assert.equal(status, 204);
  }

  // Skips the pauses before the next tries, until done() is true.  A pause may
  // begin a moment later, so the clock goes forward again and again.
  async pass(what, done, { again = 1000, timeout } = {}) {
    let forwarded = 0;
    await until(what, async () => {
      if (Date.now() - forwarded > again) {
        this.clock.forwardTimers(PAUSE_S);
        forwarded = Date.now();
      }
      await countersOf(this.gw);             // wakes the worker
      return done();
    }, { timeout });
  }

  // Returns how much a counter of acme has grown since begin().
  async grown(name) {
    return (await countersOf(this.gw))[name].acme - this.counted[name].acme;
  }
}

async function scene(t, options = {}) {
  const clock = clockOf(t);
  const gw = await standardGateway(t, {
    ...options, nginx: { workers: 1, env: clock.env, ...options.nginx },
    tenant: { timeout: '1s', connect_timeout: '500ms', ...options.tenant },
  });
  return new Scene(t, gw, clock);
}

test('revocation', async (t) => {
  const s = await scene(t);

  await t.test('a revocation that always fails is tried for ten minutes and '
    + 'then reported, and the member is gone at once', async () => {
    await s.begin({ revoke_fault: '503' });
    const visitor = await s.connected();
    await s.disconnect(visitor);
    assert.equal((await visitor.get('/fhir/Patient')).status, 401);
    await until('the first try is made', async () => await s.requests() === 1);

    let tries = 1;
    while (!REPORTED.test(s.log())) {
      await s.pass('the revocation is tried again or given up', async () =>
        await s.requests() > tries || REPORTED.test(s.log()));
      tries = await s.requests();
      assert.ok(tries < 40);
    }

    const [line, outcome, told] = REPORTED.exec(s.log());
    assert.equal(outcome, 'unreachable');
    // the gateway may have made and reported a last try after the loop counted
    // tries
    tries = await s.requests();
    assert.equal(Number(told), tries);
    assert.ok(tries >= 15 && tries <= 29, `${tries}`);
    assert.match(s.log(), /detail: it answers with status 503/);
    assert.doesNotMatch(line, /alice|MARKs/);
    assert.equal(await s.grown('cigna_revocations_failed_total'), 1);
    assert.equal(await s.grown('cigna_revocations_total'), 0);
  });

  await t.test('a revocation succeeds once Cigna is reachable '
    + 'again', async () => {
    await s.begin();
    const visitor = await s.connected();
    await s.control.set({ authorization_listener: 'refuse' });
    await s.disconnect(visitor);
    await until('the first try has failed', () =>
      /\[warn\].*revocation/.test(s.log()));
    await s.pass('the second try has failed', () =>
      s.log().match(/\[warn\].*revocation/g).length > 1);

    await s.control.set({ authorization_listener: 'open' });
    await s.pass('the grant is revoked', async () => await s.revoked() === 1);
    await s.pass('the revocation is counted', async () =>
      await s.grown('cigna_revocations_total') === 1);
    assert.equal(await s.requests(), 1);
    assert.doesNotMatch(s.log(), REPORTED);
  });

  for (const fault of ['html', '429', '500', '503', 'redirect', 'huge',
                       'cut-before', 'cut-after', 'hang']) {
    await t.test(`a revocation with fault ${fault} is tried `
      + 'again', async () => {
      await s.begin({ revoke_fault: { kind: fault, times: 1 } });
      await s.disconnect(await s.connected());
      await until('the first try is made', async () =>
        await s.requests() === 1);
      if (fault === 'hang') {
        await s.pass('the first try has timed '
          + 'out', () => /\[warn\].*time/.test(s.log()));
      }
      await s.pass('the second try is '
        + 'made', async () => await s.requests() === 2);
      await until('the revocation is counted', async () =>
        await s.grown('cigna_revocations_total') === 1);
      assert.doesNotMatch(s.log(), REPORTED);
    });
  }

  for (const [fault, said] of [['invalid_client', 'it says: invalid_client'],
                               ['403', 'it says: access_denied']]) {
    await t.test(`a revocation refused with ${fault} is final and `
      + 'reported', async () => {
      await s.begin({ revoke_fault: fault });
      await s.disconnect(await s.connected());
      await until('the failure is reported', () => REPORTED.test(s.log()));

      const [, outcome, tries] = REPORTED.exec(s.log());
      assert.deepEqual([outcome, tries], ['refused', '1']);
      assert.ok(s.log().includes(`detail: ${said}`));
      await s.pass('the failure is counted', async () =>
        await s.grown('cigna_revocations_failed_total') === 1);
      assert.equal(await s.requests(), 1);
    });
  }

  await t.test('a disconnect does not wait for a slow revocation', async () => {
    await s.begin({ revoke_delay_ms: 700 });
    const visitor = await s.connected();
    const began = Date.now();
    await s.disconnect(visitor);
    assert.ok(Date.now() - began < 600);
    await until('the grant is revoked', async () => await s.revoked() === 1);
  });

  await t.test('a worker that exits gives up its revocations and reports them',
    async () => {
      await s.begin({ revoke_fault: '503' });
      const visitor = await s.connected();
      const old = s.gw.nginx.workerPids();
      await s.disconnect(visitor);
      await until('the first try is made', async () =>
        await s.requests() === 1);

      const began = Date.now();
      await s.gw.reload({});
      await until('the old worker is gone', () => !old.some(isRunning));
      assert.ok(Date.now() - began < 5000);
      assert.equal(REPORTED.exec(s.log())[1], 'given_up');
      assert.equal(await s.grown('cigna_revocations_failed_total'), 1);
    });
});

test('revocation with discovered endpoints', async (t) => {
  const s = await scene(t, { tenant: NOTHING_GIVEN });

  await t.test('an endpoint that was unknown at first is '
    + 'discovered', async () => {
    await s.begin();
    const visitor = await s.connected();
    await s.control.set({ metadata_fault: '503' });
    await s.gw.reload({});
    await s.disconnect(visitor);

    // metadata is requested again after ten seconds

    await s.control.set({ metadata_fault: 'none' });
    s.clock.forward(11);
    await s.pass('the metadata is requested', async () =>
      (await s.control.see()).metadata.requests > 1);
    await s.pass('the grant is revoked', async () => await s.revoked() === 1);
    assert.doesNotMatch(s.log(), REPORTED);
  });

  await t.test('a server without a revocation endpoint gets no request, and '
    + 'nothing is reported',
    async () => {
      await s.control.set({ smart_configuration: {
        revocation_endpoint: null } });
      await s.gw.reload({});
      await s.begin({ smart_configuration: { revocation_endpoint: null } });
      await s.disconnect(await s.connected());
      await s.pass('the revocation is over', () => true);
      assert.equal(await s.requests(), 0);
      assert.doesNotMatch(s.log(), REPORTED);
      assert.equal(await s.grown('cigna_revocations_failed_total'), 0);
    });
});

test('grants that are replaced', async (t) => {
  const s = await scene(t);

  await t.test('a new grant revokes the old one at Cigna and stays '
    + 'valid', async () => {
    await s.begin();
    await s.connected();
    assert.equal(await s.requests(), 0);
    const visitor = await s.connected();
    await until('the old grant is revoked', async () =>
      await s.revoked() === 1);

    assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    assert.equal((await visitor.get('/cigna/status')).json().connected, true);
    assert.equal(await s.requests(), 1);
    assert.equal(await s.grown('cigna_members_changed_total'), 0);
  });

  await t.test('a member who connects as another person at Cigna is counted '
    + 'and logged without a name', async () => {
    await s.begin();
    await s.connected('bob', 'syntheticuser03');
    const visitor = await s.connected('bob', 'syntheticuser05');
    await until('the old grant is revoked', async () =>
      await s.revoked() === 1);
    const reply = await visitor.get('/fhir/Patient');
    assert.match(reply.body, /A00000000000005/);

    assert.equal(await s.grown('cigna_members_changed_total'), 1);
    const line = s.log().split('\n').find((one) =>
      one.includes('connected as another person than before'));
    assert.match(line,
                 /\[warn\].* tenant: acme, member: [\w-]{27}, dance: \S+, /);
    assert.match(line, /patient: [\w-]{27} after [\w-]{27}, request: \w/);
    assert.match(line, /subject: [\w-]{27} after [\w-]{27}, /);
    assert.doesNotMatch(line, /A0000|bob|syntheticuser/);
  });

  await t.test('a grant that cannot be opened is replaced, and its tokens are '
    + 'reported as not revoked', async () => {
    const visitor = await s.connected('carol');
    const [key] = await s.gw.redis.command('KEYS', '*:g:*');
    for (const one of await s.gw.redis.command('KEYS', '*:g:*')) {
      await s.gw.redis.command('HSET', one, 'b', 'nonsense');
    }
    assert.ok(key);
    await s.begin();
    await visitor.dance();
    assert.equal(await s.requests(), 0);
    assert.equal(await s.grown('cigna_revocations_failed_total'), 1);
    assert.match(s.log(),
                 /\[error\].* tokens not revoked, .*cannot be opened/);
  });
});

test('a new grant survives an older refresh, whose tokens are '
  + 'revoked', async (t) => {
  const s = await scene(t, { nginx: { workers: 2 },
                             tenant: { timeout: '20s' } });
  const { control } = s;
  await s.begin();

  for (const [what, ended] of [['disconnect, then connect', 2],
                               ['connect alone', 2]]) {
    await t.test(`the new grant serves after: ${what}`, async () => {
      const [visitor] = await expired(s.gw, 'dora');
      await control.set({ token_delay_ms: 4000 });
      const before = await control.see();
      const asked = visitor.get('/fhir/Patient');
      await until('the refresh is under way', async () =>
        (await control.see()).token.in_flight === 1);
      await control.set({ token_delay_ms: 0 });

      if (what.startsWith('disconnect')) {
        await s.disconnect(visitor);
      }
      const { outcome } = await visitor.dance();
      assert.equal(outcome, 'connected');
      assert.equal((await control.see()).token.in_flight, 1);

      // the request gets the old or the new token, and both work
      assert.equal((await asked).status, 200);
      await until('all tokens of the old grant are revoked', async () =>
        (await control.see()).revoke.revoked
          === before.revoke.revoked + ended);

      assert.equal((await visitor.get('/fhir/Patient')).status, 200);
      assert.equal((await visitor.get('/cigna/status')).json().connected, true);
      await control.expire({});
      assert.equal((await visitor.get('/fhir/Coverage')).status, 200);
      assert.equal((await control.see()).token.reuse, 0);
    });
  }
});

const residentKb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(
  readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

test('waiting revocations take little memory', async (t) => {
  const MEMBERS = 120;
  const PATIENT = { timeout: '30s', connect_timeout: '30s' };
  const s = await scene(t, { sandboxOptions: { members: MEMBERS },
                             tenant: PATIENT });
  const all = { again: 30000, timeout: 30000 };
  const visitors = [];

  for (let i = 0; i < MEMBERS; i += 20) {
    visitors.push(...await Promise.all(Array.from({ length: 20 }, (_, n) =>
      s.connected(`member-${i + n}`,
                  `syntheticuser${String(i + n + 1).padStart(4, '0')}`))));
  }

  await t.test('120 waiting revocations do not keep the 320 KB of a flow '
    + 'each', async () => {
    await s.begin({ revoke_fault: '503' });
    const [pid] = s.gw.nginx.workerPids();
    // The worker keeps memory of connections that were open at once.
    await s.control.expire({ client_id: 'acme-client' });
    await Promise.all(visitors.map((one) => one.get('/fhir/Coverage')));
    const before = residentKb(pid);
    const port = Number(new URL(s.gw.sandbox.info.issuer).port);
    for (let i = 0; i < MEMBERS; i += 20) {
      await Promise.all(visitors.slice(i, i + 20).map((one) =>
        s.disconnect(one)));
    }
    for (let n = 1; n <= 4; n += 1) {
      await s.pass('all were tried', async () =>
        await s.requests() >= n * MEMBERS, all);
      await until('all have their answers', () =>
        connectionsTo(pid, port) === 0, { timeout: 30000 });
    }
    const grown = residentKb(pid) - before;
    t.diagnostic(`${grown} KB for ${MEMBERS}`);
    if (!process.env.CIGNA_NGINX) {
      assert.ok(grown < 16 * MEMBERS, `${grown} KB`);
    }
  });

  await t.test('all revocations succeed in the end', async () => {
    await s.control.set({ revoke_fault: 'none' });
    await s.pass('all are revoked', async () =>
      await s.grown('cigna_revocations_total') === MEMBERS, all);
    assert.doesNotMatch(s.log(), REPORTED);
  });
});
