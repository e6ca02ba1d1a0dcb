// What the host's state says to a CLAT: is there native IPv4 (rule D-09), does another CLAT run (rule D-13), which interfaces
// are those of containers and virtual machines on this host.

import type { HostFacts, LinkFacts } from '../host/host-config.ts';

/** Another CLAT: the interface that carries it. */
export interface OtherClat {
  readonly device: string;
  /** Its IPv4 address. */
  readonly address: string;
}

/**
 * Networks that this host makes for its containers and virtual machines, by who makes them: the names that these programs give by
 * themselves. A name that may as well be the user's own, or a real uplink, is none of them: `tap0` (the uplink of a rootless container),
 * `xenbr0` and `vmbr0` (Xen's and Proxmox' bridges with the network card in them), `bridge0` (macOS' Thunderbolt), `vEthernet (…)` of
 * an external switch, `veth0` or `eth0` inside a container.
 */
const CONTAINER_NETWORKS: Readonly<Record<string, RegExp>> = {
  Docker: /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth[0-9a-f]{7}|DockerNAT|vEthernet \(DockerNAT\))$/,
  'Podman, nerdctl, CNI bridges': /^(podman\d+|cni-podman\d+|nerdctl\d+|veth[0-9a-f]{8})$/,
  'LXC, LXD, Incus, Multipass': /^(lxcbr\d+|lxdbr\d+|incusbr-?\d+|mpbr\d+)$/,
  'libvirt, Multipass by QEMU': /^(virbr\d+(-nic)?|vnet\d+|mpqemubr\d+(-dummy)?)$/,
  'Kubernetes itself, kube-router': /^(cni\d+|cbr\d+|kube-bridge|kube-ipvs\d+|kube-dummy-if|nodelocaldns)$/,
  'Flannel, Calico': /^(flannel\d+|flannel[.-].+|cali[0-9a-f]{11}|vxlan(-v6)?\.calico)$/,
  'Cilium, Weave, Antrea, OVN': /^(cilium_(host|net|vxlan|geneve)|lxc[0-9a-f]{12}|weave|antrea-gw\d+|ovn-k8s-mp\d+)$/,
  'VMware, on Linux and macOS': /^vmnet\d+$/,
  'VMware, on Windows': /^VMware Network Adapter VMnet\d+$/,
  VirtualBox: /^(vboxnet\d+|VirtualBox Host-Only .+)$/,
  'Hyper-V and WSL': /^vEthernet \((Default Switch|nat|WSL.*)\)$/i,
  Parallels: /^vnic\d+$/,
  'macOS: vmnet and Internet Sharing': /^(bridge1\d\d|vmenet\d+)$/,
  Xen: /^(vif|tap)\d+\.\d+(-emu)?$/,
  Proxmox: /^(tap\d+i\d+|veth\d+i\d+|fw(br|pr|ln)\d+[ip]\d+)$/,
};

/** Whether an interface leads to containers or virtual machines of this host; such a one is no uplink unless the user names it. */
export const isContainerBridge = (name: string): boolean =>
  Object.values(CONTAINER_NETWORKS).some((names) => names.test(name));

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
 * @param uplinkName the interface that the user named, or null: that one leads to the network, whatever it is called
 */
export function nativeIpv4(facts: HostFacts, tunName: string, uplinkName: string | null = null): string | null {
  const isNative = (name: string): boolean => {
    const link = facts.links.find((l) => l.name === name);
    const isOfHost = name !== uplinkName && isContainerBridge(name);
    return !TUNNELS.has(link?.kind ?? '') && !isOfHost && clatAddressOf(link) === undefined;
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

/** Interfaces named in {@link linkTrouble}. */
const TROUBLES_SHOWN = 3;

function troubleOf({ name, isUp, lacksCarrier }: LinkFacts): string | null {
  if (!isUp) return `${name} is down`;
  return lacksCarrier === true ? `${name} has no carrier` : null;
}

/**
 * Why no interface can lead to a network, or null where one can.
 * @param uplinkName the interface that the user named; null: any but those of this host itself
 */
export function linkTrouble({ links }: HostFacts, tunName: string, uplinkName: string | null): string | null {
  const isMeant = ({ name }: LinkFacts): boolean =>
    uplinkName === null ? name !== tunName && !/^lo\d*$/.test(name) && !isContainerBridge(name) : name === uplinkName;
  const meant = links.filter(isMeant);
  if (meant.length === 0) return uplinkName === null ? 'there is no interface' : `there is no interface ${uplinkName}`;
  const troubles = meant.flatMap((link) => troubleOf(link) ?? []);
  if (troubles.length < meant.length) return null;
  const rest = troubles.length - TROUBLES_SHOWN;
  return [...troubles.slice(0, TROUBLES_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ');
}
