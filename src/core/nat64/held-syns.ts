// TCP SYNs from outside that wait six seconds for one from inside (RFC 6146 §3.5.2.2: simultaneous open). What is kept of each is
// who it was from and for, when it came, and its first bytes, for the ICMPv4 error if nobody inside answers.
//
// All wait equally long, so they run out in the order in which they came: a ring. One that is taken leaves a gap until its turn.

import { KeyedHash } from './hash.ts';

/** Bytes of a SYN that are kept: the longest IPv4 header and eight bytes (RFC 792). */
export const QUOTE_BYTES = 68;

const WORDS = 6;
const POOL = 0;
const REMOTE = 1;
const PORTS = 2;
const CAME_MS = 3;
/** The next of its chain, plus one. */
const NEXT = 4;
/** Bytes kept, plus one; 0: a gap. */
const LENGTH = 5;

/** The held SYNs of one NAT64. Never throws. */
export class HeldSyns {
  /** SYNs that wait. */
  count = 0;
  readonly capacity: number;
  private readonly words: Int32Array;
  private readonly quotes: Uint8Array;
  private readonly heads: Int32Array;
  private readonly hashing: KeyedHash;
  /** The oldest, and how many places are in use from there, gaps among them. */
  private first = 0;
  private used = 0;

  constructor(capacity: number, random: () => number) {
    this.capacity = capacity;
    this.words = new Int32Array(capacity * WORDS);
    this.quotes = new Uint8Array(capacity * QUOTE_BYTES);
    this.heads = new Int32Array(2 ** Math.ceil(Math.log2(capacity + 1)));
    this.hashing = new KeyedHash(random);
  }

  /** Holds a SYN; one that is held already stays as it is. @returns its place, or -1 when there is no room */
  hold(pool4: number, port4: number, remote4: number, remotePort: number, nowMs: number): number {
    const known = this.find(pool4, port4, remote4, remotePort);
    if (known >= 0) return known;
    if (this.used === this.capacity) return -1;
    const place = (this.first + this.used++) % this.capacity;
    const at = place * WORDS;
    const w = this.words;
    w[at + POOL] = pool4;
    w[at + REMOTE] = remote4;
    w[at + PORTS] = port4 | (remotePort << 16);
    w[at + CAME_MS] = nowMs;
    w[at + LENGTH] = 1;
    const head = this.headOf(pool4, remote4, w[at + PORTS]);
    w[at + NEXT] = this.heads[head];
    this.heads[head] = place + 1;
    this.count++;
    return place;
  }

  /** Keeps a SYN's first bytes. */
  quote(place: number, bytes: Uint8Array, start: number, length: number): void {
    const kept = Math.min(length, QUOTE_BYTES);
    for (let i = 0; i < kept; i++) this.quotes[place * QUOTE_BYTES + i] = bytes[start + i];
    this.words[place * WORDS + LENGTH] = kept + 1;
  }

  /** Takes the SYN that waits for this. @returns whether there was one */
  take(pool4: number, port4: number, remote4: number, remotePort: number): boolean {
    const place = this.find(pool4, port4, remote4, remotePort);
    if (place >= 0) this.drop(place);
    return place >= 0;
  }

  /** The oldest SYN if it has waited `lifetimeMs`, or -1. To be dropped by {@link drop} before the next is asked for. */
  oldest(nowMs: number, lifetimeMs: number): number {
    while (this.used > 0 && this.words[this.first * WORDS + LENGTH] === 0) {
      this.first = (this.first + 1) % this.capacity;
      this.used--;
    }
    if (this.used === 0) return -1;
    return ((nowMs - this.words[this.first * WORDS + CAME_MS]) | 0) >= lifetimeMs ? this.first : -1;
  }

  /** Takes a SYN out. */
  drop(place: number): void {
    const w = this.words;
    const at = place * WORDS;
    const head = this.headOf(w[at + POOL], w[at + REMOTE], w[at + PORTS]);
    let before = -1;
    for (let p = this.heads[head] - 1; p !== place; p = w[p * WORDS + NEXT] - 1) before = p;
    if (before < 0) this.heads[head] = w[at + NEXT];
    else w[before * WORDS + NEXT] = w[at + NEXT];
    w[at + LENGTH] = 0;
    this.count--;
  }

  pool4(place: number): number {
    return this.words[place * WORDS + POOL];
  }

  port4(place: number): number {
    return this.words[place * WORDS + PORTS] & 0xffff;
  }

  remote4(place: number): number {
    return this.words[place * WORDS + REMOTE];
  }

  remotePort(place: number): number {
    return this.words[place * WORDS + PORTS] >>> 16;
  }

  /** Copies a SYN's kept bytes. @returns how many there are */
  readQuote(place: number, into: Uint8Array): number {
    const length = this.words[place * WORDS + LENGTH] - 1;
    for (let i = 0; i < length; i++) into[i] = this.quotes[place * QUOTE_BYTES + i];
    return length;
  }

  /** Bytes reserved. */
  get bytes(): number {
    return this.capacity * (WORDS * 4 + QUOTE_BYTES) + this.heads.byteLength;
  }

  private find(pool4: number, port4: number, remote4: number, remotePort: number): number {
    const w = this.words;
    const ports = port4 | (remotePort << 16);
    let place = this.heads[this.headOf(pool4, remote4, ports)] - 1;
    while (place >= 0) {
      const at = place * WORDS;
      if (w[at + POOL] === pool4 && w[at + REMOTE] === remote4 && w[at + PORTS] === ports) return place;
      place = w[at + NEXT] - 1;
    }
    return -1;
  }

  private headOf(pool4: number, remote4: number, ports: number): number {
    return this.hashing.triple(ports, remote4, pool4 & 0xffff) & (this.heads.length - 1);
  }
}
