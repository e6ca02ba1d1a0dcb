// Numbers and times for people. Pure.

const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P'] as const;
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

function scaled(value: number, step: number, units: readonly string[]): string {
  let [rest, unit] = [value, 0];
  while (rest >= step - 0.05 && unit < units.length - 1) {
    rest /= step;
    unit += 1;
  }
  const digits = unit === 0 && Number.isInteger(rest) ? 0 : 1;
  return `${rest.toFixed(digits)} ${units[unit]}`.trimEnd();
}

/** 1234 → `1234`, 12345 → `12.3 k`; small ones are exact. */
export const count = (value: number): string =>
  value < 10_000 ? String(Math.round(value)) : scaled(value, 1000, DECIMAL);

/** Something per second: 0.25 → `0.3`, 12345 → `12.3 k`. */
export const rate = (value: number): string => (value === 0 ? '0' : scaled(value, 1000, DECIMAL));

/** 1536 → `1.5 KiB`. */
export const bytes = (value: number): string => scaled(value, 1024, BINARY);

/** A share of a whole as percent; of nothing it is nothing. */
export function percent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  const value = (100 * part) / whole;
  return value < 0.1 ? '<0.1 %' : `${value.toFixed(1)} %`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** 8000 s → `2 h 13 min`: the two largest units. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  let rest = seconds;
  const parts: string[] = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const value = Math.floor(rest / size);
    rest -= value * size;
    if (value > 0 || parts.length === 0) parts.push(`${value} ${unit}`);
  }
  return parts.join(' ');
}

/** Cuts text to a width, with … where something is missing. */
export const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Breaks text at blanks into lines of at most `width`. */
export const wrap = (text: string, width: number): readonly string[] =>
  wrapWhole(text, width).map((each) => fit(each, width));

/** As {@link wrap}; a word that is too long stays whole, as paths must. */
export function wrapWhole(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const each of text.split(' ')) {
    const longer = line === '' ? each : `${line} ${each}`;
    if (longer.length > width && line !== '') lines.push(line);
    line = longer.length > width && line !== '' ? each : longer;
  }
  return [...lines, line];
}
