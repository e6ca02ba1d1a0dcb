// The short way for the packets that traffic is made of: TCP or UDP, no options, no extension header, no fragment, addresses
// that were mapped lately, and nothing to refuse. It does what v4-to-v6.ts and v6-to-v4.ts do with such a packet, in one
// straight line; whatever is unusual in the least goes the long way, before a byte is changed. Measured: 131 → 40 ns a
// packet (test/bench/memory.ts). test/property/ holds it, like the long way, against the slow twin.

import { isPair6, pairPlace4, pairPlace6 } from '../address/pair-cache.ts';
import { fold, sumWord } from '../wire/checksum.ts';
import * as ipv4 from '../wire/ipv4.ts';
import * as ipv6 from '../wire/ipv6.ts';
import * as offload from '../wire/offload.ts';
import * as protocols from '../wire/protocol.ts';
import { append, type PacketList, type Slab } from '../wire/slab.ts';
import * as tcp from '../wire/tcp.ts';
import * as udp from '../wire/udp.ts';
import * as inner from './inner.ts';
import type { Translator } from './translator.ts';
import * as verdicts from './verdict.ts';

/** Result: the packet is as it was, take the long way. */
export const LONG_WAY = -1;

// Constants, made this module’s own: V8 puts those into the code, and loads imported ones again and again (43 → 38 ns).
const { DF, IPV4_HEADER, VERSION_IHL } = ipv4;
const { IPV6_HEADER, IPV6_SOURCE } = ipv6;
const { OFFLOAD_HEADER } = offload;
const { TCP, UDP } = protocols;
const { TCP_CHECKSUM } = tcp;
const { UDP_CHECKSUM } = udp;
const { DF_THRESHOLD } = inner;
const { TRANSLATED } = verdicts;
const ANY_FRAGMENT = ipv4.MF | ipv4.OFFSET_MASK;
/** First half of the offload header, flags and type: a plain packet; a plain packet with a partial checksum. */
const PLAIN = 0;
const PARTIAL = 0x0100;

/** Whether the offload header at `h` describes a partial checksum `field` bytes behind a header of `header` bytes. */
export const isOwnPartial = (v: DataView, h: number, header: number, field: number): boolean =>
  v.getUint16(h + 6, true) === header && v.getUint16(h + 8, true) === field;

/** The checksum with the difference applied: finished ones by RFC 1624 (UDP never zero), partial ones as the sum they are. */
export function changed(checksum: number, difference: number, isPartial: boolean, proto: number): number {
  if (isPartial) return fold(checksum + difference);
  const result = ~fold((~checksum & 0xffff) + difference) & 0xffff;
  return result === 0 && proto === UDP ? 0xffff : result;
}

/** Writes the offload header at `h`: plain, or with a partial checksum. */
export function emitSimpleOffload(v: DataView, h: number, isPartial: boolean, header: number, field: number): void {
  v.setInt32(h, isPartial ? 0x01000000 : 0);
  v.setInt16(h + 4, 0);
  v.setInt32(h + 6, isPartial ? header | (field << 16) : 0, true);
}

/** IPv4 → IPv6. @returns TRANSLATED with the packet appended to `out`, or LONG_WAY. Never throws. */
export function fastToIpv6(t: Translator, s: Slab, at: number, length: number, out: PacketList): number {
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
  if (fold(sumWord(w0) + sumWord(w1) + sumWord(w2) + sumWord(src) + sumWord(dst)) !== 0xffff) return LONG_WAY;
  const field = proto === TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
  if ((proto !== TCP && proto !== UDP) || total < IPV4_HEADER + field + 2) return LONG_WAY;
  const kind = v.getUint16(at - OFFLOAD_HEADER);
  const isPartial = kind === PARTIAL;
  if (kind !== PLAIN && !(isPartial && isOwnPartial(v, at - OFFLOAD_HEADER, IPV4_HEADER, field))) return LONG_WAY;
  const upper = at + IPV4_HEADER;
  const checksum = v.getUint16(upper + field);
  if (checksum === 0 && proto === UDP && !isPartial) return LONG_WAY;
  const payload = total - IPV4_HEADER;
  if (payload + IPV6_HEADER > ((w1 & DF) !== 0 ? t.ipv6Mtu : t.fragmentLimit6)) return LONG_WAY;
  const pair = pairPlace4(t.pairs4, src, dst);
  if (pair.source4 !== src || pair.destination4 !== dst || !pair.isUsed) return LONG_WAY;
  v.setUint16(upper + field, changed(checksum, pair.difference, isPartial, proto));
  const start = upper - IPV6_HEADER;
  v.setInt32(start, 0x60000000 | (t.copiesTrafficClass ? (w0 << 4) & 0x0ff00000 : 0));
  v.setInt32(start + 4, (payload << 16) | (proto << 8) | (ttl - t.hopCost));
  v.setInt32(start + 8, pair.s0);
  v.setInt32(start + 12, pair.s1);
  v.setInt32(start + 16, pair.s2);
  v.setInt32(start + 20, pair.s3);
  v.setInt32(start + 24, pair.d0);
  v.setInt32(start + 28, pair.d1);
  v.setInt32(start + 32, pair.d2);
  v.setInt32(start + 36, pair.d3);
  emitSimpleOffload(v, start - OFFLOAD_HEADER, isPartial, IPV6_HEADER, field);
  append(out, start, payload + IPV6_HEADER);
  return TRANSLATED;
}

/** IPv6 → IPv4. @returns TRANSLATED with the packet appended to `out`, or LONG_WAY. Never throws. */
export function fastToIpv4(t: Translator, s: Slab, at: number, length: number, out: PacketList): number {
  const v = s.view;
  if (length < IPV6_HEADER + 8) return LONG_WAY;
  const w0 = v.getInt32(at);
  const w1 = v.getInt32(at + 4);
  const payload = w1 >>> 16;
  const proto = (w1 >>> 8) & 0xff;
  const hops = w1 & 0xff;
  if (payload + IPV6_HEADER > length || hops <= 1) return LONG_WAY;
  const field = proto === TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
  if ((proto !== TCP && proto !== UDP) || payload < field + 2) return LONG_WAY;
  const kind = v.getUint16(at - OFFLOAD_HEADER);
  const isPartial = kind === PARTIAL;
  if (kind !== PLAIN && !(isPartial && isOwnPartial(v, at - OFFLOAD_HEADER, IPV6_HEADER, field))) return LONG_WAY;
  const upper = at + IPV6_HEADER;
  const checksum = v.getUint16(upper + field);
  const total = payload + IPV4_HEADER;
  if ((checksum === 0 && proto === UDP && !isPartial) || total > t.ipv4Mtu) return LONG_WAY;
  const pair = pairPlace6(t.pairs6, v.getInt32(at + 16), v.getInt32(at + 20), v.getInt32(at + 32), v.getInt32(at + 36));
  if (!isPair6(pair, v, at + IPV6_SOURCE)) return LONG_WAY;
  v.setUint16(upper + field, changed(checksum, pair.difference, isPartial, proto));
  const tos = t.fixedTos < 0 ? (w0 >>> 20) & 0xff : t.fixedTos;
  const src = pair.source4;
  const dst = pair.destination4;
  const first = ((0x4500 | tos) << 16) | total;
  const second = (t.nextIdentification(1) << 16) | (total > DF_THRESHOLD ? DF : 0);
  const third = ((hops - t.hopCost) << 24) | (proto << 16);
  const sum = sumWord(first) + sumWord(second) + sumWord(third) + sumWord(src) + sumWord(dst);
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
