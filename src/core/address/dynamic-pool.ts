// Dynamic one-to-one pool: an IPv6 host that no mapping names gets an IPv4 address for as long as it talks. Pure: time is
// passed in. One worker owns it, so `queues` must be 1 with a pool (two workers could hand one address to two hosts).
//
// A slot is an index: its IPv4 address never changes, its IPv6 address and time do. Two hash tables lead to slots; the one
// by IPv6 address deletes by shifting back, so it never fills with tombstones. Nothing is allocated per packet.

import type { Prefix4 } from '../translate/settings.ts';

/** One lease, as it is saved over a restart. */
export interface Lease {
  readonly ipv4: number;
  /** Four signed words. */
  readonly ipv6: readonly [number, number, number, number];
  readonly lastUsedMs: number;
}

/** The largest pool, so that a typo like /8 is an error and not a gigabyte. */
export const MAX_POOL_ADDRESSES = 65_536;

const EMPTY = -1;

/** Addresses in a list of prefixes; network and broadcast addresses count, these are single hosts' addresses. */
export const poolSize = (prefixes: readonly Prefix4[]): number =>
  prefixes.reduce((sum, p) => sum + 2 ** (32 - p.length), 0);

/** The pool of one translator. Never throws after construction. */
export class DynamicPool {
  private readonly ipv4: Int32Array;
  private readonly words: Int32Array;
  private readonly isUsed: Uint8Array;
  private readonly lastUsedMs: Float64Array;
  private readonly byIpv4: Int32Array;
  private readonly byIpv6: Int32Array;
  private readonly mask: number;
  private readonly leaseMs: number;
  private next = 0;
  /** While the clock is below this, a search for a free slot is known to fail. */
  private fullUntilMs = 0;

  /** Throws RangeError when the prefixes hold more than MAX_POOL_ADDRESSES addresses. */
  constructor(prefixes: readonly Prefix4[], leaseMs: number) {
    if (poolSize(prefixes) > MAX_POOL_ADDRESSES) throw new RangeError(`more than ${MAX_POOL_ADDRESSES} pool addresses`);
    this.leaseMs = leaseMs;
    this.ipv4 = Int32Array.from(new Set(prefixes.flatMap(addressesOf)));
    const n = this.ipv4.length;
    this.words = new Int32Array(n * 4);
    this.isUsed = new Uint8Array(n);
    this.lastUsedMs = new Float64Array(n);
    let size = 2;
    while (size < n * 2) size *= 2;
    this.mask = size - 1;
    this.byIpv4 = new Int32Array(size).fill(EMPTY);
    this.byIpv6 = new Int32Array(size).fill(EMPTY);
    this.ipv4.forEach((address, slot) => {
      let h = mix(address) & this.mask;
      while (this.byIpv4[h] !== EMPTY) h = (h + 1) & this.mask;
      this.byIpv4[h] = slot;
    });
  }

  /** Whether there is nothing to hand out. */
  get isEmpty(): boolean {
    return this.ipv4.length === 0;
  }

  /** The slot of an IPv4 address, leased or not; -1 when it is not of the pool. */
  slotOf(ipv4: number): number {
    for (let h = mix(ipv4) & this.mask; ; h = (h + 1) & this.mask) {
      const slot = this.byIpv4[h];
      if (slot === EMPTY || this.ipv4[slot] === ipv4) return slot;
    }
  }

  /** Whether a slot is leased. Asking refreshes nothing: only the host itself keeps its lease. */
  isLeased(slot: number): boolean {
    return this.isUsed[slot] === 1;
  }

  /** Word `i` (0–3) of the IPv6 address that holds a slot. */
  word(slot: number, i: number): number {
    return this.words[slot * 4 + i];
  }

  /** The IPv4 address of a host, leased now if it has none; 0 when every address is in use. */
  lease(w0: number, w1: number, w2: number, w3: number, nowMs: number): number {
    const at = this.findHash(w0, w1, w2, w3);
    let slot = this.byIpv6[at];
    if (slot === EMPTY) {
      slot = this.takeFree(nowMs);
      if (slot === EMPTY) return 0;
      this.assign(slot, w0, w1, w2, w3);
    }
    this.lastUsedMs[slot] = nowMs;
    return this.ipv4[slot];
  }

  /** The IPv4 address that a host holds, or 0; refreshes nothing. */
  leaseOf(w0: number, w1: number, w2: number, w3: number): number {
    const slot = this.byIpv6[this.findHash(w0, w1, w2, w3)];
    return slot === EMPTY ? 0 : this.ipv4[slot];
  }

  /** Everything that is leased now, for saving. */
  leases(): Lease[] {
    const found: Lease[] = [];
    for (let slot = 0; slot < this.ipv4.length; slot++) {
      if (!this.isLeased(slot)) continue;
      const ipv6 = [this.word(slot, 0), this.word(slot, 1), this.word(slot, 2), this.word(slot, 3)] as const;
      found.push({ ipv4: this.ipv4[slot], ipv6, lastUsedMs: this.lastUsedMs[slot] });
    }
    return found;
  }

  /** Takes leases over, from a saved file or an earlier configuration; those that do not fit the pool are left out. */
  restore(leases: readonly Lease[]): void {
    for (const { ipv4, ipv6, lastUsedMs } of leases) {
      const slot = this.slotOf(ipv4 | 0);
      if (slot === EMPTY || this.isLeased(slot)) continue;
      if (this.byIpv6[this.findHash(ipv6[0], ipv6[1], ipv6[2], ipv6[3])] !== EMPTY) continue;
      this.assign(slot, ipv6[0], ipv6[1], ipv6[2], ipv6[3]);
      this.lastUsedMs[slot] = lastUsedMs;
    }
  }

  /** The next free slot in turn, so that an address rests as long as possible before another host gets it. */
  private takeFree(nowMs: number): number {
    if (nowMs < this.fullUntilMs) return EMPTY;
    let oldest = Number.POSITIVE_INFINITY;
    for (let n = 0; n < this.ipv4.length; n++) {
      const slot = this.next;
      this.next = slot + 1 === this.ipv4.length ? 0 : slot + 1;
      if (!this.isLeased(slot) || nowMs - this.lastUsedMs[slot] > this.leaseMs) return slot;
      oldest = Math.min(oldest, this.lastUsedMs[slot]);
    }
    this.fullUntilMs = oldest + this.leaseMs;
    return EMPTY;
  }

  private assign(slot: number, w0: number, w1: number, w2: number, w3: number): void {
    if (this.isLeased(slot)) this.forget(slot);
    const k = slot * 4;
    this.words[k] = w0;
    this.words[k + 1] = w1;
    this.words[k + 2] = w2;
    this.words[k + 3] = w3;
    this.isUsed[slot] = 1;
    this.byIpv6[this.findHash(w0, w1, w2, w3)] = slot;
  }

  /** Hash position of an IPv6 address: where it is, or the free place where it belongs. */
  private findHash(w0: number, w1: number, w2: number, w3: number): number {
    for (let h = mix4(w0, w1, w2, w3) & this.mask; ; h = (h + 1) & this.mask) {
      const slot = this.byIpv6[h];
      if (slot === EMPTY) return h;
      const k = slot * 4;
      const words = this.words;
      if (words[k] === w0 && words[k + 1] === w1 && words[k + 2] === w2 && words[k + 3] === w3) return h;
    }
  }

  private forget(slot: number): void {
    let hole = this.findHash(this.word(slot, 0), this.word(slot, 1), this.word(slot, 2), this.word(slot, 3));
    this.isUsed[slot] = 0;
    for (let h = (hole + 1) & this.mask; this.byIpv6[h] !== EMPTY; h = (h + 1) & this.mask) {
      const other = this.byIpv6[h];
      const home = mix4(this.word(other, 0), this.word(other, 1), this.word(other, 2), this.word(other, 3)) & this.mask;
      // Moves back only what does not pass its home on the way.
      if (((h - home) & this.mask) < ((h - hole) & this.mask)) continue;
      this.byIpv6[hole] = other;
      hole = h;
    }
    this.byIpv6[hole] = EMPTY;
  }
}

function addressesOf(prefix: Prefix4): number[] {
  return Array.from({ length: 2 ** (32 - prefix.length) }, (_, i) => (prefix.address + i) | 0);
}

function mix(word: number): number {
  const h = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

const mix4 = (w0: number, w1: number, w2: number, w3: number): number => mix(mix(mix(mix(w0) ^ w1) ^ w2) ^ w3);
