// The routers of one link and what else they said: resolvers with their lifetimes, MTU. A bounded list: on a full one a router
// that announces a NAT64 prefix is never pushed out by newcomers, the one heard longest ago of the others is.

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

/** The routers of one link. */
export class Routers {
  readonly #zone: string;
  readonly #byAddress = new Map<string, Router>();

  /** @param zone the link's name, for link-local resolvers */
  constructor(zone: string) {
    this.#zone = zone;
  }

  /** All of them, in the order first heard. */
  get all(): readonly Router[] {
    return [...this.#byAddress.values()];
  }

  /**
   * Takes an advertisement.
   * @param isNeeded whether a router must not be pushed out
   * @returns false when there is no room for another router
   */
  hear(
    address: string,
    ra: RouterAdvertisement,
    options: RouterOptions,
    nowMs: number,
    isNeeded: (address: string) => boolean,
  ): boolean {
    const known = this.#byAddress.get(address);
    if (known === undefined && !this.#makeRoom(isNeeded)) return false;
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

  #makeRoom(isNeeded: (address: string) => boolean): boolean {
    if (this.#byAddress.size < ROUTERS_MAX) return true;
    const spare = this.all.filter((r) => !isNeeded(r.address)).sort((a, b) => a.heardAtMs - b.heardAtMs)[0];
    return spare !== undefined && this.#byAddress.delete(spare.address);
  }

  /** The resolvers that routers name now. */
  resolvers(nowMs: number): Resolver[] {
    const addresses = this.all.flatMap((r) => [...r.resolvers].filter(([, until]) => until > nowMs).map(([a]) => a));
    return [...new Set(addresses)].map((address) => ({ address, port: DNS_PORT, source: 'ra' }));
  }
}
