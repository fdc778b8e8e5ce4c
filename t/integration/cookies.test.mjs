// The cookies of dances: their attributes, their number, and their use on every
// worker and host.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CALLBACK, outcomeOf, queryOf, titleOf, toCallback, toldApp }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';

const CONNECT = '/cigna/connect';
const COOKIE = /^__Host-cigna-([\w-]{8})=([0-9a-z]+)\.([\w-]{22,})$/;

test('cookies of dances', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenant: { dances_per_member: 30 },
    server: { add_header: 'X-Worker $pid always' },
    listen: 'reuseport',                         // spreads the connections
  });

  await t.test('a dance cookie is Secure, HttpOnly, SameSite=Lax, without '
    + 'Domain, and has a Max-Age', async () => {
    const visitor = gw.visitor({ member: 'alice' });
    const { cookies, ...reply } = await visitor.get(CONNECT);
    assert.equal(cookies.length, 1);

    const [pair, ...attributes] = cookies[0].split('; ');
    const [, tag, started, secret] = COOKIE.exec(pair);
    assert.deepEqual(attributes.sort(), ['HttpOnly', 'Max-Age=1800', 'Path=/',
                                         'SameSite=Lax', 'Secure']);
    assert.ok(queryOf(reply.location).state.startsWith(tag));
    assert.ok(Math.abs(parseInt(started, 36) - Date.now() / 1000) < 5);
    assert.ok(!reply.location.includes(secret));
  });

  await t.test('name and value of a dance cookie have less than 100 '
    + 'bytes', async () => {
    const { cookies } = await gw.visitor({ member: 'alice' }).get(CONNECT);
    assert.ok(cookies[0].split(';')[0].length < 100, cookies[0]);
  });

  await t.test('a browser has at most eight dance cookies, and a new one '
    + 'replaces the oldest',
    async () => {
      const visitor = gw.visitor({ member: 'alice' });
      const secret = 'x'.repeat(22);
      const now = Math.floor(Date.now() / 1000);
      // seven earlier cookies, the third of them the oldest
      [5, 6, 99, 7, 8, 9, 10].forEach((age, i) => visitor.jar.store(
        new URL(gw.url('acme')), [`__Host-cigna-earlier${i}=`
          + `${(now - age).toString(36)}.${secret}; Path=/; Secure`]));

      const eighth = await visitor.get(CONNECT);
      assert.equal(eighth.cookies.length, 1);
      assert.equal(visitor.danceCookies().length, 8);

      const ninth = await visitor.get(CONNECT);
      assert.equal(ninth.cookies.length, 2);
      assert.match(ninth.cookies[0],
                   /^__Host-cigna-earlier2=; Path=\/; Max-Age=0; /);
      assert.match(ninth.cookies[0], /; Secure$/);
      assert.equal(visitor.danceCookies().length, 8);
      assert.ok(!visitor.danceCookies().some(({ name }) =>
        name.endsWith('earlier2')));
    });

  await t.test('connect deletes surplus dance cookies, down to '
    + 'eight', async () => {
    const visitor = gw.visitor({ member: 'alice' });
    for (let i = 0; i < 25; i += 1) {
      visitor.jar.store(new URL(gw.url('acme')), [
        `__Host-cigna-${String(i).padStart(8, 'a')}=s00000.`
        + `${'x'.repeat(22)}; Path=/; Secure`]);
    }
    await visitor.get(CONNECT);
    assert.equal(visitor.danceCookies().length, 8);
    const { outcome } = await visitor.dance();
    assert.equal(outcome, 'connected');
  });

  await t.test('malformed cookies do not disturb a dance', async () => {
    const visitor = gw.visitor({ member: 'alice' });
    visitor.jar.store(new URL(gw.url('acme')), [
      '__Host-cigna-=; Path=/; Secure', '__Host-cigna-toolong99=1.x; Path=/;'
      + ' Secure', 'cigna-abcdefgh=1.x', 'other="a;b"', 'empty=']);
    assert.equal((await visitor.dance()).outcome, 'connected');
  });

  await t.test('dances in several tabs end well in any order',
    async () => {
      const visitor = gw.visitor({ member: 'bob' });
      const tabs = [];
      for (let i = 0; i < 4; i += 1) {
        tabs.push(await toCallback(gw, { visitor }));
      }
      for (const { target } of [tabs[2], tabs[0], tabs[3], tabs[1]]) {
        assert.equal(outcomeOf(await visitor.get(target)), 'connected');
      }
      assert.equal((await visitor.get('/fhir/Patient')).status, 200);
    });

  await t.test('both dances of a double click on connect end '
    + 'well', async () => {
    const visitor = gw.visitor({ member: 'bob' });
    const [first, second] = await Promise.all([visitor.get(CONNECT),
                                               visitor.get(CONNECT)]);
    assert.equal(visitor.danceCookies().length, 2);
    for (const { location } of [first, second]) {
      const { visitor: same, target } = await finish(visitor, location);
      assert.equal(outcomeOf(await same.get(target)), 'connected');
    }
  });

  // Logs in at an authorize URL, and returns the dance that waits for its
  // callback.
  async function finish(visitor, location) {
    visitor.url = () => location;
    try {
      return await toCallback(gw, { visitor });
    } finally {
      delete visitor.url;
    }
  }

  await t.test('a callback leaves the dance cookie for later hits',
    async () => {
      const { visitor, target } = await toCallback(gw);
      const before = visitor.danceCookies().length;
      const reply = await visitor.get(target);
      assert.deepEqual(reply.cookies, []);
      assert.equal(visitor.danceCookies().length, before);
    });

  await t.test('a later dance leaves an earlier outcome unchanged, and its '
    + 'grant serves', async () => {
    const visitor = gw.visitor({ member: 'again' });
    const one = await toCallback(gw, { visitor });
    const first = toldApp(await visitor.get(one.target));
    const two = await toCallback(gw, { visitor, username: 'syntheticuser03' });
    assert.equal(outcomeOf(await visitor.get(two.target)), 'connected');

    assert.deepEqual(toldApp(await visitor.get(one.target)), first);
    const ids = (await visitor.get('/fhir/Patient')).json().entry
      .map(({ resource }) => resource.id);
    assert.ok(ids.includes('A00000000000003'), `${ids}`);
  });

  await t.test('a worker ends a dance that another worker started',
    async () => {
      const workerOf = (headers) => headers['x-worker'];
      const started = () => workerOf(gw.replies.findLast(([url]) =>
        url.includes(CONNECT))[2]);
      const crossed = new Set();

      // the kernel picks the worker by the connection's ports, so dances are
      // repeated until each worker has ended one of the other's
      for (let i = 0; i < 60 && crossed.size < 2; i += 1) {
        const { visitor, target } = await toCallback(gw, { member: 'carol' });
        const reply = await visitor.get(target);
        assert.equal(outcomeOf(reply), 'connected');
        if (workerOf(reply.headers) !== started()) {
          crossed.add(started());
        }
      }
      assert.equal(crossed.size, 2);
    });

  await t.test('a host ends a dance that another host started, and the grant '
    + 'serves on both', async (st) => {
    const shared = {
      redirect_uri: gw.url('acme', CALLBACK),
      return_to: gw.url('acme', '/app'),
      trusted_certificate: gw.ca.certFile,
    };
    const other = await standardGateway(st, {
      redis: gw.redis, sandbox: gw.sandbox,
      keys: readFileSync(gw.file('keys'), 'utf8'),
      tenant: { trusted_certificate: gw.ca.certFile },
      tenants: { acme: shared },
      fhir: { proxy_ssl_trusted_certificate: gw.ca.certFile },
    });

    const here = await toCallback(gw, { member: 'dave' });
    const there = other.visitor();
    there.jar.store(new URL(other.url('acme')),
                    here.visitor.jar.for(new URL(gw.url('acme')))
                      .map(({ name, value }) =>
                        `${name}=${value}; Path=/; Secure`));

    assert.equal(outcomeOf(await there.get(here.target)), 'connected');
    assert.equal(outcomeOf(await here.visitor.get(here.target)), 'connected');
    const { token } = await gw.sandbox.control.see();
    assert.equal(token.reuse, 0);

    assert.equal((await there.get('/fhir/Patient')).status, 200);
    assert.equal((await here.visitor.get('/fhir/Patient')).status, 200);
  });
});

test('cookies follow the scheme of redirect_uri', async (t) => {
  const gw = await standardGateway(t, {
    tenants: { acme: { redirect_uri: 'http://acme.localhost/cigna/callback',
                       insecure_http: 'on' } },
  });

  await t.test('a cookie over http has no prefix and is not '
    + 'Secure', async () => {
    const { cookies } = await gw.visitor({ member: 'alice' }).get(CONNECT);
    assert.match(cookies[0], /^cigna-[\w-]{8}=/);
    assert.doesNotMatch(cookies[0], /Secure/);
    assert.match(cookies[0], /; HttpOnly; SameSite=Lax$/);
  });

  await t.test('a cookie with the __Host- prefix is not accepted for a dance '
    + 'over http',
    async () => {
      const visitor = gw.visitor({ member: 'alice' });
      const { location, cookies } = await visitor.get(CONNECT);
      const [, tag, value] = /^cigna-([\w-]+)=([^;]+)/.exec(cookies[0]);
      visitor.jar.delete(`cigna-${tag}`);
      visitor.jar.store(new URL(gw.url('acme')), [
        `__Host-cigna-${tag}=${value}; Path=/; Secure`]);

      const reply = await visitor.get(
        `${CALLBACK}?code=x&state=${queryOf(location).state}`);
      assert.equal(titleOf(reply), 'Please continue where you started');
    });
});
