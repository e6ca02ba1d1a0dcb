// Sessions over the real data path: how many new ones a second, what they take, and whether a packet waits longer while a million
// of them run out. One gateway of its own; every figure is read off the running process.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayStatus } from '../../src/contract/gateway.ts';
import type { Snapshot } from '../../src/contract/methods.ts';
import { waitFor } from '../support/netns.ts';
import { type Flood, openSessions } from './gateway-flood.ts';
import { ROUTED_POOL, startGateway } from './gateway-lanes.ts';
import { processorSeconds } from './processor-time.ts';
import { openTopology, type Topology } from './topology.ts';
import { startReceivers } from './traffic.ts';
import { MAIN, type Way, waitForAnswer } from './variants.ts';

/** A pace that the gateway has to keep. */
export const PACE = 100_000;
/** The shortest that there is (RFC 4787 REQ-5). */
const LIFETIME_MS = 120_000;
/** The pings begin before the first sessions end, and last until the last of the first million has gone. */
const LEAD_MS = 3_000;
const PING_SECONDS = 0.002;
const CONTROL_PINGS = 2_500;
const WARM_UP = 200_000;

/** What was measured. */
export interface SessionReport {
  /** At the pace. */
  readonly paced: Flood;
  /** New sessions by the second of the program's processor time, which what else runs hardly changes. */
  readonly perProcessorSecond: number;
  /** As fast as the sender goes. */
  readonly flatOut: Flood;
  readonly sessions: number;
  /** Growth of the process for each of them, buffers and all. */
  readonly bytesPerSession: number;
  readonly residentMiB: number;
  readonly expired: number;
  /** Round trips in ms: without anything else, and while the paced ones ran out. */
  readonly quiet: RoundTrips;
  readonly expiring: RoundTrips;
}

/** In milliseconds. */
export interface RoundTrips {
  readonly median: number;
  readonly p999: number;
  readonly longest: number;
  readonly lost: number;
}

/** How many. */
export interface SessionScale {
  readonly paced: number;
  readonly flatOut: number;
}

const KEYS = (sessions: number): string => `  timers: {udp: 2min}
  limits: {sessions: ${sessions}, sessions-per-host: 0, new-sessions-per-second: 0}
`;

/** Measures; takes two minutes and more, which is how long a UDP session lives. */
export async function measureSessions({ paced, flatOut }: SessionScale): Promise<SessionReport> {
  const topology = await openTopology('-sessions');
  try {
    await startReceivers(topology);
    const way = await startGateway(topology, `[${ROUTED_POOL}]`, KEYS(2 * (WARM_UP + paced + flatOut)));
    await waitForAnswer(topology, way);
    const pid = way.process?.child.pid ?? 0;
    await pinTo(topology, pid, '0');
    await openSessions(topology, way, { first: 0, count: WARM_UP, perSecond: PACE });
    const quiet = await ping(topology, way, CONTROL_PINGS);
    const before = { bytes: residentBytes(pid), sessions: (await nat64(topology)).sessions };
    const used = processorSeconds(pid);
    const atPace = await openSessions(topology, way, { first: WARM_UP, count: paced, perSecond: PACE });
    const opened = performance.now();
    const perProcessorSecond = atPace.arrived / (processorSeconds(pid) - used);
    const first = (await nat64(topology)).sessions;
    const atOnce = await openSessions(topology, way, { first: WARM_UP + paced, count: flatOut, perSecond: 0 });
    const after = { bytes: residentBytes(pid), sessions: (await nat64(topology)).sessions };
    const lasted = atPace.seconds * 1000;
    await delay(LIFETIME_MS - LEAD_MS - lasted - (performance.now() - opened));
    const expiring = await ping(topology, way, Math.ceil((lasted + 2 * LEAD_MS) / PING_SECONDS / 1000));
    const left = await waitFor('the first sessions to end', async () => {
      const { sessions } = await nat64(topology);
      return sessions <= after.sessions - first ? sessions : undefined;
    });
    return {
      paced: atPace,
      perProcessorSecond,
      flatOut: atOnce,
      sessions: after.sessions,
      bytesPerSession: (after.bytes - before.bytes) / (after.sessions - before.sessions),
      residentMiB: after.bytes / 1024 / 1024,
      expired: after.sessions - left,
      quiet,
      expiring,
    };
  } finally {
    topology.set.close();
  }
}

async function pinTo({ router }: Topology, pid: number, cores: string): Promise<void> {
  await router.run(['taskset', '-a', '-p', '-c', cores, String(pid)]);
}

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

async function nat64({ router }: Topology): Promise<NonNullable<GatewayStatus['nat64']>> {
  const { status } = JSON.parse(await router.run([process.execPath, MAIN, 'status', '--json'])) as Snapshot;
  const found = status.gateway?.nat64;
  if (found === null || found === undefined) throw new Error('the gateway says nothing about its NAT64');
  return found;
}

async function ping({ sender }: Topology, { receiver }: Way, count: number): Promise<RoundTrips> {
  const argv = ['ping', '-n', '-c', String(count), '-i', String(PING_SECONDS), '-W', '1', receiver];
  const { stdout } = await sender.runAny(argv, { timeoutMs: 120_000 });
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms)).sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { median: at(0.5), p999: at(0.999), longest: at(1), lost: count - times.length };
}
