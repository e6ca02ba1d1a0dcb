// The session tables (RFC 6146 §3.2) in one: rows of eight words, found by (binding, remote address, remote port).
//
//     word  0        1            2                       3         4          5          6         7
//           binding  remote IPv4  port | state | marks    last      opened ms  earlier    later     spare
//                                 0-15   16-23   24-31    seen ms              (wheel)    (wheel)
//
// Half a cache line a session. A row whose binding is 0 is free. Times are milliseconds modulo 2^32. Rows below WHEEL_SLOTS
// belong to the wheel. One session of each binding is not in the index, the binding knows it (bib.ts). About reserving memory
// at once, see address-table.ts.

import type { Bib } from './bib.ts';
import { ExpiryWheel, ROW, WHEEL_SLOTS } from './expiry-wheel.ts';
import { KeyedHash } from './hash.ts';
import { OpenIndex } from './open-index.ts';

const BINDING = 0;
const REMOTE = 1;
const USE = 2;
const SEEN = 3;
const OPENED = 4;

const STATE_SHIFT = 16;
const STATE = 0xff << STATE_SHIFT;

/** Marks a row that is no session; it stands in the key with the port, so that no packet finds it. */
export const NO_SESSION_KEY = 0x0100_0000;
const KEY = NO_SESSION_KEY | 0xffff;
/** A session that a permission counts. */
const IS_PERMITTING = 0x0200_0000;

/** The table of one NAT64. Never throws after construction. */
export class SessionTable {
  readonly wheel: ExpiryWheel;
  /** Highest row ever used. */
  top = WHEEL_SLOTS - 1;
  private words: Int32Array;
  private index: OpenIndex;
  private indexed = 0;
  private free = 0;
  private readonly bib: Bib;
  private readonly hashing: KeyedHash;

  /** @param capacity rows, at most: sessions, and permissions */
  constructor(capacity: number, bib: Bib, random: () => number, nowMs: number) {
    this.bib = bib;
    this.words = new Int32Array((WHEEL_SLOTS + capacity) * ROW);
    this.wheel = new ExpiryWheel(this.words, nowMs);
    this.hashing = new KeyedHash(random);
    this.index = this.makeIndex(capacity);
  }

  /** The row of (binding, remote address, key), or 0. `key` is a port, or NO_SESSION_KEY with a number for other rows. */
  find(binding: number, remote4: number, key: number): number {
    const own = this.bib.session(binding);
    if (own !== 0 && this.is(own, binding, remote4, key)) return own;
    // One session, and not this one.
    if (this.indexed === 0) return 0;
    return this.findIndexed(binding, remote4, key);
  }

  /** Makes a row that there is none of yet; it is in no slot of the wheel. The caller sees to it that there is room. */
  add(binding: number, remote4: number, key: number, state: number, nowMs: number): number {
    const w = this.words;
    let row = this.free;
    if (row === 0) row = ++this.top;
    else this.free = w[row * ROW + REMOTE];
    const at = row * ROW;
    w[at] = binding;
    w[at + REMOTE] = remote4;
    w[at + USE] = key | (state << STATE_SHIFT);
    w[at + SEEN] = nowMs;
    w[at + OPENED] = nowMs;
    if (this.bib.session(binding) === 0) this.bib.setSession(binding, row);
    else {
      this.index.add(this.hashOf(row), row);
      this.indexed++;
    }
    return row;
  }

  /** Takes a row out that is in no slot of the wheel any more. */
  remove(row: number): void {
    const w = this.words;
    const at = row * ROW;
    if (this.bib.session(w[at]) === row) this.bib.setSession(w[at], 0);
    else {
      this.index.remove(this.hashOf(row), row);
      this.indexed--;
    }
    w[at] = 0;
    w[at + REMOTE] = this.free;
    this.free = row;
  }

  /** 0: the row is free. */
  binding(row: number): number {
    return this.words[row * ROW + BINDING];
  }

  /** Signed. */
  remote4(row: number): number {
    return this.words[row * ROW + REMOTE];
  }

  remotePort(row: number): number {
    return this.words[row * ROW + USE] & 0xffff;
  }

  state(row: number): number {
    return (this.words[row * ROW + USE] >>> STATE_SHIFT) & 0xff;
  }

  setState(row: number, state: number): void {
    const at = row * ROW + USE;
    this.words[at] = (this.words[at] & ~STATE) | (state << STATE_SHIFT);
  }

  /** Whether a permission counts this session. */
  isPermitting(row: number): boolean {
    return (this.words[row * ROW + USE] & IS_PERMITTING) !== 0;
  }

  setPermitting(row: number): void {
    this.words[row * ROW + USE] |= IS_PERMITTING;
  }

  /** When a session was last refreshed; of a permission: how many sessions it counts. */
  seen(row: number): number {
    return this.words[row * ROW + SEEN];
  }

  setSeen(row: number, value: number): void {
    this.words[row * ROW + SEEN] = value;
  }

  /** When a session was opened. */
  opened(row: number): number {
    return this.words[row * ROW + OPENED];
  }

  /** Makes room for more rows; numbers stay. Copies and rehashes: some 50 ns a row. */
  grow(capacity: number): void {
    if ((WHEEL_SLOTS + capacity) * ROW <= this.words.length) return;
    const words = new Int32Array((WHEEL_SLOTS + capacity) * ROW);
    words.set(this.words);
    this.words = words;
    this.wheel.rebase(words);
    this.index = this.makeIndex(capacity);
    for (let row = WHEEL_SLOTS; row <= this.top; row++)
      if (words[row * ROW] !== 0 && this.bib.session(words[row * ROW]) !== row) this.index.add(this.hashOf(row), row);
  }

  /** Bytes that are in use of what is reserved. */
  get bytes(): number {
    return (this.top + 1) * ROW * 4 + this.index.bytes(this.indexed);
  }

  private makeIndex(capacity: number): OpenIndex {
    return new OpenIndex(WHEEL_SLOTS + capacity, (row) => this.hashOf(row));
  }

  private findIndexed(binding: number, remote4: number, key: number): number {
    const { slots, mask, tagMask, entryMask } = this.index;
    const hash = this.hashing.triple(binding, remote4, key & 0xffff);
    for (let place = hash & mask; slots[place] !== 0; place = (place + 1) & mask) {
      if (((slots[place] ^ hash) & tagMask) !== 0) continue;
      const row = slots[place] & entryMask;
      if (this.is(row, binding, remote4, key)) return row;
    }
    return 0;
  }

  private is(row: number, binding: number, remote4: number, key: number): boolean {
    const w = this.words;
    const at = row * ROW;
    return w[at + REMOTE] === remote4 && (w[at + USE] & KEY) === key && w[at] === binding;
  }

  private hashOf(row: number): number {
    const w = this.words;
    const at = row * ROW;
    return this.hashing.triple(w[at], w[at + REMOTE], w[at + USE] & 0xffff);
  }
}
