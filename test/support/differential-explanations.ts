// The table of differences between tayga 0.9.2 and us: each with the section of the RFC that decides it, and who follows it.
// A difference that no row explains, or that two rows explain, fails the test; so does a row that explains none.

import type { Difference } from './differential-compare.ts';
import { HEADER_EXPLANATIONS } from './differential-explanations-header.ts';
import { ICMP_EXPLANATIONS } from './differential-explanations-icmp.ts';

/** One explained difference. The texts are also those of docs/differential-tayga.md. */
export interface Explanation {
  readonly name: string;
  /** The RFC and section that decide it. */
  readonly rfc: string;
  readonly tayga: string;
  readonly ours: string;
  /** Whose answer the section asks for. */
  readonly right: 'ours' | 'tayga' | 'both';
  /** Whether this row explains a difference. */
  readonly matches: (difference: Difference) => boolean;
}

/** All rows, in the order of the document. */
export const EXPLANATIONS: readonly Explanation[] = [...HEADER_EXPLANATIONS, ...ICMP_EXPLANATIONS];

/** The table of the document: a Markdown table with, for each row, how many packets showed the difference. */
export function explanationTable(counts: ReadonlyMap<string, number>): string {
  const rows = EXPLANATIONS.map(
    ({ name, rfc, tayga, ours, right }) =>
      `| ${name} | ${rfc} | ${tayga} | ${ours} | ${right} | ${counts.get(name) ?? 0} |`,
  );
  const head = ['| difference | decided by | tayga 0.9.2 | xlat464 | right | packets |', '|---|---|---|---|---|---:|'];
  return [...head, ...rows].join('\n');
}
