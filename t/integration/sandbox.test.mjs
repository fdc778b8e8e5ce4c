// The sandbox itself: sign-in, and the control API.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { spawnSandbox } from '../../scripts/sandbox/client.mjs';
import { MODES } from '../../scripts/sandbox/modes.mjs';
import { PlainClient } from '../../scripts/sandbox/plain_client.mjs';
import { walk } from '../../scripts/sandbox/walk.mjs';

const SERVER = fileURLToPath(new URL('../../scripts/sandbox/server.mjs',
                                     import.meta.url));
const CALLBACK = 'https://app.example/cigna/callback';
const SESSION = 'PD-S-SESSION-ID';
const JUNCTION = 'AMWEBJCT!%2Fmga!JSESSIONID';

let directory;
let sandbox;
let app;

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'sandbox-'));
  sandbox = await spawnSandbox({
    directory, members: 100,
    clients: [
      { client_id: 'app', redirect_uris: [CALLBACK] },
      { client_id: 'public', redirect_uris: [CALLBACK],
        token_endpoint_auth_method: 'none' },
    ],
  });
  app = new PlainClient(sandbox.info, sandbox.info.clients[0]);
});

after(async () => {
  await sandbox.stop();
  rmSync(directory, { recursive: true });
});

beforeEach(() => sandbox.control.reset());

const title = (page) => /<title>(.*)<\/title>/.exec(page.body)[1];

test('authorize sets two cookies, and two pages lead back', async () => {
  const browser = app.browser();
  const dance = app.newDance();

  const authorize = await browser.get(dance.url);
  const names = authorize.headers['set-cookie'].map((line) =>
    line.split('=')[0]);
  assert.ok(names.includes(SESSION) && names.includes(JUNCTION));

  const login = (await browser.follow(authorize)).response;
  assert.equal(title(login), 'myCigna - Auth Flow');
  assert.match(login.body, /name="username"[^]*name="password"/);

  const action = new URL(/action="([^"]*)"/.exec(login.body)[1], login.url);
  const terms = (await browser.follow(await browser.post(action, {
    step: 'login', username: 'syntheticuser05', password: 'MARKsecret05',
  }))).response;
  assert.match(terms.body, /name="termsAccept"/);

  const unaccepted = await browser.post(action, { step: 'terms' });
  assert.equal(unaccepted.status, 200);
  assert.match(unaccepted.body, /accept the terms/);

  const { stopped } = await browser.follow(
    await browser.post(action, { step: 'terms', termsAccept: 'true' }),
    (url) => url.startsWith(CALLBACK));
  const callback = new URL(stopped).searchParams;
  assert.equal(callback.get('state'), dance.state);
  assert.match(callback.get('code'), /^CODEs/);
  assert.equal(callback.get('iss'), null);
});

test('a login page fetched by a server can never succeed', async () => {
  const server = app.backChannel();
  const page = (await server.follow(await server.get(app.newDance().url)))
    .response;

  const member = app.browser();
  const { stopped, response } = await walk(member, page.url, {
    username: 'syntheticuser05', password: 'MARKsecret05',
    until: (url) => url.startsWith(CALLBACK),
  });
  assert.equal(stopped, undefined);
  assert.match(response.body, /Cookies may be blocked/);
  const { authorize } = await sandbox.control.see();
  assert.equal(authorize.logins, 0);
  assert.ok(authorize.without_cookies > 0);
});

for (const cookie of [SESSION, JUNCTION]) {
  test(`the terms page cannot be passed without ${cookie}`, async () => {
    const browser = app.browser();
    const { response } = await walk(browser, app.newDance().url, {
      username: 'syntheticuser05', password: 'wrong',
    });
    const action = new URL(/action="([^"]*)"/.exec(response.body)[1],
                           response.url);
    await browser.post(action, { step: 'login', username: 'syntheticuser05',
                                 password: 'MARKsecret05' });
    browser.jar.delete(cookie);

    const reply = await browser.post(action, { step: 'terms',
                                               termsAccept: 'true' });
    assert.equal(reply.status, 200);
    assert.match(reply.body, /Cookies may be blocked/);
  });
}

test('a wrong password shows the login page again', async () => {
  const { response } = await app.authorize('syntheticuser05',
                                           { password: 'MARKsecret06' });
  assert.match(response.body, /password is wrong/);
  assert.match(response.body, /name="password"/);
});

for (const uri of [`${CALLBACK}/`, 'https://app.example/cigna/callback?x=1',
                   'https://elsewhere.example/', 'HTTPS://app.example/']) {
  test(`redirect_uri ${uri} gets a page and no redirect`, async () => {
    const reply = await app.browser().get(
      app.newDance({ redirect_uri: uri }).url);
    assert.equal(reply.status, 400);
    assert.match(reply.headers['content-type'], /^text\/html/);
    assert.equal(reply.headers.location, undefined);
    assert.equal((await sandbox.control.see()).authorize.error_pages, 1);
  });
}

test('a request without PKCE is refused', async () => {
  const reply = await app.browser().get(
    app.newDance().url.replace(/code_challenge=[^&]*/, 'x=1'));
  assert.match(reply.headers.location, /error=invalid_request/);
});

for (const cancel of ['login', 'terms']) {
  test(`a member who cancels at the ${cancel} page is refused`, async () => {
    const { callback, dance } = await app.authorize('syntheticuser05',
                                                    { cancel });
    assert.equal(callback.get('error'), 'access_denied');
    assert.equal(callback.get('state'), dance.state);
    assert.equal(callback.get('code'), null);
  });
}

test('two dances in one browser do not disturb each other', async () => {
  const browser = app.browser();
  const members = ['syntheticuser01', 'syntheticuser02'];
  const dances = await Promise.all(members.map((member) =>
    app.authorize(member, { browser })));

  for (const [i, authorized] of dances.entries()) {
    const { body } = await app.exchange(authorized);
    const { resource } = await app.fhir('/Patient', body.access_token);
    assert.match(JSON.stringify(resource), new RegExp(`A0+${i + 1}"`));
  }
});

test('one browser connects one member after the other', async () => {
  const browser = app.browser();
  for (const n of [3, 4]) {
    const { patient } = await app.connect(`syntheticuser0${n}`, { browser });
    assert.equal(patient, `A0000000000000${n}`);
  }
});

test('mode member_decides turns every button into a refusal', async () => {
  await sandbox.control.set({ member_decides: 'deny' });
  const { callback } = await app.authorize('syntheticuser05');
  assert.equal(callback.get('error'), 'access_denied');
});

test('mode login_page=silent leads nowhere', async () => {
  await sandbox.control.set({ login_page: 'silent' });
  const { callback, response } = await app.authorize('syntheticuser05');
  assert.equal(callback, undefined);
  assert.equal(response.status, 200);
});

test('mode authorize_error redirects at once with the error', async () => {
  await sandbox.control.set({ authorize_error: 'temporarily_unavailable' });
  const { callback, dance } = await app.authorize('syntheticuser05');
  assert.equal(callback.get('error'), 'temporarily_unavailable');
  assert.equal(callback.get('state'), dance.state);
});

test('mode iss_parameter sets iss and announces it', async () => {
  for (const [mode, iss] of [['on', sandbox.info.issuer],
                             ['wrong', 'https://elsewhere.example']]) {
    await sandbox.control.set({ iss_parameter: mode });
    const { callback } = await app.authorize('syntheticuser05');
    assert.equal(callback.get('iss'), iss);
    assert.ok(callback.get('code'));

    const { body } = await app.browser().get(
      sandbox.info.smartConfiguration);
    assert.equal(JSON.parse(body)
      .authorization_response_iss_parameter_supported, true);
  }
});

test('listener mode refuse refuses connections until it is open '
  + 'again', async () => {
  await sandbox.control.set({ authorization_listener: 'refuse' });
  await assert.rejects(app.browser().get(app.newDance().url),
                       { code: 'ECONNREFUSED' });
  await sandbox.control.set({ authorization_listener: 'open' });
  assert.equal((await app.browser().get(app.newDance().url)).status, 303);
});

for (const mode of ['cut-accept', 'cut-tls']) {
  test(`listener mode ${mode} cuts the connection`, async () => {
    await sandbox.control.set({ authorization_listener: mode });
    await assert.rejects(app.browser().get(app.newDance().url),
                         (error) => /ECONNRESET|EPIPE/.test(error.code));
    assert.equal((await sandbox.control.see()).authorize.hits, 0);
  });
}

test('listener mode mute sends nothing', async () => {
  await sandbox.control.set({ authorization_listener: 'mute' });
  const reply = app.browser().get(app.newDance().url).catch((error) => error);
  const first = await Promise.race([
    reply, new Promise((resolve) => setTimeout(resolve, 200, 'silence')),
  ]);
  assert.equal(first, 'silence');
  await sandbox.control.set({ authorization_listener: 'open' });
  await reply;
});

test('an unknown mode or value is refused, and nothing is changed',
     async () => {
  await assert.rejects(
    sandbox.control.set({ refresh: 'none', refersh: 'none' }),
    /unknown mode "refersh"; the modes are: .*refresh/);
  await assert.rejects(sandbox.control.set({ refresh: 'never' }),
                       /"refresh" cannot be "never"; it can be: rotating \| /);
  await assert.rejects(sandbox.control.set({ fhir_listener: 'refuse' }, 'app'),
                       /cannot be set for one client/);
  assert.deepEqual((await sandbox.control.see()).modes, {});
});

test('every mode accepts its initial value and has a description',
     async () => {
  await sandbox.control.set(Object.fromEntries(Object.entries(MODES).map(
    ([name, { initial }]) => [name, initial])));
  for (const { about, values } of await sandbox.control.modes()) {
    assert.ok(about.length > 0 && values.length > 0);
  }
});

test('a mode set for one client leaves the others alone', async () => {
  await sandbox.control.set({ member_decides: 'deny' }, 'public');
  const other = new PlainClient(sandbox.info, sandbox.info.clients[1]);

  const denied = await other.authorize('syntheticuser05');
  assert.equal(denied.callback.get('error'), 'access_denied');
  assert.ok((await app.authorize('syntheticuser05')).callback.get('code'));

  const seen = await sandbox.control.see({ client_id: 'public' });
  assert.equal(seen.authorize.hits, 1);
  assert.deepEqual(seen.modes, { member_decides: 'deny' });
});

test('a client registered while running can dance', async () => {
  const client = await sandbox.control.addClient({
    client_id: 'late', redirect_uris: [CALLBACK],
  });
  assert.match(client.client_secret, /^MARKsecret-late-/);
  const late = new PlainClient(sandbox.info, client);
  assert.ok((await late.connect('syntheticuser07')).access_token);
});

test('a hundred dances at once all arrive, each with its own data',
     async () => {
  await Promise.all(Array.from({ length: 100 }, async (_, i) => {
    const member = `syntheticuser${String(i + 1).padStart(4, '0')}`;
    const { patient } = await app.connect(member);
    assert.equal(patient, `A${String(10001 + i).padStart(14, '0')}`);
  }));
});

test('the process ends with the pipe on its standard input', async () => {
  const child = spawn(process.execPath, [SERVER, '--directory',
                                         path.join(directory, 'short')],
                      { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = child.stderr.toArray();
  await once(child.stdout, 'data');
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.equal(Buffer.concat(await said).toString(),
               'sandbox: ends, because its standard input was closed\n');
});

test('the process ends with its parent, and says so', async () => {
  const parent = spawn('sh', ['-c', `exec 3>&1; '${process.execPath}' `
    + `'${SERVER}' --directory '${path.join(directory, 'orphan')}' `
    + '</dev/null 2>&3 & cat >/dev/null'],
                       { stdio: ['pipe', 'pipe', 'ignore'] });
  const said = [];
  parent.stdout.on('data', (data) => said.push(data));
  await once(parent.stdout, 'data');
  parent.stdin.end();
  await once(parent.stdout, 'end');
  assert.match(Buffer.concat(said).toString(),
               /^sandbox: ends, because its parent has ended$/m);
});

test('the process ends on SIGTERM without a word', async () => {
  const child = spawn(process.execPath, [SERVER, '--directory',
                                         path.join(directory, 'short')],
                      { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = child.stderr.toArray();
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.equal(Buffer.concat(await said).toString(), '');
});

const serve = (...args) =>
  spawnSync(process.execPath, [SERVER, ...args], { encoding: 'utf8' });

test('--help describes the options', () => {
  for (const option of ['--help', '-h']) {
    const { status, stdout, stderr } = serve(option);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.match(stdout, /^ {2}--directory DIR /m);
  }
});

for (const [args, said] of [
  [['--members', 'many'], /directory is required/],
  [['--directory', '/tmp', '--members', 'many'], /members is not a number/],
  [['--nonsense'], /Unknown option '--nonsense'/],
  [['superfluous'], /Unexpected argument 'superfluous'/],
  [['--directory'], /argument missing/],
  [['--config', '/nonexistent'], /cannot read "\/nonexistent" \(ENOENT\)/],
  [['--config', '/dev/null'], /"\/dev\/null" is not JSON/],
  [['--directory', '/tmp', '--client', 'x'], /--client is not JSON/],
]) {
  test(`a wrong command line is a clear error: ${args.join(' ')}`, () => {
    const { status, stdout, stderr } = serve(...args);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, said);
    assert.match(stderr, /^sandbox: .*; see server\.mjs --help\n$/);
  });
}
