// A client secret changes at Cigna and at the gateway, never at the same
// moment.  No request fails in between, and no grant is lost.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { clockOf } from '../lib/clock.mjs';
import { countersOf } from '../lib/counters.mjs';
import { assertRefused, assertServed, connected, refreshes } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const CLIENT = 'acme-client';
const STILL = /\[notice\].* the older client secret is still the one that /g;
const NOW = /\[notice\].* the new client secret is the one that Cigna /g;

// The life of access tokens. id_tokens live for an hour, longer than a test.
const LIFE_S = 120;

class Scene {
  constructor(gw, method, clock) {
    Object.assign(this, { gw, method, clock, control: gw.sandbox.control });
    this.first = gw.sandbox.info.clients.find((one) =>
      one.client_id === CLIENT).client_secret;
    this.second = `${this.first}.second+:%`;
    this.file('first', this.first);
    this.file('second', this.second);
  }

  file(name, secret) {
    writeFileSync(this.gw.file(`${name}.secret`), secret, { mode: 0o600 });
  }

  // From now on Cigna accepts this secret only.
  atCigna(secret) {
    return this.control.addClient({
      client_id: CLIENT, client_secret: secret,
      redirect_uris: [this.gw.url('acme', '/cigna/callback')],
      token_endpoint_auth_method: this.method,
    });
  }

  // Configures these secret files, the new secret first.
  async here(...names) {
    await this.gw.reload({ tenants: { acme: {
      client_secret_file: names.map((name) =>
        this.gw.file(`${name}.secret`)) } } });
    this.seen = this.gw.nginx.errorLog().length;
    await this.control.reset({ modes: false });
    this.counted = await countersOf(this.gw);
  }

  logged(pattern) {
    return (this.gw.nginx.errorLog().slice(this.seen).match(pattern) ?? [])
      .length;
  }

  async grown(name) {
    return (await countersOf(this.gw))[name].acme - this.counted[name].acme;
  }

  member(name) {
    return connected(this.gw, { member: name });
  }

  // Lets the tokens expire, so that the read of each visitor needs a refresh.
  async read(...visitors) {
    this.clock.forward(LIFE_S);
    for (const reply of await Promise.all(visitors.map((visitor) =>
      visitor.get('/fhir/Coverage')))) {
      assertServed(reply);
    }
  }

  async disconnect(visitor) {
    const { origin } = new URL(this.gw.url('acme'));
    const { status } = await visitor.post('/cigna/disconnect', {
      headers: { Origin: origin } });
    assert.equal(status, 204);
  }

  // Makes one request of each kind for which the client authenticates.  Returns
  // the counts of its token requests: { grant type: { result: n } }.
  async everything(name, ...visitors) {
    await this.control.reset({ modes: false });
    await this.read(...visitors);
    const visitor = await this.member(name);
    const { revoked } = (await this.control.see()).revoke;
    await this.disconnect(visitor);
    await until('the grant is revoked', async () =>
      (await this.control.see()).revoke.revoked === revoked + 1);
    return this.posts();
  }

  async posts() {
    const { token } = await this.control.see({ client_id: CLIENT });
    return token.by;
  }
}

async function scene(t, method) {
  const clock = clockOf(t);
  const gw = await standardGateway(t, {
    nginx: { workers: 1, env: clock.env },
    tenant: { token_endpoint_auth_method: method, refresh_ahead: '0' },
    clients: { acme: { token_endpoint_auth_method: method },
               globex: { token_endpoint_auth_method: method } },
  });
  await gw.sandbox.control.set({ expires_in: { raw: `${LIFE_S}` } });
  return new Scene(gw, method, clock);
}

for (const method of ['client_secret_post', 'client_secret_basic']) {
  test(`a secret changes at the gateway and then at Cigna, ${method}`,
    async (t) => {
      const s = await scene(t, method);
      const alice = await s.member('alice');
      const bob = await s.member('bob');

      await t.test('both secrets are configured, and Cigna accepts the older '
        + 'one',
        async () => {
          await s.here('second', 'first');
          const by = await s.everything('carol', alice, bob);
          assert.equal(by.refresh_token.ok, 2);
          assert.equal(by.authorization_code.ok, 1);
          assert.ok(by.refresh_token.invalid_client >= 1);
          assert.equal(s.logged(STILL), 1);
          assert.equal(await s.grown('cigna_older_secret_total'), 3);
        });

      await t.test('the secret that worked is sent first', async () => {
        const by = await s.everything('carol', alice, bob);
        assert.deepEqual(by, { refresh_token: { ok: 2 },
                               authorization_code: { ok: 1 } });
        assert.equal(s.logged(STILL), 1);
        assert.equal(s.logged(NOW), 0);
      });

      await t.test('the new secret takes over once Cigna has '
        + 'changed', async () => {
        await s.atCigna(s.second);
        const by = await s.everything('carol', alice, bob);
        assert.equal(by.refresh_token.ok, 2);
        assert.equal(by.authorization_code.ok, 1);
        assert.ok(by.refresh_token.invalid_client >= 1);
        assert.equal(s.logged(NOW), 1);

        assert.deepEqual(await s.everything('carol', alice, bob),
                         { refresh_token: { ok: 2 },
                           authorization_code: { ok: 1 } });
      });

      await t.test('the older secret can go from the '
        + 'configuration', async () => {
        await s.here('second');
        assert.deepEqual(await s.everything('carol', alice, bob),
                         { refresh_token: { ok: 2 },
                           authorization_code: { ok: 1 } });
        assert.equal(s.logged(STILL) + s.logged(NOW), 0);
        assert.equal(await s.grown('cigna_older_secret_total'), 0);
      });
    });

  test(`a secret changes at Cigna and then at the gateway, ${method}`,
    async (t) => {
      const s = await scene(t, method);
      const alice = await s.member('alice');
      await s.here('second', 'first');

      await t.test('a dance finds the accepted secret', async () => {
        await s.atCigna(s.second);
        await s.here('first', 'second');
        await s.member('bob');
        const { authorization_code: codes } = await s.posts();
        assert.deepEqual(codes, { invalid_client: 1, ok: 1 });
        assert.equal(s.logged(STILL), 1);
        await s.read(alice);
        assert.deepEqual(await refreshes(s.gw, CLIENT), { ok: 1 });
      });

      await t.test('a revocation finds the accepted secret', async () => {
        await s.here('first', 'second');
        await s.disconnect(alice);
        await until('the grant is revoked', async () =>
          (await s.control.see()).revoke.revoked === 1);
        assert.equal((await s.control.see()).revoke.requests, 2);
        assert.equal(s.logged(STILL), 1);
      });

      await t.test('scripts/vault revokes with the accepted secret',
        async () => {
          s.gw.options.tenants = { acme: { client_secret_file: [
            s.gw.file('first.secret'), s.gw.file('second.secret')] } };
          await s.control.reset({ modes: false });
          await s.member('carol');
          const { out } = await s.gw.vault('revoke', '--tenant', 'acme',
                                           '--yes');
          assert.match(out, /^2 grants revoked, 2 deleted, 0 not revoked$/m);
          const { revoke } = await s.control.see();
          assert.deepEqual([revoke.requests, revoke.revoked], [3, 2]);
        });
    });
}

test('Cigna accepts neither secret', async (t) => {
  const s = await scene(t, 'client_secret_post');
  const alice = await s.member('alice');
  await s.here('second', 'first');
  await s.atCigna(`${s.first}.third`);

  await t.test('a refresh is an outage, logged as an error, and no grant ends',
    async () => {
      s.clock.forward(LIFE_S);
      assertRefused(await alice.get('/fhir/Coverage'), 503, 'refresh_failed',
                    { retry: true });
      assert.deepEqual(await refreshes(s.gw, CLIENT), { invalid_client: 2 });
      await s.gw.nginx.waitForLog(
        /\[error\].* refresh ended, .*refused: invalid_client/);
    });

  await t.test('a dance is refused, and logged as an error', async () => {
    const { outcome } = await s.gw.dance({ member: 'bob' });
    assert.equal(outcome, 'exchange_refused');
    await s.gw.nginx.waitForLog(
      /\[error\].* dance ended, outcome: exchange_refused.*invalid_client/);
  });

  await t.test('the grant is unchanged once Cigna accepts a secret again',
    async () => {
      await s.atCigna(s.first);
      await until('the member is served', async () =>
        (await alice.get('/fhir/Coverage')).status === 200, { every: 200 });
    });
});

test('a request with a single secret is sent once', async (t) => {
  const s = await scene(t, 'client_secret_post');
  const alice = await s.member('alice');
  await s.atCigna(s.second);
  await s.control.reset({ modes: false });
  s.clock.forward(LIFE_S);

  assertRefused(await alice.get('/fhir/Coverage'), 503, 'refresh_failed',
                { retry: true });
  assert.equal((await s.gw.dance({ member: 'bob' })).outcome,
               'exchange_refused');
  assert.deepEqual(await s.posts(), {
    refresh_token: { invalid_client: 1 },
    authorization_code: { invalid_client: 1 },
  });
});
