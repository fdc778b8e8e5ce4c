// A second implementation of replacing the OAuth endpoints in metadata,
// independent of the gateway's.  It parses the whole text into a tree with the
// offsets of each value, searches the tree, and edits the text from its end.

const OAUTH
  = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris';

const NAMES = {
  authorize: 'authorization_endpoint',
  token: 'token_endpoint',
  manage: 'management_endpoint',
  introspect: 'introspection_endpoint',
  revoke: 'revocation_endpoint',
  register: 'registration_endpoint',
};

const HELD_MAX = 16384;
const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const SCALAR = /[-+.0-9Ea-z]+/y;

class Tree {
  constructor(text) {
    this.text = text;
    this.at = 0;
    // A node without `end` is cut off by a syntax error.
    this.root = {};
    try {
      this.#value(this.root);
    } catch (error) {
      if (error !== this) {
        throw error;
      }
    }
  }

  #take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) {
      throw this;
    }
    this.at += found.length;
    return found;
  }

  // Takes this character if it comes next, and tells whether it did.
  #next(character) {
    this.#take(SPACE);
    if (this.text[this.at] !== character) {
      return false;
    }
    this.at += 1;
    return true;
  }

  #value(node) {
    this.#take(SPACE);
    node.start = this.at;
    const [first] = this.text.slice(this.at, this.at + 1);

    if (first === '"') {
      node.string = JSON.parse(this.#take(STRING));
    } else if (first === '{') {
      node.members = [];
      this.#list('}', () => {
        this.#take(SPACE);
        const name = JSON.parse(this.#take(STRING));
        if (!this.#next(':')) {
          throw this;
        }
        const value = {};
        node.members.push([name, value]);
        this.#value(value);
      });
    } else if (first === '[') {
      node.items = [];
      this.#list(']', () => {
        const value = {};
        node.items.push(value);
        this.#value(value);
      });
    } else {
      this.#take(SCALAR);
    }
    node.end = this.at;
  }

  #list(end, one) {
    this.at += 1;
    if (this.#next(end)) {
      return;
    }
    do {
      one();
    } while (this.#next(','));
    if (!this.#next(end)) {
      throw this;
    }
  }
}

const all = (node, name) => (node?.members ?? [])
  .filter(([key]) => key === name).map(([, value]) => value);
const last = (node, name) => all(node, name).at(-1);

const fits = (node) => node.end !== undefined
  && node.end - node.start <= HELD_MAX;

function* endpoints(root, document) {
  if (document === 'smart-configuration') {
    for (const [name, value] of root.members ?? []) {
      yield [value, name];
    }
    return;
  }
  const extensions = all(root, 'rest')
    .flatMap((rest) => rest.items ?? [])
    .flatMap((rest) => all(rest, 'security'))
    .flatMap((security) => all(security, 'extension'))
    .flatMap((list) => list.items ?? [])
    .filter((one) => fits(one) && last(one, 'url')?.string === OAUTH);

  for (const extension of extensions) {
    for (const one of last(extension, 'extension')?.items ?? []) {
      const value = last(one, 'valueUri');
      const name = NAMES[last(one, 'url')?.string];
      if (value && name) {
        yield [value, name];
      }
    }
  }
}

// wanted: { field of smart-configuration: URL }
export function replaceEndpoints(text, document, wanted) {
  const edits = [...endpoints(new Tree(text).root, document)]
    .filter(([value, name]) => value.string !== undefined && fits(value)
                               && Object.hasOwn(wanted, name))
    .sort(([a], [b]) => b.start - a.start);

  return edits.reduce((out, [value, name]) =>
    `${out.slice(0, value.start)}"${wanted[name]}"${out.slice(value.end)}`,
  text);
}
