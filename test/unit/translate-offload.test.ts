// Offload metadata by name: what a super-packet becomes, when it is refused or segmented here, and every field that can lie.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultsOf, hasRightChecksums } from '../fuzz/invariants.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { bytes16, read16, read32 } from '../reference/bytes.ts';
import { pseudoHeader4, pseudoHeader6, sumWords } from '../reference/checksum.ts';
import { Engine } from '../support/engine.ts';
import {
  counting,
  fragmentHeader,
  hex,
  icmp4,
  ipv4,
  ipv6,
  type Layer,
  mutate,
  optionsHeader,
  raw,
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
const run = (packet: Uint8Array, header: Uint8Array, change: SettingsText = {}) =>
  new Engine(settingsFrom({ ...BASE, ...change })).run(packet, header);

const GOOD4 = { flags: 1, type: 1, hdrLen: 40, gsoSize: 1000, start: 20, offset: 16 };
const GOOD6 = { flags: 1, type: 4, hdrLen: 60, gsoSize: 1000, start: 40, offset: 16 };

/** The pseudo-header's sum in place of the checksum, as the kernel hands a packet over. */
function partial(packet: Uint8Array, start: number, offset: number): Uint8Array {
  const protocol = offset === 16 ? 6 : 17;
  const length = packet.length - start;
  const is4 = (packet[0] as number) >> 4 === 4;
  const pseudo = is4
    ? pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, length)
    : pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, length);
  return mutate(packet, start + offset, ...bytes16(sumWords(pseudo)));
}

const super4 = (layer: Layer = tcp({ flags: 0x99, data: counting(3500) }), df = true) =>
  partial(ipv4({ df, payload: layer }), 20, layer.protocol === 6 ? 16 : 6);
const super6 = (layer: Layer = tcp({ data: counting(3500) })) =>
  partial(ipv6({ payload: layer }), 40, layer.protocol === 6 ? 16 : 6);

describe('offloaded packets, by name', () => {
  const moves = [
    ['TCPv4', super4(), GOOD4, { ...GOOD4, type: 4, hdrLen: 60, start: 40 }],
    ['TCPv4 with ECN', super4(), { ...GOOD4, type: 0x81 }, { ...GOOD4, type: 0x84, hdrLen: 60, start: 40 }],
    ['TCPv6', super6(), GOOD6, { ...GOOD6, type: 1, hdrLen: 40, start: 20 }],
    ['TCPv6 with ECN', super6(), { ...GOOD6, type: 0x84 }, { ...GOOD6, type: 0x81, hdrLen: 40, start: 20 }],
    [
      'UDP over IPv4',
      super4(udp({ data: counting(3000) })),
      { ...GOOD4, type: 5, hdrLen: 28, offset: 6 },
      { ...GOOD6, type: 5, hdrLen: 48, offset: 6 },
    ],
    [
      'UDP over IPv6',
      super6(udp({ data: counting(3000) })),
      { ...GOOD6, type: 5, hdrLen: 48, offset: 6 },
      { ...GOOD4, type: 5, hdrLen: 28, offset: 6 },
    ],
    [
      'a plain partial checksum',
      super4(tcp({ data: counting(90) })),
      { ...GOOD4, type: 0, hdrLen: 0, gsoSize: 0 },
      { ...GOOD6, type: 0, hdrLen: 0, gsoSize: 0 },
    ],
    [
      'a verified checksum',
      ipv4({ payload: tcp() }),
      { flags: 2, type: 0, hdrLen: 0, gsoSize: 0, start: 0, offset: 0 },
      { flags: 2, type: 0, hdrLen: 0, gsoSize: 0, start: 0, offset: 0 },
    ],
    [
      'a verified checksum of IPv6',
      ipv6({ payload: tcp() }),
      { flags: 2, type: 0, hdrLen: 0, gsoSize: 0, start: 0, offset: 0 },
      { flags: 2, type: 0, hdrLen: 0, gsoSize: 0, start: 0, offset: 0 },
    ],
  ] as const;
  for (const [name, packet, before, after] of moves) {
    test(`T-O-01 the metadata of ${name} moves with the headers`, () => {
      const result = run(packet, offloadHeader(before));
      assert.equal(result.verdict, 'translated');
      assert.deepEqual(result.offload[0], offloadHeader(after));
      const out = result.out[0] as Uint8Array;
      if (after.flags === 1)
        assert.deepEqual(out, partial(out, after.start, after.offset), 'the new pseudo-header’s sum');
    });
  }

  test('T-O-01 options and extension headers go, and start and hdr_len with them', () => {
    const four = partial(ipv4({ options: hex`01 01 01 00`, payload: tcp({ data: counting(3000) }) }), 24, 16);
    assert.deepEqual(run(four, offloadHeader({ ...GOOD4, hdrLen: 44, start: 24 })).offload[0], offloadHeader(GOOD6));
    const six = partial(ipv6({ extensions: [optionsHeader(60, 2)], payload: tcp({ data: counting(3000) }) }), 56, 16);
    assert.deepEqual(run(six, offloadHeader({ ...GOOD6, hdrLen: 76, start: 56 })).offload[0], offloadHeader(GOOD4));
  });

  test('T-O-01, T-5.1-02 a super-packet uses up one identification a segment', () => {
    const engine = new Engine(settingsFrom(BASE), { seed: 100 });
    const ids = [super6(), super6()].map((p) => read16(engine.run(p, offloadHeader(GOOD6)).out[0] as Uint8Array, 4));
    assert.deepEqual(ids, [100, 104]);
  });

  test('T-O-02 DF=1 and segments that do not fit are refused with the right MTU, in both directions', () => {
    const reply = (packet: Uint8Array, header: Uint8Array, change: SettingsText) => {
      const result = run(packet, header, change);
      assert.equal(result.verdict, 'too-big');
      return toHex((result.reply as Uint8Array).slice(packet[0] === 0x45 ? 20 : 40).slice(0, 8)).replace(
        /(....)....(.*)/,
        '$1$2',
      );
    };
    assert.equal(reply(super4(), offloadHeader({ ...GOOD4, gsoSize: 1441 }), {}), '0304000005c8');
    assert.equal(run(super4(), offloadHeader({ ...GOOD4, gsoSize: 1440 })).verdict, 'translated');
    assert.equal(reply(super6(), offloadHeader({ ...GOOD6, gsoSize: 1361 }), { ipv4Mtu: 1400 }), '02000000058c');
    assert.equal(run(super6(), offloadHeader({ ...GOOD6, gsoSize: 1360 }), { ipv4Mtu: 1400 }).verdict, 'translated');
  });

  test('T-O-02 DF=0 and segments that do not fit are segmented here: flags, sequence numbers, identifications, checksums', () => {
    const result = run(
      super4(tcp({ sequence: 0xffff_ff00, flags: 0x99, data: counting(3500) }), false),
      offloadHeader({ ...GOOD4, gsoSize: 1300 }),
    );
    assert.equal(result.verdict, 'segmented');
    assert.equal(result.out.length, 5);
    assert.deepEqual(result.out.map(faultsOf).filter(Boolean), []);
    const firsts = result.out.filter((p) => p[6] !== 44 || (read16(p, 42) & 0xfff8) === 0);
    const tcpAt = (p: Uint8Array) => (p[6] === 44 ? 48 : 40);
    assert.deepEqual(
      firsts.map((p) => read32(p, tcpAt(p) + 4)),
      [0xffff_ff00, 0xffff_ff00 + 1300 - 2 ** 32, 0xffff_ff00 + 2600 - 2 ** 32],
    );
    assert.deepEqual(
      firsts.map((p) => p[tcpAt(p) + 13]),
      [0x90, 0x10, 0x19],
    );
    assert.deepEqual(
      firsts.slice(0, 2).map((p) => read32(p, 44)),
      [0x1234, 0x1235],
    );
    assert.equal(hasRightChecksums(firsts[2] as Uint8Array), true);
  });

  test('T-O-02 to IPv4, segments of at most 1260 bytes may be fragmented', () => {
    const result = run(
      super6(udp({ data: counting(2200) })),
      offloadHeader({ ...GOOD6, type: 5, hdrLen: 48, offset: 6 }),
      { ipv4Mtu: 600 },
    );
    assert.equal(result.verdict, 'segmented');
    assert.deepEqual(
      result.out.map((p) => p.length),
      [596, 452, 596, 452, 228],
    );
    assert.deepEqual(result.out.map(faultsOf).filter(Boolean), []);
    assert.equal(hasRightChecksums(result.out[4] as Uint8Array), true);
  });

  test('T-O-02 an oversized packet with a partial checksum and DF=0 gets it finished and is fragmented', () => {
    const packet = super4(udp({ data: counting(1400) }), false);
    const result = run(packet, offloadHeader({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 20, offset: 6 }));
    const whole = run(ipv4({ df: false, payload: udp({ data: counting(1400) }) }), new Uint8Array(10));
    assert.deepEqual([result.verdict, result.out.map(toHex)], ['fragmented', whole.out.map(toHex)]);
  });

  test('T-O-01 a super-packet that is too long for an IPv4 header, but not its segments, is segmented here', () => {
    const packet = partial(ipv6({ payload: tcp({ data: new Uint8Array(65_515) }) }), 40, 16);
    const result = run(packet, offloadHeader({ ...GOOD6, gsoSize: 1400 }));
    assert.deepEqual([result.verdict, result.out.length], ['segmented', 47]);
    assert.deepEqual(result.out.map(faultsOf).filter(Boolean), []);
  });

  const lies = [
    ['an unknown flag', { flags: 5 }],
    ['a type without a partial checksum', { flags: 0 }],
    ['an unknown type', { type: 2 }],
    ['UDP fragmentation', { type: 3 }],
    ['the other family’s TCP', { type: 4 }],
    ['UDP on a TCP packet', { type: 5 }],
    ['ECN on UDP', { type: 0x85 }],
    ['no segment size', { gsoSize: 0 }],
    ['a header longer than the packet', { hdrLen: 3541 }],
    ['a checksum start before the transport header', { start: 16 }],
    ['a checksum start behind it', { start: 24 }],
    ['a checksum start behind the packet', { start: 3540 }],
    ['a checksum offset that is not TCP’s', { offset: 6 }],
    ['a checksum offset behind the packet', { offset: 0xffff }],
  ] as const;
  for (const [name, change] of lies) {
    test(`T-O-03 ${name} is refused`, () => {
      assert.equal(run(super4(), offloadHeader({ ...GOOD4, ...change })).verdict, 'bad-offload');
    });
  }

  test('T-O-03 the same from IPv6', () => {
    for (const change of [
      { type: 1 },
      { type: 5 },
      { gsoSize: 0 },
      { hdrLen: 4000 },
      { start: 20 },
      { offset: 6 },
      { flags: 3 << 2 },
    ]) {
      assert.equal(run(super6(), offloadHeader({ ...GOOD6, ...change })).verdict, 'bad-offload');
    }
  });

  test('T-O-03 a super-packet without payload, with a cut or oversized TCP header, is refused', () => {
    assert.equal(run(super4(tcp()), offloadHeader(GOOD4)).verdict, 'bad-offload');
    for (const offset of [0x40, 0xf0]) {
      const packet = mutate(super4(tcp({ data: counting(30) })), 32, offset);
      assert.equal(run(packet, offloadHeader({ ...GOOD4, gsoSize: 10 })).verdict, 'bad-offload');
    }
  });

  test('T-O-03 fragments and other protocols have no partial checksum of their own', () => {
    const header = offloadHeader({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 20, offset: 6 });
    assert.equal(run(ipv4({ mf: true, payload: raw(17, counting(64)) }), header).verdict, 'bad-offload');
    assert.equal(run(ipv4({ payload: raw(47, counting(64)) }), header).verdict, 'bad-offload');
    assert.equal(run(ipv4({ payload: icmp4({ type: 8 }) }), header).verdict, 'bad-offload');
    const six = ipv6({ extensions: [fragmentHeader(0, true)], payload: raw(17, counting(64)) });
    assert.equal(
      run(six, offloadHeader({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 48, offset: 6 })).verdict,
      'bad-offload',
    );
  });

  test('T-O-03, T-4.1-09 a partial checksum inside of a tunnel is finished, since the inner headers do not change', () => {
    const inner = ipv4({ src: '10.0.0.1', dst: '10.0.0.2', payload: udp({ data: counting(33) }) });
    const tunnel = (bytes: Uint8Array) => ipv4({ payload: raw(47, Uint8Array.of(0, 0, 8, 0, ...bytes)) });
    const header = offloadHeader({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 44, offset: 6 });
    const result = run(tunnel(partial(inner, 20, 6)), header);
    assert.deepEqual(result.out.map(toHex), run(tunnel(inner), new Uint8Array(10)).out.map(toHex));
    assert.deepEqual(result.offload[0], new Uint8Array(10));
  });

  test('T-O-03 a checksum in the last two bytes is inside of the packet, one byte further is not', () => {
    const packet = ipv4({ payload: raw(47, counting(40)) });
    const header = (offset: number) => offloadHeader({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 50, offset });
    assert.equal(run(packet, header(8)).verdict, 'translated');
    assert.equal(run(packet, header(9)).verdict, 'bad-offload');
  });
});
