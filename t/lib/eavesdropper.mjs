// A server that records every byte that it receives.  It sends nothing, or the
// same bytes after each piece that it receives.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

import { onEnd } from './scratch.mjs';

// Returns { port, connections, bytes, secured }.  bytes: the received bytes,
// decrypted if there is TLS; secured: the number of completed TLS handshakes.
// Options: certFile and keyFile for TLS; say: the bytes to send.
export async function startEavesdropper(t, { certFile, keyFile, say } = {}) {
  const heard = { connections: 0, secured: 0, bytes: '' };
  const sockets = new Set();
  const listen = (socket) => {
    heard.secured += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard.bytes += bytes.toString('latin1');
      if (say) {
        socket.write(say, 'latin1');
      }
    });
  };
  const server = certFile ? tls.createServer({
    cert: readFileSync(certFile), key: readFileSync(keyFile) }, listen)
    : net.createServer(listen);

  server.on('connection', (socket) => {
    heard.connections += 1;
    sockets.add(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(t, () => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return Object.assign(heard, { port: server.address().port });
}
