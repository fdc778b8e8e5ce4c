// One person in a browser, who uses the apps and logs in at Cigna.  A Visitor
// keeps all replies that the browser received from the apps' hosts, for the
// search for secrets.

import { BRANDS } from './brands.mjs';

const WAIT_MS = 8000;

export class Visitor {
  static async create(browser, stack, options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1180, height: 860 }, ...options,
    });
    context.setDefaultTimeout(WAIT_MS);
    const visitor = new Visitor(context, stack);
    visitor.page = await context.newPage();
    return visitor;
  }

  constructor(context, stack) {
    this.context = context;
    this.stack = stack;
    this.received = [];
    context.on('response', (response) => this.#keep(response));
  }

  #isOurs(url) {
    return this.stack.brands.some((brand) =>
      url.startsWith(this.stack.url(brand)));
  }

  // A redirect has no body, and the body of a closed page is not available.
  async #keep(response) {
    if (this.#isOurs(response.url())) {
      const kept = { url: response.url(), headers: await response.allHeaders()
        .catch(() => ({})), body: '' };
      this.received.push(kept);
      kept.body = await response.text().catch(() => '');
    }
  }

  async signIn(brand, number = 0) {
    const { email, password } = BRANDS[brand].users[number];
    await this.page.goto(this.stack.url(brand));
    await this.page.getByLabel('Email').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.locator('#connect, #plan').filter({ visible: true })
      .waitFor();
  }

  // Presses the app's button, and waits for Cigna's login page.
  async startConnecting() {
    await this.page.getByRole('link', { name: 'Connect your Cigna plan' })
      .click();
    await this.page.getByLabel('Username').waitFor();
  }

  async logInAtCigna(number) {
    await this.page.getByLabel('Username').fill(`syntheticuser${number}`);
    await this.page.getByLabel('Password').fill(`MARKsecret${number}`);
    await this.page.getByRole('button', { name: 'Log in' }).click();
  }

  async acceptTerms() {
    await this.page.locator('input[name=termsAccept]').check();
    await this.page.getByRole('button', { name: 'Continue' }).click();
  }

  // Takes all steps from the app's button until the app shows the claims.
  async connect(number) {
    await this.startConnecting();
    await this.logInAtCigna(number);
    await this.acceptTerms();
    await this.claims();
  }

  // Runs action(), which leads to the callback, and returns the callback's URL
  // without opening it.  playwright cannot intercept redirects, so this
  // function uses the DevTools protocol.
  async stopAtCallback(action) {
    const session = await this.context.newCDPSession(this.page);
    await session.send('Fetch.enable', {
      patterns: [{ urlPattern: '*/cigna/callback?*' }],
    });
    const paused = new Promise((resolve) => {
      session.once('Fetch.requestPaused', resolve);
    });
    const [{ request }] = await Promise.all([
      paused.then(async (event) => {
        await session.send('Fetch.failRequest', {
          requestId: event.requestId, errorReason: 'Aborted',
        });
        return event;
      }),
      action(),
    ]);
    await session.detach();
    return request.url;
  }

  // Returns the ids of the claims on the page.
  async claims() {
    const rows = this.page.locator('[data-claim]');
    await rows.first().waitFor();
    return rows.evaluateAll((all) => all.map((row) => row.dataset.claim));
  }

  // Presses a button of the pager, and waits until the claims `from` are gone.
  // Returns the ids of the claims that follow.
  async turnPage(button, from) {
    await this.page.getByRole('button', { name: button }).click();
    await this.page.locator(`[data-claim="${from[0]}"]`)
      .waitFor({ state: 'detached' });
    return this.claims();
  }

  outcome() {
    return this.page.locator('#outcome strong').innerText();
  }

  // Returns everything that this browser has from the apps.
  async holdings() {
    const { cookies, origins } = await this.context.storageState();
    return {
      received: this.received,
      cookies: cookies.filter(({ domain }) => domain !== 'cigna.localhost'),
      storage: origins.filter(({ origin }) => this.#isOurs(`${origin}/`)),
      page: this.#isOurs(this.page.url()) ? await this.page.content() : '',
    };
  }
}
