// A scenario of scripts/faults: the connection to the token endpoint is cut at
// random bytes of the request or of the reply.

import { Cutter } from './cutter.mjs';
import { Fleet, countRefreshes } from './fleet.mjs';
import { judge } from './truth.mjs';

const BATCH = 40;                   // members who refresh at once

const TOKEN_LIFE_S = 3600;
const MARK_S = 400;                 // longer than any mark

// A member must get a final answer within this time, even if several refreshes
// of the grant fail first.
const SETTLE_MS = 90000;

// In each batch whose number is a multiple of TWICE, the second attempts are
// cut, too.
const TWICE = 4;

export const cut = {
  about: 'the token endpoint\'s connection cut at random bytes',
  rounds: 200,

  async run(t, { rounds, random, tally }) {
    const fleet = await Fleet.start(t, {
      members: BATCH, clock: true,
      gateway: {
        tenant: { connect_timeout: '1s', timeout: '3s',
                  exchange_timeout: '3s' },
        sandboxOptions: { modes: { id_token: 'absent' } },
      },
    });
    const token = new URL(fleet.info.token);
    const cutter = await Cutter.start(t, token.port);
    token.port = cutter.port;

    await fleet.connect();
    await fleet.reconfigure({ token_endpoint: token.href });
    await warmUp(fleet, cutter);

    for (let i = 1; tally.rounds < rounds; i += 1) {
      await batch(fleet, cutter, { size: Math.min(BATCH, rounds - tally.rounds),
                                   twice: i % TWICE === 0, random, tally });
    }
    await countRefreshes(fleet, tally);
    report(cutter, tally);
  },
};

// Does one complete refresh, to count its bytes.
async function warmUp(fleet, cutter) {
  fleet.forward(TOKEN_LIFE_S);
  const { what, text } = await fleet.ask(fleet.members[0], fleet.nodes[0]);
  if (what !== 'served' || !cutter.usual) {
    throw new Error(`the first refresh: ${what}: ${text}`);
  }
  await fleet.control.reset({ modes: false });
}

// Picks a random direction of a refresh, and a random byte after which its
// connection is cut.  Bytes after the TLS handshake and bytes near the end are
// picked more often.
function plan({ usual }, random) {
  const way = random.pick(['up', 'down']);
  const from = random.weighted({ 0: 2, 0.5: 3, 0.95: 1 });
  return { way, bytes: random.between(Math.floor(usual[way] * from),
                                      usual[way] + 1) };
}

const plans = (n, ...more) => Array.from({ length: n }, () => plan(...more));

async function batch(fleet, cutter, { size, twice, random, tally }) {
  const members = fleet.members.slice(0, size);

  // a second attempt may get a 401, because its refresh token may be spent
  const askAll = async (attempt) => {
    cutter.cutNext(plans(size, cutter, random));
    for (const { what, status, text } of await Promise.all(members.map((one) =>
      fleet.ask(one, random.pick(fleet.nodes))))) {
      if (status === 401 && attempt === 1) {
        tally.false401.push(`${what}: ${text}`);
      } else if (![200, 401, 503].includes(status)) {
        tally.errors.push(`${what}: ${text}`);
      }
    }
    cutter.cutNext([]);
    fleet.forward(MARK_S);
  };

  fleet.forward(TOKEN_LIFE_S);
  await askAll(1);
  if (twice) {
    await askAll(2);
  }
  const answers = await Promise.all(members.map((member) =>
    fleet.settle(member, random.pick(fleet.nodes), { timeout: SETTLE_MS })));
  tally.rounds += size;
  await end(fleet, cutter, { members, answers, tally });
}

async function end(fleet, cutter, { members, answers, tally }) {
  const books = await fleet.ledger();
  const gone = [];

  members.forEach((member, i) => {
    const { what } = answers[i];
    const wrong = judge(answers[i], books.get(member.key), ({ port }) =>
      cutter.from(port)?.cut);

    if (wrong) {
      tally.lost.push(`${member.key} ${wrong}`);
    }
    if (what !== 'served') {
      gone.push(member);
    }
  });
  await fleet.connect(gone);
}

function report(cutter, tally) {
  const made = cutter.connections.filter((one) => one.cut);
  const ways = (way) => made.filter((one) => one.plan.way === way).length;

  tally.notes.push(`${made.length} connections were cut, ${ways('up')} in the `
    + `request and ${ways('down')} in the reply`);
}
