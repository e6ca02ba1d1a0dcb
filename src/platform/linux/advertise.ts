// Linux as the sender of router advertisements sees it: an interface with its addresses, and who else holds an ICMPv6 socket.
// Read first: ../gateway-platform.ts.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { AdvertiseLink, LinkAddress } from '../../core/advertise/content.ts';
import { bytesOf } from './address.ts';
import { CommandError, runJson } from './commands.ts';
import { type Fields, flagsOf, number, objects, text } from './facts.ts';
import { prefixOf } from './uplink.ts';

/** INFINITY_LIFE_TIME of the kernel. */
const FOR_EVER = 0xffffffff;

const untilMs = (seconds: number, nowMs: number): number =>
  seconds === FOR_EVER ? Number.POSITIVE_INFINITY : nowMs + seconds * 1000;

/** Whether an address is one that this router has: through duplicate address detection, and not one that changes by itself. */
const isInUse = (a: Fields): boolean => a.tentative !== true && a.dadfailed !== true && a.temporary !== true;

const addressOf = (a: Fields, nowMs: number): LinkAddress => ({
  address: bytesOf(text(a.local)),
  prefix: prefixOf(text(a.local), number(a.prefixlen, 128)),
  validUntilMs: untilMs(number(a.valid_life_time, FOR_EVER), nowMs),
  preferredUntilMs: untilMs(number(a.preferred_life_time, FOR_EVER), nowMs),
});

/** 6 bytes, or null for what is no Ethernet address. */
function macOf(link: Fields): Uint8Array | null {
  const octets = text(link.address).split(':');
  return text(link.link_type) === 'ether' && octets.length === 6
    ? Uint8Array.from(octets, (octet) => Number.parseInt(octet, 16))
    : null;
}

function advertiseLink(link: Fields, nowMs: number): AdvertiseLink | null {
  const addresses = objects(link.addr_info).filter((a) => a.family === 'inet6' && isInUse(a));
  const linkLocal = addresses.find((a) => a.scope === 'link');
  const flags = flagsOf(link);
  if (linkLocal === undefined || !flags.includes('UP') || !flags.includes('LOWER_UP')) return null;
  return {
    name: text(link.ifname),
    index: number(link.ifindex),
    linkAddress: macOf(link),
    linkLocal: bytesOf(text(linkLocal.local)),
    mtuBytes: number(link.mtu, 1280),
    addresses: addresses.filter((a) => a.scope === 'global').map((a) => addressOf(a, nowMs)),
  };
}

/** {@link AdvertisePlatform.readLink} of Linux. */
export async function readLink(name: string, nowMs: number): Promise<AdvertiseLink | null> {
  try {
    const [link] = objects(await runJson('ip', ['-j', 'address', 'show', 'dev', name]));
    return link === undefined ? null : advertiseLink(link, nowMs);
  } catch (cause) {
    if (cause instanceof CommandError && /does not exist/.test(cause.stderr)) return null;
    throw cause;
  }
}

/** Protocol number of ICMPv6 as /proc/net/raw6 writes it in the place of the port. */
const ICMPV6 = '003A';

/** Inodes of the raw ICMPv6 sockets of this network namespace. */
function icmpInodes(): Set<string> {
  const lines = read('/proc/net/raw6').split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return new Set(fields.filter((f) => f[1]?.endsWith(`:${ICMPV6}`)).map((f) => f[9] ?? ''));
}

/** {@link AdvertisePlatform.icmpPrograms} of Linux. A process that ends or may not be looked at meanwhile is left out. */
export function icmpPrograms(): string[] {
  const inodes = icmpInodes();
  const pids = list('/proc').filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid));
  const holders = pids.filter((pid) =>
    list(`/proc/${pid}/fd`).some((fd) =>
      inodes.has(/^socket:\[(\d+)\]$/.exec(target(`/proc/${pid}/fd/${fd}`))?.[1] ?? '-'),
    ),
  );
  return holders.map((pid) => `${read(`/proc/${pid}/comm`).trim()} (process ${pid})`);
}

/** {@link AdvertisePlatform.sentAdvertisements} of Linux, which has a line for each type that was sent at all (net/ipv6/proc.c). */
export function sentAdvertisements(link: string): number | null {
  const counters = read(`/proc/net/dev_snmp6/${link}`);
  if (counters === '') return null;
  return Number(/^Icmp6OutType134\s+(\d+)$/m.exec(counters)?.[1] ?? 0);
}

/** Reads below /proc, where whatever is looked at may have gone: that counts as empty. */
function orEmpty<T>(look: () => T, empty: T): T {
  try {
    return look();
  } catch {
    return empty;
  }
}
const read = (path: string): string => orEmpty(() => readFileSync(path, 'utf8'), '');
const list = (path: string): string[] => orEmpty(() => readdirSync(path), []);
const target = (path: string): string => orEmpty(() => readlinkSync(path), '');
