// The ledger: every rule that the product must follow, and for each either a test whose title starts with the rule's id, or the
// reason why there is none. test/unit/rfc-ledger.test.ts holds it and the tests together.
//
// A title names its rules first: 'T-4.5-02 a zero UDP checksum is computed', 'T-4.1-05, T-5.1-05 …'. A table of cases may
// hold the titles; what counts is a string literal in a *.test.ts file that starts with the id.

import { DISCOVERY_RULES } from './discovery.ts';
import { GATEWAY_RULES } from './gateway.ts';
import { TRANSLATION_RULES } from './translation.ts';

/** One rule. */
export interface Row {
  readonly id: string;
  /** What it says, readable alone. */
  readonly rule: string;
  /** Why no test carries the id. Left out: a test must. */
  readonly reason?: string;
}

/** The rules of one part of the product. */
export interface Specification {
  readonly name: string;
  /** What its ids look like, without the running number. */
  readonly prefix: RegExp;
  /** Whether its rules must be covered now. Ids of one that is not in force are not looked at. */
  readonly isInForce: boolean;
  readonly rows: readonly Row[];
}

/** All specifications. A new one gets its own file of rows and a line here. */
export const SPECIFICATIONS: readonly Specification[] = [
  { name: 'translation', prefix: /A|T-(?:\d\.\d|E|O)/, isInForce: true, rows: TRANSLATION_RULES },
  { name: 'discovery', prefix: /D/, isInForce: true, rows: DISCOVERY_RULES },
  { name: 'gateway', prefix: /[NORS]/, isInForce: true, rows: GATEWAY_RULES },
];

const inForce = (): readonly Specification[] => SPECIFICATIONS.filter((specification) => specification.isInForce);

/** The rows of all specifications in force. */
export const rowsInForce = (): readonly Row[] => inForce().flatMap((specification) => specification.rows);

/** The ids that a source file's string literals start with, one after another with commas between. */
export function idsIn(source: string): string[] {
  const id = `(?:${inForce()
    .map((specification) => specification.prefix.source)
    .join('|')})-\\d{2}`;
  const titles = source.matchAll(new RegExp(`['"\`](${id}(?:, ${id})*)\\b`, 'g'));
  return [...titles].flatMap((title) => (title[1] ?? '').split(', '));
}
