// The states of a CLAT. Each holds only its own data; what is known of the network and what was done so far stands beside it.
//
//                 up                 way found               nobody has it             done
//     ┌──────┐ ────────▶ ┌─────────┐ ─────────▶ ┌──────────┐ ─────────▶ ┌───────────┐ ─────▶ ┌─────────┐
//     │ idle │           │ waiting │            │ claiming │            │ attaching │        │ running │ ◀─┐ looks the same: repaired;
//     └──────┘           └─────────┘ ◀───────── └──────────┘            └───────────┘ ◀───── └─────────┘ ──┘ contested: defended
//        ▲                ▲   ▲  ▲    way lost     │  taken: again        │     ▲     other      │   ▲
//        │                │   │  │                 │ all taken           fails  │     MTU, kind  │   │ the old way again; no probe; all
//        │ torn down      │   │  │                 ▼                      │     │                │   │ taken where the old way is as good
//        │                │   │  └── done ── ┌───────────┐ ◀── way lost, ─┼─────┼────────────────┤   │
//        │                │   │              │ detaching │     native     │     │ nobody         ▼   │
//     ┌──────────┐        │   │              └───────────┘     IPv4,      │     │ has it   ┌────────┐
//     │ stopping │        │   │ later           │   ▲          all taken  ▼     └───────── │ moving │ other way, contested,
//     └──────────┘        │   │       all taken │   │   way lost   ┌──────────┐            └────────┘ slept, probe owed: the
//        │   ▲            │ ┌─────────┐ ◀───────┘   └───────────── │ doubting │             old one goes on meanwhile
//        │   │            │ │ backoff │                            └──────────┘ was it the network? looks again
//        │   │            │ └─────────┘                               │ way still there
//        │   │            │   ▲    │ down, ended, with an interface   │
//        │   └────────────┼───┼────┴──── down, a failure, from any state
//        └────────────────┴───┘   after a failure that another attempt may mend; up again meanwhile
//
// All taken: other nodes have all addresses that one attempt may try. No probe: asking for duplicates failed; while the old way's link
// leads to the NAT64 the old way goes on, and the probe is owed. Where there is neither an old way nor an address, an interface stays,
// with its IPv4 address, and connections outlive the pause; without one that is a failure as any other. One effect at a time works on
// the host (attach, detach, tear-down); its ticket stands in the state that waits for it. What a teardown could not put back is tried
// again by `down`.

import type { UplinkAttachment } from '../host/host-config.ts';
import type { Candidate } from '../pref64/candidate.ts';
import type { NetworkView } from './event.ts';
import type { Neighbours } from './neighbours.ts';
import type { ClatReason } from './reason.ts';
import type { Way } from './way.ts';

/** How translated packets reach the uplink. */
export type UplinkKind = UplinkAttachment['kind'];

/** What failed, as far as it matters here. */
export interface Failure {
  /** A stable error code, or "". */
  readonly code: string;
  readonly message: string;
  /** Another attempt cannot mend it: no permission, a missing program. */
  readonly isFinal: boolean;
  /** It was for want of memory or time. */
  readonly isTemporary?: boolean;
}

/** What the user decided. */
export interface LifecycleSettings {
  /** The only interface to use, or null. */
  readonly uplinkName: string | null;
  readonly uplinkMode: 'auto' | UplinkKind;
  /** Run although there is native IPv4 or another CLAT (rule D-09). */
  readonly force: boolean;
  /** Wait for a network and try again after a failure also before it ran for the first time. */
  readonly isPatient: boolean;
  /** Rule D-09: a native route that lasts this long counts for a CLAT that runs. */
  readonly nativeLastsMs: number;
  /** Changes come in bursts: so long after the first of one a CLAT that runs looks at the network. */
  readonly settleMs: number;
}

/** A way that is taken, the address on it, and how packets get there. */
export interface Attachment {
  readonly way: Way;
  readonly clat: Uint8Array;
  readonly kind: UplinkKind;
}

/** Asking for duplicates failed while an address was in use, which is kept. */
export interface OwedProbe {
  readonly failure: Failure;
  /** Failures in a row. */
  readonly failures: number;
  /** When to ask again. */
  readonly againAtMs: number;
}

/** What a CLAT is doing. */
export type ClatState =
  /** Nothing, and nothing of it is on the host but what `left` tells of; null: nothing. */
  | { readonly state: 'idle'; readonly reason: ClatReason; readonly why: string; readonly left: Failure | null }
  /** Something is missing, or in the way. */
  | { readonly state: 'waiting'; readonly reason: ClatReason; readonly why: string }
  /** An address is probed. `taken`: how many turned out to be another node's. */
  | { readonly state: 'claiming'; readonly ticket: number; readonly way: Way; readonly taken: number }
  /** The host is set up. `isContested`: another node claims the address already. `isChange`: it translated before, by other settings. */
  | ({
      readonly state: 'attaching';
      readonly ticket: number;
      readonly isContested: boolean;
      readonly isChange: boolean;
    } & Attachment)
  /** It translates. `repair`: the ticket of the repair that goes on, or null. */
  | ({
      readonly state: 'running';
      readonly repair: number | null;
      readonly sinceMs: number;
      /** Since when the network's MTU is larger than the one in use, or null. */
      readonly widerSinceMs: number | null;
      /** A probe that failed and is made again, or null. */
      readonly owed: OwedProbe | null;
    } & Attachment)
  /** It translates by the old way while an address for the new one is probed. */
  | {
      readonly state: 'moving';
      readonly from: Attachment;
      readonly ticket: number;
      readonly way: Way;
      readonly taken: number;
      /** Probes in a row that failed before. */
      readonly failedProbes: number;
    }
  /** Something failed, and the network may have been the cause: the next look tells. `isProbe`: asking for duplicates did. */
  | { readonly state: 'doubting'; readonly way: Way; readonly failure: Failure; readonly isProbe: boolean }
  /** The translated path is taken out of use. `failure`: what it backs off for after that; null: it waits. */
  | {
      readonly state: 'detaching';
      readonly ticket: number;
      readonly reason: ClatReason;
      readonly why: string;
      readonly failure: Failure | null;
    }
  /** Everything is undone. `next`: where that leads. */
  | {
      readonly state: 'stopping';
      readonly ticket: number;
      readonly next: 'idle' | 'backoff' | 'waiting';
      readonly failure: Failure | null;
    }
  /** Nothing is in use; another attempt comes later. Everything is undone, but for an interface that `ledger.hasInterface` tells of. */
  | { readonly state: 'backoff'; readonly untilMs: number; readonly failure: Failure };

/** What is known of the network. */
export interface World {
  readonly candidates: readonly Candidate[];
  /** The last look; null: none since it was switched on. */
  readonly view: NetworkView | null;
  /** Since when there has been native IPv4, or null. */
  readonly nativeSinceMs: number | null;
  /** The look that goes on, or null. */
  readonly lookTicket: number | null;
  /** When to look next, or null. */
  readonly lookAtMs: number | null;
}

/** Redirecting was refused on an interface. */
export interface Refusal {
  /** By its index: one that went and came back is another. */
  readonly linkIndex: number;
  readonly failure: Failure;
  /** Refusals in a row. */
  readonly tries: number;
  /** From when on a change of the network has it tried again; Infinity: none does. */
  readonly againAtMs: number;
}

/** Another node claims the address in use. */
export interface Contest {
  readonly clat: Uint8Array;
  /** When the neighbours were told last whose it is. */
  readonly defendedMs: number;
  /** It was claimed since: they are told again as soon as that may be. */
  readonly isOwed: boolean;
  /** When it is over, if nobody claims it any more. */
  readonly endsAtMs: number;
  /** When the log had it last; -Infinity: it has it that another address is looked for; null: it did not. */
  readonly saidMs: number | null;
}

/** What was done so far. */
export interface Ledger {
  readonly nextTicket: number;
  /** The last refusal to redirect, or null. */
  readonly refusal: Refusal | null;
  /** What other nodes made of the addresses, by network. */
  readonly neighbours: readonly Neighbours[];
  /** About the address in use, or null. */
  readonly contest: Contest | null;
  /** Whether the virtual interface may exist. */
  readonly hasInterface: boolean;
  /** Whether it has run since the start of the program. */
  readonly hasRun: boolean;
  /** Whether it has since the user switched it on: what is missing now was there before. */
  readonly hasRunSinceUp: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** The deadline that was set last, or null. */
  readonly timerMs: number | null;
}

/** The whole lifecycle, as one value. */
export interface Lifecycle {
  readonly settings: LifecycleSettings;
  readonly world: World;
  readonly ledger: Ledger;
  readonly state: ClatState;
}

/** A lifecycle before its first event. */
export function initialLifecycle(settings: LifecycleSettings): Lifecycle {
  return {
    settings,
    world: { candidates: [], view: null, nativeSinceMs: null, lookTicket: null, lookAtMs: null },
    ledger: {
      nextTicket: 1,
      refusal: null,
      neighbours: [],
      contest: null,
      hasInterface: false,
      hasRun: false,
      hasRunSinceUp: false,
      failures: 0,
      timerMs: null,
    },
    state: { state: 'idle', reason: 'client-starting', why: 'not switched on yet', left: null },
  };
}

/** The way that is in effect on the host, or null. */
export function attachmentOf(state: ClatState): Attachment | null {
  switch (state.state) {
    case 'attaching':
    case 'running':
      return state;
    case 'moving':
      return state.from;
    case 'idle':
    case 'waiting':
    case 'claiming':
    case 'doubting':
    case 'detaching':
    case 'stopping':
    case 'backoff':
      return null;
    default:
      return state satisfies never;
  }
}

/** Why a CLAT is in its state. */
export function reasonOf(state: ClatState): ClatReason {
  switch (state.state) {
    case 'idle':
    case 'waiting':
    case 'detaching':
      return state.reason;
    case 'claiming':
      return 'address-checking';
    case 'attaching':
      return 'host-attaching';
    case 'running':
    case 'moving':
      return 'client-ready';
    case 'doubting':
      return 'network-looking';
    case 'stopping':
      return state.failure === null ? 'client-stopping' : 'client-failed';
    case 'backoff':
      return 'client-retrying';
    default:
      return state satisfies never;
  }
}
