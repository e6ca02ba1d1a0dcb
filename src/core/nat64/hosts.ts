// IPv6 hosts that have bindings, and the networks that they are in: how many sessions each has, how many it may open a second,
// which pool address it goes by, how many of its ports it holds (rules N-03, N-10).
//
// A record lives as long as its host has a binding. A token bucket ends with it, full again: sessions last at least as long as
// one takes to fill, which is a second.

import { AddressTable, DATA } from './address-table.ts';
import type { Nat64Limits } from './settings.ts';

// Words of a host, behind its address.
const SESSIONS = DATA;
const BINDINGS = DATA + 1;
const NETWORK = DATA + 2;
/** Thousandths of new sessions. */
const TOKENS = DATA + 3;
const FILLED_MS = DATA + 4;
/** Place of its address in the pool, plus one; 0: none yet. */
const POOL_ADDRESS = DATA + 5;
/** When the record was made. */
const SINCE_MS = DATA + 6;
/** Ports of the pool that it holds, by protocol: three words. */
const PORTS = DATA + 7;
const HOST_WORDS = 10;

// Words of a network, behind its prefix; its sessions stand at SESSIONS.
const HOSTS = DATA + 1;
const NETWORK_WORDS = 2;

/** New sessions a second, where the limit is meant to be none or cannot be reached; keeps a bucket in 31 bits. */
const UNLIMITED_RATE = 2_000_000;
const UNLIMITED = 0x7fff_ffff;

/** What {@link Hosts.admit} says. */
export const ADMITTED = 0;
export const HOST_IS_FULL = 1;
export const NETWORK_IS_FULL = 2;
const TOO_FAST = 3;

const orUnlimited = (limit: number): number => (limit === 0 ? UNLIMITED : limit);

/** `length` bits of a word, from the left, by how many of them come before it. */
const maskOf = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits));

/** All hosts and networks of one NAT64. Never throws after construction. */
export class Hosts {
  readonly table: AddressTable;
  readonly networks: AddressTable;
  private perHost = UNLIMITED;
  private perNetwork = UNLIMITED;
  private perSecond = UNLIMITED_RATE;
  private networkLength = 64;
  private m0 = 0;
  private m1 = 0;
  private m2 = 0;
  private m3 = 0;

  constructor(capacity: number, limits: Nat64Limits, random: () => number) {
    this.table = new AddressTable(capacity, HOST_WORDS, random);
    this.networks = new AddressTable(capacity, NETWORK_WORDS, random);
    this.limit(limits);
  }

  /** Applies limits. Another length of networks counts them anew. */
  limit(limits: Nat64Limits): void {
    this.perHost = orUnlimited(limits.sessionsPerHost);
    this.perNetwork = orUnlimited(limits.sessionsPerNetwork);
    this.perSecond = Math.min(limits.newSessionsPerSecondPerHost, UNLIMITED_RATE) || UNLIMITED_RATE;
    this.m0 = maskOf(limits.networkLength);
    this.m1 = maskOf(limits.networkLength - 32);
    this.m2 = maskOf(limits.networkLength - 64);
    this.m3 = maskOf(limits.networkLength - 96);
    if (limits.networkLength !== this.networkLength) this.regroup(limits.networkLength);
  }

  /** The record of a host that has bindings, or 0. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    return this.table.find(w0, w1, w2, w3);
  }

  /** Whether a record is this address's. */
  isAt(host: number, w0: number, w1: number, w2: number, w3: number): boolean {
    const w = this.table.words;
    const at = host * (DATA + HOST_WORDS);
    return w[at + 3] === w3 && w[at + 2] === w2 && w[at + 1] === w1 && w[at] === w0;
  }

  /** Word `i` (0–3) of a host's address. */
  word(host: number, i: number): number {
    return this.table.words[host * (DATA + HOST_WORDS) + i];
  }

  /**
   * Whether a host may open one session more; takes a token if so.
   * @param host its record, or 0 for one that has none yet
   * @param shift 0: all of each limit may be used; n: 1/2^n of it is left to others (those that the outside opens leave some to the inside)
   */
  admit(host: number, w0: number, w1: number, w2: number, w3: number, nowMs: number, shift: number): number {
    const words = this.table.words;
    const at = host * (DATA + HOST_WORDS);
    if (host !== 0 && words[at + SESSIONS] >= leaving(this.perHost, shift)) return HOST_IS_FULL;
    if (this.perNetwork !== UNLIMITED) {
      const network = host === 0 ? this.findNetwork(w0, w1, w2, w3) : words[at + NETWORK];
      const has = network === 0 ? 0 : this.networks.words[network * (DATA + NETWORK_WORDS) + SESSIONS];
      if (has >= leaving(this.perNetwork, shift)) return NETWORK_IS_FULL;
    }
    return host === 0 || this.take(at, nowMs, shift) ? ADMITTED : TOO_FAST;
  }

  /** Whether a host and its network may have one session more. */
  hasRoom(host: number): boolean {
    const words = this.table.words;
    const at = host * (DATA + HOST_WORDS);
    const inNetwork = this.networks.words[words[at + NETWORK] * (DATA + NETWORK_WORDS) + SESSIONS];
    return words[at + SESSIONS] < this.perHost && inNetwork < this.perNetwork;
  }

  /** A host's address in 16 bytes. */
  bytes16(host: number): Uint8Array {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4; i++) view.setInt32(i * 4, this.word(host, i));
    return bytes;
  }

  /** Makes the record of a host that asks for its first binding; one token is taken. */
  add(w0: number, w1: number, w2: number, w3: number, nowMs: number): number {
    const host = this.table.add(w0, w1, w2, w3);
    const at = host * (DATA + HOST_WORDS);
    const words = this.table.words;
    words[at + TOKENS] = this.perSecond * 1000 - 1000;
    words[at + FILLED_MS] = nowMs | 0;
    words[at + SINCE_MS] = nowMs | 0;
    this.join(at);
    return host;
  }

  /** Takes a host out that has neither bindings nor sessions. */
  remove(host: number): void {
    this.leave(host * (DATA + HOST_WORDS));
    this.table.remove(host);
  }

  /** Counts sessions of a host up or down. */
  addSessions(host: number, n: number): void {
    const words = this.table.words;
    const at = host * (DATA + HOST_WORDS);
    words[at + SESSIONS] += n;
    this.networks.words[words[at + NETWORK] * (DATA + NETWORK_WORDS) + SESSIONS] += n;
  }

  /** Counts bindings of a host up or down. @returns how many it has now */
  addBindings(host: number, n: number): number {
    const at = host * (DATA + HOST_WORDS) + BINDINGS;
    this.table.words[at] += n;
    return this.table.words[at];
  }

  /** Place in the pool of the address that a host goes by, or -1. */
  poolAddress(host: number): number {
    return this.table.words[host * (DATA + HOST_WORDS) + POOL_ADDRESS] - 1;
  }

  setPoolAddress(host: number, place: number): void {
    this.table.words[host * (DATA + HOST_WORDS) + POOL_ADDRESS] = place + 1;
  }

  /** Counts ports of the pool that a host holds up or down. */
  addPorts(host: number, proto: number, n: number): void {
    this.table.words[host * (DATA + HOST_WORDS) + PORTS + proto] += n;
  }

  /** Ports of the pool that a host holds. */
  ports(host: number, proto: number): number {
    return this.table.words[host * (DATA + HOST_WORDS) + PORTS + proto];
  }

  /** Forgets ports and address: the pool is another. */
  leavePool(host: number): void {
    const at = host * (DATA + HOST_WORDS);
    this.table.words.fill(0, at + PORTS, at + PORTS + 3);
    this.table.words[at + POOL_ADDRESS] = 0;
  }

  /** How long a host has had bindings without a break. */
  knownMs(host: number, nowMs: number): number {
    return (nowMs - this.table.words[host * (DATA + HOST_WORDS) + SINCE_MS]) | 0;
  }

  /** Sessions of the network that an address is in. */
  sessionsOfNetwork(w0: number, w1: number, w2: number, w3: number): number {
    const network = this.findNetwork(w0, w1, w2, w3);
    return network === 0 ? 0 : this.networks.words[network * (DATA + NETWORK_WORDS) + SESSIONS];
  }

  /** Whether a record is in use. A host without bindings has none. */
  isUsed(host: number): boolean {
    return this.table.words[host * (DATA + HOST_WORDS) + BINDINGS] > 0;
  }

  /** Highest record that there is room for. */
  get capacity(): number {
    return this.table.words.length / this.table.stride - 1;
  }

  /** Makes room for more hosts. */
  grow(capacity: number): void {
    this.table.grow(capacity, (host) => this.isUsed(host));
    this.networks.grow(capacity, (n) => this.networks.words[n * (DATA + NETWORK_WORDS) + HOSTS] > 0);
  }

  /** Bytes that are in use of what is reserved. */
  get bytes(): number {
    return this.table.bytes + this.networks.bytes;
  }

  /** Takes a token of a host; `shift` as above. */
  private take(at: number, nowMs: number, shift: number): boolean {
    const words = this.table.words;
    const full = this.perSecond * 1000;
    const elapsed = (nowMs - words[at + FILLED_MS]) | 0;
    let tokens = words[at + TOKENS];
    if (elapsed > 0) tokens = Math.min(full, tokens + elapsed * this.perSecond);
    words[at + FILLED_MS] = nowMs | 0;
    const isEnough = tokens - 1000 >= full - leaving(full, shift);
    words[at + TOKENS] = isEnough ? tokens - 1000 : tokens;
    return isEnough;
  }

  private findNetwork(w0: number, w1: number, w2: number, w3: number): number {
    return this.networks.find(w0 & this.m0, w1 & this.m1, w2 & this.m2, w3 & this.m3);
  }

  /** Puts a host into its network. */
  private join(at: number): void {
    const words = this.table.words;
    const [w0, w1, w2, w3] = [
      words[at] & this.m0,
      words[at + 1] & this.m1,
      words[at + 2] & this.m2,
      words[at + 3] & this.m3,
    ];
    const network = this.networks.find(w0, w1, w2, w3) || this.networks.add(w0, w1, w2, w3);
    const to = network * (DATA + NETWORK_WORDS);
    words[at + NETWORK] = network;
    this.networks.words[to + HOSTS]++;
    this.networks.words[to + SESSIONS] += words[at + SESSIONS];
  }

  private leave(at: number): void {
    const network = this.table.words[at + NETWORK];
    const counts = this.networks.words;
    const to = network * (DATA + NETWORK_WORDS);
    counts[to + SESSIONS] -= this.table.words[at + SESSIONS];
    if (--counts[to + HOSTS] === 0) this.networks.remove(network);
  }

  private regroup(length: number): void {
    this.networkLength = length;
    this.networks.clear();
    for (let host = 1; host <= this.table.top; host++) if (this.isUsed(host)) this.join(host * (DATA + HOST_WORDS));
  }
}

/** What may be used of a limit when 1/2^shift of it, rounded down, is left to others; 0: all. */
export const leaving = (limit: number, shift: number): number => (shift === 0 ? limit : limit - (limit >> shift));
