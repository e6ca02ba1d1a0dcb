// core/gateway-host: the nftables table and the changes that a gateway wants; journal lines about them; DHCP snippets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GatewayHostConfig } from '../../src/core/gateway-host/config.ts';
import { type Dhcp4Plan, dhcpSnippet, dnsmasqOptions, planDhcp4 } from '../../src/core/gateway-host/dhcp4.ts';
import { findForeignNat } from '../../src/core/gateway-host/foreign-nat.ts';
import { gatewayRuleset } from '../../src/core/gateway-host/ruleset.ts';
import { tunRoutes, wantedGatewayChanges } from '../../src/core/gateway-host/wanted.ts';
import { changeKey, describeChange } from '../../src/core/host/change.ts';
import type { HostFacts } from '../../src/core/host/host-config.ts';
import { planWish } from '../../src/core/host/plan.ts';
import { changeOf } from '../../src/platform/journal-change.ts';
import { ip4, prefix4, prefix6 } from '../support/addresses.ts';

const TUN = { name: 'nat64', index: 9 };
const ICMP = { protocol: 'icmp', address: ip4('10.64.49.194'), addresses: 1, firstPort: 7, lastPort: 7 } as const;
const CONFIG: GatewayHostConfig = {
  tun: TUN,
  lan: ['lan0', 'lan1'],
  prefixes: [prefix6('64:ff9b::/96')],
  servesOutside: false,
  lanDns: [],
  nat66: [],
  nptv6: [],
  nat44: [],
  pool: { kind: 'masquerade', range: prefix4('10.64.46.0/28') },
};
const SHARED: GatewayHostConfig = {
  ...CONFIG,
  pool: {
    kind: 'shared',
    outside: ip4('203.0.113.1'),
    inside: ip4('10.64.49.194'),
    ranges: [{ ...ICMP, protocol: 'tcp', firstPort: 1024, lastPort: 2047 }, ICMP],
  },
};

const link = (name: string, index: number) => ({ name, index, mtuBytes: 1500, isUp: true, addresses: [] });
const FACTS: HostFacts = {
  links: [link('lan0', 2), link('lan1', 3), link('wan0', 4), link('nat64', 9)],
  routes: [],
  proxies: [],
  sysctls: new Map([
    ['net/ipv4/ip_forward', '0'],
    ['net/ipv4/ip_local_reserved_ports', '8080'],
    ['net/ipv4/conf/all/accept_redirects', '0'],
    ['net/ipv4/conf/lan1/forwarding', '1'],
    ['net/ipv4/conf/wan0/forwarding', '0'],
    ['net/ipv6/conf/all/forwarding', '0'],
    ...['lan0', 'lan1', 'wan0', 'nat64'].map((name) => [`net/ipv6/conf/${name}/accept_ra`, '1'] as const),
    ['net/ipv6/conf/default/accept_ra', '1'],
  ]),
  firewallTables: new Set(),
};

/** The rules of a chain, without indentation. */
const rulesOf = (config: GatewayHostConfig, chain: string): string[] => {
  const body = new RegExp(`chain ${chain} \\{\\n([\\s\\S]*?)\\n {2}\\}`).exec(gatewayRuleset(config))?.[1] ?? '';
  return body
    .split('\n')
    .map((line) => line.trim())
    .slice(1);
};

describe('the table of a gateway', () => {
  it('O-04 lets the DNS64 be asked from the LAN and by the router alone, where it answers the LAN', () => {
    const lanDns = ['2001:db8:2000::1', 'fe80::1%lan0', '192.168.2.1', '::', '0.0.0.0'].map((address) => ({
      address,
      port: 53,
    }));
    const rules = rulesOf({ ...CONFIG, lanDns }, 'dns').map((rule) => rule.replace(/ comment .*/, ''));
    const rest = 'meta l4proto { tcp, udp } th dport 53 iifname != { "lan0", "lan1", "lo" } counter drop';
    assert.deepEqual(
      rules,
      [
        'ip6 daddr 2001:db8:2000::1',
        'ip6 daddr fe80::1',
        'ip daddr 192.168.2.1',
        'meta nfproto ipv6',
        'meta nfproto ipv4',
      ].map((match) => `${match} ${rest}`),
    );
    assert.doesNotMatch(gatewayRuleset(CONFIG), /dport 53/);
  });

  it('O-04 lets the NAT64 be used from the LAN and by itself, and nobody else speak for it', () => {
    assert.deepEqual(
      rulesOf(CONFIG, 'guard').map((rule) => rule.replace(/ comment .*/, '')),
      [
        'ip6 daddr { 64:ff9b::/96 } iifname != { "lan0", "lan1", "nat64" } counter drop',
        'ip6 saddr { 64:ff9b::/96 } iifname != "nat64" counter drop',
        'ip daddr 10.64.46.0/28 oifname "nat64" ct state new ct status & dnat != dnat counter drop',
      ],
    );
    assert.equal(rulesOf({ ...CONFIG, servesOutside: true }, 'guard').length, 2);
    assert.doesNotMatch(gatewayRuleset({ ...CONFIG, prefixes: [], pool: { kind: 'routed', ranges: [] } }), /chain/);
  });

  it('O-02 replaces itself in one transaction', () => {
    assert.match(
      gatewayRuleset(CONFIG),
      /^table inet xlat464_gateway \{ \}\ndelete table inet xlat464_gateway\ntable inet/,
    );
  });

  it('O-02 a name cannot end the text that it stands in', () => {
    const text = gatewayRuleset({ ...CONFIG, lan: ['a" }\ndelete table inet x\\'], nat66: [] });
    assert.match(text, /\{ "a }delete table inet x", "nat64" \}/);
  });

  it('O-03 NAT44 beside a shared address has the longest stretch of ports that is left', () => {
    const nat44 = [{ source: prefix4('192.168.0.0/16'), out: 'wan0' }];
    assert.match(
      rulesOf({ ...SHARED, nat44 }, 'source_nat')[0] ?? '',
      /meta l4proto \{ tcp, udp \} counter masquerade to :2048-65535 /,
    );
    assert.match(rulesOf({ ...CONFIG, nat44 }, 'source_nat')[1] ?? '', /oifname "wan0" counter masquerade comment/);
  });

  it('N-03 steers only protocols that the pool has', () => {
    assert.doesNotMatch(rulesOf(SHARED, 'steer').join('\n'), /udp dport/);
    const steer = rulesOf(SHARED, 'steer');
    const own = steer.indexOf('iifname "lo" accept');
    const first = steer.findIndex((rule) => rule.includes('ip daddr 203.0.113.1'));
    assert.ok(own >= 0 && own < first, 'what the router sends to itself is delivered already');
    const icmp = rulesOf(SHARED, 'steer_icmp');
    assert.equal(icmp.length, 3, 'errors about TCP and about echo requests, and echo replies');
    assert.match(icmp.join('\n'), /@th,136,8 6 @th,224,16 \{ 1024-2047 \} counter @th,160,32 set 0x0a4031c2/);
  });
});

describe('the changes that a gateway wants', () => {
  it('O-04 begin with the table, and end with forwarding', () => {
    const changes = wantedGatewayChanges(SHARED, FACTS);
    assert.deepEqual(changes.map(describeChange), [
      'firewall table inet xlat464_gateway',
      'net/ipv4/ip_local_reserved_ports 8080 → 1024-2047,8080',
      'net/ipv6/conf/wan0/accept_ra 1 → 2',
      'net/ipv6/conf/default/accept_ra 1 → 2',
      'net/ipv6/conf/all/forwarding 0 → 1',
      'net/ipv4/ip_forward 0 → 1',
    ]);
    const last = changes.at(-1);
    assert.deepEqual(last?.kind === 'sysctl' && last.alsoWas, [
      ['net/ipv4/conf/lan1/forwarding', '1'],
      ['net/ipv4/conf/all/accept_redirects', '0'],
    ]);
  });

  it('O-02 another text of the table is made again and not undone; one of somebody else’s is a conflict', () => {
    const wish = (config: GatewayHostConfig) => (before: HostFacts) => wantedGatewayChanges(config, before);
    const applied = wantedGatewayChanges(CONFIG, FACTS).slice(0, 1);
    const present = { ...FACTS, firewallTables: new Set(['inet xlat464_gateway']) };
    const plan = planWish(applied, wish(SHARED), present);
    assert.deepEqual([plan.undo, plan.conflicts, plan.make[0]?.isApplied], [[], [], true]);
    assert.match(
      planWish([], wish(CONFIG), present).conflicts.join(),
      /already a firewall table "inet xlat464_gateway"/,
    );
    assert.deepEqual(planWish(applied, null, present).undo, applied);
  });

  it('O-02 are read back from the journal, and nothing else in their place', () => {
    for (const change of wantedGatewayChanges(SHARED, FACTS)) {
      const back = changeOf(JSON.parse(JSON.stringify(change)));
      assert.equal(back && changeKey(back), changeKey(change));
    }
    const reserved = { kind: 'sysctl', path: 'net/ipv4/ip_local_reserved_ports', link: null, value: '1-2', was: '' };
    assert.ok(changeOf(reserved));
    assert.equal(changeOf({ ...reserved, was: '1\n2' }), null);
    assert.equal(changeOf({ ...reserved, path: 'net/ipv4/ip_forward' }), null, 'a list of ports is no number');
    assert.equal(changeOf({ ...reserved, path: 'net/ipv4/tcp_mem' }), null);
    assert.equal(changeOf({ kind: 'table', link: { name: 'x', index: 1 }, ruleset: '' }), null);
    assert.equal(changeOf({ kind: 'table', link: null }), null);
  });

  it('N-03 come with routes for the prefixes and the pool', () => {
    assert.deepEqual(tunRoutes(CONFIG), ['64:ff9b::/96', '10.64.46.0/28']);
    assert.deepEqual(tunRoutes(SHARED), ['64:ff9b::/96', '10.64.49.194']);
    const ranges = [
      { ...ICMP, address: ip4('198.51.100.6'), addresses: 2 },
      { ...ICMP, address: ip4('198.51.100.7') },
    ];
    assert.deepEqual(tunRoutes({ prefixes: [], pool: { kind: 'routed', ranges } }), ['198.51.100.6', '198.51.100.7']);
  });
});

describe('address translation of others', () => {
  const rule = (family: string, table: string, ...expr: object[]) => ({ rule: { family, table, chain: 'c', expr } });
  const found = (...nftables: object[]): string[] => findForeignNat({ nftables });

  it('N-03 is found in nft’s own rules and in those of iptables, not in ours, not for IPv6', () => {
    const counter = { counter: { packets: 1, bytes: 1 } };
    assert.deepEqual(found(rule('ip', 'nat', counter, { masquerade: null }), rule('ip', 'nat', { snat: {} })), [
      'ip nat c',
    ]);
    assert.deepEqual(found(rule('inet', 'fw', { dnat: { addr: '192.0.2.1' } })), ['inet fw c']);
    assert.deepEqual(found(rule('ip', 'nat', { xt: { type: 'target', name: 'MASQUERADE' } })), ['ip nat c']);
    assert.deepEqual(found(rule('inet', 'xlat464_gateway', { masquerade: null })), []);
    assert.deepEqual(found(rule('ip6', 'nat', { masquerade: null }), rule('ip', 'filter', { accept: null })), []);
  });

  it('N-03 an answer of any other shape says nothing', () => {
    for (const answer of [null, [], {}, { nftables: 7 }, { nftables: [null, { rule: 5 }, { rule: { expr: [null] } }] }])
      assert.deepEqual(findForeignNat(answer), []);
  });
});

describe('DHCPv4 with option 108', () => {
  const SETTINGS = { link: 'lan0', range: null, leaseSeconds: 3600, v6OnlyWaitSeconds: 1800, isResolver: true };
  const own = { address: ip4('192.168.64.1'), length: 24 };
  const plan = planDhcp4(SETTINGS, own) as Dhcp4Plan;
  const range = (first: string, last: string) =>
    planDhcp4({ ...SETTINGS, range: { first: ip4(first), last: ip4(last) } }, own);

  it('O-01 lends the upper half of the network, or a range inside it', () => {
    assert.deepEqual([plan.first, plan.last], [ip4('192.168.64.128'), ip4('192.168.64.254')]);
    const small = planDhcp4(SETTINGS, { address: ip4('192.168.64.1'), length: 30 }) as Dhcp4Plan;
    assert.deepEqual([small.first, small.last], [ip4('192.168.64.2'), ip4('192.168.64.2')]);
    assert.ok('first' in range('192.168.64.10', '192.168.64.20'));
    for (const bad of [
      range('192.168.65.1', '192.168.65.9'),
      range('192.168.64.9', '192.168.64.255'),
      range('192.168.64.9', '192.168.64.8'),
    ])
      assert.match('refused' in bad ? bad.refused : '', /does not lie in the network of lan0, 192\.168\.64\.0\/24/);
    for (const none of [null, { ...own, length: 31 }, { ...own, length: 32 }])
      assert.ok('refused' in planDhcp4(SETTINGS, none));
  });

  it('O-01 the option is four bytes, for those that ask', () => {
    const options = dnsmasqOptions(plan);
    assert.ok(options.includes('dhcp-match=set:asks,55'));
    assert.ok(options.includes('dhcp-option=tag:asks,108,00:00:07:08'));
    assert.equal(
      dnsmasqOptions({ ...plan, v6OnlyWaitSeconds: null })
        .join()
        .includes('108'),
      false,
    );
    assert.ok(dnsmasqOptions({ ...plan, isResolver: false }).includes('dhcp-option=option:dns-server'));
  });

  it('O-01 the snippets say the same to dnsmasq, Kea and ISC', () => {
    const dnsmasq = dhcpSnippet('dnsmasq', plan);
    assert.match(
      dnsmasq,
      /^interface=lan0\ndhcp-authoritative\ndhcp-range=192\.168\.64\.128,192\.168\.64\.254,255\.255\.255\.0,3600\n/,
    );
    assert.doesNotMatch(dnsmasq, /port=0|bind-dynamic/);
    const kea = JSON.parse(dhcpSnippet('kea', plan)).Dhcp4;
    assert.equal(kea.subnet4[0].subnet, '192.168.64.0/24');
    assert.deepEqual(kea.subnet4[0]['option-data'].at(-1), { name: 'v6-only-preferred', data: '1800' });
    const isc = dhcpSnippet('isc', plan);
    assert.match(isc, /^option v6-only-preferred code 108 = unsigned integer 32;/);
    assert.match(isc, /if exists dhcp-parameter-request-list \{\n {4}option v6-only-preferred 1800;/);
    assert.doesNotMatch(dhcpSnippet('isc', { ...plan, v6OnlyWaitSeconds: null }), /v6-only/);
  });
});
