// Reads and writes records of the vault in Redis.

import { connected, grantKeys } from './fhir.mjs';

// Returns the fields of a hash: { field: value }.
export async function readRecord(gw, key) {
  const flat = await gw.redis.command('HGETALL', key);
  return Object.fromEntries(flat.map((one, i) => [one, flat[i + 1]])
    .filter((_, i) => i % 2 === 0));
}

export async function writeRecord(gw, key, fields) {
  await gw.redis.command('DEL', key);
  await gw.redis.command('HSET', key, ...Object.entries(fields).flat());
}

// Connects a member.  Returns the visitor and the Redis key of the new grant:
// { visitor, key }.
export async function withKey(gw, options) {
  const before = await grantKeys(gw);
  const visitor = await connected(gw, options);
  const [key] = (await grantKeys(gw)).filter((one) => !before.includes(one));
  return { visitor, key };
}

// Copies all grants to another Redis.
export async function copyRecords(gw, redis) {
  for (const key of await grantKeys(gw)) {
    const fields = await gw.redis.command('HGETALL', key);
    await redis.command('HSET', key, ...fields);
    await redis.command('PEXPIRE', key, 3600000);
  }
}

// Returns the text with one bit flipped in the byte at `at`.  A negative `at`
// counts from the end.
export function flipped(text, at) {
  const bytes = Buffer.from(text, 'latin1');
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  return bytes.toString('latin1');
}

// Counts the grants that each sealing key has sealed: { key id in hex: count }.
export async function grantsByKey(gw) {
  const counts = {};

  for (const key of await grantKeys(gw)) {
    const blob = await gw.redis.command('HGET', key, 'b');
    if (blob) {
      const id = Buffer.from(blob, 'latin1').subarray(33, 41).toString('hex');
      counts[id] = (counts[id] ?? 0) + 1;
    }
  }
  return counts;
}
