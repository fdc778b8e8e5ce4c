// The authorization server: oidc-provider, a certified implementation, with
// middleware in front of it that copies Cigna's habits.

import { randomBytes } from 'node:crypto';

import Provider from 'oidc-provider';

import { HABITS, OAUTH_PATH } from './habits.mjs';
import { errorPage } from './pages.mjs';
import { SignIn, SIGNIN_PATH } from './signin.mjs';
import { keyPair } from './key_pair.mjs';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;

export const SCOPES = [
  'openid', 'offline_access', 'fhirUser', 'launch/patient', 'patient/*.read',
  'patient/*.*', 'user/*.read', 'search', 'read',
];

// Returns the URLs of the endpoints.  Browsers open authorize below `issuer`.
// Programs call the other endpoints below `backChannel`, which may have another
// host name.
function endpoints(issuer, backChannel) {
  const at = (base, name) => `${base}${OAUTH_PATH}/${name}`;
  return {
    authorize: at(issuer, 'authorize'),
    token: at(backChannel, 'token'),
    revoke: at(backChannel, 'revoke'),
    introspect: at(backChannel, 'introspect'),
    userinfo: at(backChannel, 'userinfo'),
    jwks: at(backChannel, 'jwks'),
  };
}

// oidc-provider signs id_tokens with this key.  keys.mjs then signs the
// id_tokens again, with its own keys.
function innerKeys() {
  const { privateKey } = keyPair('ec', { namedCurve: 'P-256' });
  return { keys: [privateKey.export({ format: 'jwk' })] };
}

function mayRefresh({ modes }) {
  return async (ctx, client, code) => {
    const mode = (name) => modes.get(name, client.clientId);
    return mode('refresh') !== 'none'
      && (mode('offline_access') === 'ignored'
          || code.scopes.has('offline_access'));
  };
}

function renderError({ record }) {
  return async (ctx, out) => {
    if (ctx.state.endpoint === 'token' || ctx.state.endpoint === 'revoke') {
      ctx.body = out;
      return;
    }
    record.authorize('error_pages', ctx.query.client_id);
    ctx.type = 'html';
    ctx.body = errorPage({
      code: 'FBTOAU205E',
      message: `${out.error}: ${out.error_description ?? ''}`,
    });
  };
}

function configuration(parts) {
  const { store, modes, members } = parts;

  return {
    adapter: store.adapterFactory(),
    jwks: innerKeys(),
    scopes: SCOPES,
    claims: { fhirUser: ['fhirUser'] },
    responseTypes: ['code'],
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { methods: ['S256'], required: () => true },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
    },
    clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'none'],
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: false },
    },
    routes: {
      authorization: `${OAUTH_PATH}/authorize`,
      token: `${OAUTH_PATH}/token`,
      revocation: `${OAUTH_PATH}/revoke`,
      introspection: `${OAUTH_PATH}/introspect`,
      userinfo: `${OAUTH_PATH}/userinfo`,
      jwks: `${OAUTH_PATH}/jwks`,
    },
    interactions: {
      url: (ctx, interaction) => `${SIGNIN_PATH}/${interaction.uid}`,
    },
    ttl: {
      AccessToken: (ctx, token, client) =>
        modes.get('access_token_lifetime', client.clientId),
      AuthorizationCode: 5 * MINUTE,
      Grant: 90 * DAY,
      IdToken: 60 * MINUTE,
      Interaction: 30 * MINUTE,
      RefreshToken: 90 * DAY,
      Session: 30 * MINUTE,
    },
    findAccount: async (ctx, username) => {
      const member = members.get(username);
      return member && {
        accountId: username,
        claims: async () => ({ sub: username,
                               fhirUser: `Patient/${member.master}` }),
      };
    },
    expiresWithSession: async () => false,
    issueRefreshToken: mayRefresh(parts),
    rotateRefreshToken: async (ctx) =>
      modes.get('refresh', ctx.oidc.client.clientId) === 'rotating',
    renderError: renderError(parts),
  };
}

// Puts a marker into every secret, so that tests can search for secrets.
function markTokens(provider, { modes, keys, markers }) {
  provider.AuthorizationCode.prototype.generateTokenId = () =>
    markers.authorizationCode();
  provider.RefreshToken.prototype.generateTokenId = () =>
    markers.opaqueToken();
  provider.AccessToken.prototype.generateTokenId = function accessToken() {
    this.format = 'opaque';             // for the store, even for a JWT
    return modes.get('access_token', this.clientId) === 'jwt'
      ? keys.bigAccessToken({ sub: this.accountId, client_id: this.clientId },
                            markers.marker)
      : markers.opaqueToken();
  };
}

// Makes the access token and the refresh token that a dance would give.
async function mint(provider, { clientId, member, scope }) {
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: member, clientId });
  grant.addOIDCScope(scope);

  const shared = { accountId: member, client, grantId: await grant.save(),
                   gty: 'authorization_code', scope };
  const accessToken = new provider.AccessToken(shared);
  const refreshToken = new provider.RefreshToken({ ...shared, rotations: 0 });

  return {
    access_token: await accessToken.save(),
    refresh_token: await refreshToken.save(),
    expires_in: accessToken.expiration,
  };
}

export function createAuthorizationServer({ issuer, backChannel, ...parts }) {
  const provider = new Provider(issuer, configuration(parts));
  const signIn = new SignIn({ provider, ...parts });

  markTokens(provider, parts);
  provider.on('grant.error', (ctx, error) => { ctx.state.grantError = error; });
  provider.app.on('error', (error) => {
    if (error.code !== 'ECONNRESET') {   // clients may close connections
      console.error(error);
    }
  });
  for (const habit of HABITS) {
    provider.use(habit({ ...parts, signIn }));
  }

  return {
    endpoints: endpoints(issuer, backChannel),
    handler: provider.callback(),
    mint: ({ scope = 'openid fhirUser patient/*.read', ...whose }) =>
      mint(provider, { scope, ...whose }),
    findAccessToken: (token) => provider.AccessToken.find(token),
  };
}
