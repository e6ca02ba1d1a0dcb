// The routers of one link and what else they said: resolvers with their lifetimes, MTU. A bounded list: on a full one a router
// that is needed, for a NAT64 prefix or a resolver, is pushed out by no newcomer while it answers solicitations.

import type { RouterAdvertisement } from '../core/wire/ndp.ts';
import type { RouterOptions } from '../core/wire/ndp-options.ts';
import type { Resolver } from '../platform/discovery-platform.ts';
import { isLinkLocal, text6 } from './text.ts';

/** Routers kept for one link. */
export const ROUTERS_MAX = 16;
/** Resolvers kept for one router, and asked on one link. */
export const RESOLVERS_MAX = 8;

const DNS_PORT = 53;
/** RFC 8106 §5.1. */
const LIFETIME_INFINITE = 0xffffffff;

/** One router. */
export interface Router {
  readonly address: string;
  readonly preference: number;
  readonly lifetimeSeconds: number;
  readonly heardAtMs: number;
  readonly mtuBytes: number | null;
  /** By address; the deadline of each. */
  readonly resolvers: ReadonlyMap<string, number>;
}

/** Merges the resolvers of an advertisement: lifetime 0 takes one away, what is not named stays, what has expired goes. */
function mergeResolvers(
  known: ReadonlyMap<string, number>,
  options: RouterOptions,
  zone: string,
  nowMs: number,
): Map<string, number> {
  const merged = new Map([...known].filter(([, until]) => until > nowMs));
  for (const { lifetimeSeconds, addresses } of options.rdnss) {
    const until = lifetimeSeconds === LIFETIME_INFINITE ? Number.POSITIVE_INFINITY : nowMs + lifetimeSeconds * 1000;
    for (const address of addresses) {
      const text = isLinkLocal(address) ? `${text6(address)}%${zone}` : text6(address);
      if (lifetimeSeconds === 0) merged.delete(text);
      else if (merged.has(text) || merged.size < RESOLVERS_MAX) merged.set(text, until);
    }
  }
  return merged;
}

/** Who makes room for a newcomer on a full list. */
export interface RoutersOwner {
  /** Whether a router's prefix is on offer. */
  readonly announces: (address: string) => boolean;
  /** Whether it was solicited and did not answer. */
  readonly isSilent: (address: string) => boolean;
  /** Told of a router that made room. */
  readonly evicted: (address: string) => void;
}

/** The routers of one link. */
export class Routers {
  readonly #zone: string;
  readonly #owner: RoutersOwner;
  readonly #byAddress = new Map<string, Router>();

  /** @param zone the link's name, for link-local resolvers */
  constructor(zone: string, owner: RoutersOwner) {
    this.#zone = zone;
    this.#owner = owner;
  }

  /** All of them, in the order first heard. */
  get all(): readonly Router[] {
    return [...this.#byAddress.values()];
  }

  /**
   * Takes an advertisement.
   * @returns false when there is no room for another router
   */
  hear(address: string, ra: RouterAdvertisement, options: RouterOptions, nowMs: number): boolean {
    const known = this.#byAddress.get(address);
    if (known === undefined && !this.#makeRoom(nowMs)) return false;
    this.#byAddress.set(address, {
      address,
      preference: ra.preference,
      lifetimeSeconds: ra.lifetimeSeconds,
      heardAtMs: nowMs,
      mtuBytes: options.mtuBytes ?? known?.mtuBytes ?? null,
      resolvers: mergeResolvers(known?.resolvers ?? new Map(), options, this.#zone, nowMs),
    });
    return true;
  }

  /** Whether it was a default router when it was heard last; false for one that was not. */
  isDefault(address: string): boolean {
    return (this.#byAddress.get(address)?.lifetimeSeconds ?? 0) > 0;
  }

  /** Whether one of them is a default router. */
  get hasDefault(): boolean {
    return this.all.some((r) => r.lifetimeSeconds > 0);
  }

  /** Forgets all of them. */
  forget(): void {
    this.#byAddress.clear();
  }

  /** First whom nobody needs, then the silent; of each the one that is no default router, then the one heard longest ago. */
  #makeRoom(nowMs: number): boolean {
    if (this.#byAddress.size < ROUTERS_MAX) return true;
    const { announces, isSilent, evicted } = this.#owner;
    const isNeeded = (r: Router): boolean =>
      announces(r.address) || [...r.resolvers.values()].some((until) => until > nowMs);
    const spare = this.all
      .map((router) => ({ router, rank: 2 * Number(isNeeded(router)) + Number(router.lifetimeSeconds > 0) }))
      .filter(({ router, rank }) => rank < 2 || isSilent(router.address))
      .sort((a, b) => a.rank - b.rank || a.router.heardAtMs - b.router.heardAtMs)[0];
    if (spare === undefined) return false;
    this.#byAddress.delete(spare.router.address);
    evicted(spare.router.address);
    return true;
  }

  /** The resolvers that routers name now, one list a router. */
  resolvers(nowMs: number): Resolver[][] {
    const namedBy = (r: Router): string[] => [...r.resolvers].filter(([, until]) => until > nowMs).map(([a]) => a);
    return this.all.map((r) => namedBy(r).map((address) => ({ address, port: DNS_PORT, source: 'ra' })));
  }

  /** When the first of these ends; Infinity: none does. */
  nextResolverExpiryMs(nowMs: number): number {
    const deadlines = this.all.flatMap((r) => [...r.resolvers.values()]).filter((until) => until > nowMs);
    return deadlines.reduce((first, until) => Math.min(first, until), Number.POSITIVE_INFINITY);
  }
}
