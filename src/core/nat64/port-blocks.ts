// Ports allotted to hosts in blocks, so that one log line stands for many mappings (RFC 6888 REQ-14, rule N-11). Owns which host
// has which block of which pool address; the ports in a block are the PortSet's.
//
// A block is a number: set × blocks of a set + block in its set, where a set is one protocol's ports of one pool address. A host's
// blocks of a protocol are a list; the block that was taken last stands first. A block goes back with its last port.

import type { Hosts } from './hosts.ts';
import { BLOCK_LEFT, BLOCK_TAKEN, type MappingLog } from './mapping-log.ts';
import { LAST_PLACE } from './port-set.ts';
import { AGES, type RestingPorts } from './resting-ports.ts';

/** Smallest and largest block. */
const MIN_BLOCK = 8;
const MAX_BLOCK = 16_384;

/** The owner of a block without ports in the pool's range, or whose host is gone while a port of it is in use. */
const NOBODY = -1;

/** All blocks of one pool. Never throws after construction. */
export class PortBlocks {
  /** Ports of a block. */
  readonly size: number;
  /** Blocks of a set. */
  readonly perSet: number;
  private readonly hosts: Hosts;
  private readonly log: MappingLog;
  private readonly addresses: Int32Array;
  /** Hosts, or 0: free, or NOBODY. */
  private readonly owners: Int32Array;
  private readonly used: Int32Array;
  /** The next block of the same host and protocol, plus one. */
  private readonly nexts: Int32Array;
  /** By protocol and host: the first block, plus one. */
  private heads: Int32Array;
  private hostCapacity: number;
  /** By set: blocks that are free. */
  private readonly left: Int32Array;

  /** @throws RangeError unless `size` is a power of two in MIN_BLOCK … MAX_BLOCK */
  constructor(size: number, addresses: Int32Array, hosts: Hosts, hostCapacity: number, log: MappingLog) {
    if (size < MIN_BLOCK || size > MAX_BLOCK || (size & (size - 1)) !== 0)
      throw new RangeError(`port blocks of ${size} ports`);
    this.size = size;
    this.perSet = 65_536 / size;
    this.hosts = hosts;
    this.log = log;
    this.addresses = addresses;
    const sets = 3 * addresses.length;
    this.owners = new Int32Array(sets * this.perSet);
    this.used = new Int32Array(sets * this.perSet);
    this.nexts = new Int32Array(sets * this.perSet);
    this.left = new Int32Array(sets);
    this.heads = new Int32Array(3 * (hostCapacity + 1));
    this.hostCapacity = hostCapacity;
  }

  /** Learns which blocks of a set have ports; to be called once for each set, before any port is taken. */
  open(set: number, ports: RestingPorts): void {
    for (let block = 0; block < this.perSet; block++) {
      const hasPorts = this.pickIn(block, ports, 0, 0, LAST_PLACE, 0) >= 0;
      this.owners[set * this.perSet + block] = hasPorts ? 0 : NOBODY;
      if (hasPorts) this.left[set]++;
    }
  }

  /** A free port of a host's blocks of a set, its place in from … to, or -1. Those of the block that was taken last come first. */
  pickOwn(
    set: number,
    host: number,
    ports: RestingPorts,
    parity: number,
    from: number,
    to: number,
    random: number,
  ): number {
    const proto = Math.floor(set / this.addresses.length);
    let next = this.heads[proto * (this.hostCapacity + 1) + host];
    for (; next !== 0; next = this.nexts[next - 1]) {
      if (this.setOf(next - 1) !== set) continue;
      const port = this.pickIn(next - 1, ports, parity, from, to, random);
      if (port >= 0) return port;
    }
    return -1;
  }

  /** A free port, its place in from … to, of a block of a set that is nobody's, from a random block on; or -1. */
  pickNew(set: number, ports: RestingPorts, parity: number, from: number, to: number, random: number): number {
    if (this.left[set] === 0) return -1;
    for (let i = 0; i < this.perSet; i++) {
      const block = set * this.perSet + ((random + i) & (this.perSet - 1));
      if (this.owners[block] !== 0) continue;
      const port = this.pickIn(block, ports, parity, from, to, random);
      if (port >= 0) return port;
    }
    return -1;
  }

  /** Counts a port of a block as taken by a host. A block that is nobody's becomes the host's. */
  take(block: number, host: number): void {
    this.used[block]++;
    if (this.owners[block] !== 0) return;
    this.owners[block] = host;
    this.left[this.setOf(block)]--;
    const head = this.headOf(block, host);
    this.nexts[block] = this.heads[head];
    this.heads[head] = block + 1;
    this.write(BLOCK_TAKEN, block, host);
  }

  /** Counts a port as given back; a block of which no port is in use is nobody's again. */
  release(block: number): void {
    if (--this.used[block] > 0) return;
    const host = this.owners[block];
    if (host > 0) {
      this.unlink(block, host);
      this.write(BLOCK_LEFT, block, host);
    }
    this.owners[block] = 0;
    this.left[this.setOf(block)]++;
  }

  /** Lets go of the blocks of a host that goes; ports of them may be in use by others who had them before there were blocks. */
  forget(host: number): void {
    for (let proto = 0; proto < 3; proto++) {
      const head = proto * (this.hostCapacity + 1) + host;
      for (let next = this.heads[head]; next !== 0; next = this.nexts[next - 1]) {
        this.owners[next - 1] = NOBODY;
        this.write(BLOCK_LEFT, next - 1, host);
      }
      this.heads[head] = 0;
    }
  }

  /** Which set a block belongs to: protocol × addresses + place of the address. */
  private setOf(block: number): number {
    return Math.floor(block / this.perSet);
  }

  /** Whether a host owns a block. */
  isOwner(block: number, host: number): boolean {
    return this.owners[block] === host;
  }

  /** A free port of a block, its place in from … to, its parity kept if possible; a rested one before one that rests. Or -1. */
  private pickIn(block: number, ports: RestingPorts, parity: number, from: number, to: number, random: number): number {
    const half = this.size >> 1;
    const first = Math.max(from, (block & (this.perSet - 1)) * half);
    const last = Math.min(to, (block & (this.perSet - 1)) * half + half - 1);
    if (first > last) return -1;
    for (let age = 0; age < AGES; age++) {
      const port = ports.pick(age, parity, first, last, random);
      if (port >= 0) return port;
    }
    return -1;
  }

  private headOf(block: number, host: number): number {
    const proto = Math.floor(this.setOf(block) / this.addresses.length);
    return proto * (this.hostCapacity + 1) + host;
  }

  private unlink(block: number, host: number): void {
    const head = this.headOf(block, host);
    if (this.heads[head] === block + 1) {
      this.heads[head] = this.nexts[block];
      return;
    }
    let before = this.heads[head] - 1;
    while (this.nexts[before] !== block + 1) before = this.nexts[before] - 1;
    this.nexts[before] = this.nexts[block];
  }

  private write(what: number, block: number, host: number): void {
    const { hosts, addresses } = this;
    const set = this.setOf(block);
    const first = (block & (this.perSet - 1)) * this.size;
    this.log.write(
      what,
      Math.floor(set / addresses.length),
      hosts.word(host, 0),
      hosts.word(host, 1),
      hosts.word(host, 2),
      hosts.word(host, 3),
      0,
      addresses[set % addresses.length],
      first,
      first + this.size - 1,
    );
  }
}
