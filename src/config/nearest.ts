// The nearest known word to a mistyped one.

/** Most edits at which a guess is still a help. */
const MAX_EDITS = 3;

/** The candidate with the fewest edits (insert, delete, replace, swap) from `word`, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const plain = word.toLowerCase().replaceAll('_', '-');
  const limit = Math.min(MAX_EDITS, Math.floor(plain.length / 2));
  let best: string | null = null;
  let fewest = limit + 1;
  for (const candidate of candidates) {
    const edits = distance(plain, candidate);
    if (edits < fewest) [best, fewest] = [candidate, edits];
  }
  return best;
}

/** Optimal string alignment distance; cold path, words of a few dozen characters. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, cell(i - 2, j - 2) + 1);
      row[j] = edits;
    }
  }
  return cell(a.length, b.length);
}
