// What NAT64 sends by itself when time passes: the probe for an established TCP session that ran out, and the answer to a SYN that
// was held in vain. RFC 6146 §3.5.2.2, rule N-05.

import { embedWord1, embedWord2, embedWord3 } from '../address/rfc6052.ts';
import { OWN_HOP_LIMIT, sendIcmpv4Error } from '../translate/errors.ts';
import type { Translator } from '../translate/translator.ts';
import { complement, fold, sumBytes } from '../wire/checksum.ts';
import { ICMP_HEADER, PORT_UNREACHABLE4, UNREACHABLE4 } from '../wire/icmp.ts';
import { IPV4_HEADER } from '../wire/ipv4.ts';
import { emitAddress, emitIpv6Start, IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE, sumAddress } from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { TCP } from '../wire/protocol.ts';
import { append, HEADROOM, type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { ACK, TCP_CHECKSUM, TCP_DATA_OFFSET, TCP_FLAGS, TCP_HEADER } from '../wire/tcp.ts';
import { EXPIRED_PROBE, EXPIRED_SOME, EXPIRED_SYN, QUOTE_BYTES } from './nat64-state.ts';
import type { Nat64Path } from './packet-path.ts';

/** What one entry needs at most: an ICMPv4 error and the copy of the held SYN that it is about, each aligned; a probe is smaller. */
const NEEDED_BYTES = IPV4_HEADER + ICMP_HEADER + 2 * (QUOTE_BYTES + HEADROOM + 4);

/**
 * Works off what is due at `nowMs`, at most `budget` entries and no more than `out` has room for, and appends what has to be sent.
 * @param out with room for one probe at least, or nothing is ever done
 * @returns whether more may be due already. Never throws.
 */
export function expireSessions(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  out: PacketList,
  nowMs: number,
  budget: number,
): boolean {
  const { state } = path;
  path.fragments.expire(nowMs);
  for (let left = budget; left > 0 && hasRoom(out); left = state.budgetLeft) {
    const found = state.expire(nowMs, left);
    if (found === EXPIRED_PROBE) sendProbe(path, s, out);
    else if (found === EXPIRED_SYN) answerHeldSyn(path, t, s, out, nowMs);
    else return found === EXPIRED_SOME;
  }
  return true;
}

/** Whether whatever is due next can be sent: RFC 6146 §3.5.2.2 leaves no probe out, so a session waits until its own can go. */
const hasRoom = (out: PacketList): boolean =>
  out.count < out.offset.length && out.spareEnd - out.spareStart >= NEEDED_BYTES;

/**
 * A TCP segment to the IPv6 end, as if from its peer: nothing but an ACK far from its window. A host that still has the connection
 * answers with the numbers that it expects (RFC 9293 §3.10.7.4), which keeps the session; one that has not answers with a reset.
 */
function sendProbe(path: Nat64Path, s: Slab, out: PacketList): void {
  const to = reserve(out, IPV6_HEADER + TCP_HEADER);
  if (to < 0) return; // hasRoom() saw to that
  const { prefix, state } = path;
  const { remote4 } = state;
  const v = s.view;
  const w1 = embedWord1(prefix, remote4);
  emitIpv6Start(s, to, 0, TCP_HEADER, TCP, OWN_HOP_LIMIT);
  emitAddress(s, to + IPV6_SOURCE, prefix.p0, w1, embedWord2(prefix, remote4), embedWord3(prefix, remote4));
  emitAddress(s, to + IPV6_DESTINATION, state.s0, state.s1, state.s2, state.s3);
  const tcp = to + IPV6_HEADER;
  s.bytes.fill(0, tcp, tcp + TCP_HEADER);
  v.setUint16(tcp, state.remotePort);
  v.setUint16(tcp + 2, state.port6);
  v.setUint8(tcp + TCP_DATA_OFFSET, (TCP_HEADER / 4) << 4);
  v.setUint8(tcp + TCP_FLAGS, ACK);
  const pseudo = sumAddress(s, to + IPV6_SOURCE) + sumAddress(s, to + IPV6_DESTINATION) + TCP_HEADER + TCP;
  v.setUint16(tcp + TCP_CHECKSUM, complement(sumBytes(s, tcp, TCP_HEADER, fold(pseudo))));
  clearOffload(s, to - OFFLOAD_HEADER);
  append(out, to, IPV6_HEADER + TCP_HEADER);
}

/** ICMPv4 3/3 about a SYN whose other half did not come, where unsolicited packets are answered at all. */
function answerHeldSyn(path: Nat64Path, t: Translator, s: Slab, out: PacketList, nowMs: number): void {
  const { quote, quoteLength } = path.state;
  if (!path.settings.answersUnsolicited || quoteLength === 0) return;
  const at = reserve(out, QUOTE_BYTES);
  if (at < 0) return;
  s.bytes.set(quote, at);
  sendIcmpv4Error(t, s, at, at + quoteLength, out, nowMs, UNREACHABLE4, PORT_UNREACHABLE4, 0);
}
