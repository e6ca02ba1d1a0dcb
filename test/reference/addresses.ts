// Addresses, slow and plain: RFC 6052 §2.2 by its table of octets, RFC 7757 §3 by its text, and the addresses that no
// translated packet may carry.

import type { Mapping, Prefix6 } from '../../src/core/translate/settings.ts';
import { ipv4Bytes, read32 } from './bytes.ts';

/** RFC 6052 §2.2, figure 1: which octets of the IPv6 address hold the four of the IPv4 address. */
const OCTETS: Readonly<Record<number, readonly number[]>> = {
  32: [4, 5, 6, 7],
  40: [5, 6, 7, 9],
  48: [6, 7, 9, 10],
  56: [7, 9, 10, 11],
  64: [9, 10, 11, 12],
  96: [12, 13, 14, 15],
};

/** RFC 6052 §2.3: IPv4 address → IPv4-embedded IPv6 address. Throws RangeError on a length that RFC 6052 does not have. */
export function embed(prefix: Prefix6, address: number): Uint8Array {
  const octets = OCTETS[prefix.length];
  if (octets === undefined) throw new RangeError(`no RFC 6052 prefix length: ${prefix.length}`);
  const out = new Uint8Array(16);
  out.set(prefix.address.slice(0, prefix.length / 8));
  const four = ipv4Bytes(address);
  octets.forEach((at, i) => {
    out[at] = four[i];
  });
  return out;
}

/** RFC 6052 §2.3 backwards; null if the address is not in the prefix. Octet 8 and the suffix are not looked at. */
export function extract(prefix: Prefix6, address: Uint8Array): number | null {
  const octets = OCTETS[prefix.length];
  if (octets === undefined) throw new RangeError(`no RFC 6052 prefix length: ${prefix.length}`);
  if (!isInPrefix6(prefix, address)) return null;
  return read32(
    Uint8Array.from(octets, (at) => address[at]),
    0,
  );
}

const toBig = (bytes: Uint8Array): bigint => bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);

function fromBig(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * (15 - i))) & 0xffn));
}

/** Whether an IPv6 address lies in a prefix. */
export function isInPrefix6(prefix: Prefix6, address: Uint8Array): boolean {
  const shift = BigInt(128 - prefix.length);
  return toBig(prefix.address) >> shift === toBig(address) >> shift;
}

/** Whether an IPv4 address lies in `base`/`length`. */
export function isInPrefix4(base: number, length: number, address: number): boolean {
  const size = 2 ** (32 - length);
  return Math.floor(base / size) === Math.floor(address / size);
}

/** the mapping with the longest IPv4 prefix that holds the address (RFC 7757 §3.3.1). */
function bestMapping4(mappings: readonly Mapping[], address: number): Mapping | null {
  const hits = mappings.filter((m) => isInPrefix4(m.ipv4.address, m.ipv4.length, address));
  return hits.reduce<Mapping | null>((best, m) => (best && best.ipv4.length >= m.ipv4.length ? best : m), null);
}

/** the mapping with the longest IPv6 prefix that holds the address (RFC 7757 §3.3.2). */
function bestMapping6(mappings: readonly Mapping[], address: Uint8Array): Mapping | null {
  const hits = mappings.filter((m) => isInPrefix6(m.ipv6, address));
  return hits.reduce<Mapping | null>((best, m) => (best && best.ipv6.length >= m.ipv6.length ? best : m), null);
}

/** RFC 7757 §3.3.1: the IPv4 suffix behind the IPv6 prefix, zero bits up to 128; null without a mapping. */
export function eam4To6(mappings: readonly Mapping[], address: number): Uint8Array | null {
  const m = bestMapping4(mappings, address);
  if (m === null) return null;
  const suffixLength = 32 - m.ipv4.length;
  const suffix = BigInt(address) & ((1n << BigInt(suffixLength)) - 1n);
  return fromBig(toBig(m.ipv6.address) | (suffix << BigInt(128 - m.ipv6.length - suffixLength)));
}

/** RFC 7757 §3.3.2: the first bits of the IPv6 suffix behind the IPv4 prefix; null without a mapping. */
export function eam6To4(mappings: readonly Mapping[], address: Uint8Array): number | null {
  const m = bestMapping6(mappings, address);
  if (m === null) return null;
  const suffixLength = 32 - m.ipv4.length;
  const shifted = toBig(address) >> BigInt(128 - m.ipv6.length - suffixLength);
  return m.ipv4.address + Number(shifted & ((1n << BigInt(suffixLength)) - 1n));
}

const inAny = (ranges: readonly (readonly [number, number])[], address: number): boolean =>
  ranges.some(([base, length]) => isInPrefix4(base, length, address));

/** 224/4 and limited broadcast. */
const isMulticastOrBroadcast = (a: number): boolean => inAny([[0xe0000000, 4]], a) || a === 0xffffffff;

/** IPv4 addresses that are never translated. */
export function isMartian4(address: number, tolerated: boolean): boolean {
  if (isMulticastOrBroadcast(address)) return true;
  const reserved: [number, number][] = [
    [0x00000000, 8],
    [0x7f000000, 8],
    [0xf0000000, 4],
  ];
  return !tolerated && inAny(reserved, address);
}

/** IPv6 addresses that are never translated. */
export function isMartian6(address: Uint8Array): boolean {
  const isZeroOrOne = address.slice(0, 15).every((byte) => byte === 0) && address[15] <= 1;
  const isLinkLocal = address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
  return isZeroOrOne || isLinkLocal || address[0] === 0xff;
}

/** not globally reachable, RFC 6890 and the IANA special-purpose registry. What A-04 names has a switch of its own. */
export function isNonGlobal(address: number): boolean {
  const ranges: [number, number][] = [
    [0x0a000000, 8],
    [0x64400000, 10],
    [0xa9fe0000, 16],
    [0xac100000, 12],
    [0xc0000000, 24],
    [0xc0000200, 24],
    [0xc0a80000, 16],
    [0xc6120000, 15],
    [0xc6336400, 24],
    [0xcb007100, 24],
  ];
  return inAny(ranges, address);
}
