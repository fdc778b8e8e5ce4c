// What becomes of the links in a FHIR resource: a second implementation, which
// shares no thought with the gateway's.  It has the whole text at hand, cuts it
// into tokens by a regular expression, follows the types that FHIR's own
// definitions give to each element, and leaves hosts to the platform.

import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { isLink as isLinkElement, typeOf } from './fhir_types.mjs';
import { TOP, scratchDirectory } from './scratch.mjs';

const MARK = '\ufeff';

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

// Beside a base, at most: ports, slashes, a dot and an "s".
const PORTS_MAX = ':65535:65535'.length;
const SLASHES_MAX = 8;
const FORM_MAX = PORTS_MAX + SLASHES_MAX + 2;

function parsed(base) {
  const url = new URL(base);
  return { host: url.hostname, path: url.pathname.replace(/\/$/, ''),
           text: url.origin + url.pathname.replace(/\/$/, '') };
}

const isBorder = (rest) => /^[/?#]|^$/.test(rest);

function hostOf(authority) {
  const [ports] = /(:\d*)*$/.exec(authority);
  const name = ports.length > PORTS_MAX ? authority
    : authority.slice(0, authority.length - ports.length);

  if (!/^[\x21-\x7e]+$/.test(name) || /[@\\%]/.test(name)) {
    return undefined;
  }
  try {
    return new URL(`http://${name}`).hostname.replace(/(?<=.)\.$/, '');
  } catch {
    return undefined;
  }
}

// How much of a URL is one of the bases: characters, or undefined.
function baseOf(text, bases) {
  if (/^\/(?!\/)/.test(text)) {
    const [{ path }] = bases.map(parsed);
    return text.startsWith(path) && isBorder(text.slice(path.length))
      ? path.length : undefined;
  }
  const match = /^(?:https?:)?\/\/([^/?#]*)/i.exec(text);
  const host = match && hostOf(match[1]);
  if (!host) {
    return undefined;
  }
  const rest = text.slice(match[0].length);
  const [slashes] = /^\/*/.exec(rest);
  const more = Math.min(Math.max(slashes.length - 1, 0), SLASHES_MAX);

  const ends = bases.map(parsed)
    .filter((base) => base.host === host)
    .map(({ path }) => ({ path, from: path ? more : 0 }))
    .filter(({ path, from }) => rest.startsWith(path, from)
                                && isBorder(rest.slice(from + path.length)))
    .map(({ path, from }) => from + path.length);

  return ends.length ? match[0].length + Math.max(...ends) : undefined;
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
  if (length === undefined) {
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
  const texts = bases.map((base) => parsed(base).text);
  const longest = Math.max(...texts.map(({ length }) => length));
  const isPlain = url.length >= longest + 2
    && texts.some((base) => url.startsWith(base)
                            && /^(\/(?!\/)|[?#])/.test(url.slice(base.length)));

  const isKnown = isPlain || url.length > longest + FORM_MAX
    || /[^\x21-\x7e]/.test(url);
  const isOver = /[?#]/.test(url.slice(baseOf(url, bases) ?? 0));

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

// Where objects begin, as far as the text can be read, and which resources they
// are.
function resourcesOf(text) {
  const types = new Map();
  const stack = [];
  let key;
  let before = ['', ''];

  for (const { 0: token, index } of text.matchAll(new RegExp(TOKEN, 'g'))) {
    if (/^\s/.test(token)) {
      continue;
    }
    if (token === '{' || token === '[') {
      stack.push(index);
    } else if (token === '}' || token === ']') {
      stack.pop();
    } else if (token === ':') {
      [, key] = before;
    } else if (before[1] === ':' && key === '"resourceType"') {
      types.set(stack.at(-1), token.slice(1, -1));
    }
    before = [before[1], token];
  }
  return types;
}

// own has no "/" at its end.
export function rewriteLinks(text, { bases, own }) {
  const types = resourcesOf(text);
  const stack = [{ state: 'top value', type: 'Resource' }];
  const startsAt = text.startsWith(MARK) ? MARK.length : 0;
  let out = text.slice(0, startsAt);
  let at = startsAt;

  while (at < text.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    const top = stack.at(-1);
    const may = next[top.state];
    const inObject = top.state.startsWith('object');
    const isLink = inObject && isLinkElement(top.type, top.key ?? '');
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
      const type = inObject ? typeOf(top.type, top.key) : top.type;
      top.state = may.value;

      if (token === '{' || token === '[') {
        if (stack.length > DEPTH_MAX) {
          break;
        }
        const kind = token === '{' ? 'object' : 'array';
        stack.push({ state: `${kind} first`,
                     type: type === 'Resource' && token === '{'
                       ? types.get(at) ?? type : type });
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

// What the links' filter is made of.
const SOURCES = [
  'core/fhir/cigna_link_filter.c', 'core/fhir/cigna_link_keys.c',
  'core/json/cigna_json_scan.c', 'core/fhir/cigna_fhir_base.c',
  'core/http/cigna_uri.c', 'core/http/cigna_dots.c',
  'core/base/cigna_slice.c', 'core/base/cigna_buf.c',
];

// Compiles the filter, without nginx around it, as nginx and its modules are
// compiled.  Gives the path of the program.
export function compileProbe(directory) {
  const probe = path.join(directory, 'links_probe');

  execFileSync('gcc', [
    '-O2', '-g', '-Wall', '-Wextra', '-Werror',
    `-I${TOP}/ngx_cigna_module/core`, '-o', probe,
    `${TOP}/t/probe/links_probe.c`,
    ...SOURCES.map((file) => `${TOP}/ngx_cigna_module/${file}`),
  ]);
  return probe;
}

// Gives a function that rewrites by the gateway's own filter: (text, sizes of
// pieces, bases) => text.  It fails if pieces of another size make another
// text.
export function buildProbe(t, own) {
  const probe = compileProbe(scratchDirectory(t, 'links'));

  return (text, chunks, bases) => execFileSync(
    probe, [String(chunks), `${own}/`, ...bases],
    { input: text, maxBuffer: 64 << 20 }).toString('utf8');
}
