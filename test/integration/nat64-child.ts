// A NAT64 data plane in a process of its own, so that it runs inside a test's namespace: a real TUN interface, the real worker.
// Its argument is JSON (Nat64ChildOptions). "ready" on standard output; SIGUSR2 prints the sessions as a line of JSON; SIGTERM ends it.

import {
  DEFAULT_NAT64,
  DEFAULT_TIMERS,
  type Nat64Settings,
  type Nat64Timers,
  type PoolRange,
  type StaticBinding,
} from '../../src/core/nat64/settings.ts';
import { DEFAULT_SETTINGS, type TranslatorSettings } from '../../src/core/translate/settings.ts';
import { startThread } from '../../src/daemon/packet-thread.ts';
import { startDataPlane } from '../../src/dataplane/dataplane.ts';
import { selectTunPlatform } from '../../src/platform/select.ts';
import { ip4, ip6, prefix6 } from '../support/addresses.ts';

/** What the child is told; addresses as text. */
export interface Nat64ChildOptions {
  readonly prefix: string;
  /** One address, ports 1024–65535. */
  readonly pool: string;
  readonly ownIpv4: string;
  readonly ownIpv6: string;
  readonly timers?: Partial<Nat64Timers>;
  /** The IPv6 addresses as plain arrays: this is JSON. */
  readonly staticBindings?: readonly (Omit<StaticBinding, 'ipv6'> & { readonly ipv6: readonly number[] })[];
}

const TUN = 'nat64';

const poolOf = (address: string): PoolRange[] =>
  (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({
    protocol,
    address: ip4(address),
    addresses: 1,
    firstPort: 1024,
    lastPort: 65_535,
  }));

async function main(options: Nat64ChildOptions): Promise<void> {
  const settings: TranslatorSettings = {
    ...DEFAULT_SETTINGS,
    prefix: prefix6(options.prefix),
    ownIpv4: ip4(options.ownIpv4),
    ownIpv6: ip6(options.ownIpv6),
  };
  const staticBindings = (options.staticBindings ?? []).map((b) => ({ ...b, ipv6: Uint8Array.from(b.ipv6) }));
  const timers = { ...DEFAULT_TIMERS, ...options.timers };
  const nat64: Nat64Settings = { ...DEFAULT_NAT64, pool: poolOf(options.pool), staticBindings, timers };
  const platform = await selectTunPlatform();
  const device = platform.openTun({ name: TUN, queues: 1, offload: 'auto', mtu: 1500 });
  const wake = (queue: number): void => device.wake(queue);
  const plane = await startDataPlane({ queues: device.queues, wake, startThread, settings, nat64, coalesce: true });
  const routes = [options.prefix, `${options.pool}/32`, `${options.ownIpv4}/32`, `${options.ownIpv6}/128`];
  await platform.setUpTun(TUN, { addresses: [], routes: [...new Set(routes)] }, false);
  process.on('SIGUSR2', async () => {
    const { sessions } = await plane.nat64.sessions({ filter: {}, limit: 100, cursor: 0 });
    console.log(JSON.stringify(sessions.map(({ protocol, state, ageMs }) => ({ protocol, state, ageMs }))));
  });
  process.once('SIGTERM', async () => {
    await plane.stop();
    device.close();
  });
  plane.onFailure((error) => {
    throw error;
  });
  console.log('ready');
}

await main(JSON.parse(process.argv[2] ?? '{}') as Nat64ChildOptions);
