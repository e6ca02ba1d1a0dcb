// The gateway's NAT64: a TUN interface, the pool fitted to this host, the routes into the interface, and the data plane with the
// tables. What the outside sees of a shared pool is the router's address; inside, the tables know a private one in its place.

import { formatIpv4, formatPrefix4 } from '../config/addresses.ts';
import type { GatewayConfig } from '../config/gateway.ts';
import { XlatError } from '../contract/errors.ts';
import type { PoolChoice, PoolPlace } from '../core/gateway-host/config.ts';
import type { Dropped } from '../core/nat64/reconfigure.ts';
import type { Nat64Settings, StaticBinding } from '../core/nat64/settings.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { type DataPlane, startDataPlane } from '../dataplane/dataplane.ts';
import { type GatewayHost, tunRoutes } from '../gateway/host.ts';
import type { TunDevice, TunPlatform } from '../platform/select.ts';
import { sayChanged, sayEnded, sayStarted } from './datapath-log.ts';
import { keepBindings, loadBindings, sayRestored } from './gateway-bindings-file.ts';
import { type RunningMappingLog, startMappingLog } from './gateway-mapping-log.ts';
import type { Nat64Plan } from './gateway-plan.ts';
import type { DaemonLog } from './log.ts';
import { startThread } from './packet-thread.ts';
import { Teardown } from './teardown.ts';

/** What the NAT64 is started with. */
export interface Nat64Surroundings {
  readonly tuns: TunPlatform;
  readonly host: GatewayHost;
  readonly log: DaemonLog;
  /** The same without the events of the control API: for what comes in numbers. */
  readonly plainLog: DaemonLog;
}

/** What the tables and the routes are made of, at one moment. */
interface InUse {
  readonly plan: Nat64Plan;
  readonly choice: PoolChoice;
  readonly translator: TranslatorSettings;
  readonly nat64: Nat64Settings;
  readonly routes: readonly string[];
}

/** A running NAT64. Calls must not overlap. */
export class RunningNat64 {
  readonly device: TunDevice;
  readonly dataPlane: DataPlane;
  readonly #around: Nat64Surroundings;
  readonly #teardown: Teardown;
  #inUse: InUse;
  #mappingLog: RunningMappingLog | null = null;
  #notes: readonly string[] = [];

  constructor(
    around: Nat64Surroundings,
    parts: { readonly device: TunDevice; readonly dataPlane: DataPlane },
    inUse: InUse,
    teardown: Teardown,
  ) {
    this.#around = around;
    this.device = parts.device;
    this.dataPlane = parts.dataPlane;
    this.#inUse = inUse;
    this.#teardown = teardown;
    this.#openMappingLog();
    teardown.add(() => this.#mappingLog?.close());
  }

  /** What runs now. */
  get inUse(): InUse {
    return this.#inUse;
  }

  /** Where the pool is on this host. */
  get place(): PoolPlace {
    return this.#inUse.choice.place;
  }

  /** The address that the outside sees in the place of one of the tables'. */
  outsideOf(address: number): number {
    const { place } = this;
    return place.kind === 'shared' && address === place.inside ? place.outside : address;
  }

  /** What the last change cost, one sentence each; once. */
  takeNotes(): readonly string[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** Whether packets for an address of the tables come here. */
  isServed(address: number): boolean {
    const { choice, nat64 } = this.#inUse;
    return isInPool(address, choice) || nat64.staticBindings.some(({ ipv4 }) => ipv4 === address);
  }

  /**
   * Goes over to a plan without losing sessions that still fit (rule N-12).
   * @throws XlatError when it cannot be had; the old one goes on then
   */
  async reconfigure(plan: Nat64Plan): Promise<void> {
    const { host, tuns, log } = this.#around;
    const before = this.#inUse;
    const isSameWish = JSON.stringify(plan.wish) === JSON.stringify(before.plan.wish);
    const choice = isSameWish ? before.choice : await host.choosePool(plan.wish);
    const next = inUseOf(plan, choice);
    sayWhatWaits(before.plan, plan, log);
    // The tables know the new addresses before packets for them arrive.
    this.#notes = sayDropped(await this.dataPlane.reconfigure(next.translator, next.nat64), log);
    try {
      await tuns.changeTunRoutes(this.device.name, before.routes, next.routes);
    } catch (error) {
      await this.dataPlane.reconfigure(before.translator, before.nat64);
      throw error;
    }
    this.#inUse = next;
    sayChanged(log, this.device, next.translator);
    sayPlanned(next, log);
    await this.#mappingLog?.close();
    this.#openMappingLog();
  }

  /** Opened anew at each change, so that a file that was moved away is left alone from then on. */
  #openMappingLog(): void {
    const { config } = this.#inUse.plan;
    const { plainLog: log } = this.#around;
    const { nat64 } = this.dataPlane;
    const isOff = config.nat64.mappingLog === 'off';
    const outsideOf = (address: number): number => this.outsideOf(address);
    this.#mappingLog = isOff ? null : startMappingLog({ file: config.mappingLogFile, nat64, outsideOf, log });
  }

  /** Ends the data path and takes the interface away with its routes. A second call does nothing. */
  close(): Promise<void> {
    return this.#teardown.run();
  }
}

/**
 * Starts the NAT64 of a plan.
 * @throws XlatError when it cannot be had here; everything has been taken down by then
 */
export async function startNat64(plan: Nat64Plan, around: Nat64Surroundings): Promise<RunningNat64> {
  const { tuns, host, log } = around;
  const { tun } = plan.config;
  const teardown = new Teardown();
  try {
    const inUse = inUseOf(plan, await host.choosePool(plan.wish));
    const device = tuns.openTun({
      name: tun.name,
      queues: 1,
      offload: tun.offload ? 'auto' : 'off',
      mtu: Math.max(inUse.translator.ipv4Mtu, inUse.translator.ipv6Mtu, 1280),
    });
    teardown.add(() => device.close());
    const { translator: settings, nat64 } = inUse;
    const { queues } = device;
    const { coalesce } = tun;
    const { saveFile } = plan.config;
    const savedBindings = loadBindings(saveFile, log);
    const wake = (queue: number): void => device.wake(queue);
    const dataPlane = await startDataPlane({ queues, wake, startThread, settings, nat64, savedBindings, coalesce });
    teardown.add(() => dataPlane.stop());
    sayRestored(dataPlane, saveFile, log);
    const keeper = keepBindings(saveFile, dataPlane, log);
    teardown.add(() => keeper.close());
    teardown.add(() => keeper.save());
    await tuns.setUpTun(device.name, { addresses: [], routes: inUse.routes }, false);
    teardown.add(() => sayEnded(log, device));
    sayStarted(log, device, coalesce, settings);
    sayPlanned(inUse, log);
    return new RunningNat64(around, { device, dataPlane }, inUse, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

function inUseOf(plan: Nat64Plan, choice: PoolChoice): InUse {
  const { config } = plan;
  const { prefix } = config.translator;
  const [first] = choice.ranges;
  const translator = config.hasAutoIpv4 ? { ...config.translator, ownIpv4: first?.address ?? 0 } : config.translator;
  const staticBindings = config.nat64.staticBindings.map((binding) => insideOf(binding, choice.place));
  const routes = tunRoutes({ prefixes: prefix === null ? [] : [prefix], pool: choice.place });
  return {
    plan,
    choice,
    translator,
    nat64: { ...config.nat64, pool: choice.ranges, staticBindings },
    routes: [...routes, ...bindingRoutes(staticBindings, choice)],
  };
}

/**
 * A binding as the tables know it.
 * @throws XlatError CONFIG_INVALID for a port of a shared address that stays with the router
 */
export function insideOf(binding: StaticBinding, place: PoolPlace): StaticBinding {
  if (place.kind !== 'shared' || binding.ipv4 !== place.outside) return binding;
  const { protocol, port4 } = binding;
  const isSteered = place.ranges.some(
    (range) => range.protocol === protocol && port4 >= range.firstPort && port4 <= range.lastPort,
  );
  if (isSteered) return { ...binding, ipv4: place.inside };
  const end = `${protocol} port ${port4} of ${formatIpv4(binding.ipv4)}`;
  throw new XlatError('CONFIG_INVALID', 'open a port', `${end} stays with this router, for nat64.pool has it not`, {
    advice: `Add "${formatIpv4(binding.ipv4)} ${protocol} ${port4}" to nat64.pool.`,
  });
}

/** Whether packets for an address of the tables come to the NAT64. */
const isInPool = (address: number, { ranges }: PoolChoice): boolean =>
  ranges.some((range) => address >= range.address && address < range.address + range.addresses);

/** Routes for static bindings of addresses that the pool has not. */
const bindingRoutes = (bindings: readonly StaticBinding[], choice: PoolChoice): string[] => [
  ...new Set(
    bindings
      .filter(({ ipv4 }) => !isInPool(ipv4, choice))
      .map(({ ipv4 }) => formatPrefix4({ address: ipv4, length: 32 })),
  ),
];

function sayPlanned({ choice, routes, nat64 }: InUse, log: DaemonLog): void {
  const pool = choice.ranges.map(({ address, addresses }) => `${formatIpv4(address)}+${addresses}`).join(', ');
  const fields = { place: choice.place.kind, pool, static: nat64.staticBindings.length, routes: routes.join(', ') };
  log.debug('nat64-planned', fields, `the pool is ${choice.place.kind}; routes ${fields.routes}`);
}

function sayDropped({ bindings, sessions }: Dropped, log: DaemonLog): readonly string[] {
  if (bindings === 0) return [];
  const text = `${bindings} bindings do not fit the new settings any more; they ended, with ${sessions} sessions`;
  log.warn('bindings-dropped', { bindings, sessions }, text);
  return [text];
}

function sayWhatWaits({ config: was }: Nat64Plan, { config: now }: Nat64Plan, log: DaemonLog): void {
  const changed = [
    ...(was.tun.name === now.tun.name ? [] : ['nat64.tun']),
    ...(was.tun.offload === now.tun.offload ? [] : ['nat64.offload']),
    ...(was.tun.coalesce === now.tun.coalesce ? [] : ['nat64.coalesce']),
    ...(was.saveFile === now.saveFile ? [] : ['nat64.save-file']),
  ];
  if (changed.length === 0) return;
  const keys = changed.join(', ');
  log.warn('config-warning', { keys }, `${keys} changed; that takes effect at the next start`);
}

/** The name of a gateway's endpoint and of its log lines: that of the interface, or of the LAN where it has none. */
export const gatewayName = ({ nat64, lan }: GatewayConfig): string => nat64?.tun.name ?? lan.join('-');
