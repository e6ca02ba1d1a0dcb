// The network of the gateway's LAN and host tests: a host on the LAN, the gateway, a server outside; and the gateway's LAN and host
// side as a process in it (gateway-lan-child.ts).

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import { type LanOptions, TUN } from './gateway-lan-options.ts';

/** Interfaces: the host's, the gateway's two, the server's. */
export const [HOST, LAN, WAN, OUTSIDE] = ['host0', 'lan0', 'wan0', 'out0'] as const;

/** Everybody. */
export interface LanNet {
  readonly set: NetnsSet;
  readonly host: Netns;
  readonly gateway: Netns;
  readonly outside: Netns;
}

const linkLocal = (ns: Netns, device: string): Promise<boolean> =>
  waitFor(`a link-local address of ${device}`, async () =>
    /inet6 fe80/.test(await ns.run(['ip', '-6', 'address', 'show', 'dev', device, '-tentative'])),
  );

/** A host and a gateway, which has 2001:db8:2000::1/64 and 192.168.2.1/24 there. */
export async function lanNet(set: NetnsSet): Promise<LanNet> {
  const [host, gateway, outside] = [await set.add('host'), await set.add('gw'), await set.add('out')];
  await host.sysctl('net/ipv6/conf/default/accept_dad', '0');
  await gateway.sysctl('net/ipv6/conf/default/accept_ra', '0');
  await set.connect(host, HOST, gateway, LAN);
  await gateway.ip(`addr add 2001:db8:2000::1/64 dev ${LAN} nodad`, `addr add 192.168.2.1/24 dev ${LAN}`);
  await linkLocal(gateway, LAN);
  await linkLocal(host, HOST);
  return { set, host, gateway, outside };
}

/** Everybody, and a host in the place of the NAT64: what the kernel hands to the interface, it gets, and its answers go back. */
export interface RoutedNet extends LanNet {
  readonly inside: Netns;
  /** Gives the stand-in the address that the NAT64 would have. */
  standIn(address: string): Promise<void>;
}

const INSIDE = 'in0';

/**
 * The same with an outside: 203.0.113.1/24 and 2001:db8:1::1/64 of the gateway's toward 203.0.113.9 and 2001:db8:1::9, which knows
 * no way to the LAN; and a stand-in for the NAT64 behind the gateway's interface of that name.
 */
export async function routedNet(set: NetnsSet): Promise<RoutedNet> {
  const net = await lanNet(set);
  const { gateway, outside, host } = net;
  const inside = await set.add('in');
  await set.connect(gateway, WAN, outside, OUTSIDE);
  await set.connect(gateway, TUN, inside, INSIDE);
  await gateway.ip(`addr add 203.0.113.1/24 dev ${WAN}`, `addr add 2001:db8:1::1/64 dev ${WAN} nodad`);
  await outside.ip(`addr add 203.0.113.9/24 dev ${OUTSIDE}`, `addr add 2001:db8:1::9/64 dev ${OUTSIDE} nodad`);
  await host.ip(`addr add 2001:db8:2000::10/64 dev ${HOST} nodad`, `addr add 192.168.2.10/24 dev ${HOST}`);
  await host.ip('route add default via 2001:db8:2000::1', 'route add default via 192.168.2.1');
  await gateway.ip(`addr add 169.254.46.1/30 dev ${TUN} scope link`);
  await inside.ip(`addr add 169.254.46.2/30 dev ${INSIDE} scope link`);
  await linkLocal(outside, OUTSIDE);
  await linkLocal(inside, INSIDE);
  const standIn = (address: string): Promise<void> =>
    inside.ip(`addr add ${address}/32 dev lo`, `route add default via 169.254.46.1 src ${address}`);
  return { ...net, inside, standIn };
}

/** One line of the child's log. */
interface LogLine {
  readonly reason: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** The gateway's LAN and host side, running. */
export interface LanProcess {
  readonly running: Running;
  /** Waits until there are `count` lines of a reason, and gives the last of them. */
  said(reason: string, count?: number): Promise<LogLine>;
  has(reason: string): boolean;
  /** Other options; waits until they are in force. */
  change(options: Partial<LanOptions>): Promise<void>;
  /** Its reports. */
  report<T>(): Promise<T>;
  ended(): Promise<void>;
}

const CHILD = fileURLToPath(new URL('./gateway-lan-child.js', import.meta.url));
let files = 0;

/** Starts it in the gateway's namespace; the state directory is the set's. */
export async function startLan(net: LanNet, options: Omit<LanOptions, 'stateDir'>): Promise<LanProcess> {
  files += 1;
  const file = `${net.set.directory}/lan-${files}.json`;
  const all = { stateDir: `${net.set.directory}/state`, ...options };
  const write = (o: LanOptions) => writeFileSync(file, JSON.stringify(o));
  write(all);
  const running = await net.gateway.start([process.execPath, CHILD, file]);
  const lines = (): LogLine[] => {
    const complete = running.output().split('\n').slice(0, -1);
    return complete.filter((l) => l.startsWith('{')).map((l) => JSON.parse(l) as LogLine);
  };
  const of = (reason: string): LogLine[] => lines().filter((l) => l.reason === reason);
  const said = async (reason: string, count = 1): Promise<LogLine> => {
    await waitFor(`"${reason}" (${count})`, () => {
      if (of(reason).length >= count) return true;
      if (running.hasEnded()) throw new Error(`it ended before "${reason}":\n${running.output()}`);
      return false;
    });
    return of(reason).at(-1) as LogLine;
  };
  return {
    running,
    said,
    has: (reason) => of(reason).length > 0,
    change: async (changed) => {
      write({ ...all, ...changed });
      const before = of('test-reread').length;
      running.child.kill('SIGHUP');
      await said('test-reread', before + 1);
    },
    report: async <T>() => {
      const before = of('test-report').length;
      running.child.kill('SIGUSR1');
      return (await said('test-report', before + 1)).fields as T;
    },
    ended: async () => {
      await waitFor('its end', () => running.hasEnded());
    },
  };
}
