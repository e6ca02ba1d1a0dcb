// ICMP errors through stateful NAT64: RFC 6146 §3.4 (the tuple is that of the packet inside), RFC 5508 §4 and §7, rule N-04. The
// packet inside names the session; an error without one is dropped, and none refreshes or ends a session.
//
//     ICMPv6 error to PREF64+remote4, inside: PREF64+remote4 → host6:port6   becomes   … pool → remote4, inside: remote4 → pool4:port4
//     ICMPv4 error to pool4,          inside: pool4:port4 → remote4          becomes   … → host6,        inside: host6:port6 → PREF64+remote4

import { PREFIX_ONLY } from '../address/address-map.ts';
import { isInside } from '../address/rfc6052.ts';
import { translateIcmpv4Error } from '../translate/icmpv4-to-icmpv6.ts';
import type { Translator } from '../translate/translator.ts';
import { sendErrorToIpv4 } from '../translate/v6-to-v4.ts';
import { ICMP_INNER, ICMP_NESTED, NON_GLOBAL, OWN_SOURCE, TRANSLATED, type Verdict } from '../translate/verdict.ts';
import { CHAIN_OK, makeChain, walkChain } from '../wire/extension.ts';
import { ICMP_HEADER, icmpType, isIcmpv4Error, isIcmpv6Error } from '../wire/icmp.ts';
import { destination, fragmentWord, headerLength, IPV4_HEADER, OFFSET_MASK, protocol, source } from '../wire/ipv4.ts';
import { FRAGMENT_OFFSET_MASK, fragmentField, IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE } from '../wire/ipv6.ts';
import type { PacketList, Slab } from '../wire/slab.ts';
import { ICMP_BIB } from './bib-protocol.ts';
import type { Nat64Path } from './packet-path.ts';
import {
  bibOfProtocol,
  DESTINATION_PORT,
  ECHO_IDENTIFIER,
  SOURCE_PORT,
  setIpv4,
  setIpv6,
  setPort,
} from './registers.ts';

/** Finds the sessions of packets inside ICMP errors, and keeps what it read of one. */
export class InnerTuples {
  /** Of the packet inside; t.chain is still that of the outer one. */
  private readonly chain = makeChain();
  private bib = 0;
  /** Both ports; of an echo the identifier as the one on our side, and 0. */
  private near = 0;
  private far = 0;

  /** Registers for the packet inside an ICMPv6 error at `from`. */
  mapToIpv4(path: Nat64Path, t: Translator, s: Slab, from: number, end: number): Verdict {
    const verdict = this.find6(path, t, s, from, end);
    if (verdict !== TRANSLATED) return verdict;
    const { state } = path;
    const remote4 = t.map.ipv4;
    setIpv4(t, s, from, remote4, state.source4, state.isOwn4(remote4));
    setPort(t, this.bib === ICMP_BIB ? ECHO_IDENTIFIER : DESTINATION_PORT, this.near, state.sourcePort);
    return TRANSLATED;
  }

  /** Registers for the packet inside an ICMPv4 error at `from`. */
  mapToIpv6(path: Nat64Path, t: Translator, s: Slab, from: number, end: number): Verdict {
    const verdict = this.find4(path, s, from, end);
    if (verdict !== TRANSLATED) return verdict;
    if (t.map.toIpv6(destination(s, from), PREFIX_ONLY) < 0) return NON_GLOBAL;
    const { s0, s1, s2, s3, port6 } = path.state;
    setIpv6(t, s, from, s0, s1, s2, s3);
    exchangeEnds(t);
    setPort(t, this.bib === ICMP_BIB ? ECHO_IDENTIFIER : SOURCE_PORT, this.near, port6);
    return TRANSLATED;
  }

  /** The session of an IPv6 packet that went to a host of ours. The far end is then in t.map.ipv4, ours in the state. */
  find6(path: Nat64Path, t: Translator, s: Slab, from: number, end: number): Verdict {
    const { chain } = this;
    if (end - from < IPV6_HEADER || walkChain(s, from, end, chain) !== CHAIN_OK) return ICMP_INNER;
    if (chain.fragment >= 0 && (fragmentField(s, chain.fragment) & FRAGMENT_OFFSET_MASK) !== 0) return ICMP_INNER;
    this.bib = bibOfProtocol(chain.protocol);
    const fault = this.readPorts(s, chain.upper, end, DESTINATION_PORT, isIcmpv6Error);
    if (fault !== TRANSLATED) return fault;
    if (path.mapRemote6(t, s, from + IPV6_SOURCE) !== TRANSLATED) return ICMP_INNER;
    const v = s.view;
    const host = from + IPV6_DESTINATION;
    return path.state.findByIpv6(
      this.bib,
      v.getInt32(host),
      v.getInt32(host + 4),
      v.getInt32(host + 8),
      v.getInt32(host + 12),
      this.near,
      t.map.ipv4,
      this.far,
    );
  }

  /** The session of an IPv4 packet that went out from the pool. */
  find4(path: Nat64Path, s: Slab, from: number, end: number): Verdict {
    if (end - from < IPV4_HEADER || headerLength(s, from) < IPV4_HEADER) return ICMP_INNER;
    if ((fragmentWord(s, from) & OFFSET_MASK) !== 0) return ICMP_INNER;
    this.bib = bibOfProtocol(protocol(s, from));
    const fault = this.readPorts(s, from + headerLength(s, from), end, SOURCE_PORT, isIcmpv4Error);
    if (fault !== TRANSLATED) return fault;
    return path.state.findByIpv4(this.bib, source(s, from), this.near, destination(s, from), this.far);
  }

  /** @param field where our side's port stands: the source's or the destination's */
  private readPorts(s: Slab, upper: number, end: number, field: number, isError: (type: number) => boolean): Verdict {
    if (this.bib < 0 || upper + ECHO_IDENTIFIER + 2 > end) return ICMP_INNER;
    const v = s.view;
    if (this.bib !== ICMP_BIB) {
      this.near = v.getUint16(upper + field);
      this.far = v.getUint16(upper + (field ^ DESTINATION_PORT));
      return TRANSLATED;
    }
    if (isError(icmpType(s, upper))) return ICMP_NESTED;
    this.near = v.getUint16(upper + ECHO_IDENTIFIER);
    this.far = 0;
    return TRANSLATED;
  }
}

/**
 * Sends on the ICMPv6 error in the packet at `at`, whose headers t.chain describes. Its source need not be a client: it is any router
 * on the way to one, and path MTU discovery needs what that says. What names a client is the packet inside, and only who has
 * been let in has a session.
 */
export function errorToIpv4(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  const v = s.view;
  const from = t.chain.upper + ICMP_HEADER;
  const a = v.getInt32(at + IPV6_SOURCE);
  const b = v.getInt32(at + IPV6_SOURCE + 4);
  const c = v.getInt32(at + IPV6_SOURCE + 8);
  if (isInside(path.prefix, a, b, c)) return OWN_SOURCE;
  const verdict = path.inner.find6(path, t, s, from, end);
  if (verdict !== TRANSLATED) return verdict;
  // It goes to whom the packet inside came from, or it is forged (RFC 5508 §7).
  if (!isSameAddress(s, at + IPV6_DESTINATION, from + IPV6_SOURCE)) return ICMP_INNER;
  t.destination4 = t.map.ipv4;
  const isHost = isSameAddress(s, at + IPV6_SOURCE, from + IPV6_DESTINATION);
  // RFC 6791 §3.1: a router on the way has no address in IPv4 and is given one; at the least that of the host's binding.
  const picked = isHost ? 0 : t.icmpSources.pickIpv4(a, b, c, v.getInt32(at + IPV6_SOURCE + 12));
  t.source4 = picked === 0 ? path.state.source4 : picked;
  return sendErrorToIpv4(t, s, at, end, out, nowMs);
}

/**
 * Sends on the ICMPv4 error in the packet at `at`. A source of the pool is none to refuse here (rule N-08): the kernel that shares
 * its address with NAT64 speaks by it of the packets that it could not send on.
 */
export function errorToIpv6(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  out: PacketList,
): Verdict {
  const from = at + header + ICMP_HEADER;
  const verdict = path.inner.find4(path, s, from, end);
  if (verdict !== TRANSLATED) return verdict;
  if (source(s, from) !== destination(s, at)) return ICMP_INNER;
  const isMapped = t.map.toIpv6(source(s, at), PREFIX_ONLY) >= 0;
  if (!isMapped && !t.icmpSources.pickIpv6(source(s, at), t.map)) return NON_GLOBAL;
  const { s0, s1, s2, s3 } = path.state;
  setIpv6(t, s, at, s0, s1, s2, s3);
  return translateIcmpv4Error(t, s, at, header, end, out);
}

function isSameAddress(s: Slab, one: number, other: number): boolean {
  const v = s.view;
  if (v.getInt32(one) !== v.getInt32(other) || v.getInt32(one + 4) !== v.getInt32(other + 4)) return false;
  return v.getInt32(one + 8) === v.getInt32(other + 8) && v.getInt32(one + 12) === v.getInt32(other + 12);
}

/** The packet inside goes the other way: what was found for its receiver is its sender. */
function exchangeEnds(t: Translator): void {
  const { s0, s1, s2, s3 } = t;
  t.s0 = t.d0;
  t.s1 = t.d1;
  t.s2 = t.d2;
  t.s3 = t.d3;
  t.d0 = s0;
  t.d1 = s1;
  t.d2 = s2;
  t.d3 = s3;
}
