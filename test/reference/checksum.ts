// The Internet checksum, slow and plain (RFC 1071), and what becomes of it when the bytes below it change (RFC 1624).
// Works on numbers modulo 65535, where one's complement arithmetic is ordinary arithmetic.

import { ipv4Bytes } from './bytes.ts';

/** Sum of the big-endian 16-bit words of `bytes` modulo 65535; an odd last byte counts as the high half of a word. */
export function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  return sum % 65535;
}

/** RFC 1071: the checksum of `bytes`, in which the checksum field itself is zero. */
export function internetChecksum(...parts: Uint8Array[]): number {
  const sum = parts.reduce((total, part) => total + sumWords(part), 0) % 65535;
  const isAllZero = parts.every((part) => part.every((byte) => byte === 0));
  // Words that are not all zero never fold to 0 in one's complement, only to 0xffff.
  if (sum === 0) return isAllZero ? 0xffff : 0;
  return 65535 - sum;
}

/** Whether `bytes`, checksum field included, sum up to "correct". */
export function isChecksumRight(...parts: Uint8Array[]): boolean {
  return parts.reduce((total, part) => total + sumWords(part), 0) % 65535 === 0;
}

/**
 * T-4.5-04: the checksum after the bytes that it covers changed from `before` to `after`: what is right for the new bytes, plus
 * the error that the old checksum had. Bytes that did not change may be left out of both.
 */
export function carriedChecksum(old: number, before: Uint8Array[], after: Uint8Array[]): number {
  const change = sumOf(before) - sumOf(after);
  if (change % 65535 === 0) return old;
  return (((old + change) % 65535) + 65535) % 65535;
}

const sumOf = (parts: Uint8Array[]): number => parts.reduce((total, part) => total + sumWords(part), 0);

/** RFC 793 §3.1 and RFC 768: source, destination, zero, protocol, length. */
export function pseudoHeader4(source: number, destination: number, protocol: number, length: number): Uint8Array {
  return Uint8Array.of(...ipv4Bytes(source), ...ipv4Bytes(destination), 0, protocol, length >> 8, length & 0xff);
}

/** RFC 8200 §8.1: source, destination, 32-bit length, zero, next header. */
export function pseudoHeader6(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  length: number,
): Uint8Array {
  return Uint8Array.of(...source, ...destination, ...ipv4Bytes(length), 0, 0, 0, protocol);
}
