// Makes a copy of the samples for each member.  Ids, dates and amounts differ
// from member to member, so a resource shows its member.

import { createHash } from 'node:crypto';

import { keepBounded } from '../bounded.mjs';
import { loadHistories } from './samples.mjs';

const DAY_MS = 24 * 3600 * 1000;

// Added to all dates, because the samples end in 2018.
const SHIFT_DAYS = 2470;

const LISTS_MAX = 400;

const INSURER = 'Cigna Healthcare';
const PROVIDERS = [
  'Bayside Family Medicine', 'Lakeview Pediatrics', 'Northgate Urgent Care',
  'St. Brendan Medical Center', 'Riverbend Orthopedics',
  'Maple Street Clinic', 'Harper Immunization Center',
];
const DATE = /^(\d{4}-\d{2}-\d{2})(T.*)?$/;

const C4BB = 'http://hl7.org/fhir/us/carin-bb/StructureDefinition/';

function pick(list, text) {
  return list[createHash('sha256').update(text).digest()[0] % list.length];
}

class Copyist {
  constructor(member, { typeOf }) {
    this.member = member;
    this.typeOf = typeOf;
    this.shift = (SHIFT_DAYS - (member.number * 11) % 180) * DAY_MS;
    this.factor = 1 + (member.number % 16) / 20;
  }

  copy(value, key) {
    if (Array.isArray(value)) {
      return value.map((item) => this.copy(item, key));
    }
    if (value !== null && typeof value === 'object') {
      return this.#copyObject(value);
    }
    if (typeof value !== 'string') {
      return value;
    }
    return key === 'reference' ? this.#reference(value) : this.#date(value);
  }

  #copyObject(object) {
    const copied = Object.fromEntries(Object.entries(object).map(
      ([key, value]) => [key, this.copy(value, key)]));
    if (typeof copied.value === 'number' && 'currency' in copied) {
      copied.value = Math.round(copied.value * this.factor * 100) / 100;
    }
    return copied;
  }

  #date(text) {
    const [, day, rest = ''] = DATE.exec(text) ?? [];
    return day === undefined ? text
      : new Date(Date.parse(day) + this.shift).toISOString().slice(0, 10)
        + rest;
  }

  // References become relative, like Cigna's.  Broken references stay broken.
  #reference(text) {
    const id = text.replace(/^urn:uuid:/, '');
    const type = this.typeOf.get(id);
    if (type === 'Patient' || /^Patient\//.test(text)) {
      return `Patient/${this.member.sourcePatients[0]}`;
    }
    return type ? `${type}/${this.member.resourceId(id)}` : text;
  }
}

function patient(member, sample, copy, id) {
  const { text, extension, identifier, ...rest } = copy(sample);
  const { given, family } = member.name;
  return {
    ...rest,
    id,
    identifier: [{ system: 'https://developer.cigna.com', value: id }],
    name: [{ use: 'official', family, given: [given] }],
    ...(id === member.master && {
      link: member.sourcePatients.map((other) => ({
        other: { reference: `Patient/${other}` }, type: 'seealso',
      })),
    }),
  };
}

// Returns the totals of a claim.  In two samples the submitted total is smaller
// than the sum of the claim's lines.  Then it becomes that sum.
function billed({ total: [submitted, ...others], item = [] }) {
  const lines = item.flatMap(({ adjudication = [] }) => adjudication)
    .filter(({ category }) => /_sbmtd_chrg_amt$/.test(category.coding[0].code))
    .reduce((sum, { amount }) => sum + amount.value, 0);
  const { value, currency } = submitted.amount;
  return [{ ...submitted, amount: { value: Math.max(value, lines), currency } },
          ...others];
}

function benefit(sample, resource) {
  const inpatient = resource.subType?.coding[0].code === 'inpatient';
  return {
    ...resource,
    meta: { profile: [`${C4BB}C4BB-ExplanationOfBenefit-`
      + (inpatient ? 'Inpatient-Institutional'
        : 'Outpatient-Institutional')] },
    insurer: { display: INSURER },
    total: billed(resource),
    provider: { ...resource.provider, display: pick(PROVIDERS, sample.id) },
    insurance: [{ focal: true, coverage: { display: INSURER } }],
  };
}

const PLANS = [
  { kind: 'medical', plan: 'Open Access Plus', code: 'OAP' },
  { kind: 'pharmacy', plan: 'Pharmacy Advantage 3-Tier', code: 'RX3' },
];

function coverages(member, sample, copy) {
  const { text, class: classes, policyHolder, ...rest } = copy(sample);
  const beneficiary = { reference: `Patient/${member.sourcePatients[0]}` };

  return PLANS.map(({ kind, plan, code }) => ({
    ...rest,
    id: member.resourceId(`coverage ${kind}`),
    meta: { profile: [`${C4BB}C4BB-Coverage`] },
    identifier: [{ system: 'https://developer.cigna.com/coverage',
                   value: `${code}-${member.number}` }],
    type: { text: kind },
    subscriber: beneficiary,
    subscriberId: `U${String(member.number).padStart(8, '0')}`,
    beneficiary,
    period: { start: '2024-01-01', end: '2026-12-31' },
    payor: [{ display: INSURER }],
    class: [
      { ...classes[0], value: `33${member.number}`, name: 'Group 33 employer' },
      { ...classes[2], value: code, name: plan },
    ],
  }));
}

const newestFirst = (a, b) => (a.created < b.created ? 1 : -1);

export class Data {
  #histories = loadHistories();
  #lists = new Map();

  // Returns all resources of a type of the member, always in the same order.
  list(member, type) {
    const key = `${member.username} ${type}`;
    if (!this.#lists.has(key)) {
      keepBounded(this.#lists, key, this.#make(member, type), LISTS_MAX);
    }
    return this.#lists.get(key);
  }

  find(member, type, id) {
    return this.list(member, type).find((resource) => resource.id === id);
  }

  everything(member) {
    const types = Object.keys(this.#history(member).groups);
    return types.flatMap((type) => this.list(member, type));
  }

  #history(member) {
    return this.#histories[member.number % this.#histories.length];
  }

  #make(member, type) {
    const history = this.#history(member);
    const copyist = new Copyist(member, history);
    const copy = (sample) => copyist.copy(sample);
    const samples = history.groups[type] ?? [];

    switch (type) {
      case 'Patient':
        return member.patients.map((id) => patient(member, samples[0], copy,
                                                   id));
      case 'Coverage':
        return coverages(member, samples[0], copy);
      case 'ExplanationOfBenefit':
        return samples.map((sample) => benefit(
          sample, { ...copy(sample), id: member.resourceId(sample.id) }))
          .sort(newestFirst);
      default:
        return samples.map((sample) => ({
          ...copy(sample), id: member.resourceId(sample.id),
        }));
    }
  }
}
