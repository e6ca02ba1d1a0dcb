// Packet objects → bytes, whole or in fragments.

import { bytes16, concat, ipv4Bytes, withBytes } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import type { FragmentHeader, Ipv4Packet, Ipv6Packet } from './model.ts';

/** RFC 791 §3.1, without options. */
export function emitIpv4(packet: Ipv4Packet): Uint8Array {
  const flags = (packet.dontFragment ? 0x4000 : 0) | (packet.moreFragments ? 0x2000 : 0);
  const header = concat(
    Uint8Array.of(0x45, packet.tos),
    bytes16(20 + packet.payloadLength),
    bytes16(packet.identification),
    bytes16(flags | (packet.fragmentOffset / 8)),
    Uint8Array.of(packet.ttl, packet.protocol, 0, 0),
    ipv4Bytes(packet.source),
    ipv4Bytes(packet.destination),
  );
  return concat(withBytes(header, 10, bytes16(internetChecksum(header))), packet.payload);
}

/** RFC 8200 §3; Flow Label 0 (T-4.1-01). */
export function emitIpv6(packet: Ipv6Packet): Uint8Array {
  const extension = packet.fragment === null ? new Uint8Array() : emitFragmentHeader(packet.fragment, packet.protocol);
  return concat(
    bytes16(0x6000 | (packet.trafficClass << 4)),
    bytes16(0),
    bytes16(extension.length + packet.payloadLength),
    Uint8Array.of(packet.fragment === null ? packet.protocol : 44, packet.hopLimit),
    packet.source,
    packet.destination,
    extension,
    packet.payload,
  );
}

/** RFC 8200 §4.5 */
function emitFragmentHeader(fragment: FragmentHeader, protocol: number): Uint8Array {
  const field = fragment.offset | (fragment.more ? 1 : 0);
  return concat(Uint8Array.of(protocol, 0), bytes16(field), ipv4Bytes(fragment.identification));
}

/** RFC 8200 §4.5: IPv6 fragments of at most `limit` bytes. The packet has a Fragment Header already. */
export function fragmentIpv6(packet: Ipv6Packet & { fragment: FragmentHeader }, limit: number): Uint8Array[] {
  return pieces(packet.payload, limit - 48).map(({ at, payload, isLast }) =>
    emitIpv6({
      ...packet,
      payload,
      payloadLength: payload.length,
      fragment: { ...packet.fragment, offset: packet.fragment.offset + at, more: packet.fragment.more || !isLast },
    }),
  );
}

/** RFC 791 §3.2: IPv4 fragments of at most `limit` bytes. */
export function fragmentIpv4(packet: Ipv4Packet, limit: number): Uint8Array[] {
  return pieces(packet.payload, limit - 20).map(({ at, payload, isLast }) =>
    emitIpv4({
      ...packet,
      payload,
      payloadLength: payload.length,
      fragmentOffset: packet.fragmentOffset + at,
      moreFragments: packet.moreFragments || !isLast,
    }),
  );
}

/** Cuts a payload into pieces of the largest multiple of eight that fits `room`. */
function pieces(payload: Uint8Array, room: number): { at: number; payload: Uint8Array; isLast: boolean }[] {
  const size = Math.floor(room / 8) * 8;
  const out = [];
  for (let at = 0; at < payload.length; at += size) {
    out.push({ at, payload: payload.slice(at, at + size), isLast: at + size >= payload.length });
  }
  return out;
}
