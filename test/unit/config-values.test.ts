// What good configurations become: defaults, every key, mappings files, routes of the interface, the client's options.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import { exampleFile, type FileRole, referenceTable } from '../../src/config/example.ts';
import { ConfigError, describeIssue } from '../../src/config/issues.ts';
import { loadConfig, loadRole, parseConfig } from '../../src/config/load.ts';
import { checkMappings } from '../../src/config/mapping-checks.ts';
import { parseMappings } from '../../src/config/mappings-file.ts';
import type { TranslatorConfig } from '../../src/config/translator.ts';
import { XlatError } from '../../src/contract/errors.ts';
import { DEFAULT_SETTINGS, WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';

function translator(...lines: string[]): TranslatorConfig {
  const config = parseConfig(['role: translator', ...lines].join('\n'), 'a.yaml');
  assert.equal(config.role, 'translator');
  return config as TranslatorConfig;
}

const routesOf = (...lines: string[]): string[] => translator(...lines).tun.routes.map(({ text }) => text);

describe('a translator configuration', () => {
  it('leaves every setting at its default that it does not name', () => {
    const { settings } = translator('prefix: 64:ff9b::/96');
    const own = { ownIpv4: 0xc0000008, ownIpv6: bytes('0064ff9b0000000000000000c0000008') };
    assert.deepEqual(settings, { ...DEFAULT_SETTINGS, prefix: WELL_KNOWN_PREFIX, ...own });
  });

  it('as written by `config init` means the same as one with the prefix alone', () => {
    assert.deepEqual(parseConfig(exampleFile('translator'), 'a.yaml'), translator('prefix: 64:ff9b::/96'));
  });

  it('as written by `config init` with every key switched on means the same again', () => {
    // Descriptions may hold a colon, but they end in a full stop.
    const text = exampleFile('translator').replaceAll(/^# ( *[a-z0-9-]+:( [^.]*)?)$/gm, '$1');
    assert.match(text, /^ {2}queues: 1$/m);
    assert.deepEqual(parseConfig(text, 'a.yaml'), translator('prefix: 64:ff9b::/96'));
  });

  it('sets every setting', () => {
    const { settings, leaseFile } = translator(
      'prefix: none',
      'mappings: [{ipv4: 192.0.2.0/24, ipv6: 2001:db8:aa::/120}]',
      'dynamic-pool: {ranges: [10.0.0.0/24], lease-time: 30min, lease-file: leases.json}',
      'own-ipv4: 192.0.3.1',
      'own-ipv6: 2001:db8::1',
      'icmp-pool-ipv4: [198.51.100.0/28]',
      'icmp-pool-ipv6: 2001:db8:bb::/96',
      'ipv4-mtu: 1400\nipv6-mtu: 1420\nlowest-ipv6-mtu: 1300',
      'udp-zero-checksum: drop\ntraffic-class: zero\ntos: 8',
      'allow-non-global: true\ndecrement-hop-limit: false',
      'tolerate: {header-checksum: true, icmp-checksum: true, martians: true, source-route: true}',
      'plateaus: [1500, 576]\nerrors-per-second: 7\nicmpv4-error-size: 548\nicmpv6-error-size: 1000',
    );
    assert.equal(leaseFile, join(process.cwd(), 'leases.json'));
    assert.deepEqual(settings, {
      prefix: null,
      mappings: [{ ipv4: { address: 0xc0000200, length: 24 }, ipv6: { address: bytes('20010db800aa'), length: 120 } }],
      dynamicPool: [{ address: 0x0a000000, length: 24 }],
      dynamicLeaseMs: 1_800_000,
      ownIpv4: 0xc0000301,
      ownIpv6: bytes('20010db8000000000000000000000001'),
      ownIpv6IsShared: false,
      icmpPoolIpv4: [{ address: 0xc6336400, length: 28 }],
      icmpPoolIpv6: { address: bytes('20010db800bb'), length: 96 },
      ipv4Mtu: 1400,
      ipv6Mtu: 1420,
      lowestIpv6Mtu: 1300,
      udpZeroChecksum: 'drop',
      trafficClass: 'zero',
      tos: 8,
      allowNonGlobal: true,
      allowBothEmbedded: true,
      decrementHopLimit: false,
      tolerate: { headerChecksum: true, icmpChecksum: true, martians: true, sourceRoute: true },
      plateaus: [1500, 576],
      errorsPerSecond: 7,
      icmpv4ErrorSize: 548,
      icmpv6ErrorSize: 1000,
    });
  });

  it('A-01 takes a prefix of each of the six lengths', () => {
    for (const length of [32, 40, 48, 56, 64, 96]) {
      assert.equal(translator(`prefix: 2001:db8::/${length}`).settings.prefix?.length, length);
    }
  });

  it('A-05 accepts overlapping mappings with force', () => {
    const lines = [
      'mappings:',
      '  - {ipv4: 192.0.2.0/24, ipv6: 2001:db8::/120}',
      '  - {ipv4: 192.0.2.9, ipv6: "2001:db8:1::"}',
    ];
    assert.equal(translator(...lines, 'force: true').settings.mappings.length, 2);
  });

  it('A-04 accepts mappings of martians where they are tolerated', () => {
    const lines = ['mappings: [{ipv4: 240.0.0.1, ipv6: "2001:db8::1"}]', 'tolerate: {martians: true}'];
    assert.equal(translator(...lines).settings.mappings.length, 1);
  });

  it('T-E-03 chooses own addresses: 192.0.0.8, and the same inside the prefix', () => {
    const { settings } = translator('prefix: 2001:db8:122:344::/64');
    assert.equal(settings.ownIpv4, 0xc0000008);
    assert.deepEqual(settings.ownIpv6, bytes('20010db80122034400c0000008000000'));
    assert.equal(translator('mappings: [{ipv4: 192.0.2.1, ipv6: "2001:db8::1"}]').settings.ownIpv6, null);
  });

  it('warns when no ICMP errors can be sent', () => {
    assert.equal(translator('prefix: 64:ff9b::/96').warnings.length, 0);
    assert.equal(translator('prefix: 64:ff9b::/96', 'own-ipv4: none', 'own-ipv6: none').warnings.length, 2);
    assert.equal(translator('prefix: 64:ff9b::/96', 'own-ipv4: 192.0.2.1', 'own-ipv6: 64:ff9b::1').warnings.length, 0);
  });
});

describe("the translator's interface", () => {
  it('gets routes for all that the translator serves, the narrower left out', () => {
    const pairs =
      'mappings: [{ipv4: 192.0.2.0/24, ipv6: "2001:db8:a::/120"}, {ipv4: 198.51.100.7, ipv6: "2001:db8:b::"}]';
    const own = ['own-ipv4: 192.0.3.1', 'own-ipv6: 64:ff9b::c000:201'];
    const routes = routesOf('prefix: 64:ff9b::/96', pairs, ...own, 'dynamic-pool: {ranges: [10.0.0.0/24]}');
    const expected = ['10.0.0.0/24', '192.0.2.0/24', '192.0.3.1/32', '198.51.100.7/32', '64:ff9b::/96'];
    assert.deepEqual(routes, expected);
  });

  it('gets the listed routes beside or instead of those', () => {
    assert.deepEqual(routesOf('prefix: 64:ff9b::/96', 'tun: {routes: [auto, 2001:db8:9::/64]}'), [
      '64:ff9b::/96',
      '2001:db8:9::/64',
    ]);
    assert.deepEqual(routesOf('prefix: 64:ff9b::/96', 'tun: {routes: [10.0.0.0/8]}'), ['10.0.0.0/8']);
    assert.deepEqual(routesOf('prefix: 64:ff9b::/96', 'tun: {routes: none}'), []);
    assert.deepEqual(routesOf('prefix: 64:ff9b::/96', 'tun: {attach: true}'), []);
  });

  it('has the larger of the two MTUs, or its own', () => {
    assert.equal(translator('prefix: 64:ff9b::/96', 'ipv4-mtu: 1400').tun.mtu, 1500);
    assert.equal(translator('prefix: 64:ff9b::/96', 'tun: {mtu: 9000}').tun.mtu, 9000);
  });

  it('gets addresses of both families', () => {
    const { addresses } = translator('prefix: 64:ff9b::/96', 'tun: {addresses: [192.0.2.1/24, "2001:db8::1/64"]}').tun;
    assert.deepEqual(addresses, [
      { family: 4, text: '192.0.2.1/24' },
      { family: 6, text: '2001:db8::1/64' },
    ]);
  });
});

describe('a mappings file', () => {
  it('holds one mapping a line, with comments, blank lines and Windows line ends', () => {
    const text = '# table\r\n\r\n192.0.2.1  2001:db8::1\r\n 198.51.100.0/24\t2001:db8:1::/120 # servers\n';
    const { mappings, issues } = parseMappings(text, 'm.txt');
    assert.deepEqual(issues, []);
    assert.deepEqual(
      mappings.map(({ ipv4, ipv6, at }) => [ipv4.length, ipv6.length, at?.line, at?.column]),
      [
        [32, 128, 3, 1],
        [24, 120, 4, 2],
      ],
    );
  });

  it('names line and column of every bad line', () => {
    const { issues } = parseMappings(
      '192.0.2.1\n192.0.2.2 2001:db8::1 x\n192.0.2.1/24 ::\n192.0.2.3 2001:dg8::\n',
      'm.txt',
    );
    assert.deepEqual(issues.map(describeIssue), [
      'm.txt:1:1: "192.0.2.1" has one column; write an IPv4 prefix and an IPv6 prefix, such as 192.0.2.1 2001:db8::1',
      'm.txt:2:1: "192.0.2.2 2001:db8::1 x" has 3 columns; write an IPv4 prefix and an IPv6 prefix, such as 192.0.2.1 2001:db8::1',
      'm.txt:3:1: "192.0.2.1/24" has bits set after the first 24; write 192.0.2.0/24',
      'm.txt:4:11: "2001:dg8::" is not an IPv6 address; write one such as 2001:db8::1, without a zone',
    ]);
  });

  it('is found beside the configuration, and overlaps across the two are named with both places', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'x464-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'siit.yaml');
    writeFileSync(join(folder, 'm.txt'), '192.0.2.1 2001:db8::1\n');
    writeFileSync(file, 'role: translator\nmappings-file: m.txt\n');
    const config = loadRole(file, 'translator');
    assert.equal(config.settings.mappings.length, 1);
    assert.equal(config.mappingsFile, join(folder, 'm.txt'));
    writeFileSync(file, 'role: translator\nmappings-file: m.txt\nmappings: [{ipv4: 192.0.2.1, ipv6: "2001:db8::2"}]\n');
    assert.throws(() => loadConfig(file), /overlaps 192\.0\.2\.1\/32 of the mapping .*\((m\.txt:1|.*siit\.yaml:3)\)/);
  });

  it('A-05 of twenty thousand mappings has its one overlap found', () => {
    const line = (i: number): string => `10.0.${i >> 8}.${i & 255} 2001:db8::${i.toString(16)}`;
    const lines = Array.from({ length: 20_000 }, (_, i) => line(i));
    const { mappings } = parseMappings([...lines, '10.0.7.0/24 2001:db8:1::/120'].join('\n'), 'm.txt');
    const rules = { force: false, allowMartians: false };
    assert.equal(checkMappings(mappings.slice(0, -1), rules).length, 0);
    assert.equal(checkMappings(mappings, rules).length, 256);
  });
});

describe('a client configuration', () => {
  it('from the command line has the defaults of the file', () => {
    const fromFile = parseConfig(exampleFile('client'), 'a.yaml');
    assert.deepEqual(clientConfigFromOptions({}), fromFile);
  });

  it('as written by `config init` says nothing that the network says: only its role is in force', () => {
    const active = (role: FileRole) => exampleFile(role).match(/^[a-z].*$/gm);
    assert.deepEqual(active('client'), ['role: client']);
    assert.deepEqual(active('translator'), ['role: translator', 'prefix: 64:ff9b::/96']);
    assert.deepEqual(active('gateway'), ['role: gateway', 'lan: [eth1]']);
  });

  it('takes every option', () => {
    const config = clientConfigFromOptions({
      prefix: '2001:db8:64::/96',
      'connectivity-check': '203.0.113.7:443',
      uplink: 'eth0',
      'uplink-mode': 'redirect',
      'clat-ipv4': '192.0.0.2',
      'clat-ipv6': '2001:db8::2',
      tun: 'v4',
      mtu: 1400,
      metric: 5,
      force: true,
      'allow-inbound': true,
      'allow-non-global': true,
      'decrement-hop-limit': false,
      offload: false,
      coalesce: false,
    });
    assert.deepEqual(config, {
      role: 'client',
      prefix: { address: bytes('20010db80064'), length: 96 },
      connectivityCheck: { ipv4: 0xcb007107, port: 443 },
      uplink: 'eth0',
      uplinkMode: 'redirect',
      clatIpv4: 0xc0000002,
      clatIpv6: bytes('20010db8000000000000000000000002'),
      tunName: 'v4',
      mtu: 1400,
      metric: 5,
      force: true,
      allowInbound: true,
      allowNonGlobal: true,
      decrementHopLimit: false,
      offload: false,
      coalesce: false,
    });
  });

  it('names bad options as they are written on the command line', () => {
    const isRight = (error: unknown): boolean =>
      error instanceof ConfigError &&
      /^--prefix: "x" is not an IPv6 address.*\n--mtu: "70000" is out of range/.test(error.message);
    assert.throws(() => clientConfigFromOptions({ prefix: 'x', mtu: 70000 }), isRight);
  });

  it('names what is no endpoint to check, and a prefix that is not IPv6', () => {
    const wrong: readonly (readonly [check: string, said: RegExp])[] = [
      ['203.0.113.7', /"203\.0\.113\.7" has no port; write an IPv4 address/],
      ['203.0.113.7:0', /has no port/],
      ['203.0.113.7:65536', /has no port/],
      ['203.0.113:80', /"203\.0\.113:80" is not an IPv4 address/],
      ['127.0.0.1:80', /is in 0\/8, 127\/8/],
    ];
    for (const [check, said] of wrong) {
      assert.throws(() => clientConfigFromOptions({ 'connectivity-check': check }), said, check);
    }
    assert.throws(() => clientConfigFromOptions({ prefix: '1.2.3.4' }), /"1\.2\.3\.4" is not an IPv6 address/);
    assert.throws(() => clientConfigFromOptions({ prefix: '64:ff9b::' }), /"64:ff9b::" has no prefix length/);
  });

  it('of more than a megabyte is refused unread, but long mappings files are not', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'x464-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'a.yaml');
    writeFileSync(file, `role: translator\n${'#'.repeat(1_000_000)}\n`);
    const isTooLong = (error: unknown): boolean =>
      error instanceof XlatError &&
      error.code === 'CONFIG_INVALID' &&
      error.message.includes('more than 1000000 bytes');
    assert.throws(() => loadConfig(file), isTooLong);
    writeFileSync(file, 'role: translator\nmappings-file: long\n');
    writeFileSync(join(folder, 'long'), `192.0.2.1 2001:db8::1\n${'#'.repeat(1_000_000)}\n`);
    assert.equal(loadConfig(file).role, 'translator');
  });

  it('given to the wrong command is refused with the right command', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'x464-config-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'client.yaml');
    writeFileSync(file, 'role: client\nprefix: 64:ff9b::/96\n');
    const isRight = (error: unknown): boolean =>
      error instanceof XlatError && error.exitCode === 2 && error.advice === `Run xlat464 client -c ${file}.`;
    assert.throws(() => loadRole(file, 'translator'), isRight);
  });
});

describe('the reference of all keys', () => {
  it('has a row for every key with its default', () => {
    const table = referenceTable('translator');
    assert.match(table, /\| `tun\.queues` \| a whole number from 1 to 64 \| `1` \|/);
    assert.match(table, /\| `mappings\[\]\.ipv4` \| an IPv4 prefix \| must be set \|/);
  });
});

/** 16 bytes from the hex of the first ones. */
function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.padEnd(32, '0'), 'hex'));
}
