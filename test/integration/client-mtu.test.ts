// The MTU of the way to the NAT64 changes while the client runs: the virtual interface and the routes get the new one in one step
// each, no moment without IPv4, and nothing stays of it whenever the client is killed (rules D-12, D-16).

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import type { ClientNet } from './client-net.ts';
import { ROUTER_LINK, setting, snapshot, startChild, startReady, staticNet, UPLINK } from './client-net.ts';
import { scapy } from './redirect-net.ts';

const MODES = ['redirect', 'forwarding'] as const;
const inMode = (mode: (typeof MODES)[number]) => ({ client: { 'uplink-mode': mode } });

/** A documentation prefix that nobody uses: its route shows that the watch has begun. */
const MARK = '203.0.113.0/24';

/** Watches links and routes of a namespace. @returns what it saw so far */
async function watchChanges(ns: Netns): Promise<() => string> {
  const watch = await ns.start(['ip', '-o', 'monitor', 'link', 'route']);
  await waitFor('the watch', async () => {
    await ns.ip(`route add ${MARK} dev lo`, `route del ${MARK} dev lo`);
    return watch.output().includes(MARK);
  });
  return watch.output;
}

/** A larger MTU counts only after it has lasted. */
const RISE_LIMIT_MS = 30_000;

/** Sets the uplink's MTU and waits until the IPv4 side has what is left of it. */
async function setMtu(host: Netns, mtuBytes: number): Promise<void> {
  await host.ip(`link set ${UPLINK} mtu ${mtuBytes}`);
  const isSet = async () => (await host.run(['ip', '-4', 'route', 'show', 'default'])).includes(`mtu ${mtuBytes - 20}`);
  await waitFor('the route’s MTU', isSet, RISE_LIMIT_MS);
}

/** The MTUs that an interface had. */
const mtusOf = (changes: string, name: string): Set<string> =>
  new Set([...changes.matchAll(new RegExp(`: ${name}: .*? mtu (\\d+)`, 'g'))].map(([, mtu = '']) => mtu));

describe('the MTU of the uplink changes', () => {
  for (const mode of MODES) {
    it(`D-12 by ${mode}, the virtual interface and its default route change in place`, async (t) => {
      const net = await staticNet(netnsForTest(t));
      const before = await snapshot(net.host);
      const child = await startReady(net, inMode(mode));
      const changes = await watchChanges(net.host);
      await setMtu(net.host, 1400);
      await setMtu(net.host, 1300);
      await waitFor('both to be seen', () => changes().includes('mtu 1280'));
      assert.doesNotMatch(changes(), /Deleted default dev clat0/);
      assert.deepEqual(mtusOf(changes(), 'clat0'), new Set(['1380', '1280']));
      await setMtu(net.host, 1500);
      assert.equal(await child.running.stop(), 0, child.running.output());
      assert.ok(!child.lines().some((l) => l.reason === 'host-left' || l.reason === 'host-trouble'));
      assert.deepEqual(await snapshot(net.host), before);
    });
  }

  it('D-12 by forwarding, IPv4 goes on with IPv6’s least MTU on the uplink', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net, inMode('forwarding'));
    const { clat } = (await child.said('client-ready')).fields;
    await setMtu(net.host, 1280);
    assert.match(await net.host.run(['ip', '-6', 'route', 'get', String(clat)]), /dev clat0/);
    assert.ok(!child.lines().some((l) => l.reason === 'client-failed'), child.running.output());
    assert.equal(await child.running.stop(), 0, child.running.output());
  });

  it('D-12 below IPv6’s least the interface loses its IPv6 settings, and has them again above', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await startReady(net, inMode('redirect'));
    await setMtu(net.host, 1280);
    await assert.rejects(setting(net.host, 'ipv6/conf/clat0/disable_ipv6'));
    await setMtu(net.host, 1500);
    await waitFor('the settings', async () => (await setting(net.host, 'ipv6/conf/clat0/disable_ipv6')) === '1');
    assert.equal(await setting(net.host, 'ipv6/conf/clat0/addr_gen_mode'), '1');
    assert.doesNotMatch(await net.host.run(['ip', 'address', 'show', 'clat0']), /inet6/);
  });

  it('D-12 a Router Advertisement that says nothing but the MTU counts', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net, inMode('redirect'));
    const ra = `IPv6(src='fe80::1', dst='ff02::1', hlim=255)/ICMPv6ND_RA(routerlifetime=0)/ICMPv6NDOptMTU(mtu=1400)`;
    await scapy(net.router, `sendp(Ether(dst='33:33:00:00:00:01')/${ra}, iface='${ROUTER_LINK}')`);
    assert.equal((await child.said('client-ready', 2)).fields.mtu, 1380);
    assert.match(await net.host.run(['ip', 'link', 'show', 'clat0']), /mtu 1380/);
  });
});

describe('a client that is killed while it changes the MTU', () => {
  /** How many changes a start makes. */
  async function changesOfStart(net: ClientNet, mode: (typeof MODES)[number]): Promise<number> {
    const child = await startReady(net, inMode(mode));
    assert.equal(await child.running.stop(), 0);
    return child.lines().filter((l) => l.reason === 'host-changed').length;
  }

  async function killAt(net: ClientNet, options: Parameters<typeof startChild>[1], what: string): Promise<void> {
    const before = await snapshot(net.host);
    const child = await startReady(net, options);
    await net.host.ip(`link set ${UPLINK} mtu 1400`);
    await child.ended();
    assert.equal(child.running.child.signalCode, 'SIGKILL', child.running.output());
    const cleanUp = await startChild(net, { cleanUp: true });
    await cleanUp.ended();
    assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
    await net.host.ip(`link set ${UPLINK} mtu 1500`);
    assert.deepEqual(await snapshot(net.host), before, what);
  }

  async function killEverywhere(t: TestContext, mode: (typeof MODES)[number], changes: number): Promise<void> {
    const net = await staticNet(netnsForTest(t));
    const first = await changesOfStart(net, mode);
    for (const when of ['journalled', 'made'] as const) {
      for (let at = first; at < first + changes; at++) {
        await killAt(net, { ...inMode(mode), fault: { when, at, how: 'kill' } }, `${when} ${at - first}`);
      }
    }
  }

  it('D-16 by redirect, cleanup restores the host', (t) => killEverywhere(t, 'redirect', 2));
  it('D-16 by forwarding, cleanup restores the host', (t) => killEverywhere(t, 'forwarding', 3));
});

describe('a client that lost its uplink', () => {
  it('D-12 keeps the settings of its interface: no IPv6 on it', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net, inMode('redirect'));
    await net.host.ip(`link set ${UPLINK} down`);
    await child.said('uplink-lost');
    await waitFor('the route to go', async () => (await net.host.run(['ip', '-4', 'route', 'show', 'default'])) === '');
    assert.equal(await setting(net.host, 'ipv6/conf/clat0/disable_ipv6'), '1');
    assert.ok(!child.lines().some((l) => l.text.includes('disable_ipv6 1 → 0')), child.running.output());
  });
});
