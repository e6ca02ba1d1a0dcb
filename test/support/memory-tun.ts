// A TUN queue without an operating system: what the test delivers is read, what is written can be looked at. It keeps every
// promise of TunQueue (test/compliance/tun-queue.ts), so the packet loop can be tested anywhere.

import {
  flags as checksumFlags,
  csumOffset,
  csumStart,
  NEEDS_CSUM,
  OFFLOAD_HEADER,
} from '../../src/core/wire/offload.ts';
import { HEADROOM, MAX_PACKET, type PacketList, slabOver } from '../../src/core/wire/slab.ts';
import type { TunCapabilities, TunQueue, WriteList } from '../../src/dataplane/tun-queue.ts';

const EINVAL = 22;
const EBADF = 9;
const MAX_PIECES = 64;

/** One packet, apart from any slab. */
export interface MemoryPacket {
  /** The ten bytes of the offload header. */
  readonly header: Uint8Array;
  /** The packet from its IP header on. */
  readonly packet: Uint8Array;
}

/** An in-memory TUN queue. */
export class MemoryTun implements TunQueue {
  readonly capabilities: TunCapabilities;
  /** What was written and taken, in order. */
  readonly written: MemoryPacket[] = [];
  /** Adding to element 0 and notifying wakes a waiting `readBatch`; other threads may do so. */
  readonly wakeCell = new Int32Array(new SharedArrayBuffer(4));
  /** If set, asked for each written packet; a number other than 0 is the errno that it is refused with. */
  refuse: ((packet: Uint8Array) => number) | null = null;
  readonly #waiting: MemoryPacket[] = [];
  #isOpen = true;

  constructor(capabilities: TunCapabilities = { vnetHeader: true, tcpSegmentation: true, udpSegmentation: true }) {
    this.capabilities = capabilities;
  }

  /** Lets a packet arrive. Both arrays are copied. */
  deliver(packet: Uint8Array, header: Uint8Array = new Uint8Array(OFFLOAD_HEADER)): void {
    this.#waiting.push({ header: header.slice(), packet: packet.slice() });
  }

  /** Wakes a `readBatch`, the next one if none waits. */
  wake(): void {
    Atomics.add(this.wakeCell, 0, 1);
    Atomics.notify(this.wakeCell, 0);
  }

  readBatch(slab: Uint8Array, start: number, end: number, list: PacketList, timeoutMs: number): number {
    list.count = 0;
    if (!this.#isOpen) throw new Error('EBADF: the queue is closed, read');
    if (start < 0 || end < start || end > slab.length) throw new RangeError('start and end must lie in the slab');
    if (list.offset.length === 0 || nextOffset(start) + MAX_PACKET > end) return 0;
    if (this.#waiting.length === 0) this.#wait(timeoutMs);
    return this.#drain(slab, start, end, list);
  }

  writeBatch(slab: Uint8Array, list: WriteList): number {
    const packets = gather(slab, list);
    let refused = 0;
    for (const [i, packet] of packets.entries()) {
      const errno = this.#write(packet);
      list.results[i] = errno;
      if (errno !== 0) refused++;
    }
    return refused;
  }

  close(): void {
    this.#isOpen = false;
  }

  /** Waits for a wake-up; on one thread nothing can be delivered meanwhile. */
  #wait(timeoutMs: number): void {
    Atomics.wait(this.wakeCell, 0, 0, timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs);
    Atomics.store(this.wakeCell, 0, 0);
  }

  #drain(slab: Uint8Array, start: number, end: number, list: PacketList): number {
    let next = start;
    while (list.count < list.offset.length && nextOffset(next) + MAX_PACKET <= end) {
      const one = this.#waiting.shift();
      if (one === undefined) break;
      const at = nextOffset(next);
      slab.set(one.header, at - OFFLOAD_HEADER);
      slab.set(one.packet, at);
      list.offset[list.count] = at;
      list.length[list.count++] = one.packet.length;
      next = at + one.packet.length;
    }
    return list.count;
  }

  /** Takes a packet as Linux' tun_get_user does. @returns 0 or the errno */
  #write(bytes: Uint8Array): number {
    if (!this.#isOpen) return EBADF;
    if (bytes.length <= OFFLOAD_HEADER) return EINVAL;
    const packet = bytes.slice(OFFLOAD_HEADER);
    const version = (packet[0] as number) >> 4;
    if (version !== 4 && version !== 6) return EINVAL;
    if (this.capabilities.vnetHeader && !checksumFits(bytes)) return EINVAL;
    const errno = this.refuse?.(packet) ?? 0;
    if (errno === 0) this.written.push({ header: bytes.slice(0, OFFLOAD_HEADER), packet });
    return errno;
  }
}

const nextOffset = (after: number): number => (after + HEADROOM + 3) & ~3;

/** Whether the checksum field that the offload header names lies inside the packet. */
function checksumFits(bytes: Uint8Array): boolean {
  const s = slabOver(bytes);
  if ((checksumFlags(s, 0) & NEEDS_CSUM) === 0) return true;
  return csumStart(s, 0) + csumOffset(s, 0) + 2 <= bytes.length - OFFLOAD_HEADER;
}

/** The packets of a list, pieces joined. Throws RangeError before anything is written. */
function gather(slab: Uint8Array, list: WriteList): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let first = 0;
  for (let i = 0; i < list.packets; i++) {
    const last = list.pieceEnd[i] as number;
    if (last <= first || last - first > MAX_PIECES || last > list.pieceOffset.length) {
      throw new RangeError('a packet must have 1 to 64 pieces');
    }
    const pieces: Uint8Array[] = [];
    for (let k = first; k < last; k++)
      pieces.push(piece(slab, list.pieceOffset[k] as number, list.pieceLength[k] as number));
    packets.push(new Uint8Array(Buffer.concat(pieces)));
    first = last;
  }
  return packets;
}

function piece(slab: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset < 0 || length < 0 || offset + length > slab.length) throw new RangeError('a piece lies outside the slab');
  return slab.subarray(offset, offset + length);
}
