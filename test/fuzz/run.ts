// `npm run fuzz -- --minutes N [--seed S] [--packets N] [--mode nat64]`: random and mutated packets through engine and reference until the time is
// up or something is found. A find is shrunk and printed as commented hex, with the settings, for a named test; exit code 1.
// `--mode nat64` sends random traffic through stateful NAT64 instead (nat64.ts), where a find is a seed: one packet follows from another.
// Each round has settings and a generator of its own, from the seed and the round's number: the same seed, the same packets.

import { parseArgs } from 'node:util';
import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { toHex } from '../support/packets.ts';
import { Comparison } from './compare.ts';
import { makeWorld, randomPacket, type World } from './generate.ts';
import { NAT64_STEPS, nat64Complaint } from './nat64.ts';
import { damagedOffload, type Offloaded, offloadDamage, offloadDifference, randomOffloaded } from './offload.ts';
import { Random } from './random.ts';
import { randomSettings } from './settings.ts';
import { commentedHex, shrink } from './shrink.ts';

const ROUND_PACKETS = 200;
const PROGRESS_MS = 2000;

/** Something wrong, with all that it takes to see it again. */
interface Find {
  readonly settings: TranslatorSettings;
  readonly packet: Uint8Array;
  readonly header: Uint8Array | null;
  readonly complaint: string;
}

/** One settings, some hundred packets. Null: all is well. */
function round(seed: number): Find | null {
  const rng = new Random(seed);
  const settings = randomSettings(rng);
  const world = makeWorld(rng, settings);
  const comparison = new Comparison(settings, rng.below(256));
  for (let i = 0; i < ROUND_PACKETS; i++) {
    const find = rng.oneIn(10) ? tryOffload(world, comparison) : tryPlain(world, comparison);
    if (find !== null) return find;
  }
  return null;
}

function tryPlain(world: World, comparison: Comparison): Find | null {
  const { settings } = world;
  const packet = randomPacket(world);
  const complaint = comparison.complaint(packet);
  if (complaint === null) return null;
  const small = shrink(packet, (candidate) => comparison.complaint(candidate));
  return { settings, packet: small, header: null, complaint: comparison.complaint(small) ?? complaint };
}

function tryOffload(world: World, comparison: Comparison): Find | null {
  const { settings } = world;
  const sound = randomOffloaded(world);
  const damaged = damagedOffload(world.rng, sound);
  const { engine } = comparison;
  return (
    offloadFind(settings, sound, () => offloadDifference(engine, settings, comparison.environment(), sound)) ??
    offloadFind(settings, damaged, () => offloadDamage(engine, damaged))
  );
}

function offloadFind(settings: TranslatorSettings, offloaded: Offloaded, run: () => string | null): Find | null {
  try {
    const complaint = run();
    return complaint === null ? null : { settings, ...offloaded, complaint };
  } catch (error) {
    return {
      settings,
      ...offloaded,
      complaint: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

function printFind(find: Find, seed: number): void {
  const asText = (_: string, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value);
  console.log(`\nFOUND: repeat it with --seed ${seed}`);
  console.log(find.complaint);
  if (find.header !== null) console.log(`# offload header\n${toHex(find.header)}`);
  console.log(commentedHex(find.packet));
  console.log(`# settings\n${JSON.stringify(find.settings, asText)}`);
}

/** A kind of traffic. */
interface Mode {
  readonly roundPackets: number;
  /** One round; prints what is wrong. */
  readonly finds: (seed: number) => boolean;
}

const MODES: Readonly<Record<string, Mode>> = {
  stateless: {
    roundPackets: ROUND_PACKETS,
    finds: (seed) => {
      const find = round(seed);
      if (find !== null) printFind(find, seed);
      return find !== null;
    },
  },
  nat64: {
    roundPackets: NAT64_STEPS,
    finds: (seed) => {
      const complaint = nat64Complaint(seed);
      if (complaint !== null) console.log(`\nFOUND: repeat it with --mode nat64 --seed ${seed}\n${complaint}`);
      return complaint !== null;
    },
  },
};

const OPTIONS = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  packets: { type: 'string', default: 'Infinity' },
  mode: { type: 'string', default: 'stateless' },
} as const;

function usage(): never {
  console.error('usage: npm run fuzz -- [--minutes N] [--seed S] [--packets N] [--mode stateless|nat64]');
  process.exit(2);
}

function parsedOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    if (error instanceof TypeError) return usage(); // parseArgs: an unknown option, or one without its value
    throw error;
  }
}

interface Arguments {
  readonly minutes: number;
  readonly seed: number;
  readonly packets: number;
  readonly mode: Mode;
}

function readArguments(): Arguments {
  const values = parsedOptions();
  const mode = MODES[values.mode];
  const numbers = { minutes: Number(values.minutes), seed: Number(values.seed), packets: Number(values.packets) };
  const isRight = numbers.minutes > 0 && Number.isSafeInteger(numbers.seed) && numbers.packets > 0;
  return isRight && mode !== undefined ? { ...numbers, mode } : usage();
}

async function main(): Promise<void> {
  const { minutes, seed, packets, mode } = readArguments();
  const started = Date.now();
  const deadline = started + minutes * 60_000;
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
  });
  let lastShown = started;
  let rounds = 0;
  let isFound = false;
  const summary = () => {
    const done = rounds * mode.roundPackets;
    const seconds = (Date.now() - started) / 1000;
    return `${done.toLocaleString('en')} packets in ${seconds.toFixed(0)} s (${Math.round(done / Math.max(seconds, 0.001))}/s), seed ${seed}`;
  };
  while (!isInterrupted && Date.now() < deadline && rounds * mode.roundPackets < packets) {
    isFound = mode.finds(seed + rounds);
    if (isFound) break;
    rounds++;
    if (Date.now() - lastShown >= PROGRESS_MS) {
      lastShown = Date.now();
      console.log(summary());
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(`${isFound ? 'FOUND something' : 'nothing found'}${isInterrupted ? ', interrupted' : ''}: ${summary()}`);
  process.exitCode = isFound ? 1 : 0;
}

await main();
