// Linux as the client sees it. Read first: ../platform.ts.

import type { Log } from '../../contract/reasons.ts';
import type { LinkRef } from '../../core/host/host-config.ts';
import type { LinuxShim } from '../native.ts';
import { loadLinuxShim } from '../native.ts';
import type { Closable, HostControl, Platform, Uplink, UplinkAnswer } from '../platform.ts';
import { isDuplicate } from './dad.ts';
import type { CrashPoint } from './host.ts';
import { openLinuxHost } from './host.ts';
import { watchNetwork } from './network-watch.ts';
import { OwnedFirewall } from './owned-firewall.ts';
import { ProxiedAddress } from './proxied-address.ts';
import { Redirect } from './redirect/redirect.ts';
import { findUplink } from './uplink.ts';

class LinuxPlatform implements Platform {
  readonly #shim: LinuxShim;
  readonly #crashPoint: CrashPoint | undefined;

  constructor(shim: LinuxShim, crashPoint: CrashPoint | undefined) {
    this.#shim = shim;
    this.#crashPoint = crashPoint;
  }

  findUplink(destination: Uint8Array, name: string | null): Promise<UplinkAnswer> {
    return findUplink(destination, name);
  }

  async findLink(name: string): Promise<LinkRef | null> {
    const index = this.#shim.ifNameToIndex(name);
    return index === 0 ? null : { name, index };
  }

  isDuplicate(uplink: Uplink, address: Uint8Array, retransMs: number): Promise<boolean> {
    if (uplink.linkAddress === null) throw new Error(`${uplink.link.name} has no neighbour discovery`);
    return isDuplicate(this.#shim, uplink, address, retransMs);
  }

  watchNetwork(changed: (hasLost: boolean) => void): Closable {
    return watchNetwork(this.#shim, changed);
  }

  openHost(stateDir: string, log: Log, addressLost: (clat: string) => void): Promise<HostControl> {
    const redirect = new Redirect(this.#shim, ({ clat }) => addressLost(clat));
    const held = { redirect, firewall: new OwnedFirewall(this.#shim), proxied: new ProxiedAddress(this.#shim) };
    return openLinuxHost(stateDir, log, held, this.#crashPoint);
  }
}

/**
 * Makes the platform.
 * @param crashPoint for tests: called at each point of a change where a crash must not lose anything
 * @throws XlatError ADDON_MISSING
 */
export const linuxPlatform = (crashPoint?: CrashPoint): Platform => new LinuxPlatform(loadLinuxShim(), crashPoint);
