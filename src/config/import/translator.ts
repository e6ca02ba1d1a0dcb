// What an imported stateless translator still needs: TAYGA and Jool take what our checks refuse, a dynamic pool that holds the
// translator's own address and mapped ones.

import type { Prefix4 } from '../../core/translate/settings.ts';
import { formatPrefix4, holds4, parsePrefix4 } from '../addresses.ts';
import type { Draft } from './draft.ts';

const RANGES = 'dynamic-pool.ranges';

/** Takes addresses that are spoken for out of the dynamic pool. Values that are none are left to the check of the file. */
export function finishTranslator(draft: Draft): void {
  const ranges = prefixesOf(draft, RANGES);
  if (ranges.length === 0) return;
  const taken = [...prefixesOf(draft, 'own-ipv4'), ...prefixesOf(draft, 'mappings')];
  const free = taken.reduce((left, one) => left.flatMap((range) => without(range, one)), ranges);
  if (free.length === ranges.length) return;
  draft.replace(
    RANGES,
    free.map((range) => formatPrefix4(range)),
  );
  draft.remark(RANGES, `${ranges.map(formatPrefix4).join(', ')} without the translator's own address and mapped ones.`);
}

function prefixesOf(draft: Draft, path: string): Prefix4[] {
  const value = draft.entries().get(path)?.value;
  const items = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return items.flatMap((item) => {
    const text = typeof item === 'object' && item !== null && 'ipv4' in item ? item.ipv4 : item;
    const parsed = parsePrefix4(String(text));
    return parsed.ok ? [parsed.value] : [];
  });
}

/** What is left of a range: the halves that do not hold `taken`, at most 32 of them. */
function without(range: Prefix4, taken: Prefix4): Prefix4[] {
  if (holds4(taken, range)) return [];
  if (!holds4(range, taken)) return [range];
  const length = range.length + 1;
  const upper = (range.address + 2 ** (32 - length)) >>> 0;
  return [...without({ address: range.address, length }, taken), ...without({ address: upper, length }, taken)];
}
