// Checks of the pages, that is of all README files: their links, the paths that
// they name, their heads, and the length of the front page.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const FRONT = 'README.md';
const FRONT_LINES = 250;

// What every reader needs first: whom the page is for.
const HEAD = /^# [^\n]+\n\nFor: /;

// The top of the repository, where the paths of code begin.
const FOLDERS = ['conf', 'ngx_cigna_module', 'scripts', 't'];

// Returns findings, "file:line: what is wrong".
export function pages(top) {
  const files = pagesBelow(top, '.').sort();
  const anchors = new Map(files.map((file) =>
    [file, anchorsOf(readFileSync(path.join(top, file), 'utf8'))]));

  return files.flatMap((file) => {
    const text = readFileSync(path.join(top, file), 'utf8');
    return [
      ...headFindings(file, text),
      ...linkFindings(top, file, text, anchors),
      ...pathFindings(top, file, text),
    ];
  });
}

function pagesBelow(top, folder) {
  return readdirSync(path.join(top, folder), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? pagesBelow(top, file)
        : entry.name.endsWith('.md') ? [file] : [];
    });
}

function headFindings(file, text) {
  const lines = text.split('\n').length - 1;

  return [
    ...(HEAD.test(text) ? []
      : [`${file}:1: the first paragraph does not say "For: ..."`]),
    ...(file !== FRONT || lines <= FRONT_LINES ? []
      : [`${file}: has ${lines} lines, at most ${FRONT_LINES} are allowed`]),
  ];
}

// links

function linkFindings(top, file, text, anchors) {
  return matchesOf(prose(text), /\]\(([^)\s]+)\)/g)
    .filter(({ found }) => !/^[a-z]+:/.test(found))
    .flatMap(({ found, line }) => {
      const [target, anchor] = found.split('#');
      const to = target === '' ? file
        : path.normalize(path.join(path.dirname(file), target));

      if (!isThere(top, to)) {
        return [`${file}:${line}: there is no "${to}"`];
      }
      return anchor === undefined || anchors.get(to)?.has(anchor) ? []
        : [`${file}:${line}: "${to}" has no heading for "#${anchor}"`];
    });
}

// As GitHub makes them: the heading's text in small letters, "-" for a blank,
// and a number where headings repeat.
function anchorsOf(text) {
  const anchors = new Set();

  for (const { found } of matchesOf(withoutFences(text), /^#+ (.+)$/gm)) {
    const slug = found.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(' ', '-');
    let anchor = slug;

    for (let n = 1; anchors.has(anchor); n++) {
      anchor = `${slug}-${n}`;
    }
    anchors.add(anchor);
  }
  return anchors;
}

// paths

// A path in a code span or block begins at the top, or in the page's own
// folder, and contains a slash.  Words in capitals stand for something else.
function pathFindings(top, file, text) {
  const own = path.dirname(file);
  const begins = (word, folder) =>
    FOLDERS.includes(folder) || (own !== '.' && !word.startsWith('.')
      && isFolder(top, path.join(own, folder)));

  return codeOf(text).flatMap(({ found, line }) =>
    found.split(/[\s,;()'"]+/).filter((word) =>
      /^[\w.-]+\/([\w.-]+\/?)*$/.test(word) && !/\/[A-Z_]+$/.test(word)
        && begins(word, word.split('/')[0]))
      .filter((word) => !isThere(top, word)
        && !isThere(top, path.join(own, word)))
      .map((word) => `${file}:${line}: there is no "${word}"`));
}

function codeOf(text) {
  return [...matchesOf(text, /^ *```[^\n]*\n([^]*?)^ *```$/gm),
          ...matchesOf(withoutFences(text), SPAN)];
}

// text

// A code span may go on in the next line, but not in the next paragraph.
const SPAN = /`((?:[^`\n]|\n(?!\s*\n))+)`/g;

// Fences and code spans blanked out; lines stay.
const blank = (match) => match.replace(/[^\n]/g, ' ');
const withoutFences = (text) => text.replace(/^ *```[^]*?^ *```$/gm, blank);
const prose = (text) => withoutFences(text).replace(SPAN, blank);

function matchesOf(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => ({
    found: match[1], line: text.slice(0, match.index).split('\n').length,
  }));
}

// A name in capitals, NAME or ROOM, stands for any file or folder.
const isThere = (top, file) =>
  existsSync(path.join(top, file.replace(/(^|\/)[^/]*\b[A-Z]{4,}\b.*$/, '')));

const isFolder = (top, file) => isThere(top, file)
  && statSync(path.join(top, file)).isDirectory();
