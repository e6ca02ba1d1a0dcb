// A token bucket: at most `perSecond` events a second, bursts up to the same number (rule T-E-02). The clock is passed in.

/** Limits one kind of event. Never throws. */
export class TokenBucket {
  private readonly perSecond: number;
  private tokens: number;
  private lastMs = 0;

  /** @param perSecond tokens a second and depth of the bucket; 0: nothing is ever allowed */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.tokens = perSecond;
  }

  /** Takes a token if there is one. A clock that runs backwards adds none. */
  take(nowMs: number): boolean {
    const elapsed = nowMs - this.lastMs;
    if (elapsed !== 0) this.lastMs = nowMs;
    if (elapsed > 0) this.tokens = Math.min(this.perSecond, this.tokens + (elapsed * this.perSecond) / 1000);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
