// The metadata documents, which need no token.

const TYPES = [
  'AllergyIntolerance', 'CarePlan', 'CareTeam', 'Condition', 'Coverage',
  'Device', 'DiagnosticReport', 'DocumentReference', 'Encounter',
  'ExplanationOfBenefit', 'Goal', 'Immunization', 'Location', 'Medication',
  'MedicationRequest', 'Observation', 'Organization', 'Patient',
  'Practitioner', 'PractitionerRole', 'Procedure', 'Provenance',
];

// The parameters of each search.  Most types also have "patient".  A search
// with any other parameter gets 400.
const COMMON_PARAMETERS = ['_id', '_count', '_format', '_lastUpdated'];
const WITHOUT_PATIENT = ['Patient', 'Practitioner', 'PractitionerRole',
                         'Organization', 'Location', 'Medication'];

export const isSupported = (type) => TYPES.includes(type);

export function searchParameters(type) {
  return WITHOUT_PATIENT.includes(type)
    ? COMMON_PARAMETERS : [...COMMON_PARAMETERS, 'patient'];
}

export function capabilityStatement(endpoints) {
  const uri = (url, valueUri) => ({ url, valueUri });
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2024-01-01',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [{
      mode: 'server',
      security: {
        service: [{ coding: [{ code: 'SMART-on-FHIR' }] }],
        extension: [{
          url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/'
            + 'oauth-uris',
          extension: [uri('authorize', endpoints.authorize),
                      uri('token', endpoints.token)],
        }],
      },
      resource: TYPES.map((type) => ({
        type,
        interaction: [{ code: 'read' }, { code: 'search-type' }],
        searchParam: searchParameters(type).map((name) => ({
          name, type: name === 'patient' ? 'reference' : 'token',
        })),
      })),
    }],
  };
}

export function smartConfiguration({ issuer, endpoints, scopes, modes }) {
  return {
    issuer,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    jwks_uri: endpoints.jwks,
    revocation_endpoint: endpoints.revoke,
    introspection_endpoint: endpoints.introspect,
    userinfo_endpoint: endpoints.userinfo,
    grant_types_supported: ['authorization_code', 'refresh_token'],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'none'],
    scopes_supported: scopes,
    capabilities: ['launch-standalone', 'client-public',
                   'client-confidential-symmetric', 'permission-patient'],
    ...(modes.get('iss_parameter') !== 'off' && {
      authorization_response_iss_parameter_supported: true,
    }),
    ...modes.get('smart_configuration'),
  };
}
