// The parts of a running gateway: each is started, changed or ended as the plan wants it.
//
//     take the host ─┬► NAT64 ──────────┬─► forwarding, firewall, NAT ─► DHCPv4 ─► router advertisements
//                    └► DNS64, metrics ─┘
//
// in this order, so that a port that is taken is found before the host is changed, and a host which hears of the network finds all
// of it there; the end goes the other way round, and begins with the advertisement that this router is none any more.

import type { XlatError } from '../contract/errors.ts';
import type { AdvertiseSettings } from '../core/advertise/settings.ts';
import type { Dns64Settings, DnsEndpoint } from '../core/dns64/settings.ts';
import type { GatewayHostConfig } from '../core/gateway-host/config.ts';
import type { Dhcp4Settings } from '../core/gateway-host/dhcp4.ts';
import { systemClock } from '../discovery/clock.ts';
import { type RunningAdvertising, startAdvertising } from '../gateway/advertise.ts';
import { type RunningDhcp4, startDhcp4 } from '../gateway/dhcp4.ts';
import { type Dns64Service, startDns64 } from '../gateway/dns/dns64.ts';
import type { GatewayHost, RuleCount } from '../gateway/host.ts';
import type { GatewayService } from '../gateway/service.ts';
import type { GatewayPlatform } from '../platform/gateway-platform.ts';
import type { TunPlatform } from '../platform/select.ts';
import { type RunningNat64, startNat64 } from './gateway-nat64.ts';
import type { GatewayPlan, Nat64Plan } from './gateway-plan.ts';
import type { DaemonLog } from './log.ts';
import type { MetricsServer } from './metrics-server.ts';
import { Teardown } from './teardown.ts';

/** What the parts work with. */
export interface PartsContext {
  readonly platform: GatewayPlatform;
  readonly tuns: TunPlatform;
  /** Taken for this process; the parts end it. */
  readonly host: GatewayHost;
  readonly stateDir: string;
  readonly log: DaemonLog;
  readonly plainLog: DaemonLog;
}

/** What every part can do. */
type Service<S> = Pick<GatewayService<S, unknown>, 'reconfigure' | 'close'>;

/** One part: on, off, or changed, by settings that may be null. */
class Part<S, T extends Service<S>> {
  running: T | null = null;
  readonly #start: (settings: S) => Promise<T>;
  #applied = '';

  constructor(start: (settings: S) => Promise<T>) {
    this.#start = start;
  }

  /** Brings it to the settings; null ends it. @throws as the part's start and reconfigure */
  async apply(settings: S | null): Promise<void> {
    const text = JSON.stringify(settings);
    if (settings === null) await this.close();
    else if (this.running === null) this.running = await this.#start(settings);
    else if (text !== this.#applied) await this.running.reconfigure(settings);
    this.#applied = text;
  }

  async close(): Promise<void> {
    const { running } = this;
    this.running = null;
    await running?.close();
  }
}

/** How old the counters of the kernel's rules may be. */
const RULES_EVERY_MS = 1_000;

/** No interface: what the host needs to know of a NAT64 where there is none. */
const NO_NAT64 = { tun: { name: 'none', index: -1 }, pool: { kind: 'routed', ranges: [] } } as const;

/** A gateway's parts. Calls must not overlap. */
export class GatewayParts {
  readonly host: GatewayHost;
  #plan: GatewayPlan;
  readonly #log: DaemonLog;
  #rules: readonly RuleCount[] = [];
  #rulesReadMs = Number.NEGATIVE_INFINITY;
  readonly #nat64: Part<Nat64Plan, RunningNat64>;
  readonly #dns64: Part<Dns64Settings, Dns64Service>;
  readonly #dhcp4: Part<Dhcp4Settings, RunningDhcp4>;
  readonly #advertising: Part<readonly AdvertiseSettings[], RunningAdvertising>;
  readonly #metrics: Part<DnsEndpoint, MetricsServer>;

  /**
   * @param plan what `start` brings about
   * @param failed called when the NAT64's data path has ended by itself
   */
  constructor(
    { platform, tuns, host, stateDir, log, plainLog }: PartsContext,
    plan: GatewayPlan,
    failed: (error: XlatError) => void,
  ) {
    const clock = systemClock;
    this.host = host;
    this.#plan = plan;
    this.#log = log;
    this.#nat64 = new Part(async (plan) => {
      const nat64 = await startNat64(plan, { tuns, host, log, plainLog });
      nat64.dataPlane.onFailure(failed);
      return nat64;
    });
    this.#dns64 = new Part((settings) => startDns64(settings, { log }));
    this.#metrics = new Part(async (place) => (await import('./gateway-metrics.ts')).startGatewayMetrics(place, this));
    this.#dhcp4 = new Part((settings) => startDhcp4(settings, { platform, stateDir, log, clock }));
    this.#advertising = new Part((settings) =>
      startAdvertising(settings, { platform, log, clock, random: Math.random }),
    );
  }

  /** The plan that runs. */
  get plan(): GatewayPlan {
    return this.#plan;
  }

  get nat64(): RunningNat64 | null {
    return this.#nat64.running;
  }

  get dns64(): Dns64Service | null {
    return this.#dns64.running;
  }

  get dhcp4(): RunningDhcp4 | null {
    return this.#dhcp4.running;
  }

  get advertising(): RunningAdvertising | null {
    return this.#advertising.running;
  }

  /** What the kernel's rules have seen, as of a moment ago: a reader of the status does not wait for nft. */
  get rules(): readonly RuleCount[] {
    const now = performance.now();
    if (now - this.#rulesReadMs >= RULES_EVERY_MS) {
      this.#rulesReadMs = now;
      void this.#readRules();
    }
    return this.#rules;
  }

  async #readRules(): Promise<void> {
    try {
      this.#rules = await this.host.counts();
    } catch (error) {
      this.#log.debug('host-trouble', {}, `the kernel's rules cannot be read: ${(error as Error).message}`);
    }
  }

  /** Starts everything. @throws as {@link apply} */
  start(): Promise<void> {
    return this.apply(this.#plan);
  }

  /**
   * Brings everything to a plan.
   * @throws XlatError when a part cannot be had; what was done by then stays until the next `apply` or `close`
   */
  async apply(plan: GatewayPlan): Promise<void> {
    await all(this.#nat64.apply(plan.nat64), this.#dns64.apply(plan.dns64), this.#metrics.apply(plan.config.metrics));
    await this.host.reconfigure(hostConfig(plan, this.nat64));
    await this.#dhcp4.apply(plan.dhcp4);
    await this.#advertising.apply(plan.advertise.length === 0 ? null : plan.advertise);
    this.#plan = plan;
  }

  /** Ends everything; the host is as it was. @throws the first failure, when all has been tried */
  close(): Promise<void> {
    const teardown = new Teardown();
    for (const part of [this.#metrics, this.#nat64, this.host, this.#dns64, this.#dhcp4, this.#advertising]) {
      teardown.add(() => part.close());
    }
    return teardown.run();
  }
}

/** Waits for all, also where one fails. @throws the first failure */
async function all(...work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

function hostConfig(plan: GatewayPlan, nat64: RunningNat64 | null): GatewayHostConfig {
  const { nat66, nptv6, nat44, config } = plan;
  const translation =
    nat64 === null
      ? { ...NO_NAT64, prefixes: [], servesOutside: false }
      : {
          tun: { name: nat64.device.name, index: nat64.device.ifIndex },
          pool: nat64.place,
          prefixes: config.prefixes,
          servesOutside: config.nat64?.servesOutside ?? false,
        };
  const lanDns = config.dns64?.clients === null ? (plan.dns64?.listen ?? []) : [];
  return { ...translation, lan: config.lan, lanDns, nat66, nptv6, nat44 };
}
