// FHIR R4's types decide which strings are links.  Every resource, with a value
// in every element, is rewritten as HL7's definitions say.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { elementsOf, isLink, isPrimitive, resources, typeOf } from
  '../lib/fhir_types.mjs';
import { buildProbe, rewriteLinks } from '../lib/links.mjs';

const BASES = ['https://fhir.cigna.com/PatientAccess/v1'];
const OWN = 'https://health.acme.example/fhir';
const URL = `${BASES[0]}/Patient/1`;

// Resources for the places that take any resource.  Together they have the keys
// that are links in some resources and not in others.
const WITHIN = ['DetectedIssue', 'Endpoint', 'Questionnaire'];

// Objects nested deeper than this are filled only if they are flat.
const DEPTH_MAX = 4;

const NUMBERS = new Set(['boolean', 'decimal', 'integer', 'positiveInt',
                         'unsignedInt']);

function isFlat(type) {
  return elementsOf(type).every(([key]) => key === 'extension'
    || isPrimitive(typeOf(type, key)));
}

// Returns an instance of `node` with a value in every element.  `above` has the
// nodes around `node`.
function filled(node, above = []) {
  const value = {};
  const within = [...above, node];

  for (const [key] of elementsOf(node)) {
    const type = typeOf(node, key);

    if (isPrimitive(type)) {
      value[key] = NUMBERS.has(type) ? 1 : URL;
      if (above.length === 0) {
        value[`_${key}`] = { id: URL, extension: [extension()] };
      }
    } else if (type === 'Resource') {
      value[key] = above.length < 2
        ? WITHIN.map((name) => resource(name, [...within, 'Resource'])) : [];
    } else if (type === 'Extension') {
      value[key] = above.length < 2 ? [extension()] : [];
    } else if (!within.includes(type)
               && (within.length < DEPTH_MAX || isFlat(type))) {
      // lists and single values take turns; their types are the same
      value[key] = within.length % 2 ? [filled(type, within)]
        : filled(type, within);
    }
  }
  return value;
}

const extension = () => ({
  url: URL, valueUrl: URL, valueUri: URL, valueCanonical: URL,
  valueReference: { reference: URL, type: URL },
  valueAttachment: { url: URL, title: URL },
  valueExpression: { reference: URL },
  valueRelatedArtifact: { url: URL, resource: URL, document: { url: URL } },
  valueTriggerDefinition: { condition: { reference: URL } },
  extension: [{ url: URL, valueUrl: URL }],
});

function resource(name, above = []) {
  return { resourceType: name, ...filled(name, above) };
}

const inBundle = (value) => ({ resourceType: 'Bundle', entry: [
  { resource: value, response: { outcome: value } }] });

const inParameters = (value) => ({ resourceType: 'Parameters', parameter: [
  { resource: value }, { part: [{ resource: value }] }] });

test('every element of FHIR R4 is rewritten according to its '
  + 'type', async (t) => {
  const gateways = buildProbe(t, OWN);
  const own = (text) => rewriteLinks(text, { bases: BASES, own: OWN });
  const links = (text) => text.split(`"${OWN}/`).length - 1;
  let n = 0;

  assert.equal(resources.length, 146);

  for (const name of resources) {
    await t.test(`links in ${name} are rewritten by their types`, () => {
      const value = resource(name);

      for (const whole of [value, inBundle(value), inParameters(value)]) {
        const text = JSON.stringify(whole);
        const expected = own(text);
        n += links(expected);
        assert.equal(gateways(text, '65536,61', BASES), expected);
      }
    });
  }
  assert.ok(n > 50000, `${n} links`);
});

test('an extension\'s value of type url is rewritten, and the extension\'s own '
  + 'url is not', (t) => {
  const text = JSON.stringify({ resourceType: 'Patient',
                                extension: [extension()] });
  const value = JSON.parse(buildProbe(t, OWN)(text, '7', BASES)).extension[0];
  const ours = `${OWN}/Patient/1`;

  assert.deepEqual(value, {
    ...extension(),
    valueUrl: ours,
    valueReference: { reference: ours, type: URL },
    valueAttachment: { url: ours, title: URL },
    valueRelatedArtifact: { url: ours, resource: URL,
                            document: { url: ours } },
    extension: [{ url: URL, valueUrl: ours }],
  });
});

test('the definitions tell ambiguous fields apart', () => {
  for (const [node, key, expected] of [
    ['Reference', 'reference', true], ['Expression', 'reference', false],
    ['Immunization.education', 'reference', false],
    ['DetectedIssue', 'reference', false], ['Bundle.link', 'url', true],
    ['TestScript.metadata.link', 'url', false],
    ['ElementDefinition', 'defaultValueUrl', true],
    ['ElementDefinition', 'fixedUrl', true],
    ['ElementDefinition', 'patternUrl', true],
    ['ImplementationGuide.manifest.resource', 'relativePath', true],
    ['Extension', 'url', false], ['Extension', 'valueUrl', true],
    ['AuditEvent.agent.network', 'address', false],
  ]) {
    assert.equal(isLink(node, key), expected, `${node}.${key}`);
  }
});
