// What the network and the host say to a CLAT: native IPv4, other CLATs, and which of several interfaces is the uplink.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostFacts, LinkFacts, RouteFacts } from '../../src/core/host/host-config.ts';
import { isContainerBridge, linkTrouble, nativeIpv4, otherClat } from '../../src/core/lifecycle/host-view.ts';
import { chooseWay, type Target, targetsOf } from '../../src/core/lifecycle/way.ts';
import { linkFacts, objects, routeFacts } from '../../src/platform/linux/facts.ts';
import { Driver, type Net, offer, uplink, viewOf } from '../support/lifecycle.ts';

const link = (name: string, index: number, addresses: readonly string[], kind?: string): LinkFacts => ({
  name,
  index,
  mtuBytes: 1500,
  isUp: true,
  addresses,
  ...(kind === undefined ? {} : { kind }),
});

const route = (device: string): RouteFacts => ({
  family: 4,
  destination: 'default',
  device,
  metric: 100,
  protocol: 'dhcp',
  gateway: null,
});

const facts = (links: readonly LinkFacts[], ...devices: readonly string[]): HostFacts => ({
  links,
  routes: devices.map(route),
  proxies: [],
  sysctls: new Map(),
  firewallTables: new Set(),
});

const ETH = link('eth0', 2, ['192.0.2.10/24']);
const TUN = link('clat0', 9, ['192.0.0.1/32'], 'tun');

describe('an interface that leads nowhere', () => {
  const down = { ...ETH, isUp: false };
  const idle: LinkFacts = { ...link('wlan0', 3, []), lacksCarrier: true };
  const lo = link('lo', 1, ['127.0.0.1/8']);
  const of = (uplinkName: string | null, ...links: LinkFacts[]) => linkTrouble(facts(links), 'clat0', uplinkName);

  it('D-15 is named where the user named it, and what it lacks', () => {
    assert.equal(of('nosuch', lo, ETH), 'there is no interface nosuch');
    assert.equal(of('eth0', lo, down), 'eth0 is down');
    assert.equal(of('wlan0', ETH, idle), 'wlan0 has no carrier');
    assert.equal(of('eth0', ETH, idle), null);
  });

  it('D-15 is named where all are so, those of this host itself left out', () => {
    const own = [lo, TUN, link('docker0', 7, [])];
    assert.equal(of(null, ...own), 'there is no interface');
    assert.equal(of(null, ...own, down, idle), 'eth0 is down, wlan0 has no carrier');
    assert.equal(of(null, ...own, ETH, idle), null);
    const many = [4, 5, 6, 7, 8].map((i) => ({ ...down, name: `eth${i}`, index: i }));
    assert.equal(of(null, ...many), 'eth4 is down, eth5 is down, eth6 is down, and 2 more');
  });

  it('D-15 is what a client waits for, before a prefix or a route', () => {
    for (const [net, candidates] of [
      [{ route: null, linkTrouble: 'eth0 is down' }, []],
      [{ route: null, linkTrouble: 'eth0 is down' }, [offer('eth0', 1)]],
    ] as const) {
      const driver = new Driver(net).up().prefixes(...candidates);
      const { state } = driver.life;
      assert.deepEqual(state.state === 'waiting' && [state.reason, state.why], ['link-waiting', 'eth0 is down']);
    }
  });
});

describe('native IPv4', () => {
  it('D-09 is a default route on any interface but ours', () => {
    assert.equal(nativeIpv4(facts([ETH, TUN], 'clat0', 'eth0'), 'clat0'), 'eth0');
    assert.equal(nativeIpv4(facts([ETH, TUN], 'clat0'), 'clat0'), null);
  });

  it("is not a VPN's route: the VPN may reach its server through the CLAT", () => {
    const vpn = link('wg0', 5, ['10.0.0.2/32'], 'wireguard');
    assert.equal(nativeIpv4(facts([ETH, vpn], 'wg0'), 'clat0'), null);
    assert.equal(nativeIpv4(facts([ETH, vpn], 'wg0', 'eth0'), 'clat0'), 'eth0');
  });

  it('is not a route that leads nowhere, or to containers', () => {
    assert.equal(nativeIpv4(facts([ETH], '', 'docker0'), 'clat0'), null);
    assert.equal(nativeIpv4(facts([ETH], '', 'docker0'), 'clat0', 'docker0'), 'docker0', 'the user named it');
  });

  /** Facts of the words that iproute2 6.1 prints for a route. */
  const said = (json: string, links = [ETH]): HostFacts => ({
    ...facts(links),
    routes: objects(JSON.parse(json)).flatMap(routeFacts(4)),
  });

  it('D-09 is one of several next hops (ECMP), as long as its link has a carrier', () => {
    const hops = (first: string, second: string): string =>
      `[{"dst":"default","flags":[],"nexthops":[
        {"gateway":"10.0.0.2","dev":"eth0","weight":1,"flags":[${first}]},
        {"gateway":"10.0.1.2","dev":"eth1","weight":1,"flags":[${second}]}]}]`;
    assert.equal(nativeIpv4(said(hops('', '')), 'clat0'), 'eth0');
    assert.equal(nativeIpv4(said(hops('"linkdown"', '')), 'clat0'), 'eth1');
    assert.equal(nativeIpv4(said(hops('"dead","linkdown"', '"linkdown"')), 'clat0'), null);
  });

  it('is not the route of a cable that is out', () => {
    const route4 = (flags: string): string =>
      `[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[${flags}]},{"type":"unreachable","dst":"default","metric":999,"flags":[]}]`;
    assert.equal(nativeIpv4(said(route4('"linkdown"')), 'clat0'), null);
    assert.equal(nativeIpv4(said(route4('')), 'clat0'), 'eth0');
  });

  it('D-09 is a route through a TAP, which is an Ethernet link, and not through a TUN', () => {
    const device = (type: string): LinkFacts =>
      linkFacts({ ifname: 'net0', ifindex: 7, linkinfo: { info_kind: 'tun', info_data: { type } }, addr_info: [] });
    assert.equal(nativeIpv4(facts([device('tap')], 'net0'), 'clat0'), 'net0');
    assert.equal(nativeIpv4(facts([device('tun')], 'net0'), 'clat0'), null);
  });
});

describe('another CLAT', () => {
  it('D-13 has an address of RFC 7335 and the default route, as clatd and NetworkManager give them', () => {
    const clatd = link('clat', 5, ['192.0.0.1/32'], 'tun');
    assert.deepEqual(otherClat(facts([ETH, clatd], 'clat'), 'clat0'), { device: 'clat', address: '192.0.0.1' });
    const networkManager = link('wlan0', 3, ['192.0.0.5/32', '2001:db8::1/64']);
    const both = facts([networkManager], 'wlan0');
    assert.deepEqual(otherClat(both, 'clat0'), { device: 'wlan0', address: '192.0.0.5' });
    assert.equal(nativeIpv4(both, 'clat0'), null, 'and is no native IPv4');
  });

  it('D-13 is not our own interface, nor an address without a route', () => {
    assert.equal(otherClat(facts([TUN], 'clat0'), 'clat0'), null);
    assert.equal(otherClat(facts([link('lo', 1, ['192.0.0.1/32'])], 'eth0'), 'clat0'), null);
  });
});

/** Names that programs give to the networks of their containers and virtual machines. */
const OF_CONTAINERS = {
  docker: ['docker0', 'br-0123456789ab', 'docker_gwbridge', 'veth1a2b3c4', 'vEthernet (DockerNAT)'],
  podman: ['podman0', 'podman1', 'cni-podman0', 'nerdctl0', 'veth1a2b3c4d'],
  lxc: ['lxcbr0', 'lxdbr0', 'incusbr0', 'incusbr-1000', 'mpbr0'],
  libvirt: ['virbr0', 'virbr0-nic', 'vnet3', 'mpqemubr0', 'mpqemubr0-dummy'],
  kubernetes: [
    'cni0',
    'cbr0',
    'kube-bridge',
    'kube-ipvs0',
    'kube-dummy-if',
    'nodelocaldns',
    'flannel.1',
    'flannel-v6.1',
  ],
  calicoAndOthers: ['cali1234567890a', 'vxlan.calico', 'cilium_host', 'lxc0123456789ab', 'weave', 'antrea-gw0'],
  vmware: ['vmnet1', 'vmnet8', 'VMware Network Adapter VMnet8'],
  virtualbox: ['vboxnet0', 'VirtualBox Host-Only Network', 'VirtualBox Host-Only Ethernet Adapter #2'],
  hyperv: ['vEthernet (Default Switch)', 'vEthernet (WSL)', 'vEthernet (WSL (Hyper-V firewall))', 'vEthernet (nat)'],
  macos: ['vnic0', 'vnic1', 'bridge100', 'bridge101', 'vmenet0'],
  xen: ['vif1.0', 'vif12.1-emu', 'tap1.0'],
  proxmox: ['tap100i0', 'veth101i0', 'fwbr100i0', 'fwpr100p0', 'fwln100i0'],
};

/** Interfaces that may be uplinks, some of them with names that are nearly those. */
const UPLINKS = [
  ...['eth0', 'enp3s0', 'eno1', 'wlan0', 'wlp2s0', 'wwan0', 'bond0', 'usb0', 'en0', 'Ethernet', 'Wi-Fi'],
  ...[
    'br0',
    'br-lan',
    'br-0123',
    'vmbr0',
    'xenbr0',
    'bridge0',
    'tap0',
    'veth0',
    'vlan10',
    'eth0.10',
    'vEthernet (Extern)',
  ],
  ...['vmnet', 'vboxnet', 'viface0', 'dockers', 'kube0', 'cali', 'flannel', 'vif1', 'Ethernet docker0'],
];

describe('several interfaces', () => {
  const [eth, wlan, vpn] = [uplink('eth0', 1), uplink('wlan0', 2), uplink('vpn0', 3)];
  const targets: Target[] = [offer('eth0', 1), offer('wlan0', 2)].map((candidate) => ({
    candidate,
    interfaceName: candidate.interfaceName,
  }));
  const chosen = (net: Net, canTie = true, of: readonly Target[] = targets): string => {
    const choice = chooseWay(viewOf(net, of).answers, null, () => canTie, null);
    return choice.way === null ? choice.lacks : `${choice.way.uplink.link.name}${choice.way.isTied ? ', tied' : ''}`;
  };

  it('the one that the route to its prefix leads through is the uplink', () => {
    assert.equal(chosen({ route: wlan, own: [eth] }), 'wlan0');
    assert.equal(chosen({ route: eth, own: [wlan] }), 'eth0');
  });

  it('where a VPN has the route, one with a route of its own is, by redirecting only', () => {
    assert.equal(chosen({ route: vpn, own: [wlan] }), 'wlan0, tied');
    assert.equal(chosen({ route: vpn, own: [wlan] }, false), 'elsewhere');
  });

  it('a network of containers never is', () => {
    for (const name of Object.values(OF_CONTAINERS).flat()) {
      assert.ok(isContainerBridge(name), name);
      assert.deepEqual(targetsOf([offer(name, 1)], null, null, 0), []);
    }
    for (const name of UPLINKS) {
      assert.ok(!isContainerBridge(name), name);
      assert.equal(targetsOf([offer(name, 1)], null, null, 0).length, 1, name);
    }
    assert.equal(
      chosen({ route: uplink('docker0') }, true, [{ candidate: offer(null, 1), interfaceName: null }]),
      'elsewhere',
    );
  });

  it('the interface that the user names is the only one, whatever its name', () => {
    const offers = [offer('eth0', 1), offer('docker0', 2)];
    assert.deepEqual(
      targetsOf(offers, 'docker0', null, 0).map((t) => t.interfaceName),
      ['docker0'],
    );
  });
});
