// Replies of Cigna: each shape of t/lib/shapes.mjs at a dance and at a refresh,
// alone and in pairs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockOf } from '../lib/clock.mjs';
import { endOf, toldApp } from '../lib/dance.mjs';
import { assertRefused, assertServed, grantKeys } from '../lib/fhir.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { Random } from '../lib/random.mjs';
import { assertNone, until } from '../lib/scratch.mjs';
import { reply, startScripted } from '../lib/scripted.mjs';
import { BROKEN_FRAMES, FRAMES, ID_TOKENS, KEY_SET, KEY_SETS, METADATA,
         OUTAGES, REFUSED_ID_TOKENS, SUBJECTS, TEXTS, TOKENS, UNREAD, bytesOf,
         documentDraft, tokenDraft } from '../lib/shapes.mjs';

const SEED = Number(process.env.CIGNA_SEED ?? 20261130);

// the number of cases that run at a time
const AT_ONCE = { concurrency: 6 };

const HOURS_2 = 7200;

const IDS = new Set([...ID_TOKENS, ...REFUSED_ID_TOKENS, ...SUBJECTS]);

const GOOD = [...TEXTS, ...FRAMES, ...TOKENS, ...ID_TOKENS];
const BAD = [...BROKEN_FRAMES, ...UNREAD, ...OUTAGES, ...REFUSED_ID_TOKENS,
             ...SUBJECTS];

const ENDS = { good: 'connected', unread: 'exchange_invalid',
               lost: 'exchange_unreachable' };

// Makes a case of rows that change one reply together.  The last row alone may
// be bad, and decides the expected results.
function caseOf(rows) {
  const last = rows.at(-1);
  return {
    what: rows.map(({ what }) => what).join(', and '), rows,
    exchange: last.refreshOnly ? null : last.exchange ?? ENDS[last.end],
    refresh: last.refresh ?? last.end,
    told: last.told,
    kept: rows.some(({ kept }) => kept),
    // if rows change the patient or are "named", the refresh is compared with
    // the dance before it, so the dance has a plain reply
    plain: rows.some(({ part, named }) => part === 'patient' || named),
  };
}

const toEnd = ({ what }) => /^no length|to the end|no line end/.test(what);
const touches = (part) => (row) => row.part === part;

// Returns whether two rows may be a pair.  They may not if they change the same
// part of a reply, or if one undoes the other.  A Retry-After beside a bad
// reply would hold back every member.
function fits(a, b) {
  const both = (one, other) => (one(a) && other(b)) || (one(b) && other(a));
  const bad = (row) => BAD.includes(row);

  return a.part !== b.part
    && !['many', 'error', 'pause'].some((part) => both(touches(part), bad))
    && !both(touches('open'), (row) => toEnd(row) || bad(row))
    && !both(touches('after'), (row) => toEnd(row) || row.end === 'lost')
    && !both(touches('id_token'), (row) => IDS.has(row))
    && !both(touches('signature'), (row) => bad(row) && IDS.has(row))
    && !both(touches('claim sub'), touches('payload'));
}

const pairsOf = (rows) => rows.flatMap((a, i) => rows.slice(i + 1)
  .filter((b) => fits(a, b)).map((b) => [a, b]));

function chosenPairs(random, n, firsts, seconds) {
  const pairs = [];
  while (pairs.length < n) {
    const pair = [random.pick(firsts), random.pick(seconds)];
    if (fits(...pair)) {
      pairs.push(pair);
    }
  }
  return pairs;
}

function allCases() {
  const random = new Random(SEED);
  const lists = [
    ...[...GOOD, ...BAD].map((row) => [row]),
    ...pairsOf(GOOD.filter(({ named }) => named)),
    ...chosenPairs(random, 140, GOOD, GOOD),
    ...chosenPairs(random, 70, GOOD, BAD),
  ];
  return lists.map((rows, n) => ({ n, ...caseOf(rows) }));
}

// An authorization server and FHIR server.  Each code and each refresh token
// gets the replies that were prepared for it, once each.
class Server {
  replies = new Map();             // code or refresh token: [{ bytes, open }]
  unforeseen = [];                 // codes and tokens without a reply left
  presented = [];
  refused = new Set();             // access tokens that have ended
  bearers = new Map();             // target: the last Authorization
  issued = [];
  documents = new Map();           // path: { bytes, open }

  async start(t, gw) {
    this.as = await startScripted(t, { ca: gw.ca });
    this.as.otherwise = (socket, request) => {
      this.as.take();
      this.#answer(socket, request);
    };
  }

  on(key, draft) {
    const bytes = bytesOf(draft);
    this.issued.push(.../"(ey[^"]{100,})"/.exec(bytes)?.slice(1) ?? []);
    this.replies.set(key, [...this.replies.get(key) ?? [],
                           { bytes, open: draft.open }]);
  }

  show(path, draft) {
    this.documents.set(path, { bytes: bytesOf(draft), open: draft.open });
  }

  send(socket, { bytes, open }) {
    socket[open ? 'write' : 'end'](bytes, 'latin1');
  }

  #answer(socket, request) {
    const [path] = request.target.split('?');

    if (this.documents.has(path)) {
      this.send(socket, this.documents.get(path));
    } else if (path === '/token') {
      this.#token(socket, new URLSearchParams(request.body));
    } else if (path === '/jwks') {
      socket.end(reply(JSON.stringify({ keys: KEY_SET })));
    } else if (path === '/revoke') {
      socket.end(reply(''));
    } else {
      this.#fhir(socket, request);
    }
  }

  #token(socket, parameters) {
    const key = parameters.get('code') ?? parameters.get('refresh_token');
    const made = this.replies.get(key)?.shift();

    this.presented.push(key);
    if (!made) {
      this.unforeseen.push(key);
      socket.end(reply('{"error":"invalid_grant"}', {
        status: '400 Bad Request' }));
      return;
    }
    this.send(socket, made);
  }

  #fhir(socket, request) {
    const [bearer] = request.named('Authorization');

    this.bearers.set(request.target, bearer);
    socket.end(this.refused.has(bearer)
      ? reply('{}', { status: '401 Unauthorized' })
      : reply('{"resourceType":"Bundle"}', { type: 'application/fhir+json' }));
  }
}

// The words in the log for a refresh that brings no tokens.
const REFUSALS = {
  lost: /took the refresh token and did not answer/,
  foreign: /tokens of another subject came/,
  'other patient': /tokens for another patient came/,
};

// Runs each case as a subtest.
const each = (cases, run) => (t) => Promise.all(cases.map((one) =>
  t.test(one.what, () => run(one))));

// Runs each case as a subtest, with a good case after every three others: a
// long row of failures would count as an outage.
const inTurns = (cases, run) => async (t) => {
  const test = (one) => t.test(one.what, () => run(one));
  const good = cases.filter(({ refresh }) => refresh === 'good');
  const others = cases.filter(({ refresh }) => refresh !== 'good');
  while (others.length) {
    await Promise.all(others.splice(0, 3).map(test));
    await test(good.shift());
  }
  await Promise.all(good.map(test));
};

test('token replies', async (t) => {
  const clock = clockOf(t);
  const gw = await standardGateway(t, { nginx: { env: clock.env } });
  const server = new Server();
  await server.start(t, gw);
  const { as } = server;
  await gw.reload({
    zone: '16m',
    tenant: {
      token_endpoint: as.url('/token'), jwks_uri: as.url('/jwks'),
      revocation_endpoint: as.url('/revoke'), fhir_base: as.url('/fhir'),
      dances_per_second: 10000, dances_per_member: 100, token_requests: 10000,
      timeout: '20s', connect_timeout: '20s',
    },
    fhir: { proxy_pass: as.url('/fhir/') },
  });

  const cases = allCases();
  const access = ({ n }, stage) => `MARKsecretA-${stage}-${n}`;
  const next = ({ n }, stage) => `MARKsecretR-${stage}-${n}`;

  // Returns the token reply at a stage ("first", "second" ...), changed by
  // `rows`.
  function draftOf(one, stage, { nonce, rows = [] } = {}) {
    const seconds = Math.floor(Date.now() / 1000);
    const draft = tokenDraft(
      { access_token: access(one, stage), refresh_token: next(one, stage) },
      { iss: gw.sandbox.info.issuer, aud: 'acme-client', sub: `sub-${one.n}`,
        nonce, iat: seconds, exp: seconds + 600 });
    rows.forEach(({ change }) => change(draft));
    return draft;
  }

  async function dance(one, stage, rows) {
    one.visitor ??= gw.visitor({ member: `member ${one.n}` });
    const { location } = await one.visitor.get('/cigna/connect');
    const query = new URL(location).searchParams;
    const code = `CODE-${stage}-${one.n}`;

    server.on(code, draftOf(one, stage, { nonce: query.get('nonce'), rows }));
    const { cigna, cigna_dance: id } = toldApp(await one.visitor.get(
      `/cigna/callback?code=${code}&state=${query.get('state')}`));
    const line = endOf(gw, id);
    one.member = / member: ([\w-]+)/.exec(line)[1];
    return { outcome: cigna, line };
  }

  const fhir = (one) => one.visitor.get(`/fhir/Patient?case=${one.n}`);

  async function assertSent(one, stage) {
    assertServed(await fhir(one));
    assert.equal(server.bearers.get(`/fhir/Patient?case=${one.n}`),
                 `Bearer ${access(one, stage)}`);
  }

  // Returns the lines of the error log about the member that have these words.
  const logged = ({ member }, words) => gw.nginx.errorLog().split('\n')
    .filter((one) => one.includes(`: ${member}, `) && one.includes(words));

  // Returns the line of the error log about a malformed reply to the request
  // that `line` is about.
  function besideOf(line) {
    const [request] = / request: \w+/.exec(line);
    return gw.nginx.errorLog().split('\n').find((one) =>
      one.includes(request) && / (reply|nothing) /.test(one));
  }

  const danced = cases.filter(({ exchange }) => exchange);

  await t.test('each reply at the exchange has its '
    + 'expected outcome', AT_ONCE, each(danced, async (one) => {
    const { outcome, line } = await dance(one, 'first', one.rows);
    assert.equal(outcome, one.exchange, line);
    if (outcome === 'connected') {
      await assertSent(one, 'first');
      const { refreshable } = (await one.visitor.get('/cigna/status')).json();
      assert.equal(refreshable, !one.kept);
      return;
    }
    if (one.exchange === 'exchange_unreachable' && one.refresh === 'lost') {
      assert.match(line, /took the code and did not answer/);
      assert.match(besideOf(line), one.told);
    } else {
      assert.match(line, one.told);
    }
    assertRefused(await fhir(one), 401, 'not_connected',
                  { connect: gw.url('acme', '/cigna/connect') });
  }));

  // Connects the member if necessary, and notes the newest refresh token.
  async function plainDance(one) {
    if (one.exchange === 'connected' && !one.kept && !one.plain) {
      one.next = next(one, 'first');
      return;
    }
    const { outcome, line } = await dance(one, 'plain');
    assert.equal(outcome, 'connected', line);
    one.next = next(one, 'plain');
  }

  await t.test('each member is connected before the '
    + 'refresh', AT_ONCE, each(cases, plainDance));
  clock.forward(HOURS_2);
  server.presented = [];

  await t.test('each reply at the refresh has its '
    + 'expected result', AT_ONCE, inTurns(cases, async (one) => {
    server.on(one.next, draftOf(one, 'second', { rows: one.rows }));
    if (one.refresh === 'good') {
      await assertSent(one, 'second');
      one.next = one.kept ? one.next : next(one, 'second');
      return;
    }
    assertRefused(await fhir(one), 503, 'refresh_failed', { retry: true });
    const [line] = logged(one, 'refresh ended, outcome: unavailable');
    assert.match(line, REFUSALS[one.refresh] ?? one.told);
    if (one.refresh === 'lost') {
      assert.match(besideOf(line), one.told);
    }
  }));

  await t.test('each refresh token was presented once', () => {
    assert.equal(server.presented.length, cases.length);
    assertNone('unforeseen', server.unforeseen);
  });

  const bad = cases.filter(({ refresh }) => refresh !== 'good');

  // Returns { key, mark, attempts, spent } of the grant in Redis.
  async function grantOf({ member }) {
    const key = keys.find((one) => one.includes(member));
    const [mark, attempts, spent] = await gw.redis.command(
      'HMGET', key, 'm', 'n', 's');
    return { key, mark, attempts, spent };
  }

  const keys = await grantKeys(gw);

  await t.test('no bad reply ends a grant', AT_ONCE, each(bad, async (one) => {
    const { spent } = await grantOf(one);
    assert.equal(spent, null);
    const { connected } = (await one.visitor.get('/cigna/status')).json();
    assert.equal(connected, true);
  }));

  for (const [what, ends, stays] of [
    ['the mark stays after a reply that is unreadable or a stranger\'s',
     ['lost', 'foreign', 'other patient'], true],
    ['the mark stays after a 2xx without readable tokens',
     ['unread'], true],
    ['the mark goes after a reply with another status', ['outage'], false],
  ]) {
    await t.test(what, async () => {
      const wrong = [];
      for (const one of bad.filter(({ refresh }) => ends.includes(refresh))) {
        const { mark, attempts } = await grantOf(one);
        if ((mark !== null) !== stays || (attempts !== null) !== stays) {
          wrong.push(one.what);
        }
      }
      assertNone('wrong', wrong);
    });
  }

  await t.test('the same refresh token is sent again later', AT_ONCE,
               each(bad, async (one) => {
    const { key, mark } = await grantOf(one);
    if (mark) {
      await gw.redis.command('HSET', key, 'm', '1');     // past its deadline
    }
    server.on(one.next, draftOf(one, 'third'));
    await until('the member is served', async () =>
      (await fhir(one)).status === 200, { timeout: 60000, every: 500 });
    await assertSent(one, 'third');
  }));

  const good = cases.filter(({ refresh }) => refresh === 'good');

  await t.test('the newest refresh token is good for another refresh', AT_ONCE,
               each(good, async (one) => {
    server.on(one.next, draftOf(one, 'third'));
    server.refused.add(`Bearer ${access(one, 'second')}`);
    await assertSent(one, 'third');
  }));

  await t.test('every refresh token was presented as often as expected', () => {
    assertNone('unforeseen', server.unforeseen);
  });

  await t.test('no token is in the log', () => {
    const log = gw.nginx.errorLog();
    assertNone('id_tokens', server.issued.filter((token) =>
      log.includes(token.slice(-40))));
    assert.doesNotMatch(log, /MARKs|CODE-/);
  });
});

const METADATA_PATH = '/.well-known/smart-configuration';

test('key sets and metadata', async (t) => {
  const keySets = KEY_SETS.map((row, i) => ({ row, name: `keys${i}` }));
  const metadata = METADATA.map((row, i) => ({ row, name: `meta${i}` }));
  const all = [...keySets, ...metadata].map((one) => ({
    ...one, what: `${/^\D+/.exec(one.name)[0]}: ${one.row.what}`,
    exchange: one.row.exchange === undefined ? 'connected'
      : one.row.exchange }));
  const clock = clockOf(t);
  const gw = await standardGateway(t, {
    names: all.map(({ name }) => name), zone: '64m',
    nginx: { env: clock.env },
  });
  const server = new Server();
  await server.start(t, gw);
  const { as } = server;

  const issuerOf = ({ name }) => as.url(`/issuer/${name}`);
  const endpointsOf = (one) => ({
    issuer: issuerOf(one), authorization_endpoint: as.url('/authorize'),
    token_endpoint: as.url('/token'), jwks_uri: as.url('/jwks'),
    revocation_endpoint: as.url('/revoke'),
  });

  // Publishes the documents of a case, and returns its tenant's endpoints.
  function publish(one) {
    const { row, name } = one;
    const endpoints = endpointsOf(one);

    if (name.startsWith('keys')) {
      const draft = documentDraft({ keys: KEY_SET });
      row.change(draft);
      server.show(`/jwks/${name}`, draft);
      return { ...endpoints, jwks_uri: as.url(`/jwks/${name}`) };
    }
    const draft = documentDraft({ ...endpoints, capabilities: ['launch'] });
    row.change(draft);
    server.show(`/fhir/${name}${METADATA_PATH}`, draft);
    return Object.fromEntries(Object.entries(endpoints).map(([key, url]) =>
      [key, row.configured?.includes(key) ? url : null]));
  }

  const log = () => gw.nginx.errorLog();
  const discovered = (before) => log().slice(before)
    .match(/discovery (failed|succeeded)/g)?.length ?? 0;

  const changes = {
    tenant: { dances_per_second: 10000, dances_per_member: 100,
              token_requests: 10000, timeout: '20s', connect_timeout: '20s' },
    tenants: Object.fromEntries(all.map((one) => [one.name, {
      ...publish(one), fhir_base: as.url(`/fhir/${one.name}`) }])),
    fhir: (tenant) => ({ proxy_pass: as.url(`/fhir/${tenant}/`) }),
  };

  async function reload() {
    const before = log().length;
    await gw.reload(changes);
    await until('discovery is over', () =>
      discovered(before) >= metadata.length, { timeout: 60000 });
    return log().slice(before);
  }

  function draftOf(one, stage, nonce) {
    const seconds = Math.floor(Date.now() / 1000);
    const issuer = one.row.issuer?.(issuerOf(one)) ?? issuerOf(one);
    const draft = tokenDraft(
      { access_token: `MARKsecretA-${stage}-${one.name}`,
        refresh_token: `MARKsecretR-${stage}-${one.name}` },
      { iss: issuer, aud: `${one.name}-client`, sub: `sub-${one.name}`, nonce,
        iat: seconds, exp: seconds + 4 * HOURS_2 });
    return Object.assign(draft, one.row.sign);
  }

  async function dance(one, stage) {
    const visitor = gw.visitor({ tenant: one.name, member: stage });
    const { status, location } = await visitor.get('/cigna/connect');
    if (status !== 302) {
      return { visitor, status };
    }
    const query = new URL(location).searchParams;
    const code = `CODE-${stage}-${one.name}`;
    server.on(code, draftOf(one, stage, query.get('nonce')));
    const { cigna, cigna_dance: id } = toldApp(await visitor.get(
      `/cigna/callback?code=${code}&state=${query.get('state')}`));
    return { visitor, status, outcome: cigna, line: endOf(gw, id) };
  }

  async function assertSent(one, visitor, stage) {
    const target = `/fhir/${one.name}/Patient?by=${visitor.member}`;
    assertServed(await visitor.get(`/fhir/Patient?by=${visitor.member}`));
    assert.equal(server.bearers.get(target),
                 `Bearer MARKsecretA-${stage}-${one.name}`);
  }

  async function assertDance(one, stage) {
    const { visitor, status, outcome, line } = await dance(one, stage);
    if (one.exchange === null) {
      assert.equal(status, 503);
      return null;
    }
    assert.equal(outcome, one.exchange, line);
    if (outcome === 'connected') {
      await assertSent(one, visitor, stage);
    } else {
      assert.match(line, one.row.told);
    }
    return visitor;
  }

  const read = (await reload()).split('\n');
  for (const { name, what, row: { told } } of all.slice(keySets.length)) {
    await t.test('the log has the faults of a document and nothing else: '
      + `${what}`,
      () => {
        const lines = read.filter((line) => line.endsWith(`tenant: ${name}`)
          && !line.includes('discovery succeeded')).join('\n');
        if (told) {
          assert.match(lines, told);
        } else {
          assert.equal(lines, '');
        }
      });
  }

  await t.test('each first dance has its expected '
    + 'outcome', AT_ONCE, each(all, async (one) => {
    one.visitor = await assertDance(one, 'first');
  }));

  await reload();
  const served = all.filter(({ exchange }) => exchange === 'connected');

  await t.test('each grant is refreshed after a reload', AT_ONCE,
               each(served, async (one) => {
    server.refused.add(`Bearer MARKsecretA-first-${one.name}`);
    server.on(`MARKsecretR-first-${one.name}`, draftOf(one, 'second'));
    await assertSent(one, one.visitor, 'second');
  }));

  await t.test('each dance after a reload has its expected '
    + 'outcome', AT_ONCE, each(all, (one) =>
    assertDance(one, 'third')));

  await t.test('a document that moves the token endpoint to another host is '
    + 'refused, and the known one stays', async () => {
    const [one] = metadata;
    const before = log().length;
    server.show(`/fhir/${one.name}${METADATA_PATH}`, documentDraft({
      ...endpointsOf(one), token_endpoint: 'https://other.example/token' }));
    clock.forward(HOURS_2);
    await assertDance({ ...one, exchange: 'connected' }, 'fourth');
    await until('the document is refused', () =>
      /discovery failed: the server names /.test(log().slice(before)));
    await assertDance({ ...one, exchange: 'connected' }, 'fifth');
  });

  await t.test('no token is presented twice, and none is in the log', () => {
    assertNone('unforeseen', server.unforeseen);
    assert.doesNotMatch(log(), /MARKs|CODE-/);
  });
});
