// The type of each element of FHIR R4, from HL7's StructureDefinitions as the
// fhirpath package ships them.

import { readFileSync } from 'node:fs';

import { TOP } from './scratch.mjs';

const read = (name) => JSON.parse(readFileSync(
  `${TOP}/scripts/node_modules/fhirpath/fhir-context/r4/${name}.json`));

// { 'Patient.photo': 'Attachment' }
const TYPES = read('path2Type');
const ELSEWHERE = read('pathsDefinedElsewhere');
const PARENTS = read('type2Parent');

// Elements of type uri or string that hold a link all the same.
const PLACES = new Set([
  'Bundle.link.url', 'Bundle.entry.fullUrl', 'Bundle.entry.request.url',
  'Bundle.entry.response.location', 'Reference.reference',
]);

const nodes = new Map();
for (const [path, type] of Object.entries(TYPES)) {
  const dot = path.lastIndexOf('.');
  if (dot > 0) {
    const node = path.slice(0, dot);
    nodes.set(node, nodes.get(node) ?? new Map())
      .get(node).set(path.slice(dot + 1), type.code ?? type);
  }
}
for (const path of Object.keys(ELSEWHERE)) {
  const dot = path.lastIndexOf('.');
  nodes.get(path.slice(0, dot)).set(path.slice(dot + 1), 'elsewhere');
}

const isResource = (type) => type !== undefined
  && (type === 'Resource' || isResource(PARENTS[type]));

// The types of resources that have instances.
export const resources = [...nodes.keys()].filter((node) => isResource(node)
  && node !== 'Resource' && node !== 'DomainResource');

// [key, type] of each element that an object may have.
export const elementsOf = (node) => [...nodes.get(node) ?? []];

export const isPrimitive = (type) => /^(System\.|[a-z])/.test(type);

const typeIn = (node, key) => {
  const type = nodes.get(node).get(key);
  if (type === 'elsewhere') {
    return ELSEWHERE[`${node}.${key}`];
  }
  return type === 'BackboneElement' || type === 'Element'
    ? `${node}.${key}` : type;
};

const isLinkIn = (node, key) => typeIn(node, key) === 'url'
  || PLACES.has(`${node}.${key}`);

// Other FHIR versions have elements in places where R4 has none.  For those the
// key decides, if R4 gives it the same type everywhere.
const typesByKey = new Map();
const linksByKey = new Map();
for (const [node, elements] of nodes) {
  for (const key of elements.keys()) {
    const type = typeIn(node, key);
    if (isPrimitive(type)) {
      linksByKey.set(key, (linksByKey.get(key) ?? true) && isLinkIn(node, key));
    } else {
      typesByKey.set(key, (typesByKey.get(key) ?? type) === type && type);
    }
  }
}

// The type of a key's value: the name of a primitive type, "Resource", or the
// node of an object, which can be passed to these functions again.
export function typeOf(node, key) {
  if (nodes.get(node)?.has(key)) {
    return typeIn(node, key);
  }
  return key.startsWith('_') && nodes.get(node)?.has(key.slice(1))
    ? 'Element' : typesByKey.get(key) || undefined;
}

// Whether a string is a link.  An object that R4 does not know and that has a
// "reference" is a Reference, unless it is a resource.
export function isLink(node, key) {
  if (nodes.get(node)?.has(key)) {
    return isLinkIn(node, key);
  }
  return linksByKey.get(key) || (key === 'reference' && !isResource(node));
}
