// The translator's configuration: checked keys → TranslatorSettings and what the role needs beside them. Owns the cross
// checks, the rules that concern more than one key. Read first: translator-fields.ts.

import { MAX_POOL_ADDRESSES, poolSize } from '../core/address/dynamic-pool.ts';
import { isMartian4 } from '../core/address/special.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { formatPrefix4, formatPrefix6, holds4, MARTIANS_IPV4 } from './addresses.ts';
import { checkFields, type Findings } from './check.ts';
import type { ConfigIssue } from './issues.ts';
import { checkMappings, checkPool } from './mapping-checks.ts';
import type { PlacedMapping } from './mappings-file.ts';
import {
  checkTranslation,
  type OwnAddresses,
  ownAddressesOf,
  translationSettings,
  translationWarnings,
} from './translation.ts';
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
    warnings: translationWarnings(settings),
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
  const own = ownAddressesOf(v, v.prefix);
  checkTranslation(v, own, '', findings);
  checkDynamicPool(v, own, findings);
  checkTun(v, findings);
}

function checkDynamicPool(v: TranslatorValues, { ownIpv4 }: OwnAddresses, findings: Findings): void {
  const { ranges } = v['dynamic-pool'];
  const path = 'dynamic-pool.ranges';
  if (poolSize(ranges) > MAX_POOL_ADDRESSES) {
    findings.addAt(path, `holds ${poolSize(ranges)} addresses`, `at most ${MAX_POOL_ADDRESSES} are possible, one /16`);
  }
  ranges.forEach((range, i) => {
    if (isMartian4(range.address)) findings.addAt(`${path}[${i}]`, `is in ${MARTIANS_IPV4}`, 'choose another range');
    const again = ranges.findIndex((other) => holds4(other, range) || holds4(range, other));
    if (again < i) findings.addAt(`${path}[${i}]`, `overlaps ${path}[${again}]`, 'keep one of them');
    if (holds4(range, { address: ownIpv4, length: 32 })) {
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

/** With `attach` the interface is someone else's: what it is like is set there. */
function checkTun(v: TranslatorValues, findings: Findings): void {
  if (!v.tun.attach) return;
  for (const key of ['mtu', 'addresses', 'routes', 'persist']) {
    if (!findings.isGiven(`tun.${key}`)) continue;
    findings.addAt(`tun.${key}`, 'is set beside attach: true', 'set it on the interface itself, or remove attach');
  }
}

function settingsOf(v: TranslatorValues, mappings: readonly PlacedMapping[]): TranslatorSettings {
  return {
    prefix: v.prefix,
    mappings: mappings.map(({ ipv4, ipv6 }) => ({ ipv4, ipv6 })),
    dynamicPool: v['dynamic-pool'].ranges,
    dynamicLeaseMs: v['dynamic-pool']['lease-time'],
    ...translationSettings(v, ownAddressesOf(v, v.prefix)),
    ownIpv6IsShared: false,
    allowBothEmbedded: true,
  };
}
