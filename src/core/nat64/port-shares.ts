// Who may take a port while there are free ones (rule N-10): one host, or one that makes itself addresses, must not empty the pool
// for all others.
//
//  - A host holds fewer ports of a protocol than are free. One that takes all it can gets half of the pool; ten such hosts get an
//    eleventh each, and leave as much to the next.
//  - The last eighth is for hosts that have been there for a while, and for newcomers of a network that has fewer sessions than
//    there are free ports: thousands of new addresses in one network find it closed.
//
// Both follow from what is free at the moment, so a busy host gets much from a pool that nobody else wants. Small pools are given
// out to the last port, first come, first served.

import { HOST_LIMIT, PORTS_EXHAUSTED, TRANSLATED } from '../translate/verdict.ts';
import type { Hosts } from './hosts.ts';
import type { PortPool } from './port-pool.ts';

/** Pools with fewer ports of a protocol are not shared out. */
const SHARED_FROM = 512;

/** The part of a pool that is reserved: 1/2^n. */
const RESERVE_SHIFT = 3;

/** From when on the reserve is for a host: how long it has had bindings. */
const SETTLED_MS = 300_000;

/**
 * Whether a host may take one port more.
 * @param host its record, or 0 for one at w0…w3 that has none yet
 * @returns TRANSLATED, HOST_LIMIT or PORTS_EXHAUSTED. Never throws.
 */
export function shareOf(
  pool: PortPool,
  hosts: Hosts,
  proto: number,
  host: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
  nowMs: number,
): number {
  const ports = pool.ports(proto);
  if (ports < SHARED_FROM) return TRANSLATED;
  const free = pool.freePorts(proto);
  if (host !== 0 && free > 0 && hosts.ports(host, proto) >= free) return HOST_LIMIT;
  if (free > ports >> RESERVE_SHIFT) return TRANSLATED;
  const isSettled = host !== 0 && hosts.knownMs(host, nowMs) >= SETTLED_MS;
  return isSettled || hosts.sessionsOfNetwork(w0, w1, w2, w3) < free ? TRANSLATED : PORTS_EXHAUSTED;
}
