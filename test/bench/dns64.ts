// DNS64 out of the cache beside unbound's: `node dist/test/bench/dns64.js [--seconds N] [--rounds N] [--names N]`. Both have one core, the
// other one is dnsperf's; both synthesise the same names behind the same resolver. What counts are ratios of one run: answers per second, answers
// per second of processor time (which other programs on this machine do not change), and the latency that 99 of 100 answers stay below.

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Dns64Child, startDns64Child } from '../support/dns64-child.ts';
import { type Netns, openTestSet, type Running, waitFor } from '../support/netns.ts';
import { Calm } from './calm.ts';
import { processorSeconds } from './processor-time.ts';
import { median } from './results.ts';

const OURS_PORT = 5301;
const UNBOUND_PORT = 5302;
const BACKEND_PORT = 5303;
/** Both start cold, and V8 compiles what is hot. */
const WARM_SECONDS = 2;
/** Queries on their way at once: with dnsperf's 100 it is dnsperf that is waited for, with 1,000 unbound loses some. */
const OUTSTANDING = '300';
/** Queries in a second while latency is measured: both have time to spare. */
const PACE = 20_000;
const PATIENCE_MS = 20_000;

/** One run of dnsperf. */
interface Rate {
  readonly perSecond: number;
  readonly perProcessorSecond: number;
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: Running;
}

const unboundConfig = (directory: string, port: number, rest: string): string => `server:
  directory: "${directory}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  interface: ::1@${port}
  access-control: ::0/0 allow
  do-not-query-localhost: no
  msg-cache-size: 256m
  rrset-cache-size: 256m
${rest}`;

/** Every name below bench.example has the same A record. */
const BACKEND = `  local-zone: "bench.example." redirect
  local-data: "bench.example. 86400 IN A 198.51.100.7"
  local-data: "bench.example. 86400 IN SOA ns.bench.example. root.bench.example. 1 3600 600 86400 86400"
`;

const FRONTEND = `  module-config: "dns64 iterator"
  dns64-prefix: 2001:db8:64::/96
forward-zone:
  name: "."
  forward-addr: ::1@${BACKEND_PORT}
`;

async function startUnbound(ns: Netns, directory: string, port: number, rest: string, core: string): Promise<Running> {
  const file = `${directory}/unbound-${port}.conf`;
  writeFileSync(file, unboundConfig(directory, port, rest));
  const running = await ns.start(['taskset', '-c', core, 'unbound', '-d', '-c', file]);
  await waitFor('unbound', async () => (await ns.run(['ss', '-Hlun', 'sport', '=', `:${port}`])) !== '');
  return running;
}

/** `taskset` and `ip netns exec` become the program that they start. */
const pidOf = (server: Server): number => server.process.child.pid ?? 0;

const dnsperf = (port: number, names: string, seconds: number, more: readonly string[] = []): string[] => [
  ...['taskset', '-c', '1', 'dnsperf', '-s', '::1', '-p', String(port), '-d', names],
  ...['-l', String(seconds), '-c', '8', '-T', '1', ...more],
];

async function measureRate(ns: Netns, server: Server, names: string, seconds: number): Promise<Rate> {
  const options = { timeoutMs: (seconds + 20) * 1000 };
  const before = processorSeconds(pidOf(server));
  const text = await ns.run(dnsperf(server.port, names, seconds, ['-q', OUTSTANDING]), options);
  const used = processorSeconds(pidOf(server)) - before;
  const completed = Number(/Queries completed:\s+(\d+)/.exec(text)?.[1]);
  const lost = Number(/Queries lost:\s+(\d+)/.exec(text)?.[1]);
  const noError = Number(/NOERROR (\d+)/.exec(text)?.[1]);
  if (lost > completed / 1000 || noError < completed)
    throw new Error(`${server.name} answered wrongly:\n${text.replace(/^\[Timeout\].*\n/gm, '')}`);
  return { perSecond: Number(/Queries per second:\s+([\d.]+)/.exec(text)?.[1]), perProcessorSecond: completed / used };
}

/** Milliseconds that 99 of 100 answers stay below, at a pace that both can keep. */
async function measureLatency(ns: Netns, server: Server, names: string, seconds: number): Promise<number> {
  const options = { timeoutMs: (seconds + 20) * 1000 };
  const text = await ns.run(dnsperf(server.port, names, seconds, ['-v', '-Q', String(PACE)]), options);
  const times = [...text.matchAll(/^> NOERROR \S+ AAAA ([\d.]+)$/gm)].map(([, time]) => Number(time) * 1000);
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function startServers(ns: Netns, directory: string): Promise<{ servers: Server[]; ours: Dns64Child }> {
  await startUnbound(ns, directory, BACKEND_PORT, BACKEND, '1');
  const unbound = await startUnbound(ns, directory, UNBOUND_PORT, FRONTEND, '0');
  const pinned: Netns = { ...ns, start: (argv, env) => ns.start(['taskset', '-c', '0', ...argv], env) };
  const ours = await startDns64Child(pinned, directory, {
    listen: [{ address: '::1', port: OURS_PORT }],
    forwarders: [{ address: '::1', port: BACKEND_PORT, tlsName: null }],
    prefixes: ['2001:db8:64::/96'],
    maxOutstandingPerClient: 4096,
  });
  const servers = [
    { name: 'ours', port: OURS_PORT, process: ours.running },
    { name: 'unbound', port: UNBOUND_PORT, process: unbound },
  ];
  return { servers, ours };
}

function writeNames(directory: string, count: number): string {
  const file = `${directory}/names`;
  writeFileSync(file, Array.from({ length: count }, (_, i) => `name${i}.bench.example AAAA\n`).join(''));
  return file;
}

/** A figure of both in the same run: each round's value. */
interface Pair {
  readonly title: string;
  readonly ours: readonly number[];
  readonly unbound: readonly number[];
}

/** What {@link measureDns64} returns. */
export interface Dns64BenchReport {
  /** Answers per second, and per second of processor time. */
  readonly rate: Pair;
  readonly perProcessorSecond: Pair;
  /** Milliseconds that 99 of 100 answers stay below. */
  readonly p99: Pair;
  /** MiB that the process grew by with all names in its cache. */
  readonly residentMiB: Pair;
  readonly names: number;
  /** What our cache says itself. */
  readonly cachedMiB: number;
}

interface Values {
  readonly rate: number[];
  readonly cpu: number[];
  readonly p99: number[];
}

async function measureServer(ns: Netns, server: Server, names: string, seconds: number, values: Values): Promise<void> {
  const { perSecond, perProcessorSecond } = await measureRate(ns, server, names, seconds);
  values.rate.push(perSecond);
  values.cpu.push(perProcessorSecond);
  values.p99.push(await measureLatency(ns, server, names, seconds));
}

/** Each name once, slowly enough to be found; then as fast as it goes. @returns MiB that the names took */
async function fill(ns: Netns, server: Server, names: string): Promise<number> {
  const before = residentMiB(pidOf(server));
  await ns.run(dnsperf(server.port, names, 240, ['-n', '1', '-q', '50']), { timeoutMs: 260_000 });
  const grown = residentMiB(pidOf(server)) - before;
  await ns.run(dnsperf(server.port, names, WARM_SECONDS), { timeoutMs: 30_000 });
  return grown;
}

/**
 * Measures, one server after the other each round. @param count names that are asked for
 * @param calm waits for the machine to be idle otherwise
 */
export async function measureDns64(
  { seconds, rounds, count }: { readonly seconds: number; readonly rounds: number; readonly count: number },
  calm: Calm,
): Promise<Dns64BenchReport> {
  const set = openTestSet();
  try {
    const ns = await set.add('dns64');
    const { servers, ours } = await startServers(ns, set.directory);
    const names = writeNames(set.directory, count);
    const values = servers.map((): Values => ({ rate: [], cpu: [], p99: [] }));
    const grown: number[] = [];
    for (const server of servers) grown.push(await fill(ns, server, names));
    for (let round = 0; round < rounds; round++) {
      for (const [i, server] of servers.entries()) {
        await calm.wait();
        await measureServer(ns, server, names, seconds, values[i] as Values);
      }
    }
    const [a, b] = values as [Values, Values];
    const [own, other] = grown as [number, number];
    const { cache } = await ours.report();
    return {
      rate: { title: 'answers per second', ours: a.rate, unbound: b.rate },
      perProcessorSecond: { title: 'answers per second of processor time', ours: a.cpu, unbound: b.cpu },
      p99: { title: `p99 at ${PACE} a second, ms`, ours: a.p99, unbound: b.p99 },
      residentMiB: { title: `growth by ${count} names, MiB`, ours: [own], unbound: [other] },
      names: cache.entries,
      cachedMiB: cache.bytes / 1024 / 1024,
    };
  } finally {
    set.close();
  }
}

const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(3));

/** Both medians and the ratio, a row each. */
export function dns64Table({ rate, perProcessorSecond, p99, residentMiB }: Dns64BenchReport): string {
  const rows = [rate, perProcessorSecond, p99, residentMiB].map(({ title, ours, unbound }) => {
    const [a, b] = [median([...ours]), median([...unbound])];
    return `| ${title} | ${figure(a)} | ${figure(b)} | ${(a / b).toFixed(2)} |`;
  });
  return ['| DNS64 | ours | Unbound | ratio |', '| --- | --: | --: | --: |', ...rows].join('\n');
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, rounds: text, names: text } });
  const { seconds = 3, rounds = 3, names = 1000 } = values;
  const calm = new Calm(PATIENCE_MS);
  const report = await measureDns64({ seconds: Number(seconds), rounds: Number(rounds), count: Number(names) }, calm);
  console.log(dns64Table(report));
  console.log(`cache: ${report.names} answers in ${figure(report.cachedMiB)} MiB`);
  if (calm.disturbed > 0) console.log(`${calm.disturbed} measurements were disturbed by other programs`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
