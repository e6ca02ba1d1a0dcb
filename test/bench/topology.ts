// The bench's network: three namespaces in a row, joined by veth pairs. Owns addresses and the offload switches at the ends.
//
//     sender ── e0 ═══ s0 ── router ── d0 ═══ e0 ── receiver
//     2001:db8:1::2          translators            2001:db8:2::2, 198.51.100.2
//     192.0.2.2                                     (dual stack, so that the kernel alone can be measured too)
//
// "up" is from the sender (IPv6 of a translator) to the receiver (IPv4), "down" the other way.

import { type Netns, type NetnsSet, openTestSet } from '../support/netns.ts';

export const SENDER_IPV6 = '2001:db8:1::2';
export const SENDER_IPV4 = '192.0.2.2';
export const RECEIVER_IPV6 = '2001:db8:2::2';
export const RECEIVER_IPV4 = '198.51.100.2';

/** Device of both ends. */
export const END_DEVICE = 'e0';
const ROUTER_DEVICES = ['s0', 'd0'] as const;

/** The three namespaces. */
export interface Topology {
  readonly set: NetnsSet;
  readonly sender: Netns;
  readonly router: Netns;
  readonly receiver: Netns;
}

/**
 * Builds it. The set's `close()` removes all of it; so does the end of this process.
 * @param label ends the names of the namespaces, where there are several such networks at once
 */
export async function openTopology(label = ''): Promise<Topology> {
  const set = openTestSet();
  try {
    const sender = await set.add(`sender${label}`);
    const router = await set.add(`router${label}`);
    const receiver = await set.add(`receiver${label}`);
    await set.connect(sender, END_DEVICE, router, 's0');
    await set.connect(router, 'd0', receiver, END_DEVICE);
    await configure({ set, sender, router, receiver });
    return { set, sender, router, receiver };
  } catch (error) {
    set.close();
    throw error;
  }
}

async function configure({ sender, router, receiver }: Topology): Promise<void> {
  for (const key of ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding']) await router.sysctl(key, '1');
  await router.ip(
    'address add 2001:db8:1::1/64 dev s0',
    'address add 192.0.2.1/24 dev s0',
    'address add 2001:db8:2::1/64 dev d0',
    'address add 198.51.100.1/24 dev d0',
  );
  await sender.ip(
    `address add ${SENDER_IPV6}/64 dev ${END_DEVICE}`,
    `address add ${SENDER_IPV4}/24 dev ${END_DEVICE}`,
    'route add default via 2001:db8:1::1',
    'route add default via 192.0.2.1',
  );
  await receiver.ip(
    `address add ${RECEIVER_IPV6}/64 dev ${END_DEVICE}`,
    `address add ${RECEIVER_IPV4}/24 dev ${END_DEVICE}`,
    'route add default via 2001:db8:2::1',
    'route add default via 198.51.100.1',
  );
}

/** What the network devices of the ends do for the stack. */
export interface EndOffload {
  /** TSO, GSO, GRO and USO: whether packets larger than the MTU leave and enter the ends. */
  readonly segmentation: boolean;
  /** Whether checksums stay unfinished on the wire. Off on the router's ports too, so that each checksum is really made and read. */
  readonly checksum: boolean;
}

/** Everything on, as a veth starts. */
export const ALL_ON: EndOffload = { segmentation: true, checksum: true };
/** Single packets from and to the ends. */
export const SEGMENTATION_OFF: EndOffload = { segmentation: false, checksum: true };

/** Switches the ends. */
export async function setEndOffload(topology: Topology, offload: EndOffload): Promise<void> {
  const { sender, router, receiver } = topology;
  const checksum = offload.checksum ? 'on' : 'off';
  const segmentation = offload.segmentation ? 'on' : 'off';
  const names = ['tso', 'gso', 'gro', 'tx-udp-segmentation'];
  const features = ['tx', checksum, ...names.flatMap((name) => [name, segmentation])];
  for (const end of [sender, receiver]) await end.run(['ethtool', '-K', END_DEVICE, ...features]);
  for (const device of ROUTER_DEVICES) {
    // Without checksums there is no TSO either; naming it keeps ethtool from leaving it off afterwards.
    await router.run(['ethtool', '-K', device, 'tx', checksum, 'tso', checksum, 'tx-udp-segmentation', checksum]);
  }
}
