// Uplink: the interface that leads to the NAT64, and what the network gave it. Plain data that a platform finds out.

import { isSamePrefix } from '../address/same.ts';
import type { Prefix6 } from '../translate/settings.ts';
import type { LinkRef } from './host-config.ts';

/** The interface that leads to the NAT64, and what the network gave it. */
export interface Uplink {
  readonly link: LinkRef;
  /** The host's own address toward the NAT64, as RFC 6724 source selection chose it. */
  readonly source: string;
  /** The on-link prefix of that address: the CLAT's address comes from it. */
  readonly prefix: Prefix6;
  /** The smallest of the interface's MTU, the one in Router Advertisements and the route's, in bytes. */
  readonly mtuBytes: number;
  /** MAC address; null where the link has no neighbour discovery. */
  readonly linkAddress: Uint8Array | null;
  /** The router on the way; null: the NAT64 is on the link, or the link has no other end but one. */
  readonly router: string | null;
}

/** What an interface, or the host, lacks to lead to the NAT64. */
export type UplinkLack = 'route' | 'link' | 'address' | 'room';

/** The answer to "which way to the NAT64": the way, or why there is none. */
export type UplinkAnswer =
  | { readonly uplink: Uplink }
  | { readonly uplink: null; readonly lacks: UplinkLack; readonly why: string };

/** Whether an address in one network serves in the other as well. */
export const isSameNetwork = (a: Uplink, b: Uplink): boolean =>
  a.link.index === b.link.index && isSamePrefix(a.prefix, b.prefix);
