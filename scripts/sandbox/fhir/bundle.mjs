// Bundles in the form of Cigna's server.  Their absolute links name another
// host, and paging works like HAPI's, at the bare base path.

import { randomUUID } from 'node:crypto';

import { keepBounded } from '../bounded.mjs';

const INTERNAL_HOST = 'https://p-hi2.digitaledge.cigna.com';
const INTERNAL_BASE = `${INTERNAL_HOST}/PatientAccess/v1-devportal`;
const SEARCHES_MAX = 2000;

export class Bundles {
  #ownBase;
  #searches = new Map();

  constructor(ownBase) {
    this.#ownBase = ownBase;
  }

  // Returns the base of the links.
  base(linkMode) {
    return linkMode === 'own' ? this.#ownBase : INTERNAL_BASE;
  }

  // Returns the fullUrl of a resource.  With internal links, the base has no
  // path in the fullUrl of the master Patient.
  #fullUrl({ resourceType, id }, master, linkMode) {
    const base = linkMode === 'internal' && id === master
      ? INTERNAL_HOST : this.base(linkMode);
    return `${base}/${resourceType}/${id}`;
  }

  start({ member, self, resources, count, linkMode }) {
    const id = randomUUID();
    if (resources.length > count) {
      keepBounded(this.#searches, id, { member, self, resources },
                  SEARCHES_MAX);
    }
    return this.#page({ id, member, self, resources, offset: 0, count,
                        linkMode });
  }

  // Returns another page, or undefined if the member has no such search.
  resume({ id, member, offset, count, linkMode }) {
    const search = this.#searches.get(id);
    return search?.member === member
      ? this.#page({ id, ...search, offset, count, linkMode }) : undefined;
  }

  #page({ id, member, self, resources, offset, count, linkMode }) {
    const base = this.base(linkMode);
    const link = [{ relation: 'self', url: `${base}/${self}` }];
    const pageAt = (from) => `${base}?_getpages=${id}`
      + `&_getpagesoffset=${from}&_count=${count}&_bundletype=searchset`;

    if (offset + count < resources.length) {
      link.push({ relation: 'next', url: pageAt(offset + count) });
    }
    if (offset > 0) {
      link.push({ relation: 'previous',
                  url: pageAt(Math.max(0, offset - count)) });
    }
    return {
      resourceType: 'Bundle',
      id,
      meta: { lastUpdated: new Date().toISOString() },
      type: 'searchset',
      total: resources.length,
      link,
      entry: resources.slice(offset, offset + count).map((resource) => ({
        fullUrl: this.#fullUrl(resource, member.master, linkMode),
        resource,
        search: { mode: 'match' },
      })),
    };
  }
}

const SIZED_HEAD = '{"resourceType":"Bundle","type":"collection","total":1,'
  + '"entry":[{"resource":{"resourceType":"Basic","id":"sized","text":'
  + '{"status":"generated","div":"<div>';
const SIZED_TAIL = '</div>"}}}]}';
const SIZED_MAX = 64 * 1024 * 1024;
const SIZES_KEPT = 8;

export const SIZED_MIN = SIZED_HEAD.length + SIZED_TAIL.length;

const sized = new Map();

// Returns a Bundle of exactly this many bytes, or undefined if that is
// impossible.
export function sizedBundle(bytes) {
  if (!Number.isInteger(bytes) || bytes < SIZED_MIN || bytes > SIZED_MAX) {
    return undefined;
  }
  if (!sized.has(bytes)) {
    keepBounded(sized, bytes, Buffer.from(
      SIZED_HEAD + 'x'.repeat(bytes - SIZED_MIN) + SIZED_TAIL), SIZES_KEPT);
  }
  return sized.get(bytes);
}
