// An index by hash: open addressing with linear probing, one word a slot. It knows the numbers of entries, not what they are
// found by; whoever owns the entries compares.
//
//     31                  i+4  i+3        i   i-1                0
//     +-----------------------+-------------+--------------------+
//     | tag: bits of the hash | distance    | entry; 0: empty    |        i: bits that the highest entry needs
//     +-----------------------+-------------+--------------------+
//
// The tag keeps a search from touching entries that it is not for: each would be a cache miss of 100 ns and more. The distance
// from where the hash points lets a removal close the gap without hashing what it moves. Searching reads the fields below
// itself, in the loop that every user has:
//
//     for (let at = hash & index.mask; index.slots[at] !== 0; at = (at + 1) & index.mask)
//       if (((index.slots[at] ^ hash) & index.tagMask) === 0)  …compare entry index.slots[at] & index.entryMask
//
// The slots are reserved for the largest table at once; see address-table.ts. At its fullest an index is three quarters full.

const DISTANCE_BITS = 4;
/** This far from home, or further: the entry's hash has to say. One in thousands. */
const FAR = (1 << DISTANCE_BITS) - 1;

/** One index. Never throws. */
export class OpenIndex {
  slots: Int32Array;
  mask: number;
  readonly tagMask: number;
  readonly entryMask: number;
  private readonly distanceShift: number;
  private readonly hashOf: (entry: number) => number;

  /**
   * @param entries the highest number of an entry, below 2^26
   * @param hashOf the hash of an entry that is in the index
   */
  constructor(entries: number, hashOf: (entry: number) => number) {
    const bits = 32 - Math.clz32(entries);
    this.entryMask = 2 ** bits - 1;
    this.distanceShift = bits;
    this.tagMask = -1 << (bits + DISTANCE_BITS);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, (entries * 4) / 3))));
    this.mask = this.slots.length - 1;
    this.hashOf = hashOf;
  }

  /** Puts an entry in that is not in it. */
  add(hash: number, entry: number): void {
    const { slots, mask } = this;
    let distance = 0;
    let at = hash & mask;
    while (slots[at] !== 0) {
      at = (at + 1) & mask;
      distance++;
    }
    slots[at] = this.slot(hash & this.tagMask, distance, entry);
  }

  /** Takes an entry out; those behind it move up, so that no gap cuts a search short. */
  remove(hash: number, entry: number): void {
    const { slots, mask, entryMask } = this;
    let gap = hash & mask;
    while ((slots[gap] & entryMask) !== entry) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const distance = this.distanceAt(at);
      const step = (at - gap) & mask;
      if (distance < step) continue;
      slots[gap] = this.slot(slots[at] & this.tagMask, distance - step, slots[at] & entryMask);
      gap = at;
    }
    slots[gap] = 0;
  }

  /** Bytes in use of what is reserved, with this many entries: each touches a page at most. */
  bytes(entries: number): number {
    return Math.min(this.slots.byteLength, entries * 4096);
  }

  private slot(tag: number, distance: number, entry: number): number {
    return tag | (Math.min(distance, FAR) << this.distanceShift) | entry;
  }

  private distanceAt(at: number): number {
    const near = (this.slots[at] >>> this.distanceShift) & FAR;
    return near < FAR ? near : (at - this.hashOf(this.slots[at] & this.entryMask)) & this.mask;
  }
}
