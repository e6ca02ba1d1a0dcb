// Longest prefix match over up to four 32-bit words: one open-addressing hash table for all lengths, probed once for each
// length that is present, longest first. Built once, read per packet; nothing is allocated after the build.

const EMPTY = -1;

/** A finished table. `words` is 1 for IPv4 and 4 for IPv6. */
export class PrefixTable {
  private readonly lengths: Int32Array;
  private readonly masks: Int32Array;
  private readonly slots: Int32Array;
  private readonly keys: Int32Array;
  private readonly keyLength: Int32Array;
  private readonly slotMask: number;

  /**
   * @param keys four words for each entry (unused ones zero), bits behind the prefix zero
   * @param lengths prefix length of each entry in bits; of equal entries the first wins
   */
  constructor(keys: Int32Array, lengths: readonly number[]) {
    this.keys = keys;
    this.keyLength = Int32Array.from(lengths);
    this.lengths = Int32Array.from([...new Set(lengths)].sort((a, b) => b - a));
    this.masks = new Int32Array(this.lengths.length * 4);
    this.lengths.forEach((length, i) => {
      for (let w = 0; w < 4; w++) this.masks[i * 4 + w] = wordMask(length - w * 32);
    });
    let size = 2;
    while (size < lengths.length * 2) size *= 2;
    this.slotMask = size - 1;
    this.slots = new Int32Array(size).fill(EMPTY);
    for (let entry = 0; entry < lengths.length; entry++) this.insert(entry);
  }

  /** @returns index of the entry with the longest prefix that covers the address, or -1. Never throws. */
  lookup(w0: number, w1: number, w2: number, w3: number): number {
    const masks = this.masks;
    for (let i = 0; i < this.lengths.length; i++) {
      const m = i * 4;
      const entry = this.find(w0 & masks[m], w1 & masks[m + 1], w2 & masks[m + 2], w3 & masks[m + 3], this.lengths[i]);
      if (entry !== EMPTY) return entry;
    }
    return EMPTY;
  }

  private find(w0: number, w1: number, w2: number, w3: number, length: number): number {
    const keys = this.keys;
    for (let slot = hash(w0, w1, w2, w3, length) & this.slotMask; ; slot = (slot + 1) & this.slotMask) {
      const entry = this.slots[slot];
      if (entry === EMPTY) return EMPTY;
      const k = entry * 4;
      if (
        keys[k] === w0 &&
        keys[k + 1] === w1 &&
        keys[k + 2] === w2 &&
        keys[k + 3] === w3 &&
        this.keyLength[entry] === length
      ) {
        return entry;
      }
    }
  }

  private insert(entry: number): void {
    const k = entry * 4;
    const length = this.keyLength[entry];
    let slot = hash(this.keys[k], this.keys[k + 1], this.keys[k + 2], this.keys[k + 3], length) & this.slotMask;
    while (this.slots[slot] !== EMPTY) slot = (slot + 1) & this.slotMask;
    this.slots[slot] = entry;
  }
}

function wordMask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function hash(w0: number, w1: number, w2: number, w3: number, length: number): number {
  let h = Math.imul(w0 ^ length, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ w1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ w2, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ w3, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
