// The machine as `config init gateway` sees it. Reads only; needs no privilege.

import type { DefaultRoute, MachineFacts, MachineLink } from '../../core/host/machine.ts';
import { runJson } from './commands.ts';
import { type Fields, flagsOf, number, objects, text } from './facts.ts';
import { linkResolvers } from './resolvers.ts';

function machineLink(link: Fields): MachineLink {
  const addresses = objects(link.addr_info).filter((address) => text(address.scope) !== 'link');
  return {
    name: text(link.ifname),
    kind: text(objects([link.linkinfo])[0]?.info_kind),
    isUp: flagsOf(link).includes('UP'),
    isLoopback: flagsOf(link).includes('LOOPBACK'),
    master: text(link.master) || null,
    addresses: addresses.map((address) => `${text(address.local)}/${number(address.prefixlen)}`),
  };
}

async function defaultRoutes(family: 4 | 6): Promise<DefaultRoute[]> {
  const routes = objects(await runJson('ip', ['-j', `-${family}`, 'route', 'show', 'default']));
  // A route with several next hops names their interfaces only there.
  const devices = routes.flatMap((route) => [text(route.dev), ...objects(route.nexthops).map((hop) => text(hop.dev))]);
  return [...new Set(devices)].filter((device) => device !== '').map((device) => ({ family, device }));
}

/** Reads the machine. @throws XlatError TOOL_MISSING without `ip`; CommandError when it fails */
export async function readMachine(): Promise<MachineFacts> {
  const [links, ipv6, ipv4] = await Promise.all([
    runJson('ip', ['-d', '-j', 'address', 'show']),
    defaultRoutes(6),
    defaultRoutes(4),
  ]);
  const routes = [...ipv6, ...ipv4];
  const ways = objects(links).filter((link) => routes.some(({ device }) => device === text(link.ifname)));
  const resolvers = await Promise.all(
    ways.map((link) => linkResolvers({ name: text(link.ifname), index: number(link.ifindex) })),
  );
  return {
    links: objects(links).map(machineLink),
    defaultRoutes: routes,
    resolvers: [...new Set(resolvers.flat().map(({ address }) => address))],
  };
}
