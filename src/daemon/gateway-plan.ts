// What a gateway does on this machine: its configuration with every `auto` filled in from the interfaces, addresses, routes and
// resolvers that there are. Pure but for {@link readSurroundings}. Made anew when one of them changes.

import { formatIpv4, formatIpv6, parsePrefix4 } from '../config/addresses.ts';
import type { GatewayConfig } from '../config/gateway.ts';
import { DEFAULT_PORTS, type Nat64Config, privateWarning, reachesPrivate } from '../config/gateway-nat64.ts';
import type { AnyPrefix, PoolEntry } from '../config/gateway-scalars.ts';
import { XlatError } from '../contract/errors.ts';
import { isNonGlobal4 } from '../core/address/special.ts';
import type { AdvertiseLink } from '../core/advertise/content.ts';
import type { AdvertiseSettings } from '../core/advertise/settings.ts';
import type { Dns64Settings, DnsEndpoint, Forwarder } from '../core/dns64/settings.ts';
import type { Nat44Rule, Nat66Rule, Nptv6Rule, PoolWish } from '../core/gateway-host/config.ts';
import type { Dhcp4Settings } from '../core/gateway-host/dhcp4.ts';
import type { MachineFacts } from '../core/host/machine.ts';
import type { PoolRange } from '../core/nat64/settings.ts';
import type { Prefix4 } from '../core/translate/settings.ts';
import type { AdvertisePlatform } from '../platform/gateway-platform.ts';
import { readMachineFacts } from '../platform/select.ts';

/** The NAT64's part. */
export interface Nat64Plan {
  readonly wish: PoolWish;
  readonly config: Nat64Config;
}

/** Everything that a gateway does; null parts are off, or wait for what the warnings name. */
export interface GatewayPlan {
  readonly config: GatewayConfig;
  readonly wan: readonly string[];
  readonly nat64: Nat64Plan | null;
  readonly dns64: Dns64Settings | null;
  readonly advertise: readonly AdvertiseSettings[];
  readonly dhcp4: Dhcp4Settings | null;
  readonly nat66: readonly Nat66Rule[];
  readonly nptv6: readonly Nptv6Rule[];
  readonly nat44: readonly Nat44Rule[];
  /** What waits for something of this machine; one sentence each. */
  readonly waits: readonly string[];
  /** The same, and what works but will surprise, on this machine. */
  readonly warnings: readonly string[];
}

/** What a plan is made from. */
export interface Surroundings {
  readonly machine: MachineFacts;
  /** The LAN interfaces by name; null: down, or without a link-local address. */
  readonly lan: ReadonlyMap<string, AdvertiseLink | null>;
}

const OPERATION = 'plan the gateway';
const DNS_PORT = 53;
/** What the router itself takes ports from ends at 60999: ip_local_port_range of Linux. */
const SHARED_PORTS = { first: 61_001, last: 65_535 } as const;
const LINK_LOCAL = { address: Uint8Array.of(0xfe, 0x80, ...new Array<number>(14).fill(0)), length: 10 };

/** Reads what a plan is made from. @throws XlatError TOOL_MISSING; the system's error when an interface cannot be read */
export async function readSurroundings(lan: readonly string[], platform: AdvertisePlatform): Promise<Surroundings> {
  const links = lan.map(async (name) => [name, await platform.readLink(name, 0)] as const);
  const [machine, ...read] = await Promise.all([readMachineFacts(), ...links]);
  return { machine, lan: new Map(read) };
}

/**
 * Fills in a configuration.
 * @throws XlatError HOST_UNFIT when this machine has not what it needs, which may come
 */
export function planGateway(config: GatewayConfig, around: Surroundings): GatewayPlan {
  const wan = config.wan ?? defaultWays(config, around.machine);
  checkInterfaces(config, around.machine);
  const out = wan[0];
  const nat64 = config.nat64 === null ? null : nat64Plan(config.nat64, wan, around.machine);
  const dns64 = dns64Settings(config, around);
  const waits = waitingFor(config, wan, dns64, around.lan);
  return {
    config,
    wan,
    nat64,
    dns64,
    advertise: config.advertise,
    dhcp4: config.dhcp4,
    nat66: config.nat66.flatMap((rule) => withOut(rule, out)),
    nptv6: config.npt.flatMap((rule) => withOut(rule, out)),
    nat44: config.nat44 ? nat44Rules(config.lan, wan, around.machine) : [],
    waits,
    warnings: [...waits, ...privateSide(nat64, wan, around.machine)],
  };
}

/** The interfaces of the default routes, IPv4 ones first: that is where the translated packets go. */
function defaultWays({ lan }: GatewayConfig, { defaultRoutes }: MachineFacts): string[] {
  const byFamily = [...defaultRoutes].sort((a, b) => a.family - b.family).map(({ device }) => device);
  return [...new Set(byFamily)].filter((device) => !lan.includes(device));
}

function checkInterfaces({ lan, wan }: GatewayConfig, { links }: MachineFacts): void {
  const missing = [...lan, ...(wan ?? [])].filter((name) => !links.some((link) => link.name === name));
  if (missing.length === 0) return;
  const there = links.filter(({ isLoopback }) => !isLoopback).map(({ name }) => name);
  const what = missing.length === 1 ? 'there is no interface' : 'there are no interfaces';
  throw new XlatError('HOST_UNFIT', OPERATION, `${what} ${missing.join(', ')} on this router`, {
    advice: `It has ${there.join(', ')}; name them in lan and wan.`,
  });
}

/** A rule with its interface; none while no default route leads anywhere. */
const withOut = <R extends { readonly out: string | null }>(
  rule: R,
  out: string | undefined,
): (Omit<R, 'out'> & { readonly out: string })[] => {
  const name = rule.out ?? out;
  return name === undefined ? [] : [{ ...rule, out: name }];
};

function waitingFor(
  config: GatewayConfig,
  wan: readonly string[],
  dns64: Dns64Settings | null,
  lan: Surroundings['lan'],
): string[] {
  const down = config.lan.filter((name) => lan.get(name) === null);
  const rules = [...config.nat66, ...config.npt].some(({ out }) => out === null) || config.nat44;
  return [
    ...down.map((name) => `${name} is down, or has no link-local address; its hosts are not served`),
    ...(wan.length > 0 ? [] : ['no default route leads out of this router yet; nothing outside can be reached']),
    ...(rules && wan.length === 0 ? ['nat66, npt and nat44 wait for a default route'] : []),
    ...(config.dns64 !== null && dns64 === null ? ['the DNS64 waits: the LAN interfaces have no address yet'] : []),
  ];
}

/** IPv4 addresses of some interfaces, with their networks' lengths. */
const ipv4Of = ({ links }: MachineFacts, names: readonly string[]): Prefix4[] =>
  links.filter(({ name }) => names.includes(name)).flatMap(({ addresses }) => addresses.flatMap(ipv4Address));

function ipv4Address(text: string): Prefix4[] {
  const [address = '', length] = text.split('/');
  const parsed = address.includes(':') ? null : parsePrefix4(address);
  return parsed?.ok === true ? [{ address: parsed.value.address, length: Number(length) }] : [];
}

function nat64Plan(config: Nat64Config, wan: readonly string[], machine: MachineFacts): Nat64Plan {
  return { config, wish: poolWish(config, wan, machine) };
}

function poolWish({ pool }: Nat64Config, wan: readonly string[], machine: MachineFacts): PoolWish {
  if (pool.kind === 'masquerade') return pool;
  if (pool.kind === 'shared') return { kind: 'shared', ranges: rangesOf([sharedEntry(wan, machine)], SHARED_PORTS) };
  const own = new Set(
    ipv4Of(
      machine,
      machine.links.map(({ name }) => name),
    ).map(({ address }) => address),
  );
  const isOwn = ({ address, addresses }: PoolEntry): boolean => addresses === 1 && own.has(address);
  if (pool.entries.every(isOwn)) return { kind: 'shared', ranges: rangesOf(pool.entries, SHARED_PORTS) };
  return { kind: 'routed', ranges: rangesOf(pool.entries, DEFAULT_PORTS) };
}

/** The router's own address on the way out. */
function sharedEntry(wan: readonly string[], machine: MachineFacts): PoolEntry {
  const own = wan.flatMap((name) => ipv4Of(machine, [name])).find(({ address }) => address !== 0);
  if (own !== undefined) {
    return { address: own.address, addresses: 1, protocols: ['tcp', 'udp', 'icmp'], ports: null };
  }
  const where =
    wan.length === 0 ? 'no default route leads out of this router' : `${wan.join(', ')} has no IPv4 address`;
  throw new XlatError('HOST_UNFIT', OPERATION, `nat64.pool is shared, but ${where}`, {
    advice: 'Wait for it, or name the address in nat64.pool.',
  });
}

const rangesOf = (
  entries: readonly PoolEntry[],
  byDefault: { readonly first: number; readonly last: number },
): PoolRange[] =>
  entries.flatMap(({ address, addresses, protocols, ports }) => {
    const { first, last } = ports ?? byDefault;
    return protocols.map((protocol) => ({ protocol, address, addresses, firstPort: first, lastPort: last }));
  });

/** Rule A-03: hosts cannot reach the network that the router itself is in. A pool in the file was looked at there. */
function privateSide(nat64: Nat64Plan | null, wan: readonly string[], machine: MachineFacts): string[] {
  if (nat64 === null || nat64.config.pool.kind === 'list' || reachesPrivate(nat64.config.translator)) return [];
  const own = ipv4Of(machine, wan).find(({ address }) => isNonGlobal4(address));
  return own === undefined ? [] : [privateWarning(own.address)];
}

function nat44Rules(lan: readonly string[], wan: readonly string[], machine: MachineFacts): Nat44Rule[] {
  const networks = ipv4Of(machine, lan).map(networkOf);
  return networks.flatMap((source) => wan.map((out) => ({ source, out })));
}

const networkOf = ({ address, length }: Prefix4): Prefix4 => {
  const size = 2 ** (32 - length);
  return { address: Math.floor(address / size) * size, length };
};

/** Settings of the DNS64; null while there is no address to listen on. */
function dns64Settings({ dns64, advertise }: GatewayConfig, { machine, lan }: Surroundings): Dns64Settings | null {
  if (dns64 === null) return null;
  const listen = dns64.listen ?? listenAddresses(lan, machine);
  if (listen.length === 0) return null;
  const clients = dns64.clients ?? lanNetworks(lan, machine, advertise);
  return { ...dns64, listen, clients, forwarders: dns64.forwarders ?? ownResolvers(machine, listen) };
}

function listenAddresses(lan: Surroundings['lan'], machine: MachineFacts): DnsEndpoint[] {
  const ipv4 = ipv4Of(machine, [...lan.keys()]).map(({ address }) => formatIpv4(address));
  const ipv6 = [...lan].flatMap(([name, link]) => {
    if (link === null) return [];
    return [...link.addresses.map(({ address }) => formatIpv6(address)), `${formatIpv6(link.linkLocal)}%${name}`];
  });
  return [...ipv6, ...ipv4].map((address) => ({ address, port: DNS_PORT }));
}

/** The networks of the LAN: those of the interfaces' addresses, those that are advertised, and what is on the link anyway. */
function lanNetworks(
  lan: Surroundings['lan'],
  machine: MachineFacts,
  advertise: readonly AdvertiseSettings[],
): AnyPrefix[] {
  const onLink = [...lan.values()].flatMap((link) => link?.addresses.map(({ prefix }) => prefix) ?? []);
  const told = advertise.flatMap(({ prefixes }) => (prefixes === 'auto' ? [] : prefixes.map(({ prefix }) => prefix)));
  return [...onLink, ...told, LINK_LOCAL, ...ipv4Of(machine, [...lan.keys()]).map(networkOf)];
}

function ownResolvers({ resolvers }: MachineFacts, listen: readonly DnsEndpoint[]): Forwarder[] {
  const others = resolvers.filter((address) => !listen.some((own) => own.address === address));
  if (others.length > 0) return others.map((address) => ({ address, port: DNS_PORT, tlsName: null }));
  throw new XlatError('HOST_UNFIT', OPERATION, 'this router knows no resolver that the DNS64 could ask', {
    advice: 'Name some in dns64.forwarders.',
  });
}
