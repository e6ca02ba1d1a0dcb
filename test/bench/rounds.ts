// One row of a table: each round all variants one after the other, every other round in reverse, so that what else the machine
// does hits all alike. Owns the order of measurements.

import type { Calm } from './calm.ts';
import type { RowResult } from './results.ts';

/** What is compared. */
interface Compared {
  readonly id: string;
  readonly title: string;
}

/**
 * Measures a row.
 * @param measure one measurement
 */
export async function measureRounds<V extends Compared>(
  { id, title, unit }: { readonly id: string; readonly title: string; readonly unit: string },
  variants: readonly V[],
  runs: number,
  calm: Calm,
  measure: (variant: V) => Promise<number>,
): Promise<RowResult<V['id']>> {
  const values = Object.fromEntries(variants.map((variant) => [variant.id, []])) as unknown as Record<
    V['id'],
    number[]
  >;
  for (let round = 0; round < runs; round++) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      await calm.wait();
      const value = await measure(variant);
      values[variant.id as V['id']].push(value);
      process.stderr.write(`${title}, round ${round + 1}, ${variant.title}: ${value.toFixed(2)} ${unit}\n`);
    }
  }
  return { id, title, unit, values };
}
