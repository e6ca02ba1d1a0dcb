// Addresses with ports, as text and as the 16 bytes that ACL and log work with.

import ipaddr from 'ipaddr.js';

/** `[2001:db8::1]:53`, `192.0.2.1:53`. */
export const placeText = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** An address as 16 bytes, IPv4 as ::ffff:a.b.c.d, its zone left out. */
export function addressBytes(text: string): Uint8Array {
  const parsed = ipaddr.parse(text.split('%')[0] ?? '');
  const v6 = parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : (parsed as ipaddr.IPv6);
  return Uint8Array.from(v6.toByteArray());
}

/** 16 bytes as text, an IPv4 address as one. */
export function addressText(bytes: Uint8Array): string {
  const v6 = new ipaddr.IPv6([...bytes]);
  return v6.isIPv4MappedAddress() ? v6.toIPv4Address().toString() : v6.toRFC5952String();
}
