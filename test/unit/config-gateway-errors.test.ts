// A gateway's configuration errors: each bad file, the place that is named, and what is said.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, describeIssue } from '../../src/config/issues.ts';
import { parseConfig } from '../../src/config/load.ts';

const text = (...lines: string[]): string => ['role: gateway', 'lan: [eth1]', ...lines].join('\n');

function issuesOf(...lines: string[]): string[] {
  try {
    parseConfig(text(...lines), 'a.yaml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.issues.map(describeIssue);
  }
  return [];
}

describe('a gateway configuration is refused, with the place, for', () => {
  const cases: readonly (readonly [what: string, lines: string[], said: RegExp])[] = [
    ['no LAN twice', ['wan: []'], /^a\.yaml:3:6: wan: is empty; name an interface, or write auto$/],
    ['an interface on both sides', ['wan: [eth1]'], /^a\.yaml:3:7: wan\[0\]: "eth1" is one of lan, too/],
    ['a tun that is the LAN', ['nat64: {tun: eth1}'], /nat64\.tun: "eth1" is the name of an interface of lan or wan/],
    [
      'nothing to do',
      ['nat64: none', 'dns64: none', 'advertise: none'],
      /^a\.yaml:3:8: nat64: "none" is none, and so is everything else/,
    ],
    [
      'a section that is a word',
      ['dns64: off'],
      /^a\.yaml:3:8: dns64: "off" is not valid; write "none" or a section with listen/,
    ],
    [
      'a mistyped key in a section',
      ['nat64: {poll: shared}'],
      /nat64\.poll: "poll" is not a known key; did you mean "pool"\?/,
    ],
    [
      'a prefix of a wrong length',
      ['nat64: {prefix: "64:ff9b::/95"}'],
      /^a\.yaml:3:17: nat64\.prefix: .*has the length \/95; use one of/,
    ],
    [
      'S-10 more queries of one client than of all',
      ['dns64: {forwarders: [192.0.2.53], max-outstanding: 20, max-outstanding-per-client: 21}'],
      /dns64\.max-outstanding-per-client: "21" is above max-outstanding; write at most 20/,
    ],
    [
      'S-09 authorities for TLS that is not used',
      ['dns64: {forwarders: [192.0.2.53], tls-ca: /dev/null}'],
      /^a\.yaml:3:\d+: dns64\.tls-ca: "\/dev\/null" is set, but no forwarder is asked over TLS/,
    ],
    [
      'S-09 a file without a certificate',
      ['dns64: {forwarders: ["tls://192.0.2.53#a.example"], tls-ca: /dev/null}'],
      /dns64\.tls-ca: "\/dev\/null" names a file without a certificate; name a file of certificates in PEM/,
    ],
    [
      'S-09 a file of certificates that is not there',
      ['dns64: {forwarders: ["tls://192.0.2.53#a.example"], tls-ca: /nowhere/ca.pem}'],
      /dns64\.tls-ca: "\/nowhere\/ca\.pem" cannot be used: \/nowhere\/ca\.pem does not exist; check the path/,
    ],
    ['N-03 an empty pool', ['nat64: {pool: []}'], /nat64\.pool: is empty; name addresses, or write masquerade/],
    [
      'N-03 a pool that is another word',
      ['nat64: {pool: share}'],
      /nat64\.pool: "share" is not valid; write "masquerade" or "shared" or a list/,
    ],
    [
      'N-03 overlapping pools',
      ['nat64: {pool: [192.0.2.0/28 tcp 1-99, 192.0.2.3 1-9]}'],
      /pool\[1\]: "192\.0\.2\.3 1-9" overlaps nat64\.pool\[0\]/,
    ],
    [
      'N-03 a pool address that is none',
      ['nat64: {pool: [192.0.2.300]}'],
      /pool\[0\]: "192\.0\.2\.300" is not an IPv4 address/,
    ],
    [
      'N-03 a pool prefix with host bits',
      ['nat64: {pool: [192.0.2.3/28]}'],
      /pool\[0\]: .*bits set after the first 28; write 192\.0\.2\.0\/28/,
    ],
    ['N-03 a pool of loopback', ['nat64: {pool: [127.0.0.1]}'], /pool\[0\]: "127\.0\.0\.1" is in 0\/8, 127\/8/],
    ['N-03 a pool too large', ['nat64: {pool: [10.0.0.0/19]}'], /nat64\.pool: holds 8192 addresses; at most 4096/],
    [
      'N-03 ports that end before they begin',
      ['nat64: {pool: [192.0.2.1 9-1]}'],
      /ends its ports before they begin; write 1-9/,
    ],
    ['N-03 a port above 65535', ['nat64: {pool: [192.0.2.1 1-65536]}'], /has "1-65536" for its ports/],
    ['N-03 an unknown protocol', ['nat64: {pool: ["192.0.2.1 tcp,sctp 1-9"]}'], /names "tcp,sctp" as protocols/],
    [
      'N-03 a masquerade range beside a pool',
      ['nat64: {pool: shared, masquerade-range: 10.0.0.0/24}'],
      /masquerade-range: .*pool is not masquerade/,
    ],
    [
      'N-04 a timer below the floor',
      ['nat64: {timers: {udp: 30s}}'],
      /nat64\.timers\.udp: "30s" is below what the RFCs allow; write at least 2min/,
    ],
    ['N-04 an established timer below the floor', ['nat64: {timers: {tcp-established: 2h}}'], /write at least 124min/],
    [
      'N-09 a binding without protocol',
      ['nat64: {static: ["192.0.2.1:80 [2001:db8::5]:80"]}'],
      /static\[0\]: .*is no binding; write a protocol/,
    ],
    [
      'N-09 a binding without port',
      ['nat64: {static: ["tcp 192.0.2.1 [2001:db8::5]:80"]}'],
      /has an end without address and port/,
    ],
    [
      'N-09 a binding with a bad address',
      ['nat64: {static: ["tcp 192.0.2.1:80 [2001:db8::g]:80"]}'],
      /has "2001:db8::g", which is not an IPv6 address/,
    ],
    [
      'N-09 bindings with an end in common',
      ['nat64: {static: ["tcp 192.0.2.1:80 [2001:db8::5]:80", "tcp 192.0.2.1:80 [2001:db8::6]:80"]}'],
      /static\[1\]: .*has an end in common with nat64\.static\[0\]/,
    ],
    [
      'N-10 a limit above all',
      ['nat64: {limits: {sessions: 10, sessions-per-host: 11}}'],
      /sessions-per-host: "11" is above limits\.sessions/,
    ],
    [
      'N-10 more fragment memory for one than for all',
      ['nat64: {limits: {fragment-memory: 1KiB, fragment-memory-per-host: 2KiB}}'],
      /is above fragment-memory/,
    ],
    [
      'N-10 memory without a unit',
      ['nat64: {limits: {fragment-memory: 4096}}'],
      /fragment-memory: "4096" is not a size; write a number and KiB/,
    ],
    ['N-11 a block that is no power of two', ['nat64: {port-block: 100}'], /port-block: "100" is no power of two/],
    [
      'N-11 a log file without a log',
      ['nat64: {mapping-log-file: x}'],
      /mapping-log-file: "x" is set, but mapping-log is off/,
    ],
    [
      'DNS64 without a prefix',
      ['nat64: none'],
      /^a\.yaml:1:1: dns64\.prefixes: is auto, but nat64 is none; name the prefixes/,
    ],
    ['S-09 no forwarder', ['dns64: {forwarders: []}'], /dns64\.forwarders: is empty/],
    [
      'S-09 a forwarder that is itself',
      ['dns64: {listen: [192.0.2.1], forwarders: [192.0.2.1]}'],
      /forwarders\[0\]: .*is where this server listens itself/,
    ],
    [
      'S-09 a link-local listener without zone',
      ['dns64: {listen: ["fe80::1"]}'],
      /listen\[0\]: .*fe80::1.*is link-local and has no zone; add the interface/,
    ],
    ['S-09 a zone where none belongs', ['dns64: {listen: ["2001:db8::1%eth1"]}'], /has a zone and is not link-local/],
    [
      'S-09 TLS without a name',
      ['dns64: {forwarders: ["tls://192.0.2.1"]}'],
      /has no name for its certificate; add it, as in tls:\/\/192\.0\.2\.1#dns\.example/,
    ],
    [
      'S-09 a forwarder that is a name',
      ['dns64: {forwarders: [dns.example]}'],
      /forwarders\[0\]: "dns\.example" is not an IPv4 address/,
    ],
    [
      'S-09 a listener twice',
      ['dns64: {listen: [192.0.2.1, "192.0.2.1:53"]}'],
      /listen\[1\]: .*is dns64\.listen\[0\] again/,
    ],
    ['S-09 a name that is none', ['dns64: {ignore-aaaa: [a..b]}'], /ignore-aaaa\[0\]: "a\.\.b" is not a domain name/],
    [
      'S-10 a timeout of nothing',
      ['dns64: {timeout: 1ms}'],
      /dns64\.timeout: "1ms" is out of range; write 100ms to 60s/,
    ],
    [
      'S-10 a least TTL above the greatest',
      ['dns64: {cache: {min-ttl: 2h, max-ttl: 1h}}'],
      /cache\.min-ttl: "2h" is above max-ttl/,
    ],
    [
      'R-01 an interface that is not in the LAN',
      ['advertise: {interfaces: [{name: eth9}]}'],
      /interfaces\[0\]\.name: "eth9" is not one of lan; write one of eth1/,
    ],
    [
      'R-01 a link-local prefix',
      ['advertise: {prefixes: [{prefix: "fe80::/64"}]}'],
      /prefixes\[0\]\.prefix: .*is one of ::, ::1, fe80/,
    ],
    [
      'R-01 preferred longer than valid',
      ['advertise: {prefixes: [{prefix: "2001:db8::/64", valid: 1h, preferred: 2h}]}'],
      /preferred: "2h" is longer than valid/,
    ],
    [
      'R-01 a PREF64 lifetime that does not fit',
      ['advertise: {pref64: [{prefix: "64:ff9b::/96", lifetime: 1d}]}'],
      /lifetime: "1d" is more than a router can say; write at most 65528s/,
    ],
    [
      'R-01 a router lifetime below the interval',
      ['advertise: {router-lifetime: 5min}'],
      /router-lifetime: "5min" is out of range; write none, or 600s/,
    ],
    [
      'R-02 an interval out of range',
      ['advertise: {max-interval: 1h}'],
      /max-interval: "1h" is out of range; write 4s to 30min/,
    ],
    [
      'R-02 a least interval too close to the greatest',
      ['advertise: {interfaces: [{name: eth1, min-interval: 9min}]}'],
      /interfaces\[0\]\.min-interval: "9min" is out of range; write 3s to 450s/,
    ],
    ['O-01 a wait below five minutes', ['dhcp4: {option-108: 1min}'], /dhcp4\.option-108: "1min" is below 5 min/],
    ['O-01 DHCP on another interface', ['dhcp4: {interface: eth0}'], /dhcp4\.interface: "eth0" is not one of lan/],
    [
      'O-01 a range that ends before it begins',
      ['dhcp4: {range: 192.0.2.9-192.0.2.1}'],
      /dhcp4\.range: .*ends before it begins/,
    ],
    [
      'O-02 NPTv6 of two lengths',
      ['npt: [{inside: "fd00::/48", outside: "2001:db8::/56"}]'],
      /npt\[0\]\.outside: .*another length than inside; write a \/48/,
    ],
    [
      'O-02 NAT66 toward the LAN',
      ['nat66: [{source: "fd00::/48", out: eth1}]'],
      /nat66\[0\]\.out: "eth1" is one of lan/,
    ],
    [
      'O-02 NAT66 twice',
      ['nat66: [{source: "fd00::/16"}, {source: "fd00::/48"}]'],
      /nat66\[1\]\.source: .*lies in nat66\[0\]\.source/,
    ],
    ['metrics on a port that is none', ['metrics: {listen: "[::1]:0"}'], /metrics\.listen: .* has port 0/],
  ];
  for (const [what, lines, said] of cases) {
    it(what, () => {
      const issues = issuesOf(...lines);
      assert.ok(issues.length > 0, 'it was accepted');
      assert.match(issues[0] ?? '', said);
    });
  }

  it('many things at once', () => {
    const found = issuesOf('nat64: {pool: [], port-block: 9}', 'dns64: {forwarders: []}', 'dhcp4: {interface: x}');
    assert.deepEqual(
      found.map((line) => line.split(': ')[1]),
      ['nat64.pool', 'nat64.port-block', 'dns64.forwarders', 'dhcp4.interface'],
    );
  });
});
