// Keeps a running gateway in step with its file and its machine: SIGHUP and `reload` read the file again, a change of addresses,
// routes or interfaces leads to a new look. Either makes a new plan; a plan that cannot be had changes nothing.

import type { GatewayConfig } from '../config/gateway.ts';
import { loadRole } from '../config/load.ts';
import { XlatError } from '../contract/errors.ts';
import type { GatewayPlatform } from '../platform/gateway-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { type GatewayPlan, planGateway, readSurroundings } from './gateway-plan.ts';
import type { DaemonLog } from './log.ts';
import { oneAtATime } from './serial.ts';

/** Changes come in bunches. */
const LOOK_AFTER_MS = 1_000;
/** A router's routes may change all the time, and matter nothing here: looks in vain come more and more seldom, until it is quiet. */
const LONGEST_WAIT_MS = 30_000;
const QUIET_MS = 60_000;
/** So many looks in vain are nothing special. */
const PATIENCE = 5;

/** What is followed. */
export interface Followed {
  readonly file: string;
  readonly parts: GatewayParts;
  readonly platform: GatewayPlatform;
  readonly log: DaemonLog;
}

/** From the constructor until `close()`. */
export class GatewayFollower {
  readonly #followed: Followed;
  readonly #watch: Closable;
  readonly #run: () => Promise<readonly string[]>;
  #timer: NodeJS.Timeout | null = null;
  #shallRead = false;
  /** Looks one after the other that found nothing new. */
  #inVain = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** What was wrong with the last look, so that it is said once. */
  #trouble = '';
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(followed: Followed) {
    this.#followed = followed;
    this.#run = oneAtATime(() => this.#once(), []);
    this.#watch = followed.platform.watchNetwork(() => this.#changed());
  }

  /** Reads the file again. @returns what was wrong; nothing: it is in use */
  reload(): Promise<readonly string[]> {
    this.#shallRead = true;
    return this.#start();
  }

  /** Ends it, after what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watch.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#last;
  }

  #changed(): void {
    if (this.#isClosed || this.#timer !== null) return;
    if (performance.now() - this.#lookedMs > QUIET_MS) this.#inVain = 0;
    const waitMs = Math.min(LONGEST_WAIT_MS, LOOK_AFTER_MS * 2 ** Math.max(0, this.#inVain - PATIENCE));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#start();
    }, waitMs);
  }

  #start(): Promise<readonly string[]> {
    const running = this.#run();
    this.#last = running;
    return running;
  }

  /** One look. Never throws. */
  async #once(): Promise<readonly string[]> {
    if (this.#isClosed) return [];
    const isReload = this.#shallRead;
    this.#shallRead = false;
    try {
      const config = isReload ? loadRole(this.#followed.file, 'gateway') : this.#followed.parts.plan.config;
      await this.#goOverTo(config, isReload);
      this.#trouble = '';
      return [];
    } catch (error) {
      return this.#failed(error, isReload);
    }
  }

  async #goOverTo(config: GatewayConfig, isReload: boolean): Promise<void> {
    const { platform, parts, log, file } = this.#followed;
    const before = parts.plan;
    const plan = planGateway(config, await readSurroundings(config.lan, platform));
    const isSame = JSON.stringify(plan) === JSON.stringify(before);
    this.#lookedMs = performance.now();
    this.#inVain = isSame ? this.#inVain + 1 : 0;
    log.debug('gateway-looked', { isReload, isSame }, isSame ? 'nothing to change' : 'something is to be changed');
    if (!isSame) {
      await this.#apply(plan, before, parts);
      this.#sayWarnings(plan, before);
    }
    if (isReload)
      log.info('gateway-reloaded', { file }, `configuration read again${isSame ? ', nothing changed' : ''}`);
    else if (!isSame)
      log.info('gateway-replanned', {}, 'the interfaces, addresses or routes changed; went along with it');
  }

  /** Goes over to a plan, or back to the one before. */
  async #apply(plan: GatewayPlan, before: GatewayPlan, parts: GatewayParts): Promise<void> {
    try {
      await parts.apply(plan);
    } catch (error) {
      await parts.apply(before);
      throw error;
    }
  }

  #sayWarnings(plan: GatewayPlan, before: GatewayPlan): void {
    const known = new Set([...before.config.warnings, ...before.warnings]);
    for (const warning of [...plan.config.warnings, ...plan.warnings]) {
      if (!known.has(warning)) this.#followed.log.warn('config-warning', {}, warning);
    }
  }

  #failed(error: unknown, isReload: boolean): readonly string[] {
    const { log, file } = this.#followed;
    const message = error instanceof Error ? error.message : String(error);
    const advice = error instanceof XlatError && error.advice !== undefined ? `. ${error.advice}` : '';
    const problems = `${message}${advice}`.split('\n');
    const isKnown = !isReload && this.#trouble === message;
    this.#trouble = message;
    if (isKnown) return problems;
    for (const line of problems) {
      if (isReload) log.error('gateway-reload-failed', { file }, `the new configuration is not used: ${line}`);
      else log.warn('gateway-unchanged', {}, `this machine changed, the gateway goes on as before: ${line}`);
    }
    return problems;
  }
}
