// What other nodes of a network have made of the CLAT's addresses (rule D-10): which ones they have, and when the CLAT gave way to
// one of them. Kept by network and across attempts, so that the next attempt tries other addresses; bounded in each direction.
//
// Why an address in use is given up for a second claim only, three times an hour and not more. Duplicate address detection has settled
// whose it is (RFC 4862 §5.4). A Neighbour Advertisement that claims it later is one of three things: a node that was cut off during
// detection, for which another address is the cure; a proxy that answers for all; a forgery. The node goes on claiming it, so the CLAT
// tells the neighbours whose it is (RFC 4861 §7.2.6), and moves where it is claimed again within ten seconds of that, as RFC 5227 §2.4
// (b) has it for IPv4: one forged packet moves nothing. Against the last two another address does not help, and one that gave up each
// time would be off for as long as somebody sends a few packets a minute. Linux as well takes no notice of advertisements for its own
// addresses once they are through detection. So the CLAT then stays where it is, defends it, and says so in status: contest.ts.

import { isSameAddress } from '../address/same.ts';
import type { Way } from './way.ts';

/** An address in use is given up for a claim so often within {@link MOVES_WITHIN_MS}. */
export const MOVES_MAX = 3;
export const MOVES_WITHIN_MS = 3_600_000;

/** Addresses that are remembered of a network, and networks: the newest. */
const ADDRESSES_MAX = 16;
const NETWORKS_MAX = 4;

/** What is known of one network's nodes. */
export interface Neighbours {
  /** The network: its on-link prefix and its NAT64. */
  readonly network: string;
  /** Addresses of 16 bytes that they have, or claim; oldest first. */
  readonly taken: readonly Uint8Array[];
  /** When an address in use was given up for a claim of theirs. */
  readonly movedMs: readonly number[];
}

const networkOf = ({ uplink, candidate }: Way): string =>
  [uplink.prefix, candidate.prefix].map((p) => `${p.address.join('.')}/${p.length}`).join(' ');

const of = (all: readonly Neighbours[], way: Way): Neighbours => {
  const network = networkOf(way);
  return all.find((n) => n.network === network) ?? { network, taken: [], movedMs: [] };
};

/** With one network's entry replaced; it counts as the newest. */
const withEntry = (all: readonly Neighbours[], entry: Neighbours): readonly Neighbours[] =>
  [...all.filter((n) => n.network !== entry.network), entry].slice(-NETWORKS_MAX);

/** The addresses that are not to be tried on a way's network. */
export const takenOn = (all: readonly Neighbours[], way: Way): readonly Uint8Array[] => of(all, way).taken;

/** Whether an address is one of them. */
export const isTakenOn = (all: readonly Neighbours[], way: Way, clat: Uint8Array): boolean =>
  takenOn(all, way).some((a) => isSameAddress(a, clat));

/** Remembers that another node of a way's network has an address. */
export function withTaken(all: readonly Neighbours[], way: Way, clat: Uint8Array): readonly Neighbours[] {
  const entry = of(all, way);
  const others = entry.taken.filter((a) => !isSameAddress(a, clat));
  return withEntry(all, { ...entry, taken: [...others, clat].slice(-ADDRESSES_MAX) });
}

/** Remembers that an address is ours after all: the one in use, which is kept. */
export function withOurs(all: readonly Neighbours[], way: Way, clat: Uint8Array): readonly Neighbours[] {
  const entry = of(all, way);
  return withEntry(all, { ...entry, taken: entry.taken.filter((a) => !isSameAddress(a, clat)) });
}

/** Forgets whose the addresses are: there was none left to try. */
export const withoutTaken = (all: readonly Neighbours[], way: Way): readonly Neighbours[] =>
  withEntry(all, { ...of(all, way), taken: [] });

/** Remembers that an address in use was given up. */
export function withMove(all: readonly Neighbours[], way: Way, nowMs: number): readonly Neighbours[] {
  const entry = of(all, way);
  return withEntry(all, { ...entry, movedMs: [...entry.movedMs, nowMs].slice(-MOVES_MAX) });
}

/** Whether an address in use on a way's network may be given up once more. */
export const mayMove = (all: readonly Neighbours[], way: Way, nowMs: number): boolean =>
  of(all, way).movedMs.filter((atMs) => nowMs - atMs < MOVES_WITHIN_MS).length < MOVES_MAX;
