// Single steps of a dance, for tests that interfere with it.

import assert from 'node:assert/strict';

export const CALLBACK = '/cigna/callback';

const isCallback = (url) => new URL(url).pathname === CALLBACK;

// Takes a visitor through a dance until Cigna redirects to the callback, and
// stops before the callback is requested.  Resolves to { visitor, url, target
// }: url is the callback's URL, and target its path with the query.
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

// Returns the query parameters of a redirect to the app: { cigna, cigna_dance
// }, the outcome and the id of the dance.
export function toldApp(reply) {
  assert.equal(reply.status, 303, reply.body);
  return queryOf(reply.location);
}

// Returns the outcome in a redirect to the app.
export function outcomeOf(reply) {
  return toldApp(reply).cigna;
}

export function titleOf(reply) {
  return /<h1>([^<]*)<\/h1>/.exec(reply.body)?.[1];
}

// Returns the line of the error log that has the end of this dance, or that
// says why the dance was not started.
export function endOf(gw, danceId) {
  return gw.nginx.errorLog().split('\n').find((line) =>
    /cigna: dance (ended|not started), /.test(line)
    && line.includes(`dance: ${danceId}, `));
}

// Returns the text that nginx added to a log while `action` ran.  log: a
// function that returns the whole log
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

// Returns the Redis key of the only dance.  Call forgetDances() before that
// dance starts.
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
