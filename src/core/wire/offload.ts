// The offload header before each packet: struct virtio_net_hdr, OASIS virtio 1.2 §5.1.6, as Linux' TUN passes it with
// IFF_VNET_HDR and a header size of 10. Devices without offload leave it zero, which means "one plain packet".
//
//      0       1       2               4               6               8              10
//     +-------+-------+---------------+---------------+---------------+---------------+
//     | flags |gsoType|    hdrLen     |   gsoSize     |  csumStart    |  csumOffset   |   (little-endian here)
//     +-------+-------+---------------+---------------+---------------+---------------+
//
// All offsets in it count from the packet's IP header.

import type { Slab } from './slab.ts';

/** Length of the offload header, which stands right before the packet. */
export const OFFLOAD_HEADER = 10;

const FLAGS = 0;
const GSO_TYPE = 1;
const HDR_LEN = 2;
const GSO_SIZE = 4;
const CSUM_START = 6;
const CSUM_OFFSET = 8;

/** The transport checksum holds only the pseudo-header sum; whoever sends the packet completes it. */
export const NEEDS_CSUM = 1;
/** The transport checksum was verified by whoever received the packet. */
export const DATA_VALID = 2;

export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
export const GSO_TCPV6 = 4;
/** UDP segmentation (USO), both families. */
export const GSO_UDP_L4 = 5;
/** Bit on a TCP type: the first segment carries CWR. */
export const GSO_ECN = 0x80;

/** @param h offset of the offload header (packet offset − 10) */
export const flags = (s: Slab, h: number): number => s.view.getUint8(h + FLAGS);
export const gsoType = (s: Slab, h: number): number => s.view.getUint8(h + GSO_TYPE);
export const hdrLen = (s: Slab, h: number): number => s.view.getUint16(h + HDR_LEN, true);
export const gsoSize = (s: Slab, h: number): number => s.view.getUint16(h + GSO_SIZE, true);
export const csumStart = (s: Slab, h: number): number => s.view.getUint16(h + CSUM_START, true);
export const csumOffset = (s: Slab, h: number): number => s.view.getUint16(h + CSUM_OFFSET, true);

/** Writes a whole offload header; `h` as above. Never throws inside a packet's head room. */
export function emitOffload(
  s: Slab,
  h: number,
  flagBits: number,
  type: number,
  headerLength: number,
  segmentSize: number,
  checksumStart: number,
  checksumOffset: number,
): void {
  const v = s.view;
  v.setUint8(h + FLAGS, flagBits);
  v.setUint8(h + GSO_TYPE, type);
  v.setUint16(h + HDR_LEN, headerLength, true);
  v.setUint16(h + GSO_SIZE, segmentSize, true);
  v.setUint16(h + CSUM_START, checksumStart, true);
  v.setUint16(h + CSUM_OFFSET, checksumOffset, true);
}

/** Marks a packet as plain: nothing offloaded. */
export function clearOffload(s: Slab, h: number): void {
  s.view.setUint32(h, 0);
  s.view.setUint32(h + 4, 0);
  s.view.setUint16(h + 8, 0);
}

/** The fields of an offload header, read before a new one overwrites it. One object, reused. */
export interface OffloadFields {
  flags: number;
  type: number;
  hdrLen: number;
  gsoSize: number;
  csumStart: number;
  csumOffset: number;
}

/** Makes the object that readOffload fills; all zero is a plain packet. */
export const makeOffloadFields = (): OffloadFields => ({
  flags: 0,
  type: 0,
  hdrLen: 0,
  gsoSize: 0,
  csumStart: 0,
  csumOffset: 0,
});

/** Whether the offload header says "one plain packet": no flag, no type. One load for the hot path. */
export const isPlain = (s: Slab, h: number): boolean => s.view.getUint16(h) === 0;

/** Reads the header at `h` into `fields`. */
export function readOffload(s: Slab, h: number, fields: OffloadFields): void {
  fields.flags = flags(s, h);
  fields.type = gsoType(s, h);
  fields.hdrLen = hdrLen(s, h);
  fields.gsoSize = gsoSize(s, h);
  fields.csumStart = csumStart(s, h);
  fields.csumOffset = csumOffset(s, h);
}
