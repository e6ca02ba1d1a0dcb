// IPv4 → IPv6: RFC 7915 §4.1, rules T-4.1 and T-4.5. Everything is checked before the first byte is changed, so that an
// ICMP error can quote the packet as it came; only a partial checksum inside a tunnel is finished before (resolveOffload), as the
// sender's own hardware would have done. ICMP errors leave for icmpv4-to-icmpv6.ts, oversized packets for fragment.ts.

import { SOURCE_ROUTE_FAILED4, TIME_EXCEEDED4, UNREACHABLE4 } from '../wire/icmp.ts';
import {
  checkIpv4,
  DF,
  destination,
  fragmentWord,
  headerLength,
  IPV4_HEADER,
  IPV4_TOO_SHORT,
  identification,
  isHeaderChecksumRight,
  MF,
  OFFSET_MASK,
  OPTIONS_BAD,
  OPTIONS_OK,
  protocol,
  scanOptions,
  source,
  tos,
  totalLength,
  ttl,
} from '../wire/ipv4.ts';
import { emitAddress, emitFragmentHeader, emitIpv6Start, FRAGMENT_HEADER, IPV6_HEADER } from '../wire/ipv6.ts';
import { clearOffload, GSO_NONE, GSO_TCPV4, isPlain, OFFLOAD_HEADER } from '../wire/offload.ts';
import { FRAGMENT, ICMP, ICMPV6, isIpv6Only } from '../wire/protocol.ts';
import { append, type PacketList, type Slab } from '../wire/slab.ts';
import { answerEcho4 } from './echo.ts';
import { sendIcmpv4Error, sendIcmpv4FragmentationNeeded, sendIcmpv4Refusal } from './errors.ts';
import { fragmentFieldOf, fragmentToIpv6 } from './fragment.ts';
import { checkIcmpv4, echoToIcmpv6, ICMP_ECHO, translateIcmpv4Error } from './icmpv4-to-icmpv6.ts';
import {
  emitMovedOffload,
  finishPartialChecksum,
  keepDataValid,
  OFFLOAD_BAD,
  OFFLOAD_NONE,
  resolveOffload,
  transportHeader,
} from './offload-packet.ts';
import { segmentAndTranslate } from './segment.ts';
import type { Translator } from './translator.ts';
import {
  adjustChecksum,
  adjustPartialChecksum,
  CUT_SHORT,
  computeUdpChecksum,
  findChecksum,
  isZeroUdpChecksum,
  NO_CHECKSUM,
} from './transport.ts';
import * as verdicts from './verdict.ts';

const { TRANSLATED } = verdicts;

/**
 * Translates the IPv4 packet of `length` bytes at `at`; results and replies are appended to `out`.
 * @param nowMs a monotonic clock, for rate limits and leases
 * @returns the verdict; see verdict.ts. Never throws.
 */
export function translateV4(
  t: Translator,
  s: Slab,
  at: number,
  length: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const fault = checkHeader(t, s, at, length);
  if (fault !== TRANSLATED) return fault;
  const header = headerLength(s, at);
  const end = at + totalLength(s, at);
  if (t.isOwn4(destination(s, at)) && !t.isSecondPass) return answerEcho4(s, at, end, out);
  if (header > IPV4_HEADER) {
    const optionFault = checkOptions(t, s, at, out, nowMs);
    if (optionFault !== TRANSLATED) return optionFault;
  }
  // Deviates from RFC 7915 §4.1 (Next Header = Protocol): payload would be read as a header that no IPv4 filter has seen.
  if (isIpv6Only(protocol(s, at))) return verdicts.PROTOCOL;
  const word = fragmentWord(s, at);
  const isFragment = (word & (MF | OFFSET_MASK)) !== 0;
  if (isFragment && isImpossibleFragment(word, end - at - header)) return verdicts.BAD_FRAGMENT;
  let isError = false;
  if (protocol(s, at) === ICMP) {
    if (isFragment) return verdicts.FRAGMENTED_ICMP; // RFC 7915 §4.2, T-4.1-08
    const kind = checkIcmpv4(t, s, at + header, end);
    if (kind < 0) return -kind;
    isError = kind !== ICMP_ECHO;
  }
  // RFC 7915 §4.1: the TTL is decremented before anything is sent on.
  if (ttl(s, at) <= t.hopCost && t.hopCost !== 0 && !t.isSecondPass) {
    sendIcmpv4Error(t, s, at, end, out, nowMs, TIME_EXCEEDED4, 0, 0);
    return verdicts.HOP_LIMIT;
  }
  if (t.nat64 !== null) return t.nat64.toIpv6(t, s, at, header, end, word, isError, out, nowMs);
  const refusal = t.mapToIpv6(source(s, at), destination(s, at), isError, false);
  if (refusal !== TRANSLATED) {
    sendIcmpv4Refusal(t, s, at, end, out, nowMs, refusal);
    return refusal;
  }
  if (isError) return translateIcmpv4Error(t, s, at, header, end, out);
  return sendToIpv6(t, s, at, header, end, word, out, nowMs);
}

/**
 * Sends on the checked packet at `at` by the addresses in t's registers.
 * @param header length of the IPv4 header
 * @param word its flags and offset word
 */
export function sendToIpv6(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  return isPlain(s, at - OFFLOAD_HEADER)
    ? translatePlain(t, s, at, header, end, word, out, nowMs)
    : translateOffloaded(t, s, at, header, end, word, out, nowMs);
}

function checkHeader(t: Translator, s: Slab, at: number, length: number): verdicts.Verdict {
  const fault = checkIpv4(s, at, length);
  if (fault !== 0) return fault === IPV4_TOO_SHORT ? verdicts.TOO_SHORT : verdicts.BAD_LENGTH;
  if (!isHeaderChecksumRight(s, at) && !t.settings.tolerate.headerChecksum) return verdicts.BAD_HEADER_CHECKSUM;
  return t.checkMartians4(source(s, at), destination(s, at));
}

function checkOptions(t: Translator, s: Slab, at: number, out: PacketList, nowMs: number): verdicts.Verdict {
  const result = scanOptions(s, at);
  if (result === OPTIONS_OK) return TRANSLATED;
  if (result === OPTIONS_BAD) return verdicts.BAD_OPTION;
  if (t.settings.tolerate.sourceRoute) return TRANSLATED;
  // RFC 7915 §4.1: an unexpired source route is answered with "source route failed".
  sendIcmpv4Error(t, s, at, at + totalLength(s, at), out, nowMs, UNREACHABLE4, SOURCE_ROUTE_FAILED4, 0);
  return verdicts.SOURCE_ROUTE;
}

/** A fragment that would end beyond 65,535 bytes, or that is not the last and no multiple of 8 long (RFC 791 §3.2). */
function isImpossibleFragment(word: number, payload: number): boolean {
  return ((word & OFFSET_MASK) << 3) + payload > 65535 || ((word & MF) !== 0 && ((payload & 7) !== 0 || payload === 0));
}

function translatePlain(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const isFragment = (word & (MF | OFFSET_MASK)) !== 0;
  const upper = at + header;
  const newLength = end - upper + IPV6_HEADER + (isFragment ? FRAGMENT_HEADER : 0);
  const canFragment = (word & DF) === 0;
  const isTooBig = newLength > (canFragment ? t.fragmentLimit6 : t.ipv6Mtu);
  if (isTooBig && !canFragment) {
    sendIcmpv4FragmentationNeeded(t, s, at, end, out, nowMs);
    return verdicts.TOO_BIG;
  }
  const fault = (word & OFFSET_MASK) === 0 ? adjustTransport(t, s, at, upper, end, isFragment) : TRANSLATED;
  if (fault !== TRANSLATED) return fault;
  t.writePort(s, upper, end - upper);
  if (isTooBig) return fragmentToIpv6(t, s, at, header, end, out);
  emitPacket(t, s, at, header, end, isFragment, out);
  return TRANSLATED;
}

/** Checksum of an unfragmented packet or first fragment. */
function adjustTransport(
  t: Translator,
  s: Slab,
  at: number,
  upper: number,
  end: number,
  isFragment: boolean,
): verdicts.Verdict {
  const proto = protocol(s, at);
  if (proto === ICMP) {
    echoToIcmpv6(t, s, upper, end - upper);
    return TRANSLATED;
  }
  const offset = findChecksum(proto, end - upper, isFragment);
  if (offset === NO_CHECKSUM) return TRANSLATED;
  if (offset === CUT_SHORT) return verdicts.BAD_TRANSPORT;
  if (isZeroUdpChecksum(s, upper, end - upper, proto)) return zeroUdpChecksum(t, s, upper, end, isFragment);
  adjustChecksum(s, upper + offset, proto, t.difference + t.portDifference);
  return TRANSLATED;
}

/** RFC 7915 §4.5: UDP without a checksum, T-4.5-02 and T-4.5-03. */
function zeroUdpChecksum(t: Translator, s: Slab, upper: number, end: number, isFragment: boolean): verdicts.Verdict {
  if (isFragment || t.settings.udpZeroChecksum === 'drop') return verdicts.UDP_ZERO_CHECKSUM;
  if (t.settings.udpZeroChecksum === 'forward') return TRANSLATED;
  return computeUdpChecksum(s, upper, end - upper, t.newSum + t.portDifference)
    ? TRANSLATED
    : verdicts.UDP_ZERO_CHECKSUM;
}

/** Writes the IPv6 header (and Fragment Header) in front of the payload, which stays where it is. */
function emitPacket(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  isFragment: boolean,
  out: PacketList,
): void {
  const upper = at + header;
  const trafficClass = t.copiesTrafficClass ? tos(s, at) : 0;
  const hops = ttl(s, at) - (t.isSecondPass ? 0 : t.hopCost);
  const proto = protocol(s, at);
  const next = proto === ICMP ? ICMPV6 : proto;
  let start = upper - IPV6_HEADER;
  if (isFragment) {
    const id = identification(s, at);
    const word = fragmentWord(s, at);
    start -= FRAGMENT_HEADER;
    emitFragmentHeader(s, upper - FRAGMENT_HEADER, next, fragmentFieldOf(word), id); // RFC 7915 §4.1: low 16 bits
    emitIpv6Start(s, start, trafficClass, end - upper + FRAGMENT_HEADER, FRAGMENT, hops);
  } else {
    emitIpv6Start(s, start, trafficClass, end - upper, next, hops);
  }
  emitAddress(s, start + 8, t.s0, t.s1, t.s2, t.s3);
  emitAddress(s, start + 24, t.d0, t.d1, t.d2, t.d3);
  clearOffload(s, start - OFFLOAD_HEADER);
  append(out, start, end - start);
}

/** Packets with an offload header that says something: rules T-O-01 and T-O-02. */
function translateOffloaded(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const o = t.offload;
  const upper = at + header;
  const proto = protocol(s, at);
  const kind = resolveOffload(s, o, at, upper, end, proto, GSO_TCPV4, (word & (MF | OFFSET_MASK)) !== 0);
  if (kind === OFFLOAD_BAD) return verdicts.BAD_OFFLOAD;
  if (kind === OFFLOAD_NONE) {
    const verdict = translatePlain(t, s, at, header, end, word, out, nowMs);
    if (verdict === TRANSLATED) keepDataValid(s, o, out);
    return verdict;
  }
  const headers = IPV6_HEADER + (o.type === GSO_NONE ? 0 : transportHeader(s, upper, end - upper, proto));
  const whole = end - upper + IPV6_HEADER;
  const largest = o.type === GSO_NONE ? whole : Math.min(headers + o.gsoSize, whole);
  if (largest > ((word & DF) === 0 ? t.fragmentLimit6 : t.ipv6Mtu)) {
    return oversizedOffload(t, s, at, header, end, word, out, nowMs);
  }
  // A partial checksum holds the pseudo-header alone: a new port is none of its business.
  adjustPartialChecksum(s, upper + o.csumOffset, t.difference);
  t.writePort(s, upper, end - upper);
  emitPacket(t, s, at, header, end, false, out);
  emitMovedOffload(s, o, upper - IPV6_HEADER - OFFLOAD_HEADER, IPV6_HEADER - header, headers);
  return TRANSLATED;
}

/** Rule T-O-02: what does not fit is refused (DF), segmented here, or gets its checksum finished to be fragmented. */
function oversizedOffload(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): verdicts.Verdict {
  const o = t.offload;
  if ((word & DF) !== 0) {
    sendIcmpv4FragmentationNeeded(t, s, at, end, out, nowMs);
    return verdicts.TOO_BIG;
  }
  if (o.type !== GSO_NONE) return segmentAndTranslate(t, s, at, header, end, out, nowMs, translateV4);
  finishPartialChecksum(s, o, at + header, end);
  return translatePlain(t, s, at, header, end, word, out, nowMs);
}
