// The translator's registers as stateful NAT64 sets them: addresses, sums, and the port that is written late. Read first:
// ../translate/translator.ts.

import type { Translator } from '../translate/translator.ts';
import { sumWord } from '../wire/checksum.ts';
import { destination, source } from '../wire/ipv4.ts';
import { IPV6_DESTINATION, IPV6_SOURCE, sumAddress } from '../wire/ipv6.ts';
import { ICMP, ICMPV6, TCP, UDP } from '../wire/protocol.ts';
import type { Slab } from '../wire/slab.ts';
import { ICMP_BIB, TCP_BIB, UDP_BIB } from './bib-protocol.ts';

/** Offsets in the transport header of what NAT64 may write. */
export const SOURCE_PORT = 0;
export const DESTINATION_PORT = 2;
export const ECHO_IDENTIFIER = 4;

/** Which BIB a protocol number of either family belongs to; -1: none (RFC 6146 §3.4 knows these three). */
export function bibOfProtocol(proto: number): number {
  if (proto === TCP) return TCP_BIB;
  if (proto === UDP) return UDP_BIB;
  return proto === ICMP || proto === ICMPV6 ? ICMP_BIB : -1;
}

/** Registers of a packet going to IPv4. */
export function setIpv4(
  t: Translator,
  s: Slab,
  at: number,
  source4: number,
  destination4: number,
  isHairpin: boolean,
): void {
  t.source4 = source4;
  t.destination4 = destination4;
  t.isHairpin = isHairpin;
  t.newSum = sumWord(source4) + sumWord(destination4);
  t.difference = t.newSum + COMPLEMENTS - sumAddress(s, at + IPV6_SOURCE) - sumAddress(s, at + IPV6_DESTINATION);
}

/** Sixteen times 0xffff: minus a sum of sixteen words it is the sum of their complements. */
const COMPLEMENTS = 16 * 0xffff;

/** Registers of a packet going to IPv6 to this host; the sender's IPv6 form is in t.map. */
export function setIpv6(t: Translator, s: Slab, at: number, d0: number, d1: number, d2: number, d3: number): void {
  const map = t.map;
  t.s0 = map.w0;
  t.s1 = map.w1;
  t.s2 = map.w2;
  t.s3 = map.w3;
  t.d0 = d0;
  t.d1 = d1;
  t.d2 = d2;
  t.d3 = d3;
  t.newSum =
    sumWord(map.w0) +
    sumWord(map.w1) +
    sumWord(map.w2) +
    sumWord(map.w3) +
    sumWord(d0) +
    sumWord(d1) +
    sumWord(d2) +
    sumWord(d3);
  t.difference = t.newSum + sumWord(~source(s, at)) + sumWord(~destination(s, at));
}

/** What is written late into the transport header: a new port or identifier at `field`, or nothing where it stays the same. */
export function setPort(t: Translator, field: number, before: number, after: number): void {
  t.portField = before === after ? -1 : field;
  t.port = after;
  t.portDifference = before === after ? 0 : after + (~before & 0xffff);
}
