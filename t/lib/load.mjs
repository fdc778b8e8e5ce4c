// Measures the resident memory and the open descriptors of a process, and runs
// many actions at a time.

import { readFileSync, readdirSync } from 'node:fs';

const KB = 1024;

export function heldBy(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return { bytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * KB,
           files: readdirSync(`/proc/${pid}/fd`).length };
}

// Measures a process every `every` ms.  end() returns the highest values.
export function watch(pid, every = 5) {
  const most = heldBy(pid);
  const timer = setInterval(() => {
    const { bytes, files } = heldBy(pid);
    most.bytes = Math.max(most.bytes, bytes);
    most.files = Math.max(most.files, files);
  }, every);

  return { end() {
    clearInterval(timer);
    return most;
  } };
}

// Runs act(i) for i = 0 .. n - 1, `atOnce` at a time.  After a failure no
// further act() begins, and eachOf() throws when those under way have ended.
export async function eachOf(n, atOnce, act) {
  let next = 0;
  const one = async () => {
    while (next < n) {
      next += 1;
      await act(next - 1).catch((error) => {
        next = n;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: Math.min(n, atOnce) }, one));
  const failed = ends.find(({ status }) => status === 'rejected');
  if (failed) {
    throw failed.reason;
  }
}
