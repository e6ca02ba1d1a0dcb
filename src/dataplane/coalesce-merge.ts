// The two steps of coalescing that touch checksums: is a segment intact, and the header of a finished super-packet.
// Read first: coalesce.ts, coalesce-rules.ts.

import { fold } from '../core/wire/checksum.ts';
import { IPV4_HEADER, setTotalLength, writeHeaderChecksum } from '../core/wire/ipv4.ts';
import { IPV6_HEADER, setPayloadLength } from '../core/wire/ipv6.ts';
import {
  DATA_VALID,
  emitOffload,
  flags,
  GSO_ECN,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
  OFFLOAD_HEADER,
} from '../core/wire/offload.ts';
import { TCP } from '../core/wire/protocol.ts';
import type { SegmentSum } from '../core/wire/segment-checksum.ts';
import type { Slab } from '../core/wire/slab.ts';
import { CWR, FIN, PSH, TCP_CHECKSUM, TCP_FLAGS } from '../core/wire/tcp.ts';
import { UDP_CHECKSUM, UDP_LENGTH } from '../core/wire/udp.ts';
import { addressesOf, ipHeaderOf, type Kind, protocolOf } from './coalesce-rules.ts';

const checksumField = (kind: Kind): number =>
  ipHeaderOf(kind) + (protocolOf(kind) === TCP ? TCP_CHECKSUM : UDP_CHECKSUM);

/**
 * Whether the transport checksum of a mergeable packet holds, so that computing it anew repairs no damage (T-4.5-04).
 * The kernel's word (DATA_VALID) is taken; a partial checksum must be the pseudo-header's; everything else is summed up.
 */
export function isIntact(s: Slab, at: number, length: number, kind: Kind, sum: SegmentSum): boolean {
  const bits = flags(s, at - OFFLOAD_HEADER);
  if ((bits & NEEDS_CSUM) !== 0) {
    return s.view.getUint16(at + checksumField(kind)) === pseudoHeaderSum(at, length, kind, sum);
  }
  if ((bits & DATA_VALID) !== 0) return true;
  const start = addressesOf(at, kind);
  return fold(sum(start, at + length - start) + protocolOf(kind) + length - ipHeaderOf(kind)) === 0xffff;
}

/** The pseudo-header's sum, not complemented: what the checksum field holds while NEEDS_CSUM stands (RFC 9293 §3.1, RFC 8200 §8.1). */
function pseudoHeaderSum(at: number, length: number, kind: Kind, sum: SegmentSum): number {
  const start = addressesOf(at, kind);
  const ipHeader = ipHeaderOf(kind);
  return fold(sum(start, at + ipHeader - start) + protocolOf(kind) + length - ipHeader);
}

/**
 * Turns the first packet's headers into those of the super-packet, in place.
 * @param total bytes of the super-packet from its IP header on, ≤ 65,535
 * @param headers bytes of IP and transport header
 * @param segment payload bytes of each segment but the last
 * @param last offset of the last packet's IP header: its PSH and FIN stand for all
 */
export function emitSuperHeader(
  s: Slab,
  at: number,
  kind: Kind,
  total: number,
  headers: number,
  segment: number,
  last: number,
  sum: SegmentSum,
): void {
  const v = s.view;
  const ipHeader = ipHeaderOf(kind);
  const isTcp = protocolOf(kind) === TCP;
  emitLength(s, at, ipHeader, total);
  if (isTcp) {
    const tcpFlags = v.getUint8(at + ipHeader + TCP_FLAGS) | (v.getUint8(last + ipHeader + TCP_FLAGS) & (PSH | FIN));
    v.setUint8(at + ipHeader + TCP_FLAGS, tcpFlags);
  } else {
    v.setUint16(at + ipHeader + UDP_LENGTH, total - ipHeader);
  }
  v.setUint16(at + checksumField(kind), pseudoHeaderSum(at, total, kind, sum));
  const type = isTcp ? tcpType(v, at, ipHeader) : GSO_UDP_L4;
  const field = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  emitOffload(s, at - OFFLOAD_HEADER, NEEDS_CSUM, type, headers, segment, ipHeader, field);
}

function tcpType(v: DataView, at: number, ipHeader: number): number {
  const hasCwr = (v.getUint8(at + ipHeader + TCP_FLAGS) & CWR) !== 0;
  return (ipHeader === IPV4_HEADER ? GSO_TCPV4 : GSO_TCPV6) | (hasCwr ? GSO_ECN : 0);
}

function emitLength(s: Slab, at: number, ipHeader: number, total: number): void {
  if (ipHeader === IPV6_HEADER) {
    setPayloadLength(s, at, total - IPV6_HEADER);
    return;
  }
  setTotalLength(s, at, total);
  writeHeaderChecksum(s, at);
}
