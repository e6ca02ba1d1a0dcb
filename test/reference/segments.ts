// What an offloaded packet stands for: the plain packets that a network card would have sent (virtio 1.2 §5.1.6, and Linux'
// tcp_gso_segment and udp_gso_segment). For the rule that a super-packet and its segments translate to the same bytes.

import { bytes16, concat, ipv4Bytes, read16, read32, withBytes } from './bytes.ts';
import { internetChecksum, pseudoHeader4, pseudoHeader6 } from './checksum.ts';
import { TCP, UDP } from './model.ts';

interface Offload {
  readonly needsChecksum: boolean;
  readonly type: number;
  readonly segmentSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

function parseOffload(h: Uint8Array): Offload {
  const little16 = (at: number) => h[at] + h[at + 1] * 256;
  const needsChecksum = (h[0] & 1) !== 0;
  const type = h[1] & 0x7f;
  return { needsChecksum, type, segmentSize: little16(4), checksumStart: little16(6), checksumOffset: little16(8) };
}

const PLAIN = 0;
/** gso_type → protocol and IP version; 0: either. */
const TYPES: Readonly<Record<number, { readonly protocol: number; readonly version: number }>> = {
  1: { protocol: TCP, version: 4 },
  4: { protocol: TCP, version: 6 },
  5: { protocol: UDP, version: 0 },
};

/**
 * Splits a packet by its offload header (10 bytes) into plain packets with complete checksums.
 * @returns the segments in order, one for a packet without segmentation; null when the header does not fit the packet
 */
export function referenceSegments(packet: Uint8Array, offloadHeader: Uint8Array): Uint8Array[] | null {
  if (offloadHeader.length !== 10 || packet.length < 20) return null;
  const offload = parseOffload(offloadHeader);
  if (offload.type === PLAIN && !offload.needsChecksum) return [packet];
  const start = offload.checksumStart;
  const headerLength = offload.type === PLAIN ? start : segmentHeaderLength(packet, offload);
  if (!offload.needsChecksum || headerLength === null) return null;
  if (start + offload.checksumOffset + 2 > packet.length || headerLength > packet.length) return null;
  if (offload.type === PLAIN) return [completeChecksum(packet, start, offload.checksumOffset)];
  return split(packet, headerLength, offload).map((s) => completeChecksum(s, start, offload.checksumOffset));
}

/** IP and transport header together, or null if type, version, checksum place and lengths contradict one another. */
function segmentHeaderLength(packet: Uint8Array, offload: Offload): number | null {
  const kind = TYPES[offload.type];
  const version = packet[0] >> 4;
  const start = offload.checksumStart;
  const smallestIpHeader = version === 4 ? 20 : 40;
  if (kind === undefined || offload.segmentSize === 0 || start < smallestIpHeader) return null;
  if (kind.version !== 0 && kind.version !== version) return null;
  if (offload.checksumOffset !== (kind.protocol === TCP ? 16 : 6) || start + 20 > packet.length + 12) return null;
  return start + (kind.protocol === TCP ? (packet[start + 12] >> 4) * 4 : 8);
}

function split(packet: Uint8Array, headerLength: number, offload: Offload): Uint8Array[] {
  const header = packet.slice(0, headerLength);
  const data = packet.slice(headerLength);
  const count = Math.max(1, Math.ceil(data.length / offload.segmentSize));
  return Array.from({ length: count }, (_, i) => {
    const piece = data.slice(i * offload.segmentSize, (i + 1) * offload.segmentSize);
    const segment = concat(segmentIpHeader(header, i, piece.length), piece);
    if (TYPES[offload.type]?.protocol === UDP) {
      return withBytes(segment, offload.checksumStart + 4, bytes16(8 + piece.length));
    }
    return segmentTcpHeader(segment, offload, i, i === count - 1);
  });
}

/** Lengths, and in IPv4 the Identification, one more each (RFC 6864 allows it; Linux does it). */
function segmentIpHeader(header: Uint8Array, index: number, dataLength: number): Uint8Array {
  if (header[0] >> 4 === 6) return withBytes(header, 4, bytes16(header.length - 40 + dataLength));
  const sized = withBytes(header, 2, bytes16(header.length + dataLength));
  const numbered = withBytes(sized, 4, bytes16(read16(header, 4) + index));
  const cleared = withBytes(numbered, 10, [0, 0]);
  return withBytes(cleared, 10, bytes16(internetChecksum(cleared.slice(0, (header[0] & 15) * 4))));
}

const FIN_PSH = 0x09;
const CWR = 0x80;

/** Sequence number; FIN and PSH on the last segment only, CWR on the first only. */
function segmentTcpHeader(segment: Uint8Array, offload: Offload, index: number, isLast: boolean): Uint8Array {
  const at = offload.checksumStart;
  const sequence = (read32(segment, at + 4) + index * offload.segmentSize) % 2 ** 32;
  const flags = segment[at + 13] & ~(isLast ? 0 : FIN_PSH) & ~(index === 0 ? 0 : CWR);
  return withBytes(withBytes(segment, at + 4, ipv4Bytes(sequence)), at + 13, [flags]);
}

/** RFC 793, RFC 768, RFC 8200 §8.1: the whole checksum in place of the pseudo-header's sum. */
function completeChecksum(packet: Uint8Array, start: number, offset: number): Uint8Array {
  const cleared = withBytes(packet, start + offset, [0, 0]);
  const transport = cleared.slice(start);
  const protocol = offset === 16 ? TCP : UDP;
  const pseudo =
    packet[0] >> 4 === 4
      ? pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, transport.length)
      : pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, transport.length);
  const checksum = internetChecksum(pseudo, transport);
  return withBytes(packet, start + offset, bytes16(checksum === 0 && protocol === UDP ? 0xffff : checksum));
}
