// Rates from two readings of the counters. Pure.

import type { StatusCounters, StatusRates, StatusVerdict } from './status.ts';

/** Counters and when they were read. */
export interface Reading {
  readonly counters: StatusCounters;
  /** Milliseconds of any clock that does not jump. */
  readonly atMs: number;
}

interface PerFamily {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** What happened per second between two readings; null when no time lies between, or the counters began anew. */
export function ratesBetween(before: Reading, after: Reading): StatusRates | null {
  const intervalMs = after.atMs - before.atMs;
  const hasRestarted = after.counters.packetsIn.ipv4 < before.counters.packetsIn.ipv4;
  if (!(intervalMs > 0) || hasRestarted) return null;
  const rate = (was: PerFamily, is: PerFamily): PerFamily => ({
    ipv4: perSecond(was.ipv4, is.ipv4, intervalMs),
    ipv6: perSecond(was.ipv6, is.ipv6, intervalMs),
  });
  const [a, b] = [before.counters, after.counters];
  return {
    // In tenths of a second: a timer is not exact, and what differs in nothing else has not changed.
    intervalMs: Math.max(100, Math.round(intervalMs / 100) * 100),
    packetsIn: rate(a.packetsIn, b.packetsIn),
    bytesIn: rate(a.bytesIn, b.bytesIn),
    packetsOut: rate(a.packetsOut, b.packetsOut),
    bytesOut: rate(a.bytesOut, b.bytesOut),
    drops: rate(dropsOf(a.verdicts), dropsOf(b.verdicts)),
  };
}

/** Packets that were dropped, by family of the packet that came in. */
export function dropsOf(verdicts: readonly StatusVerdict[]): { readonly ipv4: number; readonly ipv6: number } {
  let [ipv4, ipv6] = [0, 0];
  for (const verdict of verdicts) {
    if (!verdict.isDrop) continue;
    ipv4 += verdict.ipv4;
    ipv6 += verdict.ipv6;
  }
  return { ipv4, ipv6 };
}

/** Never negative: a reader may see one counter before and another after a packet. */
const perSecond = (was: number, is: number, intervalMs: number): number =>
  Math.max(0, Math.round(((is - was) * 1e6) / intervalMs) / 1e3);
