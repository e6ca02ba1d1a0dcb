// What the client has to choose from: every prefix on offer, which of them is chosen, and how many were not kept.

import type { Lifecycle } from '../core/lifecycle/state.ts';
import { heldIn } from '../core/lifecycle/turn.ts';
import { targetsOf } from '../core/lifecycle/way.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import type { RefusedPrefixes } from './prefix-source.ts';

/** The prefixes on offer. */
export interface ClientOffers {
  readonly candidates: readonly Candidate[];
  /** Those of the candidates that are the choice on their interface. */
  readonly chosen: ReadonlySet<Candidate>;
  readonly refused: readonly RefusedPrefixes[];
}

/** What is on offer now. @param nowMs on the clock of the candidates' deadlines */
export function clientOffers(life: Lifecycle, refused: readonly RefusedPrefixes[], nowMs: number): ClientOffers {
  const { candidates } = life.world;
  const targets = targetsOf(candidates, life.settings.uplinkName, heldIn(life.state).way, nowMs);
  return { candidates, chosen: new Set(targets.map((target) => target.candidate)), refused };
}
