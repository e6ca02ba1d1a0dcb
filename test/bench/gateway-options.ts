// The command line of the gateway's bench.

import { parseArgs } from 'node:util';
import { LANES, type LaneId } from './gateway-lanes.ts';

/** What is measured, and how long. */
export interface GatewayBenchOptions {
  readonly runs: number;
  readonly seconds: number;
  readonly lanes: readonly LaneId[];
  /** Short: hundred thousands of sessions instead of millions. */
  readonly isQuick: boolean;
  readonly parts: readonly Part[];
  readonly isJson: boolean;
}

const PARTS = ['traffic', 'tables', 'sessions', 'dns64'] as const;

export type Part = (typeof PARTS)[number];

export const USAGE = `Usage: npm run bench:gateway -- [options]
  --quick        one run of one second each instead of three of two, fewer sessions
  --runs N       runs of each measurement; the median counts (3)
  --seconds S    seconds of each measurement (2)
  --only A,B     ${PARTS.join(', ')}
  --lanes A,B    ${Object.keys(LANES).join(', ')}
  --json         prints JSON instead of tables
  --help`;

/** Reads the command line. @returns null when help is wanted. Throws on bad usage. */
export function readGatewayOptions(argv: readonly string[]): GatewayBenchOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: { quick: flag, runs: text, seconds: text, only: text, lanes: text, json: flag, help: flag },
  });
  if (values.help) return null;
  const { quick, runs = quick ? '1' : '3', seconds = quick ? '1' : '2' } = values;
  return {
    runs: positive('--runs', runs),
    seconds: positive('--seconds', seconds),
    lanes: chosen('--lanes', values.lanes, Object.keys(LANES) as LaneId[]),
    isQuick: quick,
    parts: chosen('--only', values.only, PARTS),
    isJson: values.json,
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: "${text}" is not a number above 0`);
  return value;
}

/** The words of a list that are among `all`; without a list all of them. */
function chosen<T extends string>(option: string, list: string | undefined, all: readonly T[]): readonly T[] {
  if (list === undefined) return all;
  const words = list.split(',');
  const unknown = words.filter((word) => !all.includes(word as T));
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(', ')}; there is ${all.join(', ')}`);
  return all.filter((word) => words.includes(word));
}
