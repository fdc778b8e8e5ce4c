// Every secret of the tests carries a marker.  No log, reply, request to the
// app or dump of Redis may contain a marker.

import { assertNone } from './scratch.mjs';

// places: { name: a text, or a value for JSON.stringify() }
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
