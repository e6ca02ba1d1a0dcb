// Switches and own addresses: what the settings change about a packet, and pings to the translator itself.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IcmpSources } from '../../src/core/translate/icmp-sources.ts';
import { hasRightChecksums } from '../fuzz/invariants.ts';
import { bytes16, read16, read32 } from '../reference/bytes.ts';
import { Engine, runOnce } from '../support/engine.ts';
import {
  counting,
  fragmentHeader,
  hex,
  icmp4,
  icmp6,
  icmpExtension,
  ipv4,
  ipv6,
  mutate,
  optionsHeader,
  raw,
  routingHeader,
  tcp,
  toHex,
  udp,
} from '../support/packets.ts';
import { type SettingsText, settingsFrom } from '../vectors/load.ts';

const BASE = {
  prefix: '2001:db8:64::/96',
  mappings: [['192.0.2.33', '2001:db8::1']],
  ownIpv4: '192.0.2.1',
  ownIpv6: '2001:db8:64::c000:201',
} as const;
const with_ = (change: SettingsText = {}) => settingsFrom({ ...BASE, ...change });
const TOLERANT = { headerChecksum: true, icmpChecksum: true, martians: true, sourceRoute: true };

describe('own addresses', () => {
  test('T-4.2-01 an echo request to the own IPv4 address comes back, checksum right, also from 0xffff and 0x0000', () => {
    for (let i = 0; i < 512; i++) {
      const packet = ipv4({
        dst: '192.0.2.1',
        tos: 8,
        payload: icmp4({ type: 8, rest: [i, 255 - (i & 255), 0xf7, 0xff - i] }),
      });
      const { verdict, reply } = runOnce(with_(), packet);
      assert.equal(verdict, 'answered');
      assert.ok(reply !== null && hasRightChecksums(reply));
      assert.equal(toHex(reply.slice(12, 20)), 'c0000201c0000221');
      assert.deepEqual([reply[8], reply[20], ...reply.slice(24)], [64, 0, ...packet.slice(24)]);
    }
  });

  test('T-5.2-01 an echo request to the own IPv6 address comes back', () => {
    const packet = ipv6({ dst: '2001:db8:64::c000:201', payload: icmp6({ type: 128, data: counting(50) }) });
    const { verdict, reply } = runOnce(with_(), packet);
    assert.equal(verdict, 'answered');
    assert.ok(reply !== null && hasRightChecksums(reply));
    assert.deepEqual([reply.slice(8, 24), reply.slice(24, 40)], [packet.slice(24, 40), packet.slice(8, 24)]);
    assert.deepEqual([reply[7], reply[40], ...reply.slice(44)], [64, 129, ...packet.slice(44)]);
  });

  const unanswered = [
    ['UDP', ipv4({ dst: '192.0.2.1', payload: udp() }), 'to-translator'],
    ['an echo reply', ipv4({ dst: '192.0.2.1', payload: icmp4({ type: 0 }) }), 'to-translator'],
    ['a fragment of a ping', ipv4({ dst: '192.0.2.1', mf: true, payload: icmp4({ type: 8 }) }), 'to-translator'],
    ['a ping with options', ipv4({ dst: '192.0.2.1', options: hex`01`, payload: icmp4({ type: 8 }) }), 'to-translator'],
    ['half a ping', ipv4({ dst: '192.0.2.1', payload: raw(1, hex`08 00 f7 ff`) }), 'to-translator'],
    ['a damaged ping', ipv4({ dst: '192.0.2.1', payload: icmp4({ type: 8, checksum: 1 }) }), 'bad-icmp-checksum'],
    ['TCP over IPv6', ipv6({ dst: '2001:db8:64::c000:201', payload: tcp() }), 'to-translator'],
    [
      'a ping behind an extension header',
      ipv6({ dst: '2001:db8:64::c000:201', extensions: [optionsHeader(60)], payload: icmp6({ type: 128 }) }),
      'to-translator',
    ],
    [
      'a damaged ICMPv6 ping',
      ipv6({ dst: '2001:db8:64::c000:201', payload: icmp6({ type: 128, checksum: 1 }) }),
      'bad-icmp-checksum',
    ],
  ] as const;
  for (const [name, packet, verdict] of unanswered) {
    test(`T-E-01 ${name} to the own address gets no answer`, () => {
      const result = runOnce(with_(), packet);
      assert.deepEqual([result.verdict, result.reply], [verdict, null]);
    });
  }

  test('T-4.2-01 a ping with the reserved flag set is answered, too', () => {
    const packet = ipv4({ dst: '192.0.2.1', id: 0, payload: icmp4({ type: 8 }) });
    const evil = mutate(packet, 6, 0x80, 0, packet[8] as number, packet[9] as number, 0, 0);
    assert.equal(runOnce(with_({ tolerate: TOLERANT }), evil).verdict, 'answered');
  });
});

describe('switches', () => {
  test('T-4.1-02, T-5.1-01 hop limits fall by one, or not at all where that is set', () => {
    const six = runOnce(with_(), ipv4({ ttl: 2, payload: udp() })).out[0] as Uint8Array;
    const four = runOnce(with_(), ipv6({ hopLimit: 2, payload: udp() })).out[0] as Uint8Array;
    assert.deepEqual([six[7], four[8]], [1, 1]);
    for (const hops of [0, 1, 2, 255]) {
      const six = runOnce(with_({ decrementHopLimit: false }), ipv4({ ttl: hops, payload: udp() }))
        .out[0] as Uint8Array;
      const four = runOnce(with_({ decrementHopLimit: false }), ipv6({ hopLimit: hops, payload: udp() }))
        .out[0] as Uint8Array;
      assert.deepEqual([six[7], four[8]], [hops, hops]);
    }
  });

  test('T-4.1-04 a wrong header checksum is dropped, or tolerated and written anew', () => {
    const packet = ipv4({ payload: udp({ data: hex`01 02` }), checksum: 0x1234 });
    assert.equal(runOnce(with_(), packet).verdict, 'bad-header-checksum');
    const tolerated = runOnce(with_({ tolerate: TOLERANT }), packet);
    assert.deepEqual(tolerated.out, runOnce(with_(), ipv4({ payload: udp({ data: hex`01 02` }) })).out);
  });

  test('T-4.2-14 a tolerated wrong ICMP checksum stays wrong by the same difference, in echoes and errors, both ways', () => {
    const settings = with_({ tolerate: TOLERANT, icmpPoolIpv4: ['192.0.0.8'] });
    const inner4 = ipv4({ src: '198.51.100.7', dst: '192.0.2.33', payload: udp() });
    const inner6 = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp() });
    const messages = [
      ipv4({ payload: icmp4({ type: 8, data: counting(20) }) }),
      ipv4({ payload: icmp4({ type: 3, data: inner4 }) }),
      ipv6({ payload: icmp6({ type: 128, data: counting(20) }) }),
      ipv6({ payload: icmp6({ type: 1, data: inner6 }) }),
    ];
    for (const right of messages) {
      const [before, after] = right[0] === 0x45 ? [22, 42] : [42, 22];
      const wrong = mutate(right, before, ...bytes16((read16(right, before) + 0x0101) % 0xffff));
      const checksums = [right, wrong].map((packet) => read16(runOnce(settings, packet).out[0] as Uint8Array, after));
      assert.equal(((checksums[1] as number) - (checksums[0] as number) + 2 * 0xffff) % 0xffff, 0x0101);
      assert.equal(runOnce(with_(), wrong).verdict, 'bad-icmp-checksum');
    }
  });

  test('A-04 tolerated martians pass, multicast and broadcast never do', () => {
    const settings = with_({ tolerate: TOLERANT });
    for (const dst of ['0.1.2.3', '127.0.0.1', '240.0.0.1']) {
      assert.equal(runOnce(with_(), ipv4({ dst, payload: udp() })).verdict, 'martian-destination');
      assert.equal(runOnce(settings, ipv4({ dst, payload: udp() })).verdict, 'translated');
    }
    for (const dst of ['224.0.0.1', '239.255.255.255', '255.255.255.255']) {
      assert.equal(runOnce(settings, ipv4({ dst, payload: udp() })).verdict, 'martian-destination');
    }
  });

  test('A-04 a martian inside the prefix is refused before an unmapped destination is answered', () => {
    const packet = ipv6({ src: '2001:db8:64::7f00:1', dst: '2001:db8:9::9', payload: udp() });
    const result = runOnce(with_(), packet);
    assert.deepEqual([result.verdict, result.reply], ['martian-source', null]);
    assert.equal(runOnce(with_(), ipv6({ dst: '2001:db8:64::e000:1', payload: udp() })).verdict, 'martian-destination');
  });

  test('A-03 the local-use prefix is never restricted, the well-known one by the switch', () => {
    const verdict = (prefix: string, allowNonGlobal = false) =>
      runOnce(with_({ prefix, allowNonGlobal }), ipv4({ dst: '192.168.1.1', payload: udp() })).verdict;
    assert.deepEqual(
      [verdict('64:ff9b::/96'), verdict('64:ff9b::/96', true), verdict('64:ff9b:1::/96'), verdict('64:ff9b:1::/48')],
      ['non-global', 'translated', 'translated', 'translated'],
    );
  });

  test('A-03 each non-global range ends where IANA says', () => {
    const edges = [
      ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
      ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
      ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
      ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
      ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
      ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
      ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
      ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
      ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
      ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
    ];
    const engine = new Engine(settingsFrom({ prefix: '64:ff9b::/96', mappings: [['8.8.8.8', '2001:db8::8']] }));
    const verdict = (dst = '') => engine.run(ipv4({ src: '8.8.8.8', dst, payload: udp() })).verdict;
    for (const [first, last, before, after] of edges) {
      assert.deepEqual([first, last, before, after].map(verdict), [
        'non-global',
        'non-global',
        'translated',
        'translated',
      ]);
    }
  });

  test('T-4.5-02 the three ways with a datagram without a checksum', () => {
    const packet = ipv4({ payload: udp({ checksum: 0, data: counting(9) }) });
    const run = (udpZeroChecksum: 'compute' | 'drop' | 'forward') => runOnce(with_({ udpZeroChecksum }), packet);
    assert.equal(hasRightChecksums(run('compute').out[0] as Uint8Array), true);
    assert.equal(run('drop').verdict, 'udp-zero-checksum');
    assert.equal(read16(run('forward').out[0] as Uint8Array, 46), 0);
  });

  test('T-4.5-02 a UDP length that does not fit leaves nothing to compute', () => {
    for (const length of [0, 7, 18, 0xffff]) {
      const packet = ipv4({ payload: udp({ checksum: 0, length, data: counting(9) }) });
      assert.equal(runOnce(with_(), packet).verdict, 'udp-zero-checksum');
    }
    const shorter = ipv4({ payload: udp({ checksum: 0, length: 10, data: counting(9) }) });
    assert.equal(runOnce(with_(), shorter).verdict, 'translated');
  });

  test('T-4.5-01 IPv6 UDP without a checksum (RFC 6935) has none in IPv4 either', () => {
    const out = runOnce(with_(), ipv6({ payload: udp({ checksum: 0 }) })).out[0] as Uint8Array;
    assert.equal(read16(out, 26), 0);
  });

  for (const [protocol, at, result] of [
    ['UDP', 6, 0xffff],
    ['TCP', 16, 0],
  ] as const) {
    test(`T-4.5-01 a ${protocol} checksum that comes out at zero is ${result}, for the first packet of a flow and those after it`, () => {
      const layer = protocol === 'UDP' ? udp({ data: counting(8) }) : tcp({ data: counting(8) });
      for (const packet of [ipv4({ payload: layer }), ipv6({ payload: layer })]) {
        const [before, after] = packet[0] === 0x45 ? [20 + at, 40 + at] : [40 + at, 20 + at];
        const engine = new Engine(with_());
        const out = (bytes: Uint8Array) => read16(engine.run(bytes).out[0] as Uint8Array, after);
        const zero =
          (read16(packet, before) - read16(runOnce(with_(), packet).out[0] as Uint8Array, after) + 0xffff) % 0xffff;
        const wrong = mutate(packet, before, ...bytes16(zero));
        assert.deepEqual([out(wrong), out(wrong)], [result, result]);
      }
    });
  }

  test('T-4.1-01, T-5.1-01 traffic class and TOS copied, or zero, or fixed', () => {
    const six = (trafficClass: 'copy' | 'zero') =>
      read32(runOnce(with_({ trafficClass }), ipv4({ tos: 0xb9, payload: udp() })).out[0] as Uint8Array, 0);
    assert.deepEqual([six('copy'), six('zero')], [0x6b900000, 0x60000000]);
    const four = (tos: 'copy' | number) =>
      runOnce(with_({ tos }), ipv6({ trafficClass: 0xb9, flowLabel: 0xfffff, payload: udp() })).out[0]?.[1];
    assert.deepEqual([four('copy'), four(0), four(0x20)], [0xb9, 0, 0x20]);
  });

  test('T-5.1-02 identifications come from the generator, one a packet, and wrap', () => {
    const engine = new Engine(with_(), { seed: 0xfffe });
    const id = (length: number) => {
      const out = engine.run(ipv6({ payload: udp({ data: counting(length) }) })).out[0] as Uint8Array;
      return [read16(out, 4), (out[6] as number) >> 6];
    };
    assert.deepEqual(
      [id(4), id(1232), id(1233), id(0)],
      [
        [0xfffe, 0],
        [0xffff, 0],
        [0, 1],
        [1, 0],
      ],
    );
  });

  test('T-5.1-04 eight extension headers are skipped, nine are not, and the Fragment Header does not count', () => {
    const chain = (n: number) => Array.from({ length: n }, (_, i) => optionsHeader(i === 0 ? 0 : 60));
    assert.equal(
      runOnce(with_(), ipv6({ extensions: [...chain(8), fragmentHeader(0, false)], payload: udp() })).verdict,
      'translated',
    );
    assert.equal(runOnce(with_(), ipv6({ extensions: chain(9), payload: udp() })).verdict, 'bad-extension');
    assert.equal(runOnce(with_(), ipv6({ extensions: [routingHeader(0)], payload: udp() })).verdict, 'translated');
  });
});

describe('sources of ICMP errors', () => {
  const error = (src: string) =>
    ipv6({
      src,
      dst: '2001:db8:64::c633:6407',
      payload: icmp6({ type: 3, data: ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp() }) }),
    });

  test('T-5.2-10 a router without an IPv4 form gets an address of the pool, always the same one, and not all the same', () => {
    const engine = new Engine(with_({ icmpPoolIpv4: ['203.0.113.0/29', '192.0.0.8/31'] }));
    const sourceOf = (i: number) => read32(engine.run(error(`2001:db8:${i}::1`)).out[0] as Uint8Array, 12);
    const sources = Array.from({ length: 200 }, (_, i) => sourceOf(0x1000 + i));
    assert.deepEqual(
      sources,
      Array.from({ length: 200 }, (_, i) => sourceOf(0x1000 + i)),
    );
    const expected = [...Array.from({ length: 8 }, (_, i) => 0xcb007100 + i), 0xc0000008, 0xc0000009];
    assert.deepEqual([...new Set(sources)].sort(), expected.sort());
  });

  test('T-5.2-10 without a pool it is the own address, and without that the error is dropped', () => {
    assert.equal(read32(runOnce(with_(), error('2001:db8:9::1')).out[0] as Uint8Array, 12), 0xc0000201);
    const none = settingsFrom({ prefix: BASE.prefix, mappings: BASE.mappings });
    assert.equal(runOnce(none, error('2001:db8:9::1')).verdict, 'no-mapping-source');
  });

  test('T-5.2-10 a router’s error takes no lease of the dynamic pool, a host that has one keeps its address', () => {
    const engine = new Engine({
      ...with_({ icmpPoolIpv4: ['192.0.0.8'] }),
      dynamicPool: [{ address: 0xcb007120, length: 32 }],
    });
    assert.equal(read32(engine.run(error('2001:db8:9::1')).out[0] as Uint8Array, 12), 0xc0000008);
    assert.equal(engine.translator.map.pool.leases().length, 0);
    engine.run(ipv6({ src: '2001:db8:9::1', payload: udp() }));
    assert.equal(read32(engine.run(error('2001:db8:9::1')).out[0] as Uint8Array, 12), 0xcb007120);
  });

  test('T-5.2-10 an IPv4 router keeps its own bits in the IPv6 pool, as many as fit', () => {
    const words = (pool: string) => {
      const map = { w0: 0, w1: 0, w2: 0, w3: 0 };
      new IcmpSources(settingsFrom({ icmpPoolIpv6: pool })).pickIpv6(0xcb007101 | 0, map as never);
      return [map.w0, map.w1, map.w2, map.w3].map((w) => (w >>> 0).toString(16)).join(':');
    };
    assert.equal(words('2001:db8:6791::/64'), '20010db8:67910000:0:cb007101');
    assert.equal(words('2001:db8:6791::/96'), '20010db8:67910000:0:cb007101');
    assert.equal(words('2001:db8:6791::/112'), '20010db8:67910000:0:7101');
    assert.equal(words('2001:db8:6791::9/128'), '20010db8:67910000:0:9');
  });

  test('T-4.2-13, T-5.2-11 an extension that leaves no room for its datagram is left out, the error stays', () => {
    const inner6 = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp({ data: counting(80) }) });
    const inner4 = ipv4({ src: '198.51.100.7', dst: '192.0.2.33', payload: udp({ data: counting(100) }) });
    for (const size of [420, 424, 1200, 1400]) {
      const structure = icmpExtension(counting(size));
      const six = ipv6({
        payload: icmp6({ type: 1, rest: [16, 0, 0, 0], data: Uint8Array.of(...inner6, ...structure) }),
      });
      const four = ipv4({
        payload: icmp4({ type: 3, code: 1, rest: [0, 32, 0, 0], data: Uint8Array.of(...inner4, ...structure) }),
      });
      const [to4, to6] = [runOnce(with_(), six).out[0], runOnce(with_(), four).out[0]] as [Uint8Array, Uint8Array];
      assert.ok(to4.length <= 576 && to6.length <= 1280);
      assert.deepEqual([hasRightChecksums(to4), hasRightChecksums(to6)], [true, true]);
      assert.equal(to4[25], size <= 412 ? 32 : 0, 'length octet of the ICMPv4 error');
      assert.equal(to6[44], size <= 1088 ? 19 : 0, 'length octet of the ICMPv6 error');
    }
  });

  test('T-5.2-11 the length octet of a large ICMPv4 error stays in its octet', () => {
    const inner = ipv6({
      src: '2001:db8:64::c633:6407',
      dst: '2001:db8::1',
      payload: udp({ data: counting(1300 - 48 - 4) }),
    });
    const field = Uint8Array.of(...inner, ...new Uint8Array(1248 - inner.length + 56)).slice(0, 1304);
    const six = ipv6({
      payload: icmp6({ type: 1, rest: [163, 0, 0, 0], data: Uint8Array.of(...field, ...icmpExtension()) }),
    });
    const out = runOnce(with_({ icmpv4ErrorSize: 1500 }), six).out[0] as Uint8Array;
    assert.deepEqual([...out.slice(20, 22), ...out.slice(24, 28)], [3, 1, 0, 255, 0, 0]);
    assert.equal(out.length, 28 + 1020 + icmpExtension().length);
    assert.equal(hasRightChecksums(out), true);
  });

  test('T-5.1-03 an ICMPv6 error behind an atomic Fragment Header keeps its identification and DF=0', () => {
    const data = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp() });
    const out = runOnce(
      with_(),
      ipv6({ extensions: [fragmentHeader(0, false, 0xabcd9876)], payload: icmp6({ type: 1, data }) }),
    );
    assert.equal(toHex((out.out[0] as Uint8Array).slice(4, 8)), '98760000');
  });
});
