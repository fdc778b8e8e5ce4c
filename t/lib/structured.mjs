// Structured fields for HTTP (RFC 9651), as far as the draft on RateLimit
// fields uses them: a List of Items with Parameters.  The reader is strict, as
// the RFC demands: a field that does not parse is an error as a whole.

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const INTEGER = /-?[0-9]{1,15}(?![0-9.])/y;
const STRING = /"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;
const OWS = /[ \t]*/y;
const SP = / */y;

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  get ended() {
    return this.at === this.text.length;
  }

  // Takes and returns the match at this place, or null.
  take(pattern) {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [null];
    this.at += found?.length ?? 0;
    return found;
  }

  // Takes this character if it comes next, and tells whether it did.
  skip(character) {
    const found = this.text[this.at] === character;
    this.at += found ? 1 : 0;
    return found;
  }

  fail(what) {
    throw new Error(`${what} at ${this.at} of ${JSON.stringify(this.text)}`);
  }
}

function bareItem(reader) {
  let found;
  if ((found = reader.take(STRING)) !== null) {
    return found.slice(1, -1).replace(/\\(.)/g, '$1');
  }
  if ((found = reader.take(INTEGER)) !== null) {
    return Number(found);
  }
  if ((found = reader.take(BYTES)) !== null) {
    return Buffer.from(found.slice(1, -1), 'base64');
  }
  if ((found = reader.take(BOOLEAN)) !== null) {
    return found === '?1';
  }
  return reader.take(TOKEN) ?? reader.fail('no item');
}

function parameters(reader) {
  const all = {};
  while (reader.skip(';')) {
    reader.take(SP);
    const key = reader.take(KEY) ?? reader.fail('no key');
    all[key] = reader.skip('=') ? bareItem(reader) : true;
  }
  return all;
}

// [{ value, parameters }]
export function parseList(text) {
  const reader = new Reader(text.replace(/^ +| +$/g, ''));
  const list = [];

  while (!reader.ended) {
    list.push({ value: bareItem(reader), parameters: parameters(reader) });
    reader.take(OWS);
    if (reader.ended) {
      break;
    }
    if (!reader.skip(',')) {
      reader.fail('no comma');
    }
    reader.take(OWS);
    if (reader.ended) {
      reader.fail('nothing after a comma');
    }
  }
  return list;
}
