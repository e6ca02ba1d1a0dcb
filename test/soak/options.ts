// The soak's command line.

import { parseArgs } from 'node:util';

/** How long, how often, and by which dice. */
export interface SoakOptions {
  readonly minutes: number;
  /** From the end of a step to the next. */
  readonly intervalSeconds: number;
  readonly seed: number;
  /** Names of the steps that may be chosen; empty: all. */
  readonly only: readonly string[];
}

export const USAGE = `Usage: npm run soak -- [options]
  --minutes N         how long (120)
  --interval SECONDS  from the end of a step to the next (60)
  --seed N            the same number chooses the same steps (a number from the clock, which is printed)
  --only A,B          steps to choose from: join, leave, roam, dhcp, …; they are listed when one is not known
  --help`;

/** Reads the command line. @param seed where none is given. @returns null when help is wanted. Throws on bad usage. */
export function readOptions(argv: readonly string[], seed: number): SoakOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '120' },
      interval: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(seed) },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    minutes: positive('--minutes', values.minutes),
    intervalSeconds: positive('--interval', values.interval),
    seed: positive('--seed', values.seed),
    only: values.only.split(',').filter((name) => name !== ''),
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: "${text}" is not a number above 0`);
  return value;
}
