// Discovery on one link: hears and solicits routers, has the link's resolvers asked. What it learns goes into the table that it shares
// with the other links; discovery.ts owns that. Read next: routers.ts, roll-call.ts, link-resolvers.ts, report.ts.

import { XlatError } from '../contract/errors.ts';
import { type HeardRa, hasRivals, hearRa, noteSilent, offersNews } from '../core/pref64/table.ts';
import { emitRouterSolicitation } from '../core/wire/ndp.ts';
import { readRouterOptions } from '../core/wire/ndp-options.ts';
import type { DiscoveryLink, RouterMessage, RouterSocket } from '../platform/discovery-platform.ts';
import { type LinkContext, type LinkCounts, type Listening, noCounts } from './link-context.ts';
import { LinkResolvers } from './link-resolvers.ts';
import type { ResolverProbe } from './resolver-probe.ts';
import { OVERDUE_MS, RollCall } from './roll-call.ts';
import { acceptAdvertisement } from './router-advertisement.ts';
import { type Router, Routers } from './routers.ts';
import { text6 } from './text.ts';

/** Discovery on one link, from the constructor until `close()`. */
export class LinkDiscovery {
  link: DiscoveryLink;
  readonly routers: Routers;
  readonly counts: LinkCounts = noCounts();
  readonly #context: LinkContext;
  readonly #rollCall: RollCall;
  readonly #resolvers: LinkResolvers;
  #socket: RouterSocket | null = null;
  listening: Listening = { state: 'yes' };
  /** The last failure to solicit or to learn the resolvers, until a solicitation goes out; or null. */
  trouble: string | null = null;

  constructor(link: DiscoveryLink, context: LinkContext) {
    this.link = link;
    this.#context = context;
    this.routers = new Routers(link.name);
    this.#rollCall = this.#makeRollCall(context);
    this.#resolvers = new LinkResolvers(this, context, (cause) => this.#note('find the resolvers', cause));
    this.#open();
    this.refresh();
  }

  /** Solicitations sent so far. */
  get solicitationsSent(): number {
    return this.#rollCall.sent;
  }

  /** Whether a router was solicited and did not answer. */
  isSilent = (router: Router): boolean => this.#rollCall.isSilent(router.address);

  /** The resolvers asked and their last answers. */
  get probes(): readonly ResolverProbe[] {
    return this.#resolvers.probes;
  }

  /** Whether the resolvers of the link are known, be it that there are none. */
  get hasResolvers(): boolean {
    return this.#resolvers.areKnown;
  }

  /** Asks everybody anew: on start, after sleep, when the network changed. */
  refresh(): void {
    if (this.listening.state === 'failed') this.#open();
    if (this.#socket !== null) this.#rollCall.begin();
    this.#resolvers.refresh(this.#socket !== null && this.routers.all.length === 0);
  }

  /** Forgets what was heard and asks anew. What it put into the table is its owner's to take out. */
  startAnew(): void {
    this.routers.forget();
    this.#resolvers.forget();
    this.refresh();
  }

  /** Takes another look of the same link; other addresses mean that the network changed under it (rule D-06). */
  linkSeen(link: DiscoveryLink): void {
    const isSame = link.addresses.join() === this.link.addresses.join();
    this.link = link;
    if (!isSame || this.listening.state === 'failed') this.refresh();
    else this.#resolvers.retry();
  }

  /** Asks the resolvers or ceases to, as rule D-07 wants it now. To be called also when a prefix of a router has expired. */
  follow(): void {
    this.#resolvers.follow();
  }

  /** Ends everything. What it put into the table is its owner's to take out. */
  close(): void {
    this.#rollCall.close();
    this.#socket?.close();
    this.#resolvers.close();
  }

  #makeRollCall({ clock, randomId, table, update, recheck }: LinkContext): RollCall {
    return new RollCall({
      clock,
      randomId,
      send: () => this.#solicit(),
      failed: (cause) => this.#note('solicit', cause),
      routers: this.routers,
      announces: (router) => this.#announces(router),
      isOpen: () => this.#isOpen(),
      floods: () => this.counts.floods,
      changed: (silent) => update(noteSilent(table(), this.link.name, silent)),
      questioned: () => recheck(this.link.name),
    });
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
    this.#rollCall.close();
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
    const options = readRouterOptions(ra.options);
    this.counts.options += options.malformed;
    const router = text6(message.source);
    const wasDefault = this.routers.isDefault(router);
    const nowMs = this.#context.clock.now();
    if (!this.routers.hear(router, ra, options, nowMs, (address) => this.#announces(address))) return;
    this.#rollCall.heard(router);
    const { preference, lifetimeSeconds } = ra;
    const hasNews = this.#takePrefixes({
      interfaceName: this.link.name,
      router,
      preference,
      isDefaultRouter: lifetimeSeconds > 0,
      offers: options.pref64,
    });
    const isGoodbye = wasDefault && lifetimeSeconds === 0;
    const isOverdue = options.pref64.length > 0 && this.#hasOverdue(nowMs);
    if ((hasNews && this.#hasRivals()) || ((isGoodbye || isOverdue) && this.#isOpen())) this.#rollCall.question();
    this.#resolvers.routersChanged();
  }

  /** Whether it helps to ask the routers: they offer different prefixes, or none of them is a default router any more. */
  #isOpen(): boolean {
    return this.#hasRivals() || !this.routers.hasDefault;
  }

  /** @returns whether a prefix is among them that no router offered before */
  #takePrefixes(heard: HeardRa): boolean {
    const { clock, table, update } = this.#context;
    const before = table();
    const after = hearRa(before, heard, clock.now());
    this.counts.prefixes += after.refused - before.refused;
    update(after);
    return offersNews(before, after, this.link.name);
  }

  #hasRivals(): boolean {
    return hasRivals(this.#context.table(), this.link.name);
  }

  /** Whether a router whose prefix is on offer was not heard for longer than routers are silent. */
  #hasOverdue(nowMs: number): boolean {
    const isOverdue = (r: Router): boolean => nowMs - r.heardAtMs > OVERDUE_MS && !this.isSilent(r);
    return this.routers.all.some((r) => isOverdue(r) && this.#announces(r.address));
  }

  #announces(router: string): boolean {
    const { candidates } = this.#context.table();
    return candidates.some((c) => c.source === 'ra' && c.interfaceName === this.link.name && c.origin === router);
  }

  #note(what: string, cause: Error): void {
    this.trouble = `cannot ${what}: ${cause.message}`;
    this.#context.changed();
  }
}
