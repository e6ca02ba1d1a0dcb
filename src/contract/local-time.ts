// How a moment is written for a person: as the clock on the wall has it, with the date.

const two = (value: number): string => String(value).padStart(2, '0');

/** 14:03:11, local time. @param ms since 1970 */
export const timeOfDay = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);

/** 2026-11-22 14:03:11, local time. @param ms since 1970 */
export function dateAndTime(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(ms)}`;
}
