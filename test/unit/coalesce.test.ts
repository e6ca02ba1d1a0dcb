// Hand-made cases for coalescing: what merges, what the merged header says, and everything that keeps packets apart.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { append, makePacketList, makeSlab, type Slab } from '../../src/core/wire/slab.ts';
import { type Coalescer, MAX_SEGMENTS, MAX_SUPER_PACKET, makeCoalescer } from '../../src/dataplane/coalesce.ts';
import { makeSimdSlab } from '../../src/dataplane/coalesce-simd.ts';
import { makeWriteList } from '../../src/dataplane/tun-queue.ts';
import * as p from '../support/coalesce-packets.ts';

const SLAB_SIZE = 1 << 20;
const MAX_PACKETS = 256;

function coalesce(
  specs: readonly p.PacketSpec[],
  options: { tcp: boolean; udp: boolean } = { tcp: true, udp: true },
  slab: Slab = makeSimdSlab(SLAB_SIZE),
): { written: Uint8Array[]; coalescer: Coalescer } {
  const coalescer = makeCoalescer({ ...options, maxPackets: MAX_PACKETS });
  const out = makeWriteList(MAX_PACKETS, MAX_PACKETS);
  coalescer.coalesce(slab, p.load(slab, specs), out);
  return { written: p.gather(slab, out), coalescer };
}

/** How many packets each written packet stands for. */
const sizes = (written: readonly Uint8Array[]): number[] => written.map((w) => p.split(w).length);

function assertSame(written: readonly Uint8Array[], specs: readonly p.PacketSpec[]): void {
  assert.deepEqual(written.flatMap(p.split).map(p.canonical), specs.map(p.expected));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('TCP', () => {
  for (const family of [4, 6] as const) {
    test(`T-O-01 ten IPv${family} segments become one super-packet that splits into the same bytes`, () => {
      const specs = p.run({ family }, 10, 1400);
      const { written, coalescer } = coalesce(specs);
      assert.deepEqual(sizes(written), [10]);
      assertSame(written, specs);
      assert.deepEqual(coalescer.counters, { mergedPackets: 10, groups: 1 });
    });
  }

  test('T-O-01 the offload header of a merged IPv4 packet names the kernel fields', () => {
    const [written] = coalesce(p.run({ family: 4, options: [] }, 2, 8)).written;
    // NEEDS_CSUM, GSO_TCPV4, hdr_len 40, gso_size 8, csum_start 20, csum_offset 16
    assert.equal(hex(written.subarray(0, 10)), '01012800080014001000');
    assert.equal(hex(written.subarray(12, 14)), '0038', 'IPv4 total length 56');
  });

  test('T-O-01 the offload header of a merged IPv6 packet names the kernel fields', () => {
    const [written] = coalesce(p.run({ family: 6 }, 3, 100)).written;
    // hdr_len 72 with 12 bytes of options, gso_size 100, csum_start 40
    assert.equal(hex(written.subarray(0, 10)), '01044800640028001000');
    assert.equal(hex(written.subarray(14, 16)), '014c', 'payload length 332');
  });

  test('a shorter segment is the last of its group', () => {
    const specs = p.run({}, 4, 100, (i) =>
      i === 2 ? { payload: p.payloadOf(60), sequence: 1200 } : i === 3 ? { sequence: 1260 } : {},
    );
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [3, 1]);
    assertSame(written, specs);
  });

  test('a longer segment starts a group of its own', () => {
    const specs = [...p.run({}, 2, 100), ...p.run({ sequence: 1200 }, 2, 101)];
    assert.deepEqual(sizes(coalesce(specs).written), [2, 2]);
  });

  for (const [name, flag] of [
    ['PSH', p.PSH],
    ['FIN', p.FIN],
  ] as const) {
    test(`${name} closes the group and stands in its last segment only`, () => {
      const specs = p.run({}, 5, 100, (i) => (i === 2 ? { flags: p.ACK | flag } : {}));
      const { written } = coalesce(specs);
      assert.deepEqual(sizes(written), [3, 2]);
      assertSame(written, specs);
    });
  }

  test('T-O-01 CWR on the first segment sets the ECN bit, on a later one it starts a new group', () => {
    const specs = p.run({}, 4, 100, (i) => (i === 0 || i === 2 ? { flags: p.ACK | p.CWR } : {}));
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [2, 2]);
    assert.deepEqual(
      written.map((w) => w[1]),
      [0x84, 0x84],
    );
    assertSame(written, specs);
  });

  test('the sequence number may pass 2³²', () => {
    const specs = p.run({ sequence: 0xffff_ff00 }, 4, 100);
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [4]);
    assertSame(written, specs);
  });

  test('data of both directions of a connection stays apart', () => {
    const there = p.run({}, 3, 100);
    const back = p.run({ source: 2, destination: 1, sourcePort: 443, destinationPort: 40_000 }, 3, 100);
    assert.deepEqual(sizes(coalesce([there[0], back[0], there[1], back[1], there[2], back[2]]).written), [3, 3]);
  });

  const keptApart: Record<string, Partial<p.PacketSpec>> = {
    'another acknowledgment number': { acknowledgment: 78 },
    'another window': { window: 513 },
    'another option': { options: [1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2] },
    'more options': { options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 1, 1] },
    'another urgent pointer': { urgent: 1 },
    'another ECE flag': { flags: p.ACK | p.ECE },
    'the SYN flag': { flags: p.ACK | p.SYN },
    'the RST flag': { flags: p.ACK | p.RST },
    'the URG flag': { flags: p.ACK | p.URG },
    'no ACK flag': { flags: 0 },
    'another hop limit': { hopLimit: 62 },
    'another traffic class': { trafficClass: 3 },
    'another flow label': { flowLabel: 1 },
    'a gap in the sequence': { sequence: 1101 },
    'a repeated sequence number': { sequence: 1000 },
    'no payload': { payload: new Uint8Array(0) },
    'another source address': { source: 9 },
    'another destination address': { destination: 9 },
    'another source port': { sourcePort: 1 },
    'another destination port': { destinationPort: 1 },
    'a damaged payload (T-4.5-04)': { damaged: true },
    'a damaged payload of an odd length (T-4.5-04)': { damaged: true, payload: p.payloadOf(99) },
  };
  for (const [what, change] of Object.entries(keptApart)) {
    test(`a segment with ${what} does not join`, () => {
      const specs = p.run({}, 2, 100, (i) => (i === 1 ? change : {}));
      const { written } = coalesce(specs);
      assert.deepEqual(sizes(written), [1, 1]);
      assertSame(written, specs);
    });
  }

  test('T-4.5-04 a damaged first segment stays alone and damaged; those behind it merge', () => {
    const specs = p.run({}, 4, 100, (i) => (i === 0 ? { damaged: true } : {}));
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [1, 3]);
    assertSame(written, specs);
  });

  test('T-4.5-04 a partial checksum that is not the pseudo-header sum does not merge', () => {
    const slab = makeSimdSlab(SLAB_SIZE);
    const list = p.load(slab, p.run({ checksum: 'partial' }, 2, 100));
    slab.bytes[list.offset[1] + 40 + 17] ^= 1;
    const out = makeWriteList(2, 2);
    makeCoalescer({ tcp: true, udp: false, maxPackets: 2 }).coalesce(slab, list, out);
    assert.equal(out.packets, 2);
  });

  test('partial, validated and plain checksums merge with each other', () => {
    const states: p.ChecksumState[] = ['plain', 'partial', 'validated', 'partial'];
    const specs = p.run({}, 4, 101, (i) => ({ checksum: states[i] }));
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [4]);
    assertSame(written, specs);
  });

  test('a group ends at the number of pieces that one write takes', () => {
    const specs = p.run({}, 100, 10);
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [MAX_SEGMENTS, 100 - MAX_SEGMENTS]);
    assertSame(written, specs);
  });

  test('a group ends before the IP length overflows', () => {
    const specs = p.run({ family: 4 }, 50, 1448);
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [45, 5]);
    assert.ok(written[0].length - 10 <= MAX_SUPER_PACKET);
    assertSame(written, specs);
  });
});

describe('IPv4 identification', () => {
  test('with DF=0 consecutive numbers merge and come back, across 65535 too', () => {
    const specs = p.run({ family: 4, dontFragment: false, identification: 0xfffe }, 4, 100);
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [4]);
    assert.deepEqual(
      written.flatMap(p.split).map(hex),
      specs.map((s) => hex(p.build(s))),
    );
  });

  test('with DF=0 another number keeps packets apart', () => {
    const specs = p.run({ family: 4, dontFragment: false }, 2, 100, (i) => ({ identification: i * 2 }));
    assert.deepEqual(sizes(coalesce(specs).written), [1, 1]);
  });

  test('with DF=1 it says nothing (RFC 6864 §4.1)', () => {
    const specs = p.run({ family: 4 }, 3, 100, (i) => ({ identification: i * 999 }));
    assert.deepEqual(sizes(coalesce(specs).written), [3]);
  });

  test('DF=1 and DF=0 stay apart, and so do packets with a wrong header checksum', () => {
    const specs = p.run({ family: 4 }, 2, 100, (i) => ({ dontFragment: i === 0 }));
    assert.deepEqual(sizes(coalesce(specs).written), [1, 1]);
    const slab = makeSlab(SLAB_SIZE);
    const list = p.load(slab, p.run({ family: 4 }, 2, 100));
    slab.bytes[list.offset[1] + 10] ^= 1;
    const out = makeWriteList(2, 2);
    makeCoalescer({ tcp: true, udp: false, maxPackets: 2 }).coalesce(slab, list, out);
    assert.equal(out.packets, 2);
  });
});

describe('UDP', () => {
  for (const family of [4, 6] as const) {
    test(`T-O-01 datagrams of one IPv${family} flow become one super-packet with the last one shorter`, () => {
      const specs = p.run({ family, protocol: 'udp' }, 20, 64, (i) => (i === 19 ? { payload: p.payloadOf(1) } : {}));
      const { written } = coalesce(specs);
      assert.deepEqual(sizes(written), [20]);
      assert.equal(written[0][1], 5, 'GSO_UDP_L4');
      assertSame(written, specs);
    });
  }

  test('a longer datagram and one behind a shorter start anew', () => {
    const lengths = [64, 64, 65, 60, 60];
    const specs = p.run({ protocol: 'udp' }, 5, 64, (i) => ({ payload: p.payloadOf(lengths[i], i) }));
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [2, 2, 1]);
    assertSame(written, specs);
  });

  test('a datagram without a checksum goes alone', () => {
    const slab = makeSimdSlab(SLAB_SIZE);
    const list = p.load(slab, p.run({ family: 4, protocol: 'udp' }, 3, 64));
    slab.view.setUint16(list.offset[1] + 20 + 6, 0);
    const out = makeWriteList(3, 3);
    makeCoalescer({ tcp: true, udp: true, maxPackets: 3 }).coalesce(slab, list, out);
    assert.equal(out.packets, 3);
  });

  test('without USO in the device UDP passes as it is while TCP merges', () => {
    const specs = [...p.run({ protocol: 'udp' }, 3, 64), ...p.run({}, 3, 64)];
    const { written } = coalesce(specs, { tcp: true, udp: false });
    assert.deepEqual(sizes(written), [1, 1, 1, 3]);
  });
});

describe('order', () => {
  test('four interleaved flows merge into four super-packets', () => {
    const flows = [0, 1, 2, 3].map((f) => p.run({ family: f < 2 ? 4 : 6, sourcePort: 1000 + f }, 8, 500));
    const specs = Array.from({ length: 32 }, (_, i) => flows[i % 4][i >> 2]);
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [8, 8, 8, 8]);
    assertSame(written, flows.flat());
  });

  test('a packet that cannot merge closes its flow, so nothing overtakes it', () => {
    const specs = p.run({}, 5, 100, (i) => (i === 2 ? { window: 9 } : {}));
    const { written } = coalesce(specs);
    assert.deepEqual(sizes(written), [2, 1, 2]);
    assertSame(written, specs);
  });

  for (const family of [4, 6] as const) {
    test(`an IPv${family} fragment closes all groups, because its flow cannot be seen`, () => {
      const fragment = { ...p.BASE, family, protocol: 'udp' as const, fragmentOffset: 5, dontFragment: false };
      const segments = p.run({ family }, 4, 100);
      const specs = [segments[0], segments[1], fragment, segments[2], segments[3]];
      const { written } = coalesce(specs);
      assert.deepEqual(sizes(written), [2, 1, 2]);
    });
  }

  test('an ICMPv6 packet between two segments is in nobody’s way', () => {
    const slab = makeSimdSlab(SLAB_SIZE);
    const list = p.load(slab, p.run({}, 3, 100));
    slab.bytes[list.offset[1] + 6] = 58;
    const out = makeWriteList(3, 3);
    makeCoalescer({ tcp: true, udp: true, maxPackets: 3 }).coalesce(slab, list, out);
    assert.equal(out.packets, 3);
    slab.view.setUint32(list.offset[2] + 44, 1100);
    slab.bytes[list.offset[2] - 10] = 2;
    makeCoalescer({ tcp: true, udp: true, maxPackets: 3 }).coalesce(slab, list, out);
    assert.deepEqual(sizes(p.gather(slab, out)), [2, 1]);
  });

  test('a super-packet of its own passes as it is and closes its flow', () => {
    const slab = makeSimdSlab(SLAB_SIZE);
    const list = p.load(slab, p.run({ checksum: 'partial' }, 3, 100));
    slab.bytes.set([1, 4, 72, 0, 50, 0, 40, 0, 16, 0], list.offset[1] - 10);
    const before = hex(slab.bytes.subarray(list.offset[1] - 10, list.offset[1] + list.length[1]));
    const out = makeWriteList(3, 3);
    makeCoalescer({ tcp: true, udp: true, maxPackets: 3 }).coalesce(slab, list, out);
    assert.equal(out.packets, 3);
    assert.equal(hex(p.gather(slab, out)[1]), before);
  });

  test('a batch of more flows than the table is asked for keeps every packet', () => {
    const specs = Array.from({ length: MAX_PACKETS }, (_, i) => ({
      ...p.BASE,
      sourcePort: 1 + (i % 200),
      sequence: i,
    }));
    assert.equal(coalesce(specs).written.flatMap(p.split).length, MAX_PACKETS);
  });
});

describe('batches', () => {
  test('with both protocols off each packet is one piece, untouched', () => {
    const specs = p.run({}, 5, 100);
    const { written, coalescer } = coalesce(specs, { tcp: false, udp: false });
    assert.deepEqual(
      written.map((w) => hex(w.subarray(10))),
      specs.map((s) => hex(p.build(s))),
    );
    assert.deepEqual(coalescer.counters, { mergedPackets: 0, groups: 0 });
  });

  test('an empty batch writes nothing, and the next one starts from scratch', () => {
    const slab = makeSlab(SLAB_SIZE);
    const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: 8 });
    const out = makeWriteList(8, 8);
    for (const count of [3, 0, 4]) {
      coalescer.coalesce(slab, p.load(slab, p.run({}, count, 50)), out);
      assert.equal(out.packets, Math.min(count, 1));
      assert.equal(out.pieces, count);
    }
    const other = makeSimdSlab(SLAB_SIZE);
    coalescer.coalesce(other, p.load(other, p.run({}, 5, 50)), out);
    assert.deepEqual(sizes(p.gather(other, out)), [5]);
  });

  test('more packets than agreed is a bug and throws', () => {
    const slab = makeSlab(1024);
    const list = makePacketList(3);
    for (let i = 0; i < 3; i++) append(list, 64, 40);
    const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: 2 });
    assert.throws(() => coalescer.coalesce(slab, list, makeWriteList(3, 3)), RangeError);
    assert.throws(
      () => makeCoalescer({ tcp: true, udp: true, maxPackets: 3 }).coalesce(slab, list, makeWriteList(2, 3)),
      RangeError,
    );
  });

  test('a packet cut at every length is passed on and nothing else is read', () => {
    for (const spec of [p.BASE, { ...p.BASE, family: 4 as const }, { ...p.BASE, protocol: 'udp' as const }]) {
      const whole = p.build(spec);
      for (let length = 0; length < whole.length; length++) {
        const slab = makeSlab(64 + length);
        slab.bytes.set(whole.subarray(0, length), 64);
        const list = makePacketList(2);
        append(list, 64, length);
        append(list, 64, length);
        const out = makeWriteList(2, 2);
        makeCoalescer({ tcp: true, udp: true, maxPackets: 2 }).coalesce(slab, list, out);
        assert.equal(out.packets, 2);
      }
    }
  });
});
