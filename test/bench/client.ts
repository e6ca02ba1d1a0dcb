// The client's bench: `npm run bench:client`. Redirect uplink, forwarding uplink and native IPv6 side by side in one run, how long the
// client takes to come up and to move, what it takes while idle. `--quick`: one round, and ten seconds of idleness.
//
//     client-topology.ts  the hosts and their server       client-speed.ts  TCP, round trips
//     client-times.ts     up, switched, idle               calm.ts          waits for an idle machine

import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { Calm } from './calm.ts';
import { measureSpeed, startServer, type UplinkHosts, type UplinkRow, type UplinkVariant } from './client-speed.ts';
import { type ClientTimes, type IdleCosts, measureIdle, measureTimes } from './client-times.ts';
import {
  addHost,
  type ClientTopology,
  openClientTopology,
  PREFIXES,
  startClient,
  waitForIpv4,
} from './client-topology.ts';
import { atLeast, atMost, type GoalResult, median, ratio } from './results.ts';
import { goalsTable } from './table.ts';

/** How long a measurement waits for the machine to be idle otherwise. */
const PATIENCE_MS = 5_000;

/** The median of the differences of single rounds: what else the machine did hit both values of a round alike. */
const difference = ({ values }: UplinkRow, of: UplinkVariant, to: UplinkVariant): number =>
  median(values[of].map((value, round) => value - (values[to][round] ?? Number.NaN)));

async function hostsOf(topology: ClientTopology): Promise<UplinkHosts> {
  const hosts = {
    native: await addHost(topology, 'native', true),
    redirect: await addHost(topology, 'redirect', true),
    forwarding: await addHost(topology, 'forwarding', true),
  };
  for (const mode of ['redirect', 'forwarding'] as const) {
    await startClient(topology, hosts[mode], '--prefix', `${PREFIXES[0]}/96`, '--uplink-mode', mode);
    await waitForIpv4(hosts[mode]);
  }
  return hosts;
}

function goalsOf(rows: readonly UplinkRow[], times: ClientTimes, idle: IdleCosts): GoalResult[] {
  const speed = rows.flatMap((row): GoalResult[] =>
    row.unit === 'µs'
      ? [atMost(`added ${row.title}, redirect − native, µs`, 30, difference(row, 'redirect', 'native'))]
      : [
          atLeast(`${row.title}: redirect / forwarding`, 0.95, ratio(row, 'redirect', 'forwarding') ?? Number.NaN),
          atLeast(`${row.title}: redirect / native`, 0.85, ratio(row, 'redirect', 'native') ?? Number.NaN),
        ],
  );
  return [
    ...speed,
    atMost('link up to IPv4 by RA, ms', 2000, times.upByRaMs),
    atMost('link up to IPv4 by RFC 7050, ms', 3000, times.upByDnsMs),
    atMost('lost at a change of prefix, ms', 1000, times.switchLostMs),
    atMost('idle wake-ups per second', 1, idle.wakeUpsPerSecond),
    atMost('idle processor time, %', 0, idle.cpuPercent),
    atMost('resident memory, MiB', 80, idle.residentMiB),
  ];
}

function speedTable(rows: readonly UplinkRow[]): string {
  const number = (values: readonly number[]): string => median(values).toFixed(2);
  const body = rows.map(({ title, unit, values: { native, redirect, forwarding } }) =>
    ['', title, unit, number(native), number(redirect), number(forwarding), ''].join(' | ').trim(),
  );
  return ['|  | unit | native IPv6 | redirect | forwarding |', '| --- | --- | --: | --: | --: |', ...body].join('\n');
}

async function bench(isQuick: boolean): Promise<void> {
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  const calm = new Calm(PATIENCE_MS);
  const topology = await openClientTopology();
  try {
    const hosts = await hostsOf(topology);
    await startServer(topology);
    const runs = isQuick ? 1 : 5;
    const rows = await measureSpeed(hosts, { runs, seconds: isQuick ? 1 : 2 }, () => calm.wait(), note);
    const discovering = await addHost(topology, 'discovering', false);
    const times = await measureTimes(topology, discovering, runs);
    note('idle');
    const idle = await measureIdle(hosts.redirect, isQuick ? 10 : 60);
    const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, Linux ${release()}, Node ${process.version}`;
    const load = loadavg()[1]?.toFixed(1) ?? '';
    console.log(`${machine}; medians of ${runs}; ${calm.disturbed} disturbed, load ${load}\n`);
    console.log(`${speedTable(rows)}\n\n${goalsTable(goalsOf(rows, times, idle))}`);
  } finally {
    topology.set.close();
  }
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
await bench(values.quick);
