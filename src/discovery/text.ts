// Addresses as text, for reports and for keys.

import ipaddr from 'ipaddr.js';
import type { Prefix6 } from '../core/translate/settings.ts';

/** RFC 5952 text of 16 bytes. */
export const text6 = (address: Uint8Array): string => new ipaddr.IPv6([...address]).toRFC5952String();

/** `2001:db8::/32`. */
export const textPrefix = (prefix: Prefix6): string => `${text6(prefix.address)}/${prefix.length}`;

/** Whether 16 bytes are in fe80::/10. */
export const isLinkLocal = (address: Uint8Array): boolean => address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
