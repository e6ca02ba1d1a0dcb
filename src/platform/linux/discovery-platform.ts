// Linux as discovery sees it. Read first: ../discovery-platform.ts.

import { networkInterfaces } from 'node:os';
import type { DiscoveryLink, DiscoveryPlatform } from '../discovery-platform.ts';
import type { LinuxShim } from '../native.ts';
import { loadLinuxShim } from '../native.ts';
import { watchNetwork } from './network-watch.ts';
import { linkResolvers } from './resolvers.ts';
import { openRouterSocket } from './router-socket.ts';
import { connectTcp } from './tied-tcp.ts';

type Interface = NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];

/** A MAC address as bytes; null for the one that Node gives to links without. */
function macOf(mac: string): Uint8Array | null {
  const bytes = Uint8Array.from(mac.split(':'), (octet) => Number.parseInt(octet, 16));
  return bytes.length === 6 && bytes.some((octet) => octet !== 0) ? bytes : null;
}

const isLinkLocal = (a: Interface): boolean => a.family === 'IPv6' && /^fe[89ab]/i.test(a.address);

/** getifaddrs(3) through Node: interfaces that are up and have a carrier, with an index where there is a link-local address. */
function links(): DiscoveryLink[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => {
    const own = addresses.find((a) => !a.internal && isLinkLocal(a));
    if (own === undefined || own.family !== 'IPv6') return [];
    const linkAddress = macOf(own.mac);
    return [{ name, index: own.scopeid, linkAddress, addresses: addresses.map((a) => a.address).sort() }];
  });
}

/** Makes the platform. @throws XlatError ADDON_MISSING */
export function linuxDiscoveryPlatform(shim: LinuxShim = loadLinuxShim()): DiscoveryPlatform {
  return {
    links,
    openRouterSocket: (link, events) => openRouterSocket(shim, link, events),
    resolvers: linkResolvers,
    tieToLink: (fd, link) => shim.bindToDevice(fd, link.name),
    connectTcp: (link, address, port) => connectTcp(shim, link, address, port),
    watchNetwork: (changed) => watchNetwork(shim, () => changed()),
  };
}
