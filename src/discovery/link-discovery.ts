// Discovery on one link: hears and solicits routers, asks the link's resolvers. What it learns goes into the table that it shares
// with the other links; discovery.ts owns that. Read next: routers.ts, resolver-probe.ts, report.ts.

import { XlatError } from '../contract/errors.ts';
import { forgetResolver, hearDns, hearRa } from '../core/pref64/table.ts';
import { emitRouterSolicitation } from '../core/wire/ndp.ts';
import { readRouterOptions } from '../core/wire/ndp-options.ts';
import type { DiscoveryLink, Resolver, RouterMessage, RouterSocket } from '../platform/discovery-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { ExchangeContext } from './dns-exchange.ts';
import { type LinkContext, type LinkCounts, type Listening, noCounts } from './link-context.ts';
import type { ProbeState } from './resolver-probe.ts';
import { ResolverProbe } from './resolver-probe.ts';
import { acceptAdvertisement } from './router-advertisement.ts';
import { RESOLVERS_MAX, Routers } from './routers.ts';
import { Solicitor } from './solicitor.ts';
import { text6 } from './text.ts';

/** Resolvers are asked when a router was heard, or after this long: an RA is preferred, and names resolvers. */
const DNS_AFTER_MS = 1000;

/** Discovery on one link, from the constructor until `close()`. */
export class LinkDiscovery {
  link: DiscoveryLink;
  readonly routers: Routers;
  readonly counts: LinkCounts = noCounts();
  readonly #context: LinkContext;
  readonly #solicitor: Solicitor;
  readonly #probes = new Map<string, ResolverProbe>();
  #socket: RouterSocket | null = null;
  #dnsTimer: Closable | null = null;
  #dnsAtMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isClosed = false;
  /** Whether the resolvers of the link are known, be it that there are none. */
  hasResolvers = false;
  listening: Listening = { state: 'yes' };
  /** The last failure to solicit or to learn the resolvers, until a solicitation goes out; or null. */
  trouble: string | null = null;

  constructor(link: DiscoveryLink, context: LinkContext) {
    this.link = link;
    this.#context = context;
    this.routers = new Routers(link.name);
    const failed = (cause: Error): void => this.#note('solicit', cause);
    this.#solicitor = new Solicitor(context.clock, () => this.#solicit(), failed);
    this.#open();
    this.refresh();
  }

  /** Solicitations sent so far. */
  get solicitationsSent(): number {
    return this.#solicitor.sent;
  }

  /** The resolvers asked and their last answers. */
  get probes(): readonly ResolverProbe[] {
    return [...this.#probes.values()];
  }

  /** Asks everybody anew: on start, after sleep, when the network changed. */
  refresh(): void {
    if (this.listening.state === 'failed') this.#open();
    if (this.#socket !== null) this.#solicitor.start();
    this.hasResolvers = false;
    for (const probe of this.#probes.values()) probe.close();
    this.#planAsking(this.#socket === null || this.routers.all.length > 0 ? 0 : DNS_AFTER_MS);
  }

  /** Takes another look of the same link; other addresses mean that the network changed under it (rule D-06). */
  linkSeen(link: DiscoveryLink): void {
    const isSame = link.addresses.join() === this.link.addresses.join();
    this.link = link;
    if (!isSame || this.listening.state === 'failed') {
      this.refresh();
      return;
    }
    const failed = this.probes.filter((probe) => probe.state.state === 'failed' && !probe.isAsking);
    // An address that has just become usable, a route, a resolver: what could not be asked may be asked now.
    for (const probe of failed) probe.close();
    if (failed.length > 0 || (this.hasResolvers && this.#probes.size === 0)) this.#planAsking(0);
  }

  /** Ends everything. What it put into the table is its owner's to take out. */
  close(): void {
    this.#isClosed = true;
    this.#solicitor.stop();
    this.#socket?.close();
    this.#dnsTimer?.close();
    for (const probe of this.#probes.values()) probe.close();
  }

  #open(): void {
    const { platform } = this.#context;
    const failed = (cause: Error): void => this.#socketFailed('failed', cause);
    const flooded = (): void => {
      this.counts.floods += 1;
      this.#context.changed();
    };
    try {
      this.#socket = platform.openRouterSocket(this.link, { received: (m) => this.#received(m), flooded, failed });
      this.listening = { state: 'yes' };
    } catch (cause) {
      const isPermission = cause instanceof XlatError && cause.code === 'NOT_PERMITTED';
      this.#socketFailed(isPermission ? 'not-permitted' : 'failed', cause as Error);
    }
  }

  #solicit(): void {
    this.#socket?.solicit(emitRouterSolicitation(this.link.linkAddress));
    this.trouble = null;
    this.#context.changed();
  }

  #socketFailed(state: 'not-permitted' | 'failed', cause: Error): void {
    this.#socket = null;
    this.#solicitor.stop();
    this.listening = { state, cause };
    this.#context.changed();
  }

  #received(message: RouterMessage): void {
    const ra = acceptAdvertisement(message);
    if (typeof ra === 'string') {
      this.counts[ra] += 1;
      return;
    }
    this.counts.accepted += 1;
    const { clock, table, update } = this.#context;
    const nowMs = clock.now();
    const options = readRouterOptions(ra.options);
    this.counts.options += options.malformed;
    const router = text6(message.source);
    if (!this.routers.hear(router, ra, options, nowMs, (address) => this.#announces(address))) return;
    this.#solicitor.stop();
    const { name } = this.link;
    const before = table();
    const heard = { interfaceName: name, router, preference: ra.preference, offers: options.pref64 };
    const after = hearRa(before, heard, nowMs);
    this.counts.prefixes += after.refused - before.refused;
    update(after);
    this.#routersChanged();
  }

  #announces(router: string): boolean {
    const { candidates } = this.#context.table();
    return candidates.some((c) => c.source === 'ra' && c.interfaceName === this.link.name && c.origin === router);
  }

  /** A router was heard: its resolvers may be others now, and there is no need to wait for it any more. */
  #routersChanged(): void {
    this.follow();
    this.#context.changed();
    const named = this.routers.resolvers(this.#context.clock.now());
    const isUnknown = (r: Resolver): boolean => !this.#probes.has(keyOf(r)) && this.#probes.size < RESOLVERS_MAX;
    const isGone = ({ resolver }: ResolverProbe): boolean =>
      resolver.source === 'ra' && !named.some((r) => keyOf(r) === keyOf(resolver));
    if (!this.hasResolvers || named.some(isUnknown) || this.probes.some(isGone)) this.#planAsking(0);
  }

  /** Plans to learn the resolvers in `waitMs`, or when the last time is {@link DNS_AFTER_MS} ago: a flood of RAs asks no more. */
  #planAsking(waitMs: number): void {
    const nowMs = this.#context.clock.now();
    const atMs = Math.max(nowMs + waitMs, this.#askedAtMs + DNS_AFTER_MS);
    if (this.#isAsking || (this.#dnsTimer !== null && this.#dnsAtMs <= atMs)) return;
    this.#dnsTimer?.close();
    this.#dnsAtMs = atMs;
    this.#dnsTimer = this.#context.clock.after(atMs - nowMs, () => void this.#askResolvers());
  }

  /** Learns the resolvers and asks those that are not asked already. */
  async #askResolvers(): Promise<void> {
    const { clock, changed } = this.#context;
    this.#dnsTimer = null;
    this.#askedAtMs = clock.now();
    this.#isAsking = true;
    const known = await this.#learnResolvers();
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#setProbes(known.slice(0, RESOLVERS_MAX));
    this.hasResolvers = true;
    this.follow();
    changed();
  }

  /** Those that routers name, or else the system's; never rejects. */
  async #learnResolvers(): Promise<readonly Resolver[]> {
    const announced = (): Resolver[] => this.routers.resolvers(this.#context.clock.now());
    if (announced().length > 0) return announced();
    try {
      const system = await this.#context.platform.resolvers(this.link);
      return announced().length > 0 ? announced() : system;
    } catch (cause) {
      this.#note('find the resolvers', cause as Error);
      return announced();
    }
  }

  #setProbes(resolvers: readonly Resolver[]): void {
    const wanted = new Map(resolvers.map((r) => [keyOf(r), r]));
    for (const [key, probe] of this.#probes) {
      if (wanted.has(key)) continue;
      probe.close();
      this.#probes.delete(key);
      this.#context.update(forgetResolver(this.#context.table(), this.link.name, probe.resolver.address));
    }
    const { clock, exchange, platform, randomId } = this.#context;
    const context: ExchangeContext = { clock, link: this.link, tieToLink: platform.tieToLink, randomId };
    for (const [key, resolver] of wanted) {
      if (this.#probes.has(key)) continue;
      this.#probes.set(key, new ResolverProbe(resolver, context, exchange, (s) => this.#answered(resolver, s)));
    }
  }

  #answered(resolver: Resolver, outcome: ProbeState): void {
    const { table, update, changed } = this.#context;
    // No answer says nothing: what the resolver said before holds until it expires.
    if (outcome.state === 'prefixes' || outcome.state === 'no-nat64') {
      const { prefixes, validUntilMs } = outcome.state === 'prefixes' ? outcome : { prefixes: [], validUntilMs: 0 };
      const before = table();
      const heard = { interfaceName: this.link.name, resolver: resolver.address, prefixes, validUntilMs };
      const after = hearDns(before, heard);
      this.counts.prefixes += after.refused - before.refused;
      update(after);
    }
    changed();
  }

  /** Rule D-07: nobody is asked while a router announces a prefix. */
  #isDnsWanted(): boolean {
    return this.#context.asksDnsBesideRa || !this.#hasRaPrefix();
  }

  #hasRaPrefix(): boolean {
    const nowMs = this.#context.clock.now();
    const { candidates } = this.#context.table();
    return candidates.some((c) => c.source === 'ra' && c.interfaceName === this.link.name && c.validUntilMs > nowMs);
  }

  /**
   * Asks the resolvers, or ceases to and drops what they said, as rule D-07 wants it now. To be called also when a prefix of a
   * router has expired.
   */
  follow(): void {
    const isWanted = this.#isDnsWanted();
    for (const probe of this.#probes.values()) {
      if (isWanted && probe.isIdle) probe.ask();
      if (isWanted) continue;
      probe.close();
      this.#context.update(forgetResolver(this.#context.table(), this.link.name, probe.resolver.address));
    }
  }

  #note(what: string, cause: Error): void {
    this.trouble = `cannot ${what}: ${cause.message}`;
    this.#context.changed();
  }
}

const keyOf = (r: Resolver): string => `${r.address} ${r.port}`;
