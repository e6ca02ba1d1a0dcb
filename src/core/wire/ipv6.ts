// IPv6 header, RFC 8200 §3, and the Fragment Header, §4.5.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-------+---------------+---------------------------------------+
//     |Version| Traffic Class |              Flow Label               |
//     +-------+---------------+-------+---------------+---------------+
//     |         Payload Length        |  Next Header  |   Hop Limit   |
//     +-------------------------------+---------------+---------------+
//     |                   Source Address (16 bytes)                   |
//     |                Destination Address (16 bytes)                 |
//     +---------------------------------------------------------------+
//
//     +---------------+---------------+-------------------------+---+-+
//     |  Next Header  |    Reserved   |     Fragment Offset     |Res|M|
//     +---------------+---------------+-------------------------+---+-+
//     |                         Identification                        |
//     +---------------------------------------------------------------+

import type { Slab } from './slab.ts';

/** Length of the fixed header. */
export const IPV6_HEADER = 40;
/** Length of the Fragment Header. */
export const FRAGMENT_HEADER = 8;

const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
/** Offset of the source address: 16 bytes. */
export const IPV6_SOURCE = 8;
/** Offset of the destination address: 16 bytes. */
export const IPV6_DESTINATION = 24;

/** `check` results: fits, or what is wrong. */
export const IPV6_OK = 0;
export const IPV6_TOO_SHORT = -1;
export const IPV6_BAD_LENGTH = -2;

/**
 * Checks that header and payload length fit into `length` bytes from `at`. After IPV6_OK no accessor below leaves the packet.
 * A payload length of zero is a packet without payload: jumbograms (RFC 2675) do not exist here.
 * @returns IPV6_OK, IPV6_TOO_SHORT or IPV6_BAD_LENGTH. Never throws.
 */
export function checkIpv6(s: Slab, at: number, length: number): number {
  if (length < IPV6_HEADER) return IPV6_TOO_SHORT;
  return payloadLength(s, at) + IPV6_HEADER > length ? IPV6_BAD_LENGTH : IPV6_OK;
}

export const trafficClass = (s: Slab, at: number): number => (s.view.getUint16(at) >>> 4) & 0xff;
export const payloadLength = (s: Slab, at: number): number => s.view.getUint16(at + PAYLOAD_LENGTH);
export const nextHeader = (s: Slab, at: number): number => s.view.getUint8(at + NEXT_HEADER);
export const hopLimit = (s: Slab, at: number): number => s.view.getUint8(at + HOP_LIMIT);
export const setPayloadLength = (s: Slab, at: number, value: number): void =>
  s.view.setUint16(at + PAYLOAD_LENGTH, value);

/** Writes the first 8 bytes of the header: version 6, class, flow label 0, payload length, next header, hop limit. */
export function emitIpv6Start(
  s: Slab,
  at: number,
  trafficClassOctet: number,
  payload: number,
  next: number,
  hops: number,
): void {
  s.view.setInt32(at, 0x60000000 | (trafficClassOctet << 20));
  s.view.setInt32(at + PAYLOAD_LENGTH, (payload << 16) | (next << 8) | hops);
}

/** Writes an address of four signed 32-bit words at `at`. */
export function emitAddress(s: Slab, at: number, w0: number, w1: number, w2: number, w3: number): void {
  const v = s.view;
  v.setInt32(at, w0);
  v.setInt32(at + 4, w1);
  v.setInt32(at + 8, w2);
  v.setInt32(at + 12, w3);
}

/** Copies the 16 bytes of an address within the slab. */
export function copyAddress(s: Slab, from: number, to: number): void {
  const v = s.view;
  emitAddress(s, to, v.getInt32(from), v.getInt32(from + 4), v.getInt32(from + 8), v.getInt32(from + 12));
}

/** Fragment Header: the offset, reserved and M word; the offset is in its high 13 bits, so masking 0xfff8 gives bytes. */
export const fragmentField = (s: Slab, header: number): number => s.view.getUint16(header + 2);
export const fragmentNextHeader = (s: Slab, header: number): number => s.view.getUint8(header);
/** Low half of the 32-bit identification, which is what IPv4 keeps (RFC 7915 §5.1.1). */
export const fragmentIdentificationLow = (s: Slab, header: number): number => s.view.getUint16(header + 6);
/** M flag of the fragment field. */
export const FRAGMENT_MORE = 1;
/** Bytes part of the fragment field. */
export const FRAGMENT_OFFSET_MASK = 0xfff8;

/** Writes a Fragment Header. `field` is byte offset | M. */
export function emitFragmentHeader(s: Slab, header: number, next: number, field: number, id: number): void {
  s.view.setInt32(header, (next << 24) | field);
  s.view.setInt32(header + 4, id);
}

/** Sum of the 16-bit words of an address, for pseudo-headers; below 2^20. */
export function sumAddress(s: Slab, at: number): number {
  const v = s.view;
  const a = v.getInt32(at);
  const b = v.getInt32(at + 4);
  const c = v.getInt32(at + 8);
  const d = v.getInt32(at + 12);
  return (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff) + (c >>> 16) + (c & 0xffff) + (d >>> 16) + (d & 0xffff);
}
