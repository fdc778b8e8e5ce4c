// A second implementation of rewriting links in a FHIR resource, independent of
// the gateway's.  It reads the whole text at once, splits it into tokens with a
// regular expression, follows the types in FHIR's own definitions, and lets
// Node.js parse hosts.

import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { isLink as isLinkElement, typeOf } from './fhir_types.mjs';
import { TOP, scratchDirectory } from './scratch.mjs';

const MARK = '\ufeff';

// a string without its closing quote
const STRING = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/
  .source;
const TOKEN = new RegExp(
  `[ \\t\\r\\n]+|${STRING}"|[{}[\\],:]|[-+.0-9Ea-z]+`, 'y');
const CHARACTER = /\\u[0-9a-fA-F]{4}|\\?./gs;

const DEPTH_MAX = 128;
const PATH_MAX = 2048;

// A segment of a path that a browser or a server reads as "." or "..", and the
// first bytes of overlong UTF-8.
const DOTS = /(?:^|[/\\])[\0-\x20]*\.{1,2}(?:$|[/\\\0-\x20;?#])/;
const OVERLONG = /[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]/;

// A recognised URL may be longer than its base by ports, more slashes, a dot
// after the host, and the "s" of https.
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

// Returns the number of characters at the beginning of a URL that are one of
// the bases, or undefined if they are none of them.
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

// Decodes percent escapes until none is left.
function decoded(text) {
  const once = text.replace(/%([0-9a-f]{2})/gi, (_, digits) =>
    String.fromCharCode(parseInt(digits, 16)));
  return once === text ? text : decoded(once);
}

function hasDots(path) {
  const bytes = decoded(Buffer.from(path, 'utf8').toString('latin1'));
  return DOTS.test(bytes) || OVERLONG.test(bytes);
}

// Returns the number of bytes that these characters take in the JSON text.  An
// escape at the end counts as one byte.
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
  // If the character that ends the path is an escape, the gateway has already
  // counted the first byte of the escape.
  const end = characters[path.length]?.length > 1 ? 1 : 0;

  if (hasDots(path)
      || lengthOf(characters.slice(0, path.length + end)) > PATH_MAX) {
    return token;
  }
  const raw = characters.join('');
  return `"${own}${text[length] === '?' ? '/' : ''}${raw}"`;
}

// A malformed string is rewritten only if the gateway had recognised it as a
// link before the malformed byte, and its path had ended.
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

// For each state of an object or an array: the tokens that may follow, with the
// next state.  close: true if the closing bracket may follow.
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

// Maps the offset of each object to its resourceType, as far as the text can be
// read.
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

// Returns the text with rewritten links.  bases: base URLs of the FHIR server;
// own: the gateway's base URL, without "/" at its end.
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
      // white space stays
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

// The sources of the link filter.
const SOURCES = [
  'core/fhir/cigna_link_filter.c', 'core/fhir/cigna_link_keys.c',
  'core/json/cigna_json_scan.c', 'core/fhir/cigna_fhir_base.c',
  'core/http/cigna_uri.c', 'core/http/cigna_dots.c',
  'core/base/cigna_slice.c', 'core/base/cigna_buf.c',
];

// Compiles the gateway's link filter without nginx, as the program links_probe.
// Returns the path of the program.
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

// Builds the gateway's link filter.  Returns a function that takes a text,
// sizes of pieces ("65536,61") and bases, and returns the rewritten text.  The
// filter gets the text in pieces of each size.  The function throws if the
// results differ.
export function buildProbe(t, own) {
  const probe = compileProbe(scratchDirectory(t, 'links'));

  return (text, chunks, bases) => execFileSync(
    probe, [String(chunks), `${own}/`, ...bases],
    { input: text, maxBuffer: 64 << 20 }).toString('utf8');
}
