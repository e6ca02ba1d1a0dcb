// What was measured, reduced: medians, ratios, and the goals held against them. Pure.

import type { VariantId } from './variants.ts';

/** All values of one row, in the order in which they were measured. */
export interface RowResult<Id extends string = VariantId> {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly values: { readonly [variant in Id]?: readonly number[] };
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
export function ratio<Id extends string>(
  { values }: Pick<RowResult<Id>, 'values'>,
  of: Id,
  to: Id,
): number | undefined {
  const above = values[of];
  const below = values[to];
  if (above === undefined || below === undefined || above.length === 0) return undefined;
  return median(above.map((value, round) => value / below[round]));
}

/** What a ratio in some of the rows is to reach. */
export interface RatioGoal<Id extends string> {
  /** Ids of the rows. */
  readonly rows: RegExp;
  readonly of: Id;
  readonly to: Id;
  readonly atLeast: number;
}

/** The translator's goals. */
export const RATIO_GOALS: readonly RatioGoal<VariantId>[] = [
  { rows: /^tcp1-(up|down)$/, of: 'ours', to: 'kernel6', atLeast: 0.9 },
  { rows: /^tcp1-(up|down)$/, of: 'ours', to: 'tayga', atLeast: 10 },
  { rows: /^tcp.*-off$/, of: 'ours', to: 'kernel6', atLeast: 0.75 },
  { rows: /^udp-small/, of: 'plain', to: 'tayga', atLeast: 1.15 },
  { rows: /^udp-small/, of: 'ours', to: 'tayga', atLeast: 2 },
];

/** Every goal that these rows can answer. */
export function ratioGoals<Id extends string>(
  goals: readonly RatioGoal<Id>[],
  rows: readonly RowResult<Id>[],
  title: (id: Id) => string,
): GoalResult[] {
  return goals.flatMap(({ rows: pattern, of, to, atLeast }) =>
    rows.flatMap((row): GoalResult[] => {
      const measured = pattern.test(row.id) ? ratio(row, of, to) : undefined;
      if (measured === undefined) return [];
      const what = `${row.title}: ${title(of)} / ${title(to)}`;
      return [{ title: what, wanted: atLeast, measured, isReached: measured >= atLeast }];
    }),
  );
}

/** A goal that is a floor. */
export const atLeast = (title: string, wanted: number, measured: number): GoalResult => ({
  title,
  wanted,
  measured,
  isReached: measured >= wanted,
});

/** A goal that is a limit. */
export const atMost = (title: string, wanted: number, measured: number): GoalResult => ({
  title,
  wanted,
  measured,
  isReached: measured <= wanted,
});
