// return_to: places to which an app may send its member back, and places that
// are refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keysOf, outcomeOf, queryOf, titleOf, toCallback }
  from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';

const CONNECT = '/cigna/connect';
const asked = (value) => `${CONNECT}?return_to=${encodeURIComponent(value)}`;

test('return_to', async (t) => {
  const gw = await standardGateway(t, {
    tenant: { dances_per_second: 1000 },
    tenants: { acme: { return_to: [
      'https://app.example/', 'https://app.example:8443/a/b',
      'https://other.example/in', 'http://localhost:3000/dev',
    ] } },
  });
  const alice = gw.visitor({ member: 'alice' });

  // Runs a dance with this return_to.  Returns the URL at which it ends,
  // without the gateway's parameters.
  async function returned(value) {
    const { target } = await toCallback(gw, { visitor: alice,
                                              connect: asked(value) });
    const reply = await alice.get(target);
    assert.equal(outcomeOf(reply), 'connected');
    return reply.rawHeaders[reply.rawHeaders.indexOf('Location') + 1]
      .replace(/[?&]cigna=connected&cigna_dance=[\w-]+$/, '');
  }

  async function refused(value) {
    const before = (await keysOf(gw, 'd')).length;
    const reply = await alice.get(
      value.startsWith(CONNECT) ? value : asked(value));

    assert.equal(reply.status, 400, value);
    assert.equal(titleOf(reply), 'This link cannot be used');
    assert.equal(reply.location, undefined);
    assert.deepEqual(reply.cookies, []);
    assert.equal((await keysOf(gw, 'd')).length, before);
    // the page has no link to the refused place
    assert.ok(!reply.body.includes('evil'));
  }

  await t.test('a dance without return_to ends at the first entry of the list',
    async () => {
      for (const connect of [CONNECT, `${CONNECT}?return_to=`]) {
        const { target } = await toCallback(gw, { visitor: alice, connect });
        const { location } = await alice.get(target);
        const { origin, pathname } = new URL(location);
        assert.equal(origin + pathname, 'https://app.example/');
        assert.deepEqual(Object.keys(queryOf(location)),
                         ['cigna', 'cigna_dance']);
      }
    });

  for (const [value, end = value] of [
    ['https://app.example/'],
    ['https://app.example/claims/2024'],
    ['https://app.example/claims?tab=eob&x=%26'],
    ['https://app.example/search/100%25'],
    ['https://app.example/search/50%25%20off/%252541?q=..%252f%252e'],
    ['https://app.example/a%252e/...'],
    ['https://app.example:8443/a/b/c'],
    ['https://app.example:8443/a/b'],
    ['https://other.example/in/side'],
    ['http://localhost:3000/dev'],
    ['https://app.example', 'https://app.example/'],
    ['https://app.example:443/x', 'https://app.example/x'],
    ['HTTPS://APP.example/Case', 'https://app.example/Case'],
  ]) {
    await t.test(`${value} is accepted and normalised`, async () => {
      assert.equal(await returned(value), end);
    });
  }

  await t.test('the outcome is added to an existing query', async () => {
    const { target } = await toCallback(gw, {
      visitor: alice, connect: asked('https://app.example/c?tab=eob') });
    const { cigna, tab, cigna_dance: id } =
      queryOf((await alice.get(target)).location);
    assert.deepEqual({ cigna, tab }, { cigna: 'connected', tab: 'eob' });
    assert.match(id, /^[\w-]{12}$/);
  });

  await t.test('the outcome of an earlier dance is replaced',
    async () => {
      const { target } = await toCallback(gw, {
        visitor: alice, connect: asked('https://app.example/c?cigna=denied'
          + '&tab=eob&cigna_dance=abcdefghijkl&%63igna=connected&cignas=x') });
      const { location } = await alice.get(target);
      assert.match(location, new RegExp('^https://app\\.example/c\\?tab=eob'
        + '&cignas=x&cigna=connected&cigna_dance=[\\w-]{12}$'));

      // the next dance, with this URL as return_to, replaces the outcome in the
      // URL
      const next = await toCallback(gw, {
        visitor: alice, connect: asked(location) });
      const again = new URL((await alice.get(next.target)).location);
      assert.equal(again.searchParams.getAll('cigna').length, 1);
      assert.equal(again.searchParams.getAll('cigna_dance').length, 1);
      assert.notEqual(again.href, location);
    });

  await t.test('a query that has only an earlier outcome becomes empty',
    async () => {
      assert.equal(await returned('https://app.example/?cigna=denied'),
                   'https://app.example/');
    });

  for (const [what, ...values] of [
    ['another host', 'https://evil.example/', 'https://app.example.evil/',
      'https://evilapp.example/', 'https://app.example.:443.evil/',
      'https://sub.app.example/'],
    ['another scheme', 'http://app.example/', 'javascript:alert(1)//evil',
      'data:text/html,evil', 'ftp://app.example/', 'https:app.example/',
      'https:/app.example/'],
    ['another port', 'https://app.example:444/', 'https://app.example:8444/a/b',
      'http://localhost/dev', 'https://app.example:/', 'https://app.example:0/',
      'https://app.example:65979/', 'https://app.example:4 43/'],
    ['user info', 'https://app.example@evil.example/',
      'https://evil@app.example/', 'https://evil:x@app.example/',
      'https://app.example:443@evil.example/', 'https://@app.example/'],
    ['a backslash', 'https://app.example\\@evil.example/',
      'https://app.example/\\evil.example', 'https:\\\\app.example/',
      'https://app.example/%5cevil', 'https://evil.example\\.app.example/'],
    ['dot segments', 'https://other.example/in/../evil',
      'https://other.example/in/..', 'https://other.example/in/%2e%2e/evil',
      'https://other.example/in/.%2E/evil', 'https://other.example/in/./evil',
      'https://app.example/..', 'https://other.example/in/..;/evil',
      'https://other.example/in/..%3bx=y/evil'],
    ['dot segments in multiple or hidden escapes',
      'https://other.example/in/%2e%252e/evil',
      'https://other.example/in/.%252e/evil',
      'https://other.example/in/%252e%252e/evil',
      'https://other.example/in/%25252e%2e/evil',
      'https://other.example/in/%25%32%65./evil',
      'https://other.example/in/%2e%2e%3b/evil',
      'https://other.example/in/..%253bx/evil',
      'https://other.example/in/..%3fx/evil',
      'https://other.example/in/.%09./evil',
      'https://other.example/in/..%00/evil',
      'https://other.example/in/..%20/evil',
      'https://other.example/in/%c0%ae%c0%ae/evil'],
    ['an empty segment', 'https://app.example//evil.example',
      'https://app.example/x//evil', '//evil.example/', '//app.example/',
      '///evil.example'],
    ['an escaped slash', 'https://other.example/in%2f..%2fevil',
      'https://app.example/%2fevil.example',
      'https://other.example/in%252f..%252fevil',
      'https://other.example/in/x%255cevil', 'https://app.example/%25252fevil',
      'https://app.example/%25%32%66evil.example'],
    ['control bytes', 'https://app.example/\r\nSet-Cookie: evil=1',
      'https://app.example/\tevil', 'https://app.example/\0evil',
      'https://app.example/evil\x7f', 'https://app.example\n.evil/',
      ' https://app.example/evil', 'https://app.example/ evil'],
    ['a path with only a common beginning', 'https://other.example/inside',
      'https://other.example/', 'https://app.example:8443/a',
      'https://app.example:8443/a/bc'],
    ['a path alone', '/evil', 'evil', '?evil', '#evil'],
    ['a fragment', 'https://app.example/#evil'],
    ['bytes beyond ASCII',
     'https://app.ex\u0430mple/evil', 'https://app.example/é'],
    ['bad escapes', 'https://app.example/%zz', 'https://app.example/%'],
  ]) {
    await t.test(`${what} is refused, and no dance starts`, async () => {
      for (const value of values) {
        await refused(value);
      }
    });
  }

  await t.test('two return_to parameters are refused', async () => {
    const one = encodeURIComponent('https://app.example/');
    await refused(`${CONNECT}?return_to=${one}&return_to=${one}`);
    await refused(`${CONNECT}?return_to=${one}&return%5fto=${one}`);
  });

  await t.test('a return_to of 2,048 bytes is accepted, and a longer one is '
    + 'refused',
    async () => {
      const start = 'https://app.example/';
      const long = start + 'x'.repeat(2048 - start.length);
      assert.equal(await returned(long), long);
      await refused(`${long}x`);
      await refused(`${start}${'x'.repeat(5000)}`);
    });

  await t.test('a place that has left the list is not used when an outcome is '
    + 'shown again', async () => {
    const { target } = await toCallback(gw, {
      visitor: alice, connect: asked('https://other.example/in') });
    await alice.get(target);
    await gw.reload({ tenants: { acme: {
      return_to: 'https://app.example/' } } });

    const { location } = await alice.get(target);
    assert.equal(new URL(location).host, 'app.example');
  });
});

test('nginx refuses a return_to that is not a plain URL', async (t) => {
  const gw = await standardGateway(t);
  const refusedAtStart = async (value) => {
    const nginx = prepareNginx(t, { http: gw.configuration({
      tenants: { acme: { return_to: value } } }) });
    const { code, output } = await nginx.test();
    assert.notEqual(code, 0, value);
    assert.match(output, /\[emerg\].*"return_to"/, value);
  };
  for (const value of ['/app', 'https://user@app.example/',
                       'https://app.example/a/../b',
                       'https://app.example//']) {
    await refusedAtStart(value);
  }
});
