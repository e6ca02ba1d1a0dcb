// IPv6 addresses, or prefixes of them, with some words of data each: the hosts and the networks that have sessions.
//
// A record is a row of one Int32Array: four words of the address, the next record of its chain, then the user's words. Record 0
// is none. Memory is reserved for the largest table at once and the system commits a page when it is first written, so a small
// table is small and growing copies nothing: 512 MB reserved take 3 ms and no memory.

import { chainsFor, KeyedHash } from './hash.ts';

const NEXT = 4;
/** First of the user's words. */
export const DATA = 5;

/** Records that share a chain when the table is full: hosts are fewer than their sessions. */
const RECORDS_PER_CHAIN = 4;

/** One table. Never throws after construction. */
export class AddressTable {
  /** Rows of `stride` words; row 0 is unused. */
  words: Int32Array;
  readonly stride: number;
  /** Records in use. */
  count = 0;
  /** Highest record ever used. */
  top = 0;
  private heads: Int32Array;
  private mask: number;
  private free = 0;
  private readonly hashing: KeyedHash;

  /** @param data words of data a record has; `capacity`: records, at most */
  constructor(capacity: number, data: number, random: () => number) {
    this.stride = DATA + data;
    this.words = new Int32Array((capacity + 1) * this.stride);
    const chains = chainsFor(capacity / RECORDS_PER_CHAIN);
    this.heads = new Int32Array(chains);
    this.mask = chains - 1;
    this.hashing = new KeyedHash(random);
  }

  /** The record of an address, or 0. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const words = this.words;
    let record = this.heads[this.hashing.address(w0, w1, w2, w3, 0) & this.mask];
    while (record !== 0) {
      const at = record * this.stride;
      if (words[at + 3] === w3 && words[at + 2] === w2 && words[at + 1] === w1 && words[at] === w0) return record;
      record = words[at + NEXT];
    }
    return 0;
  }

  /** Makes the record of an address that has none, its data all zero. The caller sees to it that there is room. */
  add(w0: number, w1: number, w2: number, w3: number): number {
    const words = this.words;
    let record = this.free;
    if (record === 0) record = ++this.top;
    else this.free = words[record * this.stride + NEXT];
    const at = record * this.stride;
    words.fill(0, at, at + this.stride);
    words[at] = w0;
    words[at + 1] = w1;
    words[at + 2] = w2;
    words[at + 3] = w3;
    this.link(record, at);
    this.count++;
    return record;
  }

  /** Takes a record out; its number may be given to another address. */
  remove(record: number): void {
    const { words, stride } = this;
    const at = record * stride;
    const place = this.placeOf(at);
    let before = 0;
    for (let r = this.heads[place]; r !== record; r = words[r * stride + NEXT]) before = r;
    if (before === 0) this.heads[place] = words[at + NEXT];
    else words[before * stride + NEXT] = words[at + NEXT];
    words[at + NEXT] = this.free;
    this.free = record;
    this.count--;
  }

  /** Makes room for more records; numbers stay. Copies and rehashes: some 50 ns a record. */
  grow(capacity: number, isUsed: (record: number) => boolean): void {
    if ((capacity + 1) * this.stride <= this.words.length) return;
    const words = new Int32Array((capacity + 1) * this.stride);
    words.set(this.words);
    this.words = words;
    this.heads = new Int32Array(chainsFor(capacity / RECORDS_PER_CHAIN));
    this.mask = this.heads.length - 1;
    for (let record = 1; record <= this.top; record++) if (isUsed(record)) this.link(record, record * this.stride);
  }

  /** Takes all records out. */
  clear(): void {
    this.heads.fill(0);
    this.count = 0;
    this.top = 0;
    this.free = 0;
  }

  /** Bytes that are in use of what is reserved. */
  get bytes(): number {
    return this.top * this.stride * 4 + Math.min(this.heads.byteLength, this.top * 4096);
  }

  private placeOf(at: number): number {
    const w = this.words;
    return this.hashing.address(w[at], w[at + 1], w[at + 2], w[at + 3], 0) & this.mask;
  }

  private link(record: number, at: number): void {
    const place = this.placeOf(at);
    this.words[at + NEXT] = this.heads[place];
    this.heads[place] = record;
  }
}
