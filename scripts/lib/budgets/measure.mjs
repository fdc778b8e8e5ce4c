// What a budget allows, beside what arrived.

export const LEASE_MS = 50;

export const round = (n, digits = 0) => Number(n.toFixed(digits));

// What a budget brings in this time: { rate, burst } a second.
export function due({ rate, burst }, seconds) {
  return rate * seconds + burst;
}

// How many more than its due had arrived at the worst moment.  A request
// arrives after it was charged, never before, so this needs no tolerance for
// how busy a machine is.
export function excess(budget, arrivals, from) {
  return arrivals.reduce((most, { at }, i) =>
    Math.max(most, i + 1 - due(budget, (at - from) / 1000)), 0);
}

// For how long each node gave no answer, although it is asked all the time: ms
// of each time that was longer than a lease.  The machine was busy, and what
// came to the budget then may be lost.
export function stalls({ answers, from }, nodes) {
  return Array.from({ length: nodes }, (_, node) => {
    const times = [from, ...answers.filter((one) => one.node === node)
      .map(({ at, ms }) => at + ms).sort((a, b) => a - b)];
    return times.map((time, i) => time - (times[i - 1] ?? time));
  }).flat().filter((ms) => ms > LEASE_MS);
}

// What may be missing of the due: what is still on lease when nobody asks any
// more (for two lease times, and a request a node), and a node's part of what
// came and ended with each stall.
export function slack({ rate }, { nodes, stalled }) {
  const leased = rate * 2 * LEASE_MS / 1000;
  return leased + nodes + stalled.reduce((sum, ms) =>
    sum + (rate * ms / 1000 + leased) / nodes, 0);
}

// What may have left beyond it: the last request, and what a busy machine let
// nodes count for themselves.
export function grace({ burst }, { nodes, outages }) {
  return 1 + outages * burst / nodes;
}

// What is said of them.
export function hindrances(stalled, outages) {
  return [stalled.length && `${stalled.length} stalls of this machine`,
          outages && `Redis was late ${outages} times`]
    .filter(Boolean);
}

// A line for each kind of answer that is none of those expected.
export function strange(answers, expected) {
  const counts = {};
  for (const { what } of answers) {
    if (!expected.includes(what)) {
      counts[what] = (counts[what] ?? 0) + 1;
    }
  }
  return Object.entries(counts).map(([what, n]) =>
    `${n} of ${answers.length} were answered with ${what}`);
}

// [[whether it is one, text]] -> texts
export function problemsOf(...list) {
  return list.filter(([bad]) => bad).map(([, text]) => text);
}
