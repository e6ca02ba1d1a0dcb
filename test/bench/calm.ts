// Waits until nobody else uses the machine: with two cores for sender, translator and receiver, any other program shows in
// the numbers. Owns the count of measurements that had to start without that.

import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const WINDOW_MS = 200;
/** Share of idle time that counts as calm. */
const CALM = 0.93;

/** Waits for calm moments, and says how often there was none in time. */
export class Calm {
  /** Measurements that started while something else ran. */
  disturbed = 0;
  private readonly patienceMs: number;

  /** @param patienceMs how long to wait each time */
  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  /** Resolves at the first calm moment, or when patience is over. */
  async wait(): Promise<void> {
    const deadline = performance.now() + this.patienceMs;
    while (performance.now() < deadline) {
      const before = times();
      await delay(WINDOW_MS);
      const after = times();
      if (after.idle - before.idle >= CALM * (after.all - before.all)) return;
    }
    this.disturbed++;
  }
}

function times(): { idle: number; all: number } {
  let idle = 0;
  let all = 0;
  for (const { times: t } of cpus()) {
    idle += t.idle;
    all += t.user + t.nice + t.sys + t.idle + t.irq;
  }
  return { idle, all };
}
