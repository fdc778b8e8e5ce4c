// Two clocks of nginx that a test can move forward instead of waiting for an
// hour: the wall clock and the clock of its timers.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { TOP, scratchDirectory } from './scratch.mjs';

// Returns { env, forward, forwardTimers }.  env: the environment variables to
// start nginx or another server with.  The two functions move a clock forward
// by seconds.
export function clockOf(t) {
  const directory = scratchDirectory(t, 'clock');
  const library = path.join(directory, 'clock.so');
  const file = path.join(directory, 'ahead');
  const ahead = { wall: 0, timers: 0 };

  const write = () => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64LE(BigInt(ahead.wall));
    bytes.writeBigInt64LE(BigInt(ahead.timers), 8);
    writeFileSync(file, bytes, { flag: 'r+' });
  };

  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library,
                      `${TOP}/t/lib/clock.c`]);
  writeFileSync(file, Buffer.alloc(16));

  return {
    env: { LD_PRELOAD: library, CLOCK_AHEAD: file },
    forward(seconds) {
      ahead.wall += seconds;
      write();
    },
    // A worker that waits for events notices the new time only at its next
    // event, so send it a request.
    forwardTimers(seconds) {
      ahead.timers += seconds;
      write();
    },
  };
}
