// The client finds its own way: by Router Advertisements and by DNS64, from a prefix that comes to one that goes, renumbering, a
// second router, two uplinks, a VPN, sleep (rules D-03, D-04, D-06, D-07, D-09, D-11, D-13, D-15, D-16).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import { type RaOrder, sendRa, startRouter } from '../support/ra-sender.ts';
import { dns64Resolver, IPV4ONLY_RECORDS, startUnbound } from '../support/unbound.ts';
import type { ChildOptions } from './client-child.ts';
import {
  bareNet,
  type ClientNet,
  type ClientProcess,
  ROUTER_LINK,
  snapshot,
  startChild,
  UPLINK,
} from './client-net.ts';

const NAT64 = { prefix: '64:ff9b::/96', lifetimeSeconds: 1800 };
const OTHER = { prefix: '2001:db8:64::/96', lifetimeSeconds: 1800 };

const seconds = (n: number): string => n.toString(16).padStart(8, '0');

/** A Prefix Information option (RFC 4861 §4.6.2) for 2001:db8:`n`::/64, on-link and autonomous. */
const pio = (n: number, preferred = 1800): string =>
  `0304 40c0 ${seconds(7200)} ${seconds(preferred)} 00000000 20010db8 ${n.toString(16).padStart(4, '0')} ${'0000'.repeat(5)}`;

/** A router's whole word: a network, itself, and a NAT64. */
const router = (more: Partial<RaOrder> = {}): RaOrder => ({
  device: ROUTER_LINK,
  rawOptions: [pio(1)],
  pref64: [NAT64],
  ...more,
});

/** A host without any address, whose link-local ones are there: an RA may come. */
async function quietNet(t: Parameters<typeof netnsForTest>[0]): Promise<ClientNet> {
  const net = await bareNet(netnsForTest(t));
  await net.router.sysctl('net/ipv6/conf/all/forwarding', '1');
  await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
  for (const [ns, device] of [
    [net.host, UPLINK],
    [net.router, ROUTER_LINK],
  ] as const)
    await linkLocal(ns, device);
  return net;
}

async function linkLocal(ns: Netns, device: string): Promise<void> {
  await waitFor(`a link-local address of ${device}`, async () =>
    /inet6 fe80/.test(await ns.run(['ip', '-6', 'address', 'show', 'dev', device, '-tentative'])),
  );
}

/** A client that listens: it has said what it waits for. */
async function discovering(net: ClientNet, options: Partial<ChildOptions> = {}): Promise<ClientProcess> {
  const child = await startChild(net, { discovers: true, ...options });
  const isWaiting = (): boolean => child.lines().some((l) => WAITING.has(l.reason));
  await waitFor('the client to listen', () => isWaiting() || child.running.hasEnded());
  return child;
}

const WAITING: ReadonlySet<string> = new Set(['prefix-waiting', 'native-ipv4', 'other-clat', 'prefix-chosen']);

const ipv4Route = (ns: Netns): Promise<string> => ns.run(['ip', '-4', 'route', 'show', 'default']);
const text = (value: unknown): string => String(value);

describe('the client discovers the NAT64', () => {
  it('D-15 waits with a reason, and goes by a Router Advertisement alone', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net);
    assert.match((await child.said('prefix-waiting')).text, /waiting for a Router Advertisement/);
    await sendRa(net.router, router());
    const { text: chosen, fields } = await child.said('prefix-chosen');
    assert.match(chosen, /^64:ff9b::\/96, from the router fe80::[\da-f:]+ on up0$/);
    assert.equal(fields.source, 'ra');
    assert.match(text((await child.said('client-ready')).fields.clat), /^2001:db8:1:/);
    assert.match(await ipv4Route(net.host), /default dev clat0/);
    assert.equal(await child.running.stop(), 0, child.running.output());
  });

  it('D-15 names the uplink that is missing, or has no carrier, and goes on when it is there', async (t) => {
    const net = await bareNet(netnsForTest(t));
    await net.host.ip(`link set ${UPLINK} down`, `link set ${UPLINK} name later0`);
    const child = await startChild(net, { discovers: true, waitsForUplink: true, client: { uplink: UPLINK } });
    assert.equal((await child.said('link-waiting')).text, `there is no interface ${UPLINK}`);
    await net.host.ip(`link set later0 name ${UPLINK}`, `link set ${UPLINK} up`);
    await child.said('prefix-waiting');
    await net.router.ip(`link set ${ROUTER_LINK} down`);
    assert.equal((await child.said('link-waiting', 2)).text, `${UPLINK} has no carrier`);
    await net.router.ip(`link set ${ROUTER_LINK} up`);
    await child.said('prefix-waiting', 2);
    assert.equal(await child.running.stop(), 0);
  });

  it("D-09 the CLAT address is probed while the host's own still is, not after it", async (t) => {
    const net = await quietNet(t);
    // The kernel probes for so long that the client can only be ready before it.
    await net.host.sysctl(`net/ipv6/conf/${UPLINK}/accept_dad`, '1');
    await net.host.sysctl(`net/ipv6/conf/${UPLINK}/dad_transmits`, '60');
    const child = await discovering(net, { retransMs: 1000 });
    await sendRa(net.router, router());
    await child.said('client-ready');
    const addresses = await net.host.run(['ip', '-6', 'address', 'show', 'dev', UPLINK, 'scope', 'global']);
    assert.match(addresses, /tentative/);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-03 a withdrawn prefix ends the translation, its return begins it anew, and the IPv4 side stays', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net);
    await sendRa(net.router, router());
    await child.said('client-ready');
    await sendRa(net.router, router({ pref64: [{ ...NAT64, lifetimeSeconds: 0 }] }));
    await child.said('prefix-lost');
    await waitFor('the default route to go', async () => (await ipv4Route(net.host)) === '');
    assert.match(await net.host.run(['ip', 'address', 'show', 'clat0']), /192\.0\.0\.1\/32/);
    await sendRa(net.router, router());
    await child.said('client-ready', 2);
    assert.equal(child.lines().filter((l) => l.reason === 'ipv4-chosen').length, 1);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-04, D-11 a second prefix changes nothing until the first is withdrawn; then the client moves to it', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net);
    await sendRa(net.router, router());
    const first = (await child.said('client-ready')).fields.clat;
    await sendRa(net.router, router({ source: 'fe80::2', pref64: [OTHER] }));
    await sendRa(net.router, router({ pref64: [{ ...NAT64, lifetimeSeconds: 0 }] }));
    assert.match((await child.said('prefix-changed')).text, /^2001:db8:64::\/96, from the router fe80::2 on up0$/);
    const second = (await child.said('client-ready', 2)).fields.clat;
    assert.notEqual(second, first);
    assert.equal(
      child.lines().some((l) => l.reason === 'prefix-lost'),
      false,
    );
    assert.equal(await child.running.stop(), 0);
  });

  it('D-11 renumbered, it takes an address of the new network and gives up the old one', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net);
    await sendRa(net.router, router());
    const first = text((await child.said('client-ready')).fields.clat);
    await sendRa(net.router, router({ rawOptions: [pio(1, 0), pio(2)] }));
    const second = text((await child.said('client-ready', 2)).fields.clat);
    assert.match(second, /^2001:db8:2:/);
    const proxies = await net.host.run(['ip', '-6', 'neighbour', 'show', 'proxy']);
    assert.match(proxies, new RegExp(second));
    assert.doesNotMatch(proxies, new RegExp(first));
    assert.equal(await child.running.stop(), 0);
  });

  it('D-06, D-07 by RFC 7050, until a router names a prefix', async (t) => {
    const net = await quietNet(t);
    await startDns64(net, OTHER.prefix);
    const child = await discovering(net);
    await sendRa(net.router, router({ pref64: [], rdnss: ['2001:db8:1::1'] }));
    assert.match(
      (await child.said('prefix-chosen')).text,
      /^2001:db8:64::\/96, from the resolver 2001:db8:1::1 on up0$/,
    );
    await child.said('client-ready');
    await sendRa(net.router, router());
    assert.match((await child.said('prefix-changed')).text, /^64:ff9b::\/96, from the router/);
    await child.said('client-ready', 2);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-09 native IPv4 comes and goes', async (t) => {
    const net = await quietNet(t);
    await net.host.ip(`addr add 192.0.2.10/24 dev ${UPLINK}`, 'route add default via 192.0.2.1');
    const child = await discovering(net);
    await sendRa(net.router, router());
    await child.said('native-ipv4');
    await net.host.ip('route del default via 192.0.2.1');
    await child.said('client-ready');
    await net.host.ip('route add default via 192.0.2.1');
    await child.said('native-ipv4', 2);
    await waitFor('the route to go', async () => !(await ipv4Route(net.host)).includes('clat0'));
    assert.equal(await child.running.stop(), 0);
  });

  it('D-11 an uplink that goes and comes back asks its router itself', async (t) => {
    const net = await quietNet(t);
    const answering = await startRouter(net.router, router());
    await waitFor('the router', () => answering.output().includes('answering'));
    const child = await discovering(net);
    await child.said('client-ready');
    await net.host.ip(`link set ${UPLINK} down`);
    await waitFor('the default route to go', async () => (await ipv4Route(net.host)) === '');
    await net.host.ip(`link set ${UPLINK} up`);
    await child.said('client-ready', 2);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-11 after sleep the address is probed again, and kept where nobody has taken it', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net);
    await sendRa(net.router, router());
    const { clat } = (await child.said('client-ready')).fields;
    child.running.child.kill('SIGUSR2');
    await net.host.ip('link add veth0 type veth peer name veth1'); // so that something happens, as it does after sleep
    await child.said('host-slept');
    assert.equal((await child.said('address-chosen', 2)).fields.address, clat);
    await net.router.ip(`addr add ${clat}/64 dev ${ROUTER_LINK} nodad`);
    child.running.child.kill('SIGUSR2');
    await net.host.ip('link del veth0');
    assert.equal((await child.said('address-duplicate')).fields.address, clat);
    assert.notEqual((await child.said('client-ready', 2)).fields.clat, clat);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-13 another CLAT is recognised, and ours stays out of its way', async (t) => {
    const net = await quietNet(t);
    await net.host.ip(
      'link add clat type veth peer name far',
      'link set far up',
      'addr add 192.0.0.1/32 dev clat',
      'link set clat up',
    );
    await net.host.ip('route add default dev clat metric 2048');
    const child = await discovering(net);
    await sendRa(net.router, router());
    assert.match((await child.said('other-clat')).text, /another CLAT has 192\.0\.0\.1 and the IPv4 route on clat/);
    await net.host.ip('link del clat');
    await child.said('client-ready');
    assert.equal(await child.running.stop(), 0);
  });

  it('D-16 switched off, it leaves nothing on the host, and switched on it runs again', async (t) => {
    const net = await quietNet(t);
    const answering = await startRouter(net.router, router());
    await waitFor('the router', () => answering.output().includes('answering'));
    const child = await discovering(net);
    await child.said('client-ready');
    child.running.child.kill('SIGUSR1');
    await child.said('client-off');
    assert.doesNotMatch(await net.host.run(['ip', 'link']), /clat0/);
    assert.equal(await ipv4Route(net.host), '');
    child.running.child.kill('SIGUSR1');
    await child.said('client-ready', 2);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-16 after kill -9 the host is brought back, whatever state the client was in', async (t) => {
    const net = await quietNet(t);
    await sendRa(net.router, router());
    await waitFor('the address', async () =>
      (await net.host.run(['ip', '-6', 'address', 'show', 'scope', 'global', '-tentative'])).includes('2001:db8:1:'),
    );
    const before = await snapshot(net.host);
    for (const reason of ['prefix-waiting', 'prefix-chosen', 'client-ready']) {
      const child = await discovering(net);
      await child.said('prefix-waiting');
      if (reason !== 'prefix-waiting') await sendRa(net.router, router());
      await child.said(reason);
      await child.running.stop('SIGKILL');
      const cleanUp = await startChild(net, { cleanUp: true });
      await cleanUp.ended();
      assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
      assert.deepEqual(await snapshot(net.host), before, reason);
    }
  });
});

describe('the client with several interfaces', () => {
  it('the uplink is the interface whose prefix the route leads to, and another one when that goes', async (t) => {
    const net = await quietNet(t);
    await net.set.connect(net.host, 'up1', net.router, 'lan1');
    await net.router.ip('addr add 2001:db8:3::1/64 dev lan1 nodad');
    await linkLocal(net.host, 'up1');
    await linkLocal(net.router, 'lan1');
    const child = await discovering(net, { client: { 'uplink-mode': 'auto' } });
    await sendRa(net.router, router());
    assert.equal((await child.said('client-ready')).fields.uplink, 'up0');
    await sendRa(net.router, router({ device: 'lan1', rawOptions: [pio(3)], pref64: [OTHER] }));
    await net.host.ip(`link set ${UPLINK} down`);
    const second = (await child.said('client-ready', 2)).fields;
    assert.equal(second.uplink, 'up1');
    assert.match(text(second.clat), /^2001:db8:3:/);
    assert.equal(await child.running.stop(), 0);
  });

  it('a VPN that takes the IPv6 default route does not take the CLAT along', async (t) => {
    const net = await quietNet(t);
    const child = await discovering(net, { client: { 'uplink-mode': 'auto' } });
    await sendRa(net.router, router());
    await child.said('client-ready');
    await net.host.ip('tuntap add vpn0 mode tun', 'link set vpn0 up', 'addr add 2001:db8:99::1/64 dev vpn0 nodad');
    await net.host.ip('route add ::/0 dev vpn0 metric 1');
    const { text: changed } = await child.said('uplink-changed');
    assert.match(changed, /^up0, .*against the default route$/);
    assert.equal((await child.said('client-ready', 2)).fields.uplink, UPLINK);
    await net.host.ip('link del vpn0');
    await child.said('client-ready', 3);
    assert.equal(await child.running.stop(), 0);
  });

  it('a network of containers is no uplink, even where it has a NAT64 and the default route', async (t) => {
    const net = await quietNet(t);
    await net.set.connect(net.host, 'docker0', net.router, 'lan1');
    await net.router.ip('addr add 2001:db8:3::1/64 dev lan1 nodad');
    await linkLocal(net.host, 'docker0');
    await linkLocal(net.router, 'lan1');
    const child = await discovering(net);
    await sendRa(net.router, router({ device: 'lan1', rawOptions: [pio(3)], pref64: [OTHER] }));
    await waitFor('the route', async () =>
      (await net.host.run(['ip', '-6', 'route', 'show', 'default'])).includes('docker0'),
    );
    await child.said('prefix-waiting');
    await net.host.run(['ip', '-6', 'route', 'del', 'default', 'dev', 'docker0']);
    await sendRa(net.router, router());
    assert.equal((await child.said('client-ready')).fields.uplink, UPLINK);
    assert.equal(await child.running.stop(), 0);
  });
});

/** An unbound with DNS64 on the router, and the name's own records behind it. */
async function startDns64(net: ClientNet, prefix: string): Promise<void> {
  const { directory } = net.set;
  await startUnbound(net.router, directory, 'records', IPV4ONLY_RECORDS);
  await startUnbound(net.router, directory, 'dns64', dns64Resolver('2001:db8:1::1', prefix));
  await waitFor('two DNS servers', async () => {
    const sockets = await net.router.run(['ss', '-Hlun', '( sport = :53 or sport = :5300 )']);
    return sockets.split('\n').filter(Boolean).length >= 2;
  });
}
