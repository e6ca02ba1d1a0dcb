// Everything that stateful NAT64 (RFC 6146) can be told beyond what a stateless translator can, as plain values. The rest —
// prefix, MTUs, own addresses, switches — is TranslatorSettings; a gateway's translator has both. src/config makes them from YAML.

import type { Prefix6 } from '../translate/settings.ts';

/** The protocols that have a BIB of their own (RFC 6146 §3.1). ICMP: echo queries, whose identifier stands for the port. */
export type Nat64Protocol = 'tcp' | 'udp' | 'icmp';

/** Part of the IPv4 pool: consecutive addresses with a range of ports (or ICMP identifiers) of one protocol. */
export interface PoolRange {
  readonly protocol: Nat64Protocol;
  /** First address, unsigned. */
  readonly address: number;
  /** How many consecutive addresses, ≥ 1. */
  readonly addresses: number;
  /** Both inclusive, 0–65535. */
  readonly firstPort: number;
  readonly lastPort: number;
}

/** A binding that the operator made: a port open from outside (rule N-09). */
export interface StaticBinding {
  readonly protocol: Nat64Protocol;
  /** 16 bytes. */
  readonly ipv6: Uint8Array;
  readonly port6: number;
  /** Unsigned. Need not lie inside the pool. */
  readonly ipv4: number;
  readonly port4: number;
}

/** Rule N-04, all in milliseconds; the floors of the RFCs are src/config's to check. */
export interface Nat64Timers {
  readonly udpMs: number;
  readonly tcpEstablishedMs: number;
  readonly tcpTransitoryMs: number;
  readonly tcpIncomingSynMs: number;
  readonly icmpMs: number;
  readonly fragmentMs: number;
}

/** Rule N-10. 0: no limit, but for `sessions`, which is at least 1. */
export interface Nat64Limits {
  readonly sessions: number;
  readonly sessionsPerHost: number;
  readonly sessionsPerNetwork: number;
  /** Length in bits of what counts as one network, 64 by default. */
  readonly networkLength: number;
  readonly newSessionsPerSecondPerHost: number;
  /** Fragments that wait for their first one: bytes in all, and per source. */
  readonly fragmentBytes: number;
  readonly fragmentBytesPerHost: number;
  /** TCP SYNs from outside that are held for a simultaneous open (RFC 6146 §3.5.2.2). */
  readonly heldSyns: number;
}

/** Settings of a stateful NAT64. Immutable; a change is applied to the running tables without losing what still fits. */
export interface Nat64Settings {
  /** The IPv4 pool; not empty. Ranges of one protocol do not overlap. */
  readonly pool: readonly PoolRange[];
  readonly staticBindings: readonly StaticBinding[];
  /** Rule N-02. */
  readonly filtering: 'endpoint-independent' | 'address-dependent';
  /** Answer inbound packets without a binding with ICMPv4 3/3 instead of silence. */
  readonly answersUnsolicited: boolean;
  /** What a host gets when no session can be had: ICMPv6 1/3, or silence. */
  readonly whenFull: 'unreachable' | 'drop';
  /** IPv6 sources that are served (rule O-04); empty: all. */
  readonly clients: readonly Prefix6[];
  readonly timers: Nat64Timers;
  readonly limits: Nat64Limits;
  /** Rule N-11. `port-block`: ports are allotted to hosts in blocks, one line a block. */
  readonly mappingLog: 'off' | 'mapping' | 'port-block';
  /** Ports of a block, a power of two; used with `mappingLog: 'port-block'`. */
  readonly portBlock: number;
}

/** Timers of RFC 6146 §4, RFC 4787, RFC 5382 and RFC 5508. */
export const DEFAULT_TIMERS: Nat64Timers = {
  udpMs: 300_000,
  tcpEstablishedMs: 7_440_000,
  tcpTransitoryMs: 240_000,
  tcpIncomingSynMs: 6_000,
  icmpMs: 60_000,
  fragmentMs: 2_000,
};

/** Limits for a router with a household or an office behind it. */
export const DEFAULT_LIMITS: Nat64Limits = {
  sessions: 1_000_000,
  sessionsPerHost: 16_384,
  sessionsPerNetwork: 0,
  networkLength: 64,
  newSessionsPerSecondPerHost: 2_000,
  fragmentBytes: 4 * 1024 * 1024,
  fragmentBytesPerHost: 256 * 1024,
  heldSyns: 1_024,
};

/** The defaults but for the pool, which there is none for. */
export const DEFAULT_NAT64: Omit<Nat64Settings, 'pool'> = {
  staticBindings: [],
  filtering: 'endpoint-independent',
  answersUnsolicited: false,
  whenFull: 'unreachable',
  clients: [],
  timers: DEFAULT_TIMERS,
  limits: DEFAULT_LIMITS,
  mappingLog: 'off',
  portBlock: 256,
};
