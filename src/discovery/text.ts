// Addresses as text, for reports and for keys.

export { text6, textPrefix6 as textPrefix } from '../core/address/text.ts';

/** Whether 16 bytes are in fe80::/10. */
export const isLinkLocal = (address: Uint8Array): boolean => address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
