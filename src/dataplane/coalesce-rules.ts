// Which packets may become one super-packet: pure predicates over the bytes, no state. Read first: coalesce.ts.
//
// The measure is that the kernel, cutting the super-packet up again, makes exactly the packets that came in. So the rules
// are those of Linux' GRO (net/ipv4/tcp_offload.c, udp_offload.c, af_inet.c), made stricter where GRO loses a byte: the
// urgent pointer must match, and a TCP checksum of 0xffff (the other way to write 0) stays alone.
//
// IPv4 identification: the kernel numbers the segments upwards from the first one's. With DF=0 a packet joins only if it
// carries that very number. With DF=1 it means nothing (RFC 6864 §4.1) and is the one field that may change.

import * as ipv4 from '../core/wire/ipv4.ts';
import { fragmentWord, identification, isHeaderChecksumRight, protocol, totalLength } from '../core/wire/ipv4.ts';
import * as ipv6 from '../core/wire/ipv6.ts';
import { nextHeader, payloadLength } from '../core/wire/ipv6.ts';
import * as offload from '../core/wire/offload.ts';
import { csumOffset, csumStart, flags, gsoType } from '../core/wire/offload.ts';
import * as protocols from '../core/wire/protocol.ts';
import { isExtensionHeader } from '../core/wire/protocol.ts';
import type { Slab } from '../core/wire/slab.ts';
import * as tcpHeader from '../core/wire/tcp.ts';
import { tcpHeaderLength } from '../core/wire/tcp.ts';
import * as udpHeader from '../core/wire/udp.ts';

// Constants, made this module’s own: V8 puts those into the code, and loads imported ones again and again.
const { DF, IPV4_DESTINATION, IPV4_HEADER, IPV4_SOURCE, VERSION_IHL } = ipv4;
const { IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE } = ipv6;
const { DATA_VALID, GSO_NONE, NEEDS_CSUM, OFFLOAD_HEADER } = offload;
const { TCP, UDP } = protocols;
const { TCP_ACKNOWLEDGMENT, TCP_CHECKSUM, TCP_DATA_OFFSET, TCP_FLAGS, TCP_HEADER } = tcpHeader;
const { TCP_SEQUENCE, TCP_URGENT_POINTER, TCP_WINDOW } = tcpHeader;
const { ACK, CWR, FIN, PSH } = tcpHeader;
const { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } = udpHeader;
const ANY_FRAGMENT = ipv4.MF | ipv4.OFFSET_MASK;
/** Flags that decide whether a segment merges: it has to have ACK of these, and no other. */
const DECIDING_FLAGS = tcpHeader.SYN | tcpHeader.RST | tcpHeader.URG | ACK;

/** What a packet is to the coalescer: {@link OTHER}, {@link HIDDEN}, or IP header length × 256 + protocol. */
export type Kind = number;
/** Not TCP or UDP: it goes alone and is in no flow's way. */
export const OTHER: Kind = 0;
/** Perhaps TCP or UDP, but its ports are out of sight (fragment, options, extension header, lengths that do not fit). */
export const HIDDEN: Kind = -1;

/** IP header length of a kind > 0. */
export const ipHeaderOf = (kind: Kind): number => kind >>> 8;
/** Protocol of a kind > 0. */
export const protocolOf = (kind: Kind): number => kind & 0xff;

/** First byte of the addresses: source, destination and transport follow each other without a gap in both families. */
export const addressesOf = (at: number, kind: Kind): number =>
  at + (ipHeaderOf(kind) === IPV4_HEADER ? IPV4_SOURCE : IPV6_SOURCE);

/** Classifies the packet of `length` bytes whose IP header is at `at`. Reads inside the packet only; never throws. */
export function kindOf(s: Slab, at: number, length: number): Kind {
  if (length < IPV4_HEADER) return HIDDEN;
  const version = s.view.getUint8(at) >>> 4;
  if (version === 4) return kindOfIpv4(s, at, length);
  return version === 6 && length >= IPV6_HEADER ? kindOfIpv6(s, at, length) : HIDDEN;
}

function kindOfIpv4(s: Slab, at: number, length: number): Kind {
  const proto = protocol(s, at);
  if (proto !== TCP && proto !== UDP) return OTHER;
  const isPlain = s.view.getUint8(at) === VERSION_IHL && (fragmentWord(s, at) & ANY_FRAGMENT) === 0;
  return isPlain && totalLength(s, at) === length ? withTransport(IPV4_HEADER, proto, length) : HIDDEN;
}

function kindOfIpv6(s: Slab, at: number, length: number): Kind {
  const next = nextHeader(s, at);
  if (next !== TCP && next !== UDP) return isExtensionHeader(next) ? HIDDEN : OTHER;
  return payloadLength(s, at) + IPV6_HEADER === length ? withTransport(IPV6_HEADER, next, length) : HIDDEN;
}

function withTransport(ipHeader: number, proto: number, length: number): Kind {
  const transport = proto === TCP ? TCP_HEADER : UDP_HEADER;
  return length >= ipHeader + transport ? (ipHeader << 8) | proto : HIDDEN;
}

/** Hashes addresses and ports of a packet of `kind` > 0 to a signed 32-bit number, which V8 keeps out of the heap. */
export function hashFlow(v: DataView, at: number, kind: Kind): number {
  const ipHeader = ipHeaderOf(kind);
  let hash = kind;
  // Source and destination end where the ports start, in both families.
  const end = at + ipHeader + 4;
  for (let p = addressesOf(at, kind); p < end; p += 4) {
    hash = Math.imul(hash ^ v.getInt32(p), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Whether two packets of the same `kind` > 0 have the same addresses and ports. */
export function isSameFlow(v: DataView, a: number, b: number, kind: Kind): boolean {
  const ports = ipHeaderOf(kind);
  // The ports and the last words of the addresses differ most often; unrolled, this takes 10 ns less than a loop.
  if (!isSameWord(v, a + ports, b + ports)) return false;
  if (ports === IPV4_HEADER)
    return isSameWord(v, a + IPV4_DESTINATION, b + IPV4_DESTINATION) && isSameWord(v, a + IPV4_SOURCE, b + IPV4_SOURCE);
  return (
    isSameAddress(v, a + IPV6_DESTINATION, b + IPV6_DESTINATION) && isSameAddress(v, a + IPV6_SOURCE, b + IPV6_SOURCE)
  );
}

const isSameWord = (v: DataView, a: number, b: number): boolean => v.getInt32(a, true) === v.getInt32(b, true);

function isSameAddress(v: DataView, a: number, b: number): boolean {
  return (
    isSameWord(v, a + 12, b + 12) && isSameWord(v, a + 8, b + 8) && isSameWord(v, a + 4, b + 4) && isSameWord(v, a, b)
  );
}

/** Length of IP and transport header of a packet of `kind` > 0, as the packet says; not checked against its length. */
export function headerLength(s: Slab, at: number, kind: Kind): number {
  const ipHeader = ipHeaderOf(kind);
  return ipHeader + (protocolOf(kind) === UDP ? UDP_HEADER : tcpHeaderLength(s, at + ipHeader));
}

/**
 * How many bytes of payload a packet could bring into a super-packet; ≤ 0: it has to go alone.
 * `kind` > 0 as {@link kindOf} gave it. Looks at everything but the transport checksum's truth.
 */
export function mergeablePayload(s: Slab, at: number, length: number, kind: Kind): number {
  if (!hasPlainOffload(s, at, kind)) return 0;
  if (ipHeaderOf(kind) === IPV4_HEADER && !isHeaderChecksumRight(s, at)) return 0;
  const isMergeable = protocolOf(kind) === TCP ? isTcpMergeable(s, at, kind) : isUdpMergeable(s.view, at, length, kind);
  return isMergeable ? length - headerLength(s, at, kind) : 0;
}

/** No super-packet, and a partial checksum only where the transport protocol has its field. */
function hasPlainOffload(s: Slab, at: number, kind: Kind): boolean {
  const h = at - OFFLOAD_HEADER;
  const bits = flags(s, h);
  if (gsoType(s, h) !== GSO_NONE || (bits & ~(NEEDS_CSUM | DATA_VALID)) !== 0) return false;
  if ((bits & NEEDS_CSUM) === 0) return true;
  const field = protocolOf(kind) === TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
  return csumStart(s, h) === ipHeaderOf(kind) && csumOffset(s, h) === field;
}

function isTcpMergeable(s: Slab, at: number, kind: Kind): boolean {
  const v = s.view;
  const tcp = at + ipHeaderOf(kind);
  if (tcpHeaderLength(s, tcp) < TCP_HEADER) return false;
  if ((v.getUint8(tcp + TCP_FLAGS) & DECIDING_FLAGS) !== ACK) return false;
  return v.getUint16(tcp + TCP_CHECKSUM) !== 0xffff || (flags(s, at - OFFLOAD_HEADER) & NEEDS_CSUM) !== 0;
}

function isUdpMergeable(v: DataView, at: number, length: number, kind: Kind): boolean {
  const udp = at + ipHeaderOf(kind);
  return v.getUint16(udp + UDP_LENGTH) === at + length - udp && v.getUint16(udp + UDP_CHECKSUM) !== 0;
}

/**
 * Whether `b` may be segment number `position` (≥ 1) of the super-packet that starts with `a`, as far as IP goes. Both are
 * mergeable packets of one flow. IPv4 checks TOS, DF, TTL and identification, IPv6 class, flow label and hop limit.
 */
export function isSameIp(s: Slab, a: number, b: number, kind: Kind, position: number): boolean {
  const v = s.view;
  // Whole words of both headers: IPv6 version, class and flow label; next header and hop limit. IPv4 version, IHL and TOS; TTL
  // and protocol.
  if (ipHeaderOf(kind) === IPV6_HEADER) {
    return v.getInt32(a) === v.getInt32(b) && v.getUint16(a + 6) === v.getUint16(b + 6);
  }
  const fragmentation = fragmentWord(s, a);
  if (v.getUint16(a) !== v.getUint16(b) || fragmentation !== fragmentWord(s, b)) return false;
  if (v.getUint16(a + 8) !== v.getUint16(b + 8)) return false;
  const isAtomic = (fragmentation & DF) !== 0;
  return isAtomic || ((identification(s, a) + position) & 0xffff) === identification(s, b);
}

/** Whether TCP segment `b` may follow in the super-packet that starts with `a`: all equal but sequence, checksum, PSH and FIN. */
export function isSameTcp(v: DataView, a: number, b: number, kind: Kind, headers: number): boolean {
  const x = a + ipHeaderOf(kind);
  const y = b + ipHeaderOf(kind);
  // CWR marks the first segment only (RFC 3168 §6.1.2): the first may have it, the others must not.
  const difference = (v.getUint8(x + TCP_FLAGS) ^ v.getUint8(y + TCP_FLAGS)) & ~(PSH | FIN | CWR);
  if (difference !== 0 || (v.getUint8(y + TCP_FLAGS) & CWR) !== 0) return false;
  if (v.getUint8(x + TCP_DATA_OFFSET) !== v.getUint8(y + TCP_DATA_OFFSET)) return false;
  if (v.getInt32(x + TCP_ACKNOWLEDGMENT) !== v.getInt32(y + TCP_ACKNOWLEDGMENT)) return false;
  if (v.getUint16(x + TCP_WINDOW) !== v.getUint16(y + TCP_WINDOW)) return false;
  if (v.getUint16(x + TCP_URGENT_POINTER) !== v.getUint16(y + TCP_URGENT_POINTER)) return false;
  const end = a + headers;
  for (let p = x + TCP_HEADER, q = y + TCP_HEADER; p < end; p += 4, q += 4) {
    if (v.getInt32(p) !== v.getInt32(q)) return false;
  }
  return true;
}

/** Sequence number of a TCP packet, as a signed 32-bit number (which V8 keeps out of the heap). */
export const sequenceOf = (v: DataView, at: number, kind: Kind): number =>
  v.getInt32(at + ipHeaderOf(kind) + TCP_SEQUENCE);

/** Whether nothing may follow this packet in a super-packet: PSH and FIN stand in the last segment. UDP never says so. */
export function endsGroup(v: DataView, at: number, kind: Kind): boolean {
  return protocolOf(kind) === TCP && (v.getUint8(at + ipHeaderOf(kind) + TCP_FLAGS) & (PSH | FIN)) !== 0;
}
