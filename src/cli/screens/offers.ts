// What else is on offer beside the prefix in use, for the status screen. Pure. Read first: contract/status.ts.

import type { StatusOffer, StatusOffers } from '../../contract/status.ts';
import { count, duration } from './format.ts';

/** Offers shown one by one; a network has one or two. */
const SHOWN = 4;

function offerText(offer: StatusOffer, nowMs: number): string {
  const { prefix, origin, validUntilMs, isSilent, isReachable, isDefaultRouter } = offer;
  return [
    `${prefix} by ${origin}${offer.interface === null ? '' : ` on ${offer.interface}`}`,
    ...(validUntilMs === null ? [] : [`${duration(validUntilMs - nowMs)} left`]),
    ...(isSilent === true ? ['does not answer any more'] : []),
    ...(isReachable === false ? ['the connectivity check failed'] : []),
    ...(isDefaultRouter === false ? ['no default router'] : []),
  ].join(', ');
}

const refusedText = (name: string, prefixes: number): string =>
  `${prefixes === 1 ? '1 prefix' : `${count(prefixes)} prefixes`} of ${name} refused: unusable, or too many`;

/** One text for each prefix that is on offer and not chosen, and for each interface with refused ones; empty: nothing to say. */
export function offerTexts(offers: StatusOffers | null, nowMs: number): readonly string[] {
  if (offers === null) return [];
  const others = offers.candidates.filter(({ isChosen }) => !isChosen);
  const rest = others.length - SHOWN;
  return [
    ...others.slice(0, SHOWN).map((offer) => offerText(offer, nowMs)),
    ...(rest > 0 ? [`and ${rest} more, see --json`] : []),
    ...offers.refused.map(({ interface: name, prefixes }) => refusedText(name, prefixes)),
  ];
}
