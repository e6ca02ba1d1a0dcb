// ICMPv4 (RFC 792) and ICMPv6 (RFC 4443) share their first eight bytes; types and codes differ.
//
//     +---------------+---------------+-------------------------------+
//     |     Type      |     Code      |           Checksum            |
//     +---------------+---------------+-------------------------------+
//     | rest: identifier and sequence, pointer, MTU, RFC 4884 length  |
//     +---------------------------------------------------------------+

import type { Slab } from './slab.ts';

/** Length of the part that every message has. */
export const ICMP_HEADER = 8;

export const ECHO_REPLY4 = 0;
export const UNREACHABLE4 = 3;
export const SOURCE_QUENCH4 = 4;
export const REDIRECT4 = 5;
export const ECHO_REQUEST4 = 8;
export const TIME_EXCEEDED4 = 11;
export const PARAMETER_PROBLEM4 = 12;
// Codes of UNREACHABLE4 that the translator sends itself, RFC 792 and RFC 1812 §5.2.7.1.
export const HOST_UNREACHABLE4 = 1;
export const PORT_UNREACHABLE4 = 3;
/** Fragmentation needed and DF set. */
export const FRAGMENTATION_NEEDED = 4;
export const SOURCE_ROUTE_FAILED4 = 5;
export const PROHIBITED4 = 13;

export const UNREACHABLE6 = 1;
export const PACKET_TOO_BIG6 = 2;
export const TIME_EXCEEDED6 = 3;
export const PARAMETER_PROBLEM6 = 4;
// Codes of UNREACHABLE6 that the translator sends itself, RFC 4443 §3.1.
export const NO_ROUTE6 = 0;
export const ADDRESS_UNREACHABLE6 = 3;
export const SOURCE_POLICY6 = 5;
/** Code of PARAMETER_PROBLEM6: unrecognized Next Header, RFC 4443 §3.4. */
export const UNKNOWN_NEXT_HEADER6 = 1;

export const ECHO_REQUEST6 = 128;
export const ECHO_REPLY6 = 129;
const REDIRECT6 = 137;

export const icmpType = (s: Slab, at: number): number => s.view.getUint8(at);
export const icmpCode = (s: Slab, at: number): number => s.view.getUint8(at + 1);
export const icmpChecksum = (s: Slab, at: number): number => s.view.getUint16(at + 2);
export const setIcmpChecksum = (s: Slab, at: number, value: number): void => s.view.setUint16(at + 2, value);
/** MTU of ICMPv4 3/4, RFC 1191 §4; 0 from a router that predates it. */
export const icmpv4Mtu = (s: Slab, at: number): number => s.view.getUint16(at + 6);
/** MTU of ICMPv6 2/0, unsigned 32 bits. */
export const icmpv6Mtu = (s: Slab, at: number): number => s.view.getUint32(at + 4);
/** Pointer of ICMPv4 12. */
export const icmpv4Pointer = (s: Slab, at: number): number => s.view.getUint8(at + 4);
/** Pointer of ICMPv6 4, unsigned 32 bits. */
export const icmpv6Pointer = (s: Slab, at: number): number => s.view.getUint32(at + 4);

/** Writes type, code, a zero checksum and the second word. */
export function emitIcmp(s: Slab, at: number, type: number, code: number, rest: number): void {
  s.view.setUint32(at, (type * 0x100 + code) * 0x10000);
  s.view.setUint32(at + 4, rest);
}

/** Whether an ICMPv4 type is an error message, RFC 1122 §3.2.2. */
export function isIcmpv4Error(type: number): boolean {
  switch (type) {
    case UNREACHABLE4:
    case SOURCE_QUENCH4:
    case REDIRECT4:
    case TIME_EXCEEDED4:
    case PARAMETER_PROBLEM4:
      return true;
    default:
      return false;
  }
}

/** Whether an ICMPv6 type is an error message, RFC 4443 §2.1, or a Redirect, which counts as one (§2.4 e.2). */
export const isIcmpv6Error = (type: number): boolean => type < 128 || type === REDIRECT6;
