// Reads request bodies of a bounded size.

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

// Returns the same request with a body that can be read again, because
// oidc-provider reads the body itself.
export function replayed(request, body) {
  const { headers, method, url, socket } = request;
  return Object.assign(Readable.from([body]), { headers, method, url, socket });
}
