// How long a client takes: until IPv4 works after the link is up, by a router's word and by DNS64; how long packets are lost when the
// NAT64 prefix becomes another one; and what it takes from the machine while nothing happens.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startResolver } from '../soak/place.ts';
import { type Running, waitFor } from '../support/netns.ts';
import type { RaOrder } from '../support/ra-message.ts';
import { startRouter } from '../support/ra-sender.ts';
import { dns64Resolver, IPV4ONLY_RECORDS, startUnbound } from '../support/unbound.ts';
import {
  advertise,
  type BenchHost,
  type ClientTopology,
  doesAnswer,
  PREFIXES,
  SERVER_IPV4,
  said,
  startClient,
  stopClient,
  waitForIpv4,
} from './client-topology.ts';
import { median } from './results.ts';

/** Milliseconds, medians. */
export interface ClientTimes {
  readonly upByRaMs: number;
  readonly upByDnsMs: number;
  readonly switchLostMs: number;
}

/** What an idle client takes. */
export interface IdleCosts {
  readonly seconds: number;
  readonly wakeUpsPerSecond: number;
  readonly cpuPercent: number;
  readonly residentMiB: number;
}

/** Pings while the prefix changes: one every so often. */
const PING_MS = 20;
const SWITCH_MS = 4000;
const TICKS_PER_SECOND = 100;

const pref64 = (i: 0 | 1, lifetimeSeconds = 600) => ({ prefix: `${PREFIXES[i]}/96`, lifetimeSeconds });

/** A DNS64 on the server that makes addresses of the first prefix, and what it asks. */
async function startDns64({ set, server }: ClientTopology, host: BenchHost): Promise<string> {
  const address = `2001:db8:${host.network}::1`;
  await startUnbound(server, set.directory, 'records', IPV4ONLY_RECORDS);
  await startResolver(server, set.directory, dns64Resolver(address, `${PREFIXES[0]}/96`));
  return address;
}

/** Starts a router on a host's link that advertises and answers. */
async function startRouterFor({ server }: ClientTopology, host: BenchHost, order: Partial<RaOrder>): Promise<Running> {
  const pio = `0304 40c0 00001c20 00000708 00000000 20010db8 ${host.network.padStart(4, '0')} ${'0000'.repeat(5)}`;
  const router = await startRouter(server, { device: host.serverDevice, rawOptions: [pio], ...order });
  await waitFor('the router', () => router.output().includes('answering'));
  return router;
}

/** Takes the link down and up. @returns ms from up until IPv4 answers */
async function linkUp(host: BenchHost): Promise<number> {
  const { ns } = host;
  await ns.ip('link set up0 down');
  await waitFor('the route to go', async () => (await ns.run(['ip', '-4', 'route'])).trim() === '');
  const fromMs = performance.now();
  await ns.ip('link set up0 up');
  await waitFor('IPv4', () => doesAnswer(host, SERVER_IPV4));
  return performance.now() - fromMs;
}

async function timesOf(runs: number, one: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await one());
  return median(times);
}

/** Changes the prefix while pings run. @returns ms of lost pings */
async function switchPrefix(topology: ClientTopology, host: BenchHost, to: 0 | 1): Promise<number> {
  const count = SWITCH_MS / PING_MS;
  const argv = ['ping', '-n', '-c', String(count), '-i', String(PING_MS / 1000), '-W', '1', SERVER_IPV4];
  const pinging = host.ns.runAny(argv);
  await delay(SWITCH_MS / 4);
  await advertise(topology, host, { pref64: [pref64(to), pref64(to === 0 ? 1 : 0, 0)] });
  const { stdout } = await pinging;
  const [, received] = /(\d+) received/.exec(stdout) ?? [];
  if (received === undefined) throw new Error(`ping: ${stdout}`);
  return (count - Number(received)) * PING_MS;
}

/** Measures all times on a host without addresses of its own. Its client runs afterwards. */
export async function measureTimes(topology: ClientTopology, host: BenchHost, runs: number): Promise<ClientTimes> {
  const resolver = await startDns64(topology, host);
  const byRa = await startRouterFor(topology, host, { pref64: [pref64(0)] });
  await startClient(topology, host);
  await waitForIpv4(host);
  const upByRaMs = await timesOf(runs, () => linkUp(host));
  let to: 0 | 1 = 0;
  const switchLostMs = await timesOf(runs, () => {
    to = to === 0 ? 1 : 0;
    return switchPrefix(topology, host, to);
  });
  await byRa.stop();
  await stopClient(host);
  const byDns = await startRouterFor(topology, host, { rdnss: [resolver] });
  await startClient(topology, host);
  await waitForIpv4(host);
  const upByDnsMs = await timesOf(runs, () => linkUp(host));
  await byDns.stop();
  return { upByRaMs, upByDnsMs, switchLostMs };
}

/** Lets a client alone for a while, after it was busy. Its process is the child itself: `env` has become it. */
export async function measureIdle(host: BenchHost, seconds: number): Promise<IdleCosts> {
  await said(host, 'client-ready');
  const pid = host.client?.child.pid;
  if (pid === undefined) throw new Error('no client');
  const before = activity(pid);
  await delay(seconds * 1000);
  const after = activity(pid);
  const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return {
    seconds,
    wakeUpsPerSecond: (after.switches - before.switches) / seconds,
    cpuPercent: (100 * (after.ticks - before.ticks)) / TICKS_PER_SECOND / seconds,
    residentMiB: kib / 1024,
  };
}

/** Processor time, and voluntary context switches: each wake-up of a thread ends in one. */
function activity(pid: number): { readonly ticks: number; readonly switches: number } {
  let ticks = 0;
  let switches = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    switches += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }
  return { ticks, switches };
}
