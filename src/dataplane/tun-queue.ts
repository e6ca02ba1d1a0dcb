// The interface between the packet loop and an operating system's virtual interface. Two implementations at least: the
// platform's device and the tests' in-memory one; both pass test/compliance/tun-queue.ts.

import type { PacketList } from '../core/wire/slab.ts';

/** What the opened device can do; shown in status. */
export interface TunCapabilities {
  /** Packets carry an offload header that the kernel fills in and obeys. */
  readonly vnetHeader: boolean;
  /** TCP super-packets up to 64 KiB in both families. */
  readonly tcpSegmentation: boolean;
  /** UDP super-packets (USO) in both families. */
  readonly udpSegmentation: boolean;
}

/** Packets to write, each of one or more pieces of the slab. The first piece starts with the offload header. */
export interface WriteList {
  readonly pieceOffset: Int32Array;
  readonly pieceLength: Int32Array;
  /** Index after the last piece of each packet. */
  readonly pieceEnd: Int32Array;
  /** Receives 0 or the errno of each packet. */
  readonly results: Int32Array;
  packets: number;
  pieces: number;
}

/** Makes an empty write list. */
export function makeWriteList(packets: number, pieces: number): WriteList {
  return {
    pieceOffset: new Int32Array(pieces),
    pieceLength: new Int32Array(pieces),
    pieceEnd: new Int32Array(packets),
    results: new Int32Array(packets),
    packets: 0,
    pieces: 0,
  };
}

/** One queue of a virtual interface, used by one thread. */
export interface TunQueue {
  readonly capabilities: TunCapabilities;
  /**
   * Reads what is there, waiting up to `timeoutMs` (-1: for ever) for the first packet or for {@link TunQueue} to be woken.
   * Packets land in `slab` between `start` and `end`, HEADROOM before each, offload header filled in (zero where the device has none).
   * Replaces the list's offsets, lengths and count; leaves its spare part alone.
   * @returns the number of packets; 0 after a wake-up or time-out. Throws when the device is gone.
   */
  readBatch(slab: Uint8Array, start: number, end: number, list: PacketList, timeoutMs: number): number;
  /** Writes all packets. @returns how many the device refused; their errno is in `results`. */
  writeBatch(slab: Uint8Array, list: WriteList): number;
  /** Ends this queue; the interface goes with the last one unless it is persistent. */
  close(): void;
}
