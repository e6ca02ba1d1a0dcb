// The IPv4 pool (rule N-03): which transport addresses are free, and which one a new binding gets.
//
//  - A host goes by one IPv4 address for all its bindings (paired pooling, RFC 4787 REQ-2), drawn when it makes its first one. When
//    that address has no free port left, the host moves on to the next address that has one, and new bindings stay there: a
//    working connection is worth more than one address for all of them.
//  - A port keeps its source port's range (0–1023 or above; RFC 4787 REQ-3) and, for UDP, its parity (REQ-4), while there are such.
//  - A port that was given back rests before somebody else gets it (resting-ports.ts), while others of its address are free.
//  - Within that it is unpredictable: a random start, then the next free one (RFC 6056 §3.3.1, algorithm 1).
//  - No port is given twice, whatever the destinations are (no overloading).

import { bibOf, ICMP_BIB, UDP_BIB } from './bib-protocol.ts';
import type { Hosts } from './hosts.ts';
import type { PortBlocks } from './port-blocks.ts';
import { LAST_PLACE, PortSet } from './port-set.ts';
import { AGES, REST_MS, RestingPorts } from './resting-ports.ts';
import type { PoolRange } from './settings.ts';

/** The largest pool, so that a typo like /8 is an error and not a gigabyte. */
const MAX_POOL_ADDRESSES = 65_536;

/** Ranges of ports as places (port >> 1): 0–1023, those above, all. */
const FIRST = Uint16Array.of(0, 512, 0);
const LAST = Uint16Array.of(511, LAST_PLACE, LAST_PLACE);
const ALL = 2;

/** The range of a source port, or the other one; identifiers have one. */
const rangeOf = (proto: number, port6: number, isOther: number): number =>
  proto === ICMP_BIB ? ALL : (port6 > 1023 ? 1 : 0) ^ isOther;
const rangesOf = (proto: number): number => (proto === ICMP_BIB ? 1 : 2);

/** Whether a port of a protocol can be given to a binding: UDP and TCP port 0 is none. */
const isUsable = (proto: number, port: number): boolean => port !== 0 || proto === ICMP_BIB;

/** The pool of one NAT64. Never throws after construction. */
export class PortPool {
  /** The result of the last allocation; the address signed. */
  address = 0;
  port = 0;
  /** All addresses, signed, each once. */
  readonly addresses: Int32Array;
  /** Blocks, where ports are allotted so. Set once, before the first allocation. */
  blocks: PortBlocks | null = null;
  private readonly ranges: readonly PoolRange[];
  private readonly hosts: Hosts;
  private readonly random: () => number;
  /** By address, open addressing: its place in `addresses`, plus one. */
  private readonly places: Int32Array;
  /** Places of addresses that serve as many protocols as any does. */
  private readonly preferred: Int32Array;
  /** By protocol × addresses + place: ports in all and ports free. */
  private readonly sizes: Int32Array;
  private readonly free: Int32Array;
  private readonly freeOfProtocol = new Int32Array(3);
  private readonly sizeOfProtocol: Int32Array;
  /** In the same order; made when the first port is asked for. */
  private readonly sets: (RestingPorts | null)[];
  /** Counts REST_MS. */
  private turn = 0;

  /** @throws RangeError for more than MAX_POOL_ADDRESSES addresses */
  constructor(ranges: readonly PoolRange[], hosts: Hosts, random: () => number) {
    this.ranges = ranges;
    this.hosts = hosts;
    this.random = random;
    this.addresses = addressesOf(ranges);
    const n = this.addresses.length;
    this.places = placesOf(this.addresses);
    this.sizes = new Int32Array(3 * n);
    for (const range of ranges) this.countRange(range);
    this.free = this.sizes.slice();
    for (let set = 0; set < 3 * n; set++) this.freeOfProtocol[Math.floor(set / n)] += this.free[set];
    this.sizeOfProtocol = this.freeOfProtocol.slice();
    this.sets = Array<RestingPorts | null>(3 * n).fill(null);
    this.preferred = this.mostServing();
  }

  /** The place of an address (signed), or -1. */
  placeOf(address: number): number {
    const mask = this.places.length - 1;
    for (let at = Math.imul(address, 0x9e3779b1) >>> 8; ; at++) {
      const place = this.places[at & mask] - 1;
      if (place < 0 || this.addresses[place] === address) return place;
    }
  }

  /** Sets the time that ports rest by. */
  setTime(nowMs: number): void {
    this.turn = Math.floor(nowMs / REST_MS);
  }

  /** Ports of a protocol. */
  ports(proto: number): number {
    return this.sizeOfProtocol[proto];
  }

  /** Free ports of a protocol, those that rest among them. */
  freePorts(proto: number): number {
    return this.freeOfProtocol[proto];
  }

  /** Takes a port for a new binding of a host; the result is in `address` and `port`. @returns false when there is none */
  allocate(proto: number, host: number, port6: number): boolean {
    if (this.freeOfProtocol[proto] === 0) return false;
    const n = this.addresses.length;
    const own = this.hosts.poolAddress(host);
    const start = own >= 0 ? own : this.preferred[this.random() % this.preferred.length];
    for (let i = 0; i < n; i++) {
      const place = start + i < n ? start + i : start + i - n;
      if (this.free[proto * n + place] === 0 || !this.takeAt(proto, place, host, port6)) continue;
      // Where its address does not serve the protocol at all, the host stays with it for the others.
      if (own < 0 || this.sizes[proto * n + own] > 0) this.hosts.setPoolAddress(host, place);
      return true;
    }
    return false;
  }

  /** Takes a certain port for a host. @returns false where it is not of the pool, or not free */
  reserve(proto: number, address: number, port: number, host: number): boolean {
    const place = this.placeOf(address);
    if (place < 0) return false;
    const set = proto * this.addresses.length + place;
    if (this.sizes[set] === 0 || !this.setAt(set).isFree(port)) return false;
    this.take(set, port, host);
    if (this.hosts.poolAddress(host) < 0) this.hosts.setPoolAddress(host, place);
    return true;
  }

  /** Gives a port back that was allocated to a host or reserved for it. */
  release(proto: number, address: number, port: number, host: number): void {
    const set = proto * this.addresses.length + this.placeOf(address);
    this.setAt(set).giveBack(port);
    this.hosts.addPorts(host, proto, -1);
    this.free[set]++;
    this.freeOfProtocol[proto]++;
    if (this.blocks !== null) this.blocks.release(set * this.blocks.perSet + Math.floor(port / this.blocks.size));
  }

  /** Whether a host owns the block of a port that is taken; true where there are no blocks. */
  isInOwnBlock(proto: number, address: number, port: number, host: number): boolean {
    if (this.blocks === null) return true;
    const set = proto * this.addresses.length + this.placeOf(address);
    return this.blocks.isOwner(set * this.blocks.perSet + Math.floor(port / this.blocks.size), host);
  }

  /** Bytes of the sets that there are. */
  get bytes(): number {
    let sets = 0;
    for (const set of this.sets) if (set !== null) sets += set.count;
    return sets * 8448 + this.addresses.length * 36;
  }

  private takeAt(proto: number, place: number, host: number, port6: number): boolean {
    const set = proto * this.addresses.length + place;
    const ports = this.setAt(set);
    const port =
      this.blocks === null
        ? this.pick(ports, proto, port6)
        : this.pickInBlocks(this.blocks, set, host, ports, proto, port6);
    if (port < 0) return false;
    this.take(set, port, host);
    return true;
  }

  /** A free port by range and parity of the source port, or -1. One that rests comes after all others. */
  private pick(ports: RestingPorts, proto: number, port6: number): number {
    const random = this.random();
    const parity = (proto === UDP_BIB ? port6 : random) & 1;
    for (let age = 0; age < AGES; age++) {
      for (let isOther = 0; isOther < rangesOf(proto); isOther++) {
        const range = rangeOf(proto, port6, isOther);
        const port = ports.pick(age, parity, FIRST[range], LAST[range], random >>> 1);
        if (port >= 0) return port;
      }
    }
    return -1;
  }

  /** The same in the host's blocks, or in one more. The range decides before the block does. */
  private pickInBlocks(
    blocks: PortBlocks,
    set: number,
    host: number,
    ports: RestingPorts,
    proto: number,
    port6: number,
  ): number {
    const random = this.random() >>> 1;
    for (let isOther = 0; isOther < rangesOf(proto); isOther++) {
      const range = rangeOf(proto, port6, isOther);
      const own = blocks.pickOwn(set, host, ports, port6 & 1, FIRST[range], LAST[range], random);
      if (own >= 0) return own;
      const port = blocks.pickNew(set, ports, port6 & 1, FIRST[range], LAST[range], random);
      if (port >= 0) return port;
    }
    return -1;
  }

  private take(set: number, port: number, host: number): void {
    const n = this.addresses.length;
    this.setAt(set).take(port);
    this.free[set]--;
    this.freeOfProtocol[Math.floor(set / n)]--;
    this.hosts.addPorts(host, Math.floor(set / n), 1);
    if (this.blocks !== null) this.blocks.take(set * this.blocks.perSet + Math.floor(port / this.blocks.size), host);
    this.address = this.addresses[set % n];
    this.port = port;
  }

  private setAt(set: number): RestingPorts {
    const ports = this.sets[set] ?? this.makeSet(set);
    ports.catchUp(this.turn);
    return ports;
  }

  /** Makes a set with all its ports free, once for an address and protocol. */
  private makeSet(set: number): RestingPorts {
    const n = this.addresses.length;
    const proto = Math.floor(set / n);
    const address = this.addresses[set % n] >>> 0;
    const unused = new PortSet();
    for (const range of this.ranges) {
      const isHere = address >= range.address && address < range.address + range.addresses;
      if (bibOf(range.protocol) !== proto || !isHere) continue;
      unused.addRange(isUsable(proto, range.firstPort) ? range.firstPort : 1, range.lastPort);
    }
    const ports = new RestingPorts(unused, this.turn);
    this.blocks?.open(set, ports);
    this.sets[set] = ports;
    return ports;
  }

  private countRange(range: PoolRange): void {
    const proto = bibOf(range.protocol);
    const ports = range.lastPort - range.firstPort + (isUsable(proto, range.firstPort) ? 1 : 0);
    for (let i = 0; i < range.addresses; i++)
      this.sizes[proto * this.addresses.length + this.placeOf((range.address + i) | 0)] += ports;
  }

  private mostServing(): Int32Array {
    const n = this.addresses.length;
    const served = Array.from(this.addresses, (_, at) => [0, 1, 2].filter((p) => this.sizes[p * n + at] > 0).length);
    const most = served.reduce((a, b) => Math.max(a, b), 0);
    return Int32Array.from(served.keys()).filter((place) => served[place] === most);
  }
}

function addressesOf(ranges: readonly PoolRange[]): Int32Array {
  const total = ranges.reduce((sum, range) => sum + range.addresses, 0);
  if (total > 3 * MAX_POOL_ADDRESSES) throw new RangeError(`${total} pool addresses`);
  const all = new Set<number>();
  for (const range of ranges) for (let i = 0; i < range.addresses; i++) all.add((range.address + i) | 0);
  if (all.size > MAX_POOL_ADDRESSES) throw new RangeError(`${all.size} pool addresses`);
  return Int32Array.from(all).sort((a, b) => (a >>> 0) - (b >>> 0));
}

function placesOf(addresses: Int32Array): Int32Array {
  const places = new Int32Array(2 ** Math.ceil(Math.log2(addresses.length * 2 + 2)));
  addresses.forEach((address, place) => {
    let at = Math.imul(address, 0x9e3779b1) >>> 8;
    while (places[at & (places.length - 1)] !== 0) at++;
    places[at & (places.length - 1)] = place + 1;
  });
  return places;
}
