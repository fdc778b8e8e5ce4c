// What the stand-in is told at start: a JSON file, or flags, or both (a flag
// wins).

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const DEFAULTS = {
  host: 'localhost',        // in URLs that other programs call
  browser_host: null,       // in URLs that a browser opens; as host if null
  cert_names: [],           // further names in the server's certificate
  directory: null,          // for certificates; required
  port: 0,                  // authorization server
  fhir_port: 0,
  control_port: 0,
  members: 0,               // syntheticuser0001, ..., beside the ten
  marker: 'MARKsecret',     // in every secret made here: see markers.mjs
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
};

const NUMBERS = ['port', 'fhir_port', 'control_port', 'members'];

export class ConfigError extends Error {}

function fromFlags({ config, client, ...flags }) {
  const settings = Object.fromEntries(Object.entries(flags).map(
    ([name, value]) => [name.replace('-', '_'), value]));
  for (const name of NUMBERS.filter((name) => name in settings)) {
    settings[name] = Number(settings[name]);
  }
  return client ? { ...settings, clients: client.map((text) =>
    JSON.parse(text)) } : settings;
}

export function readConfig(args) {
  const { values } = parseArgs({ args, options: FLAGS });
  const file = values.config
    ? JSON.parse(readFileSync(values.config, 'utf8')) : {};
  const config = { ...DEFAULTS, ...file, ...fromFlags(values) };

  const strange = Object.keys(config).find((name) => !(name in DEFAULTS));
  if (strange) {
    throw new ConfigError(`unknown setting "${strange}"; there are: `
      + Object.keys(DEFAULTS).join(', '));
  }
  if (!config.directory) {
    throw new ConfigError('directory is required: certificates go there');
  }
  const wrong = NUMBERS.find((name) => !Number.isInteger(config[name])
    || config[name] < 0);
  if (wrong) {
    throw new ConfigError(`${wrong} is not a number`);
  }
  config.browser_host ??= config.host;
  return config;
}

// A client registration as oidc-provider wants it.  A confidential client
// that comes without a secret is given one.
export function completeClient(client, markers) {
  const { client_id: clientId, redirect_uris: redirectUris } = client;
  if (typeof clientId !== 'string' || !Array.isArray(redirectUris)) {
    throw new ConfigError('a client has client_id and redirect_uris');
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
