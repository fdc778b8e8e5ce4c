// The strict parser of these tests: the bytes that it takes for a request, and
// those that it takes for a fault.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StrictParser } from '../lib/byte_recorder.mjs';

const PLAIN = 'GET /base/x?y HTTP/1.1\r\nHost: a\r\nX-Y: b c\r\n\r\n';

// Feeds bytes in pieces, and returns the methods of the requests, "fault" for
// each fault, and "rest" if bytes are left.
function outcome(text, { piece = text.length, ...options } = {}) {
  const parser = new StrictParser(options);
  const found = [];
  for (let at = 0; at < text.length; at += piece) {
    found.push(...parser.feed(Buffer.from(text.slice(at, at + piece),
                                          'latin1')));
  }
  return [...found.map(({ fault, method }) => (fault ? 'fault' : method)),
          ...(parser.rest ? ['rest'] : [])].join(' ');
}

const with_ = (line) => PLAIN.replace('X-Y: b c', line);

for (const [what, text, expected] of [
  ['a plain request', PLAIN, 'GET'],
  ['two plain requests', PLAIN + PLAIN, 'GET GET'],
  ['a request of HTTP/1.0 without Host', 'GET /x HTTP/1.0\r\n\r\n', 'GET'],
  ['high bytes in a target', 'GET /\xc3\xa9 HTTP/1.0\r\n\r\n', 'GET'],
  ['a body with a length', with_('Content-Length: 3') + 'abc' + PLAIN,
   'GET GET'],
  ['a body in chunks',
   `${with_('Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n${PLAIN}`,
   'GET GET'],
  ['half a request', PLAIN.slice(0, -2), 'rest'],
  ['a request and a half', PLAIN + PLAIN.slice(0, 9), 'GET rest'],
  ['a body that is cut', `${with_('Content-Length: 3')}ab`, 'rest'],
  ['three spaces', PLAIN.replace('?y ', '? y '), 'fault'],
  ['two spaces in a row', PLAIN.replace('GET ', 'GET  '), 'fault'],
  ['one space', 'GET /x\r\nHost: a\r\n\r\n', 'fault'],
  ['a tab for a space', PLAIN.replace('GET ', 'GET\t'), 'fault'],
  ['a fragment', PLAIN.replace('?y', '#y'), 'fault'],
  ['a control byte in the target', PLAIN.replace('?y', '\x01'), 'fault'],
  ['another version', PLAIN.replace('HTTP/1.1', 'HTTP/11'), 'fault'],
  ['a bare LF', PLAIN.replace('a\r\n', 'a\n'), 'fault'],
  ['a bare CR', PLAIN.replace('a\r\n', 'a\rb\r\n'), 'fault'],
  ['an empty line first', `\r\n${PLAIN}`, 'fault'],
  ['garbage after a request', `${PLAIN}garbage\r\n\r\n`, 'GET fault'],
  ['a line without a colon', with_('X-Y'), 'fault'],
  ['a line without a name', with_(': b'), 'fault'],
  ['a space before the colon', with_('X-Y : b'), 'fault'],
  ['a folded line', with_('X-Y: b\r\n c'), 'fault'],
  ['NUL in a value', with_('X-Y: b\0c'), 'fault'],
  ['DEL in a value', with_('X-Y: b\x7fc'), 'fault'],
  ['a tab in a value', with_('X-Y: b\tc'), 'GET'],
  ['high bytes in a value', with_('X-Y: b\xffc'), 'GET'],
  ['no Host', 'GET /x HTTP/1.1\r\n\r\n', 'fault'],
  ['two lines Host', with_('Host: b'), 'fault'],
  ['two lengths', with_('Content-Length: 3\r\nContent-Length: 3'), 'fault'],
  ['a length beside chunks',
   with_('Content-Length: 3\r\nTransfer-Encoding: chunked'), 'fault'],
  ['a malformed length', with_('Content-Length: +3'), 'fault'],
  ['another transfer coding', with_('Transfer-Encoding: gzip, chunked'),
   'fault'],
]) {
  test(`the parser takes ${what} for: ${expected}`, () => {
    assert.equal(outcome(text), expected);
    assert.equal(outcome(text, { piece: 1 }), expected);
  });
}

test('a parser that reads no bodies takes a body for the next request', () => {
  const body = 'GET /2 HTTP/1.0\r\n\r\n';
  const text = `${with_(`Content-Length: ${body.length}`)}${body}`;
  assert.equal(outcome(text), 'GET');
  assert.equal(outcome(text, { bodies: false }), 'GET GET');
});
