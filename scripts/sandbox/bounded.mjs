// Puts a value into a map.  If the map then has more than `max` entries, the
// oldest one is deleted.
export function keepBounded(map, key, value, max) {
  map.set(key, value);
  if (map.size > max) {
    map.delete(map.keys().next().value);
  }
}
