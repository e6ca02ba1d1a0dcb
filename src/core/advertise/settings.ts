// What one interface's router advertisements say (RFC 4861 §6.2.1, RFC 8106, RFC 8781), as plain values.

import type { Prefix6 } from '../translate/settings.ts';

/** A prefix information option, RFC 4861 §4.6.2. */
export interface AdvertisedPrefix {
  readonly prefix: Prefix6;
  readonly isOnLink: boolean;
  readonly isAutonomous: boolean;
  readonly validSeconds: number;
  readonly preferredSeconds: number;
}

/** Settings of the advertisements on one interface. */
export interface AdvertiseSettings {
  /** Name of the interface. */
  readonly link: string;
  /** The prefixes; `auto`: those of the interface's own global addresses, with the default lifetimes. */
  readonly prefixes: readonly AdvertisedPrefix[] | 'auto';
  /** NAT64 prefixes, rule R-01. `lifetimeSeconds` null: 3 × maxInterval, rounded up to 8 s. */
  readonly pref64: readonly { readonly prefix: Prefix6; readonly lifetimeSeconds: number | null }[];
  /** Resolvers, 16 bytes each; `self`: the interface's own address, a link-local one where it has no other. */
  readonly dnsServers: readonly (Uint8Array | 'self')[];
  /** Search domains, as text. */
  readonly dnsSearch: readonly string[];
  /** MTU option; null: none. */
  readonly mtuBytes: number | null;
  /** 0: not a default router. */
  readonly routerLifetimeSeconds: number;
  readonly preference: 'high' | 'medium' | 'low';
  readonly hopLimit: number;
  readonly isManaged: boolean;
  readonly hasOtherConfiguration: boolean;
  readonly minIntervalSeconds: number;
  readonly maxIntervalSeconds: number;
}

/** RFC 4861 §6.2.1 and RFC 8106 §5.1, with the interval that laptops are used to. */
export const DEFAULT_ADVERTISE = {
  prefixes: 'auto',
  dnsSearch: [],
  mtuBytes: null,
  routerLifetimeSeconds: 1_800,
  preference: 'medium',
  hopLimit: 64,
  isManaged: false,
  hasOtherConfiguration: false,
  minIntervalSeconds: 200,
  maxIntervalSeconds: 600,
} as const satisfies Partial<AdvertiseSettings>;

/** Lifetimes of an advertised prefix where none are given: RFC 4861 §6.2.1 shortened as RFC 9096 §3.1 advises. */
export const DEFAULT_PREFIX_LIFETIMES = { validSeconds: 5_400, preferredSeconds: 2_700 } as const;
