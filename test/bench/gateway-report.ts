// The gateway's results as Markdown, which also stands in docs/performance.md, and its goals. Pure.

import { type Dns64BenchReport, dns64Table } from './dns64.ts';
import { LANES, type LaneId } from './gateway-lanes.ts';
import { PACE, type RoundTrips, type SessionReport } from './gateway-sessions.ts';
import type { Nat64Report } from './nat64-memory.ts';
import { atLeast, atMost, type GoalResult, median, type RatioGoal, type RowResult, ratioGoals } from './results.ts';
import { goalsTable, rowsTable } from './table.ts';

/** Everything that a run measured. */
export interface GatewayBenchResult {
  readonly machine: string;
  readonly lanes: readonly LaneId[];
  readonly runs: number;
  readonly seconds: number;
  readonly rows: readonly RowResult<LaneId>[];
  /** Sizes rising. */
  readonly tables: readonly Nat64Report[];
  readonly dns64: { readonly speed: Dns64BenchReport; readonly many: Dns64BenchReport | null } | null;
  readonly sessions: SessionReport | null;
  /** Measurements that began while another program used the machine. */
  readonly disturbed: number;
}

const RATIO_GOALS: readonly RatioGoal<LaneId>[] = [
  { rows: /^tcp1/, of: 'routed', to: 'stateless', atLeast: 0.9 },
  { rows: /udp-small/, of: 'routed', to: 'stateless', atLeast: 0.9 },
];

const RATIOS: readonly (readonly [LaneId, LaneId])[] = [
  ['routed', 'stateless'],
  ['shared', 'routed'],
  ['masquerade', 'routed'],
  ['routed', 'nat44'],
  ['routed', 'tayga'],
];

/** The goals that this run can answer. */
export function gatewayGoals({ rows, tables, dns64, sessions }: GatewayBenchResult): GoalResult[] {
  return [
    ...ratioGoals(RATIO_GOALS, rows, (id) => LANES[id]),
    ...tables.flatMap(tableGoals),
    ...(sessions === null ? [] : sessionGoals(sessions)),
    ...(dns64 === null ? [] : dns64Goals(dns64.speed, dns64.many)),
  ];
}

/** One machine's worth of memory for four million sessions. */
const GIB = 1024 ** 3;
const MANY = 4_000_000;

function tableGoals(r: Nat64Report): GoalResult[] {
  const count = `${r.sessions / 1e6} M sessions`;
  const bytes = atMost(`${count}, bytes each`, 80, r.residentBytes);
  if (r.sessions >= MANY) return [bytes, atMost(`${count}, GiB`, 1, (r.residentBytes * r.sessions) / GIB)];
  return [
    bytes,
    atMost(`${count}, hot look-up, ns`, 30, Math.max(r.hotOut, r.hotIn)),
    atMost(`${count}, insert, ns`, 300, r.insertMedian),
    atLeast(`${count}, new ones in memory, thousand a second`, 100, r.churnPerSecond / 1000),
    atMost(`${count} run out at once, longest call, ms`, 5, r.expireWorstMs),
  ];
}

function sessionGoals({ paced, perProcessorSecond }: SessionReport): GoalResult[] {
  const offered = `of ${PACE / 1000} k new sessions a second offered, thousand a second`;
  return [
    atLeast(`data path, ${offered}`, PACE / 1000 / 1.01, paced.arrived / paced.seconds / 1000),
    atLeast(
      'data path, thousand new sessions by a second of its processor time',
      PACE / 1000,
      perProcessorSecond / 1000,
    ),
  ];
}

function dns64Goals({ rate, p99 }: Dns64BenchReport, many: Dns64BenchReport | null): GoalResult[] {
  const ratio = ({ ours, unbound }: typeof rate): number => median(ours.map((value, i) => value / unbound[i]));
  return [
    atLeast('DNS64 answers per second, ours / Unbound', 1, ratio(rate)),
    atMost('DNS64 p99, ours / Unbound', 1.5, ratio(p99)),
    ...(many === null ? [] : [atMost('DNS64, 100,000 names, MiB', 100, median(many.residentMiB.ours))]),
  ];
}

const line = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

function tablesTable(reports: readonly Nat64Report[]): string {
  const row = (title: string, value: (report: Nat64Report) => number): string =>
    line(title, ...reports.map((report) => value(report).toFixed(1)));
  return [
    line('tables in memory', ...reports.map(({ sessions }) => `${sessions / 1e6} M sessions`)),
    line('---', ...reports.map(() => '--:')),
    row('bytes a session, process', (r) => r.residentBytes),
    row('first packet of a flow, ns', (r) => r.insertMedian),
    row('next packet of one of 1,000 flows, out, ns', (r) => r.hotOut),
    row('next packet of one of 1,000 flows, in, ns', (r) => r.hotIn),
    row('next packet of any flow, out, ns', (r) => r.anyOut),
    row('new sessions while as many run out, thousand a second', (r) => r.churnPerSecond / 1000),
    row('a session that runs out, ns', (r) => r.expire),
    row('all run out at once: longest call, ms', (r) => r.expireWorstMs),
  ].join('\n');
}

function sessionsTable({ paced, flatOut, quiet, expiring, ...rest }: SessionReport): string {
  const rate = ({ arrived, seconds }: typeof paced): string => (arrived / seconds / 1000).toFixed(1);
  const lost = ({ sent, arrived }: typeof paced): string => `${((100 * (sent - arrived)) / sent).toFixed(2)} %`;
  const trips = ({ median, p999, longest, lost }: RoundTrips): string =>
    `${median.toFixed(2)} / ${p999.toFixed(2)} / ${longest.toFixed(1)}, ${lost} lost`;
  return [
    line('sessions over the data path', 'measured'),
    line('---', '--:'),
    line(`${paced.sent} at ${PACE / 1000} k a second: k a second that passed`, rate(paced)),
    line('of these lost', lost(paced)),
    line('k by the second of the program’s own processor time', (rest.perProcessorSecond / 1000).toFixed(1)),
    line(`${flatOut.sent} more, as fast as the sender goes: k a second that passed`, rate(flatOut)),
    line('of these lost', lost(flatOut)),
    line('sessions then', String(rest.sessions)),
    line('growth of the process, bytes a session', rest.bytesPerSession.toFixed(1)),
    line('resident memory, MiB', rest.residentMiB.toFixed(0)),
    line('round trip before, ms: median / p99.9 / longest', trips(quiet)),
    line(`round trip while ${rest.expired} ran out`, trips(expiring)),
  ].join('\n');
}

/** All of it, for people. */
export function gatewayText(result: GatewayBenchResult): string {
  const { machine, lanes, runs, seconds, rows, tables, dns64, sessions, disturbed } = result;
  const ratios = RATIOS.filter((pair) => pair.every((id) => lanes.includes(id)));
  const goals = gatewayGoals(result);
  return [
    `${machine}; medians of ${runs}, ${seconds} s each; ${disturbed} disturbed`,
    ...(rows.length > 0 ? [rowsTable(rows, lanes, (id) => LANES[id], ratios)] : []),
    ...(tables.length > 0 ? [tablesTable(tables)] : []),
    ...(sessions === null ? [] : [sessionsTable(sessions)]),
    ...(dns64 === null ? [] : [dns64Table(dns64.speed), ...(dns64.many === null ? [] : [dns64Table(dns64.many)])]),
    ...(goals.length > 0 ? [goalsTable(goals)] : []),
  ].join('\n\n');
}
