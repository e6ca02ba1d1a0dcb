// Addresses and prefixes as text, for people and for the tools of the host.

import type { Prefix4, Prefix6 } from '../translate/settings.ts';

/** Dotted text of an IPv4 number: `192.0.2.1`. */
export const text4 = (address: number): string =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');

/** `192.0.2.0/24`. */
export const textPrefix4 = ({ address, length }: Prefix4): string => `${text4(address)}/${length}`;

/** RFC 5952 text of 16 bytes: `2001:db8::1`. */
export function text6(address: Uint8Array): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => (address[at] << 8) | address[at + 1]);
  const { start, length } = longestZeros(groups);
  const texts = groups.map((group) => group.toString(16));
  // RFC 5952 §4.2.2: a single zero stays.
  if (length < 2) return texts.join(':');
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`;
}

/** `2001:db8::/32`. */
export const textPrefix6 = ({ address, length }: Prefix6): string => `${text6(address)}/${length}`;

/** The longest run of zeros, the first of several as long (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, at) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: at + 1 - length, length };
  });
  return longest;
}
