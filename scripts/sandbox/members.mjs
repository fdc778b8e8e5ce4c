// The members, that is, the insured people: their logins and their ids at
// Cigna.

import { createHash } from 'node:crypto';

const NAMES = [
  ['Avery', 'Lindqvist'], ['Priya', 'Raman'], ['Marcus', 'Holloway'],
  ['Elena', 'Castellano'], ['Jordan', 'Whitfield'], ['Mei', 'Nakamura'],
  ['Samuel', 'Okafor'], ['Ingrid', 'Vasquez'], ['Theo', 'Abernathy'],
  ['Nadia', 'Petrova'],
];

// Systems at Cigna.  Each of them has its own Patient for the same person.
const SOURCES = ['ifp', 'c16', 'com', 'esi', 'gov', 'evi'];
const SOURCES_EACH = 3;

const digest = (text) => createHash('sha256').update(text).digest('hex');

export class Member {
  constructor(username, number, password) {
    this.username = username;
    this.number = number;
    this.password = password;
    this.master = `A${String(number).padStart(14, '0')}`;
  }

  get name() {
    const [given, family] = NAMES[(this.number - 1) % NAMES.length];
    return { given, family: this.number > NAMES.length
      ? `${family}-${this.number}` : family };
  }

  // The id in the reply of $userinfo.  It is stable, and it differs from every
  // id in a resource.
  get userinfoId() {
    return `U${digest(`userinfo ${this.username}`).slice(0, 16)}`;
  }

  get sourcePatients() {
    return Array.from({ length: SOURCES_EACH }, (_, i) => {
      const source = SOURCES[(this.number + i) % SOURCES.length];
      return `${source}-${this.master}`;
    });
  }

  get patients() {
    return [this.master, ...this.sourcePatients];
  }

  // Returns the id of this member's copy of a sample.
  resourceId(sampleId) {
    const source = SOURCES[this.number % SOURCES.length];
    return `${source}-${this.number}-${digest(sampleId).slice(0, 16)}`;
  }
}

// The ten members of Cigna's sandbox, and `generated` more for load tests.
export class Members {
  #byName = new Map();

  constructor(markers, generated) {
    for (let i = 1; i <= NAMES.length; i += 1) {
      this.#add(`syntheticuser${String(i).padStart(2, '0')}`, i, markers);
    }
    for (let i = 1; i <= generated; i += 1) {
      this.#add(`syntheticuser${String(i).padStart(4, '0')}`, 10000 + i,
                markers);
    }
  }

  #add(username, number, markers) {
    this.#byName.set(username, new Member(username, number,
                                          markers.password(username)));
  }

  get(username) {
    return this.#byName.get(username);
  }

  login(username, password) {
    const member = this.get(username);
    return member?.password === password ? member : undefined;
  }

  list() {
    return [...this.#byName.values()];
  }
}
