// Sends requests through the locations of idioms.mjs, and judges the bytes that
// reached a strict upstream and the reply to the caller.

import { digestOf } from './byte_recorder.mjs';
import { ByteClient } from './byte_client.mjs';

const LANES = 6;
const SETTLE_MS = 30;

// CALLERS: header lines of the caller that pass.  OURS: header lines that the
// gateway writes.  ONCE: header lines that may stand in a request only once.
const CALLERS = ['accept', 'accept-charset', 'accept-encoding',
                 'accept-language', 'content-type', 'if-modified-since',
                 'if-none-match', 'if-range', 'prefer', 'range', 'user-agent'];
const OURS = ['host', 'connection', 'authorization', 'x-request-id',
              'traceparent', 'tracestate'];
const ONCE = ['host', 'connection', 'authorization', 'x-request-id',
              'traceparent'];

// The gateway rewrites links in whole and plain replies only, so these lines do
// not pass where it rewrites links.
const OF_LINKS = ['accept-encoding', 'range', 'if-range'];

// The paths of public metadata, which the gateway requests without a token.
const OPEN = ['/metadata', '/.well-known/smart-configuration'];

// Statuses with which nginx itself answers a request that the module never
// sees.  0 stands for an HTTP/0.9 reply.
const NGINX_SAYS = [0, 400, 405, 408, 413, 414, 417, 431, 501, 505];

// Whether a location that is not from idioms.mjs answered, or nginx redirected
// to add a slash.
const ELSEWHERE = (reply) => reply.body === 'elsewhere' || reply.status === 301;

export function decodedOnce(path) {
  return path.replace(/%([0-9a-fA-F]{2})/g, (_, code) =>
    String.fromCharCode(parseInt(code, 16)));
}

function isUtf8(text) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(
      Buffer.from(text, 'latin1'));
    return true;
  } catch {
    return false;
  }
}

// Returns the fault of a target, or null if it is plain and below the base.
export function faultOfTarget(target, base) {
  const [path] = target.split('?', 1);
  const query = target.slice(path.length + 1);
  const plain = decodedOnce(path);

  if (plain !== base && !plain.startsWith(`${base}/`)) {
    return 'not below the base';
  }
  const segments = plain.slice(base.length + 1).split('/');
  if (segments.at(-1) === '') {
    segments.pop();
  }
  if (segments.some((one) => one === '' || one === '.' || one === '..')) {
    return 'an empty segment, or one of dots';
  }
  if (/[\\;%\x00-\x1f\x7f]/.test(plain) || /%2f/i.test(path)
      || path.includes('#')) {
    return 'a path that is not plain';
  }
  if (!isUtf8(plain)) {
    return 'a path that is not UTF-8';
  }
  return /[\x00-\x20\x7f#]/.test(query) ? 'a query with odd bytes' : null;
}

const list = (values) => values.map((one) => JSON.stringify(one)).join(' ');

// Returns the values of an input's header lines with this name.
function givenOf(input, name) {
  return (input.lines ?? []).map((line) => /^([^:]*):\s*(.*?)\s*$/s.exec(line))
    .filter((match) => match?.[1].toLowerCase() === name)
    .map(([, , value]) => value);
}

export class GateOut {
  #tags = 0;
  replies = [];

  // recorder: the byte recorder that stands for the FHIR server; spare: one
  // that answers 502, so that nginx tries the recorder next; ports: those of
  // the nginx servers with cigna_fhir (gate) and without it (control), and of
  // the same with merge_slashes off (gateRaw, controlRaw); members: their
  // names; base: the path of fhir_base; authority: the value of Host that must
  // leave
  constructor({ recorder, spare, ports, members, base, authority }) {
    Object.assign(this, { recorder, spare, ports, members, base, authority });
  }

  // Learns the digest of each member's token from one request of that member.
  async learn(target) {
    this.digests = {};
    for (const member of this.members) {
      this.take();
      const row = this.row({ at: '', lines: [] }, { target: () => target },
                           { member });
      await this.#exchange(new ByteClient({ port: this.ports.gate }), row);
      const [{ valuesOf }] = this.recorder.take();
      this.digests[member] = digestOf(valuesOf('authorization').join('\n'));
    }
  }

  // Returns a row: one request of a member to the location of an idiom.
  // input: a request of hostile.mjs, or of that form; control: true sends it to
  // the location without cigna_fhir.
  row(idiom, input, { member, control = false } = {}) {
    this.#tags += 1;
    return { idiom, input, control, entries: [], spares: [],
             tag: `${control ? 'c' : 't'}-${this.#tags}-of-the-test`,
             member: member ?? this.members[this.#tags % this.members.length] };
  }

  target({ idiom: { at, tail }, input: { target } }) {
    return target ? target(at) : `${at}${tail}`;
  }

  #bytes(row) {
    const { method = 'GET', version = 'HTTP/1.1', host = 'acme.localhost',
            lines = [], body = '', alone } = row.input;
    return [
      `${method} ${this.target(row)}${version && ` ${version}`}`,
      ...(host === null ? [] : [`Host: ${host}`]),
      `Cookie: session=${row.member}`,
      ...(alone ? [] : [`X-Request-Id: ${row.tag}`]),
      ...lines, '', body,
    ].join('\r\n');
  }

  #portOf({ idiom, control }) {
    const { ports } = this;
    return idiom.slashes ? ports[control ? 'controlRaw' : 'gateRaw']
      : ports[control ? 'control' : 'gate'];
  }

  // Sends rows that all belong to one nginx server.  Sets `reply` in each row,
  // and the requests that arrived: `entries` at the recorder, `spares` at the
  // second recorder.
  async run(rows) {
    const together = rows.filter(({ input }) => !input.alone);
    const waiting = [...together];
    const port = rows.length && this.#portOf(rows[0]);

    this.take();
    await Promise.all(Array.from({ length: LANES }, async () => {
      const client = new ByteClient({ port });
      while (waiting.length) {
        await this.#exchange(client, waiting.shift());
      }
      client.close();
    }));
    await this.#collect(together);

    for (const row of rows.filter(({ input }) => input.alone)) {
      const client = new ByteClient({ port });
      await this.#exchange(client, row);
      client.close();
      row.entries = this.recorder.take();
      row.spares = this.spare.take();
    }
  }

  async #exchange(client, row) {
    const { input } = row;

    client.write(this.#bytes(row));
    if (input.gone) {
      await new Promise((resolve) => {
        setTimeout(resolve, SETTLE_MS);
      });
      client.close();
      return;
    }
    try {
      row.reply = await client.read({ head: input.method === 'HEAD' });
    } catch (error) {
      row.late = error.message;
      return;
    }
    row.surplus = client.surplus;
    if (input.cut || row.surplus) {
      client.close();
    }
    if (!row.control) {
      this.replies.push([row.tag, row.reply?.raw]);
    }
  }

  take() {
    this.strays = [];
    this.recorder.take();
    this.spare.take();
  }

  // Gives each arrived request to the row with its X-Request-Id.  Bytes without
  // an X-Request-Id go to the row of the next request on their connection that
  // has one, or else to the row of the last such request before them.
  async #collect(rows) {
    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_MS);
    });
    const byTag = new Map(rows.map((row) => [row.tag, row]));

    for (const [recorder, key] of [[this.recorder, 'entries'],
                                   [this.spare, 'spares']]) {
      const all = [...recorder.take(), ...recorder.leftovers()];
      for (const [i, entry] of all.entries()) {
        const same = ({ connection }) => connection === entry.connection;
        const [tag] = [entry, ...all.slice(i + 1).filter(same),
                       ...all.slice(0, i).filter(same).reverse()]
          .map(({ raw }) => /[ct]-\d+-of-the-test/.exec(raw)?.[0])
          .filter(Boolean);
        const row = byTag.get(tag);
        if (row) {
          row[key].push(entry);
        } else {
          this.strays.push(entry);
        }
      }
    }
  }

  // Whether the path of a row has line ends.  Without the gate such a path
  // could become several requests, so the row is sent only through the gate.
  splits(row) {
    return /[\r\n]/.test(decodedOnce(this.target(row).split('?', 1)[0]));
  }

  // Whether nginx without the gate sent one plain request, and served it.
  sentPlain({ entries: [entry, ...more], reply }) {
    return entry && more.length === 0 && !entry.fault && reply?.status === 200
      && faultOfTarget(entry.target, this.base) === null
      && /^(GET|HEAD)$/.test(entry.method) && !this.#openElsewhere(entry);
  }

  // Whether the path only ends like a path of public metadata, such as
  // "/metadata".  The gateway sends no token to the paths of metadata, but it
  // sends a token to this path.
  #openElsewhere({ target }) {
    const [path] = target.split('?', 1);
    return OPEN.some((one) => path.endsWith(one))
      && !OPEN.includes(path.slice(this.base.length));
  }

  // Returns the faults of a row as text, or null if there are none.  control:
  // the row of the same request through nginx without cigna_fhir, or null.
  judge(row, control) {
    const faults = row.entries.length + row.spares.length
      ? this.#judgeSent(row) : this.#judgeRefused(row, control);

    if (control && this.sentPlain(control) && row.entries.length
        && row.entries[0].target !== this.#targetOf(row, control)) {
      faults.push('another target than without the gate');
    }
    return faults.length ? this.#describe(row, faults) : null;
  }

  // Returns the target that must leave.  It is the same as without the gate,
  // with one exception: where links are rewritten, the gateway requests pages
  // of a search at the base path without a last "/", because a server need not
  // serve them at the path with "/".
  #targetOf({ idiom }, { entries: [entry] }) {
    const { base } = this;
    return idiom.name !== 'linked' && entry?.target?.startsWith(`${base}/?`)
      ? base + entry.target.slice(base.length + 1) : entry?.target;
  }

  #describe({ input, entries, reply }, faults) {
    return `${input.what}: ${faults.join('; ')}\n      arrived: ${
      list(entries.map(({ raw }) => raw.slice(0, 500)))}\n      reply: ${
      reply ? JSON.stringify(reply.raw.slice(0, 300)) : 'none'}`;
  }

  #judgeSent(row) {
    const { idiom, entries, spares, reply, surplus, late, input } = row;
    const faults = [];

    if (idiom.nothing && entries.some(({ target }) =>
      target?.split('?')[0] !== this.base)) {
      faults.push('nothing may leave');
    }
    if (entries.length !== 1 || spares.length !== idiom.sent - 1) {
      faults.push(`${entries.length} and ${spares.length} requests`);
    }
    for (const entry of [...entries, ...spares]) {
      faults.push(...this.#judgeEntry(row, entry));
    }
    if (spares.length && spares[0].raw !== entries[0]?.raw) {
      faults.push('another request on the retry');
    }
    if (late || surplus) {
      faults.push(late ?? `bytes beyond the reply: ${JSON.stringify(surplus)}`);
    }
    if (!input.gone && !late) {
      faults.push(...this.#judgeReply(row, reply));
    }
    return faults;
  }

  #judgeReply({ member, tag, input, entries }, reply) {
    if (reply?.status === 0 && input.version === '') {
      return [];                         // HTTP/0.9 has no status or header
    }
    if (reply?.status !== 200) {
      return [`status ${reply?.status} for what has left`];
    }
    if (input.method === 'HEAD') {
      return [];
    }
    const echo = JSON.parse(reply.body);
    const [entry] = entries;
    const open = !entry?.names?.includes('authorization');
    return [
      ...(open || echo.digest === this.digests[member] ? []
        : ['the reply to a request with another token']),
      ...(input.alone || echo.tag === tag ? []
        : [`the reply to another request, ${echo.tag}`]),
    ];
  }

  #judgeEntry({ idiom, input, member }, entry) {
    if (entry.fault) {
      return [entry.fault];
    }
    const { method, version, target, body, names, valuesOf } = entry;
    const faults = [];
    const must = (truth, text) => truth || faults.push(text);

    must(method === (input.method ?? 'GET')
      || (idiom.name === 'method' && method === 'GET'), `method ${method}`);
    must(version === '1.0' || version === '1.1', `version ${version}`);
    must(body === null, `a body: ${list([String(body).slice(0, 40)])}`);
    must(valuesOf('host')[0] === this.authority,
         `Host: ${valuesOf('host')[0]}`);
    const fault = faultOfTarget(target, this.base);
    must(fault === null, `${fault}: ${target}`);
    must(['', 'close'].includes(valuesOf('connection').join()),
         `Connection: ${valuesOf('connection')}`);

    const strange = names.filter((name) =>
      ![...CALLERS, ...OURS, ...idiom.lines].includes(name));
    must(strange.length === 0, `lines ${strange}`);
    for (const name of [...ONCE, ...idiom.lines]) {
      must(valuesOf(name).length <= 1, `${name} more than once`);
    }
    this.#judgeToken(valuesOf('authorization'), target, member, must);
    this.#judgeCallers(idiom, input, valuesOf, must);
    return faults;
  }

  #judgeToken(authorizations, target, member, must) {
    const [path] = target.split('?');
    if (authorizations.length === 0
        && OPEN.includes(path.slice(this.base.length))) {
      return;
    }
    must(authorizations.length === 1, `${authorizations.length} tokens`);
    must(digestOf(authorizations.join('\n')) === this.digests[member],
         'not this member\'s token');
  }

  // A line of the caller leaves unchanged or not at all.
  #judgeCallers(idiom, input, valuesOf, must) {
    for (const name of CALLERS) {
      if (!(idiom.writes ?? []).includes(name)) {
        const given = givenOf(input, name);
        must(valuesOf(name).every((value) => given.includes(value)),
             `${name}: ${valuesOf(name)} and not ${given}`);
      }
    }
  }

  #judgeRefused(row, control) {
    const { idiom, input, reply, late, surplus } = row;

    if (late || surplus) {
      return [late ?? `bytes beyond the reply: ${JSON.stringify(surplus)}`];
    }
    if (input.plain && !idiom.nothing) {
      return ['not served'];
    }
    if (control && this.sentPlain(control) && !idiom.nothing) {
      return ['not served, though it is plain without the gate'];
    }
    if (input.gone || (reply && ELSEWHERE(reply))) {
      return [];
    }
    return reply ? this.#judgeRefusal(row, reply) : ['no reply'];
  }

  #judgeRefusal(row, { status, body, valuesOf }) {
    const ours = valuesOf('content-type')[0] === 'application/fhir+json';

    if (!ours || body === '') {
      return NGINX_SAYS.includes(status) || (ours && status === 500) ? []
        : [`status ${status}`];
    }
    const { coding } = JSON.parse(body).issue[0].details;
    row.condition = coding[0].code;

    const says = `${status} ${row.condition}`;
    const known = says === '400 request_malformed'
      || says === '500 destination_refused'
      || (row.condition === 'method_refused' && status === 405)
      || (row.condition === 'request_refused' && NGINX_SAYS.includes(status))
      || (row.idiom.name === 'limited' && says === '403 request_refused');
    const [id] = valuesOf('x-request-id');
    return [
      ...(known ? [] : [says]),
      ...(row.input.alone || id === row.tag ? []
        : [`the reply to another request, ${id}`]),
    ];
  }

  // A request that is plain without the gate must leave the gate with the same
  // target and with the same values in the lines that pass.
  compare(row, control) {
    const fault = this.judge(row, control);
    if (fault || !this.sentPlain(control)) {
      return fault;
    }
    const names = [...CALLERS, ...row.idiom.lines].filter((name) =>
      row.idiom.name === 'linked' || !OF_LINKS.includes(name));
    const [[gate], [bare]] = [row.entries, control.entries];
    const differ = names.filter((name) =>
      list(gate.valuesOf(name)) !== list(bare.valuesOf(name)));
    if (gate.method !== bare.method || gate.version !== bare.version) {
      differ.push('request line');
    }
    return differ.length ? this.#describe(row, [`other ${differ}`]) : null;
  }
}
