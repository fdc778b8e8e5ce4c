// Header lines to and from the upstream: trace ids, lines that the caller must
// not see, and the variables of the grant.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { connected, expired, logged, rawGet } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startRecorder } from '../lib/recorder.mjs';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const HIDDEN = {
  'Set-Cookie': ['session=stolen', 'second=1'], 'Set-Cookie2': 'a=b',
  'Server': 'IBM_HTTP_Server/9', 'Via': '1.1 datapower',
  'X-Powered-By': 'Servlet/3.1', 'X-B3-TraceId': 'internal',
  'X-Cloud-Trace-Context': 'internal', 'X-Amzn-Trace-Id': 'internal',
  'X-Amz-Cf-Id': 'internal', 'X-Cache': 'Hit from cloudfront',
  'X-Served-By': 'inner-host-7', 'X-Request-Id': 'upstream-1',
  'X-Global-Transaction-ID': 'internal', 'traceparent': PARENT,
  'Server-Timing': 'db;dur=53', 'Strict-Transport-Security': 'max-age=1',
  'Clear-Site-Data': '"cookies"', 'X-Accel-Expires': '600',
  'Expires': 'Thu, 01 Jan 2037 00:00:00 GMT', 'Pragma': 'public',
  'Link': '<https://x.example>; rel=a', 'X-Total-Count': '7',
};
const SHOWN = { 'Cache-Control': 'no-store, no-cache', 'X-Progress': '50%',
                'Retry-After': '9', 'Preference-Applied': 'return=minimal' };

test('headers', async (t) => {
  const recorder = await startRecorder(t);
  const gw = await standardGateway(t, {
    sandboxOptions: { modes: { fhir_set_cookie: 'on' } },
    nginx: { logFormat: '"$request" $status id=$cigna_request_id '
      + 'request=$request_id' },
    http: `
    add_header X-Patient $cigna_patient always;
    add_header X-Scope $cigna_scope always;`,
    locations: [
      recorder.location('/up/', { lines: ['proxy_pass_header Server;'] }),
      recorder.location('/mine/', { lines: [
        'proxy_set_header X-Request-Id "the operator";',
        `proxy_set_header traceparent ${PARENT};`] }),
      recorder.location('/closed/', { lines: ['deny all;'] }),
    ].join('\n'),
  });
  const { control } = gw.sandbox;
  const alice = await connected(gw);
  const sent = async (headers, path = '/up/Patient') => {
    recorder.take();
    const reply = await alice.get(path, { headers });
    const [seen] = recorder.take();
    return { reply, seen, headers: seen.headers };
  };
  const lineCount = ({ names }, name) =>
    names.filter((one) => one === name).length;

  // Trace ids.

  await t.test('a caller\'s X-Request-Id goes to the upstream, the reply and '
    + 'the log', async () => {
    const id = 'b4c1f0e2-9d3a:4f0e/8a5e=';
    const { reply, headers, seen } = await sent({ 'X-Request-Id': id },
                                                '/up/Patient?one');
    assert.equal(headers['x-request-id'], id);
    assert.equal(lineCount(seen, 'x-request-id'), 1);
    assert.equal(reply.headers['x-request-id'], id);
    assert.equal((await logged(gw, '/up/Patient?one')).id, id);
  });

  await t.test('an absent, malformed or duplicate X-Request-Id is replaced',
    async () => {
      for (const value of [undefined, '', 'a b', 'a"b', 'x'.repeat(129),
                           ['one', 'two']]) {
        const { reply, headers, seen } = await sent(
          value === undefined ? {} : { 'X-Request-Id': value });
        assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/, value);
        assert.equal(lineCount(seen, 'x-request-id'), 1);
        assert.equal(reply.headers['x-request-id'], headers['x-request-id']);
      }
    });

  await t.test('a refusal and its log line have the caller\'s X-Request-Id',
    async () => {
      const headers = { 'X-Request-Id': 'of-the-caller-7' };
      const zoe = gw.visitor({ member: 'zoe' });
      const refused = await zoe.get('/fhir/Patient', { headers });
      assert.equal(refused.status, 401);
      assert.equal(refused.headers['x-request-id'], 'of-the-caller-7');
      assert.match(gw.nginx.errorLog(),
                   /condition: not_connected, .*request: of-the-caller-7/);

      const closed = await alice.get('/closed/x', { headers });
      assert.equal(closed.status, 403);
      assert.equal(closed.headers['x-request-id'], 'of-the-caller-7');
    });

  await t.test('a valid traceparent is passed on with its '
    + 'tracestate', async () => {
    const state = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE';
    const { headers } = await sent({ traceparent: PARENT, tracestate: state });
    assert.equal(headers.traceparent, PARENT);
    assert.equal(headers.tracestate, state);
  });

  await t.test('an invalid tracestate is dropped', async () => {
    const { headers } = await sent({ traceparent: PARENT, tracestate: '!' });
    assert.equal(headers.traceparent, PARENT);
    assert.equal(headers.tracestate, undefined);
  });

  await t.test('an absent or malformed traceparent is not replaced, and its '
    + 'tracestate is dropped', async () => {
    for (const value of [undefined, 'x', PARENT.toUpperCase(),
                         `${PARENT}-more`, PARENT.replace(/4bf.*36/, '0'
                           .repeat(32)), [PARENT, PARENT]]) {
      const { headers, seen } = await sent({
        ...(value && { traceparent: value }), tracestate: 'a=1' });
      assert.equal(lineCount(seen, 'traceparent'), 0);
      assert.equal(headers.tracestate, undefined);
    }
  });

  await t.test('the operator\'s X-Request-Id and traceparent take '
    + 'precedence', async () => {
    const { headers, seen } = await sent({ 'X-Request-Id': 'callers',
                                           traceparent: 'x' }, '/mine/Patient');
    assert.equal(headers['x-request-id'], 'the operator');
    assert.equal(headers.traceparent, PARENT);
    assert.equal(lineCount(seen, 'x-request-id'), 1);
    assert.equal(lineCount(seen, 'traceparent'), 1);
  });

  await t.test('a replayed request keeps its X-Request-Id and '
    + 'traceparent', async () => {
    recorder.otherwise = (request, response) => {
      response.writeHead(recorder.requests.length === 1 ? 401 : 200,
                         { 'Content-Type': 'application/json' });
      response.end('{}');
    };
    recorder.take();
    const reply = await alice.get('/up/again', {
      headers: { traceparent: PARENT } });
    const [first, second] = recorder.take();
    assert.equal(reply.status, 200);
    assert.equal(second.headers['x-request-id'],
                 first.headers['x-request-id']);
    assert.equal(first.headers.traceparent, PARENT);
    assert.equal(second.headers.traceparent, PARENT);
  });

  // Dropped lines.

  await t.test('cookies, server names and internal trace ids of the upstream '
    + 'are dropped', async () => {
    for (const status of [200, 404, 500]) {
      recorder.otherwise = (request, response) => {
        response.writeHead(status, { ...HIDDEN, ...SHOWN,
                                     'Content-Type': 'application/json' });
        response.end('{"resourceType":"OperationOutcome"}');
      };
      const { reply } = await sent({});
      assert.equal(reply.status, status);
      for (const name of Object.keys(HIDDEN)) {
        const value = reply.headers[name.toLowerCase()];
        if (name === 'Server') {
          assert.match(value, /^nginx/);
        } else if (name === 'X-Request-Id') {
          assert.match(value, /^[0-9a-f]{32}$/);
        } else {
          assert.equal(value, undefined, name);
        }
      }
      assert.equal(reply.headers['x-progress'], '50%');
      assert.equal(reply.headers['retry-after'], '9');
      assert.equal(reply.headers['preference-applied'], 'return=minimal');
    }
  });

  await t.test('a reply is no-store for any Cache-Control of the '
    + 'upstream', async () => {
    for (const value of [undefined, 'public, max-age=600', 'no-store']) {
      recorder.otherwise = (request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json',
                                  ...(value && { 'Cache-Control': value }) });
        response.end('{}');
      };
      const { reply } = await sent({});
      assert.equal(reply.headers['cache-control'], 'no-store, private');
    }
  });

  await t.test('a Set-Cookie of the upstream does not reach the '
    + 'caller', async () => {
    const reply = await alice.get('/fhir/Patient');
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.cookies, []);
  });

  // $userinfo, and variables with fields of the grant.

  await t.test('$userinfo passes with its identifier unchanged', async () => {
    const { resourceType, parameter } = (await alice.get('/fhir/$userinfo'))
      .json();
    assert.equal(resourceType, 'Parameters');
    assert.match(parameter[0].valueString, /^\S+$/);
    const escaped = await rawGet(gw, '/fhir/%24userinfo');
    assert.match(escaped, /"resourceType":"Parameters"/);
  });

  await t.test('patient and scope are variables for tokens from cache, vault '
    + 'and refresh',
    async () => {
      const status = (await alice.get('/cigna/status')).json();
      assert.ok(status.patient && status.scope);
      const told = (reply) => {
        assert.equal(reply.headers['x-patient'], status.patient);
        assert.equal(reply.headers['x-scope'], status.scope);
      };
      told(await alice.get('/cigna/status'));
      told(await alice.get('/fhir/Patient'));              // cache
      await gw.reload({ fhir: { cigna_fhir: 'on cache=off' } });
      told(await alice.get('/fhir/Patient'));              // vault
      await gw.reload({});
      await control.expire({});
      told(await alice.get('/fhir/Patient'));              // refresh
      told(await alice.get('/fhir/Patient'));
    });

  await t.test('each member has a different patient variable', async () => {
    const bob = await connected(gw, { member: 'bob',
                                      username: 'syntheticuser06' });
    const of = async (visitor) =>
      (await visitor.get('/fhir/Patient')).headers['x-patient'];
    const [one, two] = [await of(alice), await of(bob)];
    assert.ok(one && two);
    assert.notEqual(one, two);
    assert.equal(await of(alice), one);
  });

  await t.test('a member without a grant has no patient and scope '
    + 'variables', async () => {
    const reply = await gw.visitor({ member: 'zoe' }).get('/fhir/Patient');
    assert.equal(reply.headers['x-patient'], undefined);
    assert.equal(reply.headers['x-scope'], undefined);
  });

  await t.test('long patient and scope values are variables too',
    async () => {
      const scope = `openid ${'patient/Observation.read '.repeat(40)}end`;
      await control.set({ scope, patient: 'p'.repeat(200) }, 'acme-client');
      const carol = await connected(gw, { member: 'carol' });
      for (let i = 0; i < 3; i += 1) {
        const { headers } = await carol.get('/fhir/Patient');
        assert.equal(headers['x-scope'], scope);
        assert.equal(headers['x-patient'], 'p'.repeat(200));
      }
    });

  await t.test('a patient with a line end adds no header line',
    async () => {
      await control.set({ patient: 'p\r\nX-Forged: 1', scope: 'asked' },
                        'acme-client');
      const dave = await connected(gw, { member: 'dave' });
      const { headers } = await dave.get('/fhir/Patient');
      assert.equal(headers['x-forged'], undefined);
      assert.equal(headers['x-patient'], undefined);
      await control.set({ patient: 'member' }, 'acme-client');
    });

  await t.test('the patient variable is set after a refresh of an expired '
    + 'token',
    async () => {
      const [erin] = await expired(gw, 'erin');
      const { headers } = await erin.get('/fhir/Patient');
      assert.ok(headers['x-patient']);
    });
});
