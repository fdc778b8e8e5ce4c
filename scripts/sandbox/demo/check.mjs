// Walks through the demo in headless Chromium, as a person would.  Prints the
// outcome of each step, and takes screenshots.

import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchBrowser } from '../../lib/browser.mjs';
import { Visitor } from './visitor.mjs';

const LIFETIME_S = 2;
const PHONE = { viewport: { width: 390, height: 800 } };

// A walk through the demo, in steps.  The name of a step says what must be
// true.
class Walk {
  #screenshots;
  #taken = 0;
  failures = 0;
  visitors = [];

  constructor(browser, stack, screenshots) {
    this.browser = browser;
    this.stack = stack;
    this.control = stack.sandbox.control;
    this.#screenshots = screenshots;
  }

  async visitor(options) {
    const visitor = await Visitor.create(this.browser, this.stack, options);
    this.visitors.push(visitor);
    return visitor;
  }

  async step(name, action) {
    try {
      await action();
      process.stdout.write(`ok      ${name}\n`);
    } catch (error) {
      this.failures += 1;
      process.stdout.write(`FAILED  ${name}\n${error.stack.replace(/^/gm,
                                                                  '    ')}\n`);
      await Promise.allSettled(this.visitors.map((visitor) =>
        this.picture(visitor, 'failed')));
    }
  }

  picture({ page }, name) {
    this.#taken += 1;
    const number = String(this.#taken).padStart(2, '0');
    return page.screenshot({
      path: path.join(this.#screenshots, `${number}-${name}.png`),
      fullPage: true,
    });
  }
}

async function connectBoth(walk) {
  const dana = await walk.visitor();
  let first;

  await walk.step('the app asks a stranger to sign in', async () => {
    await dana.page.goto(walk.stack.url('harbor'));
    await dana.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await walk.picture(dana, 'sign-in');
  });

  await walk.step('Dana signs in to Harbor Health and can connect',
                  async () => {
    await dana.signIn('harbor');
    await walk.picture(dana, 'not-connected');
  });

  await walk.step('the button leads to Cigna\'s login and terms', async () => {
    await dana.startConnecting();
    await walk.picture(dana, 'cigna-login');
    await dana.logInAtCigna('05');
    await dana.page.locator('input[name=termsAccept]').waitFor();
    await walk.picture(dana, 'cigna-terms');
  });

  await walk.step('back in the app: connected, claims and coverage',
                  async () => {
    await dana.acceptTerms();
    first = await dana.claims();
    assert.equal(await dana.outcome(), 'Your Cigna plan is connected');
    assert.equal(first.length, 10);
    assert.equal(await dana.page.locator('.plan').count(), 2);
    assert.equal(await dana.page.locator('.person').count(), 4);
    await walk.picture(dana, 'connected');
  });

  await walk.step('older claims, and back', async () => {
    const second = await dana.turnPage('Older', first);
    assert.ok(second.every((id) => !first.includes(id)));
    await walk.picture(dana, 'older-claims');
    assert.deepEqual(await dana.turnPage('Newer', second), first);
  });

  await walk.step('Juniper Care in the same browser: another member\'s data',
                  async () => {
    await dana.signIn('juniper');
    await dana.connect('08');
    const other = await dana.claims();
    assert.ok(other.every((id) => !first.includes(id)));
    await walk.picture(dana, 'second-app');
  });

  await walk.step('Harbor Health still shows its own member', async () => {
    await dana.page.goto(walk.stack.url('harbor'));
    assert.deepEqual(await dana.claims(), first);
  });

  await walk.step('the app works on a phone', async () => {
    const phone = await walk.visitor(PHONE);
    await phone.signIn('harbor');
    await phone.claims();
    await walk.picture(phone, 'phone');
  });

  return dana;
}

async function refuse(walk) {
  const omar = await walk.visitor();

  await walk.step('after "Cancel" at Cigna nothing is connected',
                  async () => {
    await omar.signIn('harbor', 1);
    await omar.startConnecting();
    await omar.logInAtCigna('03');
    await omar.page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(await omar.outcome(), 'You did not share your Cigna data');
    await walk.picture(omar, 'denied');
  });

  await walk.step('Cigna fails while Omar connects: the app says so',
                  async () => {
    await walk.control.set({ token_fault: { kind: '503', times: 3 } });
    await omar.startConnecting();
    await omar.logInAtCigna('03');
    await omar.acceptTerms();
    assert.match(await omar.outcome(), /^Cigna /);
    await walk.picture(omar, 'exchange-failed');
    await walk.control.set({ token_fault: 'none' });
  });

  await walk.step('without Cigna\'s cookies the login at Cigna fails',
                  async () => {
    await omar.startConnecting();
    await omar.context.clearCookies({ name: 'PD-S-SESSION-ID' });
    await omar.logInAtCigna('03');
    await omar.page.getByText('Cookies may be blocked').waitFor();
    await omar.page.goto(walk.stack.url('harbor'));
    await omar.page.locator('#connect').waitFor();
  });

  return omar;
}

// The callback's URL does not work in another browser, even with the same user,
// and opening it there does not harm the dance.
async function carryOff(walk, omar) {
  const thief = await walk.visitor();
  let callback;

  await walk.step('a callback opened in another browser connects nothing',
                  async () => {
    await omar.startConnecting();
    await omar.logInAtCigna('03');
    callback = await omar.stopAtCallback(() => omar.acceptTerms());

    await thief.signIn('harbor', 1);
    const reply = await thief.page.goto(callback);
    assert.ok(reply.status() >= 400, `status ${reply.status()}`);
    await walk.picture(thief, 'another-browser');
    await thief.page.goto(walk.stack.url('harbor'));
    await thief.page.locator('#connect').waitFor();
  });

  await walk.step('the browser that started the dance completes it',
                  async () => {
    await omar.page.goto(callback);
    await omar.claims();
  });
}

async function breakAndEnd(walk, dana) {
  await walk.step('Cigna is down: the app says so, and recovers', async () => {
    await walk.control.set({ fhir_fault: '503' });
    await dana.page.goto(walk.stack.url('harbor'));
    await dana.page.locator('#trouble').waitFor();
    await walk.picture(dana, 'cigna-down');
    await walk.control.set({ fhir_fault: 'none' });
    await dana.page.getByRole('button', { name: 'Try again' }).click();
    await dana.claims();
  });

  await walk.step('the gateway refreshes an expired token unnoticed',
                  async () => {
    await walk.control.set({ access_token_lifetime: LIFETIME_S },
                           'juniper-client');
    const lee = await walk.visitor();
    await lee.signIn('juniper', 1);
    await lee.connect('09');
    const claims = await lee.claims();

    await sleep((LIFETIME_S + 1) * 1000);
    await lee.page.goto(walk.stack.url('juniper'));
    assert.deepEqual(await lee.claims(), claims);
    const { token } = await walk.control.see({ client_id: 'juniper-client' });
    assert.ok(token.by.refresh_token.ok > 0);
  });

  await walk.step('Cigna revokes an access token: nobody notices',
                  async () => {
    await dana.page.goto(walk.stack.url('harbor'));
    const claims = await dana.claims();
    const before = await walk.control.see({ client_id: 'harbor-client' });

    await walk.control.expire({ client_id: 'harbor-client' });
    await dana.page.goto(walk.stack.url('harbor'));
    assert.deepEqual(await dana.claims(), claims);
    assert.equal(await dana.page.locator('#trouble').isVisible(), false);

    const { fhir } = await walk.control.see();
    const { token } = await walk.control.see({ client_id: 'harbor-client' });
    assert.ok(fhir.by_status[401] > 0);
    assert.equal(token.by.refresh_token.ok,
                 (before.token.by.refresh_token?.ok ?? 0) + 1);
  });

  await walk.step('Dana disconnects one app, the other stays connected',
                  async () => {
    await dana.page.getByRole('button', { name: 'Disconnect Cigna' }).click();
    await dana.page.locator('#connect').waitFor();
    assert.equal(await dana.outcome(), 'Your Cigna plan is disconnected');
    await walk.picture(dana, 'disconnected');

    await dana.page.goto(walk.stack.url('juniper'));
    await dana.claims();
  });
}

function finds(places, markers) {
  return Object.entries(places).flatMap(([place, content]) => {
    const text = typeof content === 'string' ? content
      : JSON.stringify(content);
    return markers.filter((marker) => text.includes(marker))
      .map((marker) => {
        const at = text.indexOf(marker);
        return `${place}: ${text.slice(Math.max(0, at - 80), at + 40)}`;
      });
  });
}

async function searchForSecrets(walk) {
  const { markers, codeMarker } = walk.stack.sandbox.info;

  await walk.step('apps, logs and browsers have no token, secret or password',
                  async () => {
    for (const visitor of walk.visitors) {
      assert.deepEqual(finds(await visitor.holdings(), markers), []);
    }
    assert.deepEqual(finds(walk.stack.writings(), [...markers, codeMarker]),
                     []);
  });

  await walk.step('nginx logged no alarm', async () => {
    assert.doesNotMatch(walk.stack.writings()['error.log'],
                        /\[(alert|crit|emerg)\]/);
  });

  await walk.step('Cigna saw one token on each request, and no cookie',
                  async () => {
    const { fhir, token } = await walk.control.see();
    assert.ok(fhir.requests > 0 && fhir.with_cookie === 0
      && fhir.without_authorization === 0 && fhir.repeated_authorization === 0,
              JSON.stringify(fhir));
    assert.deepEqual([token.with_cookie, token.reuse], [0, 0]);
  });
}

function removeFormerPictures(directory) {
  for (const name of readdirSync(directory)) {
    if (/^\d\d-.*\.png$/.test(name)) {
      rmSync(path.join(directory, name));
    }
  }
}

// Returns whether all steps passed.
export async function check(stack, screenshots) {
  removeFormerPictures(screenshots);
  const browser = await launchBrowser({
    certFiles: [stack.certificate.certFile, stack.sandbox.info.certFile],
  });
  const walk = new Walk(browser, stack, screenshots);
  try {
    const dana = await connectBoth(walk);
    const omar = await refuse(walk);
    await carryOff(walk, omar);
    await breakAndEnd(walk, dana);
    await searchForSecrets(walk);
  } finally {
    await browser.close();
  }
  process.stdout.write(`\nscreenshots: ${screenshots}\n`
    + `${walk.failures === 0 ? 'The demo works.'
      : `${walk.failures} steps failed.`}\n`);
  return walk.failures === 0;
}
