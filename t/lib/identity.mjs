// The app's server that auth_request asks in tests, and that tells the gateway
// which member sent a request.  It believes the session cookie: "session=alice"
// is the member alice.  A request without that cookie has no member, which is
// not an error.

import { createServer } from 'node:http';

import { onEnd } from './scratch.mjs';

const SESSION = /(?:^|;\s*)session=([^;]*)/;

export async function startIdentity(t) {
  const seen = [];

  const server = createServer((request, response) => {
    const [, member] = SESSION.exec(request.headers.cookie ?? '') ?? [];

    seen.push({ url: request.url, headers: request.headers });
    response.writeHead(204, member
      ? { 'X-Member': decodeURIComponent(member) } : {});
    response.end();
  });

  server.keepAliveTimeout = 60000;
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });

  return { port: server.address().port, seen };
}
