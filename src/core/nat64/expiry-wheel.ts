// Which sessions run out when: a wheel of one-second slots, each a ring of sessions. Refreshing a session only writes its time;
// its slot looks at it when its turn comes and moves it on to where its time ends by then. So nothing is scanned, a packet moves
// nothing, and a session costs one look per lifetime. Sessions end up to a second late; the RFCs' times are minimums.
//
// The rings run through the words LINK_BACK and LINK_ON of the session table's rows. Rows 0 … WHEEL_SLOTS-1 are no sessions but
// the ends of the rings, so that linking and unlinking have no special cases, and 0 can stand for no session.

/** Slots, a power of two: 2 h 16 min, above the longest of the RFC's times. A later end is looked at again then. */
export const WHEEL_SLOTS = 8192;

/** Length of a slot. */
export const TICK_MS = 1000;

/** Words of a row, and where in it the ring is linked. */
export const ROW = 8;
const ROW_SHIFT = 3;
const LINK_BACK = 5;
const LINK_ON = 6;

/** The tick at which a deadline has passed: the first that does not begin before it. */
export const tickOf = (deadlineMs: number): number => Math.ceil(deadlineMs / TICK_MS);

/** The wheel of one session table. Never throws. */
export class ExpiryWheel {
  private words: Int32Array;
  /** Slots up to this tick are done. */
  private tick: number;

  /** @param words the session table's rows, all zero */
  constructor(words: Int32Array, nowMs: number) {
    this.words = words;
    this.tick = Math.floor(nowMs / TICK_MS);
    for (let slot = 0; slot < WHEEL_SLOTS; slot++) {
      words[slot * ROW + LINK_BACK] = slot;
      words[slot * ROW + LINK_ON] = slot;
    }
  }

  /** Goes on with a copy of the rows. */
  rebase(words: Int32Array): void {
    this.words = words;
  }

  /** Puts a session in that is in no slot. */
  add(session: number, tick: number): void {
    const w = this.words;
    const earliest = Math.max(tick, this.tick + 1);
    const slot = Math.min(earliest, this.tick + WHEEL_SLOTS - 1) & (WHEEL_SLOTS - 1);
    const last = w[(slot << ROW_SHIFT) + LINK_BACK];
    w[(session << ROW_SHIFT) + LINK_BACK] = last;
    w[(session << ROW_SHIFT) + LINK_ON] = slot;
    w[(last << ROW_SHIFT) + LINK_ON] = session;
    w[(slot << ROW_SHIFT) + LINK_BACK] = session;
  }

  /** Takes a session out. */
  remove(session: number): void {
    const w = this.words;
    const back = w[(session << ROW_SHIFT) + LINK_BACK];
    const on = w[(session << ROW_SHIFT) + LINK_ON];
    w[(back << ROW_SHIFT) + LINK_ON] = on;
    w[(on << ROW_SHIFT) + LINK_BACK] = back;
  }

  /** The next session whose slot is up, or 0. The caller takes it out or moves it on. An empty slot costs 2 ns. */
  nextDue(nowMs: number): number {
    const now = Math.floor(nowMs / TICK_MS);
    // After a long sleep one turn passes all slots.
    if (now - this.tick > WHEEL_SLOTS) this.tick = now - WHEEL_SLOTS;
    while (this.tick < now) {
      const slot = (this.tick + 1) & (WHEEL_SLOTS - 1);
      const first = this.words[(slot << ROW_SHIFT) + LINK_ON];
      if (first !== slot) return first;
      this.tick++;
    }
    return 0;
  }
}
