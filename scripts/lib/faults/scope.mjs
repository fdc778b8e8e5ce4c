// A Scope stands in for the context of a test in programs that are not tests.
// The servers of t/lib that were started with it stop when the scope ends.

export class Scope {
  #hooks = [];

  after(hook) {
    this.#hooks.push(hook);
  }

  diagnostic(text) {
    console.error(`  ${text}`);
  }

  // Runs all hooks, the last one first, and then throws the first failure.
  async end() {
    const failures = [];

    while (this.#hooks.length) {
      await Promise.resolve(this.#hooks.pop()())
        .catch((error) => failures.push(error));
    }
    if (failures.length) {
      throw failures[0];
    }
  }
}

// Runs main(scope), stops everything that it started, and ends the program.
export async function runScoped(main) {
  const scope = new Scope();
  try {
    await main(scope);
  } finally {
    await scope.end();
  }
  process.exit();
}
