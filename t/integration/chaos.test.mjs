// Everything at once: impatient members, faults of Cigna and Redis, reloads and
// killed workers.  Some rules hold during all faults, and others after them.
//
//   CIGNA_CHAOS_SECONDS  duration in seconds (15)
//   CIGNA_CHAOS_SEED     seed of the choices; printed, random if absent
//
// The same seed makes the same choices, but not at the same moments.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { standardGateway } from '../lib/gateway.mjs';
import { Person } from '../lib/person.mjs';
import { Random } from '../lib/random.mjs';
import { assertNone, until } from '../lib/scratch.mjs';
import { Weather } from '../lib/weather.mjs';

const SECONDS = Number(process.env.CIGNA_CHAOS_SECONDS ?? 15);
const SEED = Number(process.env.CIGNA_CHAOS_SEED
  ?? Math.floor(Math.random() * 0x100000000));

const WORKERS = 2;
const PERSONS = 8;

const OPTIONS = {
  nginx: { workers: WORKERS },
  vault: { connect_timeout: '300ms', timeout: '500ms', revalidate: '1s',
           stale: '3s' },
  tenant: { connect_timeout: '500ms', timeout: '1500ms',
            exchange_timeout: '1500ms', refresh_ahead: '2s',
            dances_per_member: 1000, dances_per_second: 1000 },
  fhir: { proxy_read_timeout: '2s', proxy_connect_timeout: '1s' },
  // confirmed writes survive a restart of Redis
  redisOptions: { config: { appendonly: 'yes', appendfsync: 'always' } },
  sandboxOptions: { members: PERSONS, modes: { access_token_lifetime: 5 } },
};

// Reads over HTTP/2 with several streams at a time.  Some streams are reset,
// and some connections are cut.
async function readOverHttp2(gw, person, random, end) {
  while (Date.now() < end) {
    const session = http2.connect(`https://127.0.0.1:${gw.port}`, {
      ca: gw.caText, servername: `${person.tenant}.localhost` });
    session.on('error', () => {});

    const streams = Array.from({ length: random.between(1, 6) }, () => {
      const stream = session.request({
        ':path': '/fhir/Patient',
        ':authority': `${person.tenant}.localhost:${gw.port}`,
        cookie: `session=${person.member}` });
      return bodyOf(stream, random.chance(0.3) && random.between(0, 200));
    });
    const leaving = random.chance(0.3)
      && setTimeout(() => session.destroy(), random.between(1, 150));

    for (const body of await Promise.all(streams)) {
      person.count(body.includes(person.master) ? 'HTTP/2: data'
        : 'HTTP/2: no data');
      for (const [found] of body.matchAll(/A\d{14}/g)) {
        if (found !== person.master) {
          person.note(`read data of ${found} over HTTP/2`);
        }
      }
      gw.replies.push(body);
    }
    clearTimeout(leaving);
    session.destroy();
    await sleep(random.between(0, 100));
  }
}

function bodyOf(stream, leavesAfter) {
  return new Promise((resolve) => {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (more) => { body += more; });
    stream.on('error', () => {});
    stream.on('close', () => resolve(body));
    if (leavesAfter !== false) {
      setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL),
                 leavesAfter);
    }
  });
}

// Asserts that every person can dance and read as if no fault had happened.
async function assertServes(persons) {
  for (const person of persons) {
    assert.equal(await person.dance({ cancels: 0 }), 'connected');
    const replies = await Promise.all(['/fhir/Patient', '/fhir/Coverage',
                                       '/fhir/Patient'].map((path) =>
      person.visitor.get(path)));
    assert.deepEqual(replies.map(({ status }) => status), [200, 200, 200]);
    assert.ok(replies[0].body.includes(person.master));
    assert.equal((await person.visitor.get('/cigna/status')).json().connected,
                 true);
  }
}

function summed(persons) {
  const sum = {};
  for (const { counts } of persons) {
    for (const [what, n] of Object.entries(counts)) {
      sum[what] = (sum[what] ?? 0) + n;
    }
  }
  return sum;
}

test('many faults at once', async (t) => {
  const random = new Random(SEED);
  t.diagnostic(`CIGNA_CHAOS_SEED=${SEED} for ${SECONDS} s`);

  const gw = await standardGateway(t, OPTIONS);
  const configuration = () =>
    gw.configuration().replace(/(listen .* ssl);/g, '$1 http2;');
  await gw.nginx.reload({ http: configuration() });

  const persons = Array.from({ length: PERSONS }, (_, i) => new Person(gw, {
    tenant: i % 2 ? 'globex' : 'acme', member: `member-${i >> 1}`,
    number: i + 1, random: random.fork(),
  }));
  await Promise.all(persons.map((person) => person.dance()));
  const weather = new Weather(gw, random.fork(), configuration);

  await t.test('members read only their own data during all '
    + 'faults', async (t2) => {
    const end = Date.now() + SECONDS * 1000;

    await Promise.all([
      weather.blow(end),
      ...persons.map((person) => person.live(end)),
      ...persons.slice(0, 2).map((person) =>
        readOverHttp2(gw, person, random.fork(), end)),
    ]);
    t2.diagnostic(JSON.stringify(summed(persons)));
    t2.diagnostic(`${weather.kills} kills, ${weather.losses} lost replies`);

    const wrong = persons.flatMap((person) => person.wrong);
    assertNone('violations', wrong.length
      ? [...wrong, ...weather.events].sort() : []);
  });

  await weather.fair();

  await t.test('the gateway serves every member again after the '
    + 'faults', async () => {
    await until('Redis is used again', async () =>
      (await persons[0].visitor.get('/cigna/status')).status === 200);
    await sleep(1000);
    await assertServes(persons);
  });

  await t.test('workers of earlier configurations have exited', async () => {
    await until('only the new workers run', () =>
      gw.nginx.workerPids().length === WORKERS, { timeout: 15000 });
  });

  await t.test('a refresh token was spent twice only after a lost reply or a '
    + 'killed worker',
    async () => {
    const { token: { reuse } } = await gw.sandbox.control.see();
    const lost = (gw.nginx.errorLog()
      .match(/took the refresh token and did not answer/g) ?? []).length;

    t.diagnostic(`${reuse} reuses, ${lost} lost refreshes`);
    assert.ok(reuse <= lost + weather.kills * PERSONS,
              `${reuse} reuses, ${lost} lost, ${weather.kills} kills`);
  });

  // an answer that refuses a token for now leaves the token unspent
  await t.test('a token that may be spent was sent at most once more, and '
    + 'never twice at the same time', async () => {
    const tokens = await gw.sandbox.control.ledger();
    const spending = ({ accepted, sent }) => accepted || !sent;

    assertNone('refresh tokens', tokens
      .filter(({ presented, at_once: atOnce }) =>
        presented.filter(spending).length > 2 || atOnce > 1)
      .map((token) => JSON.stringify(token)));
  });

  await t.test('no log, reply or Redis record shows a '
    + 'token', () => gw.assertNoSecrets());
});
