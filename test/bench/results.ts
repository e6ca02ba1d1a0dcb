// What was measured, reduced: medians, ratios, and the goals held against them. Pure.

import type { VariantId } from './variants.ts';

/** All values of one row, in the order in which they were measured. */
export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly values: { readonly [variant in VariantId]?: readonly number[] };
}

/** A goal and what came of it. */
export interface GoalResult {
  readonly title: string;
  readonly wanted: number;
  readonly measured: number;
  readonly isReached: boolean;
}

/** The middle value; the mean of the two middle ones for an even number. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/**
 * The ratio of two variants in a row: the median of the ratios of the single rounds, because the two values of one round
 * were taken within seconds and what else the machine did then hit both. undefined where one of them was not measured.
 */
export function ratio(row: RowResult, of: VariantId, to: VariantId): number | undefined {
  const above = row.values[of];
  const below = row.values[to];
  if (above === undefined || below === undefined || above.length === 0) return undefined;
  return median(above.map((value, round) => value / below[round]));
}

interface RatioGoal {
  readonly rows: RegExp;
  readonly of: VariantId;
  readonly to: VariantId;
  readonly atLeast: number;
}

const RATIO_GOALS: readonly RatioGoal[] = [
  { rows: /^tcp1-(up|down)$/, of: 'ours', to: 'kernel6', atLeast: 0.9 },
  { rows: /^tcp1-(up|down)$/, of: 'ours', to: 'tayga', atLeast: 10 },
  { rows: /^tcp.*-off$/, of: 'ours', to: 'kernel6', atLeast: 0.75 },
  { rows: /^udp-small/, of: 'plain', to: 'tayga', atLeast: 1.15 },
  { rows: /^udp-small/, of: 'ours', to: 'tayga', atLeast: 2 },
];

/** Every goal about ratios that these rows can answer. */
export function ratioGoals(rows: readonly RowResult[], title: (id: VariantId) => string): GoalResult[] {
  return RATIO_GOALS.flatMap(({ rows: pattern, of, to, atLeast }) =>
    rows.flatMap((row): GoalResult[] => {
      const measured = pattern.test(row.id) ? ratio(row, of, to) : undefined;
      if (measured === undefined) return [];
      const what = `${row.title}: ${title(of)} / ${title(to)}`;
      return [{ title: what, wanted: atLeast, measured, isReached: measured >= atLeast }];
    }),
  );
}

/** A goal that is a limit. */
export const atMost = (title: string, wanted: number, measured: number): GoalResult => ({
  title,
  wanted,
  measured,
  isReached: measured <= wanted,
});
