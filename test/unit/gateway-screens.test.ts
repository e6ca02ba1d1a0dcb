// What an operator reads of a gateway: its part of the status screen, sessions and bindings, all at 80 columns.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindingLines, sessionLines } from '../../src/cli/screens/sessions.ts';
import { statusScreen } from '../../src/cli/screens/status.ts';
import type { Session } from '../../src/contract/gateway.ts';
import { SAMPLE } from '../support/control.ts';
import { GATEWAY_SAMPLE } from '../support/gateway.ts';

const fits = (lines: readonly string[]): void => {
  for (const line of lines) assert.ok(line.length <= 80, `${line.length}: ${line}`);
};

describe('the status screen of a gateway', () => {
  const screen = (gateway = GATEWAY_SAMPLE): readonly string[] =>
    statusScreen(
      { status: { ...SAMPLE, gateway }, events: [] },
      { columns: 80, rows: null, colour: false, nowMs: 1_700_000_100_000 },
    );

  it('says what each part does and what is wrong, at 80 columns', () => {
    const lines = screen();
    fits(lines);
    const text = lines.join('\n');
    for (const part of [
      'LAN      eth1, eth2; out by eth0',
      'Pool     shared: 192.0.2.10 tcp,udp 61001-65535; 192.0.2.10 icmp 61001-65535',
      '         ports 61001 of the pool stay with this router',
      '         ports in use: tcp 95.3 %, udp 27.2 %, icmp 0.1 %',
      'Sessions 12.3 k of at most 1.0 M, of 17 hosts',
      'Refused  99 no port of the pool was free, 3 too many of one host,',
      '         asks 192.0.2.53:53: up, 12 ms, 900 queries',
      '         asks [2001:db8::53]:853 by TLS (dns.example): down: the certificate is',
      'RA       eth1 advertising: 20 sent, 4 asked for',
      '         the router fe80::99 says something else: the PREF64 is another one',
      'RA       eth2 yielding: 0 sent, 0 asked for',
      'DHCPv4   eth1 running: 192.168.1.128-192.168.1.254, 5 leases',
      'Rules    44 × to the NAT64 from outside the LAN: dropped',
    ]) {
      assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
    }
  });

  it('says what is off', () => {
    const text = screen({ ...GATEWAY_SAMPLE, nat64: null, dns64: null, dhcp4: null, advertise: [], wan: [] }).join(
      '\n',
    );
    assert.match(text, /^LAN +eth1, eth2; out by nothing yet\nNAT64 +off\nDNS64 +off\nRA +off$/m);
    assert.doesNotMatch(text, /DHCPv4/);
  });
});

const LONG = '2001:db8:1234:5678:9abc:def0:1234:5678';

const session = (over: Partial<Session>): Session => ({
  kind: 'nat64',
  protocol: 'tcp',
  state: 'established',
  host: { address: LONG, port: 50_123 },
  mapped: { address: '192.0.2.10', port: 61_234 },
  remote: { address: '198.51.100.107', port: 443 },
  expiresInMs: 7_400_000,
  ...over,
});

describe('the list of sessions', () => {
  it('has the three ends of each, at 80 columns, with both ends outside on one line where they fit', () => {
    const lines = sessionLines({ total: 1, sessions: [session({})], notes: [] }, false);
    fits(lines);
    assert.deepEqual(lines.slice(1), [
      `tcp   established       2.1 h    [${LONG}]:50123`,
      `      nat64                      192.0.2.10:61234 → 198.51.100.107:443`,
    ]);
  });

  it('O-02 has those of the kernel, which may be IPv6 at all ends', () => {
    const end = { address: LONG, port: 443 };
    const lines = sessionLines(
      { total: 9, sessions: [session({ kind: 'nat66', mapped: end, remote: end })], notes: ['no'] },
      false,
    );
    fits(lines);
    assert.deepEqual(lines.slice(2), [
      `      nat66                      [${LONG}]:443`,
      `                                 → [${LONG}]:443`,
      '',
      '8 more; see --limit, --host and --remote',
      'no',
    ]);
  });

  it('has sessions without ports or states', () => {
    const ping = session({
      protocol: 'icmp',
      state: null,
      remote: { address: '192.0.2.1', port: null },
      expiresInMs: null,
    });
    const lines = sessionLines(
      { total: 1, sessions: [ping, session({ state: 'v4-fin-v6-fin-rcv' })], notes: [] },
      false,
    );
    fits(lines);
    assert.match(lines[1] ?? '', /^icmp {2}– +\[2001/);
    assert.match(lines[2] ?? '', /192\.0\.2\.10:61234 → 192\.0\.2\.1$/);
    assert.match(lines[3] ?? '', /^tcp {3}v4-fin-v6-fin-rcv 2\.1 h {4}\[2001/);
  });

  it('says that there are none', () => {
    assert.deepEqual(sessionLines({ total: 0, sessions: [], notes: [] }, false), ['no sessions']);
    assert.deepEqual(bindingLines({ total: 0, bindings: [] }, false), ['no bindings']);
  });
});

describe('the list of bindings', () => {
  it('N-09 tells those of the operator', () => {
    const ends = { host: { address: LONG, port: 80 }, mapped: { address: '192.0.2.10', port: 8080 } };
    const bindings = [
      { protocol: 'tcp', isStatic: true, sessions: 0, ...ends },
      { protocol: 'udp', isStatic: false, sessions: 12, ...ends },
    ];
    const lines = bindingLines({ total: 2, bindings }, false);
    fits(lines);
    assert.match(lines[1] ?? '', /^tcp {3}operator +0 +\[2001/);
    assert.match(lines[3] ?? '', /^udp {3}host +12 +\[2001/);
  });
});
