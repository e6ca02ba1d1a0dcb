// What holds for every packet that leaves a translator, from the packet alone.

import { read16, read32 } from '../reference/bytes.ts';
import { isChecksumRight, pseudoHeader4, pseudoHeader6 } from '../reference/checksum.ts';

/** Where the upper layer of a packet is. */
interface Upper {
  readonly protocol: number;
  readonly at: number;
  /** Not a fragment. */
  readonly isWhole: boolean;
  /** A fragment's data that is not the first. */
  readonly isLater: boolean;
}

/** Headers as the engine writes them: no options, a Fragment Header at most. Input may have more: null then. */
function upperOf(packet: Uint8Array): Upper | null {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) {
    if (packet.length < 20 || packet[0] !== 0x45) return null;
    const word = read16(packet, 6);
    const offset = word & 0x1fff;
    return { protocol: packet[9] as number, at: 20, isWhole: (word & 0x3fff) === 0, isLater: offset > 0 };
  }
  if (version !== 6 || packet.length < 40) return null;
  if (packet[6] !== 44) return { protocol: packet[6] as number, at: 40, isWhole: true, isLater: false };
  if (packet.length < 48) return null;
  const field = read16(packet, 42);
  return { protocol: packet[40] as number, at: 48, isWhole: (field & 0xfff9) === 0, isLater: (field & 0xfff8) > 0 };
}

/** Wrong lengths or a wrong IPv4 header checksum, in words; null if all is right. */
export function faultsOf(packet: Uint8Array): string | null {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) {
    if (packet[0] !== 0x45) return 'IPv4 options';
    if (read16(packet, 2) !== packet.length) return `total length ${read16(packet, 2)} for ${packet.length} bytes`;
    return isChecksumRight(packet.slice(0, 20)) ? null : 'a wrong IPv4 header checksum';
  }
  if (version !== 6) return `version ${version}`;
  if (read16(packet, 4) + 40 === packet.length) return null;
  return `payload length ${read16(packet, 4)} for ${packet.length} bytes`;
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { 1: 2, 58: 2, 6: 16, 17: 6, 33: 6, 136: 6 };

/** RFC 768, RFC 3828 §3.1: a checksum of zero means none there, so 0xffff is not the same. */
const HAS_ONE_ZERO = [17, 136];

/** Offsets of the checksums above IP in which 0 and 0xffff are the same: the packet's, and in an ICMP error that of the packet inside. */
export function twoZeroPlaces(packet: Uint8Array, base = 0): number[] {
  const upper = upperOf(base === 0 ? packet : packet.slice(base));
  if (upper === null || upper.isLater || HAS_ONE_ZERO.includes(upper.protocol)) return [];
  const place = CHECKSUM_AT[upper.protocol];
  const at = base + upper.at;
  if (place === undefined || at + place + 2 > packet.length) return [];
  const isError = (upper.protocol === 1 || upper.protocol === 58) && base === 0;
  return [at + place, ...(isError && packet.length > at + 28 ? twoZeroPlaces(packet, at + 8) : [])];
}

/** Whether the transport checksum is right; null where there is none or it cannot be told. */
export function hasRightChecksums(packet: Uint8Array): boolean | null {
  const upper = upperOf(packet);
  if (upper === null || !upper.isWhole) return null;
  const end = packet[0] === 0x45 ? read16(packet, 2) : 40 + read16(packet, 4);
  const payload = packet.slice(upper.at, end);
  const place = CHECKSUM_AT[upper.protocol];
  if (place === undefined || upper.protocol === 136 || payload.length < place + 2 || end > packet.length) return null;
  if (upper.protocol === 17 && (read16(payload, 6) === 0 || read16(payload, 4) !== payload.length)) return null;
  return isChecksumRight(pseudoOf(packet, upper.protocol, payload.length), payload);
}

function pseudoOf(packet: Uint8Array, protocol: number, length: number): Uint8Array {
  if ((packet[0] as number) >> 4 === 6) {
    return pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, length);
  }
  return protocol === 1 ? new Uint8Array() : pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, length);
}
