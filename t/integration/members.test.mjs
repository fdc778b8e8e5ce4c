// Members and tenants never mix, for any name and any kind of request.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';

import { assertRefused, assertServed, connected, raw } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';
import { freePort } from '../lib/scratch.mjs';

// Names that an app may use.  With the cookie session=hostile-KEY the member
// has the name of that key.
const NAMES = {
  quotes: '"\'`',
  quotes2: '"\'',
  utf8: '漢字-Ünï',
  invalid_utf8: '\\xff\\xfe',
  long: 'x'.repeat(256),
  long2: `${'x'.repeat(255)}y`,
  json: '","member":"alice',
  redis: 'a\\r*1',
  tag: '}{alice}',
  glob: '*',
  spaces: ' alice ',
  path: '../alice',
  uppercase: 'ALICE',
  tenant: 'globex:alice',
};

const INVALID = {
  too_long: 'x'.repeat(257),
  control: 'ali\x01ce',
  tab: 'ali\tce',
  newline: 'ali\nce',
  escape: '\x1b[0m',
  del: 'alice\x7f',
};

const quoted = (text) => `"${text.replace(/["\\]/g, '\\$&')}"`;

const patients = (reply) => reply.json().entry
  .map(({ resource }) => resource.id);

const username = (n) => `syntheticuser${String(n).padStart(4, '0')}`;
const master = (n) => `A${String(10000 + n).padStart(14, '0')}`;

test('members and tenants stay apart', async (t) => {
  const port2 = await freePort();
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    sandboxOptions: { members: 40 },
    tenant: { dances_per_second: 1000 },
    http: `map $upstream_http_x_member $member_name {
        default $upstream_http_x_member;
${Object.entries({ ...NAMES, ...INVALID }).map(([key, name]) =>
    `        "hostile-${key}" ${quoted(name)};`).join('\n')}
    }`,
    server: {
      auth_request_set: '$member $member_name',
      listen: `127.0.0.1:${port2} ssl http2`,
    },
  });
  let users = 0;

  // each member has their own account at Cigna
  const join = async (member, tenant = 'acme') => {
    users += 1;
    const n = users;
    const visitor = await connected(gw, { member, tenant,
                                          username: username(n) });
    return { visitor, own: master(n), tenant, member };
  };
  const own = ({ own: id }, reply) => {
    assertServed(reply);
    const ids = patients(reply).filter((one) => /^A\d/.test(one));
    assert.deepEqual(ids, [id]);
  };

  const alice = await join('alice');
  const all = [alice, await join('bob'), await join('alice', 'globex'),
               await join('bob', 'globex')];

  await t.test('the same name in two tenants is two members', async () => {
    for (const one of [...all, ...all]) {
      own(one, await one.visitor.get('/fhir/Patient'));
    }
  });

  for (const key of Object.keys(NAMES)) {
    await t.test(`a member may have this name: ${key}`, async () => {
      const one = await join(`hostile-${key}`);
      all.push(one);
      own(one, await one.visitor.get('/fhir/Patient'));
      own(alice, await alice.visitor.get('/fhir/Patient'));
    });
  }

  await t.test('every member reads only their own data', async () => {
    const replies = await Promise.all(all.map(({ visitor }) =>
      visitor.get('/fhir/Patient')));
    replies.forEach((reply, i) => own(all[i], reply));
  });

  for (const key of Object.keys(INVALID)) {
    await t.test(`a member may not have this name: ${key}`, async () => {
      const visitor = gw.visitor({ member: `hostile-${key}` });
      assertRefused(await visitor.get('/fhir/Patient'), 400,
                    'identity_invalid', { code: 'invalid' });
      const { location, status } = await visitor.get('/cigna/connect', {
        headers: { 'Sec-Fetch-Mode': 'navigate' } });
      assert.equal(location, undefined);
      assert.ok(status >= 400);
    });
  }

  const cookie = ({ member }) => `session=${encodeURIComponent(member)}`;

  await t.test('pipelined requests of several members on one connection each '
    + 'get their own data', async () => {
    const order = [0, 1, 0, 0, 1, 1, 0, 1].map((i) => all[i]);
    const text = await raw(gw, order.map((one, i) => [
      'GET /fhir/Patient HTTP/1.1', 'Host: acme.localhost',
      `Cookie: ${cookie(one)}`,
      ...(i === order.length - 1 ? ['Connection: close'] : []), '', '',
    ].join('\r\n')).join(''));

    const bodies = text.split('HTTP/1.1 200 OK').slice(1);
    assert.equal(bodies.length, order.length);
    bodies.forEach((body, i) => {
      const [id] = /"id":"A\d+"/.exec(body);
      assert.equal(id, `"id":"${order[i].own}"`);
    });
  });

  await t.test('multiplexed requests of several members on one HTTP/2 '
    + 'connection each get their own data', async () => {
    const client = http2.connect(`https://localhost:${port2}`, {
      ca: gw.caText, servername: 'acme.localhost',
    });
    const some = all.filter(({ tenant }) => tenant === 'acme');
    const ask = (one) => new Promise((resolve, reject) => {
      const stream = client.request({
        ':path': '/fhir/Patient', 'cookie': cookie(one),
        ':authority': `acme.localhost:${port2}`,
        'authorization': 'Bearer of-the-caller',
      });
      let body = '';
      stream.setEncoding('utf8');
      stream.on('data', (more) => { body += more; });
      stream.on('error', reject);
      stream.on('end', () => resolve(JSON.parse(body)));
      stream.end();
    });

    const replies = await Promise.all(
      Array.from({ length: 90 }, (_, i) => ask(some[i % some.length])));
    client.close();
    replies.forEach(({ entry }, i) => {
      const ids = entry.map(({ resource }) => resource.id);
      assert.ok(ids.includes(some[i % some.length].own), `${ids}`);
    });
  });

  await t.test('members read only their own data when all their tokens are '
    + 'refused at once',
    async () => {
      const before = (await gw.sandbox.control.see()).token;
      const some = all.slice(0, 12);
      await gw.sandbox.control.expire({});
      const replies = await Promise.all(Array.from({ length: 60 }, (_, i) =>
        some[i % some.length].visitor.get('/fhir/Patient')));
      replies.forEach((reply, i) => own(some[i % some.length], reply));

      const { token } = await gw.sandbox.control.see();
      assert.equal(token.by.refresh_token.ok
        - (before.by.refresh_token?.ok ?? 0), some.length);
    });

  await t.test('a member who logs out of the app gets '
    + 'no_identity', async () => {
    const [, bob] = all;
    bob.visitor.logOut();
    assertRefused(await bob.visitor.get('/fhir/Patient'), 401, 'no_identity');
    bob.visitor.logIn('bob');
    own(bob, await bob.visitor.get('/fhir/Patient'));
  });
});

// A token endpoint whose tokens are long and contain the code.
function tokensFor(request, response, { body }) {
  const code = new URLSearchParams(body).get('code');
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({
    access_token: `MARKs-${code}-${'x'.repeat(6000)}`,
    token_type: 'bearer', expires_in: 3600,
  }));
}

test('more members than the shared memory can hold', async (t) => {
  const MEMBERS = 150;
  const gw = await standardGateway(t, { zone: '1m' });
  const recorder = await startRecorder(t, { ca: gw.ca });
  recorder.on('/token', tokensFor);
  await gw.reload({
    zone: '1m',
    tenant: { token_endpoint: `https://localhost:${recorder.port}/token`,
              scope: 'patient/*.read', dances_per_second: 1000 },
    locations: recorder.location('/rec/'),
  });

  const members = await Promise.all(Array.from({ length: MEMBERS },
    async (_, i) => {
      const visitor = gw.visitor({ member: `m-${i}` });
      const { location } = await visitor.get('/cigna/connect');
      const state = new URL(location).searchParams.get('state');
      const { status } = await visitor.get(
        `/cigna/callback?code=m-${i}&state=${state}`);
      assert.equal(status, 303);
      return visitor;
    }));
  const round = async () => {
    const before = gw.nginx.accessLog().length;
    for (const [i, visitor] of members.entries()) {
      recorder.take();
      assertServed(await visitor.get('/rec/Patient'));
      const [{ authorizations: [bearer] }] = recorder.take();
      assert.ok(bearer.startsWith(`Bearer MARKs-m-${i}-x`));
    }
    const log = gw.nginx.accessLog().slice(before);
    return log.split(' source=vault ').length - 1;
  };

  await t.test('evicted members are served from the vault again',
    async () => {
      await round();
      assert.ok(await round() > 0);
    });

  await t.test('the last member is still in the cache', async () => {
    const before = gw.nginx.accessLog().length;
    assertServed(await members.at(-1).get('/rec/Patient'));
    await gw.nginx.waitForAccessLog(/ source=cache /, before);
  });
});
