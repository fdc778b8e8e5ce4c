// Peers that say nothing: what waits for them waits alone.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';

import { assertRefused, assertServed, connected, expired } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { onEnd, until } from '../lib/scratch.mjs';

// So long they are waited for: several requests fit into it on any machine.
const PATIENCE = '3s';

// A name server that hears, and keeps what it hears to itself.
async function silentResolver(t) {
  const socket = createSocket('udp4');
  const heard = [];

  socket.on('message', (message) => heard.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onEnd(t, () => socket.close());
  return { port: socket.address().port, heard };
}

test('peers that say nothing', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { connect_timeout: PATIENCE, timeout: PATIENCE },
  });
  const { control } = gw.sandbox;
  const { port, heard } = await silentResolver(t);
  const bob = await connected(gw, { member: 'bob' });
  const [alice, carol] = await expired(gw, 'alice', 'carol');
  assertServed(await bob.get('/fhir/Coverage'));

  // who is late waits for the peer, everybody else for nobody
  async function assertAlone(late, isWaiting) {
    const asked = late.get('/fhir/Coverage');
    let over = false;
    asked.finally(() => { over = true; });
    await until('the peer is waited for', isWaiting);

    for (let i = 0; i < 5; i += 1) {
      assertServed(await bob.get('/fhir/Coverage'));
    }
    assert.equal(over, false, 'nobody else was answered meanwhile');
    return asked;
  }

  await t.test('a TLS peer that says nothing holds up nobody else on the '
    + 'worker', async () => {
    await control.set({ authorization_listener: 'mute' });
    assertRefused(await assertAlone(alice, () => true), 503,
                  'refresh_failed', { retry: true });
    await control.set({ authorization_listener: 'open' });
  });

  await t.test('a resolver that says nothing holds up nobody else on the '
    + 'worker', async () => {
    await gw.reload({
      http: `resolver 127.0.0.1:${port}; resolver_timeout ${PATIENCE};` });
    // the address that was known at start serves in the end
    assertServed(await assertAlone(carol, () => heard.length > 0));
  });
});
