// Connect: requests that start a dance, and requests that do not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CALLBACK, addedTo, endOf, forgetDances, keysOf, outcomeOf, queryOf,
         titleOf, toCallback } from '../lib/dance.mjs';
import { countersOf } from '../lib/counters.mjs';
import { rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { until } from '../lib/scratch.mjs';

const CONNECT = '/cigna/connect';

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

test('connect', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    tenants: {
      acme: {
        scope: '"openid fhirUser patient/*.read launch/patient"',
        authorize_param: ['prompt login', 'ui_locales "en US&x=y"'],
        aud: 'on',
        dances_per_member: 3,
      },
      globex: { dances_per_second: 4 },
    },
  });
  const alice = gw.visitor({ member: 'alice' });

  // Starts a dance.  Returns { reply, location, query }, the last two of the
  // authorize URL.
  async function connect(visitor = alice, target = CONNECT, options = {}) {
    const reply = await visitor.get(target, options);
    assert.equal(reply.status, 302, reply.body);
    const location = new URL(reply.location);
    return { reply, location, query: queryOf(location) };
  }

  // Asserts that the reply sets no cookie and redirects nowhere, and that Redis
  // stores no dance.
  async function startsNothing(send, status) {
    await forgetDances(gw);
    const reply = await send();

    assert.equal(reply.status, status);
    assert.deepEqual(reply.cookies, []);
    assert.equal(reply.location, undefined);
    assert.deepEqual(await keysOf(gw, '[do]'), []);
    return reply;
  }

  await t.test('connect answers 302 to authorize with no-store',
    async () => {
      const { reply, location } = await connect();

      assert.equal(location.origin + location.pathname,
                   gw.sandbox.info.authorize);
      assert.match(reply.headers['cache-control'], /\bno-store\b/);
      assert.equal(reply.headers['referrer-policy'], 'no-referrer');
      assert.equal(reply.headers.etag, undefined);
      assert.equal(reply.headers['last-modified'], undefined);
    });

  await t.test('an authorize URL has PKCE with S256, a nonce and a state, and '
    + 'each parameter once', async () => {
    const { location, query } = await connect();

    assert.equal(query.response_type, 'code');
    assert.equal(query.client_id, 'acme-client');
    assert.equal(query.code_challenge_method, 'S256');
    assert.match(query.code_challenge, /^[\w-]{43}$/);
    assert.match(query.nonce, /^[\w-]{22,}$/);
    const names = [...location.searchParams.keys()];
    assert.equal(new Set(names).size, names.length, `${names}`);
  });

  await t.test('a state is URL-safe, with at least 128 bits and at most 64 '
    + 'characters', async () => {
    const { query } = await connect();
    assert.match(query.state, /^[\w-]{22,64}$/);
  });

  await t.test('state, nonce, challenge and cookie are new in each dance',
    async () => {
      const all = await Promise.all(times(6, () =>
        connect(gw.visitor({ member: 'bob' }))));

      for (const name of ['state', 'nonce', 'code_challenge']) {
        const values = all.map(({ query }) => query[name]);
        assert.equal(new Set(values).size, 6, name);
      }
      const cookies = all.map(({ reply }) => reply.cookies[0]);
      assert.equal(new Set(cookies.map((line) => line.split(/[=.;]/)[2])).size,
                   6);
    });

  await t.test('redirect_uri and scope are the configured ones',
    async () => {
      const { query } = await connect();
      assert.equal(query.redirect_uri, gw.url('acme', CALLBACK));
      assert.equal(query.scope,
                   'openid fhirUser patient/*.read launch/patient');
    });

  await t.test('aud is the FHIR base when switched on, and absent by default',
    async () => {
      const { query } = await connect();
      assert.equal(query.aud, gw.sandbox.info.fhirBase);

      const globex = gw.visitor({ tenant: 'globex', member: 'alice' });
      assert.ok(!('aud' in (await connect(globex)).query));
    });

  await t.test('authorize_param values are sent escaped', async () => {
    const { query } = await connect();
    assert.equal(query.prompt, 'login');
    assert.equal(query.ui_locales, 'en US&x=y');
    assert.ok(!('x' in query));
  });

  await t.test('the gateway never requests authorize itself', async () => {
    const before = await gw.sandbox.control.see();
    await connect();
    const after = await gw.sandbox.control.see();
    assert.equal(after.authorize.hits, before.authorize.hits);
  });

  await t.test('a method other than GET starts no dance', async () => {
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const reply = await startsNothing(() =>
        alice.request(CONNECT, { method }), 405);
      assert.equal(reply.headers.allow, 'GET');
    }
  });

  for (const [what, headers] of [
    ['an image of another site', {
      'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors',
      'Sec-Fetch-Dest': 'image' }],
    ['a fetch by the app\'s own page', {
      'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors',
      'Sec-Fetch-Dest': 'empty' }],
    ['a fetch by a sibling site', {
      'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors',
      'Sec-Fetch-Dest': 'empty' }],
    ['an unknown Sec-Fetch-Mode', { 'Sec-Fetch-Mode': 'teleport' }],
    ['a duplicate Sec-Fetch-Mode',
     { 'Sec-Fetch-Mode': ['navigate', 'no-cors'] }],
    ['an old browser\'s fetch from another site', {
      Origin: 'https://evil.example' }],
    ['an old browser\'s fetch from origin null', { Origin: 'null' }],
    ['a frame of another site', {
      'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-User': '?1' }],
    ['a prefetch by another site', {
      'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document', 'Sec-Purpose': 'prefetch' }],
    ['a frame', { 'Sec-Fetch-Site': 'same-origin',
                  'Sec-Fetch-Dest': 'iframe' }],
    ['a frame of an old frameset', { 'Sec-Fetch-Dest': 'frame' }],
    ['an image', { 'Sec-Fetch-Dest': 'image' }],
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a prerender', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['a prefetch of an older browser', { Purpose: 'prefetch' }],
    ['a prefetch of an old Firefox', { 'X-Moz': 'prefetch' }],
  ]) {
    await t.test(`${what} starts no dance`, async () => {
      const reply = await startsNothing(() =>
        alice.get(CONNECT, { headers }), 400);
      assert.equal(titleOf(reply), 'Please open this page yourself');
    });
  }

  const NAVIGATES = { 'Sec-Fetch-Mode': 'navigate',
                      'Sec-Fetch-Dest': 'document' };
  const USER = { 'Sec-Fetch-User': '?1' };
  const HERE = new URL(gw.url('acme')).origin;

  for (const [what, headers] of [
    ['a click in the app', { 'Sec-Fetch-Site': 'same-origin', ...USER }],
    ['a script or a redirect of the app, or Safari', {
      'Sec-Fetch-Site': 'same-origin' }],
    ['a click on a sibling site of the app', {
      'Sec-Fetch-Site': 'same-site', ...USER }],
    ['a typed address', { 'Sec-Fetch-Site': 'none', ...USER }],
    ['a link in another program', { 'Sec-Fetch-Site': 'none' }],
    ['a request with the app\'s own Origin', { Origin: HERE }],
  ]) {
    await t.test(`${what} starts a dance`, async () => {
      await connect(alice, CONNECT, { headers: { ...NAVIGATES, ...headers } });
    });
  }

  const TO_APP = encodeURIComponent(gw.url('acme', '/app?a=b&c=d'));

  for (const [what, headers] of [
    ['a link in a single sign-on or a web mail', {
      ...NAVIGATES, ...USER, 'Sec-Fetch-Site': 'cross-site' }],
    ['a redirect of another site', { ...NAVIGATES,
                                     'Sec-Fetch-Site': 'cross-site' }],
    ['a request from another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a script of a sibling site',
     { ...NAVIGATES, 'Sec-Fetch-Site': 'same-site' }],
    ['a sibling site without user activation', {
      ...NAVIGATES, 'Sec-Fetch-User': '?0', 'Sec-Fetch-Site': 'same-site' }],
    ['an unknown Sec-Fetch-Site', { ...NAVIGATES, 'Sec-Fetch-Site': 'far' }],
    ['a form of another origin', { ...NAVIGATES, ...USER,
                                   'Sec-Fetch-Site': 'same-origin',
                                   Origin: 'https://evil.example' }],
    ['a form with Origin null', { ...NAVIGATES, ...USER, Origin: 'null' }],
  ]) {
    await t.test(`${what} gets a page whose button keeps the query`,
      async () => {
        const before = await countersOf(gw);
        const query = `?x=%22%3E&return_to=${TO_APP}&y=1`;
        const reply = await startsNothing(() =>
          alice.get(CONNECT + query, { headers }), 200);

        assert.equal(titleOf(reply), 'Connect your Cigna account?');
        assert.match(reply.headers['cache-control'], /no-store/);
        const policy = reply.headers['content-security-policy'];
        for (const part of ["default-src 'none'", "frame-ancestors 'none'",
                            "base-uri 'none'"]) {
          assert.ok(policy.includes(part), policy);
        }
        const [, href] = /<a class="do" href="([^"]*)">/.exec(reply.body);
        assert.equal(href, `?x=%22%3E&amp;return_to=${TO_APP}&amp;y=1`);
        assert.equal((await countersOf(gw)).cigna_connects_asked_total.acme,
                     before.cigna_connects_asked_total.acme + 1);

        // a click on the button, in a browser without Sec-Fetch-User
        await connect(alice, CONNECT + query, {
          headers: { ...NAVIGATES, 'Sec-Fetch-Site': 'same-origin' } });
      });
  }

  await t.test('another site cannot put markup or links into the page with a '
    + 'button', async () => {
    const headers = { ...NAVIGATES, 'Sec-Fetch-Site': 'cross-site' };
    for (const [target, href] of [
      ['//evil.example/../cigna/connect?a', '?a'],
      ['//cigna/connect', '?'],
      [`${CONNECT}?"'<script>%0a&\xff`,
       '?&quot;&#39;&lt;script&gt;%0a&amp;%FF'],
    ]) {
      const reply = await rawGet(gw, target, [
        'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Site: cross-site']);
      assert.match(reply, /^HTTP\/1\.1 200 /, target);
      assert.deepEqual([...reply.matchAll(/href="([^"]*)"/g)]
        .map(([, link]) => link), [href, gw.url('acme', '/app')]);
    }

    for (const to of ['https://evil.example/', 'javascript:alert(1)',
                      '//evil.example/']) {
      const reply = await startsNothing(() => alice.get(
        `${CONNECT}?return_to=${encodeURIComponent(to)}`, { headers }), 400);
      assert.equal(titleOf(reply), 'This link cannot be used');
    }
  });

  await t.test('a caller without identity gets the page with a button '
    + 'too', async () => {
    const headers = { ...NAVIGATES, 'Sec-Fetch-Site': 'cross-site' };
    const reply = await startsNothing(() =>
      gw.visitor().get(CONNECT, { headers }), 200);
    assert.equal(titleOf(reply), 'Connect your Cigna account?');
  });

  await t.test('a caller without identity starts no dance', async () => {
    const reply = await startsNothing(() => gw.visitor().get(CONNECT), 401);
    assert.equal(titleOf(reply), 'Please sign in');
  });

  await t.test('a member name with control bytes or more than 256 bytes is '
    + 'refused', async () => {
    for (const member of ['a\tb', 'x'.repeat(257)]) {
      const odd = gw.visitor({ member });
      await startsNothing(() => odd.get(CONNECT), 400);
    }
    await connect(gw.visitor({ member: 'x'.repeat(256) }));
  });

  await t.test('a dance over dances_per_member replaces the member\'s oldest '
    + 'dance',
    async () => {
      await forgetDances(gw);
      const carol = gw.visitor({ member: 'carol' });
      const first = await toCallback(gw, { visitor: carol });
      const second = await toCallback(gw, { visitor: carol });
      const third = await toCallback(gw, { visitor: carol });
      assert.equal((await keysOf(gw, 'd')).length, 3);

      const fourth = await toCallback(gw, { visitor: carol });
      const reply = await until('the first dance has ended', async () => {
        const page = await carol.get(first.target);
        return titleOf(page) === 'A newer connection was started' && page;
      });
      assert.equal(reply.status, 400);
      const [, id] = /Reference: <code>([0-9A-Z]{12})</.exec(reply.body);
      assert.match(endOf(gw, id), /outcome: displaced, tenant: acme/);

      for (const { target } of [second, third, fourth]) {
        assert.equal(outcomeOf(await carol.get(target)), 'connected');
      }
    });

  await t.test('a member\'s open dances do not replace another member\'s '
    + 'dance', async () => {
    const dave = await toCallback(gw, { member: 'dave' });
    const erin = gw.visitor({ member: 'erin' });
    for (let i = 0; i < 5; i += 1) {
      await connect(erin);
    }
    assert.equal(outcomeOf(await dave.visitor.get(dave.target)), 'connected');
  });

  await t.test('dances_per_second limits the dances of each tenant',
    async () => {
      await sleep(1000 - Date.now() % 1000);
      const burst = (tenant) => Promise.all(times(8, (i) =>
        gw.visitor({ tenant, member: `member-${i}` }).get(CONNECT)));
      const [globex, acme] = await Promise.all([burst('globex'),
                                                burst('acme')]);

      const statuses = globex.map(({ status }) => status);
      const refused = globex.filter(({ status }) => status === 429);
      // the burst may have begun in one second and ended in the next
      assert.ok(refused.length >= 1, `${statuses}`);
      assert.ok(statuses.filter((s) => s === 302).length >= 4, `${statuses}`);
      for (const reply of refused) {
        assert.equal(titleOf(reply), 'Too many attempts');
        assert.ok(Number(reply.headers['retry-after']) >= 1);
        assert.deepEqual(reply.cookies, []);
      }
      assert.deepEqual([...new Set(acme.map(({ status }) => status))], [302]);

      await sleep(1000);
      await connect(gw.visitor({ tenant: 'globex', member: 'late' }));
    });

  await t.test('each refusal is one log line with its reason',
    async () => {
      const lines = await addedTo(() => gw.nginx.errorLog(), async () => {
        await alice.get(CONNECT, { headers: { 'Sec-Purpose': 'prefetch' } });
        await alice.get(`${CONNECT}?return_to=x`);
      });
      const ends = lines.match(/cigna: dance not started, .*/g);

      assert.equal(ends.length, 2);
      assert.match(ends[0], /outcome: not_navigable, tenant: acme, member: /);
      assert.match(ends[1], /outcome: return_to_refused, tenant: acme, /);
      assert.match(ends[1], /request: [0-9a-f]{32}$/);
    });

  await t.test('a browser on another host name is first redirected to the host '
    + 'of redirect_uri', async () => {
    // acme's server is the default server, so every host name leads to it
    const headers = { Host: `other.localhost:${gw.port}` };
    const moved = await startsNothing(() =>
      alice.get(`${CONNECT}?return_to=${gw.url('acme', '/app')}`, { headers })
        .then((reply) => ({ ...reply, location: undefined,
                            moved: reply.location })), 302);

    const url = new URL(moved.moved);
    assert.equal(url.origin, new URL(gw.url('acme')).origin);
    assert.equal(url.pathname, CONNECT);
    assert.equal(url.searchParams.get('return_to'), gw.url('acme', '/app'));
    assert.match(moved.headers['cache-control'], /no-store/);

    await connect(alice, url.pathname + url.search);
  });

  await t.test('the redirect to the host of redirect_uri happens only '
    + 'once', async () => {
    const headers = { Host: 'behind-a-proxy.localhost' };
    const first = await alice.get(CONNECT, { headers });
    const url = new URL(first.location);

    const second = await alice.get(url.pathname + url.search, { headers });
    assert.equal(new URL(second.location).origin,
                 new URL(gw.sandbox.info.authorize).origin);
  });

  await t.test('the host name is compared without regard to case', async () => {
    const { location } = await connect(alice, CONNECT, {
      headers: { Host: `ACME.localhost:${gw.port}` } });
    assert.equal(location.origin, new URL(gw.sandbox.info.authorize).origin);
  });
});
