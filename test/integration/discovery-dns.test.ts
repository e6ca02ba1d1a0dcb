// RFC 7050 against real servers: unbound with DNS64 for each prefix length, and one that lies in every way.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InterfaceReport, ResolverReport } from '../../src/contract/discovery.ts';
import { type Lie, startLiars } from '../support/dns-liar.ts';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import { startRouter } from '../support/ra-sender.ts';
import { dns64Resolver, IPV4ONLY_RECORDS, startUnbound } from '../support/unbound.ts';
import {
  type DiscoveryNet,
  discover,
  discovered,
  discoveryNet,
  LAN,
  UPLINK,
  WITHOUT_NET_RAW,
} from './discovery-net.ts';

const address = (i: number): string => `2001:db8:1::${i}`;

/** One prefix of each length; the resolver at `address(i + 1)` synthesises with the i-th. */
const SIX = [
  '64:ff9b::/96',
  '2001:db8:0:64::/64',
  '2001:db8:0:a00::/56',
  '2001:db8:64::/48',
  '2001:db8:100::/40',
  '2001:db8::/32',
];

async function hasSockets(ns: Netns, count: number): Promise<void> {
  await waitFor(`${count} DNS servers`, async () => {
    const sockets = await ns.run(['ss', '-Hlun', '( sport = :53 or sport = :5300 )']);
    return sockets.split('\n').filter(Boolean).length >= count;
  });
}

/** A router that names the first `count` addresses as resolvers. */
async function nameResolvers(net: DiscoveryNet, count: number): Promise<void> {
  const rdnss = Array.from({ length: count }, (_, i) => address(i + 1));
  const router = await startRouter(net.router, { device: LAN, rdnss });
  await waitFor('the router', () => router.output().includes('answering'));
}

const byResolver = (report: InterfaceReport, i: number): ResolverReport => {
  const found = report.resolvers.find((r) => r.resolver === address(i));
  assert.ok(found !== undefined, `${address(i)} was not asked`);
  return found;
};

describe('discovery by RFC 7050', () => {
  it('D-06 finds the prefix of unbound for each of the six lengths', async (t) => {
    const net = await discoveryNet(netnsForTest(t), SIX.length);
    await startUnbound(net.router, net.set.directory, 'backend', IPV4ONLY_RECORDS);
    for (const [i, prefix] of SIX.entries()) {
      await startUnbound(net.router, net.set.directory, `front${i}`, dns64Resolver(address(i + 1), prefix));
    }
    await hasSockets(net.router, SIX.length + 1);
    await nameResolvers(net, SIX.length);
    const report = await discovered(net);
    for (const [i, prefix] of SIX.entries()) {
      const { state, prefixes, secondsLeft } = byResolver(report, i + 1);
      assert.deepEqual([state, prefixes], ['prefixes', [prefix]]);
      assert.ok(secondsLeft !== null && secondsLeft > 200 && secondsLeft <= 300, `${secondsLeft}`);
    }
    assert.equal(report.chosen?.source, 'dns');
  });

  it('D-06 believes no forged, cut or hijacked answer, and the right one after them', async (t) => {
    const lies: readonly Lie[] = [
      'spoofed',
      'only-spoofed',
      'nxdomain',
      'empty',
      'servfail',
      'hijack',
      'truncated',
      'huge',
    ];
    const net = await discoveryNet(netnsForTest(t), lies.length);
    await startLiars(net.router, Object.fromEntries(lies.map((lie, i) => [address(i + 1), lie])));
    await nameResolvers(net, lies.length);
    const report = await discovered(net);
    const said = (lie: Lie): string => {
      const { state, prefixes, why } = byResolver(report, lies.indexOf(lie) + 1);
      return state === 'prefixes' ? prefixes.join() : `${state}: ${why}`;
    };
    assert.equal(said('spoofed'), '2001:db8:64::/96');
    assert.equal(said('only-spoofed'), 'failed: no answer');
    assert.equal(said('nxdomain'), 'no-nat64: NXDOMAIN');
    assert.equal(said('empty'), 'no-nat64: no AAAA record');
    assert.equal(said('servfail'), 'failed: SERVFAIL');
    assert.match(said('hijack'), /^no-nat64: AAAA records without 192\.0\.0\.170/);
    assert.equal(said('truncated'), '2001:db8:64::/96', 'over TCP');
    assert.equal(said('huge'), '2001:db8:64::/96', 'over TCP, among sixty others');
    assert.deepEqual([report.chosen?.prefix, report.chosen?.source], ['2001:db8:64::/96', 'dns']);
  });

  it('D-06 silence and nonsense over TCP are failures', async (t) => {
    const net = await discoveryNet(netnsForTest(t), 2);
    await startLiars(net.router, { [address(1)]: 'silent', [address(2)]: 'truncated-garbage' });
    await nameResolvers(net, 2);
    const report = await discovered(net);
    assert.deepEqual([byResolver(report, 1).why, byResolver(report, 2).why], ['no answer', 'nonsense over TCP']);
  });

  it('D-06 asks the resolvers of resolv.conf that this link leads to, and never one on a loopback address', async (t) => {
    const net = await discoveryNet(netnsForTest(t), 2);
    await startLiars(net.router, { [address(1)]: 'good', [address(2)]: 'good' });
    const conf = `nameserver ${address(1)}\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.53\nnameserver fe80::53%other\n`;
    const report = await discovered(net, ['--timeout', '4'], conf);
    assert.deepEqual(
      report.resolvers.map((r) => [r.resolver, r.from]),
      [[address(1), 'resolv.conf']],
    );
    assert.equal(report.chosen?.prefix, '2001:db8:64::/96');
    await nameResolvers(net, 2);
    const named = await discovered(net, [], conf);
    assert.deepEqual(
      named.resolvers.map((r) => r.from),
      ['ra', 'ra'],
      'what the router names comes first',
    );
  });

  it('D-06 finds the DNS64 that only resolv.conf names beside a resolver of the router that has none, and one that is dead', async (t) => {
    const net = await discoveryNet(netnsForTest(t), 3);
    await startLiars(net.router, { [address(1)]: 'nxdomain', [address(2)]: 'silent', [address(3)]: 'good' });
    await nameResolvers(net, 2);
    const report = await discovered(net, [], `nameserver ${address(3)}\n`);
    assert.deepEqual(
      [1, 2, 3].map((i) => [byResolver(report, i).from, byResolver(report, i).state]),
      [
        ['ra', 'no-nat64'],
        ['ra', 'failed'],
        ['resolv.conf', 'prefixes'],
      ],
    );
    assert.deepEqual([report.chosen?.prefix, report.chosen?.origin], ['2001:db8:64::/96', address(3)]);
  });

  for (const [lie, how] of [
    ['good', 'over UDP'],
    ['truncated', 'over TCP'],
  ] as const) {
    it(`D-06 a question ${how} leaves by its link, whatever the routing table says`, async (t) => {
      const net = await discoveryNet(netnsForTest(t), 1);
      await startLiars(net.router, { [address(1)]: lie });
      // A VPN that takes every packet, more specific than the link's own prefix.
      await net.host.ip(
        'link add vpn0 type veth peer name vpn1',
        'link set vpn1 up',
        'link set vpn0 up',
        `route add ${address(1)}/128 dev vpn0`,
      );
      await net.host.ip(`route add ${address(1)}/128 dev ${UPLINK} metric 4096`);
      await nameResolvers(net, 1);
      const report = await discovered(net, ['--interface', UPLINK]);
      assert.deepEqual(byResolver(report, 1).prefixes, ['2001:db8:64::/96']);
    });
  }

  it('D-07 shows both sources, and takes the router over the resolver', async (t) => {
    const net = await discoveryNet(netnsForTest(t), 1);
    await startLiars(net.router, { [address(1)]: 'good' });
    const pref64 = [{ prefix: '64:ff9b::/96', lifetimeSeconds: 600 }];
    const router = await startRouter(net.router, { device: LAN, rdnss: [address(1)], pref64 });
    await waitFor('the router', () => router.output().includes('answering'));
    const report = await discovered(net);
    assert.deepEqual(byResolver(report, 1).prefixes, ['2001:db8:64::/96']);
    assert.deepEqual([report.chosen?.prefix, report.chosen?.source, report.reason], ['64:ff9b::/96', 'ra', 'only']);
    const { stdout } = await discover(net, []);
    assert.match(
      stdout,
      /announced by[\s\S]*router[\s\S]*resolver[\s\S]*named by a router\n +2001:db8:64::\/96, \d+ min/,
    );
  });

  it('D-06 without CAP_NET_RAW the resolvers are asked all the same', async (t) => {
    const net = await discoveryNet(netnsForTest(t), 1);
    await startLiars(net.router, { [address(1)]: 'good' });
    const { code, stdout } = await discover(net, [], `nameserver ${address(1)}\n`, WITHOUT_NET_RAW);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /PREF64 {4}2001:db8:64::\/96 shown by 2001:db8:1::1/);
    assert.match(stdout, /cannot be heard without CAP_NET_RAW/);
  });
});
