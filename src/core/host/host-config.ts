// What the client wants of the host (HostConfig) and what the host is like (HostFacts). Plain data: a platform reads the
// facts, wanted.ts turns the config into changes, plan.ts compares. Addresses are RFC 5952 text, prefixes "address/length".

import type { Prefix6 } from '../translate/settings.ts';

/** An interface by name and index. The index tells one that went and came back from the one that was there before. */
export interface LinkRef {
  readonly name: string;
  readonly index: number;
}

/**
 * IPv6 through kernel forwarding: the CLAT address is routed to the TUN and defended on the uplink by proxy neighbour
 * discovery.
 */
export interface ForwardingUplink {
  readonly kind: 'forwarding';
  readonly link: LinkRef;
  /** The CLAT's IPv6 address. */
  readonly clat: string;
  /** IPv6 MTU of the way to the NAT64, in bytes. */
  readonly mtuBytes: number;
  /** The link's own MAC address; null on links without neighbour discovery. */
  readonly linkAddress: Uint8Array | null;
  /** Forwarding for the two interfaces alone, where the kernel has that, or for the whole host. `auto` asks the kernel. */
  readonly scope: 'auto' | 'interface' | 'host';
}

/**
 * IPv6 past the kernel's forwarding: programs on the two interfaces hand the packets over, and the CLAT address is defended from
 * user space. Nothing of it is a change of the host, it goes with the process.
 */
export interface RedirectUplink {
  readonly kind: 'redirect';
  readonly link: LinkRef;
  /** The CLAT's IPv6 address. */
  readonly clat: string;
  /** The NAT64 prefix: what comes for the CLAT from elsewhere is not for it. */
  readonly prefix: Prefix6;
  /** The link's own MAC address; null on links without neighbour discovery. */
  readonly linkAddress: Uint8Array | null;
  /** The router to send to, against the routing table; null: as the kernel's routes say. */
  readonly router: string | null;
}

/** How translated packets reach the network. */
export type UplinkAttachment = ForwardingUplink | RedirectUplink;

/** The wanted state of the host while a client runs. */
export interface HostConfig {
  /** The virtual interface; it exists already. */
  readonly tun: LinkRef;
  /** The CLAT's IPv4 address; without a length, it is a /32. */
  readonly ipv4: string;
  /** MTU of the IPv4 side, in bytes. */
  readonly ipv4MtuBytes: number;
  /** Metric of the IPv4 default route. */
  readonly metric: number;
  /** Let new IPv4 connections in from the network; false: they are dropped by a firewall table of ours. */
  readonly allowInbound: boolean;
  /** null while no uplink is there: the address stays, so that connections survive, and the default route goes. */
  readonly uplink: UplinkAttachment | null;
}

/** An interface as it is. */
export interface LinkFacts extends LinkRef {
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** It is up, and leads nowhere: no cable, no network joined. */
  readonly lacksCarrier?: true;
  /** Kind of a virtual link as the system names it: "bridge", "wireguard", …, a TAP as "tap"; absent for hardware. */
  readonly kind?: string;
  /** Addresses with their prefix length, both families. */
  readonly addresses: readonly string[];
}

/** A route of the main table; one with several next hops counts as several routes. */
export interface RouteFacts {
  readonly family: 4 | 6;
  /** "default" or a prefix. */
  readonly destination: string;
  readonly device: string;
  readonly metric: number;
  /** Who made it, as the kernel's protocol name: "kernel", "ra", "boot", … */
  readonly protocol: string;
  readonly gateway: string | null;
  /** Its link is down or has no carrier: it is there and carries nothing. */
  readonly isDown?: true;
}

/** A proxy neighbour entry. */
export interface ProxyFacts {
  readonly device: string;
  readonly address: string;
}

/** The part of the host's state that the client's changes touch. */
export interface HostFacts {
  readonly links: readonly LinkFacts[];
  readonly routes: readonly RouteFacts[];
  readonly proxies: readonly ProxyFacts[];
  /** Kernel settings by path below /proc/sys; a setting that this kernel does not have is missing. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** nftables tables as "family name". */
  readonly firewallTables: ReadonlySet<string>;
}

/** Name of the firewall table that drops new inbound connections. */
export const FIREWALL_TABLE = 'xlat464';
/** The same as it stands in {@link HostFacts.firewallTables}. */
export const FIREWALL_TABLE_KEY = `ip ${FIREWALL_TABLE}`;

/** Name of the gateway's firewall table. */
export const GATEWAY_TABLE = 'xlat464_gateway';
/** The same as it stands in {@link HostFacts.firewallTables}. */
export const GATEWAY_TABLE_KEY = `inet ${GATEWAY_TABLE}`;

/** Metric of the IPv4 default route: worse than any that a network manager sets (rule D-12). */
export const DEFAULT_METRIC = 2048;

/** The per-interface IPv6 settings that planning looks at, on every interface. */
export const LINK_SETTINGS: readonly string[] = ['forwarding', 'force_forwarding', 'accept_ra', 'proxy_ndp'];
/** Further ones, looked at on the virtual interface only. */
export const TUN_SETTINGS: readonly string[] = ['disable_ipv6', 'addr_gen_mode'];

/** IPv4 forwarding of the whole host. */
export const IPV4_FORWARDING = 'net/ipv4/ip_forward';
/** Ports that the kernel does not choose for programs that do not care. */
export const RESERVED_PORTS = 'net/ipv4/ip_local_reserved_ports';
/** Those that it chooses from. */
export const EPHEMERAL_PORTS = 'net/ipv4/ip_local_port_range';
/** Settings of the whole host that planning looks at, beside those of all interfaces. */
export const HOST_SETTINGS: readonly string[] = [IPV4_FORWARDING, RESERVED_PORTS, EPHEMERAL_PORTS];

/** Path of a per-interface IPv4 setting; `device` may be "all" or "default". */
export const ipv4Setting = (device: string, setting: string): string => `net/ipv4/conf/${device}/${setting}`;
/** The per-interface IPv4 settings that planning looks at: those that switching {@link IPV4_FORWARDING} overwrites. */
export const LINK_SETTINGS_IPV4: readonly string[] = ['forwarding', 'accept_redirects'];

/** Path of a per-interface IPv6 setting; `device` may be "all" or "default". */
export const ipv6Setting = (device: string, setting: string): string => `net/ipv6/conf/${device}/${setting}`;
/** Path of an interface's reverse-path filter. */
export const reversePathFilter = (device: string): string => `net/ipv4/conf/${device}/rp_filter`;
/** Path of an interface's delay before it answers for a proxied neighbour. */
export const proxyDelay = (device: string): string => `net/ipv6/neigh/${device}/proxy_delay`;

/** The interface that a reference means now: by its index, so a rename does not lose it. undefined: it is gone. */
export const findLink = (facts: HostFacts, link: LinkRef): LinkFacts | undefined =>
  facts.links.find((l) => l.index === link.index);
