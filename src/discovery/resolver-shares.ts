// Which resolvers of a link are asked where more are named than there are places: each router that names some, and the system, get
// a place in turn, so that whoever names many keeps nobody else's out. Pure.

import type { Resolver } from '../platform/discovery-platform.ts';

/** Those that are asked, and how many are not for lack of a place. */
export interface ResolverShares {
  readonly asked: readonly Resolver[];
  readonly leftOut: number;
}

/** Tells resolvers apart, whoever names them. */
export const keyOf = (r: Resolver): string => `${r.address} ${r.port}`;

/**
 * Addresses that no network can give: this host's own (loopback, where the user's resolver may listen), none, groups, and IPv4-mapped
 * ones, which stand for any of these. The system's are judged where they are read.
 */
const NO_NETWORKS = /^(?:::1?$|ff|::ffff:)/;

const isNetworks = ({ source, address }: Resolver): boolean => source !== 'ra' || !NO_NETWORKS.test(address);

/**
 * Shares out the places.
 * @param sources who names resolvers, each with its own in its order; who comes first is served first in each turn
 * @param places how many may be asked
 */
export function shareOut(sources: readonly (readonly Resolver[])[], places: number): ResolverShares {
  const all = new Map<string, Resolver>();
  const turns = sources.reduce((most, own) => Math.max(most, own.length), 0);
  for (let turn = 0; turn < turns; turn++) {
    for (const own of sources) {
      const resolver = own[turn];
      if (resolver === undefined || !isNetworks(resolver)) continue;
      // One that several name is a router's where one of them is.
      if (resolver.source === 'ra' || !all.has(keyOf(resolver))) all.set(keyOf(resolver), resolver);
    }
  }
  const asked = [...all.values()].slice(0, places);
  return { asked, leftOut: all.size - asked.length };
}
