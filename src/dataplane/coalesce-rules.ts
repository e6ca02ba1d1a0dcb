// Which packets may become one super-packet: pure predicates over the bytes, no state. Read first: coalesce.ts.
//
// The measure is that the kernel, cutting the super-packet up again, makes exactly the packets that came in. So the rules
// are those of Linux' GRO (net/ipv4/tcp_offload.c, udp_offload.c, af_inet.c), made stricter where GRO loses a byte: the
// urgent pointer must match, and a TCP checksum of 0xffff (the other way to write 0) stays alone.
//
// IPv4 identification: the kernel numbers the segments upwards from the first one's. With DF=0 a packet joins only if it
// carries that very number. With DF=1 it means nothing (RFC 6864 §4.1) and is the one field that may change.

import {
  csumOffset,
  csumStart,
  DATA_VALID,
  flags,
  GSO_NONE,
  gsoType,
  NEEDS_CSUM,
  OFFLOAD_HEADER,
} from '../core/wire/offload.ts';
import { foldSum } from '../core/wire/segment-checksum.ts';
import type { Slab } from '../core/wire/slab.ts';

export const TCP = 6;
export const UDP = 17;
export const IPV4_HEADER = 20;
export const IPV6_HEADER = 40;
export const UDP_HEADER = 8;
const TCP_HEADER = 20;

// TCP header, RFC 9293 §3.1.
const TCP_SEQUENCE = 4;
const TCP_ACKNOWLEDGMENT = 8;
const TCP_DATA_OFFSET = 12;
export const TCP_FLAGS = 13;
const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
const TCP_URGENT_POINTER = 18;
export const FIN = 0x01;
export const PSH = 0x08;
export const CWR = 0x80;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const URG = 0x20;
// UDP header, RFC 768.
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;

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

const MORE_OR_OFFSET = 0x3fff;

/** Classifies the packet of `length` bytes whose IP header is at `at`. Reads inside the packet only; never throws. */
export function kindOf(v: DataView, at: number, length: number): Kind {
  if (length < IPV4_HEADER) return HIDDEN;
  const version = v.getUint8(at) >>> 4;
  if (version === 4) return kindOfIpv4(v, at, length);
  return version === 6 && length >= IPV6_HEADER ? kindOfIpv6(v, at, length) : HIDDEN;
}

function kindOfIpv4(v: DataView, at: number, length: number): Kind {
  const protocol = v.getUint8(at + 9);
  if (protocol !== TCP && protocol !== UDP) return OTHER;
  const isPlain = v.getUint8(at) === 0x45 && (v.getUint16(at + 6) & MORE_OR_OFFSET) === 0;
  return isPlain && v.getUint16(at + 2) === length ? withTransport(IPV4_HEADER, protocol, length) : HIDDEN;
}

function kindOfIpv6(v: DataView, at: number, length: number): Kind {
  const next = v.getUint8(at + 6);
  if (next !== TCP && next !== UDP) return isExtensionHeader(next) ? HIDDEN : OTHER;
  return v.getUint16(at + 4) + IPV6_HEADER === length ? withTransport(IPV6_HEADER, next, length) : HIDDEN;
}

function withTransport(ipHeader: number, protocol: number, length: number): Kind {
  const transport = protocol === TCP ? TCP_HEADER : UDP_HEADER;
  return length >= ipHeader + transport ? (ipHeader << 8) | protocol : HIDDEN;
}

/** Headers behind which TCP or UDP may stand: RFC 8200 §4, AH, Mobility, HIP, Shim6. */
function isExtensionHeader(next: number): boolean {
  return next === 0 || next === 43 || next === 44 || next === 51 || next === 60 || (next >= 135 && next <= 140);
}

/** Hashes addresses and ports of a packet of `kind` > 0 to a signed 32-bit number, which V8 keeps out of the heap. */
export function hashFlow(v: DataView, at: number, kind: Kind): number {
  const ipHeader = ipHeaderOf(kind);
  let hash = kind;
  // Source and destination end where the ports start, in both families.
  const end = at + ipHeader + 4;
  for (let p = at + (ipHeader === IPV4_HEADER ? 12 : 8); p < end; p += 4) {
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
  if (ports === IPV4_HEADER) return isSameWord(v, a + 16, b + 16) && isSameWord(v, a + 12, b + 12);
  return isSameAddress(v, a + 24, b + 24) && isSameAddress(v, a + 8, b + 8);
}

const isSameWord = (v: DataView, a: number, b: number): boolean => v.getInt32(a, true) === v.getInt32(b, true);

function isSameAddress(v: DataView, a: number, b: number): boolean {
  return (
    isSameWord(v, a + 12, b + 12) && isSameWord(v, a + 8, b + 8) && isSameWord(v, a + 4, b + 4) && isSameWord(v, a, b)
  );
}

/** Length of IP and transport header of a packet of `kind` > 0, as the packet says; not checked against its length. */
export function headerLength(v: DataView, at: number, kind: Kind): number {
  const ipHeader = ipHeaderOf(kind);
  return protocolOf(kind) === UDP
    ? ipHeader + UDP_HEADER
    : ipHeader + (v.getUint8(at + ipHeader + TCP_DATA_OFFSET) >>> 4) * 4;
}

/**
 * How many bytes of payload a packet could bring into a super-packet; ≤ 0: it has to go alone.
 * `kind` > 0 as {@link kindOf} gave it. Looks at everything but the transport checksum's truth.
 */
export function mergeablePayload(s: Slab, at: number, length: number, kind: Kind): number {
  if (!hasPlainOffload(s, at, kind)) return 0;
  if (ipHeaderOf(kind) === IPV4_HEADER && !isIpv4HeaderIntact(s.view, at)) return 0;
  const isMergeable = protocolOf(kind) === TCP ? isTcpMergeable(s, at, kind) : isUdpMergeable(s.view, at, length, kind);
  return isMergeable ? length - headerLength(s.view, at, kind) : 0;
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

function isIpv4HeaderIntact(v: DataView, at: number): boolean {
  return sumIpv4Header(v, at) === 0xffff;
}

/** One's complement sum over a 20-byte IPv4 header, its checksum field included; 0xffff when that is right. */
export function sumIpv4Header(v: DataView, at: number): number {
  let sum = 0;
  for (let p = at; p < at + IPV4_HEADER; p += 2) sum += v.getUint16(p);
  return foldSum(sum);
}

function isTcpMergeable(s: Slab, at: number, kind: Kind): boolean {
  const v = s.view;
  const tcp = at + ipHeaderOf(kind);
  if (v.getUint8(tcp + TCP_DATA_OFFSET) >>> 4 < TCP_HEADER / 4) return false;
  if ((v.getUint8(tcp + TCP_FLAGS) & (SYN | RST | URG | ACK)) !== ACK) return false;
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
export function isSameIp(v: DataView, a: number, b: number, kind: Kind, position: number): boolean {
  if (ipHeaderOf(kind) === IPV6_HEADER) {
    return v.getInt32(a) === v.getInt32(b) && v.getUint16(a + 6) === v.getUint16(b + 6);
  }
  const fragmentation = v.getUint16(a + 6);
  if (v.getUint16(a) !== v.getUint16(b) || fragmentation !== v.getUint16(b + 6)) return false;
  if (v.getUint16(a + 8) !== v.getUint16(b + 8)) return false;
  const isAtomic = (fragmentation & 0x4000) !== 0;
  return isAtomic || ((v.getUint16(a + 4) + position) & 0xffff) === v.getUint16(b + 4);
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
