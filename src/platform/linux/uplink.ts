// Finds the uplink: the kernel's own answer to "how do I reach the NAT64", and what the network gave that interface.

import ipaddr from 'ipaddr.js';
import { XlatError } from '../../contract/errors.ts';
import { text6 } from '../../core/address/text.ts';
import type { Uplink, UplinkAnswer, UplinkLack } from '../../core/host/uplink.ts';
import type { Prefix6 } from '../../core/translate/settings.ts';
import { bytesOf } from './address.ts';
import { CommandError, runJson } from './commands.ts';
import type { Fields } from './facts.ts';
import { flagsOf, number, objects, text } from './facts.ts';
import { readSysctl } from './sysctl.ts';

/** RFC 8200 §5. */
const IPV6_MIN_MTU = 1280;
/** Longest on-link prefix that leaves room for an interface identifier (core/address/clat-address.ts). */
const PREFIX_LENGTH_MAX = 96;

const none = (lacks: UplinkLack, why: string): UplinkAnswer => ({ uplink: null, lacks, why });

/** The first `length` bits of an address, the others zero. */
export function prefixOf(address: string, length: number): Prefix6 {
  const bytes = bytesOf(address);
  return {
    address: bytes.map((octet, i) => octet & (0xff00 >> Math.min(Math.max(length - i * 8, 0), 8)) & 0xff),
    length,
  };
}

/** The route that the kernel would take, or null where there is none. */
async function routeTo(destination: string, device: string | null): Promise<Fields | null> {
  const args = ['-j', '-6', 'route', 'get', destination, ...(device === null ? [] : ['oif', device])];
  try {
    return objects(await runJson('ip', args))[0] ?? null;
  } catch (cause) {
    if (saysOneOf(cause, NO_ROUTE)) return null;
    throw cause;
  }
}

/** What `ip route get` says where there is no way: no route, or one that is unreachable, prohibits or is a black hole. */
const NO_ROUTE: readonly string[] = [
  'Network is unreachable',
  'No route to host',
  'Permission denied',
  'Invalid argument',
  'Cannot find device',
  'No such device',
  // A kernel without IPv6.
  'Operation not supported',
];
/** What `ip address show` says of an interface that is not there. */
const NO_LINK: readonly string[] = ['does not exist', 'Cannot find device', 'No such device'];

/** Whether a command's failure is one of these answers, and not that it could not be asked: out of time, memory or buffers. */
function saysOneOf(cause: unknown, answers: readonly string[]): boolean {
  const error = cause instanceof XlatError ? cause.cause : cause;
  return error instanceof CommandError && answers.some((answer) => error.stderr.includes(answer));
}

/** The smallest MTU of interface, Router Advertisement (the kernel keeps it in conf/<if>/mtu) and route. */
function mtuOf(link: Fields, route: Fields, name: string): number {
  const fromRoute = objects(route.metrics).map((m) => number(m.mtu, Number.POSITIVE_INFINITY));
  const fromRa = Number(readSysctl(`net/ipv6/conf/${name}/mtu`) ?? Number.POSITIVE_INFINITY);
  return Math.max(IPV6_MIN_MTU, Math.min(number(link.mtu, 1500), fromRa, ...fromRoute));
}

/**
 * Length of the on-link prefix of an address: its own, or for a /128 (DHCPv6) that of the longest on-link route it lies in;
 * 64 where the network says nothing.
 */
async function onLinkLength(link: Fields, source: string): Promise<number> {
  const entry = objects(link.addr_info).find((a) => text(a.local) === source);
  const own = number(entry?.prefixlen, 128);
  if (own < 128) return own;
  // Only those that the address lies in, no default route: a flood of Router Advertisements leaves thousands of them.
  const device = text(link.ifname);
  const routes = objects(
    await runJson('ip', [
      '-j',
      '-6',
      'route',
      'show',
      'root',
      `${source}/8`,
      'match',
      source,
      'dev',
      device,
      'table',
      'main',
    ]),
  );
  const address = ipaddr.IPv6.parse(source);
  const lengths = routes
    .filter((r) => r.gateway === undefined && text(r.dst).includes('/'))
    .map((r) => ipaddr.IPv6.parseCIDR(text(r.dst)))
    .filter(([network, length]) => length < 128 && address.match(network, length))
    .map(([, length]) => length);
  return lengths.length > 0 ? Math.max(...lengths) : 64;
}

/** The MAC address of a link that does neighbour discovery, or null. */
function linkAddressOf(link: Fields): Uint8Array | null {
  const flags = flagsOf(link);
  const parts = text(link.address).split(':');
  if (link.link_type !== 'ether' || parts.length !== 6 || flags.includes('NOARP') || flags.includes('POINTOPOINT')) {
    return null;
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

/** Ranges whose addresses nobody outside the link answers to. */
const UNUSABLE: ReadonlySet<string> = new Set(['unspecified', 'linkLocal', 'multicast', 'loopback', 'ipv4Mapped']);

/** Whether an address is global or ULA (rule D-09). */
const isUsable = (source: string): boolean =>
  ipaddr.IPv6.isValid(source) && !UNUSABLE.has(ipaddr.IPv6.parse(source).range());

/**
 * The address that the kernel would send from, or "". While the only usable ones are tentative it chooses none of them; then the
 * first of those, so that the CLAT's address is probed along with it and not a second later.
 */
function sourceOf(link: Fields, route: Fields): string {
  const source = text(route.prefsrc);
  if (isUsable(source)) return source;
  const isComing = (a: Fields): boolean =>
    a.tentative === true && a.dadfailed !== true && a.deprecated !== true && isUsable(text(a.local));
  return text(objects(link.addr_info).find(isComing)?.local);
}

/** {@link Platform.findUplink} of Linux. @throws XlatError TOOL_MISSING; CommandError when a tool gives no answer */
export async function findUplink(destination: Uint8Array, device: string | null): Promise<UplinkAnswer> {
  const on = device === null ? '' : ` on ${device}`;
  const route = await routeTo(text6(destination), device);
  const name = text(route?.dev);
  if (route === null || route.type === 'unreachable' || name === '' || name === 'lo') {
    return none('route', `no IPv6 route to the NAT64${on}`);
  }
  const link = await linkOf(name);
  if (link === undefined || !flagsOf(link).includes('UP')) return none('link', `${name} is down`);
  const source = sourceOf(link, route);
  if (source === '') return none('address', `${name} has no global IPv6 address yet`);
  const length = await onLinkLength(link, source);
  if (length > PREFIX_LENGTH_MAX) {
    return none('room', `the network of ${name}, a /${length}, has no room for another address`);
  }
  const uplink: Uplink = {
    link: { name, index: number(link.ifindex) },
    source,
    prefix: prefixOf(source, Math.max(64, length)),
    mtuBytes: mtuOf(link, route, name),
    linkAddress: linkAddressOf(link),
    router: text(route.gateway) || null,
  };
  return { uplink };
}

/** An interface as `ip` shows it; undefined: it went away since the route was looked up. */
async function linkOf(name: string): Promise<Fields | undefined> {
  try {
    return objects(await runJson('ip', ['-j', 'address', 'show', 'dev', name]))[0];
  } catch (cause) {
    if (saysOneOf(cause, NO_LINK)) return undefined;
    throw cause;
  }
}
