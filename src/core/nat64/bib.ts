// The Binding Information Bases (RFC 6146 §3.1): which IPv6 transport address has which IPv4 transport address. One arena for the
// three protocols, found from either side. Rule N-01: the key is the whole of (protocol, address, port), never the destination.
//
//     word  0              1               2     3         4          5
//           host | flags   port6 | port4   IPv4  sessions  a session  sessions that keep it
//           0-23   24-31   low     high
//
// Binding 0 is none. About reserving memory at once, see address-table.ts.
//
// Most bindings have one session, so a binding knows one of its sessions itself; only the others are in the session table's index.
// That saves a hash and a cache miss for most packets, and 8 bytes a session.

import { KeyedHash } from './hash.ts';
import type { Hosts } from './hosts.ts';
import { OpenIndex } from './open-index.ts';

const STRIDE = 6;
const HOST = 0;
const PORTS = 1;
const IPV4 = 2;
const SESSIONS = 3;
const SESSION = 4;
const KEEPING = 5;

const HOST_MASK = 0xff_ffff;

// Flags, besides the protocol in the two lowest of their bits.
const PROTOCOL_SHIFT = 24;
const PROTOCOL = 0x03 << PROTOCOL_SHIFT;
const IN_USE = 0x04 << PROTOCOL_SHIFT;
/** Made by the operator while running. */
export const IS_STATIC = 0x08 << PROTOCOL_SHIFT;
/** Made by the configuration. */
export const IS_CONFIGURED = 0x10 << PROTOCOL_SHIFT;
/** Taken out of both indexes; goes when its last session has. */
export const IS_DEAD = 0x20 << PROTOCOL_SHIFT;
/** Restored after a restart: its TCP connections are older than this table. */
export const IS_RESTORED = 0x40 << PROTOCOL_SHIFT;
/** Its port was taken from the pool and goes back to it. */
export const HOLDS_PORT = 0x80 << PROTOCOL_SHIFT;

/** Bindings, at most: what fits the word of the host, of which there are no more. */
export const MAX_BINDINGS = HOST_MASK;

/** All bindings of one NAT64. Never throws after construction. */
export class Bib {
  /** Bindings by protocol, dead ones not among them. */
  readonly counts = new Int32Array(3);
  /** Highest binding ever used. */
  top = 0;
  private words: Int32Array;
  private by6: OpenIndex;
  private by4: OpenIndex;
  private free = 0;
  private readonly hosts: Hosts;
  private readonly hashing6: KeyedHash;
  private readonly hashing4: KeyedHash;

  constructor(capacity: number, hosts: Hosts, random: () => number) {
    this.hosts = hosts;
    this.hashing6 = new KeyedHash(random);
    this.hashing4 = new KeyedHash(random);
    this.words = new Int32Array((capacity + 1) * STRIDE);
    this.by6 = new OpenIndex(capacity, (binding) => this.hash6(binding));
    this.by4 = new OpenIndex(capacity, (binding) => this.hash4(binding));
  }

  /** The binding of an IPv6 transport address, or 0. */
  find6(proto: number, w0: number, w1: number, w2: number, w3: number, port6: number): number {
    const { words, hosts } = this;
    const { slots, mask, tagMask, entryMask } = this.by6;
    const hash = this.hashing6.address(w0, w1, w2, w3, port6);
    for (let place = hash & mask; slots[place] !== 0; place = (place + 1) & mask) {
      if (((slots[place] ^ hash) & tagMask) !== 0) continue;
      const binding = slots[place] & entryMask;
      const at = binding * STRIDE;
      if ((words[at + PORTS] & 0xffff) !== port6 || (words[at] & PROTOCOL) !== proto << PROTOCOL_SHIFT) continue;
      if (hosts.isAt(words[at] & HOST_MASK, w0, w1, w2, w3)) return binding;
    }
    return 0;
  }

  /** The binding of an IPv4 transport address, or 0. */
  find4(proto: number, ipv4: number, port4: number): number {
    const { words } = this;
    const { slots, mask, tagMask, entryMask } = this.by4;
    const hash = this.hashing4.pair(ipv4, port4);
    for (let place = hash & mask; slots[place] !== 0; place = (place + 1) & mask) {
      if (((slots[place] ^ hash) & tagMask) !== 0) continue;
      const binding = slots[place] & entryMask;
      const at = binding * STRIDE;
      if (words[at + IPV4] !== ipv4 || words[at + PORTS] >>> 16 !== port4) continue;
      if ((words[at] & PROTOCOL) === proto << PROTOCOL_SHIFT) return binding;
    }
    return 0;
  }

  /** Makes a binding; that neither side has one already is the caller's to know. `flags`: IS_* and HOLDS_PORT */
  add(proto: number, host: number, port6: number, ipv4: number, port4: number, flags: number): number {
    const w = this.words;
    let binding = this.free;
    if (binding === 0) binding = ++this.top;
    else this.free = w[binding * STRIDE + SESSION];
    const at = binding * STRIDE;
    w[at + HOST] = host | (proto << PROTOCOL_SHIFT) | flags | IN_USE;
    w[at + PORTS] = port6 | (port4 << 16);
    w[at + IPV4] = ipv4;
    w[at + SESSIONS] = 0;
    w[at + SESSION] = 0;
    w[at + KEEPING] = 0;
    this.by6.add(this.hash6(binding), binding);
    this.by4.add(this.hash4(binding), binding);
    this.counts[proto]++;
    return binding;
  }

  /** Takes a binding out of both indexes, so that no packet finds it. Its record stays until {@link discard}. */
  kill(binding: number): void {
    this.by6.remove(this.hash6(binding), binding);
    this.by4.remove(this.hash4(binding), binding);
    this.words[binding * STRIDE] |= IS_DEAD;
    this.counts[this.protocol(binding)]--;
  }

  /** Gives a dead binding's record back. */
  discard(binding: number): void {
    const at = binding * STRIDE;
    this.words[at] = 0;
    this.words[at + SESSION] = this.free;
    this.free = binding;
  }

  protocol(binding: number): number {
    return (this.words[binding * STRIDE] & PROTOCOL) >> PROTOCOL_SHIFT;
  }

  host(binding: number): number {
    return this.words[binding * STRIDE] & HOST_MASK;
  }

  port6(binding: number): number {
    return this.words[binding * STRIDE + PORTS] & 0xffff;
  }

  port4(binding: number): number {
    return this.words[binding * STRIDE + PORTS] >>> 16;
  }

  /** Signed. */
  ipv4(binding: number): number {
    return this.words[binding * STRIDE + IPV4];
  }

  /** Which of these flags a binding has. */
  flags(binding: number, flags: number): number {
    return this.words[binding * STRIDE] & flags;
  }

  setFlags(binding: number, flags: number, isSet: boolean): void {
    const at = binding * STRIDE;
    this.words[at] = isSet ? this.words[at] | flags : this.words[at] & ~flags;
  }

  /** Whether a record holds a binding that packets can find. */
  isAlive(binding: number): boolean {
    return (this.words[binding * STRIDE] & (IN_USE | IS_DEAD)) === IN_USE;
  }

  /** How many sessions a binding has. */
  sessions(binding: number): number {
    return this.words[binding * STRIDE + SESSIONS];
  }

  /** Counts sessions up or down. @returns how many there are now */
  addSessions(binding: number, n: number): number {
    const at = binding * STRIDE + SESSIONS;
    this.words[at] += n;
    return this.words[at];
  }

  /** Counts sessions that keep the binding (session-state.ts) up or down. @returns how many there are now */
  addKeeping(binding: number, n: number): number {
    const at = binding * STRIDE + KEEPING;
    this.words[at] += n;
    return this.words[at];
  }

  /** The session that a binding knows itself, or 0. */
  session(binding: number): number {
    return this.words[binding * STRIDE + SESSION];
  }

  setSession(binding: number, session: number): void {
    this.words[binding * STRIDE + SESSION] = session;
  }

  /** Makes room for more bindings; numbers stay. Copies and rehashes: some 100 ns a binding. */
  grow(capacity: number): void {
    if ((capacity + 1) * STRIDE <= this.words.length) return;
    const words = new Int32Array((capacity + 1) * STRIDE);
    words.set(this.words);
    this.words = words;
    this.by6 = new OpenIndex(capacity, (binding) => this.hash6(binding));
    this.by4 = new OpenIndex(capacity, (binding) => this.hash4(binding));
    for (let binding = 1; binding <= this.top; binding++) {
      if (!this.isAlive(binding)) continue;
      this.by6.add(this.hash6(binding), binding);
      this.by4.add(this.hash4(binding), binding);
    }
  }

  /** Bytes that are in use of what is reserved. */
  get bytes(): number {
    return this.top * STRIDE * 4 + this.by6.bytes(this.top) + this.by4.bytes(this.top);
  }

  private hash6(binding: number): number {
    const h = this.hosts;
    const host = this.host(binding);
    const port6 = this.port6(binding);
    return this.hashing6.address(h.word(host, 0), h.word(host, 1), h.word(host, 2), h.word(host, 3), port6);
  }

  private hash4(binding: number): number {
    return this.hashing4.pair(this.ipv4(binding), this.port4(binding));
  }
}
