// The bench: `npm run bench`. Kernel forwarding, tayga and ours side by side in one run, in network namespaces of its own.
// Values of one round are taken one variant after the other, so that drift hits all alike; what counts are the ratios.
//
//     topology.ts  namespaces, offload at the ends        workloads.ts      rows        results.ts  medians, ratios, goals
//     variants.ts  who translates                         traffic.ts        rates       table.ts    text
//     checksums.ts transfers compared, checksums counted  process-costs.ts  start, memory, idle
//     memory.ts    the engine without a device            calm.ts           waits for an idle machine
//     rounds.ts    one row, variant by variant            gateway.ts        the gateway's bench

import { cpus, release } from 'node:os';
import { run } from '../support/netns.ts';
import { Calm } from './calm.ts';
import { type CheckResult, checkChecksums } from './checksums.ts';
import type { MemoryReport } from './memory.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { measureProcess, type ProcessCosts } from './process-costs.ts';
import { atMost, type GoalResult, RATIO_GOALS, type RowResult, ratioGoals } from './results.ts';
import { measureRounds } from './rounds.ts';
import { checksTable, costsTable, goalsTable, memoryTable, throughputTable } from './table.ts';
import { ALL_ON, openTopology, setEndOffload, type Topology } from './topology.ts';
import { startReceivers } from './traffic.ts';
import { startVariants, VARIANTS, type Variant } from './variants.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** Starts from which the time to ready is taken. */
const STARTS = 5;
const READY_MS = 150;
const RESIDENT_MIB = 80;
const NS_PER_PACKET = 25;
/** How long a measurement waits for the machine to be idle otherwise. */
const PATIENCE_MS = 5_000;

interface BenchResult {
  readonly machine: string;
  readonly options: BenchOptions;
  readonly memory: MemoryReport | null;
  readonly rows: readonly RowResult[];
  readonly checks: readonly CheckResult[];
  readonly costs: ProcessCosts | null;
  readonly goals: readonly GoalResult[];
  /** Measurements that began while another program used the machine. */
  readonly disturbed: number;
}

const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, Linux ${release()}, Node ${process.version}`;

/** The engine in memory, in a process of its own: nothing else is compiled or on the heap there. */
async function measureInMemory(): Promise<MemoryReport> {
  const url = new URL('./memory.js', import.meta.url).href;
  const program = `import { measureMemory } from '${url}'; console.log(JSON.stringify(measureMemory()));`;
  const argv = [process.execPath, '--expose-gc', '--input-type=module', '-e', program];
  return JSON.parse(await run(argv, { timeoutMs: 300_000 })) as MemoryReport;
}

async function bench(options: BenchOptions): Promise<BenchResult> {
  const memory = options.withMemory ? await measureInMemory() : null;
  const topology = await openTopology();
  try {
    const calm = new Calm(PATIENCE_MS);
    const variants = await startVariants(topology, options.variants, options.other);
    await startReceivers(topology);
    const rows = options.withThroughput ? await measureRows(topology, variants, options, calm) : [];
    const ours = variants.find(({ id }) => id === 'ours');
    const costs = options.withCosts && ours !== undefined ? await measureProcess(topology, ours, STARTS, calm) : null;
    const translators = variants.filter(({ id }) => id === 'plain' || id === 'ours' || id === 'other');
    const checks = options.withChecks ? await checkChecksums(topology, translators) : [];
    return {
      machine: machine(),
      options,
      memory,
      rows,
      checks,
      costs,
      goals: goalsOf(rows, memory, costs, checks),
      disturbed: calm.disturbed,
    };
  } finally {
    topology.set.close();
  }
}

async function measureRows(
  topology: Topology,
  variants: readonly Variant[],
  options: BenchOptions,
  calm: Calm,
): Promise<RowResult[]> {
  const isWanted = ({ id }: Workload) => options.only.length === 0 || options.only.some((name) => id.startsWith(name));
  const rows: RowResult[] = [];
  for (const workload of WORKLOADS.filter(isWanted)) {
    await setEndOffload(topology, workload.ends);
    const measure = (variant: Variant) => workload.measure(topology, variant, options.seconds);
    rows.push(await measureRounds(workload, variants, options.runs, calm, measure));
  }
  await setEndOffload(topology, ALL_ON);
  return rows;
}

function goalsOf(
  rows: readonly RowResult[],
  memory: MemoryReport | null,
  costs: ProcessCosts | null,
  checks: readonly CheckResult[],
): GoalResult[] {
  const goals = ratioGoals(RATIO_GOALS, rows, (id) => VARIANTS[id]);
  if (memory !== null) {
    const slowest = Math.max(...memory.figures.map(({ nsPerPacket }) => nsPerPacket));
    goals.push(atMost('in memory, slowest case, ns per packet', NS_PER_PACKET, slowest));
    goals.push(atMost('heap growth over a million packets, bytes', 0, memory.heapGrowthBytes));
  }
  if (costs !== null) {
    goals.push(atMost('start to ready, ms', READY_MS, costs.readyMs));
    goals.push(atMost('resident memory under load, MiB', RESIDENT_MIB, costs.residentUnderLoadMiB));
  }
  if (checks.length > 0) {
    const bad = checks.filter(({ isIntact, badChecksums }) => !isIntact || badChecksums > 0).length;
    goals.push(atMost('transfers with damage or a bad checksum', 0, bad));
  }
  return goals;
}

function print(result: BenchResult): void {
  const { options, memory, rows, checks, costs, goals } = result;
  const parts = [
    `${result.machine}; medians of ${options.runs}, ${options.seconds} s each; ${result.disturbed} disturbed`,
  ];
  if (rows.length > 0) parts.push(throughputTable(rows, options.variants));
  if (memory !== null) parts.push(memoryTable(memory));
  if (costs !== null) parts.push(costsTable(costs));
  if (checks.length > 0) parts.push(checksTable(checks));
  if (goals.length > 0) parts.push(goalsTable(goals));
  console.log(parts.join('\n\n'));
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  const result = await bench(options);
  if (options.isJson) console.log(JSON.stringify(result, null, 2));
  else print(result);
  return result.checks.every(({ isIntact, badChecksums }) => isIntact && badChecksums === 0) ? 0 : 1;
}

process.exitCode = await main();
