// The ports (or ICMP identifiers) of one pool address and protocol: a bit for each, 1 = free. Even and odd ports stand apart, so
// that a free port of one parity is found without looking at the other's; each half has a summary with a bit for each of its
// words that has a free port. Finding a free port takes at most 32 steps however full the set is.
//
//     half (parity)   1,024 words of ports  |  32 words of summary
//     place in a half = port >> 1

const WORDS = 1024;
const SUMMARY_WORDS = 32;
const HALF = WORDS + SUMMARY_WORDS;
/** Last place of a half. */
export const LAST_PLACE = 0x7fff;

const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/** One set. Never throws. */
export class PortSet {
  /** Free ports. */
  free = 0;
  private readonly words = new Int32Array(2 * HALF);

  isFree(port: number): boolean {
    const place = port >> 1;
    return ((this.words[(port & 1) * HALF + (place >> 5)] >>> (place & 31)) & 1) === 1;
  }

  /** Makes a port free that is not. */
  add(port: number): void {
    const half = (port & 1) * HALF;
    const word = port >> 6;
    this.words[half + word] |= 1 << ((port >> 1) & 31);
    this.words[half + WORDS + (word >> 5)] |= 1 << (word & 31);
    this.free++;
  }

  /** Makes the ports first … last free, none of which is. Word by word: a whole set takes some microseconds. */
  addRange(first: number, last: number): void {
    for (let parity = 0; parity < 2; parity++) {
      const from = (first + ((first ^ parity) & 1)) >> 1;
      const to = (last - ((last ^ parity) & 1)) >> 1;
      for (let place = from; place <= to; ) {
        const end = Math.min(to, place | 31);
        const bits = (-1 << (place & 31)) & (-1 >>> (31 - (end & 31)));
        this.words[parity * HALF + (place >> 5)] |= bits;
        this.words[parity * HALF + WORDS + (place >> 10)] |= 1 << ((place >> 5) & 31);
        this.free += end - place + 1;
        place = end + 1;
      }
    }
  }

  /** Makes all ports free here that are free in another set, where they are then not. Some microseconds. */
  moveFrom(other: PortSet): void {
    for (let word = 0; word < this.words.length; word++) this.words[word] |= other.words[word];
    this.free += other.free;
    other.words.fill(0);
    other.free = 0;
  }

  /** Takes a free port. */
  take(port: number): void {
    const half = (port & 1) * HALF;
    const word = port >> 6;
    this.words[half + word] &= ~(1 << ((port >> 1) & 31));
    if (this.words[half + word] === 0) this.words[half + WORDS + (word >> 5)] &= ~(1 << (word & 31));
    this.free--;
  }

  /**
   * A free port of one parity whose place lies in first … last: the next one from a random start, then around (RFC 6056 §3.3.1).
   * @param random 31 unpredictable bits or more
   * @returns the port, or -1
   */
  pick(parity: number, first: number, last: number, random: number): number {
    const half = parity * HALF;
    const start = first + (random % (last - first + 1));
    let place = this.next(half, start, last);
    if (place < 0 && start > first) place = this.next(half, first, start - 1);
    return place < 0 ? -1 : (place << 1) | parity;
  }

  /** The first free place in first … last, or -1. */
  private next(half: number, first: number, last: number): number {
    let word = first >> 5;
    let bits = this.words[half + word] & (-1 << (first & 31));
    if (bits === 0) {
      word = this.nextWord(half + WORDS, word + 1);
      if (word < 0) return -1;
      bits = this.words[half + word];
    }
    const place = (word << 5) + lowestBit(bits);
    return place > last ? -1 : place;
  }

  /** The first word from `word` on that has a free port, by the summary at `summary`; -1 if there is none. */
  private nextWord(summary: number, word: number): number {
    if (word >= WORDS) return -1;
    let at = word >> 5;
    let bits = this.words[summary + at] & (-1 << (word & 31));
    while (bits === 0) {
      if (++at === SUMMARY_WORDS) return -1;
      bits = this.words[summary + at];
    }
    return (at << 5) + lowestBit(bits);
  }
}
