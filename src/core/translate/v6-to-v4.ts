// IPv6 → IPv4: RFC 7915 §5.1, rules T-5.1. The mirror of v4-to-v6.ts, also in what is checked before a byte is changed.
// A packet between two explicitly mapped hosts (RFC 7757 §4.2) turns round here and leaves as IPv6 again.

import { PREFIX_ONLY } from '../address/address-map.ts';
import { CHAIN_BAD, CHAIN_SEGMENTS_LEFT, walkChain } from '../wire/extension.ts';
import { PACKET_TOO_BIG6, PARAMETER_PROBLEM6, TIME_EXCEEDED6 } from '../wire/icmp.ts';
import { DF, emitIpv4, IPV4_HEADER } from '../wire/ipv4.ts';
import {
  checkIpv6,
  FRAGMENT_MORE,
  FRAGMENT_OFFSET_MASK,
  fragmentField,
  fragmentIdentificationLow,
  hopLimit,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_TOO_SHORT,
  nextHeader,
  payloadLength,
  trafficClass,
} from '../wire/ipv6.ts';
import { clearOffload, GSO_NONE, GSO_TCPV6, gsoSize, gsoType, isPlain, OFFLOAD_HEADER } from '../wire/offload.ts';
import { HOP_BY_HOP, ICMP, ICMPV6, isExtensionHeader } from '../wire/protocol.ts';
import { append, type PacketList, type Slab } from '../wire/slab.ts';
import { answerEcho6 } from './echo.ts';
import { sendIcmpv6Error, sendIcmpv6Refusal, sendPacketTooBig } from './errors.ts';
import { fragmentToIpv4, fragmentWordOf } from './fragment.ts';
import { ICMP_ECHO } from './icmpv4-to-icmpv6.ts';
import { checkIcmpv6, echoToIcmpv4, translateIcmpv6Error } from './icmpv6-to-icmpv4.ts';
import { DF_THRESHOLD } from './inner.ts';
import {
  emitMovedOffload,
  finishPartialChecksum,
  keepDataValid,
  OFFLOAD_BAD,
  OFFLOAD_NONE,
  resolveOffload,
  segmentCount,
  transportHeader,
} from './offload-packet.ts';
import { segmentAndTranslate } from './segment.ts';
import type { Translator } from './translator.ts';
import {
  adjustChecksum,
  adjustPartialChecksum,
  CUT_SHORT,
  findChecksum,
  isZeroUdpChecksum,
  NO_CHECKSUM,
} from './transport.ts';
import { translateV4 } from './v4-to-v6.ts';
import * as verdicts from './verdict.ts';

const { TRANSLATED } = verdicts;

/** No IPv4 side is crossed while a packet turns round. */
const UNLIMITED = 0xffff;

/**
 * Translates the IPv6 packet of `length` bytes at `at`; results and replies are appended to `out`.
 * @param nowMs a monotonic clock, for rate limits and leases
 * @returns the verdict; see verdict.ts. Never throws.
 */
export function translateV6(
  t: Translator,
  s: Slab,
  at: number,
  length: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const fault = checkIpv6(s, at, length);
  if (fault !== 0) return fault === IPV6_TOO_SHORT ? verdicts.TOO_SHORT : verdicts.BAD_LENGTH;
  const end = at + IPV6_HEADER + payloadLength(s, at);
  const chain = t.chain;
  const walk = walkChain(s, at, end, chain);
  if (walk === CHAIN_BAD) return isJumbogram(s, at) ? verdicts.BAD_LENGTH : verdicts.BAD_EXTENSION;
  const martian = t.checkMartians6(s, at);
  if (martian !== TRANSLATED) return martian;
  if (t.isOwn6(s, at + IPV6_DESTINATION)) return answerEcho6(t, s, at, end, out);
  if (walk === CHAIN_SEGMENTS_LEFT) {
    // RFC 7915 §5.1: code 0, the pointer at the Segments Left octet.
    sendIcmpv6Error(t, s, at, end, out, nowMs, PARAMETER_PROBLEM6, 0, chain.segmentsLeft - at);
    return verdicts.ROUTING_HEADER;
  }
  // Deviates from RFC 7915 §5.1 (Protocol = Next Header): ICMPv4 would come out that nobody has checked or translated.
  if (chain.protocol === ICMP) return verdicts.PROTOCOL;
  const field = chain.fragment < 0 ? 0 : fragmentField(s, chain.fragment);
  if (chain.fragment >= 0) {
    const fragmentFault = checkFragment(chain.protocol, field, end - chain.upper);
    if (fragmentFault !== TRANSLATED) return fragmentFault;
  }
  let isError = false;
  if (chain.protocol === ICMPV6) {
    const kind = checkIcmpv6(t, s, at, chain.upper, end);
    if (kind < 0) return -kind;
    isError = kind !== ICMP_ECHO;
  }
  if (hopLimit(s, at) <= t.hopCost && t.hopCost !== 0) {
    sendIcmpv6Error(t, s, at, end, out, nowMs, TIME_EXCEEDED6, 0, 0);
    return verdicts.HOP_LIMIT;
  }
  if (t.nat64 !== null) return t.nat64.toIpv4(t, s, at, end, field, isError, out, nowMs);
  const refusal = t.mapToIpv4(s, at, isError, nowMs);
  if (refusal !== TRANSLATED) {
    sendIcmpv6Refusal(t, s, at, end, out, nowMs, refusal);
    return refusal;
  }
  if (isError) return sendErrorToIpv4(t, s, at, end, out, nowMs);
  return sendToIpv4(t, s, at, end, field, out, nowMs);
}

/** RFC 2675 §3: no payload length, and Hop-by-Hop options that would give the real one. Rule T-5.1-07. */
const isJumbogram = (s: Slab, at: number): boolean => payloadLength(s, at) === 0 && nextHeader(s, at) === HOP_BY_HOP;

/** RFC 7915 §5.1.1, rule T-5.1-03. A Fragment Header on a whole packet ("atomic", RFC 6946) is none for ICMP. */
function checkFragment(proto: number, field: number, payload: number): verdicts.Verdict {
  if (isExtensionHeader(proto)) return verdicts.FRAGMENT_EXTENSION;
  const isMore = (field & FRAGMENT_MORE) !== 0;
  if ((field & FRAGMENT_OFFSET_MASK) + payload > 65535) return verdicts.BAD_FRAGMENT;
  if (isMore && ((payload & 7) !== 0 || payload === 0)) return verdicts.BAD_FRAGMENT;
  const isFragment = isMore || (field & FRAGMENT_OFFSET_MASK) !== 0;
  return isFragment && proto === ICMPV6 ? verdicts.FRAGMENTED_ICMP : TRANSLATED;
}

/**
 * Sends on the checked packet at `at` by the addresses in t's registers, turning it round where t.isHairpin says so.
 * @param field the Fragment Header's offset and M word; 0: none
 */
export function sendToIpv4(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  if (t.isHairpin) return turnRound(t, s, at, end, field, out, nowMs);
  return translateMapped(t, s, at, end, field, t.ipv4Mtu, out, nowMs);
}

/** The same for an ICMPv6 error; its inner packet decides whether it turns round (RFC 7757 §4.2.2). */
export function sendErrorToIpv4(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const first = out.count;
  const verdict = translateIcmpv6Error(t, s, at, t.chain.upper, end, out);
  return verdict === TRANSLATED && t.isHairpin ? secondPass(t, s, first, out, nowMs) : verdict;
}

/**
 * RFC 7757 §4.2: IPv6 → IPv4 → IPv6 within the translator, the source kept out of the explicit mappings the second time. What the
 * second half would refuse is refused before anything is changed: the sender gets its answer in IPv6.
 */
function turnRound(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const { upper, fragment } = t.chain;
  if (t.map.toIpv6(t.source4, PREFIX_ONLY) < 0) {
    t.isSourceRefused = true;
    sendIcmpv6Refusal(t, s, at, end, out, nowMs, verdicts.NON_GLOBAL);
    return verdicts.NON_GLOBAL;
  }
  const isTooBig = fragment < 0 && largestPayload(t, s, at, end) + IPV6_HEADER > t.ipv6Mtu;
  if (isTooBig || end - upper + IPV4_HEADER > UNLIMITED) {
    sendIcmpv6Error(t, s, at, end, out, nowMs, PACKET_TOO_BIG6, 0, t.ipv6Mtu);
    return verdicts.TOO_BIG;
  }
  const first = out.count;
  const verdict = translateMapped(t, s, at, end, field, UNLIMITED, out, nowMs);
  if (verdict !== TRANSLATED) return verdict;
  t.secondPassSource = PREFIX_ONLY;
  return secondPass(t, s, first, out, nowMs);
}

/** Bytes behind the IP headers in the largest packet that this one stands for. */
function largestPayload(t: Translator, s: Slab, at: number, end: number): number {
  const { upper, protocol } = t.chain;
  const payload = end - upper;
  const h = at - OFFLOAD_HEADER;
  if (isPlain(s, h) || gsoType(s, h) === GSO_NONE) return payload;
  return Math.min(payload, transportHeader(s, upper, payload, protocol) + gsoSize(s, h));
}

/** Sends the IPv4 packet that is last in the list, number `first`, through the other direction. */
function secondPass(t: Translator, s: Slab, first: number, out: PacketList, nowMs: number): verdicts.Verdict {
  out.count = first;
  t.isSecondPass = true;
  const verdict = translateV4(t, s, out.offset[first], out.length[first], out, nowMs);
  t.isSecondPass = false;
  return verdict;
}

function translateMapped(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  mtu: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  return isPlain(s, at - OFFLOAD_HEADER)
    ? translatePlain(t, s, at, end, field, mtu, out, nowMs)
    : translateOffloaded(t, s, at, end, field, mtu, out, nowMs);
}

function translatePlain(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  mtu: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const { upper, fragment } = t.chain;
  const total = end - upper + IPV4_HEADER;
  const canFragment = fragment >= 0 || total <= DF_THRESHOLD;
  if (total > mtu && !canFragment) {
    sendPacketTooBig(t, s, at, end, out, nowMs);
    return verdicts.TOO_BIG;
  }
  const isFirst = (field & FRAGMENT_OFFSET_MASK) === 0;
  if (isFirst) {
    const fault = adjustTransport(t, s, upper, end, (field & FRAGMENT_MORE) !== 0);
    if (fault !== TRANSLATED) return fault;
    t.writePort(s, upper, end - upper);
  }
  if (total > mtu) return cutUp(t, s, at, end, field, out);
  emitPacket(t, s, at, end, field, total > DF_THRESHOLD, 1, out);
  return TRANSLATED;
}

/** Checksum of an unfragmented packet or first fragment. IPv6 UDP with a zero checksum (RFC 6935) stays without one. */
function adjustTransport(t: Translator, s: Slab, upper: number, end: number, isFragment: boolean): verdicts.Verdict {
  const proto = t.chain.protocol;
  if (proto === ICMPV6) {
    echoToIcmpv4(t, s, upper, end - upper);
    return TRANSLATED;
  }
  const offset = findChecksum(proto, end - upper, isFragment);
  if (offset === NO_CHECKSUM) return TRANSLATED;
  if (offset === CUT_SHORT) return verdicts.BAD_TRANSPORT;
  if (!isZeroUdpChecksum(s, upper, end - upper, proto))
    adjustChecksum(s, upper + offset, proto, t.difference + t.portDifference);
  return TRANSLATED;
}

/** Fragments of what may be fragmented but is larger than the IPv4 side. */
function cutUp(t: Translator, s: Slab, at: number, end: number, field: number, out: PacketList): verdicts.Verdict {
  const { upper, fragment, protocol } = t.chain;
  const id = fragment >= 0 ? fragmentIdentificationLow(s, fragment) : t.nextIdentification(1);
  const tosOctet = t.fixedTos < 0 ? trafficClass(s, at) : t.fixedTos;
  const proto = protocol === ICMPV6 ? ICMP : protocol;
  const base = field & FRAGMENT_OFFSET_MASK;
  const isMore = (field & FRAGMENT_MORE) !== 0;
  const hops = hopLimit(s, at) - t.hopCost;
  return fragmentToIpv4(t, s, upper, end, tosOctet, id, base, isMore, hops, proto, out);
}

/**
 * Writes the IPv4 header right before the payload, which stays where it is: RFC 7915 §5.1, rules T-5.1-01 … 03.
 * @param segments packets that this one stands for; each takes an identification
 */
function emitPacket(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  isDf: boolean,
  segments: number,
  out: PacketList,
): void {
  const { upper, fragment, protocol } = t.chain;
  const start = upper - IPV4_HEADER;
  const isFragment = fragment >= 0;
  const id = isFragment ? fragmentIdentificationLow(s, fragment) : t.nextIdentification(segments);
  let word = isDf ? DF : 0;
  if (isFragment) word = fragmentWordOf(field);
  const tosOctet = t.fixedTos < 0 ? trafficClass(s, at) : t.fixedTos;
  const proto = protocol === ICMPV6 ? ICMP : protocol;
  emitIpv4(s, start, tosOctet, end - start, id, word, hopLimit(s, at) - t.hopCost, proto, t.source4, t.destination4);
  clearOffload(s, start - OFFLOAD_HEADER);
  append(out, start, end - start);
}

/** Packets with an offload header that says something: rules T-O-01 and T-O-02. */
function translateOffloaded(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  mtu: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const o = t.offload;
  const { upper, protocol, fragment } = t.chain;
  const kind = resolveOffload(s, o, at, upper, end, protocol, GSO_TCPV6, fragment >= 0);
  if (kind === OFFLOAD_BAD) return verdicts.BAD_OFFLOAD;
  if (kind === OFFLOAD_NONE) {
    const verdict = translatePlain(t, s, at, end, field, mtu, out, nowMs);
    if (verdict === TRANSLATED) keepDataValid(s, o, out);
    return verdict;
  }
  const transport = o.type === GSO_NONE ? 0 : transportHeader(s, upper, end - upper, protocol);
  const whole = end - upper + IPV4_HEADER;
  const largest = o.type === GSO_NONE ? whole : Math.min(IPV4_HEADER + transport + o.gsoSize, whole);
  if (largest > mtu || whole > UNLIMITED) return oversizedOffload(t, s, at, end, largest, mtu, out, nowMs);
  const segments = o.type === GSO_NONE ? 1 : segmentCount(end - upper - transport, o.gsoSize);
  // A partial checksum holds the pseudo-header alone: a new port is none of its business.
  adjustPartialChecksum(s, upper + o.csumOffset, t.difference);
  t.writePort(s, upper, end - upper);
  // DF by the size of the segments: a last, shorter one shares the flag of the others, as GSO gives it to all.
  emitPacket(t, s, at, end, field, largest > DF_THRESHOLD, segments, out);
  emitMovedOffload(s, o, upper - IPV4_HEADER - OFFLOAD_HEADER, IPV4_HEADER - (upper - at), IPV4_HEADER + transport);
  return TRANSLATED;
}

/** Rule T-O-02; and a super-packet whose segments fit, but whose own length does not fit an IPv4 header. */
function oversizedOffload(
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  largest: number,
  mtu: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const o = t.offload;
  const { upper } = t.chain;
  if (largest > mtu && largest > DF_THRESHOLD) {
    sendPacketTooBig(t, s, at, end, out, nowMs);
    return verdicts.TOO_BIG;
  }
  if (o.type !== GSO_NONE) return segmentAndTranslate(t, s, at, upper - at, end, out, nowMs, translateV6);
  finishPartialChecksum(s, o, upper, end);
  return translatePlain(t, s, at, end, 0, mtu, out, nowMs);
}
