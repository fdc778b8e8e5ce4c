// Checks the pages, that is, all Markdown files: their links, the paths that
// they name, their heads, and the length of the front page.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const FRONT = 'README.md';
const FRONT_LINES = 250;

// Every page begins with its title and a paragraph "For: ...", which says who
// should read the page.
const HEAD = /^# [^\n]+\n\nFor: /;

// Folders at the top of the repository.  A path may begin with one of them.
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

// Returns the anchors of a page's headings, made as GitHub does: the heading's
// text in small letters, without punctuation, with "-" for each blank, and with
// "-1", "-2" ... at the end if an earlier heading has the same anchor.
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

// Finds paths in code spans and code blocks that do not exist.  A word is taken
// for a path if it contains a slash and begins with a folder: one of FOLDERS,
// or one in the page's own folder.  A word whose last part is in capitals
// ("conf/NAME") is not a path.
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

// withoutFences() replaces code blocks with blanks, prose() also code spans.
// Line numbers stay the same.
const blank = (match) => match.replace(/[^\n]/g, ' ');
const withoutFences = (text) => text.replace(/^ *```[^]*?^ *```$/gm, blank);
const prose = (text) => withoutFences(text).replace(SPAN, blank);

function matchesOf(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => ({
    found: match[1], line: text.slice(0, match.index).split('\n').length,
  }));
}

// A word in capitals that is not a file's name, as in "t/ROOM/test_NAME.c",
// stands for any file or folder.  The path is checked up to that word.
const isThere = (top, file) =>
  existsSync(path.join(top, file.replace(
    /(^|\/)[^/]*\b(?!README\b|CHANGES\b|LICENSE\b)[A-Z]{4,}\b.*$/, '')));

const isFolder = (top, file) => isThere(top, file)
  && statSync(path.join(top, file)).isDirectory();
