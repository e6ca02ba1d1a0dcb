// The short way through stateful NAT64 for the packets that traffic is made of: TCP or UDP, no options, no extension header, no
// fragment, no hairpin, and nothing to refuse but a session. It does what the long way (packet-path.ts) does with such a packet, in
// one straight line; whatever is unusual in the least goes the long way, before a byte is changed and before the tables are asked.
// Read first: ../translate/fast-path.ts, whose twin this is. test/property/nat64-packets.test.ts holds it against the long way.

import { embedWord1, embedWord2, embedWord3, extract, isInside } from '../address/rfc6052.ts';
import { isMartian6 } from '../address/special.ts';
import { changed, emitSimpleOffload, isOwnPartial, LONG_WAY } from '../translate/fast-path.ts';
import * as inner from '../translate/inner.ts';
import type { Translator } from '../translate/translator.ts';
import * as verdicts from '../translate/verdict.ts';
import { fold, sumWord } from '../wire/checksum.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import * as offload from '../wire/offload.ts';
import * as protocols from '../wire/protocol.ts';
import { append, type PacketList, type Slab } from '../wire/slab.ts';
import * as tcp from '../wire/tcp.ts';
import * as udp from '../wire/udp.ts';
import * as bibs from './bib-protocol.ts';
import type { Nat64Path } from './packet-path.ts';
import { refuse4, refuseFast6 } from './packet-path-refusals.ts';

// Constants, made this module’s own: see ../translate/fast-path.ts.
const { DF, IPV4_HEADER, VERSION_IHL } = ipv4;
const { IPV6_HEADER } = ipv6;
const { OFFLOAD_HEADER } = offload;
const { TCP, UDP } = protocols;
const { TCP_CHECKSUM, TCP_FLAGS, TCP_HEADER } = tcp;
const { UDP_CHECKSUM, UDP_HEADER } = udp;
const { TCP_BIB, UDP_BIB } = bibs;
const { DF_THRESHOLD } = inner;
const { TRANSLATED } = verdicts;
const ANY_FRAGMENT = ipv4.MF | ipv4.OFFSET_MASK;
/** First half of the offload header, flags and type: a plain packet; a plain packet with a partial checksum. */
const PLAIN = 0;
const PARTIAL = 0x0100;

/** IPv6 → IPv4. @returns a verdict, or LONG_WAY: nothing has happened. Never throws. */
export function fastToIpv4(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  length: number,
  out: PacketList,
  nowMs: number,
): number {
  const v = s.view;
  if (length < IPV6_HEADER + 8) return LONG_WAY;
  const w0 = v.getInt32(at);
  const w1 = v.getInt32(at + 4);
  const payload = w1 >>> 16;
  const proto = (w1 >>> 8) & 0xff;
  const hops = w1 & 0xff;
  if (payload + IPV6_HEADER > length || hops <= 1) return LONG_WAY;
  const isTcp = proto === TCP;
  const field = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  if ((!isTcp && proto !== UDP) || payload < (isTcp ? TCP_HEADER : UDP_HEADER)) return LONG_WAY;
  const kind = v.getUint16(at - OFFLOAD_HEADER);
  const isPartial = kind === PARTIAL;
  if (kind !== PLAIN && !(isPartial && isOwnPartial(v, at - OFFLOAD_HEADER, IPV6_HEADER, field))) return LONG_WAY;
  const upper = at + IPV6_HEADER;
  const checksum = v.getUint16(upper + field);
  const total = payload + IPV4_HEADER;
  if ((checksum === 0 && !isTcp && !isPartial) || total > t.ipv4Mtu) return LONG_WAY;
  const a = v.getInt32(at + 8);
  const b = v.getInt32(at + 12);
  const c = v.getInt32(at + 16);
  const d = v.getInt32(at + 20);
  const e = v.getInt32(at + 24);
  const f = v.getInt32(at + 28);
  const g = v.getInt32(at + 32);
  const h = v.getInt32(at + 36);
  const prefix = path.prefix;
  if (!isInside(prefix, e, f, g) || isInside(prefix, a, b, c) || isMartian6(a, b, c, d)) return LONG_WAY;
  const dst = extract(prefix, f, g, h);
  if (path.isDelicate4(dst) || !path.clients.has(a, b, c, d)) return LONG_WAY;
  const state = path.state;
  const ports = v.getInt32(upper);
  const port6 = ports >>> 16;
  const flags = isTcp ? v.getUint8(upper + TCP_FLAGS) : 0;
  const bib = isTcp ? TCP_BIB : UDP_BIB;
  const verdict = state.outgoing(bib, a, b, c, d, port6, dst, ports & 0xffff, flags, nowMs);
  if (verdict !== TRANSLATED) return refuseFast6(path, t, s, at, upper + payload, proto, out, nowMs, verdict);
  const src = state.source4;
  const port = state.sourcePort;
  const addresses = sumWord(src) + sumWord(dst);
  const gone = sumWord(a) + sumWord(b) + sumWord(c) + sumWord(d) + sumWord(e) + sumWord(f) + sumWord(g) + sumWord(h);
  const difference = addresses + 0xffff0 - gone + (isPartial || port === port6 ? 0 : port + (~port6 & 0xffff));
  v.setUint16(upper + field, changed(checksum, difference, isPartial, proto));
  v.setUint16(upper, port);
  const tos = t.fixedTos < 0 ? (w0 >>> 20) & 0xff : t.fixedTos;
  const first = ((0x4500 | tos) << 16) | total;
  const second = (t.nextIdentification(1) << 16) | (total > DF_THRESHOLD ? DF : 0);
  const third = ((hops - t.hopCost) << 24) | (proto << 16);
  const sum = sumWord(first) + sumWord(second) + sumWord(third) + addresses;
  const start = upper - IPV4_HEADER;
  v.setInt32(start, first);
  v.setInt32(start + 4, second);
  v.setInt32(start + 8, third | (~fold(sum) & 0xffff));
  v.setInt32(start + 12, src);
  v.setInt32(start + 16, dst);
  emitSimpleOffload(v, start - OFFLOAD_HEADER, isPartial, IPV4_HEADER, field);
  append(out, start, total);
  return TRANSLATED;
}

/** IPv4 → IPv6. @returns a verdict, or LONG_WAY: nothing has happened. Never throws. */
export function fastToIpv6(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  length: number,
  out: PacketList,
  nowMs: number,
): number {
  const v = s.view;
  if (length < IPV4_HEADER + 8) return LONG_WAY;
  const w0 = v.getInt32(at);
  const w1 = v.getInt32(at + 4);
  const w2 = v.getInt32(at + 8);
  const src = v.getInt32(at + 12);
  const dst = v.getInt32(at + 16);
  const total = w0 & 0xffff;
  const ttl = w2 >>> 24;
  const proto = (w2 >>> 16) & 0xff;
  if (w0 >>> 24 !== VERSION_IHL || total > length || (w1 & ANY_FRAGMENT) !== 0 || ttl <= 1) return LONG_WAY;
  const addresses = sumWord(src) + sumWord(dst);
  if (fold(sumWord(w0) + sumWord(w1) + sumWord(w2) + addresses) !== 0xffff) return LONG_WAY;
  const isTcp = proto === TCP;
  const field = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  if ((!isTcp && proto !== UDP) || total < IPV4_HEADER + (isTcp ? TCP_HEADER : UDP_HEADER)) return LONG_WAY;
  const kind = v.getUint16(at - OFFLOAD_HEADER);
  const isPartial = kind === PARTIAL;
  if (kind !== PLAIN && !(isPartial && isOwnPartial(v, at - OFFLOAD_HEADER, IPV4_HEADER, field))) return LONG_WAY;
  const upper = at + IPV4_HEADER;
  const checksum = v.getUint16(upper + field);
  if (checksum === 0 && !isTcp && !isPartial) return LONG_WAY;
  const payload = total - IPV4_HEADER;
  if (payload + IPV6_HEADER > ((w1 & DF) !== 0 ? t.ipv6Mtu : t.fragmentLimit6)) return LONG_WAY;
  // Whatever this NAT64 does not own goes the long way too: it may be the translator's own address.
  if (path.isDelicate4(src) || !path.state.isOwn4(dst)) return LONG_WAY;
  const state = path.state;
  const prefix = path.prefix;
  const ports = v.getInt32(upper);
  const port4 = ports & 0xffff;
  const flags = isTcp ? v.getUint8(upper + TCP_FLAGS) : 0;
  const verdict = state.incoming(isTcp ? TCP_BIB : UDP_BIB, dst, port4, src, ports >>> 16, flags, nowMs);
  if (verdict !== TRANSLATED) return refuse4(path, t, s, at, at + total, out, nowMs, verdict);
  const { s0, s1, s2, s3, port6 } = state;
  if (isInside(prefix, s0, s1, s2)) return verdicts.HAIRPIN_LOOP;
  const e1 = embedWord1(prefix, src);
  const e2 = embedWord2(prefix, src);
  const e3 = embedWord3(prefix, src);
  const come = sumWord(prefix.p0) + sumWord(e1) + sumWord(e2) + sumWord(e3);
  const host = sumWord(s0) + sumWord(s1) + sumWord(s2) + sumWord(s3);
  const ported = isPartial || port6 === port4 ? 0 : port6 + (~port4 & 0xffff);
  v.setUint16(upper + field, changed(checksum, come + host + 0x3fffc - addresses + ported, isPartial, proto));
  v.setUint16(upper + 2, port6);
  const start = upper - IPV6_HEADER;
  v.setInt32(start, 0x60000000 | (t.copiesTrafficClass ? (w0 << 4) & 0x0ff00000 : 0));
  v.setInt32(start + 4, (payload << 16) | (proto << 8) | (ttl - t.hopCost));
  v.setInt32(start + 8, prefix.p0);
  v.setInt32(start + 12, e1);
  v.setInt32(start + 16, e2);
  v.setInt32(start + 20, e3);
  v.setInt32(start + 24, s0);
  v.setInt32(start + 28, s1);
  v.setInt32(start + 32, s2);
  v.setInt32(start + 36, s3);
  emitSimpleOffload(v, start - OFFLOAD_HEADER, isPartial, IPV6_HEADER, field);
  append(out, start, payload + IPV6_HEADER);
  return TRANSLATED;
}
