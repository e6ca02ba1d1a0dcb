// The MTU inside "too big" messages: RFC 7915 §4.2 and §5.2, RFC 1191 §7; rules T-4.2-06 and T-5.2-06.

import { totalLength } from '../wire/ipv4.ts';
import { HEADER_DIFFERENCE } from '../wire/ipv6.ts';
import type { Slab } from '../wire/slab.ts';
import { IPV4_MIN_MTU, IPV6_MIN_MTU } from './settings.ts';
import type { Translator } from './translator.ts';

/**
 * MTU of the ICMPv6 message for a reported IPv4 MTU.
 * @param reported 0 from a router that predates RFC 1191: the largest plateau below the size of the packet at `inner` then
 */
export function mtuToIpv6(t: Translator, s: Slab, reported: number, inner: number, innerEnd: number): number {
  const mtu = reported !== 0 ? reported : plateauBelow(t, innerEnd - inner < 4 ? 0 : totalLength(s, inner));
  return Math.max(IPV6_MIN_MTU, Math.min(mtu + HEADER_DIFFERENCE, t.ipv6Mtu, t.ipv4Mtu + HEADER_DIFFERENCE));
}

/** MTU of the ICMPv4 message for a reported IPv6 MTU of any 32-bit value. */
export function mtuToIpv4(t: Translator, reported: number): number {
  return Math.max(
    IPV4_MIN_MTU,
    Math.min(reported - HEADER_DIFFERENCE, t.ipv4Mtu, t.ipv6Mtu - HEADER_DIFFERENCE, 0xffff),
  );
}

function plateauBelow(t: Translator, size: number): number {
  for (const plateau of t.settings.plateaus) if (plateau < size) return plateau;
  return IPV4_MIN_MTU;
}
