// The client follows the network: Router Advertisements with forwarding on, uplinks that go and come back, renumbering, MTU
// changes, native IPv4 (rules D-09, D-11, D-12).

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import type { ClientNet } from './client-net.ts';
import { bareNet, ROUTER_LINK, setting, snapshot, startReady, staticNet, UPLINK } from './client-net.ts';

/** The IPv6 default routes of a namespace. */
const defaultRoutes = (ns: Netns): Promise<string> => ns.run(['ip', '-6', 'route', 'show', 'default']);

/** A router that advertises a /64, its MTU and itself. */
async function advertisedNet(net: ClientNet): Promise<void> {
  await net.router.ip(`addr add 2001:db8:2::1/64 dev ${ROUTER_LINK} nodad`);
  await net.router.sysctl('net/ipv6/conf/all/forwarding', '1');
  const file = `${net.set.directory}/radvd.conf`;
  const text = `interface ${ROUTER_LINK} { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1400; prefix 2001:db8:2::/64 {}; };\n`;
  writeFileSync(file, text);
  await net.router.start(['radvd', '-n', '-C', file, '-p', `${net.set.directory}/radvd.pid`, '-m', 'stderr']);
  // A host that comes up asks for its router; the link is up already, so it goes through that once more.
  await net.host.ip(`link set ${UPLINK} down`, `link set ${UPLINK} up`);
  await waitFor('an address by SLAAC', async () =>
    (await net.host.run(['ip', '-6', 'address', 'show', 'dev', UPLINK, 'scope', 'global', '-tentative'])).includes(
      '2001',
    ),
  );
  await waitFor('a default route by RA', async () => (await defaultRoutes(net.host)).includes('proto ra'));
}

describe('the client follows the network', () => {
  it('D-12 with Router Advertisements their route stays and their MTU counts, and accept_ra is put back', async (t) => {
    const net = await bareNet(netnsForTest(t));
    await advertisedNet(net);
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/accept_ra`), '1');
    const before = await snapshot(net.host);
    const child = await startReady(net);
    assert.equal((await child.said('client-ready')).fields.mtu, 1380);
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/accept_ra`), '2');
    assert.match(await defaultRoutes(net.host), /proto ra/);
    assert.equal(await child.running.stop(), 0);
    assert.match(await defaultRoutes(net.host), /proto ra/);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-11 with forwarding on, the next Router Advertisement is still heard', async (t) => {
    const net = await bareNet(netnsForTest(t));
    await advertisedNet(net);
    const child = await startReady(net);
    await net.host.run(['ip', '-6', 'route', 'del', 'default', 'dev', UPLINK]);
    await waitFor('the route of the next RA', async () => (await defaultRoutes(net.host)).includes('proto ra'));
    assert.equal(await child.running.stop(), 0);
  });

  it('D-11 an uplink that goes and comes back with another prefix gets a new address; the IPv4 side stays', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    const first = String((await child.said('client-ready')).fields.clat);
    await net.host.ip(`link set ${UPLINK} down`);
    await child.said('uplink-lost');
    await waitFor('the default route to go', async () => (await net.host.run(['ip', '-4', 'route'])).trim() === '');
    assert.match(await net.host.run(['ip', 'address', 'show', 'clat0']), /192\.0\.0\.1\/32/);

    await net.router.ip(`addr add 2001:db8:3::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(`link set ${UPLINK} up`, `addr add 2001:db8:3::10/64 dev ${UPLINK} nodad`);
    await net.host.ip('route add default via 2001:db8:3::1');
    const second = String((await child.said('client-ready', 2)).fields.clat);
    assert.match(second, /^2001:db8:3:/);
    const proxies = await net.host.run(['ip', '-6', 'neighbour', 'show', 'proxy']);
    assert.match(proxies, new RegExp(second));
    assert.doesNotMatch(proxies, new RegExp(first));
    assert.match(await net.host.run(['ip', '-4', 'route']), /default dev clat0/);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-16 an uplink that is removed for good leaves nothing to undo on it', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    await net.host.ip(`link del ${UPLINK}`);
    await child.said('uplink-lost');
    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.equal(
      child.lines().some((l) => l.reason === 'host-trouble'),
      false,
    );
  });

  it('D-16 a removed uplink that comes back under its name is set up anew and restored', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    await net.host.ip(`link del ${UPLINK}`);
    await child.said('uplink-lost');
    await net.set.connect(net.host, UPLINK, net.router, ROUTER_LINK);
    await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(`addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`, 'route add default via 2001:db8:1::1');
    await child.said('client-ready', 2);
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/proxy_ndp`), '1');
    assert.equal(await child.running.stop(), 0);
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/proxy_ndp`), '0');
  });

  it('D-12 a smaller MTU of the uplink reaches the virtual interface and the translator', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const child = await startReady(net);
    await net.host.ip(`link set ${UPLINK} mtu 1400`);
    assert.equal((await child.said('client-ready', 2)).fields.mtu, 1380);
    assert.equal((await child.said('test-settings', 2)).fields.ipv6Mtu, 1400);
    assert.match(await net.host.run(['ip', 'link', 'show', 'clat0']), /mtu 1380/);
    assert.equal(child.lines().filter((l) => l.reason === 'address-chosen').length, 1, 'the address stays');
    await net.host.ip(`link set ${UPLINK} mtu 1500`);
    // A larger one counts only after it has lasted.
    const hasGrown = async () => (await net.host.run(['ip', 'link', 'show', 'clat0'])).includes('mtu 1480');
    await waitFor('the larger MTU', hasGrown, 30_000);
    assert.equal(await child.running.stop(), 0);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-11 by forwarding, the neighbours learn another link-layer address of the uplink at once', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    const clat = String((await child.said('client-ready')).fields.clat);
    const entry = (): Promise<string> => net.router.run(['ip', '-6', 'neighbour', 'show', clat]);
    await net.router.runAny(['ping', '-c', '1', '-W', '0.2', clat]);
    assert.match(await entry(), /lladdr/);
    await net.host.ip(`link set ${UPLINK} address 02:00:5e:00:53:77`);
    // Nobody sends anything to it meanwhile, so nobody asks.
    await waitFor('the new one', async () => (await entry()).includes('02:00:5e:00:53:77'));
    assert.equal(await child.running.stop(), 0, child.running.output());
  });

  it('D-11 what someone else takes away is put back at the next change', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const child = await startReady(net);
    await net.host.ip('route del default dev clat0 metric 2048');
    await waitFor('the default route', async () =>
      (await net.host.run(['ip', '-4', 'route'])).includes('default dev clat0'),
    );
    assert.equal(await child.running.stop(), 0);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-09 native IPv4 ends the translation while it lasts', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    await net.host.ip(`addr add 192.0.2.10/24 dev ${UPLINK}`, 'route add default via 192.0.2.1');
    assert.match((await child.said('native-ipv4')).text, /native IPv4 present on up0/);
    await net.host.ip('route del default via 192.0.2.1');
    await child.said('client-ready', 2);
    assert.equal(await child.running.stop(), 0);
  });

  it('D-09 forced, it runs beside native IPv4 with the worse metric', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip(`addr add 192.0.2.10/24 dev ${UPLINK}`, 'route add default via 192.0.2.1 metric 100');
    const child = await startReady(net, { client: { force: true } });
    assert.match(await net.host.run(['ip', '-4', 'route', 'get', '198.51.100.1']), /dev up0/);
    assert.match(await net.host.run(['ip', '-4', 'route']), /default dev clat0.* metric 2048/);
    assert.equal(await child.running.stop(), 0);
  });
});
