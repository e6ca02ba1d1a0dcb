// The resolvers of one link: learns which they are, from routers and the system, and has them asked for the NAT64 prefix (RFC 7050)
// while no router announces one (rule D-07). Both kinds are asked: a network's DNS64 may be named by DHCP alone, and a router that
// names a dead resolver takes nothing away. Read next: resolver-shares.ts, resolver-probe.ts.

import { announcedOn, forgetResolver, hearDns } from '../core/pref64/table.ts';
import type { DiscoveryLink, Resolver } from '../platform/discovery-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { ExchangeContext } from './dns-exchange.ts';
import type { LinkContext, LinkCounts } from './link-context.ts';
import type { ProbeState } from './resolver-probe.ts';
import { ResolverProbe } from './resolver-probe.ts';
import { keyOf, type ResolverShares, shareOut } from './resolver-shares.ts';
import { RESOLVERS_MAX, type Routers } from './routers.ts';

/** Resolvers are asked when a router was heard, or after this long: an RA is preferred, and names resolvers. */
const DNS_AFTER_MS = 1000;

/** The link that they belong to, as it is at the time. */
export interface ResolversLink {
  readonly link: DiscoveryLink;
  readonly routers: Routers;
  readonly counts: LinkCounts;
}

/** The resolvers of one link, until `close()`. */
export class LinkResolvers {
  readonly #link: ResolversLink;
  readonly #context: LinkContext;
  readonly #failed: (cause: Error) => void;
  readonly #probes = new Map<string, ResolverProbe>();
  #dnsTimer: Closable | null = null;
  #dnsAtMs = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #areLearnt = false;
  #isClosed = false;
  #system: readonly Resolver[] = [];
  /** Fires when the time of a resolver that a router named is over. */
  #expiry: Closable | null = null;

  /** @param failed told why the system's resolvers could not be learnt */
  constructor(link: ResolversLink, context: LinkContext, failed: (cause: Error) => void) {
    this.#link = link;
    this.#context = context;
    this.#failed = failed;
  }

  /** Whether they are known, be it that there are none, and no other look is due. */
  get areKnown(): boolean {
    return this.#areLearnt && this.#dnsTimer === null && !this.#isAsking;
  }

  /** How many are named and not asked, for there are too many. */
  get leftOut(): number {
    return this.#shares().leftOut;
  }

  /** Those that are asked, and their last answers. */
  get probes(): readonly ResolverProbe[] {
    return [...this.#probes.values()];
  }

  /** Learns and asks them anew. @param awaitsRouters a router may be heard in a moment, which is then waited for */
  refresh(awaitsRouters: boolean): void {
    this.#areLearnt = false;
    for (const probe of this.#probes.values()) probe.close();
    this.#planAsking(awaitsRouters ? DNS_AFTER_MS : 0);
  }

  /** Forgets who they are and what they said. */
  forget(): void {
    for (const probe of this.#probes.values()) probe.close();
    this.#probes.clear();
  }

  /** Asks those that failed: an address that has just become usable, a route, a resolver may have been what was missing. */
  retry(): void {
    const failed = this.probes.filter((probe) => probe.state.state === 'failed' && !probe.isAsking);
    for (const probe of failed) probe.close();
    if (failed.length > 0 || (this.#areLearnt && this.#probes.size === 0)) this.#planAsking(0);
  }

  /** Ends everything. */
  close(): void {
    this.#isClosed = true;
    this.#dnsTimer?.close();
    this.#expiry?.close();
    for (const probe of this.#probes.values()) probe.close();
  }

  /** A router was heard: its resolvers may be others now, and there is no need to wait for it any more. */
  routersChanged(): void {
    this.follow();
    this.#context.changed();
    this.#review();
  }

  /** Those to ask: the system's first, so that no number of routers keeps them out. */
  #shares(): ResolverShares {
    return shareOut([this.#system, ...this.#link.routers.resolvers(this.#context.clock.now())], RESOLVERS_MAX);
  }

  /** Looks anew where those to ask are others than those that are asked, and again when the time of the next one is over. */
  #review(): void {
    const { clock } = this.#context;
    const { asked } = this.#shares();
    const isSame = asked.length === this.#probes.size && asked.every((r) => this.#probes.has(keyOf(r)));
    if (!this.#areLearnt || !isSame) this.#planAsking(0);
    this.#expiry?.close();
    const inMs = this.#link.routers.nextResolverExpiryMs(clock.now()) - clock.now();
    this.#expiry = inMs === Number.POSITIVE_INFINITY ? null : clock.after(inMs, () => this.routersChanged());
  }

  /** Plans to learn the resolvers in `waitMs`, or when the last time is {@link DNS_AFTER_MS} ago: a flood of RAs asks no more. */
  #planAsking(waitMs: number): void {
    const nowMs = this.#context.clock.now();
    const atMs = Math.max(nowMs + waitMs, this.#askedAtMs + DNS_AFTER_MS);
    if (this.#isClosed || this.#isAsking || (this.#dnsTimer !== null && this.#dnsAtMs <= atMs)) return;
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
    this.#system = await this.#systemResolvers();
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#setProbes(this.#shares().asked);
    this.#areLearnt = true;
    this.follow();
    changed();
  }

  /** Those that the system knows of, from DHCP say; never rejects. */
  async #systemResolvers(): Promise<readonly Resolver[]> {
    try {
      return await this.#context.platform.resolvers(this.#link.link);
    } catch (cause) {
      this.#failed(cause as Error);
      return [];
    }
  }

  #setProbes(resolvers: readonly Resolver[]): void {
    const wanted = new Map(resolvers.map((r) => [keyOf(r), r]));
    for (const [key, probe] of this.#probes) {
      if (wanted.has(key)) continue;
      probe.close();
      this.#probes.delete(key);
      this.#context.update(forgetResolver(this.#context.table(), this.#link.link.name, probe.resolver.address));
    }
    const { clock, exchange, platform, randomId } = this.#context;
    const { tieToLink, connectTcp } = platform;
    const context: ExchangeContext = { clock, link: this.#link.link, tieToLink, connectTcp, randomId };
    for (const [key, resolver] of wanted) {
      const known = this.#probes.get(key);
      if (known !== undefined)
        known.resolver = resolver; // somebody else may name it now
      else this.#probes.set(key, new ResolverProbe(resolver, context, exchange, (s) => this.#answered(resolver, s)));
    }
  }

  #answered(resolver: Resolver, outcome: ProbeState): void {
    const { table, update, changed } = this.#context;
    // No answer says nothing: what the resolver said before holds until it expires.
    if (outcome.state === 'prefixes' || outcome.state === 'no-nat64') {
      const { prefixes, validUntilMs } = outcome.state === 'prefixes' ? outcome : { prefixes: [], validUntilMs: 0 };
      const before = table();
      const heard = { interfaceName: this.#link.link.name, resolver: resolver.address, prefixes, validUntilMs };
      const after = hearDns(before, heard);
      this.#link.counts.prefixes += after.refused - before.refused;
      update(after);
    }
    // DHCP may have named another one by now. That is no change of the network which anybody would be told of.
    if (outcome.state !== 'prefixes') this.#planAsking(0);
    changed();
  }

  /** Rule D-07: nobody is asked while a router announces a prefix. */
  #isDnsWanted(): boolean {
    return this.#context.asksDnsBesideRa || !this.#hasRaPrefix();
  }

  #hasRaPrefix(): boolean {
    const nowMs = this.#context.clock.now();
    return announcedOn(this.#context.table(), this.#link.link.name).some((c) => c.validUntilMs > nowMs);
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
      this.#context.update(forgetResolver(this.#context.table(), this.#link.link.name, probe.resolver.address));
    }
  }
}
