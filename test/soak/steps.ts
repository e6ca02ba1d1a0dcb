// What can happen to a laptop in a minute: a table of steps. Each says when it is possible, and does it; what has to be true
// afterwards follows from the world (world.ts), and is checked by run.ts.

import { MOVES_MAX } from '../../src/core/lifecycle/neighbours.ts';
import type { Random } from '../fuzz/random.ts';
import { waitFor } from '../support/netns.ts';
import type { Place } from './place.ts';
import type { World } from './world.ts';

/** One kind of thing that happens. */
export interface Step {
  readonly name: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** The places that it can happen to; those with `isLaptops` happen to the laptop itself. */
  readonly where: (world: World) => readonly (Place | null)[];
  /** Does it. @returns particulars for the line */
  readonly run: (world: World, place: Place, random: Random) => Promise<string>;
}

const elsewhere = (world: World): Place[] => world.places.filter((place) => !world.joined.includes(place));
const here = (world: World): readonly Place[] => world.joined;
const always = (): readonly null[] => [null];
const whileOn = (world: World): readonly null[] => (world.laptop.isOff ? [] : [null]);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Frames of advertisements in one flood: three seconds of 10,000. */
const FLOOD = 30_000;

async function roam(world: World, to: Place): Promise<string> {
  const from = world.joined.map((place) => place.name).join(' and ');
  for (const place of [...world.joined]) await world.leave(place);
  await world.join(to);
  return `${from} → ${to.name}`;
}

/** The lid is closed; what happens meanwhile is seen when it is opened. */
async function suspend(world: World, random: Random): Promise<string> {
  const seconds = 2 + random.below(10);
  world.laptop.signal('SIGSTOP');
  const isCarriedAway = random.oneIn(2) && elsewhere(world).length > 0 && world.joined.length > 0;
  const what = isCarriedAway ? `, carried ${await roam(world, random.pick(elsewhere(world)))}` : '';
  await pause(seconds * 1000);
  world.laptop.signal('SIGCONT');
  return `${seconds} s${what}`;
}

async function crash(world: World, random: Random): Promise<string> {
  await world.laptop.stop('SIGKILL');
  const isCarriedAway = random.oneIn(2) && elsewhere(world).length > 0 && world.joined.length > 0;
  const what = isCarriedAway ? `, carried ${await roam(world, random.pick(elsewhere(world)))} meanwhile` : '';
  world.laptop.isOff = false;
  await world.laptop.start();
  return `kill -9${what}`;
}

async function conflict(world: World): Promise<string> {
  const status = await world.laptop.status();
  const address = status?.addresses.ipv6 ?? null;
  const place = world.joined.find(({ device }) => device === status?.uplink?.name);
  if (address === null || place === undefined) throw new Error('it does not translate');
  const problems = async () => (await world.laptop.status())?.state.problems ?? [];
  await place.claim(address);
  await waitFor('a word on the claim', async () => (await problems()).some(({ code }) => code === 'address-contested'));
  // Claimed again after it was defended it is given up, so often in an hour; then it stays.
  await place.claim(address);
  try {
    await waitFor('another address', async () => (await world.laptop.status())?.addresses.ipv6 !== address);
  } catch (cause) {
    if ((world.laptop.codes.get('address-conflict') ?? 0) < MOVES_MAX) throw cause;
    return `${address} at ${place.name}, which it keeps`;
  }
  return `${address} at ${place.name}`;
}

async function switchTo(world: World, isOn: boolean): Promise<string> {
  const { code, stderr } = await world.laptop.run(isOn ? 'up' : 'down');
  world.laptop.isOff = !isOn;
  // Where there is nothing to come up by, or native IPv4, `up` says so and ends with 1.
  if (code !== 0 && !(isOn && world.expected !== 'translated')) throw new Error(`it ended with ${code}: ${stderr}`);
  return '';
}

/** A step that has no more to say. */
const quietly =
  (act: (world: World, place: Place) => Promise<void>): Step['run'] =>
  async (world, place) => {
    await act(world, place);
    return '';
  };

/** All steps. */
export const STEPS: readonly Step[] = [
  { name: 'join', weight: 3, where: elsewhere, run: quietly((w, place) => w.join(place)) },
  { name: 'leave', weight: 2, where: here, run: quietly((w, place) => w.leave(place)) },
  { name: 'roam', weight: 4, where: (w) => (w.joined.length > 0 ? elsewhere(w) : []), run: roam },
  {
    name: 'native-comes',
    weight: 2,
    where: (w) => here(w).filter((place) => !place.hasNativeIpv4),
    run: quietly((w, place) => w.setNative(place)),
  },
  {
    name: 'native-goes',
    weight: 12,
    where: (w) => here(w).filter((place) => place.hasNativeIpv4),
    run: quietly((w, place) => w.dropNative(place)),
  },
  {
    name: 'vpn',
    weight: 2,
    where: (w) => (w.joined.length > 0 || w.hasVpn ? [null] : []),
    run: async (w) => {
      await w.setVpn(!w.hasVpn);
      return w.hasVpn ? 'on' : 'off';
    },
  },
  { name: 'suspend', weight: 2, where: whileOn, run: (w, _, random) => suspend(w, random) },
  { name: 'renumber', weight: 2, where: here, run: quietly((_, place) => place.renumber()) },
  {
    name: 'prefix',
    weight: 3,
    where: here,
    run: async (_, place, random) => {
      place.naming = random.pick((['ra', 'dns', 'nobody', 'ra'] as const).filter((n) => n !== place.naming));
      await place.advertise();
      return `named by ${place.naming}`;
    },
  },
  {
    name: 'mtu',
    weight: 1,
    where: here,
    run: async (_, place, random) => {
      const mtuBytes = random.pick([1280, 1400, 1492, 1500]);
      await place.changeMtu(mtuBytes);
      return String(mtuBytes);
    },
  },
  { name: 'reboot', weight: 2, where: here, run: quietly((_, place) => place.reboot()) },
  { name: 'flood', weight: 1, where: here, run: quietly((_, place) => place.flood(FLOOD)) },
  { name: 'conflict', weight: 1, where: (w) => (w.expected === 'translated' ? [null] : []), run: conflict },
  { name: 'crash', weight: 2, where: always, run: (w, _, random) => crash(w, random) },
  {
    name: 'restart',
    weight: 1,
    where: always,
    run: async (w) => {
      const code = await w.laptop.stop();
      if (code !== 0) throw new Error(`the client ended with ${code}`);
      w.laptop.isOff = false;
      await w.laptop.start();
      return '';
    },
  },
  { name: 'off', weight: 2, where: whileOn, run: (w) => switchTo(w, false) },
  { name: 'on', weight: 6, where: (w) => (w.laptop.isOff ? [null] : []), run: (w) => switchTo(w, true) },
];
