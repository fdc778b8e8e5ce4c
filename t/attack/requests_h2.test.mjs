// Malformed requests over HTTP/2, frame by frame.  For each faulty stream or
// connection, one plain request arrives at the FHIR server, or none does.  If
// the connection goes on, the next stream gets its own reply.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FLAG, TYPE, block, frame, framesTo, uint32 } from
  '../lib/frames.mjs';
import { PLACE, startScene } from '../lib/scene.mjs';

const PROTOCOL = 1;
const FLOW = 3;
const STREAM_CLOSED = 5;
const SIZE = 6;
const COMPRESSION = 9;
const CALM = 11;

const SMUGGLED = `GET ${PLACE}smuggled HTTP/1.1\r\nHost: acme.localhost\r\n`
  + 'Cookie: session=bob\r\n\r\n';
const WHOLE = FLAG.headers | FLAG.end;

// Returns the header lines of a valid request.  changes: lines that replace its
// own, or null to remove a line; more: lines after them
function linesOf(name, changes = {}, more = []) {
  const lines = { ':method': 'GET', ':scheme': 'https', ':path': PLACE + name,
                  ':authority': 'acme.localhost', 'cookie': 'session=alice',
                  ...changes };
  return [...Object.entries(lines).filter(([, value]) => value !== null),
          ...more];
}

const headers = (name, { flags = WHOLE, id = 1, ...lines } = {}) =>
  frame(TYPE.headers, flags, id, block(linesOf(name, lines.is, lines.more)));

const data = (text, { flags = FLAG.end, id = 1, length } = {}) =>
  frame(TYPE.data, flags, id, text, length);

const open = (name, more = {}) => headers(name, { flags: FLAG.headers,
                                                  ...more });

// The expected result of a case: the stream's status, or the error code with
// which nginx resets the stream or closes the connection.
const SERVED = { status: 200 };
const BAD = { status: 400 };
const JUDGED = { status: 400 };
const REFUSED = { status: 405 };
const reset = (code) => ({ reset: code });
// The request may already have left when nginx resets the stream.
const LATE = { reset: STREAM_CLOSED, perhaps: true };
const gone = (...codes) => ({ goaway: codes });

const PSEUDO = {
  'a valid header': [SERVED, (name) => headers(name)],
  'no method': [BAD, (name) => headers(name, { is: { ':method': null } })],
  'no scheme': [BAD, (name) => headers(name, { is: { ':scheme': null } })],
  'no path': [BAD, (name) => headers(name, { is: { ':path': null } })],
  'an empty path': [{ status: 400, goaway: [PROTOCOL] }, (name) =>
    headers(name, { is: { ':path': '' } })],
  'a path without a slash': [BAD, (name) => headers(name, {
    is: { ':path': `w/${name}` } })],
  'an asterisk': [BAD, (name) => headers(name, { is: { ':path': '*' } })],
  'a path with a scheme and host': [BAD, (name) => headers(name, {
    is: { ':path': `https://evil.example${PLACE}${name}` } })],
  'two paths': [BAD, (name) => headers(name, {
    more: [[':path', '/evil']] })],
  'two methods': [BAD, (name) => headers(name, {
    more: [[':method', 'POST']] })],
  'two schemes': [BAD, (name) => headers(name, {
    more: [[':scheme', 'http']] })],
  'two authorities': [BAD, (name) => headers(name, {
    more: [[':authority', 'evil.example']] })],
  'an authority and another Host': [BAD, (name) => headers(name, {
    more: [['host', 'evil.example']] })],
  'no authority and no Host': [BAD, (name) => headers(name, {
    is: { ':authority': null } })],
  'Host instead of the authority': [SERVED, (name) => headers(name, {
    is: { ':authority': null }, more: [['host', 'acme.localhost']] })],
  'an authority with a space': [BAD, (name) => headers(name, {
    is: { ':authority': 'acme.localhost evil' } })],
  'an unknown pseudo-header': [BAD, (name) => headers(name, {
    is: { ':evil': 'x' } })],
  'a status': [BAD, (name) => headers(name, { is: { ':status': '200' } })],
  'a protocol': [BAD, (name) => headers(name, {
    is: { ':protocol': 'websocket' } })],
  'a space in the method': [BAD, (name) => headers(name, {
    is: { ':method': 'GET /evil' } })],
  'a line end in the method': [reset(PROTOCOL), (name) => headers(name, {
    is: { ':method': 'GET\r\nevil: x' } })],
  'a space in the path': [BAD, (name) => headers(name, {
    is: { ':path': `${PLACE}${name} HTTP/1.1` } })],
  'a request in the path': [reset(PROTOCOL), (name) => headers(name, {
    is: { ':path': `${PLACE}${name} HTTP/1.1\r\nHost: evil\r\n\r\nGET /` } })],
  'a NUL in the path': [reset(PROTOCOL), (name) => headers(name, {
    is: { ':path': `${PLACE}${name}\0evil` } })],
  'an escaped line end in the path': [JUDGED, (name) => headers(name, {
    is: { ':path': `${PLACE}${name}%0d%0aevil:%20x` } })],
  'a line end in the scheme': [reset(PROTOCOL), (name) => headers(name, {
    is: { ':scheme': 'https\r\nevil: x' } })],
  'another scheme': [SERVED, (name) => headers(name, {
    is: { ':scheme': 'http' } })],
};

const LINES = {
  'a name in upper case': [reset(PROTOCOL), (name) => headers(name, {
    more: [['X-Evil', 'x']] })],
  'Authorization in upper case': [reset(PROTOCOL), (name) => headers(name, {
    more: [['Authorization', 'Bearer evil']] })],
  'authorization of the caller': [SERVED, (name) => headers(name, {
    more: [['authorization', 'Bearer evil']] })],
  'a line end in a value': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept', 'a\r\nevil: x']] })],
  'a CR in a value': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept', 'a\revil']] })],
  'an LF in a value': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept', 'a\nevil']] })],
  'a NUL in a value': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept', 'a\0evil']] })],
  'a control byte in a value': [JUDGED, (name) => headers(name, {
    more: [['accept', 'a\x01b']] })],
  'a line end in a name': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept\r\nevil', 'x']] })],
  'a colon in a name': [reset(PROTOCOL), (name) => headers(name, {
    more: [['accept:evil', 'x']] })],
  'a NUL in a name': [reset(PROTOCOL), (name) => headers(name, {
    more: [['acc\0ept', 'x']] })],
  'an empty name': [gone(PROTOCOL), (name) => headers(name, {
    more: [['', 'evil']] })],
  'a transfer coding': [SERVED, (name) => headers(name, {
    more: [['transfer-encoding', 'chunked']] })],
  'connection-specific lines': [SERVED, (name) => headers(name, {
    more: [['connection', 'upgrade'], ['upgrade', 'h2c'],
           ['keep-alive', 'x'], ['proxy-connection', 'x']] })],
  'te': [SERVED, (name) => headers(name, { more: [['te', 'trailers, gzip']] })],
  'a cookie in pieces': [SERVED, (name) => headers(name, {
    is: { cookie: null },
    more: [['cookie', 'a=b'], ['cookie', 'session=alice']] })],
  'a value of 9 KB': [gone(CALM), (name) => headers(name, {
    more: [['x-long', 'x'.repeat(9000)]] })],
  'twenty values of 700 bytes': [SERVED, (name) => headers(name, {
    more: Array.from({ length: 20 }, () => ['x-long', 'x'.repeat(700)]) })],
};

const BODIES = {
  'a body': [SERVED, (name) => [open(name), data(SMUGGLED)]],
  'a body in many frames': [SERVED, (name) => [open(name),
    ...Array.from({ length: 20 }, () => data('x', { flags: 0 })), data('')]],
  'an empty body': [SERVED, (name) => [open(name), data('')]],
  'a body of HEAD': [SERVED, (name) => [
    open(name, { is: { ':method': 'HEAD' } }), data(SMUGGLED)], 'HEAD'],
  'a length that is right': [SERVED, (name) => [
    open(name, { more: [['content-length', '5']] }), data('abcde')]],
  'a body that is shorter than its length': [BAD, (name) => [
    open(name, { more: [['content-length', '10']] }), data('abcde')]],
  'a body that is longer than its length': [BAD, (name) => [
    open(name, { more: [['content-length', '3']] }), data('abcde')]],
  'a length without a body': [BAD, (name) =>
    headers(name, { more: [['content-length', '5']] })],
  'two lengths': [BAD, (name) => [open(name, {
    more: [['content-length', '5'], ['content-length', '0']] }),
    data('abcde')]],
  'a malformed length': [BAD, (name) => [
    open(name, { more: [['content-length', '-5']] }), data('abcde')]],
  'a body of POST': [REFUSED, (name) => [
    open(name, { is: { ':method': 'POST' } }), data(SMUGGLED)]],
  'CONNECT': [REFUSED, (name) => headers(name, {
    is: { ':method': 'CONNECT' } })],
  'TRACE': [REFUSED, (name) => headers(name, { is: { ':method': 'TRACE' } })],
  'padding': [SERVED, (name) => [
    open(name), data(`\x09abcde${'\0'.repeat(9)}`, {
      flags: FLAG.padded | FLAG.end })]],
  'padding alone': [SERVED, (name) => [
    open(name), data(`\x09${'\0'.repeat(9)}`, {
      flags: FLAG.padded | FLAG.end })]],
  'more padding than the frame has': [gone(PROTOCOL, SIZE), (name) => [
    open(name), data('\xffabc', { flags: FLAG.padded | FLAG.end })]],
  'DATA after the end of the body': [LATE, (name) => [
    open(name), data('abc'), data(SMUGGLED)]],
  'DATA after a request without a body': [LATE, (name) => [
    headers(name), data(SMUGGLED)]],
  'DATA of an idle stream': [{ none: true }, () =>
    data(SMUGGLED, { id: 99 })],
  'DATA of stream zero': [gone(PROTOCOL), () => data(SMUGGLED, { id: 0 })],
  'trailers': [gone(PROTOCOL), (name) => [
    open(name), data('abc', { flags: 0 }),
    frame(TYPE.headers, WHOLE, 1, block([['x-evil', 'x']]))]],
  'a request that is reset': [{ none: true }, (name) => [
    open(name), data('abc', { flags: 0 }),
    frame(TYPE.reset, 0, 1, uint32(8))]],
  'a request that is reset before its body': [{ none: true }, (name) => [
    open(name), frame(TYPE.reset, 0, 1, uint32(8))]],
};

const half = (name) => {
  const whole = block(linesOf(name));
  return [whole.subarray(0, 20), whole.subarray(20)];
};

const FRAMES = {
  'a header in two frames': [SERVED, (name) => [
    frame(TYPE.headers, FLAG.end, 1, half(name)[0]),
    frame(TYPE.more, FLAG.headers, 1, half(name)[1])]],
  'a header byte by byte': [SERVED, (name) => {
    const bytes = [...block(linesOf(name))];
    return bytes.map((byte, i) =>
      frame(i ? TYPE.more : TYPE.headers,
            (i ? 0 : FLAG.end) | (i === bytes.length - 1 ? FLAG.headers : 0),
            1, Buffer.from([byte])));
  }],
  'a CONTINUATION of another stream': [gone(PROTOCOL), (name) => [
    frame(TYPE.headers, FLAG.end, 1, half(name)[0]),
    frame(TYPE.more, FLAG.headers, 3, half(name)[1])]],
  'a CONTINUATION without HEADERS': [gone(PROTOCOL), (name) =>
    frame(TYPE.more, FLAG.headers, 1, block(linesOf(name)))],
  'DATA inside a header': [gone(PROTOCOL), (name) => [
    frame(TYPE.headers, FLAG.end, 1, half(name)[0]), data(SMUGGLED),
    frame(TYPE.more, FLAG.headers, 1, half(name)[1])]],
  'a padded header': [SERVED, (name) =>
    frame(TYPE.headers, WHOLE | FLAG.padded, 1, Buffer.concat([
      Buffer.from([3]), block(linesOf(name)), Buffer.alloc(3)]))],
  'a header with too much padding': [gone(SIZE, PROTOCOL), (name) =>
    frame(TYPE.headers, WHOLE | FLAG.padded, 1, Buffer.concat([
      Buffer.from([255]), block(linesOf(name).slice(0, 2))]))],
  'a priority': [SERVED, (name) =>
    frame(TYPE.headers, WHOLE | FLAG.priority, 1, Buffer.concat([
      uint32(0), Buffer.from([15]), block(linesOf(name))]))],
  'a stream that depends on itself': [{ reset: PROTOCOL, goaway: [PROTOCOL] },
    (name) => frame(TYPE.headers, WHOLE | FLAG.priority, 1, Buffer.concat([
      uint32(1), Buffer.from([15]), block(linesOf(name))]))],
  'priorities of many streams': [SERVED, (name) => [
    ...Array.from({ length: 50 }, (_, i) =>
      frame(TYPE.priority, 0, 2 * i + 5, Buffer.concat([
        uint32(2 * i + 3), Buffer.from([1])]))), headers(name)]],
  'an even stream id': [gone(PROTOCOL), (name) => headers(name, { id: 2 })],
  'stream zero': [gone(PROTOCOL), (name) => headers(name, { id: 0 })],
  'a stream id below the last one': [gone(PROTOCOL), (name) => [
    headers(name, { id: 7, is: { ':method': 'PUT' } }),
    headers(name, { id: 5 })]],
  'a frame of an unknown type': [SERVED, (name) => [
    frame(0xee, 0xff, 1, SMUGGLED), headers(name)]],
  'a frame that is too long': [gone(SIZE, PROTOCOL), () =>
    frame(TYPE.headers, WHOLE, 1, '', 0xfffff)],
  'PUSH_PROMISE from the client': [gone(PROTOCOL), (name) =>
    frame(TYPE.push, FLAG.headers, 1, Buffer.concat([
      uint32(2), block(linesOf(name))]))],
  'SETTINGS of seven bytes': [gone(SIZE), () =>
    frame(TYPE.settings, 0, 0, '\0'.repeat(7))],
  'SETTINGS of a stream': [gone(PROTOCOL), () => frame(TYPE.settings, 0, 1)],
  'a window that grows by zero': [gone(PROTOCOL), () =>
    frame(TYPE.window, 0, 0, uint32(0))],
  'a window that grows too large': [gone(FLOW), () => [
    frame(TYPE.window, 0, 0, uint32(0x7fffffff)),
    frame(TYPE.window, 0, 0, uint32(0x7fffffff))]],
  'PINGs': [SERVED, (name) => [
    ...Array.from({ length: 50 }, () => frame(TYPE.ping, 0, 0, 'pingping')),
    headers(name)]],
  'the index zero': [gone(COMPRESSION), () =>
    frame(TYPE.headers, WHOLE, 1, '\x80')],
  'an index beyond the table': [gone(COMPRESSION), () =>
    frame(TYPE.headers, WHOLE, 1, '\xff\xff\x0f')],
  'a table that is too large': [gone(COMPRESSION), () =>
    frame(TYPE.headers, WHOLE, 1, '\x3f\xff\xff\x0f')],
  'a length without an end': [gone(COMPRESSION), () =>
    frame(TYPE.headers, WHOLE, 1, `\0\x7f${'\xff'.repeat(10)}`)],
  'malformed Huffman codes': [gone(COMPRESSION), () =>
    frame(TYPE.headers, WHOLE, 1, '\0\x84\xff\xff\xff\xff\x01x')],
};

const KINDS = { PSEUDO, LINES, BODIES, FRAMES };

test('HTTP/2, frame by frame', async (t) => {
  const scene = await startScene(t, { listen: 'http2' });
  const { gw } = scene;

  for (const [kind, cases] of Object.entries(KINDS)) {
    for (const [what, [wanted, make, method]] of Object.entries(cases)) {
      await t.test(`${kind.toLowerCase()}: ${what}: one plain request leaves, `
        + 'or none', async () => {
        const [name, next] = [scene.name('attack'), scene.name('next')];
        scene.fhir.take();
        const frames = await framesTo(gw);
        frames.send(...[make(name)].flat());
        await settled(frames, wanted);
        frames.send(headers(next, { id: 101 }));
        const second = await frames.outcome(101);
        frames.close();

        const first = frames.of(1);
        if (wanted.goaway) {
          assert.ok(frames.closed || frames.goaway !== null);
          assert.ok(wanted.goaway.includes(frames.goaway),
                    `${frames.goaway}`);
          assert.equal(second.status, null);
        } else {
          assert.deepEqual([second.status, frames.goaway], [200, null]);
          scene.assertOwn(second.body, 'alice', next);
        }
        assert.equal(first.status, wanted.status ?? null,
                     JSON.stringify(first));
        if (wanted.reset) {
          assert.ok([first.reset, frames.goaway].includes(wanted.reset));
        }
        const arrives = wanted.status === 200 || (wanted.perhaps
          && scene.fhir.requests.some(({ target }) => target.endsWith(name)));
        if (arrives && method !== 'HEAD') {
          scene.assertOwn(first.body, 'alice', name);
        }

        const bob = await scene.assertOthers();
        scene.assertArrived([...(arrives ? [['alice', name]] : []),
                             ...(wanted.goaway ? [] : [['alice', next]]),
                             ['bob', bob]]);
      });
    }
  }

  await t.test('all requests used one connection to the FHIR server', () => {
    assert.equal(scene.fhir.connections, 1);
  });

  await t.test('streams of two members get their own replies while a third of '
    + 'the streams is reset', async () => {
    scene.fhir.take();
    const frames = await framesTo(gw);
    const streams = Array.from({ length: 60 }, (_, i) => ({
      id: 2 * i + 1, member: i % 2 ? 'bob' : 'alice', left: i % 3 === 0,
      bodied: i % 5 === 0, name: scene.name('many') }));

    for (const { id, member, left, bodied, name } of streams) {
      const is = { cookie: `session=${member}` };
      frames.send(
        ...(left || bodied
          ? [open(name, { id, is }), data(SMUGGLED, { id, flags: 0 })]
          : [headers(name, { id, is })]),
        ...(left ? [frame(TYPE.reset, 0, id, uint32(8))]
          : bodied ? [data('', { id })] : []));
    }
    const whole = streams.filter(({ left }) => !left);
    for (const { id, member, name } of whole) {
      const { status, body } = await frames.outcome(id);
      assert.equal(status, 200, body);
      scene.assertOwn(body, member, name);
    }
    frames.close();

    const seen = scene.fhir.take();
    assert.equal(seen.length, whole.length);
    for (const { faults, bytes } of seen) {
      assert.deepEqual(faults, [], bytes);
    }
  });

  await t.test('node\'s client gets its replies beside a stream that it leaves',
               async () => {
    scene.fhir.take();
    const client = http2.connect(gw.url('acme'), {
      ca: gw.caText, lookup: (_, { all }, done) => done(null,
        ...(all ? [[{ address: '127.0.0.1', family: 4 }]] : ['127.0.0.1', 4])),
    });
    const ask = (name, method, more = {}) => client.request({
      ':path': PLACE + name, ':method': method, 'cookie': 'session=alice',
      ...more }, { endStream: false });
    const names = ['GET', 'HEAD', 'GET'].map((method) => scene.name(method));

    const left = ask('left', 'GET', { 'content-length': 100 });
    left.on('error', () => {});
    left.write('half');
    for (const [i, name] of names.entries()) {
      const stream = ask(name, i === 1 ? 'HEAD' : 'GET');
      stream.end(SMUGGLED);
      const [{ ':status': status }] = await once(stream, 'response');
      const body = (await stream.setEncoding('utf8').toArray()).join('');
      assert.equal(status, 200);
      if (i !== 1) {
        scene.assertOwn(body, 'alice', name);
      }
    }
    left.close(http2.constants.NGHTTP2_CANCEL);
    client.close();
    const bob = await scene.assertOthers();
    scene.assertArrived([...names.map((name) => ['alice', name]),
                         ['bob', bob]]);
  });
});

// Waits for the result of a case, whether it is the expected one or not.
async function settled(frames, wanted) {
  if (wanted.none) {
    await sleep(50);
  } else {
    await frames.outcome(1);
  }
}
