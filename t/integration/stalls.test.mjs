// Peers that never answer: a request that waits for such a peer delays no other
// request.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';

import { assertRefused, assertServed, connected, expired } from
  '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { onEnd, until } from '../lib/scratch.mjs';

// The time-out for a silent peer.  Several requests fit into it on any machine.
const PATIENCE = '3s';

// Starts a name server that never answers.
async function silentResolver(t) {
  const socket = createSocket('udp4');
  const heard = [];

  socket.on('message', (message) => heard.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onEnd(t, () => socket.close());
  return { port: socket.address().port, heard };
}

test('silent peers', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { connect_timeout: PATIENCE, timeout: PATIENCE },
  });
  const { control } = gw.sandbox;
  const { port, heard } = await silentResolver(t);
  const bob = await connected(gw, { member: 'bob' });
  const [alice, carol] = await expired(gw, 'alice', 'carol');
  assertServed(await bob.get('/fhir/Coverage'));

  // asserts that the request of the visitor `late` waits for the silent peer,
  // and that bob is served meanwhile
  async function assertAlone(late, isWaiting) {
    const asked = late.get('/fhir/Coverage');
    let over = false;
    asked.finally(() => { over = true; });
    await until('the peer is waited for', isWaiting);

    for (let i = 0; i < 5; i += 1) {
      assertServed(await bob.get('/fhir/Coverage'));
    }
    assert.equal(over, false, 'the late request ended before the others');
    return asked;
  }

  await t.test('a silent TLS peer delays no other request of the '
    + 'worker', async () => {
    await control.set({ authorization_listener: 'mute' });
    assertRefused(await assertAlone(alice, () => true), 503,
                  'refresh_failed', { retry: true });
    await control.set({ authorization_listener: 'open' });
  });

  await t.test('a silent resolver delays no other request of the '
    + 'worker', async () => {
    await gw.reload({
      http: `resolver 127.0.0.1:${port}; resolver_timeout ${PATIENCE};` });
    // in the end the gateway uses the address that it resolved at its start
    assertServed(await assertAlone(carol, () => heard.length > 0));
  });
});
