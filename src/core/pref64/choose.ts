// The choice among the prefixes on offer on one interface: rules D-04, D-07 and D-08, with the reason in one word.

import { isSamePrefix } from '../address/same.ts';
import type { Prefix6 } from '../translate/settings.ts';
import type { Candidate } from './candidate.ts';
import { PREF64_SOURCES } from './candidate.ts';

/** Why a prefix was chosen, or none: a stable code each, and what it says to a person. */
export const CHOICE_REASONS = {
  configured: 'the configuration names it',
  only: 'the only one on offer from this source',
  kept: 'in use already and still valid',
  answered: 'its router answers solicitations, that of the other prefix no longer does',
  reachable: 'the connectivity check failed through the other prefix',
  named: 'its router names it, and the other prefix is one that its own router was asked for and named no more',
  'default-router': 'its router is a default router, that of the other prefix is none',
  preference: 'its router has the higher preference',
  first: 'the first that was heard',
  none: 'no prefix is on offer',
  expired: 'every prefix that was on offer has expired',
  unreachable: 'the connectivity check failed for every prefix on offer',
} as const;

/** One of the reasons. */
export type ChoiceReason = keyof typeof CHOICE_REASONS;

/** The reasons for none. */
type NoChoiceReason = 'none' | 'expired' | 'unreachable';

/** The choice. */
export type Choice =
  | { readonly candidate: Candidate; readonly reason: Exclude<ChoiceReason, NoChoiceReason> }
  | { readonly candidate: null; readonly reason: NoChoiceReason };

/** Rule D-08: a failed check takes a prefix away that only DNS gave; a router's or the user's word counts more. */
const isUsable = (c: Candidate): boolean => c.source !== 'dns' || c.isReachable !== false;

/** Why the one with the least of a number goes before the others; the first criterion that tells two apart decides. */
const CRITERIA = [
  ['answered', (c) => Number(c.isSilent)],
  ['reachable', (c) => Number(c.isReachable === false)],
  ['named', (c) => Number(!c.isNamed)],
  ['default-router', (c) => Number(!c.isDefaultRouter)],
  // RFC 4191 §2.2: the preference of a router that is no default router is to be ignored.
  ['preference', (c) => (c.isDefaultRouter ? -c.preference : 0)],
  ['first', (c) => c.order],
] as const satisfies readonly (readonly [ChoiceReason, (c: Candidate) => number])[];

/** The criterion that tells two candidates apart; each has an order of its own, so there is one. */
const criterionOf = (a: Candidate, b: Candidate): (typeof CRITERIA)[number] =>
  CRITERIA.find(([, measure]) => measure(a) !== measure(b)) ?? CRITERIA[5];

/**
 * Routers that answer, prefixes that carry, those that their routers still name, default routers, the higher preference, then the
 * order seen (D-04).
 */
function byRank(a: Candidate, b: Candidate): number {
  const [, measure] = criterionOf(a, b);
  return measure(a) - measure(b);
}

/** Those of the best source that has any: configuration, then RA, then RFC 7050 (D-07, RFC 9872). */
function ofBestSource(candidates: readonly Candidate[]): Candidate[] {
  for (const source of PREF64_SOURCES) {
    const found = candidates.filter((c) => c.source === source);
    if (found.length > 0) return found.sort(byRank);
  }
  return [];
}

/** Why the first of a sorted, non-empty list is the first. */
function reasonOfFirst(first: Candidate, others: readonly Candidate[]): Exclude<ChoiceReason, NoChoiceReason> {
  if (first.source === 'static') return 'configured';
  const rival = others.find((c) => !isSamePrefix(c.prefix, first.prefix));
  return rival === undefined ? 'only' : criterionOf(first, rival)[0];
}

/**
 * Whether the prefix in use has to give way: its router is silent and that of the best one is not, or it carries nothing and the best
 * one does, or its own router names it no more. That another one ranks higher for less is not enough (D-04).
 */
function mustYield(kept: Candidate, best: Candidate): boolean {
  if (kept.isSilent) return !best.isSilent;
  return (kept.isReachable === false && best.isReachable === true) || (!kept.isNamed && best.isNamed);
}

/**
 * Chooses. The prefix in use stays while its source is the best one and offers it (D-04), and its router still speaks; otherwise by
 * rank.
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
  const isOther = kept !== undefined && !isSamePrefix(kept.prefix, first.prefix);
  if (isOther && !mustYield(kept, first)) return { candidate: kept, reason: 'kept' };
  return { candidate: first, reason: reasonOfFirst(first, ranked) };
}

/**
 * Chooses after the choice before: the prefix in use is that one's, and where none is left because it ran out, the reason says so
 * until there is one again (D-15).
 * @param before undefined: there was none
 */
export function chooseAfter(before: Choice | undefined, candidates: readonly Candidate[], nowMs: number): Choice {
  const choice = choose(candidates, before?.candidate?.prefix ?? null, nowMs);
  if (choice.reason !== 'none' || before === undefined) return choice;
  const hasRunOut = before.candidate === null ? before.reason === 'expired' : before.candidate.validUntilMs <= nowMs;
  return hasRunOut ? { candidate: null, reason: 'expired' } : choice;
}
