// `npm run fuzz -- --minutes N [--seed S] [--packets N]`: random and mutated packets through engine and reference until the time is
// up or something is found. A find is shrunk and printed as commented hex, with the settings, for a named test; exit code 1.
// Each round has settings and a generator of its own, from the seed and the round's number: the same seed, the same packets.

import { parseArgs } from 'node:util';
import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { toHex } from '../support/packets.ts';
import { Comparison } from './compare.ts';
import { makeWorld, randomPacket, type World } from './generate.ts';
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

function printFind(find: Find, seed: number, roundNumber: number): void {
  const asText = (_: string, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value);
  console.log(`\nFOUND in round ${roundNumber}: repeat it with --seed ${seed + roundNumber}`);
  console.log(find.complaint);
  if (find.header !== null) console.log(`# offload header\n${toHex(find.header)}`);
  console.log(commentedHex(find.packet));
  console.log(`# settings\n${JSON.stringify(find.settings, asText)}`);
}

const OPTIONS = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
  packets: { type: 'string', default: 'Infinity' },
} as const;

function usage(): never {
  console.error('usage: npm run fuzz -- [--minutes N] [--seed S] [--packets N]');
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

function readArguments(): { minutes: number; seed: number; packets: number } {
  const values = parsedOptions();
  const numbers = { minutes: Number(values.minutes), seed: Number(values.seed), packets: Number(values.packets) };
  const isRight = numbers.minutes > 0 && Number.isSafeInteger(numbers.seed) && numbers.packets > 0;
  return isRight ? numbers : usage();
}

async function main(): Promise<void> {
  const { minutes, seed, packets } = readArguments();
  const started = Date.now();
  const deadline = started + minutes * 60_000;
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
  });
  let lastShown = started;
  let rounds = 0;
  let find: Find | null = null;
  const summary = () => {
    const done = rounds * ROUND_PACKETS;
    const seconds = (Date.now() - started) / 1000;
    return `${done.toLocaleString('en')} packets in ${seconds.toFixed(0)} s (${Math.round(done / Math.max(seconds, 0.001))}/s), seed ${seed}`;
  };
  while (find === null && !isInterrupted && Date.now() < deadline && rounds * ROUND_PACKETS < packets) {
    find = round(seed + rounds);
    if (find !== null) break;
    rounds++;
    if (Date.now() - lastShown >= PROGRESS_MS) {
      lastShown = Date.now();
      console.log(summary());
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (find !== null) printFind(find, seed, rounds);
  console.log(
    `${find === null ? 'nothing found' : 'FOUND something'}${isInterrupted ? ', interrupted' : ''}: ${summary()}`,
  );
  process.exitCode = find === null ? 0 : 1;
}

await main();
