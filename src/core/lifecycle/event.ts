// What happens to a CLAT: everything that its lifecycle reacts to. Results carry the ticket of the effect that they are the
// result of; one that nobody waits for any more is ignored.

import type { Candidate } from '../pref64/candidate.ts';
import type { OtherClat } from './host-view.ts';
import type { Failure } from './state.ts';
import type { WayAnswer } from './way.ts';

/** What a look at the network found. */
export interface NetworkView {
  /** The interface with a native IPv4 default route, or null. */
  readonly nativeIpv4: string | null;
  readonly otherClat: OtherClat | null;
  /** Why no interface leads anywhere: it is missing, down, without carrier; null: one may. */
  readonly linkTrouble: string | null;
  /** One for each target that was asked for. */
  readonly answers: readonly WayAnswer[];
}

/** Any event. */
export type ClatEvent =
  /** The user, or the start of the program, wants it on. */
  | { readonly event: 'up' }
  /** The user, or the end of the program, wants it off. */
  | { readonly event: 'down' }
  /** The prefixes on offer changed; these are all of them. */
  | { readonly event: 'prefixes'; readonly candidates: readonly Candidate[] }
  /** Links, addresses or routes changed. */
  | { readonly event: 'network-changed' }
  /** A look is over. */
  | { readonly event: 'seen'; readonly ticket: number; readonly view: NetworkView }
  /** The deadline that was set has come. */
  | { readonly event: 'timer' }
  /** An address was chosen and nobody else has it. */
  | { readonly event: 'claimed'; readonly ticket: number; readonly clat: Uint8Array }
  /** Another node has the address that was chosen. */
  | { readonly event: 'taken'; readonly ticket: number; readonly clat: Uint8Array }
  /** An effect that has no result of its own is done. */
  | { readonly event: 'done'; readonly ticket: number }
  /** An effect failed. */
  | { readonly event: 'failed'; readonly ticket: number; readonly failure: Failure }
  /** The data path ended by itself. */
  | { readonly event: 'data-path-failed'; readonly failure: Failure }
  /** Another node claims the address in use. */
  | { readonly event: 'contested'; readonly clat: Uint8Array }
  /** The host slept. */
  | { readonly event: 'woke'; readonly sleptMs: number };

/** The name of an event. */
export type ClatEventName = ClatEvent['event'];
