// The client bench's network: hosts that differ in nothing but their client, each on a link of its own to one server. The server has
// the addresses that a NAT64 would lead to itself, so that no other translator's speed is measured.
//
//     native  ── up0 ═══ h0 ┐
//     redirect ─ up0 ═══ h1 ├ server: 2001:db8:64::203.0.113.10, 2001:db8:65::203.0.113.10
//     forwarding up0 ═══ h2 │
//     discovering ─ up0 ═ h3 ┘
import { join } from 'node:path';
import { type Netns, type NetnsSet, openTestSet, type Running, waitFor } from '../support/netns.ts';
import { type RaOrder, sendRa } from '../support/ra-sender.ts';
import { MAIN } from './variants.ts';

/** The server as an IPv4 program names it. */
export const SERVER_IPV4 = '203.0.113.10';
/** Two NAT64 prefixes that lead to it. */
export const PREFIXES = ['2001:db8:64::', '2001:db8:65::'] as const;
/** The server without any translation. */
export const SERVER_IPV6 = `${PREFIXES[0]}${SERVER_IPV4}`;

const UPLINK = 'up0';

/** One host. */
export interface BenchHost {
  readonly ns: Netns;
  /** The server's end of its link. */
  readonly serverDevice: string;
  /** 2001:db8:NETWORK::/64, in hex. */
  readonly network: string;
  /** Its client; null on the native one, or before it is started. */
  client: Running | null;
}

/** The server and its hosts. */
export interface ClientTopology {
  readonly set: NetnsSet;
  readonly server: Netns;
  readonly hosts: BenchHost[];
}

/** A server without hosts. Its set's `close()` removes all of it. */
export async function openClientTopology(): Promise<ClientTopology> {
  const set = openTestSet();
  try {
    const server = await set.add('server');
    await server.sysctl('net/ipv6/conf/all/forwarding', '1');
    await server.ip(...PREFIXES.map((prefix) => `address add ${prefix}${SERVER_IPV4}/128 dev lo`));
    return { set, server, hosts: [] };
  } catch (error) {
    set.close();
    throw error;
  }
}

/** Adds a host. @param isStatic whether it has its address and route without a word from a router */
export async function addHost(topology: ClientTopology, name: string, isStatic: boolean): Promise<BenchHost> {
  const { set, server, hosts } = topology;
  const n = hosts.length;
  const ns = await set.add(name);
  const host: BenchHost = { ns, serverDevice: `h${n}`, network: `10${n}`, client: null };
  await set.connect(ns, UPLINK, server, host.serverDevice);
  await server.ip(`address add 2001:db8:${host.network}::1/64 dev ${host.serverDevice} nodad`);
  if (isStatic) {
    await ns.ip(
      `address add 2001:db8:${host.network}::2/64 dev ${UPLINK} nodad`,
      `route add default via 2001:db8:${host.network}::1`,
    );
  }
  hosts.push(host);
  return host;
}

/** Starts the client on a host, with a state directory of its own, and the options given. It need not get anywhere. */
export async function startClient({ set }: ClientTopology, host: BenchHost, ...options: string[]): Promise<void> {
  const argv = ['env', '-u', 'NODE_EXTRA_CA_CERTS', '-u', 'NODE_OPTIONS', process.execPath, MAIN, 'client', '--json'];
  const env = { XLAT464_STATE_DIR: join(set.directory, host.network) };
  host.client = await host.ns.start([...argv, ...options], env);
}

/** Ends it. */
export async function stopClient(host: BenchHost): Promise<void> {
  await host.client?.stop();
  host.client = null;
}

/** Waits until IPv4 reaches the server. */
export async function waitForIpv4(host: BenchHost): Promise<void> {
  await waitFor(`IPv4 of ${host.ns.name}`, async () => {
    if (host.client?.hasEnded() === true) throw new Error(host.client.output());
    return doesAnswer(host, SERVER_IPV4);
  });
}

/** Whether a ping comes back within a second. */
export const doesAnswer = async (host: BenchHost, address: string): Promise<boolean> =>
  (await host.ns.runAny(['ping', '-n', '-c', '1', '-W', '1', address])).code === 0;

/** Waits for a line of the client's log. @returns the last of them */
export function said(host: BenchHost, code: string, count = 1): Promise<Readonly<Record<string, unknown>>> {
  return waitFor(`"${code}" from the client`, () => {
    const lines = (host.client?.output() ?? '').split('\n').filter((line) => line.includes(`"code":"${code}"`));
    const last = lines.at(-1);
    return lines.length < count || last === undefined ? false : (JSON.parse(last) as Record<string, unknown>);
  });
}

/** Lets the server advertise itself as the router of a host's link, with its network and what `order` adds. */
export function advertise({ server }: ClientTopology, host: BenchHost, order: Partial<RaOrder>): Promise<void> {
  const pio = `0304 40c0 00001c20 00000708 00000000 20010db8 ${host.network.padStart(4, '0')} ${'0000'.repeat(5)}`;
  return sendRa(server, { device: host.serverDevice, rawOptions: [pio], ...order });
}
