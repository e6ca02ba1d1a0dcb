// The gateway's bench: `npm run bench:gateway`. What the NAT64 and the DNS64 cost, each beside its peers in the same run. Ratios
// count; the machine that they were taken on, and what else it did, is named with them.
//
//     gateway-lanes.ts     who translates, each in a network of its own   rounds.ts          in which order
//     gateway-sessions.ts  new sessions a second, memory, pauses          workloads.ts       which traffic
//     gateway-flood.ts     where new sessions come from                   gateway-report.ts  tables and goals
//     nat64-memory.ts      the NAT64's tables without a device            dns64.ts           answers out of the cache

import { cpus, loadavg, release } from 'node:os';
import { run } from '../support/netns.ts';
import { Calm } from './calm.ts';
import { measureDns64 } from './dns64.ts';
import { type Lane, type LaneId, openLanes } from './gateway-lanes.ts';
import { type GatewayBenchOptions, readGatewayOptions, USAGE } from './gateway-options.ts';
import { type GatewayBenchResult, gatewayGoals, gatewayText } from './gateway-report.ts';
import { measureSessions } from './gateway-sessions.ts';
import type { Nat64Report } from './nat64-memory.ts';
import { processorSeconds } from './processor-time.ts';
import type { RowResult } from './results.ts';
import { measureRounds } from './rounds.ts';
import { setEndOffload } from './topology.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const ROWS = ['tcp1-up', 'tcp1-down', 'udp-small-up', 'udp-small-down'];
const MILLION = 1_000_000;
/** How long a measurement waits for the machine to be idle otherwise. */
const PATIENCE_MS = 5_000;

async function measureTraffic({ lanes: ids, runs, seconds }: GatewayBenchOptions, calm: Calm) {
  const lanes = await openLanes(ids);
  try {
    const rows: RowResult<LaneId>[] = [];
    for (const workload of WORKLOADS.filter(({ id }) => ROWS.includes(id))) {
      for (const { topology } of lanes) await setEndOffload(topology, workload.ends);
      rows.push(...(await measureBoth(workload, lanes, runs, seconds, calm)));
    }
    return rows;
  } finally {
    for (const { topology } of lanes) topology.set.close();
  }
}

/** A row, and where there is only the worker's own core to share, the same by the second of processor time of the program. */
async function measureBoth(workload: Workload, lanes: readonly Lane[], runs: number, seconds: number, calm: Calm) {
  const { id, title, unit } = workload;
  const costs: Partial<Record<LaneId, number[]>> = {};
  const row = await measureRounds(workload, lanes, runs, calm, async (lane) => {
    const pid = lane.process?.child.pid;
    const before = pid === undefined ? 0 : processorSeconds(pid);
    const value = await workload.measure(lane.topology, lane, seconds);
    if (pid !== undefined) {
      costs[lane.id] ??= [];
      costs[lane.id]?.push((value * seconds) / (processorSeconds(pid) - before));
    }
    return value;
  });
  const isPerCore = id.startsWith('udp-small');
  const cost = { id: `cost-${id}`, title: `${title}, by the program’s own processor time`, unit, values: costs };
  return isPerCore ? [row, cost] : [row];
}

/** The tables, in a process of its own: nothing else is compiled or on the heap there. */
async function measureTables(sessions: number): Promise<Nat64Report> {
  const url = new URL('./nat64-memory.js', import.meta.url).href;
  const program = `import { measureNat64 } from '${url}'; console.log(JSON.stringify(measureNat64(${sessions})));`;
  const argv = [process.execPath, '--input-type=module', '-e', program];
  return JSON.parse(await run(argv, { timeoutMs: 600_000 })) as Nat64Report;
}

const note = (what: string): void => void process.stderr.write(`${what} …\n`);

async function tablesOf({ isQuick }: GatewayBenchOptions): Promise<Nat64Report[]> {
  const reports: Nat64Report[] = [];
  for (const sessions of isQuick ? [MILLION / 2] : [MILLION, 4 * MILLION]) {
    note(`tables, ${sessions} sessions`);
    reports.push(await measureTables(sessions));
  }
  return reports;
}

async function dns64Of({ isQuick, runs, seconds }: GatewayBenchOptions, calm: Calm) {
  note('DNS64, 1,000 names');
  const speed = await measureDns64({ rounds: runs, seconds, count: 1000 }, calm);
  note('DNS64, 100,000 names');
  const many = isQuick ? null : await measureDns64({ rounds: 1, seconds, count: 100_000 }, calm);
  return { speed, many };
}

async function sessionsOf({ isQuick }: GatewayBenchOptions) {
  const scale = isQuick ? { paced: MILLION / 4, flatOut: MILLION / 4 } : { paced: MILLION, flatOut: 3 * MILLION };
  note(`sessions over the data path, ${scale.paced} and ${scale.flatOut}; two minutes and more`);
  return measureSessions(scale);
}

async function bench(options: GatewayBenchOptions): Promise<GatewayBenchResult> {
  const calm = new Calm(PATIENCE_MS);
  const { parts, lanes, runs, seconds } = options;
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}`;
  const load = loadavg()[1] ?? Number.NaN;
  const rows = parts.includes('traffic') ? await measureTraffic(options, calm) : [];
  const tables = parts.includes('tables') ? await tablesOf(options) : [];
  const dns64 = parts.includes('dns64') ? await dns64Of(options, calm) : null;
  const sessions = parts.includes('sessions') ? await sessionsOf(options) : null;
  return {
    machine: `${processor}, Linux ${release()}, Node ${process.version}, load before the run ${load.toFixed(1)}`,
    ...{ lanes, runs, seconds, rows, tables, dns64, sessions },
    disturbed: calm.disturbed,
  };
}

async function main(): Promise<void> {
  const options = readGatewayOptions(process.argv.slice(2));
  if (options === null) {
    console.log(USAGE);
    return;
  }
  const result = await bench(options);
  console.log(
    options.isJson ? JSON.stringify({ ...result, goals: gatewayGoals(result) }, null, 2) : gatewayText(result),
  );
}

await main();
