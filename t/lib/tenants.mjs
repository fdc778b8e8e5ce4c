// Many tenants of one gateway: their blocks, and a location that serves the
// tenant that a request names.

import { lines } from './gateway.mjs';

// Returns n names: prefix0, prefix1, ...
export const named = (prefix, n) =>
  Array.from({ length: n }, (_, i) => `${prefix}${i}`);

// Returns the blocks of these tenants, with the endpoints of the gateway's
// sandbox.  settings: lines that replace the default ones, or a function that
// takes the tenant's name and returns such lines.
export function tenantBlocks(gw, names, settings = {}) {
  const { info } = gw.sandbox;

  return names.map((name) => `cigna_tenant ${name} {\n${lines({
    fhir_base: info.fhirBase,
    issuer: info.issuer,
    authorization_endpoint: info.authorize,
    token_endpoint: info.token,
    jwks_uri: info.jwks,
    trusted_certificate: gw.ca.certFile,
    client_id: `${name}-client`,
    redirect_uri: `https://${name}.localhost/cigna/callback`,
    ...(typeof settings === 'function' ? settings(name) : settings),
  }, 4)}\n}`).join('\n');
}

// The header X-Tenant names the tenant, and X-Who names the member.  Both go
// through a map, which stands for the operator's decision to believe them.
export const NAMED = `
map $http_x_tenant $named_tenant { "" ""; default $http_x_tenant; }
map $http_x_who $named_member { "" ""; default $http_x_who; }
`;

export const namedLocation = (gw) => `
location /named/ {
    auth_request    off;
    cigna_identity  $named_tenant $named_member;
    cigna_fhir      on;
    proxy_pass      ${gw.sandbox.info.fhirBase}/;
    proxy_ssl_server_name          on;
    proxy_ssl_verify               on;
    proxy_ssl_trusted_certificate  ${gw.ca.certFile};
}`;

// Sends a request for metadata without a member.  The gateway counts the
// request for the tenant that X-Tenant names.
export const metadataOf = (gw, tenant) => gw.visitor()
  .get('/named/metadata', { headers: { 'X-Tenant': tenant } });
