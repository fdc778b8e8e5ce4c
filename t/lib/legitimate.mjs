// Requests that apps send to Cigna's FHIR server: targets below a location,
// without the location's own path, and header lines.  All of them must arrive
// byte for byte.

import { loadHistories } from '../../scripts/sandbox/fhir/samples.mjs';

const TYPES = ['AllergyIntolerance', 'CarePlan', 'CareTeam', 'Condition',
               'Coverage', 'Device', 'DiagnosticReport', 'DocumentReference',
               'Encounter', 'ExplanationOfBenefit', 'Goal', 'Immunization',
               'Location', 'MedicationRequest', 'Observation', 'Organization',
               'Patient', 'Practitioner', 'Procedure'];

const cursor = (length) => Array.from({ length }, (_, i) =>
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[
    (i * i + 7 * i) % 64]).join('');

// Targets that were recorded at Cigna's server.
const RECORDED = [
  '', '?', 'metadata', 'metadata?_format=json',
  '.well-known/smart-configuration', '$userinfo', '%24userinfo', 'Patient',
  'Patient?', 'Patient/',
  'Patient?_id=A00000000000005', 'Patient/A00000000000005',
  'Patient/A00000000000005/$everything',
  'Patient/A00000000000005/%24everything',
  'Patient/A00000000000005/$everything?_count=50&_type=Coverage,Encounter',
  'Patient/ifp-A00000000000005', 'Patient/c16-A00000000000005',
  'Patient/com-1.2.3', 'Patient/esi-a_b', 'Patient/gov-0', 'Patient/evi-~1',
  'Patient/1/_history', 'Patient/1/_history/1',
  'Patient/1/_history/2?_pretty=1',
  '?_getpages=8f4a3b2c-1d5e-4f6a-9b7c-0d1e2f3a4b5c&_getpagesoffset=10&_count=10'
    + '&_bundletype=searchset',
  '?_getpages=8f4a&_getpagesoffset=20&_count=10&_format=json&_pretty=true',
  '?_type=Patient,Coverage', '?_lastUpdated=gt2020-01-01T00:00:00%2B01:00',
  `?_getpages=${cursor(7000)}&_getpagesoffset=10`,
  `Patient?ct=${cursor(7168)}%3D%3D`,
  `ExplanationOfBenefit?page=${cursor(4096)}`,
];

// One example of each form that a query may have.
const QUERIES = [
  'patient=A00000000000005', 'patient=Patient/A00000000000005',
  'patient=Patient%2FA00000000000005', 'patient:Patient=1',
  'identifier=http://hl7.org/fhir/sid/us-ssn|000-00-0000',
  'identifier=http%3A%2F%2Fexample.org%7C123', 'identifier=|123',
  'code=http://loinc.org|8480-6,http://loinc.org|8462-4',
  'code=8480-6%2C8462-4', 'code:text=blood%20pressure', 'code:text=a+b',
  'name=Ren\xc3\xa9e', 'name=Ren%C3%A9e', 'name=%E6%9D%8E', 'name=\xe6\x9d\x8e',
  'name=O%27Hara', "name=O'Hara", 'name=a%26b', 'name=a%3Db', 'name=%25',
  'name=%2525', 'name=', 'name', '&', '&&patient=1&', 'a=b&a=c&a=d',
  'date=ge2020-01-01&date=le2020-12-31', 'date=2020-01-01T10:00:00-05:00',
  '_count=100&_sort=-date,code', '_elements=id,meta.lastUpdated',
  '_include=Coverage:payor', '_include:iterate=Coverage:payor:Organization',
  '_revinclude=Observation:subject', '_has:Observation:patient:code=1234-5',
  '_summary=count', '_format=application/fhir%2Bjson', '_format=json',
  'near=42.256500%7C-83.694810%7C11.20%7Ckm', 'value-quantity=5.4|http://u|mg',
  'url=https://example.org/a?b=c&d=e', 'x=a/../b', 'x=..%2f..', 'x=//', 'x=\\',
  'x=;y', 'x=%0d%0a', 'x=%00', 'x=<>"^`{}[]', 'x=~!*()@:$,', 'x=%ff', 'x=\xff',
  'x=%', 'x=%zz', 'x=?', '?', '??x', 'x=HTTP/1.1', `x=${'y'.repeat(2000)}`,
];

// Ids and names that a path may hold.
const IDS = [
  '1', 'a', 'A.b-C.9', '-', '.a', 'a.', '..a', '...', 'a..b', '_', '~',
  '0'.repeat(64), 'x'.repeat(600), '2cd30bd6-3a87-4191-af90-6daa70f58f55',
  'urn:uuid:2cd30bd6', 'a:b', 'a,b', 'a=b', 'a&b', 'a|b', 'a%7Cb', 'a%7cb',
  'a$b', '$x', '%24x', 'a@b', 'a%40b', 'a+b', 'a%20b', 'a!b', 'a*b', "a'b",
  'a(b)', 'Ren\xc3\xa9e', 'Ren%C3%A9e', 'Ren%c3%a9e', '%E6%9D%8E', '%41', '%2d',
  '%F0%9F%98%80', '\xf0\x9f\x98\x80', 'HTTP', 'a%26b', 'a%3Db', 'a%22b',
  'a%3Cb',
];

function recordedIds() {
  const ids = loadHistories().flatMap(({ groups }) =>
    Object.entries(groups).flatMap(([type, resources]) =>
      resources.slice(0, 4).map(({ id }) => `${type}/${id}`)));
  return [...new Set(ids)];
}

export function legitimateTargets() {
  const all = [
    ...RECORDED, ...IDS.map((id) => `Patient/${id}`),
    ...QUERIES.map((query) => `Observation?${query}`),
    ...TYPES.flatMap((type) => [
      `${type}?patient=A00000000000005`,
      `${type}?patient=A00000000000005&_count=10&_sort=-_lastUpdated`,
      `${type}/A.1-b`, `Patient/1/${type}`, `${type}/$export?_since=2020`]),
    ...recordedIds(),
  ];
  return [...new Set(all)];
}

// Header lines that pass unchanged.
export const LEGITIMATE_LINES = [
  [],
  ['Accept: application/fhir+json', 'User-Agent: fhirclient/2.5.2'],
  ['Accept: application/fhir+json;q=1.0, */*;q=0.1', 'Accept-Language: de, en',
   'Accept-Charset: utf-8'],
  ['Accept: */*', 'Accept-Encoding: gzip, deflate, br',
   'User-Agent: a "b" (c)'],
  ['If-None-Match: W/"3"', 'If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT'],
  ['Prefer: handling=lenient; return=minimal',
   'Content-Type: application/json'],
  ['Range: bytes=0-99', 'If-Range: "3"'],
  ['User-Agent: J\xc3\xbcrgen', 'Prefer: respond-async'],
];
