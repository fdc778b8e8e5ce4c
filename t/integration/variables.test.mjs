// Variables and logs: the values that they show, and those that they must not
// show.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { assertServed, connected, expired, logged } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

// Personal data of the members, which must be in no log.
const PERSONAL = /alice|bob|syntheticuser|MARKsecret|A0000000000|subscriber/;

test('variables and logs', async (t) => {
  const recorder = await startRecorder(t);
  const gw = await standardGateway(t, {
    nginx: { workers: 2 },
    http: `
    map $cigna_token_source $from { default other; cache memory; "" none; }
    map $cigna_outcome $served { served yes; default no; }
    add_header X-From $from always;
    add_header X-Served $served always;
    add_header X-Member $cigna_member always;
    add_header X-Tenant $cigna_tenant always;
    add_header X-Dance $cigna_dance always;`,
    locations: `
        location = /plain { auth_request off; return 200 "plain"; }
        location = /early {
            if ($cigna_member) { return 200 "a member, so early"; }
            return 200 "nobody yet";
        }
${recorder.location('/named/', { lines: [
    'proxy_set_header X-Gateway-Member $cigna_member;',
    'proxy_set_header X-Request-Id $request_id;'] })}
${recorder.location('/chosen/', { lines: [
    'if ($cigna_tenant = globex) { return 403; }'] })}`,
  });
  const alice = await connected(gw);
  let count = 0;
  const ask = async (visitor, path = '/fhir/Coverage') => {
    count += 1;
    const target = `${path}?_count=${count + 1000}`;
    const reply = await visitor.get(target);
    return { reply, ...await logged(gw, target) };
  };
  const first = await ask(alice);

  await t.test('tenant, hash of the member, outcome and source are logged',
    () => {
      assert.equal(first.tenant, 'acme');
      assert.match(first.member, /^[\w-]{27}$/);
      assert.equal(first.outcome, 'served');
      assert.match(first.source, /^(vault|cache)$/);
      assert.equal(first.dance, '-');
      assert.match(first.request, /^[0-9a-f]{32}$/);
    });

  await t.test('the hash of a member is constant, and differs between tenants',
    async () => {
      const again = await ask(alice);
      assert.equal(again.member, first.member);
      assert.equal(again.source, 'cache');

      const other = await connected(gw, { tenant: 'globex', member: 'alice' });
      const { member, tenant } = await ask(other);
      assert.equal(tenant, 'globex');
      assert.notEqual(member, first.member);
    });

  await t.test('the source of a refreshed token is refresh', async () => {
    const [carol] = await expired(gw, 'carol');
    assert.equal((await ask(carol)).source, 'refresh');
    assert.equal((await ask(carol)).source, 'cache');
  });

  await t.test('an unconnected member has no source, and a caller without '
    + 'identity has no member',
    async () => {
      const dave = await ask(gw.visitor({ member: 'dave' }));
      assert.deepEqual([dave.outcome, dave.source, dave.member.length],
                       ['not_connected', '-', 27]);
      const nobody = await ask(gw.visitor());
      assert.deepEqual([nobody.outcome, nobody.source, nobody.member],
                       ['no_identity', '-', '-']);
    });

  await t.test('the variables can be used in map and add_header', async () => {
    const { reply: { headers } } = await ask(alice);
    assert.equal(headers['x-from'], 'memory');
    assert.equal(headers['x-served'], 'yes');
    assert.equal(headers['x-member'], first.member);
    assert.equal(headers['x-tenant'], 'acme');
    assert.equal(headers['x-dance'], undefined);

    const refused = await gw.visitor({ member: 'erin' }).get('/fhir/Patient');
    assert.equal(refused.headers['x-from'], 'none');
    assert.equal(refused.headers['x-served'], 'no');
  });

  await t.test('the variables can be used in "if", also before they have a '
    + 'value',
    async () => {
      assertServed(await alice.get('/chosen/Patient'));
      const globex = await connected(gw, { tenant: 'globex', member: 'bob' });
      assert.equal((await globex.get('/chosen/Patient')).status, 403);
      assert.equal((await alice.get('/early')).status, 200);
      assert.equal((await gw.visitor().get('/plain')).body, 'plain');
    });

  await t.test('the hash and the request id can be sent upstream', async () => {
    recorder.take();
    assertServed(await alice.get('/named/Patient', {
      headers: { 'X-Request-Id': 'of-the-caller' } }));
    const [{ headers }] = recorder.take();
    assert.equal(headers['x-gateway-member'], first.member);
    assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/);
  });

  await t.test('one request id links the lines of a request in both logs',
    async () => {
      const refused = await ask(gw.visitor({ member: 'frank' }));
      assert.match(gw.nginx.errorLog(), new RegExp(
        'fhir request refused, condition: not_connected, tenant: acme, '
        + `member: ${refused.member}, .*request: ${refused.request}`));
    });

  await t.test('the lines of a refresh have the request id', async () => {
    const [grace] = await expired(gw, 'grace');
    await gw.sandbox.control.set({ token_fault: '500' });
    const { request, member } = await ask(grace);
    await gw.sandbox.control.set({ token_fault: 'none' });
    const lines = gw.nginx.errorLog().split('\n')
      .filter((line) => line.includes(request));

    assert.ok(lines.some((line) => line.includes('refresh ended')),
              lines.join('\n'));
    assert.ok(lines.some((line) => line.includes(member)), lines.join('\n'));
  });

  await t.test('the dance id is in the log lines of the dance\'s requests',
    async () => {
      const { danceId } = await gw.dance({ member: 'heidi' });
      await gw.nginx.waitForAccessLog(
        new RegExp(`callback.* dance=${danceId} `));
      const lines = gw.nginx.accessLog().split('\n')
        .filter((line) => line.includes(` dance=${danceId} `));
      assert.deepEqual(lines.map((line) => /\/cigna\/\w+/.exec(line)[0]),
                       ['/cigna/connect', '/cigna/callback']);
      assert.match(gw.nginx.errorLog(), new RegExp(
        `dance ended, outcome: connected, .*dance: ${danceId}`));
    });

  await t.test('no personal data is in a log', async () => {
    await sleep(100);
    const ours = gw.nginx.errorLog().split('\n')
      .filter((line) => line.includes('cigna: '))
      .map((line) => line.replace(/, client: .*$/, ''));

    assert.doesNotMatch(ours.join('\n'), PERSONAL);
    assert.doesNotMatch(gw.nginx.accessLog(), PERSONAL);
  });

  await t.test('no secret is in the app, the logs, the replies or '
    + 'Redis', () => gw.assertNoSecrets());
});
