// Values for tests of the lifecycle: prefixes, interfaces, ways, views, and a lifecycle in each of its states.

import type { Uplink, UplinkAnswer, UplinkLack } from '../../src/core/host/uplink.ts';
import type { ClatStateName, Effect } from '../../src/core/lifecycle/effect.ts';
import type { ClatEvent, NetworkView } from '../../src/core/lifecycle/event.ts';
import type { Failure, Lifecycle, LifecycleSettings } from '../../src/core/lifecycle/state.ts';
import { initialLifecycle } from '../../src/core/lifecycle/state.ts';
import { step } from '../../src/core/lifecycle/step.ts';
import type { Target, WayAnswer } from '../../src/core/lifecycle/way.ts';
import type { Candidate } from '../../src/core/pref64/candidate.ts';
import type { Prefix6 } from '../../src/core/translate/settings.ts';

/** What a user has who configured nothing. */
export const SETTINGS: LifecycleSettings = {
  uplinkName: null,
  uplinkMode: 'auto',
  force: false,
  isPatient: true,
  nativeLastsMs: 2000,
  settleMs: 200,
};

/** 2001:db8:`n`::/96 as a NAT64 prefix, /64 as a network's. */
export const prefix = (n: number, length: number): Prefix6 => ({
  address: Uint8Array.of(0x20, 1, 0x0d, 0xb8, n >> 8, n & 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  length,
});

/** An address of 16 bytes. */
export const address = (n: number): Uint8Array =>
  Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, n);

/** A prefix that the router of an interface offers. */
export const offer = (interfaceName: string | null, n: number, more: Partial<Candidate> = {}): Candidate => ({
  source: interfaceName === null ? 'static' : 'ra',
  prefix: prefix(0x6400 + n, 96),
  interfaceName,
  origin: interfaceName === null ? 'configuration' : 'fe80::1',
  preference: 0,
  isDefaultRouter: true,
  isNamed: true,
  namedAtMs: 0,
  isSilent: false,
  order: n,
  validUntilMs: Number.POSITIVE_INFINITY,
  isReachable: null,
  ...more,
});

/** An interface with a network of its own. */
export const uplink = (name: string, network = 1, more: Partial<Uplink> = {}): Uplink => ({
  link: { name, index: name.charCodeAt(0) },
  source: `2001:db8:${network}::10`,
  prefix: prefix(network, 64),
  mtuBytes: 1500,
  linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
  router: 'fe80::1',
  ...more,
});

export const noWay = (lacks: UplinkLack = 'route', why = 'no route'): UplinkAnswer => ({
  uplink: null,
  lacks,
  why,
});

/** A network as the simulated host has it. */
export interface Net {
  readonly nativeIpv4?: string | null;
  readonly otherClat?: NetworkView['otherClat'];
  readonly linkTrouble?: string | null;
  /** The interface that the main routing table leads through; null: no route. */
  readonly route: Uplink | null;
  /** What is missing where there is none; default: the route. */
  readonly lacks?: UplinkLack;
  /** Interfaces with a route of their own. */
  readonly own?: readonly Uplink[];
}

/** What a look at a network finds. */
export function viewOf(
  { nativeIpv4 = null, otherClat = null, linkTrouble = null, route, lacks, own = [] }: Net,
  targets: readonly Target[],
): NetworkView {
  const answer = (target: Target): WayAnswer => {
    const free: UplinkAnswer = route === null ? noWay(lacks) : { uplink: route };
    const name = target.interfaceName;
    if (name === null || route?.link.name === name) return { target, free, tied: null };
    const tied = own.find((u) => u.link.name === name);
    return { target, free, tied: tied === undefined ? noWay() : { uplink: tied } };
  };
  return { nativeIpv4, otherClat, linkTrouble, answers: targets.map(answer) };
}

export const FAILURE: Failure = { code: 'HOST_CHANGE_FAILED', message: 'it failed', isFinal: false };

/** A lifecycle in the hands of a test: events in, the last effects to look at. */
export class Driver {
  life: Lifecycle;
  nowMs = 1000;
  net: Net;
  effects: readonly Effect[] = [];
  /** Whether looks are answered at once. */
  isLooking = true;
  /** All reports so far, as reason codes. */
  readonly said: string[] = [];

  constructor(net: Net = { route: uplink('eth0') }, settings: Partial<LifecycleSettings> = {}) {
    this.net = net;
    this.life = initialLifecycle({ ...SETTINGS, ...settings });
  }

  get state(): ClatStateName {
    return this.life.state.state;
  }

  /** Takes an event, and answers looks by the network as it is. */
  take(event: ClatEvent): this {
    const { life, effects } = step(this.life, event, this.nowMs);
    this.life = life;
    this.effects = effects;
    for (const effect of effects) if (effect.effect === 'report') this.said.push(effect.reason);
    const look = effects.find((e) => e.effect === 'look');
    if (look === undefined || !this.isLooking) return this;
    const before = effects.filter((e) => e.effect !== 'look');
    this.take({ event: 'seen', ticket: look.ticket, view: viewOf(this.net, look.targets) });
    this.effects = [...before, ...this.effects];
    return this;
  }

  /** The effect of a kind among the last ones. */
  effect<K extends Effect['effect']>(kind: K): Extract<Effect, { effect: K }> {
    const found = this.effects.find((e) => e.effect === kind);
    if (found === undefined) throw new Error(`no ${kind} among ${this.effects.map((e) => e.effect).join(', ')}`);
    return found as Extract<Effect, { effect: K }>;
  }

  /** The ticket that the state waits for. */
  get ticket(): number {
    const { state } = this.life;
    if ('ticket' in state) return state.ticket;
    if (state.state === 'running' && state.repair !== null) return state.repair;
    return this.life.world.lookTicket ?? -1;
  }

  /** Time passes; the timer fires if it was set for then. */
  pass(ms: number): this {
    this.nowMs += ms;
    const { timerMs } = this.life.ledger;
    return timerMs !== null && timerMs <= this.nowMs ? this.take({ event: 'timer' }) : this;
  }

  /** The network becomes another one, and the client has looked at it. */
  change(net: Net): this {
    this.net = net;
    return this.take({ event: 'network-changed' }).pass(200);
  }

  prefixes(...candidates: readonly Candidate[]): this {
    return this.take({ event: 'prefixes', candidates });
  }

  claimed(n: number): this {
    return this.take({ event: 'claimed', ticket: this.ticket, clat: address(n) });
  }

  taken(n: number): this {
    return this.take({ event: 'taken', ticket: this.ticket, clat: address(n) });
  }

  done(): this {
    return this.take({ event: 'done', ticket: this.ticket });
  }

  failed(failure: Failure = FAILURE): this {
    return this.take({ event: 'failed', ticket: this.ticket, failure });
  }

  up(): this {
    return this.take({ event: 'up' });
  }

  down(): this {
    return this.take({ event: 'down' });
  }

  /** Up to the state running, on eth0 by the first prefix. */
  run(): this {
    return this.up().prefixes(offer('eth0', 1)).claimed(1).done();
  }
}

/** A driver in each of the states. */
export const IN_STATE: Readonly<Record<ClatStateName, () => Driver>> = {
  idle: () => new Driver(),
  waiting: () => new Driver().up(),
  claiming: () => new Driver().up().prefixes(offer('eth0', 1)),
  attaching: () => new Driver().up().prefixes(offer('eth0', 1)).claimed(1),
  running: () => new Driver().run(),
  moving: () => new Driver().run().change({ route: uplink('eth0', 2) }),
  doubting: () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).claimed(1);
    // As it is between the failure and the look.
    const { life } = step(driver.life, { event: 'failed', ticket: driver.ticket, failure: FAILURE }, driver.nowMs);
    driver.life = life;
    return driver;
  },
  detaching: () => new Driver().run().change({ route: null }),
  stopping: () => new Driver().run().down(),
  backoff: () => new Driver().run().take({ event: 'data-path-failed', failure: FAILURE }).done(),
};
