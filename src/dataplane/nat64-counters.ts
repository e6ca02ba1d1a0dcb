// NAT64's figures in a worker's block of shared memory: written by the worker now and then, read by anyone. Both functions go
// through the numbers in the same order; the first says whether there is a NAT64 at all.

import type { FragmentCounters } from '../core/nat64/fragments.ts';
import type { Nat64Counters } from '../core/nat64/nat64-tables.ts';

/** Numbers in the block. */
export const NAT64_COUNTERS = 26;

/** What there is and what was refused, at the moment when the worker wrote it: at most a second ago. */
export interface Nat64Snapshot extends Nat64Counters {
  /** Datagrams on their way, and their fragments that wait or were lost after they had waited. */
  readonly fragments: {
    readonly datagrams: number;
    readonly bytes: number;
    readonly held: number;
    readonly lost: number;
  };
}

/** Writes the figures at `base` of a worker's block. */
export function writeNat64Counters(
  block: Float64Array,
  base: number,
  counters: Nat64Counters,
  fragments: FragmentCounters,
): void {
  const { bindings, freePorts, refused } = counters;
  let at = base + 1;
  for (const value of [
    ...[counters.sessions, counters.openedSessions],
    ...[bindings.tcp, bindings.udp, bindings.icmp, counters.madeBindings, counters.staticBindings],
    ...[freePorts.tcp, freePorts.udp, freePorts.icmp],
    ...[counters.hosts, counters.networks, counters.heldSyns],
    ...[refused.portsExhausted, refused.sessionLimit, refused.hostLimit],
    ...[refused.networkLimit, refused.rateLimit, refused.synLimit],
    ...[counters.logRecordsLost, counters.memoryBytes],
    ...[fragments.datagrams, fragments.bytes, fragments.held, fragments.lost],
  ]) {
    block[at++] = value;
  }
  block[base] = 1;
}

/** Reads them again; null: there is no NAT64. */
export function readNat64Counters(block: Float64Array, base: number): Nat64Snapshot | null {
  if (block[base] !== 1) return null;
  let at = base + 1;
  const next = (): number => block[at++] as number;
  return {
    sessions: next(),
    openedSessions: next(),
    bindings: { tcp: next(), udp: next(), icmp: next() },
    madeBindings: next(),
    staticBindings: next(),
    freePorts: { tcp: next(), udp: next(), icmp: next() },
    hosts: next(),
    networks: next(),
    heldSyns: next(),
    refused: {
      portsExhausted: next(),
      sessionLimit: next(),
      hostLimit: next(),
      networkLimit: next(),
      rateLimit: next(),
      synLimit: next(),
    },
    logRecordsLost: next(),
    memoryBytes: next(),
    fragments: { datagrams: next(), bytes: next(), held: next(), lost: next() },
  };
}
