// Bodies of requests, read once and bounded.

import { parse } from 'node:querystring';
import { Readable } from 'node:stream';

const BODY_MAX = 64 * 1024;

export async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_MAX) {
      throw new Error('the body is too large');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export async function readForm(request) {
  return parse((await readBody(request)).toString());
}

// The same request with a body that can be read once more: oidc-provider
// reads bodies itself, after they have been looked at here.
export function replayed(request, body) {
  const { headers, method, url, socket } = request;
  return Object.assign(Readable.from([body]), { headers, method, url, socket });
}
