// The soak itself: chooses steps, does them, checks after each that IPv4 is as it has to be, and at the end that the host is as before.

import { REASONS } from '../../src/contract/reasons.ts';
import { Random } from '../fuzz/random.ts';
import { openTestSet, waitFor } from '../support/netns.ts';
import type { SoakOptions } from './options.ts';
import type { Place } from './place.ts';
import { STEPS, type Step } from './steps.ts';
import { World } from './world.ts';

/** How long it may take until the laptop is as it has to be: a second of DAD, two of hysteresis, three of RFC 7050, and load. */
const SETTLE_MS = 20_000;

const clock = (): string => new Date().toTimeString().slice(0, 8);
const seconds = (fromMs: number): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;

/** Chooses a step that is possible, and where. */
function choose(world: World, random: Random, steps: readonly Step[]): { step: Step; place: Place | null } | null {
  const possible = steps.filter((step) => step.where(world).length > 0);
  const ticket = random.below(possible.reduce((sum, { weight }) => sum + weight, 0));
  // As many tickets for each as its weight.
  const step = possible.flatMap((one) => Array.from({ length: one.weight }, () => one))[ticket];
  return step === undefined ? null : { step, place: random.pick(step.where(world)) };
}

/** Waits until the laptop is as it has to be. @returns how, in words; throws when it does not come to that */
async function settle(world: World): Promise<string> {
  const { laptop } = world;
  const how = world.expected;
  return waitFor(`IPv4: ${how}`, () => (how === 'nothing' ? isExplained(world) : works(world, how)), SETTLE_MS).finally(
    () => laptop.resident(),
  );
}

async function works({ laptop }: World, how: 'native' | 'translated'): Promise<string | false> {
  if (!(await laptop.doesPing())) return false;
  const status = await laptop.status();
  if (status === null) return false;
  const { name, reason } = status.state;
  const isRight = how === 'translated' ? name === 'running' : laptop.isOff || reason === 'native-ipv4';
  if (!isRight) return false;
  const before = laptop.answered;
  await waitFor('the UDP flow', () => laptop.answered > before);
  return how === 'native' ? 'native IPv4' : `translated by ${status.uplink?.name}, ${status.prefix?.source}`;
}

/** Reasons that a moment later are others. */
const PASSING: ReadonlySet<string> = new Set([
  'client-starting',
  'network-looking',
  'address-checking',
  'host-attaching',
  'client-stopping',
]);

/** IPv4 does not work, and the client says why. */
async function isExplained({ laptop }: World): Promise<string | false> {
  const status = await laptop.status();
  if (status === null || status.state.name === 'running' || PASSING.has(status.state.reason)) return false;
  if (!(status.state.reason in REASONS)) throw new Error(`a reason that nobody knows: ${status.state.reason}`);
  return (await laptop.doesPing()) ? false : `none: ${status.state.reason}`;
}

/** Does one step. @returns what was wrong, or null */
async function live(world: World, number: number, random: Random, steps: readonly Step[]): Promise<string | null> {
  const chosen = choose(world, random, steps);
  if (chosen === null) return 'no step is possible';
  const { step, place } = chosen;
  const title = `${String(number).padStart(3)} ${clock()} ${step.name}${place === null ? '' : ` ${place.name}`}`;
  const fromMs = performance.now();
  try {
    // A step that happens to the laptop itself asks for no place.
    const details = await step.run(world, place as Place, random);
    const doneMs = performance.now();
    const how = await settle(world);
    const memory = `${(world.laptop.resident() / 1024).toFixed(0)} MiB`;
    console.log(`${title}${details === '' ? '' : ` (${details})`} → ${how} after ${seconds(doneMs)}, ${memory}`);
    return null;
  } catch (error) {
    const wrong = `${title}: ${(error as Error).message} (${seconds(fromMs)})`;
    const status = await world.laptop.status().catch(() => null);
    console.log(`✗ ${wrong}\n  status: ${JSON.stringify(status?.state ?? null)}`);
    console.log(
      world.laptop.log
        .slice(-30)
        .map((line) => `  ${line}`)
        .join('\n'),
    );
    return wrong;
  }
}

/** Everything comes up once before the first snapshot, so that what the kernel keeps of a network is in it. */
async function warmUp(world: World): Promise<readonly string[]> {
  for (const place of world.places) {
    await world.join(place);
    await waitFor(`an address at ${place.name}`, async () =>
      (await world.laptop.ns.run(['ip', '-6', 'address', 'show', 'dev', place.device])).includes('scope global'),
    );
    await world.leave(place);
  }
  return world.laptop.snapshot();
}

function differences(before: readonly string[], after: readonly string[]): string[] {
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  return [...gone, ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`)];
}

/** Ends it all. @returns what was wrong */
async function end(world: World, before: readonly string[]): Promise<string[]> {
  await world.goHome();
  const code = await world.laptop.stop();
  await world.laptop.stopFlow();
  const wrong = code === 0 ? [] : [`the client ended with ${code}`];
  const left = differences(before, await world.laptop.snapshot()).map((line) => `the host is not as before: ${line}`);
  const unknown = world.laptop.unexplained().map((codeName) => `a code that nobody explains: ${codeName}`);
  return [...wrong, ...left, ...unknown];
}

function stepsOf({ only }: SoakOptions, hasSwitch: boolean): readonly Step[] {
  const names = STEPS.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`--only: no step is called ${unknown.join(', ')}; there are ${names.join(', ')}`);
  // A build without these commands has nothing to switch.
  const isThere = ({ name }: Step): boolean => hasSwitch || (name !== 'on' && name !== 'off');
  return STEPS.filter((step) => isThere(step) && (only.length === 0 || only.includes(step.name)));
}

function summary(world: World, count: number, wrong: readonly string[], fromMs: number): void {
  const { laptop } = world;
  const codes = [...laptop.codes].sort((a, b) => b[1] - a[1]).map(([code, n]) => `${code} ${n}`);
  console.log(`\n${count} steps in ${((performance.now() - fromMs) / 60_000).toFixed(1)} min; ${wrong.length} wrong`);
  console.log(
    `largest resident memory ${(laptop.residentKiB / 1024).toFixed(1)} MiB; ${laptop.answered} answers to the UDP flow`,
  );
  console.log(`decisions: ${codes.join(', ')}`);
  for (const text of laptop.errors) console.log(`an error in the log: ${text}`);
  for (const line of wrong) console.log(`✗ ${line}`);
}

/**
 * Lives it all through, and prints a line for each step.
 * @param makeProgram gives the program that the laptop runs; its argument is a directory that goes with this run
 * @returns everything that was wrong
 */
export async function soak(
  options: SoakOptions,
  makeProgram: (directory: string) => string,
): Promise<readonly string[]> {
  const set = openTestSet();
  try {
    const world = await World.build(set, makeProgram(set.directory));
    const { laptop } = world;
    const steps = stepsOf(options, await laptop.knows('down'));
    const before = await warmUp(world);
    await laptop.start();
    await laptop.startFlow();
    console.log(`seed ${options.seed}, ${options.minutes} min, a step every ${options.intervalSeconds} s`);
    const random = new Random(options.seed);
    const fromMs = performance.now();
    const wrong: string[] = [];
    let count = 0;
    while (performance.now() - fromMs < options.minutes * 60_000) {
      const fault = await live(world, ++count, random, steps);
      if (fault !== null) wrong.push(fault);
      await new Promise((resolve) => setTimeout(resolve, options.intervalSeconds * 1000));
    }
    wrong.push(...(await end(world, before)));
    summary(world, count, wrong, fromMs);
    return wrong;
  } finally {
    set.close();
  }
}
