// Counts the instructions per request with callgrind.  A run of N requests and
// a run of 2 N requests differ by N requests, so starting and stopping do not
// count.

import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { HttpClient } from '../../../t/lib/client.mjs';
import { startServer } from '../../../t/lib/process.mjs';
import { prepareNginx } from '../../../t/lib/nginx.mjs';

// The first requests fill the cache and open connections.  They do not count.
const WARM_UP = 50;

const START_TIMEOUT = 60000;

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      .on('connect', () => socket.destroy());
  });
}

// Runs nginx as a single process under callgrind, and sends the requests one by
// one.  Returns the number of instructions of the whole run.
async function instructions(t, { options, url, port }, requests) {
  const nginx = prepareNginx(t, {
    ...options, main: `${options.main ?? ''} master_process off;`,
  });
  const outFile = path.join(nginx.directory, 'callgrind.out');
  const server = startServer('callgrind', 'valgrind', [
    '--tool=callgrind', `--callgrind-out-file=${outFile}`,
    nginx.binary, ...nginx.arguments,
  ], { directory: nginx.directory });
  const client = new HttpClient({ jar: null, maxSockets: 1 });

  await server.ready(() => listens(port), START_TIMEOUT);
  for (let i = 0; i < WARM_UP + requests; i += 1) {
    const reply = await client.get(url);
    if (reply.status !== 200) {
      throw new Error(`${url} answers ${reply.status}: ${reply.body}\n`
        + nginx.errorLog());
    }
  }
  client.close();
  await server.stop('SIGQUIT', START_TIMEOUT);

  return Number(/^(?:summary|totals): (\d+)/m
    .exec(readFileSync(outFile, 'utf8'))[1]);
}

// Returns the number of instructions of nginx per request.
//   server    { options, url, port }: the options of prepareNginx(), the URL to
//             ask for, and the port on which nginx listens
//   requests  number of requests in the shorter run
export async function instructionsPerRequest(t, server, requests) {
  const once = await instructions(t, server, requests);
  const twice = await instructions(t, server, 2 * requests);

  return (twice - once) / requests;
}
