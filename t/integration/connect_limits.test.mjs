// Limits on started dances: for each member first, and then for the whole
// tenant.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countersOf } from '../lib/counters.mjs';
import { addedTo, titleOf } from '../lib/dance.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { prepareNginx } from '../lib/nginx.mjs';
import { talkTo } from '../lib/talk.mjs';

const CONNECT = '/cigna/connect';

const A_SECOND = 1000;
const CONNECTIONS = 10;
const TICK_MS = 100;

test('limits of connect', async (t) => {
  const gw = await standardGateway(t, {
    nginx: { workers: 2 }, server: { keepalive_requests: '10000' },
    tenants: { globex: { member_dances: 'rate=1r/s burst=3',
                         dances_per_second: 1000 } },
  });

  const connects = (tenant, member) =>
    `GET ${CONNECT} HTTP/1.1\r\nHost: ${tenant}.localhost:${gw.port}\r\n`
    + `Cookie: session=${member}\r\n\r\n`;

  // Sends one member's connects, A_SECOND of them each second, until end() is
  // called.  end() gives the number of replies by status, the real rate of
  // requests, and the seconds until the last reply.
  async function flood(member) {
    const text = connects('acme', member);
    const each = A_SECOND * TICK_MS / 1000 / CONNECTIONS;
    const talks = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => talkTo(gw)));
    const began = performance.now();
    let sent = 0;
    let over = false;

    const work = (async () => {
      while (!over) {
        // a late tick sends what earlier ticks have missed
        const due = (performance.now() - began) / TICK_MS + 1;
        while (sent < Math.floor(due) * each * CONNECTIONS) {
          talks[(sent / each) % CONNECTIONS].send(text.repeat(each));
          sent += each;
        }
        await sleep(TICK_MS / 4);
      }
    })();

    return { async end() {
      over = true;
      await work;
      const rate = sent * 1000 / (performance.now() - began);
      const statuses = {};
      for (const talk of talks) {
        for (let i = 0; i < sent / CONNECTIONS; i += 1) {
          const { status } = await talk.reply();
          statuses[status] = (statuses[status] ?? 0) + 1;
        }
        talk.close();
      }
      const seconds = (performance.now() - began) / 1000;
      return { rate, sent, statuses, seconds };
    } };
  }

  await t.test('a flood of 1,000 connects a second by one member fails none of '
    + 'another member\'s 40 connects', async () => {
    const before = await countersOf(gw);
    const flooding = await flood('mallory');
    const alice = gw.visitor({ member: 'alice' });

    const statuses = [];
    for (let i = 0; i < 40; i += 1) {
      statuses.push((await alice.get(CONNECT)).status);
    }
    await sleep(500);

    const { rate, sent, statuses: flooded, seconds } = await flooding.end();
    assert.deepEqual(statuses, Array(40).fill(302));
    assert.ok(rate > 900, `${rate}`);
    assert.equal((flooded[302] ?? 0) + flooded[429], sent);
    // by default a member's burst is half of dances_per_second, and a member's
    // rate is a tenth of dances_per_second
    assert.ok(flooded[302] >= 50, `${flooded[302]}`);
    assert.ok(flooded[302] <= 50 + 10 * (seconds + 1),
              `${flooded[302]} in ${seconds} s`);
    t.diagnostic(`${JSON.stringify(flooded)}, ${Math.round(rate)} a second`);

    const after = await countersOf(gw);
    assert.equal(after.cigna_member_dances_total.acme
                 - before.cigna_member_dances_total.acme, flooded[429]);
  });

  await t.test('a flood by one member fails none of another member\'s 40 '
    + 'connects at once', async () => {
    // the last subtest may have used up the tenant's limit of this second
    await sleep(1100);
    const flooding = await flood('trudy');
    const bob = gw.visitor({ member: 'bob' });
    const replies = await Promise.all(Array.from({ length: 40 }, () =>
      bob.get(CONNECT)));
    await flooding.end();
    assert.deepEqual(replies.map(({ status }) => status), Array(40).fill(302));
  });

  await t.test('a member over member_dances gets 429 with Retry-After',
    async () => {
      const carol = gw.visitor({ tenant: 'globex', member: 'carol' });
      const replies = [];
      const lines = await addedTo(() => gw.nginx.errorLog(), async () => {
        for (let i = 0; i < 4; i += 1) {
          replies.push(await carol.get(CONNECT));
        }
      });
      assert.deepEqual(replies.map(({ status }) => status),
                       [302, 302, 302, 429]);
      const last = replies.at(-1);
      assert.equal(titleOf(last), 'Too many attempts');
      assert.equal(last.headers['retry-after'], '1');
      assert.deepEqual(last.cookies, []);
      assert.match(lines, new RegExp('dance not started, outcome: '
        + 'too_many_dances, tenant: globex, .*, detail: member_dances'));

      const dave = gw.visitor({ tenant: 'globex', member: 'dave' });
      assert.equal((await dave.get(CONNECT)).status, 302);
      await sleep(1100);
      assert.equal((await carol.get(CONNECT)).status, 302);
    });

  await t.test('a reload keeps the count of a member\'s dances', async () => {
    const erin = gw.visitor({ tenant: 'globex', member: 'erin' });
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await erin.get(CONNECT)).status, 302);
    }
    await gw.reload();
    // one more dance may start during a reload that takes a second
    const statuses = [];
    for (let i = 0; i < 4; i += 1) {
      statuses.push((await erin.get(CONNECT)).status);
    }
    assert.equal(statuses.at(-1), 429, `${statuses}`);
  });

  await t.test('a flood of other members does not reset a member\'s own '
    + 'limit', async () => {
    await gw.reload({ tenants: { globex: {
      member_dances: 'rate=1r/m burst=3', dances_per_second: 10000 } } });
    const frank = gw.visitor({ tenant: 'globex', member: 'frank' });
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await frank.get(CONNECT)).status, 302);
    }
    const others = await talkTo(gw, { tenant: 'globex' });
    const statuses = new Set();
    for (let n = 0; n < 3000; n += 50) {
      others.send(Array.from({ length: 50 }, (_, i) =>
        connects('globex', `of-many-${n + i}`)).join(''));
      for (let i = 0; i < 50; i += 1) {
        statuses.add((await others.reply()).status);
      }
    }
    others.close();
    assert.deepEqual([...statuses], [302]);
    const last = await frank.get(CONNECT);
    assert.equal(last.status, 429);
    assert.ok(Number(last.headers['retry-after']) > 1);
  });

  for (const [value, error] of [
    ['burst=3', 'has a burst and no rate'],
    ['rate=0r/s', 'has an invalid rate'],
    ['rate=1r/s dry_run', 'has an unknown parameter'],
  ]) {
    await t.test(`"member_dances ${value}" ${error}`, async (t2) => {
      const { code, output } = await prepareNginx(t2, {
        http: gw.configuration({
          tenants: { acme: { member_dances: value } } }),
      }).test();
      assert.equal(code, 1);
      assert.ok(output.includes(`"member_dances" directive ${error}`), output);
      assert.ok(output.includes('rate=10r/s burst=50'), output);
    });
  }
});
