// Many tenants of one gateway: their blocks, and a location that serves
// whichever a request names.

import { lines } from './gateway.mjs';

// n names: prefix0, prefix1, ...
export const named = (prefix, n) =>
  Array.from({ length: n }, (_, i) => `${prefix}${i}`);

// Their blocks, with the endpoints of the gateway's stand-in; settings: lines
// over the usual ones, or a function of the name that has them.
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

// The tenant is what the line X-Tenant says, and the member what X-Who says:
// the operator's decision, as the lines go through a map.
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

// A request of nobody's, which the tenant's counters have as one for metadata.
export const metadataOf = (gw, tenant) => gw.visitor()
  .get('/named/metadata', { headers: { 'X-Tenant': tenant } });
