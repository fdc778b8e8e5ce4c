// Documents that a FHIR server may hold, each with an attack on the origin that
// shows it.
//
// Each document has a mark, `name.way.side`: its name in this list, the way in
// which a page loaded it, and whether it came through the gates (`gated`) or
// not (`plain`, the control).

import { deflateSync } from 'node:zlib';

const KEPT = 'application/fhir+json';

// Returns the attack, a script.  It has neither "<" nor "&", so it can stand in
// HTML and in XML.  Each step reports its success on the console.  Each way of
// loading has only some of the steps, because all of them would take long.
function attack(mark) {
  const [, way, side] = mark.split('.');
  const steps = { disconnect: [disconnect], navigate: [read, post, worker],
                  iframe: [read, post, worker] }[way] ?? [read, post];
  return `(async () => {
    var say = (what) => { console.log('EFFECT ${mark} ' + what); };
    say('ran');
    ${steps.map((step) =>
      `try { ${step(mark, side)} } catch (e) { }`).join('\n    ')}
    say('done');
  })()`;
}

const read = () => `var reply = await fetch('/fhir/Patient');
      var bundle = await reply.json();
      if (bundle.resourceType == 'Bundle') { say('read'); }`;

const post = (mark) =>
  `await fetch('/form?by=${mark}', { method: 'POST', body: 'x' });`;

const worker = (mark, side) => `await navigator.serviceWorker.register(
      '/${side}/js-allowed?way=sw', { scope: '/scope/${mark}/' });`;

const disconnect = () =>
  'await fetch(\'/cigna/disconnect\', { method: \'POST\' });';

// The text by which a test finds the document on a page.
const text = (mark) => `SHOWN:${mark};`;

const XHTML = 'xmlns="http://www.w3.org/1999/xhtml"';

// { kind: (mark, URL of the style sheet) => the document's bytes }
const BODIES = {
  html: (mark) => `<!DOCTYPE html><title>x</title><p>${text(mark)}</p>
    <script>${attack(mark)}</script>`,

  onerror: (mark) => `<p>${text(mark)}<img src="x:"
    onerror="${attack(mark).replaceAll('"', '&quot;')}">`,

  utf16: (mark) => Buffer.from(`\ufeff${BODIES.html(mark)}`, 'utf16le'),

  xhtml: (mark) => `<html ${XHTML}><head><title>x</title></head>
    <body><p>${text(mark)}</p><script>${attack(mark)}</script></body></html>`,

  svg: (mark) => `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">
    <text>${text(mark)}</text><script>${attack(mark)}</script></svg>`,

  narrative: (mark) => `<Patient xmlns="http://hl7.org/fhir"><text>
    <status value="generated"/><div ${XHTML}><p>${text(mark)}</p>
    <script>${attack(mark)}</script></div></text></Patient>`,

  styled: (mark, sheet) => `<?xml version="1.0"?>
    <?xml-stylesheet type="text/xsl" href="${sheet}"?>
    <Patient>${text(mark)}</Patient>`,

  sheet: (mark) => `<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">
    ${BODIES.xhtml(mark)}</xsl:template></xsl:stylesheet>`,

  json: (mark) => JSON.stringify({ resourceType: 'Binary',
                                   data: BODIES.html(mark) }),

  script: (mark) => `/* ${text(mark)} */ self.addEventListener('fetch', () => {
    }); ${attack(mark)}`,

  css: (mark) => `/* ${text(mark)} */ body { background: red }`,
  vtt: (mark) => `WEBVTT\n\n00:00.000 --> 00:09.000\n${BODIES.html(mark)}`,

  mixed: (mark) => ['--b', 'Content-Type: text/html', '', BODIES.html(mark),
    '--b--', ''].join('\r\n'),

  mhtml: (mark) => ['MIME-Version: 1.0',
    'Content-Type: multipart/related; boundary="b"; type="text/html"', '',
    '--b', 'Content-Type: text/html', 'Content-Location: https://x.example/',
    '', BODIES.html(mark), '--b--', ''].join('\r\n'),

  form: (mark) => `<p>${text(mark)}
    <form method="post" action="/form?by=${mark}"><button>Go on</button>`,

  pdf: (mark) => pdf(mark),
  png: () => PNG,
};

// A PDF of one page with a line of text and a script that runs on opening.
export function pdf(line, script = 'app.alert("x");') {
  const stream = `BT /F1 18 Tf 20 100 Td (${text(line)}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /OpenAction 6 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R'
      + ' /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /S /JavaScript /JS (${script}) >>`,
  ];
  let bytes = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const at = bytes.length;
    bytes += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  return `${bytes}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
    + `${offsets.join('')}trailer\n<< /Size ${objects.length + 1}`
    + ` /Root 1 0 R >>\nstartxref\n${bytes.length}\n%%EOF\n`;
}

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i += 1) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
  }
  return ~sum >>> 0;
}

function chunk(name, data) {
  const inner = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(inner));
  return Buffer.concat([length, inner, sum]);
}

// An image of three red pixels, side by side.
export const PNG = Buffer.concat([
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  chunk('IHDR', Buffer.from([0, 0, 0, 3, 0, 0, 0, 1, 8, 2, 0, 0, 0])),
  chunk('IDAT', deflateSync(Buffer.from([0, 255, 0, 0, 255, 0, 0, 255, 0, 0]))),
  chunk('IEND', Buffer.alloc(0)),
]);

// The documents: { name: [Content-Type (null: no such line, a list: a line for
// each item), kind of body, { status, lines }] }
//
// ACTIVE documents run their script wherever a browser opens them.  PASSIVE
// documents do not.  But without "nosniff" most PASSIVE documents run when a
// page loads them as scripts, and many can be read in a frame.

export const ACTIVE = {
  'html': ['text/html', 'html'],
  'html-utf8': ['text/html; charset=utf-8', 'html'],
  'html-upper': ['TEXT/HTML', 'html'],
  'html-tab': ['text/html\t;\tcharset=utf-8', 'html'],
  'html-quoted': ['text/html;charset="utf-8"', 'html'],
  'html-utf7': ['text/html;charset=utf-7', 'html'],
  'html-utf16': ['text/html;charset=utf-16le', 'utf16'],
  'html-json': [`text/html;type=${KEPT}`, 'html'],
  'html-onerror': ['text/html', 'onerror'],
  'html-behind': [`${KEPT}, text/html`, 'html'],
  'html-second': [[KEPT, 'text/html'], 'html'],
  'html-first': [['text/html', 'x'], 'html'],

  'html-201': ['text/html', 'html', { status: 201 }],
  'html-203': ['text/html', 'html', { status: 203 }],
  'html-206': ['text/html', 'html', { status: 206 }],
  'html-400': ['text/html', 'html', { status: 400 }],
  'html-403': ['text/html', 'html', { status: 403 }],
  'html-404': ['text/html', 'html', { status: 404 }],
  'html-410': ['text/html', 'html', { status: 410 }],
  'html-422': ['text/html', 'html', { status: 422 }],
  'html-500': ['text/html', 'html', { status: 500 }],

  'none': [null, 'html'],
  'none-404': [null, 'html', { status: 404 }],
  'empty': ['', 'html'],
  'unknown': ['unknown/unknown', 'html'],
  'unknown-app': ['application/unknown', 'html'],
  'any': ['*/*', 'html'],
  'no-slash': ['html', 'html'],

  'xhtml': ['application/xhtml+xml', 'xhtml'],
  'xhtml-utf8': ['application/xhtml+xml; charset=utf-8', 'xhtml'],
  'xhtml-403': ['application/xhtml+xml', 'xhtml', { status: 403 }],
  'svg': ['image/svg+xml', 'svg'],
  'svg-upper': ['Image/SVG+XML', 'svg'],
  'svg-206': ['image/svg+xml', 'svg', { status: 206 }],
  'svg-404': ['image/svg+xml;charset=utf-8', 'svg', { status: 404 }],
  'svg-500': ['image/svg+xml', 'svg', { status: 500 }],
  'xml': ['text/xml', 'narrative'],
  'xml-app': ['application/xml', 'narrative'],
  'xml-400': ['application/xml;charset=utf-8', 'narrative', { status: 400 }],
  'xml-svg': ['text/xml; charset=utf-8', 'svg'],
  'xml-xsl': ['text/xsl', 'xhtml'],

  'inline': ['text/html', 'html', { lines: {
    'Content-Disposition': 'inline' } }],
  'inline-name': ['text/html', 'html', { lines: {
    'Content-Disposition': 'inline; filename="a.html"' } }],
  'policy': ['text/html', 'html', { lines: {
    'Content-Security-Policy': 'script-src \'unsafe-inline\' \'self\'',
    'X-Frame-Options': 'ALLOWALL' } }],
  'sniffed': ['text/html', 'html', { lines: {
    'X-Content-Type-Options': 'none' } }],
};

export const PASSIVE = {
  'js': ['text/javascript', 'script'],
  'js-allowed': ['text/javascript', 'script', { lines: {
    'Service-Worker-Allowed': '/' } }],
  'js-app': ['application/javascript;charset=utf-8', 'script', { lines: {
    'Service-Worker-Allowed': '/' } }],
  'js-ecma': ['application/ecmascript', 'script'],

  'xslt': ['application/xml', 'styled'],
  'fhir-xml': ['application/fhir+xml', 'narrative'],
  'rss': ['application/rss+xml', 'xhtml'],
  'atom': ['application/atom+xml', 'xhtml'],
  'plain': ['text/plain', 'html'],
  'plain-utf8': ['text/plain; charset=utf-8', 'html'],
  'octets': ['application/octet-stream', 'html'],
  'json': ['application/json', 'html'],
  'json-text': ['text/json', 'html'],
  'fhir': [KEPT, 'json'],
  'fhir-utf8': [`${KEPT};charset=utf-8`, 'html'],
  'fhir-404': [KEPT, 'json', { status: 404 }],
  'css': ['text/css', 'css'],
  'vtt': ['text/vtt', 'vtt'],
  'manifest': ['text/cache-manifest', 'html'],
  'font': ['font/woff2', 'html'],
  'font-ttf': ['application/font-sfnt', 'html'],
  'flash': ['application/x-shockwave-flash', 'html'],
  'mixed': ['multipart/x-mixed-replace; boundary=b', 'mixed'],
  'related': ['multipart/related; boundary=b', 'mhtml'],
  'message': ['message/rfc822', 'mhtml'],
  'pdf': ['application/pdf', 'pdf'],
  'pdf-html': ['application/pdf', 'html'],
  'png': ['image/png', 'html'],
  'mp4': ['video/mp4', 'html'],
};

// Documents that do harm without a script, and harmless ones.
const OTHERS = {
  'form': ['text/html', 'form'],
  'image': ['image/png', 'png'],
  'refresh': [KEPT, 'json', { lines: (mark) => ({
    Refresh: `0;url=/form?by=${mark}` }) }],
  'preload': [KEPT, 'json', { lines: (mark) => ({
    Link: `</form?by=${mark}>; rel=preload; as=fetch; crossorigin` }) }],
  'clear': [KEPT, 'json', { lines: {
    'Clear-Site-Data': '"cookies", "storage"' } }],
  'shared': [KEPT, 'json', { lines: (mark, { origin = 'null' }) => ({
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Cross-Origin-Resource-Policy': 'cross-origin' }) }],
  'to-html': ['text/html', 'html', { status: 302, lines: (mark) => ({
    Location: `/${mark.split('.')[2]}/html?way=redirected` }) }],
  'to-data': ['text/html', 'html', { status: 302, lines: {
    Location: 'data:text/html,<script>console.log("EFFECT data ran")</script>',
  } }],
  'to-script': ['text/html', 'html', { status: 302, lines: {
    Location: 'javascript:console.log("EFFECT%20javascript%20ran")' } }],
};

const DOCUMENTS = { ...ACTIVE, ...PASSIVE, ...OTHERS };

// A document that a page loads in one of these ways has the body of a script.
const SCRIPTED = new Set(['script', 'worker', 'sw']);

function rawLines(type, { status = 200, lines = {} }, length, of) {
  return [
    ...[type].flat().filter((one) => one !== null)
      .map((one) => ['Content-Type', one]),
    ...(status === 206
      ? [['Content-Range', `bytes 0-${length - 1}/${length}`]] : []),
    ...Object.entries(typeof lines === 'function' ? lines(...of) : lines),
    ['Content-Length', String(length)],
  ];
}

// Returns a server's answer to a request for /SIDE/NAME?way=WAY with these
// header fields: { status, lines, body }.  /SIDE/NAME.sheet?way=WAY is the
// style sheet of the document NAME.
export function documentAt(target, headers = {}) {
  const { pathname, searchParams } = new URL(target, 'http://x');
  const [, side, file] = pathname.split('/');
  const [name, sheet] = file.split('.');
  const way = searchParams.get('way');
  const mark = `${name}.${way}.${side}`;
  const [type, kind, options = {}] = DOCUMENTS[name];

  const body = Buffer.from(
    BODIES[sheet ?? (SCRIPTED.has(way) ? 'script' : kind)](
      mark, `/${side}/${name}.sheet?way=${way}`));
  return { status: options.status ?? 200, body,
           lines: rawLines(type, options, body.length, [mark, headers]) };
}
