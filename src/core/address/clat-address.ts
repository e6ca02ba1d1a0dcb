// The CLAT's own IPv6 address, rules A-06 and D-10: a /128 in the uplink's on-link prefix whose interface identifier makes
// the translation checksum-neutral. Randomness is passed in; who stores the secret is the client's business.
//
//     |        on-link prefix (64)        |    random (48 bits)     | fix (16) |
//                                          u and g bits zero
//
// TCP and UDP sums do not change when, in one's complement, sum(CLAT) + sum(PREF64 without the IPv4) = sum(CLAT's IPv4):
// the peer's IPv4 address then stands in the same 16-bit words of both pseudo-headers and cancels out. That holds for
// PREF64 lengths 96 and 32; with the others the embedded address is split at odd bytes and no identifier is neutral for all.

import type { Prefix6 } from '../translate/settings.ts';

/** Bytes of randomness that one address takes. */
export const CLAT_RANDOM_BYTES = 8;

/** Shortest and longest on-link prefix that leaves room: the host part keeps at least its last 32 bits. */
const HOST_BITS_MIN = 32;

/** Whether the translation toward this prefix can be checksum-neutral for every destination. */
export const canBeNeutral = (pref64: Prefix6): boolean => pref64.length === 96 || pref64.length === 32;

/** One's-complement sum of 16-bit words, folded; 0 and 0xffff are the same value. */
function foldedSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += ((bytes[i] << 8) | bytes[i + 1]) % 0xffff;
  return sum % 0xffff;
}

/** Sum of a 32-bit IPv4 address's two words. */
const ipv4Sum = (ipv4: number): number => ((ipv4 >>> 16) + (ipv4 & 0xffff)) % 0xffff;

/**
 * Whether TCP and UDP checksums stay as they are between `ipv4` and `clat` toward this PREF64, whatever the destination.
 * @param clat 16 bytes
 */
export function isChecksumNeutral(clat: Uint8Array, pref64: Prefix6, ipv4: number): boolean {
  return canBeNeutral(pref64) && (foldedSum(clat) + foldedSum(pref64.address)) % 0xffff === ipv4Sum(ipv4);
}

/**
 * Whether an interface identifier is reserved: the subnet-router anycast address (RFC 4291 §2.6.1), and the IANA registry of
 * RFC 5453 (IANA's Ethernet block, Proxy Mobile IPv6, the anycast range of RFC 2526).
 * @param address 16 bytes; the identifier is bytes 8–15
 */
export function isReservedIdentifier(address: Uint8Array): boolean {
  const high = ((address[8] << 24) | (address[9] << 16) | (address[10] << 8) | address[11]) >>> 0;
  const low = ((address[12] << 24) | (address[13] << 16) | (address[14] << 8) | address[15]) >>> 0;
  if (high === 0 && low === 0) return true;
  if (high === 0x02005eff && low >= 0xfe000000) return true;
  return high === 0xfdffffff && low >= 0xffffff80;
}

/**
 * Makes a CLAT address.
 * @param prefix on-link prefix of the uplink, at most 96 bits; shorter than 64 counts as 64, its further bits are kept as given
 * @param random 8 bytes, uniformly distributed; the same bytes give the same address
 * @returns 16 bytes, or null when these random bytes lead to an address that may not be used: take others
 * @throws RangeError when the prefix leaves fewer than 32 bits or `random` has the wrong size (a bug)
 */
export function makeClatAddress(prefix: Prefix6, pref64: Prefix6, ipv4: number, random: Uint8Array): Uint8Array | null {
  if (random.length !== CLAT_RANDOM_BYTES) throw new RangeError(`${random.length} random bytes`);
  if (prefix.length > 128 - HOST_BITS_MIN) throw new RangeError(`on-link prefix of ${prefix.length} bits`);
  const kept = Math.max(64, prefix.length);
  const address = Uint8Array.from(prefix.address);
  for (let bit = kept; bit < 128; bit++) copyBit(address, random, bit);
  // RFC 7136 gives the u and g bits no meaning; zero says "not from a MAC address" to those that still look.
  if (kept === 64) address[8] &= ~0x03;
  if (canBeNeutral(pref64)) makeNeutral(address, pref64, ipv4);
  return isReservedIdentifier(address) || isHostPartZero(address, kept) ? null : address;
}

/** Whether this is the subnet-router anycast address of a prefix longer than 64 bits as well. */
function isHostPartZero(address: Uint8Array, prefixBits: number): boolean {
  for (let bit = prefixBits; bit < 128; bit++) if (((address[bit >> 3] >> (7 - (bit & 7))) & 1) !== 0) return false;
  return true;
}

/** Takes bit 64–127 of `address` from bit 0–63 of `random`. */
function copyBit(address: Uint8Array, random: Uint8Array, bit: number): void {
  const mask = 0x80 >> (bit & 7);
  address[bit >> 3] = (address[bit >> 3] & ~mask) | (random[(bit - 64) >> 3] & mask);
}

/** Sets the last word so that the sum comes out right. */
function makeNeutral(address: Uint8Array, pref64: Prefix6, ipv4: number): void {
  address[14] = 0;
  address[15] = 0;
  const have = foldedSum(address) + foldedSum(pref64.address);
  const word = (ipv4Sum(ipv4) + 2 * 0xffff - have) % 0xffff;
  address[14] = word >>> 8;
  address[15] = word & 0xff;
}
