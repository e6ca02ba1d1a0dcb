// How much memory datagrams on their way count as, in all, by family and by source, and which has to go when there is no room for
// a new one (rules N-07, N-10). Read first: fragments.ts.
//
// What comes by IPv4, from sources that anyone can forge, gets half of all at most; the other half is IPv6's. A full table refuses
// nobody: the oldest go. Whoever fills it, from however many addresses, so does harm only to datagrams that have waited for longer
// than it takes to fill it; and among the oldest those of the source that holds most go first.

import type { Datagram, FragmentCounters } from './fragments.ts';
import { KeyedHash } from './hash.ts';

/** Bit beside the protocol number of an IPv6 datagram. */
export const IS_IPV6 = 0x100;

/** What a datagram without any copy counts as, in bytes: its object, its ranges, its place in the table. */
export const DATAGRAM_COST = 1024;

/** Of how many of the oldest the one goes whose source holds most. */
const CANDIDATES = 16;

/** Places in the lists by age. */
const IPV4 = 0;
const IPV6 = 1;
const familyOf = (d: Datagram): number => ((d.protocol & IS_IPV6) === 0 ? IPV4 : IPV6);

/** What a table is told; see Nat64Settings. */
export interface FragmentLimits {
  readonly fragmentMs: number;
  /** 0: no limit. */
  readonly fragmentBytes: number;
  readonly fragmentBytesPerHost: number;
}

/** The datagrams of one table by age, and what they count as. Never throws. */
export class FragmentMemory {
  limits: FragmentLimits;
  /** By family. */
  private readonly bytes: [number, number] = [0, 0];
  private readonly oldest: [Datagram | null, Datagram | null] = [null, null];
  private readonly newest: [Datagram | null, Datagram | null] = [null, null];
  /** Bytes by a hash of the source: two sources that share one share a limit, and nobody can choose to. */
  private readonly bytesBySource = new Map<number, number>();
  private readonly hashing: KeyedHash;
  /** Its `bytes` are what all count as. */
  private readonly counters: FragmentCounters;

  /** @param random 32 unpredictable bits: senders choose what is hashed */
  constructor(limits: FragmentLimits, counters: FragmentCounters, random: () => number) {
    this.limits = limits;
    this.counters = counters;
    this.hashing = new KeyedHash(random);
  }

  /** The datagram whose time is up first; null: there is none. */
  get first(): Datagram | null {
    const [one, other] = this.oldest;
    if (one === null || other === null) return one ?? other;
    return one.deadlineMs <= other.deadlineMs ? one : other;
  }

  /** Which source's account this is. */
  sourceOf(s0: number, s1: number, s2: number, s3: number): number {
    return this.hashing.address(s0, s1, s2, s3, 0);
  }

  /** Whether a source may hold so much more. */
  mayHold(source: number, cost: number): boolean {
    const { fragmentBytesPerHost } = this.limits;
    return fragmentBytesPerHost === 0 || (this.bytesBySource.get(source) ?? 0) + cost <= fragmentBytesPerHost;
  }

  /** Who has to go before there is room for `cost` bytes more of this family; null: there is room, or nobody can go. */
  inTheWay(isIpv6: boolean, cost: number): Datagram | null {
    if (this.hasRoom(isIpv6, cost)) return null;
    const { fragmentBytes } = this.limits;
    const isOverHalf = !isIpv6 && this.bytes[IPV4] + cost > fragmentBytes / 2;
    const family = isOverHalf || this.bytes[IPV4] > this.bytes[IPV6] ? IPV4 : IPV6;
    return this.victim(family);
  }

  /** Whether `cost` bytes more of this family are within what is for all and for the family. */
  hasRoom(isIpv6: boolean, cost: number): boolean {
    const { fragmentBytes } = this.limits;
    if (fragmentBytes === 0) return true;
    return this.counters.bytes + cost <= fragmentBytes && (isIpv6 || this.bytes[IPV4] + cost <= fragmentBytes / 2);
  }

  /** Puts a new datagram behind all others. */
  add(d: Datagram): void {
    const family = familyOf(d);
    const before = this.newest[family];
    d.older = before;
    if (before === null) this.oldest[family] = d;
    else before.newer = d;
    this.newest[family] = d;
    this.charge(d, DATAGRAM_COST);
  }

  /** Takes a datagram out. */
  remove(d: Datagram): void {
    const family = familyOf(d);
    if (d.older === null) this.oldest[family] = d.newer;
    else d.older.newer = d.newer;
    if (d.newer === null) this.newest[family] = d.older;
    else d.newer.older = d.older;
    this.charge(d, -d.cost);
  }

  /** Counts bytes of a datagram up or down. */
  charge(d: Datagram, cost: number): void {
    d.cost += cost;
    this.counters.bytes += cost;
    this.bytes[familyOf(d)] += cost;
    const left = (this.bytesBySource.get(d.source) ?? 0) + cost;
    if (left > 0) this.bytesBySource.set(d.source, left);
    else this.bytesBySource.delete(d.source);
  }

  /** Of the oldest of a family the one whose source holds most, the older one where two hold as much. One at work stays. */
  private victim(family: number): Datagram | null {
    let found: Datagram | null = null;
    let most = -1;
    let d = this.oldest[family];
    for (let i = 0; i < CANDIDATES && d !== null; i++, d = d.newer) {
      const bytes = this.bytesBySource.get(d.source) ?? 0;
      if (d.isAtWork || bytes <= most) continue;
      found = d;
      most = bytes;
    }
    return found;
  }
}
