// ICMPv4 → ICMPv6: RFC 7915 §4.2, rules T-4.2. Echo messages are changed in place by v4-to-v6.ts; errors, whose inner packet
// grows too, are built in the spare part of the slab here.

import { fold, sumBytes, updateChecksum } from '../wire/checksum.ts';
import {
  ECHO_REPLY4,
  ECHO_REPLY6,
  ECHO_REQUEST4,
  ECHO_REQUEST6,
  emitIcmp,
  FRAGMENTATION_NEEDED,
  ICMP_HEADER,
  icmpChecksum,
  icmpCode,
  icmpType,
  icmpv4Mtu,
  icmpv4Pointer,
  isIcmpv4Error,
  PACKET_TOO_BIG6,
  PARAMETER_PROBLEM4,
  PARAMETER_PROBLEM6,
  REDIRECT4,
  SOURCE_QUENCH4,
  setIcmpChecksum,
  TIME_EXCEEDED4,
  TIME_EXCEEDED6,
  UNREACHABLE4,
  UNREACHABLE6,
} from '../wire/icmp.ts';
import { isExtensible6, MIN_ORIGINAL_DATAGRAM, roomBeforeExtension, splitError } from '../wire/icmp-extension.ts';
import { tos, ttl } from '../wire/ipv4.ts';
import { emitAddress, emitIpv6Start, IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE } from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { ICMPV6 } from '../wire/protocol.ts';
import { append, type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { writeIcmpv6Checksum } from './errors.ts';
import { innerToIpv6 } from './inner.ts';
import { mtuToIpv6 } from './mtu.ts';
import type { Translator } from './translator.ts';
import {
  BAD_ICMP_CHECKSUM,
  BAD_TRANSPORT,
  ICMP_CODE,
  ICMP_TYPE,
  NO_ROOM,
  TRANSLATED,
  type Verdict,
} from './verdict.ts';

/** checkIcmpv4 and checkIcmpv6 results; negative ones are −verdict. */
export const ICMP_ECHO = 1;
export const ICMP_ERROR = 2;

/** No counterpart. */
const NONE = -1;

/** ICMPv6 type and code for each code of ICMPv4 3 (RFC 7915 §4.2); 2/0 and 4/1 need more than a code. */
const UNREACHABLE_CODES: readonly number[] = [
  pair(UNREACHABLE6, 0), // 0 net unreachable
  pair(UNREACHABLE6, 0), // 1 host unreachable
  pair(PARAMETER_PROBLEM6, 1), // 2 protocol unreachable: the Next Header field was the problem
  pair(UNREACHABLE6, 4), // 3 port unreachable
  pair(PACKET_TOO_BIG6, 0), // 4 fragmentation needed
  pair(UNREACHABLE6, 0), // 5 source route failed
  pair(UNREACHABLE6, 0), // 6 destination network unknown
  pair(UNREACHABLE6, 0), // 7 destination host unknown
  pair(UNREACHABLE6, 0), // 8 source host isolated
  pair(UNREACHABLE6, 1), // 9 network prohibited
  pair(UNREACHABLE6, 1), // 10 host prohibited
  pair(UNREACHABLE6, 0), // 11 network unreachable for this TOS
  pair(UNREACHABLE6, 0), // 12 host unreachable for this TOS
  pair(UNREACHABLE6, 1), // 13 communication prohibited
  NONE, // 14 host precedence violation
  pair(UNREACHABLE6, 1), // 15 precedence cutoff
];

/** IPv6 pointer for an IPv4 pointer: RFC 7915 §4.2, figure 3. */
const POINTERS: readonly number[] = [0, 1, 4, 4, NONE, NONE, NONE, NONE, 7, 6, NONE, NONE, 8, 8, 8, 8, 24, 24, 24, 24];

/** Octet that ICMPv6 4/1 points at for ICMPv4 3/2: Next Header. */
const NEXT_HEADER_POINTER = 6;

function pair(type: number, code: number): number {
  return (type << 8) | code;
}

/**
 * Whether and how an unfragmented ICMPv4 message can be translated.
 * @returns ICMP_ECHO, ICMP_ERROR, or −verdict
 */
export function checkIcmpv4(t: Translator, s: Slab, at: number, end: number): number {
  if (end - at < ICMP_HEADER) return -BAD_TRANSPORT;
  const type = icmpType(s, at);
  const isEcho = type === ECHO_REQUEST4 || type === ECHO_REPLY4;
  if (!isEcho && (!isIcmpv4Error(type) || type === SOURCE_QUENCH4 || type === REDIRECT4)) return -ICMP_TYPE;
  if (sumBytes(s, at, end - at, 0) !== 0xffff && !t.settings.tolerate.icmpChecksum) return -BAD_ICMP_CHECKSUM;
  if (isEcho) return ICMP_ECHO;
  return counterpart(s, at) === NONE ? -ICMP_CODE : ICMP_ERROR;
}

function counterpart(s: Slab, at: number): number {
  const code = icmpCode(s, at);
  switch (icmpType(s, at)) {
    case UNREACHABLE4:
      return code < UNREACHABLE_CODES.length ? UNREACHABLE_CODES[code] : NONE;
    case TIME_EXCEEDED4:
      return code <= 1 ? pair(TIME_EXCEEDED6, code) : NONE;
    case PARAMETER_PROBLEM4: {
      const pointer = icmpv4Pointer(s, at);
      const isKnown = (code === 0 || code === 2) && pointer < POINTERS.length && POINTERS[pointer] !== NONE;
      return isKnown ? pair(PARAMETER_PROBLEM6, 0) : NONE;
    }
    default:
      return NONE;
  }
}

/** Changes an echo message of `length` bytes in place; its checksum now covers the pseudo-header (T-4.2-01). */
export function echoToIcmpv6(t: Translator, s: Slab, at: number, length: number): void {
  const from = icmpType(s, at);
  const to = from === ECHO_REQUEST4 ? ECHO_REQUEST6 : ECHO_REPLY6;
  const difference = (to << 8) + (~(from << 8) & 0xffff) + t.newSum + t.portDifference + length + ICMPV6;
  setIcmpChecksum(s, at, updateChecksum(icmpChecksum(s, at), difference));
  s.view.setUint8(at, to);
}

/**
 * Builds the ICMPv6 error for the checked ICMPv4 error in the packet at `at`; outer addresses are in t's registers.
 * @returns TRANSLATED, ICMP_INNER, ICMP_NESTED or NO_ROOM
 */
export function translateIcmpv4Error(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  out: PacketList,
): Verdict {
  const icmp = at + header;
  const inner = icmp + ICMP_HEADER;
  const typeAndCode = counterpart(s, icmp);
  const parts = t.parts;
  splitError(s, icmp, end, 4, parts);
  const limit = t.settings.icmpv6ErrorSize;
  const room = limit - IPV6_HEADER - ICMP_HEADER;
  const before = isExtensible6(typeAndCode >>> 8) ? roomBeforeExtension(room, parts.extensionLength, 8) : 0;
  const extension = before === 0 ? 0 : parts.extensionLength;
  const spareStart = out.spareStart;
  const to = reserve(out, limit);
  if (to < 0) return NO_ROOM;
  emitAddress(s, to + IPV6_SOURCE, t.s0, t.s1, t.s2, t.s3);
  emitAddress(s, to + IPV6_DESTINATION, t.d0, t.d1, t.d2, t.d3);
  const newInner = to + IPV6_HEADER + ICMP_HEADER;
  const quoted = innerToIpv6(t, s, inner, parts.innerEnd, newInner, before === 0 ? room : before);
  if (quoted < 0) {
    out.spareStart = spareStart;
    return -quoted;
  }
  const padded = extension === 0 ? quoted : padQuote(s, newInner, quoted, 8);
  s.bytes.copyWithin(newInner + padded, parts.extension, parts.extension + extension);
  const rest = restOfIcmpv6(t, s, icmp, inner, parts.innerEnd, typeAndCode);
  const lengthOctet = extension === 0 ? 0 : (padded >>> 3) * 0x1000000;
  emitIcmp(s, to + IPV6_HEADER, typeAndCode >>> 8, typeAndCode & 0xff, rest + lengthOctet);
  const hops = ttl(s, at) - (t.isSecondPass ? 0 : t.hopCost);
  const length = ICMP_HEADER + padded + extension;
  emitIpv6Start(s, to, t.copiesTrafficClass ? tos(s, at) : 0, length, ICMPV6, hops);
  writeIcmpv6Checksum(s, to, length);
  if (t.settings.tolerate.icmpChecksum) keepFault(s, to + IPV6_HEADER, sumBytes(s, icmp, end - icmp, 0));
  clearOffload(s, to - OFFLOAD_HEADER);
  append(out, to, IPV6_HEADER + length);
  out.spareStart = to + IPV6_HEADER + length;
  return TRANSLATED;
}

/** Second word of the ICMPv6 message: MTU or pointer. */
function restOfIcmpv6(
  t: Translator,
  s: Slab,
  icmp: number,
  inner: number,
  innerEnd: number,
  typeAndCode: number,
): number {
  if (icmpType(s, icmp) === PARAMETER_PROBLEM4) return POINTERS[icmpv4Pointer(s, icmp)];
  if (typeAndCode === pair(PARAMETER_PROBLEM6, 1)) return NEXT_HEADER_POINTER;
  const isTooBig = icmpType(s, icmp) === UNREACHABLE4 && icmpCode(s, icmp) === FRAGMENTATION_NEEDED;
  return isTooBig ? mtuToIpv6(t, s, icmpv4Mtu(s, icmp), inner, innerEnd) : 0;
}

/**
 * Makes a message as wrong as the one that it was made of: a translator repairs nothing.
 * @param icmp offset of the new message, whose checksum is right
 * @param sum of the whole old message, 0xffff or 0 when it was right
 */
export function keepFault(s: Slab, icmp: number, sum: number): void {
  if (sum !== 0xffff) setIcmpChecksum(s, icmp, fold(icmpChecksum(s, icmp) + sum));
}

/**
 * Pads a quoted datagram with zeros for the extension behind it, RFC 4884 §5: to at least 128 bytes and a multiple of `unit`.
 * @returns the padded length
 */
export function padQuote(s: Slab, at: number, length: number, unit: number): number {
  const padded = Math.max(MIN_ORIGINAL_DATAGRAM, Math.ceil(length / unit) * unit);
  s.bytes.fill(0, at + length, at + padded);
  return padded;
}
