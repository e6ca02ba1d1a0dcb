// Reads the state of the host: iproute2's and nftables' JSON, and /proc/sys. Answers of other programs are taken as unknown
// and narrowed field by field.

import { XlatError } from '../../contract/errors.ts';
import type { HostFacts, LinkFacts, ProxyFacts, RouteFacts } from '../../core/host/host-config.ts';
import {
  HOST_SETTINGS,
  ipv4Setting,
  ipv6Setting,
  LINK_SETTINGS,
  LINK_SETTINGS_IPV4,
  proxyDelay,
  reversePathFilter,
  TUN_SETTINGS,
} from '../../core/host/host-config.ts';
import { run, runJson } from './commands.ts';
import { readSysctl } from './sysctl.ts';

/** A JSON object of unknown fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** The objects of a JSON array; anything else counts as none. */
export const objects = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.filter((v): v is Fields => typeof v === 'object' && v !== null) : [];

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const number = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise);
export const flagsOf = (link: Fields): readonly unknown[] => (Array.isArray(link.flags) ? link.flags : []);

/** A TAP is an Ethernet link of the kind "tun"; what `ip -d` says of its type tells it from a TUN. */
function kindOf(link: Fields): string {
  const [info] = objects([link.linkinfo]);
  const [data] = objects([info?.info_data]);
  return text(data?.type) === 'tap' ? 'tap' : text(info?.info_kind);
}

/** An interface as `ip -d -j address` shows it. */
export function linkFacts(link: Fields): LinkFacts {
  const kind = kindOf(link);
  return {
    ...(kind === '' ? {} : { kind }),
    name: text(link.ifname),
    index: number(link.ifindex),
    mtuBytes: number(link.mtu),
    isUp: flagsOf(link).includes('UP'),
    ...(flagsOf(link).includes('NO-CARRIER') ? { lacksCarrier: true } : {}),
    addresses: objects(link.addr_info).map((a) => `${text(a.local)}/${number(a.prefixlen)}`),
  };
}

/** Flags of a next hop that carries nothing, RTNH_F_DEAD and RTNH_F_LINKDOWN. */
const DOWN: readonly unknown[] = ['dead', 'linkdown'];

/** A route as `ip -j route` shows it: one, or with several next hops (ECMP) one for each. */
export const routeFacts =
  (family: 4 | 6) =>
  (route: Fields): RouteFacts[] => {
    const hops = objects(route.nexthops);
    return (hops.length > 0 ? hops : [route]).map((hop) => ({
      family,
      destination: text(route.dst),
      device: text(hop.dev),
      metric: number(route.metric),
      protocol: text(route.protocol) || 'boot',
      gateway: typeof hop.gateway === 'string' ? hop.gateway : null,
      ...(flagsOf(hop).some((flag) => DOWN.includes(flag)) ? { isDown: true } : {}),
    }));
  };

const proxyFacts = (entry: Fields): ProxyFacts => ({ device: text(entry.dev), address: text(entry.dst) });

/** The tables of nftables; none where the tool is missing, because then we made none. */
export async function firewallTables(): Promise<Set<string>> {
  try {
    const answer = (await runJson('nft', ['-j', 'list', 'tables'])) as Fields;
    const tables = objects(answer.nftables).flatMap((o) => objects([o.table]));
    return new Set(tables.map((t) => `${text(t.family)} ${text(t.name)}`));
  } catch (cause) {
    if (cause instanceof XlatError && cause.code === 'TOOL_MISSING') return new Set();
    throw cause;
  }
}

/** Every setting that planning may ask for; the virtual interface is not known here, so all interfaces are read alike. */
function readSettings(names: readonly string[]): Map<string, string> {
  const all = ['all', 'default', ...names];
  const paths = all.flatMap((name) => [
    ...[...LINK_SETTINGS, ...TUN_SETTINGS].map((setting) => ipv6Setting(name, setting)),
    ...LINK_SETTINGS_IPV4.map((setting) => ipv4Setting(name, setting)),
    reversePathFilter(name),
    proxyDelay(name),
  ]);
  const settings = new Map<string, string>();
  for (const path of [...HOST_SETTINGS, ...paths]) {
    const value = readSysctl(path);
    if (value !== null) settings.set(path, value);
  }
  return settings;
}

/** Of the routes that routers announced so much is read: some six hundred. */
const ANNOUNCED_BYTES = 64 * 1024;

/** A default route from a router. Which router it was, planning does not ask. */
const ANNOUNCED = { family: 6, destination: 'default', metric: 0, protocol: 'ra', gateway: null } as const;

/**
 * The IPv6 routes that planning asks for: those that people and programs added, ours among them, and which interfaces have a default
 * route from a router. Never all that there are: whoever floods a link with Router Advertisements fills the table with thousands.
 */
async function ipv6Routes(): Promise<RouteFacts[]> {
  const [added, announced] = await Promise.all([
    runJson('ip', ['-j', '-6', 'route', 'show', 'table', 'main', 'proto', 'boot']),
    run('ip', ['-6', '-o', 'route', 'show', 'table', 'main', 'proto', 'ra', 'default'], {
      enoughBytes: ANNOUNCED_BYTES,
    }),
  ]);
  const devices = new Set([...announced.matchAll(/\bdev (\S+)/g)].map(([, device = '']) => device));
  return [...objects(added).flatMap(routeFacts(6)), ...[...devices].map((device) => ({ ...ANNOUNCED, device }))];
}

/** Reads everything. @throws XlatError TOOL_MISSING without `ip`; CommandError when a tool fails */
export async function readFacts(): Promise<HostFacts> {
  const [links, routes4, routes6, proxies, tables] = await Promise.all([
    runJson('ip', ['-d', '-j', 'address', 'show']),
    runJson('ip', ['-j', '-4', 'route', 'show', 'table', 'main']),
    ipv6Routes(),
    runJson('ip', ['-j', '-6', 'neighbour', 'show', 'proxy']),
    firewallTables(),
  ]);
  const linkList = objects(links).map(linkFacts);
  return {
    links: linkList,
    routes: [...objects(routes4).flatMap(routeFacts(4)), ...routes6],
    proxies: objects(proxies).map(proxyFacts),
    sysctls: readSettings(linkList.map((l) => l.name)),
    firewallTables: tables,
  };
}
