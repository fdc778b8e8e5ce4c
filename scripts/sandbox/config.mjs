// The settings of the stand-in, from a JSON file, from flags, or from both.  A
// flag overrides the file.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const DEFAULTS = {
  host: 'localhost',        // host in the URLs that programs call
  browser_host: null,       // host in the URLs that browsers open; null: `host`
  cert_names: [],           // more names in the server's certificate
  directory: null,          // required: the directory for certificates
  port: 0,                  // port of the authorization server; 0: a free one
  fhir_port: 0,
  control_port: 0,
  members: 0,               // more members: syntheticuser0001, ...
  marker: 'MARKsecret',     // part of every secret: see markers.mjs
  clients: [],
  modes: {},
};

const FLAGS = {
  'config': { type: 'string' },
  'host': { type: 'string' },
  'browser-host': { type: 'string' },
  'directory': { type: 'string' },
  'port': { type: 'string' },
  'fhir-port': { type: 'string' },
  'control-port': { type: 'string' },
  'members': { type: 'string' },
  'marker': { type: 'string' },
  'client': { type: 'string', multiple: true },
  'help': { type: 'boolean', short: 'h' },
};

// The text that --help prints.
export const HELP = `\
Runs the stand-in for Cigna: an authorization server and a FHIR server.

usage: node scripts/sandbox/server.mjs --directory DIR [options]

  --directory DIR      where the certificates are, or will be made
  --config FILE        settings from a JSON file; options override them
  --host NAME          host in the URLs that programs call (localhost)
  --browser-host NAME  host in the URLs that browsers open (the same)
  --port N, --fhir-port N, --control-port N
                       ports (free ones)
  --members N          N more members: syntheticuser0001, ...
  --marker TEXT        part of every secret (MARKsecret)
  --client JSON        a client registration, with client_id and redirect_uris;
                       repeat it for more

Prints one line of JSON when it is ready.  Ends on SIGTERM and SIGINT.  Also
ends when a pipe on its standard input closes and when its parent ends, and says
so on standard error.
`;

const NUMBERS = ['port', 'fhir_port', 'control_port', 'members'];

export class ConfigError extends Error {}

function parseJson(text, what) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`${what} is not JSON`);
  }
}

function readJson(file) {
  try {
    return parseJson(readFileSync(file, 'utf8'), `"${file}"`);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw error;
    }
    throw new ConfigError(`cannot read "${file}" (${error.code})`);
  }
}

function parseFlags(args) {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch ({ message }) {
    throw new ConfigError(message.split(/\.?\s*\n|\. /)[0]);
  }
}

function fromFlags({ config, client, ...flags }) {
  const settings = Object.fromEntries(Object.entries(flags).map(
    ([name, value]) => [name.replace('-', '_'), value]));
  for (const name of NUMBERS.filter((name) => name in settings)) {
    settings[name] = Number(settings[name]);
  }
  return client ? { ...settings, clients: client.map((text) =>
    parseJson(text, '--client')) } : settings;
}

// Returns the settings, or null if --help is among the arguments.
//   settings  takes the place of the JSON file if there is no --config
export function readConfig(args, settings) {
  const { help, ...values } = parseFlags(args);
  if (help) {
    return null;
  }
  const file = values.config ? readJson(values.config) : settings;
  const config = { ...DEFAULTS, ...file, ...fromFlags(values) };

  const strange = Object.keys(config).find((name) => !(name in DEFAULTS));
  if (strange) {
    throw new ConfigError(`unknown setting "${strange}"; the settings are: `
      + Object.keys(DEFAULTS).join(', '));
  }
  if (!config.directory) {
    throw new ConfigError('directory is required, for certificates');
  }
  const wrong = NUMBERS.find((name) => !Number.isInteger(config[name])
    || config[name] < 0);
  if (wrong) {
    throw new ConfigError(`${wrong} is not a number`);
  }
  config.browser_host ??= config.host;
  return config;
}

// Returns a client registration for oidc-provider.  A confidential client
// without a secret gets one.
export function completeClient(client, markers) {
  const { client_id: clientId, redirect_uris: redirectUris } = client;
  if (typeof clientId !== 'string' || !Array.isArray(redirectUris)) {
    throw new ConfigError('a client needs client_id and redirect_uris');
  }
  const method = client.token_endpoint_auth_method ?? 'client_secret_post';
  return {
    client_id: clientId,
    redirect_uris: redirectUris,
    token_endpoint_auth_method: method,
    client_name: client.client_name ?? clientId,
    ...(method !== 'none' && {
      client_secret: client.client_secret ?? markers.clientSecret(clientId),
    }),
  };
}
