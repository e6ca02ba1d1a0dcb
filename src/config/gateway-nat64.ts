// The section `nat64`: checked keys → what the gateway needs for its NAT64. Owns the checks that concern more than one key.
// What depends on the machine (which pool is free, which addresses it has) stays open here. Read first: nat64-fields.ts.

import { isMartian4, isNonGlobal4, isWellKnownPrefix } from '../core/address/special.ts';
import type { Nat64Limits, Nat64Settings, Nat64Timers, StaticBinding } from '../core/nat64/settings.ts';
import type { Prefix4, TranslatorSettings } from '../core/translate/settings.ts';
import { formatIpv4, isMartianIpv6, MARTIANS_IPV4, MARTIANS_IPV6 } from './addresses.ts';
import type { Findings } from './check.ts';
import type { PoolEntry } from './gateway-scalars.ts';
import { LIMIT_KEYS, type Nat64Values, TIMER_FLOORS } from './nat64-fields.ts';
import { checkTranslation, ownAddressesOf, translationSettings, translationWarnings } from './translation.ts';

/** The IPv4 pool that the operator wants. */
export type PoolRequest =
  /** null: any range that is free. */
  | { readonly kind: 'masquerade'; readonly range: Prefix4 | null }
  /** Ports of the router's own address. */
  | { readonly kind: 'shared' }
  | { readonly kind: 'list'; readonly entries: readonly PoolEntry[] };

/** The NAT64, as far as the file decides about it. */
export interface Nat64Config {
  readonly pool: PoolRequest;
  /** All but the pool. */
  readonly nat64: Omit<Nat64Settings, 'pool'>;
  /** `ownIpv4` is the pool's first address when `hasAutoIpv4`. */
  readonly translator: TranslatorSettings;
  readonly hasAutoIpv4: boolean;
  /** Rule O-04 switched off. */
  readonly servesOutside: boolean;
  readonly tun: { readonly name: string; readonly offload: boolean; readonly coalesce: boolean };
  /** null: bindings are not kept. */
  readonly saveFile: string | null;
  /** null: the program's own log. */
  readonly mappingLogFile: string | null;
}

const SECTION = 'nat64.';
/** Each address of the pool takes memory for its ports. */
const MAX_POOL_ADDRESSES = 4096;
/** Ports of a pool entry that names none, where the address is not the router's own. */
export const DEFAULT_PORTS = { first: 1024, last: 65_535 } as const;

/** Checks the section. */
export function checkNat64(v: Nat64Values, findings: Findings): void {
  checkTranslation(v, ownAddressesOf(v, v.prefix), SECTION, findings);
  checkPool(v, findings);
  checkBindings(v.static, findings);
  checkTimers(v, findings);
  checkLimits(v, findings);
  v.clients.forEach((client, i) => {
    if (client.length === 0 || !isMartianIpv6(client.address)) return;
    findings.addAt(`${SECTION}clients[${i}]`, `is one of ${MARTIANS_IPV6}`, 'name the networks of your hosts');
  });
}

function checkPool({ pool, 'masquerade-range': range }: Nat64Values, findings: Findings): void {
  if (range !== null && pool !== 'masquerade') {
    findings.addAt(`${SECTION}masquerade-range`, 'is set, but pool is not masquerade', 'remove one of them');
  }
  if (range !== null && (isMartian4(range.address) || range.length > 30)) {
    findings.addAt(`${SECTION}masquerade-range`, 'is no range to send from', 'choose a private one, a /30 or wider');
  }
  if (typeof pool === 'string') return;
  if (pool.length === 0) findings.addAt(`${SECTION}pool`, 'is empty', 'name addresses, or write masquerade');
  const all = pool.reduce((sum, entry) => sum + entry.addresses, 0);
  if (all > MAX_POOL_ADDRESSES) {
    findings.addAt(`${SECTION}pool`, `holds ${all} addresses`, `at most ${MAX_POOL_ADDRESSES} are possible`);
  }
  pool.forEach((entry, i) => {
    const path = `${SECTION}pool[${i}]`;
    if (isMartian4(entry.address)) findings.addAt(path, `is in ${MARTIANS_IPV4}`, 'choose other addresses');
    const again = pool.findIndex((other) => overlap(other, entry));
    if (again < i) findings.addAt(path, `overlaps ${SECTION}pool[${again}]`, 'keep each port of an address once');
  });
}

/** Whether two parts of the pool have an address, a protocol and a port in common. */
function overlap(a: PoolEntry, b: PoolEntry): boolean {
  const [portsA, portsB] = [a.ports ?? DEFAULT_PORTS, b.ports ?? DEFAULT_PORTS];
  return (
    a.address < b.address + b.addresses &&
    b.address < a.address + a.addresses &&
    portsA.first <= portsB.last &&
    portsB.first <= portsA.last &&
    a.protocols.some((protocol) => b.protocols.includes(protocol))
  );
}

function checkBindings(bindings: readonly StaticBinding[], findings: Findings): void {
  const outside = ({ protocol, ipv4, port4 }: StaticBinding): string => `${protocol} ${ipv4} ${port4}`;
  const inside = ({ protocol, ipv6, port6 }: StaticBinding): string => `${protocol} ${ipv6.join()} ${port6}`;
  bindings.forEach((binding, i) => {
    const path = `${SECTION}static[${i}]`;
    if (isMartian4(binding.ipv4)) findings.addAt(path, `is in ${MARTIANS_IPV4}`, 'choose another IPv4 address');
    if (isMartianIpv6(binding.ipv6)) findings.addAt(path, `is one of ${MARTIANS_IPV6}`, 'name the address of a host');
    for (const end of [outside, inside]) {
      const again = bindings.findIndex((other) => end(other) === end(binding));
      if (again < i) findings.addAt(path, `has an end in common with ${SECTION}static[${again}]`, 'keep one of them');
    }
  });
}

/** Rule N-04: no timer below what the RFCs ask for. */
function checkTimers({ timers }: Nat64Values, findings: Findings): void {
  for (const [key, { floorMs }] of Object.entries(TIMER_FLOORS)) {
    const given = timers[key as keyof typeof timers];
    if (given >= floorMs) continue;
    const least = floorMs % 60_000 === 0 ? `${floorMs / 60_000}min` : `${floorMs / 1000}s`;
    findings.addAt(`${SECTION}timers.${key}`, 'is below what the RFCs allow', `write at least ${least}`);
  }
}

function checkLimits(v: Nat64Values, findings: Findings): void {
  const { limits } = v;
  for (const key of ['sessions-per-host', 'sessions-per-network'] as const) {
    if (limits[key] <= limits.sessions || !findings.isGiven(`${SECTION}limits.${key}`)) continue;
    findings.addAt(`${SECTION}limits.${key}`, 'is above limits.sessions', `write at most ${limits.sessions}`);
  }
  if (limits['fragment-memory-per-host'] > limits['fragment-memory']) {
    findings.addAt(`${SECTION}limits.fragment-memory-per-host`, 'is above fragment-memory', 'write less');
  }
  const block = v['port-block'];
  if ((block & (block - 1)) !== 0) {
    findings.addAt(`${SECTION}port-block`, 'is no power of two', 'write 64, 128, 256, 512 or 1024, for example');
  }
  if (v['mapping-log'] === 'off' && v['mapping-log-file'] !== null) {
    findings.addAt(`${SECTION}mapping-log-file`, 'is set, but mapping-log is off', 'set mapping-log too, or remove it');
  }
}

/** What the checked section says. */
export function nat64Config(v: Nat64Values): Nat64Config {
  return {
    pool: poolRequest(v),
    nat64: nat64Settings(v),
    translator: translatorSettings(v),
    hasAutoIpv4: v['own-ipv4'] === 'auto',
    servesOutside: v['serve-outside'],
    tun: { name: v.tun, offload: v.offload, coalesce: v.coalesce },
    saveFile: v['save-file'],
    mappingLogFile: v['mapping-log-file'],
  };
}

function poolRequest({ pool, 'masquerade-range': range }: Nat64Values): PoolRequest {
  if (pool === 'masquerade') return { kind: 'masquerade', range };
  return pool === 'shared' ? { kind: 'shared' } : { kind: 'list', entries: pool };
}

function nat64Settings(v: Nat64Values): Omit<Nat64Settings, 'pool'> {
  return {
    staticBindings: v.static,
    filtering: v.filtering,
    answersUnsolicited: v['answer-unsolicited'],
    whenFull: v['when-full'],
    clients: v.clients,
    timers: renamed<Nat64Timers>(v.timers, (key) => TIMER_FLOORS[key as keyof typeof TIMER_FLOORS].of),
    limits: renamed<Nat64Limits>(v.limits, (key) => LIMIT_KEYS[key as keyof typeof LIMIT_KEYS]),
    mappingLog: v['mapping-log'],
    portBlock: v['port-block'],
  };
}

/** The same values by the settings' names; the tables of names are complete by their types. */
const renamed = <T>(values: object, nameOf: (key: string) => string): T =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [nameOf(key), value])) as T;

const translatorSettings = (v: Nat64Values): TranslatorSettings => ({
  prefix: v.prefix,
  mappings: [],
  dynamicPool: [],
  dynamicLeaseMs: 0,
  ...translationSettings(v, ownAddressesOf(v, v.prefix)),
  ownIpv6IsShared: false,
  allowBothEmbedded: true,
});

/** What about the section works but will surprise. */
export function nat64Warnings({ pool, translator, nat64, servesOutside }: Nat64Config): string[] {
  const warnings = translationWarnings(translator);
  const first = pool.kind === 'list' ? pool.entries.find(({ address }) => isNonGlobal4(address)) : undefined;
  if (first !== undefined && !reachesPrivate(translator)) warnings.push(privateWarning(first.address));
  if (servesOutside && nat64.clients.length === 0) {
    warnings.push('nat64.serve-outside without nat64.clients: everyone who reaches this router can use its NAT64');
  }
  if (nat64.staticBindings.length > 0 && pool.kind === 'masquerade') {
    warnings.push(
      'nat64.static beside pool: masquerade: the kernel hides the pool, so nobody outside reaches these ports',
    );
  }
  return warnings;
}

/** Whether hosts reach private IPv4 addresses (rule A-03). */
export const reachesPrivate = ({ prefix, allowNonGlobal }: TranslatorSettings): boolean =>
  allowNonGlobal || prefix === null || !isWellKnownPrefix(prefix);

/** Rule A-03 for an operator whose IPv4 side is private. @param address one of this router's there */
export const privateWarning = (address: number): string =>
  `the IPv4 side is private (${formatIpv4(address)}), and 64:ff9b::/96 leads to public addresses only (RFC 6052 §3.1); ` +
  'for the private ones set nat64.allow-non-global: true, or use a prefix of your own';
