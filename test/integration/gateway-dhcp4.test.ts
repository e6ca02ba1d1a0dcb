// DHCPv4 with option 108 by a real dnsmasq, asked by a client of our own that says what it wants.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Dhcp4Report } from '../../src/gateway/dhcp4.ts';
import { askDhcp } from '../support/dhcp-probe.ts';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { HOST, LAN, type LanNet, lanNet, startLan } from './gateway-lan-net.ts';

const DHCP4 = { link: LAN, range: null, leaseSeconds: 3600, v6OnlyWaitSeconds: 1800, isResolver: true };
const [MASK, ROUTER, RESOLVER, LEASE_TIME, V6_ONLY] = [1, 3, 6, 51, 108];

/** Processes of dnsmasq in the gateway's namespace. */
async function engines(net: LanNet): Promise<string[]> {
  const pids = (await net.gateway.run(['ip', 'netns', 'pids', net.gateway.name])).split('\n').filter(Boolean);
  return pids.filter(
    (pid) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dnsmasq',
  );
}

describe('DHCPv4 on the LAN', () => {
  it('O-01 a client that asks for option 108 gets it, one that does not gets a normal lease alone', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { dhcp4: DHCP4 });
    await gateway.said('dhcp-said');
    for (const answer of await askDhcp(net.host, { device: HOST, asks: [MASK, ROUTER, RESOLVER, V6_ONLY] })) {
      assert.match(answer.address, /^192\.168\.2\.(12[89]|1[3-9]\d|2\d\d)$/);
      assert.equal(answer.options[V6_ONLY], '00000708');
    }
    for (const answer of await askDhcp(net.host, { device: HOST, asks: [MASK, ROUTER, RESOLVER] })) {
      assert.equal(answer.options[V6_ONLY], undefined);
      assert.deepEqual(
        [MASK, ROUTER, RESOLVER, LEASE_TIME].map((option) => answer.options[option]),
        ['ffffff00', 'c0a80201', 'c0a80201', '00000e10'],
      );
    }
    const { dhcp4 } = await gateway.report<{ readonly dhcp4: Dhcp4Report }>();
    assert.deepEqual([dhcp4.state, dhcp4.leases, dhcp4.range], ['running', 1, '192.168.2.128-192.168.2.254']);
  });

  it('O-01 a client without a list of what it wants, which gets everything else, does not get option 108', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { dhcp4: DHCP4 });
    await gateway.said('dhcp-said');
    const [offer] = await askDhcp(net.host, { device: HOST, asks: null });
    assert.equal(offer.options[ROUTER], 'c0a80201');
    assert.equal(offer.options[V6_ONLY], undefined);
  });

  it('O-01 goes over to other settings, and comes back after its engine was killed', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { dhcp4: DHCP4 });
    await gateway.said('dhcp-said');
    const range = { first: 0xc0a8020a, last: 0xc0a8020b };
    await gateway.change({ dhcp4: { ...DHCP4, range, v6OnlyWaitSeconds: 300 } });
    const [pid] = await engines(net);
    process.kill(Number(pid), 'SIGKILL');
    assert.match((await gateway.said('dhcp-trouble')).text, /ended \(SIGKILL: .*\); starting it again/);
    await waitFor('another engine', async () => (await engines(net)).length > 0);
    const [offer] = await askDhcp(net.host, { device: HOST, asks: [V6_ONLY] });
    assert.match(offer.address, /^192\.168\.2\.1[01]$/);
    assert.equal(offer.options[V6_ONLY], '0000012c');
  });

  it('O-01 follows the interface to another network', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { dhcp4: DHCP4 });
    await gateway.said('dhcp-said');
    await net.gateway.ip(`addr del 192.168.2.1/24 dev ${LAN}`, `addr add 192.168.3.1/25 dev ${LAN}`);
    await waitFor('the other range', async () => {
      const { dhcp4 } = await gateway.report<{ readonly dhcp4: Dhcp4Report }>();
      return dhcp4.state === 'running' && dhcp4.range === '192.168.3.64-192.168.3.126';
    });
    const [offer] = await askDhcp(net.host, { device: HOST, asks: [MASK] });
    assert.match(offer.address, /^192\.168\.3\./);
  });

  it('O-01 runs with few rights, and its engine ends with a gateway that is killed', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const gateway = await startLan(net, { dhcp4: DHCP4 });
    await gateway.said('dhcp-said');
    const [pid] = await engines(net);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^Uid:\s65534\s/m);
    assert.match(status, /^CapEff:\s0000000000003400$/m);
    await gateway.running.stop('SIGKILL');
    await waitFor('the end of the engine', async () => (await engines(net)).length === 0);
  });

  it('O-01 says what is wrong where another DHCP server runs, or the interface has no IPv4', async (t) => {
    const net = await lanNet(netnsForTest(t));
    const options = [
      '-k',
      '-C',
      '/dev/null',
      '--port=0',
      '--pid-file',
      '--user=root',
      '--dhcp-range=192.168.2.10,192.168.2.20',
    ];
    const other = await net.gateway.start(['dnsmasq', ...options, '--log-facility=-', '--dhcp-leasefile=/dev/null']);
    await waitFor('the other server', () => other.output().includes('started'));
    const taken = await startLan(net, { dhcp4: DHCP4 });
    assert.match((await taken.said('test-failed')).text, /dnsmasq ended.*in use/);
    await net.gateway.ip(`addr del 192.168.2.1/24 dev ${LAN}`);
    const bare = await startLan(net, { dhcp4: DHCP4 });
    assert.match((await bare.said('test-failed')).text, /lan0 has no IPv4 address/);
  });
});
