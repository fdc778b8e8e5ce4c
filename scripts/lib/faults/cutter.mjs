// A TCP proxy in front of a server.  It can cut a connection after a number of
// bytes of the request or of the reply.

import net from 'node:net';
import { once } from 'node:events';

const LOOPBACK = '127.0.0.1';

export class Cutter {
  #plans = [];
  #server;
  #sockets = new Set();
  connections = [];

  static async start(t, port) {
    const cutter = new Cutter();
    cutter.#server = net.createServer((socket) => cutter.#serve(socket, port));
    cutter.#server.listen({ host: LOOPBACK, port: 0 });
    await once(cutter.#server, 'listening');
    cutter.port = cutter.#server.address().port;
    t.after(() => cutter.close());
    return cutter;
  }

  // Cuts the next connections, one for each plan, in this order.  Later
  // connections are not cut.  plan: { way, bytes }, where `way` is 'up' (the
  // request) or 'down' (the reply), and `bytes` pass before the cut
  cutNext(plans) {
    this.#plans = [...plans];
  }

  // Returns the last connection that was not to be cut.  Its `up` and `down`
  // are the bytes in each direction.
  get usual() {
    return this.connections.findLast(({ plan }) => !plan);
  }

  // Returns the last connection that came to the server from this port.
  from(port) {
    return this.connections.findLast((one) => one.port === port);
  }

  #serve(client, port) {
    const plan = this.#plans.shift();
    const server = net.connect({ host: LOOPBACK, port });
    const seen = { plan, up: 0, down: 0, cut: false, port: null };
    this.connections.push(seen);
    server.on('connect', () => { seen.port = server.localPort; });

    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    this.#pass('up', client, server, seen);
    this.#pass('down', server, client, seen);
  }

  // Passes the bytes of one direction on.  Bytes before the cut still arrive.
  #pass(way, from, to, seen) {
    from.on('data', (bytes) => {
      const left = seen.plan?.way === way ? seen.plan.bytes - seen[way]
        : Infinity;
      const part = bytes.subarray(0, Math.max(0, left));

      seen[way] += part.length;
      to.write(part);
      if (part.length === left) {
        seen.cut = true;
        from.destroy();
        to.removeAllListeners('data');
        to.resume();
        to.destroySoon();
      }
    });
    from.on('end', () => to.end());
    from.on('close', () => to.destroySoon());
  }

  close() {
    this.#server.close();
    this.#sockets.forEach((socket) => socket.destroy());
  }
}
