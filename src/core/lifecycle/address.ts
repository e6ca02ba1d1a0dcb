// Comparing addresses.

/** Whether two addresses, of IPv6 or of a link, are the same. */
export const isSameAddress = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, i) => octet === b[i]);
