// Packets with offload metadata: rules T-O-01 … 03. The kernel's word on where things are is checked before it is used.

import {
  DATA_VALID,
  emitOffload,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
  OFFLOAD_HEADER,
  type OffloadFields,
  readOffload,
} from '../wire/offload.ts';
import { checksumOffset, TCP, UDP } from '../wire/protocol.ts';
import type { PacketList, Slab } from '../wire/slab.ts';
import { completeChecksum } from './transport.ts';

const UDP_HEADER = 8;
const TCP_HEADER = 20;
const TCP_DATA_OFFSET = 12;

/** Length of the transport header of a TCP or UDP super-packet, or -1 when it does not fit `length`. */
export function transportHeader(s: Slab, at: number, length: number, protocol: number): number {
  if (protocol === UDP) return length >= UDP_HEADER ? UDP_HEADER : -1;
  if (protocol !== TCP || length < TCP_HEADER) return -1;
  const header = (s.view.getUint8(at + TCP_DATA_OFFSET) >>> 4) << 2;
  return header >= TCP_HEADER && header <= length ? header : -1;
}

/** Results of resolveOffload. */
export const OFFLOAD_BAD = -1;
export const OFFLOAD_NONE = 0;
export const OFFLOAD_PARTIAL = 1;

/**
 * Reads and checks the offload header of a packet (rule T-O-03). What concerns the inside of a tunnel only is finished here.
 * @param at offset of the IP header; `upper`: of the transport header; `end`: byte after the packet
 * @param tcpType the GSO type that TCP has in this family
 * @returns OFFLOAD_BAD; OFFLOAD_NONE: goes on as a plain packet; OFFLOAD_PARTIAL: its own transport checksum is partial, and it
 *   may be a super-packet
 */
export function resolveOffload(
  s: Slab,
  o: OffloadFields,
  at: number,
  upper: number,
  end: number,
  protocol: number,
  tcpType: number,
  isFragment: boolean,
): number {
  readOffload(s, at - OFFLOAD_HEADER, o);
  if ((o.flags & ~(NEEDS_CSUM | DATA_VALID)) !== 0) return OFFLOAD_BAD;
  if (o.type !== GSO_NONE && !isSegmentationSound(s, o, at, upper, end, protocol, tcpType)) return OFFLOAD_BAD;
  if ((o.flags & NEEDS_CSUM) === 0) return OFFLOAD_NONE;
  const start = at + o.csumStart;
  if (isFragment || start < upper || start + o.csumOffset + 2 > end) return OFFLOAD_BAD;
  if (start === upper) return o.csumOffset === checksumOffset(protocol) ? OFFLOAD_PARTIAL : OFFLOAD_BAD;
  // A checksum further inside belongs to a tunnelled packet, whose pseudo-header does not change.
  completeChecksum(s, start, end, start + o.csumOffset);
  o.flags = 0;
  return OFFLOAD_NONE;
}

function isSegmentationSound(
  s: Slab,
  o: OffloadFields,
  at: number,
  upper: number,
  end: number,
  protocol: number,
  tcpType: number,
): boolean {
  const type = o.type & ~GSO_ECN;
  if (type === tcpType ? protocol !== TCP : type !== GSO_UDP_L4 || protocol !== UDP || o.type !== GSO_UDP_L4)
    return false;
  if ((o.flags & NEEDS_CSUM) === 0 || at + o.csumStart !== upper || o.gsoSize === 0) return false;
  const header = transportHeader(s, upper, end - upper, protocol);
  return header > 0 && o.hdrLen <= end - at && upper + header < end;
}

/** Finishes a partial checksum in place, so that the packet can be cut up. */
export function finishPartialChecksum(s: Slab, o: OffloadFields, upper: number, end: number): void {
  completeChecksum(s, upper, end, upper + o.csumOffset);
}

/**
 * Writes the offload header of a translated OFFLOAD_PARTIAL packet: TCP type swapped, offsets moved, gso_size kept (rule T-O-01).
 * @param h where it goes: 10 bytes before the new IP header
 * @param shift new minus old length of what stands before the transport header
 * @param header length of the new IP and transport headers (for a super-packet)
 */
export function emitMovedOffload(s: Slab, o: OffloadFields, h: number, shift: number, header: number): void {
  const type = swapTcp(o.type);
  emitOffload(s, h, o.flags, type, type === GSO_NONE ? 0 : header, o.gsoSize, o.csumStart + shift, o.csumOffset);
}

function swapTcp(type: number): number {
  switch (type & ~GSO_ECN) {
    case GSO_TCPV4:
      return GSO_TCPV6 | (type & GSO_ECN);
    case GSO_TCPV6:
      return GSO_TCPV4 | (type & GSO_ECN);
    default:
      return type;
  }
}

/** Keeps the word that a checksum was verified on the packet that was just appended. */
export function keepDataValid(s: Slab, o: OffloadFields, out: PacketList): void {
  if ((o.flags & DATA_VALID) !== 0) s.view.setUint8(out.offset[out.count - 1] - OFFLOAD_HEADER, DATA_VALID);
}

/** Segments that a super-packet with `payload` bytes behind its headers stands for. */
export const segmentCount = (payload: number, gsoSize: number): number => Math.max(1, Math.ceil(payload / gsoSize));
