// The network of the client tests: a client namespace and a router that share a link, and what is compared before and after.

import { fileURLToPath } from 'node:url';
import { type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import type { ChildOptions } from './client-child.ts';

/** The client's uplink and the router's end of it. */
export const UPLINK = 'up0';
export const ROUTER_LINK = 'lan0';

/** The two ends. */
export interface ClientNet {
  readonly set: NetnsSet;
  readonly host: Netns;
  readonly router: Netns;
  readonly stateDir: string;
}

/** A client host and a router on one link, without any global address yet. */
export async function bareNet(set: NetnsSet): Promise<ClientNet> {
  const host = await set.add('host');
  const router = await set.add('router');
  await set.connect(host, UPLINK, router, ROUTER_LINK);
  return { set, host, router, stateDir: `${set.directory}/state` };
}

/** The same with a static /64 and a default route. */
export async function staticNet(set: NetnsSet): Promise<ClientNet> {
  const net = await bareNet(set);
  await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
  await net.host.ip(`addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`, 'route add default via 2001:db8:1::1');
  return net;
}

const CHILD = fileURLToPath(new URL('./client-child.js', import.meta.url));

/** One line of the child's log. */
export interface LogLine {
  readonly reason: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A client process in the host's namespace. */
export interface ClientProcess {
  readonly running: Running;
  /** Its complete log lines so far. */
  lines(): LogLine[];
  /** Waits until there are `count` lines of a reason, and gives the last of them. */
  said(reason: string, count?: number): Promise<LogLine>;
  /** Waits for its end by itself. */
  ended(): Promise<void>;
}

/** Starts a client; it need not get anywhere. @param wrapper command that it is started by */
export async function startChild(
  net: ClientNet,
  options: Partial<ChildOptions> = {},
  wrapper: readonly string[] = [],
): Promise<ClientProcess> {
  const json = JSON.stringify({ stateDir: net.stateDir, ...options });
  const running = await net.host.start([...wrapper, process.execPath, CHILD, json]);
  const lines = (): LogLine[] => {
    const complete = running.output().split('\n').slice(0, -1);
    return complete.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l) as LogLine);
  };
  const of = (reason: string): LogLine[] => lines().filter((l) => l.reason === reason);
  const said = async (reason: string, count = 1): Promise<LogLine> => {
    await waitFor(`"${reason}" (${count}) from the client`, async () => {
      if (of(reason).length >= count) return true;
      if (running.hasEnded()) throw new Error(`the client ended before "${reason}":\n${running.output()}`);
      return false;
    });
    return of(reason).at(-1) as LogLine;
  };
  const ended = async (): Promise<void> => {
    await waitFor('the end of the client', () => running.hasEnded());
  };
  return { running, lines, said, ended };
}

/** Starts a client and waits until it is ready. */
export async function startReady(net: ClientNet, options: Partial<ChildOptions> = {}): Promise<ClientProcess> {
  const child = await startChild(net, options);
  await child.said('client-ready');
  return child;
}

/** Lists all settings that the client may touch, on all interfaces. */
const SYSCTLS =
  'grep -Hs "" /proc/sys/net/ipv6/conf/*/* /proc/sys/net/ipv6/neigh/*/proxy_delay /proc/sys/net/ipv4/conf/*/* | grep -v stable_secret';

const COMMANDS: readonly (readonly string[])[] = [
  ['ip', '-d', 'address', 'show'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'rule', 'show'],
  ['ip', '-6', 'neighbour', 'show', 'proxy'],
  ['ip', 'maddress', 'show'],
  ['nft', 'list', 'ruleset'],
  ['sh', '-c', SYSCTLS],
];

/** Numbers that count down by themselves. */
const COUNTDOWN = /(valid_lft|preferred_lft|expires) \d+sec/g;

/** Everything about a host that a client might leave behind, as lines. */
export async function snapshot(ns: Netns): Promise<string[]> {
  const lines: string[] = [];
  for (const command of COMMANDS) {
    const text = await ns.run(command);
    lines.push(`$ ${command.join(' ').slice(0, 40)}`, ...text.replace(COUNTDOWN, '$1').split('\n'));
  }
  return lines;
}

/** A setting's value in a namespace. */
export const setting = async (ns: Netns, path: string): Promise<string> =>
  (await ns.run(['cat', `/proc/sys/net/${path}`])).trim();
