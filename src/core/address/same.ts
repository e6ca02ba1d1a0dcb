// Whether addresses and prefixes are the same. Not for the packet path, which compares words.

import type { Prefix6 } from '../translate/settings.ts';

/** Whether two addresses are the same: IPv6, link-layer, or any other octets. */
export const isSameAddress = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, i) => octet === b[i]);

/** Whether two prefixes are the same. */
export const isSamePrefix = (a: Prefix6, b: Prefix6): boolean =>
  a.length === b.length && isSameAddress(a.address, b.address);
