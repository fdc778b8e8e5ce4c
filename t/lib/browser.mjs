// Starts a browser for a test.

import { launchBrowser } from '../../scripts/lib/browser.mjs';
import { onEnd } from './scratch.mjs';

// options: those of launchBrowser() in scripts/lib/browser.mjs.  The browser
// ends with the test.  If Chromium ends before, diagnostic lines in the test's
// result say how.
export async function startBrowser(t, options) {
  const browser = await launchBrowser({
    died: (text) => text.split('\n').forEach((line) => t.diagnostic(line)),
    ...options,
  });
  onEnd(t, () => browser.close());
  return browser;
}
