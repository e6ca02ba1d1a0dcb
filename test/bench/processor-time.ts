// How much processor time a program has taken: a measure that other programs on the machine hardly change.

import { readFileSync } from 'node:fs';

/** Kernel clock ticks in a second (USER_HZ), the unit of /proc/PID/stat. */
export const TICKS_PER_SECOND = 100;

/** Processor time of all threads of a process in seconds; proc(5), /proc/PID/stat, utime and stime. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
