// A gateway whose fhir_base is a recorder, so that a test sees the requests for
// public metadata there and chooses the answers.

import { authority } from '../../scripts/lib/ca.mjs';
import { capabilityStatement, smartConfiguration }
  from '../../scripts/sandbox/fhir/metadata.mjs';
import { standardGateway } from './gateway.mjs';
import { BASE, startRecorder } from './recorder.mjs';
import { scratchDirectory } from './scratch.mjs';

// The gateway keeps no reply to a request with this query.  It proxies each
// one.
export const PROXIED = '?_summary=true';

export const PATHS = {
  metadata: `${BASE}/metadata`,
  configuration: `${BASE}/.well-known/smart-configuration`,
};

const ENDPOINTS = Object.fromEntries(
  ['authorize', 'token', 'jwks', 'revoke', 'introspect', 'userinfo']
    .map((name) => [name, `https://r-hi2.cigna.com/mga/sps/${name}`]));

export const STATEMENT = {
  ...capabilityStatement(ENDPOINTS),
  url: `https://fhir.cigna.com${BASE}/CapabilityStatement/1`,
  implementation: { description: 'x', url: `https://fhir.cigna.com${BASE}` },
};

export const CONFIGURATION = smartConfiguration({
  issuer: 'https://r-hi2.cigna.com', endpoints: ENDPOINTS, scopes: ['openid'],
  modes: new Map(),
});

// options: those of standardGateway(), but "locations" is a function that takes
// { recorder, to }.  Returns { gw, recorder, to, answer }.  to: the URL of
// fhir_base for proxy_pass; answer: a function that sets the recorder's reply
// to requests for a path
export async function metadataGateway(t, options = {}) {
  const tls = scratchDirectory(t, 'tls');
  const recorder = await startRecorder(t, { ca: authority(tls) });
  const to = `https://127.0.0.1:${recorder.port}${BASE}/`;

  // value: a text, a Buffer, or a value that becomes JSON
  const answer = (path, value, lines, status = 200) =>
    recorder.on(path, (request, reply) => {
      reply.writeHead(status, { 'Content-Type': 'application/json', ...lines });
      reply.end(typeof value === 'string' || Buffer.isBuffer(value) ? value
        : JSON.stringify(value));
    });

  answer(PATHS.metadata, STATEMENT);
  answer(PATHS.configuration, CONFIGURATION);

  const gw = await standardGateway(t, {
    tls,
    ...options,
    tenant: { fhir_base: `https://localhost:${recorder.port}${BASE}`,
              ...options.tenant },
    http: `    cigna_upstream_alias https://fhir.cigna.com${BASE};
${options.http ?? ''}`,
    locations: [options.locations({ recorder, to })].flat().join('\n'),
  });
  return { gw, recorder, to, answer };
}
