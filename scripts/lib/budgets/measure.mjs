// Compares the requests that arrived with those that a budget allows.

export const LEASE_MS = 50;

export const round = (n, digits = 0) => Number(n.toFixed(digits));

// Returns how many requests a budget allows in this time after a quiet time.
//   rate   requests per second
//   burst  requests
export function due({ rate, burst }, seconds) {
  return rate * seconds + burst;
}

// Returns by how many requests the arrivals since `from` exceeded the budget at
// the worst moment.  A request never arrives before it was charged, so a busy
// machine needs no tolerance here.
export function excess(budget, arrivals, from) {
  return arrivals.reduce((most, { at }, i) =>
    Math.max(most, i + 1 - due(budget, (at - from) / 1000)), 0);
}

// Returns the lengths in ms of the stalls: times without an answer of a node
// that were longer than a lease.  The nodes are asked all the time, so a stall
// means that the machine was busy.  Requests that the budget allowed in that
// time may be lost.
export function stalls({ answers, from }, nodes) {
  return Array.from({ length: nodes }, (_, node) => {
    const times = [from, ...answers.filter((one) => one.node === node)
      .map(({ at, ms }) => at + ms).sort((a, b) => a - b)];
    return times.map((time, i) => time - (times[i - 1] ?? time));
  }).flat().filter((ms) => ms > LEASE_MS);
}

// Returns how many of the allowed requests may be missing.  At the end the
// nodes still hold leases: the requests of two lease times, and one request per
// node.  In every stall a node loses its part of the rate and of the leases.
//   stalled  the result of stalls()
export function slack({ rate }, { nodes, stalled }) {
  const leased = rate * 2 * LEASE_MS / 1000;
  return leased + nodes + stalled.reduce((sum, ms) =>
    sum + (rate * ms / 1000 + leased) / nodes, 0);
}

// Returns how many requests more than allowed may have left: the last request,
// and those that a node counted by itself because Redis was late.
//   outages  how often Redis was late
export function grace({ burst }, { nodes, outages }) {
  return 1 + outages * burst / nodes;
}

// Returns texts that describe stalls and outages, for the note of a row.
export function hindrances(stalled, outages) {
  return [stalled.length && `${stalled.length} stalls of this machine`,
          outages && `Redis was late ${outages} times`]
    .filter(Boolean);
}

// Returns a line for each kind of answer (its field `what`) that is not among
// the expected ones.
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

// Takes pairs [condition, text], and returns the texts whose condition is true.
export function problemsOf(...list) {
  return list.filter(([bad]) => bad).map(([, text]) => text);
}
