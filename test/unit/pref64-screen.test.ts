// What a person sees of discovery, and how Linux' lists of resolvers are read.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { discoveryScreen } from '../../src/cli/screens/discovery.ts';
import type { InterfaceReport } from '../../src/contract/discovery.ts';
import { nameservers, parseServer, resolvedServers } from '../../src/platform/linux/resolvers.ts';

const LONG = '2001:db8:1111:2222:3333:4444:5555:6666';

const REPORT: InterfaceReport = {
  name: 'wlan0',
  listening: 'yes',
  trouble: null,
  solicitationsSent: 1,
  advertisements: { accepted: 2, hopLimit: 0, source: 0, malformed: 0, options: 0, prefixes: 0, floods: 0 },
  routers: [
    {
      router: 'fe80::1111:2222:3333:4444',
      preference: 'high',
      routerLifetimeSeconds: 1800,
      heardSecondsAgo: 3,
      isSilent: false,
      pref64: [{ prefix: '64:ff9b::/96', secondsLeft: 1797 }],
      resolvers: [LONG],
      mtuBytes: 1400,
    },
  ],
  resolvers: [
    { resolver: LONG, from: 'ra', state: 'prefixes', prefixes: ['64:ff9b::/96'], secondsLeft: 3600, why: null },
  ],
  resolversLeftOut: 0,
  chosen: {
    prefix: '64:ff9b::/96',
    source: 'ra',
    origin: 'fe80::1111:2222:3333:4444',
    secondsLeft: 1797,
    isReachable: null,
  },
  reason: 'only',
  why: 'the only one on offer from this source',
};

const screen = (report: Partial<InterfaceReport>, colour = false): string =>
  discoveryScreen({ configured: null, interfaces: [{ ...REPORT, ...report }] }, colour).join('\n');

describe('the screen of discover', () => {
  it('shows the choice, each router and each resolver', () => {
    assert.equal(
      screen({}).trimEnd(),
      [
        'wlan0',
        '  PREF64    64:ff9b::/96 announced by fe80::1111:2222:3333:4444, 29 min 57 s',
        '            left',
        '            chosen: the only one on offer from this source',
        '  router    fe80::1111:2222:3333:4444, preference high, heard 3 s ago, MTU 1400',
        '            PREF64 64:ff9b::/96, 29 min 57 s left',
        `            resolver ${LONG}`,
        `  resolver  ${LONG}, named by a router`,
        '            64:ff9b::/96, 1 h left',
      ].join('\n'),
    );
  });

  it('tells of what was refused, and only then', () => {
    assert.doesNotMatch(screen({}), /refused/);
    const advertisements = { ...REPORT.advertisements, hopLimit: 3, malformed: 1 };
    assert.match(screen({ advertisements }), /refused +3 with a hop limit below 255, 1 malformed/);
  });

  it('D-06 counts the resolvers that are named and not asked, and only then', () => {
    assert.doesNotMatch(screen({}), /not asked/);
    assert.match(screen({ resolversLeftOut: 3 }), /\n {12}and 3 more, not asked: too many are named\n/);
  });

  it('stays within 80 columns whatever is in it', () => {
    const prefixes = Array.from({ length: 8 }, (_, i) => `2001:db8:1111:2222:3333:${i}444::/96`);
    const resolver = { ...REPORT.resolvers[0]!, prefixes };
    const failed = { ...resolver, state: 'failed' as const, why: 'x'.repeat(70) };
    const report = {
      resolvers: [resolver, failed],
      trouble: 'cannot solicit routers: sendmsg: Cannot assign requested address',
    };
    for (const line of screen(report).split('\n')) assert.ok(line.length <= 80, line);
  });

  it('colours only where it is told to', () => {
    assert.equal(screen({}).includes('\u001b'), false);
    assert.ok(screen({}, true).includes('\u001b[32m  PREF64'));
    assert.ok(screen({ chosen: null, why: 'no prefix is on offer' }, true).includes('\u001b[33m  PREF64'));
  });

  it('waits for an interface where there is none', () => {
    assert.deepEqual(discoveryScreen({ configured: null, interfaces: [] }, false), [
      'no interface is up and speaks IPv6; waiting for one',
    ]);
  });
});

describe("Linux' resolvers of a link", () => {
  const link = { name: 'eth0', index: 2 };

  it('D-06 addresses are read with ports, zones and names', () => {
    const cases: readonly (readonly [word: string, address: string, port: number])[] = [
      ['192.0.2.53', '192.0.2.53', 53],
      ['192.0.2.53:5353#dns.example', '192.0.2.53', 5353],
      ['2001:db8::53', '2001:db8::53', 53],
      ['[2001:db8::53]:5353', '2001:db8::53', 5353],
      ['fe80::53', 'fe80::53%eth0', 53],
      ['fe80::53%2', 'fe80::53%eth0', 53],
      ['fe80::53%eth0', 'fe80::53%eth0', 53],
    ];
    for (const [word, address, port] of cases) assert.deepEqual(parseServer(word, link), { address, port }, word);
    for (const word of ['', 'dns.example', 'fe80::53%wlan0', '1.2.3', '::1::']) {
      assert.equal(parseServer(word, link), null, word);
    }
  });

  it('D-06 resolvectl speaks of this link, by index and name, or its answer does not count', () => {
    assert.deepEqual(resolvedServers('Link 2 (eth0): 192.0.2.53 2001:db8::53\n', link), ['192.0.2.53', '2001:db8::53']);
    assert.deepEqual(resolvedServers('Link 2 (eth0):\n', link), []);
    assert.deepEqual(resolvedServers('Link 3 (eth0): 192.0.2.53\nLink 2 (eth00): 192.0.2.53', link), []);
  });

  it('D-06 resolv.conf is read with whatever else is in it', () => {
    const conf =
      '# nameserver 192.0.2.1\nsearch example\n nameserver\t192.0.2.2 # mine\nnameserver 2001:db8::53\nnameserver\n';
    assert.deepEqual(nameservers(conf), ['192.0.2.2', '2001:db8::53']);
  });
});
