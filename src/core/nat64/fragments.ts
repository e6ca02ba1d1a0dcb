// Fragments in any order (rule N-07, RFC 6146 §3.4): the first fragment of a datagram has the ports and finds the mapping, the
// others have only (source, destination, identification, protocol). A datagram is known here from its first piece that comes
// until it is complete or the time is up; pieces that come before the first one wait as copies.
//
//     WAITING ──first fragment was mapped──► MAPPED ──all pieces seen──► forgotten
//        └──────overlap, or the first one refused──► DEAD ──time is up──► forgotten
//     in each state: the oldest go when there is no room for a new one
//
// Everything is bounded: each datagram and each copy counts (fragment-memory.ts). A source that has too much of its own waiting is
// refused; a first fragment never is for what waits. Only a piece that has to wait allocates. Nothing here knows packets;
// packet-path-fragments.ts does.

import { DATAGRAM_COST, type FragmentLimits, FragmentMemory, IS_IPV6 } from './fragment-memory.ts';
import { KeyedHash } from './hash.ts';

/** States of a datagram. */
export const WAITING = 0;
export const MAPPED = 1;
export const DEAD = 2;

/** Results of `note`. */
export const NEW_PIECE = 0;
export const OVERLAPS = 1;
export const DUPLICATE = 2;

/** Pieces of one datagram. 64 KiB in fragments of the smallest IPv4 MTU in use (576) are 119. */
const MAX_PIECES = 128;
/** Objects that are kept for later use. */
const MAX_SPARE = 256;

/** A datagram on its way. Addresses are signed words; of an IPv4 source only the last one is used. */
export class Datagram {
  state = WAITING;
  /** Why it is dead: a verdict. */
  verdict = 0;
  hash = 0;
  /** Whose account it counts on; see FragmentMemory. */
  source = 0;
  /** A packet of it is on its way through the translator, which may need room for the other half of a hairpin: it stays. */
  isAtWork = false;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  destination4 = 0;
  identification = 0;
  /** Protocol number, with IS_IPV6 for an IPv6 datagram. */
  protocol = 0;
  deadlineMs = 0;
  /** The mapping that the first fragment found: the pool's address going to IPv4, the host's going to IPv6. */
  mapped4 = 0;
  isHairpin = false;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  /** Copies of pieces that wait, in the order in which they came. */
  held: Uint8Array[] = [];
  /** Bytes that it counts as. */
  cost = 0;
  pieces = 0;
  /** Payload bytes seen, and how many there are in all; -1: not known yet. */
  seen = 0;
  total = -1;
  /** First and last byte of each piece. */
  readonly first = new Uint16Array(MAX_PIECES);
  readonly last = new Uint16Array(MAX_PIECES);
  // Neighbours: of the same hash, and by age in its family.
  next: Datagram | null = null;
  older: Datagram | null = null;
  newer: Datagram | null = null;
}

/** Counts for status. */
export interface FragmentCounters {
  /** Datagrams known now, and the bytes that they count as. */
  datagrams: number;
  bytes: number;
  /** Pieces that wait now. */
  held: number;
  /** Pieces that waited until their time was up, by family. */
  timedOut4: number;
  timedOut6: number;
  /** Pieces that waited and then could not go on, or had to make room. */
  lost: number;
}

/** All datagrams on their way, of both families. One thread; never throws. */
export class FragmentTable {
  readonly counters: FragmentCounters = {
    datagrams: 0,
    bytes: 0,
    held: 0,
    timedOut4: 0,
    timedOut6: 0,
    lost: 0,
  };
  private readonly memory: FragmentMemory;
  private readonly hashing: KeyedHash;
  private readonly byHash = new Map<number, Datagram>();
  private readonly spare: Datagram[] = [];

  /** @param random 32 unpredictable bits: senders choose what is hashed */
  constructor(limits: FragmentLimits, random: () => number) {
    this.memory = new FragmentMemory(limits, this.counters, random);
    this.hashing = new KeyedHash(random);
  }

  /** New limits hold for what comes. */
  reconfigure(limits: FragmentLimits): void {
    this.memory.limits = limits;
  }

  /** When the oldest datagram is given up; Infinity: there is none. */
  get deadlineMs(): number {
    return this.memory.first?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * The datagram that a fragment belongs to, made if it is new; others may have to go for it.
   * @param isFirst the first fragment, which waits for nothing: what its source has waiting does not count against it
   * @returns null when a limit is reached
   */
  open(
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    destination4: number,
    identification: number,
    protocol: number,
    isFirst: boolean,
    nowMs: number,
  ): Datagram | null {
    const source = this.memory.sourceOf(s0, s1, s2, s3);
    const hash = this.hashing.address(source, destination4, identification, 0, protocol);
    for (let d = this.byHash.get(hash) ?? null; d !== null; d = d.next) {
      if (d.s3 !== s3 || d.destination4 !== destination4 || d.identification !== identification) continue;
      if (d.s0 === s0 && d.s1 === s1 && d.s2 === s2 && d.protocol === protocol) return d;
    }
    if (!isFirst && !this.memory.mayHold(source, DATAGRAM_COST)) return null;
    if (!this.makeRoom(protocol, DATAGRAM_COST)) return null;
    const d = this.spare.pop() ?? new Datagram();
    d.source = source;
    d.s0 = s0;
    d.s1 = s1;
    d.s2 = s2;
    d.s3 = s3;
    d.destination4 = destination4;
    d.identification = identification;
    d.protocol = protocol;
    d.deadlineMs = nowMs + this.memory.limits.fragmentMs;
    this.insert(d, hash);
    return d;
  }

  /**
   * Notes a piece of a datagram.
   * @param start byte offset; `length` ≥ 0; `isMore`: not the last piece
   * @returns NEW_PIECE; OVERLAPS: it has bytes that were seen, contradicts the end, or is one piece too many; DUPLICATE: exactly one
   *   that was seen, as networks make them (RFC 8200 §4.5)
   */
  note(d: Datagram, start: number, length: number, isMore: boolean): number {
    const last = start + Math.max(0, length - 1);
    for (let i = 0; i < d.pieces; i++) if (d.first[i] === start && d.last[i] === last) return DUPLICATE;
    if (d.pieces === MAX_PIECES) return OVERLAPS;
    if (d.total >= 0 && start + length > d.total) return OVERLAPS;
    for (let i = 0; i < d.pieces; i++) {
      if (start <= d.last[i] && d.first[i] <= last) return OVERLAPS;
      if (!isMore && d.last[i] >= start + length) return OVERLAPS;
    }
    d.first[d.pieces] = start;
    d.last[d.pieces] = last;
    d.pieces++;
    d.seen += length;
    if (!isMore) d.total = start + length;
    return NEW_PIECE;
  }

  /** Lets a piece of a datagram at work wait for the first one; `bytes` is copied. @returns false when a limit is reached */
  hold(d: Datagram, bytes: Uint8Array, at: number, length: number): boolean {
    if (!this.memory.mayHold(d.source, length) || !this.makeRoom(d.protocol, length)) return false;
    this.memory.charge(d, length);
    d.held.push(bytes.slice(at, at + length));
    this.counters.held++;
    return true;
  }

  /** Drops a datagram as a whole: pieces that wait, and, for the rest of its time, those that come. */
  kill(d: Datagram, verdict: number): void {
    d.state = DEAD;
    d.verdict = verdict;
    this.dropHeld(d);
  }

  /** Forgets the copies of a datagram; they have gone on, or never will. */
  dropHeld(d: Datagram): void {
    this.counters.held -= d.held.length;
    d.held.length = 0;
    this.memory.charge(d, DATAGRAM_COST - d.cost);
  }

  /** Forgets a datagram that is complete and whose pieces have all gone on. */
  closeIfComplete(d: Datagram): void {
    if (d.state === MAPPED && d.seen === d.total && d.held.length === 0) this.remove(d);
  }

  /** Forgets datagrams whose time is up, oldest first. */
  expire(nowMs: number): void {
    const { memory } = this;
    for (let d = memory.first; d !== null && d.deadlineMs <= nowMs; d = memory.first) {
      if ((d.protocol & IS_IPV6) !== 0) this.counters.timedOut6 += d.held.length;
      else this.counters.timedOut4 += d.held.length;
      this.remove(d);
    }
  }

  /** Forgets the oldest until there is room for so many bytes. @returns whether there is */
  private makeRoom(protocol: number, cost: number): boolean {
    const { memory } = this;
    const isIpv6 = (protocol & IS_IPV6) !== 0;
    for (let d = memory.inTheWay(isIpv6, cost); d !== null; d = memory.inTheWay(isIpv6, cost)) {
      this.counters.lost += d.held.length;
      this.remove(d);
    }
    return memory.hasRoom(isIpv6, cost);
  }

  private insert(d: Datagram, hash: number): void {
    d.hash = hash;
    d.next = this.byHash.get(hash) ?? null;
    this.byHash.set(hash, d);
    this.memory.add(d);
    this.counters.datagrams++;
  }

  private remove(d: Datagram): void {
    this.unlinkHash(d);
    this.dropHeld(d);
    this.memory.remove(d);
    this.counters.datagrams--;
    if (this.spare.length < MAX_SPARE) this.spare.push(reset(d));
  }

  private unlinkHash(d: Datagram): void {
    const head = this.byHash.get(d.hash) as Datagram;
    if (head === d) {
      if (d.next === null) this.byHash.delete(d.hash);
      else this.byHash.set(d.hash, d.next);
      return;
    }
    let before = head;
    while (before.next !== d) before = before.next as Datagram;
    before.next = d.next;
  }
}

/** A datagram's object as new. */
function reset(d: Datagram): Datagram {
  d.state = WAITING;
  d.verdict = 0;
  d.isAtWork = false;
  d.isHairpin = false;
  d.cost = 0;
  d.pieces = 0;
  d.seen = 0;
  d.total = -1;
  d.next = null;
  d.older = null;
  d.newer = null;
  return d;
}
