// Random choices that a seed reproduces.

export class Random {
  constructor(seed) {
    this.seed = seed >>> 0;
    this.state = this.seed;
  }

  // Returns a number n, 0 <= n < 1.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let n = this.state;
    n = Math.imul(n ^ (n >>> 15), n | 1);
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
    return ((n ^ (n >>> 14)) >>> 0) / 0x100000000;
  }

  // Returns an integer n, from <= n < to.
  between(from, to) {
    return from + Math.floor(this.next() * (to - from));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.between(0, list.length)];
  }

  // Returns one of the names in { name: weight }.
  weighted(weights) {
    const entries = Object.entries(weights);
    let n = this.next() * entries.reduce((sum, [, w]) => sum + w, 0);
    return (entries.find(([, w]) => (n -= w) < 0) ?? entries[0])[0];
  }

  // Returns a new generator that is independent of later choices of this one.
  fork() {
    return new Random(this.between(0, 0x100000000));
  }
}
