// The translator's configuration: checked keys → TranslatorSettings and what the role needs beside them. Owns the cross
// checks, the rules that concern more than one key. Read first: translator-fields.ts.

import { MAX_POOL_ADDRESSES, poolSize } from '../core/address/dynamic-pool.ts';
import { embedAddress } from '../core/address/rfc6052.ts';
import { DUMMY_IPV4, isMartian4 } from '../core/address/special.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { formatPrefix4, formatPrefix6, holds4, isMartianIpv6, MARTIANS_IPV4, MARTIANS_IPV6 } from './addresses.ts';
import { checkFields, type Findings } from './check.ts';
import type { ConfigIssue } from './issues.ts';
import { checkMappings, checkPool } from './mapping-checks.ts';
import type { PlacedMapping } from './mappings-file.ts';
import { TRANSLATOR_FIELDS, type TranslatorValues } from './translator-fields.ts';
import type { Tree } from './tree.ts';
import { type TunConfig, tunConfig } from './tun.ts';

/** Everything that `xlat464 translate` needs to know. */
export interface TranslatorConfig {
  readonly role: 'translator';
  readonly settings: TranslatorSettings;
  readonly tun: TunConfig;
  /** Path of the lease file, null: leases are not kept. */
  readonly leaseFile: string | null;
  /** Path of the mappings file, null: there is none. */
  readonly mappingsFile: string | null;
  /** What works but will surprise; one sentence each. */
  readonly warnings: readonly string[];
}

/** Reads the mappings of the file that the configuration names. */
export type MappingsReader = (path: string) => { readonly mappings: PlacedMapping[]; readonly issues: ConfigIssue[] };

/** Checks a tree as `role: translator`. Adds to `findings`; returns null when there is any. Never throws. */
export function translatorConfig(
  tree: Tree,
  findings: Findings,
  readMappings: MappingsReader,
): TranslatorConfig | null {
  const values = checkFields(TRANSLATOR_FIELDS, tree, '', findings);
  if (values === undefined) return null;
  const mappings = allMappings(values, findings, readMappings);
  crossCheck(values, mappings, findings);
  if (findings.issues.length > 0) return null;
  const settings = settingsOf(values, mappings);
  return {
    role: 'translator',
    settings,
    tun: tunConfig(values.tun, settings),
    leaseFile: values['dynamic-pool']['lease-file'],
    mappingsFile: values['mappings-file'],
    warnings: warningsOf(settings),
  };
}

function allMappings(values: TranslatorValues, findings: Findings, read: MappingsReader): PlacedMapping[] {
  const inline = values.mappings.map((mapping, i) => {
    const path = `mappings[${i}]`;
    const text = `${formatPrefix4(mapping.ipv4)} ${formatPrefix6(mapping.ipv6)}`;
    return { ...mapping, path, at: findings.placeOf(path), text };
  });
  const file = values['mappings-file'];
  if (file === null) return inline;
  const { mappings, issues } = read(file);
  findings.issues.push(...issues);
  return [...inline, ...mappings];
}

function crossCheck(v: TranslatorValues, mappings: readonly PlacedMapping[], findings: Findings): void {
  const rules = { force: v.force, allowMartians: v.tolerate.martians };
  const { ranges } = v['dynamic-pool'];
  findings.issues.push(...checkMappings(mappings, rules), ...checkPool(mappings, ranges));
  if (v.prefix === null && mappings.length === 0 && v['mappings-file'] === null && !findings.isBad('mappings')) {
    findings.addAt(
      'prefix',
      'is none and there are no mappings: nothing would be translated',
      'set prefix, mappings or mappings-file',
    );
  }
  checkOwnAddresses(v, findings);
  checkDynamicPool(v, findings);
  checkIcmpPools(v, findings);
  checkSizes(v, findings);
  checkTun(v, findings);
}

function checkOwnAddresses(v: TranslatorValues, findings: Findings): void {
  const ipv4 = ownIpv4Of(v);
  if (ipv4 !== 0 && isMartian4(ipv4)) {
    findings.addAt('own-ipv4', `is in ${MARTIANS_IPV4}`, 'choose an address that hosts can answer');
  }
  const ipv6 = ownIpv6Of(v);
  if (ipv6 !== null && isMartianIpv6(ipv6)) {
    findings.addAt('own-ipv6', `is one of ${MARTIANS_IPV6}`, 'choose an address that hosts can answer');
  }
}

function checkDynamicPool(v: TranslatorValues, findings: Findings): void {
  const { ranges } = v['dynamic-pool'];
  const path = 'dynamic-pool.ranges';
  if (poolSize(ranges) > MAX_POOL_ADDRESSES) {
    findings.addAt(path, `holds ${poolSize(ranges)} addresses`, `at most ${MAX_POOL_ADDRESSES} are possible, one /16`);
  }
  ranges.forEach((range, i) => {
    if (isMartian4(range.address)) findings.addAt(`${path}[${i}]`, `is in ${MARTIANS_IPV4}`, 'choose another range');
    const again = ranges.findIndex((other) => holds4(other, range) || holds4(range, other));
    if (again < i) findings.addAt(`${path}[${i}]`, `overlaps ${path}[${again}]`, 'keep one of them');
    if (holds4(range, { address: ownIpv4Of(v), length: 32 })) {
      findings.addAt('own-ipv4', 'lies in the dynamic pool, which would lend it', 'move it out of dynamic-pool.ranges');
    }
  });
  if (ranges.length === 0 && findings.isGiven('dynamic-pool.lease-file') && v['dynamic-pool']['lease-file'] !== null) {
    findings.addAt('dynamic-pool.lease-file', 'is set, but the pool is empty', 'add dynamic-pool.ranges or remove it');
  }
  if (ranges.length > 0 && v.tun.queues > 1) {
    findings.addAt('tun.queues', 'is more than one beside a dynamic pool', 'set it to 1: leases belong to one worker');
  }
}

function checkIcmpPools(v: TranslatorValues, findings: Findings): void {
  v['icmp-pool-ipv4'].forEach((pool, i) => {
    if (!isMartian4(pool.address)) return;
    findings.addAt(`icmp-pool-ipv4[${i}]`, `is in ${MARTIANS_IPV4}`, 'choose addresses that hosts accept as a source');
  });
  const pool = v['icmp-pool-ipv6'];
  if (pool !== null && isMartianIpv6(pool.address)) {
    findings.addAt('icmp-pool-ipv6', `is one of ${MARTIANS_IPV6}`, 'choose addresses that hosts accept as a source');
  }
}

function checkSizes(v: TranslatorValues, findings: Findings): void {
  if (v['lowest-ipv6-mtu'] > v['ipv6-mtu']) {
    findings.addAt('lowest-ipv6-mtu', 'is above ipv6-mtu', `write at most ${v['ipv6-mtu']}`);
  }
  const { plateaus } = v;
  if (plateaus.length === 0) findings.addAt('plateaus', 'is empty', 'name at least one size, or remove the key');
  plateaus.forEach((size, i) => {
    const before = plateaus[i - 1];
    if (before === undefined || size < before) return;
    findings.addAt(`plateaus[${i}]`, `is not below the one before (${before})`, 'sort them from large to small');
  });
}

/** With `attach` the interface is someone else's: what it is like is set there. */
function checkTun(v: TranslatorValues, findings: Findings): void {
  if (!v.tun.attach) return;
  for (const key of ['mtu', 'addresses', 'routes', 'persist']) {
    if (!findings.isGiven(`tun.${key}`)) continue;
    findings.addAt(`tun.${key}`, 'is set beside attach: true', 'set it on the interface itself, or remove attach');
  }
}

/** The own IPv4 address, 0 for none. */
const ownIpv4Of = (v: TranslatorValues): number => (v['own-ipv4'] === 'auto' ? DUMMY_IPV4 : v['own-ipv4']);

/** The own IPv6 address; without a prefix there is none to choose. */
function ownIpv6Of(v: TranslatorValues): Uint8Array | null {
  if (v['own-ipv6'] !== 'auto') return v['own-ipv6'];
  return v.prefix === null ? null : embedAddress(v.prefix, ownIpv4Of(v) || DUMMY_IPV4);
}

function settingsOf(v: TranslatorValues, mappings: readonly PlacedMapping[]): TranslatorSettings {
  return {
    prefix: v.prefix,
    mappings: mappings.map(({ ipv4, ipv6 }) => ({ ipv4, ipv6 })),
    dynamicPool: v['dynamic-pool'].ranges,
    dynamicLeaseMs: v['dynamic-pool']['lease-time'],
    ownIpv4: ownIpv4Of(v),
    ownIpv6: ownIpv6Of(v),
    icmpPoolIpv4: v['icmp-pool-ipv4'],
    icmpPoolIpv6: v['icmp-pool-ipv6'],
    ipv4Mtu: v['ipv4-mtu'],
    ipv6Mtu: v['ipv6-mtu'],
    lowestIpv6Mtu: v['lowest-ipv6-mtu'],
    udpZeroChecksum: v['udp-zero-checksum'],
    trafficClass: v['traffic-class'],
    tos: v.tos,
    allowNonGlobal: v['allow-non-global'],
    allowBothEmbedded: true,
    decrementHopLimit: v['decrement-hop-limit'],
    tolerate: {
      headerChecksum: v.tolerate['header-checksum'],
      icmpChecksum: v.tolerate['icmp-checksum'],
      martians: v.tolerate.martians,
      sourceRoute: v.tolerate['source-route'],
    },
    plateaus: v.plateaus,
    errorsPerSecond: v['errors-per-second'],
    icmpv4ErrorSize: v['icmpv4-error-size'],
    icmpv6ErrorSize: v['icmpv6-error-size'],
  };
}

function warningsOf(settings: TranslatorSettings): string[] {
  const lost = 'path MTU discovery and traceroute will miss them';
  const warnings: string[] = [];
  if (settings.ownIpv4 === 0) warnings.push(`own-ipv4 is none: no ICMPv4 errors are sent, ${lost}`);
  if (settings.ownIpv6 === null)
    warnings.push(
      `own-ipv6 is none, and without a prefix auto has nothing to choose from: no ICMPv6 errors are sent, ${lost}`,
    );
  if (settings.udpZeroChecksum === 'forward') {
    warnings.push('udp-zero-checksum: forward makes IPv6 packets that RFC 8200 §8.1 forbids; most hosts drop them');
  }
  return warnings;
}
