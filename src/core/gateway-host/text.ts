// IPv4 networks as ip(8) writes them. The other way: ../address/text.ts.

import type { Prefix4 } from '../translate/settings.ts';

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
