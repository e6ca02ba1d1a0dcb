// One queue of a TUN interface as the packet loop sees it. Made in the worker thread from numbers that the owner of the
// interface hands over; it borrows the descriptors and never closes them.

import { OFFLOAD_HEADER } from '../../core/wire/offload.ts';
import { HEADROOM, MAX_PACKET, type PacketList } from '../../core/wire/slab.ts';
import type { TunCapabilities, TunQueue, WriteList } from '../../dataplane/tun-queue.ts';
import { type LinuxShim, loadLinuxShim } from '../native.ts';

/** What a worker needs to know of its queue; plain data, so it passes through `workerData`. */
export interface TunQueueNumbers {
  /** The queue's file descriptor. */
  readonly fd: number;
  /** An eventfd; whoever adds to it wakes a `readBatch`. */
  readonly wakeFd: number;
  readonly capabilities: TunCapabilities;
}

/**
 * Makes the queue for this thread.
 * @param numbers from {@link TunDevice}, which must stay open until this queue is closed
 * @throws XlatError ADDON_MISSING
 */
export function tunQueue(numbers: TunQueueNumbers, shim: LinuxShim = loadLinuxShim()): TunQueue {
  return new LinuxTunQueue(numbers, shim);
}

class LinuxTunQueue implements TunQueue {
  readonly capabilities: TunCapabilities;
  readonly #shim: LinuxShim;
  readonly #wakeFd: number;
  readonly #vnetSize: number;
  #fd: number;

  constructor(numbers: TunQueueNumbers, shim: LinuxShim) {
    this.capabilities = numbers.capabilities;
    this.#shim = shim;
    this.#fd = numbers.fd;
    this.#wakeFd = numbers.wakeFd;
    this.#vnetSize = numbers.capabilities.vnetHeader ? OFFLOAD_HEADER : 0;
  }

  readBatch(slab: Uint8Array, start: number, end: number, list: PacketList, timeoutMs: number): number {
    const { offset, length } = list;
    const vnet = this.#vnetSize;
    list.count = this.#shim.tunReadBatch(
      this.#fd,
      this.#wakeFd,
      timeoutMs,
      slab,
      start,
      end,
      HEADROOM,
      MAX_PACKET,
      vnet,
      offset,
      length,
      offset.length,
    );
    // The signal is taken back before the caller looks at what it was woken for, so none is lost.
    if (list.count === 0) this.#shim.eventFdClear(this.#wakeFd);
    else if (vnet === 0) clearOffloadHeaders(slab, list);
    return list.count;
  }

  writeBatch(slab: Uint8Array, list: WriteList): number {
    if (this.#vnetSize === 0) shiftFirstPieces(list, OFFLOAD_HEADER);
    try {
      return this.#shim.tunWriteBatch(
        this.#fd,
        slab,
        list.pieceOffset,
        list.pieceLength,
        list.pieceEnd,
        list.packets,
        list.results,
      );
    } finally {
      if (this.#vnetSize === 0) shiftFirstPieces(list, -OFFLOAD_HEADER);
    }
  }

  close(): void {
    this.#fd = -1;
  }
}

/** A device without offload header: every packet is a plain one. */
function clearOffloadHeaders(slab: Uint8Array, list: PacketList): void {
  for (let i = 0; i < list.count; i++) {
    const at = list.offset[i] as number;
    slab.fill(0, at - OFFLOAD_HEADER, at);
  }
}

/** Leaves the offload header out of each packet's first piece, or takes it back in. A wrong offset stays as wrong as it is. */
function shiftFirstPieces(list: WriteList, by: number): void {
  const lowest = by > 0 ? 0 : -by;
  let first = 0;
  for (let i = 0; i < list.packets; i++) {
    const offset = list.pieceOffset[first];
    if (offset !== undefined && offset >= lowest) {
      list.pieceOffset[first] = offset + by;
      list.pieceLength[first] = (list.pieceLength[first] as number) - by;
    }
    first = list.pieceEnd[i] as number;
  }
}
