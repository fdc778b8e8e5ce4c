// The last check of upstream requests (cigna_gate_out.c).  For each form of a
// location (t/lib/idioms.mjs) and each request of a caller, exactly one plain
// request leaves, or none.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { digestOf, startByteRecorder } from '../lib/byte_recorder.mjs';
import { connected } from '../lib/fhir.mjs';
import { GateOut } from '../lib/gate_out.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { BODIES, HEADERS, TARGETS } from '../lib/hostile.mjs';
import { IDIOMS, idiomsHttp, idiomsServer } from '../lib/idioms.mjs';
import { LEGITIMATE_LINES, legitimateTargets } from '../lib/legitimate.mjs';
import { prepareNginx } from '../lib/nginx.mjs';
import { Random } from '../lib/random.mjs';
import { freePort } from '../lib/scratch.mjs';

const SEED = Number(process.env.CIGNA_SEED ?? 8);
const SANITIZED = Boolean(process.env.CIGNA_NGINX);

// A sanitized nginx gets only each seventh request.
const EVERY = SANITIZED ? 7 : 1;
const OF_ALL = SANITIZED ? ' (each seventh of them)' : '';

const HOSTILE = 200;
const LEGITIMATE = 20;

const MEMBERS = ['alice', 'bob'];

const random = new Random(SEED);

function shuffled(list) {
  const rest = [...list];
  return list.map(() => rest.splice(random.between(0, rest.length), 1)[0]);
}

const sample = (list) => list.filter((_, i) => i % EVERY === 0);

// Chooses 200 hostile requests for an idiom (idioms.mjs): first those for every
// idiom, then up to 130 of the part of a request (target, or header and body)
// that the idiom is about, then those of the other part.
function hostileFor(idiom) {
  const kinds = [[...HEADERS, ...BODIES], TARGETS].map(shuffled);
  const [more, most] = idiom.about === 'path' ? kinds : kinds.reverse();
  const first = TARGETS.filter((one) => one.first);
  const rest = [...most.slice(0, 130), ...more]
    .filter((one) => !first.includes(one));

  return sample([...first, ...rest].slice(0, HOSTILE));
}

function servers(recorder, other, ports, who) {
  const server = (port, fhir, slashes) => `
    server {
        listen 127.0.0.1:${port};
        server_name acme.localhost;
        merge_slashes ${slashes ? 'off' : 'on'};
        ${fhir ? `cigna_identity acme ${who};` : ''}
        large_client_header_buffers 8 36k;
        client_body_temp_path bodies;
        proxy_ssl_name localhost;
        proxy_ssl_server_name on;
        proxy_ssl_verify on;
        proxy_ssl_trusted_certificate ${recorder.ca.certFile};
        ${idiomsServer({ port: recorder.port, fhir, slashes,
                         other: other.port })}
    }`;

  return `
    map $cookie_session ${who} { default ""; ${
      MEMBERS.map((name) => `${name} ${name};`).join(' ')} }
    ${server(ports.gate, true, false)}
    ${server(ports.control, false, false)}
    ${server(ports.gateRaw, true, true)}
    ${server(ports.controlRaw, false, true)}`;
}

async function start(t) {
  const recorder = await startByteRecorder(t);
  const [spare, other] = [await startByteRecorder(t, { ca: recorder.ca }),
                          await startByteRecorder(t, { ca: recorder.ca })];
  spare.answer = () => ({ status: 502, body: '{}' });
  const ports = { gate: await freePort(), control: await freePort(),
                  gateRaw: await freePort(), controlRaw: await freePort() };
  const authority = `localhost:${recorder.port}`;

  const gw = await standardGateway(t, {
    names: ['acme'],
    tenant: { fhir_base: `https://${authority}/base` },
    fhir: { proxy_pass: `https://127.0.0.1:${recorder.port}/base/`,
            proxy_ssl_name: 'localhost',
            proxy_ssl_trusted_certificate: recorder.ca.certFile },
    http: idiomsHttp({ port: recorder.port, spare: spare.port })
      + servers(recorder, other, ports, '$member_of_test'),
  });
  const usernames = ['syntheticuser05', 'syntheticuser06'];
  for (const [i, member] of MEMBERS.entries()) {
    await connected(gw, { member, username: usernames[i] });
  }
  const gate = new GateOut({ recorder, spare, ports, members: MEMBERS,
                             base: '/base', authority });
  await gate.learn('/uri/Patient/1');
  return { gw, gate, recorder, other };
}

function assertNone(failures, what) {
  assert.equal(failures.length, 0, `${failures.length} ${what}:\n    ${
    failures.slice(0, 12).join('\n    ')}`);
}

// Checks that the log advises the operator once a minute on each kind of
// refusal.
function assertAdvised(gw, rows) {
  const log = gw.nginx.errorLog();
  const lines = log.split('\n').filter((line) =>
    /condition: \w+, .*does not leave: .*\b(write|let|use|do not) /.test(line));

  for (const condition of ['request_malformed', 'destination_refused']) {
    const refused = rows.filter((row) => row.condition === condition);
    assert.ok(refused.length === 0 || refused.some(({ tag }) =>
      lines.some((line) => line.includes(condition) && line.includes(tag))),
              `the log has no advice on ${refused.length} ${condition}`);
  }
}

test('the gate out', async (t) => {
  const { gw, gate, other } = await start(t);
  const count = { hostile: 0, legitimate: 0, failed: 0 };

  t.diagnostic(`seed ${SEED}`);

  // Sends the same requests without the gate, then with it.
  const both = async (idiom, inputs) => {
    const rows = inputs.map((input) => gate.row(idiom, input));
    const controls = inputs.map((input) =>
      gate.row(idiom, input, { control: true }));
    await gate.run(controls.filter((row) => !gate.splits(row)));
    await gate.run(rows);
    return rows.map((row, i) => [row, controls[i]]);
  };

  for (const idiom of IDIOMS) {
    await t.test(`${idiom.what} (/${idiom.name}/): a hostile request leaves as `
      + `one plain request or not at all${OF_ALL}`, async () => {
      const inputs = hostileFor(idiom);
      const rows = await both(idiom, inputs.filter(({ target }) => target));
      const others = inputs.filter(({ target }) => !target)
        .map((input) => gate.row(idiom, input));
      await gate.run(others);

      const failures = [...rows, ...others.map((row) => [row, null])]
        .map(([row, control]) => gate.judge(row, control))
        .filter(Boolean);
      count.hostile += inputs.length;
      count.failed += failures.length;
      assertNone(failures, `of ${inputs.length} requests`);
      assertAdvised(gw, [...rows.map(([row]) => row), ...others]);
      assertNone(gate.strays.map(({ raw }) => raw), 'strays');
    });
  }
  t.diagnostic(`${count.failed} of ${count.hostile} hostile requests failed`);

  await t.test('a mirrored request has no token', () => {
    const mirrored = other.take();
    assert.ok(mirrored.length > 10, `${mirrored.length}`);
    const tokens = Object.values(gate.digests);
    assertNone(mirrored.filter(({ valuesOf }) =>
      tokens.includes(digestOf(valuesOf?.('authorization').join('\n') ?? '')))
      .map(({ raw }) => raw), 'with a token');
  });

  gw.replies.push(...gate.replies);

  // Legitimate requests.

  const legitimate = legitimateTargets();
  assert.ok(legitimate.length >= 300, `${legitimate.length}`);

  for (const idiom of IDIOMS.filter(({ nothing }) => !nothing)) {
    const mine = sample(idiom.name === 'uri' ? legitimate
      : shuffled(legitimate).slice(0, LEGITIMATE));
    await t.test(`${idiom.what} (/${idiom.name}/): ${mine.length} legitimate `
      + 'requests arrive byte for byte', async () => {
      const rows = await both(idiom, mine.map((text, i) => ({
        what: text.slice(0, 80),
        target: (at) => `${at}${text}`,
        lines: LEGITIMATE_LINES[i % LEGITIMATE_LINES.length],
      })));
      count.legitimate += rows.length;
      assertNone(rows.map(([row, control]) => gate.compare(row, control))
        .filter(Boolean), `of ${rows.length} requests`);
      if (idiom.name === 'uri') {
        assertNone(rows.filter(([{ reply }]) => reply?.status !== 200)
          .map(([{ input }]) => input.what), 'not served');
      }
    });
  }
  t.diagnostic(`${count.legitimate} legitimate requests`);
});

test('nginx does not start with a directive that sends more than one request',
  async (t) => {
    const gw = await standardGateway(t, { names: ['acme'] });

    for (const [what, changes, error] of [
      ['slice at the level of http', { http: 'slice 1k;' }, /slice 0/],
      ['slice in the server', { server: { slice: '1k' } }, /slice 0/],
      ['slice in the location',
       { fhir: { slice: '1k', proxy_set_header: 'Range $slice_range' } },
       /slice 0/],
      ['proxy_set_body in the location',
       { fhir: { proxy_set_body: '"GET / HTTP/1.1"' } }, /proxy_set_body/],
      ['proxy_set_body in the server',
       { server: { proxy_set_body: '$request_body' } }, /proxy_set_body/],
      ['proxy_set_body at the level of http',
       { http: 'proxy_set_body x;' }, /proxy_set_body/],
    ]) {
      await t.test(`${what} is refused by nginx -t`, async (t2) => {
        const { code, output } = await prepareNginx(t2, {
          http: gw.configuration(changes) }).test();
        assert.equal(code, 1, output);
        assert.match(output, /\[emerg\] .*cigna_fhir/);
        assert.match(output, error);
      });
    }
  });
