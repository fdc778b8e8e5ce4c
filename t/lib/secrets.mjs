// Every secret of the tests carries a marker: nothing that a log, a reply, an
// app or a dump of Redis holds may contain one.

import { assertNone } from './scratch.mjs';

// places: { name: text or anything that JSON can show }
export function assertNoSecrets(markers, places) {
  const found = Object.entries(places).flatMap(([name, content]) => {
    const text = typeof content === 'string' ? content
      : JSON.stringify(content);
    return markers.filter((marker) => text.includes(marker))
      .map((marker) => `${name}: ${context(text, marker)}`);
  });

  assertNone('secrets', found);
}

function context(text, marker) {
  const at = text.indexOf(marker);
  return text.slice(Math.max(0, at - 60), at + 60);
}
