// Comparing addresses.

/** Whether two addresses of 16 bytes are the same. */
export const isSameAddress = (a: Uint8Array, b: Uint8Array): boolean => a.every((octet, i) => octet === b[i]);
