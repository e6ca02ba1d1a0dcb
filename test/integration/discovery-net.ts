// The network of the discovery tests: a host and a router that share a link, and `xlat464 discover` run on the host.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DiscoveryReport, InterfaceReport } from '../../src/contract/discovery.ts';
import { type CommandResult, type Netns, type NetnsSet, waitFor } from '../support/netns.ts';

/** The host's link and the router's end of it. */
export const UPLINK = 'up0';
export const LAN = 'lan0';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** The two ends. */
export interface DiscoveryNet {
  readonly set: NetnsSet;
  readonly host: Netns;
  readonly router: Netns;
}

/** A host and a router on one link; the router has as many addresses 2001:db8:1::1 … as asked for. */
export async function discoveryNet(set: NetnsSet, addresses = 1): Promise<DiscoveryNet> {
  const host = await set.add('host');
  const router = await set.add('router');
  // The router does not become a host of its own, and the host's stack asks nobody: the tests count solicitations.
  await router.sysctl('net/ipv6/conf/default/accept_ra', '0');
  await host.sysctl('net/ipv6/conf/default/router_solicitations', '0');
  await set.connect(host, UPLINK, router, LAN);
  await host.ip(`addr add 2001:db8:1::100/64 dev ${UPLINK} nodad`);
  for (let i = 1; i <= addresses; i++) await router.ip(`addr add 2001:db8:1::${i}/64 dev ${LAN} nodad`);
  for (const [ns, device] of [
    [host, UPLINK],
    [router, LAN],
  ] as const)
    await linkLocal(ns, device);
  return { set, host, router };
}

async function linkLocal(ns: Netns, device: string): Promise<void> {
  await waitFor(`a link-local address of ${device}`, async () =>
    /inet6 fe80/.test(await ns.run(['ip', '-6', 'address', 'show', 'dev', device, '-tentative'])),
  );
}

/** The command line that discovers. */
export const discoverCommand = (...args: readonly string[]): string[] => [
  process.execPath,
  PROGRAM,
  'discover',
  ...args,
];

/** Runs it on the host, whatever comes of it. `resolvConf` stands in for the file of that name. */
export async function discover(
  net: DiscoveryNet,
  args: readonly string[],
  resolvConf = '',
  wrapper: readonly string[] = [],
): Promise<CommandResult> {
  const file = `${net.set.directory}/resolv.conf`;
  writeFileSync(file, resolvConf);
  // `ip netns exec` gives each command its own view of mounts, so this one's /etc/resolv.conf is nobody else's.
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  return net.host.runAny(['sh', '-c', script, 'sh', file, ...wrapper, ...discoverCommand(...args)]);
}

/** Takes CAP_NET_RAW away from the command behind it. */
export const WITHOUT_NET_RAW: readonly string[] = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];

/** Runs it with `--json`. @returns what it says of the host's link, a prefix or none; throws when it fails otherwise */
export async function discovered(
  net: DiscoveryNet,
  args: readonly string[] = [],
  resolvConf = '',
): Promise<InterfaceReport> {
  const { code, stdout, stderr } = await discover(net, ['--json', ...args], resolvConf);
  // 1: no prefix was found; the report says more.
  if (code !== 0 && (code !== 1 || stdout === '')) throw new Error(`discover ended with ${code}: ${stderr}`);
  const report = JSON.parse(stdout) as DiscoveryReport;
  const found = report.interfaces.find((i) => i.name === UPLINK);
  if (found === undefined) throw new Error(`no ${UPLINK} in ${stdout}`);
  return found;
}
