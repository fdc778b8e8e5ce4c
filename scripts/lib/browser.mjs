// Starts Debian's chromium with playwright-core, for the demo and for the
// browser tests.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

import { spkiHash } from './ca.mjs';

const CHROMIUM = '/usr/bin/chromium';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

// `certFiles`: certificates of servers that the browser accepts although it
// does not know their CA.  Every other certificate error remains an error.
// `quic`: origins (host:port) that the browser asks with HTTP/3 only.
export async function launchBrowser({ certFiles = [], args = [], quic = [],
                                      ...options } = {}) {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is missing: run scripts/install`);
  }
  const keys = certFiles.map(spkiHash).join(',');
  return chromium.launch({
    executablePath: CHROMIUM,
    ...options,
    args: [...ARGUMENTS,
           ...(keys ? [`--ignore-certificate-errors-spki-list=${keys}`] : []),
           ...(quic.length
             ? [`--origin-to-force-quic-on=${quic.join(',')}`,
                '--host-resolver-rules=MAP *.localhost 127.0.0.1']
             : ['--disable-quic']),
           ...args],
  });
}
