// The network of the gateway tests: an IPv6-only host, the gateway's host, and an IPv4-only internet with web and DNS servers.
//
//     host  up0 ── lan0  gateway  wan0 ── net0  internet
//           (by RA)      2001:db8:1::1    203.0.113.2 ── 203.0.113.1, web 203.0.113.10, DNS 203.0.113.53

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CommandResult, type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import { said } from '../support/role-log.ts';

export const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PEERS = fileURLToPath(new URL('../../src/lab/peers/main.js', import.meta.url));

/** The gateway's address on the LAN; its prefix is what hosts get. */
export const GATEWAY = '2001:db8:1::1';
/** A name that has an IPv4 address only, and its server. */
export const WEB = 'web.lab.example';
export const WEB_IPV4 = '203.0.113.10';

/** The three of them. */
export interface GatewayNet {
  readonly set: NetnsSet;
  readonly host: Netns;
  readonly gateway: Netns;
  readonly internet: Netns;
}

/** Builds the network; the gateway is not running. */
export async function gatewayNet(set: NetnsSet): Promise<GatewayNet> {
  const [host, gateway, internet] = [await set.add('host'), await set.add('gateway'), await set.add('internet')];
  // A router is no host of its own.
  await gateway.sysctl('net/ipv6/conf/default/accept_ra', '0');
  await set.connect(gateway, 'wan0', internet, 'net0');
  await gateway.ip('addr add 203.0.113.2/24 dev wan0', 'route add default via 203.0.113.1');
  await internet.ip(
    'addr add 203.0.113.1/24 dev net0',
    'addr add 203.0.113.10/24 dev net0',
    'addr add 203.0.113.53/24 dev net0',
  );
  await set.connect(gateway, 'lan0', host, 'up0');
  await gateway.ip(`addr add ${GATEWAY}/64 dev lan0 nodad`);
  const peers = await internet.start([process.execPath, PEERS, WEB_IPV4, '203.0.113.53']);
  await waitFor('the servers', () => peers.output().includes('ready') || undefined);
  return { set, host, gateway, internet };
}

/** Writes a file into the set's directory. @returns its path */
export function write(net: GatewayNet, name: string, content: string): string {
  const file = `${net.set.directory}/${name}`;
  writeFileSync(file, content);
  return file;
}

/** The command behind it sees a resolv.conf of its own. `ip netns exec` gives each command its own view of mounts. */
function withResolver(net: GatewayNet, resolver: string, argv: readonly string[]): string[] {
  const file = write(net, `resolv-${resolver.replaceAll(':', '_')}`, `nameserver ${resolver}\n`);
  return ['sh', '-c', 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', 'sh', file, ...argv];
}

/** Starts `xlat464 gateway` and waits until it says that it is ready. */
export async function startGateway(net: GatewayNet, file: string, ...options: string[]): Promise<Running> {
  const argv = [process.execPath, PROGRAM, 'gateway', '-c', file, '--json', ...options];
  const running = await net.gateway.start(withResolver(net, '203.0.113.53', argv));
  await said(running, 'ready');
  return running;
}

/** Runs any command of the program in the gateway's namespace. */
export const xlat464 = (net: GatewayNet, ...args: string[]): Promise<CommandResult> =>
  net.gateway.runAny(withResolver(net, '203.0.113.53', [process.execPath, PROGRAM, ...args]));

/** As {@link xlat464}, read as JSON. Throws when it fails. */
export async function json(net: GatewayNet, ...args: string[]): Promise<Record<string, never>> {
  const { code, stdout, stderr } = await xlat464(net, ...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}

/** Runs a command on the host, with the gateway for its resolver. */
export const onHost = (net: GatewayNet, ...argv: string[]): Promise<CommandResult> =>
  net.host.runAny(withResolver(net, GATEWAY, argv));

/** What the web server says to the host: `hello ADDRESS from ADDRESS`. */
export async function hello(net: GatewayNet, url = `http://${WEB}/`): Promise<string> {
  const { code, stdout, stderr } = await onHost(net, 'curl', '-sS', '--max-time', '10', '-g', url);
  if (code !== 0) throw new Error(`curl ${url}: ${stderr}`);
  return stdout.trim();
}

/** Waits until the host has an address of the LAN's prefix and a default route by router advertisement. */
export async function hasAddress({ host }: GatewayNet): Promise<string> {
  await waitFor('a default route of the host', async () =>
    /default via fe80/.test(await host.run(['ip', '-6', 'route'])) ? true : undefined,
  );
  return waitFor('an address of the host', async () => {
    const text = await host.run(['ip', '-6', 'addr', 'show', 'dev', 'up0', 'scope', 'global', '-tentative']);
    return /inet6 (2001:db8:1:[0-9a-f:]+)\/64/.exec(text)?.[1];
  });
}
