// nginx's own blocks within the gateway's locations: "if" and "limit_except".

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CALLBACK, titleOf } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const KEPT = 'no-store, private';

test('blocks within a location', async (t) => {
  const gw = await standardGateway(t, { locations: `
    location = /if/connect  { if ($arg_x) { set $y 1; } cigna_connect; }
    location = /if/callback { if ($arg_x) { set $y 1; } cigna_callback; }
    location = /if/status   { if ($arg_x) { set $y 1; } cigna_status; }
    location = /if/gone     { if ($arg_x) { return 410; } cigna_status; }
    location = /if/proxied  {
        if ($arg_x) { proxy_pass http://127.0.0.1:1; }
        cigna_status;
    }
    location = /limit/callback {
        limit_except GET { allow all; }
        cigna_callback;
    }
    location = /limit/status {
        limit_except POST { deny all; }
        cigna_status;
    }` });
  const alice = gw.visitor({ member: 'alice' });

  await t.test('a reply within "if" is no-store', async () => {
    for (const query of ['', '?x=1']) {
      const connect = await alice.get(`/if/connect${query}`);
      assert.equal(connect.status, 302);
      assert.equal(connect.headers['cache-control'], KEPT);

      const callback = await alice.get(`/if/callback${query}`);
      assert.equal(callback.status, 303);
      assert.equal(callback.headers['cache-control'], KEPT);

      const status = await alice.get(`/if/status${query}`);
      assert.equal(status.status, 200);
      assert.equal(status.json().connected, false);
      assert.equal(status.headers['cache-control'], KEPT);
    }
    const gone = await alice.get('/if/gone?x=1');
    assert.equal(gone.status, 410);
    assert.equal(gone.headers['cache-control'], KEPT);
  });

  await t.test('another handler within "if" keeps its own header '
    + 'lines', async () => {
    assert.equal((await alice.get('/if/proxied')).status, 200);
    const proxied = await alice.get('/if/proxied?x=1');
    assert.equal(proxied.status, 502);
    assert.equal(proxied.headers['cache-control'], undefined);
  });

  await t.test('a request that "limit_except" allows reaches the gateway\'s '
    + 'handler', async () => {
    const posted = await alice.post('/limit/callback');
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.allow, 'GET');
    assert.ok(titleOf(posted));
  });

  await t.test('a refusal by "limit_except" is no-store', async () => {
    const refused = await alice.get('/limit/status');
    assert.equal(refused.status, 403);
    assert.equal(refused.headers['cache-control'], KEPT);
  });
});
