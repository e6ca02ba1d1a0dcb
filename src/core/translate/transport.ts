// The transport checksum of a translated packet: RFC 7915 §4.5, rules T-4.5-01 … 05. TCP, UDP, UDP-Lite and DCCP cover a
// pseudo-header, so their checksum changes by the difference of the addresses; nothing else of the payload is touched.

import { complement, fold, sumBytes, updateChecksum } from '../wire/checksum.ts';
import { checksumOffset, UDP, UDP_LITE } from '../wire/protocol.ts';
import type { Slab } from '../wire/slab.ts';
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from '../wire/udp.ts';

/** Results of findChecksum below 0; a result ≥ 0 is the checksum's offset. */
export const NO_CHECKSUM = -1;
export const CUT_SHORT = -2;

/**
 * Finds the checksum in the first `length` bytes of a transport header.
 * @param isFragment a first fragment: a checksum that is not reachable in it passes as data (rule T-4.5-05)
 * @returns offset of the checksum from the header; NO_CHECKSUM where there is none to change; CUT_SHORT
 */
export function findChecksum(protocol: number, length: number, isFragment: boolean): number {
  const offset = checksumOffset(protocol);
  if (offset < 0) return NO_CHECKSUM;
  if (offset + 2 <= length) return offset;
  return isFragment ? NO_CHECKSUM : CUT_SHORT;
}

/** Whether a zero result has to be written as 0xffff: zero means "no checksum" there (RFC 768, RFC 3828 §3.1). */
const avoidsZero = (protocol: number): boolean => protocol === UDP || protocol === UDP_LITE;

/** Applies the address difference to a finished checksum at `field`. */
export function adjustChecksum(s: Slab, field: number, protocol: number, difference: number): void {
  const result = updateChecksum(s.view.getUint16(field), difference);
  s.view.setUint16(field, result === 0 && avoidsZero(protocol) ? 0xffff : result);
}

/** Applies the address difference to a partial checksum (NEEDS_CSUM): it holds the pseudo-header's sum, not complemented. */
export function adjustPartialChecksum(s: Slab, field: number, difference: number): void {
  s.view.setUint16(field, fold(s.view.getUint16(field) + difference));
}

/** Turns a partial checksum into a finished one. `start` … `end`: the bytes that it covers. Zero becomes 0xffff, as in the kernel. */
export function completeChecksum(s: Slab, start: number, end: number, field: number): void {
  s.view.setUint16(field, complement(sumBytes(s, start, end - start, 0)) || 0xffff);
}

/** Whether a UDP datagram of `length` bytes at `at` came without a checksum. */
export const isZeroUdpChecksum = (s: Slab, at: number, length: number, protocol: number): boolean =>
  protocol === UDP && length >= UDP_HEADER && s.view.getUint16(at + UDP_CHECKSUM) === 0;

/**
 * Computes the checksum of a datagram that came without one (rule T-4.5-02), over the pseudo-header that it will have.
 * @param addressSum sum of the words of both new addresses
 * @returns false when the UDP length does not fit `length`; nothing is written then
 */
export function computeUdpChecksum(s: Slab, at: number, length: number, addressSum: number): boolean {
  const udpLength = s.view.getUint16(at + UDP_LENGTH);
  if (udpLength < UDP_HEADER || udpLength > length) return false;
  const result = complement(sumBytes(s, at, udpLength, fold(addressSum + udpLength + UDP)));
  s.view.setUint16(at + UDP_CHECKSUM, result === 0 ? 0xffff : result);
  return true;
}
