// The one file that reads process.platform and names a concrete operating system.

import { XlatError } from '../contract/errors.ts';
import type { Log } from '../contract/reasons.ts';
import type { MachineFacts } from '../core/host/machine.ts';
import type { TunQueue } from '../dataplane/tun-queue.ts';
import type { DiscoveryPlatform } from './discovery-platform.ts';
import type { DnsPlatform } from './dns-platform.ts';
import type { GatewayPlatform } from './gateway-platform.ts';
import { type HostAction, listenToHostActions } from './linux/trace.ts';
import type { TunDevice, TunOptions } from './linux/tun-device.ts';
import type { TunQueueNumbers } from './linux/tun-queue.ts';
import type { TunSetup } from './linux/tun-setup.ts';
import type { DhcpProgram } from './option108.ts';
import type { Platform } from './platform.ts';
import type { Services } from './service.ts';

export type { TunDevice, TunOptions } from './linux/tun-device.ts';
export type { TunQueueNumbers } from './linux/tun-queue.ts';
export type { TunSetup } from './linux/tun-setup.ts';

const unsupported = (): XlatError =>
  new XlatError('TUN_UNAVAILABLE', 'start', `there is no data path for ${process.platform} yet; it runs on Linux`);

/** Has told whatever this process does to its host, by commands and settings. */
export const traceHost = (told: (action: HostAction) => void): void => listenToHostActions(told);

/** The platform of this machine. @throws XlatError TUN_UNAVAILABLE, ADDON_MISSING */
export async function selectPlatform(): Promise<Platform> {
  if (process.platform !== 'linux') throw unsupported();
  const { linuxPlatform } = await import('./linux/linux-platform.ts');
  return linuxPlatform();
}

/**
 * Undoes what a run that crashed has left, from its journal alone. Needs no native addon.
 * @returns how many changes the journal named
 * @throws XlatError ALREADY_RUNNING, HOST_CHANGE_FAILED, NOT_PERMITTED
 */
export async function cleanUpHost(stateDir: string, log: Log): Promise<number> {
  if (process.platform !== 'linux') throw unsupported();
  const { cleanUp } = await import('./linux/host.ts');
  return cleanUp(stateDir, log);
}

/** What the owner of a TUN interface needs of an operating system. Errors: those of the functions in linux/tun-*.ts. */
export interface TunPlatform {
  openTun(options: TunOptions): TunDevice;
  setUpTun(name: string, setup: TunSetup, isReused: boolean): Promise<void>;
  changeTunRoutes(name: string, was: readonly string[], now: readonly string[]): Promise<void>;
  /** Names of the settings that keep this host from forwarding packets. */
  missingForwarding(): readonly string[];
}

/** The TUN interfaces of this machine. @throws XlatError TUN_UNAVAILABLE */
export async function selectTunPlatform(): Promise<TunPlatform> {
  if (process.platform !== 'linux') throw unsupported();
  const [device, setup] = await Promise.all([import('./linux/tun-device.ts'), import('./linux/tun-setup.ts')]);
  return { ...setup, openTun: (options) => device.openTun(options) };
}

/** What makes a worker's queue from the numbers of an open interface. @throws XlatError TUN_UNAVAILABLE */
export async function selectTunQueue(): Promise<(numbers: TunQueueNumbers) => TunQueue> {
  if (process.platform !== 'linux') throw unsupported();
  const { tunQueue } = await import('./linux/tun-queue.ts');
  return (numbers) => tunQueue(numbers);
}

/** What the DNS server needs of this machine. @throws XlatError TUN_UNAVAILABLE, ADDON_MISSING */
export async function selectDnsPlatform(): Promise<DnsPlatform> {
  if (process.platform !== 'linux') throw unsupported();
  const { linuxDnsPlatform } = await import('./linux/dns-platform.ts');
  return linuxDnsPlatform();
}

/** The service manager of this machine. @throws XlatError TUN_UNAVAILABLE */
export async function selectServices(): Promise<Services> {
  if (process.platform !== 'linux') throw unsupported();
  return (await import('./linux/systemd.ts')).systemdServices;
}

/** The machine as somebody sees it who wants to make a gateway of it. @throws XlatError TUN_UNAVAILABLE, TOOL_MISSING */
export async function readMachineFacts(): Promise<MachineFacts> {
  if (process.platform !== 'linux') throw unsupported();
  const { readMachine } = await import('./linux/machine.ts');
  return readMachine();
}

/** Who runs this machine's DHCP clients. @throws XlatError TUN_UNAVAILABLE */
export async function selectOption108(): Promise<DhcpProgram> {
  if (process.platform !== 'linux') throw unsupported();
  return (await import('./linux/option108.ts')).linuxOption108;
}

/** The kernel's connection tracking table, as nf_conntrack writes it. @throws XlatError TUN_UNAVAILABLE; as linux/conntrack.ts */
export async function readConntrackTable(): Promise<string> {
  if (process.platform !== 'linux') throw unsupported();
  return (await import('./linux/conntrack.ts')).readConntrack();
}

/** What discovery needs of this machine. @throws XlatError TUN_UNAVAILABLE, ADDON_MISSING */
export async function selectDiscoveryPlatform(): Promise<DiscoveryPlatform> {
  if (process.platform !== 'linux') throw unsupported();
  const { linuxDiscoveryPlatform } = await import('./linux/discovery-platform.ts');
  return linuxDiscoveryPlatform();
}

/** What the gateway's LAN and host side needs of this machine. @throws XlatError TUN_UNAVAILABLE, ADDON_MISSING */
export async function selectGatewayPlatform(): Promise<GatewayPlatform> {
  if (process.platform !== 'linux') throw unsupported();
  const { linuxGatewayPlatform } = await import('./linux/gateway-platform.ts');
  return linuxGatewayPlatform();
}
