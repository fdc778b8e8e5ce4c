// Tests of scripts/check.  The tests break every rule at least once, in a copy
// of the sources, and restore the file afterwards.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync,
         writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { TOP, onEnd, scratchDirectory } from '../lib/scratch.mjs';

const PARTS = ['config', '.ci', 'README.md', 'CHANGES', 'LICENSE', 'conf',
               'ngx_cigna_module', 'scripts', 't'];

const CORE = 'ngx_cigna_module/core';

function copy(t) {
  const directory = scratchDirectory(t, 'check');

  for (const part of PARTS) {
    cpSync(path.join(TOP, part), path.join(directory, part), {
      recursive: true,
      filter: (source) => !source.endsWith('/node_modules'),
    });
  }
  return directory;
}

function lint(directory, check, ...more) {
  const program = check === 'rooms' ? ['rooms.mjs', ...more]
    : ['lint.mjs', check];
  const { status, stdout } = spawnSync(process.execPath, [
    path.join(directory, 'scripts/lib', program[0]), ...program.slice(1),
  ], { encoding: 'utf8' });
  return { status, output: stdout };
}

const append = (text) => (file) => appendFileSync(file, text);

const insert = (text) => (file) =>
  writeFileSync(file, text + readFileSync(file, 'utf8'));

const replace = (from, to) => (file) =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

// Adds a pitfall to the end of the list in t/README.md.
const listed = (text) => replace('\n## The two gates\n',
                                 `${text}\n## The two gates\n`);

// [mistake, check, file, function that makes the mistake, expected report]
const BROKEN = [
  ['an include against the order of rooms', 'rooms', `${CORE}/http/cigna_uri.c`,
   insert('#include "refresh/cigna_refresh.h"\n'),
   /cigna_uri\.c:1: room core\/http may not use room core\/refresh/],
  ['core/ that includes the glue', 'rooms', `${CORE}/http/cigna_uri.c`,
   insert('#include "net/ngx_cigna_peer.h"\n'),
   /cigna_uri\.c:1: room core\/http may not use room net/],
  ['core/ that includes nginx', 'rooms', `${CORE}/http/cigna_uri.c`,
   insert('#include <ngx_core.h>\n'), /cigna_uri\.c:1: core\/ knows nothing/],
  ['an include without its room', 'rooms', `${CORE}/http/cigna_uri.c`,
   insert('#include "cigna_slice.h"\n'),
   /cigna_uri\.c:1: "cigna_slice\.h" should be "base\/cigna_slice\.h"/],
  ['an include of a file that does not exist', 'rooms',
   `${CORE}/http/cigna_uri.c`, insert('#include "base/cigna_none.h"\n'),
   /cigna_uri\.c:1: there is no "base\/cigna_none\.h"/],
  ['a file outside the rooms', 'rooms', `${CORE}/cigna_new.c`, append('\n'),
   /cigna_new\.c: is in no room/],
  ['a circle of files in a room', 'rooms', `${CORE}/base/cigna_slice.c`,
   insert('#include "cigna_buf.h"\n'),
   /a circle of files: cigna_buf cigna_slice/],
  ['a circle of rooms in the table', 'rooms', 'scripts/lib/rooms.txt',
   replace('core/base:\n', 'core/base: core/http\n'),
   /a circle of rooms: core\/base core\/http/],
  ['a circle in the table that is gone', 'rooms', 'scripts/lib/rooms.txt',
   append('circle cigna_buf cigna_uri: there was one\n'),
   /there is no circle "cigna_buf cigna_uri"/],
  ['a function pointer that the table does not name', 'rooms',
   'ngx_cigna_module/run/ngx_cigna_run.c',
   append('static ngx_cigna_run_pt  ngx_cigna_run_hook;\n'),
   /does not name the function pointer ngx_cigna_run\.ngx_cigna_run_hook/],
  ['a member that is a function pointer', 'rooms',
   'ngx_cigna_module/run/ngx_cigna_run.c',
   append('struct ngx_cigna_x_s {\n    void  (*call)(void);\n};\n'),
   /does not name the function pointer ngx_cigna_run\.call/],
  ['a long line', 'style', `${CORE}/http/cigna_uri.h`,
   append(`/*${' *'.repeat(40)}/\n`),
   /cigna_uri\.h:\d+: longer than 80 columns/],
  ['a tab', 'style', `${CORE}/http/cigna_uri.h`, append('\tint  x;\n'),
   /cigna_uri\.h:\d+: a tab/],
  ['a trailing blank', 'style', 'conf/minimal.conf', append('# \n'),
   /minimal\.conf:\d+: trailing white space/],
  ['a string function without bound', 'banned', `${CORE}/http/cigna_uri.c`,
   append('void x(void) { strcpy(a, b); }\n'), /strcpy.* no bounds/],
  ['a blocking call', 'banned', 'ngx_cigna_module/redis/ngx_cigna_redis.c',
   append('void x(void) { c = redisConnect(a, 1); }\n'),
   /redisConnect.* blocks the worker/],
  ['a socket that is opened outside the peer', 'banned',
   'ngx_cigna_module/net/ngx_cigna_http.c',
   append('void x(void) { connect(s, a, n); }\n'), /only the peer opens/],
  ['a clock in core/', 'banned', `${CORE}/http/cigna_uri.c`,
   append('void x(void) { t = time(NULL); }\n'), /takes time, /],
  ['a switch on the nginx version', 'compat',
   'ngx_cigna_module/nginx/ngx_cigna_compat.h',
   append('#if (nginx_version >= 1023000)\n#endif\n'),
   /ngx_cigna_compat\.h:\d+: do not use the version/],
  ['a directive that is not documented', 'directives', 'conf/README.md',
   replace('### cigna_status\n', '### cigna_stat\n'),
   /directive "cigna_status" is missing[^]*no directive "cigna_stat"/],
  ['a setting of a block that is not documented', 'directives',
   'conf/README.md', replace('| `keys` ', '| `key` '),
   /directive "cigna_vault keys"/],
  ['a directive that the table on top leaves out', 'directives',
   'conf/README.md', replace(/\| \[`cigna_status`.*\n/, ''),
   /"cigna_status" has not one row on top/],
  ['a row on top for a directive that does not exist', 'directives',
   'conf/README.md', replace('| [`cigna_fhir`](#cigna_fhir)',
                             '| [`cigna_fhir`](#cigna_cors)'),
   /"cigna_fhir#cigna_cors" on top is not a directive/],
  ['a link to a file that does not exist', 'pages', 'conf/README.md',
   append('\nSee [this](maximal.conf).\n'),
   /conf\/README\.md:\d+: there is no "conf\/maximal\.conf"/],
  ['a link to a heading that does not exist', 'pages', 'scripts/README.md',
   append('\nSee [this](../conf/README.md#budget).\n'),
   /"conf\/README\.md" has no heading for "#budget"/],
  ['a link to a heading that was renamed', 'pages', 'README.md',
   replace('## Install\n', '## Installation\n'),
   /"README\.md" has no heading for "#install"/],
  ['a path in a code span that does not exist', 'pages', 'README.md',
   append('\nSee `scripts/lib/nothing.mjs`.\n'),
   /README\.md:\d+: there is no "scripts\/lib\/nothing\.mjs"/],
  ['a path from the page\'s own folder that does not exist', 'pages',
   't/README.md', append('\nSee `lib/nothing.mjs`.\n'),
   /there is no "lib\/nothing\.mjs"/],
  ['a command that does not exist', 'pages', 'README.md',
   append('\n```\nscripts/demonstrate --check\n```\n'),
   /there is no "scripts\/demonstrate"/],
  ['a front page that is too long', 'pages', 'README.md',
   append('\n'.repeat(250)), /README\.md: has \d+ lines, at most 250/],
  ['a page that does not say whom it is for', 'pages',
   'conf/redis/README.md', replace('\nFor: ', '\nThis page is for '),
   /conf\/redis\/README\.md:1: the first paragraph does not say "For: /],
  ['a source without test', 'tested', `${CORE}/http/cigna_new.c`, append('\n'),
   /cigna_new\.c: has no unit test/],
  ['a pitfall with a test that does not exist', 'pitfalls', 't/README.md',
   listed('26. This.\n   - `unit/http/test_uri.c`: "nothing of that name"\n'),
   /test_uri\.c has no test "nothing of that name"/],
  ['a pitfall without a test', 'pitfalls', 't/README.md',
   listed('26. This one.\n'), /no test for "26\. This one\."/],
];

// Changes a file, and restores it when the test ends.
function change(t, file, how) {
  const former = existsSync(file) && readFileSync(file);

  onEnd(t, () => (former ? writeFileSync(file, former) : rmSync(file)));
  how(file);
}

test('each rule is enforced', async (t) => {
  const directory = copy(t);

  for (const [what, check, file, breakIt, reported] of BROKEN) {
    await t.test(`${what} is found`, (own) => {
      change(own, path.join(directory, file), breakIt);
      const { status, output } = lint(directory, check);
      assert.match(output, reported);
      assert.equal(status, 1);
    });
  }

  await t.test('banned names are allowed in comments and strings', (own) => {
    change(own, path.join(directory, CORE, 'http/cigna_uri.c'), append(
      '/* strcpy(a, b) */\nconst char *x = "sprintf(";\n'));
    assert.doesNotMatch(lint(directory, 'banned').output, /cigna_uri\.c/);
  });
});

// Compiles sources, { 'http/cigna_uri': text in C }, and returns the directory
// of the objects.
function objects(t, sources) {
  const directory = scratchDirectory(t, 'objects');

  for (const [name, text] of Object.entries(sources)) {
    const object = path.join(directory, `${name}.o`);

    mkdirSync(path.dirname(object), { recursive: true });
    execFileSync('gcc', ['-x', 'c', '-c', '-o', object, '-'], { input: text });
  }
  return directory;
}

test('the table of rooms holds for calls as well', async (t) => {
  const rooms = (own, sources) =>
    lint(TOP, 'rooms', objects(own, sources)).output;

  await t.test('a call against the order is found', (own) => {
    assert.match(rooms(own, {
      'http/cigna_uri': 'void cigna_refresh_next(void);\n'
        + 'void cigna_uri_parse(void) { cigna_refresh_next(); }\n',
      'refresh/cigna_refresh': 'void cigna_refresh_next(void) {}\n',
    }), /cigna_uri\.c: room core\/http may not use room core\/refresh: cigna/);
  });

  await t.test('a circle of calls within a room is found', (own) => {
    assert.match(rooms(own, {
      'http/cigna_uri': 'void cigna_form(void);\n'
        + 'void cigna_uri_parse(void) { cigna_form(); }\n',
      'http/cigna_form': 'void cigna_uri_parse(void);\n'
        + 'void cigna_form(void) { cigna_uri_parse(); }\n',
    }), /a circle of files: cigna_form cigna_uri/);
  });

  await t.test('an address of a function counts as a call', (own) => {
    assert.match(rooms(own, {
      'http/cigna_uri': 'void cigna_refresh_next(void);\n'
        + 'void (*const x)(void) = cigna_refresh_next;\n',
      'refresh/cigna_refresh': 'void cigna_refresh_next(void) {}\n',
    }), /cigna_uri\.c: room core\/http may not use room core\/refresh/);
  });

  await t.test('core/ that needs a symbol of nginx is found', (own) => {
    assert.match(rooms(own, {
      'http/cigna_uri': 'void ngx_time_update(void);\n'
        + 'void cigna_uri_parse(void) { ngx_time_update(); }\n',
    }), /cigna_uri\.c: core\/ needs ngx_time_update of nginx/);
  });
});
