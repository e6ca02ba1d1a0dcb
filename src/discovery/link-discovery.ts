// Discovery on one link: hears and solicits routers, has the link's resolvers asked. What it learns goes into the table that it shares
// with the other links; discovery.ts owns that. Read next: routers.ts, roll-call.ts, link-resolvers.ts, report.ts.

import { XlatError } from '../contract/errors.ts';
import {
  announcedOn,
  forgetRouter,
  type HeardRa,
  hasRivals,
  hearRa,
  noteNamed,
  noteSilent,
  offersNews,
} from '../core/pref64/table.ts';
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

/** Why Linux sends nothing (see solicitor.ts), in words. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'the interface has no link-local address in use yet',
  ENETUNREACH: 'IPv6 does not work on the interface',
};

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
  /** A router that announces a prefix now, or null. */
  #announcer: string | null = null;
  /** Who announced the last prefix while none is announced any more: asked, it may say it again. */
  #lostBy: string | null = null;
  /** Whether, since the last round for the sake of a question, a prefix was lost or a router had no room: only asking tells. */
  #isWanted = false;

  constructor(link: DiscoveryLink, context: LinkContext) {
    this.link = link;
    this.#context = context;
    this.routers = this.#makeRouters(context);
    this.#rollCall = this.#makeRollCall(context);
    this.#resolvers = new LinkResolvers(this, context, (cause) => this.#note('find the resolvers', cause));
    this.#open();
    this.refresh();
  }

  /** Solicitations sent so far. */
  get solicitationsSent(): number {
    return this.#rollCall.sent;
  }

  /** When the last of them was. */
  get solicitedAtMs(): number {
    return this.#rollCall.sentAtMs;
  }

  /** Whether a router was solicited and did not answer. */
  isSilent = (router: Router): boolean => this.#rollCall.isSilent(router.address);

  /** The resolvers asked and their last answers. */
  get probes(): readonly ResolverProbe[] {
    return this.#resolvers.probes;
  }

  /** How many resolvers are named and not asked, for there are too many. */
  get resolversLeftOut(): number {
    return this.#resolvers.leftOut;
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
    [this.#announcer, this.#lostBy, this.#isWanted] = [null, null, false];
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
    if (this.#hasLostAll()) this.#ask();
    this.#resolvers.follow();
  }

  /** Ends everything. What it put into the table is its owner's to take out. */
  close(): void {
    this.#rollCall.close();
    this.#socket?.close();
    this.#resolvers.close();
  }

  #makeRouters({ table, update }: LinkContext): Routers {
    return new Routers(this.link.name, {
      announces: (router) => this.#announces(router),
      isSilent: (router) => this.#rollCall.isSilent(router),
      evicted: (router) => update(forgetRouter(table(), this.link.name, router)),
    });
  }

  #makeRollCall({ clock, randomId, table, update, recheck }: LinkContext): RollCall {
    return new RollCall({
      clock,
      randomId,
      send: () => this.#solicit(),
      failed: (cause) => this.#note('solicit routers', cause),
      routers: this.routers,
      announces: (router) => router === this.#lostBy || this.#announces(router),
      isOpen: () => this.#isOpen(),
      floods: () => this.counts.floods,
      changed: (silent) => update(noteSilent(table(), this.link.name, silent)),
      questioned: () => {
        this.#isWanted = false;
        recheck(this.link.name);
      },
      answered: (askedAtMs) => update(noteNamed(table(), this.link.name, askedAtMs)),
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
    if (!this.routers.hear(router, ra, options, nowMs)) {
      this.#refuse(options.pref64.length);
      return;
    }
    this.#rollCall.heard(router);
    const { preference, lifetimeSeconds } = ra;
    const { hasNews, hasLost } = this.#takePrefixes({
      interfaceName: this.link.name,
      router,
      preference,
      isDefaultRouter: lifetimeSeconds > 0,
      offers: options.pref64,
    });
    const isGoodbye = wasDefault && lifetimeSeconds === 0;
    const isOverdue = options.pref64.length > 0 && this.#hasOverdue(nowMs);
    const isQuestion = (hasNews && this.#hasRivals()) || ((isGoodbye || isOverdue) && this.#isOpen());
    if (this.#hasLostAll() || hasLost) this.#ask();
    else if (isQuestion) this.#rollCall.question();
    this.#resolvers.routersChanged();
  }

  /** There is no room for another router; those that are there no more have to be found out. */
  #refuse(prefixes: number): void {
    this.counts.prefixes += prefixes;
    this.#rollCall.refused();
    this.#ask();
    this.#context.changed();
  }

  /** Has the routers asked, now or later, whatever else is heard until then. */
  #ask(): void {
    if (this.#socket === null) return;
    this.#isWanted = true;
    this.#rollCall.question();
  }

  /** Whether it helps to ask the routers: they offer different prefixes, or none of them is a default router any more. */
  #isOpen(): boolean {
    return this.#hasRivals() || !this.routers.hasDefault || this.#isWanted;
  }

  /** Whether the last prefix that a router announced has gone, since this was asked last. */
  #hasLostAll(): boolean {
    const before = this.#announcer;
    this.#announcer = this.routers.all.find((r) => this.#announces(r.address))?.address ?? null;
    const isLost = before !== null && this.#announcer === null;
    if (isLost) this.#lostBy = before;
    else if (this.#announcer !== null) this.#lostBy = null;
    return isLost;
  }

  /** @returns whether a prefix is among them that no router named before, and whether one was taken away that only this one named */
  #takePrefixes(heard: HeardRa): { hasNews: boolean; hasLost: boolean } {
    const { clock, table, update } = this.#context;
    const before = table();
    const after = hearRa(before, heard, clock.now());
    this.counts.prefixes += after.refused - before.refused;
    update(after);
    const { name } = this.link;
    return { hasNews: offersNews(before, after, name), hasLost: offersNews(after, before, name) };
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
    return announcedOn(this.#context.table(), this.link.name).some((c) => c.origin === router);
  }

  #note(what: string, cause: Error): void {
    const words = WORDS[(cause as NodeJS.ErrnoException).code ?? ''];
    this.trouble = `cannot ${what}: ${words ?? cause.message}`;
    this.#context.changed();
  }
}
