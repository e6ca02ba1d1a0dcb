// The gateway's configuration: what a short file means, what each key does, and every error with its place.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { formatIpv4, formatPrefix6 } from '../../src/config/addresses.ts';
import { exampleFile } from '../../src/config/example.ts';
import type { GatewayConfig } from '../../src/config/gateway.ts';
import { loadRole, parseConfig } from '../../src/config/load.ts';
import { DEFAULT_ADVERTISE } from '../../src/core/advertise/settings.ts';
import { DEFAULT_DNS64 } from '../../src/core/dns64/settings.ts';
import { DEFAULT_NAT64 } from '../../src/core/nat64/settings.ts';
import { DEFAULT_SETTINGS, WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';
import { scratch } from '../support/control.ts';

const text = (...lines: string[]): string => ['role: gateway', 'lan: [eth1]', ...lines].join('\n');

function gateway(...lines: string[]): GatewayConfig {
  const config = parseConfig(text(...lines), '/etc/xlat464/a.yaml');
  assert.equal(config.role, 'gateway');
  return config as GatewayConfig;
}

function nat64(...lines: string[]): NonNullable<GatewayConfig['nat64']> {
  const { nat64: found } = gateway('nat64:', ...lines.map((line) => `  ${line}`));
  assert.ok(found !== null);
  return found;
}

describe('a gateway of two lines', () => {
  it('is an IPv6-mostly network: NAT64 with the well-known prefix, DNS64, router advertisements with all of it', () => {
    const config = gateway();
    assert.equal(config.wan, null);
    assert.deepEqual(config.prefixes, [WELL_KNOWN_PREFIX]);
    assert.deepEqual(config.nat64?.pool, { kind: 'masquerade', range: null });
    assert.deepEqual(config.dns64?.prefixes, [WELL_KNOWN_PREFIX]);
    assert.deepEqual([config.dns64?.listen, config.dns64?.forwarders, config.dns64?.clients], [null, null, null]);
    const [said, ...others] = config.advertise;
    assert.deepEqual(others, []);
    assert.equal(said?.link, 'eth1');
    assert.equal(said.prefixes, 'auto');
    assert.deepEqual(said.pref64, [{ prefix: WELL_KNOWN_PREFIX, lifetimeSeconds: null }]);
    assert.deepEqual(said.dnsServers, ['self']);
    assert.deepEqual(
      [config.dhcp4, config.nat66, config.npt, config.nat44, config.metrics],
      [null, [], [], false, null],
    );
    assert.deepEqual(config.warnings, []);
  });

  it('has the defaults of each part', () => {
    const { nat64: plat, dns64, advertise } = gateway();
    const { pool: _, ...defaults } = { pool: [], ...DEFAULT_NAT64 };
    assert.deepEqual(plat?.nat64, defaults);
    const { prefix, mappings, dynamicPool, ownIpv4, ownIpv6, dynamicLeaseMs, ...switches } = plat.translator;
    assert.equal(plat.hasAutoIpv4, true);
    assert.equal(formatIpv4(ownIpv4), '192.0.0.8');
    assert.ok(ownIpv6 !== null && prefix !== null && mappings.length + dynamicPool.length + dynamicLeaseMs === 0);
    for (const [key, value] of Object.entries(switches)) {
      assert.deepEqual(value, DEFAULT_SETTINGS[key as keyof typeof switches], key);
    }
    for (const [key, value] of Object.entries(DEFAULT_DNS64)) {
      assert.deepEqual(dns64?.[key as keyof typeof DEFAULT_DNS64], value, key);
    }
    for (const [key, value] of Object.entries(DEFAULT_ADVERTISE)) {
      assert.deepEqual(advertise[0]?.[key as keyof typeof DEFAULT_ADVERTISE], value, key);
    }
  });

  it('is what `config init` writes, also with every key switched on', () => {
    assert.deepEqual(parseConfig(exampleFile('gateway'), 'a.yaml'), gateway());
    const written = exampleFile('gateway').replaceAll(/^# ( *[a-z0-9-]+:( [^.]*)?)$/gm, '$1');
    assert.match(written, /^ {4}udp: 5min$/m);
    assert.deepEqual(parseConfig(written, 'a.yaml'), gateway());
  });

  it('is refused by the command of another role', () => {
    assert.throws(() => loadRole('/nonexistent', 'gateway'), /does not exist/);
  });
});

describe('the section nat64', () => {
  it('N-03 takes addresses and prefixes with protocols and ports', () => {
    const { pool } = nat64(
      'pool: [192.0.2.10 1024-65535, "198.51.100.0/28 tcp,udp 2000-2999", 203.0.113.1 icmp, 203.0.113.2]',
    );
    assert.ok(pool.kind === 'list');
    const all = ['tcp', 'udp', 'icmp'];
    assert.deepEqual(pool.entries, [
      { address: 0xc000020a, addresses: 1, protocols: all, ports: { first: 1024, last: 65535 } },
      { address: 0xc6336400, addresses: 16, protocols: ['tcp', 'udp'], ports: { first: 2000, last: 2999 } },
      { address: 0xcb007101, addresses: 1, protocols: ['icmp'], ports: null },
      { address: 0xcb007102, addresses: 1, protocols: all, ports: null },
    ]);
    assert.deepEqual(nat64('pool: shared').pool, { kind: 'shared' });
    assert.deepEqual(nat64('masquerade-range: 100.64.0.0/24').pool, {
      kind: 'masquerade',
      range: { address: 0x64400000, length: 24 },
    });
  });

  it('N-09 takes static bindings of the three protocols', () => {
    const { nat64: settings } = nat64(
      'pool: [192.0.2.10]',
      'static: ["tcp 192.0.2.10:8080 [2001:db8::5]:80", "icmp 192.0.2.10:7 [2001:db8::5]:7"]',
    );
    const ipv6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5);
    assert.deepEqual(settings.staticBindings, [
      { protocol: 'tcp', ipv4: 0xc000020a, port4: 8080, ipv6, port6: 80 },
      { protocol: 'icmp', ipv4: 0xc000020a, port4: 7, ipv6, port6: 7 },
    ]);
  });

  it('N-02, N-04, N-10, N-11 takes filtering, timers, limits and the mapping log', () => {
    const config = nat64(
      'filtering: address-dependent\n  answer-unsolicited: true\n  when-full: drop',
      'timers: {udp: 10min, tcp-established: 3h, tcp-transitory: 5min, tcp-incoming-syn: 8s, icmp: 2min, fragments: 3s}',
      'limits: {sessions: 9, sessions-per-host: 8, sessions-per-network: 7, network-length: 56,',
      '  new-sessions-per-second: 6, fragment-memory: 5MiB, fragment-memory-per-host: 4KiB, held-syns: 3}',
      'mapping-log: port-block\n  port-block: 64\n  mapping-log-file: log/mappings\n  save-file: bindings.json',
      'clients: [2001:db8::/32]\n  serve-outside: true',
    );
    const { timers, limits, ...settings } = config.nat64;
    assert.deepEqual(timers, {
      udpMs: 600_000,
      tcpEstablishedMs: 10_800_000,
      tcpTransitoryMs: 300_000,
      tcpIncomingSynMs: 8000,
      icmpMs: 120_000,
      fragmentMs: 3000,
    });
    assert.deepEqual(limits, {
      sessions: 9,
      sessionsPerHost: 8,
      sessionsPerNetwork: 7,
      networkLength: 56,
      newSessionsPerSecondPerHost: 6,
      fragmentBytes: 5 * 1024 * 1024,
      fragmentBytesPerHost: 4096,
      heldSyns: 3,
    });
    assert.deepEqual(
      { ...settings, clients: settings.clients.map(formatPrefix6) },
      {
        staticBindings: [],
        filtering: 'address-dependent',
        answersUnsolicited: true,
        whenFull: 'drop',
        clients: ['2001:db8::/32'],
        mappingLog: 'port-block',
        portBlock: 64,
      },
    );
    assert.equal(config.servesOutside, true);
    assert.deepEqual(
      [config.mappingLogFile, config.saveFile],
      ['/etc/xlat464/log/mappings', '/etc/xlat464/bindings.json'],
    );
  });

  it('takes the switches of the translator', () => {
    const { translator, hasAutoIpv4, tun } = nat64(
      'prefix: 2001:db8:64::/96\n  own-ipv4: 192.0.2.1\n  ipv4-mtu: 1400\n  udp-zero-checksum: drop',
      'tun: plat0\n  offload: false\n  coalesce: false',
    );
    assert.deepEqual([translator.ownIpv4, hasAutoIpv4, translator.ipv4Mtu], [0xc0000201, false, 1400]);
    assert.equal(translator.udpZeroChecksum, 'drop');
    assert.deepEqual(tun, { name: 'plat0', offload: false, coalesce: false });
  });
});

describe('the section dns64', () => {
  it('S-09 takes every option', () => {
    const { dns64 } = gateway(
      'dns64:',
      '  listen: [192.0.2.1, "192.0.2.1:5353", 2001:db8::1, "[2001:db8::1]:5353", "fe80::1%eth1", "[fe80::1%eth1]:54"]',
      '  forwarders: [192.0.2.53, "tls://192.0.2.54#DNS.example", "tls://[2001:db8::53]:8853#dns.example", "[2001:db8::54]"]',
      '  prefixes: [64:ff9b::/96, 2001:db8:64::/64]',
      '  clients: [10.0.0.0/8, 2001:db8::/32]',
      '  exclude-aaaa: [2001:db8:bad::/48]\n  exclude-a: [10.0.0.0/8]\n  only-a: [192.0.2.0/24]',
      '  allow-non-global: true\n  synthesize-always: true\n  ignore-aaaa: [Example.ORG., .]\n  reverse: lookup',
      '  cache: {memory: 1MiB, min-ttl: 5s, max-ttl: 1h, max-negative-ttl: 1min, serve-stale: 1d}',
      '  max-outstanding: 20\n  max-outstanding-per-client: 10\n  timeout: 2s\n  max-tcp-connections: 5\n  tcp-idle: 3s',
      '  log-queries: true',
    );
    assert.deepEqual(
      dns64?.listen?.map(({ address, port }) => `${address} ${port}`),
      ['192.0.2.1 53', '192.0.2.1 5353', '2001:db8::1 53', '2001:db8::1 5353', 'fe80::1%eth1 53', 'fe80::1%eth1 54'],
    );
    assert.deepEqual(dns64?.forwarders, [
      { address: '192.0.2.53', port: 53, tlsName: null },
      { address: '192.0.2.54', port: 853, tlsName: 'dns.example' },
      { address: '2001:db8::53', port: 8853, tlsName: 'dns.example' },
      { address: '2001:db8::54', port: 53, tlsName: null },
    ]);
    assert.deepEqual(dns64?.prefixes.map(formatPrefix6), ['64:ff9b::/96', '2001:db8:64::/64']);
    assert.deepEqual(dns64?.ignoreAaaa, ['example.org', '']);
    const { clients, excludeAaaa, excludeA, onlyA, prefixes: _, listen: __, forwarders: ___, ...rest } = dns64;
    assert.deepEqual([clients?.length, excludeAaaa.length, excludeA.length, onlyA.length], [2, 1, 1, 1]);
    assert.deepEqual(rest, {
      tlsCa: null,
      allowNonGlobal: true,
      synthesizeAlways: true,
      ignoreAaaa: ['example.org', ''],
      reverse: 'lookup',
      cache: {
        maxBytes: 1024 ** 2,
        minTtlSeconds: 5,
        maxTtlSeconds: 3600,
        maxNegativeTtlSeconds: 60,
        serveStaleSeconds: 86_400,
      },
      maxOutstanding: 20,
      maxOutstandingPerClient: 10,
      timeoutMs: 2000,
      maxTcpConnections: 5,
      tcpIdleMs: 3000,
      logQueries: true,
    });
  });

  it('S-09 reads the certificates of tls-ca, and nothing else of that file', (t) => {
    const file = join(scratch(t), 'ca.pem');
    const [first = '', second = ''] = rootCertificates;
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const dns64 = ['dns64:', '  forwarders: ["tls://192.0.2.53#dns.example"]', `  tls-ca: ${file}`];
    writeFileSync(file, `${first}\n${key}about the second\n${second}\n`);
    assert.equal(gateway(...dns64).dns64?.tlsCa, `${first}\n${second}\n`);
    writeFileSync(file, `${first}\n${second.replace(/\n.*\n/, '\n')}\n`);
    assert.throws(() => gateway(...dns64), /tls-ca: .*whose certificate 2 cannot be read/);
  });

  it('A-03 lets private addresses through where nat64 does', () => {
    assert.equal(gateway('nat64: {allow-non-global: true}').dns64?.allowNonGlobal, true);
    assert.equal(
      gateway('nat64: {allow-non-global: true}', 'dns64: {allow-non-global: false}').dns64?.allowNonGlobal,
      false,
    );
  });

  it('serves a NAT64 elsewhere', () => {
    const config = gateway('nat64: none', 'dns64: {prefixes: [2001:db8:64::/96]}');
    assert.equal(config.nat64, null);
    assert.deepEqual(
      config.advertise[0]?.pref64.map(({ prefix }) => formatPrefix6(prefix)),
      ['2001:db8:64::/96'],
    );
  });
});

describe('the section advertise', () => {
  it('R-01 takes every option, and single interfaces differ in some', () => {
    const config = parseConfig(
      [
        'role: gateway\nlan: [eth1, eth2, eth3]',
        'advertise:',
        '  prefixes: [{prefix: 2001:db8:1::/64, on-link: false, autonomous: false, valid: infinite, preferred: 1h}]',
        '  pref64: [{prefix: 64:ff9b::/96, lifetime: 30min}]',
        '  dns: [self, 2001:db8::53]\n  search: [example.org]\n  mtu: 1400\n  router-lifetime: none\n  preference: high',
        '  hop-limit: 32\n  managed: true\n  other-configuration: true\n  min-interval: 10s\n  max-interval: 20s',
        '  interfaces: [{name: eth2, prefixes: auto, dns: [], max-interval: 30s}, {name: eth3, enabled: false}]',
      ].join('\n'),
      'a.yaml',
    ) as GatewayConfig;
    const [first, second, ...others] = config.advertise;
    assert.deepEqual(others, []);
    assert.ok(first !== undefined && first.prefixes !== 'auto');
    assert.deepEqual(
      { ...first.prefixes[0], prefix: '' },
      {
        prefix: '',
        isOnLink: false,
        isAutonomous: false,
        validSeconds: 0xffffffff,
        preferredSeconds: 3600,
      },
    );
    const { prefixes: _, pref64, dnsServers, ...rest } = first;
    assert.deepEqual([pref64[0]?.lifetimeSeconds, dnsServers[0], dnsServers.length], [1800, 'self', 2]);
    assert.deepEqual(rest, {
      link: 'eth1',
      dnsSearch: ['example.org'],
      mtuBytes: 1400,
      routerLifetimeSeconds: 0,
      preference: 'high',
      hopLimit: 32,
      isManaged: true,
      hasOtherConfiguration: true,
      minIntervalSeconds: 10,
      maxIntervalSeconds: 20,
    });
    assert.deepEqual(
      { ...second, prefixes: first.prefixes, dnsServers },
      { ...first, link: 'eth2', maxIntervalSeconds: 30 },
    );
    assert.deepEqual([second?.prefixes, second?.dnsServers], ['auto', []]);
  });

  it('R-02 has a least interval that follows the greatest one', () => {
    const least = (most: string): number | undefined =>
      gateway(`advertise: {max-interval: ${most}}`).advertise[0]?.minIntervalSeconds;
    assert.deepEqual([least('10min'), least('30s'), least('4s')], [200, 10, 3]);
  });

  it('names a resolver only where DNS64 runs', () => {
    assert.deepEqual(gateway('dns64: none').advertise[0]?.dnsServers, []);
    assert.deepEqual(gateway('advertise: none').advertise, []);
  });
});

describe('the other sections', () => {
  it('O-01, O-02, O-03 takes DHCPv4, NAT66, NPTv6, NAT44 and metrics', () => {
    const config = gateway(
      'wan: [eth0]',
      'dhcp4: {range: 192.0.2.100-192.0.2.199, lease-time: 2h, option-108: 10min}',
      'nat66: [{source: 2001:db8::/32}]',
      'npt: [{inside: fd00:1::/48, outside: 2001:db8:1::/48, out: eth0}]',
      'nat44: true',
      'metrics: {}',
    );
    assert.deepEqual(config.dhcp4, {
      link: 'eth1',
      range: { first: 0xc0000264, last: 0xc00002c7 },
      leaseSeconds: 7200,
      v6OnlyWaitSeconds: 600,
      isResolver: true,
    });
    assert.deepEqual(
      config.nat66.map(({ source, out }) => [formatPrefix6(source), out]),
      [['2001:db8::/32', null]],
    );
    assert.deepEqual(
      config.npt.map(({ out }) => out),
      ['eth0'],
    );
    assert.deepEqual([config.nat44, config.metrics], [true, { address: '::1', port: 9464 }]);
    assert.equal(gateway('dhcp4: {option-108: none}').dhcp4?.v6OnlyWaitSeconds, null);
  });
});

describe('a gateway configuration warns', () => {
  const cases: readonly (readonly [what: string, lines: string[], said: RegExp])[] = [
    [
      'A-03 of a private IPv4 side behind the well-known prefix',
      ['nat64: {pool: [192.168.1.2]}'],
      /is private \(192\.168\.1\.2\).*allow-non-global: true/,
    ],
    [
      'O-04 of a NAT64 open to the world',
      ['nat64: {serve-outside: true}'],
      /everyone who reaches this router can use its NAT64/,
    ],
    [
      'N-09 of bindings that the masquerade hides',
      ['nat64: {static: ["tcp 192.0.2.1:80 [2001:db8::5]:80"]}'],
      /hides the pool/,
    ],
    ['of own addresses that are none', ['nat64: {own-ipv4: none}'], /no ICMPv4 errors are sent/],
    [
      'R-01 of a prefix that hosts take no addresses from',
      ['advertise: {prefixes: [{prefix: "2001:db8::/48"}]}'],
      /2001:db8::\/48 on eth1 is no \/64/,
    ],
    [
      'of DNS64 with a prefix that nobody here translates',
      ['dns64: {prefixes: [2001:db8:64::/96]}'],
      /2001:db8:64::\/96, which this gateway's NAT64 does not/,
    ],
  ];
  for (const [what, lines, said] of cases) {
    it(what, () => {
      const { warnings } = gateway(...lines);
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] ?? '', said);
    });
  }
  it('A-03 no longer where the switch is on, or the prefix is another one', () => {
    assert.deepEqual(gateway('nat64: {pool: [192.168.1.2], allow-non-global: true}').warnings, []);
    assert.deepEqual(gateway('nat64: {pool: [192.168.1.2], prefix: "2001:db8:64::/96"}').warnings, []);
  });
});
