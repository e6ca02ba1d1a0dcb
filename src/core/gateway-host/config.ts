// What the gateway wants of the host beside its TUN interface: forwarding, NAT66, NPTv6, NAT44, the way of the IPv4 pool's packets
// to the NAT64, and who may use it. Plain data; src/config makes it from YAML, pool.ts fits the pool to the host, ruleset.ts and
// wanted.ts turn it into changes.

import type { DnsEndpoint } from '../dns64/settings.ts';
import type { LinkRef } from '../host/host-config.ts';
import type { PoolRange } from '../nat64/settings.ts';
import type { Prefix4, Prefix6 } from '../translate/settings.ts';

/** NAT66, rule O-02: what comes from `source` and leaves through `out` gets that interface's own address. */
export interface Nat66Rule {
  readonly source: Prefix6;
  /** Name of the interface. */
  readonly out: string;
}

/** NPTv6 (RFC 6296), rule O-02: inside and outside prefix of one length, host by host, in both directions. */
export interface Nptv6Rule {
  readonly inside: Prefix6;
  readonly outside: Prefix6;
  /** Name of the interface that leads outside. */
  readonly out: string;
}

/** NAT44, rule O-03, as {@link Nat66Rule}. */
export interface Nat44Rule {
  readonly source: Prefix4;
  readonly out: string;
}

/** Where the operator wants the NAT64's IPv4 pool to be. */
export type PoolWish =
  /** A private range behind the kernel's masquerade: the default, which needs no thought. null: a free one is chosen. */
  | { readonly kind: 'masquerade'; readonly range: Prefix4 | null }
  /** Addresses that the network routes to this router, and that no interface has. */
  | { readonly kind: 'routed'; readonly ranges: readonly PoolRange[] }
  /** One address of this router itself, with a range of ports of each protocol; the kernel keeps the others. */
  | { readonly kind: 'shared'; readonly ranges: readonly PoolRange[] };

/** Where the pool is on this host, as `choosePool` found it. */
export type PoolPlace =
  | { readonly kind: 'masquerade'; readonly range: Prefix4 }
  | { readonly kind: 'routed'; readonly ranges: readonly PoolRange[] }
  /**
   * Packets are steered by a stateless rewriting that no checksum notices: the NAT64 works with `inside`, a private address whose
   * checksum is that of `outside`, the router's own. `ranges` are of `inside`.
   */
  | {
      readonly kind: 'shared';
      readonly outside: number;
      readonly inside: number;
      readonly ranges: readonly PoolRange[];
    };

/** The pool, fitted to a host. */
export interface PoolChoice {
  readonly place: PoolPlace;
  /** The pool that the NAT64 gets (Nat64Settings.pool). */
  readonly ranges: readonly PoolRange[];
  /** One sentence each, for the log and status. */
  readonly warnings: readonly string[];
}

/** The wanted state of the host while a gateway runs. */
export interface GatewayHostConfig {
  /** The NAT64's interface; it exists already. Its routes are `tunRoutes(config)`. */
  readonly tun: LinkRef;
  /** Names of the interfaces of the LAN side. */
  readonly lan: readonly string[];
  /** The NAT64 prefixes. */
  readonly prefixes: readonly Prefix6[];
  /** Rule O-04 switched off: packets to the prefixes are taken from every interface. */
  readonly servesOutside: boolean;
  /** Where the DNS64 listens, where it answers the LAN alone: a source address says nothing about where a query comes from. */
  readonly lanDns: readonly DnsEndpoint[];
  readonly nat66: readonly Nat66Rule[];
  readonly nptv6: readonly Nptv6Rule[];
  readonly nat44: readonly Nat44Rule[];
  readonly pool: PoolPlace;
}
