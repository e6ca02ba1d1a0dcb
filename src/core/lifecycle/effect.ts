// What a CLAT's lifecycle wants done, as data. Whoever carries it out answers those with a ticket by exactly one event.

import type { ClatReason } from './reason.ts';
import type { ClatState, Failure, UplinkKind } from './state.ts';
import type { Target, Way } from './way.ts';

/** A decision for the log (rule D-15). */
export interface Report {
  readonly effect: 'report';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly reason: ClatReason;
  /** Particulars in words; "": the way and the address say it all. */
  readonly why: string;
  readonly way: Way | null;
  readonly clat: Uint8Array | null;
}

/** Any effect. */
export type Effect =
  /** Read the host's state and ask for the way to each target. Answer: seen, failed. */
  | { readonly effect: 'look'; readonly ticket: number; readonly targets: readonly Target[] }
  /** Solicit routers and ask resolvers anew. `isFromEmpty`: after forgetting what they said before. */
  | { readonly effect: 'discover'; readonly isFromEmpty: boolean }
  /** Choose an address for this way, none of `avoid`, and probe for duplicates. Answer: claimed, taken, failed. */
  | { readonly effect: 'claim'; readonly ticket: number; readonly way: Way; readonly avoid: readonly Uint8Array[] }
  /**
   * Translate by this way: start the data path, or give the running one new settings, then configure the host; what is configured
   * already is only repaired. Answer: done, failed.
   */
  | {
      readonly effect: 'attach';
      readonly ticket: number;
      readonly way: Way;
      readonly clat: Uint8Array;
      readonly kind: UplinkKind;
    }
  /** Take the translated path out of use; interface and IPv4 address stay, so that connections survive. Answer: done, failed. */
  | { readonly effect: 'detach'; readonly ticket: number }
  /** Tell the neighbours whose the address in use is. Nobody waits for it. */
  | { readonly effect: 'defend' }
  /** Undo everything and end the data path. Answer: done, failed; what is left then is in the journal. */
  | { readonly effect: 'tear-down'; readonly ticket: number }
  /** Send a `timer` event at this time instead of the one before; null: none. */
  | { readonly effect: 'set-timer'; readonly atMs: number | null }
  | Report
  /** It came to rest in `idle`. `failure`: why it gave up, or null; `left`: why something of it is still on the host, or null. */
  | { readonly effect: 'rest'; readonly failure: Failure | null; readonly left: Failure | null };

/** What a step leads to: the state after it stands in `life`. */
export interface Outcome<L> {
  readonly life: L;
  readonly effects: readonly Effect[];
  /** Why it is in the state that it is in now. */
  readonly reason: ClatReason;
}

/** Names of the states, for tables. */
export type ClatStateName = ClatState['state'];
