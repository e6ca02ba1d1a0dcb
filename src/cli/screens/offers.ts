// What is on offer, for the status screen: of the prefix in use what is wrong with it, and what there is beside it. Pure. Read first:
// contract/status.ts.

import type { Status, StatusOffer } from '../../contract/status.ts';
import { count, duration } from './format.ts';

/** Offers shown one by one; a network has one or two. */
const SHOWN = 4;

const SILENT = 'does not answer any more';

/** The offer whose prefix is in use, or null. */
function offerInUse({ prefix, offers, uplink }: OfferSections): StatusOffer | null {
  if (prefix === null || offers === null) return null;
  const isInUse = (o: StatusOffer): boolean =>
    o.prefix === prefix.prefix && o.source === prefix.source && (o.interface ?? uplink?.name) === uplink?.name;
  return offers.candidates.find((o) => o.isChosen && isInUse(o)) ?? null;
}

/** The sections of a snapshot that tell of offers. */
type OfferSections = Pick<Status, 'prefix' | 'offers' | 'uplink'>;

/** Who says that the prefix in use is one, and whether he still does; empty: the user, or nobody knows. */
export function originWords(status: OfferSections): { readonly from: string; readonly isSilent: boolean } {
  const offer = offerInUse(status);
  if (offer === null || offer.source === 'configuration') return { from: '', isSilent: false };
  const isSilent = offer.isSilent === true;
  return { from: ` from ${offer.origin}${isSilent ? `, which ${SILENT}` : ''}`, isSilent };
}

function offerText(offer: StatusOffer, nowMs: number): string {
  const { prefix, origin, validUntilMs, isSilent, isReachable, isDefaultRouter } = offer;
  return [
    `${prefix} by ${origin}${offer.interface === null ? '' : ` on ${offer.interface}`}`,
    ...(validUntilMs === null ? [] : [`${duration(validUntilMs - nowMs)} left`]),
    ...(isSilent === true ? [SILENT] : []),
    ...(isReachable === false ? ['the connectivity check failed'] : []),
    ...(isDefaultRouter === false ? ['no default router'] : []),
  ].join(', ');
}

const refusedText = (name: string, prefixes: number): string =>
  `${prefixes === 1 ? '1 prefix' : `${count(prefixes)} prefixes`} of ${name} refused: unusable, or too many`;

/** One text for each prefix that is on offer and not in use, and for each interface with refused ones; empty: nothing to say. */
export function offerTexts(status: OfferSections, nowMs: number): readonly string[] {
  const { offers } = status;
  if (offers === null) return [];
  const inUse = offerInUse(status);
  const others = offers.candidates.filter((offer) => offer !== inUse);
  const rest = others.length - SHOWN;
  return [
    ...others.slice(0, SHOWN).map((offer) => offerText(offer, nowMs)),
    ...(rest > 0 ? [`and ${rest} more, see --json`] : []),
    ...offers.refused.map(({ interface: name, prefixes }) => refusedText(name, prefixes)),
  ];
}
