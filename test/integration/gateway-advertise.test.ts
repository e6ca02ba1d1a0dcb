// Router advertisements to real peers: the kernel of a host takes addresses and routes from them, our own discovery and radvdump
// read them, and radvd on the same interface makes ours keep silent.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DiscoveryReport, InterfaceReport } from '../../src/contract/discovery.ts';
import type { AdvertiseReport } from '../../src/gateway/advertise.ts';
import { netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { HOST, LAN, type LanNet, lanNet, startLan } from './gateway-lan-net.ts';
import type { AdvertiseOrder } from './gateway-lan-options.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const FULL: AdvertiseOrder = {
  link: LAN,
  pref64: ['64:ff9b::/96'],
  dns: ['self'],
  search: ['example.net', 'lan'],
  mtu: 1400,
};

interface Reports {
  readonly advertise: readonly AdvertiseReport[];
}

/** The same, sent so often that a host which missed one soon hears the next. */
const OFTEN: AdvertiseOrder = { ...FULL, interval: [3, 4] };
/** The second of the first three comes after 16 s at the latest. */
const PATIENCE_MS = 30_000;

/** Shows the host's addresses or routes until they match. */
const shows = (net: LanNet, what: 'address' | 'route', pattern: RegExp): Promise<string> =>
  waitFor(
    `${pattern} in the host's ${what}`,
    async () => {
      const text = await net.host.run(['ip', '-6', what, 'show', 'dev', HOST]);
      return pattern.test(text) && text;
    },
    PATIENCE_MS,
  );

/** What `xlat464 discover` finds on the host's link. */
async function discovered(net: LanNet): Promise<InterfaceReport> {
  const out = await net.host.run([process.execPath, MAIN, 'discover', '--json', '--interface', HOST]);
  return (JSON.parse(out) as DiscoveryReport).interfaces[0] as InterfaceReport;
}

/** A program that holds a raw ICMPv6 socket. */
const LISTENER = 'import signal, socket; s = socket.socket(10, 3, 58); signal.pause()';
/** Sends one advertisement on an interface, with a source that is another's. */
const FORGER = `
import sys
from scapy.all import Ether, IPv6, ICMPv6ND_RA, sendp
ra = IPv6(src=sys.argv[2], dst='ff02::1', hlim=255) / ICMPv6ND_RA(routerlifetime=0)
sendp(Ether(dst='33:33:00:00:00:01') / ra, iface=sys.argv[1], verbose=False)
`;

/** Listens on the host, before anything is sent. */
async function startDump(net: LanNet): Promise<Running> {
  const dump = await net.host.start([
    'tcpdump',
    '--immediate-mode',
    '-n',
    '-v',
    '-l',
    '-i',
    HOST,
    'icmp6 and ip6[40] == 134',
  ]);
  await waitFor('tcpdump', () => dump.output().includes('listening on'));
  return dump;
}

describe('router advertisements', () => {
  it('R-01 give a host address, route, MTU and resolver, and our discovery the NAT64 prefix', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { advertise: [FULL] });
    await shows(
      net,
      'address',
      /inet6 2001:db8:2000:0?:?\S+\/64 scope global .*\n *valid_lft 5[34]\d\dsec preferred_lft 2[67]\d\dsec/,
    );
    const routes = await shows(net, 'route', /default via fe80::\S+ proto ra .* expires 1[78]\d\dsec .*pref medium/);
    assert.match(routes, /2001:db8:2000::\/64 proto kernel/);
    assert.match(await net.host.run(['cat', `/proc/sys/net/ipv6/conf/${HOST}/mtu`]), /^1400$/m);
    const report = await discovered(net);
    const [router] = report.routers;
    assert.deepEqual(router?.resolvers, ['2001:db8:2000::1']);
    assert.deepEqual([report.chosen?.prefix, report.chosen?.source], ['64:ff9b::/96', 'ra']);
    const [link] = (await gateway.report<Reports>()).advertise;
    assert.equal(link?.state, 'advertising');
    assert.deepEqual(
      [link?.prefixes, link?.pref64, link?.dnsServers],
      [['2001:db8:2000::/64'], ['64:ff9b::/96'], ['2001:db8:2000::1']],
    );
  });

  it('R-01 are read by tshark as they were meant', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const file = `${net.set.directory}/ra.pcap`;
    const dump = await net.host.start([
      'tcpdump',
      '--immediate-mode',
      '-U',
      '-i',
      HOST,
      '-w',
      file,
      'icmp6 and ip6[40] == 134',
    ]);
    await waitFor('tcpdump', () => dump.output().includes('listening on'));
    const prefixes = ['2001:db8:2000::/64', 'fd00:64::/64'];
    const gateway = await startLan(net, { advertise: [{ ...FULL, prefixes }] });
    await gateway.said('advertising');
    await shows(net, 'address', /fd00:64:/);
    await dump.stop();
    const text = await net.host.run(['tshark', '-r', file, '-c', '1', '-V']);
    for (const line of [
      /Hop Limit: 255/,
      /Checksum: 0x[0-9a-f]{4} \[correct\]/,
      /Cur hop limit: 64/,
      /Router lifetime \(s\): 1800/,
      /Source link-layer address : /,
      /MTU : 1400/,
      /Prefix information : 2001:db8:2000::\/64[\s\S]*Valid Lifetime: 5400[\s\S]*Preferred Lifetime: 2700/,
      /Prefix information : fd00:64::\/64/,
      /Recursive DNS Server 2001:db8:2000::1/,
      /DNS Search List Option example\.net lan/,
      /PREF64[\s\S]*Scaled Lifetime: 225[\s\S]*PLC[^\n]*96[\s\S]*64:ff9b::/i,
    ])
      assert.match(text, line);
    assert.doesNotMatch(text, /Malformed|Expert Info \((Warning|Error)/);
  });

  it('R-02 answer a solicitation, and end with lifetime 0', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { advertise: [FULL] });
    await shows(net, 'route', /default via fe80/);
    const before = (await gateway.report<Reports>()).advertise[0]?.solicitations ?? 0;
    await discovered(net);
    const after = (await gateway.report<Reports>()).advertise[0]?.solicitations ?? 0;
    assert.ok(after > before, `${before} and then ${after} solicitations`);
    const dump = await startDump(net);
    await gateway.running.stop();
    await waitFor('the last one', () => /router lifetime 0s/.test(dump.output()));
    await waitFor('the route to go', async () => !/default/.test(await net.host.run(['ip', '-6', 'route'])));
    await dump.stop();
  });

  it('R-02 a prefix that the interface loses is deprecated on the hosts, and a new one is taken', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { advertise: [{ link: LAN, interval: [3, 4] }] });
    await shows(net, 'address', /2001:db8:2000:/);
    await net.gateway.ip(`addr del 2001:db8:2000::1/64 dev ${LAN}`, `addr add 2001:db8:3000::1/64 dev ${LAN} nodad`);
    await shows(net, 'address', /2001:db8:3000:/);
    await shows(net, 'address', /2001:db8:2000:\S+ scope global deprecated/);
    const [link] = (await gateway.report<Reports>()).advertise;
    assert.deepEqual(link?.prefixes, ['2001:db8:3000::/64']);
  });

  it('R-02 a NAT64 prefix that the settings lose is withdrawn', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { advertise: [OFTEN] });
    assert.equal((await discovered(net)).chosen?.prefix, '64:ff9b::/96');
    await gateway.change({ advertise: [{ ...OFTEN, pref64: ['2001:db8:64::/96'] }] });
    const report = await waitFor(
      'the other prefix',
      async () => {
        const found = await discovered(net);
        return found.chosen?.prefix === '2001:db8:64::/96' && found;
      },
      PATIENCE_MS,
    );
    const announced = report.routers.flatMap((r) => r.pref64.map((p) => p.prefix));
    assert.deepEqual(announced, ['2001:db8:64::/96']);
  });

  it('R-02 wait for an interface that is down, and begin when it comes up', async (t) => {
    const net = await lanNet(netnsForTest(t));
    await net.gateway.ip(`link set ${LAN} down`);
    const gateway = await startLan(net, { advertise: [OFTEN] });
    assert.match((await gateway.said('advertise-waiting')).text, /lan0 yet/);
    await net.gateway.ip(`link set ${LAN} up`);
    await gateway.said('advertising');
    await shows(net, 'route', /default via fe80/);
  });

  it('R-03 keep silent where radvd advertises, and say so', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const config = `${net.set.directory}/radvd.conf`;
    writeFileSync(config, `interface ${LAN} { AdvSendAdvert on; prefix 2001:db8:2000::/64 { }; };\n`);
    await net.gateway.sysctl('net/ipv6/conf/all/forwarding', '1');
    await net.gateway.start(['radvd', '-n', '-C', config, '-p', `${net.set.directory}/radvd.pid`]);
    await shows(net, 'route', /default via fe80/);
    const gateway = await startLan(net, { advertise: [OFTEN] });
    assert.match((await gateway.said('advertise-yielded')).text, /radvd \(process \d+\)/);
    const [link] = (await gateway.report<Reports>()).advertise;
    assert.equal(link?.state, 'yielding');
    assert.equal(link?.sent, 0);
    await gateway.running.stop();
    assert.match(await net.host.run(['ip', '-6', 'route']), /default via fe80/, 'radvd goes on');
  });

  it('R-03 end where dnsmasq begins to advertise later', async (t) => {
    const net = await lanNet(netnsForTest(t));
    await net.gateway.sysctl('net/ipv6/conf/all/forwarding', '1');
    const gateway = await startLan(net, { advertise: [OFTEN] });
    await gateway.said('advertising');
    const options = [
      '--port=0',
      `--interface=${LAN}`,
      '--enable-ra',
      '--dhcp-range=2001:db8:2000::,ra-only',
      '--user=root',
    ];
    await net.gateway.start(['dnsmasq', '-k', '-C', '/dev/null', '--pid-file', ...options]);
    assert.match((await gateway.said('advertise-yielded')).text, /dnsmasq/);
  });

  it('R-03 go on where somebody on the link forges one with this address, and say so', async (t) => {
    const net = await lanNet(netnsForTest(t));
    // Whoever listens to ICMPv6 on the router, as many do, sends nothing and is no reason to keep silent.
    await net.gateway.start(['python3', '-c', LISTENER]);
    const gateway = await startLan(net, { advertise: [OFTEN] });
    await gateway.said('advertising');
    const own = /inet6 (fe80\S+)\/64/.exec(await net.gateway.run(['ip', '-6', 'address', 'show', 'dev', LAN]))?.[1];
    await net.host.run(['/usr/bin/python3', '-c', FORGER, HOST, own ?? '']);
    assert.match((await gateway.said('advertise-forged')).text, /somebody on lan0 sends .* with this router's address/);
    const [link] = (await gateway.report<Reports>()).advertise;
    assert.equal(link?.state, 'advertising');
    assert.match(link?.trouble ?? '', /with this router's address \(1 so far\)/);
    const sent = link?.sent ?? 0;
    await waitFor(
      'the next one',
      async () => ((await gateway.report<Reports>()).advertise[0]?.sent ?? 0) > sent,
      PATIENCE_MS,
    );
    assert.equal(gateway.has('advertise-yielded'), false);
  });

  it('R-03 say what another router of the link advertises otherwise', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { advertise: [OFTEN] });
    await gateway.said('advertising');
    const config = `${net.set.directory}/other.conf`;
    writeFileSync(
      config,
      `interface ${HOST} { AdvSendAdvert on; AdvManagedFlag on; AdvLinkMTU 1300; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; };\n`,
    );
    await net.host.sysctl('net/ipv6/conf/all/forwarding', '1');
    await net.host.start(['radvd', '-n', '-C', config, '-p', `${net.set.directory}/other.pid`]);
    assert.match((await gateway.said('advertise-differs')).text, /the flag M, MTU/);
    const [link] = (await gateway.report<Reports>()).advertise;
    assert.deepEqual(
      link?.others.map((o) => o.differs),
      [['the flag M', 'MTU']],
    );
    assert.equal(link?.state, 'advertising');
  });
});
