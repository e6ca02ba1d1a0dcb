// How many details a part may log in a second: whoever can make it busy (routers, users of the control API) must not fill a disk.

import type { LogPart } from '../contract/log-parts.ts';

/** Lines of one part in one second. */
export const DETAILS_PER_SECOND = 100;

interface Second {
  readonly startMs: number;
  readonly written: number;
  readonly leftOut: number;
}

/** Counts the details of each part. */
export class LineLimit {
  readonly #seconds = new Map<LogPart, Second>();

  /**
   * Asks for one more line.
   * @returns how many were left out since the last one that was not; null: this one is left out, too
   */
  ask(part: LogPart, nowMs: number): number | null {
    const second = this.#seconds.get(part) ?? { startMs: nowMs, written: 0, leftOut: 0 };
    const isOver = nowMs - second.startMs >= 1000 || nowMs < second.startMs;
    if (!isOver && second.written >= DETAILS_PER_SECOND) {
      this.#seconds.set(part, { ...second, leftOut: second.leftOut + 1 });
      return null;
    }
    const [startMs, written] = isOver ? [nowMs, 0] : [second.startMs, second.written];
    this.#seconds.set(part, { startMs, written: written + 1, leftOut: 0 });
    return second.leftOut;
  }
}
