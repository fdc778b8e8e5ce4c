// Starts a browser for a test.

import { launchBrowser } from '../../scripts/lib/browser.mjs';
import { onEnd } from './scratch.mjs';

// options: see launchBrowser().  The browser is closed when the test ends.  If
// Chromium ends by itself, the test's result tells how.
export async function startBrowser(t, options) {
  const browser = await launchBrowser({
    died: (text) => text.split('\n').forEach((line) => t.diagnostic(line)),
    ...options,
  });
  onEnd(t, () => browser.close());
  return browser;
}
