// Everything a translator can be told, as plain values. src/config makes it from YAML, src/client from the network.
// A CLAT needs no settings of its own: it is one explicit mapping (its IPv4 ⇄ its IPv6 /128) plus the PREF64.

/** An IPv6 prefix: 16 address bytes, the bits after `length` zero, and the length in bits (0–128). */
export interface Prefix6 {
  readonly address: Uint8Array;
  readonly length: number;
}

/** An IPv4 prefix: address as an unsigned 32-bit number, host bits zero, length in bits (0–32). */
export interface Prefix4 {
  readonly address: number;
  readonly length: number;
}

/** One explicit address mapping, RFC 7757 §3.1. The two suffixes may have unequal lengths. */
export interface Mapping {
  readonly ipv4: Prefix4;
  readonly ipv6: Prefix6;
}

/** Conditions that break a rule of an RFC and that an operator may choose to let pass. All off by default. */
export interface Tolerance {
  /** Let a wrong IPv4 header checksum pass (the header is written anew anyway). */
  readonly headerChecksum: boolean;
  /** Let a wrong ICMP checksum pass; it stays wrong by the same difference. */
  readonly icmpChecksum: boolean;
  /** Translate packets from or to 0/8, 127/8, 240/4 (rule A-04 off for these; multicast and broadcast stay out). */
  readonly martians: boolean;
  /** Skip an unexpired source route instead of refusing it. */
  readonly sourceRoute: boolean;
}

/** Settings of one translator. Immutable; a change makes a new one, which the worker takes between two batches. */
export interface TranslatorSettings {
  /** The NAT64 prefix, one of the six lengths of RFC 6052 §2.2, or null for explicit mappings alone. */
  readonly prefix: Prefix6 | null;
  /** Explicit mappings; longest prefix wins, and they win over `prefix` (RFC 7757 §3.2). */
  readonly mappings: readonly Mapping[];
  /** IPv4 ranges for IPv6 hosts that no mapping names, handed out one to one; empty: none. */
  readonly dynamicPool: readonly Prefix4[];
  /** A lease of the dynamic pool ends after this long without a packet. */
  readonly dynamicLeaseMs: number;
  /** Source of the ICMPv4 errors sent by the translator itself; answers ping. 0: none are sent. */
  readonly ownIpv4: number;
  /** Source of the ICMPv6 errors sent by the translator itself, 16 bytes; answers ping. null: none are sent. */
  readonly ownIpv6: Uint8Array | null;
  /**
   * true: `ownIpv6` is also a translated host's address, as on a CLAT, which has no second one. It is the source of own ICMPv6
   * errors then and nothing else: packets to it are translated.
   */
  readonly ownIpv6IsShared: boolean;
  /** RFC 6791 §3.1: IPv4 sources for ICMP errors of IPv6 routers that have no IPv4 form. Empty: `ownIpv4`. */
  readonly icmpPoolIpv4: readonly Prefix4[];
  /** IPv6 sources for ICMP errors of IPv4 routers that have no IPv6 form. null: `ownIpv6`, if that is not shared. */
  readonly icmpPoolIpv6: Prefix6 | null;
  /** MTU of the IPv4 next hop in bytes, 68–65535. */
  readonly ipv4Mtu: number;
  /** MTU of the IPv6 next hop in bytes, 1280–65535. */
  readonly ipv6Mtu: number;
  /** RFC 7915 §4: packets with DF=0 become IPv6 fragments of at most this many bytes, 1280–65535. */
  readonly lowestIpv6Mtu: number;
  /** What happens to an unfragmented UDP datagram that came over IPv4 without a checksum. `forward` breaks RFC 8200 §8.1. */
  readonly udpZeroChecksum: 'compute' | 'drop' | 'forward';
  /** Traffic Class from the TOS octet, or zero. */
  readonly trafficClass: 'copy' | 'zero';
  /** TOS from the Traffic Class, or this fixed octet. */
  readonly tos: 'copy' | number;
  /** RFC 6052 §3.1 forbids non-global IPv4 addresses with 64:ff9b::/96; true lets them pass. */
  readonly allowNonGlobal: boolean;
  /**
   * false: at least one of the two addresses must come from an explicit mapping or the pool. A CLAT speaks for one host only;
   * without this a packet of another local IPv4 address would leave with a source inside the PREF64.
   */
  readonly allowBothEmbedded: boolean;
  /** false: TTL and hop limit pass unchanged (only for the translator on the host itself). */
  readonly decrementHopLimit: boolean;
  readonly tolerate: Tolerance;
  /** RFC 1191 §7 plateaus in bytes, falling. */
  readonly plateaus: readonly number[];
  /** Own ICMP errors per second and side; 0: none. */
  readonly errorsPerSecond: number;
  /** Largest ICMPv4 error in bytes (RFC 1812 §4.3.2.3: 576). */
  readonly icmpv4ErrorSize: number;
  /** Largest ICMPv6 error in bytes (RFC 4443 §2.4: 1280). */
  readonly icmpv6ErrorSize: number;
}

/** RFC 791 §3.2: every IPv4 link carries this. */
export const IPV4_MIN_MTU = 68;
/** RFC 8200 §5: every IPv6 link carries this. */
export const IPV6_MIN_MTU = 1280;

/** The plateau table of RFC 1191 §7. */
export const RFC1191_PLATEAUS: readonly number[] = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** 64:ff9b::/96, RFC 6052 §2.1. */
export const WELL_KNOWN_PREFIX: Prefix6 = {
  address: Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  length: 96,
};

/** The defaults: no prefix, no mapping, everything else as the RFCs want it. */
export const DEFAULT_SETTINGS: TranslatorSettings = {
  prefix: null,
  mappings: [],
  dynamicPool: [],
  dynamicLeaseMs: 2 * 60 * 60 * 1000,
  ownIpv4: 0,
  ownIpv6: null,
  ownIpv6IsShared: false,
  icmpPoolIpv4: [],
  icmpPoolIpv6: null,
  ipv4Mtu: 1500,
  ipv6Mtu: 1500,
  lowestIpv6Mtu: 1280,
  udpZeroChecksum: 'compute',
  trafficClass: 'copy',
  tos: 'copy',
  allowNonGlobal: false,
  allowBothEmbedded: true,
  decrementHopLimit: true,
  tolerate: { headerChecksum: false, icmpChecksum: false, martians: false, sourceRoute: false },
  plateaus: RFC1191_PLATEAUS,
  errorsPerSecond: 1000,
  icmpv4ErrorSize: 576,
  icmpv6ErrorSize: 1280,
};
