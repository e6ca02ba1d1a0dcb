// The numbers of one NAT64, for status and metrics.

import {
  HOST_LIMIT,
  NETWORK_LIMIT,
  PORTS_EXHAUSTED,
  RATE_LIMIT,
  SESSION_LIMIT,
  SYN_LIMIT,
} from '../translate/verdict.ts';
import { ICMP_BIB, TCP_BIB, UDP_BIB } from './bib-protocol.ts';
import type { Nat64Counters, Nat64Tables } from './nat64-tables.ts';

/** What there is in tables, and what was refused. */
export function countersOf(t: Nat64Tables): Nat64Counters {
  const [udp, tcp, icmp] = t.bib.counts;
  return {
    sessions: t.sessionCount,
    openedSessions: t.openedSessions,
    bindings: { udp, tcp, icmp },
    madeBindings: t.madeBindings,
    staticBindings: t.staticCount,
    freePorts: {
      udp: t.pool.freePorts(UDP_BIB),
      tcp: t.pool.freePorts(TCP_BIB),
      icmp: t.pool.freePorts(ICMP_BIB),
    },
    hosts: t.hosts.table.count,
    networks: t.hosts.networks.count,
    heldSyns: t.held.count,
    refused: {
      portsExhausted: t.refused[PORTS_EXHAUSTED],
      sessionLimit: t.refused[SESSION_LIMIT],
      hostLimit: t.refused[HOST_LIMIT],
      networkLimit: t.refused[NETWORK_LIMIT],
      rateLimit: t.refused[RATE_LIMIT],
      synLimit: t.refused[SYN_LIMIT],
    },
    logRecordsLost: t.log?.lost ?? 0,
    memoryBytes: t.bytes,
  };
}
