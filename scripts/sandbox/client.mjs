// Starts the stand-in for Cigna as a child process, for tests and the demo, and
// offers its control API as functions.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url));
const STOP_MS = 5000;

export class ControlClient {
  #base;

  constructor(base) {
    this.#base = base;
  }

  async #call(method, target, body) {
    const request = http.request(new URL(target, this.#base), { method });
    request.end(body && JSON.stringify(body));
    const [response] = await once(request, 'response');

    const chunks = await response.toArray();
    const reply = JSON.parse(Buffer.concat(chunks).toString());
    if (response.statusCode !== 200) {
      throw new Error(`control: ${reply.error}`);
    }
    return reply;
  }

  // Returns modes, counters and the last requests, for all clients or for one.
  see({ client_id: clientId, recent } = {}) {
    const query = new URLSearchParams();
    if (clientId !== undefined) {
      query.set('client_id', clientId);
    }
    if (recent !== undefined) {
      query.set('recent', recent);
    }
    return this.#call('GET', `/control?${query}`);
  }

  // Returns each refresh token, the oldest one first: see ledger.mjs.
  ledger(whose = {}) {
    return this.#call('GET', `/ledger?${new URLSearchParams(whose)}`);
  }

  set(modes, clientId) {
    return this.#call('POST', '/control', { modes, client_id: clientId });
  }

  reset({ modes = true } = {}) {
    return this.#call('POST', '/reset', { modes });
  }

  modes() {
    return this.#call('GET', '/modes');
  }

  members() {
    return this.#call('GET', '/members');
  }

  expire(whose = {}) {
    return this.#call('POST', '/expire', whose);
  }

  revoke(whose = {}) {
    return this.#call('POST', '/revoke', whose);
  }

  rotate(options = {}) {
    return this.#call('POST', '/rotate', options);
  }

  addClient(client) {
    return this.#call('POST', '/clients', client);
  }

  tokens(whose) {
    return this.#call('POST', '/tokens', whose);
  }
}

// Starts the stand-in.  config.mjs describes the settings in `config`.  They
// are passed in a private file, because they contain secrets.
export async function spawnSandbox(config) {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  const file = path.join(config.directory, 'sandbox.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });

  const child = spawn(process.execPath, [SERVER, '--config', file],
                      { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(([code]) => {
      throw new Error(`the stand-in ended with ${code}`);
    }),
  ]);
  const info = JSON.parse(line[0]);

  return {
    info,
    pid: child.pid,
    control: new ControlClient(info.control),
    stop: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
  };
}
