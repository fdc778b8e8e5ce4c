// Faults of the OAuth endpoints and of the FHIR API.
//
// A fault either replaces the endpoint's reply or spoils it.  The endpoint does
// not process a request whose reply is replaced, unless "processed" is true.

import { setTimeout as sleep } from 'node:timers/promises';

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html;charset=UTF-8';
const HANG_MS = 60000;
const HUGE_BYTES = 4 * 1024 * 1024;

const HTML_PAGE = '<!DOCTYPE html><html><head><title>myCigna - Auth Flow'
  + '</title></head><body><form method="post"><input name="username">'
  + '<input name="password" type="password"></form></body></html>';

const outcome = (code, diagnostics) => JSON.stringify({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, diagnostics }],
});

// Replies that replace the endpoint's own: functions (fault, isFhir) => reply.
const INSTEAD = {
  'html': () => ({ status: 200, type: HTML_TYPE, body: HTML_PAGE }),
  'empty': () => ({ status: 200, type: JSON_TYPE, body: '' }),
  'garbage': () => ({
    status: 200, type: JSON_TYPE, body: '{"access_token":"MARKs',
  }),
  'huge': () => ({
    status: 200, type: JSON_TYPE,
    body: `{"padding":"${'x'.repeat(HUGE_BYTES)}"}`,
  }),
  '401': (fault, isFhir) => ({
    status: 401, type: JSON_TYPE,
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
    body: isFhir ? outcome('login', 'invalid token')
      : '{"error":"invalid_token"}',
  }),
  '403': (fault, isFhir) => ({
    status: 403, type: JSON_TYPE,
    body: isFhir ? outcome('forbidden', 'not allowed')
      : '{"error":"access_denied"}',
  }),
  '429': (fault, isFhir) => ({
    status: 429, type: JSON_TYPE,
    headers: fault.retry_after === undefined
      ? {} : { 'Retry-After': String(fault.retry_after) },
    body: isFhir ? outcome('throttled', 'too many requests')
      : '{"error":"too_many_requests"}',
  }),
  '500': (fault, isFhir) => ({
    status: 500, type: JSON_TYPE,
    body: isFhir ? outcome('exception', 'internal server error')
      : '{"error":"internal server error"}',
  }),
  '503': () => ({
    status: 503, type: HTML_TYPE,
    body: '<html><body>Service Unavailable</body></html>',
  }),
  'invalid_grant': () => ({
    status: 400, type: JSON_TYPE,
    body: '{"error":"invalid_grant","error_description":'
      + '"FBTOAU211E The token is not valid."}',
  }),
  'invalid_client': () => ({
    status: 401, type: JSON_TYPE,
    body: '{"error":"invalid_client","error_description":'
      + '"FBTOAU204E The client could not be authenticated."}',
  }),
  'redirect': (fault) => ({
    status: 302, type: HTML_TYPE, body: '',
    headers: { Location: fault.location ?? 'https://elsewhere.example/' },
  }),
};

export const FAULT_KINDS = [
  'none', ...Object.keys(INSTEAD), 'cut-before', 'cut-after', 'cut-mid',
  'hang',
];

// Returns the reply that replaces the endpoint's own, or null.
export function replyInstead(fault, { isFhir = false } = {}) {
  return INSTEAD[fault?.kind]?.(fault, isFhir) ?? null;
}

// Returns whether the endpoint processes the request in spite of the fault.
export function isProcessed(fault) {
  return ['cut-after', 'cut-mid', 'hang'].includes(fault.kind)
    || Boolean(fault.processed);
}

export function send(response, { status, type, headers = {}, body }) {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(body);
}

// Ways to send a 401.
const REFUSE = {
  plain: send,
  chunked(response, { status, type, headers, body }) {
    response.writeHead(status, { ...headers, 'Content-Type': type });
    response.write(body.slice(0, 10));
    response.end(body.slice(10));
  },
  huge(response, reply) {
    send(response, { ...reply, body: reply.body.padEnd(HUGE_BYTES) });
  },
  cut: cutInTheMiddle,
  bare(response, { status }) {
    response.writeHead(status, { 'Content-Length': 0 });
    response.end();
  },
};

export const REFUSALS = Object.keys(REFUSE);

export function refuse(how, response, reply) {
  REFUSE[how](response, reply);
}

function cutInTheMiddle(response, { status, type, headers = {}, body }) {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    ...headers, 'Content-Type': type, 'Content-Length': bytes.length,
  });
  response.write(bytes.subarray(0, bytes.length >> 1),
                 () => response.socket?.destroy());
}

async function hang(response) {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await sleep(HANG_MS, undefined, { signal: gone.signal, ref: false })
    .catch(() => {});
  response.socket?.destroy();
}

// Sends what the fault calls for, or cuts the connection.  `reply` is the
// endpoint's own reply if the endpoint has processed the request.
export async function showFault(fault, response, reply, options) {
  switch (fault.kind) {
    case 'cut-before':
    case 'cut-after':
      response.socket?.destroy();
      return;
    case 'cut-mid':
      cutInTheMiddle(response, reply);
      return;
    case 'hang':
      await hang(response);
      return;
    default:
      send(response, replyInstead(fault, options));
  }
}
