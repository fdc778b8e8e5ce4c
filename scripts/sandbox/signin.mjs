// The member's sign-in: a login page and a terms page.  authorize sets two
// cookies, and both pages require them.
//
// If a program instead of the member's browser fetches authorize, the browser
// lacks the cookies.  The browser then shows a login page that never succeeds.

import { randomBytes } from 'node:crypto';

import { errorPage, loginPage, termsPage } from './pages.mjs';
import { readForm } from './body.mjs';
import { keepBounded } from './bounded.mjs';

export const SIGNIN_PATH = '/mga/sps/authsvc';

const SESSION_COOKIE = 'PD-S-SESSION-ID';
const JUNCTION_COOKIE = 'AMWEBJCT!%2Fmga!JSESSIONID';
const ENTRIES_MAX = 20000;
const DOUBLE_CLICK_MS = 2000;

const NO_COOKIES = 'Your session could not be found. Cookies may be blocked.';

function cookiesOf(request) {
  return new Map((request.headers.cookie ?? '').split(/; */).map((pair) => {
    const i = pair.indexOf('=');
    return [pair.slice(0, i), pair.slice(i + 1)];
  }));
}


// Makes the two cookies that Cigna's server sets on its replies.
export function newCookies() {
  const session = `1_2_1_${randomBytes(24).toString('base64url')}`;
  const junction = randomBytes(16).toString('hex').toUpperCase();
  return {
    session,
    junction,
    lines: [
      `${SESSION_COOKIE}=${session}; Path=/; Secure; HttpOnly`,
      `${JUNCTION_COOKIE}=${junction}; Path=/; Secure; HttpOnly`,
    ],
  };
}

export class SignIn {
  #provider;
  #members;
  #modes;
  #record;
  #store;
  #sessions = new Map();      // session cookie -> {junction cookie, since}
  #dances = new Map();        // interaction uid -> {session, since, member}

  constructor({ provider, members, modes, record, store }) {
    this.#provider = provider;
    this.#members = members;
    this.#modes = modes;
    this.#record = record;
    this.#store = store;
  }

  // Called when authorize redirects to the login page.  A browser that has a
  // session keeps it, because several tabs may run dances.
  begin(ctx, uid) {
    const since = Date.now();
    let session = this.#sessionOf(ctx);
    if (session === undefined) {
      const cookies = newCookies();
      session = cookies.session;
      keepBounded(this.#sessions, session,
                  { junction: cookies.junction, since }, ENTRIES_MAX);
      ctx.append('Set-Cookie', cookies.lines);
    }
    keepBounded(this.#dances, uid, { session, since, member: null },
                ENTRIES_MAX);
  }

  #sessionOf(ctx) {
    const cookies = cookiesOf(ctx.req);
    const session = cookies.get(SESSION_COOKIE);
    const known = this.#sessions.get(session);
    return known !== undefined
      && known.junction === cookies.get(JUNCTION_COOKIE)
      ? session : undefined;
  }

  // Returns whether the request has the cookies of this dance's authorize
  // reply, or those of another tab whose reply came at the same time and
  // replaced them.
  #isDancers(ctx, dance) {
    const session = this.#sessionOf(ctx);
    return session !== undefined
      && (session === dance.session
          || this.#sessions.get(session).since
             > dance.since - DOUBLE_CLICK_MS);
  }

  async handle(ctx, uid) {
    const dance = this.#dances.get(uid);
    const interaction = await this.#provider.Interaction.find(uid);

    ctx.set('Cache-Control', 'no-store');
    ctx.type = 'html';

    if (!dance || !interaction) {
      ctx.status = 400;
      ctx.body = errorPage({ code: 'FBTAUT002E',
                             message: 'This request has expired.' });
      return;
    }

    const step = { ctx, uid, dance, action: ctx.path,
                   params: interaction.params,
                   clientId: interaction.params.client_id };
    if (!this.#isDancers(ctx, dance)) {
      this.#record.authorize('without_cookies', step.clientId);
      ctx.body = loginPage({ action: step.action, message: NO_COOKIES });
      return;
    }

    await (ctx.method === 'POST' ? this.#submit(step) : this.#show(step));
  }

  #show({ ctx, dance, action, params, clientId }, message) {
    if (dance.member === null) {
      this.#record.authorize('login_pages', clientId);
      ctx.body = loginPage({ action, message });
      return;
    }
    this.#record.authorize('terms', clientId);
    ctx.body = termsPage({
      action, message,
      client: this.#store.client(clientId).client_name,
      scopes: params.scope ?? '',
    });
  }

  async #submit(step) {
    const form = await readForm(step.ctx.req);

    if (form.step === 'cancel') {
      await this.#deny(step);
    } else if (step.dance.member === null) {
      this.#login(step, form);
    } else if (this.#modes.get('member_decides', step.clientId) === 'deny') {
      await this.#deny(step);
    } else if (form.termsAccept) {
      await this.#accept(step);
    } else {
      this.#show(step, 'Please accept the terms to continue.');
    }
  }

  #login(step, { username, password }) {
    if (this.#modes.get('login_page', step.clientId) === 'silent') {
      this.#show(step, 'We are busy. Please try again.');
      return;
    }
    const member = this.#members.login(username, password);
    if (!member) {
      this.#record.authorize('wrong_passwords', step.clientId);
      this.#show(step, 'The username or the password is wrong.');
      return;
    }
    step.dance.member = member.username;
    this.#record.authorize('logins', step.clientId);
    this.#redirect(step.ctx, step.action);
  }

  async #accept({ ctx, uid, dance, params, clientId }) {
    const grant = new this.#provider.Grant({ accountId: dance.member,
                                             clientId });
    grant.addOIDCScope(params.scope);
    const result = { login: { accountId: dance.member },
                     consent: { grantId: await grant.save() } };

    this.#dances.delete(uid);
    this.#record.authorize('accepted', clientId);
    this.#redirect(ctx, await this.#provider.interactionResult(
      ctx.req, ctx.res, result));
  }

  async #deny({ ctx, uid, clientId }) {
    this.#dances.delete(uid);
    this.#record.authorize('denied', clientId);
    this.#redirect(ctx, await this.#provider.interactionResult(
      ctx.req, ctx.res, { error: 'access_denied',
                          error_description: 'The member refused.' }));
  }

  #redirect(ctx, location) {
    ctx.redirect(location);
    ctx.status = 303;
  }
}
