// What becomes of the links in a FHIR resource: a second implementation, which
// shares no thought with the gateway's.  It has the whole text at hand, cuts it
// into tokens by a regular expression and leaves URLs to the platform.

// without its end
const STRING = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/
  .source;
const TOKEN = new RegExp(
  `[ \\t\\r\\n]+|${STRING}"|[{}[\\],:]|[-+.0-9Ea-z]+`, 'y');
const CHARACTER = /\\u[0-9a-fA-F]{4}|\\?./gs;

const DEPTH_MAX = 128;
const PATH_MAX = 2048;

// Of a path, in bytes: names that are dots to a browser or to a server, and
// the lead bytes of characters that are longer than they need to be.
const DOTS = /(?:^|[/\\])[\0-\x20]*\.{1,2}(?:$|[/\\\0-\x20;?#])/;
const OVERLONG = /[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]/;

// FHIR R4: elements whose type has an url that leads somewhere.
const PLACES = new Set([
  'link', 'request', 'implementation', 'attachment', 'content', 'document',
  'image', 'photo', 'form', 'presentedForm', 'relatedArtifact',
  'documentation',
]);
const TYPED = /^(?=.{1,32}$).+(Attachment|RelatedArtifact)$/s;

// What is a link, by its key and that of the object which it is in.
const LINKS = {
  fullUrl: () => true,
  reference: () => true,
  valueUrl: () => true,
  nameUrl: () => true,
  endpoint: () => true,
  rendering: () => true,
  address: (parent) => parent !== 'network',
  location: (parent) => parent === 'response',
  url: (parent) => PLACES.has(parent) || TYPED.test(parent),
};

function originOf(text) {
  try {
    return new URL(text).origin;
  } catch {
    return undefined;
  }
}

function parsed(base) {
  const url = new URL(base);
  return { origin: url.origin, path: url.pathname.replace(/\/$/, '') };
}

// How much of a URL is one of the bases: characters.
function baseOf(text, bases) {
  const match = /^(https?:\/\/)([^/?#]*)(.*)$/is.exec(text);
  if (!match || !/^[\x21-\x7e]*$/.test(match[2]) || /[@\\%]/.test(match[2])) {
    return 0;
  }
  const [, scheme, authority, rest] = match;
  const origin = originOf(scheme + authority);

  const fitting = bases.map(parsed)
    .filter((base) => base.origin === origin
                      && rest.startsWith(base.path)
                      && /^[/?#]|^$/.test(rest.slice(base.path.length)))
    .map((base) => scheme.length + authority.length + base.path.length);
  return Math.max(0, ...fitting);
}

// Decoded until there is nothing left to decode.
function decoded(text) {
  const once = text.replace(/%([0-9a-f]{2})/gi, (_, digits) =>
    String.fromCharCode(parseInt(digits, 16)));
  return once === text ? text : decoded(once);
}

function hasDots(path) {
  const bytes = decoded(Buffer.from(path, 'utf8').toString('latin1'));
  return DOTS.test(bytes) || OVERLONG.test(bytes);
}

// Bytes as it is written; of an escape at its end only the first counts.
function lengthOf(characters) {
  const { length } = characters.at(-1) ?? '';
  return Buffer.byteLength(characters.join('')) - Math.max(0, length - 1);
}

function rewriteToken(token, bases, own) {
  const text = JSON.parse(token);
  const length = baseOf(text, bases);
  if (length === 0) {
    return token;
  }
  const characters = token.slice(1, -1).match(CHARACTER).slice(length);
  const [path] = /^[^?#]*/.exec(text.slice(length));
  // an end that is written as an escape is only seen when it was read
  const end = characters[path.length]?.length > 1 ? 1 : 0;

  if (hasDots(path)
      || lengthOf(characters.slice(0, path.length + end)) > PATH_MAX) {
    return token;
  }
  const raw = characters.join('');
  return `"${own}${text[length] === '?' ? '/' : ''}${raw}"`;
}

// Of a string that breaks: rewritten if it was known to be a link before, and
// its path was over.
function rewriteBroken(text, at, bases, own) {
  const start = new RegExp(STRING, 'y');
  start.lastIndex = at;
  const [begun] = start.exec(text);
  const url = JSON.parse(`${begun}"`);
  const longest = Math.max(...bases.map(parsed)
    .map((base) => base.origin.length + base.path.length + ':65535'.length));

  const isKnown = url.length > longest || /[^\x21-\x7e]/.test(url);
  const isOver = /[?#]/.test(url.slice(baseOf(url, bases)));

  if (isKnown && isOver) {
    return rewriteToken(`${begun}"`, bases, own).slice(0, -1)
      + text.slice(at + begun.length);
  }
  return text.slice(at);
}

// The states of an object or an array, and what may follow in each.
const next = {
  'array first': { value: 'array after', close: true },
  'array value': { value: 'array after' },
  'array after': { comma: 'array value', close: true },
  'object first': { key: 'object colon', close: true },
  'object key': { key: 'object colon' },
  'object colon': { colon: 'object value' },
  'object value': { value: 'object after' },
  'object after': { comma: 'object key', close: true },
  'top value': { value: 'top over' },
  'top over': {},
};

// own has no "/" at its end.
export function rewriteLinks(text, { bases, own }) {
  const stack = [{ state: 'top value', of: '' }];
  let out = '';
  let at = 0;

  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    const top = stack.at(-1);
    const may = next[top.state];
    const inObject = top.state.startsWith('object');
    const isLink = inObject && Object.hasOwn(LINKS, top.key ?? '')
      && LINKS[top.key](top.of);
    let written = token;

    if (token === undefined) {
      return text[at] === '"' && may.value && isLink
        ? out + rewriteBroken(text, at, bases, own) : out + text.slice(at);
    }

    if (/^\s/.test(token)) {
      // stays
    } else if (token === ',' || token === ':') {
      const state = token === ',' ? may.comma : may.colon;
      if (!state) {
        break;
      }
      top.state = state;
    } else if (token === '}' || token === ']') {
      const kind = token === '}' ? 'object' : 'array';
      if (!may.close || !top.state.startsWith(kind)) {
        break;
      }
      stack.pop();
    } else if (token.startsWith('"') && may.key) {
      top.key = JSON.parse(token);
      top.state = may.key;
    } else if (may.value) {
      const of = inObject ? top.key : top.of;
      top.state = may.value;

      if (token === '{' || token === '[') {
        if (stack.length > DEPTH_MAX) {
          break;
        }
        const kind = token === '{' ? 'object' : 'array';
        stack.push({ state: `${kind} first`, of });
      } else if (token.startsWith('"') && isLink) {
        written = rewriteToken(token, bases, own);
      }
    } else {
      break;
    }

    out += written;
    at += token.length;
  }

  return out + text.slice(at);
}
