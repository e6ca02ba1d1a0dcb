// ICMP errors that the translator sends itself: rules T-E-01 … 03. Built in the spare part of the slab, quoting as much of
// the offending packet as fits, and handed back to the family that the packet came from.

import { isMartian4 } from '../address/special.ts';
import { complement, fold, sumBytes } from '../wire/checksum.ts';
import {
  emitIcmp,
  FRAGMENTATION_NEEDED,
  HOST_UNREACHABLE4,
  ICMP_HEADER,
  icmpType,
  isIcmpv4Error,
  isIcmpv6Error,
  NO_ROUTE6,
  PACKET_TOO_BIG6,
  PROHIBITED4,
  SOURCE_POLICY6,
  setIcmpChecksum,
  UNREACHABLE4,
  UNREACHABLE6,
} from '../wire/icmp.ts';
import {
  DF,
  destination,
  emitIpv4,
  fragmentWord,
  headerLength,
  IPV4_HEADER,
  MF,
  OFFSET_MASK,
  protocol,
  source,
} from '../wire/ipv4.ts';
import {
  copyAddress,
  emitAddress,
  emitIpv6Start,
  FRAGMENT_OFFSET_MASK,
  fragmentField,
  HEADER_DIFFERENCE,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_SOURCE,
  sumAddress,
} from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { ICMP, ICMPV6 } from '../wire/protocol.ts';
import { append, type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { IPV6_MIN_MTU } from './settings.ts';
import type { Translator } from './translator.ts';
import {
  BOTH_EMBEDDED,
  NO_MAPPING_DESTINATION,
  NO_MAPPING_SOURCE,
  NON_GLOBAL,
  POOL_EXHAUSTED,
  type Verdict,
} from './verdict.ts';

/** TTL and hop limit of what the translator sends itself. */
export const OWN_HOP_LIMIT = 64;

/**
 * Sends an ICMPv4 error about the checked packet at `at` … `end`, unless T-E-01, the rate limit or a missing own address forbid it.
 * @param rest second word of the message: pointer, MTU, or 0
 */
export function sendIcmpv4Error(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  type: number,
  code: number,
  rest: number,
): void {
  // In the second half of a hairpinned packet the sender speaks IPv6; v6-to-v4.ts has answered already what it could.
  if (t.ownIpv4 === 0 || t.isSecondPass || !deservesError4(s, at, end)) return;
  if (!t.errorLimit4.take(type === UNREACHABLE4 && code === FRAGMENTATION_NEEDED, nowMs)) return;
  const quoted = Math.min(end - at, t.errorSize4 - IPV4_HEADER - ICMP_HEADER);
  const length = IPV4_HEADER + ICMP_HEADER + quoted;
  const to = reserve(out, length);
  if (to < 0) return;
  const icmp = to + IPV4_HEADER;
  emitIpv4(s, to, 0, length, 0, DF, OWN_HOP_LIMIT, ICMP, t.ownIpv4, source(s, at));
  emitIcmp(s, icmp, type, code, rest);
  s.bytes.copyWithin(icmp + ICMP_HEADER, at, at + quoted);
  setIcmpChecksum(s, icmp, complement(sumBytes(s, icmp, ICMP_HEADER + quoted, 0)));
  clearOffload(s, to - OFFLOAD_HEADER);
  append(out, to, length);
}

/** 3/4 with the MTU that an IPv4 packet may have to fit the IPv6 side; a fragment also has to leave room for its header. */
export function sendIcmpv4FragmentationNeeded(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
): void {
  const isFragment = (fragmentWord(s, at) & (MF | OFFSET_MASK)) !== 0;
  const mtu = t.ipv6Mtu - HEADER_DIFFERENCE - (isFragment ? 8 : 0);
  sendIcmpv4Error(t, s, at, end, out, nowMs, UNREACHABLE4, FRAGMENTATION_NEEDED, mtu);
}

/** Answers an IPv4 packet whose addresses could not be mapped. Martians get no answer. */
export function sendIcmpv4Refusal(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  verdict: Verdict,
): void {
  if (!isRefusal(verdict)) return;
  const code = t.isSourceRefused || verdict === BOTH_EMBEDDED ? PROHIBITED4 : HOST_UNREACHABLE4;
  sendIcmpv4Error(t, s, at, end, out, nowMs, UNREACHABLE4, code, 0);
}

/** Sends an ICMPv6 error about the packet at `at` … `end`, whose chain of headers t.chain describes. */
export function sendIcmpv6Error(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  type: number,
  code: number,
  rest: number,
): void {
  if (!t.hasOwnIpv6 || !deservesError6(t, s, end) || !t.errorLimit6.take(type === PACKET_TOO_BIG6, nowMs)) return;
  const quoted = Math.min(end - at, t.settings.icmpv6ErrorSize - IPV6_HEADER - ICMP_HEADER);
  const to = reserve(out, IPV6_HEADER + ICMP_HEADER + quoted);
  if (to < 0) return;
  const icmp = to + IPV6_HEADER;
  emitIpv6Start(s, to, 0, ICMP_HEADER + quoted, ICMPV6, OWN_HOP_LIMIT);
  emitAddress(s, to + IPV6_SOURCE, t.own0, t.own1, t.own2, t.own3);
  copyAddress(s, at + IPV6_SOURCE, to + IPV6_DESTINATION);
  emitIcmp(s, icmp, type, code, rest);
  s.bytes.copyWithin(icmp + ICMP_HEADER, at, at + quoted);
  writeIcmpv6Checksum(s, to, ICMP_HEADER + quoted);
  clearOffload(s, to - OFFLOAD_HEADER);
  append(out, to, IPV6_HEADER + ICMP_HEADER + quoted);
}

/** 2/0 with the MTU that an IPv6 packet may have to fit the IPv4 side. */
export function sendPacketTooBig(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
): void {
  const mtu = Math.max(IPV6_MIN_MTU, t.ipv4Mtu + HEADER_DIFFERENCE);
  sendIcmpv6Error(t, s, at, end, out, nowMs, PACKET_TOO_BIG6, 0, mtu);
}

/** Answers an IPv6 packet whose addresses could not be mapped. Martians get no answer. */
export function sendIcmpv6Refusal(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
  verdict: Verdict,
): void {
  if (!isRefusal(verdict)) return;
  const code = t.isSourceRefused || verdict === BOTH_EMBEDDED ? SOURCE_POLICY6 : NO_ROUTE6;
  sendIcmpv6Error(t, s, at, end, out, nowMs, UNREACHABLE6, code, 0);
}

/** Computes the checksum of the ICMPv6 message of `length` bytes that follows the 40-byte header at `at`. */
export function writeIcmpv6Checksum(s: Slab, at: number, length: number): void {
  const icmp = at + IPV6_HEADER;
  const pseudo = fold(sumAddress(s, at + IPV6_SOURCE) + sumAddress(s, at + IPV6_DESTINATION) + length + ICMPV6);
  setIcmpChecksum(s, icmp, 0);
  setIcmpChecksum(s, icmp, complement(sumBytes(s, icmp, length, pseudo)));
}

const isRefusal = (verdict: Verdict): boolean =>
  verdict === NO_MAPPING_SOURCE ||
  verdict === NO_MAPPING_DESTINATION ||
  verdict === NON_GLOBAL ||
  verdict === POOL_EXHAUSTED ||
  verdict === BOTH_EMBEDDED;

/** RFC 1122 §3.2.2, rule T-E-01. */
function deservesError4(s: Slab, at: number, end: number): boolean {
  if (isMartian4(source(s, at)) || isMartian4(destination(s, at))) return false;
  if ((fragmentWord(s, at) & OFFSET_MASK) !== 0) return false;
  if (protocol(s, at) !== ICMP) return true;
  const icmp = at + headerLength(s, at);
  return icmp < end && !isIcmpv4Error(icmpType(s, icmp));
}

/** RFC 4443 §2.4 (e), rule T-E-01. A source that is not one host and a group as destination were dropped before. */
function deservesError6(t: Translator, s: Slab, end: number): boolean {
  const { fragment, protocol: upper, upper: upperAt } = t.chain;
  if (fragment >= 0 && (fragmentField(s, fragment) & FRAGMENT_OFFSET_MASK) !== 0) return false;
  if (upper !== ICMPV6) return true;
  return upperAt < end && !isIcmpv6Error(icmpType(s, upperAt));
}
