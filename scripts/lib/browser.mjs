// Debian's chromium, driven by playwright-core: for the demo and the browser
// tests, which import it from here.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

import { spkiHash } from './ca.mjs';

const CHROMIUM = '/usr/bin/chromium';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

// `certFiles`: the servers' certificates that are accepted although their CA
// is not known.  Any other certificate error stays one.  `http3`: a host:port
// of this machine that is asked over HTTP/3 and in no other way.
export async function launchBrowser({ certFiles = [], args = [], http3,
                                      ...options } = {}) {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is missing: scripts/install brings it`);
  }
  const keys = certFiles.map(spkiHash).join(',');
  return chromium.launch({
    executablePath: CHROMIUM,
    ...options,
    args: [...ARGUMENTS,
           ...(http3 ? [`--origin-to-force-quic-on=${http3}`,
                        '--host-resolver-rules=MAP *.localhost 127.0.0.1']
             : ['--disable-quic']),
           ...(keys ? [`--ignore-certificate-errors-spki-list=${keys}`] : []),
           ...args],
  });
}
