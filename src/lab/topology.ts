// The lab's network: six namespaces, their links, addresses and routes. Owns every address that the lab uses; all of them are
// documentation or private ones.
//
//   client ──────── router ──────── nat64 ──────── isp ──────── exchange ──────── server
//   IPv6 only       IPv6 only       gateway, or    IPv4 only    IPv4 only         IPv4 only
//   xlat464 client  advertises      tayga, unbound                                HTTP, DNS, UDP, SCTP, ESP
//   2001:db8:1::/64   2001:db8:2::/64    192.0.2.0/24    198.51.100.0/24    203.0.113.0/24

import type { Netns, NetnsSet } from './netns.ts';

/** Addresses that proofs and services share. */
export const ADDRESS = {
  /** PREF64 of the lab: a network-specific one, because the well-known prefix may not carry documentation addresses. */
  pref64: '2001:db8:64::/96',
  /** The client's, where it is configured. */
  client: '2001:db8:1::2',
  router: '2001:db8:1::1',
  routerBehind: '2001:db8:2::1',
  nat64: '2001:db8:2::2',
  taygaIpv6: '2001:db8:2:64::1',
  taygaIpv4: '192.168.255.1',
  taygaPool: '192.168.255.0/24',
  nat64Ipv4: '192.0.2.2',
  isp: '192.0.2.1',
  exchange: '198.51.100.2',
  server: '203.0.113.10',
  dns: '203.0.113.53',
} as const;

/** Device names; each is unique in its namespace. */
export const DEVICE = {
  client: 'lan0',
  routerLan: 'lan0',
  routerUp: 'up0',
  nat64Down: 'down0',
  nat64Up: 'up0',
  translator: 'nat64',
  server: 'eth0',
} as const;

/** The namespaces of a lab. */
export interface Topology {
  readonly client: Netns;
  readonly router: Netns;
  readonly nat64: Netns;
  readonly isp: Netns;
  readonly exchange: Netns;
  readonly server: Netns;
}

/** Builds all namespaces and links, everything but the services. */
export async function buildTopology(set: NetnsSet): Promise<Topology> {
  const topology: Topology = {
    client: await set.add('client'),
    router: await set.add('router'),
    nat64: await set.add('nat64'),
    isp: await set.add('isp'),
    exchange: await set.add('exchange'),
    server: await set.add('server'),
  };
  const { client, router, nat64, isp, exchange, server } = topology;
  await set.connect(client, DEVICE.client, router, DEVICE.routerLan);
  await set.connect(router, DEVICE.routerUp, nat64, DEVICE.nat64Down);
  await set.connect(nat64, DEVICE.nat64Up, isp, 'down0');
  await set.connect(isp, 'up0', exchange, 'down0');
  await set.connect(exchange, 'up0', server, DEVICE.server);
  await Promise.all([setUpIpv6Side(topology), setUpIpv4Side(topology)]);
  return topology;
}

async function setUpIpv6Side({ router, nat64 }: Topology): Promise<void> {
  await router.sysctl('net/ipv6/conf/all/forwarding', '1');
  await nat64.sysctl('net/ipv6/conf/all/forwarding', '1');
  await router.ip(
    `addr add ${ADDRESS.router}/64 dev ${DEVICE.routerLan} nodad`,
    `addr add ${ADDRESS.routerBehind}/64 dev ${DEVICE.routerUp} nodad`,
    `route add default via ${ADDRESS.nat64} dev ${DEVICE.routerUp}`,
  );
  await nat64.ip(
    `addr add ${ADDRESS.nat64}/64 dev ${DEVICE.nat64Down} nodad`,
    `route add 2001:db8:1::/64 via ${ADDRESS.routerBehind} dev ${DEVICE.nat64Down}`,
  );
}

async function setUpIpv4Side({ nat64, isp, exchange, server }: Topology): Promise<void> {
  for (const ns of [nat64, isp, exchange]) await ns.sysctl('net/ipv4/ip_forward', '1');
  await nat64.ip(`addr add ${ADDRESS.nat64Ipv4}/24 dev ${DEVICE.nat64Up}`, `route add default via ${ADDRESS.isp}`);
  await isp.ip(
    `addr add ${ADDRESS.isp}/24 dev down0`,
    'addr add 198.51.100.1/24 dev up0',
    `route add default via ${ADDRESS.exchange}`,
  );
  await exchange.ip(
    `addr add ${ADDRESS.exchange}/24 dev down0`,
    'addr add 203.0.113.1/24 dev up0',
    'route add 192.0.2.0/24 via 198.51.100.1',
  );
  await server.ip(
    `addr add ${ADDRESS.server}/24 dev ${DEVICE.server}`,
    `addr add ${ADDRESS.dns}/24 dev ${DEVICE.server}`,
    'route add default via 203.0.113.1',
  );
}

/** Both ends of each veth of the packets' way, for what has to be switched on all of them. */
export function linkEnds(topology: Topology): readonly (readonly [Netns, string])[] {
  const { client, router, nat64, isp, exchange, server } = topology;
  return [
    [client, DEVICE.client],
    [router, DEVICE.routerLan],
    [router, DEVICE.routerUp],
    [nat64, DEVICE.nat64Down],
    [nat64, DEVICE.nat64Up],
    [isp, 'down0'],
    [isp, 'up0'],
    [exchange, 'down0'],
    [exchange, 'up0'],
    [server, DEVICE.server],
  ];
}
