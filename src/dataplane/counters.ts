// Counters in shared memory: a worker adds to its own block with plain stores, anyone reads them without asking it. A
// 64-bit float is exact up to 2^53 and is written whole, so a reader never sees half a number.
//
//     block of one worker: [packets and bytes … | verdicts: number × 2 + (0 for IPv4, 1 for IPv6) | NAT64]
//
// A super-packet counts as one packet, because that is what was handed over; bytes count as they are.

import { VERDICTS, type VerdictName } from '../core/translate/verdict.ts';
import { NAT64_COUNTERS, type Nat64Snapshot, readNat64Counters } from './nat64-counters.ts';

export const PACKETS_IN4 = 0;
export const BYTES_IN4 = 1;
export const PACKETS_IN6 = 2;
export const BYTES_IN6 = 3;
export const PACKETS_OUT4 = 4;
export const BYTES_OUT4 = 5;
export const PACKETS_OUT6 = 6;
export const BYTES_OUT6 = 7;
export const BATCHES = 8;
export const WRITES_REFUSED = 9;
export const PACKETS_MERGED = 10;
export const SUPER_PACKETS_MADE = 11;
/** Of those refused, by what the device said; see refused.ts. */
export const REFUSED_LINK_DOWN = 12;
export const REFUSED_INVALID = 13;
export const REFUSED_NO_MEMORY = 14;
export const REFUSED_OTHER = 15;
const VERDICT_BASE = 16;

/** Where NAT64's figures begin. */
export const NAT64_BASE = VERDICT_BASE + VERDICTS.length * 2;

/** Counters of one worker. */
export const COUNTERS_PER_WORKER = NAT64_BASE + NAT64_COUNTERS;

/** Index of a verdict's counter. @param family 4 or 6: of the packet that came in */
export const verdictIndex = (verdict: number, family: number): number =>
  VERDICT_BASE + verdict * 2 + (family === 6 ? 1 : 0);

/** All counters of a data plane at one moment, summed over its workers. */
export interface CounterSnapshot {
  readonly packetsIn: { readonly ipv4: number; readonly ipv6: number };
  readonly bytesIn: { readonly ipv4: number; readonly ipv6: number };
  readonly packetsOut: { readonly ipv4: number; readonly ipv6: number };
  readonly bytesOut: { readonly ipv4: number; readonly ipv6: number };
  /** Reads that returned packets. */
  readonly batches: number;
  /** Packets that the device did not take. */
  readonly writesRefused: number;
  /** The same by what the device said. */
  readonly writesRefusedBy: {
    /** The interface is down or gone: EIO, ENETDOWN, ENODEV. */
    readonly linkDown: number;
    /** It takes no such packet: EINVAL. */
    readonly invalid: number;
    /** The system has no room at the moment: ENOBUFS, ENOMEM, EAGAIN. */
    readonly noMemory: number;
    readonly other: number;
  };
  /** Packets that were merged, and the super-packets that they became. */
  readonly packetsMerged: number;
  readonly superPacketsMade: number;
  /** Per verdict, by family of the packet that came in; verdicts without a packet are left out. */
  readonly verdicts: { readonly [name in VerdictName]?: { readonly ipv4: number; readonly ipv6: number } };
  /** Stateful NAT64's tables; null: stateless. */
  readonly nat64: Nat64Snapshot | null;
}

/** Shared memory for the counters of `workers` workers. */
export const makeCounterMemory = (workers: number): SharedArrayBuffer =>
  new SharedArrayBuffer(workers * COUNTERS_PER_WORKER * Float64Array.BYTES_PER_ELEMENT);

/** The block of one worker. */
export const countersOf = (memory: SharedArrayBuffer, worker: number): Float64Array =>
  new Float64Array(memory, worker * COUNTERS_PER_WORKER * Float64Array.BYTES_PER_ELEMENT, COUNTERS_PER_WORKER);

/** Reads and sums all blocks. Never throws. */
export function readCounters(memory: SharedArrayBuffer): CounterSnapshot {
  const all = new Float64Array(memory);
  const sum = (index: number): number => {
    let total = 0;
    for (let i = index; i < all.length; i += COUNTERS_PER_WORKER) total += all[i] as number;
    return total;
  };
  const pair = (ipv4: number, ipv6: number) => ({ ipv4: sum(ipv4), ipv6: sum(ipv6) });
  const verdicts: { [name in VerdictName]?: { ipv4: number; ipv6: number } } = {};
  VERDICTS.forEach(([name], verdict) => {
    const count = pair(verdictIndex(verdict, 4), verdictIndex(verdict, 6));
    if (count.ipv4 + count.ipv6 > 0) verdicts[name] = count;
  });
  return {
    packetsIn: pair(PACKETS_IN4, PACKETS_IN6),
    bytesIn: pair(BYTES_IN4, BYTES_IN6),
    packetsOut: pair(PACKETS_OUT4, PACKETS_OUT6),
    bytesOut: pair(BYTES_OUT4, BYTES_OUT6),
    batches: sum(BATCHES),
    writesRefused: sum(WRITES_REFUSED),
    writesRefusedBy: {
      linkDown: sum(REFUSED_LINK_DOWN),
      invalid: sum(REFUSED_INVALID),
      noMemory: sum(REFUSED_NO_MEMORY),
      other: sum(REFUSED_OTHER),
    },
    packetsMerged: sum(PACKETS_MERGED),
    superPacketsMade: sum(SUPER_PACKETS_MADE),
    verdicts,
    nat64: readNat64Counters(all, NAT64_BASE), // one worker has it, and is alone then
  };
}
