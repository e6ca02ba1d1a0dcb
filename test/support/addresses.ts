// Addresses as text for tests: "192.0.2.1" → number, "2001:db8::1" → 16 bytes, and prefixes of both families.

import ipaddr from 'ipaddr.js';
import type { Mapping, Prefix4, Prefix6 } from '../../src/core/translate/settings.ts';

/** An IPv4 address as an unsigned 32-bit number. Throws on bad text. */
export function ip4(text: string): number {
  return ipaddr.IPv4.parse(text)
    .toByteArray()
    .reduce((value, octet) => value * 256 + octet, 0);
}

/** An IPv6 address as 16 bytes. Throws on bad text. */
export function ip6(text: string): Uint8Array {
  return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
}

/** An IPv4 prefix, "192.0.2.0/24"; without a length it is one address. Throws on bad text. */
export function prefix4(text: string): Prefix4 {
  const [address, length] = text.includes('/') ? ipaddr.IPv4.parseCIDR(text) : [ipaddr.IPv4.parse(text), 32];
  return { address: ip4(address.toString()), length };
}

/** An IPv6 prefix, "64:ff9b::/96"; without a length it is one address. Throws on bad text. */
export function prefix6(text: string): Prefix6 {
  const [address, length] = text.includes('/') ? ipaddr.IPv6.parseCIDR(text) : [ipaddr.IPv6.parse(text), 128];
  return { address: Uint8Array.from(address.toByteArray()), length };
}

/** An explicit address mapping from two prefixes as text. Throws on bad text. */
export function mapping(ipv4: string, ipv6: string): Mapping {
  return { ipv4: prefix4(ipv4), ipv6: prefix6(ipv6) };
}

/** A number as dotted text. */
export function text4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** 16 bytes as RFC 5952 text. */
export function text6(address: Uint8Array): string {
  return new ipaddr.IPv6([...address]).toRFC5952String();
}
