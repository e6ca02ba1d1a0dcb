// A token bucket: at most `perSecond` events a second, bursts up to the same number. The clock is passed in. The translator's own
// ICMP errors, of two kinds, have a limit of their own: error-limit.ts.

/** Limits one kind of event. Never throws. */
export class TokenBucket {
  private readonly perSecond: number;
  /** Below one event a second there is room for one all the same, or none would ever be saved up. */
  private readonly depth: number;
  private tokens: number;
  private lastMs = 0;

  /** @param perSecond tokens a second, fractions too, and depth of the bucket; 0: nothing is ever allowed */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.depth = perSecond === 0 ? 0 : Math.max(1, perSecond);
    this.tokens = this.depth;
  }

  /** Takes a token if there is one. A clock that runs backwards adds none. */
  take(nowMs: number): boolean {
    const elapsed = nowMs - this.lastMs;
    if (elapsed !== 0) this.lastMs = nowMs;
    if (elapsed > 0) this.tokens = Math.min(this.depth, this.tokens + (elapsed * this.perSecond) / 1000);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
