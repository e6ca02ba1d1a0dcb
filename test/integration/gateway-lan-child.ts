// The gateway's LAN and host side in a process of its own, so that it runs inside a test's namespace and can be killed. Its argument
// is the path of a file with LanOptions as JSON; SIGHUP reads it again, SIGUSR1 writes the reports, SIGTERM ends it. Each log line
// goes to standard output as JSON.

import { readFileSync } from 'node:fs';
import type { XlatError } from '../../src/contract/errors.ts';
import type { Log } from '../../src/contract/reasons.ts';
import type { AdvertiseSettings } from '../../src/core/advertise/settings.ts';
import { DEFAULT_ADVERTISE } from '../../src/core/advertise/settings.ts';
import type { GatewayHostConfig, PoolWish } from '../../src/core/gateway-host/config.ts';
import type { Dhcp4Settings } from '../../src/core/gateway-host/dhcp4.ts';
import { systemClock } from '../../src/discovery/clock.ts';
import { startAdvertising } from '../../src/gateway/advertise.ts';
import { startDhcp4 } from '../../src/gateway/dhcp4.ts';
import { prepareGatewayHost, tunRoutes } from '../../src/gateway/host.ts';
import { linuxGatewayPlatform } from '../../src/platform/linux/gateway-platform.ts';
import type { CrashPoint } from '../../src/platform/linux/host.ts';
import { cleanUpHost, selectTunPlatform } from '../../src/platform/select.ts';
import { ip4, ip6, prefix4, prefix6, text4 } from '../support/addresses.ts';
import { type AdvertiseOrder, type HostOrder, type LanOptions, TUN } from './gateway-lan-options.ts';

const log: Log = { debug: () => undefined, info: write, warn: write, error: write };

function write(reason: string, fields: object, text: string): void {
  console.log(JSON.stringify({ reason, fields, text }));
}

function faultPoint(fault: LanOptions['fault']): CrashPoint {
  let count = 0;
  return (when) => {
    if (fault === undefined || when !== fault.when) return;
    count += 1;
    if (count === fault.at + 1) process.kill(process.pid, 'SIGKILL');
  };
}

const settingsOf = (order: AdvertiseOrder): AdvertiseSettings => ({
  ...DEFAULT_ADVERTISE,
  link: order.link,
  prefixes:
    order.prefixes?.map((text) => ({
      prefix: prefix6(text),
      isOnLink: true,
      isAutonomous: true,
      validSeconds: 5400,
      preferredSeconds: 2700,
    })) ?? 'auto',
  pref64: (order.pref64 ?? []).map((text) => ({ prefix: prefix6(text), lifetimeSeconds: null })),
  dnsServers: (order.dns ?? []).map((text) => (text === 'self' ? text : ip6(text))),
  dnsSearch: order.search ?? [],
  mtuBytes: order.mtu ?? null,
  routerLifetimeSeconds: order.routerLifetime ?? DEFAULT_ADVERTISE.routerLifetimeSeconds,
  minIntervalSeconds: order.interval?.[0] ?? 200,
  maxIntervalSeconds: order.interval?.[1] ?? 600,
});

function wishOf({ pool }: HostOrder): PoolWish {
  if (pool.kind === 'masquerade') {
    return { kind: 'masquerade', range: pool.range === undefined ? null : prefix4(pool.range) };
  }
  const [firstPort, lastPort] = pool.ports;
  const ranges = (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({
    protocol,
    address: ip4(pool.address),
    addresses: 1,
    firstPort,
    lastPort,
  }));
  return { kind: pool.kind, ranges };
}

const hostConfigOf = (order: HostOrder, tunIndex: number): Omit<GatewayHostConfig, 'pool'> => ({
  tun: { name: TUN, index: tunIndex },
  lan: order.lan,
  prefixes: (order.prefixes ?? ['64:ff9b::/96']).map(prefix6),
  servesOutside: order.servesOutside ?? false,
  lanDns: (order.lanDns ?? []).map((address) => ({ address, port: 53 })),
  nat66: (order.nat66 ?? []).map(([source, out]) => ({ source: prefix6(source), out })),
  nptv6: (order.nptv6 ?? []).map(([inside, outside, out]) => ({
    inside: prefix6(inside),
    outside: prefix6(outside),
    out,
  })),
  nat44: (order.nat44 ?? []).map(([source, out]) => ({ source: prefix4(source), out })),
});

interface Part {
  again(options: LanOptions): Promise<void>;
  report(): Promise<object>;
  close(): Promise<void>;
}

async function advertising(orders: readonly AdvertiseOrder[]): Promise<Part> {
  const context = { platform: linuxGatewayPlatform(), log, clock: systemClock, random: Math.random };
  const running = await startAdvertising(orders.map(settingsOf), context);
  return {
    again: (options) => running.reconfigure((options.advertise ?? []).map(settingsOf)),
    report: async () => ({ advertise: running.report() }),
    close: () => running.close(),
  };
}

/** The host side. The NAT64's interface is there before it, made by the test: what arrives there is what is under test. */
async function hostSide(order: HostOrder, options: LanOptions): Promise<Part> {
  const platform = linuxGatewayPlatform(faultPoint(options.fault));
  const tuns = await selectTunPlatform();
  const host = await prepareGatewayHost(platform, options.stateDir, log);
  let routes: readonly string[] = [];
  const apply = async (next: HostOrder): Promise<void> => {
    const tun = await platform.findLink(TUN);
    const { place, ranges } = await host.choosePool(wishOf(next));
    const config = { ...hostConfigOf(next, tun?.index ?? 0), pool: place };
    await host.reconfigure(config);
    const wanted = tunRoutes(config);
    await tuns.changeTunRoutes(TUN, routes, wanted);
    routes = wanted;
    const inside = text4(ranges[0]?.address ?? 0);
    write(
      'test-applied',
      { kind: place.kind, inside, ranges: ranges.map((r) => `${r.protocol} ${r.firstPort}-${r.lastPort}`).join() },
      '',
    );
  };
  try {
    await apply(order);
  } catch (error) {
    await host.close();
    throw error;
  }
  return {
    again: async (next) => (next.host === undefined ? undefined : apply(next.host)),
    report: async () => ({ host: host.report(), counts: await host.counts() }),
    close: async () => {
      await tuns.changeTunRoutes(TUN, routes, []);
      await host.close();
    },
  };
}

async function dhcp4(config: Dhcp4Settings, options: LanOptions): Promise<Part> {
  const running = await startDhcp4(config, {
    platform: linuxGatewayPlatform(),
    stateDir: options.stateDir,
    log,
    clock: systemClock,
  });
  return {
    again: async (next) => (next.dhcp4 === undefined ? undefined : running.reconfigure(next.dhcp4)),
    report: async () => ({ dhcp4: running.report() }),
    close: () => running.close(),
  };
}

async function main(file: string): Promise<void> {
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as LanOptions;
  const options = read();
  if (options.cleanUp === true) {
    write('test-cleaned', { changes: await cleanUpHost(options.stateDir, log) }, '');
    return;
  }
  const starting = startParts(options);
  // Signals may come as soon as the first line is written, and wait until there is something that they are for.
  process.on('SIGHUP', async () => {
    for (const part of await starting) await part.again(read());
    write('test-reread', {}, '');
  });
  process.on('SIGUSR1', async () => {
    const reports = await Promise.all((await starting).map((part) => part.report()));
    write('test-report', Object.assign({}, ...reports), '');
  });
  const stopped = new Promise((resolve) => process.once('SIGTERM', resolve));
  // The event loop would end between two timers of a part.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const parts = await starting;
    await stopped;
    for (const part of [...parts].reverse()) await part.close();
  } finally {
    clearInterval(alive);
  }
  write('test-stopped', {}, '');
  process.exit();
}

async function startParts(options: LanOptions): Promise<readonly Part[]> {
  const parts: Part[] = [];
  if (options.host !== undefined) parts.push(await hostSide(options.host, options));
  if (options.advertise !== undefined) parts.push(await advertising(options.advertise));
  if (options.dhcp4 !== undefined) parts.push(await dhcp4(options.dhcp4, options));
  return parts;
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  write('test-failed', { code: (error as XlatError).code ?? '' }, (error as Error).message);
  process.exitCode = 1;
}
