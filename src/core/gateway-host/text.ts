// IPv4 and IPv6 between numbers and the text that nft(8) and ip(8) read and write.

import type { Prefix4, Prefix6 } from '../translate/settings.ts';

/** `192.0.2.1`. */
export const text4 = (address: number): string =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');

/** `192.0.2.0/24`. */
export const textPrefix4 = ({ address, length }: Prefix4): string => `${text4(address)}/${length}`;

/** Eight groups, nothing left out: `2001:db8:0:0:0:0:0:0/32`. */
export function textPrefix6({ address, length }: Prefix6): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => ((address[at] << 8) | address[at + 1]).toString(16));
  return `${groups.join(':')}/${length}`;
}

/** Reads `192.0.2.1/24` or `192.0.2.1`, host bits and all; null: it is no IPv4. */
export function parsePrefix4(text: string): Prefix4 | null {
  const [, a, b, c, d, length = '32'] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  if (d === undefined) return null;
  const address = [a, b, c, d].reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { address, length: Number(length) };
}

/** Whether two networks share an address; bits behind a length do not count. */
export function overlaps4(a: Prefix4, b: Prefix4): boolean {
  const size = 2 ** (32 - Math.min(a.length, b.length));
  return Math.floor(a.address / size) === Math.floor(b.address / size);
}
