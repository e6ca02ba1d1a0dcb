// NAT64's tables alone: bytes a session, how long a packet takes to find or open its session, and what a million sessions that
// run out at once cost, established connections with a probe for each as well. Not the packet path, which test/bench/memory.ts
// measures.
//
//     node dist/test/bench/nat64-memory.js [sessions]        1000000 by default; some ten seconds

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TCP_BIB, UDP_BIB } from '../../src/core/nat64/bib-protocol.ts';
import { FragmentTable } from '../../src/core/nat64/fragments.ts';
import { EXPIRED_ALL, Nat64State } from '../../src/core/nat64/nat64-state.ts';
import { Nat64Path } from '../../src/core/nat64/packet-path.ts';
import { expireSessions } from '../../src/core/nat64/probe.ts';
import { DEFAULT_LIMITS, DEFAULT_NAT64, DEFAULT_TIMERS, type Nat64Settings } from '../../src/core/nat64/settings.ts';
import { DEFAULT_SETTINGS, WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { TRANSLATED } from '../../src/core/translate/verdict.ts';
import { makePacketList, makeSlab } from '../../src/core/wire/slab.ts';
import { ACK, SYN } from '../../src/core/wire/tcp.ts';
import { Random } from '../fuzz/random.ts';
import { ip4 } from '../support/addresses.ts';

/** What measureNat64 returns; times in nanoseconds of the process's own time unless named otherwise. */
export interface Nat64Report {
  readonly sessions: number;
  /** Growth of the process and what the tables say themselves, for each session, hosts and index and all. */
  readonly residentBytes: number;
  readonly tableBytes: number;
  /** A new host port's first packet: binding, port, session; the median and the best of batches of 10,000. */
  readonly insertMedian: number;
  readonly insertBest: number;
  /** The next packet of one of a thousand flows, each way. */
  readonly hotOut: number;
  readonly hotIn: number;
  /** The next packet of any flow of all. */
  readonly anyOut: number;
  /** New UDP sessions a second that one thread sustains while as many run out. */
  readonly churnPerSecond: number;
  /** Every session runs out at once: a session's share, and the longest call with the budget that the packet path uses. */
  readonly expire: number;
  readonly expireWorstMs: number;
  readonly expireMedianMs: number;
  /** The longest turn of the packet loop in which established connections run out, all at once: probes are built, not written. */
  readonly probeWorstMs: number;
  readonly probeMedianMs: number;
}

const HOSTS = 4096;
const BUDGET = 2048;
/** What the packet loop gives a turn, and room for probes (src/dataplane/pump.ts). */
const TURN_BUDGET = 1024;
const SPARE_BYTES = 512 * 1024;
const BATCH = 10_000;
const HOT = 1000;
/** Sessions for each address of the pool: two thirds of its ports. */
const POOL_SHARE = 43_000;

const settingsFor = (sessions: number): Nat64Settings => ({
  ...DEFAULT_NAT64,
  pool: [
    {
      protocol: 'udp',
      address: ip4('198.51.0.0'),
      addresses: Math.ceil(sessions / POOL_SHARE),
      firstPort: 1024,
      lastPort: 65_535,
    },
  ],
  limits: { ...DEFAULT_LIMITS, sessions, sessionsPerHost: 0, newSessionsPerSecondPerHost: 0 },
});

/** The `i`th flow: one of 4096 hosts, another source port each time. Throws when it is refused. */
function send(state: Nat64State, i: number, nowMs: number): void {
  const remote = 0x08080808 + (i & 1023);
  const port6 = (i / HOSTS) & 0xffff;
  if (state.outgoing(UDP_BIB, 0x20010db8, 0, 0, i % HOSTS, port6, remote, 53, 0, nowMs) !== TRANSLATED)
    throw new Error(`flow ${i} was refused`);
}

/** The process's own time in nanoseconds, so that other programs on the machine do not count. */
function ownTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}
const since = (started: number): number => ownTime() - started;
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;

/** Nanoseconds of each of `count` calls in batches. */
function batches(count: number, batch: number, call: (i: number) => void): number[] {
  const times: number[] = [];
  for (let from = 0; from < count; from += batch) {
    const started = ownTime();
    const end = Math.min(count, from + batch);
    for (let i = from; i < end; i++) call(i);
    times.push(since(started) / (end - from));
  }
  return times;
}

/** Runs out everything; nanoseconds of each call. */
function runOut(state: Nat64State, nowMs: number): number[] {
  const calls: number[] = [];
  for (;;) {
    const started = ownTime();
    const found = state.expire(nowMs, BUDGET);
    calls.push(since(started));
    if (found === EXPIRED_ALL) return calls;
  }
}

/** The least for a packet of a hot flow: other programs can only add time. */
function hot(state: Nat64State, nowMs: number): { out: number; in: number } {
  const addresses = new Int32Array(HOT);
  const ports = new Int32Array(HOT);
  for (let i = 0; i < HOT; i++) {
    send(state, i, nowMs);
    addresses[i] = state.source4;
    ports[i] = state.sourcePort;
  }
  const back = (i: number): void => {
    const at = i % HOT;
    state.incoming(UDP_BIB, addresses[at], ports[at], 0x08080808 + (at & 1023), 53, 0, nowMs);
  };
  return {
    out: Math.min(...batches(2_000_000, BATCH, (i) => send(state, i % HOT, nowMs))),
    in: Math.min(...batches(2_000_000, BATCH, back)),
  };
}

/** New flows as fast as they go, their clock such that 100,000 come a second, and those of the last five minutes run out. */
function churn(sessions: number): number {
  const random = new Random(2);
  const timers = { ...DEFAULT_TIMERS, udpMs: 2000 };
  const state = new Nat64State({ ...settingsFor(sessions), timers }, () => random.next(), 0);
  const count = Math.min(1_000_000, sessions * 2);
  const started = ownTime();
  for (let i = 0; i < count; i++) {
    const nowMs = i / 100;
    send(state, i, nowMs);
    if ((i & 31) === 0) state.expire(nowMs, 64);
  }
  return count / (since(started) / 1e9);
}

/** Established connections that all run out, in turns as the packet loop takes them; nanoseconds of each turn. */
function probeAll(sessions: number): number[] {
  const { limits, timers, pool } = settingsFor(sessions);
  const nat64 = { ...settingsFor(sessions), pool: pool.map((range) => ({ ...range, protocol: 'tcp' as const })) };
  const random = new Random(3);
  const next = () => random.next();
  const state = new Nat64State(nat64, next, 0);
  const far = 0x08080808;
  for (let i = 0; i < sessions; i++) {
    const port6 = (i / HOSTS) & 0xffff;
    if (state.outgoing(TCP_BIB, 0x20010db8, 0, 0, i % HOSTS, port6, far, 443, SYN, 0) !== TRANSLATED)
      throw new Error(`connection ${i} was refused`);
    state.incoming(TCP_BIB, state.source4, state.sourcePort, far, 443, SYN | ACK, 0);
  }
  const settings = { ...DEFAULT_SETTINGS, prefix: WELL_KNOWN_PREFIX };
  const path = new Nat64Path(state, new FragmentTable({ ...limits, fragmentMs: 2000 }, next), nat64, settings);
  const translator = new Translator(settings, 0, path);
  const [slab, out] = [makeSlab(SPARE_BYTES), makePacketList(2048)];
  const turns: number[] = [];
  let probes = 0;
  for (let isMore = true; isMore; probes += out.count) {
    [out.count, out.spareStart, out.spareEnd] = [0, 0, SPARE_BYTES];
    const started = ownTime();
    isMore = expireSessions(path, translator, slab, out, timers.tcpEstablishedMs + 2000, TURN_BUDGET);
    turns.push(since(started));
  }
  if (probes !== sessions) throw new Error(`${probes} probes for ${sessions} connections`);
  return turns;
}

/** Measures; throws when a flow is refused. */
export function measureNat64(sessions: number): Nat64Report {
  const random = new Random(1);
  // Kept until the end, so that what it takes is not given to the tables that are measured.
  const warmUp = new Nat64State(settingsFor(50_000), () => random.next(), 0);
  for (let round = 0; round < 4; round++) {
    batches(50_000, BATCH, (i) => send(warmUp, i, round * 1_000_000));
    runOut(warmUp, round * 1_000_000 + 500_000);
  }
  const before = process.memoryUsage().rss;
  const state = new Nat64State(settingsFor(sessions), () => random.next(), 0);
  const inserts = batches(sessions, BATCH, (i) => send(state, i, 0));
  const residentBytes = (process.memoryUsage().rss - before) / sessions;
  const tableBytes = state.counters().memoryBytes / sessions;
  const { out, in: back } = hot(state, 1000);
  const step = 7919 * 31;
  const any = batches(sessions, BATCH, (i) => send(state, (i * step) % sessions, 1000));
  const calls = runOut(state, 1_000_000);
  probeAll(Math.min(sessions, 20_000));
  const turns = probeAll(sessions);
  if (warmUp.counters().sessions !== 0) throw new Error('sessions stay');
  return {
    sessions,
    residentBytes,
    tableBytes,
    insertMedian: median(inserts),
    insertBest: Math.min(...inserts),
    hotOut: out,
    hotIn: back,
    anyOut: median(any),
    churnPerSecond: churn(Math.min(sessions, 500_000)),
    expire: calls.reduce((sum, ns) => sum + ns, 0) / sessions,
    expireWorstMs: Math.max(...calls) / 1e6,
    expireMedianMs: median(calls) / 1e6,
    probeWorstMs: Math.max(...turns) / 1e6,
    probeMedianMs: median(turns) / 1e6,
  };
}

function print(r: Nat64Report): void {
  const line = (name: string, value: number, unit: string): void =>
    console.log(`${name.padEnd(48)} ${value.toFixed(1).padStart(10)} ${unit}`);
  line('sessions', r.sessions, '');
  line('memory a session, process', r.residentBytes, 'bytes');
  line('memory a session, by its own account', r.tableBytes, 'bytes');
  line('new binding and session, median', r.insertMedian, 'ns');
  line('new binding and session, best batch', r.insertBest, 'ns');
  line('next packet of one of 1,000 flows, out', r.hotOut, 'ns');
  line('next packet of one of 1,000 flows, in', r.hotIn, 'ns');
  line('next packet of any flow, out', r.anyOut, 'ns');
  line('new UDP sessions sustained', r.churnPerSecond / 1000, 'thousand a second');
  line('a session that runs out', r.expire, 'ns');
  line(`longest call with a budget of ${BUDGET}`, r.expireWorstMs, 'ms');
  line(`median call with a budget of ${BUDGET}`, r.expireMedianMs, 'ms');
  line('longest turn with probes', r.probeWorstMs, 'ms');
  line('median turn with probes', r.probeMedianMs, 'ms');
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  print(measureNat64(Number(process.argv[2] ?? 1_000_000)));
