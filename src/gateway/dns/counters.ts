// The counters of the DNS64 server: one mutable object that all its parts add to.

import type { Dns64Counters } from '../../contract/dns64.ts';

/** {@link Dns64Counters} to write to. */
export type Counters = { -readonly [Name in keyof Dns64Counters]: number };

/** All zero. */
export const makeCounters = (): Counters => ({
  udpQueries: 0,
  tcpQueries: 0,
  cacheHits: 0,
  cacheMisses: 0,
  synthesised: 0,
  stale: 0,
  failed: 0,
  refused: 0,
  malformed: 0,
  overload: 0,
  tcpLimited: 0,
  unsent: 0,
  spoofed: 0,
  upstreamMalformed: 0,
  upstreamTimeouts: 0,
  loops: 0,
});
