// A client as its owner sees it: what it is given, what it says about itself, how it is stopped. Read next: client.ts.

import type { Log, Reason } from '../contract/reasons.ts';
import type { ForwardingUplink, UplinkAttachment } from '../core/host/host-config.ts';
import type { Pref64Source } from '../core/pref64/candidate.ts';
import type { Clock } from '../discovery/clock.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
import type { Platform } from '../platform/platform.ts';
import type { StartDataPlane } from './data-plane.ts';
import type { ClientOffers } from './offers.ts';
import type { ClientProblem } from './problems.ts';

/** What a client runs in. */
export interface ClientEnvironment {
  readonly platform: Platform;
  readonly startDataPlane: StartDataPlane;
  readonly log: Log;
  /** Directory of the journal. */
  readonly stateDir: string;
  /** Directory of the secret that makes addresses stable. */
  readonly secretDir: string;
  /** true: without a way to the NAT64 it waits for one; false: it fails with NO_UPLINK. Default: waits where it discovers the prefix. */
  readonly waitsForUplink?: boolean;
  /** Forwarding for two interfaces or for the host; default: what the kernel can do. */
  readonly forwarding?: ForwardingUplink['scope'];
  /** What discovery needs of the system; needed where no prefix is configured. */
  readonly discoveryPlatform?: DiscoveryPlatform;
  /** Counts sleep; default: the system's. Deadlines of prefixes are on it. */
  readonly clock?: Clock;
  /** Default 1000, RFC 4861 §10. */
  readonly retransMs?: number;
  /** Default 2000. */
  readonly nativeLastsMs?: number;
}

/** The NAT64 prefix that the traffic goes to. */
export interface PrefixInUse {
  readonly prefix: string;
  readonly source: Pref64Source;
  /** The router's or the resolver's address, or "configuration". */
  readonly origin: string;
  /** Deadline on the client's clock; Infinity: none. */
  readonly validUntilMs: number;
  /** Outcome of the connectivity check; null: none was made. */
  readonly isReachable: boolean | null;
}

/** What the client is doing. */
export type ClientState =
  | { readonly state: 'starting' }
  | {
      readonly state: 'waiting';
      readonly reason: Reason;
      readonly why: string;
      readonly problems: readonly ClientProblem[];
      /** When the next attempt comes, on the client's clock; null: when there is something to try. */
      readonly retryAtMs: number | null;
    }
  | {
      readonly state: 'running';
      readonly problems: readonly ClientProblem[];
      readonly uplink: string;
      /** The host's own address toward the NAT64. */
      readonly source: string;
      readonly uplinkKind: UplinkAttachment['kind'];
      readonly clat: string;
      readonly ipv4: string;
      readonly tun: string;
      readonly ipv4MtuBytes: number;
      readonly prefix: PrefixInUse;
    }
  | { readonly state: 'stopping' }
  | {
      readonly state: 'stopped';
      readonly reason: Reason;
      readonly why: string;
      readonly problems: readonly ClientProblem[];
    };

/** A client, from the call of {@link startClient} on. */
export interface RunningClient {
  /** What it is doing now. */
  readonly state: ClientState;
  /** The prefixes that it has to choose from now. */
  readonly offers: ClientOffers;
  /** Resolves when this host is its to change; rejects, as `ready` does, when it is another client's. */
  readonly opened: Promise<void>;
  /** Resolves when it runs or waits for the first time; rejects, after everything was put back, when it could not start. */
  readonly ready: Promise<void>;
  /** Resolves when it has stopped; rejects, after everything was put back, when it failed. */
  readonly ended: Promise<void>;
  /** Switches it off: everything is put back, and it goes on to be there. */
  switchOff(): void;
  /** Switches it on again. */
  switchOn(): void;
  /** Stops it, at any time: puts everything back and ends the data plane. Resolves or rejects as `ended` does. */
  stop(): Promise<void>;
}
