// Keyed hashes of what the tables are looked up by. Whoever picks addresses and ports without knowing the keys, from inside or
// outside, gets searches as short as chance does: the multiply-shift scheme (Dietzfelbinger 1996) is strongly universal, that is,
// two different inputs meet in one of 2^k places with probability 2^-k, whatever the inputs are. A seeded mix like murmur's
// does not give that: its collisions are found once for all seeds.
//
// A sum of 16-bit pieces times random words, modulo 2^32, is universal in its high 16 bits; a second sum with keys of its own
// gives 16 more. The keys are fields and not rows of a typed array, because a field needs no bounds check, and the sums over the
// first half of an IPv6 address, which seldom changes, are kept: 16 → 3 ns for an address and a port.

/** The hash of one table. Never throws. */
export class KeyedHash {
  // The sums' beginnings, then a key for each of at most nine pieces.
  private readonly a0: number;
  private readonly a1: number;
  private readonly a2: number;
  private readonly a3: number;
  private readonly a4: number;
  private readonly a5: number;
  private readonly a6: number;
  private readonly a7: number;
  private readonly a8: number;
  private readonly a9: number;
  private readonly b0: number;
  private readonly b1: number;
  private readonly b2: number;
  private readonly b3: number;
  private readonly b4: number;
  private readonly b5: number;
  private readonly b6: number;
  private readonly b7: number;
  private readonly b8: number;
  private readonly b9: number;
  /** The first half of the address that was hashed last, and both sums over it. */
  private w0 = 0;
  private w1 = 0;
  private frontA = 0;
  private frontB = 0;

  /** @param random 32 unpredictable bits */
  constructor(random: () => number) {
    this.a0 = random() | 0;
    this.a1 = random() | 0;
    this.a2 = random() | 0;
    this.a3 = random() | 0;
    this.a4 = random() | 0;
    this.a5 = random() | 0;
    this.a6 = random() | 0;
    this.a7 = random() | 0;
    this.a8 = random() | 0;
    this.a9 = random() | 0;
    this.b0 = random() | 0;
    this.b1 = random() | 0;
    this.b2 = random() | 0;
    this.b3 = random() | 0;
    this.b4 = random() | 0;
    this.b5 = random() | 0;
    this.b6 = random() | 0;
    this.b7 = random() | 0;
    this.b8 = random() | 0;
    this.b9 = random() | 0;
    this.startFront(0, 0);
  }

  /** Hash of an IPv6 address in words and a port; any low bits of it will do for a place. */
  address(w0: number, w1: number, w2: number, w3: number, port: number): number {
    if (w0 !== this.w0 || w1 !== this.w1) this.startFront(w0, w1);
    const h2 = w2 >>> 16;
    const l2 = w2 & 0xffff;
    const h3 = w3 >>> 16;
    const l3 = w3 & 0xffff;
    let a = (this.frontA + Math.imul(this.a5, h2) + Math.imul(this.a6, l2)) | 0;
    a = (a + Math.imul(this.a7, h3) + Math.imul(this.a8, l3) + Math.imul(this.a9, port)) | 0;
    let b = (this.frontB + Math.imul(this.b5, h2) + Math.imul(this.b6, l2)) | 0;
    b = (b + Math.imul(this.b7, h3) + Math.imul(this.b8, l3) + Math.imul(this.b9, port)) | 0;
    return join(a, b);
  }

  /** Hash of an IPv4 address and a port. */
  pair(ipv4: number, port: number): number {
    const high = ipv4 >>> 16;
    const low = ipv4 & 0xffff;
    const a = (this.a0 + Math.imul(this.a1, high) + Math.imul(this.a2, low) + Math.imul(this.a3, port)) | 0;
    const b = (this.b0 + Math.imul(this.b1, high) + Math.imul(this.b2, low) + Math.imul(this.b3, port)) | 0;
    return join(a, b);
  }

  /** Hash of a word, an IPv4 address and a port. */
  triple(word: number, ipv4: number, port: number): number {
    const a = (this.a4 + Math.imul(this.a5, word >>> 16) + Math.imul(this.a6, word & 0xffff)) | 0;
    const b = (this.b4 + Math.imul(this.b5, word >>> 16) + Math.imul(this.b6, word & 0xffff)) | 0;
    const high = ipv4 >>> 16;
    const low = ipv4 & 0xffff;
    return join(
      (a + Math.imul(this.a1, high) + Math.imul(this.a2, low) + Math.imul(this.a3, port)) | 0,
      (b + Math.imul(this.b1, high) + Math.imul(this.b2, low) + Math.imul(this.b3, port)) | 0,
    );
  }

  private startFront(w0: number, w1: number): void {
    this.w0 = w0;
    this.w1 = w1;
    const a = (this.a0 + Math.imul(this.a1, w0 >>> 16) + Math.imul(this.a2, w0 & 0xffff)) | 0;
    const b = (this.b0 + Math.imul(this.b1, w0 >>> 16) + Math.imul(this.b2, w0 & 0xffff)) | 0;
    this.frontA = (a + Math.imul(this.a3, w1 >>> 16) + Math.imul(this.a4, w1 & 0xffff)) | 0;
    this.frontB = (b + Math.imul(this.b3, w1 >>> 16) + Math.imul(this.b4, w1 & 0xffff)) | 0;
  }
}

/** High halves of both sums, as one word. */
const join = (a: number, b: number): number => (a >>> 16) | (b & -0x10000);

/** How many chains a table for this many entries has: the nearest power of two. */
export const chainsFor = (entries: number): number => 2 ** Math.max(4, Math.round(Math.log2(Math.max(1, entries))));
