// The results as text: Markdown tables, which also stand in docs/performance.md. Pure.

import type { CheckResult } from './checksums.ts';
import type { MemoryReport } from './memory.ts';
import type { ProcessCosts } from './process-costs.ts';
import { type GoalResult, median, type RowResult, ratio } from './results.ts';
import { VARIANTS, type VariantId } from './variants.ts';

/** “–” for what was not measured. */
const number = (value: number): string =>
  Number.isNaN(value) ? '–' : value >= 100 ? value.toFixed(0) : value.toFixed(2);
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The translator's rows: the variants' medians, and the ratios that count. */
export function throughputTable(rows: readonly RowResult[], variants: readonly VariantId[]): string {
  const ratios = (
    [
      ['ours', 'kernel6'],
      ['ours', 'tayga'],
      ['plain', 'tayga'],
      ['other', 'ours'],
    ] as const
  ).filter(([of, to]) => variants.includes(of) && variants.includes(to));
  return rowsTable(rows, variants, (id) => VARIANTS[id], ratios);
}

/**
 * One column each for the medians of `ids`, and one for each ratio.
 * @param title what is compared, for the head
 */
export function rowsTable<Id extends string>(
  rows: readonly RowResult<Id>[],
  ids: readonly Id[],
  title: (id: Id) => string,
  ratios: readonly (readonly [of: Id, to: Id])[],
): string {
  const head = ['', 'unit', ...ids.map(title), ...ratios.map(([of, to]) => `${of} / ${to}`)];
  const body = rows.map((row) => [
    row.title,
    row.unit,
    ...ids.map((id) => number(median(row.values[id] ?? []))),
    ...ratios.map(([of, to]) => number(ratio(row, of, to) ?? Number.NaN)),
  ]);
  return [head, head.map((_, i) => (i < 2 ? '---' : '--:')), ...body].map(line).join('\n');
}

/** The engine without a device. */
export function memoryTable({ figures, heapGrowthBytes }: MemoryReport): string {
  const body = figures.map(({ name, nsPerPacket }) => [`${name}, ns per packet`, nsPerPacket.toFixed(1)]);
  const growth = ['heap growth over a million packets, bytes', String(heapGrowthBytes)];
  return [['in memory', 'measured'], ['---', '--:'], ...body, growth].map(line).join('\n');
}

/** The program's own costs. */
export function costsTable(costs: ProcessCosts): string {
  return [
    ['', 'measured'],
    ['---', '--:'],
    ['start of the process to ready, ms', number(costs.readyMs)],
    ['resident memory under load, MiB', number(costs.residentUnderLoadMiB)],
    ['resident memory, largest since the start, MiB', number(costs.residentPeakMiB)],
    ['processor time while idle, % of a core', number(costs.idlePercent)],
    ['wake-ups while idle, per second', number(costs.idleWakeUps)],
  ]
    .map(line)
    .join('\n');
}

/** Reached and missed goals. */
export function goalsTable(goals: readonly GoalResult[]): string {
  const body = goals.map(({ title, wanted, measured, isReached }) => [
    title,
    number(wanted),
    number(measured),
    isReached ? 'reached' : '**missed**',
  ]);
  return [['goal', 'wanted', 'measured', ''], ['---', '--:', '--:', '---'], ...body].map(line).join('\n');
}

/** The transfers that were compared byte by byte. */
export function checksTable(checks: readonly CheckResult[]): string {
  const body = checks.map(({ title, isIntact, badChecksums }) => [
    title,
    isIntact ? 'identical' : '**differs**',
    String(badChecksums),
  ]);
  return [['transfer', 'content', 'bad checksums'], ['---', '---', '--:'], ...body].map(line).join('\n');
}
