// The FHIR server answers 401.  The gateway refreshes the token once, sends the
// request once more, and the caller sees the result.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertNoVault, assertRefused, assertServed, connected, logged,
         refreshCount } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const LOG_FORMAT = '"$request" $status source=$cigna_token_source '
  + 'outcome=$cigna_outcome upstream="$upstream_status" '
  + 'addr="$upstream_addr" took="$upstream_response_time" '
  + 'header="$upstream_header_time"';

const times = (n, make) => Promise.all(Array.from({ length: n },
                                                  (_, i) => make(i)));

test('an upstream\'s 401', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2, logFormat: LOG_FORMAT },
    tenant: { connect_timeout: '1s', timeout: '1s', exchange_timeout: '1s' },
    listen: 'reuseport',
  });
  const { control } = gw.sandbox;
  const connect = gw.url('acme', '/cigna/connect');
  let alice;
  // connects alice anew, and makes her token worthless at Cigna
  const expire = async () => {
    alice = await connected(gw);
    assertServed(await alice.get('/fhir/Coverage'));
    await control.expire({ client_id: 'acme-client' });
  };
  const seen = async () => (await control.see()).fhir;
  // counts the requests at the FHIR server and the refreshes during act()
  const counted = async (act) => {
    const [fhir, refreshes] = [await seen(), await refreshCount(gw)];
    await act();
    const after = await seen();
    return {
      asked: after.requests - fhir.requests,
      refused: (after.by_status[401] ?? 0) - (fhir.by_status[401] ?? 0),
      refreshed: await refreshCount(gw) - refreshes,
    };
  };

  await t.test('a 401 leads to one refresh and one replay, and the caller sees '
    + 'the final reply only', async () => {
    await expire();
    let reply;
    assert.deepEqual(await counted(async () => {
      reply = await alice.get('/fhir/Coverage?_count=1');
    }), { asked: 2, refused: 1, refreshed: 1 });

    assertServed(reply);
    assert.equal(reply.headers['www-authenticate'], undefined);
    assert.equal(reply.headers.link, undefined);
    assert.equal(reply.json().resourceType, 'Bundle');
  });

  await t.test('the access log shows both tries', async () => {
    const { line, source, outcome } =
      await logged(gw, '/fhir/Coverage?_count=1');
    const address = /addr="(\S+) : (\S+)"/.exec(line);

    assert.deepEqual([source, outcome], ['refresh', 'served']);
    assert.match(line, / 200 .* upstream="401 : 200"/);
    assert.equal(address[1], address[2]);
    assert.match(line, /took="[\d.]+ : [\d.]+" header="[\d.]+ : [\d.]+"/);
  });

  await t.test('the new token serves later requests', async () => {
    assert.deepEqual(await counted(() => alice.get('/fhir/Coverage')),
                     { asked: 1, refused: 0, refreshed: 0 });
  });

  for (const refusal of ['chunked', 'huge', 'cut', 'bare']) {
    await t.test(`a 401 that is ${refusal} is replayed too`, async () => {
      await control.set({ fhir_refusal: refusal });
      await expire();
      assert.deepEqual(await counted(async () => {
        assertServed(await alice.get('/fhir/Coverage'));
      }), { asked: 2, refused: 1, refreshed: 1 });
      await control.set({ fhir_refusal: 'plain' });
    });
  }

  await t.test('HEAD is replayed', async () => {
    await expire();
    assert.deepEqual(await counted(async () => {
      const reply = await alice.request('/fhir/Coverage', { method: 'HEAD' });
      assertServed(reply);
      assert.equal(reply.body, '');
    }), { asked: 2, refused: 1, refreshed: 1 });
  });

  await t.test('many 401s at once, over all workers, lead to one refresh',
    async () => {
      await expire();
      const { asked, refused, refreshed } = await counted(async () => {
        for (const reply of await times(60, () =>
          alice.get('/fhir/Coverage'))) {
          assertServed(reply);
        }
      });
      assert.equal(refreshed, 1);
      assert.ok(refused >= 1 && asked === 60 + refused, `${asked} ${refused}`);
    });

  await t.test('other requests do not send the refused token during the '
    + 'refresh', async () => {
    await expire();
    await control.set({ token_delay_ms: 400 });
    const counts = await counted(async () => {
      const first = alice.get('/fhir/Coverage');
      await sleep(200);
      const others = await times(20, () => alice.get('/fhir/Coverage'));
      for (const reply of [await first, ...others]) {
        assertServed(reply);
      }
    });
    await control.set({ token_delay_ms: 0 });
    assert.deepEqual(counts, { asked: 22, refused: 1, refreshed: 1 });
  });

  await t.test('callers get 503 after a temporary failure of the refresh, and '
    + 'the refused token is not sent again', async () => {
    await expire();
    await control.set({ token_fault: '503' });
    assert.deepEqual(await counted(async () => {
      for (let n = 0; n < 4; n += 1) {
        assertRefused(await alice.get('/fhir/Coverage'), 503,
                      'refresh_failed', { retry: true });
      }
    }), { asked: 1, refused: 1, refreshed: 1 });
    await control.set({ token_fault: 'none' });
    await sleep(3100);
    assert.deepEqual(await counted(async () => {
      assertServed(await alice.get('/fhir/Coverage'));
    }), { asked: 1, refused: 0, refreshed: 1 });
  });

  await t.test('a caller gets 503 in time while the token endpoint '
    + 'hangs', async () => {
    const dave = await connected(gw, { member: 'dave',
                                       username: 'syntheticuser06' });
    await control.expire({ member: 'syntheticuser06' });
    await control.set({ token_fault: 'hang' });
    const began = Date.now();
    const reply = await dave.get('/fhir/Coverage');
    await control.set({ token_fault: 'none' });

    assert.equal(reply.status, 503, reply.body);
    assert.match(reply.headers['retry-after'], /^[1-9]/);
    assert.ok(Date.now() - began < 4500, `${Date.now() - began}`);
  });

  await t.test('callers get 503 and never 401 while Redis is '
    + 'unreachable', async () => {
    await expire();
    gw.redis.freeze();
    assertNoVault(await alice.get('/fhir/Coverage'));
    gw.redis.thaw();
    await until('the member is served', async () =>
      (await alice.get('/fhir/Coverage')).status === 200, { every: 100 });
  });

  await t.test('a member who withdrew gets 401 with the connect URL',
    async () => {
      const bob = await connected(gw, { member: 'bob',
                                        username: 'syntheticuser03' });
      assertServed(await bob.get('/fhir/Coverage'));
      await control.revoke({ member: 'syntheticuser03' });
      assertRefused(await bob.get('/fhir/Coverage'), 401, 'grant_spent',
                    { connect });
    });

  await t.test('a member without a refresh token gets 401 with the connect URL',
    async () => {
      await control.set({ refresh: 'none' });
      const carol = await connected(gw, { member: 'carol',
                                          username: 'syntheticuser04' });
      await control.set({ refresh: 'rotating' });
      assertServed(await carol.get('/fhir/Coverage'));
      await control.expire({ member: 'syntheticuser04' });
      assert.deepEqual(await counted(async () => {
        for (let n = 0; n < 2; n += 1) {
          const reply = await carol.get('/fhir/Coverage');
          assertRefused(reply, 401, 'grant_refused',
                        { connect, code: 'login' });
          assert.equal(reply.headers['www-authenticate'], undefined);
        }
      }), { asked: 2, refused: 2, refreshed: 0 });
    });

  await t.test('a request with a body is replayed without it', async () => {
    await expire();
    assert.deepEqual(await counted(async () => {
      assertServed(await alice.request('/fhir/Coverage', {
        body: 'x', headers: { 'Content-Length': '1' } }));
    }), { asked: 2, refused: 1, refreshed: 1 });
  });

  await t.test('a token refused after its refresh gets 401 with the connect '
    + 'URL, after two tries and one refresh', async () => {
    await expire();
    await control.set({ fhir_fault: '401' });
    const { asked, refreshed } = await counted(async () => {
      const reply = await alice.get('/fhir/Coverage');
      assertRefused(reply, 401, 'grant_refused', { connect, code: 'login' });
      assert.equal(reply.headers['www-authenticate'], undefined);
    });
    assert.deepEqual([asked, refreshed], [2, 1]);
  });

  await t.test('no other refresh follows within five minutes',
    async () => {
      const { asked, refreshed } = await counted(async () => {
        for (const reply of await times(20, () =>
          alice.get('/fhir/Coverage'))) {
          assertRefused(reply, 401, 'grant_refused', { connect });
        }
        assertRefused(await alice.get('/fhir/Coverage'), 401,
                      'grant_refused', { connect });
      });
      assert.equal(refreshed, 0);
      assert.equal(asked, 21);
      await control.set({ fhir_fault: 'none' });
    });

  await t.test('the token serves at once after the FHIR server has recovered',
    async () => {
      assert.deepEqual(await counted(async () => {
        assertServed(await alice.get('/fhir/Coverage'));
      }), { asked: 1, refused: 0, refreshed: 0 });
    });

  await t.test('a token from an ordinary refresh is refreshed again after a '
    + '401', async () => {
    await control.set({ access_token_lifetime: 1 }, 'acme-client');
    const erin = await connected(gw, { member: 'erin' });
    await control.set({ access_token_lifetime: 3600 }, 'acme-client');
    await sleep(1100);
    assertServed(await erin.get('/fhir/Coverage'));
    await control.expire({ client_id: 'acme-client' });
    assert.deepEqual(await counted(async () => {
      assertServed(await erin.get('/fhir/Coverage'));
    }), { asked: 2, refused: 1, refreshed: 1 });
  });
});

test('one host has a refused token, and another host a newer one',
  async (t) => {
    const one = await standardGateway(t);
    const { redis, sandbox } = one;
    const { caFile } = sandbox.info;
    const two = await standardGateway(t, {
      redis, sandbox, keys: readFileSync(one.file('keys'), 'utf8'),
      tenant: { trusted_certificate: caFile },
      fhir: { proxy_ssl_trusted_certificate: caFile },
    });
    const there = two.visitor({ member: 'alice' });
    let here;
    const expire = async () => {
      here = await connected(one);
      for (const visitor of [here, there]) {
        assertServed(await visitor.get('/fhir/Coverage'));
      }
      await sandbox.control.expire({});
    };

    await t.test('a host uses the newer token without a refresh', async () => {
      await expire();
      assertServed(await here.get('/fhir/Coverage'));
      assert.equal(await refreshCount(one), 1);
      assertServed(await there.get('/fhir/Coverage'));
      assert.equal(await refreshCount(one), 1);
    });

    await t.test('two hosts at once refresh once', async () => {
      await expire();
      for (const reply of await times(40, (i) =>
        (i % 2 ? here : there).get('/fhir/Coverage'))) {
        assertServed(reply);
      }
      assert.equal(await refreshCount(one), 2);
      assert.equal((await sandbox.control.see()).token.reuse, 0);
    });
  });
