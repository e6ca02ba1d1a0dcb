// Everything that the DNS64 server (RFC 6147) can be told, as plain values. src/config makes them from YAML.

import type { Prefix4, Prefix6 } from '../translate/settings.ts';

/** Where queries are taken, both UDP and TCP. */
export interface DnsEndpoint {
  /** IPv4 or IPv6 as text; an IPv6 link-local address carries its zone (`fe80::1%eth1`). */
  readonly address: string;
  readonly port: number;
}

/** A recursive resolver that queries are passed on to. */
export interface Forwarder extends DnsEndpoint {
  /** DNS over TLS (RFC 7858): the name its certificate must have; null: plain DNS. */
  readonly tlsName: string | null;
}

/** Bounds of the cache (rule S-10). */
export interface DnsCacheSettings {
  /** 0: no cache. */
  readonly maxBytes: number;
  readonly minTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly maxNegativeTtlSeconds: number;
  /** RFC 8767: how long after its end an answer may still be given when no forwarder answers; 0: never. */
  readonly serveStaleSeconds: number;
}

/** Settings of the DNS64 server. Immutable; a change keeps the cache where it still holds. */
export interface Dns64Settings {
  readonly listen: readonly DnsEndpoint[];
  /** Tried in order of health; not empty. */
  readonly forwarders: readonly Forwarder[];
  /** Certificates in PEM that are trusted over TLS beside the program's own; null: none. */
  readonly tlsCa: string | null;
  /** NAT64 prefixes; each A becomes one AAAA per prefix. */
  readonly prefixes: readonly Prefix6[];
  /** Clients that are answered; the others get REFUSED. */
  readonly clients: readonly (Prefix4 | Prefix6)[];
  /** AAAA inside these count as none (RFC 6147 §5.1.4); ::ffff:0:0/96 always does. */
  readonly excludeAaaa: readonly Prefix6[];
  /** A inside these are not synthesised. */
  readonly excludeA: readonly Prefix4[];
  /** Only A inside these are synthesised; empty: all. */
  readonly onlyA: readonly Prefix4[];
  /** Non-global A records are synthesised with 64:ff9b::/96 (rule A-03, RFC 6052 §3.1). */
  readonly allowNonGlobal: boolean;
  /** Synthesise also where AAAA exist; the real ones are left out. */
  readonly synthesizeAlways: boolean;
  /** Names (and all below) whose AAAA count as none. Lower case, without the final dot; "" is the root. */
  readonly ignoreAaaa: readonly string[];
  /** Rule S-07. */
  readonly reverse: 'cname' | 'lookup' | 'forward';
  readonly cache: DnsCacheSettings;
  /** Queries on their way to forwarders at once, in all and per client. */
  readonly maxOutstanding: number;
  readonly maxOutstandingPerClient: number;
  /** A try at one forwarder. */
  readonly timeoutMs: number;
  readonly maxTcpConnections: number;
  readonly tcpIdleMs: number;
  readonly logQueries: boolean;
}

/** The defaults of what has one. */
export const DEFAULT_DNS64 = {
  tlsCa: null,
  excludeAaaa: [],
  excludeA: [],
  onlyA: [],
  allowNonGlobal: false,
  synthesizeAlways: false,
  ignoreAaaa: [],
  reverse: 'cname',
  cache: {
    maxBytes: 64 * 1024 * 1024,
    minTtlSeconds: 0,
    maxTtlSeconds: 86_400,
    maxNegativeTtlSeconds: 3_600,
    serveStaleSeconds: 0,
  },
  maxOutstanding: 4_096,
  maxOutstandingPerClient: 256,
  timeoutMs: 1_500,
  maxTcpConnections: 256,
  tcpIdleMs: 10_000,
  logQueries: false,
} as const satisfies Partial<Dns64Settings>;
