// The choice among the prefixes on offer on one interface: rules D-04 and D-07, with the reason in one word.

import type { Prefix6 } from '../translate/settings.ts';
import type { Candidate } from './candidate.ts';
import { isSamePrefix, PREF64_SOURCES } from './candidate.ts';

/** Why a prefix was chosen, or none: a stable code each, and what it says to a person. */
export const CHOICE_REASONS = {
  configured: 'the configuration names it',
  only: 'the only one on offer from this source',
  kept: 'in use already and still valid',
  preference: 'its router has the higher preference',
  first: 'the first that was heard',
  none: 'no prefix is on offer',
  expired: 'every prefix that was on offer has expired',
  unreachable: 'the connectivity check failed for every prefix on offer',
} as const;

/** One of the reasons. */
export type ChoiceReason = keyof typeof CHOICE_REASONS;

/** The choice. */
export type Choice =
  | { readonly candidate: Candidate; readonly reason: Exclude<ChoiceReason, 'none' | 'expired' | 'unreachable'> }
  | { readonly candidate: null; readonly reason: 'none' | 'expired' | 'unreachable' };

/** Rule D-08: a failed check takes a prefix away that only DNS gave; a router's or the user's word counts more. */
const isUsable = (c: Candidate): boolean => c.source !== 'dns' || c.isReachable !== false;

/** Higher router preference first, then the order seen (D-04). */
const byRank = (a: Candidate, b: Candidate): number => b.preference - a.preference || a.order - b.order;

/** Those of the best source that has any: configuration, then RA, then RFC 7050 (D-07, RFC 9872). */
function ofBestSource(candidates: readonly Candidate[]): Candidate[] {
  for (const source of PREF64_SOURCES) {
    const found = candidates.filter((c) => c.source === source);
    if (found.length > 0) return found.sort(byRank);
  }
  return [];
}

/** Why the first of a sorted, non-empty list is the first. */
function reasonOfFirst(first: Candidate, others: readonly Candidate[]): 'configured' | 'only' | 'preference' | 'first' {
  if (first.source === 'static') return 'configured';
  const rival = others.find((c) => !isSamePrefix(c.prefix, first.prefix));
  if (rival === undefined) return 'only';
  return rival.preference < first.preference ? 'preference' : 'first';
}

/**
 * Chooses. The prefix in use stays while its source is the best one and offers it (D-04); otherwise by rank.
 * @param candidates those of one interface
 * @param current the prefix in use, or null
 * @param nowMs on the clock of the candidates' deadlines
 */
export function choose(candidates: readonly Candidate[], current: Prefix6 | null, nowMs: number): Choice {
  if (candidates.length === 0) return { candidate: null, reason: 'none' };
  const valid = candidates.filter((c) => c.validUntilMs > nowMs);
  if (valid.length === 0) return { candidate: null, reason: 'expired' };
  const ranked = ofBestSource(valid.filter(isUsable));
  const first = ranked[0];
  if (first === undefined) return { candidate: null, reason: 'unreachable' };
  const kept = current === null ? undefined : ranked.find((c) => isSamePrefix(c.prefix, current));
  if (kept !== undefined && !isSamePrefix(kept.prefix, first.prefix)) return { candidate: kept, reason: 'kept' };
  return { candidate: first, reason: reasonOfFirst(first, ranked) };
}
