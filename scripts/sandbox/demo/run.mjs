// Runs the demo for a person, or for a headless browser with --check.

import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { spkiHash } from '../../lib/ca.mjs';
import { endIfOnlyChecked, optionsOf } from '../../lib/options.mjs';
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
     The demo makes its own certificates, so the browser warns twice: for the
     app and for Cigna.  Accept both certificates, or import
       ${stack.ca.certFile}
     or start a browser that accepts them:
       chromium --user-data-dir=$(mktemp -d) \\
         --ignore-certificate-errors-spki-list=${keys} \\
         ${stack.url(first)}

  2. Sign in as
       ${users(first)}

  3. Press "Connect your Cigna plan".  At Cigna, log in as
       syntheticuser05 / MARKsecret05      (01 to 10: MARKsecret01 to 10)
     and accept the terms.  "Cancel" shows a refusal.

  4. The app now shows claims, coverage and people.  Page through the claims.

  5. Open    ${stack.url(second)}    (${BRANDS[second].name})
     Sign in as
       ${users(second)}
     and connect another member.  Each app sees only its own member.

  6. Press "Disconnect Cigna" at the end of the page.

To look behind the scenes:
  nginx      ${stack.file('nginx.conf')}, with error.log and access.log
             beside it
  apps       ${stack.seenFile(first)}: every request that nginx passed to
             the app
  Cigna      ${issuer}
  its modes  curl ${control}/modes
             curl ${control}/control -d '{"modes":{"fhir_fault":"503"}}'

Ctrl-C ends the demo and removes all its files.
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
endIfOnlyChecked();

try {
  await (values.check ? runCheck(values.screenshots) : run());
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
}
