// Notices that the host slept: the clock that counts sleep got ahead of the one that does not.

import type { Clock } from '../discovery/clock.ts';
import type { Closable } from '../platform/platform.ts';

/** Both clocks are read one after the other, and one of them in hundredths of a second: less than this is no sleep. */
const SLEEP_MIN_MS = 1000;
/** How often to compare while nothing else happens. */
const COMPARE_MS = 10_000;

/** Watches for sleep until closed. */
export class WakeWatch implements Closable {
  readonly #clock: Clock;
  readonly #awakeNow: () => number;
  readonly #woke: (sleptMs: number) => void;
  #offsetMs: number;
  #timer: Closable | null = null;

  /**
   * @param clock counts sleep
   * @param awakeNow milliseconds that stand still while the host sleeps
   */
  constructor(clock: Clock, awakeNow: () => number, woke: (sleptMs: number) => void) {
    this.#clock = clock;
    this.#awakeNow = awakeNow;
    this.#woke = woke;
    this.#offsetMs = this.#offset();
    this.#plan();
  }

  /** Compares now: to be called before anything is judged by the time. */
  compare(): void {
    const sleptMs = this.#offset() - this.#offsetMs;
    this.#offsetMs += sleptMs;
    if (sleptMs >= SLEEP_MIN_MS) this.#woke(sleptMs);
  }

  close(): void {
    this.#timer?.close();
    this.#timer = null;
  }

  #offset(): number {
    return this.#clock.now() - this.#awakeNow();
  }

  #plan(): void {
    this.#timer = this.#clock.after(COMPARE_MS, () => {
      this.compare();
      if (this.#timer !== null) this.#plan();
    });
  }
}
