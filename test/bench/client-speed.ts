// How fast packets of a host go with each kind of uplink, against native IPv6: TCP by iperf3, round trips by ping.

import { cpus } from 'node:os';
import { run, waitFor } from '../support/netns.ts';
import { type BenchHost, type ClientTopology, SERVER_IPV4, SERVER_IPV6 } from './client-topology.ts';
import { median } from './results.ts';

/** What is compared. */
export type UplinkVariant = 'native' | 'redirect' | 'forwarding';

/** The hosts, one for each. */
export type UplinkHosts = Readonly<Record<UplinkVariant, BenchHost>>;

/** One row: all values of each variant, in the order in which they were measured. */
export interface UplinkRow {
  readonly title: string;
  readonly unit: string;
  readonly values: Readonly<Record<UplinkVariant, readonly number[]>>;
}

type Measure = (host: BenchHost, server: string) => Promise<number>;

const PORT = 5201;
const ALL_CORES = `0-${cpus().length - 1}`;
const VARIANTS: readonly UplinkVariant[] = ['native', 'redirect', 'forwarding'];
/** Pings of one measurement, and the pause between two: short enough that no core falls asleep deeply in between. */
const PINGS = 500;
const PAUSE_SECONDS = 0.002;
/** Packets before the first measurement: V8 has compiled the packet path by then. */
const WARM_UP = 20_000;

/** Starts iperf3's server. */
export async function startServer({ server }: ClientTopology): Promise<void> {
  await server.start(['iperf3', '-s', '-p', String(PORT)]);
  await waitFor('the iperf3 server', async () =>
    (await server.run(['ss', '-Hltn', 'sport', '=', `:${PORT}`])).includes(`:${PORT}`),
  );
}

/** Gbit/s of payload of one connection. */
const tcp =
  (isDown: boolean, seconds: number): Measure =>
  async ({ ns }, server) => {
    const argv = ['iperf3', '-c', server, '-p', String(PORT), '-C', 'cubic', '-J', '-O', '0.5', '-t', String(seconds)];
    const { stdout, stderr } = await ns.runAny([...argv, ...(isDown ? ['-R'] : [])], { timeoutMs: 60_000 });
    const report = JSON.parse(stdout) as { end?: { sum_received?: { bits_per_second: number } }; error?: string };
    const received = report.end?.sum_received?.bits_per_second;
    if (received === undefined) throw new Error(`iperf3 in ${ns.name}: ${report.error ?? stderr}`);
    return received / 1e9;
  };

const bound = (cores: string, argv: readonly string[]): string[] => ['taskset', '--cpu-list', cores, ...argv];

/** Binds all threads of a host's programs to some cores. */
async function bind({ ns }: BenchHost, cores: string): Promise<void> {
  const pids = (await run(['ip', 'netns', 'pids', ns.name])).split('\n').filter((pid) => pid !== '');
  for (const pid of pids) await run(['taskset', '--all-tasks', '--cpu-list', '--pid', cores, pid]);
}

/** The median round trip in µs, by the cores that the scheduler chooses. */
const roundTrip: Measure = (host, server) => ping(host, server, ALL_CORES);

/** The same with the client and ping on one core: what the packet's way costs without waking a sleeping core. */
const roundTripOnOneCore: Measure = async (host, server) => {
  await bind(host, '0');
  const median = await ping(host, server, '0');
  await bind(host, ALL_CORES);
  return median;
};

async function ping({ ns }: BenchHost, server: string, cores: string): Promise<number> {
  const argv = bound(cores, ['ping', '-n', '-c', String(PINGS), '-i', String(PAUSE_SECONDS), '-W', '1', server]);
  const times = [...(await ns.run(argv)).matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms) * 1000);
  return median(times);
}

/** Measures everything, one variant after the other, every other round backwards. @param note told of each value */
export async function measureSpeed(
  hosts: UplinkHosts,
  { runs, seconds }: { readonly runs: number; readonly seconds: number },
  calm: () => Promise<void>,
  note: (line: string) => void,
): Promise<UplinkRow[]> {
  for (const id of ['redirect', 'forwarding'] as const) {
    await hosts[id].ns.run(['ping', '-f', '-q', '-c', String(WARM_UP), SERVER_IPV4], { timeoutMs: 120_000 });
  }
  const rows: UplinkRow[] = [];
  for (const [title, unit, measure] of [
    ['TCP ×1 up', 'Gbit/s', tcp(false, seconds)],
    ['TCP ×1 down', 'Gbit/s', tcp(true, seconds)],
    ['round trip', 'µs', roundTrip],
    ['round trip, all on one core', 'µs', roundTripOnOneCore],
  ] as const) {
    const values: Record<UplinkVariant, number[]> = { native: [], redirect: [], forwarding: [] };
    for (let round = 0; round < runs; round++) {
      for (const id of round % 2 === 0 ? VARIANTS : VARIANTS.toReversed()) {
        await calm();
        const value = await measure(hosts[id], id === 'native' ? SERVER_IPV6 : SERVER_IPV4);
        values[id].push(value);
        note(`${title}, round ${round + 1}, ${id}: ${value.toFixed(2)} ${unit}`);
      }
    }
    rows.push({ title, unit, values });
  }
  return rows;
}
