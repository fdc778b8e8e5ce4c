// What a test's context is to the servers of t/lib, for runs outside of one:
// they are stopped when it ends.

export class Scope {
  #hooks = [];

  after(hook) {
    this.#hooks.push(hook);
  }

  diagnostic(text) {
    console.error(`  ${text}`);
  }

  // All hooks run; the first failure is the result.
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

// What main(t) started is stopped when it ends, and the program with it.
export async function runScoped(main) {
  const scope = new Scope();
  try {
    await main(scope);
  } finally {
    await scope.end();
  }
  process.exit();
}
