// What discovery on one link shares with its owner, and the small records that it keeps. Read next: link-discovery.ts.

import type { Pref64Table } from '../core/pref64/table.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
import type { Clock } from './clock.ts';
import type { Exchange } from './dns-exchange.ts';

/** What a link's discovery shares with its owner. */
export interface LinkContext {
  readonly platform: DiscoveryPlatform;
  readonly clock: Clock;
  readonly exchange: Exchange;
  readonly randomId: () => number;
  /** Whether resolvers are asked although a router announces a prefix. */
  readonly asksDnsBesideRa: boolean;
  /** The table as it is. */
  readonly table: () => Pref64Table;
  /** Sets the table anew; the owner looks at what that changes. */
  readonly update: (table: Pref64Table) => void;
  /** Checks the prefixes on offer on a link anew (rule D-08). */
  readonly recheck: (interfaceName: string) => void;
  /** Something else worth showing changed. */
  readonly changed: () => void;
}

/** Whether advertisements can be heard. */
export type Listening =
  | { readonly state: 'yes' }
  | { readonly state: 'not-permitted' | 'failed'; readonly cause: Error };

/** Counts of messages; see AdvertisementCounts. */
export interface LinkCounts {
  accepted: number;
  'hop-limit': number;
  source: number;
  malformed: number;
  options: number;
  prefixes: number;
  floods: number;
}

/** All counts at zero. */
export const noCounts = (): LinkCounts => ({
  accepted: 0,
  'hop-limit': 0,
  source: 0,
  malformed: 0,
  options: 0,
  prefixes: 0,
  floods: 0,
});
