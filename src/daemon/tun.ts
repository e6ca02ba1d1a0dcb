// The translator's interface, opened as its configuration says.

import type { TunConfig } from '../config/tun.ts';
import { XlatError } from '../contract/errors.ts';
import type { TunDevice, TunPlatform, TunSetup } from '../platform/select.ts';

/**
 * Opens the interface.
 * @throws XlatError TUN_UNAVAILABLE when there is none to attach to; else as `openTun`
 */
export function openConfiguredTun(platform: TunPlatform, tun: TunConfig): TunDevice {
  const device = platform.openTun({
    name: tun.name,
    queues: tun.queues,
    offload: tun.offload ? 'auto' : 'off',
    // One that is to stay behind may be there already, from the last run.
    attach: tun.attach || tun.persist,
    ...(tun.persist ? { persist: true } : {}),
    ...(tun.attach ? {} : { mtu: tun.mtu }),
  });
  if (!tun.attach || !device.wasCreated) return device;
  device.close();
  throw new XlatError('TUN_UNAVAILABLE', 'open the TUN interface', `there is no interface ${tun.name} to attach to`, {
    advice: `Make it with "ip tuntap add dev ${tun.name} mode tun", or remove tun.attach.`,
  });
}

/** Addresses and routes as the platform takes them. */
export const setupOf = (tun: TunConfig): TunSetup => ({
  addresses: tun.addresses.map(({ text }) => text),
  routes: tun.routes.map(({ text }) => text),
});
