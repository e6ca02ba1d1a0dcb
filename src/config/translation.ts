// The shared keys of translation-fields.ts: what they must be beside each other, the settings that they make, and what about
// them works but will surprise.

import { embedAddress } from '../core/address/rfc6052.ts';
import { DUMMY_IPV4, isMartian4 } from '../core/address/special.ts';
import type { Prefix6, TranslatorSettings } from '../core/translate/settings.ts';
import { isMartianIpv6, MARTIANS_IPV4, MARTIANS_IPV6 } from './addresses.ts';
import type { Findings } from './check.ts';
import type { TranslationValues } from './translation-fields.ts';

/** The own addresses, `auto` worked out. */
export interface OwnAddresses {
  /** 0: none. */
  readonly ownIpv4: number;
  readonly ownIpv6: Uint8Array | null;
}

/**
 * Works out the own addresses.
 * @param prefix what `auto` embeds into; null: there is no IPv6 address to choose
 */
export function ownAddressesOf(v: TranslationValues, prefix: Prefix6 | null): OwnAddresses {
  const ownIpv4 = v['own-ipv4'] === 'auto' ? DUMMY_IPV4 : v['own-ipv4'];
  const embedded = prefix === null ? null : embedAddress(prefix, ownIpv4 || DUMMY_IPV4);
  return { ownIpv4, ownIpv6: v['own-ipv6'] === 'auto' ? embedded : v['own-ipv6'] };
}

/**
 * Checks the shared keys.
 * @param section what stands before their names in paths: "", "nat64."
 */
export function checkTranslation(v: TranslationValues, own: OwnAddresses, section: string, findings: Findings): void {
  checkOwnAddresses(own, section, findings);
  checkIcmpPools(v, section, findings);
  checkSizes(v, section, findings);
}

function checkOwnAddresses({ ownIpv4, ownIpv6 }: OwnAddresses, section: string, findings: Findings): void {
  if (ownIpv4 !== 0 && isMartian4(ownIpv4)) {
    findings.addAt(`${section}own-ipv4`, `is in ${MARTIANS_IPV4}`, 'choose an address that hosts can answer');
  }
  if (ownIpv6 !== null && isMartianIpv6(ownIpv6)) {
    findings.addAt(`${section}own-ipv6`, `is one of ${MARTIANS_IPV6}`, 'choose an address that hosts can answer');
  }
}

function checkIcmpPools(v: TranslationValues, section: string, findings: Findings): void {
  const advice = 'choose addresses that hosts accept as a source';
  v['icmp-pool-ipv4'].forEach((pool, i) => {
    if (isMartian4(pool.address)) findings.addAt(`${section}icmp-pool-ipv4[${i}]`, `is in ${MARTIANS_IPV4}`, advice);
  });
  const pool = v['icmp-pool-ipv6'];
  if (pool !== null && isMartianIpv6(pool.address)) {
    findings.addAt(`${section}icmp-pool-ipv6`, `is one of ${MARTIANS_IPV6}`, advice);
  }
}

function checkSizes(v: TranslationValues, section: string, findings: Findings): void {
  if (v['lowest-ipv6-mtu'] > v['ipv6-mtu']) {
    findings.addAt(`${section}lowest-ipv6-mtu`, 'is above ipv6-mtu', `write at most ${v['ipv6-mtu']}`);
  }
  const { plateaus } = v;
  const path = `${section}plateaus`;
  if (plateaus.length === 0) findings.addAt(path, 'is empty', 'name at least one size, or remove the key');
  plateaus.forEach((size, i) => {
    const before = plateaus[i - 1];
    if (before === undefined || size < before) return;
    findings.addAt(`${path}[${i}]`, `is not below the one before (${before})`, 'sort them from large to small');
  });
}

/** The settings that the shared keys make. */
export function translationSettings(v: TranslationValues, own: OwnAddresses): TranslationSettings {
  return {
    ...own,
    icmpPoolIpv4: v['icmp-pool-ipv4'],
    icmpPoolIpv6: v['icmp-pool-ipv6'],
    ipv4Mtu: v['ipv4-mtu'],
    ipv6Mtu: v['ipv6-mtu'],
    lowestIpv6Mtu: v['lowest-ipv6-mtu'],
    udpZeroChecksum: v['udp-zero-checksum'],
    trafficClass: v['traffic-class'],
    tos: v.tos,
    allowNonGlobal: v['allow-non-global'],
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

/** The settings that are made of shared keys. */
type TranslationSettings = Omit<
  TranslatorSettings,
  'prefix' | 'mappings' | 'dynamicPool' | 'dynamicLeaseMs' | 'ownIpv6IsShared' | 'allowBothEmbedded'
>;

/** What works but will surprise; one sentence each. */
export function translationWarnings({ ownIpv4, ownIpv6, udpZeroChecksum }: TranslationSettings): string[] {
  const lost = 'path MTU discovery and traceroute will miss them';
  const warnings: string[] = [];
  if (ownIpv4 === 0) warnings.push(`own-ipv4 is none: no ICMPv4 errors are sent, ${lost}`);
  if (ownIpv6 === null)
    warnings.push(
      `own-ipv6 is none, and without a prefix auto has nothing to choose from: no ICMPv6 errors are sent, ${lost}`,
    );
  if (udpZeroChecksum === 'forward') {
    warnings.push('udp-zero-checksum: forward makes IPv6 packets that RFC 8200 §8.1 forbids; most hosts drop them');
  }
  return warnings;
}
