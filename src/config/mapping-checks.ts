// What mappings must be beside each other and beside the rest: suffix lengths, overlaps (RFC 7757 §3.1), martians.

import { hasRoomForSuffix } from '../core/address/eam.ts';
import { isMartian4 } from '../core/address/special.ts';
import type { Prefix4 } from '../core/translate/settings.ts';
import {
  compare4,
  compare6,
  formatPrefix4,
  formatPrefix6,
  holds4,
  holds6,
  isMartianIpv6,
  MARTIANS_IPV4,
  MARTIANS_IPV6,
} from './addresses.ts';
import type { ConfigIssue } from './issues.ts';
import type { PlacedMapping } from './mappings-file.ts';

/** What may be accepted against the rules. */
export interface MappingRules {
  readonly force: boolean;
  readonly allowMartians: boolean;
}

/** Everything that is wrong with a table of mappings. Never throws. */
export function checkMappings(mappings: readonly PlacedMapping[], rules: MappingRules): ConfigIssue[] {
  const issues = mappings.flatMap((mapping) => checkOne(mapping, rules));
  if (!rules.force) issues.push(...overlaps4(mappings), ...overlaps6(mappings));
  return issues;
}

const issue = (m: PlacedMapping, problem: string, advice: string): ConfigIssue => ({
  at: m.at,
  path: m.path,
  text: m.text,
  problem,
  advice,
});

function checkOne(m: PlacedMapping, rules: MappingRules): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (!hasRoomForSuffix(m)) {
    const [suffix4, suffix6] = [32 - m.ipv4.length, 128 - m.ipv6.length];
    const problem = `maps ${suffix4} IPv4 suffix bits to ${suffix6} IPv6 ones`;
    issues.push(issue(m, problem, `use an IPv6 prefix of /${128 - suffix4} or shorter (RFC 7757 §3.1)`));
  }
  if (isMartian4(m.ipv4.address) && !rules.allowMartians) {
    issues.push(issue(m, `lies in ${MARTIANS_IPV4}`, 'such packets are never translated; use another IPv4 prefix'));
  }
  if (m.ipv6.length > 0 && isMartianIpv6(m.ipv6.address)) {
    issues.push(issue(m, `lies in ${MARTIANS_IPV6}`, 'such packets are never translated; use another IPv6 prefix'));
  }
  return issues;
}

const FORCE = 'remove one, or set force: true';

/** Sorted by address, a prefix that holds another stands before it: one pass finds every overlap. */
function overlaps4(mappings: readonly PlacedMapping[]): ConfigIssue[] {
  const sorted = [...mappings].sort((a, b) => compare4(a.ipv4, b.ipv4));
  const name = (m: PlacedMapping): string => formatPrefix4(m.ipv4);
  return overlapping(sorted, (a, b) => holds4(a.ipv4, b.ipv4), name);
}

function overlaps6(mappings: readonly PlacedMapping[]): ConfigIssue[] {
  const sorted = [...mappings].sort((a, b) => compare6(a.ipv6, b.ipv6));
  return overlapping(
    sorted,
    (a, b) => holds6(a.ipv6, b.ipv6),
    (m) => formatPrefix6(m.ipv6),
  );
}

function overlapping(
  sorted: readonly PlacedMapping[],
  holds: (outer: PlacedMapping, inner: PlacedMapping) => boolean,
  name: (mapping: PlacedMapping) => string,
): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  let outer: PlacedMapping | undefined;
  for (const inner of sorted) {
    if (outer !== undefined && holds(outer, inner)) {
      const where = outer.at === null ? '' : ` (${outer.at.file}:${outer.at.line})`;
      issues.push(issue(inner, `overlaps ${name(outer)} of the mapping "${outer.text}"${where}`, FORCE));
    } else {
      outer = inner;
    }
  }
  return issues;
}

/** Mappings whose IPv4 side lies in the dynamic pool, which would lend the address a second time. */
export function checkPool(mappings: readonly PlacedMapping[], pool: readonly Prefix4[]): ConfigIssue[] {
  return mappings.flatMap((m) => {
    const range = pool.find((prefix) => holds4(prefix, m.ipv4) || holds4(m.ipv4, prefix));
    if (range === undefined) return [];
    return [issue(m, `overlaps ${formatPrefix4(range)} of the dynamic pool`, 'keep mapped addresses out of the pool')];
  });
}
