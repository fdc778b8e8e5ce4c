// The demo, for a person or, with --check, for a headless browser.

import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { spkiHash } from '../../lib/ca.mjs';
import { optionsOf } from '../../lib/options.mjs';
import { BRANDS } from './brands.mjs';
import { check } from './check.mjs';
import { Stack, TOP } from './stack.mjs';

function users(brand) {
  return BRANDS[brand].users.map(({ email, password }) =>
    `${email} / ${password}`).join('   or   ');
}

function steps(stack) {
  const [first, second] = stack.brands;
  const { issuer, control } = stack.sandbox.info;
  const keys = [stack.certificate, stack.sandbox.info].map(({ certFile }) =>
    spkiHash(certFile)).join(',');

  return `
The demo runs: two health apps behind nginx, and a stand-in for Cigna.

  1. Open    ${stack.url(first)}     (${BRANDS[first].name})
     The certificates are the demo's own, so the browser warns, once for the
     app and once for Cigna: accept both, or import
       ${stack.ca.certFile}
     or start a browser that knows them:
       chromium --user-data-dir=$(mktemp -d) \\
         --ignore-certificate-errors-spki-list=${keys} \\
         ${stack.url(first)}

  2. Sign in as
       ${users(first)}

  3. Press "Connect your Cigna plan".  At Cigna, log in as
       syntheticuser05 / MARKsecret05      (01 to 10: MARKsecret01 to 10)
     and accept the terms.  "Cancel" shows what a refusal looks like.

  4. Back in the app: claims, coverage, people.  Page through the claims.

  5. Open    ${stack.url(second)}    (${BRANDS[second].name})
     Sign in as
       ${users(second)}
     and connect another member: each app sees its own.

  6. Disconnect, at the end of the page.

Look behind it:
  nginx      ${stack.file('nginx.conf')}, error.log and access.log beside it
  apps       ${stack.seenFile(first)}: all that nginx ever passed to the app
  Cigna      ${issuer}
  switch it  curl ${control}/modes
             curl ${control}/control -d '{"modes":{"fhir_fault":"503"}}'

Ctrl-C ends it and removes everything.
`;
}

const interrupted = () => new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => resolve(signal));
  }
});

async function run() {
  const end = interrupted();
  const stack = new Stack();
  await stack.start();
  process.stdout.write(steps(stack));
  await end;
  await stack.stop();
}

async function runCheck(screenshots) {
  mkdirSync(screenshots, { recursive: true });
  const stack = new Stack();
  const stop = interrupted().then(async () => {
    await stack.stop();
    process.exit(130);
  });
  await stack.start();
  const passed = await Promise.race([stop, check(stack, screenshots)])
    .finally(() => stack.stop());
  process.exit(passed ? 0 : 1);
}

const { values } = optionsOf('demo', {
  check: { type: 'boolean' },
  screenshots: { type: 'string',
                 default: path.join(TOP, '.build/demo-screenshots') },
});

try {
  await (values.check ? runCheck(values.screenshots) : run());
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
}
