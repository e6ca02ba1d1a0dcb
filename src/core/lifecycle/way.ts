// Ways: through which prefix and which interface the translated traffic could leave. Owns the rule for several interfaces: each
// one's own prefix, and of those the one that the route to the prefix leads through. Read next: decide.ts.
//
// A VPN that takes the IPv6 default route does not take the CLAT with it: its own packets may need it, and what it wants of the
// IPv4 traffic it says with an IPv4 route, which has precedence. So where no route agrees, an interface serves that offered a
// prefix and has a route of its own to it; by redirecting only, because forwarding follows the main routing table.

import { isSamePrefix } from '../address/same.ts';
import type { Uplink, UplinkAnswer } from '../host/uplink.ts';
import { isSameNetwork } from '../host/uplink.ts';
import type { Candidate } from '../pref64/candidate.ts';
import { choose } from '../pref64/choose.ts';
import { isContainerBridge } from './host-view.ts';

/** A prefix to find the way to. */
export interface Target {
  readonly candidate: Candidate;
  /** The interface that has to lead there; null: whichever does. */
  readonly interfaceName: string | null;
}

/** What the system says about the way to a target. */
export interface WayAnswer {
  readonly target: Target;
  /** Whichever interface the system would take; only the configured one where the user named one. */
  readonly free: UplinkAnswer;
  /** The target's interface alone, where `free` leads elsewhere; null: not asked. */
  readonly tied: UplinkAnswer | null;
}

/** A way that can be taken. */
export interface Way {
  readonly candidate: Candidate;
  readonly uplink: Uplink;
  /** Whether the main routing table would take another interface. */
  readonly isTied: boolean;
}

/** Whether two ways lead through the same network to the same prefix, so that an address serves both. */
export const isSameWay = (a: Way, b: Way): boolean =>
  isSameNetwork(a.uplink, b.uplink) && isSamePrefix(a.candidate.prefix, b.candidate.prefix);

/** Whether two ways are the same for the data path as well. */
export const isSamePath = (a: Way, b: Way): boolean =>
  isSameWay(a, b) &&
  a.uplink.mtuBytes === b.uplink.mtuBytes &&
  a.isTied === b.isTied &&
  // Only a way against the routing table names its router itself.
  (!a.isTied || a.uplink.router === b.uplink.router);

/** A way by the smaller one of two MTUs: its own and that of another way. */
export function narrowed(way: Way, { uplink: { mtuBytes } }: Way): Way {
  return way.uplink.mtuBytes <= mtuBytes ? way : { ...way, uplink: { ...way.uplink, mtuBytes } };
}

/** Whether an answer leads through a way's interface. */
export const leadsThrough = (answers: readonly WayAnswer[], { uplink: { link } }: Way): boolean =>
  answers.some(({ free, tied }) => [free, tied].some((answer) => answer?.uplink?.link.index === link.index));

/** What tells a target from another. */
export const targetKey = ({ candidate, interfaceName }: Target): string =>
  `${candidate.prefix.address.join('.')}/${candidate.prefix.length}%${interfaceName ?? ''}`;

/**
 * The prefixes to find the way to: the configured one alone, or the choice of each interface (rules D-04, D-07).
 * @param uplinkName only this interface, or null: all but those of containers and virtual machines
 * @param current the way in use, whose prefix stays while it is on offer
 */
export function targetsOf(
  candidates: readonly Candidate[],
  uplinkName: string | null,
  current: Way | null,
  nowMs: number,
): Target[] {
  const everywhere = candidates.filter((c) => c.interfaceName === null);
  const fixed = choose(everywhere, null, nowMs).candidate;
  if (fixed !== null) return [{ candidate: fixed, interfaceName: null }];
  const names = new Set(candidates.flatMap((c) => (c.interfaceName === null ? [] : [c.interfaceName])));
  const isMeant = (name: string): boolean => (uplinkName === null ? !isContainerBridge(name) : name === uplinkName);
  return [...names].filter(isMeant).flatMap((interfaceName) => {
    const own = candidates.filter((c) => c.interfaceName === interfaceName);
    const inUse = current?.candidate.interfaceName === interfaceName ? current.candidate.prefix : null;
    const { candidate } = choose(own, inUse, nowMs);
    return candidate === null ? [] : [{ candidate, interfaceName }];
  });
}

/** The way through the answer's own interface, or null. */
function wayOf({ target, free, tied }: WayAnswer, uplinkName: string | null): Way | null {
  const { candidate, interfaceName } = target;
  if (free.uplink !== null) {
    const { name } = free.uplink.link;
    const isRight = interfaceName === null ? name === uplinkName || !isContainerBridge(name) : name === interfaceName;
    if (isRight) return { candidate, uplink: free.uplink, isTied: false };
  }
  if (tied === null || tied.uplink === null) return null;
  return { candidate, uplink: tied.uplink, isTied: true };
}

/** The choice of a way, or the answer that says best why there is none. */
export type WayChoice =
  | { readonly way: Way }
  | { readonly way: null; readonly lacks: 'route' | 'link' | 'address' | 'room' | 'elsewhere'; readonly why: string };

/**
 * Chooses a way: one that the routes agree with before one that they do not, and the interface in use before another.
 * @param uplinkName the interface that the user named, or null
 * @param canTie whether the interface of that index can be used against the main routing table
 */
export function chooseWay(
  answers: readonly WayAnswer[],
  uplinkName: string | null,
  canTie: (linkIndex: number) => boolean,
  current: Way | null,
): WayChoice {
  const ways = answers.flatMap((answer) => wayOf(answer, uplinkName) ?? []);
  const rank = (way: Way): number =>
    (way.isTied ? 2 : 0) + (current !== null && way.uplink.link.index === current.uplink.link.index ? 0 : 1);
  const best = ways.filter((way) => !way.isTied || canTie(way.uplink.link.index)).sort((a, b) => rank(a) - rank(b))[0];
  if (best !== undefined) return { way: best };
  return { way: null, ...whyNone(answers) };
}

/** Why no answer is a way: of the nearest to one, what it lacks. */
function whyNone(answers: readonly WayAnswer[]): Omit<WayChoice & { way: null }, 'way'> {
  const refusals = answers.flatMap(({ free, tied }) => [tied, free]).filter((a) => a !== null && a.uplink === null);
  for (const lack of ['address', 'room', 'link'] as const) {
    const found = refusals.find((a) => a?.uplink === null && a.lacks === lack);
    if (found?.uplink === null) return { lacks: lack, why: found.why };
  }
  const led = answers.find(({ free }) => free.uplink !== null);
  if (led !== undefined && led.free.uplink !== null) {
    const { name } = led.free.uplink.link;
    const from = led.target.interfaceName;
    const offered = from === null ? 'is no uplink' : `not through ${from}, which offered the prefix`;
    return {
      lacks: 'elsewhere',
      why: `the route to the NAT64 leads through ${name}${from === null ? ', which ' : ', '}${offered}`,
    };
  }
  const first = refusals[0];
  return { lacks: 'route', why: first?.uplink === null ? first.why : 'no IPv6 route to the NAT64' };
}
