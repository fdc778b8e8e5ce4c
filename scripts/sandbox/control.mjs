// The control API: JSON over HTTP on its own loopback port.
//
//   GET  /control[?client_id=&recent=]   shows changed modes, counters, and the
//                                        last requests
//   POST /control  {modes, client_id?}   changes modes
//   GET  /modes                          shows the table of modes
//   GET  /members                        shows logins and Patient ids
//   GET  /ledger[?client_id=&member=]    shows the history of refresh tokens
//   POST /reset    {modes?}              resets the counters, and the modes if
//                                        "modes" is true
//   POST /expire   {member?, client_id?}   makes access tokens expire now
//   POST /revoke   {member?, client_id?}   revokes grants
//   POST /rotate   {keep_old?}             makes new signing keys
//   POST /clients  {client_id, redirect_uris, ...}   registers a client
//   POST /tokens   {client_id, member, scope?}       makes tokens without a
//                                                    dance

import http from 'node:http';
import { once } from 'node:events';

import { readBody } from './body.mjs';
import { completeClient, ConfigError } from './config.mjs';
import { describeModes, ModeError } from './modes.mjs';

const RECENT_DEFAULT = 50;

class ControlError extends Error {}

function whose({ member, client_id: clientId }) {
  return { member, client_id: clientId };
}

export class Control {
  #parts;
  #server;

  constructor(parts) {
    this.#parts = parts;
    this.#server = http.createServer((request, response) =>
      this.#handle(request, response));
  }

  async listen(port) {
    this.#server.listen({ host: '127.0.0.1', port });
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #routes = {
    'GET /control': ({ query }) => this.#show(query),
    'GET /ledger': ({ query }) =>
      this.#parts.ledger.list(Object.fromEntries(query)),
    'GET /modes': () => describeModes(),
    'GET /members': () => this.#members(),
    'POST /control': ({ body }) => this.#switch(body),
    'POST /reset': ({ body }) => this.#reset(body),
    'POST /expire': ({ body }) => ({
      expired: this.#parts.store.expireAccessTokens(whose(body)),
    }),
    'POST /revoke': ({ body }) => ({
      revoked: this.#parts.store.revokeGrants(whose(body)),
    }),
    'POST /rotate': ({ body }) => ({
      keys: this.#parts.keys.rotate({ keepOld: body.keep_old ?? true }),
    }),
    'POST /clients': ({ body }) => this.#register(body),
    'POST /tokens': ({ body }) => this.#mint(body),
  };

  #show(query) {
    const clientId = query.get('client_id') ?? undefined;
    const recent = Number(query.get('recent') ?? RECENT_DEFAULT);
    const { recent_token: token, recent_fhir: fhir, ...counters } =
      this.#parts.record.book(clientId);

    return {
      modes: this.#parts.modes.list(clientId),
      ...counters,
      recent_token: token.slice(-recent),
      recent_fhir: fhir.slice(-recent),
    };
  }

  #members() {
    return this.#parts.members.list().map((member) => ({
      username: member.username,
      password: member.password,
      patients: member.patients,
      userinfo: member.userinfoId,
    }));
  }

  async #switch({ modes, client_id: clientId, ...strange }) {
    if (modes === null || typeof modes !== 'object'
        || Object.keys(strange).length > 0) {
      throw new ControlError('expected {"modes": {...}, "client_id"?}');
    }
    this.#parts.modes.set(modes, clientId);
    await this.#parts.applyListenerModes();
    return { modes: this.#parts.modes.list(clientId) };
  }

  async #reset({ modes = false }) {
    this.#parts.record.reset();
    if (modes) {
      this.#parts.modes.reset();
      await this.#parts.applyListenerModes();
    }
    return {};
  }

  #register(body) {
    const client = completeClient(body, this.#parts.markers);
    this.#parts.store.addClient(client);
    return client;
  }

  async #mint({ client_id: clientId, member, scope }) {
    if (!this.#parts.store.client(clientId)
        || !this.#parts.members.get(member)) {
      throw new ControlError('there is no such client_id or member');
    }
    const tokens = await this.#parts.authorization.mint(
      { clientId, member, scope });
    this.#parts.ledger.issued(tokens, { client_id: clientId, member });
    return tokens;
  }

  async #handle(request, response) {
    const url = new URL(request.url, 'http://127.0.0.1');
    const route = this.#routes[`${request.method} ${url.pathname}`];
    let status = 200;
    let reply;

    try {
      if (!route) {
        throw new ControlError('there is no such call; the calls are: '
          + Object.keys(this.#routes).join(', '));
      }
      const text = (await readBody(request)).toString();
      reply = await route({ query: url.searchParams,
                            body: text === '' ? {} : JSON.parse(text) });
    } catch (error) {
      status = [ModeError, ControlError, ConfigError, SyntaxError]
        .some((type) => error instanceof type) ? 400 : 500;
      reply = { error: error.message };
    }
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(reply));
  }
}
