// Addresses that are not translated, or only when allowed: rules; IANA special-purpose registries, RFC 6890.

import type { Prefix4, Prefix6 } from '../translate/settings.ts';
import { WELL_KNOWN_PREFIX } from '../translate/settings.ts';
import { isSamePrefix } from './same.ts';

/** 192.0.0.8, the IPv4 dummy address (RFC 7600 §4.8): source of ICMP errors that have no IPv4 source of their own. */
export const DUMMY_IPV4 = 0xc0000008;

/** 0/8, 127/8, 224/4 and 240/4 (255.255.255.255 among them): never source or destination of a translated packet. */
export function isMartian4(ipv4: number): boolean {
  const first = ipv4 >>> 24;
  return first === 0 || first === 127 || first >= 224;
}

/** 224/4 and 255.255.255.255: what the tolerance for martians never lets through. */
export const isGroup4 = (ipv4: number): boolean => (ipv4 & 0xf0000000) === (0xe0000000 | 0) || ipv4 === -1;

/** ::, ::1, fe80::/10 and ff00::/8, from the address's four words. */
export function isMartian6(w0: number, w1: number, w2: number, w3: number): boolean {
  if (w0 >>> 24 === 0xff || w0 >>> 22 === 0x3fa) return true;
  return (w0 | w1 | w2) === 0 && (w3 === 0 || w3 === 1);
}

const prefix4 = (a: number, b: number, length: number, c = 0): Prefix4 => ({
  address: ((a << 24) | (b << 16) | (c << 8)) >>> 0,
  length,
});

/** Ranges that IANA lists as not globally reachable and that are not martian anyway; in the order of the registry. */
const NON_GLOBAL: readonly Prefix4[] = [
  prefix4(10, 0, 8),
  prefix4(100, 64, 10),
  prefix4(169, 254, 16),
  prefix4(172, 16, 12),
  prefix4(192, 0, 24, 0),
  prefix4(192, 0, 24, 2),
  prefix4(192, 168, 16),
  prefix4(198, 18, 15),
  prefix4(198, 51, 24, 100),
  prefix4(203, 0, 24, 113),
];

const NON_GLOBAL_MASK = Int32Array.from(NON_GLOBAL, (p) => -1 << (32 - p.length));
const NON_GLOBAL_ADDRESS = Int32Array.from(NON_GLOBAL, (p) => p.address | 0);

/** Whether an IPv4 address may not be carried by the well-known prefix, RFC 6052 §3.1. */
export function isNonGlobal4(ipv4: number): boolean {
  for (let i = 0; i < NON_GLOBAL_MASK.length; i++) {
    if ((ipv4 & NON_GLOBAL_MASK[i]) === NON_GLOBAL_ADDRESS[i]) return true;
  }
  return false;
}

/** Whether the prefix is 64:ff9b::/96. 64:ff9b:1::/48 (RFC 8215) and everything below it is not. */
export const isWellKnownPrefix = (prefix: Prefix6): boolean => isSamePrefix(prefix, WELL_KNOWN_PREFIX);
