// core/gateway-host: where the IPv4 pool goes on a host, and which ports of a shared address it gets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PoolChoice, PoolWish } from '../../src/core/gateway-host/config.ts';
import { choosePool, neutralAddresses, type PoolRefusal } from '../../src/core/gateway-host/pool.ts';
import { countPorts, joinSpans, parseSpans, subtractSpans, textSpans } from '../../src/core/gateway-host/ports.ts';
import type { HostFacts } from '../../src/core/host/host-config.ts';
import { EPHEMERAL_PORTS } from '../../src/core/host/host-config.ts';
import type { PoolRange } from '../../src/core/nat64/settings.ts';
import { ip4, prefix4, text4 } from '../support/addresses.ts';

const link = (name: string, index: number, ...addresses: string[]) => ({
  name,
  index,
  mtuBytes: 1500,
  isUp: true,
  addresses,
});
const route = (destination: string, device: string) => ({
  family: 4 as const,
  destination,
  device,
  metric: 0,
  protocol: 'kernel',
  gateway: null,
});

const FACTS: HostFacts = {
  links: [link('lo', 1, '127.0.0.1/8', '::1/128'), link('wan0', 2, '203.0.113.1/24', 'fe80::1/64')],
  routes: [route('203.0.113.0/24', 'wan0'), { ...route('default', 'wan0'), gateway: '203.0.113.254' }],
  proxies: [],
  sysctls: new Map([[EPHEMERAL_PORTS, '32768\t60999']]),
  firewallTables: new Set(),
};
const NOTHING = { tcp: [], udp: [] };

const shared = (firstPort: number, lastPort: number, address = '203.0.113.1') => ({
  kind: 'shared' as const,
  ranges: (['tcp', 'udp', 'icmp'] as const).map(
    (protocol): PoolRange => ({ protocol, address: ip4(address), addresses: 1, firstPort, lastPort }),
  ),
});

function chosen(wish: PoolWish, facts = FACTS, used: Parameters<typeof choosePool>[2] = NOTHING): PoolChoice {
  const choice = choosePool(wish, facts, used);
  if ('refused' in choice) throw new Error(choice.refused);
  return choice;
}

const refused = (wish: PoolWish, facts = FACTS): string => (choosePool(wish, facts, NOTHING) as PoolRefusal).refused;
const texts = ({ ranges }: PoolChoice, protocol: string): string[] =>
  ranges.filter((r) => r.protocol === protocol).map((r) => `${r.firstPort}-${r.lastPort}`);

describe('the pool behind the kernel’s masquerade', () => {
  const range = ({ place }: PoolChoice): string =>
    place.kind === 'masquerade' ? `${text4(place.range.address)}/${place.range.length}` : place.kind;

  it('N-03 is a private range that nothing on this host is in', () => {
    const auto: PoolWish = { kind: 'masquerade', range: null };
    assert.equal(range(chosen(auto)), '10.64.46.0/28');
    const busy = {
      ...FACTS,
      routes: [...FACTS.routes, route('10.64.0.0/10', 'wan0')],
      links: [link('lan0', 3, '10.128.46.9/30')],
    };
    assert.equal(range(chosen(auto, busy)), '10.129.46.0/28');
    const ten = { ...FACTS, routes: [...FACTS.routes, route('10.0.0.0/8', 'wan0')] };
    assert.equal(range(chosen(auto, ten)), '172.16.46.0/28');
    const all = { ...FACTS, routes: [...ten.routes, route('172.16.0.0/12', 'wan0')] };
    assert.equal(refused(auto, all), 'no private IPv4 range is free on this host');
  });

  it('N-03 is the operator’s own range where it is free', () => {
    assert.equal(range(chosen({ kind: 'masquerade', range: prefix4('192.168.9.0/30') })), '192.168.9.0/30');
    assert.match(
      refused({ kind: 'masquerade', range: prefix4('203.0.113.128/25') }),
      /overlaps 203\.0\.113\.1\/24, an address of wan0/,
    );
  });

  it('N-03 gives the NAT64 all ports but the well-known ones, and all identifiers', () => {
    const choice = chosen({ kind: 'masquerade', range: null });
    assert.deepEqual([texts(choice, 'tcp'), texts(choice, 'icmp')], [['1024-65535'], ['0-65535']]);
    assert.equal(choice.ranges[0]?.addresses, 16);
  });
});

describe('a pool that is routed to the gateway', () => {
  const routed = (address: string, addresses = 1): PoolWish => ({
    kind: 'routed',
    ranges: [{ protocol: 'tcp', address: ip4(address), addresses, firstPort: 1, lastPort: 9 }],
  });

  it('N-03 goes to the NAT64 as it is, and cannot hold an address of the router', () => {
    assert.deepEqual(chosen(routed('198.51.100.0', 16)).warnings, []);
    assert.match(refused(routed('203.0.113.0', 4)), /203\.0\.113\.1 is an address of wan0/);
  });

  it('N-03 comes with a warning where neighbours would ask for it', () => {
    assert.match(chosen(routed('203.0.113.7')).warnings.join(), /ip neighbour add proxy 203\.0\.113\.7 dev wan0/);
  });
});

describe('an address that is shared with the router', () => {
  it('N-03 is worked with under a private one of the same checksum', () => {
    const { place, ranges } = chosen(shared(1024, 2047));
    assert.equal(place.kind, 'shared');
    if (place.kind !== 'shared') return;
    assert.equal(text4(place.outside), '203.0.113.1');
    assert.equal(text4(place.inside), '10.64.49.194');
    assert.deepEqual(new Set(ranges.map((r) => r.address)), new Set([place.inside]));
  });

  it('N-03 no checksum of a packet notices the exchange', () => {
    const sum = (words: readonly number[]): number => {
      let total = words.reduce((a, b) => a + b, 0);
      while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
      return total === 0xffff ? 0 : total;
    };
    const halves = (address: number): number[] => [address >>> 16, address & 0xffff];
    const rest = fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 0x01000000, max: 0xdfffffff }), rest, (outside, words) => {
        const candidates = neutralAddresses(outside);
        assert.ok(candidates.length > 100);
        for (const inside of candidates.slice(0, 3)) {
          assert.ok(inside >>> 24 === 10 || inside >>> 20 === 0xac1, text4(inside));
          assert.equal(sum([...words, ...halves(inside)]), sum([...words, ...halves(outside)]));
        }
      }),
    );
  });

  it('N-03 leaves the router the ports that its programs listen on, and says so', () => {
    const used = { tcp: [22, 1500, 1501, 8080], udp: [1600, 53] };
    const choice = chosen(shared(1024, 2047), FACTS, used);
    assert.deepEqual(texts(choice, 'tcp'), ['1024-1499', '1502-2047']);
    assert.deepEqual(texts(choice, 'udp'), ['1024-1599', '1601-2047']);
    assert.deepEqual(texts(choice, 'icmp'), ['1024-2047']);
    assert.deepEqual(choice.warnings, [
      'programs of this router listen on ports of the pool, which stay theirs: TCP 1500-1501; UDP 1600',
    ]);
  });

  it('N-03 leaves the router ports for its own connections where the pool would take them all', () => {
    assert.deepEqual(texts(chosen(shared(1024, 65535)), 'tcp'), ['1024-59975', '61000-65535']);
    assert.deepEqual(chosen(shared(61001, 65535)).warnings, []);
    assert.deepEqual(texts(chosen(shared(1024, 59974)), 'tcp'), ['1024-59974'], 'there are enough beside it');
  });

  it('N-03 is one address, of this router', () => {
    assert.match(refused(shared(1024, 2047, '203.0.113.2')), /203\.0\.113\.2 is no address of this router/);
    const two: PoolWish = {
      kind: 'shared',
      ranges: [...shared(1, 2).ranges, ...shared(1, 2, '203.0.113.2').ranges],
    };
    assert.equal(refused(two), 'only one address can be shared');
    assert.match(refused({ kind: 'shared', ranges: [] }), /no address of this router/);
  });
});

describe('spans of ports', () => {
  const span = fc.tuple(fc.nat(60), fc.nat(20)).map(([first, more]) => ({ first, last: first + more }));
  const spans = fc.array(span, { maxLength: 6 });
  const members = (list: readonly { first: number; last: number }[]): Set<number> =>
    new Set(list.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));

  it('subtract, join and count as sets do', () => {
    fc.assert(
      fc.property(spans, spans, (a, b) => {
        const left = members(subtractSpans(a, b));
        const taken = members(b);
        assert.deepEqual(left, new Set([...members(a)].filter((port) => !taken.has(port))));
        const joined = joinSpans(a);
        assert.deepEqual(members(joined), members(a));
        assert.equal(countPorts(a), members(a).size);
        for (const [i, s] of joined.entries()) assert.ok(i === 0 || s.first > (joined[i - 1]?.last ?? 0) + 1);
        assert.deepEqual(parseSpans(textSpans(joined)), joined);
      }),
    );
  });

  it('read the kernel’s two ways of writing them', () => {
    assert.deepEqual(parseSpans('32768\t60999'), [{ first: 32768, last: 60999 }]);
    assert.deepEqual(parseSpans('22,1024-2047'), [
      { first: 22, last: 22 },
      { first: 1024, last: 2047 },
    ]);
    assert.deepEqual(parseSpans(''), []);
  });
});
