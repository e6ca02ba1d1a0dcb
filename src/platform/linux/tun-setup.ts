// Addresses and routes of a TUN interface of ours. They hang on the interface and go with it, so no journal is needed.
// One `ip -batch` for all of it: a process start for each would cost 3 ms apiece. ip-address(8), ip-route(8), ip-link(8).

import { XlatError } from '../../contract/errors.ts';
import { CommandError, run } from './commands.ts';
import { readSysctl } from './sysctl.ts';

/** What an interface gets; texts such as 192.0.2.1/24 and 64:ff9b::/96. */
export interface TunSetup {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
}

const OPERATION = 'set up the TUN interface';

/**
 * Brings an interface up with its addresses and routes.
 * @param isReused it is persistent and may hold those of an earlier run, which are removed first
 * @throws XlatError HOST_CHANGE_FAILED, NOT_PERMITTED, TOOL_MISSING
 */
export async function setUpTun(name: string, setup: TunSetup, isReused: boolean): Promise<void> {
  if (isReused) {
    await batch([`address flush dev ${name} scope global`, `route flush dev ${name}`]);
    await run('ip', ['-6', 'route', 'flush', 'dev', name]);
  }
  await batch([
    // No link-local address of its own, and no groups but all-nodes: the translator would get router solicitations and MLD reports,
    // from :: even where there is no address (net/ipv6/addrconf.c, dev_forward_change). Unicast does not ask for the flag.
    `link set dev ${name} addrgenmode none multicast off`,
    `link set dev ${name} up`,
    ...setup.addresses.map((address) => `address add ${address} dev ${name}`),
    ...setup.routes.map((route) => `route add ${route} dev ${name}`),
  ]);
}

/**
 * Changes the routes into an interface to what they shall be, all of them or none. Routes of others are never replaced.
 * @throws as {@link setUpTun}; the routes are what they were then
 */
export async function changeTunRoutes(name: string, was: readonly string[], now: readonly string[]): Promise<void> {
  const added = now.filter((route) => !was.includes(route));
  const removed = was.filter((route) => !now.includes(route));
  // New ones first: a destination that moves to a wider route is never without one.
  await addRoutes(name, added);
  try {
    await deleteRoutes(name, removed);
  } catch (cause) {
    await deleteRoutes(name, added);
    throw cause;
  }
}

/** Adds all routes or none: ip stops at the first that fails, and those before it are taken back. */
async function addRoutes(name: string, routes: readonly string[]): Promise<void> {
  try {
    await batch(routes.map((route) => `route add ${route} dev ${name}`));
  } catch (cause) {
    const failed = cause instanceof XlatError && cause.cause instanceof CommandError ? failedLine(cause.cause) : 0;
    // Without a line number (out of time, killed) it may have been any.
    await deleteRoutes(name, failed === 0 ? routes : routes.slice(0, failed - 1));
    throw cause;
  }
}

/** Deletes routes through an interface; one that is gone already is no failure, and does not keep the others. */
async function deleteRoutes(name: string, routes: readonly string[]): Promise<void> {
  if (routes.length === 0) return;
  const lines = routes.map((route) => `route delete ${route} dev ${name}`);
  try {
    await run('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    const others = cause.stderr.split('\n').filter((line) => !/^Command failed -:|No such process/.test(line));
    if (others.length > 0) throw explain(cause, lines);
  }
}

/** The settings that must be 1 for this host to forward packets, and are not. */
export function missingForwarding(): string[] {
  const settings = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'];
  return settings.filter((path) => readSysctl(path) === '0').map((path) => path.replaceAll('/', '.'));
}

async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  try {
    await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  } catch (cause) {
    throw cause instanceof CommandError ? explain(cause, lines) : cause;
  }
}

/** ip names the line that failed ("Command failed -:3") after what the kernel said about it; 0: it did not. */
const failedLine = ({ stderr }: CommandError): number => Number(/Command failed -:(\d+)/.exec(stderr)?.[1] ?? 0);

function explain(cause: CommandError, lines: readonly string[]): XlatError {
  const line = lines[failedLine(cause) - 1];
  const said = cause.stderr.split('\n')[0]?.replace(/^(RTNETLINK answers|Error): /, '') ?? '';
  const message = `ip ${line ?? '-batch -'}: ${said}`;
  return new XlatError('HOST_CHANGE_FAILED', OPERATION, message, { advice: adviceFor(line ?? '', said), cause });
}

function adviceFor(line: string, said: string): string {
  if (line.startsWith('route add') && /exists/.test(said)) {
    return 'This host has such a route already; remove it, or name the wanted routes in tun.routes.';
  }
  if (/disabled/i.test(said)) return 'IPv6 is switched off on this host; set net.ipv6.conf.default.disable_ipv6=0.';
  return 'Check tun.addresses and tun.routes in the configuration.';
}
