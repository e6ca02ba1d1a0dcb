// Addresses as the system's tools write them.

import ipaddr from 'ipaddr.js';

/** The 16 bytes of an IPv6 address. Throws where it is none. */
export const bytesOf = (address: string): Uint8Array => Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray());
