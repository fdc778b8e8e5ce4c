// Valid configurations of a gateway with a test's changes, and the verdict of
// nginx -t on them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { lines } from './gateway.mjs';
import { prepareNginx } from './nginx.mjs';
import { TOP, scratchDirectory } from './scratch.mjs';

export const SECRET = 'SECRET-in-a-file';
export const KEYS = execFileSync(`${TOP}/scripts/keygen`, { encoding: 'utf8' });

const VAULT = { redis: 'redis://127.0.0.1:6379/0', keys: 'keys' };

export const TENANT = {
  environment: 'sandbox',
  client_id: 'acme-client',
  client_secret_file: 'acme.secret',
  redirect_uri: 'https://acme.example/cigna/callback',
  return_to: 'https://acme.example/',
};

const SERVER = {
  set: '$member alice',
  cigna_identity: 'acme $member',
};

const FHIR = {
  cigna_fhir: 'on',
  proxy_pass: 'https://127.0.0.1/',
  proxy_ssl_verify: 'on',
  proxy_ssl_trusted_certificate: '/etc/ssl/certs/ca-certificates.crt',
};

export const LOCATIONS = [
  'location = /cigna/connect { cigna_connect; }',
  'location = /cigna/callback { cigna_callback; }',
].join('\n');

export const block = (name, settings, { over, text = '' } = {}) =>
  (settings === null ? ''
    : `${name} {\n${lines({ ...over, ...settings }, 4)}\n${text}\n}\n`);

// Returns the text inside http {} of a valid configuration, with a test's
// changes.  vault, tenant, server, fhir: { directive: argument } of these
// blocks, where null leaves a directive out; vault, tenant, fhir or zone: null
// leaves the whole block or line out; above: text at the top; vaults, tenants:
// text of more blocks; within: text in location /fhir/.
export function http({ resolver = 'resolver 127.0.0.1;', above = '',
                       zone = 'zone=cigna:1m', vault = {}, vaults = '',
                       tenant = {}, tenants = '', server = {}, fhir = {},
                       within = '', locations = LOCATIONS } = {}) {
  return [
    resolver,
    above,
    zone === null ? '' : `cigna_zone ${zone};`,
    'server {',
    'listen 127.0.0.1:18999;',
    lines({ ...SERVER, ...server }, 0),
    locations,
    block('location /fhir/', fhir, { over: FHIR, text: within }),
    '}',
    block('cigna_vault', vault, { over: VAULT }),
    vaults,
    block('cigna_tenant acme', tenant, { over: TENANT }),
    tenants,
  ].join('\n');
}

// Puts `directory` in front of the file names that have no absolute path.
export function beside(directory, text) {
  return text.replaceAll(
    /\b(keys|\w+_file|trusted_certificate) (?!\/)/g, `$1 ${directory}/`);
}

// Runs nginx -t.  Returns { code, output, text }, with the whole configuration
// as text.  files: { name: content, or { content, mode } } for file names in
// the configuration that have no absolute path; env and main as in
// startNginx(); the other options are changes for http().
export async function check(t, { files = {}, env, main, ...changes }) {
  const directory = scratchDirectory(t, 'config');
  const all = { keys: KEYS, 'acme.secret': `${SECRET}\n`, ...files };

  for (const [name, file] of Object.entries(all)) {
    const { content = file, mode = 0o600 } = file;
    writeFileSync(`${directory}/${name}`, content, { mode });
  }
  mkdirSync(`${directory}/directory`);

  const nginx = prepareNginx(t, {
    http: beside(directory, http(changes)),
    main,
    // nginx -t frees no memory before it exits.
    env: { ASAN_OPTIONS: 'detect_leaks=0:exitcode=99', ...env },
  });
  const { code, output } = await nginx.test();

  // The messages of nginx -t hold no secret.
  for (const secret of [SECRET, ...KEYS.match(/[\w-]{43}/g)]) {
    assert.ok(!output.includes(secret), 'a secret is in the output');
  }
  return { code, output, text: nginx.file('nginx.conf') };
}

export function accepts(sentence, changes) {
  test(`nginx -t accepts ${sentence}`, async (t) => {
    const { code, output } = await check(t, changes);
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /\[(warn|error|alert|emerg)\]/);
  });
}

export function refuses(sentence, changes, ...patterns) {
  test(`nginx -t refuses ${sentence}`, async (t) => {
    const { code, output } = await check(t, changes);
    assert.equal(code, 1, output);
    for (const pattern of patterns) {
      assert.match(output, pattern);
    }
    // The message names the file and the line.
    assert.match(output, /\[emerg\] .* in \S+nginx\.conf:\d+/);
  });
}
