// The sandbox itself: the FHIR server.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { spawnSandbox } from '../../scripts/sandbox/client.mjs';
import { PlainClient } from '../../scripts/sandbox/plain_client.mjs';
import { fingerprint } from '../../scripts/sandbox/record.mjs';

const INTERNAL = 'https://p-hi2.digitaledge.cigna.com';
const MASTER = 'A00000000000005';

let directory;
let sandbox;
let app;
let token;

async function tokenOf(member) {
  const tokens = await sandbox.control.tokens({ client_id: 'app', member });
  return tokens.access_token;
}

const get = (target, options) => app.fhir(target, token, options);

before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'sandbox-'));
  sandbox = await spawnSandbox({
    directory, members: 20,
    clients: [{ client_id: 'app', redirect_uris: ['https://app.example/cb'] }],
  });
  app = new PlainClient(sandbox.info, sandbox.info.clients[0]);
  token = await tokenOf('syntheticuser05');
});

after(async () => {
  await sandbox.stop();
  rmSync(directory, { recursive: true });
});

beforeEach(() => sandbox.control.reset());

function refused(reply, status, code, text) {
  assert.equal(reply.status, status);
  assert.equal(reply.resource.resourceType, 'OperationOutcome');
  assert.equal(reply.resource.issue[0].code, code);
  assert.match(reply.resource.issue[0].diagnostics, text);
}

test('replies have Cigna\'s headers', async () => {
  const { status, headers, body } = await get('/Patient');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'no-store, no-cache');
  assert.equal(Number(headers['content-length']), Buffer.byteLength(body));
  for (const absent of ['etag', 'set-cookie', 'content-encoding',
                        'retry-after']) {
    assert.equal(headers[absent], undefined);
  }
});

test('one member is several Patients under a master', async () => {
  const { resource } = await get(`/Patient?_id=${MASTER}`);
  const [master, ...others] = resource.entry.map((entry) => entry.resource);
  assert.equal(master.id, MASTER);
  assert.deepEqual(master.link.map(({ type }) => type),
                   ['seealso', 'seealso', 'seealso']);
  assert.deepEqual(master.link.map(({ other }) => other.reference),
                   others.map(({ id }) => `Patient/${id}`));
  assert.ok(others.every(({ id }) => /^[a-z0-9]{3}-A/.test(id)));
});

test('$userinfo is a Parameters resource with its own id', async () => {
  const { resource } = await get('/$userinfo');
  assert.equal(resource.resourceType, 'Parameters');
  assert.match(resource.parameter[0].valueString, /^U[0-9a-f]{16}$/);
});

test('links name the internal host, and that of the master has no base path',
     async () => {
  const { resource } = await get('/Patient');
  const [master, ...others] = resource.entry;
  assert.equal(master.fullUrl, `${INTERNAL}/Patient/${MASTER}`);
  assert.ok(others.every(({ fullUrl }) => fullUrl.startsWith(
    `${INTERNAL}/PatientAccess/v1-devportal/Patient/`)));
  assert.equal(resource.link[0].url,
               `${INTERNAL}/PatientAccess/v1-devportal/Patient`);
});

test('mode fhir_links=own makes links with the server\'s own '
  + 'base', async () => {
  await sandbox.control.set({ fhir_links: 'own' });
  const { resource } = await get('/Patient');
  assert.ok(resource.entry.every(({ fullUrl }) =>
    fullUrl.startsWith(sandbox.info.fhirBase)));
});

const nextOf = ({ link }) => link.find(({ relation }) => relation === 'next')
  ?.url;

test('claims are paged at the bare base path, each once', async () => {
  await sandbox.control.set({ fhir_links: 'own' });
  const seen = [];
  let pages = 0;
  let url = `${sandbox.info.fhirBase}/ExplanationOfBenefit?patient=${MASTER}`;

  while (url) {
    const { resource } = await get(url);
    seen.push(...resource.entry.map((entry) => entry.resource.id));
    assert.equal(resource.total, 25);
    pages += 1;
    url = nextOf(resource);
    assert.ok(!url || url.startsWith(`${sandbox.info.fhirBase}?_getpages=`));
  }
  assert.equal(pages, 3);
  assert.equal(new Set(seen).size, 25);
});

test('_count sets the length of a page', async () => {
  const { resource } = await get('/ExplanationOfBenefit?_count=3');
  assert.equal(resource.entry.length, 3);
  assert.match(nextOf(resource), /_getpagesoffset=3&_count=3/);
});

test('a page of another member\'s search is gone', async () => {
  await sandbox.control.set({ fhir_links: 'own' });
  const next = nextOf((await get('/ExplanationOfBenefit')).resource);
  const other = await tokenOf('syntheticuser06');
  refused(await app.fhir(next, other), 410, 'deleted', /HAPI-0417/);
  assert.equal((await get(next)).status, 200);
});

for (const type of ['Coverage', 'ExplanationOfBenefit', 'Encounter',
                    'Observation', 'Condition', 'MedicationRequest']) {
  test(`each member has their own ${type}`, async () => {
    const ids = [];
    for (const member of ['syntheticuser01', 'syntheticuser03',
                          'syntheticuser0001']) {
      const { resource } = await app.fhir(`/${type}`, await tokenOf(member));
      assert.ok(resource.entry.length > 0);
      assert.ok(resource.entry.every((entry) =>
        entry.resource.resourceType === type));
      ids.push(...resource.entry.map((entry) => entry.resource.id));
    }
    assert.equal(new Set(ids).size, ids.length);
  });
}

test('references are relative and stay with the member', async () => {
  const { body } = await get('/ExplanationOfBenefit');
  const patients = new Set(body.match(/"Patient\/[^"]*"/g));
  assert.equal(patients.size, 1);
  assert.ok([...patients][0].includes(MASTER));
  assert.doesNotMatch(body, /"reference":"(urn:|https?:)/);
});

test('a resource can be read by id', async () => {
  const { resource } = await get('/Coverage');
  const { id } = resource.entry[0].resource;
  assert.equal((await get(`/Coverage/${id}`)).resource.id, id);
});

test('an unknown id, or another member\'s, is a 500', async () => {
  for (const id of ['Nothing', 'A00000000000006']) {
    refused(await get(`/Patient/${id}`), 500, 'processing',
            new RegExp(`HAPI-2001: Resource Patient/${id} is not known`));
  }
});

test('another member\'s claims are not found by patient', async () => {
  const { resource } = await get(
    '/ExplanationOfBenefit?patient=A00000000000006');
  assert.equal(resource.total, 0);
});

test('unsupported types and parameters are a 400', async () => {
  refused(await get('/Spaceship'), 400, 'not-supported', /Spaceship/);
  refused(await get('/Coverage?colour=red'), 400, 'not-supported', /colour/);
  refused(await get('/'), 400, 'not-supported', /./);
});

test('the API is read only', async () => {
  refused(await get('/Patient', { method: 'POST', body: '{}' }),
          405, 'not-supported', /read only/);
});

test('HEAD has the length and no body', async () => {
  const reply = await get('/Patient', { method: 'HEAD' });
  assert.equal(reply.status, 200);
  assert.ok(Number(reply.headers['content-length']) > 1000);
  assert.equal(reply.body, '');
});

test('$everything has every type', async () => {
  const { resource } = await get(
    `/Patient/${MASTER}/$everything?_count=1000`);
  const types = new Set(resource.entry.map((entry) =>
    entry.resource.resourceType));
  assert.ok(types.size > 10);
  refused(await get('/Patient/A00000000000006/$everything'), 500,
          'processing', /HAPI-2001/);
});

for (const bytes of [200, 4096, 65536, 1 << 20]) {
  test(`$sized?bytes=${bytes} is a Bundle of that size`, async () => {
    const { body, resource } = await get(`/$sized?bytes=${bytes}`);
    assert.equal(Buffer.byteLength(body), bytes);
    assert.equal(resource.resourceType, 'Bundle');
  });
}

test('metadata and smart-configuration answer without a token', async () => {
  const { resource } = await app.fhir('/metadata');
  assert.equal(resource.resourceType, 'CapabilityStatement');

  const { body } = await app.fhir('/.well-known/smart-configuration');
  const smart = JSON.parse(body);
  assert.equal(smart.issuer, sandbox.info.issuer);
  assert.equal(smart.token_endpoint, sandbox.info.token);
  assert.deepEqual(smart.code_challenge_methods_supported, ['S256']);
});

test('mode smart_configuration replaces fields of the document', async () => {
  await sandbox.control.set({ smart_configuration: { issuer: 'https://x' } });
  const { body } = await app.fhir('/.well-known/smart-configuration');
  assert.equal(JSON.parse(body).issuer, 'https://x');
});

test('unknown, expired and revoked tokens are a 401', async () => {
  refused(await app.fhir('/Patient', 'MARKs-unknown'), 401, 'login', /token/);
  refused(await app.fhir('/Patient'), 401, 'login', /token/);

  const dead = await tokenOf('syntheticuser02');
  await sandbox.control.expire({ member: 'syntheticuser02' });
  refused(await app.fhir('/Patient', dead), 401, 'login', /token/);
  assert.equal((await get('/Patient')).status, 200);
});

test('fault 429 comes with and without Retry-After', async () => {
  await sandbox.control.set({ fhir_fault: '429' });
  const bare = await get('/Patient');
  refused(bare, 429, 'throttled', /./);
  assert.equal(bare.headers['retry-after'], undefined);

  await sandbox.control.set({ fhir_fault: { kind: '429', retry_after: 3 } });
  assert.equal((await get('/Patient')).headers['retry-after'], '3');
});

test('faults redirect, 401 once and cut-mid do what they say', async () => {
  await sandbox.control.set({ fhir_fault: {
    kind: 'redirect', location: 'https://elsewhere.example/x',
  } });
  const { status, headers } = await get('/Patient');
  assert.deepEqual([status, headers.location],
                   [302, 'https://elsewhere.example/x']);

  await sandbox.control.set({ fhir_fault: { kind: '401', times: 1 } });
  assert.equal((await get('/Patient')).status, 401);
  assert.equal((await get('/Patient')).status, 200);

  await sandbox.control.set({ fhir_fault: 'cut-mid' });
  await assert.rejects(get('/Patient'), { code: 'ECONNRESET' });
});

test('mode fhir_set_cookie adds a cookie', async () => {
  await sandbox.control.set({ fhir_set_cookie: 'on' });
  assert.match((await get('/Patient')).headers['set-cookie'][0],
               /^fhirsession=/);
});

test('mode fhir_delay_ms delays replies', async () => {
  await sandbox.control.set({ fhir_delay_ms: 200 });
  const started = Date.now();
  await get('/Patient');
  assert.ok(Date.now() - started >= 200);
});

test('a thousand requests at once are answered', async () => {
  const replies = await Promise.all(Array.from({ length: 1000 }, () =>
    get('/Coverage')));
  assert.ok(replies.every(({ status }) => status === 200));
});

test('the record has the header lines of a request', async () => {
  await get('/Patient?_id=1', { headers: {
    Authorization: [`Bearer ${token}`, 'Bearer other'],
    Cookie: 'a=b', 'X-Forwarded-For': '192.0.2.1',
  } });
  const { fhir, recent_fhir: [entry] } = await sandbox.control.see();
  assert.deepEqual(
    [fhir.requests, fhir.with_cookie, fhir.repeated_authorization],
    [1, 1, 1]);
  assert.deepEqual(fhir.by_member, { syntheticuser05: 1 });
  assert.deepEqual([entry.authorizations, entry.cookie, entry.status],
                   [2, true, 200]);
  assert.match(entry.path, /\/Patient\?_id=1$/);

  const headers = new Map(entry.headers);
  assert.equal(headers.get('X-Forwarded-For'), '192.0.2.1');
  assert.equal(entry.headers.find(([name]) => name === 'Authorization')[1],
               `Bearer ${fingerprint(token)}`);
});
