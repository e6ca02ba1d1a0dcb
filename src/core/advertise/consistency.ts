// Whether another router of the link says what we say, RFC 4861 §6.2.7: hosts believe whoever spoke last, so a difference is an
// operator's to know. Lifetimes of 0 in the other's advertisement withdraw something and contradict nobody.

import { isSameAddress } from '../address/same.ts';
import type { RouterAdvertisement } from '../wire/ndp.ts';
import type { RouterOptions } from '../wire/ndp-options.ts';
import type { Item } from './content.ts';
import type { AdvertiseSettings } from './settings.ts';

/** Differences of the prefixes that both advertise. RFC 4861 leaves decremented lifetimes out, as addresses of ours have them. */
function prefixDifferences(content: readonly Item[], theirs: RouterOptions): string[] {
  const ours = content.flatMap((item) => (item.kind === 'prefix' ? [item] : []));
  const shared = theirs.prefixes.flatMap((their) => {
    const our = ours.find(
      ({ prefix: { prefix } }) => prefix.length === their.prefixLength && isSameAddress(prefix.address, their.prefix),
    );
    return our === undefined || our.validUntilMs !== Number.POSITIVE_INFINITY || their.preferredSeconds === 0
      ? []
      : [{ our: our.prefix, their }];
  });
  return shared.flatMap(({ our, their }) => [
    ...(our.validSeconds === their.validSeconds ? [] : ['valid lifetime of a prefix']),
    ...(our.preferredSeconds === their.preferredSeconds ? [] : ['preferred lifetime of a prefix']),
  ]);
}

/**
 * Names what another router's advertisement has otherwise than ours.
 * @returns names for a person, none twice
 */
export function differences(
  settings: AdvertiseSettings,
  content: readonly Item[],
  their: RouterAdvertisement,
  options: RouterOptions,
): string[] {
  const { hopLimit, isManaged, hasOtherConfiguration, mtuBytes } = settings;
  const areUnequal = (a: number | null, b: number | null): boolean => (a ?? 0) !== 0 && (b ?? 0) !== 0 && a !== b;
  return [
    ...new Set([
      ...(areUnequal(hopLimit, their.hopLimit) ? ['hop limit'] : []),
      ...(isManaged === their.isManaged ? [] : ['the flag M']),
      ...(hasOtherConfiguration === their.isOther ? [] : ['the flag O']),
      ...(areUnequal(mtuBytes, options.mtuBytes) ? ['MTU'] : []),
      ...prefixDifferences(content, options),
    ]),
  ];
}
