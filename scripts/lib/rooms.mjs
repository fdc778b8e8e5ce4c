// Compares the sources with rooms.txt, the table of rooms.  A room is a folder
// of the module.
//
//   node rooms.mjs [OBJECTS]
//
// OBJECTS is nginx's folder objs/addon, with the objects of each room.  The
// symbols in the objects tell the calls from file to file.  Without OBJECTS no
// calls are checked.  Prints one line for each finding, and exits with 1 if
// there is one.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = path.join(TOP, 'ngx_cigna_module');
const TABLE = 'scripts/lib/rooms.txt';

const read = (file) => readFileSync(file, 'utf8');

function readTable() {
  const table = { rooms: new Map(), circles: [], anywhere: new Set(),
                  pointers: new Set(), findings: [] };

  for (const line of read(path.join(TOP, TABLE)).split('\n')) {
    const entry = /^(\w+) (\S[^:]*): (\S.*)$/.exec(line);
    const room = /^([\w/]+):((?: \S+)*)$/.exec(line);

    if (line === '' || line.startsWith('#')) {
      continue;
    }
    if (room) {
      table.rooms.set(room[1], room[2].trim().split(' ').filter(Boolean));
    } else if (entry?.[1] === 'circle') {
      table.circles.push(entry[2].split(' ').sort().join(' '));
    } else if (entry?.[1] === 'anywhere') {
      table.anywhere.add(entry[2]);
    } else if (entry?.[1] === 'pointer') {
      table.pointers.add(entry[2]);
    } else {
      table.findings.push(`${TABLE}: cannot be read: "${line}"`);
    }
  }
  return table;
}

// A room may use itself and the rooms in its line of the table.  "core/*"
// stands for all rooms below core/, "*" for all rooms.
function mayUse(table, room, other) {
  const matches = (pattern) => pattern === '*' || pattern === other
    || (pattern === 'core/*' && other.startsWith('core/'));

  return room === other || (table.rooms.get(room) ?? []).some(matches);
}

// Returns [{ name, file, room, includes }] of all sources and headers: the name
// without its folder, and the path from the top.

function readSources(directory = MODULE, room = '') {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(directory, entry.name);

    if (entry.isDirectory()) {
      return readSources(file, room ? `${room}/${entry.name}` : entry.name);
    }
    return /\.[ch]$/.test(entry.name) ? [sourceOf(file, room)] : [];
  });
}

function sourceOf(file, room) {
  const includes = read(file).split('\n').flatMap((text, index) => {
    const [, quote, name] = /^\s*#\s*include\s+(["<])([^">]+)/.exec(text) ?? [];
    return quote ? [{ line: index + 1, quote, name }] : [];
  });
  return { name: path.basename(file), file: path.relative(TOP, file), room,
           includes };
}

const unitOf = (name) => name.replace(/\.[ch]$/, '');

const isCore = (room) => room.startsWith('core/');

// Every file must be in a room of the table, and every room must have files.
function placeFindings(table, sources) {
  const used = new Set(sources.map(({ room }) => room));

  return [
    ...sources.filter(({ room }) => !table.rooms.has(room))
      .map(({ file }) => `${file}: is in no room of ${TABLE}`),
    ...[...table.rooms.keys()].filter((room) => !used.has(room))
      .map((room) => `${TABLE}: there is no room ${room}`),
  ];
}

// An include must name a file that exists, in a room that this room may use,
// and must name that room if it is another one ("redis/ngx_cigna_redis.h").
// core/ must not include nginx's headers.
function includeFindings(table, sources) {
  const byName = new Map(sources.map((source) => [source.name, source]));

  return sources.flatMap(({ file, room, includes }) =>
    includes.flatMap(({ line, quote, name }) => {
      const at = `${file}:${line}:`;
      const other = byName.get(path.basename(name));

      if (quote === '<') {
        return isCore(room) && name.startsWith('ngx_')
          ? [`${at} core/ knows nothing of nginx`] : [];
      }
      if (!other) {
        return [`${at} there is no "${name}"`];
      }

      const folder = other.room.replace(/^core\//, '');
      const wanted = other.room === room ? other.name
        : `${folder}/${other.name}`;

      return [
        ...(name === wanted ? [] : [`${at} "${name}" should be "${wanted}"`]),
        ...(mayUse(table, room, other.room) ? []
          : [`${at} room ${room} may not use room ${other.room}`]),
      ];
    }));
}

// Returns a Map of unit => { needs, defines }, the names of symbols in the
// unit's object.  A unit is the name of a source without ".c".  Variables count
// as functions do, because other files may use the address of either.
function readObjects(directory, sources) {
  const units = sources.filter(({ name }) => name.endsWith('.c'))
    .map(({ name, room }) => ({ unit: unitOf(name), object: path.join(
      directory, path.basename(room), `${unitOf(name)}.o`) }));

  return new Map(units.filter(({ object }) => existsSync(object))
    .map(({ unit, object }) => [unit, symbolsOf(object)]));
}

function symbolsOf(object) {
  const lines = execFileSync('nm', [object], { encoding: 'utf8' }).split('\n')
    .map((line) => line.trim().split(/\s+/));

  return {
    needs: lines.filter(([type]) => type === 'U').map(([, name]) => name),
    defines: lines.filter(([, type]) => /^[TDBRC]$/.test(type ?? ''))
      .map(([, , name]) => name),
  };
}

// Returns [{ from, to, symbol }]: the unit `from` needs a symbol that the unit
// `to` defines.
function callsOf(objects, table) {
  const homes = new Map([...objects].flatMap(([unit, { defines }]) =>
    defines.map((name) => [name, unit])));

  return [...objects].flatMap(([from, { needs }]) => needs
    .filter((symbol) => homes.has(symbol) && !table.anywhere.has(symbol))
    .map((symbol) => ({ from, to: homes.get(symbol), symbol })));
}

function callFindings(table, sources, calls, objects) {
  const rooms = new Map(sources.map(({ name, room }) => [unitOf(name), room]));
  const core = [...rooms].filter(([, room]) => isCore(room));

  return [
    ...calls.filter(({ from, to }) =>
      !mayUse(table, rooms.get(from), rooms.get(to)))
      .map(({ from, to, symbol }) => `${from}.c: room ${rooms.get(from)} may`
        + ` not use room ${rooms.get(to)}: ${symbol}() of ${to}.c`),
    ...core.flatMap(([unit]) => (objects.get(unit)?.needs ?? [])
      .filter((symbol) => symbol.startsWith('ngx_'))
      .map((symbol) => `${unit}.c: core/ needs ${symbol} of nginx`)),
  ];
}

// Returns the circles of a graph: sets of two or more nodes that lead to each
// other (Tarjan's algorithm).
//   edges   Map of node => Set of nodes
function circlesOf(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const circles = [];

  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);

    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (stack.includes(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)));
      }
    }

    if (low.get(node) === index.get(node)) {
      const circle = stack.splice(stack.indexOf(node));
      if (circle.length > 1) {
        circles.push(circle.sort());
      }
    }
  };

  [...edges.keys()].filter((node) => !index.has(node)).forEach((node) =>
    index.has(node) || visit(node));
  return circles;
}

function connect(edges, from, to) {
  if (from !== to) {
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
}

function circleFindings(table, sources, calls) {
  const rooms = new Map(sources.map(({ name, room }) => [unitOf(name), room]));
  const files = new Map();
  const order = new Map();

  for (const room of table.rooms.keys()) {
    [...table.rooms.keys()].filter((other) => mayUse(table, room, other))
      .forEach((other) => connect(order, room, other));
  }
  for (const { name, includes } of sources) {
    includes.map((include) => unitOf(path.basename(include.name)))
      .filter((other) => rooms.has(other))
      .forEach((other) => connect(files, unitOf(name), other));
  }
  calls.forEach(({ from, to }) => connect(files, from, to));

  const found = circlesOf(files).map((circle) => circle.join(' '));

  return [
    ...circlesOf(order).map((circle) =>
      `${TABLE}: a circle of rooms: ${circle.join(' ')}`),
    ...found.filter((circle) => !table.circles.includes(circle))
      .map((circle) => `a circle of files: ${circle}`),
    ...table.circles.filter((circle) => !found.includes(circle))
      .map((circle) => `${TABLE}: there is no circle "${circle}"`),
  ];
}

// The table must name every function pointer that is stored, as "UNIT.NAME":
// members of structs and unions, and variables of files that are not constant.
const POINTER = new RegExp('^ *(?:static )?(?:\\w+ )*'
  + '(?:\\w+_pt\\s+(\\w+)|\\w[\\w ]*\\*?\\(\\*(\\w+)\\)\\()');

function pointersOf({ file, name }) {
  let inside = false;

  return read(path.join(TOP, file)).split('\n').flatMap((text, index) => {
    const match = POINTER.exec(text);

    if (/^(?:typedef )?(?:struct|union)\b.*\{$/.test(text)) {
      inside = true;
    } else if (text.startsWith('}')) {
      inside = false;
    }

    const stored = inside ? text.startsWith('    ')
      : /^(?!typedef |extern )\w(?!.*\bconst ).*(?: =.*|;)$/.test(text)
        && !/\(\w+ ?\*?\w*,?.*\);$/.test(text.replace(/\(\*\w+\)\(/, ''));

    return match && stored
      ? [{ at: `${file}:${index + 1}`,
           pointer: `${unitOf(name)}.${match[1] ?? match[2]}` }] : [];
  });
}

function pointerFindings(table, sources) {
  const pointers = sources.flatMap(pointersOf);
  const there = new Set(pointers.map(({ pointer }) => pointer));

  return [
    ...pointers.filter(({ pointer }) => !table.pointers.has(pointer))
      .map(({ at, pointer }) => `${at}: ${TABLE} does not name the function`
        + ` pointer ${pointer}`),
    ...[...table.pointers].filter((pointer) => !there.has(pointer))
      .map((pointer) => `${TABLE}: there is no function pointer ${pointer}`),
  ];
}

function main(directory) {
  const table = readTable();
  const sources = readSources();
  const objects = directory ? readObjects(directory, sources) : new Map();
  const calls = callsOf(objects, table);

  return [
    ...table.findings,
    ...placeFindings(table, sources),
    ...includeFindings(table, sources),
    ...callFindings(table, sources, calls, objects),
    ...circleFindings(table, sources, calls),
    ...pointerFindings(table, sources),
  ];
}

const findings = main(process.argv[2]);

for (const finding of findings) {
  console.log(finding);
}
process.exitCode = findings.length ? 1 : 0;
