// The far side of the lab by other programs: tayga as NAT64 with masquerading, unbound as DNS64. Both are Debian's, unchanged; they are the
// independent implementations that ours has to work with.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { waitFor } from './command.ts';
import type { Netns, NetnsSet } from './netns.ts';
import { ADDRESS, DEVICE, type Topology } from './topology.ts';

/** Starts both in the NAT64's namespace, and gives the client the address that nobody advertises here. */
export async function startInterop(set: NetnsSet, { nat64, client }: Topology): Promise<void> {
  await client.ip(
    `addr add ${ADDRESS.client}/64 dev ${DEVICE.client} nodad`,
    `route add default via ${ADDRESS.router} dev ${DEVICE.client}`,
  );
  await Promise.all([startTayga(set, nat64), startUnbound(set, nat64)]);
}

/** Starts tayga in `nat64`, routes the NAT64 prefix and its pool to it, and masquerades the pool. */
async function startTayga(set: NetnsSet, nat64: Netns): Promise<void> {
  const data = path.join(set.directory, 'tayga');
  mkdirSync(data);
  const config = path.join(data, 'tayga.conf');
  writeFileSync(config, taygaConfig(data));
  const tayga = await nat64.start(['tayga', '-d', '-c', config]);
  await waitFor('the NAT64 interface of tayga', async () => {
    if (tayga.hasEnded()) throw new XlatError('LAB_FAILED', 'start tayga', tayga.output());
    return (await nat64.runAny(['ip', 'link', 'show', DEVICE.translator])).code === 0;
  });
  await nat64.ip(
    `link set ${DEVICE.translator} up`,
    `route add ${ADDRESS.taygaPool} dev ${DEVICE.translator}`,
    `route add ${ADDRESS.pref64} dev ${DEVICE.translator}`,
    `route add ${ADDRESS.taygaIpv6}/128 dev ${DEVICE.translator}`,
  );
  await nat64.run(['nft', '-f', '-'], { input: MASQUERADE });
}

const taygaConfig = (dataDirectory: string) => `tun-device ${DEVICE.translator}
ipv4-addr ${ADDRESS.taygaIpv4}
ipv6-addr ${ADDRESS.taygaIpv6}
prefix ${ADDRESS.pref64}
dynamic-pool ${ADDRESS.taygaPool}
data-dir ${dataDirectory}
`;

const MASQUERADE = `table ip lab {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${ADDRESS.taygaPool} oifname "${DEVICE.nat64Up}" masquerade
  }
}
`;

/** Starts unbound with its DNS64 module in `nat64`; it asks the lab's own DNS server for everything. */
async function startUnbound(set: NetnsSet, nat64: Netns): Promise<void> {
  const config = path.join(set.directory, 'unbound.conf');
  writeFileSync(config, unboundConfig(set.directory));
  const unbound = await nat64.start(['unbound', '-d', '-c', config]);
  await waitFor('the DNS64 server', async () => {
    if (unbound.hasEnded()) throw new XlatError('LAB_FAILED', 'start unbound', unbound.output());
    const sockets = await nat64.run(['ss', '-Hlun', 'sport', '=', ':53']);
    return sockets.trim() !== '';
  });
}

const unboundConfig = (directory: string) => `server:
  directory: "${directory}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  interface: ${ADDRESS.nat64}
  access-control: 2001:db8::/32 allow
  do-ip6: yes
  prefer-ip4: yes
  module-config: "dns64 iterator"
  dns64-prefix: ${ADDRESS.pref64}
forward-zone:
  name: "."
  forward-addr: ${ADDRESS.dns}
remote-control:
  control-enable: no
`;
