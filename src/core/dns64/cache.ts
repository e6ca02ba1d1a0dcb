// The cache: packed answers in one ring of bytes, found by an open-addressed index of their questions. No object per answer: 100,000
// names cost their bytes and nothing for the garbage collector to walk. New answers are written at `head`; when the ring is full the
// oldest at `tail` go, but for those asked for since they were written, which are moved to the front (CLOCK).
//
//     0      head          tail          wrapAt   capacity           0    tail        head       capacity
//     |######|  free       |##############|  -    |         or       |    |###########|   free   |
//
// Time is passed in, in seconds. Expired answers stay until the ring comes around, for serving stale (RFC 8767); whoever looks one up
// asks for its end. Slow twin: test/reference/dns-cache.ts.

import { LOWER } from './name.ts';
import { HEADER } from './numbers.ts';
import { type AlignedBytes, MARK, PACKED_HEADER, WORD } from './packed-answer.ts';
import { hashQuestion } from './query.ts';

/** Below this many bytes there is no cache. */
const CAPACITY_MIN = 16_384;
/** Bytes of the index for each of its slots. */
const SLOT_BYTES = 8;
/** Bytes of the ring for each slot; half of the slots are used at most. */
const BYTES_PER_SLOT = 64;
/** An answer may take up this part of the ring. */
const SHARE_MAX = 1 / 8;
/** Slots looked at; more would be a sign of chosen collisions. */
const PROBES_MAX = 64;
/** Answers that one insertion moves to the front: a bound on what it costs. */
const SECOND_CHANCES = 8;

/** What a cache holds. */
export interface CacheReport {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Since the start. */
  readonly evicted: number;
}

/** The cache. Never throws. */
export class AnswerCache implements AlignedBytes {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  private readonly seed: number;
  private readonly capacity: number;
  private readonly entriesMax: number;
  /** Offset / 8 + 1 of an answer; 0: free. */
  private readonly slots: Int32Array;
  private readonly hashes: Int32Array;
  private readonly mask: number;
  private head = 0;
  private tail = 0;
  /** −1: the ring has not wrapped. */
  private wrapAt = -1;
  private entries = 0;
  private used = 0;
  private evicted = 0;

  /**
   * @param maxBytes of all memory that the cache takes; too few: no cache
   * @param seed unpredictable, 32 bits
   */
  constructor(maxBytes: number, seed: number) {
    const isOn = maxBytes >= CAPACITY_MIN;
    const slots = isOn ? 2 ** Math.floor(Math.log2(maxBytes / BYTES_PER_SLOT)) : 1;
    this.capacity = isOn ? Math.floor((maxBytes - slots * SLOT_BYTES) / 8) * 8 : 0;
    this.bytes = new Uint8Array(this.capacity);
    this.words = new Int32Array(this.bytes.buffer);
    this.slots = new Int32Array(slots);
    this.hashes = new Int32Array(slots);
    this.mask = slots - 1;
    this.entriesMax = slots >> 1;
    this.seed = seed;
  }

  /**
   * Finds the answer to a question, fresh or not.
   * @param start offset of the question's name, inclusive; `end` exclusive
   * @returns its offset, good until the next `put`; −1: none
   */
  find(bytes: Uint8Array, start: number, end: number, type: number, variant: number): number {
    const hash = hashQuestion(bytes, start, end, type, variant, this.seed);
    let slot = hash & this.mask;
    for (let i = 0; i < PROBES_MAX && this.slots[slot] !== 0; i++) {
      if (this.hashes[slot] === hash) {
        const at = (this.slots[slot] - 1) * 8;
        if (this.isQuestion(at, bytes, start, end, type, variant)) {
          this.words[(at >> 2) + WORD.MARKS] |= MARK.REFERENCED;
          return at;
        }
      }
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }

  /** When the answer at `at` ends. */
  expiresAt(at: number): number {
    return this.words[(at >> 2) + WORD.EXPIRES];
  }

  /** Until when it may be given as stale. */
  staleUntil(at: number): number {
    return this.words[(at >> 2) + WORD.STALE_UNTIL];
  }

  private isQuestion(
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    type: number,
    variant: number,
  ): boolean {
    if ((this.words[(at >> 2) + WORD.MARKS] & MARK.VARIANT) !== variant) return false;
    const own = this.bytes;
    let from = at + PACKED_HEADER + HEADER;
    for (let i = start; i < end; i++) if (own[from++] !== LOWER[bytes[i]]) return false;
    return own[from] === type >>> 8 && own[from + 1] === (type & 0xff);
  }

  /**
   * Keeps an answer, in place of an older one to the same question.
   * @param packed one packed answer at offset 0; it is copied
   * @returns false when there is no room for it
   */
  put(packed: AlignedBytes): boolean {
    const size = packed.words[WORD.SIZE];
    if (size > this.capacity * SHARE_MAX) return false;
    const [start, end, type] = questionOf(packed.bytes);
    const variant = packed.words[WORD.MARKS] & MARK.VARIANT;
    const old = this.find(packed.bytes, start, end, type, variant);
    if (old >= 0) this.remove(old);
    const at = this.reserve(size);
    const hash = hashQuestion(packed.bytes, start, end, type, variant, this.seed);
    this.bytes.set(packed.bytes, at);
    this.words[(at >> 2) + WORD.HASH] = hash;
    const isKept = this.insert(hash, at);
    if (isKept) this.used += size;
    else this.words[(at >> 2) + WORD.MARKS] |= MARK.DEAD;
    return isKept;
  }

  /** Forgets all answers that another configuration would have given differently; with `all` every one. */
  forget(all: boolean): void {
    for (const slot of this.slots) {
      if (slot === 0) continue;
      const marks = ((slot - 1) << 1) + WORD.MARKS;
      if (all || (this.words[marks] & MARK.DERIVED) !== 0) this.words[marks] |= MARK.DEAD;
    }
    for (let slot = 0; slot <= this.mask; slot++) {
      // What moves into a slot that becomes free is looked at, too.
      while (this.slots[slot] !== 0 && this.isDead((this.slots[slot] - 1) * 8)) this.removeSlot(slot);
    }
  }

  /** What it holds. */
  report(): CacheReport {
    const maxBytes = this.capacity === 0 ? 0 : this.capacity + this.slots.length * SLOT_BYTES;
    return { entries: this.entries, bytes: this.used, maxBytes, evicted: this.evicted };
  }

  private isDead(at: number): boolean {
    return (this.words[(at >> 2) + WORD.MARKS] & MARK.DEAD) !== 0;
  }

  /** Makes room for `size` bytes. @returns their offset; `head` is behind them */
  private reserve(size: number): number {
    let chances = SECOND_CHANCES;
    for (;;) {
      if (this.entries === 0) this.reset();
      if (this.entries < this.entriesMax) {
        const end = this.wrapAt < 0 ? this.capacity : this.tail;
        if (this.head + size <= end) break;
        if (this.wrapAt < 0) {
          this.wrapAt = this.head;
          this.head = 0;
          continue;
        }
      }
      if (this.evictOldest(chances > 0)) chances--;
    }
    const at = this.head;
    this.head += size;
    return at;
  }

  /** An empty ring starts at the beginning. */
  private reset(): void {
    this.head = 0;
    this.tail = 0;
    this.wrapAt = -1;
  }

  /** Takes the oldest answer out of the ring, or to its front. @returns whether it was moved to the front */
  private evictOldest(mayMove: boolean): boolean {
    const at = this.tail;
    const word = at >> 2;
    const size = this.words[word + WORD.SIZE];
    this.tail += size;
    const isMoved =
      mayMove && !this.isDead(at) && (this.words[word + WORD.MARKS] & MARK.REFERENCED) !== 0 && this.move(at, size);
    if (!isMoved && !this.isDead(at)) {
      this.remove(at);
      this.evicted++;
    }
    if (this.tail === this.wrapAt) {
      this.tail = 0;
      this.wrapAt = -1;
    }
    return isMoved;
  }

  /** Moves the answer in front of `tail` to `head`. @returns false where there is no room in one piece */
  private move(at: number, size: number): boolean {
    if (this.head + size > (this.wrapAt < 0 ? this.capacity : this.tail)) return false;
    const slot = this.slotOf(at);
    this.bytes.copyWithin(this.head, at, at + size);
    this.words[(this.head >> 2) + WORD.MARKS] &= ~MARK.REFERENCED;
    this.slots[slot] = this.head / 8 + 1;
    this.head += size;
    return true;
  }

  private insert(hash: number, at: number): boolean {
    let slot = hash & this.mask;
    for (let i = 0; i < PROBES_MAX; i++) {
      if (this.slots[slot] === 0) {
        this.slots[slot] = at / 8 + 1;
        this.hashes[slot] = hash;
        this.entries++;
        return true;
      }
      slot = (slot + 1) & this.mask;
    }
    return false;
  }

  /** The slot of an answer that is in the index. */
  private slotOf(at: number): number {
    let slot = this.words[(at >> 2) + WORD.HASH] & this.mask;
    while (this.slots[slot] !== at / 8 + 1) slot = (slot + 1) & this.mask;
    return slot;
  }

  private remove(at: number): void {
    this.words[(at >> 2) + WORD.MARKS] |= MARK.DEAD;
    this.removeSlot(this.slotOf(at));
  }

  /** Frees a slot and moves those behind it up that would not be found any more (Knuth, 6.4 R). */
  private removeSlot(freed: number): void {
    this.used -= this.words[((this.slots[freed] - 1) << 1) + WORD.SIZE];
    this.entries--;
    let hole = freed;
    let slot = freed;
    for (;;) {
      slot = (slot + 1) & this.mask;
      if (this.slots[slot] === 0) break;
      const home = this.hashes[slot] & this.mask;
      // Between hole and slot, around the end: it is found where it is.
      if (((slot - home) & this.mask) < ((slot - hole) & this.mask)) continue;
      this.slots[hole] = this.slots[slot];
      this.hashes[hole] = this.hashes[slot];
      hole = slot;
    }
    this.slots[hole] = 0;
  }
}

/** Where the question of a packed answer at offset 0 stands: its name's start and end, and its type. */
function questionOf(bytes: Uint8Array): [start: number, end: number, type: number] {
  const start = PACKED_HEADER + HEADER;
  let end = start;
  while (bytes[end] > 0) end += 1 + bytes[end];
  end++;
  return [start, end, (bytes[end] << 8) | bytes[end + 1]];
}
