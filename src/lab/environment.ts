// A lab that is up: the network, the services on the far side, and our client. Owns the order in which they start.
// Read first: topology.ts (the picture), netns.ts (what happens at the end).

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { type Running, waitFor } from './command.ts';
import { startInterop } from './interop.ts';
import { type NetnsSet, openNetnsSet } from './netns.ts';
import { startOwnGateway } from './own-gateway.ts';
import { entryCommand } from './permission.ts';
import { compiled, isolated, PROGRAM } from './program.ts';
import { takeSnapshot } from './snapshot.ts';
import { ADDRESS, buildTopology, DEVICE, type Topology } from './topology.ts';

/**
 * Who serves the client: our own gateway, which it finds by itself, or Debian's tayga and unbound, which have no way to tell it
 * anything, so that the prefix is configured.
 */
export type FarSide = 'gateway' | 'interop';

/** A running lab. */
export interface Lab {
  readonly set: NetnsSet;
  readonly net: Topology;
  readonly farSide: FarSide;
  /** The client namespace as it was before our client started. */
  readonly clientBefore: readonly string[];
  /** Our client, once `startClient` has returned. */
  client: Running | undefined;
  /** The command that starts it. */
  readonly clientCommand: readonly string[];
}

/** The real program, as a user starts it. */
export const clientCommand = (farSide: FarSide): readonly string[] => [
  ...PROGRAM,
  'client',
  ...(farSide === 'gateway' ? [] : ['--prefix', ADDRESS.pref64]),
];

/**
 * Builds the network and starts everything on the far side; our client is not running yet. On failure everything is removed.
 * @param command what `startClient` runs in the client namespace
 */
export async function buildLab(farSide: FarSide, command = clientCommand(farSide)): Promise<Lab> {
  const set = openNetnsSet();
  try {
    const net = await buildTopology(set);
    const serve = farSide === 'gateway' ? startOwnGateway : startInterop;
    await Promise.all([serve(set, net), startServer(net)]);
    await waitForPath(net);
    writeFileSync(resolverFile(set), `nameserver ${ADDRESS.nat64}\n`);
    const clientBefore = await takeSnapshot(net.client);
    return { set, net, farSide, clientBefore, client: undefined, clientCommand: command };
  } catch (error) {
    set.close();
    throw error;
  }
}

/** The far end: HTTP, DNS and UDP echo in one process, SCTP and ESP answered through socat's raw sockets. */
async function startServer({ server }: Topology): Promise<void> {
  const peers = await server.start([process.execPath, compiled('peers/main.js'), ADDRESS.server, ADDRESS.dns]);
  await server.run(['nft', '-f', '-'], { input: DONT_FRAGMENT_ECHOES });
  const env = { X464_NODE: process.execPath, X464_ANSWER: compiled('peers/raw-answer.js') };
  await server.start(['socat', 'IP4-RECVFROM:132,fork', 'SYSTEM:exec \\"$X464_NODE\\" \\"$X464_ANSWER\\" sctp'], env);
  await server.start(['socat', 'IP4-RECVFROM:50,fork', 'SYSTEM:exec \\"$X464_NODE\\" \\"$X464_ANSWER\\" echo'], env);
  await waitFor('the servers', () => {
    if (peers.hasEnded()) throw new XlatError('LAB_FAILED', 'start the servers', peers.output());
    return peers.output().includes('ready');
  });
  await waitFor('the raw sockets', async () => (await server.run(['ss', '-Hlnw'])).trim().split('\n').length >= 2);
}

/**
 * Linux answers pings with DF=0. A NAT64 has to fragment such an answer above 1280 bytes (RFC 7915 §4), and nobody translates
 * fragments of ICMP (§5.2), so large pings would fail at any CLAT. With DF=1 they show what our client does with them.
 */
const DONT_FRAGMENT_ECHOES = `table ip lab {
  chain output {
    type route hook output priority mangle;
    icmp type echo-reply ip frag-off set 0x4000
  }
}
`;

/** Sends a ping over the NAT64 until the first one comes back, so that no proof measures neighbour discovery. */
async function waitForPath({ client }: Topology): Promise<void> {
  const target = ADDRESS.pref64.replace('::/96', `::${ADDRESS.server}`);
  await waitFor('the NAT64', async () => (await client.runAny(['ping', '-c', '1', '-W', '1', target])).code === 0);
}

/**
 * Starts our client and waits until the client namespace has an IPv4 default route.
 * @throws XlatError LAB_FAILED with the client's own last words when it ends before that, or takes too long
 */
export async function startClient(lab: Lab): Promise<void> {
  const client = await lab.net.client.start(isolated(lab.set, 'client', lab.clientCommand));
  lab.client = client;
  const isReady = async () => {
    if (client.hasEnded()) throw new XlatError('LAB_FAILED', 'start the client', 'the client has ended');
    return (await lab.net.client.run(['ip', '-4', 'route', 'show', 'default'])).trim() !== '';
  };
  try {
    await waitFor('the IPv4 default route of the client', isReady);
  } catch (cause) {
    if (!(cause instanceof XlatError)) throw cause;
    const lastWords = client.output().trim().split('\n').slice(-5).join('\n');
    throw new XlatError('LAB_FAILED', 'start the client', `${cause.message}; its last words:\n${lastWords}`, { cause });
  }
}

const resolverFile = (set: NetnsSet) => path.join(set.directory, 'resolv.conf');

/**
 * The command line that runs a program in the client namespace with the lab's DNS64 server as resolver. The file is bound
 * over /etc/resolv.conf in the private mount namespace that `ip netns exec` makes, so nobody else sees it.
 */
export function withResolver(lab: Lab, argv: readonly string[]): string[] {
  return ['sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolverFile(lab.set), ...argv];
}

/** Commands for a person who wants to look around. */
export function lookAround(lab: Lab): string[] {
  const { client, nat64 } = lab.net;
  const enter = (name: string, command: string) => [...entryCommand(), 'ip', 'netns', 'exec', name, command].join(' ');
  return [
    enter(client.name, 'bash'),
    enter(client.name, `ping ${ADDRESS.server}`),
    enter(client.name, `curl http://${ADDRESS.server}/`),
    enter(client.name, `traceroute -n ${ADDRESS.server}`),
    enter(client.name, `tcpdump -ni ${DEVICE.client} ip6`),
    [...entryCommand(), 'nsenter', '-t', `${lab.client?.child.pid}`, '-m', '-n', 'xlat464 status'].join(' '),
    enter(nat64.name, `tcpdump -ni ${DEVICE.translator}`),
  ];
}
