// The counts of a scenario, and its row of the table.

export class Tally {
  rounds = 0;
  refreshes = 0;               // token replies with new tokens
  tokenRequests = 0;           // with grant_type=refresh_token
  secondAttempts = 0;          // refresh tokens that were sent more than once
  recoveryMs = null;           // the longest time until the service was back
  lost = [];                   // lost grants, and why they are lost
  false401 = [];               // 401 replies to members with a good grant
  errors = [];                 // other wrong replies
  wrong = [];                  // all other faults
  notes = [];
  skipped = null;              // the reason if the scenario did not run

  get problems() {
    const named = (name) => this[name].map((text) => `${name}: ${text}`);
    return ['lost', 'false401', 'errors', 'wrong'].flatMap(named);
  }

  get passed() {
    return this.rounds > 0 && this.problems.length === 0;
  }

  get #verdict() {
    if (this.skipped && !this.problems.length) {
      return 'skipped';
    }
    return this.passed ? 'ok' : 'FAILED';
  }

  recovered(ms) {
    this.recoveryMs = Math.max(this.recoveryMs ?? 0, Math.round(ms));
  }

  row(name) {
    return {
      'scenario': name,
      'rounds': this.rounds,
      'refreshes': this.refreshes,
      'token requests': this.tokenRequests,
      'lost grants': this.lost.length,
      'second attempts': this.secondAttempts,
      'false 401': this.false401.length,
      'errors': this.errors.length + this.wrong.length,
      'recovery ms': this.recoveryMs ?? '-',
      'verdict': this.#verdict,
    };
  }
}
