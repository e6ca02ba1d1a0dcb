// The three protocols that have a BIB of their own (RFC 6146 §3.1), as numbers for the packet path.

import type { Nat64Protocol } from './settings.ts';

export const UDP_BIB = 0;
export const TCP_BIB = 1;
export const ICMP_BIB = 2;

/** Names by number. */
export const BIB_PROTOCOLS: readonly Nat64Protocol[] = ['udp', 'tcp', 'icmp'];

/** The number of a protocol's name. */
export const bibOf = (protocol: Nat64Protocol): number => BIB_PROTOCOLS.indexOf(protocol);
