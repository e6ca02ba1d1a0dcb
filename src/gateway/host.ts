// The gateway's hold on its host: the pool fitted to it, forwarding and the owned nftables table, all of it undone at the end, or
// by `xlat464 cleanup` after a kill. A table that somebody took away ("nft flush ruleset", a restart of nftables.service) is made
// again: without it the NAT64 would be open to everybody. Rules O-02 to O-04. Read first: core/gateway-host/config.ts.

import { XlatError } from '../contract/errors.ts';
import type { Log } from '../contract/reasons.ts';
import type { GatewayHostConfig, PoolChoice, PoolWish } from '../core/gateway-host/config.ts';
import { choosePool } from '../core/gateway-host/pool.ts';
import type { HostFacts } from '../core/host/host-config.ts';
import { type Clock, systemClock } from '../discovery/clock.ts';
import type { GatewayHostControl, GatewayPlatform, RuleCount } from '../platform/gateway-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { GatewayService } from './service.ts';

export { tunRoutes } from '../core/gateway-host/wanted.ts';
export type { RuleCount } from '../platform/gateway-platform.ts';

/** The host side, for status. */
export interface GatewayHostReport {
  /** What was applied; null: nothing yet. */
  readonly config: GatewayHostConfig | null;
  /** What the pool cannot have on this host, one sentence each. */
  readonly warnings: readonly string[];
}

/** How often the table is looked for. */
const LOOK_INTERVAL_MS = 10_000;

/** A host that a gateway may change. */
export interface GatewayHost extends GatewayService<GatewayHostConfig, GatewayHostReport> {
  /**
   * Fits the IPv4 pool to this host; changes nothing.
   * @throws XlatError CONFIG_INVALID when it cannot be had here
   */
  choosePool(wish: PoolWish): Promise<PoolChoice>;
  /** What the rules of the owned table have seen. @throws XlatError TOOL_MISSING, NOT_PERMITTED */
  counts(): Promise<readonly RuleCount[]>;
}

/** The facts but for what leads into our own interface: the pool that is in use is no conflict. */
const withoutDevice = (facts: HostFacts, device: string | undefined): HostFacts => ({
  ...facts,
  links: facts.links.filter(({ name }) => name !== device),
  routes: facts.routes.filter((route) => route.device !== device),
});

class PreparedHost implements GatewayHost {
  readonly #control: GatewayHostControl;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Read when the host was taken, while others get ready: the pool and the first change are fitted to it. null: used up. */
  #first: Promise<HostFacts> | null;
  #config: GatewayHostConfig | null = null;
  #warnings: readonly string[] = [];
  #timer: Closable | null = null;
  /** Changes of the host go one after another. */
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(control: GatewayHostControl, log: Log, clock: Clock) {
    this.#control = control;
    this.#log = log;
    this.#clock = clock;
    this.#first = control.facts();
    this.#first.catch(() => undefined); // whoever needs them gets the failure
  }

  async choosePool(wish: PoolWish): Promise<PoolChoice> {
    const facts = withoutDevice(await (this.#first ?? this.#control.facts()), this.#config?.tun.name);
    const choice = choosePool(wish, facts, this.#control.usedPorts());
    if ('refused' in choice) {
      throw new XlatError('CONFIG_INVALID', 'place the IPv4 pool', choice.refused, { advice: choice.advice });
    }
    const warnings = [...choice.warnings, ...(await this.#foreignNatWarnings(choice))];
    this.#warnings = warnings;
    for (const warning of warnings) this.#log.warn('pool-warning', { pool: choice.place.kind }, warning);
    return { ...choice, warnings };
  }

  async #foreignNatWarnings({ place }: PoolChoice): Promise<string[]> {
    if (place.kind !== 'shared') return [];
    const chains = await this.#control.foreignNat();
    if (chains.length === 0) return [];
    return [
      `this router translates IPv4 addresses elsewhere, too (${chains.join(', ')}): what comes for ports of the pool goes to the ` +
        'NAT64, so keep those rules to other ports',
    ];
  }

  async reconfigure(config: GatewayHostConfig): Promise<void> {
    const known = await this.#first;
    this.#first = null;
    await this.#inTurn(() => this.#control.apply(config, known ?? undefined));
    this.#config = config;
    if (this.#timer === null) this.#lookLater();
  }

  counts(): Promise<readonly RuleCount[]> {
    return this.#control.counts();
  }

  report(): GatewayHostReport {
    return { config: this.#config, warnings: this.#warnings };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.close();
    try {
      await this.#inTurn(() => this.#control.apply(null));
    } finally {
      this.#control.close();
    }
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => undefined); // whoever asked for it gets the failure
    return turn;
  }

  #lookLater(): void {
    this.#timer = this.#clock.after(LOOK_INTERVAL_MS, () => void this.#look());
  }

  /** Makes the table again if it has gone. Never rejects. */
  async #look(): Promise<void> {
    try {
      await this.#inTurn(() => this.#repair());
    } catch (cause) {
      this.#log.error('host-trouble', {}, `the gateway's firewall table: ${(cause as Error).message}`);
    }
    if (!this.#isClosed) this.#lookLater();
  }

  async #repair(): Promise<void> {
    if (this.#isClosed || this.#config === null || (await this.#control.isIntact())) return;
    this.#log.warn('host-repaired', {}, 'somebody took the firewall table of the gateway away; it is made again');
    await this.#control.apply(this.#config);
  }
}

/**
 * Takes this host for a gateway, after cleaning up what a killed one has left. Nothing is changed before `reconfigure`.
 * @param stateDir where the journal goes
 * @param clock tests turn it by hand
 * @throws XlatError ALREADY_RUNNING, NOT_PERMITTED, HOST_CHANGE_FAILED, TOOL_MISSING
 */
export async function prepareGatewayHost(
  platform: Pick<GatewayPlatform, 'openGatewayHost'>,
  stateDir: string,
  log: Log,
  clock: Clock = systemClock,
): Promise<GatewayHost> {
  return new PreparedHost(await platform.openGatewayHost(stateDir, log), log, clock);
}
