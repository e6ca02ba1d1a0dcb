// The resolvers that the network gave to a link, as Linux keeps them: systemd-resolved's list of the link, or else those of
// /etc/resolv.conf that are reached through it. A resolver on a loopback address is the user's own and is left out (rule D-06);
// that of systemd-resolved is one of those, and what it asks in turn is its list of the link.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { LinkRef } from '../../core/host/host-config.ts';
import type { Resolver } from '../discovery-platform.ts';
import { ask, CommandError, runJson } from './commands.ts';
import { objects, text } from './facts.ts';

const DNS_PORT = 53;
/** Kept by systemd-resolved while it runs. */
const RESOLVED_MARK = '/run/systemd/resolve/resolv.conf';
const RESOLV_CONF = '/etc/resolv.conf';

/** A file's text, or null where it cannot be read: then it gives no resolver. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** Splits "fe80::1%eth0", "[2001:db8::1]:5353" and "192.0.2.1:53#name" (resolvectl(1)) into address and port; null: none of these. */
export function parseServer(word: string, link: LinkRef): { readonly address: string; readonly port: number } | null {
  const [server = ''] = word.split('#');
  const parts = /^\[([^\]]+)\](?::(\d+))?$/.exec(server) ?? /^([\d.]+)(?::(\d+))?$/.exec(server) ?? [server, server];
  const [bare = '', zone = ''] = (parts[1] ?? '').split('%');
  if (isIP(bare) === 0) return null;
  if (zone !== '' && zone !== link.name && zone !== String(link.index)) return null;
  const isLinkLocal = ipaddr.parse(bare).range() === 'linkLocal' && bare.includes(':');
  return { address: isLinkLocal ? `${bare}%${link.name}` : bare, port: Number(parts[2] ?? DNS_PORT) };
}

/** The words after "Link 2 (eth0):" of `resolvectl dns eth0`; none when it speaks of another link. */
export function resolvedServers(output: string, link: LinkRef): string[] {
  const line = output.split('\n').find((l) => l.startsWith(`Link ${link.index} (${link.name}):`));
  return line === undefined
    ? []
    : line
        .slice(line.indexOf('):') + 2)
        .split(' ')
        .filter(Boolean);
}

/** The nameserver lines of resolv.conf(5). */
export const nameservers = (conf: string): string[] =>
  [...conf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1] ?? '').filter(Boolean);

const isLoopback = (address: string): boolean => ipaddr.parse(address.split('%')[0] ?? '').range() === 'loopback';

async function fromResolved(link: LinkRef): Promise<string[]> {
  if (read(RESOLVED_MARK) === null) return [];
  // It may be installed but not run, or know no such link: it gives no resolver then.
  return resolvedServers((await ask('resolvectl', ['dns', link.name])) ?? '', link);
}

/** Whether the kernel would send to an address through the link. */
async function isReachedBy(link: LinkRef, address: string): Promise<boolean> {
  if (address.includes('%')) return true;
  try {
    return objects(await runJson('ip', ['-j', 'route', 'get', address])).some((r) => text(r.dev) === link.name);
  } catch (cause) {
    if (cause instanceof CommandError) return false; // no route
    throw cause;
  }
}

/** {@link DiscoveryPlatform.resolvers} of Linux. @throws XlatError TOOL_MISSING without `ip` */
export async function linkResolvers(link: LinkRef): Promise<readonly Resolver[]> {
  const parse = (words: readonly string[], source: Resolver['source']): Resolver[] =>
    words.flatMap((word) => {
      const server = parseServer(word, link);
      return server === null || isLoopback(server.address) ? [] : [{ ...server, source }];
    });
  const resolved = parse(await fromResolved(link), 'systemd-resolved');
  if (resolved.length > 0) return resolved;
  const listed = parse(nameservers(read(RESOLV_CONF) ?? ''), 'resolv.conf');
  const isOurs = await Promise.all(listed.map((r) => isReachedBy(link, r.address)));
  return listed.filter((_, i) => isOurs[i]);
}
