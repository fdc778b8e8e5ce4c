// The resident memory and the descriptors of a process.

import { readFileSync, readdirSync } from 'node:fs';

const KB = 1024;

export function heldBy(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return { bytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * KB,
           files: readdirSync(`/proc/${pid}/fd`).length };
}

// Watches a process; end() returns the highest values so far.
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

// Runs act(i) for i = 0 .. n - 1, `atOnce` at a time.  After a failure no other
// begins, and those under way end before eachOf() throws.
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
