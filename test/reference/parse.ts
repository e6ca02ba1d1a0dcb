// Bytes → packet objects, with every check of length and structure. `isQuoted`: a packet inside an ICMP error, which may be
// cut short and whose header checksum is not ours to judge.

import { read16, read32 } from './bytes.ts';
import { isChecksumRight } from './checksum.ts';
import { type FragmentHeader, type Ipv4Packet, type ParsedIpv6, Refusal } from './model.ts';

/** How a packet is looked at. */
export interface ParseMode {
  readonly isQuoted: boolean;
  readonly toleratesHeaderChecksum?: boolean;
}

/** RFC 791 §3.1. Throws Refusal. */
export function parseIpv4(bytes: Uint8Array, mode: ParseMode): Ipv4Packet {
  if (bytes.length < 20) throw new Refusal('too-short');
  if (bytes[0] >> 4 !== 4) throw new Refusal('bad-version');
  const headerLength = (bytes[0] & 15) * 4;
  const totalLength = read16(bytes, 2);
  // T-4.1-04
  if (headerLength < 20 || headerLength > bytes.length || totalLength < headerLength) throw new Refusal('bad-length');
  if (totalLength > bytes.length && !mode.isQuoted) throw new Refusal('bad-length');
  const isUnchecked = mode.isQuoted || mode.toleratesHeaderChecksum === true;
  if (!isUnchecked && !isChecksumRight(bytes.slice(0, headerLength))) throw new Refusal('bad-header-checksum');
  return {
    tos: bytes[1],
    identification: read16(bytes, 4),
    dontFragment: (bytes[6] & 0x40) !== 0,
    moreFragments: (bytes[6] & 0x20) !== 0,
    fragmentOffset: (read16(bytes, 6) & 0x1fff) * 8,
    ttl: bytes[8],
    protocol: bytes[9],
    source: read32(bytes, 12),
    destination: read32(bytes, 16),
    options: bytes.slice(20, headerLength),
    payload: bytes.slice(headerLength, totalLength), // T-4.1-04: link padding is cut off
    payloadLength: totalLength - headerLength,
  };
}

/** RFC 791 §3.2 and RFC 8200 §4.5: a piece ends within 65,535 bytes, and all but the last are whole eights. Throws Refusal. */
export function checkPiece(offset: number, more: boolean, length: number): void {
  if (more && (length % 8 !== 0 || length === 0)) throw new Refusal('bad-fragment');
  if (offset > 0 && offset + length > 65535) throw new Refusal('bad-fragment');
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
/** All extension headers of the IANA registry but ESP: RFC 7915 §5.1.1 names AH among them. */
const AFTER_FRAGMENT = [HOP_BY_HOP, ROUTING, FRAGMENT, 51, DESTINATION_OPTIONS, 135, 139, 140];

/** Most extension headers before the upper layer or the Fragment Header. Five are of use (RFC 8200 §4.1). */
export const MAX_EXTENSION_HEADERS = 8;

/** RFC 8200 §3 and §4. Throws Refusal. */
export function parseIpv6(bytes: Uint8Array, mode: ParseMode): ParsedIpv6 {
  if (bytes.length < 40) throw new Refusal('too-short');
  if (bytes[0] >> 4 !== 6) throw new Refusal('bad-version');
  const end = 40 + read16(bytes, 4);
  // T-5.1-07: a payload length of zero before Hop-by-Hop options is a jumbogram (RFC 2675 §3).
  if (end === 40 && bytes[6] === HOP_BY_HOP) throw new Refusal('bad-length');
  if (end > bytes.length && !mode.isQuoted) throw new Refusal('bad-length');
  const chain = walkExtensionHeaders(bytes.slice(0, end), bytes[6]);
  const payloadLength = end - chain.at;
  if (payloadLength < 0) throw new Refusal('bad-extension');
  return {
    trafficClass: (read16(bytes, 0) >> 4) & 0xff,
    hopLimit: bytes[7],
    source: bytes.slice(8, 24),
    destination: bytes.slice(24, 40),
    fragment: chain.fragment,
    protocol: chain.protocol,
    payload: bytes.slice(chain.at, end),
    payloadLength,
    payloadAt: chain.at,
    segmentsLeftAt: chain.segmentsLeftAt,
  };
}

interface Chain {
  readonly protocol: number;
  readonly at: number;
  readonly fragment: FragmentHeader | null;
  readonly segmentsLeftAt: number;
}

/** T-5.1-04: skips the headers that end here, up to the first Fragment Header; `bytes` ends where the packet does. */
function walkExtensionHeaders(bytes: Uint8Array, first: number): Chain {
  let protocol = first;
  let at = 40;
  let segmentsLeftAt = 0;
  for (let count = 0; [HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS].includes(protocol); count++) {
    if (count === MAX_EXTENSION_HEADERS || at + 8 > bytes.length) throw new Refusal('bad-extension');
    if (protocol === ROUTING && segmentsLeftAt === 0 && bytes[at + 3] !== 0) segmentsLeftAt = at + 3;
    protocol = bytes[at];
    at += (bytes[at + 1] + 1) * 8;
    if (at > bytes.length) throw new Refusal('bad-extension');
  }
  if (protocol !== FRAGMENT) return { protocol, at, fragment: null, segmentsLeftAt };
  if (at + 8 > bytes.length) throw new Refusal('bad-extension');
  return endAtFragmentHeader(bytes, at, segmentsLeftAt);
}

function endAtFragmentHeader(bytes: Uint8Array, at: number, segmentsLeftAt: number): Chain {
  const field = read16(bytes, at + 2);
  const fragment = { identification: read32(bytes, at + 4), offset: field & 0xfff8, more: (field & 1) !== 0 };
  return { protocol: bytes[at], at: at + 8, fragment, segmentsLeftAt };
}

/** T-5.1-04: RFC 7915 §5.1: ICMPv6 4/0, pointing at the Segments Left octet. Throws Refusal. */
export function refuseSegmentsLeft(p: ParsedIpv6): void {
  const at = p.segmentsLeftAt;
  if (at === 0) return;
  throw new Refusal('routing-header', { type: 4, code: 0, rest: Uint8Array.of(0, 0, at >> 8, at) });
}

/** T-5.1-03. Throws Refusal. */
export function refuseExtensionAfterFragment(p: ParsedIpv6): void {
  if (p.fragment !== null && AFTER_FRAGMENT.includes(p.protocol)) throw new Refusal('fragment-extension');
}
