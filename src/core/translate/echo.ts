// Ping to the translator itself: an echo request to one of its own addresses is answered in place, everything else for it
// is dropped. RFC 792, RFC 4443 §4.2.

import { fold, sumBytes, updateChecksum } from '../wire/checksum.ts';
import {
  ECHO_REPLY4,
  ECHO_REPLY6,
  ECHO_REQUEST4,
  ECHO_REQUEST6,
  ICMP_HEADER,
  icmpChecksum,
  icmpType,
  setIcmpChecksum,
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
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_SOURCE,
  sumAddress,
} from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { ICMP, ICMPV6 } from '../wire/protocol.ts';
import { append, type PacketList, type Slab } from '../wire/slab.ts';
import { OWN_HOP_LIMIT } from './errors.ts';
import type { Translator } from './translator.ts';
import { ANSWERED, BAD_ICMP_CHECKSUM, TO_TRANSLATOR, type Verdict } from './verdict.ts';

/** Answers a checked IPv4 packet to ownIpv4 if it is a whole echo request. Never throws. */
export function answerEcho4(s: Slab, at: number, end: number, out: PacketList): Verdict {
  const icmp = at + IPV4_HEADER;
  const isEcho =
    protocol(s, at) === ICMP &&
    headerLength(s, at) === IPV4_HEADER &&
    (fragmentWord(s, at) & (MF | OFFSET_MASK)) === 0 &&
    end - icmp >= ICMP_HEADER &&
    icmpType(s, icmp) === ECHO_REQUEST4;
  if (!isEcho) return TO_TRANSLATOR;
  if (sumBytes(s, icmp, end - icmp, 0) !== 0xffff) return BAD_ICMP_CHECKSUM;
  setType(s, icmp, ECHO_REQUEST4, ECHO_REPLY4);
  emitIpv4(s, at, 0, end - at, 0, DF, OWN_HOP_LIMIT, ICMP, destination(s, at), source(s, at));
  clearOffload(s, at - OFFLOAD_HEADER);
  append(out, at, end - at);
  return ANSWERED;
}

/** Answers a checked IPv6 packet to ownIpv6 if it is a whole echo request without extension headers. Never throws. */
export function answerEcho6(t: Translator, s: Slab, at: number, end: number, out: PacketList): Verdict {
  const icmp = at + IPV6_HEADER;
  const isEcho =
    t.chain.protocol === ICMPV6 &&
    t.chain.upper === icmp &&
    end - icmp >= ICMP_HEADER &&
    icmpType(s, icmp) === ECHO_REQUEST6;
  if (!isEcho) return TO_TRANSLATOR;
  const pseudo = fold(sumAddress(s, at + IPV6_SOURCE) + sumAddress(s, at + IPV6_DESTINATION) + end - icmp + ICMPV6);
  if (sumBytes(s, icmp, end - icmp, pseudo) !== 0xffff) return BAD_ICMP_CHECKSUM;
  setType(s, icmp, ECHO_REQUEST6, ECHO_REPLY6);
  copyAddress(s, at + IPV6_SOURCE, at + IPV6_DESTINATION);
  emitAddress(s, at + IPV6_SOURCE, t.own0, t.own1, t.own2, t.own3);
  emitIpv6Start(s, at, 0, end - icmp, ICMPV6, OWN_HOP_LIMIT);
  clearOffload(s, at - OFFLOAD_HEADER);
  append(out, at, end - at);
  return ANSWERED;
}

function setType(s: Slab, icmp: number, from: number, to: number): void {
  setIcmpChecksum(s, icmp, updateChecksum(icmpChecksum(s, icmp), (to << 8) + (~(from << 8) & 0xffff)));
  s.view.setUint8(icmp, to);
}
