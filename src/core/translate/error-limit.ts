// How many ICMP errors one side of the translator sends (rule T-E-02): a token bucket, of which a quarter is for messages about size
// (ICMPv6 2/0, ICMPv4 3/4) alone and a quarter for all others alone. Path MTU discovery needs the first: without them connections
// hang, and a host that sends packets with hop limit 1 must not be able to use them up for everybody. The clock is passed in.

/** Limits the errors of one side. Never throws. */
export class ErrorLimit {
  private readonly perSecond: number;
  /** What each kind has for itself, and what both share; all three together hold the errors of one second, and one at the least. */
  private readonly ownDepth: number;
  private readonly sharedDepth: number;
  private aboutSize: number;
  private others: number;
  private shared: number;
  private lastMs = 0;

  /** @param perSecond errors a second, fractions too, and as many at once; 0: none is ever allowed */
  constructor(perSecond: number) {
    const depth = perSecond === 0 ? 0 : Math.max(1, perSecond);
    this.perSecond = perSecond;
    // Whole tokens, or a part could never be spent; with less than four there is nothing to set aside.
    this.ownDepth = Math.floor(depth / 4);
    this.sharedDepth = depth - 2 * this.ownDepth;
    this.aboutSize = this.ownDepth;
    this.others = this.ownDepth;
    this.shared = this.sharedDepth;
  }

  /** Takes a token for an error of this kind if there is one. A clock that runs backwards adds none. */
  take(isAboutSize: boolean, nowMs: number): boolean {
    const elapsed = nowMs - this.lastMs;
    if (elapsed !== 0) this.lastMs = nowMs;
    if (elapsed > 0) this.fill((elapsed * this.perSecond) / 1000);
    const own = isAboutSize ? this.aboutSize : this.others;
    if (own + this.shared < 1) return false;
    // Its own first; the part of a token that is missing there comes out of what is shared.
    const fromOwn = Math.min(own, 1);
    if (isAboutSize) this.aboutSize -= fromOwn;
    else this.others -= fromOwn;
    this.shared -= 1 - fromOwn;
    return true;
  }

  /** Goes on with what another limit, which this one replaces, has left; the depths stay this one's. */
  continueFrom(before: ErrorLimit): void {
    this.aboutSize = 0;
    this.others = 0;
    this.shared = 0;
    this.fill(before.aboutSize + before.others + before.shared);
    this.lastMs = before.lastMs;
  }

  /** Half goes to each kind; what it has no room for is shared. So a kind that is alone gets all. */
  private fill(tokens: number): void {
    const aboutSize = Math.min(tokens / 2, this.ownDepth - this.aboutSize);
    const others = Math.min(tokens / 2, this.ownDepth - this.others);
    this.aboutSize += aboutSize;
    this.others += others;
    this.shared = Math.min(this.sharedDepth, this.shared + tokens - aboutSize - others);
  }
}
