// Reverse names, RFC 3596 §2.5 and RFC 1035 §3.5: which IPv4 address a name below ip6.arpa has inside a NAT64 prefix (S-07, RFC 6147
// §5.3.1).

import { addressWord, extract, isInside } from '../address/rfc6052.ts';
import { isAtOrBelow, LOWER, nameFromText } from './name.ts';
import type { SynthesisRules } from './rules.ts';

const IP6_ARPA = nameFromText('ip6.arpa') as Uint8Array;
const NIBBLES = 32;
/** Each of the 32 labels is one character behind its length. */
const NAME_LENGTH = NIBBLES * 2 + IP6_ARPA.length;
const HEX = '0123456789abcdef';

/** The IPv6 address of a whole reverse name, 16 bytes; null for any other name. */
export function addressOfReverse(name: Uint8Array): Uint8Array | null {
  if (name.length !== NAME_LENGTH || !isAtOrBelow(name, IP6_ARPA)) return null;
  const address = new Uint8Array(16);
  for (let i = 0; i < NIBBLES; i++) {
    const digit = name[i * 2] === 1 ? HEX.indexOf(String.fromCharCode(LOWER[name[i * 2 + 1]])) : -1;
    if (digit < 0) return null;
    // The last nibble comes first.
    address[(NIBBLES - 1 - i) >> 1] |= i % 2 === 0 ? digit : digit << 4;
  }
  return address;
}

/** The IPv4 address that a reverse name has inside the longest of the prefixes, as a signed number; null: inside none. */
export function embeddedInReverse(rules: SynthesisRules, name: Uint8Array): number | null {
  const address = addressOfReverse(name);
  if (address === null) return null;
  const [w0, w1, w2, w3] = [0, 1, 2, 3].map((i) => addressWord(address, i)) as [number, number, number, number];
  const matching = rules.prefixes.filter((prefix) => isInside(prefix, w0, w1, w2));
  const [longest] = matching.sort((a, b) => b.length - a.length);
  return longest === undefined ? null : extract(longest, w1, w2, w3);
}

/** `10.2.0.192.in-addr.arpa` for 192.0.2.10. */
export function inAddrName(ipv4: number): Uint8Array {
  const octets = [ipv4 & 255, (ipv4 >>> 8) & 255, (ipv4 >>> 16) & 255, ipv4 >>> 24];
  return nameFromText(`${octets.join('.')}.in-addr.arpa`) as Uint8Array;
}

/** The reverse name of an IPv6 address of 16 bytes. */
export function ip6ArpaName(address: Uint8Array): Uint8Array {
  const nibbles = Array.from(address, (octet) => `${HEX[octet & 15]}.${HEX[octet >> 4]}`).reverse();
  return nameFromText(`${nibbles.join('.')}.ip6.arpa`) as Uint8Array;
}
