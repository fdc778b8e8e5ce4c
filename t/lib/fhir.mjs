// Requests for members' data and assertions on their replies.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { rawRequest } from './client.mjs';
import { until } from './scratch.mjs';

const SYSTEM = 'urn:cigna-gateway:condition';

// Checks that a reply is an OperationOutcome of the gateway, and returns the
// condition that it names.
export function conditionOf(reply) {
  assert.equal(reply.headers['content-type'], 'application/fhir+json',
               `${reply.status} ${reply.body}`);
  assert.equal(reply.headers['cache-control'], 'no-store, private');

  const outcome = reply.json();
  assert.equal(outcome.resourceType, 'OperationOutcome');
  assert.equal(outcome.issue.length, 1);
  const [{ severity, code, diagnostics, details }] = outcome.issue;

  assert.equal(severity, 'error');
  assert.match(code, /^[a-z-]+$/);
  assert.ok(diagnostics.length > 20, diagnostics);
  assert.equal(details.coding[0].system, SYSTEM);
  return details.coding[0].code;
}

// Checks that a reply refuses a request with this status and this condition.
// code: the issue's "code" in the OperationOutcome, not checked by default;
// connect: the URL for connecting that the reply must name, by default none;
// retry: true if the reply must have Retry-After, else it must have none.
export function assertRefused(reply, status, condition,
                              { code, connect, retry } = {}) {
  assert.equal(`${reply.status} ${conditionOf(reply)}`,
               `${status} ${condition}`);

  const { diagnostics, code: issueCode } = reply.json().issue[0];
  if (code) {
    assert.equal(issueCode, code);
  }
  assert.equal(reply.headers.link,
               connect && `<${connect}>; rel="cigna-connect"`);
  assert.equal(diagnostics.includes('/cigna/connect'), Boolean(connect));
  if (connect) {
    assert.ok(diagnostics.includes(connect), diagnostics);
  }
  if (retry) {
    assert.match(reply.headers['retry-after'] ?? '', /^[1-9][0-9]*$/);
  } else {
    assert.equal(reply.headers['retry-after'], undefined);
  }
}

// Checks that a reply reports the outage of Redis.  The gateway must never
// answer "not connected" instead.
export function assertNoVault(reply) {
  assertRefused(reply, 503, 'vault_unreachable',
                { code: 'transient', retry: true });
}

export function assertServed(reply) {
  assert.equal(reply.status, 200, reply.body);
  assert.equal(reply.headers['cache-control'], 'no-store, private');
}

// Takes a new visitor (a browser, see gateway.mjs) through a dance that ends
// with "connected", and returns the visitor.  life: seconds until the access
// token expires; the tokens of later dances live for an hour.
export async function connected(gw, { life, ...options } = {}) {
  const client = `${options.tenant ?? 'acme'}-client`;
  if (life) {
    await gw.sandbox.control.set({ access_token_lifetime: life }, client);
  }
  const { outcome, visitor, response } = await gw.dance({ member: 'alice',
                                                          ...options });
  assert.equal(outcome, 'connected', response?.body);
  if (life) {
    await gw.sandbox.control.set({ access_token_lifetime: 3600 }, client);
  }
  return visitor;
}

// Connects these members of the tenant acme, and returns their visitors when
// all their access tokens have expired.
export async function expired(gw, ...members) {
  const { control } = gw.sandbox;

  await control.set({ access_token_lifetime: 1 }, 'acme-client');
  const visitors = [];
  for (const member of members) {
    visitors.push(await connected(gw, { member }));
  }
  await control.set({ access_token_lifetime: 3600 }, 'acme-client');
  await sleep(1100);
  return visitors;
}

// Counts the refresh requests that the sandbox got from one client, or from all
// clients: { outcome: number }.
export async function refreshes(gw, client) {
  const { token } = await gw.sandbox.control.see({ client_id: client });
  return token.by.refresh_token ?? {};
}

export async function refreshCount(gw, client) {
  return Object.values(await refreshes(gw, client))
    .reduce((sum, one) => sum + one, 0);
}

// Waits for a line of the access log with this target.  Returns the last such
// line and its fields "name=value": { line, name: value }.
export async function logged(gw, target) {
  const line = await until(`${target} is in the access log`, () =>
    gw.nginx.accessLog().split('\n').findLast((one) =>
      one.includes(` ${target} HTTP/`)));

  return { line, ...Object.fromEntries(
    [...line.matchAll(/ (\w+)=(\S+)/g)].map(([, k, v]) => [k, v])) };
}

// Sends raw bytes to a tenant's server and returns the reply.
export function raw(gw, bytes, { tenant = 'acme', ...options } = {}) {
  return rawRequest({ port: gw.port, ca: gw.caText,
                      servername: `${tenant}.localhost` }, bytes, options);
}

// Sends a member's GET to the tenant acme with these additional header lines.
// The connection closes after the reply.
export function rawGet(gw, target, lines = [], { member = 'alice' } = {}) {
  return raw(gw, [
    `GET ${target} HTTP/1.1`,
    `Host: acme.localhost:${gw.port}`,
    `Cookie: session=${member}`,
    'Connection: close',
    ...lines, '', '',
  ].join('\r\n'));
}

// Returns the Redis keys of all grants.
export function grantKeys(gw) {
  return gw.redis.command('KEYS', '*:g:*');
}
