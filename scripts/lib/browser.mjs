// Starts Debian's chromium with playwright-core, for the demo and for the
// browser tests.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { spkiHash } from './ca.mjs';

const CHROMIUM = '/usr/bin/chromium';
const STARTER = fileURLToPath(new URL('chromium', import.meta.url));

// The last argument turns off the popup of the address bar.  The popup is a
// page with a process of its own, which takes most of the time that a new
// window needs.
const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
];

const LAST_LINES = 20;

// A machine without a desktop has no message bus.
const NOISE = /:ERROR:dbus\//;

// Launches Chromium with these options.  Returns the browser and its server:
// playwright-core shows the process of a server only.
async function launch(options) {
  const server = await chromium.launchServer(options);
  const browser = await chromium.connect(server.wsEndpoint());
  return { browser, server };
}

// Calls died() with a text if Chromium ends before browser.close() is called.
// The text has the signal or the exit code, and the last lines of output.
function watch({ browser, server }, died) {
  const child = server.process();
  const lines = [];
  let closing = false;

  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!NOISE.test(line)) {
      lines.push(line);
      lines.splice(0, lines.length - LAST_LINES);
    }
  });
  child.once('exit', (code, signal) => {
    if (!closing) {
      child.once('close', () => died(['Chromium ended by itself, with '
        + `${signal ?? `exit code ${code}`}, and said last:`, ...lines]
        .join('\n  ')));
    }
  });

  const ended = once(child, 'close');
  const close = browser.close.bind(browser);
  browser.close = async () => {
    closing = true;
    await close();
    await server.close();
    await ended;
  };
}

// `certFiles`: certificates of servers that the browser accepts although it
// does not know their CA.  Every other certificate error remains an error.
// `quic`: origins (host:port) that the browser asks with HTTP/3 only.
// `died`: called with a text if Chromium ends before browser.close() is called.
// `args`: further arguments of Chromium.  All other options are those of
// playwright-core's chromium.launch().
export async function launchBrowser({ certFiles = [], args = [], quic = [],
                                      died = console.error,
                                      ...options } = {}) {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`${CHROMIUM} is missing: run scripts/install`);
  }
  const keys = certFiles.map(spkiHash).join(',');
  const launched = await launch({
    executablePath: STARTER,
    ...options,
    args: [...ARGUMENTS,
           ...(keys ? [`--ignore-certificate-errors-spki-list=${keys}`] : []),
           ...(quic.length
             ? [`--origin-to-force-quic-on=${quic.join(',')}`,
                '--host-resolver-rules=MAP *.localhost 127.0.0.1']
             : ['--disable-quic']),
           ...args],
  });
  watch(launched, died);
  return launched.browser;
}
