// Fragmentation: RFC 7915 §4 (DF=0 and too large for the IPv6 side, rule T-4.1-06) and RFC 791 §3.2 for what came with a
// Fragment Header and is too large for the IPv4 side. The fragments are built in the spare part of the slab.

import { emitIpv4, fragmentWord, IPV4_HEADER, identification, MF, protocol, tos, ttl } from '../wire/ipv4.ts';
import {
  emitAddress,
  emitFragmentHeader,
  emitIpv6Start,
  FRAGMENT_HEADER,
  FRAGMENT_MORE,
  IPV6_HEADER,
} from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { FRAGMENT, ICMP, ICMPV6 } from '../wire/protocol.ts';
import { append, type PacketList, reserve, type Slab } from '../wire/slab.ts';
import type { Translator } from './translator.ts';
import { FRAGMENTED, NO_ROOM, type Verdict } from './verdict.ts';

const HEADERS6 = IPV6_HEADER + FRAGMENT_HEADER;

/**
 * Cuts the IPv4 packet at `at` into IPv6 fragments of at most fragmentLimit6 bytes. Its transport checksum is translated already.
 * @returns FRAGMENTED, or NO_ROOM when the list is full or the spare part used up (none of the fragments is sent then)
 */
export function fragmentToIpv6(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  out: PacketList,
): Verdict {
  const word = fragmentWord(s, at);
  const upper = at + header;
  const proto = protocol(s, at);
  const next = proto === ICMP ? ICMPV6 : proto;
  const hops = ttl(s, at) - (t.isSecondPass ? 0 : t.hopCost);
  const trafficClass = t.copiesTrafficClass ? tos(s, at) : 0;
  const base = (word & 0x1fff) << 3;
  const chunk = (t.fragmentLimit6 - HEADERS6) & ~7;
  const first = out.count;
  for (let from = upper; from < end; from += chunk) {
    const length = Math.min(chunk, end - from);
    const to = reserve(out, HEADERS6 + length);
    if (to < 0) return giveUp(out, first);
    const more = from + length < end || (word & MF) !== 0 ? FRAGMENT_MORE : 0;
    emitIpv6Start(s, to, trafficClass, FRAGMENT_HEADER + length, FRAGMENT, hops);
    emitAddress(s, to + 8, t.s0, t.s1, t.s2, t.s3);
    emitAddress(s, to + 24, t.d0, t.d1, t.d2, t.d3);
    emitFragmentHeader(s, to + IPV6_HEADER, next, (base + from - upper) | more, identification(s, at));
    s.bytes.copyWithin(to + HEADERS6, from, from + length);
    clearOffload(s, to - OFFLOAD_HEADER);
    append(out, to, HEADERS6 + length);
  }
  return FRAGMENTED;
}

/**
 * Cuts a payload into IPv4 fragments of at most ipv4Mtu bytes.
 * @param upper first byte of the payload; `end`: byte after it
 * @param base byte offset of the payload in the original packet
 * @param isMore whether more of the original packet follows behind it
 * @returns as fragmentToIpv6
 */
export function fragmentToIpv4(
  t: Translator,
  s: Slab,
  upper: number,
  end: number,
  tosOctet: number,
  id: number,
  base: number,
  isMore: boolean,
  hops: number,
  proto: number,
  out: PacketList,
): Verdict {
  const chunk = (t.ipv4Mtu - IPV4_HEADER) & ~7;
  const first = out.count;
  for (let from = upper; from < end; from += chunk) {
    const length = Math.min(chunk, end - from);
    const to = reserve(out, IPV4_HEADER + length);
    if (to < 0) return giveUp(out, first);
    const more = from + length < end || isMore ? MF : 0;
    const word = ((base + from - upper) >>> 3) | more;
    emitIpv4(s, to, tosOctet, IPV4_HEADER + length, id, word, hops, proto, t.source4, t.destination4);
    s.bytes.copyWithin(to + IPV4_HEADER, from, from + length);
    clearOffload(s, to - OFFLOAD_HEADER);
    append(out, to, IPV4_HEADER + length);
  }
  return FRAGMENTED;
}

/** Half a packet is of no use to anybody: takes its fragments off the list again. */
function giveUp(out: PacketList, first: number): Verdict {
  out.count = first;
  return NO_ROOM;
}
