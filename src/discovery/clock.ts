// Time as discovery uses it: passed in, so that tests turn it by hand.

import { uptime } from 'node:os';
import type { Closable } from '../platform/platform.ts';

/** A clock and its timers. */
export interface Clock {
  /** Milliseconds that never go back and go on while the machine sleeps: lifetimes do so as well. */
  now(): number;
  /** Calls once after `ms` of waking time, unless closed before. */
  after(ms: number, call: () => void): Closable;
}

/** setTimeout's longest wait; a longer one would end at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The system's clock: libuv's uptime counts sleep (CLOCK_BOOTTIME), performance.now() does not. */
export const systemClock: Clock = {
  now: () => uptime() * 1000,
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(Math.max(ms, 0), TIMER_MAX_MS));
    return { close: () => clearTimeout(timer) };
  },
};
