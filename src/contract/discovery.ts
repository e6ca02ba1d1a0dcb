// What discovery has found, as plain data with addresses as text: what `xlat464 discover` shows, with --json and to people.

/** Where a NAT64 prefix came from: configuration, Router Advertisement (RFC 8781), DNS (RFC 7050). */
export type Pref64SourceName = 'static' | 'ra' | 'dns';

/** A NAT64 prefix that a router announces. */
export interface AnnouncedPrefix {
  readonly prefix: string;
  readonly secondsLeft: number;
}

/** A router and what it says. */
export interface RouterReport {
  readonly router: string;
  /** RFC 4191. */
  readonly preference: 'high' | 'medium' | 'low';
  /** Of the last advertisement, in seconds; 0: it is no default router. */
  readonly routerLifetimeSeconds: number;
  readonly heardSecondsAgo: number;
  /** Whether it was solicited and did not answer. */
  readonly isSilent: boolean;
  readonly pref64: readonly AnnouncedPrefix[];
  readonly resolvers: readonly string[];
  readonly mtuBytes: number | null;
}

/** A resolver and what it answered. */
export interface ResolverReport {
  readonly resolver: string;
  /** Who named it: a Router Advertisement, systemd-resolved, resolv.conf. */
  readonly from: string;
  /** `not-asked`: a router announces a prefix, which counts more. */
  readonly state: 'asking' | 'not-asked' | 'prefixes' | 'no-nat64' | 'failed';
  readonly prefixes: readonly string[];
  /** Until the answer ends; null without one. */
  readonly secondsLeft: number | null;
  /** Why there is no prefix, or null. */
  readonly why: string | null;
}

/** The prefix that would be used on an interface. */
export interface ChosenPrefix {
  readonly prefix: string;
  readonly source: Pref64SourceName;
  /** The router or resolver that says so, or "configuration". */
  readonly origin: string;
  readonly secondsLeft: number | null;
  /** Outcome of the connectivity check; null: none was made. */
  readonly isReachable: boolean | null;
}

/** Messages on an interface, by what became of them. */
export interface AdvertisementCounts {
  readonly accepted: number;
  /** Hop limit below 255: it may come from off the link. */
  readonly hopLimit: number;
  /** Source not link-local. */
  readonly source: number;
  readonly malformed: number;
  /** Options skipped because their form is wrong. */
  readonly options: number;
  /** Prefixes not kept: unusable, or too many. */
  readonly prefixes: number;
  /** How often more came in than one look takes. */
  readonly floods: number;
}

/** One interface. */
export interface InterfaceReport {
  readonly name: string;
  /** Whether advertisements can be heard; `not-permitted` without CAP_NET_RAW. */
  readonly listening: 'yes' | 'not-permitted' | 'failed';
  /** Why it failed, or null. */
  readonly trouble: string | null;
  readonly solicitationsSent: number;
  readonly advertisements: AdvertisementCounts;
  readonly routers: readonly RouterReport[];
  readonly resolvers: readonly ResolverReport[];
  /** How many more are named and not asked: there are too many. */
  readonly resolversLeftOut: number;
  readonly chosen: ChosenPrefix | null;
  /** Stable code: why this one, or why none. */
  readonly reason: string;
  /** The code's meaning. */
  readonly why: string;
}

/** Everything. */
export interface DiscoveryReport {
  /** The configured prefix, or null. */
  readonly configured: string | null;
  readonly interfaces: readonly InterfaceReport[];
}
