// The harness itself: servers that start and stop, and failures that it must
// notice.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { HttpClient, rawRequest } from '../lib/client.mjs';
import { standardGateway } from '../lib/gateway.mjs';
import { startIdentity } from '../lib/identity.mjs';
import { prepareNginx, startNginx } from '../lib/nginx.mjs';
import { isRunning } from '../lib/process.mjs';
import { startRedis } from '../lib/redis.mjs';
import { freePort, onEnd } from '../lib/scratch.mjs';

const PLAIN = { binary: '/usr/sbin/nginx', module: null };

const hello = (port) =>
  `server { listen 127.0.0.1:${port}; return 200 "hello $arg_name\\n"; }`;

// A test context that ends when the test calls end(), so that a test can
// examine the end.
function ownEnd() {
  const hooks = [];
  return {
    after: (hook) => hooks.push(hook),
    end: async () => {
      for (const hook of hooks) {
        await hook();
      }
    },
  };
}

test('nginx answers, and leaves no process and no file', async () => {
  const t = ownEnd();
  const port = await freePort();
  const nginx = await startNginx(t, { ...PLAIN, http: hello(port),
                                      workers: 2 });
  const client = new HttpClient();
  const pids = [nginx.pid, ...nginx.workerPids()];

  assert.equal(pids.length, 3);
  const reply = await client.get(`http://localhost:${port}/?name=you`);
  assert.equal(reply.status, 200);
  assert.equal(reply.body, 'hello you\n');
  await nginx.waitForAccessLog(/GET \/\?name=you/);

  client.close();
  await t.end();
  assert.deepEqual(pids.filter(isRunning), []);
  assert.ok(!existsSync(nginx.directory));
});

test('a reload and a killed worker leave the port open', async (t) => {
  const port = await freePort();
  const nginx = await startNginx(t, { ...PLAIN, http: hello(port) });
  const client = new HttpClient({ keepAlive: false });
  const [first] = nginx.workerPids();

  await nginx.reload();
  const [second] = nginx.workerPids();
  assert.notEqual(first, second);

  await nginx.killWorker();
  const reply = await client.get(`http://localhost:${port}/?name=again`);
  assert.equal(reply.body, 'hello again\n');
});

test('an alert in the error log fails the test', async () => {
  const t = ownEnd();
  const nginx = await startNginx(t, { ...PLAIN,
                                      http: hello(await freePort()) });
  const [worker] = nginx.workerPids();

  process.kill(worker, 'SIGKILL');
  await nginx.waitForLog(/exited on signal 9/);
  await nginx.waitForLog(/start worker process \d+[^]*start worker process/);
  await assert.rejects(t.end(), /lines in the error log/);
});

test('a configuration error is reported in nginx\'s words', async (t) => {
  const nginx = prepareNginx(t, { ...PLAIN, http: 'no_such_directive;' });

  const { code, output } = await nginx.test();
  assert.equal(code, 1);
  assert.match(output, /unknown directive "no_such_directive"/);
  await assert.rejects(nginx.start(), /unknown directive/);
});

test('Redis stores values and can be frozen', async (t) => {
  const redis = await startRedis(t);

  await redis.command('SET', 'name', 'a\r\nb\xff');
  await redis.command('HSET', 'hash', 'field', 'value');
  assert.deepEqual(await redis.dump(), {
    name: 'a\r\nb\xff', hash: ['field', 'value'],
  });
  await assert.rejects(redis.command('NONSENSE'), /unknown command/);
  assert.deepEqual(await redis.command('CONFIG', 'GET', 'maxmemory-policy'),
                   ['maxmemory-policy', 'noeviction']);

  redis.freeze();
  const late = redis.command('PING');
  const early = new Promise((resolve) => {
    setTimeout(resolve, 100, 'nothing');
  });
  assert.equal(await Promise.race([late, early]), 'nothing');
  redis.thaw();
  assert.equal(await late, 'PONG');
});

test('the identity server takes the member from the session '
  + 'cookie', async (t) => {
  const identity = await startIdentity(t);
  const client = new HttpClient();
  onEnd(t, () => client.close());
  const url = `http://localhost:${identity.port}/whoami`;

  assert.equal((await client.get(url)).headers['x-member'], undefined);
  client.jar.store(new URL(url), ['session=alice']);
  const reply = await client.get(url);
  assert.equal(reply.status, 204);
  assert.equal(reply.headers['x-member'], 'alice');
});

test('rawRequest sends its bytes unchanged', async (t) => {
  const port = await freePort();
  await startNginx(t, { ...PLAIN, http: hello(port) });

  const reply = await rawRequest({ port }, 'GET / HTTP/1.1\r\n\r\n');
  assert.match(reply, /^HTTP\/1\.1 400 /);
});

test('a gateway connects a member and serves data, with TLS to '
  + 'Redis', async (t) => {
  const gw = await standardGateway(t, {
    vaultOver: 'tls', redisOptions: { username: 'gate', password: 'MARKsR' },
  });
  const { outcome, danceId, visitor } = await gw.dance({ member: 'alice' });

  assert.equal(outcome, 'connected');
  assert.match(danceId, /^[\w-]+$/);
  assert.equal(visitor.danceCookies().length, 1);
  assert.equal((await visitor.get('/fhir/Patient')).status, 200);
});

test('a secret in Redis fails the test', async () => {
  const t = ownEnd();
  const gw = await standardGateway(t);
  const [marker] = gw.sandbox.info.markers;

  await gw.redis.command('HSET', 'somewhere', 'field', `a ${marker}-b`);
  await assert.rejects(t.end(), /Redis: .*somewhere/);
});
