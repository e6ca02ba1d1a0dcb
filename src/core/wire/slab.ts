// Slab and PacketList: the memory that a batch of packets lives in. Owned by one worker, reused for every batch.
//
// A packet is never an object. It is an offset and a length into the slab, read in, translated and written out in place:
//
//     offset-64 … offset-10   offset-10 … offset   offset … offset+length
//     [ head room           ][ offload header     ][ IP header, payload   ]
//
// An IPv4 header that grows into an IPv6 header (+20, with a Fragment Header +28) grows to the left, over the offload
// header, which is written again before the new start. The payload never moves. The tail of the slab, from `spareStart`
// on, is where packets that have no place of their own are built: ICMP errors, fragments, segments.

/** Bytes that are free before each packet's first byte, the offload header included. */
export const HEADROOM = 64;

/** Largest packet that a slot takes: the IP header's 65,535 bytes and the 40 that a jumbo-free IPv6 length leaves out. */
export const MAX_PACKET = 65_575;

/** A byte buffer with the one DataView and the one Uint8Array that all packet code uses. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Makes a slab of `size` bytes. Throws RangeError if the memory is not there. */
export function makeSlab(size: number): Slab {
  const buffer = new ArrayBuffer(size);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

/**
 * Wraps existing memory as a slab.
 * @param bytes any view; it must start at its buffer's byte 0 or the offsets count from the view's start
 */
export function slabOver(bytes: Uint8Array): Slab {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** A list of packets in one slab, and the part of the slab that is free for new packets. Never throws. */
export interface PacketList {
  /** First byte of each packet's IP header. The offload header stands in the ten bytes before. */
  readonly offset: Int32Array;
  /** Length of each packet in bytes, from its IP header on. */
  readonly length: Int32Array;
  /** Packets in the list. */
  count: number;
  /** First free byte for packets that have no place of their own; moves on as they are built. */
  spareStart: number;
  /** Byte after the last free one. */
  spareEnd: number;
}

/** Makes an empty list for at most `capacity` packets with no spare room. */
export function makePacketList(capacity: number): PacketList {
  return {
    offset: new Int32Array(capacity),
    length: new Int32Array(capacity),
    count: 0,
    spareStart: 0,
    spareEnd: 0,
  };
}

/**
 * Reserves room for one packet of up to `length` bytes in the spare part, head room before it and its start 4-aligned.
 * @returns the offset for its IP header, or -1 when the list is full or the room is used up (nothing changes then)
 */
export function reserve(list: PacketList, length: number): number {
  const at = (list.spareStart + HEADROOM + 3) & ~3;
  if (at + length > list.spareEnd || list.count >= list.offset.length) return -1;
  list.spareStart = at + length;
  return at;
}

/** Appends a packet. The caller has checked that there is room (`count < offset.length`). */
export function append(list: PacketList, offset: number, length: number): void {
  const i = list.count;
  list.offset[i] = offset;
  list.length[i] = length;
  list.count = i + 1;
}
