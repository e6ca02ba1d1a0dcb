// The section `dns64`: checked keys → the settings of the DNS64 server, as far as the file decides about them.

import type { Dns64Settings, DnsEndpoint, Forwarder } from '../core/dns64/settings.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { Findings } from './check.ts';
import type { Dns64Values } from './dns64-fields.ts';
import type { TextResult } from './fields.ts';
import type { AnyPrefix } from './gateway-scalars.ts';
import { secondsOf } from './scalars.ts';

/** The DNS64 server; null stands for `auto` and `lan`, which the machine decides about. */
export interface Dns64Config extends Omit<Dns64Settings, 'listen' | 'forwarders' | 'clients'> {
  readonly listen: readonly DnsEndpoint[] | null;
  readonly forwarders: readonly Forwarder[] | null;
  readonly clients: readonly AnyPrefix[] | null;
}

const SECTION = 'dns64.';
const LEAST_TIMEOUT_MS = 100;
const MOST_TIMEOUT_MS = 60_000;

/** What the section takes from `nat64`; null: that is off. */
interface Nat64Side {
  readonly prefix: Prefix6;
  readonly allowNonGlobal: boolean;
}

/** Checks the section. @param nat64 null: it is off */
export function checkDns64(v: Dns64Values, nat64: Nat64Side | null, findings: Findings): void {
  if (v.prefixes === null && nat64 === null) {
    findings.addAt(`${SECTION}prefixes`, 'is auto, but nat64 is none', 'name the prefixes of the NAT64 elsewhere');
  }
  for (const key of ['listen', 'forwarders', 'clients', 'prefixes'] as const) {
    if (v[key]?.length === 0) findings.addAt(`${SECTION}${key}`, 'is empty', 'name some, or remove the key');
  }
  v.listen?.forEach((endpoint, i) => {
    const again = v.listen?.findIndex((other) => isSame(other, endpoint)) ?? i;
    if (again < i) findings.addAt(`${SECTION}listen[${i}]`, `is ${SECTION}listen[${again}] again`, 'keep one of them');
  });
  v.forwarders?.forEach((server, i) => {
    if (v.listen?.some((endpoint) => isSame(endpoint, server)) !== true) return;
    findings.addAt(`${SECTION}forwarders[${i}]`, 'is where this server listens itself', 'name another resolver');
  });
  if (v.timeout < LEAST_TIMEOUT_MS || v.timeout > MOST_TIMEOUT_MS) {
    findings.addAt(`${SECTION}timeout`, 'is out of range', 'write 100ms to 60s');
  }
  if (v['tls-ca'] !== null && v.forwarders?.some(({ tlsName }) => tlsName !== null) !== true) {
    findings.addAt(
      `${SECTION}tls-ca`,
      'is set, but no forwarder is asked over TLS',
      'write tls://ADDRESS#NAME, or remove it',
    );
  }
  checkCache(v, findings);
}

/** Reads certificates from a file that the configuration names. */
export type AuthoritiesReader = (path: string) => TextResult<string>;

/** What the file `tls-ca` holds; null: none, or it is in the findings. */
export function readTlsCa({ 'tls-ca': path }: Dns64Values, read: AuthoritiesReader, findings: Findings): string | null {
  if (path === null) return null;
  const result = read(path);
  if (result.ok) return result.value;
  findings.addAt(`${SECTION}tls-ca`, result.problem, result.advice);
  return null;
}

const isSame = (a: DnsEndpoint, b: DnsEndpoint): boolean => a.address === b.address && a.port === b.port;

function checkCache({ cache, ...v }: Dns64Values, findings: Findings): void {
  if (cache['min-ttl'] > cache['max-ttl']) {
    findings.addAt(`${SECTION}cache.min-ttl`, 'is above max-ttl', 'write less, or none');
  }
  if (v['max-outstanding-per-client'] > v['max-outstanding']) {
    findings.addAt(
      `${SECTION}max-outstanding-per-client`,
      'is above max-outstanding',
      `write at most ${v['max-outstanding']}`,
    );
  }
}

/** What the checked section says. @param tlsCa what the file `tls-ca` holds */
export function dns64Config(v: Dns64Values, nat64: Nat64Side | null, tlsCa: string | null): Dns64Config {
  return {
    listen: v.listen,
    forwarders: v.forwarders,
    tlsCa,
    prefixes: v.prefixes ?? (nat64 === null ? [] : [nat64.prefix]),
    clients: v.clients,
    excludeAaaa: v['exclude-aaaa'],
    excludeA: v['exclude-a'],
    onlyA: v['only-a'],
    allowNonGlobal: v['allow-non-global'] ?? nat64?.allowNonGlobal ?? false,
    synthesizeAlways: v['synthesize-always'],
    ignoreAaaa: v['ignore-aaaa'],
    reverse: v.reverse,
    cache: {
      maxBytes: v.cache.memory,
      minTtlSeconds: secondsOf(v.cache['min-ttl']),
      maxTtlSeconds: secondsOf(v.cache['max-ttl']),
      maxNegativeTtlSeconds: secondsOf(v.cache['max-negative-ttl']),
      serveStaleSeconds: secondsOf(v.cache['serve-stale']),
    },
    maxOutstanding: v['max-outstanding'],
    maxOutstandingPerClient: v['max-outstanding-per-client'],
    timeoutMs: v.timeout,
    maxTcpConnections: v['max-tcp-connections'],
    tcpIdleMs: v['tcp-idle'],
    logQueries: v['log-queries'],
  };
}
