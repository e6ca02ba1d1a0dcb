// Configuration errors: each bad file, the line and column it is reported at, and what the report says.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, describeIssue } from '../../src/config/issues.ts';
import { parseConfig } from '../../src/config/load.ts';
import { readFailure } from '../../src/config/read-failure.ts';

function issuesOf(text: string): string[] {
  try {
    parseConfig(text, 'a.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.exitCode, 2);
    return error.issues.map(describeIssue);
  }
  return [];
}

/** A translator with a prefix and more lines; the first of them is line 3. */
const more = (...lines: string[]): string => ['role: translator', 'prefix: 64:ff9b::/96', ...lines].join('\n');

/** A translator with explicit mappings, from line 3 on, column 5. */
const mapped = (...pairs: string[]): string =>
  ['role: translator', 'mappings:', ...pairs.map((pair) => `  - {ipv4: ${pair.replace(' ', ', ipv6: "')}"}`)].join(
    '\n',
  );

type Case = readonly [what: string, text: string, expected: RegExp];

const STRUCTURE: readonly Case[] = [
  ['an empty file', '', /^a\.yaml:1:1: role: is missing; write one of translator, client, gateway$/],
  ['a list', '- a', /^a\.yaml:1:1: is not a section; start with "role: translator"$/],
  ['a bare word', 'translator', /^a\.yaml:1:1: "translator" is not a section/],
  ['a role that does not exist', 'role: plat', /^a\.yaml:1:7: role: "plat" is not a role; write one of/],
  ['a mistyped role', 'role: translater', /role: "translater" is not a role; did you mean "translator"\?/],
  ['broken YAML', 'role: translator\nprefix: [', /^a\.yaml:2:10: is not YAML: /],
  ['a tab as indentation', 'role: translator\ntun:\n\tname: x', /^a\.yaml:3:\d+: .*is not YAML: /],
  [
    'an unknown key',
    more('colour: red'),
    /^a\.yaml:3:1: colour: "colour" is not a known key; known here: role, prefix/,
  ],
  ['a mistyped key', more('mapings: []'), /^a\.yaml:3:1: mapings: .* did you mean "mappings"\?$/],
  ['a key with underscores', more('own_ipv4: 192.0.2.1'), /did you mean "own-ipv4"\?/],
  ['a mistyped key in a section', more('tun:', '  queus: 2'), /^a\.yaml:4:3: tun\.queus: .* did you mean "queues"\?/],
  ['a key given twice', more('force: true', 'force: false'), /^a\.yaml:4:1: force: .*twice, first in line 3; keep one/],
  ['a section that is a word', more('tun: xlat0'), /^a\.yaml:3:6: tun: "xlat0" is not a section; write keys under it/],
  ['an alias', more('tun: &t', '  name: a0', 'tolerate: *t'), /^a\.yaml:5:11: tolerate: "\*t" is a YAML alias/],
  ['a key without a value', more('ipv4-mtu:'), /^a\.yaml:3:10: ipv4-mtu: has no value; write a whole number/],
  [
    'two roles in one file',
    'role: client\nprefix: 64:ff9b::/96\nmappings: []',
    /^a\.yaml:3:1: mappings: .*not a known key/,
  ],
];

const VALUES: readonly Case[] = [
  ['a word for a flag', more('force: yes'), /^a\.yaml:3:8: force: "yes" is not valid; write true or false$/],
  ['a quoted number', more('ipv4-mtu: "1500"'), /ipv4-mtu: .* is not valid; write a whole number from 68 to 65535/],
  ['a fraction', more('ipv4-mtu: 1500.5'), /ipv4-mtu: "1500.5" is not valid; write a whole number/],
  ['an IPv4 MTU below 68', more('ipv4-mtu: 67'), /ipv4-mtu: "67" is out of range; write a whole number from 68/],
  ['an IPv6 MTU below 1280', more('ipv6-mtu: 1279'), /ipv6-mtu: "1279" is out of range; .* from 1280 to 65535/],
  ['an MTU above 65535', more('ipv6-mtu: 65536'), /ipv6-mtu: "65536" is out of range/],
  [
    'a mistyped choice',
    more('udp-zero-checksum: comute'),
    /is not one of compute, drop, forward; did you mean "compute"/,
  ],
  ['a wrong choice', more('traffic-class: random'), /traffic-class: "random" is not valid; write one of copy, zero$/m],
  ['a TOS above 255', more('tos: 256'), /tos: "256" is out of range; write a whole number from 0 to 255/],
  ['a word for a TOS', more('tos: zero'), /tos: "zero" is not valid; write "copy" or a whole number from 0 to 255/],
  [
    'a duration without a unit',
    more('dynamic-pool: {ranges: [10.0.0.0/24], lease-time: 60}'),
    /lease-time: "60" is not a duration/,
  ],
  [
    'a duration of nothing',
    more('dynamic-pool: {ranges: [10.0.0.0/24], lease-time: 0s}'),
    /lease-time: "0s" is no time/,
  ],
  ['a list that is a word', more('plateaus: 1500'), /plateaus: "1500" is not a list/],
  [
    'a long interface name',
    more('tun: {name: a123456789012345}'),
    /tun\.name: .* longer than 15 characters; shorten it/,
  ],
  ['an interface name with a slash', more('tun: {name: a/b}'), /tun\.name: "a\/b" is not an interface name/],
  ['no queues', more('tun: {queues: 0}'), /tun\.queues: "0" is out of range; write a whole number from 1 to 64/],
  ['a route that is a word', more('tun: {routes: [all]}'), /tun\.routes\[0\]: "all" is neither a prefix nor "auto"/],
  ['a route with host bits', more('tun: {routes: [10.0.0.1/8]}'), /tun\.routes\[0\]: .*write 10\.0\.0\.0\/8/],
  ['an address with a bad length', more('tun: {addresses: [10.0.0.1/33]}'), /tun\.addresses\[0\]: .*from 0 to 32/],
  ['too many errors a second', more('errors-per-second: -1'), /errors-per-second: "-1" is out of range/],
  ['a large ICMPv6 error', more('icmpv6-error-size: 1500'), /icmpv6-error-size: .* from 128 to 1280/],
];

const ADDRESSES: readonly Case[] = [
  [
    'A-01 a prefix length that is none of the six',
    'role: translator\nprefix: 64:ff9b::/95',
    /^a\.yaml:2:9: prefix: "64:ff9b::\/95" has the length \/95; use one of \/32, \/40, \/48, \/56, \/64, \/96/,
  ],
  ['A-01 a prefix without length', 'role: translator\nprefix: "64:ff9b::"', /has no prefix length; add one of/],
  ['A-01 a prefix with bits 64 to 71 set', 'role: translator\nprefix: 2001:db8:0:0:ff00::/96', /has bits 64 to 71 set/],
  [
    'A-01 a prefix with host bits',
    'role: translator\nprefix: 2001:db8:1::/32',
    /has bits set after the first 32; write 2001:db8::\/32/,
  ],
  [
    'A-04 a multicast prefix',
    'role: translator\nprefix: ff00::/32',
    /prefix: "ff00::\/32" is one of ::, ::1, fe80::\/10 or ff00::\/8/,
  ],
  ['A-04 a link-local prefix', 'role: translator\nprefix: fe80::/64', /is one of ::, ::1, fe80/],
  ['no prefix and no mappings', 'role: translator', /^a\.yaml:1:1: prefix: is none and there are no mappings/],
  [
    'an IPv4 address with leading zeroes in five parts',
    more('own-ipv4: 1.2.3.4.5'),
    /own-ipv4: .*is not an IPv4 address/,
  ],
  ['an IPv4 number above 255', more('own-ipv4: 192.0.2.256'), /own-ipv4: "192.0.2.256" is not an IPv4 address/],
  ['an IPv4 address as a number', more('own-ipv4: 3221225985'), /own-ipv4: "3221225985" is not an IPv4 address/],
  [
    'A-04 an own IPv4 loopback address',
    more('own-ipv4: 127.0.0.1'),
    /^a\.yaml:3:11: own-ipv4: .* 127\/8, 224\/4 or 240\/4/,
  ],
  ['A-04 an own IPv4 multicast address', more('own-ipv4: 224.0.0.1'), /own-ipv4: "224.0.0.1" is in/],
  ['A-04 an own IPv6 link-local address', more('own-ipv6: fe80::1'), /own-ipv6: "fe80::1" is one of/],
  [
    'an IPv6 address with a zone',
    more('own-ipv6: fe80::1%eth0'),
    /own-ipv6: .*is not an IPv6 address; .*without a zone/,
  ],
  ['an IPv4 address for IPv6', more('own-ipv6: 192.0.2.1'), /own-ipv6: "192.0.2.1" is not an IPv6 address/],
  ['A-04 an ICMP pool in 240/4', more('icmp-pool-ipv4: [240.0.0.0/24]'), /icmp-pool-ipv4\[0\]: "240.0.0.0\/24" is in/],
  ['A-04 an ICMP pool of link-local addresses', more('icmp-pool-ipv6: fe80::/64'), /icmp-pool-ipv6: .* is one of/],
  [
    'A-04 a client address in 127/8',
    'role: client\nprefix: 64:ff9b::/96\nclat-ipv4: 127.0.0.1',
    /clat-ipv4: "127.0.0.1" is in/,
  ],
  [
    'A-04 a link-local client address',
    'role: client\nprefix: 64:ff9b::/96\nclat-ipv6: fe80::1',
    /clat-ipv6: "fe80::1" is one of/,
  ],
];

const MAPPINGS: readonly Case[] = [
  [
    'a mapping without its IPv6 side',
    'role: translator\nmappings:\n  - ipv4: 192.0.2.1',
    /^a\.yaml:3:5: mappings\[0\]\.ipv6: is missing/,
  ],
  [
    'a mapping with host bits',
    mapped('192.0.2.1/24 2001:db8::/120'),
    /^a\.yaml:3:12: mappings\[0\]\.ipv4: .*write 192\.0\.2\.0\/24/,
  ],
  [
    'A-05 an IPv6 suffix shorter than the IPv4 one',
    mapped('192.0.2.0/24 2001:db8::/128'),
    /maps 8 IPv4 suffix bits to 0 IPv6 ones; use an IPv6 prefix of \/120/,
  ],
  [
    'A-05 one IPv4 address mapped twice',
    mapped('192.0.2.1 2001:db8::1', '192.0.2.1 2001:db8::2'),
    /^a\.yaml:4:5: mappings\[1\]: "192\.0\.2\.1\/32 2001:db8::2\/128" overlaps 192\.0\.2\.1\/32 of the mapping "192\.0\.2\.1\/32 2001:db8::1\/128" \(a\.yaml:3\); remove one, or set force/,
  ],
  [
    'A-05 nested IPv4 prefixes',
    mapped('192.0.2.0/24 2001:db8::/120', '192.0.2.9 2001:db8:1::'),
    /mappings\[1\].*overlaps 192\.0\.2\.0\/24/,
  ],
  [
    'A-05 nested IPv6 prefixes',
    mapped('192.0.2.0/24 2001:db8::/120', '198.51.100.1 2001:db8::5'),
    /mappings\[1\].*overlaps 2001:db8::\/120/,
  ],
  ['A-04 a martian IPv4 side', mapped('127.0.0.1 2001:db8::1'), /mappings\[0\]: .*lies in 0\/8, 127\/8/],
  ['A-04 a martian IPv6 side', mapped('192.0.2.1 fe80::1'), /mappings\[0\]: .*lies in ::, ::1, fe80/],
];

const TOGETHER: readonly Case[] = [
  [
    'a lowest IPv6 MTU above the IPv6 MTU',
    more('lowest-ipv6-mtu: 1400', 'ipv6-mtu: 1300'),
    /^a\.yaml:3:18: lowest-ipv6-mtu: "1400" is above ipv6-mtu; write at most 1300$/,
  ],
  [
    'plateaus that rise',
    more('plateaus: [1500, 1500, 68]'),
    /plateaus\[1\]: "1500" is not below the one before \(1500\)/,
  ],
  ['no plateaus', more('plateaus: []'), /plateaus: is empty/],
  [
    'a pool of more than a /16',
    more('dynamic-pool: {ranges: [10.0.0.0/15]}'),
    /dynamic-pool\.ranges: holds 131072 addresses; at most 65536/,
  ],
  ['A-04 a pool in 127/8', more('dynamic-pool: {ranges: [127.1.0.0/24]}'), /dynamic-pool\.ranges\[0\]: .* is in/],
  [
    'pool ranges that overlap',
    more('dynamic-pool: {ranges: [10.0.0.0/24, 10.0.0.0/25]}'),
    /ranges\[1\]: .*overlaps dynamic-pool\.ranges\[0\]/,
  ],
  [
    'pool ranges that overlap, the wider one last',
    more('dynamic-pool: {ranges: [10.0.0.0/25, 10.0.0.0/24]}'),
    /ranges\[1\]: .*overlaps dynamic-pool\.ranges\[0\]/,
  ],
  [
    'an own address in the pool',
    more('own-ipv4: 10.0.0.9', 'dynamic-pool: {ranges: [10.0.0.0/24]}'),
    /own-ipv4: .* lies in the dynamic pool/,
  ],
  [
    'a mapped address in the pool',
    `${mapped('10.0.0.9 2001:db8::1')}\ndynamic-pool: {ranges: [10.0.0.0/24]}`,
    /mappings\[0\]: .* overlaps 10\.0\.0\.0\/24 of the dynamic pool/,
  ],
  [
    'a lease file without a pool',
    more('dynamic-pool: {lease-file: a.json}'),
    /lease-file: .* is set, but the pool is empty/,
  ],
  [
    'queues beside a pool',
    more('dynamic-pool: {ranges: [10.0.0.0/24]}', 'tun: {queues: 2}'),
    /tun\.queues: .* beside a dynamic pool/,
  ],
  [
    'an MTU of an attached interface',
    more('tun: {attach: true, mtu: 1500}'),
    /tun\.mtu: "1500" is set beside attach: true/,
  ],
  [
    'routes of an attached interface',
    more('tun: {attach: true, routes: none}'),
    /tun\.routes: "none" is set beside attach/,
  ],
  [
    'an attached interface that is to be left',
    more('tun: {attach: true, persist: true}'),
    /tun\.persist: .* beside attach/,
  ],
  [
    'a mappings file that is not there',
    more('mappings-file: /nonexistent/m.txt'),
    /mappings-file: .*\/nonexistent\/m\.txt does not exist/,
  ],
];

for (const [title, cases] of Object.entries({ STRUCTURE, VALUES, ADDRESSES, MAPPINGS, TOGETHER })) {
  describe(`configuration errors: ${title.toLowerCase()}`, () => {
    for (const [what, text, expected] of cases) {
      it(`${what} is refused with place, path, text and advice`, () => {
        const issues = issuesOf(text);
        assert.ok(
          issues.some((issue) => expected.test(issue)),
          `${expected}\n${issues.join('\n') || 'no issue'}`,
        );
      });
    }
  });
}

describe('configuration errors together', () => {
  it('all errors are named at once, in the order of the file', () => {
    const text = more('own-ipv4: 127.0.0.1', 'tos: 300', 'colour: red', 'plateaus: [68, 1500]', 'tun: {queues: 0}');
    const lines = issuesOf(text).map((issue) => Number(issue.split(':')[1]));
    assert.deepEqual(lines, [3, 4, 5, 6, 7]);
  });

  it('a bad value leads to no second error about what depends on it', () => {
    assert.equal(issuesOf('role: translator\nprefix: 64:ff9b::/95').length, 1);
    assert.equal(issuesOf('role: translator\nmappings:\n  - {ipv4: x, ipv6: y}').length, 2);
  });

  it('lists and sections in each other without end are named, and not followed', () => {
    for (const deep of ['['.repeat(20_000), '{a: '.repeat(20_000), '- '.repeat(20_000)]) {
      const [issue, ...more] = issuesOf(`role: translator\nx: ${deep}`);
      assert.match(issue ?? '', /:2:\d+: .*(too many lists or sections in each other|is not YAML)/);
      assert.ok(more.length <= 100);
    }
    assert.match(issuesOf(`role: translator\nx: ${'['.repeat(20_000)}`)[0] ?? '', /too many lists/);
  });

  it('a long offending text is cut short', () => {
    const [issue = ''] = issuesOf(more(`own-ipv4: ${'9'.repeat(500)}`));
    assert.ok(issue.length < 250, issue);
  });

  it('a file that this user may not read is not permitted, one that is not there is bad usage', () => {
    const failure = (code: string) =>
      readFailure('read', 'a.yaml', Object.assign(new Error(code), { code }), 'Check the path.');
    for (const code of ['EACCES', 'EPERM']) {
      const { exitCode, message, advice } = failure(code);
      assert.deepEqual([exitCode, message], [3, 'a.yaml may not be read by this user']);
      assert.match(advice ?? '', /sudo/);
    }
    assert.deepEqual([failure('ENOENT').exitCode, failure('EIO').exitCode], [2, 2]);
    assert.equal(failure('ENOENT').message, 'a.yaml does not exist');
  });
});
