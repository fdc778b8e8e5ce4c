// The differences between Cigna's authorization server and a certified one.
// Each habit is a middleware in front of oidc-provider.  The list at the end of
// the file gives their order.

import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'node:querystring';

import { readBody, replayed } from './body.mjs';
import { isProcessed, showFault } from './faults.mjs';
import { loginPage } from './pages.mjs';
import { newCookies, SIGNIN_PATH } from './signin.mjs';

export const OAUTH_PATH = '/mga/sps/oauth/oauth20';

const ENDPOINTS = {
  [`${OAUTH_PATH}/authorize`]: 'authorize',
  [`${OAUTH_PATH}/token`]: 'token',
  [`${OAUTH_PATH}/revoke`]: 'revoke',
  [`${OAUTH_PATH}/introspect`]: 'introspect',
  [`${OAUTH_PATH}/jwks`]: 'jwks',
  '/.well-known/openid-configuration': 'metadata',
};

const BACK_CHANNEL = new Set(['token', 'revoke', 'introspect']);
const JSON_TYPE = 'application/json;charset=UTF-8';
const ID_TOKEN_LIFETIME = 3600;

function basicUser(request) {
  const [, encoded] = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')
    ?? [];
  return encoded && decodeURIComponent(
    Buffer.from(encoded, 'base64').toString().split(':')[0]);
}

// Finds out the endpoint, the client and the parameters of a request.
const identify = () => async (ctx, next) => {
  const endpoint = ENDPOINTS[ctx.path];
  let parameters = ctx.query;

  if (BACK_CHANNEL.has(endpoint) && ctx.method === 'POST') {
    const body = await readBody(ctx.req).catch(() => null);
    if (body === null) {
      ctx.respond = false;               // the body is cut or too large
      return;
    }
    parameters = parse(body.toString());
    ctx.state.request = ctx.req;
    ctx.req = replayed(ctx.req, body);
  }
  const clientId = parameters.client_id ?? basicUser(ctx.req);
  Object.assign(ctx.state, { endpoint, parameters, clientId });
  await next();
};

function outcomeOf(ctx) {
  if (ctx.state.fault) {
    return `fault ${ctx.state.fault.kind}`;
  }
  if (ctx.type === 'text/html') {
    return 'html';
  }
  return ctx.status === 200 ? 'ok' : ctx.state.error ?? String(ctx.status);
}

// Returns the provider's token reply, even if a fault will replace it.
function tokensOf(ctx) {
  if (ctx.status !== 200 || !ctx.body) {
    return undefined;
  }
  try {
    const body = typeof ctx.body === 'string' ? JSON.parse(ctx.body) : ctx.body;
    return body.access_token && body;
  } catch {
    return undefined;                    // the body is an HTML page
  }
}

const observe = ({ record, ledger }) => async (ctx, next) => {
  const { endpoint, clientId, parameters } = ctx.state;

  if (endpoint === 'token') {
    const leave = record.token(ctx.state.request ?? ctx.req,
                               { ...parameters, client_id: clientId });
    const note = ledger.arrived({ ...parameters, client_id: clientId },
                                ctx.res);
    await next().finally(() => {
      const outcome = outcomeOf(ctx);
      leave(outcome);
      note({ outcome, tokens: tokensOf(ctx),
             member: ctx.oidc?.entities?.Account?.accountId });
    });
    return;
  }
  if (endpoint === 'authorize') {
    record.authorize('hits', clientId);
  } else if (['jwks', 'revoke', 'metadata'].includes(endpoint)) {
    record.simple(endpoint, 'requests', clientId);
  }
  await next();
  if (endpoint === 'revoke' && ctx.status === 200 && !ctx.state.fault) {
    record.simple('revoke', 'revoked', clientId);
  }
};

const FAULTY = new Set(['authorize', 'token', 'jwks', 'revoke', 'metadata']);

const misbehave = ({ modes }) => async (ctx, next) => {
  const { endpoint, clientId, parameters } = ctx.state;
  if (!FAULTY.has(endpoint)) {
    await next();
    return;
  }

  // delay and fault are those that are set when the request arrives: later
  // changes do not count
  const delay = modes.get(`${endpoint}_delay_ms`, clientId);
  const fault = modes.takeFault(endpoint, clientId, parameters);
  if (!fault || isProcessed(fault)) {
    await next();
  }
  await sleep(delay);
  if (fault) {
    const body = typeof ctx.body === 'string' ? ctx.body
      : JSON.stringify(ctx.body ?? '');
    ctx.state.fault = fault;
    ctx.respond = false;
    await showFault(fault, ctx.res,
                    { status: ctx.status, type: ctx.type || JSON_TYPE, body });
  }
};

// Cigna also sets cookies on replies that no browser ever sees.
const setBackChannelCookies = ({ modes }) => async (ctx, next) => {
  const { endpoint, clientId } = ctx.state;
  await next();
  if (BACK_CHANNEL.has(endpoint)
      && modes.get('token_cookies', clientId) === 'set') {
    ctx.append('Set-Cookie', newCookies().lines);
  }
};

function refuse(ctx, status, error, description) {
  ctx.status = status;
  ctx.type = JSON_TYPE;
  ctx.state.error = error;
  ctx.body = JSON.stringify({ error, error_description: description });
}

const refuseCookies = () => async (ctx, next) => {
  if (BACK_CHANNEL.has(ctx.state.endpoint) && 'cookie' in ctx.headers) {
    refuse(ctx, 400, 'invalid_request',
           'FBTOAU220E The request carries a session.');
    return;
  }
  await next();
};

const answerBasicWithHtml = ({ modes, store }) => async (ctx, next) => {
  const { endpoint, clientId } = ctx.state;
  const sendsBasic = /^basic /i.test(ctx.headers.authorization ?? '');
  const mayDoSo = modes.get('basic_auth', clientId) === 'registered'
    && store.client(clientId)?.token_endpoint_auth_method
      === 'client_secret_basic';

  if (endpoint === 'token' && sendsBasic && !mayDoSo) {
    ctx.status = 200;
    ctx.type = 'html';
    ctx.body = loginPage({ action: SIGNIN_PATH });
    return;
  }
  await next();
};

const serveKeys = ({ modes, keys }) => async (ctx, next) => {
  const { endpoint, clientId } = ctx.state;
  if (endpoint !== 'jwks' || ctx.method !== 'GET') {
    await next();
    return;
  }
  ctx.type = JSON_TYPE;
  ctx.body = JSON.stringify(keys.jwks(modes.get('jwks', clientId),
                                      modes.get('id_token_alg', clientId)));
};

// The error codes of Cigna's token endpoint.
const ERROR_CODES = {
  invalid_client: 'FBTOAU204E The client could not be authenticated.',
  invalid_grant: 'FBTOAU211E The token or code is not valid.',
  redirect_uri: 'FBTOAU223E The redirect URI is missing or different.',
};
const REUSE = ['refresh token already used',
               'authorization code already consumed'];

function redirectUriIsWrong(error, parameters) {
  return error.error_detail === 'authorization code redirect_uri mismatch'
    || (error.message === 'invalid_request'
        && parameters.grant_type === 'authorization_code'
        && parameters.redirect_uri === undefined);
}

const nameErrors = ({ record }) => async (ctx, next) => {
  await next();
  const error = ctx.state.grantError;
  if (!error) {
    return;
  }
  if (REUSE.includes(error.error_detail)) {
    record.simple('token', 'reuse', ctx.state.clientId);
  }
  if (redirectUriIsWrong(error, ctx.state.parameters)) {
    refuse(ctx, 400, 'invalid_request', ERROR_CODES.redirect_uri);
  } else {
    refuse(ctx, error.statusCode ?? 500, error.message,
           ERROR_CODES[error.message] ?? error.error_description);
  }
};

const SCOPES = {
  asked: (scope) => scope,
  absent: () => undefined,
};

const PATIENTS = {
  member: ({ master }) => master,
  absent: () => undefined,
};

function expiresIn(mode, seconds) {
  switch (mode) {
    case 'number':
      return JSON.stringify(seconds);
    case 'string':
      return JSON.stringify(String(seconds));
    default:
      return mode.raw;
  }
}

function renewedIdToken({ modes, keys, markers }, idToken, clientId) {
  const mode = modes.get('id_token', clientId);
  if (idToken === undefined || mode === 'absent') {
    return undefined;
  }
  const claims = JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'));
  return keys.idToken({ ...claims, exp: claims.iat + ID_TOKEN_LIFETIME },
                      { mode, alg: modes.get('id_token_alg', clientId),
                        mark: markers.marker });
}

function bentReply(parts, reply, { clientId, grantType, member }) {
  const { modes } = parts;
  const mode = (name) => modes.get(name, clientId);
  const { expires_in: seconds, ...rest } = reply;
  const scope = mode('scope');
  const patient = mode('patient');

  const fields = {
    ...rest,
    token_type: 'bearer',
    scope: scope in SCOPES ? SCOPES[scope](reply.scope) : scope,
    patient: patient in PATIENTS ? PATIENTS[patient](member) : patient,
    id_token: renewedIdToken(parts, reply.id_token, clientId),
  };
  if (grantType === 'refresh_token' && mode('refresh') === 'unreturned') {
    delete fields.refresh_token;
  }

  const text = JSON.stringify(fields);
  return mode('expires_in') === 'absent' ? text
    : `{"expires_in":${expiresIn(mode('expires_in'), seconds)},`
      + text.slice(1);
}

const bendTokenReply = (parts) => async (ctx, next) => {
  await next();
  if (ctx.state.endpoint !== 'token' || !ctx.body?.access_token) {
    return;
  }
  const { clientId, parameters } = ctx.state;
  ctx.body = bentReply(parts, ctx.body, {
    clientId,
    grantType: parameters.grant_type,
    member: parts.members.get(ctx.oidc.entities.Account.accountId),
  });
  ctx.type = JSON_TYPE;
};

// Every dance needs its own login, so oidc-provider's session cookie is
// dropped.
function withoutProviderSession(header) {
  return header?.split(/; */).filter((pair) => !/^_session/.test(pair))
    .join('; ');
}

const forgetFormerLogins = () => async (ctx, next) => {
  if (ctx.path.startsWith(`${OAUTH_PATH}/authorize`) && ctx.headers.cookie) {
    ctx.req.headers.cookie = withoutProviderSession(ctx.headers.cookie);
  }
  await next();
};

// oidc-provider drops offline_access unless the request has prompt=consent.
// Every dance shows the terms anyway.
const keepOfflineAccess = () => async (ctx, next) => {
  if (ctx.state.endpoint === 'authorize'
      && /\boffline_access\b/.test(ctx.query.scope)) {
    ctx.query = { ...ctx.query, prompt: 'consent' };
  }
  await next();
};

function appendQuery(uri, parameters) {
  return uri + (uri.includes('?') ? '&' : '?')
    + new URLSearchParams(parameters);
}

const failAuthorize = ({ modes, store }) => async (ctx, next) => {
  const { endpoint, clientId, parameters } = ctx.state;
  const error = modes.get('authorize_error', clientId);

  if (endpoint !== 'authorize' || error === 'none'
      || !store.client(clientId)?.redirect_uris
        .includes(parameters.redirect_uri)) {
    await next();
    return;
  }
  const { state } = parameters;
  ctx.redirect(appendQuery(parameters.redirect_uri,
                           { error, ...(state && { state }) }));
};

const ISS = /([?&])iss=[^&#]*/;
const ISS_REPLACEMENTS = {
  off: '',
  wrong: `$1iss=${encodeURIComponent('https://elsewhere.example')}`,
};

const bendIssParameter = ({ modes }) => async (ctx, next) => {
  await next();
  const location = ctx.response.get('Location');
  const clientId = ctx.oidc?.client?.clientId;
  const mode = modes.get('iss_parameter', clientId);

  if (ctx.path.startsWith(`${OAUTH_PATH}/authorize`) && ISS.test(location)
      && mode !== 'on') {
    ctx.set('Location', location.replace(ISS, ISS_REPLACEMENTS[mode])
      .replace(/\?&/, '?'));
  }
};

const showSignIn = ({ signIn }) => async (ctx, next) => {
  const [, uid] = new RegExp(`^${SIGNIN_PATH}/([\\w-]+)$`).exec(ctx.path)
    ?? [];
  if (uid) {
    await signIn.handle(ctx, uid);
    return;
  }
  await next();
  if (ctx.state.endpoint === 'authorize' && ctx.oidc?.entities?.Interaction) {
    signIn.begin(ctx, ctx.oidc.entities.Interaction.uid);
  }
};

export const HABITS = [
  identify, observe, misbehave, setBackChannelCookies, refuseCookies,
  answerBasicWithHtml, serveKeys, nameErrors, bendTokenReply,
  forgetFormerLogins, keepOfflineAccess, failAuthorize, bendIssParameter,
  showSignIn,
];
