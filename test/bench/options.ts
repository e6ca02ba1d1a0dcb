// The bench's command line.

import { parseArgs } from 'node:util';
import { VARIANTS, type VariantId } from './variants.ts';

/** What is measured, and how long. */
export interface BenchOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly only: readonly string[];
  readonly variants: readonly VariantId[];
  readonly other: string | undefined;
  readonly isJson: boolean;
  readonly withThroughput: boolean;
  readonly withMemory: boolean;
  readonly withChecks: boolean;
  readonly withCosts: boolean;
}

export const USAGE = `Usage: npm run bench -- [options]
  --quick             one run of one second each instead of three of two
  --runs N            runs of each measurement; the median counts (3)
  --seconds S         seconds of each measurement (2)
  --only A,B          rows whose name starts so: tcp1-up, tcp1-down, tcp4, udp-burst, udp-small, …; also memory, process, checks
  --variants A,B      ${Object.keys(VARIANTS).join(', ')}
  --other FILE        main.js of another build, measured beside this one (adds the variant "other")
  --json              prints JSON instead of tables
  --help`;

const PARTS = ['memory', 'process', 'checks'];

/** Reads the command line. @returns null when help is wanted. Throws on bad usage. */
export function readOptions(argv: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', default: '' },
      variants: { type: 'string' },
      other: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const chosen = list(values.only);
  const only = chosen.filter((name) => !PARTS.includes(name));
  const has = (part: string) => chosen.length === 0 || chosen.includes(part);
  return {
    runs: positive('--runs', values.runs ?? (values.quick ? '1' : '3')),
    seconds: positive('--seconds', values.seconds ?? (values.quick ? '1' : '2')),
    only,
    variants: variantsOf(values.variants, values.other !== undefined),
    other: values.other,
    isJson: values.json,
    withThroughput: chosen.length === 0 || only.length > 0,
    withMemory: has('memory'),
    withChecks: has('checks'),
    withCosts: has('process'),
  };
}

const list = (text: string): string[] => text.split(',').filter((item) => item !== '');

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: "${text}" is not a number above 0`);
  return value;
}

function variantsOf(text: string | undefined, hasOther: boolean): VariantId[] {
  const chosen = list(text ?? 'kernel6,tayga,plain,ours');
  const unknown = chosen.filter((id) => !(id in VARIANTS));
  if (unknown.length > 0) throw new Error(`--variants: there is no ${unknown.join(', ')}`);
  return [...(chosen as VariantId[]), ...(hasOther && !chosen.includes('other') ? (['other'] as const) : [])];
}
