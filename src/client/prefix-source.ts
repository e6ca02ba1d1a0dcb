// Where the client's prefixes come from: its configuration, or discovery on all links (discovered-prefixes.ts).

import { connect } from 'node:net';
import { formatPrefix6 } from '../config/addresses.ts';
import type { LogFields } from '../contract/reasons.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import { EMPTY_TABLE, setStatic } from '../core/pref64/table.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { Clock } from '../discovery/clock.ts';
import { CHECK_AGAIN_MS, type CheckTarget, type ConnectTcp, checkConnectivity } from '../discovery/connectivity.ts';
import type { Closable } from '../platform/platform.ts';
import type { Detail } from './details.ts';

/** A source of prefixes. */
export interface PrefixSource extends Closable {
  /**
   * Asks everybody anew: the network may be another one.
   * @param isFromEmpty what was heard before is forgotten first: the user wants to begin again
   */
  refresh(isFromEmpty: boolean): void;
  /** Prefixes that were not kept, of each interface that has such. */
  readonly refused: readonly RefusedPrefixes[];
}

/** How many prefixes of an interface were not kept: unusable, or too many. */
export interface RefusedPrefixes {
  readonly interfaceName: string;
  readonly count: number;
}

/** What a source calls. */
export interface PrefixListener {
  /** What was heard and asked, for who wants to know all of it. */
  readonly detail?: Detail;
  /** All prefixes on offer, whenever they may have changed. */
  offers(candidates: readonly Candidate[]): void;
  /** A link on which routers cannot be heard, or resolvers not found, with the words for it; once for each. */
  trouble(fields: LogFields, text: string): void;
  /** More Router Advertisements come in on a link than are looked at. */
  flooded(fields: LogFields, text: string): void;
  /** Prefixes were not kept, being unusable or too many; now and then. */
  refused(fields: LogFields, text: string): void;
  /** The outcome of a connectivity check, when it is another one than before. */
  checked(fields: LogFields & { readonly prefix: string }, isReachable: boolean): void;
}

/** What checking a prefix needs. */
export interface Checking {
  /** Whom to reach through it (rule D-08); null: no check. */
  readonly check: CheckTarget | null;
  readonly clock: Clock;
  /** Tests have one of their own. */
  readonly checkConnectivity?: typeof checkConnectivity;
}

/** The configured prefix. It never changes; a check that fails is shown and takes nothing away. */
export function configuredPrefix(prefix: Prefix6, checking: Checking, listener: PrefixListener): PrefixSource {
  const source = new ConfiguredPrefix(prefix, checking, listener);
  source.refresh();
  return source;
}

/** A configured prefix belongs to no link: the routing table decides. */
const anyWay: ConnectTcp = (address, port) => connect(port, address);

class ConfiguredPrefix implements PrefixSource {
  readonly #prefix: Prefix6;
  readonly #checking: Checking;
  readonly #listener: PrefixListener;
  readonly refused = [];
  /** The check that goes on, or the wait for the next one. */
  #next: Closable | null = null;
  #isReachable: boolean | null = null;

  constructor(prefix: Prefix6, checking: Checking, listener: PrefixListener) {
    this.#prefix = prefix;
    this.#checking = checking;
    this.#listener = listener;
  }

  refresh(): void {
    this.#offer();
    this.#check();
  }

  close(): void {
    this.#next?.close();
    this.#next = null;
  }

  #offer(): void {
    const { candidates } = setStatic(EMPTY_TABLE, this.#prefix);
    this.#listener.offers(candidates.map((candidate) => ({ ...candidate, isReachable: this.#isReachable })));
  }

  #check(): void {
    const { check, clock, checkConnectivity: run = checkConnectivity } = this.#checking;
    this.#next?.close();
    if (check !== null) this.#next = run(this.#prefix, check, { clock, connect: anyWay }, (is) => this.#checked(is));
  }

  #checked(isReachable: boolean): void {
    if (!isReachable) this.#next = this.#checking.clock.after(CHECK_AGAIN_MS, () => this.#check());
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    this.#listener.checked({ prefix: formatPrefix6(this.#prefix) }, isReachable);
    this.#offer();
  }
}
