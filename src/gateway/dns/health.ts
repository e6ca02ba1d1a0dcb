// Whether a resolver is worth asking first. Pure; time is passed in.

/** Tries in a row that fail before others are asked first. */
const FAILURES_MAX = 2;
/** Wait before it is tried again, doubled each time. */
const PROBE_FIRST_MS = 1_000;
const PROBE_MAX_MS = 30_000;
/** Weight of the newest round-trip time (RFC 6298 §2). */
const RTT_SHARE = 1 / 8;

/** The health of one resolver. */
export class Health {
  rttMs: number | null = null;
  trouble: string | null = null;
  private failuresInARow = 0;
  private probeAtMs = 0;
  private waitMs = PROBE_FIRST_MS;

  get isUp(): boolean {
    return this.failuresInARow < FAILURES_MAX;
  }

  /** It answered. @returns whether it had been down */
  answered(rttMs: number): boolean {
    const wasDown = !this.isUp;
    this.failuresInARow = 0;
    this.rttMs = this.rttMs === null ? rttMs : this.rttMs + (rttMs - this.rttMs) * RTT_SHARE;
    return wasDown;
  }

  /** It did not answer, or not with what can be read. @returns whether it goes down by that */
  failed(nowMs: number, why: string): boolean {
    this.failuresInARow += 1;
    this.trouble = why;
    if (this.failuresInARow !== FAILURES_MAX) return false;
    this.waitMs = PROBE_FIRST_MS;
    this.probeAtMs = nowMs + this.waitMs;
    return true;
  }

  /** Whether it is down and due for another try. Says so once, each time after twice as long a wait. */
  takeProbe(nowMs: number): boolean {
    if (this.isUp || nowMs < this.probeAtMs) return false;
    this.waitMs = Math.min(this.waitMs * 2, PROBE_MAX_MS);
    this.probeAtMs = nowMs + this.waitMs;
    return true;
  }
}
