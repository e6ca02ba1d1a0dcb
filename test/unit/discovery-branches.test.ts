// Branches of discovery that no other test takes: what a renewal, a second interface, sleep, a late router or a full list must not
// change. Read first: pref64-discovery.test.ts.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DiscoveryReport } from '../../src/contract/discovery.ts';
import { EXIT } from '../../src/contract/errors.ts';
import {
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
  startDiscovery,
} from '../../src/discovery/discovery.ts';
import { discoveryReport } from '../../src/discovery/report.ts';
import { ROUTERS_MAX } from '../../src/discovery/routers.ts';
import { runDiscover } from '../../src/discovery/run.ts';
import type { Resolver } from '../../src/platform/discovery-platform.ts';
import { prefix6 } from '../support/addresses.ts';
import { FakeNetwork, link } from '../support/fake-discovery.ts';

const A = '2001:db8:a::/96';
const RESOLVER = '2001:db8::53';
const CHECK = { ipv4: 0xc0000201, port: 80 };
const SYSTEM: readonly Resolver[] = [{ address: RESOLVER, port: 53, source: 'resolv.conf' }];

interface Started {
  readonly discovery: Discovery;
  readonly events: DiscoveryEvent[];
}

/** Starts discovery on all links of a network. */
function start(t: TestContext, net: FakeNetwork, options: Partial<DiscoveryOptions> = {}): Started {
  const events: DiscoveryEvent[] = [];
  const discovery = startDiscovery({
    platform: net,
    clock: net.clock,
    exchange: net.exchange,
    only: null,
    configured: null,
    check: null,
    asksDnsBesideRa: false,
    onEvent: (event) => events.push(event),
    ...options,
  });
  t.after(() => discovery.close());
  return { discovery, events };
}

/** A network whose system resolver says prefix A. */
function netWithDns64(ttlSeconds: number): FakeNetwork {
  const net = new FakeNetwork();
  net.systemResolvers = [...SYSTEM];
  net.answers.set(RESOLVER, { kind: 'prefixes', prefixes: [prefix6(A)], ttlSeconds });
  return net;
}

const offerA = { pref64: [{ prefix: A, lifetimeSeconds: 600 }] };

type Check = NonNullable<DiscoveryOptions['checkConnectivity']>;

it('D-08 an answer that is renewed does not bring back a prefix whose check has failed', async (t) => {
  const net = netWithDns64(60);
  const checkConnectivity: Check = (_prefix, _target, { clock }, done) => clock.after(50, () => done(false));
  const { discovery, events } = start(t, net, { check: CHECK, checkConnectivity });
  await net.clock.turn(2000);
  events.length = 0;
  await net.clock.turn(51_000);
  assert.equal(net.asked.length, 2, 'renewed 10 s before its end');
  assert.equal(discovery.choice('eth0').reason, 'unreachable');
  assert.deepEqual(
    events.filter((e) => e.kind === 'chosen'),
    [],
  );
});

it('D-08 a check that fails on one interface says nothing about the same prefix on another', async (t) => {
  const net = netWithDns64(3600);
  net.present = [link('eth0'), { ...link('wlan0'), index: 3 }];
  const answers: ((isReachable: boolean) => void)[] = [];
  const checkConnectivity: Check = (_prefix, _target, _clock, done) => {
    answers.push(done);
    return { close: () => undefined };
  };
  const { discovery } = start(t, net, { check: CHECK, checkConnectivity });
  await net.clock.turn(2000);
  assert.equal(answers.length, 2, 'one for each interface');
  answers[0]?.(false);
  const outcomes = ['eth0', 'wlan0'].map((name) => discovery.candidates(name)[0]?.isReachable);
  assert.deepEqual(outcomes, [false, null]);
  assert.deepEqual(
    ['eth0', 'wlan0'].map((name) => discovery.choice(name).reason),
    ['unreachable', 'only'],
  );
});

it('D-08 after sleep every prefix is checked anew, also one that was reachable', async (t) => {
  const net = new FakeNetwork();
  let made = 0;
  let isReachable = true;
  const checkConnectivity: Check = (_prefix, _target, { clock }, done) => {
    made += 1;
    return clock.after(50, () => done(isReachable));
  };
  const { discovery } = start(t, net, { check: CHECK, checkConnectivity });
  net.ra(offerA);
  await net.clock.turn(100);
  assert.deepEqual([made, discovery.candidates('eth0')[0]?.isReachable], [1, true]);
  isReachable = false;
  discovery.refresh(false);
  await net.clock.turn(100);
  assert.deepEqual([made, discovery.candidates('eth0')[0]?.isReachable], [2, false]);
});

it('D-03, D-05 an interface with the old name and a new index is another one: its prefixes go, its router is asked', async (t) => {
  const net = new FakeNetwork();
  const { discovery, events } = start(t, net);
  net.ra(offerA);
  net.present = [{ ...link('eth0'), index: 7 }];
  net.networkChanged();
  await net.clock.turn(200);
  assert.deepEqual(
    events.map((e) => e.kind).filter((k) => k.startsWith('link')),
    ['link-up', 'link-down', 'link-up'],
  );
  assert.deepEqual(discovery.candidates('eth0'), []);
  assert.equal(net.solicitedAtMs.length, 2);
  assert.equal(discovery.links[0]?.link.index, 7);
});

it("D-06 a router that names resolvers while the system's are looked up has them asked beside these", async (t) => {
  const net = new FakeNetwork();
  let tell: (found: readonly Resolver[]) => void = () => assert.fail('the system was not asked');
  net.resolvers = () =>
    new Promise((resolve) => {
      tell = resolve;
    });
  start(t, net);
  await net.clock.turn(1500);
  net.ra({ rdnss: ['2001:db8::54'] });
  tell(SYSTEM);
  await net.clock.turn(5000);
  assert.deepEqual([...new Set(net.asked.map((a) => a.resolver))], [RESOLVER, '2001:db8::54']);
});

it('D-06 where there was no resolver, a change of the network looks for one again', async (t) => {
  const net = netWithDns64(3600);
  net.systemResolvers = [];
  const { discovery } = start(t, net);
  await net.clock.turn(5000);
  assert.equal(net.asked.length, 0);
  net.systemResolvers = [...SYSTEM];
  net.networkChanged();
  await net.clock.turn(300);
  assert.deepEqual(
    net.asked.map((a) => a.resolver),
    [RESOLVER],
  );
  assert.equal(discovery.choice('eth0').candidate?.source, 'dns');
});

it('D-03 on a full list the router that announces a prefix stays, with what else it said', async (t) => {
  const net = new FakeNetwork();
  const { discovery } = start(t, net);
  net.ra({ ...offerA, rdnss: [RESOLVER] });
  for (let i = 2; i < 4 * ROUTERS_MAX; i++) {
    await net.clock.turn(1);
    net.ra({}, `fe80::${i.toString(16)}`);
  }
  const routers = discoveryReport(discovery).interfaces[0]?.routers ?? [];
  assert.equal(routers.length, ROUTERS_MAX);
  const kept = routers.find((r) => r.router === 'fe80::1');
  assert.deepEqual([kept?.pref64.map((p) => p.prefix), kept?.resolvers], [[A], [RESOLVER]]);
});

/** Lets promises go on; sockets are not looked at meanwhile. */
async function settlePromises(): Promise<void> {
  for (let i = 0; i < 50; i++) await null;
}

it('D-08 "discover" reports only when the connectivity check has ended', async (t) => {
  const server = createServer((socket) => socket.destroy());
  t.after(() => server.close());
  await once(server.listen(0, '::1'), 'listening');
  const connected = once(server, 'connection');
  // runDiscover() takes the system's clock. Turned by hand it cannot outrun the check, whose socket needs the event loop.
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const net = new FakeNetwork();
  net.openFailure = new Error('ENODEV'); // so that nobody waits for routers
  const reports: DiscoveryReport[] = [];
  const { port } = server.address() as AddressInfo;
  // ::/96 and 0.0.0.1: the target is ::1.
  const settings = { platform: net, only: null, configured: prefix6('::/96'), check: { ipv4: 1, port } };
  const waiting = { timeoutMs: 60_000, isWatching: false, signal: new AbortController().signal };
  const end = runDiscover({ ...settings, ...waiting }, (report) => reports.push(report));
  t.mock.timers.tick(1);
  await settlePromises();
  t.mock.timers.tick(250);
  await settlePromises();
  assert.equal(reports.length, 0, 'everybody has answered but the check');
  await connected;
  for (let i = 0; i < 3; i++) await nextTurn();
  t.mock.timers.tick(250);
  assert.equal(await end, EXIT.done);
  assert.deepEqual(
    reports.map((r) => r.interfaces[0]?.chosen?.isReachable),
    [true],
  );
});
