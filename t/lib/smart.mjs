// A second implementation of writing OAuth endpoints into public metadata.  It
// is independent of the gateway's: it works on values rather than on text.

const OAUTH
  = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

const NAMES = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  manage: 'management_endpoint',
  introspect: 'introspection_endpoint',
  revoke: 'revocation_endpoint',
  register: 'registration_endpoint',
};

function statement(document, wanted) {
  const uris = Object.entries(NAMES)
    .filter(([, name]) => Object.hasOwn(wanted, name))
    .map(([url, name]) => ({ url, valueUri: wanted[name] }));

  for (const rest of document.rest ?? []) {
    if (uris.length && rest.mode !== 'client') {
      rest.security ??= {};
      rest.security.extension ??= [];

      let oauth = rest.security.extension.find(({ url }) => url === OAUTH);
      if (!oauth) {
        oauth = { url: OAUTH };
        rest.security.extension.push(oauth);
      }
      oauth.extension ??= [];

      for (const one of uris) {
        const there = oauth.extension.find(({ url }) => url === one.url);
        if (there) {
          there.valueUri = one.valueUri;
        } else {
          oauth.extension.push(one);
        }
      }
    }
  }
  return document;
}

// Returns a copy of the document with these endpoints, with its members in the
// order in which the gateway writes them.  document: a CapabilityStatement or a
// smart-configuration, as a value; wanted: { field of smart-configuration: URL
// }
export function withEndpoints(document, wanted) {
  const copy = structuredClone(document);
  return copy.resourceType === 'CapabilityStatement'
    ? statement(copy, wanted) : { ...copy, ...wanted };
}
