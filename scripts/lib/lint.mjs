// Checks the sources as text.  scripts/check runs the checks one by one:
//
//   node lint.mjs NAME
//
// NAME is a name of CHECKS, at the end of this file.  Prints one line for each
// finding, which begins with the file, and exits with 1 if there is one.  Lines
// that begin with "note:" are not findings.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { pages } from './pages.mjs';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const GLUE = 'ngx_cigna_module';
const CORE = 'ngx_cigna_module/core';

const WIDTH = 80;
const FILE_LINES = 500;
const FUNCTION_LINES = 50;

// files

const read = (file) => readFileSync(path.join(TOP, file), 'utf8');

function list(directory, pattern) {
  return readdirSync(path.join(TOP, directory), { withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => `${directory}/${entry.name}`).sort();
}

function listDeep(directory, pattern) {
  const below = readdirSync(path.join(TOP, directory), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .flatMap((entry) => listDeep(`${directory}/${entry.name}`, pattern));
  return [...list(directory, pattern), ...below];
}

const C = /\.[ch]$/;
const coreFiles = () => listDeep(CORE, C);
const glueFiles = () => listDeep(GLUE, /^ngx_cigna_.*\.[ch]$/);
const moduleFiles = () => [...coreFiles(), ...glueFiles()];

// The names of scripts have no suffix.
const textFiles = () => [
  'config', '.ci/run',
  ...moduleFiles(),
  ...listDeep('t', /\.([ch]|mjs|supp)$/),
  ...listDeep('scripts', /^[a-z]+$|\.(mjs|sh|mk)$/),
  ...listDeep('conf', /\.conf$/),
];

// Returns [{ number, text }] of the lines that match.
function grep(text, pattern) {
  return text.split('\n')
    .map((line, index) => ({ number: index + 1, text: line }))
    .filter((line) => pattern.test(line.text));
}

// Replaces comments and strings of C with blanks.  Line numbers stay the same.
function codeOnly(text) {
  return text.replace(
    /\/\*[^]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
    (match) => match.replace(/[^\n]/g, ' '));
}

// the checks: each returns an array of findings

function style() {
  return textFiles().flatMap((file) => {
    const text = read(file);
    const report = (pattern, what) => grep(text, pattern)
      .map(({ number }) => `${file}:${number}: ${what}`);

    return [
      ...report(new RegExp(`^.{${WIDTH + 1}}`, 'u'),
                `longer than ${WIDTH} columns`),
      ...report(/[ \t\r]$/, 'trailing white space'),
      ...(/\.mk$/.test(file) ? [] : report(/\t/, 'a tab')),
      ...(text.endsWith('\n') && !text.endsWith('\n\n') ? []
        : [`${file}: does not end with exactly one newline`]),
      ...(C.test(file) ? report(/^\s*\/\/|[;{}]\s*\/\//, 'a // comment') : []),
    ];
  });
}

// Finds functions in nginx's layout: the name begins a line, and the body
// stands between a line "{" and a line "}".
function functionsOf(text) {
  const functions = [];
  const lines = text.split('\n');
  let name;
  let start;

  lines.forEach((line, index) => {
    const [, candidate] = /^(\w+)\(/.exec(line) ?? [];
    if (candidate) {
      name = candidate;
    } else if (line === '{') {
      start = index;
    } else if (line === '}' && start !== undefined) {
      functions.push({ name, line: start, length: index - start - 1 });
      start = undefined;
    }
  });
  return functions;
}

// Returns the number of lines that are neither blank nor only comment.
const codeLines = (text) => text.replace(/\/\*[^]*?\*\//g, '').split('\n')
  .filter((line) => line.trim()).length;

function lengths() {
  const files = moduleFiles().map((file) => ({ file, text: read(file) }));
  const functions = files.flatMap(({ file, text }) =>
    functionsOf(text).map((one) => ({ ...one, file })));
  const sorted = functions.map(({ length }) => length).sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor(sorted.length * share)];
  const lines = files.reduce((sum, { text }) => sum + codeLines(text), 0);

  for (const { name, file, line, length } of functions) {
    if (length > FUNCTION_LINES) {
      console.log(`note: ${file}:${line}: ${name}() has ${length} lines`);
    }
  }
  for (const { file, text } of files) {
    const length = text.split('\n').length - 1;
    if (length > FILE_LINES) {
      console.log(`note: ${file} has ${length} lines`);
    }
  }
  console.log(`note: ${lines} lines of code in ${files.length} files;`
    + ` ${sorted.length} functions, median ${at(0.5)} lines,`
    + ` 90th percentile ${at(0.9)}`);
  return [];
}

// These files compare bytes that are not secret: key ids, fingerprints, names.
const PUBLIC_BYTES = ['cigna_gate_out.c', 'cigna_keyring.c', 'cigna_vault.c',
                      'ngx_cigna_cache.c', 'ngx_cigna_conf.c',
                      'ngx_cigna_conf_tenant.c', 'ngx_cigna_counters.c'];

// Functions that must not be called, and why.  `but`: files that may call them.
const BANNED = [
  { calls: 'strcpy strcat sprintf vsprintf gets strtok alloca atoi',
    why: 'checks no bounds' },
  { calls: 'redisConnect\\w* redisCommand redisvCommand redisCommandArgv'
      + ' redisAppendCommand\\w* redisGetReply redisBufferRead'
      + ' redisBufferWrite getaddrinfo gethostbyname\\w* sleep usleep nanosleep'
      + ' select poll system popen SSL_connect',
    why: 'blocks the worker', but: ['ngx_cigna_peer.c'] },
  { calls: 'socket connect ngx_event_connect_peer',
    why: 'only the peer opens sockets', but: ['ngx_cigna_peer.c'] },
  { calls: 'memcmp ngx_memcmp strcmp strncmp',
    why: 'is not for secrets: use cigna_secret_eq() for secrets and'
      + ' cigna_slice_eq() for other bytes',
    but: ['cigna_slice.c', ...PUBLIC_BYTES] },
];

const BANNED_CORE = [
  { calls: 'time gettimeofday clock_gettime clock localtime gmtime rand'
      + ' random RAND_bytes getenv',
    why: 'core/ takes time, random bytes and settings from its caller' },
  { calls: 'printf fprintf puts fopen open read write close send recv',
    why: 'core/ does no I/O' },
];

function banned() {
  const inFile = (rules) => (file) => {
    const code = codeOnly(read(file));

    return rules.filter(({ but = [] }) => !but.includes(path.basename(file)))
      .flatMap(({ calls, why }) => {
        const names = calls.split(' ').join('|');
        return grep(code, new RegExp(`(?<![\\w.>])(?:${names})\\s*\\(`))
          .map(({ number, text }) =>
            `${file}:${number}: "${text.trim()}" ${why}`);
      });
  };

  return [
    ...coreFiles().flatMap(inFile([...BANNED, ...BANNED_CORE])),
    ...glueFiles().flatMap(inFile(BANNED)),
  ];
}

// Finds uses of nginx's version number.  Forks of nginx have version numbers of
// their own.
function compat() {
  return glueFiles()
    .flatMap((file) => grep(codeOnly(read(file)), /\bnginx_version\b/)
      .map(({ number }) => `${file}:${number}: do not use the version; let`
        + ' "config" test for the feature by compiling'));
}

// Compares conf/README.md with the tables of directives in the code, in both
// directions, and with its own table on top.  A directive inside a block has
// the block in front of its name: "cigna_vault redis".
const REFERENCE = 'conf/README.md';

function directives() {
  const inCode = new Set(glueFiles().flatMap(directivesOfFile));
  const [overview, ...sections] = sectionsOfReference();
  const inReference = new Set(sections.flatMap(directivesOfSection));

  return [
    ...[...inCode].filter((name) => !inReference.has(name))
      .map((name) => `${REFERENCE}: the directive "${name}" is missing`),
    ...[...inReference].filter((name) => !inCode.has(name))
      .map((name) => `${REFERENCE}: there is no directive "${name}"`),
    ...overviewFindings(overview, [...inCode].filter((n) => !/ /.test(n))),
  ];
}

// The table on top must have one row for each directive, with a link to the
// directive's section.
function overviewFindings(overview, names) {
  const rows = [...overview.matchAll(/^\| \[`(\w+)`\]\(#(\w+)\) \|/gm)]
    .map(([, name, anchor]) => (name === anchor ? name : `${name}#${anchor}`));

  return [
    ...names.filter((name) => rows.filter((row) => row === name).length !== 1)
      .map((name) => `${REFERENCE}: "${name}" has not one row on top`),
    ...rows.filter((row) => !names.includes(row))
      .map((row) => `${REFERENCE}: "${row}" on top is not a directive`),
  ];
}

// An entry of a table of directives, in one of three forms: nginx's own,
// `{ ngx_string("NAME")`; a macro of a block, `ngx_cigna_vault_...(NAME` or
// `ngx_cigna_tenant_...(NAME`; or `ngx_cigna_endpoint(NAME`, which leaves out
// the prefix "cigna_".
const ENTRY = new RegExp('^ {4}\\{ ngx_string\\("(\\w+)"\\)'
  + '|^ {4}ngx_cigna_(?:vault|tenant)_\\w+\\((\\w+)'
  + '|^ {4}ngx_cigna_endpoint\\((\\w+)\\)', 'gm');

// A table of directives inside a block has the block in its name, as
// ngx_cigna_conf_vault_commands has.
function directivesOfFile(file) {
  const tables = read(file).matchAll(
    /ngx_(?:cigna_block_)?command_t\s+(\w+)\[\]\s*=\s*\{([^]*?)\n\};/g);

  return [...tables].flatMap(([, table, body]) => {
    const [, block] = /_(vault|tenant)_/.exec(table) ?? [];
    return [...body.matchAll(ENTRY)].map(([, plain, option, endpoint]) =>
      (block ? `cigna_${block} ${plain ?? option}`
        : plain ?? `cigna_${endpoint}`));
  });
}

// Returns the part before the first directive, and then one section for each
// directive.
function sectionsOfReference() {
  const [, reference = ''] = /\n## Directives\n([^]*?)(?=\n## |$)/
    .exec(read(REFERENCE)) ?? [];
  return reference.split(/^### /m);
}

// The heading of a section is the directive's name.  In the section of a block,
// the first columns of tables name the directives inside the block, with commas
// between names that share a row.
function directivesOfSection(section) {
  const [directive] = section.split('\n');

  if (!/^- Syntax: `\w+ .*\{/m.test(section)) {
    return [directive];
  }
  const cells = [...section.matchAll(/^\| (`(?:\\\||[^|])*)\|/gm)];
  const inside = cells.flatMap(([, cell]) => cell.split(', '))
    .map((item) => /`(\w+)`/.exec(item)[1]);

  return [directive, ...inside.map((name) => `${directive} ${name}`)];
}

// Every source of core/ must have a unit test with its name.  Every header of
// core/ with a function *_parse() (parsers) or *_next() (flows) must be
// included by a fuzz target.
function tested() {
  const units = new Set(listDeep('t/unit', /^test_\w+\.c$/).map((file) =>
    path.basename(file).replace('test_', 'cigna_')));
  const fuzzed = listDeep('t/fuzz', /^fuzz_\w+\.c$/).map(read).join('\n');
  const isInput = (file) => /\w_(parse|next)\(/.test(codeOnly(read(file)));

  return [
    ...listDeep(CORE, /\.c$/).filter((file) => !units.has(path.basename(file)))
      .map((file) => `${file}: has no unit test`),
    ...listDeep(CORE, /\.h$/).filter(isInput)
      .filter((file) => !fuzzed.includes(`${path.basename(file)}"`))
      .map((file) => `${file}: has no fuzz target`),
  ];
}

// t/README.md names tests for each pitfall, for the gates, and for the attacks
// of RFC 9700.  These tests must exist.
const PITFALLS = '## Pitfalls';
const GATES = '## The two gates';
const ATTACKS = '## Attacks of RFC 9700';

// RFC 9700: best practices (chapter 2), attacks and mitigations (chapter 4).
const SECTIONS = [
  '2.1', '2.1.1', '2.1.2', '2.2.1', '2.2.2', '2.3', '2.4', '2.5', '2.6',
  '4.1', '4.2', '4.3', '4.4', '4.5', '4.6', '4.7', '4.8', '4.9.1', '4.9.2',
  '4.10', '4.11.1', '4.11.2', '4.12', '4.13', '4.14', '4.15', '4.16', '4.17',
];

function pitfalls() {
  const chapters = read('t/README.md').split(/\n(?=## )/);
  const chapter = (title) => chapters.find((one) =>
    one.startsWith(`${title}\n`)) ?? '';
  const sections = chapter(PITFALLS).replace(/\s+/g, ' ')
    .split(/ (?=\d+\. )/).slice(1);

  return [
    ...(sections.length ? [] : ['t/README.md: no pitfalls']),
    ...sections.flatMap((section) =>
      namedTests(section, section.split(' - ')[0].trim())),
    ...chapter(GATES).split('\n').filter((line) => /^\| [A-Z].*`:/.test(line))
      .flatMap((line) => namedTests(line, line.split('|')[1].trim())),
    ...attackRows(chapter(ATTACKS)),
  ];
}

function attackRows(text) {
  const rows = text.split('\n').filter((line) => /^\| \d/.test(line))
    .map((line) => ({ line, number: /^\| ([\d.]+) /.exec(line)?.[1] }));
  const numbers = rows.map(({ number }) => number);

  return [
    ...SECTIONS.filter((one) => numbers.filter((n) => n === one).length !== 1)
      .map((one) => `t/README.md: section ${one} of RFC 9700 needs one row`),
    ...numbers.filter((one) => !SECTIONS.includes(one))
      .map((one) => `t/README.md: "${one}" is not a section of RFC 9700 with`
        + ' a practice or an attack'),
    ...rows.flatMap(({ line, number }) => namedTests(line, number)),
  ];
}

// Returns a finding for each test that the text names (`FILE`: "TEST", "TEST")
// and that does not exist, and one finding if the text names no test.
function namedTests(text, title) {
  const named = [...text.matchAll(/`([\w/.]+)`: ((?:"[^"]*",? ?)+)/g)];

  return named.length === 0 ? [`t/README.md: no test for "${title}"`]
    : named.flatMap(([, file, names]) => missingTests(`t/${file}`,
        [...names.matchAll(/"([^"]*)"/g)].map(([, name]) => name)));
}

function missingTests(file, names) {
  let there;
  try {
    there = testsOf(file);
  } catch {
    return [`t/README.md: there is no ${file}`];
  }
  return names.filter((name) => !there.has(name))
    .map((name) => `t/README.md: ${file} has no test "${name}"`);
}

// Returns the names of a file's tests.  In C these are the names of functions,
// with blanks in place of underscores.  In JavaScript these are the strings
// that test(), faults() and waiting() get first, and strings that begin an
// array (a row of a table).  Strings that "+" joins are one name.
function testsOf(file) {
  const text = read(file);
  if (C.test(file)) {
    return new Set(functionsOf(text).map(({ name }) =>
      name.replaceAll('_', ' ')));
  }

  const string = '(?:\'(?:[^\'\\\\]|\\\\.)*\'|`(?:[^`\\\\]|\\\\.)*`)';
  const name = `${string}(?:\\s*\\+\\s*${string})*`;
  const call = new RegExp(
    `(?:\\b(?:test|faults|waiting)\\(|\\[)\\s*(${name})`, 'g');
  return new Set([...text.matchAll(call)].map(([, name]) =>
    name.replace(/['`]\s*\+\s*['`]/g, '').slice(1, -1)
      .replaceAll('\\', '')));
}

const CHECKS = {
  style, lengths, banned, compat, directives, tested, pitfalls,
  pages: () => pages(TOP),
};

const findings = CHECKS[process.argv[2]]();

for (const finding of findings) {
  console.log(finding);
}
process.exitCode = findings.length ? 1 : 0;
