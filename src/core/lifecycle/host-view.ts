// What the host's state says to a CLAT: is there native IPv4 (rule D-09), does another CLAT run (rule D-13), which interfaces
// are those of containers and virtual machines on this host.

import type { HostFacts, LinkFacts } from '../host/host-config.ts';

/** Another CLAT: the interface that carries it. */
export interface OtherClat {
  readonly device: string;
  /** Its IPv4 address. */
  readonly address: string;
}

/** Networks that this host makes for its containers and virtual machines: their names as Docker, Podman, libvirt, LXC, CNI give them. */
const CONTAINER_BRIDGE =
  /^(docker\d|br-[0-9a-f]{12}$|virbr\d|vnet\d|podman\d|lxcbr\d|lxdbr\d|incusbr\d|cni\d|cni-podman\d|flannel|cali|veth[0-9a-f]{7})/;

/** Whether an interface leads to containers or virtual machines of this host; such a one is no uplink. */
export const isContainerBridge = (name: string): boolean => CONTAINER_BRIDGE.test(name);

/**
 * Kinds of links that are tunnels: a VPN's IPv4 route is no sign of IPv4 on the network, and may be carried by the CLAT itself. A TAP is
 * none of them: it is an Ethernet link, and the uplink itself in a virtual machine's or a rootless container's network (slirp4netns).
 */
const TUNNELS: ReadonlySet<string> = new Set([
  'wireguard',
  'tun',
  'ipip',
  'sit',
  'gre',
  'ip6tnl',
  'ip6gre',
  'vti',
  'vti6',
  'xfrm',
]);

/** RFC 7335: 192.0.0.0/29, with its prefix length behind. */
const CLAT_ADDRESS = /^(192\.0\.0\.[0-7])\//;

/** Interfaces with an IPv4 default route that carries something: a cable that is out leaves its route behind. */
const ipv4DefaultDevices = (facts: HostFacts, tunName: string): string[] =>
  facts.routes
    .filter((r) => r.family === 4 && r.destination === 'default' && r.isDown !== true)
    .map((r) => r.device)
    .filter((device) => device !== '' && device !== tunName);

const clatAddressOf = (link: LinkFacts | undefined): string | undefined =>
  link?.addresses.map((a) => CLAT_ADDRESS.exec(a)?.[1]).find((a) => a !== undefined);

/**
 * The interface with the native IPv4 default route, or null.
 * @param tunName the client's own interface, whose route does not count
 */
export function nativeIpv4(facts: HostFacts, tunName: string): string | null {
  const isNative = (name: string): boolean => {
    const link = facts.links.find((l) => l.name === name);
    return !TUNNELS.has(link?.kind ?? '') && !isContainerBridge(name) && clatAddressOf(link) === undefined;
  };
  return ipv4DefaultDevices(facts, tunName).find(isNative) ?? null;
}

/** Another CLAT that carries this host's IPv4: an address of RFC 7335 with a default route, on an interface that is not ours. */
export function otherClat(facts: HostFacts, tunName: string): OtherClat | null {
  for (const device of ipv4DefaultDevices(facts, tunName)) {
    const address = clatAddressOf(facts.links.find((l) => l.name === device));
    if (address !== undefined) return { device, address };
  }
  return null;
}
