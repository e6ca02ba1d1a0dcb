// ICMPv6 → ICMPv4: RFC 7915 §5.2, rules T-5.2. The mirror of icmpv4-to-icmpv6.ts.

import { ALL, PREFIX_ONLY } from '../address/address-map.ts';
import { complement, fold, sumBytes, updateChecksum } from '../wire/checksum.ts';
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
  icmpv6Mtu,
  icmpv6Pointer,
  PACKET_TOO_BIG6,
  PARAMETER_PROBLEM4,
  PARAMETER_PROBLEM6,
  setIcmpChecksum,
  TIME_EXCEEDED4,
  TIME_EXCEEDED6,
  UNREACHABLE4,
  UNREACHABLE6,
} from '../wire/icmp.ts';
import { isExtensible6, roomBeforeExtension, splitError } from '../wire/icmp-extension.ts';
import { DF, emitIpv4, IPV4_HEADER } from '../wire/ipv4.ts';
import {
  fragmentIdentificationLow,
  hopLimit,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  sumAddress,
  trafficClass,
} from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { ICMP, ICMPV6 } from '../wire/protocol.ts';
import { append, type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { ICMP_ECHO, ICMP_ERROR, keepFault, padQuote } from './icmpv4-to-icmpv6.ts';
import { DF_THRESHOLD, innerToIpv4 } from './inner.ts';
import { mtuToIpv4 } from './mtu.ts';
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

const NONE = -1;

/** ICMPv4 type and code for each code of ICMPv6 1 (RFC 7915 §5.2). */
const UNREACHABLE_CODES: readonly number[] = [
  pair(UNREACHABLE4, 1), // 0 no route
  pair(UNREACHABLE4, 10), // 1 prohibited
  pair(UNREACHABLE4, 1), // 2 beyond scope of source
  pair(UNREACHABLE4, 1), // 3 address unreachable
  pair(UNREACHABLE4, 3), // 4 port unreachable
];

function pair(type: number, code: number): number {
  return (type << 8) | code;
}

/** IPv4 pointer for an IPv6 pointer: RFC 7915 §5.2, figure 6. */
function pointerToIpv4(pointer: number): number {
  if (pointer <= 1) return pointer;
  if (pointer === 4 || pointer === 5) return 2; // payload length → total length
  if (pointer === 6) return 9; // next header → protocol
  if (pointer === 7) return 8; // hop limit → TTL
  if (pointer >= 8 && pointer <= 23) return 12; // source address
  return pointer >= 24 && pointer <= 39 ? 16 : NONE; // destination address
}

/**
 * Whether and how an unfragmented ICMPv6 message of the packet at `at` can be translated.
 * @param icmp offset of the message
 * @returns ICMP_ECHO, ICMP_ERROR, or −verdict
 */
export function checkIcmpv6(t: Translator, s: Slab, at: number, icmp: number, end: number): number {
  const length = end - icmp;
  if (length < ICMP_HEADER) return -BAD_TRANSPORT;
  const type = icmpType(s, icmp);
  const isEcho = type === ECHO_REQUEST6 || type === ECHO_REPLY6;
  if (!isEcho && (type < UNREACHABLE6 || type > PARAMETER_PROBLEM6)) return -ICMP_TYPE;
  if (!t.settings.tolerate.icmpChecksum && sumMessage(s, at, icmp, length) !== 0xffff) return -BAD_ICMP_CHECKSUM;
  if (isEcho) return ICMP_ECHO;
  return counterpart(s, icmp) === NONE ? -ICMP_CODE : ICMP_ERROR;
}

/** Sum of the message of `length` bytes at `icmp` and of its pseudo-header; 0xffff when its checksum is right. */
function sumMessage(s: Slab, at: number, icmp: number, length: number): number {
  const pseudo = sumAddress(s, at + IPV6_SOURCE) + sumAddress(s, at + IPV6_DESTINATION) + length + ICMPV6;
  return sumBytes(s, icmp, length, fold(pseudo));
}

function counterpart(s: Slab, icmp: number): number {
  const code = icmpCode(s, icmp);
  switch (icmpType(s, icmp)) {
    case UNREACHABLE6:
      return code < UNREACHABLE_CODES.length ? UNREACHABLE_CODES[code] : NONE;
    case PACKET_TOO_BIG6:
      return pair(UNREACHABLE4, FRAGMENTATION_NEEDED); // RFC 4443 §3.2: receivers ignore the code
    case TIME_EXCEEDED6:
      return code <= 1 ? pair(TIME_EXCEEDED4, code) : NONE;
    case PARAMETER_PROBLEM6:
      if (code === 1) return pair(UNREACHABLE4, 2);
      return code === 0 && pointerToIpv4(icmpv6Pointer(s, icmp)) !== NONE ? pair(PARAMETER_PROBLEM4, 0) : NONE;
    default:
      return NONE;
  }
}

/** Changes an echo message of `length` bytes in place; the pseudo-header leaves its checksum (T-5.2-01). */
export function echoToIcmpv4(t: Translator, s: Slab, at: number, length: number): void {
  const from = icmpType(s, at);
  const to = from === ECHO_REQUEST6 ? ECHO_REQUEST4 : ECHO_REPLY4;
  const pseudoGone = t.difference - t.newSum + (~length & 0xffff) + (~ICMPV6 & 0xffff);
  const difference = (to << 8) + (~(from << 8) & 0xffff) + pseudoGone + t.portDifference;
  setIcmpChecksum(s, at, updateChecksum(icmpChecksum(s, at), difference));
  s.view.setUint8(at, to);
}

/**
 * Builds the ICMPv4 error for the checked ICMPv6 error at `icmp` in the packet at `at`; outer addresses are in t's registers.
 * @returns TRANSLATED, ICMP_INNER, ICMP_NESTED or NO_ROOM
 */
export function translateIcmpv6Error(
  t: Translator,
  s: Slab,
  at: number,
  icmp: number,
  end: number,
  out: PacketList,
): Verdict {
  const inner = icmp + ICMP_HEADER;
  const typeAndCode = counterpart(s, icmp);
  // The inner packet takes these registers over.
  const { source4, destination4 } = t;
  const { fragment } = t.chain;
  const parts = t.parts;
  splitExtensible(t, s, icmp, end);
  const limit = t.errorSize4;
  const room = limit - IPV4_HEADER - ICMP_HEADER;
  const before = roomBeforeExtension(room, parts.extensionLength, 4);
  const extension = before === 0 ? 0 : parts.extensionLength;
  const spareStart = out.spareStart;
  const to = reserve(out, limit);
  if (to < 0) return NO_ROOM;
  const newIcmp = to + IPV4_HEADER;
  const quoted = innerToIpv4(t, s, inner, parts.innerEnd, newIcmp + ICMP_HEADER, before === 0 ? room : before);
  if (quoted < 0) {
    out.spareStart = spareStart;
    return -quoted;
  }
  const padded = extension === 0 ? quoted : padQuote(s, newIcmp + ICMP_HEADER, quoted, 4);
  s.bytes.copyWithin(newIcmp + ICMP_HEADER + padded, parts.extension, parts.extension + extension);
  const lengthOctet = extension === 0 ? 0 : (padded >>> 2) << 16;
  emitIcmp(s, newIcmp, typeAndCode >>> 8, typeAndCode & 0xff, restOfIcmpv4(t, s, icmp) + lengthOctet);
  const length = ICMP_HEADER + padded + extension;
  setIcmpChecksum(s, newIcmp, complement(sumBytes(s, newIcmp, length, 0)));
  if (t.settings.tolerate.icmpChecksum) keepFault(s, newIcmp, sumMessage(s, at, icmp, end - icmp));
  emitErrorHeader(t, s, at, fragment, to, IPV4_HEADER + length, source4, destination4);
  // RFC 7757 §4.2.2: an error of the inner destination comes back from the address that the receiver knows.
  t.secondPassSource = source4 === t.destination4 ? PREFIX_ONLY : ALL;
  append(out, to, IPV4_HEADER + length);
  out.spareStart = to + IPV4_HEADER + length;
  return TRANSLATED;
}

/** Only ICMPv6 1 and 3 have a length octet; in 2 and 4 its place belongs to the MTU and the pointer (RFC 4884 §4). */
function splitExtensible(t: Translator, s: Slab, icmp: number, end: number): void {
  if (isExtensible6(icmpType(s, icmp))) splitError(s, icmp, end, 8, t.parts);
  else {
    t.parts.innerEnd = end;
    t.parts.extensionLength = 0;
  }
}

/** Second word of the ICMPv4 message: MTU, or the pointer in its first octet. */
function restOfIcmpv4(t: Translator, s: Slab, icmp: number): number {
  const type = icmpType(s, icmp);
  if (type === PACKET_TOO_BIG6) return mtuToIpv4(t, icmpv6Mtu(s, icmp));
  if (type !== PARAMETER_PROBLEM6 || icmpCode(s, icmp) !== 0) return 0;
  return pointerToIpv4(icmpv6Pointer(s, icmp)) * 0x1000000;
}

function emitErrorHeader(
  t: Translator,
  s: Slab,
  at: number,
  fragment: number,
  to: number,
  total: number,
  source4: number,
  destination4: number,
): void {
  const isFragment = fragment >= 0; // A whole packet with a Fragment Header (RFC 6946): rule T-5.1-03.
  const word = total > DF_THRESHOLD && !isFragment ? DF : 0;
  const id = isFragment ? fragmentIdentificationLow(s, fragment) : t.nextIdentification(1);
  const tosOctet = t.fixedTos < 0 ? trafficClass(s, at) : t.fixedTos;
  emitIpv4(s, to, tosOctet, total, id, word, hopLimit(s, at) - t.hopCost, ICMP, source4, destination4);
  clearOffload(s, to - OFFLOAD_HEADER);
}
