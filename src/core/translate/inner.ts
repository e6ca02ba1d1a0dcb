// The packet inside an ICMP error: RFC 7915 §4.3 and §5.3, rules T-4.2-12 and T-5.2-11. It is translated like a packet, once,
// without a TTL change and whatever its length field says; it may be cut short anywhere behind its IP header.

import { updateChecksum } from '../wire/checksum.ts';
import { CHAIN_OK, walkChain } from '../wire/extension.ts';
import {
  ECHO_REPLY4,
  ECHO_REPLY6,
  ECHO_REQUEST4,
  ECHO_REQUEST6,
  icmpType,
  isIcmpv4Error,
  isIcmpv6Error,
} from '../wire/icmp.ts';
import {
  DF,
  destination,
  emitIpv4,
  fragmentWord,
  headerLength,
  IPV4_HEADER,
  identification,
  MF,
  OFFSET_MASK,
  protocol,
  source,
  tos,
  totalLength,
  ttl,
} from '../wire/ipv4.ts';
import {
  emitAddress,
  emitFragmentHeader,
  emitIpv6Start,
  FRAGMENT_HEADER,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET_MASK,
  fragmentField,
  fragmentIdentificationLow,
  hopLimit,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_SOURCE,
  payloadLength,
  trafficClass,
} from '../wire/ipv6.ts';
import { checksumOffset, FRAGMENT, ICMP, ICMPV6, isExtensionHeader, isIpv6Only, UDP } from '../wire/protocol.ts';
import type { Slab } from '../wire/slab.ts';
import { fragmentFieldOf, fragmentWordOf } from './fragment.ts';
import type { Translator } from './translator.ts';
import { adjustChecksum } from './transport.ts';
import { ICMP_INNER, ICMP_NESTED, TRANSLATED } from './verdict.ts';

/** Largest IPv6 packet that becomes an IPv4 packet with DF=0, in IPv4 bytes: RFC 7915 §5.1. */
export const DF_THRESHOLD = 1260;

/**
 * Translates the IPv4 packet quoted in `from` … `end` to `to`.
 * @param room bytes that may be written from `to` on; the rest of the quote is cut off
 * @returns bytes written, or −verdict (ICMP_INNER, ICMP_NESTED)
 */
export function innerToIpv6(t: Translator, s: Slab, from: number, end: number, to: number, room: number): number {
  if (end - from < IPV4_HEADER || s.view.getUint8(from) >>> 4 !== 4) return -ICMP_INNER;
  const header = headerLength(s, from);
  const claimed = totalLength(s, from) - header;
  if (header < IPV4_HEADER || from + header > end || claimed < 0) return -ICMP_INNER;
  const word = fragmentWord(s, from);
  const isFragment = (word & (MF | OFFSET_MASK)) !== 0;
  const proto = protocol(s, from);
  if (isIpv6Only(proto)) return -ICMP_INNER;
  const upper = from + header;
  const data = Math.min(end - upper, claimed);
  if (proto === ICMP) {
    const refusal = checkInnerIcmp(
      isFragment,
      data,
      data > 0 && isIcmpv4Error(icmpType(s, upper)),
      isEcho4(s, upper, data),
    );
    if (refusal !== TRANSLATED) return -refusal;
  }
  if (t.checkMartians4(source(s, from), destination(s, from)) !== TRANSLATED) return -ICMP_INNER;
  const unmapped =
    t.nat64 === null
      ? t.mapToIpv6(source(s, from), destination(s, from), false, true)
      : t.nat64.mapInnerToIpv6(t, s, from, end);
  if (unmapped !== TRANSLATED) return -ICMP_INNER;
  const next = proto === ICMP ? ICMPV6 : proto;
  const newHeader = IPV6_HEADER + (isFragment ? FRAGMENT_HEADER : 0);
  const copied = Math.min(data, room - newHeader);
  const length = claimed + newHeader - IPV6_HEADER;
  emitIpv6Start(s, to, t.copiesTrafficClass ? tos(s, from) : 0, length, isFragment ? FRAGMENT : next, ttl(s, from));
  emitAddress(s, to + IPV6_SOURCE, t.s0, t.s1, t.s2, t.s3);
  emitAddress(s, to + IPV6_DESTINATION, t.d0, t.d1, t.d2, t.d3);
  if (isFragment) {
    emitFragmentHeader(s, to + IPV6_HEADER, next, fragmentFieldOf(word), identification(s, from));
  }
  const newUpper = to + newHeader;
  s.bytes.copyWithin(newUpper, upper, upper + copied);
  if (proto === ICMP) convertInnerEcho(s, newUpper, copied, true, t.newSum + t.portDifference + claimed + ICMPV6);
  else if ((word & OFFSET_MASK) === 0) {
    adjustInnerChecksum(s, newUpper, copied, proto, t.difference + t.portDifference);
  }
  t.writePort(s, newUpper, copied);
  return newHeader + copied;
}

/** Translates the IPv6 packet quoted in `from` … `end` to `to`; as innerToIpv6. Uses and overwrites t.chain. */
export function innerToIpv4(t: Translator, s: Slab, from: number, end: number, to: number, room: number): number {
  if (end - from < IPV6_HEADER || s.view.getUint8(from) >>> 4 !== 6) return -ICMP_INNER;
  const chain = t.chain;
  if (walkChain(s, from, end, chain) !== CHAIN_OK) return -ICMP_INNER;
  const upper = chain.upper;
  const claimed = from + IPV6_HEADER + payloadLength(s, from) - upper;
  if (claimed < 0 || claimed + IPV4_HEADER > 0xffff) return -ICMP_INNER;
  const field = chain.fragment < 0 ? 0 : fragmentField(s, chain.fragment);
  if (chain.protocol === ICMP || (chain.fragment >= 0 && isExtensionHeader(chain.protocol))) return -ICMP_INNER;
  const isFragment = (field & (FRAGMENT_OFFSET_MASK | FRAGMENT_MORE)) !== 0;
  const proto = chain.protocol;
  const data = Math.min(end - upper, claimed);
  if (proto === ICMPV6) {
    const refusal = checkInnerIcmp(
      isFragment,
      data,
      data > 0 && isIcmpv6Error(icmpType(s, upper)),
      isEcho6(s, upper, data),
    );
    if (refusal !== TRANSLATED) return -refusal;
  }
  if (t.checkMartians6(s, from) !== TRANSLATED || mapInnerToIpv4(t, s, from, end) !== TRANSLATED) return -ICMP_INNER;
  const copied = Math.min(data, room - IPV4_HEADER);
  emitInnerIpv4(t, s, from, to, claimed + IPV4_HEADER, proto === ICMPV6 ? ICMP : proto, field);
  const newUpper = to + IPV4_HEADER;
  s.bytes.copyWithin(newUpper, upper, upper + copied);
  // What the old pseudo-header added is taken away: its complements.
  const gone = t.difference - t.newSum + t.portDifference + (~claimed & 0xffff) + (~ICMPV6 & 0xffff);
  if (proto === ICMPV6) convertInnerEcho(s, newUpper, copied, false, gone);
  else if ((field & FRAGMENT_OFFSET_MASK) === 0) {
    adjustInnerChecksum(s, newUpper, copied, proto, t.difference + t.portDifference);
  }
  t.writePort(s, newUpper, copied);
  return IPV4_HEADER + copied;
}

/** Addresses of the inner packet; of an error it is the inner source that says whether it turns round (RFC 7757 §4.2.2). */
function mapInnerToIpv4(t: Translator, s: Slab, from: number, end: number): number {
  if (t.nat64 !== null) return t.nat64.mapInnerToIpv4(t, s, from, end);
  const verdict = t.mapToIpv4(s, from, false, -1);
  t.isHairpin = t.isSourceEmbedded && t.map.hasMapping(t.source4);
  return verdict;
}

function emitInnerIpv4(
  t: Translator,
  s: Slab,
  from: number,
  to: number,
  total: number,
  proto: number,
  field: number,
): void {
  const fragment = t.chain.fragment;
  const flags = total > DF_THRESHOLD ? DF : 0;
  const word = fragment >= 0 ? fragmentWordOf(field) : flags;
  const id = fragment >= 0 ? fragmentIdentificationLow(s, fragment) : t.nextIdentification(1);
  const tosOctet = t.fixedTos < 0 ? trafficClass(s, from) : t.fixedTos;
  emitIpv4(s, to, tosOctet, total, id, word, hopLimit(s, from), proto, t.source4, t.destination4);
}

/** Only whole echo messages may stand inside; an error inside an error ends it (RFC 7915 §4.3). */
function checkInnerIcmp(isFragment: boolean, data: number, isError: boolean, isEcho: boolean): number {
  if (isFragment) return ICMP_INNER;
  if (isError) return ICMP_NESTED;
  return data > 0 && !isEcho ? ICMP_INNER : TRANSLATED;
}

function isEcho4(s: Slab, at: number, data: number): boolean {
  if (data === 0) return false;
  const type = icmpType(s, at);
  return type === ECHO_REQUEST4 || type === ECHO_REPLY4;
}

function isEcho6(s: Slab, at: number, data: number): boolean {
  if (data === 0) return false;
  const type = icmpType(s, at);
  return type === ECHO_REQUEST6 || type === ECHO_REPLY6;
}

/**
 * Changes the type of an echo message, and its checksum where it is there.
 * @param pseudo sum of the ICMPv6 pseudo-header going to IPv6, of its complements going to IPv4
 */
function convertInnerEcho(s: Slab, at: number, length: number, isToIpv6: boolean, pseudo: number): void {
  if (length === 0) return;
  const from = icmpType(s, at);
  const to = isToIpv6
    ? from === ECHO_REQUEST4
      ? ECHO_REQUEST6
      : ECHO_REPLY6
    : from === ECHO_REQUEST6
      ? ECHO_REQUEST4
      : ECHO_REPLY4;
  s.view.setUint8(at, to);
  if (length < 4) return;
  const change = (to << 8) + (~(from << 8) & 0xffff);
  s.view.setUint16(at + 2, updateChecksum(s.view.getUint16(at + 2), change + pseudo));
}

/** A UDP checksum of zero stays: there was none, and it cannot be computed from a part. */
function adjustInnerChecksum(s: Slab, at: number, length: number, proto: number, difference: number): void {
  const offset = checksumOffset(proto);
  if (offset < 0 || offset + 2 > length) return;
  if (proto === UDP && s.view.getUint16(at + offset) === 0) return;
  adjustChecksum(s, at + offset, proto, difference);
}
