// Addresses and prefixes between text and bytes, for configuration and command line. Text is read by ipaddr.js and written by
// core/address/text.ts; what a NAT64 prefix may be is RFC 6052 §2.2; which addresses no translated packet may have is rule A-04.

import ipaddr from 'ipaddr.js';
import { addressWord } from '../core/address/rfc6052.ts';
import { isMartian6 } from '../core/address/special.ts';
import {
  text4 as formatIpv4,
  text6 as formatIpv6,
  textPrefix4 as formatPrefix4,
  textPrefix6 as formatPrefix6,
} from '../core/address/text.ts';
import type { Prefix4, Prefix6 } from '../core/translate/settings.ts';
import { bad, good, type ShapeOf, type TextResult, text } from './fields.ts';

export { formatIpv4, formatIpv6, formatPrefix4, formatPrefix6 };

/** The lengths of RFC 6052 §2.2. */
const NAT64_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];

const V4 = String.raw`\d{1,3}(\.\d{1,3}){3}`;
const V6 = '[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*';

/** An IPv4 address as an unsigned number. */
export function parseIpv4(input: string): TextResult<number> {
  if (!ipaddr.IPv4.isValidFourPartDecimal(input)) {
    return bad('is not an IPv4 address', 'write four decimal numbers, such as 192.0.2.1');
  }
  return good(ipv4Number(ipaddr.IPv4.parse(input).toByteArray()));
}

/** An IPv6 address as 16 bytes. */
export function parseIpv6(input: string): TextResult<Uint8Array> {
  if (!ipaddr.IPv6.isValid(input) || input.includes('%')) {
    return bad('is not an IPv6 address', 'write one such as 2001:db8::1, without a zone');
  }
  return good(Uint8Array.from(ipaddr.IPv6.parse(input).toByteArray()));
}

/** An IPv4 prefix; a bare address is a /32. */
export function parsePrefix4(input: string): TextResult<Prefix4> {
  const parts = splitPrefix(input, 32);
  if (!parts.ok) return parts;
  const address = parseIpv4(parts.value.address);
  if (!address.ok) return address;
  const { length } = parts.value;
  const network = maskIpv4(address.value, length);
  if (network === address.value) return good({ address: network, length });
  return bad(`has bits set after the first ${length}`, `write ${formatIpv4(network)}/${length}`);
}

/** An IPv6 prefix; a bare address is a /128. */
export function parsePrefix6(input: string): TextResult<Prefix6> {
  const parts = splitPrefix(input, 128);
  if (!parts.ok) return parts;
  const address = parseIpv6(parts.value.address);
  if (!address.ok) return address;
  const { length } = parts.value;
  const network = maskIpv6(address.value, length);
  if (network.every((byte, i) => byte === address.value[i])) return good({ address: network, length });
  return bad(`has bits set after the first ${length}`, `write ${formatIpv6(network)}/${length}`);
}

/** A NAT64 prefix: one of six lengths, bits 64–71 zero (RFC 6052 §2.2). */
function parseNat64Prefix(input: string): TextResult<Prefix6> {
  const lengths = NAT64_LENGTHS.map((length) => `/${length}`).join(', ');
  if (!input.includes('/')) {
    const bare = parseIpv6(input);
    return bare.ok ? bad('has no prefix length', `add one of ${lengths}`) : bare;
  }
  const prefix = parsePrefix6(input);
  if (!prefix.ok) return prefix;
  const { address, length } = prefix.value;
  if (!NAT64_LENGTHS.includes(length)) return bad(`has the length /${length}`, `use one of ${lengths} (RFC 6052 §2.2)`);
  if (address[8] !== 0) return bad('has bits 64 to 71 set', 'choose a prefix in which they are zero (RFC 6052 §2.2)');
  if (!isMartianIpv6(address)) return prefix;
  return bad(`is one of ${MARTIANS_IPV6}`, 'use 64:ff9b::/96 or a prefix of your network');
}

function splitPrefix(input: string, full: number): TextResult<{ readonly address: string; readonly length: number }> {
  const slash = input.indexOf('/');
  if (slash < 0) return good({ address: input, length: full });
  const digits = input.slice(slash + 1);
  const length = /^\d{1,3}$/.test(digits) ? Number(digits) : -1;
  if (length >= 0 && length <= full) return good({ address: input.slice(0, slash), length });
  return bad('has no valid prefix length', `write a number from 0 to ${full} after the slash`);
}

/** Whether no translated packet may have this IPv6 address (rule A-04). */
export function isMartianIpv6(address: Uint8Array): boolean {
  return isMartian6(addressWord(address, 0), addressWord(address, 1), addressWord(address, 2), addressWord(address, 3));
}

/** What core/address/special.ts refuses, for a person. */
export const MARTIANS_IPV4 = '0/8, 127/8, 224/4 or 240/4';
/** What {@link isMartianIpv6} refuses, for a person. */
export const MARTIANS_IPV6 = '::, ::1, fe80::/10 or ff00::/8';

/** Clears the bits after `length` (0–32). */
const maskIpv4 = (address: number, length: number): number =>
  length === 0 ? 0 : (address & (0xffffffff << (32 - length))) >>> 0;

/** Clears the bits after `length` (0–128), in a copy. */
function maskIpv6(address: Uint8Array, length: number): Uint8Array {
  return address.map((byte, i) => {
    const bits = Math.min(Math.max(length - i * 8, 0), 8);
    return byte & (0xff00 >> bits) & 0xff;
  });
}

/** Whether prefix `outer` holds all of prefix `inner`. */
export const holds4 = (outer: Prefix4, inner: Prefix4): boolean =>
  outer.length <= inner.length && maskIpv4(inner.address, outer.length) === outer.address;

/** Whether prefix `outer` holds all of prefix `inner`. */
export const holds6 = (outer: Prefix6, inner: Prefix6): boolean =>
  outer.length <= inner.length && maskIpv6(inner.address, outer.length).every((byte, i) => byte === outer.address[i]);

/** Order by address, the wider prefix first, so that a prefix stands before all that it holds. */
export const compare4 = (a: Prefix4, b: Prefix4): number => a.address - b.address || a.length - b.length;

/** As {@link compare4}. */
export const compare6 = (a: Prefix6, b: Prefix6): number => Buffer.compare(a.address, b.address) || a.length - b.length;

const ipv4Number = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

/** Field shape: an IPv4 address. */
export const ipv4: ShapeOf<number> = text('an IPv4 address', '192.0.2.1', `^${V4}$`, parseIpv4);
/** Field shape: an IPv6 address. */
export const ipv6: ShapeOf<Uint8Array> = text('an IPv6 address', '2001:db8::1', `^${V6}$`, parseIpv6);
/** Field shape: an IPv4 prefix or address. */
export const prefix4: ShapeOf<Prefix4> = text(
  'an IPv4 prefix',
  '192.0.2.0/24',
  String.raw`^${V4}(/\d{1,2})?$`,
  parsePrefix4,
);
/** Field shape: an IPv6 prefix or address. */
export const prefix6: ShapeOf<Prefix6> = text(
  'an IPv6 prefix',
  '2001:db8:46::/96',
  String.raw`^${V6}(/\d{1,3})?$`,
  parsePrefix6,
);
/** Field shape: a NAT64 prefix of RFC 6052. */
export const nat64Prefix: ShapeOf<Prefix6> = text(
  'a NAT64 prefix',
  '64:ff9b::/96',
  `^${V6}/(32|40|48|56|64|96)$`,
  parseNat64Prefix,
);
