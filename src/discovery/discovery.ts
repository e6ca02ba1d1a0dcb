// Discovery on all links of a host: one table of prefixes on offer, a choice for each link, and everything that keeps them true:
// links that come and go, deadlines, connectivity checks. It changes nothing on the host. Read next: link-discovery.ts.
//
//   routers ──RA──▶ LinkDiscovery ─┐
//   resolvers ─DNS▶ (one a link)   ├─▶ Pref64Table ──choose()──▶ Choice per link ──▶ events
//   configuration ─────────────────┘        ▲ deadlines, checks

import { randomInt } from 'node:crypto';
import { isSamePrefix } from '../core/address/same.ts';
import type { LinkRef } from '../core/host/host-config.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import { type Choice, chooseAfter } from '../core/pref64/choose.ts';
import {
  candidatesOn,
  EMPTY_TABLE,
  expire,
  forgetInterface,
  nextExpiryMs,
  noteReachable,
  type Pref64Table,
  setStatic,
} from '../core/pref64/table.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { DiscoveryLink, DiscoveryPlatform } from '../platform/discovery-platform.ts';
import type { Closable } from '../platform/platform.ts';
import { type Clock, systemClock } from './clock.ts';
import { CHECK_AGAIN_MS, type CheckTarget, type ConnectTcp, checkConnectivity } from './connectivity.ts';
import { type Exchange, exchange } from './dns-exchange.ts';
import type { LinkContext } from './link-context.ts';
import { LinkDiscovery } from './link-discovery.ts';
import { textPrefix } from './text.ts';

/** Changes come in bursts; one look, and one call of `changed`, is enough for each. */
export const SETTLE_MS = 100;

/** What discovery is to do. */
export interface DiscoveryOptions {
  readonly platform: DiscoveryPlatform;
  /** Only this interface; null: all. */
  readonly only: string | null;
  /** The configured prefix, or null. */
  readonly configured: Prefix6 | null;
  /** Whom to reach through each prefix before its use (rule D-08); null: no check. */
  readonly check: CheckTarget | null;
  /** Whether resolvers are asked although a router announces a prefix: to show what they say. */
  readonly asksDnsBesideRa: boolean;
  readonly onEvent: (event: DiscoveryEvent) => void;
  readonly clock?: Clock;
  readonly exchange?: Exchange;
  readonly randomId?: () => number;
  readonly checkConnectivity?: typeof checkConnectivity;
}

/** What happened. Plain data. */
export type DiscoveryEvent =
  | { readonly kind: 'link-up' | 'link-down'; readonly interfaceName: string }
  /** The choice on an interface is another one now: prefix, source, origin or reason. */
  | { readonly kind: 'chosen'; readonly interfaceName: string; readonly choice: Choice }
  | {
      readonly kind: 'checked';
      readonly interfaceName: string;
      readonly prefix: Prefix6;
      readonly isReachable: boolean;
    }
  /** Anything that a report shows has changed; at most one for each {@link SETTLE_MS}. */
  | { readonly kind: 'changed' };

/** Starts discovery. It goes on until closed. */
export const startDiscovery = (options: DiscoveryOptions): Discovery => new Discovery(options);

const isSameChoice = (a: Choice | undefined, b: Choice): boolean => {
  if (a === undefined || a.reason !== b.reason) return false;
  if (a.candidate === null || b.candidate === null) return a.candidate === b.candidate;
  const { source, origin, prefix } = b.candidate;
  return a.candidate.source === source && a.candidate.origin === origin && isSamePrefix(a.candidate.prefix, prefix);
};

/** Running discovery. */
export class Discovery implements Closable {
  readonly configured: Prefix6 | null;
  readonly clock: Clock;
  readonly #options: DiscoveryOptions;
  readonly #context: LinkContext;
  readonly #links = new Map<string, LinkDiscovery>();
  readonly #choices = new Map<string, Choice>();
  readonly #checks = new Map<string, Closable>();
  readonly #watch: Closable;
  #table: Pref64Table = EMPTY_TABLE;
  #expiry: Closable | null = null;
  #settling: Closable | null = null;
  #telling: Closable | null = null;
  #isClosed = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.configured = options.configured;
    this.clock = options.clock ?? systemClock;
    this.#context = {
      platform: options.platform,
      clock: this.clock,
      exchange: options.exchange ?? exchange,
      randomId: options.randomId ?? (() => randomInt(0x10000)),
      asksDnsBesideRa: options.asksDnsBesideRa,
      table: () => this.#table,
      update: (table) => this.#update(table),
      recheck: (interfaceName) => this.#recheck(`${interfaceName} `),
      changed: () => this.#changed(),
    };
    this.#table = setStatic(EMPTY_TABLE, options.configured);
    // Watched before the first look, so that no change falls between the two.
    this.#watch = options.platform.watchNetwork(() => this.#networkChanged());
    this.#look();
  }

  /** The links looked at, in the order found. */
  get links(): readonly LinkDiscovery[] {
    return [...this.#links.values()];
  }

  /** What is on offer on an interface. */
  candidates(interfaceName: string): readonly Candidate[] {
    return candidatesOn(this.#table, interfaceName);
  }

  /** The choice on an interface. */
  choice(interfaceName: string): Choice {
    return this.#choices.get(interfaceName) ?? { candidate: null, reason: 'none' };
  }

  /**
   * Asks everybody anew: after the machine slept (the clock jumped), or when the user wants it.
   * @param isFromEmpty what was heard before is forgotten first
   */
  refresh(isFromEmpty: boolean): void {
    this.#look();
    if (isFromEmpty) this.#forget();
    for (const link of this.#links.values()) {
      if (isFromEmpty) link.startAnew();
      else link.refresh();
    }
    this.#expire(); // who is asked already is not asked once more for what has expired
    this.#recheck('');
    this.#judge();
  }

  #forget(): void {
    this.#choices.clear();
    this.#table = { ...setStatic(EMPTY_TABLE, this.configured), refused: this.#table.refused };
    this.#planExpiry();
  }

  /** Ends everything; no event comes after. */
  close(): void {
    this.#isClosed = true;
    this.#watch.close();
    for (const timer of [this.#expiry, this.#settling, this.#telling]) timer?.close();
    for (const check of this.#checks.values()) check.close();
    for (const link of this.#links.values()) link.close();
  }

  #networkChanged(): void {
    if (this.#isClosed || this.#settling !== null) return;
    this.#settling = this.clock.after(SETTLE_MS, () => {
      this.#settling = null;
      this.#look();
    });
  }

  /** Looks at the host's links and starts, ends and refreshes accordingly. */
  #look(): void {
    const { platform, only } = this.#options;
    const present = platform.links().filter((l) => only === null || l.name === only);
    for (const { link } of this.links) {
      if (!present.some((l) => l.name === link.name && l.index === link.index)) this.#linkDown(link.name);
    }
    for (const link of present) {
      const known = this.#links.get(link.name);
      if (known === undefined) this.#linkUp(link);
      else known.linkSeen(link);
    }
  }

  #linkUp(link: DiscoveryLink): void {
    this.#links.set(link.name, new LinkDiscovery(link, this.#context));
    this.#tell({ kind: 'link-up', interfaceName: link.name });
    this.#judge();
  }

  #linkDown(name: string): void {
    this.#links.get(name)?.close();
    this.#links.delete(name);
    this.#choices.delete(name);
    this.#tell({ kind: 'link-down', interfaceName: name });
    this.#update(forgetInterface(this.#table, name));
    this.#check();
    this.#changed();
  }

  #update(table: Pref64Table): void {
    if (table === this.#table) return;
    const isOnlyCounted = table.candidates === this.#table.candidates;
    this.#table = table;
    if (isOnlyCounted) {
      this.#changed();
      return;
    }
    this.#planExpiry();
    this.#judge();
  }

  #planExpiry(): void {
    this.#expiry?.close();
    const atMs = nextExpiryMs(this.#table);
    this.#expiry =
      atMs === Number.POSITIVE_INFINITY ? null : this.clock.after(atMs - this.clock.now(), () => this.#expire());
  }

  /** A timer's hour and the clock's need not agree: after sleep the one is late, after a capped wait it is early. */
  #expire(): void {
    const table = expire(this.#table, this.clock.now());
    if (table === this.#table) this.#planExpiry();
    this.#update(table);
    for (const link of this.#links.values()) link.follow();
  }

  /** Chooses anew on every link, says what changed, and checks what is unchecked. */
  #judge(): void {
    const nowMs = this.clock.now();
    for (const name of this.#links.keys()) {
      const before = this.#choices.get(name);
      const choice = chooseAfter(before, this.candidates(name), nowMs);
      this.#choices.set(name, choice);
      if (!isSameChoice(before, choice)) this.#tell({ kind: 'chosen', interfaceName: name, choice });
    }
    this.#check();
    this.#changed();
  }

  /** Rule D-08: checks each prefix on offer once on each link, and anew a while after it failed. */
  #check(): void {
    const wanted = new Map<string, () => void>();
    for (const { link } of this.links) {
      for (const { prefix } of this.candidates(link.name)) {
        const key = `${link.name} ${textPrefix(prefix)}`;
        wanted.set(key, () => this.#startCheck(key, link, prefix));
      }
    }
    for (const [key, check] of this.#checks) {
      if (wanted.has(key)) continue;
      check.close();
      this.#checks.delete(key);
    }
    for (const [key, start] of wanted) if (!this.#checks.has(key)) start();
  }

  /** Makes the checks whose keys begin so anew, also those that succeeded. */
  #recheck(keyStart: string): void {
    for (const [key, check] of this.#checks) {
      if (!key.startsWith(keyStart)) continue;
      check.close();
      this.#checks.delete(key);
    }
    this.#check();
  }

  #startCheck(key: string, link: LinkRef, prefix: Prefix6): void {
    const { check, platform, checkConnectivity: run = checkConnectivity } = this.#options;
    if (check === null) return;
    const { name: interfaceName } = link;
    const connect: ConnectTcp = (address, port) => platform.connectTcp(link, address, port);
    const done = (isReachable: boolean): void => {
      if (!isReachable) {
        const again = (): void => this.#startCheck(key, link, prefix);
        this.#checks.set(key, this.clock.after(CHECK_AGAIN_MS, again));
      }
      this.#tell({ kind: 'checked', interfaceName, prefix, isReachable });
      this.#update(noteReachable(this.#table, interfaceName, prefix, isReachable));
    };
    this.#checks.set(key, run(prefix, check, { clock: this.clock, connect }, done));
  }

  #changed(): void {
    if (this.#isClosed || this.#telling !== null) return;
    this.#telling = this.clock.after(SETTLE_MS, () => {
      this.#telling = null;
      this.#tell({ kind: 'changed' });
    });
  }

  #tell(event: DiscoveryEvent): void {
    if (!this.#isClosed) this.#options.onEvent(event);
  }
}
