// Router advertisements on one interface: the schedule of core/advertise with a socket and a clock. What is advertised follows the
// settings and the interface's addresses. Read first: core/advertise/schedule.ts.

import type { Log } from '../contract/reasons.ts';
import { isSameAddress } from '../core/address/same.ts';
import { differences } from '../core/advertise/consistency.ts';
import type { AdvertiseLink, Item, Retired } from '../core/advertise/content.ts';
import { contentOf, isSameContent, retireItems } from '../core/advertise/content.ts';
import { advertisement } from '../core/advertise/message.ts';
import type { Pace, Schedule, ScheduleEffect, ScheduleEvent } from '../core/advertise/schedule.ts';
import { deadlineOf, stepSchedule } from '../core/advertise/schedule.ts';
import type { AdvertiseSettings } from '../core/advertise/settings.ts';
import { emitRouterSolicitation, isRouterSolicitation, NDP_HOP_LIMIT } from '../core/wire/ndp.ts';
import { readRouterOptions } from '../core/wire/ndp-options.ts';
import type { Clock } from '../discovery/clock.ts';
import { acceptAdvertisement } from '../discovery/router-advertisement.ts';
import { text6, textPrefix } from '../discovery/text.ts';
import type { RouterMessage } from '../platform/discovery-platform.ts';
import type { AdvertisePlatform, AdvertiserSocket } from '../platform/gateway-platform.ts';
import type { Closable } from '../platform/platform.ts';

/** What advertising works with. */
export interface AdvertiseContext {
  readonly platform: AdvertisePlatform;
  readonly log: Log;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
}

/** Router advertisements on one interface, for status. */
export interface AdvertiseReport {
  readonly link: string;
  /** `down`: it is not there, down or without an address; `checking`: listening whether another program advertises there. */
  readonly state: Schedule['state'];
  /** What keeps it from advertising or from all being well, or null. */
  readonly trouble: string | null;
  readonly sent: number;
  readonly solicitations: number;
  /** Prefixes that hosts may use now. */
  readonly prefixes: readonly string[];
  readonly pref64: readonly string[];
  readonly dnsServers: readonly string[];
  /** Other routers of the link that advertise something else, and what. */
  readonly others: readonly { readonly router: string; readonly differs: readonly string[] }[];
}

/** Own messages come back to the socket; as many are kept to tell them from those of another program. */
const SENT_KEPT = 16;
/** Other routers that are remembered. */
const OTHERS_MAX = 16;
/** Least time between two warnings of forged advertisements, and how long status shows the last one. */
const FORGED_SAID_MS = 600_000;
/** The checksum, which the kernel fills in, ends here. */
const AFTER_CHECKSUM = 4;

/** From the constructor until `stop()`. */
export class AdvertisedLink {
  readonly #context: AdvertiseContext;
  #settings: AdvertiseSettings;
  #link: AdvertiseLink | null = null;
  #socket: AdvertiserSocket | null = null;
  #timer: Closable | null = null;
  #schedule: Schedule = { state: 'down' };
  #content: readonly Item[] = [];
  #retired: readonly Retired[] = [];
  #own: Uint8Array[] = [];
  #trouble: string | null = null;
  #sent = 0;
  #solicitations = 0;
  readonly #others = new Map<string, readonly string[]>();
  /** What {@link AdvertisePlatform.sentAdvertisements} says as long as nobody but this class sends. */
  #sentByHost: number | null = null;
  #forged = { count: 0, lastMs: Number.NEGATIVE_INFINITY, saidMs: Number.NEGATIVE_INFINITY };

  constructor(settings: AdvertiseSettings, context: AdvertiseContext) {
    this.#settings = settings;
    this.#context = context;
  }

  get settings(): AdvertiseSettings {
    return this.#settings;
  }

  /** Takes the interface as it is now; null: it cannot be advertised on. */
  see(link: AdvertiseLink | null): void {
    const was = this.#socket === null ? null : this.#link;
    if (link !== null && was !== null && link.index === was.index && isSameAddress(link.linkLocal, was.linkLocal)) {
      this.#update(link, this.#settings);
      return;
    }
    if (this.#schedule.state !== 'down') this.#goDown();
    if (link === null) this.#wait('the interface is missing, down, or without a link-local address');
    else this.#open(link);
  }

  /** Goes over to other settings of the same interface. */
  configure(settings: AdvertiseSettings): void {
    if (this.#link === null) this.#settings = settings;
    else this.#update(this.#link, settings);
  }

  /** The last advertisement, with lifetime 0, and the end. A second call does nothing. */
  stop(): void {
    this.#take('stop');
    this.#close();
  }

  report(): AdvertiseReport {
    const texts = <K extends Item['kind']>(kind: K, text: (item: Extract<Item, { readonly kind: K }>) => string) =>
      this.#content.flatMap((item) => (item.kind === kind ? [text(item as Extract<Item, { readonly kind: K }>)] : []));
    return {
      link: this.#settings.link,
      state: this.#schedule.state,
      trouble: this.#trouble ?? this.#forgedTrouble(),
      sent: this.#sent,
      solicitations: this.#solicitations,
      prefixes: texts('prefix', (item) => textPrefix(item.prefix.prefix)),
      pref64: texts('pref64', (item) => textPrefix(item.prefix)),
      dnsServers: texts('rdnss', (item) => text6(item.address)),
      others: [...this.#others].map(([router, differs]) => ({ router, differs })),
    };
  }

  #open(link: AdvertiseLink): void {
    try {
      this.#sentByHost = this.#context.platform.sentAdvertisements(link.name);
      this.#socket = this.#context.platform.openAdvertiser(link, {
        received: (message) => this.#received(message),
        flooded: () => undefined, // what was left out is solicitations, and one answer serves them all
        failed: (cause) => {
          this.#goDown();
          this.#fail(cause);
        },
      });
      this.#link = link;
      this.#content = contentOf(this.#settings, link);
      this.#retired = [];
      this.#trouble = null;
      this.#take('up');
    } catch (cause) {
      this.#fail(cause as Error); // the link has gone again; the next look finds out
    }
  }

  #goDown(): void {
    this.#take('down');
    this.#close();
    this.#link = null;
    this.#content = [];
  }

  #close(): void {
    this.#timer?.close();
    this.#timer = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #update(link: AdvertiseLink, settings: AdvertiseSettings): void {
    const { clock } = this.#context;
    const content = contentOf(settings, link);
    const { link: _name, ...now } = settings;
    const { link: _was, ...before } = this.#settings;
    const isSaid = isSameContent(this.#content, content) && JSON.stringify(now) === JSON.stringify(before);
    this.#retired = retireItems(this.#content, content, this.#retired, this.#settings, clock.now());
    this.#link = link;
    this.#settings = settings;
    this.#content = content;
    if (!isSaid) this.#take('changed');
  }

  #received(message: RouterMessage): void {
    const { bytes, source, hopLimit } = message;
    if (this.#link === null) return;
    const isOwnAddress = isSameAddress(source, this.#link.linkLocal);
    if (hopLimit === NDP_HOP_LIMIT && isRouterSolicitation(bytes, source)) {
      if (isOwnAddress) return; // the question that this class asked
      this.#solicitations += 1;
      this.#take('solicited');
      return;
    }
    const ra = acceptAdvertisement(message);
    if (typeof ra === 'string') return;
    if (!isOwnAddress) this.#compare(text6(source), ra);
    else if (this.#isOurs(bytes)) return;
    else if (this.#hasAnotherSender(this.#link.name)) this.#yield();
    else this.#sayForged();
  }

  /** Whether an advertisement from the own address is one that came back. */
  #isOurs(bytes: Uint8Array): boolean {
    const body = bytes.subarray(AFTER_CHECKSUM);
    return this.#own.some((own) => isSameAddress(own.subarray(AFTER_CHECKSUM), body));
  }

  /**
   * Whether this host has sent more than this class did since the last call. The address alone proves nothing: whoever is on the
   * link can write it.
   */
  #hasAnotherSender(link: string): boolean {
    const { platform } = this.#context;
    const before = this.#sentByHost;
    this.#sentByHost = platform.sentAdvertisements(link);
    if (before === null || this.#sentByHost === null) return platform.icmpPrograms().length > 0;
    return this.#sentByHost > before;
  }

  #sayForged(): void {
    if (this.#schedule.state === 'yielding') return; // one of several that the other program sent at once
    const nowMs = this.#context.clock.now();
    const { count, saidMs } = this.#forged;
    const isQuiet = nowMs - saidMs < FORGED_SAID_MS;
    this.#forged = { count: count + 1, lastMs: nowMs, saidMs: isQuiet ? saidMs : nowMs };
    if (isQuiet) return;
    const { link } = this.#settings;
    this.#context.log.warn(
      'advertise-forged',
      { link, count: count + 1 },
      `somebody on ${link} sends router advertisements with this router's address; ours go on`,
    );
  }

  #forgedTrouble(): string | null {
    const { count, lastMs } = this.#forged;
    if (this.#context.clock.now() - lastMs >= FORGED_SAID_MS) return null;
    return `somebody on the link sends router advertisements with this router's address (${count} so far)`;
  }

  #yield(): void {
    this.#take('foreign');
    const programs = this.#context.platform.icmpPrograms();
    const who = programs.length === 0 ? 'another program' : `another program (${programs.join(' or ')})`;
    const trouble = `${who} of this host sends router advertisements here`;
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    const { link } = this.#settings;
    this.#context.log.warn(
      'advertise-yielded',
      { link, programs: programs.join(', ') },
      `${who} of this host sends router advertisements on ${link}; ours are off there`,
    );
  }

  #compare(router: string, ra: Parameters<typeof differences>[2]): void {
    const found = differences(this.#settings, this.#content, ra, readRouterOptions(ra.options));
    const known = this.#others.get(router);
    const isNew = found.length > 0 && found.join() !== known?.join();
    if (found.length === 0) this.#others.delete(router);
    else if (known !== undefined || this.#others.size < OTHERS_MAX) this.#others.set(router, found);
    else return;
    if (!isNew) return;
    this.#context.log.warn(
      'advertise-differs',
      { link: this.#settings.link, router, differs: found.join(', ') },
      `the router ${router} on ${this.#settings.link} advertises something else than this one: ${found.join(', ')}`,
    );
  }

  #take(event: ScheduleEvent): void {
    const { clock, random } = this.#context;
    const { minIntervalSeconds, maxIntervalSeconds } = this.#settings;
    const pace: Pace = { minIntervalMs: minIntervalSeconds * 1000, maxIntervalMs: maxIntervalSeconds * 1000, random };
    const was = this.#schedule.state;
    const { schedule, effects } = stepSchedule(this.#schedule, event, pace, clock.now());
    this.#schedule = schedule;
    if (was !== schedule.state) this.#sayState(event);
    for (const effect of effects) this.#carryOut(effect);
    if (was === 'checking' && schedule.state === 'advertising') this.#sayAdvertising();
    this.#timer?.close();
    const deadline = deadlineOf(schedule);
    this.#timer = deadline === null ? null : clock.after(deadline - clock.now(), () => this.#take('time'));
  }

  #carryOut(effect: ScheduleEffect): void {
    const [link, socket] = [this.#link, this.#socket];
    if (link === null || socket === null) return;
    const nowMs = this.#context.clock.now();
    try {
      if (effect === 'solicit') socket.solicit(emitRouterSolicitation(link.linkAddress), link.linkLocal);
      else this.#advertise(link, socket, effect === 'final', nowMs);
    } catch (cause) {
      this.#fail(cause as Error); // the next one is due by itself
    }
  }

  #advertise(link: AdvertiseLink, socket: AdvertiserSocket, isFinal: boolean, nowMs: number): void {
    this.#retired = this.#retired.filter(({ untilMs }) => untilMs > nowMs);
    const advertised = { settings: this.#settings, link, content: this.#content, retired: this.#retired };
    for (const message of advertisement(advertised, isFinal, nowMs)) {
      this.#own = [...this.#own, message].slice(-SENT_KEPT);
      if (this.#sentByHost !== null) this.#sentByHost += 1; // the kernel counts it, whether or not it gets out
      socket.advertise(message, link.linkLocal);
    }
    this.#sent += 1;
    this.#trouble = null;
    const { link: name } = this.#settings;
    const fields = { link: name, items: this.#content.length, retired: this.#retired.length, isFinal };
    this.#context.log.debug('advertise-sent', fields, `advertised on ${name}${isFinal ? ', for the last time' : ''}`);
  }

  #sayState(event: ScheduleEvent): void {
    const { link } = this.#settings;
    const { state } = this.#schedule;
    this.#context.log.debug('advertise-state', { link, event, state }, `advertising on ${link}: ${event} → ${state}`);
  }

  #sayAdvertising(): void {
    const { link, prefixes, pref64, dnsServers } = this.report();
    const list = (texts: readonly string[]): string => texts.join(', ') || 'none';
    this.#context.log.info(
      'advertising',
      { link, prefixes: prefixes.join(', '), pref64: pref64.join(', '), dnsServers: dnsServers.join(', ') },
      `advertising on ${link}: prefixes ${list(prefixes)}; PREF64 ${list(pref64)}; resolvers ${list(dnsServers)}`,
    );
  }

  #wait(why: string): void {
    if (this.#trouble === why) return;
    this.#trouble = why;
    const { link } = this.#settings;
    this.#context.log.warn('advertise-waiting', { link }, `no router advertisements on ${link} yet: ${why}`);
  }

  #fail(cause: Error): void {
    if (this.#trouble === cause.message) return;
    this.#trouble = cause.message;
    const { link } = this.#settings;
    this.#context.log.error('advertise-trouble', { link }, `router advertisements on ${link}: ${cause.message}`);
  }
}
