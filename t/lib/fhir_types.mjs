// The type of each element of FHIR R4, from HL7's StructureDefinitions as the
// fhirpath package ships them.

import { readFileSync } from 'node:fs';

import { TOP } from './scratch.mjs';

const read = (name) => JSON.parse(readFileSync(
  `${TOP}/scripts/node_modules/fhirpath/fhir-context/r4/${name}.json`));

// types by path, such as { 'Patient.photo': 'Attachment' }
const TYPES = read('path2Type');
const ELSEWHERE = read('pathsDefinedElsewhere');
const PARENTS = read('type2Parent');

// Elements that hold a link although their type is uri or string.
const PLACES = new Set([
  'Bundle.link.url', 'Bundle.entry.fullUrl', 'Bundle.entry.request.url',
  'Bundle.entry.response.location', 'Reference.reference',
]);

// Maps each node to its elements: { key: type }.  A node is a type, or the path
// of a nested object, such as Patient.contact.
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

// The types of resources, without the abstract ones.
export const resources = [...nodes.keys()].filter((node) => isResource(node)
  && node !== 'Resource' && node !== 'DomainResource');

// Returns [key, type] of each element that an object of this node may have.
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

// Other FHIR versions have elements in places where R4 has none.  The type of
// such an element follows from its key, if R4 gives the key the same type
// everywhere.
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

// Returns the type of a key's value in a node: the name of a primitive type,
// "Resource", the node of a nested object, or undefined.
export function typeOf(node, key) {
  if (nodes.get(node)?.has(key)) {
    return typeIn(node, key);
  }
  return key.startsWith('_') && nodes.get(node)?.has(key.slice(1))
    ? 'Element' : typesByKey.get(key) || undefined;
}

// Whether the string under this key is a link.  An object that R4 does not know
// and that has a "reference" is a Reference, unless it is a resource.
export function isLink(node, key) {
  if (nodes.get(node)?.has(key)) {
    return isLinkIn(node, key);
  }
  return linksByKey.get(key) || (key === 'reference' && !isResource(node));
}
