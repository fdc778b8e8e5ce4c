// Tests of id_tokens: valid and invalid ones, the keys that verify them, and
// the revocation of tokens that came with an invalid one.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockOf } from '../lib/clock.mjs';
import { endOf, toCallback, toldApp } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

// the least time between two requests for the keys
const AGAIN_S = 10;

test('id_token', async (t) => {
  const clock = clockOf(t);
  const gw = await standardGateway(t, {
    nginx: { env: clock.env },
    tenant: { dances_per_member: 100, dances_per_second: 1000 },
  });
  const { control } = gw.sandbox;

  async function dance(modes, options) {
    await control.reset();
    const { visitor, target } = await toCallback(gw, {
      member: `member ${Math.random()}`, ...options });
    await control.set(modes);
    const { cigna: outcome, cigna_dance: id } =
      toldApp(await visitor.get(target));
    const seen = await control.see();
    return { outcome, line: endOf(gw, id), seen, visitor };
  }

  await t.test('the keys are fetched for the first dance and not again for the '
    + 'next', async () => {
    const first = await dance({});
    assert.equal(first.outcome, 'connected', first.line);
    assert.equal(first.seen.jwks.requests, 1);

    const second = await dance({});
    assert.equal(second.outcome, 'connected');
    assert.equal(second.seen.jwks.requests, 0);
  });

  await t.test('an unknown kid does not fetch keys again within '
    + 'seconds', async () => {
    await gw.reload({});
    const { seen } = await dance({ id_token: 'unknown_kid' });
    assert.equal(seen.jwks.requests, 1);
  });

  for (const modes of [{ id_token: 'good' }, { id_token: 'absent' },
                       { id_token_alg: 'ES256' },
                       { id_token: 'wrong_sub' }]) {
    await t.test(`an id_token of ${JSON.stringify(modes)} is `
      + 'accepted', async () => {
      const { outcome, line, visitor } = await dance(modes);
      assert.equal(outcome, 'connected', line);
      assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    });
  }

  for (const modes of [
    ...['malformed', 'no_nonce', 'wrong_nonce', 'wrong_aud', 'wrong_iss',
        'expired', 'not_yet', 'bad_signature', 'alg_none', 'alg_hs256',
        'other_keys_kid', 'unknown_kid'].map((mode) => ({ id_token: mode })),
    ...['bad_signature', 'other_keys_kid', 'wrong_nonce'].map((mode) =>
      ({ id_token: mode, id_token_alg: 'ES256' })),
  ]) {
    await t.test(`an id_token of ${JSON.stringify(modes)} is refused, and its `
      + 'tokens are revoked', async () => {
      const { outcome, line, visitor } = await dance(modes);
      assert.equal(outcome, 'id_token_invalid', line);
      assert.match(line, /detail: the id_token is refused/);
      await until('the tokens are revoked', async () =>
        (await control.see()).revoke.revoked > 0);

      assert.equal((await visitor.get('/fhir/Patient')).status, 401);
      assert.ok(!(await gw.redis.command('KEYS', 'cigna:g:*')).some((key) =>
        key.includes(line.match(/member: ([\w-]+)/)[1])));
    });
  }

  await t.test('an id_token without kid is verified with the only key of its '
    + 'type', async () => {
    const { outcome, line } = await dance({ id_token: 'no_kid' });
    assert.equal(outcome, 'connected', line);
  });

  await t.test('an unknown kid fetches the keys once after a rotation',
    async () => {
      clock.forward(AGAIN_S + 1);
      await control.reset();
      await control.rotate();
      const first = await dance({});
      assert.equal(first.outcome, 'connected', first.line);
      assert.equal(first.seen.jwks.requests, 1);

      const second = await dance({});
      assert.equal(second.outcome, 'connected', second.line);
      assert.equal(second.seen.jwks.requests, 0);
    });
});

test('keys that cannot be fetched', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { timeout: '1s', connect_timeout: '500ms' },
  });
  const { control } = gw.sandbox;

  for (const fault of ['500', 'html', 'cut-mid', 'garbage', 'empty']) {
    await t.test(`jwks fault ${fault} ends the dance as keys_unreachable `
      + 'before the code is spent', async () => {
      await control.reset();
      const { visitor, target } = await toCallback(gw);
      await control.set({ jwks_fault: fault });
      const { cigna: outcome } = toldApp(await visitor.get(target));
      const { token } = await control.see();
      assert.equal(outcome, 'keys_unreachable');
      assert.equal(token.requests, 0);
    });
  }

  await t.test('a failed request for the keys is sent again', async () => {
    await control.reset();
    const { visitor, target } = await toCallback(gw);
    await control.set({ jwks_fault: { kind: '503', times: 1 } });
    assert.equal(toldApp(await visitor.get(target)).cigna, 'connected');
  });
});

test('key sets', async (t) => {
  const gw = await standardGateway(t);
  const { control } = gw.sandbox;

  async function danceWith(modes) {
    await control.set(modes);
    await gw.reload({});                         // forgets the keys
    const { outcome, danceId } = await gw.dance({ member: 'alice' });
    return { outcome, line: endOf(gw, danceId) };
  }

  await t.test('an empty key set is told apart from one that cannot be fetched',
    async () => {
      const { outcome, line } = await danceWith({ jwks: 'empty' });
      assert.equal(outcome, 'keys_unreachable');
      assert.match(line, /detail: none of the keys is usable: 0 keys/);

      const failed = await danceWith({ jwks: 'good', jwks_fault: '500' });
      assert.equal(failed.outcome, 'keys_unreachable');
      assert.match(failed.line,
                   /detail: the keys cannot be fetched: status 500, \d+ bytes/);
      await control.set({ jwks_fault: 'none' });
    });

  await t.test('an id_token is refused if the key set lacks its '
    + 'key', async () => {
    await control.rotate();
    const { outcome, line } = await danceWith({ jwks: 'without_current' });
    assert.equal(outcome, 'id_token_invalid', line);
  });

  await t.test('a key without kid verifies an id_token with kid',
    async () => {
      const { outcome, line } = await danceWith({ jwks: 'no_kid' });
      assert.equal(outcome, 'connected', line);
    });

  for (const alg of ['RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES384',
                     'EdDSA']) {
    await t.test(`an id_token with ${alg} is accepted, and refused with a bad `
      + 'signature',
      async () => {
        const good = await danceWith({ jwks: 'good', id_token_alg: alg });
        assert.equal(good.outcome, 'connected', good.line);

        await control.set({ id_token: 'bad_signature' });
        const { outcome, danceId } = await gw.dance({ member: 'alice' });
        assert.equal(outcome, 'id_token_invalid', endOf(gw, danceId));
        await control.set({ id_token: 'good' });
      });
  }
});
