// Single steps of a dance, for tests that interfere with it.

import assert from 'node:assert/strict';

export const CALLBACK = '/cigna/callback';

const isCallback = (url) => new URL(url).pathname === CALLBACK;

// Walks until Cigna sends the browser back, and stops before the callback.
// Resolves to { visitor, url, target }: the callback's URL, and its path with
// the query.
export async function toCallback(gw, { visitor, ...options } = {}) {
  const who = visitor ?? gw.visitor({ member: 'alice', ...options });
  const { stopped, response } = await who.dance({ ...options,
                                                  until: isCallback });
  assert.ok(stopped, `stopped at ${response?.url}: ${response?.body}`);

  const url = new URL(stopped);
  return { visitor: who, url, target: url.pathname + url.search };
}

export function queryOf(url) {
  return Object.fromEntries(new URL(url).searchParams);
}

// The parameters of a redirect to the app: { cigna, cigna_dance }
export function toldApp(reply) {
  assert.equal(reply.status, 303, reply.body);
  return queryOf(reply.location);
}

// The outcome in a redirect to the app.
export function outcomeOf(reply) {
  return toldApp(reply).cigna;
}

export function titleOf(reply) {
  return /<h1>([^<]*)<\/h1>/.exec(reply.body)?.[1];
}

// The line of the error log that tells how a dance ended.
export function endOf(gw, danceId) {
  return gw.nginx.errorLog().split('\n').find((line) =>
    /cigna: dance (ended|not started), /.test(line)
    && line.includes(`dance: ${danceId}, `));
}

// The text that was added to a log while `action` ran.
export async function addedTo(log, action) {
  const before = log().length;
  await action();
  return log().slice(before);
}

// The keys in Redis of one kind: d for dances, g for grants, o for open dances
// of a member, i for those of a shard, e for ended dances, c for counts.
export async function keysOf(gw, kind) {
  return gw.redis.command('KEYS', `cigna:${kind}:*`);
}

// The key of the only dance in Redis.  Call forgetDances() before that dance.
export async function onlyDance(gw) {
  const keys = await keysOf(gw, 'd');
  assert.equal(keys.length, 1, `${keys}`);
  return keys[0];
}

export async function forgetDances(gw) {
  const keys = await keysOf(gw, '[doi]');
  if (keys.length) {
    await gw.redis.command('DEL', ...keys);
  }
}

export async function tokenRequests(gw, client = 'acme-client') {
  return (await gw.sandbox.control.see({ client_id: client })).token.requests;
}
