// A gateway, a FHIR server that reads byte by byte, and two members whose
// requests share one kept connection to the FHIR server.  Requests of one
// member must not affect the other.

import assert from 'node:assert/strict';

import { assertServed, connected } from './fhir.mjs';
import { standardGateway } from './gateway.mjs';
import { BASE } from './recorder.mjs';
import { startWire } from './wire.mjs';

export const PLACE = '/w/';

// Returns the target that the FHIR server must see for a request with this
// name.
export const targetOf = (name) => `${BASE}${PLACE}${name}`;

class Scene {
  #asked = 0;

  async start(t, { locations, lines = [], ...options }) {
    this.fhir = await startWire(t);
    this.gw = await standardGateway(t, {
      ...options,
      http: `upstream kept {
          server 127.0.0.1:${this.fhir.port} max_fails=0;
          keepalive 1; keepalive_requests 100000; }
          ${options.http ?? ''}`,
    });
    // The sandbox's port is known only after its start.
    this.host = new URL(this.gw.sandbox.info.fhirBase).host;
    this.gw.options.locations = [
      this.fhir.location(PLACE, { to: 'https://kept', lines: [
        'proxy_http_version 1.1;', 'proxy_set_header Connection "";',
        // The operator passes on the caller's Host, but the Host that leaves
        // must be that of fhir_base.
        'proxy_set_header Host $host;', 'auth_request /who;', ...lines] }),
      locations?.(this.fhir) ?? '',
      // The app gets only the cookie, because its HTTP parser, which is node's,
      // refuses odd bytes.
      `location = /who {
          internal;
          auth_request off;
          proxy_pass http://127.0.0.1:${this.gw.identity.port}/whoami;
          proxy_pass_request_headers off;
          proxy_pass_request_body off;
          proxy_set_header Cookie $http_cookie;
      }`,
    ].join('\n');
    await this.gw.reload();
    this.alice = await connected(this.gw);
    this.bob = await connected(this.gw, { member: 'bob',
                                          username: 'syntheticuser03' });
    this.numbers = { alice: await this.#number(this.alice),
                     bob: await this.#number(this.bob) };
    assert.notEqual(this.numbers.alice, this.numbers.bob);
  }

  async #number(visitor) {
    const reply = await visitor.get(`${PLACE}own`);
    assertServed(reply);
    this.fhir.take();
    return reply.json().whose;
  }

  // Returns a name that no request has had yet.  The name is the last segment
  // of the request's path.
  name(what) {
    this.#asked += 1;
    return `${what}-${this.#asked}`;
  }

  // Checks that a body answers this member's request for this name.
  assertOwn(body, member, name) {
    assert.deepEqual(JSON.parse(body), {
      resourceType: 'Basic', whose: this.numbers[member],
      target: targetOf(name) });
  }

  // Checks that another member is served over the same kept connection.
  async assertOthers(member = 'bob') {
    const name = this.name(member);
    const reply = await this[member].get(PLACE + name);

    assertServed(reply);
    this.assertOwn(reply.body, member, name);
    return name;
  }

  // Checks that exactly these requests, [member, name], arrived, in this order
  // and without fault.
  assertArrived(wanted) {
    const seen = this.fhir.take();

    assert.deepEqual(seen.map(({ whose, target }) => [whose, target]),
                     wanted.map(([member, name]) =>
                       [this.numbers[member], targetOf(name)]),
                     seen.map(({ bytes, beyond }) => bytes + beyond).join('|'));
    for (const { faults, bytes, lines } of seen) {
      assert.deepEqual(faults, [], bytes);
      assert.deepEqual(lines.filter(([name]) => name === 'host'),
                       [['host', this.host]]);
      assert.doesNotMatch(bytes, /evil|smuggled|session=/);
    }
  }
}

// Options: those of standardGateway(); lines: more lines of the location PLACE;
// locations: a function that takes the FHIR server and returns more locations.
export async function startScene(t, options = {}) {
  const scene = new Scene();
  await scene.start(t, options);
  return scene;
}
