// The entry of the packet path: which direction a packet goes. fast-path.ts takes what is usual
// (../nat64/fast-nat64.ts in a stateful translator); everything else is v4-to-v6.ts and v6-to-v4.ts.

import type { PacketList, Slab } from '../wire/slab.ts';
import { fastToIpv4, fastToIpv6, LONG_WAY } from './fast-path.ts';
import type { Translator } from './translator.ts';
import { translateV4 } from './v4-to-v6.ts';
import { translateV6 } from './v6-to-v4.ts';
import { BAD_VERSION, NO_ROOM, TOO_SHORT, type Verdict } from './verdict.ts';

/**
 * Translates one packet in place and appends what comes of it to `out`: the translated packet, its fragments or segments, or
 * an ICMP error back to the sender.
 * @param at offset of the IP header; HEADROOM bytes before it may be overwritten, an offload header stands in the last ten
 * @param length bytes from the IP header on
 * @param nowMs a monotonic clock
 * @returns the verdict. Never throws, never reads or writes outside the packet, its head room and the list's spare part.
 */
export function translate(t: Translator, s: Slab, at: number, length: number, out: PacketList, nowMs: number): Verdict {
  if (length < 1) return TOO_SHORT;
  if (out.count >= out.offset.length) return NO_ROOM;
  const version = s.view.getUint8(at) >>> 4;
  if (version === 4) {
    const fast =
      t.nat64 === null ? fastToIpv6(t, s, at, length, out) : t.nat64.fastToIpv6(t, s, at, length, out, nowMs);
    return fast === LONG_WAY ? translateV4(t, s, at, length, out, nowMs) : fast;
  }
  if (version !== 6) return BAD_VERSION;
  const fast = t.nat64 === null ? fastToIpv4(t, s, at, length, out) : t.nat64.fastToIpv4(t, s, at, length, out, nowMs);
  return fast === LONG_WAY ? translateV6(t, s, at, length, out, nowMs) : fast;
}
