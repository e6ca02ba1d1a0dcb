// Whether a CLAT is wanted now, and by which way: rules D-09 and D-13. The one place where that is decided; what follows from it in
// which state is transitions.ts' business.

import { CHOICE_REASONS } from '../pref64/choose.ts';
import type { ClatReason } from './reason.ts';
import type { Lifecycle } from './state.ts';
import { kindFor } from './uplink-kind.ts';
import type { Target, Way, WayChoice } from './way.ts';
import { chooseWay, targetKey, targetsOf } from './way.ts';

/** The decision: go, or stay away and why. */
export type Verdict = { readonly way: Way } | { readonly way: null; readonly reason: ClatReason; readonly why: string };

/** What deciding looks at. */
export type Known = Pick<Lifecycle, 'settings' | 'world' | 'ledger'>;

/** What goes on already: it is preferred, so that nothing flaps. */
export interface Held {
  /** The way in use or in preparation, or null. */
  readonly way: Way | null;
  /** Whether packets are translated by it. */
  readonly isInUse: boolean;
}

/** Nothing goes on. */
export const NOTHING_HELD: Held = { way: null, isInUse: false };

const stayAway = (reason: ClatReason, why: string): Verdict => ({ way: null, reason, why });

const LACKS = {
  elsewhere: 'uplink-elsewhere',
  address: 'address-waiting',
  room: 'network-too-small',
  link: 'link-waiting',
} as const satisfies Record<Exclude<(WayChoice & { way: null })['lacks'], 'route'>, ClatReason>;

/** The prefixes to find the way to. */
export const targetsNow = ({ world, settings }: Known, held: Held, nowMs: number): Target[] =>
  targetsOf(world.candidates, settings.uplinkName, held.way, nowMs);

/** Whether the last look asked for just these targets. */
export function isViewOf({ world }: Known, targets: readonly Target[]): boolean {
  const seen = world.view?.answers.map((a) => targetKey(a.target)) ?? [];
  return world.view !== null && seen.length === targets.length && targets.every((t) => seen.includes(targetKey(t)));
}

/** When native IPv4 counts for a CLAT that runs; null: there is none, or it does not matter. */
export const nativeCountsAtMs = ({ world, settings }: Known): number | null =>
  world.nativeSinceMs === null || settings.force ? null : world.nativeSinceMs + settings.nativeLastsMs;

/** What stands in the way of a CLAT at all; null: nothing. */
function obstacle(known: Known, held: Held, nowMs: number): Verdict | null {
  const { world, settings } = known;
  if (settings.force || world.view === null) return null;
  const { otherClat, nativeIpv4 } = world.view;
  if (otherClat !== null) {
    return stayAway('other-clat', `another CLAT has ${otherClat.address} and the IPv4 route on ${otherClat.device}`);
  }
  // A CLAT that runs goes on until the route has lasted; one that does not run need not start for it.
  const countsAtMs = nativeCountsAtMs(known);
  if (nativeIpv4 === null || countsAtMs === null) return null;
  const doesCount = !held.isInUse || nowMs >= countsAtMs;
  return doesCount ? stayAway('native-ipv4', `native IPv4 present on ${nativeIpv4}`) : null;
}

/** The words for a prefix that is not there, or that nothing comes back through (rule D-08). */
function withoutPrefix({ ledger, world }: Known): Verdict {
  const linkTrouble = world.view?.linkTrouble ?? null;
  if (linkTrouble !== null) return stayAway('link-waiting', linkTrouble);
  const isUnreachable = world.candidates.some((c) => c.isReachable === false);
  if (isUnreachable) return stayAway('prefix-unreachable', CHOICE_REASONS.unreachable);
  return ledger.hasRunSinceUp
    ? stayAway('prefix-lost', 'no NAT64 prefix is on offer any more')
    : stayAway('prefix-waiting', 'waiting for a Router Advertisement with PREF64, or for DNS64');
}

/** Decides by the last look. */
export function decide(known: Known, held: Held, nowMs: number): Verdict {
  const { world, settings, ledger } = known;
  if (world.view === null) return stayAway('network-looking', 'looking at the network');
  const inTheWay = obstacle(known, held, nowMs);
  if (inTheWay !== null) return inTheWay;
  const { linkTrouble } = world.view;
  const targets = targetsNow(known, held, nowMs);
  if (targets.length === 0) return withoutPrefix(known);
  // The offer is renewed while a look goes on: lifetimes and order are the present ones, the answers those of the look.
  const answers = world.view.answers.flatMap((answer) => {
    const target = targets.find((t) => targetKey(t) === targetKey(answer.target));
    return target === undefined ? [] : [{ ...answer, target }];
  });
  const canTie = (linkIndex: number): boolean => kindFor(known, linkIndex, nowMs) === 'redirect';
  const choice = chooseWay(answers, settings.uplinkName, canTie, held.way);
  if (choice.way !== null) return choice;
  if (held.isInUse) return stayAway('uplink-lost', choice.why);
  if (choice.lacks === 'route' && linkTrouble !== null) return stayAway('link-waiting', linkTrouble);
  if (choice.lacks === 'route') return stayAway(ledger.hasRunSinceUp ? 'uplink-lost' : 'uplink-waiting', choice.why);
  return stayAway(LACKS[choice.lacks], choice.why);
}
