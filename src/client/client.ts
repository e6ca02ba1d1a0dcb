// The client: carries out what its lifecycle wants. Events come in one by one, each is one step of the lifecycle, its effects are
// carried out, and their results are events again. No decision is taken here.
//
//   network, prefixes, timer, sleep, user ──▶ step() ──effects──▶ look, claim, Carrier ──results──▶ step() …
//
// Read first: core/lifecycle/state.ts. Read next: carrier.ts, look.ts, choose.ts, prefix-source.ts.

import { parseIpv6 } from '../config/addresses.ts';
import type { ClientConfig } from '../config/client.ts';
import type { HostFacts } from '../core/host/host-config.ts';
import type { Effect } from '../core/lifecycle/effect.ts';
import type { ClatEvent } from '../core/lifecycle/event.ts';
import type { Lifecycle } from '../core/lifecycle/state.ts';
import { initialLifecycle, reasonOf } from '../core/lifecycle/state.ts';
import { step } from '../core/lifecycle/step.ts';
import { type Clock, systemClock } from '../discovery/clock.ts';
import type { Closable, HostControl } from '../platform/platform.ts';
import { readSecret } from '../platform/state-dir.ts';
import { withResolvers } from '../platform/with-resolvers.ts';
import { Carrier } from './carrier.ts';
import { claimAddress } from './choose.ts';
import { detailStep } from './details.ts';
import { causeOf, failureOf } from './failure.ts';
import { lookAtNetwork } from './look.ts';
import { type ClientOffers, clientOffers } from './offers.ts';
import { configuredPrefix, type PrefixListener, type PrefixSource } from './prefix-source.ts';
import { clientState, writeCheck, writeReport } from './report.ts';
import type { ClientEnvironment, ClientState, RunningClient } from './running-client.ts';
import { WakeWatch } from './wake.ts';

/** RetransTimer, RFC 4861 §10. */
const RETRANS_MS = 1000;
/** Rule D-09: a native route that lasts this long counts. */
const NATIVE_LASTS_MS = 2000;
/** Changes come in bursts; one look after the burst is enough. */
const SETTLE_MS = 200;

/** Starts a client. Everything that fails, fails in the promises of what it returns. */
export function startClient(config: ClientConfig, environment: ClientEnvironment): RunningClient {
  const client = new Client(config, environment);
  // They may have nobody listening: a caller awaits one of them.
  client.opened.catch(() => undefined);
  client.ready.catch(() => undefined);
  client.ended.catch(() => undefined);
  return client;
}

const lifecycleOf = (config: ClientConfig, env: ClientEnvironment): Lifecycle =>
  initialLifecycle({
    uplinkName: config.uplink,
    uplinkMode: config.uplinkMode,
    force: config.force,
    isPatient: env.waitsForUplink ?? config.prefix === null,
    nativeLastsMs: env.nativeLastsMs ?? NATIVE_LASTS_MS,
    settleMs: SETTLE_MS,
  });

class Client implements RunningClient {
  readonly #config: ClientConfig;
  readonly #env: ClientEnvironment;
  readonly #clock: Clock;
  readonly #opened = withResolvers<void>();
  readonly #ready = withResolvers<void>();
  readonly #ended = withResolvers<void>();
  readonly #events: ClatEvent[] = [];
  readonly #wake: WakeWatch;
  readonly #open: Closable[] = [];
  #life: Lifecycle;
  #isStepping = false;
  #isEnding = false;
  #isOn = true;
  #host: HostControl | null = null;
  #carrier: Carrier | null = null;
  #source: PrefixSource | null = null;
  #timer: Closable | null = null;
  #facts: HostFacts | null = null;
  /** Work on the host, one piece after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(config: ClientConfig, env: ClientEnvironment) {
    this.#config = config;
    this.#env = env;
    this.#clock = env.clock ?? systemClock;
    this.#life = lifecycleOf(config, env);
    const woke = (sleptMs: number): void => this.#take({ event: 'woke', sleptMs });
    this.#wake = new WakeWatch(this.#clock, () => performance.now(), woke);
    this.#open.push(this.#wake);
    void this.#start();
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get state(): ClientState {
    return clientState(this.#life, this.#carrier?.ipv4Side ?? null);
  }

  get offers(): ClientOffers {
    return clientOffers(this.#life, this.#source?.refused ?? [], this.#clock.now());
  }

  switchOn(): void {
    this.#isOn = true;
    if (this.#source !== null && !this.#isEnding) this.#take({ event: 'up' });
  }

  switchOff(): void {
    this.#isOn = false;
    if (this.#source !== null) this.#take({ event: 'down' });
  }

  stop(): Promise<void> {
    if (this.#isEnding) return this.ended;
    this.#isEnding = true;
    const { state } = this.#life;
    if (state.state !== 'idle' || state.left !== null) this.#take({ event: 'down' });
    else if (this.#source !== null) this.#end(null); // switched off before
    return this.ended;
  }

  async #start(): Promise<void> {
    const { platform, stateDir, log } = this.#env;
    log.info('client-starting', { prefixLength: this.#config.prefix?.length ?? null }, 'starting');
    try {
      this.#host = await platform.openHost(stateDir, log, (clat) => this.#contested(clat));
      this.#opened.resolve();
      if (this.#isEnding) return this.#end(null);
      this.#carrier = new Carrier(this.#config, this.#env, this.#host, (cause) => this.#dataPathFailed(cause));
      // Watched before the first look, so that no change falls between the two.
      this.#open.push(platform.watchNetwork((hasLost) => this.#networkChanged(hasLost)));
      const source = await this.#openSource();
      this.#open.push(source);
      if (this.#isEnding) return this.#end(null);
      this.#source = source;
    } catch (failure) {
      return this.#end(failure); // whoever started it says so
    }
    this.#take({ event: 'up' });
    if (!this.#isOn) this.#take({ event: 'down' }); // switched off before it could be
  }

  async #openSource(): Promise<PrefixSource> {
    const { discoveryPlatform: platform, log } = this.#env;
    const { prefix, uplink: only, connectivityCheck: check } = this.#config;
    const listener: PrefixListener = {
      offers: (candidates) => this.#take({ event: 'prefixes', candidates }),
      trouble: (fields, text) => log.warn('discovery-trouble', fields, text),
      flooded: (fields, text) => log.warn('router-flood', fields, text),
      refused: (fields, text) => log.warn('prefix-refused', fields, text),
      checked: (fields, is) => writeCheck(log, fields, is),
      detail: (code, fields, text) => log.debug(code, fields, text),
    };
    if (prefix !== null) return configuredPrefix(prefix, { check, clock: this.#clock }, listener);
    if (platform === undefined) throw new Error('nothing to discover the prefix with');
    // Loaded only where it is needed: DNS and all take a while.
    const { discoveredPrefixes } = await import('./discovered-prefixes.ts');
    return discoveredPrefixes({ platform, clock: this.#clock, only, check }, listener);
  }

  #networkChanged(hasLost: boolean): void {
    if (hasLost) this.#env.log.warn('events-lost', {}, 'change notifications were lost');
    this.#take({ event: 'network-changed' });
  }

  #contested(clat: string): void {
    const parsed = parseIpv6(clat);
    if (parsed.ok) this.#take({ event: 'contested', clat: parsed.value });
  }

  #dataPathFailed(cause: unknown): void {
    this.#take({ event: 'data-path-failed', failure: failureOf(cause) });
  }

  /** Takes an event, after those that came before it: an effect may cause one while it is carried out. */
  #take(event: ClatEvent): void {
    if (event.event !== 'woke') this.#wake.compare();
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#step(next);
    } finally {
      this.#isStepping = false; // also after a bug: the end is a step, too
    }
    const { state } = this.#life;
    const isUndecided = state.state === 'claiming' || state.state === 'attaching' || state.state === 'stopping';
    if (!isUndecided && reasonOf(state) !== 'client-starting') this.#ready.resolve();
  }

  #step(event: ClatEvent): void {
    const { life, effects } = step(this.#life, event, this.#clock.now());
    this.#life = life;
    detailStep(this.#env.log, event, life, effects);
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.effect) {
      case 'look':
        this.#onHost(effect.ticket, () => this.#look(effect));
        break;
      case 'claim':
        this.#answer(effect.ticket, this.#claim(effect));
        break;
      case 'attach':
        this.#onHost(effect.ticket, () => this.#done(effect, this.#carrierNow().attach(effect)));
        break;
      case 'detach':
        this.#onHost(effect.ticket, () => this.#done(effect, this.#carrierNow().detach()));
        break;
      case 'tear-down':
        this.#onHost(effect.ticket, () => this.#done(effect, this.#carrierNow().tearDown()));
        break;
      case 'defend':
        this.#carrierNow().defend();
        break;
      case 'discover':
        this.#source?.refresh(effect.isFromEmpty);
        break;
      case 'set-timer':
        this.#setTimer(effect.atMs);
        break;
      case 'report':
        writeReport(this.#env.log, effect, this.#life, this.#carrier?.ipv4Side ?? null);
        break;
      case 'rest':
        this.#rest(effect);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Nothing goes on any more: the end, or a pause until the user switches it on. */
  #rest({ failure, left }: Effect & { effect: 'rest' }): void {
    if (this.#isEnding || failure !== null) this.#end(failure ?? left);
    else {
      const how =
        left === null ? 'everything on this host is as it was' : `not everything could be put back: ${left.message}`;
      this.#env.log.info('client-off', {}, `switched off; ${how}`);
    }
  }

  /** Work on the host waits for the work before it. */
  #onHost(ticket: number, work: () => Promise<ClatEvent>): void {
    const result = this.#work.then(work);
    this.#work = result.then(
      () => undefined,
      () => undefined, // the answer below has it
    );
    this.#answer(ticket, result);
  }

  /** Every effect with a ticket is answered by one event. */
  #answer(ticket: number, result: Promise<ClatEvent>): void {
    result
      .catch((cause): ClatEvent => ({ event: 'failed', ticket, failure: failureOf(cause) }))
      .then((event) => this.#take(event));
  }

  async #done({ ticket }: { readonly ticket: number }, work: Promise<void>): Promise<ClatEvent> {
    await work;
    return { event: 'done', ticket };
  }

  async #look({ ticket, targets }: Effect & { effect: 'look' }): Promise<ClatEvent> {
    const host = this.#host;
    if (host === null) throw new Error('the host is not open');
    const tunName = this.#carrier?.ipv4Side?.tun.name ?? this.#config.tunName;
    const context = { platform: this.#env.platform, host, tunName, uplinkName: this.#config.uplink };
    const { view, facts } = await lookAtNetwork(context, targets);
    this.#facts = facts;
    return { event: 'seen', ticket, view };
  }

  async #claim({ ticket, way, avoid }: Effect & { effect: 'claim' }): Promise<ClatEvent> {
    const { platform, log, secretDir, retransMs = RETRANS_MS } = this.#env;
    const facts = this.#facts;
    if (facts === null) throw new Error('an address is wanted before the first look');
    const ipv4 = this.#carrierNow().ipv4(facts);
    const secret = readSecret(secretDir);
    const request = { config: this.#config, way, ipv4, secret, facts, avoid, retransMs, platform, log };
    const { clat, isFree } = await claimAddress(request);
    return { event: isFree ? 'claimed' : 'taken', ticket, clat };
  }

  #setTimer(atMs: number | null): void {
    this.#timer?.close();
    const inMs = (atMs ?? 0) - this.#clock.now();
    this.#timer = atMs === null ? null : this.#clock.after(inMs, () => this.#take({ event: 'timer' }));
  }

  #carrierNow(): Carrier {
    if (this.#carrier === null) throw new Error('the host is not open');
    return this.#carrier;
  }

  /** The end, after everything was put back. @param failure why, or null for a stop that was asked for */
  #end(failure: unknown): void {
    this.#isEnding = true;
    for (const open of this.#open.splice(0)) open.close();
    this.#timer?.close();
    this.#host?.close();
    if (failure === null) {
      this.#env.log.info('client-stopped', {}, 'stopped');
      this.#opened.resolve();
      this.#ready.resolve();
      this.#ended.resolve();
      return;
    }
    const cause = causeOf(failure);
    this.#opened.reject(cause);
    this.#ready.reject(cause);
    this.#ended.reject(cause);
  }
}
